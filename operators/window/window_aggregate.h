/*
 * Window aggregate: GROUP BY window_start, window_end and keys over TUMBLE, HOP or CUMULATE.
 *
 * One update per row, whatever size and slide are: a row enters the accumulators of its slice; a
 * window combines its slices when it fires (watermark >= end - 1), in order of ends, keys in order
 * of (hash, key). One timer per window end, derived from the slices there are. A slice is dropped
 * whole when its last window has fired. See grid.h for the arithmetic and for rows that are late
 * for some windows.
 *
 * Input 0 are rows. Input 1, where there is one, are groups that window_partial made of rows before
 * an exchange; all their windows are open.
 *
 * State tables: "groups" (slice id; group key -> accumulators), "distinct" (slice id; group key +
 * aggregate + value -> seen), "cursor" (one entry: last window fired, window being fired, rows
 * emitted). Output: keys.., window_start, window_end TIMESTAMP(3) NOT NULL, [window_time],
 * aggregates..; event time = window end - 1 ms. Append-only. Late: rows whose windows have all
 * fired. Dead: rows without a time; results out of range.
 */
#ifndef MR_OPERATORS_WINDOW_WINDOW_AGGREGATE_H
#define MR_OPERATORS_WINDOW_WINDOW_AGGREGATE_H

#include "engine/run/operator.h"
#include "operators/aggregate/aggregate.h"
#include "operators/window/grid.h"

enum {
    MR_E_ROW_WINDOW_TIME = 3202,  /* the row has no event time */
    MR_E_ROW_WINDOW_RANGE = 3204, /* its windows cannot be written down */
};

#define MR_WINDOW_INPUT_PARTIALS 1

typedef struct mr_window_config {
    mr_window_kind kind;
    int64_t size_ms;  /* SESSION: the gap */
    int64_t slide_ms; /* HOP's slide, CUMULATE's step; TUMBLE: the size */
    int64_t offset_ms;
    bool is_local; /* the time column is TIMESTAMP_LTZ: windows lie in the job's zone */
    uint32_t keys_count;
    const uint32_t *keys; /* input columns */
    const mr_type *key_types;
    uint32_t aggregates_count;
    const mr_aggregate *aggregates;
    bool has_window_time;
    mr_type window_time_type;
} mr_window_config;

extern const mr_operator_class mr_window_aggregate_class;

#endif
