/*
 * What the scan of a state log does with the epochs it has read: into the state, and towards the
 * local store. Included by log_scan.c alone.
 *
 * A base in the log may hold more than memory. Changes wait in the request's pending list and go to
 * the store in a few large pieces, each in order. Once the state has as many entries as a local
 * store is read whole for (load_entries_max), further ones that may leave memory are not made
 * there: they are on their way to the store and come when rows ask for them, as after a restart
 * from it. Then nothing may be left of the list when the scan ends.
 */
#ifndef MR_ENGINE_COMMIT_LOG_LOAD_H
#define MR_ENGINE_COMMIT_LOG_LOAD_H

#include "engine/commit/log_scan.h"

/* Loads the chunks of one epoch, which is the next link of the chain. */
MR_MUST_USE mr_status mr_log_load_epoch(mr_log_scan *s, const mr_epoch_record *record,
                                        mr_error *err);

/* What was read goes to the local store on the way, and leaves memory, where it would take too
 * much. Amid a base in parts the store says that it is unfinished: whoever finds it so begins
 * anew. */
MR_MUST_USE mr_status mr_log_load_relieve(mr_log_scan *s, mr_error *err);

/* The log has been read to its end. */
MR_MUST_USE mr_status mr_log_load_end(mr_log_scan *s, mr_error *err);

#endif
