#include "engine/replay/feed.h"

#include "engine/base/assert.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#define FETCH_ROWS 4096
#define FETCH_TIMEOUT_MS 200
#define ENDS_TIMEOUT_MS 10000
#define KEPT_BYTES_MAX ((size_t)16 << 20) /* of one input, before it is paused */
#define SILENCE_LIMIT_US INT64_C(60000000)

/* What one fetch gave, copied. */
typedef struct fetched {
    struct fetched *next;
    mr_arena arena;
    uint32_t count, taken;
    mr_record *records;
    const mr_header **headers;
    uint32_t *headers_count;
} fetched;

typedef struct feed_input {
    char *topic;
    int32_t partition;
    int64_t end; /* behind the last record that is kept */
    fetched *first, *last;
    size_t bytes;
    bool is_paused;
} feed_input;

struct mr_feed {
    mr_log_reader *reader;
    const mr_clock *clock;
    feed_input *inputs;
    uint32_t inputs_count;
    int64_t silent_us; /* since when nothing came at all */
    /* The batch handed out. */
    fetched *lent; /* list of those it is made of */
    mr_record *records;
    const mr_header **headers;
    uint32_t *headers_count;
    uint32_t capacity;
};

mr_status mr_feed_open(mr_log *log, const mr_clock *clock, mr_feed **result, mr_error *err)
{
    mr_feed *feed = calloc(1, sizeof *feed);
    MR_ASSERT(feed != NULL);
    feed->clock = clock;
    feed->silent_us = clock->monotonic_us(clock);
    mr_status status = log->class->open_reader(log, &feed->reader, err);
    if (status != MR_OK) {
        free(feed);
        return status;
    }
    *result = feed;
    return MR_OK;
}

static void drop(fetched *list)
{
    while (list != NULL) {
        fetched *next = list->next;
        mr_arena_release(&list->arena);
        free(list);
        list = next;
    }
}

void mr_feed_close(mr_feed *feed)
{
    if (feed == NULL)
        return;
    feed->reader->class->close(feed->reader);
    for (uint32_t i = 0; i < feed->inputs_count; i++) {
        drop(feed->inputs[i].first);
        free(feed->inputs[i].topic);
    }
    drop(feed->lent);
    free(feed->inputs);
    free(feed->records);
    free(feed->headers);
    free(feed->headers_count);
    free(feed);
}

mr_status mr_feed_add(mr_feed *feed, const char *topic, int32_t partition, int64_t offset,
                      mr_error *err)
{
    uint32_t number = feed->inputs_count;
    feed->inputs = realloc(feed->inputs, (number + 1) * sizeof *feed->inputs);
    MR_ASSERT(feed->inputs != NULL);
    feed->inputs[number] =
        (feed_input){.topic = strdup(topic), .partition = partition, .end = offset};
    MR_ASSERT(feed->inputs[number].topic != NULL);
    feed->inputs_count++;
    return feed->reader->class->add(feed->reader, number, topic, partition, offset, err);
}

/* ---- what comes in ---- */

static const mr_header *copy_headers(fetched *to, const mr_records *from, uint32_t i,
                                     uint32_t *count)
{
    *count = 0;
    const mr_header *headers =
        from->headers != NULL ? from->headers(from, i, &to->arena, count) : NULL;
    if (*count == 0)
        return NULL;
    mr_header *copies = mr_arena_alloc(&to->arena, *count * sizeof *copies);
    for (uint32_t h = 0; h < *count; h++) {
        copies[h] = headers[h];
        copies[h].name = mr_arena_string(&to->arena, headers[h].name, strlen(headers[h].name));
        if (headers[h].value != NULL)
            copies[h].value = mr_arena_copy(&to->arena, headers[h].value, headers[h].value_length);
    }
    return copies;
}

static void keep(feed_input *input, const mr_records *from)
{
    fetched *to = calloc(1, sizeof *to);
    MR_ASSERT(to != NULL);
    to->count = from->count;
    to->records = mr_arena_alloc(&to->arena, from->count * sizeof *to->records);
    to->headers = mr_arena_alloc(&to->arena, from->count * sizeof *to->headers);
    to->headers_count = mr_arena_alloc(&to->arena, from->count * sizeof *to->headers_count);
    for (uint32_t i = 0; i < from->count; i++) {
        mr_record *record = &to->records[i];
        *record = from->record[i];
        if (record->key != NULL)
            record->key = mr_arena_copy(&to->arena, record->key, record->key_length);
        if (record->value != NULL)
            record->value = mr_arena_copy(&to->arena, record->value, record->value_length);
        to->headers[i] = copy_headers(to, from, i, &to->headers_count[i]);
    }
    input->end = from->record[from->count - 1].offset + 1;
    input->bytes += to->arena.bytes;
    if (input->last != NULL)
        input->last->next = to;
    else
        input->first = to;
    input->last = to;
}

