/*
 * The groups of a window in the order of their keys, merged from slices that need not be in memory.
 *
 * Memory: some thousand groups at a time. Thread: the engine's.
 */
#ifndef MR_OPERATORS_WINDOW_ORDERED_H
#define MR_OPERATORS_WINDOW_ORDERED_H

#include "engine/state/walk.h"
#include "operators/aggregate/accumulators.h"

typedef struct mr_window_ordered {
    mr_walk *walks; /* one a slice; NULL: not begun */
    uint32_t walks_count;
} mr_window_ordered;

/* Takes one more slice of the window. */
void mr_window_ordered_add(mr_window_ordered *ordered, mr_slice *slice);
void mr_window_ordered_release(mr_window_ordered *ordered);

/* The next `max` groups behind `after` (NULL: of all), in `arena` or where they lie; fewer: there
 * are no more. Valid until a slice changes. Of calls `after` must rise. */
MR_MUST_USE mr_status mr_window_ordered_next(mr_window_ordered *ordered,
                                             const mr_accumulators *accumulators,
                                             const mr_string *after, uint32_t max, mr_arena *arena,
                                             mr_slice_entry *entries, uint32_t *count,
                                             mr_error *err);

#endif
