/*
 * Goal: what Millrace writes beside a dead letter and a late row is there for any Kafka client, and
 * what the record's producer wrote is untouched. Method: a plain librdkafka producer and consumer
 * around `millrace run` on a real Kafka.
 */
#include "tests/broker/kafka.h"

#include <criterion/criterion.h>
#include <librdkafka/rdkafka.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define ASK_MS KAFKA_PATIENCE_MS
#define SENT_MS 1704067200123

typedef struct wire {
    mr_log *log;
    char dir[128];
    const char *name, *in, *late, *dead;
} wire;

static void open_wire(wire *w, const char *stem)
{
    w->log = kafka_open();
    w->name = kafka_name(stem);
    w->in = kafka_topic(w->log, "in", 2);
    /* The default of Kafka 4; until then a topic took any time. */
    static const char *const near[] = {"message.timestamp.after.max.ms", "3600000", NULL};
    mr_error err;
    w->late = kafka_name("late");
    OK(w->log->class->create_topic(w->log, w->late, 1, near, &err), err);
    w->dead = kafka_topic(w->log, "dead", 2);
    snprintf(w->dir, sizeof w->dir, "/tmp/millrace-%s-%d", w->name, getpid());
    cr_assert_eq(mkdir(w->dir, 0700), 0);
}

static void close_wire(wire *w)
{
    char text[200];
    snprintf(text, sizeof text, "rm -rf '%s'", w->dir);
    cr_assert_eq(system(text), 0);
    w->log->class->close(w->log);
}

static void run_job(const wire *w, const char *options)
{
    const char *named = getenv("MILLRACE");
    char path[200], command[600];
    snprintf(path, sizeof path, "%s/job.sql", w->dir);
    FILE *file = fopen(path, "w");
    cr_assert_not_null(file);
    fprintf(file,
            "CREATE TABLE src (id INT, ts TIMESTAMP(3), WATERMARK FOR ts AS ts) WITH ("
            "'connector' = 'kafka', 'properties.bootstrap.servers' = '${MILLRACE_TEST_BROKER}', "
            "'topic' = '%s', 'format' = 'json', 'scan.startup.mode' = 'earliest-offset', "
            "'errors.deadletterqueue.topic.name' = '%s'%s);\n"
            "CREATE TABLE behind (id INT) WITH ('connector' = 'kafka', 'format' = 'json', "
            "'properties.bootstrap.servers' = '${MILLRACE_TEST_BROKER}', 'topic' = '%s');\n"
            "CREATE TABLE gone (id INT, n BIGINT) WITH ('connector' = 'blackhole');\n"
            "CREATE VIEW counts AS SELECT id, COUNT(*) AS n FROM TABLE(TUMBLE(TABLE src, "
            "DESCRIPTOR(ts), INTERVAL '10' SECOND)) GROUP BY id, window_start, window_end;\n"
            "INSERT INTO gone SELECT id, n FROM counts;\n"
            "INSERT INTO behind SELECT id FROM counts$late;\n",
            w->in, w->dead, options, w->late);
    cr_assert_eq(fclose(file), 0);
    snprintf(command, sizeof command,
             "cd '%s' && '%s' run job.sql --name %s --bounded > said 2>&1 || { cat said; exit 1; }",
             w->dir, named ? named : MR_SOURCE_DIR "/build/release/millrace", w->name);
    cr_assert_eq(system(command), 0);
}

static rd_kafka_t *open_client(rd_kafka_type_t type)
{
    char reason[256];
    rd_kafka_conf_t *conf = rd_kafka_conf_new();
    const char *const set[][2] = {{"bootstrap.servers", getenv("MILLRACE_TEST_BROKER")},
                                  {"group.id", "any"},
                                  {"enable.auto.commit", "false"}};
    for (size_t i = 0; i < (type == RD_KAFKA_CONSUMER ? 3 : 1); i++)
        cr_assert_eq(rd_kafka_conf_set(conf, set[i][0], set[i][1], reason, sizeof reason),
                     RD_KAFKA_CONF_OK);
    rd_kafka_t *client = rd_kafka_new(type, conf, reason, sizeof reason);
    cr_assert_not_null(client, "%s", reason);
    return client;
}

static void send_one(rd_kafka_t *producer, const char *topic, const char *value)
{
    cr_assert_eq(rd_kafka_producev(producer, RD_KAFKA_V_TOPIC(topic), RD_KAFKA_V_PARTITION(1),
                                   RD_KAFKA_V_KEY("a key", 5),
                                   RD_KAFKA_V_VALUE((void *)(uintptr_t)value, strlen(value)),
                                   RD_KAFKA_V_TIMESTAMP(SENT_MS),
                                   RD_KAFKA_V_HEADER("trace", "\0\xff", 2),
                                   RD_KAFKA_V_MSGFLAGS(RD_KAFKA_MSG_F_COPY), RD_KAFKA_V_END),
                 RD_KAFKA_RESP_ERR_NO_ERROR);
}

