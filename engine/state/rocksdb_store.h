/*
 * The local store of a task in RocksDB, one database a task below a worker's state directory.
 *
 * One column family, no write-ahead log: the state log in Kafka is the truth, and a crash loses
 * whole batches from the newest on. A batch and its marker are one atomic write. The database is
 * opened for writing by the first one (rocksdb_database).
 *
 *   key     u16 table, big-endian | i64 slice, big-endian, sign bit flipped | key bytes
 *           so that byte order is (table, slice, key)
 *   value   as given
 *   marker  at key ff ff 'marker' (table 0xffff is no table):
 *           u32 format version (1) | u64 plan version | u64 epoch | i64 log offset
 *           | u32 checksum of the last delta | u32 mr_checksum of the 32 bytes before
 *           all little-endian
 *
 * Entries without a marker, a marker of another version, a missing file, a wrong checksum and any
 * failure to read are MR_E_STORE_DAMAGED. A full disk or a lack of rights is MR_E_STORE_OPEN or
 * MR_E_STORE_WRITE: the contents are fine.
 *
 * Thread: each store by one thread; RocksDB has its own for flushing and compaction.
 * Memory: one block cache for all stores, counted with the memtables as MR_BUDGET_ROCKSDB.
 */
#ifndef MR_ENGINE_STATE_ROCKSDB_STORE_H
#define MR_ENGINE_STATE_ROCKSDB_STORE_H

#include "engine/base/budget.h"
#include "engine/state/state_dir.h"

typedef struct mr_rocksdb_settings {
    size_t cache_bytes;    /* shared by all stores; 0: 16 MiB */
    size_t memtable_bytes; /* of each store; 0: 8 MiB */
    size_t bulk_bytes_min; /* of a batch that goes in as files of its own; 0: 12 MiB */
} mr_rocksdb_settings;

/* Stores below `dir` (borrowed, held open for as long as the factory). `settings` and `budget` may
 * be NULL. Never NULL. */
mr_store_factory *mr_rocksdb_factory_new(mr_state_dir *dir, const mr_rocksdb_settings *settings,
                                         mr_budget *budget);

/* How much the stores' cache may hold from now on. */
void mr_rocksdb_factory_set_cache(mr_store_factory *factory, size_t cache_bytes);

/* All stores must be closed. */
void mr_rocksdb_factory_free(mr_store_factory *factory);

#endif
