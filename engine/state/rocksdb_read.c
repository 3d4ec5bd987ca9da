#include "engine/state/rocksdb_read.h"

#include "engine/base/assert.h"
#include "engine/base/buffer.h"
#include "engine/state/rocksdb_batch.h"
#include "engine/state/rocksdb_error.h"
#include "engine/state/rocksdb_marker.h"

#include <stdlib.h>

mr_status mr_rocksdb_entry_at(const rocksdb_iterator_t *at, const char *path,
                              mr_store_change *entry, mr_error *err)
{
    size_t key_length, value_length;
    const char *key = rocksdb_iter_key(at, &key_length);
    const char *value = rocksdb_iter_value(at, &value_length);
    if (key_length < MR_STORE_PREFIX)
        return mr_rocksdb_damaged(path, "a key is shorter than its prefix", err);
    if (key_length > UINT32_MAX || value_length > UINT32_MAX)
        return mr_rocksdb_damaged(path, "an entry of more than 4 GiB", err);
    *entry = (mr_store_change){
        .operation = MR_STORE_PUT,
        .key = key + MR_STORE_PREFIX,
        .key_length = (uint32_t)(key_length - MR_STORE_PREFIX),
        .value = value,
        .value_length = (uint32_t)value_length,
    };
    mr_store_prefix_read(key, &entry->table, &entry->slice);
    return MR_OK;
}

static void put_key(mr_buffer *to, const mr_store_change *key)
{
    mr_store_prefix(key->table, key->slice, mr_buffer_reserve(to, MR_STORE_PREFIX));
    to->length += MR_STORE_PREFIX;
    mr_buffer_put(to, key->key, key->key_length);
}

/* ---- many keys ---- */

/* The arrays that RocksDB wants, in one block. */
typedef struct look {
    mr_buffer bytes; /* of all keys */
    const char **keys;
    size_t *key_lengths;
    rocksdb_pinnableslice_t **values; /* NULL: not there */
    char **errors;
} look;

static void look_init(look *l, const mr_store_change *keys, size_t count)
{
    *l = (look){0};
    l->keys = malloc(count * (3 * sizeof(char *) + sizeof(size_t)));
    MR_ASSERT(l->keys != NULL);
    l->values = (rocksdb_pinnableslice_t **)(void *)(l->keys + count);
    l->errors = (char **)(void *)(l->values + count);
    l->key_lengths = (size_t *)(void *)(l->errors + count);
    for (size_t i = 0; i < count; i++) {
        size_t start = l->bytes.length;
        put_key(&l->bytes, &keys[i]);
        l->key_lengths[i] = l->bytes.length - start;
    }
    const char *at = l->bytes.data;
    for (size_t i = 0; i < count; i++) {
        l->keys[i] = at;
        at += l->key_lengths[i];
    }
}

static mr_status look_take(const look *l, const char *path, const mr_store_change *keys,
                           size_t number,
                           mr_status (*visit)(void *context, size_t number,
                                              const mr_store_change *entry, mr_error *err),
                           void *context, mr_error *err)
{
    if (l->values[number] == NULL)
        return MR_OK;
    size_t length;
    const char *value = rocksdb_pinnableslice_value(l->values[number], &length);
    if (length > UINT32_MAX)
        return mr_rocksdb_damaged(path, "an entry of more than 4 GiB", err);
    mr_store_change entry = keys[number];
    entry.operation = MR_STORE_PUT;
    entry.value = value;
    entry.value_length = (uint32_t)length;
    return visit(context, number, &entry, err);
}

mr_status mr_rocksdb_find(const mr_rocksdb_database *database, const rocksdb_readoptions_t *options,
                          const char *path, const mr_store_change *keys, size_t count,
                          mr_status (*visit)(void *context, size_t number,
                                             const mr_store_change *entry, mr_error *err),
                          void *context, mr_error *err)
{
    if (database->db == NULL || count == 0)
        return MR_OK;
    look l;
    look_init(&l, keys, count);
    rocksdb_batched_multi_get_cf(database->db, options, database->family, count, l.keys,
                                 l.key_lengths, l.values, l.errors, true);
    mr_status status = MR_OK;
    for (size_t i = 0; i < count; i++) {
        if (l.errors[i] != NULL && status == MR_OK)
            status = mr_rocksdb_failed(path, "cannot read", l.errors[i], MR_E_STORE_DAMAGED, err);
        else if (l.errors[i] != NULL)
            rocksdb_free(l.errors[i]);
        else if (status == MR_OK)
            status = look_take(&l, path, keys, i, visit, context, err);
        rocksdb_pinnableslice_destroy(l.values[i]);
    }
    mr_buffer_release(&l.bytes);
    free(l.keys);
    return status;
}

/* ---- in order ---- */

typedef struct rocksdb_cursor {
    mr_store_cursor base; /* first */
    mr_rocksdb_database *database;
    const char *path;
    rocksdb_iterator_t *at; /* NULL: there is nothing */
    bool is_begun;
    mr_store_change entry;
} rocksdb_cursor;

static bool is_marker_at(const rocksdb_iterator_t *at)
{
    size_t length;
    const char *key = rocksdb_iter_key(at, &length);
    return mr_rocksdb_is_marker(key, length);
}

static mr_status cursor_next(mr_store_cursor *base, const mr_store_change **entry, mr_error *err)
{
    rocksdb_cursor *self = (rocksdb_cursor *)base;
    *entry = NULL;
    if (self->at == NULL)
        return MR_OK;
    if (self->is_begun)
        rocksdb_iter_next(self->at);
    self->is_begun = true;
    while (rocksdb_iter_valid(self->at) && is_marker_at(self->at))
        rocksdb_iter_next(self->at);
    if (!rocksdb_iter_valid(self->at)) {
        char *message = NULL;
        rocksdb_iter_get_error(self->at, &message);
        return message == NULL
                   ? MR_OK
                   : mr_rocksdb_failed(self->path, "cannot read", message, MR_E_STORE_DAMAGED, err);
    }
    mr_status status = mr_rocksdb_entry_at(self->at, self->path, &self->entry, err);
    if (status == MR_OK)
        *entry = &self->entry;
    return status;
}

static void cursor_close(mr_store_cursor *base)
{
    rocksdb_cursor *self = (rocksdb_cursor *)base;
    if (self->at != NULL)
        rocksdb_iter_destroy(self->at);
    pthread_mutex_unlock(&self->database->lock);
    free(self);
}

static const mr_store_cursor_class cursor_class = {.next = cursor_next, .close = cursor_close};

mr_store_cursor *mr_rocksdb_seek(mr_rocksdb_database *database,
                                 const rocksdb_readoptions_t *options, const char *path,
                                 const mr_store_change *from)
{
    rocksdb_cursor *self = calloc(1, sizeof *self);
    MR_ASSERT(self != NULL);
    *self = (rocksdb_cursor){.base.class = &cursor_class, .database = database, .path = path};
    pthread_mutex_lock(&database->lock);
    if (database->db == NULL)
        return &self->base;
    mr_buffer key = {0};
    put_key(&key, from);
    self->at = rocksdb_create_iterator(database->db, options);
    rocksdb_iter_seek(self->at, key.data, key.length);
    mr_buffer_release(&key);
    return &self->base;
}
