/*
 * Goal: a drained job has read all that was there, closed every window, committed, and rests: its
 * workers say so, also one that was killed on the way, and nothing of it comes twice.
 * Method: the program's commands on a real Kafka, two workers, a window of a day that no row ends.
 */
#include "jobs/fleet/board.h"
#include "tests/broker/fleet.h"

#include <criterion/criterion.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#define ROWS 400
#define JOB                                                                                 \
    "SET 'parallelism.default' = '2';\n"                                                    \
    "CREATE TABLE src (id INT, ts TIMESTAMP(3), WATERMARK FOR ts AS ts) WITH (" KAFKA_TABLE \
    "'topic' = '%s', 'format' = 'json', 'scan.startup.mode' = 'earliest-offset');\n"        \
    "CREATE TABLE dst (id INT, n BIGINT) WITH (" KAFKA_TABLE                                \
    "'topic' = '%s', 'format' = 'json');\n"                                                 \
    "INSERT INTO dst SELECT id, COUNT(*) FROM TABLE(TUMBLE(TABLE src, DESCRIPTOR(ts), "     \
    "INTERVAL '1' DAY)) GROUP BY window_start, window_end, id;\n"

static void put_rows(const script *s, const char *in, int count)
{
    mr_error err;
    mr_log_writer *writer; /* not transactional */
    cr_assert_eq(s->log->class->open_writer(s->log, &(mr_writer_options){0}, &writer, &err), MR_OK);
    for (int id = 0; id < count; id++) {
        char value[80];
        int length = snprintf(value, sizeof value, "{\"id\":%d,\"ts\":\"2026-11-21 10:00:%02d\"}",
                              id, id % 60);
        mr_log_record record = {
            .value = value, .value_length = (size_t)length, .timestamp_ms = MR_TIME_NONE};
        cr_assert_eq(writer->class->produce(writer, in, id % 2, &record, 1, &err), MR_OK);
    }
    cr_assert_eq(writer->class->flush(writer, KAFKA_PATIENCE_MS, &err), MR_OK, "%s", err.message);
    writer->class->close(writer);
}

static void expect_each_once(const script *s, const char *out)
{
    uint8_t seen[ROWS] = {0};
    cr_assert_eq(script_count_ids(s, out, seen, ROWS), ROWS, "%s", script_read_file(s, "said"));
    for (int i = 0; i < ROWS; i++)
        cr_assert_eq(seen[i], 1, "row %d came %u times", i, seen[i]);
}

/* In the file of the worker that was not killed: jobs of a fleet are seen as those of `run`. */
static void await_metric(const script *s, const char *format)
{
    char line[300];
    double end_ms = kafka_ms() + FLEET_READY_MS;
    snprintf(line, sizeof line, format, s->name);
    while (strstr(script_read_file(s, "metrics-b"), line) == NULL) {
        cr_assert_lt(kafka_ms(), end_ms, "no %s: %s", line, script_read_file(s, "metrics-b"));
        usleep(200000);
    }
}

Test(fleet_drain, reads_to_the_ends_closes_all_windows_and_rests, .timeout = 400)
{
    script s;
    script_open(&s, "drained");
    const char *in = kafka_topic(s.log, "in", 2), *out = kafka_topic(s.log, "out", 1);
    char argument[200];
    uint8_t seen[ROWS] = {0};
    script_write(&s, JOB, in, out);
    pid_t a = fleet_start_worker(&s, "a"), b = fleet_start_worker(&s, "b");
    snprintf(argument, sizeof argument, "job.sql --name %s", s.name);
    cr_assert_eq(fleet_say(&s, "submit", argument), 0, "%s", script_read_file(&s, "said"));
    put_rows(&s, in, ROWS);
    fleet_await_said(&s, "list", "", "running");
    cr_expect_eq(script_count_ids(&s, out, seen, ROWS), 0, "a window has closed early");

    /* One of the two dies with the wish, and is there again: it must come to the same. */
    kill(a, SIGKILL);
    cr_expect_eq(script_finish(&s, a), 128 + SIGKILL);
    a = fleet_start_worker(&s, "a");
    for (int tries = 0; fleet_say(&s, "drain", s.name) != 0; tries++) /* it may take a while */
        cr_assert_lt(tries, 4, "%s", script_read_file(&s, "said"));
    cr_expect_not_null(strstr(script_read_file(&s, "said"), "is drained"));
    expect_each_once(&s, out);
    fleet_await_said(&s, "list", "", "drain   finished");
    await_metric(&s, "millrace_job_state{job=\"%s\",state=\"finished\"} 1");
    await_metric(&s, "millrace_job_rows_total{job=\"%s\",outcome=\"in\"} ");

    /* It rests: rows that come are not read, and who starts again finds it finished. */
    put_rows(&s, in, 10);
    fleet_stop_worker(&s, b);
    b = fleet_start_worker(&s, "b");
    cr_expect_eq(fleet_say(&s, "drain", s.name), 0, "%s", script_read_file(&s, "said"));
    fleet_await_said(&s, "list", "", "drain   finished         2"); /* both say so */
    cr_expect_eq(fleet_say(&s, "stop", s.name), 0);
    cr_expect_not_null(strstr(script_read_file(&s, "said"), "has finished: "), "%s",
                       script_read_file(&s, "said"));
    fleet_await_said(&s, "list", "", "drain   finished");
    cr_expect_eq(fleet_say(&s, "submit", argument), 0, "%s", script_read_file(&s, "said"));
    fleet_await_said(&s, "status", s.name, "finished");
    fleet_await_said(&s, "submit", argument, "has finished: ");
    expect_each_once(&s, out);
    fleet_stop_worker(&s, a);
    fleet_stop_worker(&s, b);
    script_close(&s);
}

Test(fleet_drain, explain_shows_a_job_by_its_name, .timeout = 400)
{
    script s;
    script_open(&s, "named");
    const char *in = kafka_topic(s.log, "in", 2), *out = kafka_topic(s.log, "out", 1);
    char argument[200];
    script_write(&s, JOB, in, out);
    snprintf(argument, sizeof argument, "job.sql --name %s", s.name);
    mr_board board;
    mr_error err;
    char fleet[200];
    snprintf(fleet, sizeof fleet, "%s-fleet", s.name);
    cr_assert_eq(mr_board_open(&board, s.log, NULL, fleet, true, &err), MR_OK, "%s", err.message);
    mr_wish wish = {.job = s.name,
                    .version = 1,
                    .plan_format = mr_wish_format_of(MR_WISH_STOP),
                    .kind = MR_WISH_STOP,
                    .plan_version = 1,
                    .sql = script_read_file(&s, "job.sql"),
                    .written_by = "a test"};
    cr_assert_eq(mr_board_put_wish(&board, &wish, &err), MR_OK, "%s", err.message);
    mr_board_close(&board);
    cr_assert_eq(fleet_say(&s, "explain", s.name), 0, "%s", script_read_file(&s, "said"));
    const char *said = script_read_file(&s, "said");
    cr_expect_not_null(strstr(said, "TUMBLE"), "%s", said);
    cr_expect_not_null(strstr(said, "submitted was 0000000000000001"), "%s", said);
    cr_expect_eq(fleet_say(&s, "explain", "nothing"), 1);
    script_close(&s);
}
