#include "connectors/kafka/reader.h"

#include "connectors/kafka/admin/admin.h"
#include "connectors/kafka/client/errors.h"
#include "engine/base/assert.h"

#include <errno.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <unistd.h>

#define LEADERS_MS 1000
#define ROWS_MAX 4096

typedef struct input {
    uint32_t number;
    int32_t partition;
    char *topic;
    rd_kafka_queue_t *queue;
    rd_kafka_topic_partition_list_t
        *list;     /* of this partition alone, for the calls that want one */
    int64_t start; /* where reading began */
    bool is_paused;
    bool is_assigned;            /* librdkafka knows of it: see assign_added */
    rd_kafka_resp_err_t missing; /* told by each fetch */
} input;

typedef struct reader {
    mr_log_reader base;
    mr_kafka_client client;
    /* Asks for ends: on our own connection a question waits behind a fetch that waits for records,
     * up to fetch.wait.max.ms. It sees committed records only, as we do. */
    mr_kafka_log *log;
    int32_t timeout_ms;
    input **inputs;
    uint32_t inputs_count;
    uint32_t added; /* of them, not assigned yet */
    uint32_t turn;  /* whose turn it is */
    rd_kafka_queue_t *common;
    int wake; /* eventfd: written to by librdkafka when a queue is no longer empty */

    /* The messages taken last, all of one input; [shown, shown_end) is what the caller has. */
    input *source;
    rd_kafka_message_t **messages;
    mr_record *records;
    uint32_t messages_count;
    uint32_t shown;
    uint32_t shown_end;
} reader;

static const uint64_t ONE = 1;

static reader *reader_of(mr_log_reader *base)
{
    return (reader *)base;
}

static input *find(const reader *r, uint32_t number)
{
    for (uint32_t i = 0; i < r->inputs_count; i++)
        if (r->inputs[i]->number == number)
            return r->inputs[i];
    return NULL;
}

static void input_free(input *in)
{
    if (in->queue) {
        rd_kafka_queue_io_event_enable(in->queue, -1, NULL, 0);
        rd_kafka_queue_destroy(in->queue);
    }
    rd_kafka_topic_partition_list_destroy(in->list);
    free(in->topic);
    free(in);
}

static void messages_drop(reader *r)
{
    for (uint32_t i = 0; i < r->messages_count; i++)
        rd_kafka_message_destroy(r->messages[i]);
    r->messages_count = r->shown = r->shown_end = 0;
    r->source = NULL;
}

static mr_status fail(rd_kafka_resp_err_t error, const char *reason, const input *in, mr_error *err)
{
    return mr_kafka_fail(err, MR_KAFKA_READ, error, reason, "read %s[%d]", in->topic,
                         in->partition);
}

/* -- add and remove -- */

/* The special starts become offsets at once: a task that is restarted before the first record must
 * not begin at another "latest". */
static mr_status resolve(reader *r, input *in, int64_t *offset, mr_error *err)
{
    if (*offset >= 0)
        return MR_OK;
    MR_ASSERT(*offset == MR_OFFSET_EARLIEST || *offset == MR_OFFSET_LATEST);
    int64_t low, high;
    rd_kafka_resp_err_t error =
        mr_kafka_bounds(r->log, in->topic, in->partition, r->timeout_ms, &low, &high);
    if (error)
        return fail(error, NULL, in, err);
    *offset = *offset == MR_OFFSET_EARLIEST ? low : high;
    return MR_OK;
}

static input *input_new(uint32_t number, const char *topic, int32_t partition)
{
    input *in = calloc(1, sizeof *in);
    MR_ASSERT(in != NULL);
    in->number = number;
    in->partition = partition;
    in->topic = strdup(topic);
    MR_ASSERT(in->topic != NULL);
    in->list = rd_kafka_topic_partition_list_new(1);
    rd_kafka_topic_partition_list_add(in->list, topic, partition);
    return in;
}

