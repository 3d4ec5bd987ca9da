/*
 * Sender: one upstream task's end of an exchange. Takes batches, gives frames.
 *
 * Rows wait as sections, by destination, until the frame is full or `flush`. Within an epoch the
 * frames for a downstream are numbered from 0. A frame that is full before the flush says nothing
 * of the watermark (it is MR_TIME_NONE there): what holds behind all rows of the flush may not hold
 * behind half of them. Nothing is kept from one epoch to the next but what was last said of the
 * watermark, so that a flush without news sends nothing; a new sender says it again.
 * Memory: at most about MR_FRAME_BODY_MAX a downstream, counted as MR_BUDGET_EXCHANGE; a flush
 * gives it back. Thread: the engine's.
 */
#ifndef MR_ENGINE_EXCHANGE_SENDER_H
#define MR_ENGINE_EXCHANGE_SENDER_H

#include "engine/base/budget.h"
#include "engine/base/error.h"
#include "engine/exchange/exchange.h"

typedef struct mr_sender mr_sender;

/* Where frames go; the bytes are borrowed for the call. */
typedef struct mr_sender_out {
    mr_status (*send)(void *context, uint32_t downstream, const char *frame, size_t length,
                      mr_error *err);
    void *context;
} mr_sender_out;

/* `budget` may be NULL. */
mr_sender *mr_sender_new(const mr_exchange *exchange, uint32_t upstream, mr_budget *budget);
void mr_sender_free(mr_sender *sender);

/* An epoch begins: the last one was flushed. (When an epoch is dropped its sender goes with it:
 * what it said did not happen.) */
void mr_sender_begin(mr_sender *sender, uint64_t epoch);

/* Takes the selected rows. Sends the frames that are full. */
mr_status mr_sender_put(mr_sender *sender, uint32_t relation, const mr_batch *batch,
                        mr_arena *arena, const mr_sender_out *out, mr_error *err);

/* Of the downstreams that were told last that the upstream is idle, those that rows wait for, and
 * with `is_awake` all, are sent what waits, without news of the watermark: they hear that it is
 * idle no longer before another upstream carries them on. `may_have_told`: of a new sender, that
 * the one before it said so. */
mr_status mr_sender_wake(mr_sender *sender, bool may_have_told, bool is_awake,
                         const mr_sender_out *out, mr_error *err);

/* Sends what waits, with how far the upstream is (its watermark never goes back), to all that have
 * not been told. */
mr_status mr_sender_flush(mr_sender *sender, int64_t watermark_ms, bool is_idle,
                          const mr_sender_out *out, mr_error *err);

#endif
