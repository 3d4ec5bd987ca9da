/*
 * Goal: jobs given to a fleet run on its workers, survive a kill -9, stop, go on and go away as
 * wished; what is wrong never reaches the fleet, and what is of a newer Millrace stops with a word.
 * Method: the program's own commands on a real Kafka, two workers; the jobs topic is read and
 * written by the board.
 */
#include "connectors/kafka/mock.h"
#include "jobs/fleet/board.h"
#include "tests/broker/fleet.h"

#include <criterion/criterion.h>
#include <librdkafka/rdkafka.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define ROWS 300
#define READY_MS FLEET_READY_MS
#define JOB                                                                                \
    "SET 'parallelism.default' = '2';\n"                                                   \
    "CREATE TABLE src (id INT) WITH (" KAFKA_TABLE                                         \
    "'topic' = '%s', 'format' = 'json', 'scan.startup.mode' = 'earliest-offset');\n"       \
    "CREATE TABLE dst (id INT) WITH (" KAFKA_TABLE "'topic' = '%s', 'format' = 'json');\n" \
    "INSERT INTO dst SELECT %s FROM src;\n"

#define ELSEWHERE                                                                            \
    "'connector' = 'kafka', 'properties.bootstrap.servers' = '${MILLRACE_TEST_ELSEWHERE}', " \
    "'format' = 'json', 'scan.startup.mode' = 'earliest-offset', "

static void put_rows(const script *s, const char *in, int first, int count)
{
    mr_error err;
    mr_log_writer *writer; /* not transactional */
    cr_assert_eq(s->log->class->open_writer(s->log, &(mr_writer_options){0}, &writer, &err), MR_OK);
    for (int id = first; id < first + count; id++) {
        char value[32];
        int length = snprintf(value, sizeof value, "{\"id\":%d}", id);
        mr_log_record record = {
            .value = value, .value_length = (size_t)length, .timestamp_ms = MR_TIME_NONE};
        cr_assert_eq(writer->class->produce(writer, in, id % 2, &record, 1, &err), MR_OK);
    }
    cr_assert_eq(writer->class->flush(writer, KAFKA_PATIENCE_MS, &err), MR_OK, "%s", err.message);
    writer->class->close(writer);
}

static void expect_each_once(const script *s, const char *out, uint32_t ids)
{
    uint8_t seen[4 * ROWS] = {0};
    double end_ms = kafka_ms() + READY_MS;
    uint32_t count = 0, missing = ids;
    while (missing > 0 && kafka_ms() < end_ms) {
        memset(seen, 0, sizeof seen);
        usleep(100000);
        count = script_count_ids(s, out, seen, ids);
        missing = 0;
        for (uint32_t i = 0; i < ids; i++)
            missing += seen[i] == 0;
    }
    usleep(300000); /* one row too many would come now */
    memset(seen, 0, sizeof seen);
    count = script_count_ids(s, out, seen, ids);
    cr_assert_eq(count, ids, "%u rows of %u", count, ids);
    for (uint32_t i = 0; i < ids; i++)
        cr_assert_eq(seen[i], 1, "row %u came %u times", i, seen[i]);
}

static void submit(const script *s, const char *name, int code)
{
    char argument[200];
    snprintf(argument, sizeof argument, "job.sql --name %s", name);
    cr_assert_eq(fleet_say(s, "submit", argument), code, "%s", script_read_file(s, "said"));
}

/* Commands that look at a job's past know it by its name, as `explain` does. */
static void expect_past_by_name(const script *s, const char *out)
{
    char words[300];
    snprintf(words, sizeof words, "%s --compare", s->name);
    cr_expect_eq(fleet_say(s, "replay", words), 0, "%s", script_read_file(s, "said"));
    snprintf(words, sizeof words, "same      %s: %d equal", out, 2 * ROWS);
    cr_expect_not_null(strstr(script_read_file(s, "said"), words), "%s",
                       script_read_file(s, "said"));
    snprintf(words, sizeof words, "%s --as %s-fork", s->name, s->name);
    cr_expect_eq(fleet_say(s, "fork", words), 0, "%s", script_read_file(s, "said"));
    cr_expect_eq(fleet_say(s, "checkpoint", s->name), 1);
    cr_expect_not_null(strstr(script_read_file(s, "said"), "checkpointing.dir"), "%s",
                       script_read_file(s, "said"));
    snprintf(words, sizeof words, "%s --to end --name other", s->name);
    cr_expect_eq(fleet_say(s, "rewind", words), 2, "its name was given twice");
}