/* librdkafka waits for an unknown topic for up to its metadata refresh before it says so. */
static void note_missing(reader *r, const struct rd_kafka_metadata *metadata)
{
    for (uint32_t i = 0; i < r->inputs_count; i++) {
        input *in = r->inputs[i];
        for (int t = 0; !in->is_assigned && t < metadata->topic_cnt; t++) {
            const struct rd_kafka_metadata_topic *topic = &metadata->topics[t];
            if (strcmp(topic->topic, in->topic) != 0)
                continue;
            rd_kafka_resp_err_t error = topic->err;
            if (!error && in->partition >= topic->partition_cnt)
                error = RD_KAFKA_RESP_ERR__UNKNOWN_PARTITION;
            if (error && mr_kafka_rule_of(error, MR_KAFKA_READ)->status == MR_E_KAFKA_TOPIC_MISSING)
                in->missing = error;
        }
    }
}

/* A partition whose leader is unknown is looked up by librdkafka when a timer of one second runs
 * out: asking now takes a few ms and spares half a second, on average, of each restart. No answer
 * is fine, the timer asks again. */
static void learn_leaders(reader *r)
{
    rd_kafka_topic_t **topics = calloc(r->inputs_count, sizeof(rd_kafka_topic_t *));
    MR_ASSERT(topics != NULL);
    for (uint32_t i = 0; i < r->inputs_count; i++)
        if (!r->inputs[i]->is_assigned)
            topics[i] = rd_kafka_topic_new(r->client.rk, r->inputs[i]->topic, NULL);
    const struct rd_kafka_metadata *metadata = NULL; /* of all topics this handle has heard of */
    if (!rd_kafka_metadata(r->client.rk, 0, NULL, &metadata, LEADERS_MS)) {
        note_missing(r, metadata);
        rd_kafka_metadata_destroy(metadata);
    }
    for (uint32_t i = 0; i < r->inputs_count; i++)
        if (topics[i] != NULL)
            rd_kafka_topic_destroy(topics[i]);
    free(topics);
}

/* Hands librdkafka what was added since the last fetch, at once: a question asked on this
 * connection after the first input is fetched from waits behind that fetch, half a second for each
 * topic. */
static mr_status assign_added(reader *r, mr_error *err)
{
    if (r->added == 0)
        return MR_OK;
    learn_leaders(r);
    rd_kafka_topic_partition_list_t *list = rd_kafka_topic_partition_list_new((int)r->added);
    const input *any = NULL;
    for (uint32_t i = 0; i < r->inputs_count; i++) {
        const input *in = r->inputs[i];
        if (in->is_assigned)
            continue;
        rd_kafka_topic_partition_list_add(list, in->topic, in->partition)->offset = in->start;
        any = in;
    }
    rd_kafka_error_t *error = rd_kafka_incremental_assign(r->client.rk, list);
    rd_kafka_topic_partition_list_destroy(list);
    if (error)
        return mr_kafka_fail_object(err, MR_KAFKA_READ, error, "read %s[%d]", any->topic,
                                    any->partition);
    for (uint32_t i = 0; i < r->inputs_count; i++)
        r->inputs[i]->is_assigned = true;
    r->added = 0;
    return MR_OK;
}

static mr_status reader_add(mr_log_reader *base, uint32_t number, const char *topic,
                            int32_t partition, int64_t offset, mr_error *err)
{
    reader *r = reader_of(base);
    MR_ASSERT(!find(r, number));
    input *in = input_new(number, topic, partition);
    mr_status status = resolve(r, in, &offset, err);
    if (status != MR_OK) {
        input_free(in);
        return status;
    }
    in->start = offset;
    in->list->elems[0].offset = offset;
    /* Before the assignment: librdkafka then leaves the queue to us from the first record on. */
    in->queue = rd_kafka_queue_get_partition(r->client.rk, topic, partition);
    MR_ASSERT(in->queue != NULL);
    rd_kafka_queue_forward(in->queue, NULL);
    rd_kafka_queue_io_event_enable(in->queue, r->wake, &ONE, sizeof ONE);
    r->inputs = realloc(r->inputs, (r->inputs_count + 1) * sizeof *r->inputs);
    MR_ASSERT(r->inputs != NULL);
    r->inputs[r->inputs_count++] = in;
    r->added++;
    return MR_OK;
}

