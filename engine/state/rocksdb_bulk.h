/*
 * A long batch as files of RocksDB's own, which are taken in all at once.
 *
 * What a restore puts into a store is a few lists of many entries. As a write each of them goes
 * through a memtable, a flush and, since it reaches from one end of the keys to the other, two
 * compactions. Here it is written in order into new files, which RocksDB only links: to its lowest
 * level when no older entry lies between theirs, as the parts of a base by key are.
 *
 *   data files   entries of the batch in order, cut at FILE_BYTES
 *   marker file  the marker alone: within a data file it would have that reach to the last key
 *
 * All of them count from one moment on, or none does. Whatever was in the memtable must have been
 * flushed: it is older, and is not to be lost where this is kept. Thread: the store's.
 */
#ifndef MR_ENGINE_STATE_ROCKSDB_BULK_H
#define MR_ENGINE_STATE_ROCKSDB_BULK_H

#include "engine/state/rocksdb_batch.h"
#include "engine/state/rocksdb_database.h"
#include "engine/state/rocksdb_marker.h"

/* Whether the entries of a plan come to as many bytes. */
bool mr_rocksdb_bulk_is_worth(const mr_store_plan *plan, size_t bytes_min);

/* Writes the entries of a plan (not its drops) and the marker into an awake database. RocksDB's
 * words (to be freed with rocksdb_free) when that fails: nothing of it is there. */
char *mr_rocksdb_bulk_write(const mr_rocksdb_database *database, const mr_store_plan *plan,
                            const char marker[MR_ROCKSDB_MARKER_BYTES]);

/* Whether a file of a database's folder is of a batch that was not taken in: of no use when nothing
 * is being written. */
bool mr_rocksdb_bulk_is_leftover(const char *name);

#endif
