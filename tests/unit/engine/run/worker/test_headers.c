/*
 * Goal: a dead letter says where, when and why its row died, in the names its readers know, and a
 * late row in a topic says how late it is, whatever the INSERT makes of it. Method: SQL jobs on the
 * simulated log; headers are read back one by one.
 */
#include "tests/unit/engine/run/worker/sql_world.h"

#include <criterion/criterion.h>
#include <string.h>

#define SRC(options)                                                                             \
    "CREATE TABLE src (id INT, v INT, ts TIMESTAMP(3), WATERMARK FOR ts AS ts) WITH (" SQL_KAFKA \
    ", 'topic' = 'in'" options ");"
#define DLQ ", 'errors.deadletterqueue.topic.name' = 'dlq'"
#define STYLE(name) ", 'errors.deadletterqueue.context.headers.style' = '" name "'"
#define DST(options) \
    "CREATE TABLE dst (id INT, n BIGINT NOT NULL) WITH (" SQL_KAFKA ", 'topic' = 'out'" options ");"
#define PASS "INSERT INTO dst SELECT id, 10 / v FROM src;"
#define AT(id, second) "{\"id\":" id ",\"v\":1,\"ts\":\"2024-01-01 00:00:" second "\"}"

static void open_with(sql_world *w, const char *script)
{
    sql_open(w, 1, script);
    sql_topic(w, "in", 1);
    sql_topic(w, "out", 1);
    sql_topic(w, "dlq", 1);
}

static void expect_header(sql_world *w, const char *topic, uint32_t i, const char *name,
                          const char *expected)
{
    const char *got = sql_header(w, topic, i, name);
    if (expected == NULL)
        cr_expect_null(got, "%s is %s", name, got);
    else
        cr_expect_str_eq(got != NULL ? got : "(none)", expected, "%s is %s, want %s", name,
                         got != NULL ? got : "(none)", expected);
}

Test(dead_headers, say_where_when_and_why)
{
    sql_world w;
    open_with(&w, SRC(DLQ) DST("") PASS);
    sql_put(&w, "in", 0, "{\"id\":1,\"v\":2}");
    sql_put(&w, "in", 0, "{\"id\":1,\"v\":0}");
    sql_run(&w, 0, true, MR_OK);
    expect_header(&w, "dlq", 0, "__streams.errors.exception", "MR3402");
    expect_header(&w, "dlq", 0, "__streams.errors.topic", "in");
    expect_header(&w, "dlq", 0, "__streams.errors.partition", "0");
    expect_header(&w, "dlq", 0, "__streams.errors.offset", "1");
    expect_header(&w, "dlq", 0, "__millrace.errors.job", "job");
    expect_header(&w, "dlq", 0, "__millrace.errors.operator", "dst/insert");
    expect_header(&w, "dlq", 0, "__millrace.errors.stage", "process");
    expect_header(&w, "dlq", 0, "__millrace.errors.code", "MR3402");
    expect_header(&w, "dlq", 0, "__millrace.errors.expression", "10 / v");
    expect_header(&w, "dlq", 0, "__millrace.errors.timestamp", "1704067200000");
    expect_header(&w, "dlq", 0, "__millrace.errors.epoch", "1");
    expect_header(&w, "dlq", 0, "__millrace.errors.attempt", "1");
    expect_header(&w, "dlq", 0, "__millrace.errors.schema.id", NULL);
    cr_expect_not_null(sql_header(&w, "dlq", 0, "__streams.errors.message"));
    cr_expect_not_null(sql_header(&w, "dlq", 0, "__millrace.errors.time"));
    cr_expect_not_null(strstr(sql_header(&w, "dlq", 0, "__streams.errors.stacktrace"), "10 / v"));
    sql_close(&w);
}

Test(dead_headers, count_the_epochs_of_the_task_also_after_a_restart)
{
    sql_world w;
    open_with(&w, SRC(DLQ) DST("") PASS);
    sql_put(&w, "in", 0, "{\"id\":1,\"v\":0}");
    sql_start(&w, 0, false);
    while (w.worker[0].stats.commits < 1)
        cr_assert(sql_step(&w, 0));
    sql_stop(&w, 0);
    sql_put(&w, "in", 0, "{\"id\":2,\"v\":0}");
    sql_run(&w, 0, true, MR_OK);
    expect_header(&w, "dlq", 0, "__millrace.errors.epoch", "1");
    expect_header(&w, "dlq", 1, "__millrace.errors.epoch", "2");
    sql_close(&w);
}

