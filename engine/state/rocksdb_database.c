#include "engine/state/rocksdb_database.h"

#include "engine/base/assert.h"

#include <string.h>

#define FILES_OPEN_MAX 128
#define LEVEL_WARN 2
#define MEMTABLE_BLOOM 0.1 /* of the memtable's size */
#define RUNS_LIKE_PERCENT 10
#define RUNS_MERGED_LEAST 4

static void set_table_options(rocksdb_options_t *options, rocksdb_cache_t *cache)
{
    rocksdb_block_based_table_options_t *table = rocksdb_block_based_options_create();
    rocksdb_block_based_options_set_block_cache(table, cache);
    rocksdb_block_based_options_set_filter_policy(table,
                                                  rocksdb_filterpolicy_create_bloom_full(10));
    /* Index and filter blocks in the cache too: otherwise they are memory that nobody counts. */
    rocksdb_block_based_options_set_cache_index_and_filter_blocks(table, 1);
    /* And in pieces: one filter for all keys of a file is megabytes, which no shard of a small
     * cache holds, and was read again for each key. */
    rocksdb_block_based_options_set_index_type(
        table, rocksdb_block_based_table_index_type_two_level_index_search);
    rocksdb_block_based_options_set_partition_filters(table, 1);
    rocksdb_block_based_options_set_pin_top_level_index_and_filter(table, 1);
    rocksdb_options_set_block_based_table_factory(options, table);
    rocksdb_block_based_options_destroy(table);
}

/* Keys of a job whose state is beyond memory come from all over the range: in levels, each few
 * megabytes that are flushed are merged with all of the next level, which took a quarter of such a
 * job's CPU. Sorted runs of like size are merged instead, four and more at a time; that costs room
 * on disk while all of them are. But files made elsewhere can only be runs then, each by itself,
 * and a restore that brings a base in comes to a stand: that one makes levels, which take them as
 * they are, until the database is opened the next time. */
static void set_compaction(rocksdb_options_t *options, bool has_levels)
{
    if (has_levels)
        return;
    rocksdb_universal_compaction_options_t *runs = rocksdb_universal_compaction_options_create();
    rocksdb_universal_compaction_options_set_size_ratio(runs, RUNS_LIKE_PERCENT);
    rocksdb_universal_compaction_options_set_min_merge_width(runs, RUNS_MERGED_LEAST);
    rocksdb_options_set_compaction_style(options, rocksdb_universal_compaction);
    rocksdb_options_set_universal_compaction_options(options, runs);
    rocksdb_universal_compaction_options_destroy(runs);
}

/* Keys that are looked for are there, most of them (engine/state/key_filter.h): so they are in none
 * of the memtables, mostly, and in the last run, whose filters would take as much of the cache as
 * all others. What it costs: of a slice that a restart found, keys that are new are looked for in
 * vain there, 8 us each instead of 2. */
static void set_filters(rocksdb_options_t *options)
{
    rocksdb_options_set_memtable_prefix_bloom_size_ratio(options, MEMTABLE_BLOOM);
    rocksdb_options_set_memtable_whole_key_filtering(options, 1);
    rocksdb_options_set_optimize_filters_for_hits(options, 1);
}

static rocksdb_options_t *make_options(const mr_rocksdb_database *database, int compression)
{
    rocksdb_options_t *options = rocksdb_options_create();
    rocksdb_options_set_create_if_missing(options, 1);
    rocksdb_options_set_paranoid_checks(options, 1);
    rocksdb_options_set_compression(options, compression);
    rocksdb_options_set_write_buffer_size(options, database->memtable_bytes);
    rocksdb_options_set_max_write_buffer_number(options, 2);
    rocksdb_options_set_max_background_jobs(options, 2);
    rocksdb_options_set_max_open_files(options, FILES_OPEN_MAX);
    rocksdb_options_set_max_file_opening_threads(options, 1); /* 16 threads for a file or two */
    rocksdb_options_set_info_log_level(options, LEVEL_WARN);
    rocksdb_options_set_keep_log_file_num(options, 2);
    rocksdb_options_set_stats_dump_period_sec(options, 0);
    rocksdb_options_set_stats_persist_period_sec(options, 0);
    set_table_options(options, database->cache);
    set_compaction(options, database->has_levels);
    set_filters(options);
    return options;
}

static void close_one(rocksdb_t *db, rocksdb_column_family_handle_t *family)
{
    if (db == NULL)
        return;
    rocksdb_column_family_handle_destroy(family);
    rocksdb_close(db);
}

/* A RocksDB built without lz4 says so when it opens. */
static char *open_with(mr_rocksdb_database *database, bool is_to_write, rocksdb_t **db,
                       rocksdb_column_family_handle_t **family)
{
    const char *const name = "default";
    const int compressions[] = {rocksdb_lz4_compression, rocksdb_no_compression};
    char *message = NULL;
    for (size_t i = 0; i < MR_LENGTH(compressions); i++) {
        rocksdb_free(message);
        message = NULL;
        rocksdb_options_t *options = make_options(database, compressions[i]);
        const rocksdb_options_t *of_family = options;
        *db = is_to_write ? rocksdb_open_column_families(options, database->path, 1, &name,
                                                         &of_family, family, &message)
                          : rocksdb_open_for_read_only_column_families(
                                options, database->path, 1, &name, &of_family, family, 0, &message);
        rocksdb_options_destroy(options);
        database->compression = compressions[i];
        if (message == NULL)
            return NULL;
        *db = NULL;
        if (strstr(message, "Compression type") == NULL)
            return message;
    }
    return message;
}

void mr_rocksdb_database_init(mr_rocksdb_database *database, const char *path,
                              rocksdb_cache_t *cache, size_t memtable_bytes)
{
    *database =
        (mr_rocksdb_database){.path = path, .cache = cache, .memtable_bytes = memtable_bytes};
    pthread_mutex_init(&database->lock, NULL);
}

char *mr_rocksdb_database_open(mr_rocksdb_database *database, bool is_there)
{
    return is_there ? open_with(database, false, &database->db, &database->family) : NULL;
}

char *mr_rocksdb_database_awake(mr_rocksdb_database *database, bool is_for_bulk)
{
    pthread_mutex_lock(&database->lock);
    if (!database->is_awake)
        database->has_levels = is_for_bulk && database->db == NULL;
    char *message = NULL;
    rocksdb_t *db = NULL;
    rocksdb_column_family_handle_t *family = NULL;
    if (!database->is_awake)
        message = open_with(database, true, &db, &family);
    if (db != NULL) {
        close_one(database->db, database->family);
        database->db = db;
        database->family = family;
        database->is_awake = true;
    }
    pthread_mutex_unlock(&database->lock);
    return message;
}

rocksdb_t *mr_rocksdb_database_written(mr_rocksdb_database *database)
{
    pthread_mutex_lock(&database->lock);
    rocksdb_t *db = database->is_awake ? database->db : NULL;
    pthread_mutex_unlock(&database->lock);
    return db;
}

rocksdb_options_t *mr_rocksdb_database_options(const mr_rocksdb_database *database)
{
    return make_options(database, database->compression);
}

void mr_rocksdb_database_release(mr_rocksdb_database *database)
{
    close_one(database->db, database->family);
    pthread_mutex_destroy(&database->lock);
}
