/*
 * The entries of a simulated store: (table, slice, key) -> value, sorted.
 *
 * A sorted array is enough for the few thousand entries of a simulated job and easy to trust.
 * An all-zero value is empty. Memory: entries own copies of their bytes.
 */
#ifndef MR_TESTS_SIM_ENTRIES_H
#define MR_TESTS_SIM_ENTRIES_H

#include "engine/ports/store.h"

typedef struct mr_sim_entries {
    mr_store_change *entry; /* all PUT; key and value in one block that `key` points to */
    size_t count;
    size_t capacity;
} mr_sim_entries;

void mr_sim_entries_release(mr_sim_entries *entries);
void mr_sim_entries_apply(mr_sim_entries *entries, const mr_store_change *change);
/* `entries` becomes a copy of `from`. */
void mr_sim_entries_copy(mr_sim_entries *entries, const mr_sim_entries *from);

/* < 0, 0, > 0: by table, slice and key. */
int mr_sim_entries_order(const mr_store_change *a, const mr_store_change *b);

/* The place of the first entry that is not before `change`; true: it is its own. */
bool mr_sim_entries_find(const mr_sim_entries *entries, const mr_store_change *change, size_t *at);

/* A change with bytes of its own in one block, and its end. */
mr_store_change mr_sim_change_copy(const mr_store_change *change);
void mr_sim_change_release(mr_store_change *change);

#endif
