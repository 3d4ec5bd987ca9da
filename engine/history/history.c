#include "engine/history/history.h"

#include "engine/history/ask.h"

#include "engine/commit/delta.h"

#include <inttypes.h>

#define FETCH_ROWS 1024
#define FETCH_TIMEOUT_MS 20
#define ENDS_TIMEOUT_MS 10000
#define QUIET_LIMIT_US INT64_C(60000000)
#define BEGINNINGS_MAX 20u

typedef struct reading {
    const mr_history *history;
    mr_log_reader *reader;
    int64_t position, until;
    mr_history_visit visit;
    void *context;
    bool is_enough;
    bool has_visited;
    mr_arena scratch;
    bool has_epoch; /* one was visited: the next has to follow it */
    uint64_t epoch;
    int64_t epoch_offset;
} reading;

static mr_status visit_record(reading *r, const mr_record *record, mr_error *err)
{
    mr_delta_header header;
    mr_reader payload;
    mr_history_record found = {.offset = record->offset,
                               .timestamp_ms = record->timestamp_ms,
                               .bytes = record->value,
                               .length = record->value_length};
    mr_status status =
        mr_delta_open(record->value, record->value_length, &header, &payload, &found.checksum, err);
    if (status != MR_OK || (header.kind != MR_DELTA_EPOCH && header.kind != MR_DELTA_CLAIM))
        return status;
    mr_epoch_record decoded;
    mr_arena_reset(&r->scratch);
    status =
        mr_epoch_record_decode(payload.next, mr_reader_left(&payload), &r->scratch, &decoded, err);
    if (status != MR_OK)
        return status;
    found.record = &decoded;
    found.is_claim = header.kind == MR_DELTA_CLAIM;
    if (!found.is_claim) {
        if (r->has_epoch &&
            (decoded.epoch != r->epoch + 1 || decoded.previous_offset != r->epoch_offset))
            return MR_OK;
        r->has_epoch = true;
        r->epoch = decoded.epoch;
        r->epoch_offset = record->offset;
    }
    r->has_visited = true;
    return r->visit(r->context, &found, &r->is_enough, err);
}

static mr_status fetch_some(reading *r, bool *came, mr_error *err)
{
    mr_records records;
    mr_status status =
        r->reader->class->fetch(r->reader, FETCH_ROWS, *came ? 0 : FETCH_TIMEOUT_MS, &records, err);
    *came = status == MR_OK && records.count > 0;
    for (uint32_t i = 0; status == MR_OK && i < records.count && !r->is_enough; i++) {
        if (records.record[i].offset >= r->until)
            break;
        if (records.record[i].value == NULL) /* ended a transaction that hung (hanging.h) */
            continue;
        status = visit_record(r, &records.record[i], err);
        if (status != MR_OK && status / 100 == 40) /* of the record, not of the visitor's own */
            return mr_error_prefix(err, "state log %s[%" PRIu32 "]@%" PRId64, r->history->topic,
                                   r->history->task, records.record[i].offset);
    }
    if (*came)
        r->position = records.record[records.count - 1].offset + 1;
    return status;
}

static mr_status read_on(reading *r, mr_error *err)
{
    const mr_clock *clock = r->history->clock;
    int64_t quiet_us = clock->monotonic_us(clock);
    bool came = false;
    while (!r->is_enough && r->position < r->until) {
        mr_status status = fetch_some(r, &came, err);
        int64_t now_us = clock->monotonic_us(clock);
        if (status == MR_OK && came) {
            quiet_us = now_us;
            continue;
        }
        mr_input_ends ends;
        if (status == MR_OK)
            status = r->reader->class->ends(r->reader, 0, ENDS_TIMEOUT_MS, &ends, err);
        if (status != MR_OK &&
            (err->recovery != MR_RECOVERY_RETRY || now_us - quiet_us > QUIET_LIMIT_US))
            return status;
        if (status == MR_OK && !ends.is_buffered && ends.position >= r->until)
            return MR_OK; /* behind the last record stands its marker */
        if (now_us - quiet_us > QUIET_LIMIT_US)
            return mr_error_set(err, MR_E_KAFKA_TIMEOUT,
                                "state log %s[%" PRIu32 "]@%" PRId64 " cannot be read",
                                r->history->topic, r->history->task, r->position);
    }
    return MR_OK;
}

static mr_status read_from(reading *r, int64_t from, mr_error *err)
{
    const mr_history *history = r->history;
    mr_log *log = history->log;
    int32_t partition = (int32_t)history->task;
    mr_status status = MR_OK;
    if (from == MR_OFFSET_EARLIEST)
        status = mr_ask_offset(log, history->topic, partition, from, &from, err);
    if (status == MR_OK && r->until < 0)
        status = mr_ask_offset(log, history->topic, partition, MR_OFFSET_LATEST, &r->until, err);
    r->position = from;
    if (status == MR_OK)
        status = log->class->open_reader(log, &r->reader, err);
    if (status != MR_OK)
        return status;
    status = r->reader->class->add(r->reader, 0, history->topic, partition, from, err);
    if (status == MR_OK)
        status = read_on(r, err);
    r->reader->class->close(r->reader);
    mr_arena_release(&r->scratch);
    return status;
}

/* A live job may have the log trimmed between the question where it begins and the first fetch. */
mr_status mr_history_read(const mr_history *history, int64_t from, int64_t until,
                          mr_history_visit visit, void *context, mr_error *err)
{
    reading r;
    mr_status status;
    uint32_t beginnings = 0;
    do {
        r = (reading){.history = history, .until = until, .visit = visit, .context = context};
        status = read_from(&r, from, err);
    } while (status == MR_E_KAFKA_OFFSET_LOST && from == MR_OFFSET_EARLIEST && !r.has_visited &&
             ++beginnings < BEGINNINGS_MAX);
    return status;
}

static mr_status note_version(void *context, const mr_history_record *at, bool *is_enough,
                              mr_error *err)
{
    (void)is_enough;
    (void)err;
    if (!at->is_claim)
        *(uint64_t *)context = at->record->plan_version;
    return MR_OK;
}

mr_status mr_history_last_plan(const mr_history *history, const char *job, uint64_t *version,
                               mr_error *err)
{
    mr_arena arena = {0};
    mr_log *log = history->log;
    mr_log_offset asked = {
        .topic = history->topic, .partition = (int32_t)history->task, .offset = -1};
    uint64_t epoch = 0;
    int64_t offset = -1;
    uint32_t checksum;
    *version = 0;
    mr_status status = log->class->group_offsets(log, job, &asked, 1, &arena, err);
    bool is_known = status == MR_OK && asked.offset >= 0 &&
                    mr_epoch_metadata_parse(asked.metadata, &epoch, &offset, &checksum);
    if (is_known && epoch > 0)
        status = mr_history_read(history, offset, offset + 1, note_version, version, err);
    mr_arena_release(&arena);
    if (is_known && status == MR_E_KAFKA_OFFSET_LOST)
        status = MR_OK; /* trimmed since */
    /* Offsets expire at the broker, and the log counts. */
    return status == MR_OK && *version == 0
               ? mr_history_read(history, MR_OFFSET_EARLIEST, -1, note_version, version, err)
               : status;
}
