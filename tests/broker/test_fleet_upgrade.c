/*
 * Goal: a fleet's job goes on under another text with the state that is kept, also where the
 * command died on the way; no row is lost or comes twice; what would be lost is refused with the
 * facts; `diff` says beforehand what will be. Method: the program's commands on a real Kafka, two
 * workers, tables partitioned by their key, a window that is half full at the upgrade: its count
 * must hold the rows of before and behind.
 */
#include "jobs/fleet/board.h"
#include "tests/broker/fleet.h"

#include <criterion/criterion.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define IDS 40
#define TABLES                                                                              \
    "CREATE TABLE src (id INT, ts TIMESTAMP(3), WATERMARK FOR ts AS ts) WITH (" KAFKA_TABLE \
    "'topic' = '%s', 'format' = 'json', 'scan.startup.mode' = 'earliest-offset', "          \
    "'partitioned-by' = 'id', 'scan.watermark.idle-timeout' = '0 s');\n"                    \
    "CREATE TABLE dst (id INT, n BIGINT) WITH (" KAFKA_TABLE                                \
    "'topic' = '%s', 'format' = 'json');\n"
#define COUNTS(view, seconds)                                                                  \
    "CREATE VIEW " view " AS SELECT id, COUNT(*) AS n FROM TABLE(TUMBLE(TABLE src, DESCRIPTOR" \
    "(ts), INTERVAL '" seconds "' SECOND)) GROUP BY window_start, window_end, id;\n"

/* One row of each id in [0, IDS), at that second. */
static void put_round(const script *s, const char *in, int second)
{
    mr_error err;
    mr_log_writer *writer; /* not transactional */
    cr_assert_eq(s->log->class->open_writer(s->log, &(mr_writer_options){0}, &writer, &err), MR_OK);
    for (int id = 0; id < IDS; id++) {
        char value[80];
        int length = snprintf(value, sizeof value, "{\"id\":%d,\"ts\":\"2026-11-21 10:00:%02d\"}",
                              id, second);
        mr_log_record record = {
            .value = value, .value_length = (size_t)length, .timestamp_ms = MR_TIME_NONE};
        cr_assert_eq(writer->class->produce(writer, in, id % 2, &record, 1, &err), MR_OK);
    }
    cr_assert_eq(writer->class->flush(writer, KAFKA_PATIENCE_MS, &err), MR_OK, "%s", err.message);
    writer->class->close(writer);
}

/* As `script_write`, under a name of its own. */
static void write_text(const script *s, const char *name, const char *in, const char *out,
                       const char *rest)
{
    char text[4096];
    int length =
        snprintf(text, sizeof text,
                 "SET 'execution.checkpointing.interval' = '50 ms';\n" TABLES "%s", in, out, rest);
    script_put_file(s, name, text, (size_t)length);
}

static void await_rows(const script *s, const char *out, uint32_t count)
{
    uint8_t seen[IDS];
    double end_ms = kafka_ms() + FLEET_READY_MS;
    for (;;) {
        memset(seen, 0, sizeof seen);
        if (script_count_ids(s, out, seen, IDS) >= count)
            break;
        cr_assert_lt(kafka_ms(), end_ms, "%u rows are awaited; %s", count,
                     script_read_file(s, "said"));
        usleep(100000);
    }
    usleep(300000); /* one row too many would come now */
    memset(seen, 0, sizeof seen);
    cr_assert_eq(script_count_ids(s, out, seen, IDS), count);
}

static void expect_said(const script *s, int code, int expected, const char *part)
{
    const char *said = script_read_file(s, "said");
    cr_assert_eq(code, expected, "%d: %s", code, said);
    cr_expect_not_null(strstr(said, part), "no `%s`: %s", part, said);
}

/* The command dies with -9 after so many seconds; what it had done by then stays. */
static void break_off(const script *s, const char *argument, int seconds)
{
    char command[1024];
    snprintf(command, sizeof command,
             "cd '%s' && timeout -s KILL %d \"$MILLRACE\" upgrade %s --fleet '%s-fleet' --kafka "
             "\"$MILLRACE_TEST_BROKER\" > said 2>&1",
             s->dir, seconds, argument, s->name);
    (void)!system(command);
}

/* The wish that stands; what it points to lives as long as the board. */
static mr_wish wish_of(const script *s, mr_board *board)
{
    char fleet[200];
    mr_error err;
    snprintf(fleet, sizeof fleet, "%s-fleet", s->name);
    cr_assert_eq(mr_board_open(board, s->log, NULL, fleet, false, &err), MR_OK);
    cr_assert_eq(mr_board_catch_up(board, &err), MR_OK, "%s", err.message);
    const mr_board_job *job = mr_board_job_of(board, s->name);
    cr_assert(job != NULL && job->has_wish);
    return job->wish;
}

