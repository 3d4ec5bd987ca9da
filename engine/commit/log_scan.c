#include "engine/commit/log_scan.h"

#include "engine/base/assert.h"
#include "engine/commit/delta.h"
#include "engine/commit/hanging.h"
#include "engine/commit/log_load.h"

#include <inttypes.h>
#include <string.h>

#define FETCH_ROWS 1024
#define FETCH_TIMEOUT_MS 20
#define ENDS_TIMEOUT_MS 10000
#define KNOCK_AFTER_US INT64_C(500000)
#define KNOCKS_MAX 2u /* the owner named last may be alive: the open transaction may be another's */
#define CURES_MAX 5u
#define QUIET_LIMIT_US INT64_C(60000000) /* no progress at all for so long: say so and stop */

mr_status mr_log_scan_refuse(const mr_log_scan *s, mr_status status, int64_t offset, mr_error *err)
{
    err->status = status;
    err->recovery = MR_RECOVERY_STOP;
    return mr_error_prefix(err, "state log %s[%" PRIu32 "]@%" PRId64, s->request->topic,
                           s->request->task, offset);
}

/* Nothing is loaded: a base begins here, or the job does. With checkpoints the log begins with the
 * bare record at which the oldest kept one was taken: who has neither that one nor a local store is
 * told so, and not what such a record lacks. */
static mr_status check_beginning(const mr_log_scan *s, const mr_epoch_record *record, mr_error *err)
{
    bool has_part = record->has_base || record->has_base_part;
    if (has_part && !record->is_base_continued && record->base_chunks == s->base.count)
        return MR_OK;
    bool is_first = record->previous_offset == -1 && record->epoch == 1;
    if (is_first && (record->delta_chunks == 0 || s->delta.count > 0))
        return MR_OK;
    return mr_error_set(err, MR_E_STATE_GAP,
                        "the log starts with epoch %" PRIu64 ", which is no base%s", record->epoch,
                        s->delta.count == 0 && record->delta_chunks > 0
                            ? ": what was before is in checkpoints, none of which is at hand "
                              "(execution.checkpointing.dir)"
                            : "");
}

