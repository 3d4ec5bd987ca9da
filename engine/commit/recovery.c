#include "engine/commit/recovery.h"

#include "engine/base/assert.h"
#include "engine/checkpoint/download.h"
#include "engine/commit/delta.h"
#include "engine/commit/local.h"
#include "engine/commit/log_scan.h"

#include <inttypes.h>
#include <string.h>

#define FETCH_TIMEOUT_MS 20
#define ENDS_TIMEOUT_MS 10000
#define SEARCH_OFFSETS 64                  /* a few epochs */
#define MARKERS_LIMIT_US INT64_C(15000000) /* beyond a transaction's timeout */
#define QUIET_LIMIT_US INT64_C(60000000)   /* no progress at all for so long: say so and stop */

static void start_over(mr_log_scan *s)
{
    mr_state_clear(s->request->state);
    mr_pending_clear(s->request->pending);
    mr_local_store *store = s->recovered->store;
    bool was_quarantined = s->recovered->was_quarantined;
    *s->recovered =
        (mr_recovered){.store = store, .epoch_offset = -1, .was_quarantined = was_quarantined};
    *s = (mr_log_scan){.request = s->request,
                       .recovered = s->recovered,
                       .ours_from = s->ours_from,
                       .is_empty = s->is_empty,
                       .end_at_first = s->end_at_first,
                       .first_us = s->first_us,
                       .has_tried_checkpoint = s->has_tried_checkpoint,
                       .checkpoint_err = s->checkpoint_err};
}

/* What the state has left in it is lost to it: it is to be cleared. */
static void close_store(mr_log_scan *s)
{
    mr_state_back(s->request->state, NULL);
    if (s->recovered->store != NULL)
        s->recovered->store->class->close(s->recovered->store);
    s->recovered->store = NULL;
}

static mr_status quarantine(mr_log_scan *s, const mr_error *why, mr_error *err)
{
    const mr_recovery_request *r = s->request;
    close_store(s);
    char where[512] = "";
    mr_status status = r->stores->quarantine(r->stores, r->job, r->task, where, sizeof where, err);
    if (status != MR_OK)
        return status;
    mr_logger_line(r->logger, MR_LOG_WARN,
                   "local state set aside job=%s task=%" PRIu32 " where=%s reason=\"%s\"", r->job,
                   r->task, where, why->message);
    s->recovered->was_quarantined = true;
    start_over(s);
    status = r->stores->open(r->stores, r->job, r->task, &s->recovered->store, err);
    mr_state_back(r->state, s->recovered->store);
    return status;
}

/* The last stable offset may trail behind a commit whose markers are still being written: before
 * the local store is called ahead of the log, the log gets the time to show its end. */
static mr_status await_end(const mr_log_scan *s, int64_t offset, int64_t *log_end, mr_error *err)
{
    const mr_recovery_request *r = s->request;
    int64_t deadline = r->clock->monotonic_us(r->clock) + MARKERS_LIMIT_US;
    mr_log_reader *reader;
    mr_status status = r->log->class->open_reader(r->log, &reader, err);
    if (status != MR_OK)
        return status;
    status = reader->class->add(reader, 0, r->topic, (int32_t)r->task, MR_OFFSET_LATEST, err);
    while (status == MR_OK && *log_end < offset && r->clock->monotonic_us(r->clock) < deadline) {
        mr_records ignored;
        status = mr_breath_take(&r->breath, err);
        if (status != MR_OK)
            break;
        status = reader->class->fetch(reader, 1, FETCH_TIMEOUT_MS, &ignored, err);
        if (status == MR_OK || err->recovery == MR_RECOVERY_RETRY)
            status = r->log->class->offset(r->log, r->topic, (int32_t)r->task, MR_OFFSET_LATEST,
                                           log_end, err);
        if (status != MR_OK && err->recovery == MR_RECOVERY_RETRY)
            status = MR_OK;
    }
    reader->class->close(reader);
    return status;
}

