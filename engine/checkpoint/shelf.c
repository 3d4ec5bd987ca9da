#include "engine/checkpoint/shelf.h"

#include "engine/base/assert.h"

#include <stdlib.h>
#include <string.h>

#define MANIFEST_MAX ((size_t)16 << 20)

static mr_status note(void *context, const mr_blob_facts *facts, mr_error *err)
{
    (void)err;
    mr_shelf *shelf = context;
    const char *id = strrchr(facts->name, '/');
    mr_shelf_item item = {.modified_ms = facts->modified_ms};
    /* What has another name is not ours. */
    if (id == NULL || !mr_manifest_id_read(id + 1, &item.epoch, &item.log_offset))
        return MR_OK;
    memcpy(item.id, id + 1, sizeof item.id);
    if (shelf->count == shelf->capacity) {
        shelf->capacity = shelf->capacity != 0 ? shelf->capacity * 2 : 16;
        shelf->items = realloc(shelf->items, shelf->capacity * sizeof *shelf->items);
        MR_ASSERT(shelf->items != NULL);
    }
    shelf->items[shelf->count++] = item;
    return MR_OK;
}

mr_status mr_shelf_read(mr_blobs *blobs, const char *job, uint32_t task, mr_blob_kind kind,
                        mr_shelf *shelf, mr_error *err)
{
    char prefix[MR_BLOB_NAME_MAX + 1];
    *shelf = (mr_shelf){0};
    mr_manifest_name(job, task, kind, "", prefix);
    mr_status status = blobs->class->list(blobs, prefix, note, shelf, err);
    if (status != MR_OK)
        mr_shelf_release(shelf);
    return status;
}

void mr_shelf_release(mr_shelf *shelf)
{
    free(shelf->items);
    *shelf = (mr_shelf){0};
}

static mr_status keep(void *context, uint64_t offset, const char *bytes, size_t length,
                      mr_error *err)
{
    mr_buffer *to = context;
    if (offset == 0)
        mr_buffer_clear(to);
    if (to->length + length > MANIFEST_MAX)
        return mr_error_set(err, MR_E_CHECKPOINT, "a manifest of more than %zu bytes",
                            MANIFEST_MAX);
    mr_buffer_put(to, bytes, length);
    return MR_OK;
}

static mr_status read_bytes(void *context, uint64_t offset, char *to, size_t length, mr_error *err)
{
    (void)err;
    const mr_buffer *bytes = context;
    MR_ASSERT(offset + length <= bytes->length);
    memcpy(to, bytes->data + offset, length);
    return MR_OK;
}

mr_blob_source mr_shelf_source(const mr_buffer *bytes)
{
    return (mr_blob_source){bytes->length, read_bytes, (void *)(uintptr_t)bytes};
}

mr_status mr_shelf_bytes(mr_blobs *blobs, const char *job, uint32_t task, mr_blob_kind kind,
                         const char *id, mr_buffer *bytes, mr_error *err)
{
    char name[MR_BLOB_NAME_MAX + 1], digest[MR_BLOB_DIGEST_SIZE];
    mr_manifest_name(job, task, kind, id, name);
    mr_buffer_clear(bytes);
    mr_blob_target target = {keep, bytes};
    mr_status status = blobs->class->get(blobs, name, &target, err);
    mr_blob_source source = mr_shelf_source(bytes);
    if (status == MR_OK)
        status = blobs->class->digest(blobs, &source, digest, err);
    if (status == MR_OK && strncmp(digest, id + 42, 16) != 0)
        status = mr_error_set(err, MR_E_CHECKPOINT, "%s holds other bytes than its name says: %s",
                              name, digest);
    return status;
}

mr_status mr_shelf_manifest(mr_blobs *blobs, const char *job, uint32_t task, const char *id,
                            mr_manifest *manifest, mr_error *err)
{
    mr_buffer bytes = {0};
    mr_status status = mr_shelf_bytes(blobs, job, task, MR_BLOB_MANIFESTS, id, &bytes, err);
    if (status == MR_E_BLOB_MISSING) /* just retired: its files stay for the grace period */
        status = mr_shelf_bytes(blobs, job, task, MR_BLOB_RETIRED, id, &bytes, err);
    if (status == MR_OK)
        status = mr_manifest_decode(bytes.data, bytes.length, manifest, err);
    mr_buffer_release(&bytes);
    if (status == MR_OK && (strcmp(manifest->job, job) != 0 || manifest->task != task)) {
        status = mr_error_set(err, MR_E_CHECKPOINT, "checkpoint %s is of job `%s`, task %u", id,
                              manifest->job, manifest->task);
        mr_manifest_release(manifest);
    }
    return status;
}
