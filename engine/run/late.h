/*
 * The late relation: what `v$late` holds besides the columns of the late-judging operator's input.
 *
 *   late_operator  STRING NOT NULL      id of the operator that judged
 *   window_start   TIMESTAMP(3)         first window the row missed (NULL: no windows)
 *   window_end     TIMESTAMP(3)         last window the row missed
 *   late_watermark TIMESTAMP(3)         the watermark the row was judged by
 *   late_by_ms     BIGINT NOT NULL      watermark - (last window's end - 1),
 *                                       or watermark - event time
 *   row_kind       STRING NOT NULL      "+I", "-U", "+U", "-D"
 */
#ifndef MR_ENGINE_RUN_LATE_H
#define MR_ENGINE_RUN_LATE_H

#include "engine/batch/batch.h"

#define MR_LATE_COLUMNS 6

/* Names and types of the six columns, in order. */
extern const mr_field mr_late_columns[MR_LATE_COLUMNS];

/* Facts about the i-th late row. */
typedef struct mr_late_fact {
    uint32_t row;                           /* in the input batch */
    int64_t window_start_ms, window_end_ms; /* MR_TIME_NONE: NULL */
    int64_t watermark_ms;
    int64_t late_by_ms;
} mr_late_fact;

/* How much the watermark is ahead, cut where a number ends: the input that a row is late for may
 * have ended (MR_TIME_MAX). */
static inline int64_t mr_late_by(int64_t watermark_ms, int64_t time_ms)
{
    int64_t by;
    return __builtin_sub_overflow(watermark_ms, time_ms, &by) ? INT64_MAX : by;
}

/* A batch of the late rows: input columns gathered, then the six columns; hidden columns kept. */
mr_batch mr_late_batch(const mr_batch *input, const char *operator_id, const mr_late_fact *facts,
                       uint32_t count, mr_arena *arena);

/* Headers of a late row that goes to a topic: __millrace.late.operator, .watermark, .window.start,
 * .window.end, .by.ms; text, times in ms; what there is none of is left out. At the end of the
 * input (watermark MR_TIME_MAX) there is no watermark to name. Memory: `arena`. */
const mr_header *mr_late_headers(const mr_row_late *late, mr_arena *arena, uint32_t *count);

#endif
