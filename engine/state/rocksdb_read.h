/*
 * Reading entries of a RocksDB store: many keys at once, and in order.
 *
 * Thread: whoever calls holds the database's lock; a cursor holds it from its begin to its end, for
 * the database may be opened anew by another thread.
 */
#ifndef MR_ENGINE_STATE_ROCKSDB_READ_H
#define MR_ENGINE_STATE_ROCKSDB_READ_H

#include "engine/ports/store.h"
#include "engine/state/rocksdb_database.h"

/* The entry under an iterator; borrowed until that moves. MR_E_STORE_DAMAGED. */
MR_MUST_USE mr_status mr_rocksdb_entry_at(const rocksdb_iterator_t *at, const char *path,
                                          mr_store_change *entry, mr_error *err);

/* As the `find` of a store. */
MR_MUST_USE mr_status mr_rocksdb_find(
    const mr_rocksdb_database *database, const rocksdb_readoptions_t *options, const char *path,
    const mr_store_change *keys, size_t count,
    mr_status (*visit)(void *context, size_t number, const mr_store_change *entry, mr_error *err),
    void *context, mr_error *err);

/* Begins at the first entry not before `from`. */
mr_store_cursor *mr_rocksdb_seek(mr_rocksdb_database *database,
                                 const rocksdb_readoptions_t *options, const char *path,
                                 const mr_store_change *from);

#endif
