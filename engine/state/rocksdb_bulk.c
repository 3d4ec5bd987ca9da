#include "engine/state/rocksdb_bulk.h"

#include "engine/base/assert.h"
#include "engine/base/buffer.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define FILE_BYTES ((size_t)48 << 20) /* of keys and values; compactions cut at 64 MiB */
#define NAME_BEGIN "bulk-"
#define NAME_SUFFIX ".tmp"
#define NAME_ROOM 32u

typedef struct bulk {
    const mr_rocksdb_database *database;
    rocksdb_envoptions_t *env;
    rocksdb_options_t *options;
    rocksdb_sstfilewriter_t *writer;
    char **files;
    size_t files_count;
    size_t bytes; /* of the file that is open */
    bool is_open;
    mr_buffer key;
} bulk;

static size_t bytes_of(const mr_store_change *change)
{
    return MR_STORE_PREFIX + (size_t)change->key_length + change->value_length;
}

bool mr_rocksdb_bulk_is_worth(const mr_store_plan *plan, size_t bytes_min)
{
    size_t bytes = 0;
    for (size_t i = 0; i < plan->entries_count && bytes < bytes_min; i++)
        bytes += bytes_of(plan->entries[i]);
    return bytes >= bytes_min;
}

static void bulk_init(bulk *b, const mr_rocksdb_database *database)
{
    *b = (bulk){.database = database,
                .env = rocksdb_envoptions_create(),
                .options = mr_rocksdb_database_options(database)};
    b->writer = rocksdb_sstfilewriter_create(b->env, b->options);
}

/* What was taken in is a file of the database, and the name here is gone. */
static void bulk_release(bulk *b)
{
    rocksdb_sstfilewriter_destroy(b->writer);
    rocksdb_options_destroy(b->options);
    rocksdb_envoptions_destroy(b->env);
    for (size_t i = 0; i < b->files_count; i++) {
        (void)unlink(b->files[i]);
        free(b->files[i]);
    }
    free(b->files);
    mr_buffer_release(&b->key);
}

bool mr_rocksdb_bulk_is_leftover(const char *name)
{
    size_t number, length = strlen(name), suffix = strlen(NAME_SUFFIX);
    return sscanf(name, NAME_BEGIN "%zu", &number) == 1 && length > suffix &&
           strcmp(name + length - suffix, NAME_SUFFIX) == 0;
}

/* Names that RocksDB passes over. */
static char *open_file(bulk *b)
{
    size_t room = strlen(b->database->path) + NAME_ROOM;
    char *name = malloc(room), *message = NULL;
    b->files = realloc(b->files, (b->files_count + 1) * sizeof *b->files);
    MR_ASSERT(name != NULL && b->files != NULL);
    snprintf(name, room, "%s/" NAME_BEGIN "%zu" NAME_SUFFIX, b->database->path, b->files_count);
    b->files[b->files_count++] = name;
    b->bytes = 0;
    b->is_open = true;
    rocksdb_sstfilewriter_open(b->writer, name, &message);
    return message;
}

static char *finish_file(bulk *b)
{
    char *message = NULL;
    if (b->is_open)
        rocksdb_sstfilewriter_finish(b->writer, &message);
    b->is_open = false;
    return message;
}

static char *add(bulk *b, const mr_store_change *change)
{
    char *message = b->bytes >= FILE_BYTES ? finish_file(b) : NULL;
    if (message == NULL && !b->is_open)
        message = open_file(b);
    if (message != NULL)
        return message;
    mr_buffer_clear(&b->key);
    mr_store_prefix(change->table, change->slice, mr_buffer_reserve(&b->key, MR_STORE_PREFIX));
    b->key.length = MR_STORE_PREFIX;
    mr_buffer_put(&b->key, change->key, change->key_length);
    if (change->operation == MR_STORE_PUT)
        rocksdb_sstfilewriter_put(b->writer, b->key.data, b->key.length, change->value,
                                  change->value_length, &message);
    else
        rocksdb_sstfilewriter_delete(b->writer, b->key.data, b->key.length, &message);
    b->bytes += bytes_of(change);
    return message;
}

static char *add_marker(bulk *b, const char marker[MR_ROCKSDB_MARKER_BYTES])
{
    char *message = finish_file(b);
    if (message == NULL)
        message = open_file(b);
    if (message == NULL)
        rocksdb_sstfilewriter_put(b->writer, MR_ROCKSDB_MARKER_KEY, MR_ROCKSDB_MARKER_KEY_LENGTH,
                                  marker, MR_ROCKSDB_MARKER_BYTES, &message);
    return message == NULL ? finish_file(b) : message;
}

static char *take_in(const bulk *b)
{
    char *message = NULL;
    rocksdb_ingestexternalfileoptions_t *options = rocksdb_ingestexternalfileoptions_create();
    rocksdb_ingestexternalfileoptions_set_move_files(options, 1);
    rocksdb_ingest_external_file(b->database->db, (const char *const *)b->files, b->files_count,
                                 options, &message);
    rocksdb_ingestexternalfileoptions_destroy(options);
    return message;
}

char *mr_rocksdb_bulk_write(const mr_rocksdb_database *database, const mr_store_plan *plan,
                            const char marker[MR_ROCKSDB_MARKER_BYTES])
{
    MR_ASSERT(database->is_awake);
    bulk b;
    bulk_init(&b, database);
    char *message = NULL;
    for (size_t i = 0; i < plan->entries_count && message == NULL; i++)
        message = add(&b, plan->entries[i]);
    if (message == NULL)
        message = add_marker(&b, marker);
    if (message == NULL)
        message = take_in(&b);
    bulk_release(&b);
    return message;
}
