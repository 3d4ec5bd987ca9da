#include "engine/replay/compare.h"

#include "engine/history/ask.h"

#include "engine/base/assert.h"
#include "engine/base/hash.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#define FETCH_ROWS 4096
#define FETCH_TIMEOUT_MS 200
#define ENDS_TIMEOUT_MS 10000
#define SILENCE_LIMIT_US INT64_C(60000000)
#define APPENDED_MS 1000 /* brokers stamp rows when they come in, after the record of their epoch */
#define TIME_HEADER "__millrace.errors.time"
#define ATTEMPT_HEADER "__millrace.errors.attempt"

/* How often a row is there. */
typedef struct count {
    uint64_t hash; /* 0: an empty place */
    uint32_t live, edge, replay;
    uint32_t to_show;
} count;

typedef struct counts {
    count *places; /* [size], a power of two */
    size_t size, used;
} counts;

/* When rows of the epochs were written. */
typedef struct window {
    int64_t from_low, from_high; /* before: none of them; behind: not of an earlier one */
    int64_t to_low, to_high;     /* before: not of a later one; behind: none of them */
} window;

typedef struct compare {
    const mr_compare_request *request;
    const mr_output *output;
    window window;
    counts counts;
    bool is_live;    /* of what is read now */
    bool is_showing; /* second reading */
    uint32_t shown;
    mr_arena scratch;
} compare;

/* ---- counts ---- */

static count *find(counts *c, uint64_t hash)
{
    size_t at = hash & (c->size - 1);
    while (c->places[at].hash != 0 && c->places[at].hash != hash)
        at = (at + 1) & (c->size - 1);
    return &c->places[at];
}

static void grow(counts *c)
{
    counts grown = {.size = c->size != 0 ? c->size * 2 : 4096, .used = c->used};
    grown.places = calloc(grown.size, sizeof *grown.places);
    MR_ASSERT(grown.places != NULL);
    for (size_t i = 0; i < c->size; i++)
        if (c->places[i].hash != 0)
            *find(&grown, c->places[i].hash) = c->places[i];
    free(c->places);
    *c = grown;
}

static count *count_of(counts *c, uint64_t hash)
{
    if (c->used * 3 >= c->size * 2)
        grow(c);
    count *at = find(c, hash);
    c->used += at->hash == 0;
    at->hash = hash;
    return at;
}

/* ---- rows ---- */

static uint64_t hash_part(uint64_t so_far, const char *bytes, size_t length)
{
    uint64_t words[] = {so_far, bytes != NULL ? mr_hash(bytes, length) : 0, bytes != NULL};
    return mr_hash(words, sizeof words);
}

static uint64_t hash_row(const mr_record *record, const mr_header *headers, uint32_t headers_count)
{
    uint64_t hash = hash_part(1, record->key, record->key_length);
    hash = hash_part(hash, record->value, record->value_length);
    for (uint32_t h = 0; h < headers_count; h++) {
        if (strcmp(headers[h].name, TIME_HEADER) == 0 ||
            strcmp(headers[h].name, ATTEMPT_HEADER) == 0)
            continue;
        hash = hash_part(hash, headers[h].name, strlen(headers[h].name));
        hash = hash_part(hash, headers[h].value, headers[h].value_length);
    }
    return hash != 0 ? hash : 1;
}

/* Dead letters have the timestamps of their records, and say themselves when they died. */
static int64_t written_ms(const mr_record *record, const mr_header *headers, uint32_t headers_count)
{
    for (uint32_t h = 0; h < headers_count; h++)
        if (strcmp(headers[h].name, TIME_HEADER) == 0 && headers[h].value_length < 24) {
            char text[24];
            memcpy(text, headers[h].value, headers[h].value_length);
            text[headers[h].value_length] = '\0';
            return strtoll(text, NULL, 10);
        }
    return record->timestamp_ms;
}

typedef enum side {
    OUTSIDE = 0,
    EDGE,
    INSIDE,
} side;

