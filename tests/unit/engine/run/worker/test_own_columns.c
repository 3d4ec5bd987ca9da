/*
 * Goal: METADATA columns `timestamp` and `headers` of a table that is written become the record's
 * own, in every way a row can take; a row that has none that a record can have dies alone. Method:
 * SQL jobs on the simulated log; timestamps and headers are read back.
 */
#include "tests/unit/engine/run/worker/sql_world.h"

#include <criterion/criterion.h>
#include <inttypes.h>
#include <string.h>

#define SRC                                                                           \
    "CREATE TABLE src (id INT, sent TIMESTAMP_LTZ(3), said STRING, ts TIMESTAMP(3), " \
    "WATERMARK FOR ts AS ts) WITH (" SQL_KAFKA ", 'topic' = 'in');"
#define DST(columns, options) \
    "CREATE TABLE dst (" columns ") WITH (" SQL_KAFKA ", 'topic' = 'out'" options ");"
#define OWN                                                                    \
    "sent TIMESTAMP_LTZ(3) METADATA FROM 'timestamp', id INT, headers STRING " \
    "METADATA, part INT METADATA FROM 'partition' VIRTUAL"
#define DLQ ", 'errors.deadletterqueue.topic.name' = 'dlq'"
#define NOW_MS INT64_C(1704067200000) /* of sql_put */

static void open_with(sql_world *w, const char *script)
{
    sql_open(w, 1, script);
    sql_topic(w, "in", 1);
    sql_topic(w, "out", 1);
    sql_topic(w, "dlq", 1);
}

static int64_t timestamp_of(sql_world *w, const char *topic, uint32_t i)
{
    mr_error err;
    mr_records records;
    mr_log_reader *reader;
    mr_log *log = w->world.outside;
    cr_assert_eq(log->class->open_reader(log, &reader, &err), MR_OK);
    cr_assert_eq(reader->class->add(reader, 0, topic, 0, MR_OFFSET_EARLIEST, &err), MR_OK);
    cr_assert_eq(reader->class->fetch(reader, 100, 0, &records, &err), MR_OK);
    cr_assert_lt(i, records.count);
    int64_t found = records.record[i].timestamp_ms;
    reader->class->close(reader);
    return found;
}

static void expect_timestamp(sql_world *w, const char *topic, uint32_t i, int64_t expected)
{
    int64_t got = timestamp_of(w, topic, i);
    cr_expect_eq(got, expected, "record %u has %" PRId64 ", want %" PRId64, i, got, expected);
}

Test(own_columns, become_the_records_own_and_no_part_of_its_value)
{
    sql_world w;
    open_with(&w, SRC DST(OWN, "") "INSERT INTO dst SELECT sent, id, said FROM src;");
    sql_put(&w, "in", 0,
            "{\"id\":1,\"sent\":\"2020-02-03 04:05:06.789Z\","
            "\"said\":\"{\\\"trace\\\":\\\"abc\\\"}\"}");
    sql_put(&w, "in", 0, "{\"id\":2}");
    sql_run(&w, 0, true, MR_OK);
    sql_expect(&w, "out", "{\"id\":1} {\"id\":2}");
    expect_timestamp(&w, "out", 0, INT64_C(1580702706789));
    cr_expect_str_eq(sql_header(&w, "out", 0, "trace"), "abc");
    cr_expect_neq(timestamp_of(&w, "out", 1), MR_TIME_NONE); /* NULL: when it was produced */
    cr_expect_neq(timestamp_of(&w, "out", 1), timestamp_of(&w, "out", 0));
    cr_expect_null(sql_header(&w, "out", 1, "trace"));
    sql_close(&w);
}

/* A list of columns leaves the others NULL; a TIMESTAMP is an instant of the job's zone. */
Test(own_columns, are_named_and_converted_as_others_are)
{
    sql_world w;
    open_with(&w, "SET 'table.local-time-zone' = 'Asia/Tokyo';" SRC DST(
                      "id INT, sent TIMESTAMP(3) METADATA FROM 'timestamp', headers STRING "
                      "METADATA",
                      "") "INSERT INTO dst (sent, id) SELECT ts, id FROM src;");
    sql_put(&w, "in", 0, "{\"id\":1,\"ts\":\"2024-01-01 09:00:00.001\"}");
    sql_run(&w, 0, true, MR_OK);
    sql_expect(&w, "out", "{\"id\":1}");
    expect_timestamp(&w, "out", 0, NOW_MS + 1);
    sql_close(&w);
}

