/*
 * Receiver: one downstream task's end of an exchange. Takes frames, gives judged batches and a
 * watermark.
 *
 * Per upstream it knows (watermark, idle, last frame); its own watermark is the minimum over the
 * upstreams that are not idle. It holds until all have been heard, while all are idle, and never
 * goes back. The whole vector is persisted (`save`, `load`).
 *
 * Row i of a frame is judged by what held before it: the minimum of the watermark that its upstream
 * made by the rows before it and of the other upstreams that are not idle, and no less than the
 * receiver's own. So with one upstream rows are judged as without an exchange. A frame's watermark
 * holds behind its rows.
 *
 * Order: of an upstream, a frame follows the one before it in the same epoch, or is the first one
 * of a later epoch. Anything else has been repeated, lost or overtaken and is refused before
 * anything of it has been handed out; so are frames of another plan or for another task.
 * Memory: batches live in the caller's arena; strings may point into the frame. Thread: the
 * engine's.
 */
#ifndef MR_ENGINE_EXCHANGE_RECEIVER_H
#define MR_ENGINE_EXCHANGE_RECEIVER_H

#include "engine/exchange/exchange.h"
#include "engine/exchange/frame.h"
#include "engine/time/watermark.h"

enum {
    MR_E_FRAME_PLAN = 4051,  /* written by another plan, or for another task */
    MR_E_FRAME_ORDER = 4052, /* not the one that has to follow */
};

typedef struct mr_receiver mr_receiver;

typedef struct mr_receiver_out {
    mr_status (*take)(void *context, uint32_t relation, const mr_batch *batch, mr_error *err);
    void *context;
} mr_receiver_out;

mr_receiver *mr_receiver_new(const mr_exchange *exchange, uint32_t downstream);
void mr_receiver_free(mr_receiver *receiver);

/* Hands out the rows of a frame, then counts what it says. After an error in the middle of a frame
 * the receiver is to be thrown away with the epoch. */
mr_status mr_receiver_take(mr_receiver *receiver, const char *frame, size_t length, mr_arena *arena,
                           const mr_receiver_out *out, mr_error *err);

/* MR_TIME_NONE: not all upstreams have been heard; MR_TIME_MAX: all have ended. */
int64_t mr_receiver_watermark(const mr_receiver *receiver);

/* No upstream is to be waited for: all are idle, or have ended beside idle ones. */
bool mr_receiver_is_idle(const mr_receiver *receiver);

/* The last frame heard of an upstream; false: none yet. */
bool mr_receiver_heard(const mr_receiver *receiver, uint32_t upstream, uint64_t *epoch,
                       uint64_t *number);

/* Whatever the upstream sent up to the end of this epoch counts as heard; a later one follows. */
#define MR_FRAMES_ALL UINT64_MAX
void mr_receiver_hear_all(mr_receiver *receiver, uint32_t upstream, uint64_t epoch);

/* Of a new receiver: it goes on from here, and holds until all upstreams have told. */
void mr_receiver_begin_at(mr_receiver *receiver, int64_t watermark_ms);

/* The upstream and number of the frame that was taken last, in this life. */
void mr_receiver_last(const mr_receiver *receiver, uint32_t *upstream, uint64_t *number);

/* How far an upstream is, as it has told. */
mr_watermark mr_receiver_mark(const mr_receiver *receiver, uint32_t upstream);

/* The vector as bytes: varint count of upstreams | own watermark zigzag | each: watermark zigzag,
 * flags u8 (1 idle, 2 heard), epoch varint, number varint. */
void mr_receiver_save(const mr_receiver *receiver, mr_buffer *to);

/* Into a new receiver. MR_E_STATE: malformed, or of another number of upstreams. */
mr_status mr_receiver_load(mr_receiver *receiver, const char *bytes, size_t length, mr_error *err);

#endif
