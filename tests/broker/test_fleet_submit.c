/*
 * Goal: a submit that would take a running job down is refused, and the job runs on as it was.
 * Method: the program's commands on a real Kafka, one worker; the same text with other tasks, by
 * SET and by -D, of a job that keeps state by key and of one that does not.
 */
#include "tests/broker/fleet.h"

#include <criterion/criterion.h>
#include <stdio.h>
#include <string.h>

static void write_text(const script *s, const char *name, int tasks, const char *in,
                       const char *out, const char *rest)
{
    char text[2048];
    int length = snprintf(
        text, sizeof text,
        "SET 'parallelism.default' = '%d';\n"
        "CREATE TABLE src (id INT, ts TIMESTAMP(3), WATERMARK FOR ts AS ts) WITH (" KAFKA_TABLE
        "'topic' = '%s', 'format' = 'json', 'scan.startup.mode' = 'earliest-offset');\n"
        "CREATE TABLE dst (id INT, n BIGINT) WITH (" KAFKA_TABLE
        "'topic' = '%s', 'format' = 'json');\n%s",
        tasks, in, out, rest);
    script_put_file(s, name, text, (size_t)length);
}

static void expect_said(const script *s, int code, int expected, const char *part)
{
    const char *said = script_read_file(s, "said");
    cr_assert_eq(code, expected, "%d: %s", code, said);
    cr_expect_not_null(strstr(said, part), "no `%s`: %s", part, said);
}

/* A submit that fails, and the job that runs on as it was. */
static void expect_kept(const script *s, const char *text, const char *part)
{
    char argument[200];
    snprintf(argument, sizeof argument, "%s --name %s", text, s->name);
    expect_said(s, fleet_say(s, "submit", argument), 1, part);
    expect_said(s, fleet_say(s, "submit", argument), 1, "millrace upgrade");
    expect_said(s, fleet_say(s, "status", s->name), 0, "version 1");
    cr_expect_not_null(strstr(script_read_file(s, "said"), "running"));
}

static void refuses_other_tasks(const char *name, const char *rest, const char *part)
{
    script s;
    char argument[200];
    script_open(&s, name);
    const char *in = kafka_topic(s.log, "in", 4), *out = kafka_topic(s.log, "out", 1);
    write_text(&s, "two.sql", 2, in, out, rest);
    write_text(&s, "four.sql", 4, in, out, rest);
    snprintf(argument, sizeof argument, "two.sql --name %s", s.name);
    pid_t a = fleet_start_worker(&s, "a");
    expect_said(&s, fleet_say(&s, "submit", argument), 0, "submitted");
    expect_kept(&s, "four.sql", part);
    expect_kept(&s, "two.sql -D parallelism.default=4", part);
    snprintf(argument, sizeof argument, "four.sql -D parallelism.default=2 --name %s", s.name);
    expect_said(&s, fleet_say(&s, "submit", argument), 0, "version 2");
    fleet_stop_worker(&s, a);
    script_close(&s);
}

Test(fleet_submit, other_tasks_do_not_take_a_job_down, .timeout = 400)
{
    refuses_other_tasks(
        "forgot",
        "INSERT INTO dst SELECT id, COUNT(*) FROM TABLE(TUMBLE(TABLE src, DESCRIPTOR(ts), INTERVAL "
        "'10' SECOND)) GROUP BY window_start, window_end, id;\n",
        "has 4 tasks, and would have 8");
}

Test(fleet_submit, other_tasks_do_not_take_one_down_that_keeps_nothing_by_key, .timeout = 400)
{
    refuses_other_tasks("unkeyed", "INSERT INTO dst SELECT id, 1 FROM src;\n",
                        "has 2 tasks, and would have 4");
}