/* The board as it is when the command dies behind its commit: the old text, stopped. */
static void put_back(const script *s, const mr_wish *old)
{
    mr_board board;
    mr_error err;
    mr_wish wish = *old;
    wish.version = wish_of(s, &board).version + 1;
    wish.kind = MR_WISH_STOP;
    cr_assert_eq(mr_board_put_wish(&board, &wish, &err), MR_OK, "%s", err.message);
    mr_board_close(&board);
}

Test(fleet_upgrade, keeps_what_the_texts_have_in_common_over_a_window_that_is_half_full,
     .timeout = 400)
{
    script s;
    script_open(&s, "upgraded");
    const char *in = kafka_topic(s.log, "in", 2), *out = kafka_topic(s.log, "out", 1);
    char old[200], other[200], worse[200];
    write_text(&s, "old.sql", in, out, COUNTS("v", "10") "INSERT INTO dst SELECT id, n FROM v;\n");
    /* Another view in front, the old one renamed, a filter behind: every number of a table
     * moves. */
    write_text(&s, "new.sql", in, out,
               COUNTS("early", "30")
                   COUNTS("w", "10") "INSERT INTO dst SELECT id, n FROM early WHERE n > 1000;\n"
                                     "INSERT INTO dst SELECT id, n + 0 FROM w;\n");
    write_text(&s, "worse.sql", in, out,
               COUNTS("w", "20") "INSERT INTO dst SELECT id, n FROM w;\n");
    snprintf(old, sizeof old, "old.sql --name %s", s.name);
    snprintf(other, sizeof other, "%s new.sql", s.name);
    snprintf(worse, sizeof worse, "%s worse.sql", s.name);
    pid_t a = fleet_start_worker(&s, "a"), b = fleet_start_worker(&s, "b");
    put_round(&s, in, 1);
    put_round(&s, in, 12); /* closes the first window */
    expect_said(&s, fleet_say(&s, "submit", old), 0, "submitted");
    await_rows(&s, out, IDS);
    put_round(&s, in, 13);

    expect_said(&s, fleet_say(&s, "diff", other), 1, "keep     operator  w/window: was v/window");
    expect_said(&s, fleet_say(&s, "diff", worse), 1, "state is lost");
    expect_said(&s, fleet_say(&s, "upgrade", worse), 5, "MR4065");
    fleet_await_said(&s, "list", "", "running");
    snprintf(old, sizeof old, "new.sql --name %s", s.name);
    expect_said(&s, fleet_say(&s, "submit", old), 1, "millrace upgrade");

    mr_board board;
    mr_wish was = wish_of(&s, &board);
    break_off(&s, other, 1);
    break_off(&s, other, 3);
    /* "is": now, or "was": what was broken off had come that far. */
    expect_said(&s, fleet_say(&s, "upgrade", other), 0, "s carried over");
    put_back(&s, &was);
    mr_board_close(&board);
    expect_said(&s, fleet_say(&s, "upgrade", other), 0, "was carried over before");
    put_round(&s, in, 14);
    put_round(&s, in, 21); /* closes the second one, of 12, 13 and 14 */
    await_rows(&s, out, 2 * IDS);
    char expected[40];
    snprintf(expected, sizeof expected, "{\"id\":%d,\"n\":3}", 7);
    const char *all = kafka_read(s.log, out, 0, 2 * IDS);
    cr_expect_not_null(strstr(all, expected), "%s", all);

    /* A disk that knows nothing comes to the same from the log. */
    fleet_stop_worker(&s, a);
    fleet_stop_worker(&s, b);
    a = fleet_start_worker(&s, "c");
    put_round(&s, in, 35);
    await_rows(&s, out, 3 * IDS);

    /* With a word it may be lost: what is open then begins anew. */
    snprintf(worse, sizeof worse, "%s worse.sql --allow-state-loss", s.name);
    expect_said(&s, fleet_say(&s, "upgrade", worse), 0, " 0 entries are carried over");
    put_round(&s, in, 36);
    put_round(&s, in, 59);
    await_rows(&s, out, 4 * IDS);
    fleet_stop_worker(&s, a);
    script_close(&s);
}