/* Is this epoch record the next link? */
static mr_status check_chain(const mr_log_scan *s, const mr_epoch_record *record, uint32_t content,
                             mr_error *err)
{
    const mr_recovered *known = s->recovered;
    bool is_beginning = !s->is_loaded && !s->is_partial;
    mr_status status = is_beginning ? check_beginning(s, record, err) : MR_OK;
    if (status != MR_OK)
        return status;
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
    if (is_beginning)
        return MR_OK;
    bool has_part = record->has_base || record->has_base_part;
    if (s->is_partial && has_part && record->base_chunks != s->base.count)
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

static void drop_list(mr_chunk_list *list)
{
    mr_buffer_clear(&list->payloads);
    list->count = list->check = 0;
}

static void add_chunk(mr_chunk_list *list, const mr_reader *payload, uint32_t checksum)
{
    mr_buffer_put(&list->payloads, payload->next, mr_reader_left(payload));
    list->count++;
    list->check = mr_delta_mix(list->check, checksum);
}

static void drop_chunks(mr_log_scan *s)
{
    drop_list(&s->delta);
    drop_list(&s->base);
}

/* Without transactions, what a writer left that died within an epoch, or was no longer the owner,
 * stands in the log as well. */
static bool is_stray(const mr_log_scan *s, const mr_epoch_record *record)
{
    bool is_foreign = s->owner != NULL && strcmp(s->owner, record->transactional_id) != 0;
    bool is_old = s->is_loaded && record->epoch <= s->recovered->epoch.epoch;
    return !s->request->is_transactional && (is_foreign || is_old);
}

static void note_plan(mr_log_scan *s, uint64_t plan_version, int64_t offset)
{
    s->foreign = plan_version != s->request->plan_version ? plan_version : 0;
    if (s->foreign == 0)
        return;
    s->foreign_offset = offset;
    s->has_passed_foreign = true;
}

/* Behind another plan's epochs ours begin with all that came over. */
static mr_status check_plan(const mr_epoch_record *record, uint64_t was_foreign, mr_error *err)
{
    bool is_whole = record->has_base && !record->is_base_continued;
    if (was_foreign == 0 || is_whole)
        return MR_OK;
    return mr_error_set(err, MR_E_STATE_PLAN,
                        "written by plan %016" PRIx64 " amid epochs of this job's plan %016" PRIx64
                        ", and what follows is no upgrade",
                        was_foreign, record->plan_version);
}

/* Nothing of another plan's can be loaded here, nor of what was ours before it: what came over is
 * in the base of the epoch with which the job was upgraded. */
static mr_status pass_over(mr_log_scan *s, const mr_epoch_record *record)
{
    s->is_store_stale = s->is_store_stale || s->is_from_store || s->has_relieved;
    mr_state_clear(s->request->state);
    mr_pending_clear(s->request->pending);
    s->is_loaded = s->is_partial = s->recovered->has_epoch = s->recovered->has_claim = false;
    s->recovered->epoch_offset = -1;
    s->owner = record->transactional_id;
    drop_chunks(s);
    return MR_OK;
}

static mr_status on_epoch(mr_log_scan *s, mr_reader payload, uint32_t content, int64_t offset,
                          uint32_t checksum, mr_error *err)
{
    mr_epoch_record record;
    mr_status status = mr_epoch_record_decode(payload.next, mr_reader_left(&payload),
                                              s->request->arena, &record, err);
    if (status == MR_OK && is_stray(s, &record)) {
        drop_chunks(s);
        return MR_OK;
    }
    uint64_t was_foreign = s->foreign;
    if (status == MR_OK && offset < s->ours_from)
        return pass_over(s, &record);
    if (status == MR_OK)
        note_plan(s, record.plan_version, offset);
    if (status == MR_OK && s->foreign != 0)
        return pass_over(s, &record);
    if (status == MR_OK)
        status = check_plan(&record, was_foreign, err);
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
    status = mr_log_load_epoch(s, &record, err);
    if (status != MR_OK)
        return status;
    mr_state_mark_clean(s->request->state);
    mr_store_marker marker = {.is_present = true, .plan_version = record.plan_version};
    if (s->is_loaded) {
        marker.epoch = record.epoch;
        marker.log_offset = offset + 1;
        marker.checksum = checksum;
    }
    if (s->request->stores != NULL)
        mr_pending_seal(s->request->pending, &marker);
    status = mr_log_load_relieve(s, err);
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

static mr_status on_claim(mr_log_scan *s, mr_reader payload, mr_error *err)
{
    mr_status status = mr_epoch_record_decode(payload.next, mr_reader_left(&payload),
                                              s->request->arena, &s->recovered->claim, err);
    if (status != MR_OK)
        return status;
    s->recovered->has_claim = true;
    s->owner = s->recovered->claim.transactional_id;
    return MR_OK;
}

static mr_status on_record(mr_log_scan *s, const mr_record *record, mr_error *err)
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
static mr_status on_searched(mr_log_scan *s, const mr_record *record, mr_error *err)
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
    if (header.kind == MR_DELTA_EPOCH)
        note_plan(s, epoch.plan_version, record->offset);
    if (s->foreign != 0) /* of no use behind an upgrade */
        s->named = NULL;
    else if (epoch.checkpoint != NULL)
        s->named = epoch.checkpoint;
    return MR_OK;
}

/* The local store's own trouble, not the log's. */
static bool is_of_store(mr_status status)
{
    return status == MR_E_CRASHED || (status >= MR_E_STORE_OPEN && status <= MR_E_STORE_LOCKED);
}

static mr_status fetch_some(mr_log_scan *s, int32_t timeout_ms, bool *came, mr_error *err)
{
    mr_records records;
    mr_status status = mr_breath_take(&s->request->breath, err);
    if (status == MR_OK)
        status = s->reader->class->fetch(s->reader, FETCH_ROWS, timeout_ms, &records, err);
    *came = status == MR_OK && records.count > 0;
    for (uint32_t i = 0; status == MR_OK && i < records.count; i++) {
        if (records.record[i].value == NULL) /* ended a transaction that hung (hanging.h) */
            status = MR_OK;
        else
            status = s->is_searching ? on_searched(s, &records.record[i], err)
                                     : on_record(s, &records.record[i], err);
        if (status != MR_OK)
            return is_of_store(status)
                       ? status
                       : mr_log_scan_refuse(s, status,
                                            status == MR_E_STATE_PLAN ? s->foreign_offset
                                                                      : records.record[i].offset,
                                            err);
        s->position = records.record[i].offset + 1;
    }
    return status;
}

/* The writer named last is gone or fenced, and its transaction still stands open here: either its
 * end is on the way, or it hangs. Another cure in a while when the end of one was left out too. */
static mr_status end_hanging(mr_log_scan *s, const mr_input_ends *ends, mr_error *err)
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
    mr_hanging_found found = {.left = 1};
    for (uint32_t i = 0; status == MR_OK && i < CURES_MAX && found.left > 0; i++) {
        bool came;
        status = i > 0 ? fetch_some(s, FETCH_TIMEOUT_MS << i, &came, err) : MR_OK;
        if (status == MR_OK)
            status = mr_hanging_end(&request, &place, 1, &found, err);
    }
    writer->class->close(writer);
    return status;
}

/* Of our own the worker knows best how to end it. */
static bool is_own(const mr_log_scan *s)
{
    const char *id = s->request->transactional_id;
    return s->owner != NULL && id != NULL && id[0] != '\0' && strcmp(s->owner, id) == 0;
}

