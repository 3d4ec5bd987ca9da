#include "engine/commit/recovery.h"

#include "engine/base/assert.h"
#include "engine/checkpoint/download.h"
#include "engine/commit/delta.h"
#include "engine/commit/hanging.h"
#include "engine/commit/local.h"

#include <inttypes.h>
#include <string.h>

#define FETCH_ROWS 1024
#define FETCH_TIMEOUT_MS 20
#define PENDING_BYTES_MAX ((size_t)4 << 20)
#define ENDS_TIMEOUT_MS 10000
#define KNOCK_AFTER_US INT64_C(500000)
#define KNOCKS_MAX 2u /* the owner named last may be alive: the open transaction may be another's */
#define MARKERS_LIMIT_US INT64_C(15000000) /* beyond a transaction's timeout */
#define QUIET_LIMIT_US INT64_C(60000000)   /* no progress at all for so long: say so and stop */

/* Chunks of one kind, of the epoch being read. */
typedef struct chunk_list {
    mr_buffer payloads;
    uint32_t count;
    uint32_t check; /* mr_delta_mix over them */
} chunk_list;

/* The scan of one task's state log partition. */
typedef struct scan {
    const mr_recovery_request *request;
    mr_recovered *recovered;
    mr_log_reader *reader;
    bool is_loaded;  /* state holds some epoch: bases are skipped */
    bool is_partial; /* else: it holds parts of a base, and all changes since the first of them */
    bool is_from_store; /* what is loaded is what the local store held */
    chunk_list delta, base;
    const char *owner; /* transactional id of the last claim or epoch record */
    int64_t position;
    bool is_searching; /* only for the checkpoint that is named */
    const char *named; /* its id; NULL: none */
    bool has_tried_checkpoint;
    mr_error checkpoint_err; /* why it could not be used; status 0: it could, or there is none */
} scan;

static mr_status refuse(const scan *s, mr_status status, int64_t offset, mr_error *err)
{
    err->status = status;
    err->recovery = MR_RECOVERY_STOP;
    return mr_error_prefix(err, "state log %s[%" PRIu32 "]@%" PRId64, s->request->topic,
                           s->request->task, offset);
}

static mr_status load_changes(scan *s, const mr_buffer *payload, mr_error *err)
{
    mr_reader reader = mr_reader_of(payload->data, payload->length);
    mr_store_change change;
    while (mr_delta_next_change(&reader, &change)) {
        mr_status status = mr_state_load(s->request->state, &change, err);
        if (status != MR_OK)
            return status;
        if (s->request->stores != NULL)
            mr_pending_add(s->request->pending, &change, err);
    }
    if (reader.is_bad)
        return mr_error_set(err, MR_E_STATE_FORMAT, "malformed entry in a delta");
    return MR_OK;
}

/* Is this epoch record the next link? */
static mr_status check_chain(const scan *s, const mr_epoch_record *record, uint32_t content,
                             mr_error *err)
{
    const mr_recovered *known = s->recovered;
    if (record->plan_version != s->request->plan_version)
        return mr_error_set(err, MR_E_STATE_PLAN,
                            "state was written by plan %016" PRIx64 ", this job is plan %016" PRIx64
                            "; run the job that wrote it, or start over with --reset",
                            record->plan_version, s->request->plan_version);
    if (record->delta_chunks != s->delta.count)
        return mr_error_set(err, MR_E_STATE_GAP,
                            "epoch %" PRIu64 " has %" PRIu32 " delta chunks, %" PRIu32
                            " were found",
                            record->epoch, record->delta_chunks, s->delta.count);
    uint32_t found = mr_delta_content(s->delta.check, s->base.check);
    if (content != 0 && content != found) /* 0: written before there was one */
        return mr_error_set(err, MR_E_STATE_GAP,
                            "epoch %" PRIu64 " has content %08" PRIx32 ", %08" PRIx32
                            " was found: these are chunks of another epoch",
                            record->epoch, content, found);
    bool has_part = record->has_base || record->has_base_part;
    bool is_part_whole = record->base_chunks == s->base.count;
    if (!s->is_loaded && !s->is_partial) {
        if (has_part && !record->is_base_continued && is_part_whole)
            return MR_OK;
        if (record->previous_offset == -1 && record->epoch == 1)
            return MR_OK;
        return mr_error_set(err, MR_E_STATE_GAP,
                            "the log starts with epoch %" PRIu64 ", which is no base",
                            record->epoch);
    }
    if (s->is_partial && has_part && !is_part_whole)
        return mr_error_set(err, MR_E_STATE_GAP,
                            "epoch %" PRIu64 " has %" PRIu32 " base chunks, %" PRIu32 " were found",
                            record->epoch, record->base_chunks, s->base.count);
    if (record->epoch != known->epoch.epoch + 1 || record->previous_offset != known->epoch_offset ||
        record->previous_checksum != known->epoch_checksum)
        return mr_error_set(err, MR_E_STATE_GAP,
                            "epoch %" PRIu64 " follows offset %" PRId64 " (%08" PRIx32
                            "), but epoch %" PRIu64 " at offset %" PRId64 " (%08" PRIx32
                            ") came before it",
                            record->epoch, record->previous_offset, record->previous_checksum,
                            known->epoch.epoch, known->epoch_offset, known->epoch_checksum);
    return MR_OK;
}