static mr_status load_entries(mr_log_scan *s, mr_error *err)
{
    mr_local_load load = {.store = s->recovered->store,
                          .state = s->request->state,
                          .entries_max = s->request->load_entries_max,
                          .breath = s->request->breath};
    mr_status status = mr_local_load_run(&load, err);
    s->recovered->entries_loaded = load.entries;
    s->recovered->slices_left = load.slices;
    return status;
}

/* Loads what the local store holds. `is_trusted` false: it must be set aside, `err` says why. */
static mr_status load_local(mr_log_scan *s, int64_t log_start, int64_t log_end, bool *is_trusted,
                            mr_store_marker *marker, mr_error *err)
{
    const mr_recovery_request *r = s->request;
    *is_trusted = false;
    *marker = (mr_store_marker){0};
    mr_local_store *store = s->recovered->store;
    mr_status status = store->class->marker(store, marker, err);
    if (status != MR_OK)
        return status == MR_E_STORE_DAMAGED ? MR_OK : status;
    int64_t least = log_start == log_end ? log_end + 1 : log_end;
    if (least < marker->log_offset)
        least = marker->log_offset;
    if (marker->is_present && least > log_end)
        status = await_end(s, least, &log_end, err);
    if (status != MR_OK)
        return status;
    if (marker->is_present && log_start == log_end)
        return mr_error_set(err, MR_E_STATE_PARTIAL,
                            "state log %s[%" PRIu32
                            "] is empty, but local state holds epoch %" PRIu64
                            "; restore the topic, or start over with --reset",
                            r->topic, r->task, marker->epoch);
    if (marker->is_present && marker->log_offset > log_end) {
        mr_error_set(err, MR_E_STORE_DAMAGED,
                     "local state is ahead: it holds offset %" PRId64 ", the log ends at %" PRId64,
                     marker->log_offset, log_end);
        return MR_OK;
    }
    /* The epoch record it ends with is read again, so that must still be there. */
    if (marker->is_present && marker->log_offset <= log_start) {
        mr_error_set(err, MR_E_STORE_DAMAGED,
                     "local state is too old: it ends at offset %" PRId64
                     ", the log starts at %" PRId64,
                     marker->log_offset, log_start);
        return MR_OK;
    }
    if (marker->is_present && marker->plan_version != r->plan_version)
        return mr_error_set(err, MR_E_STATE_PLAN,
                            "local state of task %" PRIu32 " was written by plan %016" PRIx64
                            ", this job is plan %016" PRIx64
                            "; run the job that wrote it, or start over with --reset",
                            r->task, marker->plan_version, r->plan_version);
    status = marker->is_present ? load_entries(s, err) : MR_OK;
    if (status != MR_OK && status != MR_E_STORE_DAMAGED && status != MR_E_STATE)
        return status;
    *is_trusted = status == MR_OK;
    return MR_OK;
}

static mr_status remove_store(mr_log_scan *s, mr_error *err)
{
    const mr_recovery_request *r = s->request;
    close_store(s);
    mr_status status = r->stores->remove(r->stores, r->job, r->task, err);
    return status == MR_OK ? r->stores->open(r->stores, r->job, r->task, &s->recovered->store, err)
                           : status;
}

/* A restore that was broken off amid a base has left nothing of use. */
static mr_status drop_unfinished(mr_log_scan *s, mr_error *err)
{
    mr_local_store *store = s->recovered->store;
    mr_store_marker marker;
    mr_status status = store->class->marker(store, &marker, err);
    if (status == MR_OK && mr_store_is_unfinished(&marker))
        return remove_store(s, err);
    return status == MR_E_STORE_DAMAGED ? MR_OK : status; /* load_local meets it again */
}

static mr_status open_store(mr_log_scan *s, mr_error *err)
{
    const mr_recovery_request *r = s->request;
    mr_status status = r->stores->open(r->stores, r->job, r->task, &s->recovered->store, err);
    if (status == MR_OK)
        return drop_unfinished(s, err);
    if (status != MR_E_STORE_DAMAGED)
        return status;
    mr_error why = *err;
    return quarantine(s, &why, err);
}