/* No worker is needed to find that out. */
Test(fleet_upgrade, another_number_of_tasks_is_another_plan_to_diff, .timeout = 400)
{
    script s;
    script_open(&s, "wider");
    const char *in = kafka_topic(s.log, "in", 2), *out = kafka_topic(s.log, "out", 1);
    char text[4096], argument[200];
    mr_board board;
    mr_error err;
    snprintf(text, sizeof text, TABLES "INSERT INTO dst SELECT id, 1 FROM src;\n", in, out);
    snprintf(argument, sizeof argument, "%s-fleet", s.name);
    cr_assert_eq(mr_board_open(&board, s.log, NULL, argument, true, &err), MR_OK, "%s",
                 err.message);
    mr_wish wish = {.job = s.name,
                    .version = 1,
                    .plan_format = mr_wish_format_of(MR_WISH_RUN),
                    .plan_version = 1,
                    .sql = text,
                    .written_by = "a test"};
    cr_assert_eq(mr_board_put_wish(&board, &wish, &err), MR_OK, "%s", err.message);
    mr_board_close(&board);
    write_text(&s, "same.sql", in, out, "INSERT INTO dst SELECT id, 2 FROM src;\n");
    write_text(&s, "wider.sql", in, out,
               "SET 'parallelism.default' = '4';\nINSERT INTO dst SELECT id, 1 FROM src;\n");
    snprintf(argument, sizeof argument, "%s same.sql", s.name);
    expect_said(&s, fleet_say(&s, "diff", argument), 0, "`millrace submit` takes the text");
    snprintf(argument, sizeof argument, "%s wider.sql", s.name);
    expect_said(&s, fleet_say(&s, "diff", argument), 0, "`millrace upgrade` takes the text");
    script_close(&s);
}

#define COUNTED "INSERT INTO dst SELECT id, n FROM v;\n"

static void write_parallel(const script *s, const char *name, int tasks, const char *in,
                           const char *out, const char *rest)
{
    char text[4096];
    int length = snprintf(
        text, sizeof text,
        "SET 'execution.checkpointing.interval' = '50 ms';\nSET 'parallelism.default' = '%d';\n"
        "CREATE TABLE src (id INT, ts TIMESTAMP(3), WATERMARK FOR ts AS ts) WITH (" KAFKA_TABLE
        "'topic' = '%s', 'format' = 'json', 'scan.startup.mode' = 'earliest-offset');\n"
        "CREATE TABLE dst (id INT, n BIGINT) WITH (" KAFKA_TABLE
        "'topic' = '%s', 'format' = 'json');\n%s",
        tasks, in, out, rest);
    script_put_file(s, name, text, (size_t)length);
}

/* Rows of each id before and behind each upgrade: every window must hold all of them, once. */
Test(fleet_upgrade, one_stage_becomes_two_gets_more_tasks_and_fewer_over_windows_that_are_half_full,
     .timeout = 400)
{
    script s;
    script_open(&s, "staged");
    const char *in = kafka_topic(s.log, "in", 2), *out = kafka_topic(s.log, "out", 1);
    char one[200], two[200], three[200];
    write_parallel(&s, "one.sql", 1, in, out, COUNTS("v", "10") COUNTED);
    write_parallel(&s, "two.sql", 2, in, out, COUNTS("v", "10") COUNTED);
    write_parallel(&s, "three.sql", 3, in, out,
                   COUNTS("v", "10") "INSERT INTO dst SELECT id, n FROM v WHERE n > 0;\n");
    snprintf(one, sizeof one, "one.sql --name %s", s.name);
    snprintf(two, sizeof two, "%s two.sql", s.name);
    snprintf(three, sizeof three, "%s three.sql", s.name);
    pid_t a = fleet_start_worker(&s, "a"), b = fleet_start_worker(&s, "b");
    put_round(&s, in, 1);
    put_round(&s, in, 12); /* closes the first window */
    expect_said(&s, fleet_say(&s, "submit", one), 0, "submitted");
    await_rows(&s, out, IDS);
    break_off(&s, two, 3);
    expect_said(&s, fleet_say(&s, "upgrade", two), 0, "state of job");
    put_round(&s, in, 14);
    put_round(&s, in, 21); /* closes the second one, of 12 and 14 */
    await_rows(&s, out, 2 * IDS);
    expect_said(&s, fleet_say(&s, "upgrade", three), 0, "is carried over");
    put_round(&s, in, 22);
    put_round(&s, in, 35); /* closes the third one, of 21 and 22 */
    await_rows(&s, out, 3 * IDS);
    break_off(&s, two, 4); /* back: the state topic keeps its partitions */
    expect_said(&s, fleet_say(&s, "upgrade", two), 0, "state of job");
    put_round(&s, in, 36);
    put_round(&s, in, 41); /* closes the fourth one, of 35 and 36 */
    await_rows(&s, out, 4 * IDS);
    snprintf(one, sizeof one, "%s one.sql", s.name);
    expect_said(&s, fleet_say(&s, "upgrade", one), 0, "is carried over");
    fleet_stop_worker(&s, a); /* the other one has all partitions, and one is a task */
    put_round(&s, in, 42);
    put_round(&s, in, 53); /* closes the fifth one, of 41 and 42 */
    await_rows(&s, out, 5 * IDS);
    const char *all = kafka_read(s.log, out, 0, 5 * IDS);
    int twos = 0;
    for (const char *at = all; (at = strstr(at, "\"n\":2}")) != NULL; at++)
        twos++;
    cr_expect_eq(twos, 4 * IDS, "%s", all);
    fleet_stop_worker(&s, b);
    script_close(&s);
}

