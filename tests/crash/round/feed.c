#include "tests/crash/round/feed.h"

#include "engine/base/assert.h"
#include "tests/crash/round/env.h"
#include "tests/crash/round/text.h"
#include "tests/sim/job.h"

#include <inttypes.h>
#include <librdkafka/rdkafka.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define TICK_US 2000
#define FLUSH_MS 240000
#define ORDERLY_BACK 4 /* below the job's delay of 5 ms: never late, however inputs interleave */
#define LATE_BACK 60
#define SPELL_MS 16 /* a session's gap is 6 ms */

struct mr_crash_feed {
    mr_crash_feed_options options;
    mr_sim_law *law;
    rd_kafka_t *producer;
    rd_kafka_topic_t *topic;
    pthread_t thread;
    atomic_bool is_over;
    atomic_int_fast64_t limit_ms;
    atomic_uint_fast64_t rows, failed;
    mr_crash_env random; /* of the thread */
    int64_t event_time_ms;
};

static void on_delivery(rd_kafka_t *producer, const rd_kafka_message_t *message, void *opaque)
{
    (void)producer;
    mr_crash_feed *feed = opaque;
    if (message->err)
        atomic_fetch_add(&feed->failed, 1);
}

static void ignore_log(const rd_kafka_t *producer, int level, const char *facility,
                       const char *line)
{
    (void)producer;
    (void)level;
    (void)facility;
    (void)line;
}

static void set(rd_kafka_conf_t *conf, const char *name, const char *value)
{
    char reason[256];
    rd_kafka_conf_res_t result = rd_kafka_conf_set(conf, name, value, reason, sizeof reason);
    MR_ASSERT(result == RD_KAFKA_CONF_OK);
}

static void open_producer(mr_crash_feed *feed)
{
    char reason[256];
    rd_kafka_conf_t *conf = rd_kafka_conf_new();
    set(conf, "bootstrap.servers", feed->options.bootstrap);
    set(conf, "enable.idempotence", "true");
    set(conf, "message.timeout.ms", "0"); /* never give a row up */
    set(conf, "linger.ms", "2");
    set(conf, "reconnect.backoff.max.ms", "500");
    rd_kafka_conf_set_opaque(conf, feed);
    rd_kafka_conf_set_dr_msg_cb(conf, on_delivery);
    rd_kafka_conf_set_log_cb(conf, ignore_log);
    feed->producer = rd_kafka_new(RD_KAFKA_PRODUCER, conf, reason, sizeof reason);
    MR_ASSERT(feed->producer != NULL);
    feed->topic = rd_kafka_topic_new(feed->producer, feed->options.topic, NULL);
    MR_ASSERT(feed->topic != NULL);
}

static void put(mr_crash_feed *feed, int32_t partition, char *value)
{
    while (rd_kafka_produce(feed->topic, partition, RD_KAFKA_MSG_F_COPY, value, strlen(value), NULL,
                            0, NULL) != 0) {
        MR_ASSERT(rd_kafka_last_error() == RD_KAFKA_RESP_ERR__QUEUE_FULL);
        rd_kafka_poll(feed->producer, 50);
    }
    atomic_fetch_add(&feed->rows, 1);
}

static uint64_t draw(mr_crash_feed *feed, uint64_t below)
{
    return mr_crash_draw(&feed->random, below);
}

static void put_row(mr_crash_feed *feed)
{
    char value[96];
    uint32_t key = (uint32_t)draw(feed, MR_SIM_KEYS);
    int32_t partition = (int32_t)(key % MR_SIM_PARTITIONS);
    if (draw(feed, 3) == 0 && feed->event_time_ms < atomic_load(&feed->limit_ms))
        feed->event_time_ms++;
    if (draw(feed, 25) == 0) {
        snprintf(value, sizeof value, "broken %" PRIu64, feed->law->broken_sent++);
        put(feed, partition, value);
        return;
    }
    bool is_late = !feed->options.is_orderly && draw(feed, 12) == 0;
    int64_t back = (int64_t)draw(feed, is_late ? LATE_BACK : ORDERLY_BACK);
    int64_t time = feed->event_time_ms > back ? feed->event_time_ms - back : 0;
    int64_t amount = (int64_t)draw(feed, 100);
    if (feed->options.has_spells) {
        if ((time / SPELL_MS + key) % 3 == 0)
            return;
        amount = 1 + (int64_t)atomic_load(&feed->rows);
    }
    mr_crash_row_print(value, sizeof value, feed->options.is_json, key, time, amount);
    put(feed, partition, value);
}

static void *run(void *context)
{
    mr_crash_feed *feed = context;
    int64_t began = mr_crash_now_ms();
    uint64_t sent = 0;
    while (!atomic_load(&feed->is_over)) {
        uint64_t due = (uint64_t)(mr_crash_now_ms() - began) * feed->options.rows_per_second / 1000;
        for (; sent < due; sent++)
            put_row(feed);
        rd_kafka_poll(feed->producer, 0);
        mr_crash_sleep_us(TICK_US);
    }
    return NULL;
}

mr_crash_feed *mr_crash_feed_start(const mr_crash_feed_options *options, mr_sim_law *law)
{
    mr_crash_feed *feed = calloc(1, sizeof *feed);
    MR_ASSERT(feed != NULL);
    feed->options = *options;
    feed->law = law;
    feed->random.random = options->seed;
    open_producer(feed);
    int failed = pthread_create(&feed->thread, NULL, run, feed);
    MR_ASSERT(failed == 0);
    return feed;
}

void mr_crash_feed_allow(mr_crash_feed *feed, int64_t time_ms)
{
    MR_ASSERT(time_ms < MR_SIM_TIME_MAX - 100);
    atomic_store(&feed->limit_ms, time_ms);
}

uint64_t mr_crash_feed_rows(const mr_crash_feed *feed)
{
    return atomic_load(&feed->rows);
}

bool mr_crash_feed_finish(mr_crash_feed *feed)
{
    atomic_store(&feed->is_over, true);
    pthread_join(feed->thread, NULL);
    bool is_delivered = rd_kafka_flush(feed->producer, FLUSH_MS) == RD_KAFKA_RESP_ERR_NO_ERROR &&
                        atomic_load(&feed->failed) == 0;
    rd_kafka_topic_destroy(feed->topic);
    rd_kafka_destroy(feed->producer);
    free(feed);
    return is_delivered;
}
