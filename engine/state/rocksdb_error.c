#include "engine/state/rocksdb_error.h"

#include "engine/base/assert.h"
#include "engine/ports/store.h"

#include <rocksdb/c.h>
#include <string.h>

/* What the machine refused, as opposed to what the files hold. */
static bool is_environment(const char *message)
{
    static const char *const signs[] = {"No space left",       "Permission denied",
                                        "Too many open files", "Read-only file system",
                                        "Disk quota exceeded", "Cannot allocate memory"};
    for (size_t i = 0; i < MR_LENGTH(signs); i++)
        if (strstr(message, signs[i]) != NULL)
            return true;
    return false;
}

mr_status mr_rocksdb_failed(const char *path, const char *what, char *message, mr_status otherwise,
                            mr_error *err)
{
    bool is_damaged = otherwise == MR_E_STORE_DAMAGED ? !is_environment(message)
                                                      : strncmp(message, "Corruption", 10) == 0;
    mr_status code = is_damaged                        ? MR_E_STORE_DAMAGED
                     : otherwise == MR_E_STORE_DAMAGED ? MR_E_STORE_OPEN
                                                       : otherwise;
    mr_error_set(err, code, "%s %.*s: %s", what, MR_ROCKSDB_PATH_SHOWN, path, message);
    rocksdb_free(message);
    return code;
}

mr_status mr_rocksdb_damaged(const char *path, const char *why, mr_error *err)
{
    return mr_error_set(err, MR_E_STORE_DAMAGED, "local store %.*s: %s", MR_ROCKSDB_PATH_SHOWN,
                        path, why);
}
