/*
 * A database of RocksDB that sleeps until it is written to.
 *
 * Opening one for writing makes a new manifest and a new file of options, each synced, and has cost
 * a restart 10 ms before its first record. Reading what was there needs none of that: the database
 * is opened for reading only, or not at all where there is none yet, and a second time, for
 * writing, when the first change comes.
 *
 *   nothing   there is no database: `db` is NULL, which is what an empty one comes to
 *   reading   what was there when it was opened
 *   writing   from the first `awake` on, until it is closed
 *
 * Thread: one, but for `awake`, which any may call: whoever reads holds `lock` meanwhile, for `db`
 * may be another one afterwards.
 */
#ifndef MR_ENGINE_STATE_ROCKSDB_DATABASE_H
#define MR_ENGINE_STATE_ROCKSDB_DATABASE_H

#include "engine/base/error.h"

#include <pthread.h>
#include <rocksdb/c.h>
#include <stdbool.h>

typedef struct mr_rocksdb_database {
    pthread_mutex_t lock;
    rocksdb_t *db;                          /* NULL: there is none */
    rocksdb_column_family_handle_t *family; /* the only one of `db` */
    bool is_awake;
    bool has_levels; /* while it is open: made for files from elsewhere */
    const char *path;
    rocksdb_cache_t *cache;
    size_t memtable_bytes;
    int compression; /* with which it was opened */
} mr_rocksdb_database;

/* `path` and `cache` are borrowed. Release it in any case. */
void mr_rocksdb_database_init(mr_rocksdb_database *database, const char *path,
                              rocksdb_cache_t *cache, size_t memtable_bytes);

/* Opens what is there, asleep; or tells with RocksDB's words (to be freed with rocksdb_free) why
 * not. `is_there`: a database is. */
char *mr_rocksdb_database_open(mr_rocksdb_database *database, bool is_there);

/* For writing, from now on; RocksDB's words if that fails: what was there can be read still.
 * `is_for_bulk`: what comes first are files made elsewhere, and more of them. */
char *mr_rocksdb_database_awake(mr_rocksdb_database *database, bool is_for_bulk);

/* The database once it is awake; NULL before. */
rocksdb_t *mr_rocksdb_database_written(mr_rocksdb_database *database);

/* What files of it are to be made with; to be destroyed. */
rocksdb_options_t *mr_rocksdb_database_options(const mr_rocksdb_database *database);

/* Changes of the last batches that were not flushed are lost. */
void mr_rocksdb_database_release(mr_rocksdb_database *database);

#endif