static void feed(const wire *w)
{
    rd_kafka_t *producer = open_client(RD_KAFKA_PRODUCER);
    send_one(producer, w->in, "{\"id\":1,\"ts\":\"2024-01-01 00:00:25\"}");
    send_one(producer, w->in, "{broken");
    send_one(producer, w->in, "{\"id\":2,\"ts\":\"2024-01-01 00:00:03\"}");
    cr_assert_eq(rd_kafka_flush(producer, ASK_MS), RD_KAFKA_RESP_ERR_NO_ERROR);
    rd_kafka_destroy(producer);
}

/* The first message of a partition; the caller destroys it. */
static rd_kafka_message_t *first_of(rd_kafka_t *consumer, const char *topic, int32_t partition)
{
    rd_kafka_topic_partition_list_t *list = rd_kafka_topic_partition_list_new(1);
    rd_kafka_topic_partition_list_add(list, topic, partition)->offset = RD_KAFKA_OFFSET_BEGINNING;
    cr_assert_eq(rd_kafka_assign(consumer, list), RD_KAFKA_RESP_ERR_NO_ERROR);
    rd_kafka_topic_partition_list_destroy(list);
    rd_kafka_message_t *message = NULL;
    for (double end_ms = kafka_ms() + ASK_MS; message == NULL && kafka_ms() < end_ms;)
        message = rd_kafka_consumer_poll(consumer, 100);
    cr_assert_not_null(message, "%s[%d] is empty", topic, partition);
    cr_assert_eq(message->err, RD_KAFKA_RESP_ERR_NO_ERROR, "%s", rd_kafka_message_errstr(message));
    return message;
}

static void expect_bytes(const rd_kafka_message_t *message, const char *name, const char *expected,
                         size_t size)
{
    rd_kafka_headers_t *headers;
    const void *value = NULL;
    size_t length = 0;
    cr_assert_eq(rd_kafka_message_headers(message, &headers), RD_KAFKA_RESP_ERR_NO_ERROR);
    rd_kafka_resp_err_t found = rd_kafka_header_get_last(headers, name, &value, &length);
    cr_expect_eq(found, RD_KAFKA_RESP_ERR_NO_ERROR, "no header %s", name);
    cr_expect(length == size && memcmp(value, expected, size) == 0, "%s is %.*s", name, (int)length,
              (const char *)value);
}

static void expect_text(const rd_kafka_message_t *message, const char *name, const char *expected)
{
    expect_bytes(message, name, expected, strlen(expected));
}

static void expect_untouched(const rd_kafka_message_t *message)
{
    rd_kafka_timestamp_type_t kind;
    cr_expect(message->len == 7 && memcmp(message->payload, "{broken", 7) == 0);
    cr_expect(message->key_len == 5 && memcmp(message->key, "a key", 5) == 0);
    cr_expect_eq(rd_kafka_message_timestamp(message, &kind), SENT_MS);
    expect_bytes(message, "trace", "\0\xff", 2);
}

Test(headers, of_a_dead_letter_and_of_a_late_row_are_there_for_any_client)
{
    wire w;
    open_wire(&w, "headers");
    feed(&w);
    run_job(&w, "");
    rd_kafka_t *consumer = open_client(RD_KAFKA_CONSUMER);
    rd_kafka_message_t *letter = first_of(consumer, w.dead, 1);
    expect_untouched(letter);
    expect_text(letter, "__streams.errors.exception", "MR3110");
    expect_text(letter, "__streams.errors.topic", w.in);
    expect_text(letter, "__streams.errors.partition", "1");
    expect_text(letter, "__streams.errors.offset", "1");
    expect_text(letter, "__millrace.errors.job", w.name);
    expect_text(letter, "__millrace.errors.operator", "src");
    expect_text(letter, "__millrace.errors.stage", "decode");
    expect_text(letter, "__millrace.errors.code", "MR3110");
    expect_text(letter, "__millrace.errors.timestamp", "1704067200123");
    expect_text(letter, "__millrace.errors.epoch", "1");
    expect_text(letter, "__millrace.errors.attempt", "1");
    rd_kafka_message_destroy(letter);
    rd_kafka_message_t *late = first_of(consumer, w.late, 0);
    expect_text(late, "__millrace.late.operator", "counts/window");
    expect_text(late, "__millrace.late.watermark", "1704067225000");
    expect_text(late, "__millrace.late.window.start", "1704067200000");
    expect_text(late, "__millrace.late.window.end", "1704067210000");
    expect_text(late, "__millrace.late.by.ms", "15001");
    rd_kafka_message_destroy(late);
    rd_kafka_consumer_close(consumer);
    rd_kafka_destroy(consumer);
    close_wire(&w);
}