Test(own_columns, that_no_record_can_have_kill_their_row_alone)
{
    sql_world w;
    open_with(&w, SRC DST(OWN, DLQ) "INSERT INTO dst SELECT sent, id, said FROM src;");
    sql_put(&w, "in", 0, "{\"id\":1,\"said\":\"{broken\"}");
    sql_put(&w, "in", 0, "{\"id\":2,\"sent\":\"1970-01-01 00:00:00Z\"}");
    sql_put(&w, "in", 0, "{\"id\":3,\"sent\":\"1970-01-01 00:00:00.001Z\"}");
    sql_put(&w, "in", 0, "{\"id\":4,\"sent\":\"1969-12-31 23:59:59Z\",\"said\":\"{}\"}");
    sql_run(&w, 0, true, MR_OK);
    sql_expect(&w, "out", "{\"id\":3}");
    expect_timestamp(&w, "out", 0, 1);
    cr_expect_str_eq(sql_header(&w, "dlq", 0, "__millrace.errors.code"), "MR3303");
    cr_expect_str_eq(sql_header(&w, "dlq", 1, "__millrace.errors.code"), "MR3304");
    cr_expect_str_eq(sql_header(&w, "dlq", 2, "__millrace.errors.code"), "MR3304");
    cr_expect_str_eq(sql_header(&w, "dlq", 0, "__millrace.errors.stage"), "encode");
    sql_close(&w);
}

/* The dead letter of a made row holds them as columns: nothing of the row is lost. */
Test(own_columns, are_in_the_dead_letter_of_a_made_row)
{
    sql_world w;
    open_with(&w, SRC DST("n BIGINT NOT NULL, sent TIMESTAMP_LTZ(3) METADATA FROM 'timestamp', "
                          "headers STRING METADATA",
                          DLQ) "INSERT INTO dst SELECT SUM(CAST(NULL AS BIGINT)), "
                               "TO_TIMESTAMP_LTZ(MIN(id), 3), '{\"a\":\"b\"}' FROM "
                               "TABLE(TUMBLE(TABLE src, DESCRIPTOR(ts), INTERVAL '1' SECOND)) "
                               "GROUP BY window_start, window_end;");
    sql_put(&w, "in", 0, "{\"id\":5,\"ts\":\"2024-01-01 00:00:00\"}");
    sql_run(&w, 0, true, MR_OK);
    const char *letter = sql_values(&w, "dlq");
    cr_expect_not_null(strstr(letter, "\"sent\":\"1970-01-01 00:00:00.005Z\""), "%s", letter);
    cr_expect_not_null(strstr(letter, "\"headers\":\"{\\\"a\\\":\\\"b\\\"}\""), "%s", letter);
    sql_close(&w);
}

Test(own_columns, stand_before_the_headers_of_a_late_row)
{
    sql_world w;
    open_with(&w,
              SRC DST(OWN, "") "CREATE TABLE gone (n BIGINT) WITH ('connector' = 'blackhole');"
                               "CREATE VIEW counts AS SELECT COUNT(*) AS n FROM TABLE(TUMBLE(TABLE "
                               "src, DESCRIPTOR(ts), INTERVAL '1' SECOND)) GROUP BY window_start, "
                               "window_end; INSERT INTO gone SELECT n FROM counts;"
                               "INSERT INTO dst SELECT sent, id, said FROM counts$late;");
    sql_put(&w, "in", 0, "{\"id\":1,\"ts\":\"2024-01-01 00:00:09\"}");
    sql_put(&w, "in", 0,
            "{\"id\":2,\"ts\":\"2024-01-01 00:00:03\",\"sent\":\"2024-01-01 "
            "00:00:00.007Z\",\"said\":\"{\\\"trace\\\":\\\"abc\\\"}\"}");
    sql_run(&w, 0, true, MR_OK);
    expect_timestamp(&w, "out", 0, NOW_MS + 7);
    cr_expect_str_eq(sql_header(&w, "out", 0, "trace"), "abc");
    cr_expect_str_eq(sql_header(&w, "out", 0, "__millrace.late.by.ms"), "5001");
    sql_close(&w);
}