static void drop_list(chunk_list *list)
{
    mr_buffer_clear(&list->payloads);
    list->count = list->check = 0;
}

static void add_chunk(chunk_list *list, const mr_reader *payload, uint32_t checksum)
{
    mr_buffer_put(&list->payloads, payload->next, mr_reader_left(payload));
    list->count++;
    list->check = mr_delta_mix(list->check, checksum);
}

static void drop_chunks(scan *s)
{
    drop_list(&s->delta);
    drop_list(&s->base);
}

/* Without transactions, what a writer left that died within an epoch, or was no longer the owner,
 * stands in the log as well. */
static bool is_stray(const scan *s, const mr_epoch_record *record)
{
    bool is_foreign = s->owner != NULL && strcmp(s->owner, record->transactional_id) != 0;
    bool is_old = s->is_loaded && record->epoch <= s->recovered->epoch.epoch;
    return !s->request->is_transactional && (is_foreign || is_old);
}

/* The base of one epoch holds its delta. One in parts does not: each part is as its entries were in
 * its epoch, so all changes since the first part are applied, in order, and with the last part the
 * state is whole. Epoch 1 changes what was empty: its delta alone is whole. */
static mr_status load_epoch(scan *s, const mr_epoch_record *record, mr_error *err)
{
    bool has_part = record->has_base || record->has_base_part;
    bool is_whole = record->has_base && !record->is_base_continued;
    bool is_first = record->epoch == 1 && record->previous_offset == -1;
    mr_status status = MR_OK;
    if (s->is_loaded || !is_whole)
        status = load_changes(s, &s->delta.payloads, err);
    if (status == MR_OK && !s->is_loaded && has_part)
        status = load_changes(s, &s->base.payloads, err);
    s->is_loaded = s->is_loaded || is_first || record->has_base;
    s->is_partial = !s->is_loaded;
    return status;
}

/* What was read goes to the local store on the way, and leaves memory, where it would take too
 * much. Not parts of a base: a store that holds some of them could not say so. */
static mr_status relieve(scan *s, mr_error *err)
{
    const mr_recovery_request *r = s->request;
    size_t max = r->state_bytes_max;
    size_t pending_max = max < PENDING_BYTES_MAX ? max : PENDING_BYTES_MAX;
    if (max == 0 || !s->is_loaded || s->recovered->store == NULL ||
        (mr_pending_bytes(r->pending) <= pending_max && mr_state_leaving_bytes(r->state) <= max))
        return MR_OK;
    mr_status status = mr_pending_apply(r->pending, s->recovered->store, err);
    if (status == MR_OK)
        mr_state_settle(r->state, max);
    return status;
}

static mr_status on_epoch(scan *s, mr_reader payload, uint32_t content, int64_t offset,
                          uint32_t checksum, mr_error *err)
{
    mr_epoch_record record;
    mr_status status = mr_epoch_record_decode(payload.next, mr_reader_left(&payload),
                                              s->request->arena, &record, err);
    if (status == MR_OK && is_stray(s, &record)) {
        drop_chunks(s);
        return MR_OK;
    }
    if (status == MR_OK && !s->request->is_transactional) {
        if (record.delta_chunks == 0)
            drop_list(&s->delta);
        if (record.base_chunks == 0)
            drop_list(&s->base);
    }
    if (status == MR_OK)
        status = check_chain(s, &record, content, err);
    if (status != MR_OK)
        return status;
    status = load_epoch(s, &record, err);
    if (status != MR_OK)
        return status;
    mr_state_mark_clean(s->request->state);
    mr_store_marker marker = {.is_present = true,
                              .plan_version = record.plan_version,
                              .epoch = record.epoch,
                              .log_offset = offset + 1,
                              .checksum = checksum};
    if (s->request->stores != NULL)
        mr_pending_seal(s->request->pending, &marker);
    status = relieve(s, err);
    if (status != MR_OK)
        return status;
    s->recovered->has_epoch = true;
    s->recovered->epoch = record;
    s->recovered->epoch_offset = offset;
    s->recovered->epoch_checksum = checksum;
    s->recovered->epoch_content = content;
    s->recovered->has_claim = false;
    s->recovered->epochs_read++;
    s->owner = record.transactional_id;
    drop_chunks(s);
    return MR_OK;
}

