#include "engine/history/image.h"

#include "engine/checkpoint/download.h"
#include "engine/commit/delta.h"

#include <inttypes.h>
#include <string.h>

static mr_status taken_ms(const mr_moments *m, uint32_t task, const char *id, int64_t *taken,
                          mr_error *err)
{
    mr_manifest manifest;
    mr_status status = mr_shelf_manifest(m->blobs, m->plan->job, task, id, &manifest, err);
    if (status != MR_OK)
        return status;
    *taken = manifest.taken_ms;
    mr_manifest_release(&manifest);
    return MR_OK;
}

static mr_status pick(const mr_moments *m, uint32_t task, int64_t before_ms,
                      char id[MR_MANIFEST_ID_SIZE], mr_error *err)
{
    mr_shelf shelf;
    mr_status status = mr_shelf_read(m->blobs, m->plan->job, task, MR_BLOB_MANIFESTS, &shelf, err);
    if (status == MR_OK && shelf.count == 0)
        status = mr_error_set(err, MR_E_CHECKPOINT,
                              "task %" PRIu32 " of job `%s` has no checkpoint", task, m->plan->job);
    for (size_t i = 0; status == MR_OK && i < shelf.count; i++) {
        int64_t taken;
        status = taken_ms(m, task, shelf.items[i].id, &taken, err);
        if (status == MR_OK && (i == 0 || taken <= before_ms))
            memcpy(id, shelf.items[i].id, MR_MANIFEST_ID_SIZE);
    }
    mr_shelf_release(&shelf);
    return status;
}

mr_status mr_images_pick(const mr_moments *m, uint32_t task, const char *id,
                         char (*ids)[MR_MANIFEST_ID_SIZE], mr_error *err)
{
    int64_t taken;
    if (task >= m->plan->tasks_count || strlen(id) >= MR_MANIFEST_ID_SIZE)
        return mr_error_set(err, MR_E_CHECKPOINT, "`%s` is no checkpoint of job `%s`", id,
                            m->plan->job);
    mr_status status = taken_ms(m, task, id, &taken, err);
    for (uint32_t t = 0; status == MR_OK && t < m->plan->tasks_count; t++) {
        if (t == task)
            memcpy(ids[t], id, strlen(id) + 1);
        else
            status = pick(m, t, taken, ids[t], err);
    }
    return status;
}

static mr_status decode_record(const mr_manifest *manifest, mr_arena *arena,
                               mr_epoch_record *record, mr_error *err)
{
    mr_delta_header header;
    mr_reader payload;
    uint32_t checksum;
    if (manifest->record_length == 0)
        return mr_error_set(err, MR_E_CHECKPOINT,
                            "the manifest has no epoch record: it is of an older Millrace; name a "
                            "time or an epoch, then the job's log is read");
    mr_status status =
        mr_delta_open(manifest->record, manifest->record_length, &header, &payload, &checksum, err);
    if (status == MR_OK && checksum != manifest->marker.checksum)
        status = mr_error_set(err, MR_E_CHECKPOINT, "the manifest has another epoch's record");
    if (status == MR_OK)
        status = mr_epoch_record_decode(payload.next, mr_reader_left(&payload), arena, record, err);
    return status;
}

static mr_status load_entry(void *context, const mr_store_change *entry, mr_error *err)
{
    return mr_state_load(context, entry, err);
}

/* The files become a store, and that is read. */
static mr_status load(const mr_moments *m, uint32_t index, const char *id, mr_state *state,
                      mr_error *err)
{
    mr_download_request request = {.blobs = m->blobs,
                                   .stores = m->stores,
                                   .job = m->plan->job,
                                   .task = index,
                                   .id = id,
                                   .plan_version = mr_plan_of_task(m->plan, index)->version};
    mr_local_store *store = NULL;
    mr_status status = m->stores->remove(m->stores, m->plan->job, index, err);
    if (status == MR_OK)
        status = mr_download_run(&request, err);
    if (status == MR_OK)
        status = m->stores->open(m->stores, m->plan->job, index, &store, err);
    if (status == MR_OK)
        status = store->class->scan(store, load_entry, state, err);
    if (store != NULL)
        store->class->close(store);
    mr_state_mark_clean(state);
    return status;
}

mr_status mr_image_restore(const mr_moments *m, uint32_t index, const char *id,
                           const mr_task_io *io, mr_arena *arena, mr_task **restored,
                           mr_epoch_record *record, mr_error *err)
{
    mr_manifest manifest;
    mr_task *task = NULL;
    mr_status status = mr_shelf_manifest(m->blobs, m->plan->job, index, id, &manifest, err);
    if (status != MR_OK)
        return status;
    status = decode_record(&manifest, arena, record, err);
    mr_manifest_release(&manifest);
    if (status == MR_OK)
        status = mr_task_new(mr_plan_of_task(m->plan, index), index, m->budget, io, &task, err);
    if (status == MR_OK)
        status = load(m, index, id, mr_task_state(task), err);
    if (status == MR_OK)
        status = mr_moments_add_inputs(m, task, record, err);
    if (status == MR_OK)
        status = mr_task_restored(task, record, err);
    if (status != MR_OK)
        mr_task_free(task);
    else
        *restored = task;
    return status;
}