static side side_of(const compare *c, int32_t partition, const mr_record *record, int64_t ms)
{
    const window *w = &c->window;
    int64_t slack = record->timestamp_kind == MR_TIMESTAMP_APPEND ? APPENDED_MS : 0;
    if (record->offset >= c->output->live_after[partition])
        return OUTSIDE;
    if (w->from_low != MR_TIME_NONE && ms < w->from_low - slack)
        return OUTSIDE;
    if (w->to_high != MR_TIME_MAX && ms > w->to_high + slack)
        return OUTSIDE;
    bool is_behind_from = w->from_high == MR_TIME_NONE || ms > w->from_high + slack;
    bool is_before_to = w->to_low == MR_TIME_MAX || ms < w->to_low - slack;
    bool is_known = record->offset < c->output->live_before[partition];
    return is_behind_from && is_before_to && is_known ? INSIDE : EDGE;
}

static void show(compare *c, count *at, int32_t partition, const mr_record *record)
{
    if (at->to_show == 0 || c->shown >= c->request->rows_max)
        return;
    at->to_show--;
    c->shown++;
    mr_compare_row row = {.is_live = c->is_live,
                          .topic = c->is_live ? c->output->live : c->output->replay,
                          .partition = partition,
                          .record = record};
    if (c->request->show != NULL)
        c->request->show(c->request->context, &row);
}

static void take(compare *c, const mr_records *records, uint32_t i)
{
    uint32_t headers_count = 0;
    const mr_record *record = &records->record[i];
    mr_arena_reset(&c->scratch);
    const mr_header *headers =
        records->headers != NULL ? records->headers(records, i, &c->scratch, &headers_count) : NULL;
    side place = INSIDE;
    if (c->is_live)
        place = side_of(c, records->partition, record, written_ms(record, headers, headers_count));
    if (place == OUTSIDE)
        return;
    count *at = count_of(&c->counts, hash_row(record, headers, headers_count));
    if (c->is_showing) {
        if (place == INSIDE)
            show(c, at, records->partition, record);
        return;
    }
    at->live += c->is_live && place == INSIDE;
    at->edge += c->is_live && place == EDGE;
    at->replay += !c->is_live;
}

/* ---- topics ---- */

/* [from, until) of one partition, committed. */
static mr_status read_partition(compare *c, mr_log_reader *reader, int32_t partition, int64_t until,
                                mr_error *err)
{
    const mr_clock *clock = c->request->moments->clock;
    int64_t silent_us = clock->monotonic_us(clock);
    for (;;) {
        mr_records records;
        mr_input_ends ends;
        mr_status status =
            reader->class->fetch(reader, FETCH_ROWS, FETCH_TIMEOUT_MS, &records, err);
        bool came = status == MR_OK && records.count > 0;
        for (uint32_t i = 0; came && i < records.count; i++) {
            if (records.record[i].offset >= until)
                return MR_OK;
            take(c, &records, i);
        }
        if (came && records.record[records.count - 1].offset >= until - 1)
            return MR_OK;
        if (status == MR_OK && !came)
            status = reader->class->ends(reader, (uint32_t)partition, ENDS_TIMEOUT_MS, &ends, err);
        if (status == MR_OK && !came && ends.position >= until && !ends.is_buffered)
            return MR_OK;
        int64_t now_us = clock->monotonic_us(clock);
        if (came)
            silent_us = now_us;
        if (status != MR_OK && err->recovery != MR_RECOVERY_RETRY)
            return status;
        if (now_us - silent_us > SILENCE_LIMIT_US)
            return mr_error_set(err, MR_E_KAFKA_TIMEOUT, "%s[%" PRId32 "] cannot be read",
                                c->is_live ? c->output->live : c->output->replay, partition);
    }
}

static mr_status live_start(const compare *c, int32_t partition, int64_t *from, mr_error *err)
{
    mr_log *log = c->request->moments->log;
    if (c->output->has_dead || c->window.from_low == MR_TIME_NONE)
        return mr_ask_offset(log, c->output->live, partition, MR_OFFSET_EARLIEST, from, err);
    return mr_ask_offset_at(log, c->output->live, partition, c->window.from_low - APPENDED_MS, from,
                            err);
}

