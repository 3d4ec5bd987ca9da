#include "engine/checkpoint/upload.h"

#include "engine/base/assert.h"

#include <string.h>

void mr_upload_begin(mr_upload *upload, const mr_upload_request *request)
{
    MR_ASSERT(upload->phase == MR_UPLOAD_IDLE);
    *upload = (mr_upload){.phase = MR_UPLOAD_IMAGE,
                          .store = request->store,
                          .blobs = request->blobs,
                          .clock = request->clock,
                          .job = request->job,
                          .task = request->task};
    mr_buffer_put(&upload->record, request->record, request->record_length);
}

void mr_upload_cancel(mr_upload *upload)
{
    atomic_store(&upload->is_cancelled, true);
}

void mr_upload_end(mr_upload *upload)
{
    if (upload->image != NULL)
        upload->image->class->close(upload->image);
    mr_manifest_release(&upload->manifest);
    mr_manifest_release(&upload->previous);
    mr_buffer_release(&upload->record);
    *upload = (mr_upload){0};
}

static mr_status cancelled(const mr_upload *upload, mr_error *err)
{
    return mr_error_set(err, MR_E_CHECKPOINT, "checkpoint of job `%s`, task %u, was given up",
                        upload->job, upload->task);
}

bool mr_upload_image_step(void *context)
{
    mr_upload *upload = context;
    MR_ASSERT(upload->phase == MR_UPLOAD_IMAGE);
    mr_status status = upload->store->class->image(upload->store, &upload->image, &upload->err);
    upload->store = NULL;
    if (status == MR_OK && !upload->image->marker.is_present)
        status = mr_error_set(&upload->err, MR_E_CHECKPOINT,
                              "the store of job `%s`, task %u, is still empty", upload->job,
                              upload->task);
    if (status == MR_OK) {
        mr_manifest_init(&upload->manifest, upload->job, upload->task, upload->image,
                         upload->clock->wall_ms(upload->clock));
        mr_manifest_set_record(&upload->manifest, upload->record.data, upload->record.length);
    }
    upload->phase = status == MR_OK ? MR_UPLOAD_IMAGED : MR_UPLOAD_FAILED;
    return false;
}

/* ---- what is sent ---- */

static mr_status read_file(void *context, uint64_t offset, char *to, size_t length, mr_error *err)
{
    mr_upload *upload = context;
    if (atomic_load(&upload->is_cancelled))
        return cancelled(upload, err);
    return upload->image->class->read(upload->image, upload->file, offset, to, length, err);
}

static mr_blob_source source_of(mr_upload *upload)
{
    return (mr_blob_source){upload->manifest.files[upload->file].size, read_file, upload};
}

static mr_status find_previous(mr_upload *upload)
{
    mr_shelf shelf;
    mr_status status = mr_shelf_read(upload->blobs, upload->job, upload->task, MR_BLOB_MANIFESTS,
                                     &shelf, &upload->err);
    if (status != MR_OK)
        return status;
    bool has_one = shelf.count > 0;
    if (has_one)
        memcpy(upload->previous_id, shelf.items[shelf.count - 1].id, sizeof upload->previous_id);
    mr_shelf_release(&shelf);
    upload->phase = has_one ? MR_UPLOAD_PREVIOUS : MR_UPLOAD_DIGEST;
    return MR_OK;
}

/* One that cannot be read saves nothing, and is no reason to have no checkpoint at all. */
static mr_status read_previous(mr_upload *upload)
{
    mr_status status = mr_shelf_manifest(upload->blobs, upload->job, upload->task,
                                         upload->previous_id, &upload->previous, &upload->err);
    upload->phase = MR_UPLOAD_DIGEST;
    return status == MR_E_CHECKPOINT || status == MR_E_BLOB_MISSING ? MR_OK : status;
}

static void next_file(mr_upload *upload)
{
    upload->phase =
        ++upload->file < upload->manifest.files_count ? MR_UPLOAD_DIGEST : MR_UPLOAD_MANIFEST;
}

static mr_status digest_file(mr_upload *upload)
{
    mr_manifest_file *file = &upload->manifest.files[upload->file];
    mr_blob_source source = source_of(upload);
    mr_status status =
        upload->blobs->class->digest(upload->blobs, &source, file->digest, &upload->err);
    if (status == MR_OK && mr_manifest_has(&upload->previous, file->digest))
        next_file(upload);
    else if (status == MR_OK)
        upload->phase = MR_UPLOAD_FILE;
    return status;
}

static mr_status send_file(mr_upload *upload)
{
    const mr_manifest_file *file = &upload->manifest.files[upload->file];
    char name[MR_BLOB_NAME_MAX + 1];
    mr_manifest_name(upload->job, upload->task, MR_BLOB_FILES, file->digest, name);
    mr_blob_source source = source_of(upload);
    mr_status status =
        upload->blobs->class->put(upload->blobs, name, &source, MR_BLOB_REPLACE, &upload->err);
    if (status != MR_OK)
        return status;
    upload->files_sent++;
    upload->bytes_sent += file->size;
    next_file(upload);
    return MR_OK;
}

static mr_status send_manifest(mr_upload *upload)
{
    char name[MR_BLOB_NAME_MAX + 1], digest[MR_BLOB_DIGEST_SIZE];
    mr_buffer bytes = {0};
    mr_manifest_encode(&upload->manifest, &bytes);
    mr_blob_source source = mr_shelf_source(&bytes);
    mr_blobs *blobs = upload->blobs;
    mr_status status = blobs->class->digest(blobs, &source, digest, &upload->err);
    if (status == MR_OK) {
        mr_manifest_id(&upload->manifest.marker, digest, upload->id);
        mr_manifest_name(upload->job, upload->task, MR_BLOB_MANIFESTS, upload->id, name);
        status = blobs->class->put(blobs, name, &source, MR_BLOB_IF_ABSENT, &upload->err);
    }
    if (status == MR_E_BLOB_EXISTS) /* of these bytes: an earlier try got through */
        status = MR_OK;
    mr_buffer_release(&bytes);
    if (status == MR_OK)
        upload->phase = MR_UPLOAD_DONE;
    return status;
}

static mr_status take_step(mr_upload *upload)
{
    if (atomic_load(&upload->is_cancelled))
        return cancelled(upload, &upload->err);
    switch (upload->phase) {
    case MR_UPLOAD_SHELF: return find_previous(upload);
    case MR_UPLOAD_PREVIOUS: return read_previous(upload);
    case MR_UPLOAD_DIGEST: return digest_file(upload);
    case MR_UPLOAD_FILE: return send_file(upload);
    case MR_UPLOAD_MANIFEST: return send_manifest(upload);
    case MR_UPLOAD_IDLE:
    case MR_UPLOAD_IMAGE:
    case MR_UPLOAD_IMAGED:
    case MR_UPLOAD_DONE:
    case MR_UPLOAD_FAILED: break;
    }
    MR_ASSERT(!"a step behind the end");
    return MR_OK;
}

bool mr_upload_send_step(void *context)
{
    mr_upload *upload = context;
    if (upload->phase == MR_UPLOAD_IMAGED)
        upload->phase = MR_UPLOAD_SHELF;
    if (take_step(upload) != MR_OK)
        upload->phase = MR_UPLOAD_FAILED;
    bool is_over = upload->phase == MR_UPLOAD_DONE || upload->phase == MR_UPLOAD_FAILED;
    if (is_over && upload->image != NULL) {
        upload->image->class->close(upload->image);
        upload->image = NULL;
    }
    return !is_over;
}
