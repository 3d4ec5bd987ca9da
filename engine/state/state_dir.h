/*
 * The state directory of a worker: who holds it, who it is, and where each task's store lies.
 *
 *   <path>/LOCK              held (flock) while the worker lives; names the holder
 *   <path>/instance          the persistent instance id, from which `group.instance.id` and the
 *                            transactional id derive: a restarted worker is back under its own name
 *   <path>/<job>/task-<n>/   one store; bytes of a job name but letters, digits, `_-.` become %XX
 *   <path>/<job>/task-<n>.damaged-<time>/   put aside
 *
 * Thread: one at a time. Memory: heap; the path is copied.
 * Errors: MR_E_STORE_LOCKED when another worker holds it, MR_E_STORE_OPEN for what the system
 * refuses.
 */
#ifndef MR_ENGINE_STATE_STATE_DIR_H
#define MR_ENGINE_STATE_STATE_DIR_H

#include "engine/ports/store.h"

#define MR_STATE_PATH_MAX 4096
#define MR_STATE_INSTANCE_MAX 100

typedef struct mr_state_dir mr_state_dir;

/* Makes the directory (and its parents) where needed, takes the lock, reads or makes the instance
 * id. */
mr_status mr_state_dir_open(const char *path, mr_state_dir **dir, mr_error *err);

/* Lets go of the lock. NULL is fine. */
void mr_state_dir_close(mr_state_dir *dir);

const char *mr_state_dir_path(const mr_state_dir *dir);

/* 32 hexadecimal digits, the same for this directory for ever, or the name given below. */
const char *mr_state_dir_instance(const mr_state_dir *dir);

/* Another instance id until `dir` is closed; the file stays as it is. False, and nothing changes:
 * it is not 1 to MR_STATE_INSTANCE_MAX letters, digits, `.`, `_`, `-`. */
bool mr_state_dir_set_instance(mr_state_dir *dir, const char *instance);

/* How much of an instance id people are shown: of one made here enough to tell it from others. */
int mr_state_instance_shown(const char *instance);

/* Path of a task's store; its parents are made when `make_parents`. */
mr_status mr_state_dir_task(const mr_state_dir *dir, const char *job, uint32_t task,
                            bool make_parents, char *path, size_t path_size, mr_error *err);

/* Renames a task's store out of the way; `where` gets its new path. */
mr_status mr_state_dir_quarantine(const mr_state_dir *dir, const char *job, uint32_t task,
                                  char *where, size_t where_size, mr_error *err);

/* Removes a task's store with all that is in it; fine when there is none. */
mr_status mr_state_dir_remove(const mr_state_dir *dir, const char *job, uint32_t task,
                              mr_error *err);

#endif