Test(dead_headers, tell_that_an_epoch_was_tried_again)
{
    sql_world w;
    sql_open(&w, 1, SRC("") DST(DLQ) PASS);
    static const char *const small[] = {"max.message.bytes", "16", NULL};
    mr_error err;
    mr_log *log = w.world.outside;
    cr_assert_eq(log->class->create_topic(log, "out", 1, small, &err), MR_OK);
    sql_topic(&w, "in", 1);
    sql_topic(&w, "dlq", 1);
    sql_put(&w, "in", 0, "{\"id\":10000,\"v\":1}");
    sql_run(&w, 0, true, MR_OK);
    expect_header(&w, "dlq", 0, "__millrace.errors.stage", "sink");
    expect_header(&w, "dlq", 0, "__millrace.errors.attempt", "2");
    sql_close(&w);
}

Test(dead_headers, in_the_style_of_connect)
{
    sql_world w;
    open_with(&w, SRC(DLQ STYLE("connect")) DST("") PASS);
    sql_put(&w, "in", 0, "{broken");
    sql_run(&w, 0, true, MR_OK);
    expect_header(&w, "dlq", 0, "__connect.errors.topic", "in");
    expect_header(&w, "dlq", 0, "__connect.errors.partition", "0");
    expect_header(&w, "dlq", 0, "__connect.errors.offset", "0");
    expect_header(&w, "dlq", 0, "__connect.errors.connector.name", "job");
    expect_header(&w, "dlq", 0, "__connect.errors.task.id", "0");
    expect_header(&w, "dlq", 0, "__connect.errors.stage", "VALUE_CONVERTER");
    expect_header(&w, "dlq", 0, "__connect.errors.class.name", "src");
    expect_header(&w, "dlq", 0, "__connect.errors.exception.class.name", "MR3110");
    cr_expect_not_null(sql_header(&w, "dlq", 0, "__connect.errors.exception.message"));
    cr_expect_not_null(sql_header(&w, "dlq", 0, "__connect.errors.exception.stacktrace"));
    expect_header(&w, "dlq", 0, "__streams.errors.topic", NULL);
    expect_header(&w, "dlq", 0, "__millrace.errors.stage", "decode");
    sql_close(&w);
}

Test(dead_headers, in_the_style_of_spring_have_numbers_as_bytes)
{
    sql_world w;
    open_with(&w, SRC(DLQ STYLE("spring")) DST("") PASS);
    sql_put(&w, "in", 0, "{\"id\":1,\"v\":1}");
    sql_put(&w, "in", 0, "{broken");
    sql_run(&w, 0, true, MR_OK);
    expect_header(&w, "dlq", 0, "kafka_dlt-original-topic", "in");
    expect_header(&w, "dlq", 0, "kafka_dlt-original-consumer-group", "job");
    expect_header(&w, "dlq", 0, "kafka_dlt-original-timestamp-type", "CreateTime");
    expect_header(&w, "dlq", 0, "kafka_dlt-exception-fqcn", "MR3110");
    const char *partition = sql_header(&w, "dlq", 0, "kafka_dlt-original-partition");
    const char *offset = sql_header(&w, "dlq", 0, "kafka_dlt-original-offset");
    const char *timestamp = sql_header(&w, "dlq", 0, "kafka_dlt-original-timestamp");
    cr_assert(partition != NULL && offset != NULL && timestamp != NULL);
    cr_expect_eq(memcmp(partition, "\0\0\0\0", 4), 0);
    cr_expect_eq(memcmp(offset, "\0\0\0\0\0\0\0\1", 8), 0);
    cr_expect_eq(memcmp(timestamp, "\x00\x00\x01\x8c\xc2\x51\xf4\x00", 8), 0); /* 1704067200000 */
    expect_header(&w, "dlq", 0, "__streams.errors.topic", NULL);
    expect_header(&w, "dlq", 0, "__millrace.errors.stage", "decode");
    sql_close(&w);
}

Test(dead_headers, of_a_made_row_have_no_place)
{
    static const char *const styles[] = {SRC(DLQ) DST("") "", SRC(DLQ STYLE("connect")) DST(""),
                                         SRC(DLQ STYLE("spring")) DST("")};
    static const char *const names[] = {
        "__streams.errors.topic",    "__streams.errors.offset",     "__millrace.errors.timestamp",
        "__connect.errors.topic",    "__connect.errors.offset",     "kafka_dlt-original-topic",
        "kafka_dlt-original-offset", "kafka_dlt-original-timestamp"};
    for (size_t i = 0; i < 3; i++) {
        sql_world w;
        char script[2048];
        snprintf(script, sizeof script, "%s%s", styles[i],
                 "INSERT INTO dst SELECT id, 1 / (SUM(v) - 1) FROM TABLE(TUMBLE(TABLE src, "
                 "DESCRIPTOR(ts), INTERVAL '10' SECOND)) GROUP BY id, window_start, window_end;");
        open_with(&w, script);
        sql_put(&w, "in", 0, AT("5", "01"));
        sql_run(&w, 0, true, MR_OK);
        for (size_t n = 0; n < sizeof names / sizeof *names; n++)
            expect_header(&w, "dlq", 0, names[n], NULL);
        expect_header(&w, "dlq", 0, "__millrace.errors.operator", "dst/insert");
        sql_close(&w);
    }
}

