#include "engine/state/rocksdb_store.h"

#include "engine/base/assert.h"
#include "engine/base/buffer.h"
#include "engine/state/rocksdb_batch.h"
#include "engine/state/rocksdb_bulk.h"
#include "engine/state/rocksdb_database.h"
#include "engine/state/rocksdb_error.h"
#include "engine/state/rocksdb_image.h"
#include "engine/state/rocksdb_marker.h"
#include "engine/state/rocksdb_read.h"
#include "engine/state/rocksdb_write.h"
#include "engine/state/store_import.h"

#include <dirent.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define CACHE_DEFAULT ((size_t)16 << 20)
#define MEMTABLE_DEFAULT ((size_t)8 << 20)
#define CACHE_SHARD_BITS 1
#define READ_AHEAD ((size_t)1 << 20)
#define BULK_DEFAULT ((size_t)12 << 20)

typedef struct rocksdb_factory {
    mr_store_factory base; /* first */
    mr_state_dir *dir;
    mr_budget *budget;
    rocksdb_cache_t *cache;
    size_t cache_counted;
    size_t memtable_bytes;
    size_t bulk_bytes_min;
    struct rocksdb_store *open; /* one that sleeps is locked by nobody else */
} rocksdb_factory;

typedef struct rocksdb_store {
    mr_local_store base; /* first */
    rocksdb_factory *factory;
    struct rocksdb_store *next; /* that is open */
    mr_rocksdb_database database;
    rocksdb_readoptions_t *read; /* of scans */
    rocksdb_readoptions_t *walk; /* of cursors, which often end soon */
    rocksdb_readoptions_t *look; /* for keys */
    rocksdb_writeoptions_t *write;
    rocksdb_flushoptions_t *flush;
    size_t memory_counted;
    char path[MR_STATE_PATH_MAX];
} rocksdb_store;

static rocksdb_store *store_of(mr_local_store *base)
{
    return (rocksdb_store *)base;
}

/* ---- memory ---- */

static void recount(rocksdb_store *store)
{
    uint64_t memtables = 0;
    rocksdb_t *written = mr_rocksdb_database_written(&store->database);
    if (written != NULL)
        rocksdb_property_int(written, "rocksdb.cur-size-all-mem-tables", &memtables);
    mr_budget_add(store->factory->budget, MR_BUDGET_ROCKSDB,
                  (int64_t)memtables - (int64_t)store->memory_counted);
    store->memory_counted = (size_t)memtables;
    size_t cache = rocksdb_cache_get_usage(store->factory->cache);
    mr_budget_add(store->factory->budget, MR_BUDGET_ROCKSDB,
                  (int64_t)cache - (int64_t)store->factory->cache_counted);
    store->factory->cache_counted = cache;
}

/* ---- the store ---- */

static mr_status has_no_entries(rocksdb_store *store, mr_error *err)
{
    rocksdb_iterator_t *at = rocksdb_create_iterator(store->database.db, store->read);
    rocksdb_iter_seek_to_first(at);
    bool is_empty = !rocksdb_iter_valid(at);
    char *message = NULL;
    rocksdb_iter_get_error(at, &message);
    rocksdb_iter_destroy(at);
    if (message != NULL)
        return mr_rocksdb_failed(store->path, "cannot read", message, MR_E_STORE_DAMAGED, err);
    return is_empty ? MR_OK : mr_rocksdb_damaged(store->path, "it has entries but no marker", err);
}

static mr_status read_marker(rocksdb_store *store, mr_store_marker *marker, mr_error *err)
{
    if (store->database.db == NULL)
        return MR_OK;
    char *message = NULL;
    size_t length = 0;
    char *bytes = rocksdb_get(store->database.db, store->read, MR_ROCKSDB_MARKER_KEY,
                              MR_ROCKSDB_MARKER_KEY_LENGTH, &length, &message);
    if (message != NULL)
        return mr_rocksdb_failed(store->path, "cannot read", message, MR_E_STORE_DAMAGED, err);
    if (bytes == NULL)
        return has_no_entries(store, err);
    mr_status status = mr_rocksdb_marker_decode(store->path, bytes, length, marker, err);
    rocksdb_free(bytes);
    return status;
}

static mr_status store_marker(mr_local_store *base, mr_store_marker *marker, mr_error *err)
{
    rocksdb_store *store = store_of(base);
    *marker = (mr_store_marker){0};
    pthread_mutex_lock(&store->database.lock);
    mr_status status = read_marker(store, marker, err);
    pthread_mutex_unlock(&store->database.lock);
    return status;
}