static mr_status reader_remove(mr_log_reader *base, uint32_t number, mr_error *err)
{
    reader *r = reader_of(base);
    input *in = find(r, number);
    MR_ASSERT(in != NULL);
    if (r->source == in) /* what was taken for another comes only once */
        messages_drop(r);
    rd_kafka_error_t *error =
        in->is_assigned ? rd_kafka_incremental_unassign(r->client.rk, in->list) : NULL;
    r->added -= !in->is_assigned;
    mr_status status = MR_OK;
    if (error)
        status = mr_kafka_fail_object(err, MR_KAFKA_READ, error, "stop reading %s[%d]", in->topic,
                                      in->partition);
    uint32_t at = 0;
    while (r->inputs[at] != in)
        at++;
    r->inputs_count--;
    memmove(&r->inputs[at], &r->inputs[at + 1], (r->inputs_count - at) * sizeof *r->inputs);
    input_free(in);
    return status;
}

/* Its queue is left alone, and fetched into until it is full: librdkafka's own pause would throw
 * away what lies there. */
static mr_status reader_pause(mr_log_reader *base, uint32_t number, bool is_paused, mr_error *err)
{
    reader *r = reader_of(base);
    input *in = find(r, number);
    (void)err;
    MR_ASSERT(in != NULL);
    in->is_paused = is_paused;
    return MR_OK;
}

/* -- fetch -- */

static void record_fill(mr_record *record, const rd_kafka_message_t *message)
{
    rd_kafka_timestamp_type_t kind;
    int64_t timestamp_ms = rd_kafka_message_timestamp(message, &kind);
    record->offset = message->offset;
    record->timestamp_kind = kind == RD_KAFKA_TIMESTAMP_CREATE_TIME       ? MR_TIMESTAMP_CREATE
                             : kind == RD_KAFKA_TIMESTAMP_LOG_APPEND_TIME ? MR_TIMESTAMP_APPEND
                                                                          : MR_TIMESTAMP_NONE;
    record->timestamp_ms =
        record->timestamp_kind == MR_TIMESTAMP_NONE ? MR_TIME_NONE : timestamp_ms;
    record->key = message->key;
    record->key_length = (uint32_t)message->key_len;
    record->value = message->payload;
    record->value_length = (uint32_t)message->len;
}

static const mr_header *headers(const mr_records *records, uint32_t i, mr_arena *arena,
                                uint32_t *count)
{
    const reader *r = records->owner;
    rd_kafka_headers_t *list;
    *count = 0;
    MR_ASSERT(i < records->count);
    if (rd_kafka_message_headers(r->messages[r->shown + i], &list))
        return NULL;
    size_t n = rd_kafka_header_cnt(list);
    mr_header *made = mr_arena_zalloc(arena, n, sizeof *made);
    for (size_t h = 0; h < n; h++) {
        const void *value;
        size_t size;
        if (rd_kafka_header_get_all(list, h, &made[h].name, &value, &size))
            break;
        made[h].value = value;
        made[h].value_length = (uint32_t)size;
        *count = (uint32_t)h + 1;
    }
    return made;
}

/* An event that came in place of a record: MR_OK when librdkafka goes on by itself. */
static mr_status event_status(const rd_kafka_message_t *message, const input *in, mr_error *err)
{
    if (mr_kafka_is_transient(message->err, MR_KAFKA_READ))
        return MR_OK;
    return fail(message->err, rd_kafka_message_errstr(message), in, err);
}

/* Shows the next run of records out of the messages taken; an error in between ends the run and is
 * told by the fetch that comes to it. */
static mr_status show(reader *r, mr_records *records, mr_error *err)
{
    uint32_t from = r->shown_end;
    while (from < r->messages_count && r->messages[from]->err) {
        mr_status status = event_status(r->messages[from++], r->source, err);
        r->shown = r->shown_end = from;
        if (status != MR_OK)
            return status;
    }
    uint32_t end = from;
    for (; end < r->messages_count && !r->messages[end]->err; end++)
        record_fill(&r->records[end], r->messages[end]);
    r->shown = from;
    r->shown_end = end;
    records->input = r->source->number;
    records->topic = r->source->topic;
    records->partition = r->source->partition;
    records->count = end - from;
    records->record = r->records + from;
    records->headers = headers;
    records->owner = r;
    return MR_OK;
}

/* Takes messages of the next input that has some. */
static bool take(reader *r, uint32_t rows_max)
{
    for (uint32_t i = 0; i < r->inputs_count; i++) {
        if (r->turn >= r->inputs_count)
            r->turn = 0;
        input *in = r->inputs[r->turn++];
        if (in->is_paused)
            continue;
        ssize_t count = rd_kafka_consume_batch_queue(in->queue, 0, r->messages, rows_max);
        if (count <= 0)
            continue;
        r->messages_count = (uint32_t)count;
        r->source = in;
        return true;
    }
    return false;
}

