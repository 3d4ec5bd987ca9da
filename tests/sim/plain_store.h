/*
 * A local store in memory on which nothing goes wrong: for tests of what is kept in one.
 *
 * Thread: one. Memory: its entries; all-zero is not ready, `_init` it.
 */
#ifndef MR_TESTS_SIM_PLAIN_STORE_H
#define MR_TESTS_SIM_PLAIN_STORE_H

#include "tests/sim/entries.h"

typedef struct mr_plain_store {
    mr_local_store store; /* first; find, seek and bytes only */
    mr_sim_entries entries;
    uint64_t finds, seeks;
    uint64_t failing; /* 0: none; else that many calls from now on one fails, and all behind it */
} mr_plain_store;

void mr_plain_store_init(mr_plain_store *store);
void mr_plain_store_release(mr_plain_store *store);

#endif