static mr_status awake(rocksdb_store *store, bool is_for_bulk, mr_error *err)
{
    char *message = mr_rocksdb_database_awake(&store->database, is_for_bulk);
    if (message == NULL)
        return MR_OK;
    if (strstr(message, "lock file") == NULL && strstr(message, "lock hold") == NULL)
        return mr_rocksdb_failed(store->path, "cannot open", message, MR_E_STORE_DAMAGED, err);
    mr_error_set(err, MR_E_STORE_LOCKED, "local store %.*s is in use: %s", MR_ROCKSDB_PATH_SHOWN,
                 store->path, message);
    rocksdb_free(message);
    return MR_E_STORE_LOCKED;
}

static mr_status store_apply(mr_local_store *base, const mr_store_change *changes, size_t count,
                             const mr_store_marker *marker, mr_error *err)
{
    rocksdb_store *store = store_of(base);
    mr_store_plan plan;
    mr_store_plan_init(&plan, changes, count);
    mr_status status =
        awake(store, mr_rocksdb_bulk_is_worth(&plan, store->factory->bulk_bytes_min), err);
    const mr_rocksdb_way way = {.database = &store->database,
                                .read = store->read,
                                .write = store->write,
                                .flush = store->flush,
                                .bulk_bytes_min = store->factory->bulk_bytes_min};
    if (status == MR_OK)
        status = mr_rocksdb_write(&way, &plan, marker, err);
    mr_store_plan_release(&plan);
    recount(store);
    return status;
}

static mr_status scan(rocksdb_store *store,
                      mr_status (*visit)(void *context, const mr_store_change *entry,
                                         mr_error *err),
                      void *context, mr_error *err)
{
    if (store->database.db == NULL)
        return MR_OK;
    rocksdb_iterator_t *at = rocksdb_create_iterator(store->database.db, store->read);
    mr_status status = MR_OK;
    for (rocksdb_iter_seek_to_first(at); rocksdb_iter_valid(at) && status == MR_OK;
         rocksdb_iter_next(at)) {
        size_t length;
        const char *key = rocksdb_iter_key(at, &length);
        if (mr_rocksdb_is_marker(key, length))
            continue;
        mr_store_change entry;
        status = mr_rocksdb_entry_at(at, store->path, &entry, err);
        if (status == MR_OK)
            status = visit(context, &entry, err);
    }
    char *message = NULL;
    if (status == MR_OK)
        rocksdb_iter_get_error(at, &message);
    rocksdb_iter_destroy(at);
    return message == NULL
               ? status
               : mr_rocksdb_failed(store->path, "cannot read", message, MR_E_STORE_DAMAGED, err);
}

static mr_status store_scan(mr_local_store *base,
                            mr_status (*visit)(void *context, const mr_store_change *entry,
                                               mr_error *err),
                            void *context, mr_error *err)
{
    rocksdb_store *store = store_of(base);
    pthread_mutex_lock(&store->database.lock);
    mr_status status = scan(store, visit, context, err);
    pthread_mutex_unlock(&store->database.lock);
    recount(store);
    return status;
}

static mr_status store_find(mr_local_store *base, const mr_store_change *keys, size_t count,
                            mr_status (*visit)(void *context, size_t number,
                                               const mr_store_change *entry, mr_error *err),
                            void *context, mr_error *err)
{
    rocksdb_store *store = store_of(base);
    pthread_mutex_lock(&store->database.lock);
    mr_status status = mr_rocksdb_find(&store->database, store->look, store->path, keys, count,
                                       visit, context, err);
    pthread_mutex_unlock(&store->database.lock);
    return status;
}

static mr_status store_seek(mr_local_store *base, const mr_store_change *from,
                            mr_store_cursor **cursor, mr_error *err)
{
    (void)err;
    rocksdb_store *store = store_of(base);
    *cursor = mr_rocksdb_seek(&store->database, store->walk, store->path, from);
    return MR_OK;
}

static uint64_t store_entries(mr_local_store *base)
{
    rocksdb_store *store = store_of(base);
    uint64_t entries = 0;
    pthread_mutex_lock(&store->database.lock);
    if (store->database.db != NULL)
        rocksdb_property_int(store->database.db, "rocksdb.estimate-num-keys", &entries);
    pthread_mutex_unlock(&store->database.lock);
    return entries;
}