static mr_status on_claim(scan *s, mr_reader payload, mr_error *err)
{
    mr_status status = mr_epoch_record_decode(payload.next, mr_reader_left(&payload),
                                              s->request->arena, &s->recovered->claim, err);
    if (status != MR_OK)
        return status;
    s->recovered->has_claim = true;
    s->owner = s->recovered->claim.transactional_id;
    return MR_OK;
}

static mr_status on_record(scan *s, const mr_record *record, mr_error *err)
{
    mr_delta_header header;
    mr_reader payload;
    uint32_t checksum;
    mr_status status =
        mr_delta_open(record->value, record->value_length, &header, &payload, &checksum, err);
    if (status != MR_OK)
        return status;
    if (header.task != s->request->task)
        return mr_error_set(err, MR_E_STATE_FORMAT, "record of task %" PRIu32, header.task);
    switch (header.kind) {
    case MR_DELTA_CHUNK:
        if (header.chunk == 0 && !s->request->is_transactional)
            drop_chunks(s); /* another try begins */
        add_chunk(&s->delta, &payload, checksum);
        return MR_OK;
    case MR_DELTA_BASE:
        if (header.chunk == 0 && !s->request->is_transactional)
            drop_list(&s->base);
        if (s->is_loaded) /* only counted and checked: nobody needs it */
            payload.next = payload.end;
        add_chunk(&s->base, &payload, checksum);
        return MR_OK;
    case MR_DELTA_EPOCH: return on_epoch(s, payload, header.chunk, record->offset, checksum, err);
    case MR_DELTA_CLAIM: return on_claim(s, payload, err);
    }
    return MR_OK;
}

/* Nothing is loaded and no chain is checked: that comes when the log is read again. */
static mr_status on_searched(scan *s, const mr_record *record, mr_error *err)
{
    mr_delta_header header;
    mr_reader payload;
    mr_epoch_record epoch;
    mr_status status =
        mr_delta_open(record->value, record->value_length, &header, &payload, NULL, err);
    if (status != MR_OK || (header.kind != MR_DELTA_EPOCH && header.kind != MR_DELTA_CLAIM))
        return status;
    status = mr_epoch_record_decode(payload.next, mr_reader_left(&payload), s->request->arena,
                                    &epoch, err);
    if (status != MR_OK)
        return status;
    s->owner = epoch.transactional_id;
    if (epoch.checkpoint != NULL && epoch.checkpoint[0] != '\0')
        s->named = epoch.checkpoint;
    return MR_OK;
}

/* The local store's own trouble, not the log's. */
static bool is_of_store(mr_status status)
{
    return status == MR_E_CRASHED || (status >= MR_E_STORE_OPEN && status <= MR_E_STORE_LOCKED);
}

static mr_status fetch_some(scan *s, int32_t timeout_ms, bool *came, mr_error *err)
{
    mr_records records;
    mr_status status = mr_breath_take(&s->request->breath, err);
    if (status == MR_OK)
        status = s->reader->class->fetch(s->reader, FETCH_ROWS, timeout_ms, &records, err);
    *came = status == MR_OK && records.count > 0;
    for (uint32_t i = 0; status == MR_OK && i < records.count; i++) {
        status = s->is_searching ? on_searched(s, &records.record[i], err)
                                 : on_record(s, &records.record[i], err);
        if (status != MR_OK)
            return is_of_store(status) ? status : refuse(s, status, records.record[i].offset, err);
        s->position = records.record[i].offset + 1;
    }
    return status;
}

/* The writer named last is gone or fenced, and its transaction still stands open here: either its
 * end is on the way, or it hangs. */
static mr_status end_hanging(scan *s, const mr_input_ends *ends, mr_error *err)
{
    const mr_recovery_request *r = s->request;
    mr_log_writer *writer = NULL;
    mr_writer_options options = {.transactional_id = s->owner, .knock_first = true};
    mr_status status = r->log->class->open_writer(r->log, &options, &writer, err);
    if (status != MR_OK)
        return status;
    mr_hanging_request request = {
        .log = r->log, .writer = writer, .logger = r->logger, .job = r->job};
    mr_log_ends place = {.topic = r->topic,
                         .partition = (int32_t)r->task,
                         .stable = ends->stable_end,
                         .high = ends->high_end};
    uint32_t ended;
    status = mr_hanging_end(&request, &place, 1, &ended, err);
    writer->class->close(writer);
    return status;
}

