/*
 * Folders of files that lie beside a task's store: images and imports. Thread: no shared state.
 * Errors: MR_E_STORE_WRITE, with path and the system's reason.
 */
#ifndef MR_ENGINE_STATE_FOLDER_H
#define MR_ENGINE_STATE_FOLDER_H

#include "engine/ports/store.h"

/* "<path><suffix>"; the caller's to free. */
char *mr_folder_beside(const char *path, const char *suffix);

/* With all that is in it; fine when there is none. */
MR_MUST_USE mr_status mr_folder_remove(const char *path, mr_error *err);

/* All of `to` from a file in it. */
MR_MUST_USE mr_status mr_folder_read(const char *path, const char *file, uint64_t offset, char *to,
                                     size_t length, mr_error *err);

/* `length` bytes at `offset`; at 0 the file is made anew. */
MR_MUST_USE mr_status mr_folder_write(const char *path, const char *file, uint64_t offset,
                                      const char *bytes, size_t length, mr_error *err);

/* All files in it, and it, are on disk afterwards. */
MR_MUST_USE mr_status mr_folder_flush(const char *path, mr_error *err);

#endif
