/*
 * Aggregates: fixed-size accumulators that rows are added to, that merge, and that give a result.
 *
 *   kind     accumulator (in an entry's value, aligned to 16)
 *   COUNT    i64 count
 *   SUM, AVG over integers, DECIMAL:  u128 low | i64 count of non-NULL | i64 high
 *            over FLOAT, DOUBLE:      f64 sum | i64 count
 *   MIN, MAX i128 / f64 / string view | has (i64)
 *
 * Integer and DECIMAL sums are exact in 192 bits and checked against the result type when the
 * window fires, so neither order nor pre-aggregation can matter: an integer out of range fails the
 * row, a DECIMAL beyond its precision is NULL. AVG of integers truncates, of DECIMAL rounds HALF_UP
 * (SQL_SURFACE: result DECIMAL(38, max(6, s))). NULLs are skipped, COUNT(*) counts all. Strings
 * kept by MIN and MAX are copied into the slice's arena. A DISTINCT aggregate is fed each value
 * once; telling which is new is the caller's (distinct set).
 */
#ifndef MR_OPERATORS_AGGREGATE_AGGREGATE_H
#define MR_OPERATORS_AGGREGATE_AGGREGATE_H

#include "engine/base/buffer.h"
#include "engine/batch/batch.h"
#include "engine/batch/row_error.h"

typedef enum mr_aggregate_kind {
    MR_AGGREGATE_COUNT = 0,
    MR_AGGREGATE_SUM,
    MR_AGGREGATE_MIN,
    MR_AGGREGATE_MAX,
    MR_AGGREGATE_AVG,
} mr_aggregate_kind;

typedef struct mr_aggregate {
    mr_aggregate_kind kind;
    bool is_distinct;
    int32_t argument; /* input column; -1: COUNT(*) */
    int32_t filter;   /* BOOLEAN input column; -1: none */
    mr_type argument_type;
    mr_type result_type;
} mr_aggregate;

/* Bytes of one accumulator; a multiple of 16. All-zero is "no rows yet". */
uint32_t mr_aggregate_size(const mr_aggregate *aggregate);

/* Rows to add: row rows[i] goes to the accumulator at values[i] + offset. */
typedef struct mr_aggregate_rows {
    const mr_vector *argument; /* NULL: COUNT(*) */
    const uint32_t *rows;
    uint32_t count;
    void *const *values;     /* [count] entry values */
    uint32_t offset;         /* of this accumulator within a value */
    mr_arena *const *arenas; /* [count]: the slice's, for strings */
} mr_aggregate_rows;

void mr_aggregate_add(const mr_aggregate *aggregate, const mr_aggregate_rows *rows);

/* Adds accumulator `from` to `to`; kept strings are copied into `arena` unless it is NULL (then
 * they are borrowed from `from`). */
void mr_aggregate_merge(const mr_aggregate *aggregate, void *to, const void *from, mr_arena *arena);

/* Writes the results of `count` accumulators (accumulators[i] + offset) to `result` (flat, of
 * result_type, `count` rows). A result out of range is a row error of row i, and NULL. */
void mr_aggregate_result(const mr_aggregate *aggregate, void *const *values, uint32_t offset,
                         uint32_t count, mr_vector *result, mr_arena *arena, mr_row_errors *errors);

/* How an accumulator travels in deltas. */
void mr_aggregate_write(const mr_aggregate *aggregate, const void *accumulator, mr_buffer *to);
bool mr_aggregate_read(const mr_aggregate *aggregate, mr_reader *from, void *accumulator,
                       mr_arena *arena);

const char *mr_aggregate_name(mr_aggregate_kind kind);

#endif