/* There 'log' means: log them to the target. */
Test(dead_headers, come_with_the_option_names_of_confluent)
{
    sql_world w;
    open_with(&w, SRC(", 'error-handling.mode' = 'log', 'error-handling.log.target' = 'dlq'")
                      DST("") PASS);
    sql_put(&w, "in", 0, "{broken");
    sql_run(&w, 0, true, MR_OK);
    sql_expect(&w, "dlq", "{broken");
    sql_close(&w);
}

#define COUNTS                                                                      \
    "CREATE VIEW counts AS SELECT id, COUNT(*) AS n FROM TABLE(TUMBLE(TABLE src, "  \
    "DESCRIPTOR(ts), INTERVAL '10' SECOND)) GROUP BY id, window_start, window_end;" \
    "CREATE TABLE behind (id INT) WITH (" SQL_KAFKA ", 'topic' = 'late');"          \
    "INSERT INTO dst SELECT id, n FROM counts;"

static void feed_late(sql_world *w)
{
    sql_topic(w, "late", 1);
    sql_put(w, "in", 0, AT("1", "25"));
    sql_put(w, "in", 0, AT("2", "03"));
    sql_put(w, "in", 0, AT("3", "26"));
    sql_put(w, "in", 0, AT("4", "04"));
    sql_run(w, 0, true, MR_OK);
}

Test(late_headers, stay_with_the_row_through_projections_and_filters)
{
    sql_world w;
    open_with(&w, SRC("") DST("") COUNTS "INSERT INTO behind SELECT id * 2 FROM counts$late "
                                         "WHERE id > 2;");
    feed_late(&w);
    sql_expect(&w, "late", "{\"id\":8}");
    expect_header(&w, "late", 0, "__millrace.late.operator", "counts/window");
    expect_header(&w, "late", 0, "__millrace.late.watermark", "1704067226000");
    expect_header(&w, "late", 0, "__millrace.late.window.start", "1704067200000");
    expect_header(&w, "late", 0, "__millrace.late.window.end", "1704067210000");
    expect_header(&w, "late", 0, "__millrace.late.by.ms", "16001");
    sql_close(&w);
}

Test(late_headers, are_on_late_rows_alone)
{
    sql_world w;
    open_with(&w, SRC("") DST("") COUNTS "INSERT INTO behind SELECT id FROM counts$late "
                                         "UNION ALL SELECT id + 100 FROM src;");
    feed_late(&w);
    const char *values = sql_values(&w, "late");
    cr_expect_not_null(strstr(values, "{\"id\":2} {\"id\":4}"), "%s", values);
    expect_header(&w, "out", 0, "__millrace.late.operator", NULL);
    uint32_t late = 0;
    for (uint32_t i = 0; i < 6; i++)
        late += sql_header(&w, "late", i, "__millrace.late.operator") != NULL;
    cr_expect_eq(late, 2);
    sql_close(&w);
}

#define FIRSTS                                                                               \
    "CREATE VIEW firsts AS SELECT id, v FROM (SELECT *, ROW_NUMBER() OVER (PARTITION BY id " \
    "ORDER BY ts) AS r FROM src) WHERE r = 1;"                                               \
    "CREATE TABLE behind (id INT) WITH (" SQL_KAFKA ", 'topic' = 'late');"                   \
    "INSERT INTO dst SELECT id, v FROM firsts;"

Test(late_headers, of_a_deduplication_name_no_window)
{
    sql_world w;
    open_with(&w, SRC("") DST("") FIRSTS "INSERT INTO behind SELECT id FROM firsts$late;");
    feed_late(&w);
    sql_expect(&w, "late", "{\"id\":2} {\"id\":4}");
    expect_header(&w, "late", 0, "__millrace.late.by.ms", "22000");
    expect_header(&w, "late", 0, "__millrace.late.window.start", NULL);
    expect_header(&w, "late", 0, "__millrace.late.window.end", NULL);
    sql_close(&w);
}
