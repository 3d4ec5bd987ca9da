/*
 * Goal: a dead letter that is larger than its topic takes costs no more than the bytes that do not
 * fit: the job goes on, the letter says what is missing and where it lies, and letters that fit are
 * whole. Method: SQL jobs on the simulated log, whose dead-letter topic is narrow.
 */
#include "tests/unit/engine/run/worker/sql_world.h"

#include <criterion/criterion.h>
#include <stdio.h>
#include <string.h>

#define JOB                                                                                      \
    "CREATE TABLE src (id INT) WITH (" SQL_KAFKA                                                 \
    ", 'topic' = 'in', 'errors.deadletterqueue.topic.name' = 'dlq'); CREATE TABLE dst (id INT) " \
    "WITH (" SQL_KAFKA ", 'topic' = 'out'); INSERT INTO dst SELECT id FROM src;"

#define LARGE 9000

static char broken[LARGE + 1];

static void open_with(sql_world *w, const char *bytes_max)
{
    sql_open(w, 1, JOB);
    sql_topic(w, "in", 1);
    sql_topic(w, "out", 1);
    const char *const narrow[] = {"max.message.bytes", bytes_max, NULL};
    mr_error err;
    cr_assert_eq(w->world.outside->class->create_topic(w->world.outside, "dlq", 1, narrow, &err),
                 MR_OK);
    /* A large record that is no JSON; a character of two bytes lies over the cut. */
    memset(broken, 'x', LARGE);
    memcpy(broken + 4095, "\xc3\xa4", 2);
    sql_put(w, "in", 0, "{\"id\":1}");
    sql_put(w, "in", 0, "{small");
    sql_put(w, "in", 0, broken);
    sql_put(w, "in", 0, "{\"id\":2}");
}

static void expect_header(sql_world *w, uint32_t i, const char *name, const char *expected)
{
    const char *got = sql_header(w, "dlq", i, name);
    cr_expect_str_eq(got != NULL ? got : "(none)", expected, "%s of %u is %s", name, i,
                     got != NULL ? got : "(none)");
}

static void expect_place(sql_world *w, uint32_t i)
{
    expect_header(w, i, "__streams.errors.exception", "MR3110");
    expect_header(w, i, "__streams.errors.topic", "in");
    expect_header(w, i, "__streams.errors.partition", "0");
    expect_header(w, i, "__streams.errors.offset", "2");
}

Test(large_letters, hold_the_beginning_and_say_what_is_missing)
{
    sql_world w;
    open_with(&w, "5000");
    sql_run(&w, 0, true, MR_OK);
    sql_expect(&w, "out", "{\"id\":1} {\"id\":2}");
    char expected[5000];
    snprintf(expected, sizeof expected, "{small %.4095s", broken);
    sql_expect(&w, "dlq", expected);
    expect_header(&w, 0, "__millrace.errors.cut", "(none)");
    expect_header(&w, 1, "__millrace.errors.cut", "value");
    expect_header(&w, 1, "__millrace.errors.value.bytes", "9000");
    expect_header(&w, 1, "__millrace.errors.key.bytes", "(none)");
    expect_header(&w, 1, "__millrace.errors.attempt", "2");
    expect_place(&w, 1);
    cr_expect_eq(w.worker[0].stats.dead, 2);
    cr_expect_not_null(strstr(w.log, "dead letter cut code=MR3110 at=in[0]@2 topic=dlq "), "%s",
                       w.log);
    sql_close(&w);
}

Test(large_letters, of_a_topic_narrower_still_hold_the_place)
{
    sql_world w;
    open_with(&w, "100");
    sql_run(&w, 0, true, MR_OK);
    sql_expect(&w, "out", "{\"id\":1} {\"id\":2}");
    sql_expect(&w, "dlq", "{small ");
    expect_header(&w, 1, "__millrace.errors.cut", "key,value");
    expect_header(&w, 1, "__millrace.errors.value.bytes", "9000");
    expect_header(&w, 1, "__millrace.errors.key.bytes", "7");
    expect_header(&w, 1, "__millrace.errors.attempt", "3");
    expect_place(&w, 1);
    cr_expect_eq(w.worker[0].stats.dead, 2);
    sql_close(&w);
}

Test(large_letters, are_whole_where_they_fit)
{
    sql_world w;
    open_with(&w, "9007"); /* and a key of 7 bytes */
    sql_run(&w, 0, true, MR_OK);
    static char expected[LARGE + 20];
    snprintf(expected, sizeof expected, "{small %s", broken);
    sql_expect(&w, "dlq", expected);
    expect_header(&w, 1, "__millrace.errors.cut", "(none)");
    expect_header(&w, 1, "__millrace.errors.attempt", "1");
    sql_close(&w);
}