/* The local store is another plan's. If the log goes on with ours the job was upgraded meanwhile:
 * all that came over stands in the log, and the store goes. Else `err` stays as it is. */
static mr_status follow_upgrade(mr_log_scan *s, int64_t log_start, mr_error *err)
{
    const mr_recovery_request *r = s->request;
    mr_error why = *err;
    s->is_searching = true;
    mr_status status = mr_log_scan_run(s, log_start, err);
    bool is_upgraded = status == MR_OK && s->foreign == 0 && s->has_passed_foreign;
    start_over(s);
    if (status != MR_OK)
        return status;
    if (!is_upgraded) {
        *err = why;
        return err->status;
    }
    mr_logger_line(r->logger, MR_LOG_INFO,
                   "local state is of the plan before an upgrade, it goes job=%s task=%" PRIu32,
                   r->job, r->task);
    status = remove_store(s, err);
    mr_state_back(r->state, s->recovered->store);
    return status;
}

static mr_status run_with_store(mr_log_scan *s, int64_t log_start, int64_t log_end, mr_error *err)
{
    mr_status status = open_store(s, err);
    if (status == MR_OK && s->request->distrusts_store && !s->recovered->was_quarantined) {
        mr_error why;
        mr_error_set(&why, MR_E_STORE_DAMAGED, "an entry could not be read while at work");
        return quarantine(s, &why, err);
    }
    if (status != MR_OK)
        return status;
    mr_state_back(s->request->state, s->recovered->store);
    bool is_trusted;
    mr_store_marker marker;
    status = load_local(s, log_start, log_end, &is_trusted, &marker, err);
    if (status == MR_E_STATE_PLAN)
        return follow_upgrade(s, log_start, err);
    if (status != MR_OK)
        return status;
    if (is_trusted && marker.is_present) {
        mr_state_mark_clean(s->request->state);
        s->is_loaded = true;
        s->recovered->epoch.epoch = marker.epoch;
        s->recovered->epoch_offset = marker.log_offset - 1;
        s->recovered->epoch_checksum = marker.checksum;
        /* The record itself is read again: it holds the inputs. */
        return MR_OK;
    }
    if (is_trusted)
        return MR_OK;
    mr_error why = *err;
    return quarantine(s, &why, err);
}

/* The first record at or behind `at`. None: `records->count` 0 when the log ends before, and an
 * error, worth another try, when it cannot be read: an outage says nothing about the history. */
static mr_status fetch_first(mr_log_scan *s, int64_t at, mr_records *records, mr_error *err)
{
    mr_log_reader *reader = s->reader;
    const mr_clock *clock = s->request->clock;
    int64_t began_us = clock->monotonic_us(clock);
    for (;;) {
        mr_status status = mr_breath_take(&s->request->breath, err);
        if (status != MR_OK)
            return status;
        status = reader->class->fetch(reader, 1, FETCH_TIMEOUT_MS, records, err);
        if (status == MR_OK && records->count > 0)
            return MR_OK;
        mr_input_ends ends;
        if (status == MR_OK)
            status = reader->class->ends(reader, 0, ENDS_TIMEOUT_MS, &ends, err);
        if (status == MR_OK && ends.position > at && ends.position >= ends.stable_end &&
            !ends.is_buffered)
            return MR_OK;
        if (status != MR_OK && err->recovery != MR_RECOVERY_RETRY)
            return status;
        if (clock->monotonic_us(clock) - began_us > QUIET_LIMIT_US)
            return mr_error_set_recovery(err, MR_E_KAFKA_TIMEOUT, MR_RECOVERY_RETRY,
                                         "state log %s[%" PRIu32 "]@%" PRId64 " cannot be read",
                                         s->request->topic, s->request->task, at);
    }
}

/* Reads the epoch record that the local store ends with: its inputs and watermarks are needed, and
 * a different checksum there shows that the store is of another history. The reader goes on from
 * there. */