static mr_status set_paused(mr_feed *feed, uint32_t number, bool is_paused, mr_error *err)
{
    feed_input *input = &feed->inputs[number];
    if (input->is_paused == is_paused)
        return MR_OK;
    input->is_paused = is_paused;
    return feed->reader->class->pause(feed->reader, number, is_paused, err);
}

/* Nothing came: has the input been read beyond what is wanted of it? */
static mr_status check_gone(mr_feed *feed, uint32_t number, int64_t until, mr_error *err)
{
    const feed_input *input = &feed->inputs[number];
    mr_input_ends ends;
    mr_status status = feed->reader->class->ends(feed->reader, number, ENDS_TIMEOUT_MS, &ends, err);
    if (status != MR_OK)
        return status;
    if (ends.position >= until && ends.position >= ends.stable_end && !ends.is_buffered)
        return mr_error_set(err, MR_E_REPLAY_GONE,
                            "%s[%" PRId32 "]@%" PRId64 " was read once and is not there any more",
                            input->topic, input->partition, until - 1);
    if (feed->clock->monotonic_us(feed->clock) - feed->silent_us > SILENCE_LIMIT_US)
        return mr_error_set(err, MR_E_KAFKA_TIMEOUT, "%s[%" PRId32 "]@%" PRId64 " does not come",
                            input->topic, input->partition, until - 1);
    return mr_error_set_recovery(err, MR_E_KAFKA_TIMEOUT, MR_RECOVERY_RETRY, "not yet");
}

static mr_status fetch(mr_feed *feed, uint32_t number, int64_t until, mr_error *err)
{
    mr_records records;
    mr_status status = set_paused(feed, number, false, err);
    if (status == MR_OK)
        status =
            feed->reader->class->fetch(feed->reader, FETCH_ROWS, FETCH_TIMEOUT_MS, &records, err);
    if (status != MR_OK)
        return status;
    if (records.count == 0)
        return check_gone(feed, number, until, err);
    feed->silent_us = feed->clock->monotonic_us(feed->clock);
    feed_input *input = &feed->inputs[records.input];
    keep(input, &records);
    return records.input != number && input->bytes > KEPT_BYTES_MAX
               ? set_paused(feed, records.input, true, err)
               : MR_OK;
}

/* ---- what goes out ---- */

static const mr_header *headers_of(const mr_records *records, uint32_t i, mr_arena *arena,
                                   uint32_t *count)
{
    (void)arena;
    const mr_feed *feed = records->owner;
    *count = feed->headers_count[i];
    return feed->headers[i];
}

static void lend(mr_feed *feed, const fetched *from, uint32_t i, uint32_t place)
{
    if (place == feed->capacity) {
        feed->capacity = feed->capacity != 0 ? feed->capacity * 2 : FETCH_ROWS;
        feed->records = realloc(feed->records, feed->capacity * sizeof *feed->records);
        feed->headers = realloc(feed->headers, feed->capacity * sizeof *feed->headers);
        feed->headers_count =
            realloc(feed->headers_count, feed->capacity * sizeof *feed->headers_count);
        MR_ASSERT(feed->records != NULL && feed->headers != NULL && feed->headers_count != NULL);
    }
    feed->records[place] = from->records[i];
    feed->headers[place] = from->headers[i];
    feed->headers_count[place] = from->headers_count[i];
}

mr_status mr_feed_take(mr_feed *feed, uint32_t number, int64_t until, mr_records *records,
                       mr_error *err)
{
    MR_ASSERT(number < feed->inputs_count);
    while (feed->inputs[number].end < until) {
        mr_status status = fetch(feed, number, until, err);
        if (status != MR_OK)
            return status;
    }
    drop(feed->lent);
    feed->lent = NULL;
    feed_input *input = &feed->inputs[number];
    uint32_t count = 0;
    while (input->first != NULL) {
        fetched *from = input->first;
        while (from->taken < from->count && from->records[from->taken].offset < until)
            lend(feed, from, from->taken++, count++);
        if (from->taken < from->count)
            break;
        input->first = from->next;
        input->last = input->first != NULL ? input->last : NULL;
        input->bytes -= from->arena.bytes;
        from->next = feed->lent;
        feed->lent = from;
    }
    if (count == 0 || feed->records[count - 1].offset != until - 1)
        return mr_error_set(err, MR_E_REPLAY_GONE,
                            "%s[%" PRId32 "]@%" PRId64 " was read once and is not there any more",
                            input->topic, input->partition, until - 1);
    *records = (mr_records){.input = number,
                            .topic = input->topic,
                            .partition = input->partition,
                            .count = count,
                            .record = feed->records,
                            .headers = headers_of,
                            .owner = feed};
    return MR_OK;
}