static mr_status store_flush(mr_local_store *base, mr_error *err)
{
    rocksdb_store *store = store_of(base);
    char *message = NULL;
    rocksdb_t *written = mr_rocksdb_database_written(&store->database);
    if (written != NULL)
        rocksdb_flush(written, store->flush, &message);
    recount(store);
    return message == NULL
               ? MR_OK
               : mr_rocksdb_failed(store->path, "cannot flush", message, MR_E_STORE_WRITE, err);
}

static mr_status store_image(mr_local_store *base, mr_store_image **image, mr_error *err)
{
    rocksdb_store *store = store_of(base);
    mr_status status = awake(store, false, err);
    return status == MR_OK ? mr_rocksdb_image_make(store->database.db, store->path, image, err)
                           : status;
}

static void store_free(rocksdb_store *store)
{
    rocksdb_store **at = &store->factory->open;
    while (*at != NULL && *at != store)
        at = &(*at)->next;
    if (*at != NULL)
        *at = store->next;
    mr_rocksdb_database_release(&store->database);
    mr_budget_add(store->factory->budget, MR_BUDGET_ROCKSDB, -(int64_t)store->memory_counted);
    rocksdb_flushoptions_destroy(store->flush);
    rocksdb_writeoptions_destroy(store->write);
    rocksdb_readoptions_destroy(store->read);
    rocksdb_readoptions_destroy(store->walk);
    rocksdb_readoptions_destroy(store->look);
    free(store);
}

static void store_close(mr_local_store *base)
{
    rocksdb_store *store = store_of(base);
    /* A failure to flush loses newest batches only, which the state log still has. */
    char *message = NULL;
    rocksdb_t *written = mr_rocksdb_database_written(&store->database);
    if (written != NULL)
        rocksdb_flush(written, store->flush, &message);
    rocksdb_free(message);
    store_free(store);
}

static const mr_store_class store_class = {
    .marker = store_marker,
    .apply = store_apply,
    .scan = store_scan,
    .find = store_find,
    .seek = store_seek,
    .entries = store_entries,
    .flush = store_flush,
    .image = store_image,
    .close = store_close,
};

/* ---- the factory ---- */

static rocksdb_factory *factory_of(mr_store_factory *base)
{
    return base->state;
}

/* RocksDB would quietly make a new database where the file that names the current one is gone. What
 * a process left of a long batch that died in it goes: it may be as large as all the rest. */
static mr_status check_files(const rocksdb_store *store, bool *is_there, mr_error *err)
{
    *is_there = false;
    DIR *folder = opendir(store->path);
    if (folder == NULL)
        return MR_OK; /* none yet, or what the system refuses, which RocksDB will say */
    bool has_current = false, has_data = false;
    for (struct dirent *entry; (entry = readdir(folder)) != NULL;) {
        const char *suffix = strrchr(entry->d_name, '.');
        has_current = has_current || strcmp(entry->d_name, "CURRENT") == 0;
        has_data = has_data || (suffix != NULL && strcmp(suffix, ".sst") == 0);
        if (mr_rocksdb_bulk_is_leftover(entry->d_name))
            (void)unlinkat(dirfd(folder), entry->d_name, 0); /* else the next opening does */
    }
    closedir(folder);
    *is_there = has_current;
    return has_data && !has_current
               ? mr_rocksdb_damaged(store->path, "its file CURRENT is missing", err)
               : MR_OK;
}

static mr_status open_database(rocksdb_store *store, mr_error *err)
{
    bool is_there;
    for (const rocksdb_store *other = store->factory->open; other != NULL; other = other->next)
        if (strcmp(other->path, store->path) == 0)
            return mr_error_set(err, MR_E_STORE_LOCKED, "local store %.*s is in use",
                                MR_ROCKSDB_PATH_SHOWN, store->path);
    mr_status status = check_files(store, &is_there, err);
    if (status != MR_OK)
        return status;
    char *message = mr_rocksdb_database_open(&store->database, is_there);
    return message == NULL
               ? MR_OK
               : mr_rocksdb_failed(store->path, "cannot open", message, MR_E_STORE_DAMAGED, err);
}