/* Reads on until the position is the true end. */
static mr_status read_to_end(scan *s, mr_error *err)
{
    const mr_clock *clock = s->request->clock;
    int64_t open_since = -1, quiet_since = clock->monotonic_us(clock);
    uint32_t knocks = 0;
    bool came = false;
    for (;;) {
        /* Behind records this may be the end: that is asked at once, not after a wait for more. */
        mr_status status = fetch_some(s, came ? 0 : FETCH_TIMEOUT_MS, &came, err);
        if (status == MR_OK && came) {
            quiet_since = clock->monotonic_us(clock);
            continue;
        }
        mr_input_ends ends;
        if (status == MR_OK)
            status = s->reader->class->ends(s->reader, 0, ENDS_TIMEOUT_MS, &ends, err);
        int64_t now = clock->monotonic_us(clock);
        if (status != MR_OK && (status == MR_E_INTERRUPTED || err->recovery != MR_RECOVERY_RETRY ||
                                now - quiet_since > QUIET_LIMIT_US))
            return status;
        if (status != MR_OK)
            continue;
        if (ends.stable_end == ends.high_end && !ends.is_buffered &&
            (ends.position >= ends.stable_end || s->position >= ends.stable_end)) {
            s->recovered->log_end = ends.stable_end;
            return MR_OK;
        }
        if (ends.stable_end >= ends.high_end) {
            open_since = -1;
        } else if (open_since < 0) {
            open_since = now;
        } else if (knocks < KNOCKS_MAX && now - open_since > KNOCK_AFTER_US && s->owner != NULL &&
                   s->owner[0] != '\0' && strcmp(s->owner, s->request->transactional_id) != 0) {
            status = knocks == 0 ? s->request->log->class->knock(s->request->log, s->owner, err)
                                 : end_hanging(s, &ends, err);
            if (status != MR_OK && err->recovery != MR_RECOVERY_RETRY)
                return status;
            knocks += status == MR_OK; /* one that the broker did not hear was none */
            open_since = now;
        }
        if (now - quiet_since > QUIET_LIMIT_US)
            return mr_error_set(
                err, MR_E_KAFKA_TIMEOUT,
                "state log %s[%" PRIu32 "] cannot be read to its end: position %" PRId64
                ", stable end %" PRId64 ", high watermark %" PRId64,
                s->request->topic, s->request->task, ends.position, ends.stable_end, ends.high_end);
    }
}

static mr_status scan_log(scan *s, int64_t from, mr_error *err)
{
    const mr_recovery_request *r = s->request;
    mr_status status = r->log->class->open_reader(r->log, &s->reader, err);
    if (status != MR_OK)
        return status;
    s->position = from;
    status = s->reader->class->add(s->reader, 0, r->topic, (int32_t)r->task, from, err);
    if (status == MR_OK)
        status = read_to_end(s, err);
    if (status == MR_OK && s->is_partial)
        status = refuse(s,
                        mr_error_set(err, MR_E_STATE_GAP,
                                     "the log starts with a base whose last part is missing"),
                        s->position, err);
    s->reader->class->close(s->reader);
    mr_buffer_release(&s->delta.payloads);
    mr_buffer_release(&s->base.payloads);
    return status;
}

static void start_over(scan *s)
{
    mr_state_clear(s->request->state);
    mr_pending_clear(s->request->pending);
    mr_local_store *store = s->recovered->store;
    bool was_quarantined = s->recovered->was_quarantined;
    *s->recovered =
        (mr_recovered){.store = store, .epoch_offset = -1, .was_quarantined = was_quarantined};
    *s = (scan){.request = s->request,
                .recovered = s->recovered,
                .has_tried_checkpoint = s->has_tried_checkpoint,
                .checkpoint_err = s->checkpoint_err};
}

/* What the state has left in it is lost to it: it is to be cleared. */
static void close_store(scan *s)
{
    mr_state_back(s->request->state, NULL);
    if (s->recovered->store != NULL)
        s->recovered->store->class->close(s->recovered->store);
    s->recovered->store = NULL;
}

static mr_status quarantine(scan *s, const mr_error *why, mr_error *err)
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
static mr_status await_end(const scan *s, int64_t offset, int64_t *log_end, mr_error *err)
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

