#include "connectors/blobs/name.h"

#include "engine/ports/blob.h"

#include <string.h>

static bool is_allowed(char c)
{
    return (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') ||
           strchr("._-%=/", c) != NULL;
}

bool mr_blob_name_is_good(const char *name)
{
    size_t length = strlen(name);
    if (length == 0 || length > MR_BLOB_NAME_MAX || name[length - 1] == '/')
        return false;
    char before = '/';
    for (size_t i = 0; i < length; i++) {
        if (!is_allowed(name[i]) || (before == '/' && (name[i] == '/' || name[i] == '.')))
            return false;
        before = name[i];
    }
    return true;
}
