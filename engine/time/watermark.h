/*
 * Watermarks: one generator per input, their minimum, idleness, and the guard against the future.
 *
 * A watermark w says "no more rows with event time <= w on this input" (ms). All functions are
 * pure; the caller passes every time in. The vector of generators is persisted in the epoch record.
 *
 * Row i of a batch is judged against the watermark made by the rows before it, so no result depends
 * on where batches are cut.
 */
#ifndef MR_ENGINE_TIME_WATERMARK_H
#define MR_ENGINE_TIME_WATERMARK_H

#include "engine/batch/record.h"

#include <stdbool.h>
#include <stdint.h>

/* What one input has promised so far. Persisted whole. */
typedef struct mr_watermark {
    int64_t value_ms; /* MR_TIME_NONE: nothing yet; MR_TIME_MAX: the input has ended */
    bool is_idle;     /* does not hold the minimum back */
} mr_watermark;

typedef struct mr_watermark_guard {
    int64_t skew_max_ms; /* < 0: off */
} mr_watermark_guard;

/* Moves `wm` over `rows` candidate watermarks (value of the WATERMARK expression per row, ms;
 * MR_TIME_NONE: row makes no progress). `before[i]` gets the task-wide watermark before row i:
 * min(input's own prefix maximum, `others_ms`). `others_ms` is the minimum over the other live
 * inputs (MR_TIME_MAX: there are none). Rows flagged in `is_barred` (may be NULL) do not move
 * it. */
void mr_watermark_advance(mr_watermark *wm, const int64_t *candidate_ms, const uint8_t *is_barred,
                          uint32_t rows, int64_t others_ms, int64_t *before_ms);

/* Minimum over the inputs that are not idle; `previous_ms` when there are none, or none but ended
 * ones beside idle ones (which may go on), and never less than it. `skip` is left out (UINT32_MAX:
 * none). An input without a value holds at NONE. */
int64_t mr_watermark_minimum(const mr_watermark *inputs, uint32_t count, uint32_t skip,
                             int64_t previous_ms);

/* Flags rows whose event time is more than the guard's skew ahead of the reference time of their
 * record (`reference_ms[i]`, MR_TIME_NONE: not judged). Returns how many. */
uint32_t mr_watermark_guard_rows(const mr_watermark_guard *guard, const int64_t *event_time_ms,
                                 const int64_t *reference_ms, uint32_t rows, uint8_t *is_barred);

#endif
