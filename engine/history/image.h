/*
 * A task as of a checkpoint, from the blob store alone: the files of its store, and the epoch
 * record in its manifest. The job's log need not be there any more.
 *
 * Thread: one; blocks. Errors: those of the blob store; MR_E_CHECKPOINT, also for a manifest
 * without the record (written by an older Millrace).
 */
#ifndef MR_ENGINE_HISTORY_IMAGE_H
#define MR_ENGINE_HISTORY_IMAGE_H

#include "engine/checkpoint/shelf.h"
#include "engine/history/moment.h"

/* The checkpoints of all tasks to begin from: `id` of `task`, and of each other one the newest that
 * was not taken later, else its oldest. `ids` [plan->tasks_count]. */
MR_MUST_USE mr_status mr_images_pick(const mr_moments *moments, uint32_t task, const char *id,
                                     char (*ids)[MR_MANIFEST_ID_SIZE], mr_error *err);

/* Needs plan, blobs, stores and budget of `moments`. `record` is decoded into `arena`. */
MR_MUST_USE mr_status mr_image_restore(const mr_moments *moments, uint32_t task, const char *id,
                                       const mr_task_io *io, mr_arena *arena, mr_task **restored,
                                       mr_epoch_record *record, mr_error *err);

#endif
