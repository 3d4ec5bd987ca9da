/*
 * Imports of files as a task's store (engine/ports/store.h), gathered in `<store>.import`.
 *
 * `finish` flushes them, removes the old store, renames. A crash in between leaves no store, or a
 * part of the old one, which is damaged: either is rebuilt, for the log is the truth.
 */
#ifndef MR_ENGINE_STATE_STORE_IMPORT_H
#define MR_ENGINE_STATE_STORE_IMPORT_H

#include "engine/ports/store.h"

/* `path`: of the task's store; its parents exist. */
MR_MUST_USE mr_status mr_store_import_open(const char *path, mr_store_import **import,
                                           mr_error *err);

#endif