static mr_status read_anchor(mr_log_scan *s, mr_error *err)
{
    const mr_recovery_request *r = s->request;
    int64_t at = s->recovered->epoch_offset;
    mr_records records = {0};
    mr_status status = mr_log_scan_open(s, at, err);
    if (status != MR_OK)
        return status;
    status = fetch_first(s, at, &records, err);
    if (status != MR_OK) {
        mr_log_scan_close(s);
        return status;
    }
    mr_delta_header header;
    mr_reader payload;
    uint32_t checksum = 0;
    if (records.count == 0 || records.record[0].offset != at)
        status = mr_error_set(err, MR_E_STATE_GAP, "no epoch record where the local state ends");
    if (status == MR_OK)
        status = mr_delta_open(records.record[0].value, records.record[0].value_length, &header,
                               &payload, &checksum, err);
    if (status == MR_OK &&
        (header.kind != MR_DELTA_EPOCH || checksum != s->recovered->epoch_checksum))
        status =
            mr_error_set(err, MR_E_STATE_GAP, "another epoch stands where the local state ends");
    if (status == MR_OK)
        status = mr_epoch_record_decode(payload.next, mr_reader_left(&payload), r->arena,
                                        &s->recovered->epoch, err);
    if (status != MR_OK) {
        mr_log_scan_close(s);
        return mr_log_scan_refuse(s, status, at, err);
    }
    s->recovered->has_epoch = true;
    s->recovered->epoch_content = header.chunk;
    s->owner = s->recovered->epoch.transactional_id;
    return MR_OK;
}

/* The checkpoint takes the place of the local store, which is fresh or was set aside. */
static mr_status download(mr_log_scan *s, const char *id, mr_error *err)
{
    const mr_recovery_request *r = s->request;
    mr_download_request request = {.blobs = r->blobs,
                                   .stores = r->stores,
                                   .job = r->job,
                                   .task = r->task,
                                   .id = id,
                                   .plan_version = r->plan_version,
                                   .breath = r->breath};
    close_store(s);
    mr_status status = mr_download_run(&request, &s->checkpoint_err);
    if (status == MR_E_CRASHED || status == MR_E_INTERRUPTED) {
        *err = s->checkpoint_err;
        return status;
    }
    mr_logger_line(r->logger, status == MR_OK ? MR_LOG_INFO : MR_LOG_WARN,
                   "checkpoint %s job=%s task=%" PRIu32 " id=%s reason=\"%s\"",
                   status == MR_OK ? "restored" : "not usable", r->job, r->task, id,
                   status == MR_OK ? "" : s->checkpoint_err.message);
    return MR_OK;
}

/* Looks in the log for the checkpoint that is named last: from its end on, farther back each time,
 * for a log may hold as much as the checkpoint. What is in front of another plan's epochs is of no
 * use. */
static mr_status find_checkpoint(mr_log_scan *s, int64_t start, int64_t *end, const char **id,
                                 mr_error *err)
{
    bool is_over = false;
    int64_t was_end = *end;
    for (int64_t back = SEARCH_OFFSETS; !is_over; back *= 4) {
        int64_t from = was_end - back > start ? was_end - back : start;
        s->is_searching = true;
        s->may_go_back = from > start;
        mr_status status = mr_log_scan_run(s, from, err);
        if (status != MR_OK && status != MR_E_STATE_FORMAT)
            return status; /* a format is met again, and told, by the scan that counts */
        *id = s->named;
        is_over = s->named != NULL || s->has_passed_foreign || from == start;
        if (s->recovered->log_end > *end) /* where it ends by now */
            *end = s->recovered->log_end;
        start_over(s);
    }
    return MR_OK;
}

/* Nothing is loaded: loads the checkpoint that was asked for, or is named. What goes wrong with it
 * is no error yet: the log alone may do. */
static mr_status load_checkpoint(mr_log_scan *s, int64_t start, int64_t end, mr_error *err)
{
    if (s->request->blobs == NULL || s->request->stores == NULL || s->has_tried_checkpoint)
        return MR_OK;
    s->has_tried_checkpoint = true;
    const char *id = s->request->checkpoint;
    mr_status status = MR_OK;
    if (id == NULL || id[0] == '\0')
        status = find_checkpoint(s, start, &end, &id, err);
    if (status != MR_OK || id == NULL)
        return status;
    status = download(s, id, err);
    if (status == MR_OK)
        status = run_with_store(s, start, end, err);
    s->recovered->was_downloaded = status == MR_OK && s->is_loaded;
    return status;
}

