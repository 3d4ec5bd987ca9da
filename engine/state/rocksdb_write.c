#include "engine/state/rocksdb_write.h"

#include "engine/base/buffer.h"
#include "engine/state/rocksdb_bulk.h"
#include "engine/state/rocksdb_error.h"

#include <string.h>

#define DELETES_MAX 10000 /* in one write */

/* Deletes all entries of a slice, ahead of the batch that says so: whoever finds them gone, and not
 * the batch, has the epochs in the log from which the slice is dropped. Files that hold nothing
 * else go whole, the rest key by key, because range deletions of this RocksDB are not to be
 * trusted. */
static mr_status delete_slice(const mr_rocksdb_way *way, const mr_store_change *drop, mr_error *err)
{
    char prefix[MR_STORE_PREFIX], last[MR_STORE_PREFIX + 1];
    char *message = NULL;
    mr_store_prefix(drop->table, drop->slice, prefix);
    mr_store_prefix(drop->table, drop->slice, last);
    last[MR_STORE_PREFIX] = '\xff'; /* keys that begin so are left to the loop */
    rocksdb_delete_file_in_range(way->database->db, prefix, sizeof prefix, last, sizeof last,
                                 &message);
    if (message != NULL)
        return mr_rocksdb_failed(way->database->path, "cannot write", message, MR_E_STORE_WRITE,
                                 err);
    rocksdb_writebatch_t *batch = rocksdb_writebatch_create();
    rocksdb_iterator_t *at = rocksdb_create_iterator(way->database->db, way->read);
    rocksdb_iter_seek(at, prefix, sizeof prefix);
    bool is_over = false;
    while (!is_over && message == NULL) {
        size_t length;
        const char *key = rocksdb_iter_valid(at) ? rocksdb_iter_key(at, &length) : NULL;
        is_over = key == NULL || length < sizeof prefix || memcmp(key, prefix, sizeof prefix) != 0;
        if (!is_over) {
            rocksdb_writebatch_delete(batch, key, length);
            rocksdb_iter_next(at);
        }
        if (is_over || rocksdb_writebatch_count(batch) >= DELETES_MAX) {
            rocksdb_write(way->database->db, way->write, batch, &message);
            rocksdb_writebatch_clear(batch);
        }
    }
    mr_status status = MR_OK;
    if (message != NULL)
        status =
            mr_rocksdb_failed(way->database->path, "cannot write", message, MR_E_STORE_WRITE, err);
    message = NULL;
    rocksdb_iter_get_error(at, &message);
    rocksdb_iter_destroy(at);
    rocksdb_writebatch_destroy(batch);
    if (message != NULL)
        status =
            mr_rocksdb_failed(way->database->path, "cannot read", message, MR_E_STORE_DAMAGED, err);
    return status;
}

static void fill_batch(const mr_store_plan *plan, rocksdb_writebatch_t *batch)
{
    mr_buffer key = {0};
    for (size_t i = 0; i < plan->entries_count; i++) {
        const mr_store_change *change = plan->entries[i];
        mr_buffer_clear(&key);
        mr_store_prefix(change->table, change->slice, mr_buffer_reserve(&key, MR_STORE_PREFIX));
        key.length = MR_STORE_PREFIX;
        mr_buffer_put(&key, change->key, change->key_length);
        if (change->operation == MR_STORE_PUT)
            rocksdb_writebatch_put(batch, key.data, key.length, change->value,
                                   change->value_length);
        else
            rocksdb_writebatch_delete(batch, key.data, key.length);
    }
    mr_buffer_release(&key);
}

static char *write_batch(const mr_rocksdb_way *way, const mr_store_plan *plan,
                         const char marker[MR_ROCKSDB_MARKER_BYTES])
{
    char *message = NULL;
    rocksdb_writebatch_t *batch = rocksdb_writebatch_create();
    fill_batch(plan, batch);
    rocksdb_writebatch_put(batch, MR_ROCKSDB_MARKER_KEY, MR_ROCKSDB_MARKER_KEY_LENGTH, marker,
                           MR_ROCKSDB_MARKER_BYTES);
    rocksdb_write(way->database->db, way->write, batch, &message);
    rocksdb_writebatch_destroy(batch);
    return message;
}

static char *write_bulk(const mr_rocksdb_way *way, const mr_store_plan *plan,
                        const char marker[MR_ROCKSDB_MARKER_BYTES])
{
    char *message = NULL;
    rocksdb_flush(way->database->db, way->flush, &message);
    return message == NULL ? mr_rocksdb_bulk_write(way->database, plan, marker) : message;
}

mr_status mr_rocksdb_write(const mr_rocksdb_way *way, const mr_store_plan *plan,
                           const mr_store_marker *marker, mr_error *err)
{
    for (size_t i = 0; i < plan->drops_count; i++) {
        mr_status status = delete_slice(way, plan->drops[i], err);
        if (status != MR_OK)
            return status;
    }
    char bytes[MR_ROCKSDB_MARKER_BYTES];
    mr_rocksdb_marker_encode(marker, bytes);
    char *message = mr_rocksdb_bulk_is_worth(plan, way->bulk_bytes_min)
                        ? write_bulk(way, plan, bytes)
                        : write_batch(way, plan, bytes);
    return message == NULL ? MR_OK
                           : mr_rocksdb_failed(way->database->path, "cannot write", message,
                                               MR_E_STORE_WRITE, err);
}