/* The common queue: errors that belong to no partition, and the callbacks. */
static mr_status serve_common(reader *r, mr_error *err)
{
    for (uint32_t i = 0; i < r->inputs_count; i++)
        if (r->inputs[i]->missing)
            return fail(r->inputs[i]->missing, NULL, r->inputs[i], err);
    rd_kafka_message_t *message;
    mr_status status = MR_OK;
    while (status == MR_OK && (message = rd_kafka_consumer_poll(r->client.rk, 0))) {
        if (message->err && !mr_kafka_is_transient(message->err, MR_KAFKA_READ))
            status =
                mr_kafka_fail(err, MR_KAFKA_READ, message->err, rd_kafka_message_errstr(message),
                              "read %s", message->rkt ? rd_kafka_topic_name(message->rkt) : "");
        rd_kafka_message_destroy(message);
    }
    return status;
}

static void wake_clear(const reader *r)
{
    uint64_t count;
    while (read(r->wake, &count, sizeof count) == (ssize_t)sizeof count)
        ;
}

static mr_status reader_fetch(mr_log_reader *base, uint32_t rows_max, int32_t timeout_ms,
                              mr_records *records, mr_error *err)
{
    reader *r = reader_of(base);
    *records = (mr_records){.input = MR_INPUT_NONE};
    rows_max = rows_max < 1 ? 1 : rows_max > ROWS_MAX ? ROWS_MAX : rows_max;
    int64_t deadline_ms = mr_kafka_now_ms() + timeout_ms;
    mr_status assigned = assign_added(r, err);
    if (assigned != MR_OK)
        return assigned;
    for (;;) {
        if (r->shown_end < r->messages_count) {
            mr_status status = show(r, records, err);
            if (status != MR_OK || records->count > 0)
                return status;
        }
        messages_drop(r);
        if (take(r, rows_max))
            continue;
        mr_status status = serve_common(r, err);
        if (status != MR_OK)
            return status;
        /* Cleared before the last look, so that what comes after it wakes us. */
        wake_clear(r);
        if (take(r, rows_max))
            continue;
        int64_t left_ms = deadline_ms - mr_kafka_now_ms();
        if (left_ms <= 0)
            return MR_OK;
        struct pollfd wait = {.fd = r->wake, .events = POLLIN};
        if (poll(&wait, 1, (int)left_ms) < 0 && errno != EINTR)
            return mr_error_set(err, MR_E_ENVIRONMENT, "poll: %s", strerror(errno));
    }
}

/* -- ends -- */

/* As the last fetch told it. Before the first one is answered, which takes half a second where
 * there is nothing to read, the broker is asked: so a new state log is known to be empty at
 * once. */
static mr_status high_end(reader *r, const input *in, int64_t *high, mr_error *err)
{
    int64_t low;
    rd_kafka_resp_err_t error =
        rd_kafka_get_watermark_offsets(r->client.rk, in->topic, in->partition, &low, high);
    if (!error && *high >= 0)
        return MR_OK;
    mr_log_ends asked = {.topic = in->topic, .partition = in->partition};
    mr_status status = mr_kafka_ends(&r->log->base, &asked, 1, err);
    *high = asked.high;
    return status;
}

static mr_status reader_ends(mr_log_reader *base, uint32_t number, int32_t timeout_ms,
                             mr_input_ends *ends, mr_error *err)
{
    reader *r = reader_of(base);
    input *in = find(r, number);
    MR_ASSERT(in != NULL);
    mr_status status = assign_added(r, err);
    if (status != MR_OK)
        return status;
    int64_t low, stable, high;
    status = high_end(r, in, &high, err); /* before the stable one: see mr_kafka_ends */
    if (status != MR_OK)
        return status;
    rd_kafka_resp_err_t error =
        mr_kafka_bounds(r->log, in->topic, in->partition, timeout_ms, &low, &stable);
    if (error)
        return fail(error, NULL, in, err);
    error = rd_kafka_position(r->client.rk, in->list);
    if (error)
        return fail(error, NULL, in, err);
    int64_t position = in->list->elems[0].offset;
    if (position < in->start)
        position = in->start;
    /* Messages taken but not shown yet (an error stands between) are not returned. */
    if (r->source == in && r->shown_end < r->messages_count)
        position = r->messages[r->shown_end]->offset;
    ends->position = position;
    ends->start = low;
    ends->stable_end = stable;
    ends->high_end = high;
    ends->is_buffered = rd_kafka_queue_length(in->queue) > 0 ||
                        (r->source == in && r->shown_end < r->messages_count);
    ends->is_paused = in->is_paused;
    return MR_OK;
}