/* A log without a word of anybody's may be held by our own first claim. */
static bool may_be_own(const mr_log_scan *s)
{
    const char *id = s->request->transactional_id;
    return is_own(s) || (s->owner == NULL && id != NULL && id[0] != '\0');
}

/* Nothing that is read here names who is to be knocked at, and there is more in front of it. */
static bool is_vain(const mr_log_scan *s, const mr_input_ends *ends, int64_t quiet_us)
{
    bool is_read = !ends->is_buffered &&
                   (ends->position >= ends->stable_end || s->position >= ends->stable_end);
    return s->may_go_back && s->owner == NULL && ends->stable_end < ends->high_end &&
           (is_read || quiet_us > KNOCK_AFTER_US);
}

/* Reads on until the position is the true end. `came`: this may be it already. */
static mr_status read_to_end(mr_log_scan *s, bool came, mr_error *err)
{
    const mr_clock *clock = s->request->clock;
    int64_t open_since = -1, quiet_since = clock->monotonic_us(clock);
    uint32_t knocks = 0;
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
        if (is_vain(s, &ends, now - quiet_since))
            return MR_OK;
        if (ends.stable_end >= ends.high_end) {
            open_since = -1;
        } else if (open_since < 0) { /* it may have been all the time that the log was read */
            open_since = ends.stable_end == s->end_at_first ? s->first_us : now;
        } else if (now - open_since > KNOCK_AFTER_US && s->request->tells_own && may_be_own(s)) {
            return mr_error_set_recovery(err, MR_E_KAFKA_TIMEOUT, MR_RECOVERY_RETRY,
                                         "state log %s[%" PRIu32 "]@%" PRId64
                                         " has a transaction that is open, perhaps our own",
                                         s->request->topic, s->request->task, ends.stable_end);
        } else if (knocks < KNOCKS_MAX && now - open_since > KNOCK_AFTER_US && s->owner != NULL &&
                   s->owner[0] != '\0' && !is_own(s)) {
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

mr_status mr_log_scan_refuse_plan(const mr_log_scan *s, mr_error *err)
{
    if (s->foreign == MR_PLAN_RETIRED)
        mr_error_set(err, MR_E_STATE_PLAN,
                     "an upgrade gave the job fewer tasks and has retired this one; take the text "
                     "that it was upgraded to");
    else
        mr_error_set(err, MR_E_STATE_PLAN,
                     "state was written by plan %016" PRIx64 ", this job is plan %016" PRIx64
                     "; run the job that wrote it, upgrade it, or start over with --reset",
                     s->foreign, s->request->plan_version);
    return mr_log_scan_refuse(s, MR_E_STATE_PLAN, s->foreign_offset, err);
}

static mr_status check_end(mr_log_scan *s, mr_error *err)
{
    if (s->foreign != 0)
        return mr_log_scan_refuse_plan(s, err);
    if (!s->is_store_stale)
        return MR_OK;
    s->ours_from = s->foreign_offset + 1;
    mr_error_set(err, MR_E_STATE_GAP,
                 "the job was upgraded, and back, behind what the local store holds");
    return mr_log_scan_refuse(s, MR_E_STATE_GAP, s->foreign_offset, err);
}

mr_status mr_log_scan_open(mr_log_scan *s, int64_t from, mr_error *err)
{
    const mr_recovery_request *r = s->request;
    mr_status status = MR_OK;
    MR_ASSERT(s->reader == NULL);
    if (r->reader != NULL && *r->reader != NULL) {
        s->reader = *r->reader;
        *r->reader = NULL;
    } else {
        status = r->log->class->open_reader(r->log, &s->reader, err);
    }
    if (status != MR_OK) {
        s->reader = NULL;
        return status;
    }
    status = s->reader->class->add(s->reader, 0, r->topic, (int32_t)r->task, from, err);
    if (status != MR_OK)
        mr_log_scan_close(s);
    return status;
}

void mr_log_scan_close(mr_log_scan *s)
{
    s->reader->class->close(s->reader);
    s->reader = NULL;
}

mr_status mr_log_scan_run(mr_log_scan *s, int64_t from, mr_error *err)
{
    bool may_be_end = s->reader != NULL || s->is_empty;
    mr_status status = s->reader == NULL ? mr_log_scan_open(s, from, err) : MR_OK;
    if (status != MR_OK)
        return status;
    s->position = from;
    status = read_to_end(s, may_be_end, err);
    if (status == MR_OK && s->is_partial)
        status = mr_log_scan_refuse(
            s,
            mr_error_set(err, MR_E_STATE_GAP,
                         "the log starts with a base whose last part is missing"),
            s->position, err);
    if (status == MR_OK && !s->is_searching)
        status = check_end(s, err);
    if (status == MR_OK && !s->is_searching)
        status = mr_log_load_end(s, err);
    mr_log_scan_close(s);
    mr_buffer_release(&s->delta.payloads);
    mr_buffer_release(&s->base.payloads);
    return status;
}