static mr_status read_side(compare *c, bool is_live, mr_error *err)
{
    mr_log *log = c->request->moments->log;
    const mr_output *output = c->output;
    const char *topic = is_live ? output->live : output->replay;
    mr_status status = MR_OK;
    c->is_live = is_live;
    c->shown = 0;
    for (int32_t p = 0; status == MR_OK && p < output->partitions; p++) {
        int64_t from = output->replay_starts[p], until = output->live_after[p];
        mr_log_reader *reader = NULL;
        if (is_live)
            status = live_start(c, p, &from, err);
        else /* not the stable end: a commit is answered before its markers are written */
            status = mr_ask_high(log, topic, p, &until, err);
        if (status != MR_OK || from >= until)
            continue;
        status = log->class->open_reader(log, &reader, err);
        if (status == MR_OK)
            status = reader->class->add(reader, (uint32_t)p, topic, p, from, err);
        if (status == MR_OK)
            status = read_partition(c, reader, p, until, err);
        if (reader != NULL)
            reader->class->close(reader);
    }
    return status;
}

static int64_t least(int64_t a, int64_t b)
{
    return a < b ? a : b;
}

static int64_t most(int64_t a, int64_t b)
{
    return a > b ? a : b;
}

/* Rows behind a moment were written after its record, and not longer before the next one than a
 * transaction lasts. */
static int64_t behind(const mr_moment *moment, int32_t transaction_ms)
{
    if (moment->next_ms == MR_TIME_MAX)
        return moment->timestamp_ms;
    return most(moment->timestamp_ms, moment->next_ms - transaction_ms);
}

/* Of the tasks that write there. */
static window window_of(const mr_compare_request *request, const mr_output *output)
{
    const mr_plan *plan = request->moments->plan;
    window w = {MR_TIME_MAX, MR_TIME_NONE, MR_TIME_MAX, MR_TIME_NONE};
    for (uint32_t t = 0; t < plan->tasks_count; t++) {
        if (!mr_outputs_are_of(mr_plan_of_task(plan, t), output->live))
            continue;
        const mr_moment *from = &mr_replay_from(request->replay)[t];
        const mr_moment *to = &mr_replay_to(request->replay)[t];
        w.from_low =
            least(w.from_low,
                  from->epoch == 0 ? MR_TIME_NONE : behind(from, plan->transaction_timeout_ms));
        w.from_high = most(w.from_high, from->timestamp_ms);
        bool is_end = to->next_ms == MR_TIME_MAX;
        w.to_low = least(w.to_low, is_end ? MR_TIME_MAX : behind(to, plan->transaction_timeout_ms));
        w.to_high = most(w.to_high, is_end ? MR_TIME_MAX : to->timestamp_ms);
    }
    return w;
}

static void judge(compare *c, mr_compare_result *result)
{
    for (size_t i = 0; i < c->counts.size; i++) {
        count *at = &c->counts.places[i];
        uint64_t there = (uint64_t)at->live + at->edge;
        uint32_t missing = at->live > at->replay ? at->live - at->replay : 0;
        uint32_t unexpected = at->replay > there ? (uint32_t)(at->replay - there) : 0;
        result->missing += missing;
        result->unexpected += unexpected;
        result->equal += at->replay - unexpected;
        result->edge += at->edge;
        at->to_show = missing + unexpected; /* a row has one of them */
    }
}

mr_status mr_compare_topic(const mr_compare_request *request, const mr_output *output,
                           mr_compare_result *result, mr_error *err)
{
    compare c = {.request = request, .output = output, .window = window_of(request, output)};
    *result = (mr_compare_result){0};
    mr_status status = read_side(&c, false, err);
    if (status == MR_OK)
        status = read_side(&c, true, err);
    if (status == MR_OK)
        judge(&c, result);
    c.is_showing = true;
    if (status == MR_OK && result->missing > 0)
        status = read_side(&c, true, err);
    if (status == MR_OK && result->unexpected > 0)
        status = read_side(&c, false, err);
    free(c.counts.places);
    mr_arena_release(&c.scratch);
    return status;
}