/* A store may also show only by and by that it cannot be read. */
static bool is_history_error(mr_status status)
{
    return status == MR_E_STATE_GAP || status == MR_E_STATE_FORMAT || status == MR_E_STORE_DAMAGED;
}

/* From where the local store ends, or from the start, to the true end. */
static mr_status read_on(mr_log_scan *s, int64_t start, mr_error *err)
{
    s->is_from_store = s->is_loaded;
    mr_status status = s->is_loaded ? read_anchor(s, err) : MR_OK;
    if (status != MR_OK)
        return status;
    return mr_log_scan_run(s, s->is_from_store ? s->recovered->epoch_offset + 1 : start, err);
}

/* The log's first epochs may be what is left of before an upgrade: its end says whose it is, and
 * where ours begin for the last time. What they lack in front of that is nobody's concern. */
static mr_status look_behind_upgrade(mr_log_scan *s, int64_t start, mr_error *err)
{
    const mr_recovery_request *r = s->request;
    mr_error why = *err;
    close_store(s);
    start_over(s);
    s->is_searching = true;
    mr_status status = mr_log_scan_run(s, start, err);
    if (status != MR_OK && !is_history_error(status))
        return status;
    if (status == MR_OK && s->foreign != 0)
        return mr_log_scan_refuse_plan(s, err);
    int64_t ours_from = status == MR_OK && s->has_passed_foreign ? s->foreign_offset + 1 : 0;
    start_over(s);
    if (ours_from <= s->ours_from) {
        *err = why;
        return err->status;
    }
    s->ours_from = ours_from;
    status = r->stores != NULL ? remove_store(s, err) : MR_OK;
    mr_state_back(r->state, s->recovered->store);
    return status == MR_OK ? read_on(s, start, err) : status;
}

mr_status mr_recovery_run(const mr_recovery_request *request, mr_recovered *recovered,
                          mr_error *err)
{
    *recovered = (mr_recovered){.epoch_offset = -1};
    mr_log_scan s = {.request = request, .recovered = recovered};
    mr_log *log = request->log;
    int64_t start, end;
    mr_status status = log->class->offset(log, request->topic, (int32_t)request->task,
                                          MR_OFFSET_EARLIEST, &start, err);
    if (status == MR_OK)
        status = log->class->offset(log, request->topic, (int32_t)request->task, MR_OFFSET_LATEST,
                                    &end, err);
    s.is_empty = status == MR_OK && start == end;
    s.end_at_first = status == MR_OK ? end : -1;
    s.first_us = request->clock->monotonic_us(request->clock);
    if (status == MR_OK && request->stores != NULL)
        status = run_with_store(&s, start, end, err);
    if (status == MR_OK && !s.is_loaded)
        status = load_checkpoint(&s, start, end, err);
    if (status == MR_OK)
        status = read_on(&s, start, err);
    while ((s.is_from_store || s.is_store_stale) && is_history_error(status)) {
        mr_error why = *err;
        status = quarantine(&s, &why, err);
        if (status == MR_OK)
            status = load_checkpoint(&s, start, end, err);
        if (status == MR_OK)
            status = read_on(&s, start, err);
    }
    if (is_history_error(status))
        status = look_behind_upgrade(&s, start, err);
    if (status == MR_E_STATE_GAP && s.checkpoint_err.recovery == MR_RECOVERY_RETRY) {
        *err = s.checkpoint_err; /* the blob store is away: another try may find it */
        status = err->status;
    } else if (status == MR_E_STATE_GAP && s.checkpoint_err.status != MR_OK) {
        mr_error_prefix(err, "no checkpoint (%.200s)", s.checkpoint_err.message);
    }
    if (status != MR_OK)
        close_store(&s);
    return status;
}