static rocksdb_store *store_new(rocksdb_factory *factory)
{
    rocksdb_store *store = calloc(1, sizeof *store);
    MR_ASSERT(store != NULL);
    store->base.class = &store_class;
    store->factory = factory;
    store->read = rocksdb_readoptions_create();
    rocksdb_readoptions_set_verify_checksums(store->read, 1);
    rocksdb_readoptions_set_fill_cache(store->read, 0); /* what is scanned does not come again */
    rocksdb_readoptions_set_readahead_size(store->read, READ_AHEAD);
    store->walk = rocksdb_readoptions_create();
    rocksdb_readoptions_set_verify_checksums(store->walk, 1);
    rocksdb_readoptions_set_fill_cache(store->walk, 0);
    store->look = rocksdb_readoptions_create();
    rocksdb_readoptions_set_verify_checksums(store->look, 1);
    store->write = rocksdb_writeoptions_create();
    rocksdb_writeoptions_disable_WAL(store->write, 1);
    store->flush = rocksdb_flushoptions_create();
    rocksdb_flushoptions_set_wait(store->flush, 1);
    mr_rocksdb_database_init(&store->database, store->path, factory->cache,
                             factory->memtable_bytes);
    return store;
}

static mr_status factory_open(mr_store_factory *base, const char *job, uint32_t task,
                              mr_local_store **result, mr_error *err)
{
    rocksdb_factory *factory = factory_of(base);
    rocksdb_store *store = store_new(factory);
    *result = NULL;
    mr_status status =
        mr_state_dir_task(factory->dir, job, task, true, store->path, sizeof store->path, err);
    if (status == MR_OK)
        status = open_database(store, err);
    mr_store_marker marker;
    if (status == MR_OK)
        status = store_marker(&store->base, &marker, err);
    if (status != MR_OK) {
        store_free(store);
        return status;
    }
    store->next = factory->open;
    factory->open = store;
    recount(store);
    *result = &store->base;
    return MR_OK;
}

static mr_status factory_quarantine(mr_store_factory *base, const char *job, uint32_t task,
                                    char *where, size_t where_size, mr_error *err)
{
    return mr_state_dir_quarantine(factory_of(base)->dir, job, task, where, where_size, err);
}

static mr_status factory_remove(mr_store_factory *base, const char *job, uint32_t task,
                                mr_error *err)
{
    return mr_state_dir_remove(factory_of(base)->dir, job, task, err);
}

static mr_status factory_import(mr_store_factory *base, const char *job, uint32_t task,
                                mr_store_import **import, mr_error *err)
{
    char path[MR_STATE_PATH_MAX];
    mr_status status =
        mr_state_dir_task(factory_of(base)->dir, job, task, true, path, sizeof path, err);
    return status == MR_OK ? mr_store_import_open(path, import, err) : status;
}

/* By default a cache of 16 MiB is cut into 32 shards, each too small for what hot blocks may meet
 * in it; we have one thread that looks, and two that compact. */
static rocksdb_cache_t *make_cache(size_t bytes)
{
    rocksdb_lru_cache_options_t *options = rocksdb_lru_cache_options_create();
    rocksdb_lru_cache_options_set_capacity(options, bytes);
    rocksdb_lru_cache_options_set_num_shard_bits(options, CACHE_SHARD_BITS);
    rocksdb_cache_t *cache = rocksdb_cache_create_lru_opts(options);
    rocksdb_lru_cache_options_destroy(options);
    return cache;
}

mr_store_factory *mr_rocksdb_factory_new(mr_state_dir *dir, const mr_rocksdb_settings *settings,
                                         mr_budget *budget)
{
    rocksdb_factory *factory = calloc(1, sizeof *factory);
    MR_ASSERT(factory != NULL);
    mr_rocksdb_settings given = settings != NULL ? *settings : (mr_rocksdb_settings){0};
    factory->dir = dir;
    factory->budget = budget;
    factory->memtable_bytes = given.memtable_bytes != 0 ? given.memtable_bytes : MEMTABLE_DEFAULT;
    factory->bulk_bytes_min = given.bulk_bytes_min != 0 ? given.bulk_bytes_min : BULK_DEFAULT;
    factory->cache = make_cache(given.cache_bytes != 0 ? given.cache_bytes : CACHE_DEFAULT);
    factory->base = (mr_store_factory){
        .open = factory_open,
        .quarantine = factory_quarantine,
        .remove = factory_remove,
        .import = factory_import,
        .state = factory,
    };
    return &factory->base;
}

void mr_rocksdb_factory_set_cache(mr_store_factory *factory, size_t cache_bytes)
{
    rocksdb_cache_set_capacity(factory_of(factory)->cache, cache_bytes);
}

void mr_rocksdb_factory_free(mr_store_factory *base)
{
    if (base == NULL)
        return;
    rocksdb_factory *factory = factory_of(base);
    mr_budget_add(factory->budget, MR_BUDGET_ROCKSDB, -(int64_t)factory->cache_counted);
    rocksdb_cache_destroy(factory->cache);
    free(factory);
}
