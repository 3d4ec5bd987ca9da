/*
 * The feed: records of a task's inputs in exactly the batches of its journal.
 *
 * One reader serves all inputs; what it gives of an input whose turn has not come is kept, and an
 * input of which much is kept is paused. Records are copies. Thread: one at a time; blocks.
 * Errors: those of the log; MR_E_REPLAY_GONE.
 */
#ifndef MR_ENGINE_REPLAY_FEED_H
#define MR_ENGINE_REPLAY_FEED_H

#include "engine/history/moment.h"

typedef struct mr_feed mr_feed;

MR_MUST_USE mr_status mr_feed_open(mr_log *log, const mr_clock *clock, mr_feed **feed,
                                   mr_error *err);
void mr_feed_close(mr_feed *feed);

/* Inputs are numbered from 0, in the order they are added. */
MR_MUST_USE mr_status mr_feed_add(mr_feed *feed, const char *topic, int32_t partition,
                                  int64_t offset, mr_error *err);

/* The records of `input` up to, not including, `until`, of which the last one lies in front of it.
 * They are valid until the next call. MR_RECOVERY_RETRY, a few times a second: they have not come
 * yet. */
MR_MUST_USE mr_status mr_feed_take(mr_feed *feed, uint32_t input, int64_t until,
                                   mr_records *records, mr_error *err);

#endif