/* Plans of one text, whatever their tasks: a row of each id before and behind each upgrade. */
Test(fleet_upgrade, a_job_that_keeps_nothing_by_key_gets_more_tasks_and_fewer, .timeout = 400)
{
    static const char rest[] = "INSERT INTO dst SELECT id, 1 FROM src;\n";
    script s;
    script_open(&s, "copies");
    const char *in = kafka_topic(s.log, "in", 4), *out = kafka_topic(s.log, "out", 1);
    char one[200], four[200], two[200];
    write_parallel(&s, "one.sql", 1, in, out, rest);
    write_parallel(&s, "four.sql", 4, in, out, rest);
    write_parallel(&s, "two.sql", 2, in, out, rest);
    snprintf(one, sizeof one, "one.sql --name %s", s.name);
    snprintf(four, sizeof four, "%s four.sql", s.name);
    snprintf(two, sizeof two, "%s two.sql", s.name);
    pid_t a = fleet_start_worker(&s, "a"), b = fleet_start_worker(&s, "b");
    put_round(&s, in, 1);
    expect_said(&s, fleet_say(&s, "submit", one), 0, "submitted");
    await_rows(&s, out, IDS);
    break_off(&s, four, 3);
    put_round(&s, in, 2);
    expect_said(&s, fleet_say(&s, "upgrade", four), 0, "state of job");
    await_rows(&s, out, 2 * IDS);
    expect_said(&s, fleet_say(&s, "upgrade", two), 0, "is carried over");
    put_round(&s, in, 3);
    await_rows(&s, out, 3 * IDS);
    expect_said(&s, fleet_say(&s, "diff", two), 0, "`millrace submit` takes the text");
    fleet_stop_worker(&s, a);
    fleet_stop_worker(&s, b);
    a = fleet_start_worker(&s, "c");
    put_round(&s, in, 4);
    await_rows(&s, out, 4 * IDS);
    expect_said(&s, fleet_say(&s, "upgrade", four), 0, "is carried over");
    put_round(&s, in, 5);
    await_rows(&s, out, 5 * IDS);
    fleet_stop_worker(&s, a);
    script_close(&s);
}

/* Ctrl-C while the sessions of the workers that were stopped are waited for. */
static void interrupt(const script *s, const char *text)
{
    char command[800];
    double end_ms = kafka_ms() + FLEET_READY_MS;
    pid_t pid = fork();
    cr_assert_geq(pid, 0);
    if (pid == 0) {
        snprintf(command, sizeof command,
                 "cd '%s' && exec \"$MILLRACE\" upgrade %s %s --fleet '%s-fleet' --kafka "
                 "\"$MILLRACE_TEST_BROKER\" > said 2>&1",
                 s->dir, s->name, text, s->name);
        execl("/bin/sh", "sh", "-c", command, (char *)NULL);
        _exit(127);
    }
    do {
        cr_assert_lt(kafka_ms(), end_ms, "%s", script_read_file(s, "said"));
        usleep(20000);
    } while (strstr(script_read_file(s, "said"), "waiting until") == NULL);
    kill(pid, SIGINT);
    expect_said(s, script_finish(s, pid), 128 + SIGINT, "is stopped, its state is whole");
}

Test(fleet_upgrade, one_that_is_broken_off_says_how_to_go_on, .timeout = 400)
{
    script s;
    char argument[200];
    script_open(&s, "broken");
    const char *in = kafka_topic(s.log, "in", 2), *out = kafka_topic(s.log, "out", 1);
    write_parallel(&s, "old.sql", 1, in, out, COUNTS("v", "10") COUNTED);
    write_parallel(&s, "new.sql", 1, in, out,
                   COUNTS("v", "10") "INSERT INTO dst SELECT id, n + 0 FROM v;\n");
    pid_t a = fleet_start_worker(&s, "a");
    put_round(&s, in, 1);
    put_round(&s, in, 12); /* closes the first window */
    snprintf(argument, sizeof argument, "old.sql --name %s", s.name);
    expect_said(&s, fleet_say(&s, "submit", argument), 0, "submitted");
    await_rows(&s, out, IDS);
    interrupt(&s, "new.sql");
    expect_said(&s, fleet_say(&s, "submit", argument), 0, "submitted");
    fleet_await_said(&s, "list", "", "running");
    snprintf(argument, sizeof argument, "%s new.sql", s.name);
    expect_said(&s, fleet_say(&s, "upgrade", argument), 0, "is carried over");
    fleet_stop_worker(&s, a);
    script_close(&s);
}