Test(headers, in_the_style_of_spring_are_what_its_replayers_read)
{
    wire w;
    open_wire(&w, "spring");
    feed(&w);
    run_job(&w, ", 'errors.deadletterqueue.context.headers.style' = 'spring'");
    rd_kafka_t *consumer = open_client(RD_KAFKA_CONSUMER);
    rd_kafka_message_t *letter = first_of(consumer, w.dead, 1);
    expect_untouched(letter);
    expect_text(letter, "kafka_dlt-original-topic", w.in);
    expect_bytes(letter, "kafka_dlt-original-partition", "\0\0\0\1", 4);
    expect_bytes(letter, "kafka_dlt-original-offset", "\0\0\0\0\0\0\0\1", 8);
    expect_text(letter, "kafka_dlt-exception-fqcn", "MR3110");
    rd_kafka_message_destroy(letter);
    rd_kafka_consumer_close(consumer);
    rd_kafka_destroy(consumer);
    close_wire(&w);
}

/* What a job writes as a record's own: timestamps and headers, through transactions, and the
 * broker's own refusal of a time that its topic does not take. */
static void run_own_columns(const wire *w)
{
    const char *named = getenv("MILLRACE");
    char path[200], command[600];
    snprintf(path, sizeof path, "%s/own.sql", w->dir);
    FILE *file = fopen(path, "w");
    cr_assert_not_null(file);
    fprintf(file,
            "CREATE TABLE src (v BYTES, t TIMESTAMP_LTZ(3) METADATA FROM 'timestamp', "
            "headers STRING METADATA) WITH ('connector' = 'kafka', 'format' = 'raw', "
            "'topic' = '%s', 'properties.bootstrap.servers' = '${MILLRACE_TEST_BROKER}', "
            "'scan.startup.mode' = 'earliest-offset');\n"
            "CREATE TABLE dst (v BYTES, t TIMESTAMP_LTZ(3) METADATA FROM 'timestamp', "
            "headers STRING METADATA) WITH ('connector' = 'kafka', 'format' = 'raw', "
            "'topic' = '%s', 'properties.bootstrap.servers' = '${MILLRACE_TEST_BROKER}', "
            "'errors.deadletterqueue.topic.name' = '%s');\n"
            "INSERT INTO dst SELECT v, t + INTERVAL '1' HOUR, headers FROM src;\n"
            "INSERT INTO dst SELECT X'66', t + INTERVAL '200000' DAY(6), headers FROM src "
            "WHERE CHAR_LENGTH(CAST(v AS STRING)) = 7;\n",
            w->in, w->late, w->dead);
    cr_assert_eq(fclose(file), 0);
    snprintf(command, sizeof command,
             "cd '%s' && '%s' run own.sql --name %s --bounded > said 2>&1 || { cat said; exit 1; }",
             w->dir, named ? named : MR_SOURCE_DIR "/build/release/millrace", w->name);
    cr_assert_eq(system(command), 0);
}

Test(headers, and_timestamps_that_a_job_writes_are_the_records_own, .timeout = 400)
{
    wire w;
    rd_kafka_timestamp_type_t kind;
    open_wire(&w, "own");
    feed(&w);
    run_own_columns(&w);
    rd_kafka_t *consumer = open_client(RD_KAFKA_CONSUMER);
    rd_kafka_message_t *first = first_of(consumer, w.late, 0);
    cr_expect_eq(rd_kafka_message_timestamp(first, &kind), SENT_MS + 3600000);
    cr_expect_eq(kind, RD_KAFKA_TIMESTAMP_CREATE_TIME);
    expect_bytes(first, "trace", "\0\xff", 2);
    rd_kafka_message_destroy(first);
    /* 547 years ahead: a broker of today refuses it, and the row alone dies. */
    rd_kafka_message_t *letter = first_of(consumer, w.dead, 1);
    expect_text(letter, "__millrace.errors.code", "MR3302");
    expect_untouched(letter);
    rd_kafka_message_destroy(letter);
    rd_kafka_consumer_close(consumer);
    rd_kafka_destroy(consumer);
    close_wire(&w);
}
