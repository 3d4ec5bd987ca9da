#include "engine/checkpoint/sweep.h"

#include "engine/base/assert.h"

#include <stdlib.h>
#include <string.h>

mr_status mr_sweep_retire(mr_blobs *blobs, const char *job, uint32_t task, const char *id,
                          mr_error *err)
{
    char name[MR_BLOB_NAME_MAX + 1];
    mr_buffer bytes = {0};
    mr_status status = mr_shelf_bytes(blobs, job, task, MR_BLOB_MANIFESTS, id, &bytes, err);
    if (status == MR_OK) {
        mr_blob_source source = mr_shelf_source(&bytes);
        mr_manifest_name(job, task, MR_BLOB_RETIRED, id, name);
        status = blobs->class->put(blobs, name, &source, MR_BLOB_REPLACE, err);
    }
    if (status == MR_OK) {
        mr_manifest_name(job, task, MR_BLOB_MANIFESTS, id, name);
        status = blobs->class->remove(blobs, name, err);
    }
    mr_buffer_release(&bytes);
    return status == MR_E_BLOB_MISSING ? MR_OK : status; /* somebody else did */
}

/* Digests of files that must stay. */
typedef struct used_files {
    char (*digests)[MR_BLOB_DIGEST_SIZE];
    size_t count, capacity;
} used_files;

static void use(used_files *used, const char *digest)
{
    if (used->count == used->capacity) {
        used->capacity = used->capacity != 0 ? used->capacity * 2 : 64;
        used->digests = realloc(used->digests, used->capacity * sizeof *used->digests);
        MR_ASSERT(used->digests != NULL);
    }
    memcpy(used->digests[used->count++], digest, MR_BLOB_DIGEST_SIZE);
}

static int compare_digests(const void *left, const void *right)
{
    return strcmp(left, right);
}

static bool is_used(const used_files *used, const char *digest)
{
    return used->count > 0 && strlen(digest) == MR_BLOB_DIGEST_SIZE - 1 &&
           bsearch(digest, used->digests, used->count, sizeof *used->digests, compare_digests) !=
               NULL;
}

static mr_status use_manifest(const mr_sweep_request *r, const char *id, used_files *used,
                              mr_error *err)
{
    mr_manifest manifest;
    mr_status status = mr_shelf_manifest(r->blobs, r->job, r->task, id, &manifest, err);
    if (status == MR_E_BLOB_MISSING)
        return MR_OK; /* gone since it was listed */
    if (status != MR_OK)
        return status;
    for (uint32_t i = 0; i < manifest.files_count; i++)
        use(used, manifest.files[i].digest);
    mr_manifest_release(&manifest);
    return MR_OK;
}

/* Retires what is beyond count or age; uses the files of the rest. */
static mr_status thin_out(const mr_sweep_request *r, uint64_t named_epoch, mr_sweep_result *result,
                          used_files *used, mr_error *err)
{
    mr_shelf shelf;
    mr_status status = mr_shelf_read(r->blobs, r->job, r->task, MR_BLOB_MANIFESTS, &shelf, err);
    uint32_t counted = 0;
    for (size_t i = shelf.count; status == MR_OK && i-- > 0;) {
        const mr_shelf_item *item = &shelf.items[i];
        bool is_newer = item->epoch > named_epoch;
        bool is_named = strcmp(item->id, r->named) == 0;
        bool is_old = r->age_max_ms > 0 && r->now_ms - item->modified_ms > r->age_max_ms;
        /* The named one has its place whatever lies beside it. */
        bool is_kept = is_newer || is_named ||
                       (!is_old && counted + 1 < r->count_max && item->epoch < named_epoch);
        if (!is_kept) {
            status = mr_sweep_retire(r->blobs, r->job, r->task, item->id, err);
            result->retired++;
            continue;
        }
        counted += !is_newer && !is_named;
        result->kept++;
        if (!is_newer && item->log_offset < result->log_offset)
            result->log_offset = item->log_offset;
        status = use_manifest(r, item->id, used, err);
    }
    mr_shelf_release(&shelf);
    return status;
}

typedef struct removal {
    const mr_sweep_request *request;
    const used_files *used;
    mr_sweep_result *result;
} removal;

static mr_status remove_file(void *context, const mr_blob_facts *facts, mr_error *err)
{
    const removal *removing = context;
    const mr_sweep_request *r = removing->request;
    const char *digest = strrchr(facts->name, '/');
    if (digest == NULL || is_used(removing->used, digest + 1) ||
        r->now_ms - facts->modified_ms <= r->grace_ms)
        return MR_OK;
    char name[MR_BLOB_NAME_MAX + 1];
    memcpy(name, facts->name, strlen(facts->name) + 1);
    uint64_t size = facts->size;
    mr_status status = r->blobs->class->remove(r->blobs, name, err);
    removing->result->files_removed += status == MR_OK;
    removing->result->bytes_removed += status == MR_OK ? size : 0;
    return status;
}

static mr_status remove_retired(const mr_sweep_request *r, const char *id, mr_error *err)
{
    char name[MR_BLOB_NAME_MAX + 1];
    mr_manifest_name(r->job, r->task, MR_BLOB_RETIRED, id, name);
    return r->blobs->class->remove(r->blobs, name, err);
}

static bool is_over(const mr_sweep_request *r, const mr_shelf_item *item)
{
    return r->now_ms - item->modified_ms > r->grace_ms;
}

/* Files first: a manifest that outlives them by a crash is found again, files would not be told
 * from those of a checkpoint in the making. */
static mr_status clear_away(const mr_sweep_request *r, mr_sweep_result *result, used_files *used,
                            mr_error *err)
{
    mr_shelf shelf;
    mr_status status = mr_shelf_read(r->blobs, r->job, r->task, MR_BLOB_RETIRED, &shelf, err);
    for (size_t i = 0; status == MR_OK && i < shelf.count; i++)
        if (!is_over(r, &shelf.items[i]))
            status = use_manifest(r, shelf.items[i].id, used, err);
    if (used->count > 0)
        qsort(used->digests, used->count, sizeof *used->digests, compare_digests);
    char prefix[MR_BLOB_NAME_MAX + 1];
    mr_manifest_name(r->job, r->task, MR_BLOB_FILES, "", prefix);
    removal removing = {r, used, result};
    if (status == MR_OK)
        status = r->blobs->class->list(r->blobs, prefix, remove_file, &removing, err);
    for (size_t i = 0; status == MR_OK && i < shelf.count; i++) {
        if (!is_over(r, &shelf.items[i]))
            continue;
        status = remove_retired(r, shelf.items[i].id, err);
        result->manifests_removed += status == MR_OK;
    }
    mr_shelf_release(&shelf);
    return status;
}

mr_status mr_sweep_run(const mr_sweep_request *request, mr_sweep_result *result, mr_error *err)
{
    used_files used = {0};
    uint64_t named_epoch;
    *result = (mr_sweep_result){0};
    MR_ASSERT(request->count_max > 0);
    bool is_id = mr_manifest_id_read(request->named, &named_epoch, &result->log_offset);
    MR_ASSERT(is_id);
    mr_status status = thin_out(request, named_epoch, result, &used, err);
    result->is_thinned = status == MR_OK;
    if (status == MR_OK)
        status = clear_away(request, result, &used, err);
    free(used.digests);
    return status;
}
