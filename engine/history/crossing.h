/*
 * Crossing: a task that is moved, and its exchanges. What it had not heard goes into their topics,
 * behind all that lies there, and it begins to read just there. Where nothing is on its way from an
 * upstream, it counts as having heard all up to the moved epoch.
 *
 * Thread: one; blocks. Errors: those of the log and of the spool.
 */
#ifndef MR_ENGINE_HISTORY_CROSSING_H
#define MR_ENGINE_HISTORY_CROSSING_H

#include "engine/history/transplant.h"

/* Epoch that the task has behind the move. */
uint64_t mr_crossing_epoch(const mr_transplant_task *task);

/* The topic of an exchange for the job that is written. */
const char *mr_crossing_topic(const char *job, const mr_exchange *exchange, mr_arena *arena);

/* Into the open transaction of `writer`. Inputs of `record` that are exchanges are replaced, and
 * which topics its exchanges are, in `arena`. */
MR_MUST_USE mr_status mr_crossing_write(const mr_transplant *transplant, uint32_t task,
                                        mr_log_writer *writer, mr_arena *arena,
                                        mr_epoch_record *record, mr_error *err);

#endif
