/*
 * A batch: up to MR_BATCH_ROWS_MAX rows in columns, with hidden columns and a selection.
 *
 * Invariants: every column has `rows` values; `selection` holds `selected` rising row numbers, or
 * is NULL and `selected == rows`. A batch comes from one input partition (or from one operator) and
 * never outlives the call it is passed in. Operators narrow a batch by giving the next one a
 * smaller selection; they never write into a batch they were given.
 *
 * Hidden columns (NULL where a relation has none):
 *   event_time  ms, the time attribute (MR_TIME_NONE where it is NULL)
 *   watermark   ms, the task's watermark made by the rows *before* this row: what late rows
 *               are judged by
 *   kind        row kinds; NULL: all +I
 *   record      index into `records`, the fetch that the rows were decoded from
 *   late        of rows of a late relation: how late they were
 */
#ifndef MR_ENGINE_BATCH_BATCH_H
#define MR_ENGINE_BATCH_BATCH_H

#include "engine/batch/record.h"
#include "engine/batch/vector.h"

#define MR_BATCH_ROWS_MAX 4096

typedef enum mr_row_kind {
    MR_ROW_INSERT = 0,        /* +I */
    MR_ROW_UPDATE_BEFORE = 1, /* -U */
    MR_ROW_UPDATE_AFTER = 2,  /* +U */
    MR_ROW_DELETE = 3,        /* -D */
} mr_row_kind;

/* How a row was late: what its late relation says, whatever is left of its columns later. */
typedef struct mr_row_late {
    const char *operator;                   /* id of the one that judged */
    int64_t window_start_ms, window_end_ms; /* first start, last end missed; MR_TIME_NONE: none */
    int64_t watermark_ms;
    int64_t by_ms;
} mr_row_late;

typedef struct mr_batch {
    uint32_t rows;
    uint32_t columns_count;
    mr_vector *columns;
    uint32_t selected;
    const uint32_t *selection;
    int64_t *event_time;
    int64_t *watermark;
    uint8_t *kind;
    const mr_records *records;
    uint32_t *record;
    mr_row_late *late;
    mr_arena *arena; /* lives as long as the batch */
} mr_batch;

/* An empty frame of `columns_count` columns and `rows` rows in `arena`; columns are zeroed, all
 * selected. */
mr_batch mr_batch_new(uint32_t columns_count, uint32_t rows, mr_arena *arena);

/* Row number of the i-th selected row. */
static inline uint32_t mr_batch_row(const mr_batch *batch, uint32_t i)
{
    return batch->selection != NULL ? batch->selection[i] : i;
}

/* A batch with only the selected rows, in order, hidden columns included (new arrays in
 * `arena`). */
mr_batch mr_batch_compact(const mr_batch *batch, mr_arena *arena);

/* The same batch under another selection. */
mr_batch mr_batch_select(const mr_batch *batch, const uint32_t *selection, uint32_t selected);

#endif
