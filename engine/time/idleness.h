/*
 * Idleness is proven, not timed: an input is idle when it is caught up with a freshly asked end, no
 * upstream transaction is open, nothing is buffered, nobody paused it, and the idle timeout has
 * passed since all of that held without a break. Any record, any open transaction, any pause starts
 * over.
 */
#ifndef MR_ENGINE_TIME_IDLENESS_H
#define MR_ENGINE_TIME_IDLENESS_H

#include "engine/ports/reader.h"

typedef struct mr_idleness {
    int64_t timeout_ms; /* 0: never idle */
    int64_t since_ms;   /* monotonic; MR_TIME_NONE: not caught up */
    int64_t position;   /* where it stood at since_ms */
} mr_idleness;

/* All-zero but the timeout; not caught up. */
void mr_idleness_init(mr_idleness *idleness, int64_t timeout_ms);

/* A record came: not idle, start over. */
void mr_idleness_on_record(mr_idleness *idleness);

/* True when the ends prove that nothing can be read and nothing is under way. */
bool mr_input_is_caught_up(const mr_input_ends *ends);

/* Feeds freshly asked ends; returns whether the input is idle now. */
bool mr_idleness_observe(mr_idleness *idleness, const mr_input_ends *ends, int64_t now_ms);

#endif
