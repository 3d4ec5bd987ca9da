/*
 * A walk over a slice in the order of its keys, whether they are in memory or not.
 *
 *   in memory   | range | range | ..   sorted one range at a time: some 10,000 keys
 *   in store    | ............... |   a cursor, open during a call only
 *
 * The two are merged; what is in memory wins. A walk survives anything: each call says behind which
 * key it goes on, and ranges are made anew when entries came, went or left in between.
 * Thread: the engine's. Memory: a range of addresses; results are the caller's or lie in its arena.
 */
#ifndef MR_ENGINE_STATE_WALK_H
#define MR_ENGINE_STATE_WALK_H

#include "engine/state/slice.h"

typedef struct mr_walk {
    mr_slice *slice;
    mr_entry **range; /* sorted */
    uint32_t range_count, range_capacity;
    uint32_t next;  /* in the range */
    bool is_made;   /* there is a range */
    bool is_last;   /* nothing in memory lies behind it */
    uint64_t moves; /* of the slice, when it was made */
    mr_buffer high; /* where it ends, itself included, unless it is the last */
} mr_walk;

/* All-zero but for the slice; to be released. */
mr_walk mr_walk_of(mr_slice *slice);
void mr_walk_release(mr_walk *walk);

/* The first `max` entries behind `after` (NULL: of all), rising; `*count` below `max`: those are
 * the last. Of calls to one walk `after` must rise. Keys and values are valid until the slice
 * changes or `arena` is reset; values must not be changed. */
MR_MUST_USE mr_status mr_walk_next(mr_walk *walk, const mr_string *after, uint32_t max,
                                   mr_arena *arena, mr_slice_entry *entries, uint32_t *count,
                                   mr_error *err);

#endif
