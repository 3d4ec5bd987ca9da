/*
 * What a list of changes comes to: the order of writes of one batch of the RocksDB store.
 *
 * A list may hold the deltas of several epochs one after the other. Of several changes of one key
 * the last counts, and none that a later drop of its slice undoes: a slice that came and went
 * within the list is never written. Drops go first, then entries rising by (table, slice, key),
 * because RocksDB takes a sorted batch four times as fast. Memory: arrays of pointers into the
 * list, which is borrowed.
 */
#ifndef MR_ENGINE_STATE_ROCKSDB_BATCH_H
#define MR_ENGINE_STATE_ROCKSDB_BATCH_H

#include "engine/ports/store.h"

#define MR_STORE_PREFIX 10u

typedef struct mr_store_plan {
    const mr_store_change **drops;
    size_t drops_count;
    const mr_store_change **entries;
    size_t entries_count;
} mr_store_plan;

void mr_store_plan_init(mr_store_plan *plan, const mr_store_change *changes, size_t count);
void mr_store_plan_release(mr_store_plan *plan);

/* The first MR_STORE_PREFIX bytes of a key; order of bytes is order of (table, slice). */
void mr_store_prefix(uint16_t table, int64_t slice, char *to);
void mr_store_prefix_read(const char *bytes, uint16_t *table, int64_t *slice);

#endif
