/*
 * Intake: rows of a batch on their way into the slices of a window aggregate, before an exchange
 * and behind it.
 *
 * The caller judges rows and lists those that are taken, with the id of their slice (grid.h);
 * intake makes their keys and adds them to the groups, slice by slice. Memory: lists in the batch's
 * arena. Thread: the engine's.
 */
#ifndef MR_OPERATORS_WINDOW_INTAKE_H
#define MR_OPERATORS_WINDOW_INTAKE_H

#include "engine/state/table.h"
#include "operators/aggregate/accumulators.h"
#include "operators/window/window_aggregate.h"

typedef struct mr_window_intake {
    const mr_window_config *config;
    const mr_accumulators *accumulators;
    mr_table *groups;
    mr_table *distinct; /* NULL: no DISTINCT aggregates */
    const mr_batch *batch;
    mr_arena *arena;
    uint32_t *rows; /* [batch->selected] taken, in batch order */
    int64_t *ids;   /* slice id of each */
    uint32_t count;
    mr_string *keys; /* intake's own */
    uint64_t *hashes;
} mr_window_intake;

/* Adds the rows listed. The lists are used up. */
void mr_window_take(mr_window_intake *intake);

/* False: no window can hold a row of that time, and `errors` says why. */
bool mr_window_may_hold(const mr_grid *grid, int64_t time_ms, uint32_t row, mr_row_errors *errors);

/* The slice of the last row judged: rows that follow each other mostly share it. Times in
 * [from_ms, to_ms) under a watermark below open_ms go to `id` without a division. */
typedef struct mr_near_slice {
    int64_t from_ms, to_ms, open_ms, id;
} mr_near_slice;

mr_near_slice mr_near_slice_of(const mr_grid *grid, int64_t slice);

#endif