/* -- open and close -- */

static void reader_free(void *opaque)
{
    reader *r = opaque;
    messages_drop(r);
    if (r->client.rk)
        rd_kafka_assign(r->client.rk, NULL);
    for (uint32_t i = 0; i < r->inputs_count; i++)
        input_free(r->inputs[i]);
    if (r->common) {
        rd_kafka_queue_io_event_enable(r->common, -1, NULL, 0);
        rd_kafka_queue_destroy(r->common);
    }
    if (r->client.rk)
        rd_kafka_consumer_close(r->client.rk);
    mr_kafka_client_close(&r->client);
    if (r->wake >= 0)
        close(r->wake);
    free(r->inputs);
    free(r->messages);
    free(r->records);
    free(r);
}

/* Its threads take some ms to end. */
static void reader_close(mr_log_reader *base)
{
    reader *r = reader_of(base);
    atomic_store(&r->client.logger, NULL);
    mr_kafka_bury(r->log, reader_free, r);
}

static const mr_reader_class READER_CLASS = {
    .add = reader_add,
    .remove = reader_remove,
    .fetch = reader_fetch,
    .pause = reader_pause,
    .ends = reader_ends,
    .close = reader_close,
};

static mr_status conf_make(const mr_kafka_log *log, rd_kafka_conf_t **conf, mr_error *err)
{
    mr_status status = mr_kafka_client_conf(log, MR_KAFKA_ROLE_READER, conf, err);
    if (status != MR_OK)
        return status;
    char kb[16];
    snprintf(kb, sizeof kb, "%d", log->input_queue_kb);
    /* assign() wants a group's name; the group is never joined and nothing is committed to it. */
    status = mr_kafka_settings_set(*conf, "group.id", "millrace-reader", err);
    if (status == MR_OK && log->input_queue_kb > 0)
        status = mr_kafka_settings_set(*conf, "queued.max.messages.kbytes", kb, err);
    if (status != MR_OK)
        rd_kafka_conf_destroy(*conf);
    return status;
}

/* A handle connects when it is first asked for something: now, while others are waited for. */
static void connect_soon(reader *r)
{
    const struct rd_kafka_metadata *metadata;
    if (!rd_kafka_metadata(r->client.rk, 0, NULL, &metadata, 0))
        rd_kafka_metadata_destroy(metadata);
}

mr_status mr_kafka_reader_open(mr_log *base, mr_log_reader **opened, mr_error *err)
{
    mr_kafka_log *log = (mr_kafka_log *)base;
    rd_kafka_conf_t *conf;
    mr_status status = conf_make(log, &conf, err);
    if (status != MR_OK)
        return status;
    reader *r = calloc(1, sizeof *r);
    MR_ASSERT(r != NULL);
    r->base.class = &READER_CLASS;
    r->timeout_ms = log->timeout_ms;
    r->log = log;
    r->messages = calloc(ROWS_MAX, sizeof *r->messages);
    r->records = calloc(ROWS_MAX, sizeof *r->records);
    MR_ASSERT(r->messages != NULL && r->records != NULL);
    r->wake = eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC);
    if (r->wake < 0) {
        rd_kafka_conf_destroy(conf);
        status = mr_error_set(err, MR_E_ENVIRONMENT, "eventfd: %s", strerror(errno));
    } else {
        status = mr_kafka_client_open(&r->client, log, MR_KAFKA_ROLE_READER, conf, err);
    }
    if (status != MR_OK) {
        reader_free(r);
        return status;
    }
    connect_soon(r);
    rd_kafka_poll_set_consumer(r->client.rk);
    r->common = rd_kafka_queue_get_consumer(r->client.rk);
    rd_kafka_queue_io_event_enable(r->common, r->wake, &ONE, sizeof ONE);
    *opened = &r->base;
    return MR_OK;
}