Test(fleet_jobs, are_run_stopped_continued_and_deleted_as_wished, .timeout = 400)
{
    script s;
    script_open(&s, "given");
    const char *in = kafka_topic(s.log, "in", 2), *out = kafka_topic(s.log, "out", 1);
    script_write(&s, JOB, in, out, "id");
    pid_t a = fleet_start_worker(&s, "a"), b = fleet_start_worker(&s, "b");
    put_rows(&s, in, 0, ROWS);
    submit(&s, s.name, 0);
    expect_each_once(&s, out, ROWS);
    fleet_await_said(&s, "list", "", "running          2     2");
    submit(&s, s.name, 0);
    cr_expect_not_null(strstr(script_read_file(&s, "said"), "there already"));

    kill(a, SIGKILL); /* the other one takes over, and it takes back its word when it is there */
    cr_expect_eq(script_finish(&s, a), 128 + SIGKILL);
    put_rows(&s, in, ROWS, ROWS);
    expect_each_once(&s, out, 2 * ROWS);
    a = fleet_start_worker(&s, "a");
    fleet_await_said(&s, "list", "", "running          2     2");

    cr_assert_eq(fleet_say(&s, "stop", s.name), 0, "%s", script_read_file(&s, "said"));
    fleet_await_said(&s, "list", "", "stop    stopped");
    expect_past_by_name(&s, out);
    put_rows(&s, in, 2 * ROWS, ROWS);
    usleep(500000);
    expect_each_once(&s, out, 2 * ROWS);
    submit(&s, s.name, 0);
    expect_each_once(&s, out, 3 * ROWS);

    cr_assert_eq(fleet_say(&s, "delete", s.name), 0, "%s", script_read_file(&s, "said"));
    cr_assert_eq(fleet_say(&s, "list", ""), 0);
    cr_expect_null(strstr(script_read_file(&s, "said"), s.name), "%s",
                   script_read_file(&s, "said"));
    char topic[200];
    mr_topic_facts facts;
    mr_error err;
    snprintf(topic, sizeof topic, "%s.state", s.name);
    cr_assert_eq(s.log->class->describe(s.log, topic, &facts, &err), MR_OK);
    cr_expect_not(facts.exists, "its state topic is still there");
    fleet_stop_worker(&s, a);
    fleet_stop_worker(&s, b);
    script_close(&s);
}

/* Wishes that the job runs, whatever stands there: `submit` would find out that it cannot. */
static void wish_again(const script *s)
{
    char fleet[200];
    mr_board board;
    mr_error err;
    snprintf(fleet, sizeof fleet, "%s-fleet", s->name);
    cr_assert_eq(mr_board_open(&board, s->log, NULL, fleet, false, &err), MR_OK);
    cr_assert_eq(mr_board_catch_up(&board, &err), MR_OK, "%s", err.message);
    const mr_board_job *job = mr_board_job_of(&board, s->name);
    cr_assert(job != NULL && job->has_wish);
    mr_wish wish = job->wish;
    wish.version++;
    wish.kind = MR_WISH_RUN;
    cr_assert_eq(mr_board_put_wish(&board, &wish, &err), MR_OK, "%s", err.message);
    mr_board_close(&board);
}

static void await_topic(const script *s, const char *topic, bool exists)
{
    double end_ms = kafka_ms() + READY_MS;
    mr_topic_facts facts;
    mr_error err;
    do {
        cr_assert_lt(kafka_ms(), end_ms);
        usleep(100000);
        cr_assert_eq(s->log->class->describe(s->log, topic, &facts, &err), MR_OK);
    } while (facts.exists != exists);
}

Test(fleet_jobs, one_that_failed_starts_again_when_it_is_submitted_again, .timeout = 400)
{
    script s;
    script_open(&s, "again");
    const char *in = kafka_topic(s.log, "in", 2), *out = kafka_topic(s.log, "out", 1);
    mr_error err;
    script_write(&s, JOB, in, out, "id");
    pid_t a = fleet_start_worker(&s, "a");
    submit(&s, s.name, 0);
    cr_assert_eq(fleet_say(&s, "stop", s.name), 0, "%s", script_read_file(&s, "said"));
    cr_assert_eq(s.log->class->delete_topic(s.log, out, &err), MR_OK, "%s", err.message);
    await_topic(&s, out, false);
    wish_again(&s);
    fleet_await_said(&s, "list", "", "run     failed");
    cr_assert_eq(s.log->class->create_topic(s.log, out, 1, NULL, &err), MR_OK, "%s", err.message);
    await_topic(&s, out, true);
    put_rows(&s, in, 0, ROWS);
    submit(&s, s.name, 0);
    cr_expect_not_null(strstr(script_read_file(&s, "said"), "version 4"), "%s",
                       script_read_file(&s, "said"));
    expect_each_once(&s, out, ROWS);
    submit(&s, s.name, 0);
    cr_expect_not_null(strstr(script_read_file(&s, "said"), "there already"));
    fleet_stop_worker(&s, a);
    script_close(&s);
}

