/*
 * A key filter: says of a key that it was never added, or that it may have been.
 *
 * A split block Bloom filter (Putze, Sanders and Singler, "Cache-, hash- and space-efficient Bloom
 * filters", 2007): a key sets one bit in each of the eight words of one block of 32 bytes, so that
 * a question costs one cache miss. How many keys will come is not known, so it is a row of filters,
 * each at least as large as all before it together; a question asks them all. It takes 12 to 24
 * bits a key, from half a kilobyte on, and of keys that were never added 1 to 5 of 100 are taken
 * for some that may have been.
 *
 * Keys are known by their hash alone (mr_hash). Thread: the engine's.
 */
#ifndef MR_ENGINE_STATE_KEY_FILTER_H
#define MR_ENGINE_STATE_KEY_FILTER_H

#include "engine/base/budget.h"

#include <stdbool.h>
#include <stdint.h>

typedef struct mr_key_filter mr_key_filter;

/* Its bytes are counted as MR_BUDGET_TABLES. */
mr_key_filter *mr_key_filter_new(mr_budget *budget);
void mr_key_filter_free(mr_key_filter *filter); /* NULL: nothing */

void mr_key_filter_add(mr_key_filter *filter, uint64_t hash);

/* False: it was never added. */
bool mr_key_filter_may_hold(const mr_key_filter *filter, uint64_t hash);

size_t mr_key_filter_bytes(const mr_key_filter *filter);

#endif
