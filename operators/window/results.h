/*
 * Rows of windows on their way out: keys, bounds, what the aggregates make of their accumulators.
 *
 *   | keys.. | window_start | window_end | [window_time] | aggregates.. |
 *
 * A row whose aggregate fails (a sum beyond its type) leaves by the dead port, the others go on.
 * Thread: pure. Memory: the output's arena.
 */
#ifndef MR_OPERATORS_WINDOW_RESULTS_H
#define MR_OPERATORS_WINDOW_RESULTS_H

#include "operators/aggregate/accumulators.h"
#include "operators/window/window_aggregate.h"

/* Bounds of one entry's window, in ms. */
typedef struct mr_window_bounds {
    int64_t start, end; /* as window_start and window_end show them */
    int64_t time;       /* window_time, and the event time of the row */
} mr_window_bounds;

/* `bounds`: one for each of the `count` entries. */
mr_status mr_window_emit(const mr_window_config *config, const mr_accumulators *accumulators,
                         const mr_slice_entry *entries, const mr_window_bounds *bounds,
                         uint32_t count, mr_output *out, mr_error *err);

#endif
