/*
 * Order in which the groups of a window leave: by hash, then by key, the same on every machine.
 *
 * Hashes are spread evenly, so their upper bits say almost where an entry belongs: entries are
 * dealt to about as many buckets as there are entries, and only within a bucket are they compared.
 * Thread: pure. Memory: the given arena.
 */
#ifndef MR_OPERATORS_WINDOW_ORDER_H
#define MR_OPERATORS_WINDOW_ORDER_H

#include "engine/state/table.h"

/* The `count` entries in order: `entries` itself, or a copy in `arena` (`entries` is scratch
 * then). */
mr_slice_entry *mr_window_order(mr_slice_entry *entries, uint32_t count, mr_arena *arena);

#endif
