#include "tests/crash/round/topics.h"

#include "engine/base/assert.h"
#include "tests/crash/round/env.h"

#include <inttypes.h>
#include <librdkafka/rdkafka.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define ASK_MS 60000
#define READ_MS 240000

static void set(rd_kafka_conf_t *conf, const char *name, const char *value)
{
    char reason[256];
    rd_kafka_conf_res_t result = rd_kafka_conf_set(conf, name, value, reason, sizeof reason);
    MR_ASSERT(result == RD_KAFKA_CONF_OK);
}

static void ignore_log(const rd_kafka_t *client, int level, const char *facility, const char *line)
{
    (void)client;
    (void)level;
    (void)facility;
    (void)line;
}

static rd_kafka_t *open_client(rd_kafka_type_t type, const char *bootstrap, const char *isolation)
{
    char reason[256];
    rd_kafka_conf_t *conf = rd_kafka_conf_new();
    set(conf, "bootstrap.servers", bootstrap);
    set(conf, "reconnect.backoff.max.ms", "500");
    if (type == RD_KAFKA_CONSUMER) {
        set(conf, "group.id", "crash-suite"); /* never joined: partitions are assigned by hand */
        set(conf, "isolation.level", isolation);
        set(conf, "enable.auto.commit", "false");
        set(conf, "auto.offset.reset", "error");
    }
    rd_kafka_conf_set_log_cb(conf, ignore_log);
    rd_kafka_t *client = rd_kafka_new(type, conf, reason, sizeof reason);
    MR_ASSERT(client != NULL);
    return client;
}

/* --- making and deleting
 * --------------------------------------------------------------------------- */

/* Waits for the answer of an admin call; the error of its only topic. */
static rd_kafka_resp_err_t answer(rd_kafka_queue_t *queue)
{
    rd_kafka_event_t *event = rd_kafka_queue_poll(queue, ASK_MS);
    if (event == NULL)
        return RD_KAFKA_RESP_ERR__TIMED_OUT;
    rd_kafka_resp_err_t error = rd_kafka_event_error(event);
    const rd_kafka_topic_result_t **results = NULL;
    size_t count = 0;
    if (!error && rd_kafka_event_type(event) == RD_KAFKA_EVENT_CREATETOPICS_RESULT)
        results =
            rd_kafka_CreateTopics_result_topics(rd_kafka_event_CreateTopics_result(event), &count);
    else if (!error)
        results =
            rd_kafka_DeleteTopics_result_topics(rd_kafka_event_DeleteTopics_result(event), &count);
    if (count == 1)
        error = rd_kafka_topic_result_error(results[0]);
    rd_kafka_event_destroy(event);
    return error;
}

static bool said(rd_kafka_resp_err_t error, const char *what, const char *topic, char *why,
                 size_t size)
{
    if (error)
        snprintf(why, size, "%s %s: %s", what, topic, rd_kafka_err2str(error));
    return !error;
}

/* The controller answers before its brokers know: whoever asks too soon is told that there is no
 * such topic. */
static rd_kafka_resp_err_t await_topic(rd_kafka_t *client, const char *topic)
{
    rd_kafka_topic_t *handle = rd_kafka_topic_new(client, topic, NULL);
    rd_kafka_resp_err_t error = RD_KAFKA_RESP_ERR__TIMED_OUT;
    int64_t until = mr_crash_now_ms() + ASK_MS;
    while (error && mr_crash_now_ms() < until) {
        const struct rd_kafka_metadata *found;
        error = rd_kafka_metadata(client, 0, handle, &found, ASK_MS);
        if (error)
            continue;
        error = found->topics[0].err;
        for (int p = 0; !error && p < found->topics[0].partition_cnt; p++)
            error = found->topics[0].partitions[p].err;
        rd_kafka_metadata_destroy(found);
        if (error)
            mr_crash_sleep_us(20000);
    }
    rd_kafka_topic_destroy(handle);
    return error;
}

bool mr_crash_topic_create(const char *bootstrap, const char *topic, int32_t partitions, char *why,
                           size_t size)
{
    char reason[256];
    rd_kafka_t *client = open_client(RD_KAFKA_PRODUCER, bootstrap, NULL);
    rd_kafka_queue_t *queue = rd_kafka_queue_new(client);
    rd_kafka_NewTopic_t *made = rd_kafka_NewTopic_new(topic, partitions, 1, reason, sizeof reason);
    MR_ASSERT(made != NULL);
    rd_kafka_CreateTopics(client, &made, 1, NULL, queue);
    rd_kafka_resp_err_t error = answer(queue);
    if (!error)
        error = await_topic(client, topic);
    rd_kafka_NewTopic_destroy(made);
    rd_kafka_queue_destroy(queue);
    rd_kafka_destroy(client);
    return said(error, "create", topic, why, size);
}

bool mr_crash_topic_delete(const char *bootstrap, const char *topic, char *why, size_t size)
{
    rd_kafka_t *client = open_client(RD_KAFKA_PRODUCER, bootstrap, NULL);
    rd_kafka_queue_t *queue = rd_kafka_queue_new(client);
    rd_kafka_DeleteTopic_t *gone = rd_kafka_DeleteTopic_new(topic);
    rd_kafka_DeleteTopics(client, &gone, 1, NULL, queue);
    rd_kafka_resp_err_t error = answer(queue);
    rd_kafka_DeleteTopic_destroy(gone);
    rd_kafka_queue_destroy(queue);
    rd_kafka_destroy(client);
    return said(error, "delete", topic, why, size);
}

