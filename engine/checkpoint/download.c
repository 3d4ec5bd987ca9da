#include "engine/checkpoint/download.h"

#include "engine/base/assert.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

/* One file on its way. */
typedef struct passage {
    mr_store_import *import;
    const mr_manifest_file *file;
    const mr_breath *breath;
    uint64_t received;
} passage;

static mr_status write_piece(void *context, uint64_t offset, const char *bytes, size_t length,
                             mr_error *err)
{
    passage *to = context;
    to->received = offset + length;
    if (to->received > to->file->size)
        return mr_error_set(err, MR_E_CHECKPOINT, "%s is longer than %" PRIu64 " bytes",
                            to->file->name, to->file->size);
    mr_status status = mr_breath_take(to->breath, err);
    if (status != MR_OK)
        return status;
    return to->import->class->write(to->import, to->file->name, offset, bytes, length, err);
}

static mr_status read_back(void *context, uint64_t offset, char *to, size_t length, mr_error *err)
{
    const passage *from = context;
    return from->import->class->read(from->import, from->file->name, offset, to, length, err);
}

static mr_status check_digest(mr_blobs *blobs, const mr_blob_source *source,
                              const mr_manifest_file *file, mr_error *err)
{
    char digest[MR_BLOB_DIGEST_SIZE];
    mr_status status = blobs->class->digest(blobs, source, digest, err);
    if (status == MR_OK && strcmp(digest, file->digest) != 0)
        status = mr_error_set(err, MR_E_CHECKPOINT, "%s has digest %s, its manifest says %s",
                              file->name, digest, file->digest);
    return status;
}

static mr_status fetch_file(mr_blobs *blobs, const char *job, uint32_t task, passage *to,
                            mr_error *err)
{
    char name[MR_BLOB_NAME_MAX + 1];
    mr_manifest_name(job, task, MR_BLOB_FILES, to->file->digest, name);
    mr_blob_target target = {write_piece, to};
    mr_status status = MR_OK;
    if (to->file->size == 0) /* nothing comes of it, not even a first piece */
        status = write_piece(to, 0, "", 0, err);
    if (status == MR_OK)
        status = blobs->class->get(blobs, name, &target, err);
    if (status == MR_OK && to->received != to->file->size)
        status = mr_error_set(err, MR_E_CHECKPOINT,
                              "%s (%s) has %" PRIu64 " bytes, its manifest says %" PRIu64,
                              to->file->name, name, to->received, to->file->size);
    mr_blob_source source = {to->file->size, read_back, to};
    return status == MR_OK ? check_digest(blobs, &source, to->file, err) : status;
}

mr_status mr_download_run(const mr_download_request *request, mr_error *err)
{
    mr_manifest manifest;
    mr_status status =
        mr_shelf_manifest(request->blobs, request->job, request->task, request->id, &manifest, err);
    if (status != MR_OK)
        return status;
    mr_store_import *import = NULL;
    if (manifest.marker.plan_version != request->plan_version)
        status = mr_error_set(err, MR_E_CHECKPOINT,
                              "checkpoint %s is of plan %016" PRIx64 ", this job is %016" PRIx64,
                              request->id, manifest.marker.plan_version, request->plan_version);
    if (status == MR_OK)
        status =
            request->stores->import(request->stores, request->job, request->task, &import, err);
    for (uint32_t i = 0; status == MR_OK && i < manifest.files_count; i++) {
        passage to = {.import = import, .file = &manifest.files[i], .breath = &request->breath};
        status = fetch_file(request->blobs, request->job, request->task, &to, err);
    }
    if (status == MR_OK)
        status = import->class->finish(import, err);
    if (import != NULL)
        import->class->close(import);
    mr_manifest_release(&manifest);
    return status;
}

/* ---- verify ---- */

/* A file is kept whole until its digest is known: RocksDB ends them at 64 MB. */
static mr_status keep_piece(void *context, uint64_t offset, const char *bytes, size_t length,
                            mr_error *err)
{
    (void)err;
    mr_buffer *to = context;
    if (offset == 0)
        mr_buffer_clear(to);
    mr_buffer_put(to, bytes, length);
    return MR_OK;
}

mr_status mr_download_verify(mr_blobs *blobs, const mr_manifest *manifest, uint32_t *files_good,
                             mr_error *err)
{
    mr_buffer bytes = {0};
    mr_status status = MR_OK;
    *files_good = 0;
    for (uint32_t i = 0; status == MR_OK && i < manifest->files_count; i++) {
        char name[MR_BLOB_NAME_MAX + 1];
        const mr_manifest_file *file = &manifest->files[i];
        mr_manifest_name(manifest->job, manifest->task, MR_BLOB_FILES, file->digest, name);
        mr_buffer_clear(&bytes);
        mr_blob_target target = {keep_piece, &bytes};
        status = blobs->class->get(blobs, name, &target, err);
        mr_blob_source source = mr_shelf_source(&bytes);
        if (status == MR_OK && bytes.length != file->size)
            status = mr_error_set(err, MR_E_CHECKPOINT,
                                  "%s (%s) has %zu bytes, its manifest says %" PRIu64, file->name,
                                  name, bytes.length, file->size);
        if (status == MR_OK)
            status = check_digest(blobs, &source, file, err);
        *files_good += status == MR_OK;
    }
    mr_buffer_release(&bytes);
    return status;
}
