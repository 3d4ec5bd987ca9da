/*
 * How a batch gets into a database of RocksDB: slices that are dropped first, then the entries and
 * the marker in one piece, as a write or, if it is long, as files of its own (rocksdb_bulk).
 * Thread: the store's.
 */
#ifndef MR_ENGINE_STATE_ROCKSDB_WRITE_H
#define MR_ENGINE_STATE_ROCKSDB_WRITE_H

#include "engine/state/rocksdb_batch.h"
#include "engine/state/rocksdb_database.h"

/* All borrowed. */
typedef struct mr_rocksdb_way {
    const mr_rocksdb_database *database; /* awake */
    rocksdb_readoptions_t *read;
    rocksdb_writeoptions_t *write;
    rocksdb_flushoptions_t *flush;
    size_t bulk_bytes_min; /* of entries that go as files */
} mr_rocksdb_way;

/* MR_E_STORE_WRITE, MR_E_STORE_DAMAGED: of the entries and the marker nothing is there. */
MR_MUST_USE mr_status mr_rocksdb_write(const mr_rocksdb_way *way, const mr_store_plan *plan,
                                       const mr_store_marker *marker, mr_error *err);

#endif