Test(fleet_jobs, what_is_wrong_never_reaches_the_topic, .timeout = 400)
{
    script s;
    script_open(&s, "wrong");
    const char *in = kafka_topic(s.log, "in", 2), *out = kafka_topic(s.log, "out", 1);
    char fleet[200];
    snprintf(fleet, sizeof fleet, "%s-fleet", s.name);
    mr_board board;
    mr_error err;
    cr_assert_eq(mr_board_open(&board, s.log, NULL, fleet, true, &err), MR_OK, "%s", err.message);
    script_write(&s, JOB, in, out, "idd");
    submit(&s, s.name, 3);
    cr_expect_not_null(strstr(script_read_file(&s, "said"), "MR1104"), "%s",
                       script_read_file(&s, "said"));
    script_write(&s, JOB, in, "no-such-topic", "id");
    submit(&s, s.name, 1);
    cr_assert_eq(mr_board_catch_up(&board, &err), MR_OK, "%s", err.message);
    cr_expect_eq(board.changes, 0, "something was written");
    mr_board_close(&board);
    script_close(&s);
}

/* Its topics are looked for where its text says, and what it left is removed there, or it is said
 * that nobody answers. */
Test(fleet_jobs, one_whose_cluster_is_not_the_fleets_is_looked_for_there, .timeout = 240)
{
    script s;
    script_open(&s, "elsewhere");
    const char *in = kafka_topic(s.log, "in", 1), *out = kafka_topic(s.log, "out", 1);
    char fleet[200];
    snprintf(fleet, sizeof fleet, "%s-fleet", s.name);
    mr_kafka_mock *mock;
    mr_board board;
    mr_error err;
    cr_assert_eq(mr_kafka_mock_start(&mock, &err), MR_OK, "%s", err.message);
    mr_kafka_mock_topic_error(mock, in, RD_KAFKA_RESP_ERR_UNKNOWN_TOPIC_OR_PART);
    setenv("MILLRACE_TEST_ELSEWHERE", mr_kafka_mock_bootstrap(mock), 1);
    script_write(&s,
                 "CREATE TABLE src (id INT) WITH (" ELSEWHERE "'topic' = '%s');\n"
                 "CREATE TABLE dst (id INT) WITH (" ELSEWHERE "'topic' = '%s');\n"
                 "INSERT INTO dst SELECT id FROM src;\n",
                 in, out);
    submit(&s, s.name, 1);
    cr_expect_not_null(strstr(script_read_file(&s, "said"), "MR5002"), "%s",
                       script_read_file(&s, "said"));

    mr_wish wish = {.job = s.name,
                    .version = 1,
                    .kind = MR_WISH_RUN,
                    .plan_format = 1,
                    .sql = script_read_file(&s, "job.sql"),
                    .written_by = "test"};
    cr_assert_eq(mr_board_open(&board, s.log, NULL, fleet, true, &err), MR_OK, "%s", err.message);
    cr_assert_eq(mr_board_put_wish(&board, &wish, &err), MR_OK, "%s", err.message);
    mr_board_close(&board);
    mr_kafka_mock_stop(mock);
    cr_expect_eq(fleet_say(&s, "delete", s.name), 0, "%s", script_read_file(&s, "said"));
    cr_expect_not_null(strstr(script_read_file(&s, "said"), "taken to be the fleet's"), "%s",
                       script_read_file(&s, "said"));
    script_close(&s);
}

Test(fleet_jobs, one_of_a_newer_millrace_is_stopped_with_a_word_and_the_rest_go_on, .timeout = 400)
{
    script s;
    script_open(&s, "newer");
    const char *in = kafka_topic(s.log, "in", 2), *out = kafka_topic(s.log, "out", 1);
    const char *other = kafka_topic(s.log, "other", 1);
    char fleet[200], beside[200];
    snprintf(fleet, sizeof fleet, "%s-fleet", s.name);
    snprintf(beside, sizeof beside, "%s-beside", s.name);
    pid_t a = fleet_start_worker(&s, "a");
    put_rows(&s, in, 0, ROWS);
    script_write(&s, JOB, in, other, "id");
    submit(&s, beside, 0);
    script_write(&s, JOB, in, out, "id");
    submit(&s, s.name, 0);
    expect_each_once(&s, out, ROWS);

    mr_board board;
    mr_error err;
    cr_assert_eq(mr_board_open(&board, s.log, NULL, fleet, false, &err), MR_OK);
    cr_assert_eq(mr_board_catch_up(&board, &err), MR_OK);
    const mr_board_job *job = mr_board_job_of(&board, s.name);
    cr_assert(job != NULL && job->has_wish);
    mr_wish newer = job->wish;
    newer.version++;
    newer.plan_format = 99;
    newer.written_by = "millrace 9.9";
    cr_assert_eq(mr_board_put_wish(&board, &newer, &err), MR_OK, "%s", err.message);
    mr_board_close(&board);
    fleet_await_said(&s, "status", s.name, "refused");
    const char *said = script_read_file(&s, "said");
    cr_expect_not_null(strstr(said, "MR2062"), "%s", said);
    cr_expect_not_null(strstr(said, "millrace 9.9, with plan format 99"), "%s", said);
    submit(&s, s.name, 1); /* an older program does not overwrite what it cannot read */
    put_rows(&s, in, ROWS, ROWS);
    expect_each_once(&s, other, 2 * ROWS);
    expect_each_once(&s, out, ROWS);
    fleet_stop_worker(&s, a);
    script_close(&s);
}