static mr_status load_entries(scan *s, mr_error *err)
{
    mr_local_load load = {.store = s->recovered->store,
                          .state = s->request->state,
                          .bytes_max = s->request->load_bytes_max,
                          .breath = s->request->breath};
    mr_status status = mr_local_load_run(&load, err);
    s->recovered->entries_loaded = load.entries;
    s->recovered->slices_left = load.slices;
    return status;
}

/* Loads what the local store holds. `is_trusted` false: it must be set aside, `err` says why. */
static mr_status load_local(scan *s, int64_t log_start, int64_t log_end, bool *is_trusted,
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

static mr_status open_store(scan *s, mr_error *err)
{
    const mr_recovery_request *r = s->request;
    mr_status status = r->stores->open(r->stores, r->job, r->task, &s->recovered->store, err);
    if (status != MR_E_STORE_DAMAGED)
        return status;
    mr_error why = *err;
    return quarantine(s, &why, err);
}

static mr_status run_with_store(scan *s, int64_t log_start, int64_t log_end, mr_error *err)
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
static mr_status fetch_first(scan *s, mr_log_reader *reader, int64_t at, mr_records *records,
                             mr_error *err)
{
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
 * a different checksum there shows that the store is of another history. */
static mr_status read_anchor(scan *s, mr_error *err)
{
    const mr_recovery_request *r = s->request;
    int64_t at = s->recovered->epoch_offset;
    mr_log_reader *reader;
    mr_status status = r->log->class->open_reader(r->log, &reader, err);
    if (status != MR_OK)
        return status;
    status = reader->class->add(reader, 0, r->topic, (int32_t)r->task, at, err);
    mr_records records = {0};
    if (status == MR_OK)
        status = fetch_first(s, reader, at, &records, err);
    if (status != MR_OK) {
        reader->class->close(reader);
        return status;
    }
    mr_delta_header header;
    mr_reader payload;
    uint32_t checksum = 0;
    if (status == MR_OK && (records.count == 0 || records.record[0].offset != at))
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
    reader->class->close(reader);
    if (status != MR_OK)
        return refuse(s, status, at, err);
    s->recovered->has_epoch = true;
    s->recovered->epoch_content = header.chunk;
    s->owner = s->recovered->epoch.transactional_id;
    return MR_OK;
}

/* The checkpoint takes the place of the local store, which is fresh or was set aside. */
static mr_status download(scan *s, const char *id, mr_error *err)
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

/* Looks in the log for the checkpoint that is named. */
static mr_status find_checkpoint(scan *s, int64_t start, int64_t *end, const char **id,
                                 mr_error *err)
{
    s->is_searching = true;
    mr_status status = scan_log(s, start, err);
    if (status == MR_E_STATE_FORMAT) /* the scan that counts will meet it, and say so */
        status = MR_OK;
    *id = s->named;
    *end = s->recovered->log_end;
    if (status == MR_OK)
        start_over(s);
    return status;
}

/* Nothing is loaded: loads the checkpoint that was asked for, or is named. What goes wrong with it
 * is no error yet: the log alone may do. */
static mr_status load_checkpoint(scan *s, int64_t start, int64_t end, mr_error *err)
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
static mr_status read_on(scan *s, int64_t start, mr_error *err)
{
    s->is_from_store = s->is_loaded;
    mr_status status = s->is_loaded ? read_anchor(s, err) : MR_OK;
    if (status != MR_OK)
        return status;
    return scan_log(s, s->is_from_store ? s->recovered->epoch_offset + 1 : start, err);
}

mr_status mr_recovery_run(const mr_recovery_request *request, mr_recovered *recovered,
                          mr_error *err)
{
    *recovered = (mr_recovered){.epoch_offset = -1};
    scan s = {.request = request, .recovered = recovered};
    mr_log *log = request->log;
    int64_t start, end;
    mr_status status = log->class->offset(log, request->topic, (int32_t)request->task,
                                          MR_OFFSET_EARLIEST, &start, err);
    if (status == MR_OK)
        status = log->class->offset(log, request->topic, (int32_t)request->task, MR_OFFSET_LATEST,
                                    &end, err);
    if (status == MR_OK && request->stores != NULL)
        status = run_with_store(&s, start, end, err);
    if (status == MR_OK && !s.is_loaded)
        status = load_checkpoint(&s, start, end, err);
    if (status == MR_OK)
        status = read_on(&s, start, err);
    while (s.is_from_store && is_history_error(status)) {
        mr_error why = *err;
        status = quarantine(&s, &why, err);
        if (status == MR_OK)
            status = load_checkpoint(&s, start, end, err);
        if (status == MR_OK)
            status = read_on(&s, start, err);
    }
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
