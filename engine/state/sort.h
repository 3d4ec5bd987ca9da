/*
 * Sorting entries by key bytes, the shorter first among equals: the order of deltas and of RocksDB.
 *
 * Keys are compared eight bytes at a time, most significant first; large runs are cut by a radix
 * pass instead of comparisons. Thread: no shared state. Memory: scratch for the call.
 */
#ifndef MR_ENGINE_STATE_SORT_H
#define MR_ENGINE_STATE_SORT_H

#include "engine/state/entry.h"

/* < 0, 0, > 0. */
int mr_entry_compare(const mr_entry *a, const mr_entry *b);

/* Sorts `count` entries in place. Stable. */
void mr_entry_sort(mr_entry **entries, uint32_t count);

#endif
