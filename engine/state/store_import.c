#include "engine/state/store_import.h"

#include "engine/base/assert.h"
#include "engine/state/folder.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

typedef struct store_import {
    mr_store_import base; /* first */
    char *store, *path;
} store_import;

static store_import *self_of(mr_store_import *base)
{
    return (store_import *)base;
}

static mr_status import_write(mr_store_import *base, const char *file, uint64_t offset,
                              const char *bytes, size_t length, mr_error *err)
{
    return mr_folder_write(self_of(base)->path, file, offset, bytes, length, err);
}

static mr_status import_read(mr_store_import *base, const char *file, uint64_t offset, char *to,
                             size_t length, mr_error *err)
{
    return mr_folder_read(self_of(base)->path, file, offset, to, length, err);
}

static mr_status import_finish(mr_store_import *base, mr_error *err)
{
    store_import *self = self_of(base);
    mr_status status = mr_folder_flush(self->path, err);
    if (status == MR_OK)
        status = mr_folder_remove(self->store, err);
    if (status == MR_OK && rename(self->path, self->store) != 0)
        status = mr_error_set(err, MR_E_STORE_WRITE, "cannot rename %s: %s", self->path,
                              strerror(errno));
    return status;
}

static void import_close(mr_store_import *base)
{
    store_import *self = self_of(base);
    mr_error ignored;
    (void)!mr_folder_remove(self->path, &ignored); /* else the next import does */
    free(self->store);
    free(self->path);
    free(self);
}

static const mr_store_import_class import_class = {
    .write = import_write,
    .read = import_read,
    .finish = import_finish,
    .close = import_close,
};

mr_status mr_store_import_open(const char *path, mr_store_import **import, mr_error *err)
{
    store_import *self = calloc(1, sizeof *self);
    MR_ASSERT(self != NULL);
    self->base.class = &import_class;
    self->store = mr_folder_beside(path, "");
    self->path = mr_folder_beside(path, ".import");
    mr_status status = mr_folder_remove(self->path, err); /* of a process that died */
    if (status == MR_OK && mkdir(self->path, 0777) != 0)
        status =
            mr_error_set(err, MR_E_STORE_WRITE, "cannot make %s: %s", self->path, strerror(errno));
    if (status != MR_OK) {
        import_close(&self->base);
        return status;
    }
    *import = &self->base;
    return MR_OK;
}