/* --- reading
 * --------------------------------------------------------------------------------------- */

/* Where a read_uncommitted reader would end: nothing decided may be left out. */
static bool true_end(const char *bootstrap, const char *topic, int32_t partition, int64_t *end)
{
    rd_kafka_t *client = open_client(RD_KAFKA_CONSUMER, bootstrap, "read_uncommitted");
    int64_t low, until = mr_crash_now_ms() + READ_MS;
    rd_kafka_resp_err_t error;
    do { /* a partition without a leader is unknown until its topic is asked for again */
        error = rd_kafka_query_watermark_offsets(client, topic, partition, &low, end, ASK_MS);
        if (error)
            await_topic(client, topic);
    } while (error && mr_crash_now_ms() < until);
    rd_kafka_destroy(client);
    return !error;
}

/* Reads until the position has passed the end; markers and aborted rows move it too. Gives where it
 * came to. */
static int64_t read_to(rd_kafka_t *client, const char *topic, int32_t partition, int64_t end,
                       mr_buffer *text)
{
    rd_kafka_topic_partition_list_t *list = rd_kafka_topic_partition_list_new(1);
    rd_kafka_topic_partition_list_add(list, topic, partition)->offset = 0;
    rd_kafka_assign(client, list);
    int64_t began = mr_crash_now_ms(), position = 0;
    while (position < end && mr_crash_now_ms() - began < READ_MS) {
        rd_kafka_message_t *message = rd_kafka_consumer_poll(client, 20);
        if (message != NULL && !message->err) {
            mr_buffer_put_u8(text, '\n');
            mr_buffer_put(text, message->payload, message->len);
        }
        if (message != NULL)
            rd_kafka_message_destroy(message);
        rd_kafka_position(client, list);
        position = list->elems[0].offset;
    }
    rd_kafka_assign(client, NULL);
    rd_kafka_topic_partition_list_destroy(list);
    return position;
}

/* `client` reads committed records: a last stable offset in front of the end says that a
 * transaction is open there, or hangs. */
static bool explain(rd_kafka_t *client, const char *topic, int32_t partition, int64_t end,
                    int64_t position, char *why, size_t size)
{
    int64_t low = -1, stable = -1;
    rd_kafka_query_watermark_offsets(client, topic, partition, &low, &stable, ASK_MS);
    snprintf(why, size,
             "%s[%" PRId32 "] cannot be read to its end, %" PRId64 ": it was read to %" PRId64
             ", it begins at %" PRId64 ", its last stable offset is %" PRId64,
             topic, partition, end, position, low, stable);
    return false;
}

bool mr_crash_topic_read(const char *bootstrap, const char *topic, int32_t partitions,
                         mr_buffer *text, char *why, size_t size)
{
    rd_kafka_t *client = open_client(RD_KAFKA_CONSUMER, bootstrap, "read_committed");
    bool is_read = true;
    for (int32_t p = 0; is_read && p < partitions; p++) {
        int64_t end = -1, position = -1;
        is_read = true_end(bootstrap, topic, p, &end);
        if (is_read && end > 0) {
            position = read_to(client, topic, p, end, text);
            is_read = position >= end;
        }
        is_read = is_read || explain(client, topic, p, end, position, why, size);
    }
    rd_kafka_consumer_close(client);
    rd_kafka_destroy(client);
    return is_read;
}

bool mr_crash_topic_put(const char *bootstrap, const char *topic, int32_t partition,
                        const char *value, char *why, size_t size)
{
    rd_kafka_t *client = open_client(RD_KAFKA_PRODUCER, bootstrap, NULL);
    rd_kafka_topic_t *handle = rd_kafka_topic_new(client, topic, NULL);
    char *copy = strdup(value);
    MR_ASSERT(handle != NULL && copy != NULL);
    bool is_put = rd_kafka_produce(handle, partition, RD_KAFKA_MSG_F_FREE, copy, strlen(copy), NULL,
                                   0, NULL) == 0 &&
                  rd_kafka_flush(client, ASK_MS) == RD_KAFKA_RESP_ERR_NO_ERROR;
    if (!is_put)
        snprintf(why, size, "%s[%" PRId32 "] takes no record", topic, partition);
    rd_kafka_topic_destroy(handle);
    rd_kafka_destroy(client);
    return is_put;
}

/* --- watching
 * -------------------------------------------------------------------------------------- */

struct mr_crash_watch {
    rd_kafka_t *stable, *high;
};

mr_crash_watch *mr_crash_watch_new(const char *bootstrap)
{
    mr_crash_watch *watch = calloc(1, sizeof *watch);
    MR_ASSERT(watch != NULL);
    watch->stable = open_client(RD_KAFKA_CONSUMER, bootstrap, "read_committed");
    watch->high = open_client(RD_KAFKA_CONSUMER, bootstrap, "read_uncommitted");
    return watch;
}

void mr_crash_watch_free(mr_crash_watch *watch)
{
    rd_kafka_destroy(watch->stable);
    rd_kafka_destroy(watch->high);
    free(watch);
}

bool mr_crash_watch_is_open(mr_crash_watch *watch, const char *topic, int32_t partition)
{
    /* The high watermark first: a record between the two questions must not look like a
     * transaction. */
    int64_t low, high, stable;
    return !rd_kafka_query_watermark_offsets(watch->high, topic, partition, &low, &high, ASK_MS) &&
           !rd_kafka_query_watermark_offsets(watch->stable, topic, partition, &low, &stable,
                                             ASK_MS) &&
           stable < high;
}
