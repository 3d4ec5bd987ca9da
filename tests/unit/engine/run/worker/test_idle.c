/*
 * Goal: an input that was idle when the worker stopped holds the watermark as soon as it starts
 * again with something to read; one that has nothing to read goes on being idle.
 * Method: two partitions, one of them idle at the stop; rows come while no worker lives, far newer
 * ones on the busy partition, which is read first. Either partition is the idle one.
 */
#include "tests/unit/engine/run/worker/sql_world.h"

#include <criterion/criterion.h>
#include <stdio.h>
#include <string.h>

#define STEPS_MAX 20000
#define JOB                                                                                     \
    "CREATE TABLE src (id INT, ts TIMESTAMP(3), WATERMARK FOR ts AS ts) WITH (" SQL_KAFKA       \
    ", 'topic' = 'in', 'scan.watermark.idle-timeout' = '1 s');"                                 \
    "CREATE TABLE dst (e TIMESTAMP(3), n BIGINT) WITH (" SQL_KAFKA ", 'topic' = 'out');"        \
    "CREATE TABLE late (id INT) WITH (" SQL_KAFKA ", 'topic' = 'late');"                        \
    "EXECUTE STATEMENT SET BEGIN "                                                              \
    "INSERT INTO dst SELECT window_end, COUNT(*) FROM TABLE(TUMBLE(TABLE src, DESCRIPTOR(ts), " \
    "INTERVAL '10' SECOND)) GROUP BY window_start, window_end;"                                 \
    "INSERT INTO late SELECT id FROM src$late; END;"

static void put(sql_world *w, int32_t partition, int id, int second)
{
    char value[96];
    snprintf(value, sizeof value, "{\"id\":%d,\"ts\":\"2024-01-01 00:%02d:%02d\"}", id, second / 60,
             second % 60);
    sql_put(w, "in", partition, value);
}

static void step(sql_world *w, int64_t ms)
{
    for (int64_t s = 0; s < ms / 20; s++) {
        cr_assert(sql_step(w, 0), "%s", w->worker[0].err.message);
        mr_sim_pass(&w->world, 20);
    }
}

static void stop(sql_world *w)
{
    mr_worker_request_stop(w->worker[0].worker);
    for (uint32_t s = 0; sql_step(w, 0); s++)
        cr_assert_lt(s, STEPS_MAX);
    sql_stop(w, 0);
}

static void open_world(sql_world *w)
{
    sql_open(w, 1, JOB);
    sql_topic(w, "in", 2);
    sql_topic(w, "out", 1);
    sql_topic(w, "late", 1);
}

/* The busy partition moves the watermark on while the other one sleeps. */
static void fall_asleep(sql_world *w, int32_t idle)
{
    put(w, idle, 1, 1);
    put(w, 1 - idle, 2, 1);
    sql_start(w, 0, false);
    step(w, 800);
    put(w, 1 - idle, 3, 15); /* or both would fall asleep at once, and the watermark stand still */
    step(w, 2000);
    stop(w);
    sql_expect(w, "out", "{\"e\":\"2024-01-01 00:00:10\",\"n\":2}");
}

static void wake_up(int32_t idle)
{
    sql_world w;
    open_world(&w);
    fall_asleep(&w, idle);
    for (int i = 0; i < 3000; i++) /* more than one fetch */
        put(&w, 1 - idle, 10, 100 + i / 10);
    put(&w, idle, 4, 16);
    put(&w, idle, 5, 25);
    sql_run(&w, 0, true, MR_OK);
    sql_expect(&w, "late", "");
    cr_expect_not_null(strstr(sql_values(&w, "out"), "00:00:20\",\"n\":2}"), "%s",
                       sql_values(&w, "out"));
    sql_close(&w);
}

Test(idle, input_with_a_backlog_holds_the_watermark_from_the_start)
{
    for (int32_t idle = 0; idle < 2; idle++)
        wake_up(idle);
}

Test(idle, input_with_nothing_to_read_does_not_hold_the_watermark)
{
    sql_world w;
    open_world(&w);
    fall_asleep(&w, 0);
    put(&w, 1, 4, 25);
    sql_start(&w, 0, false);
    step(&w, 400); /* much less than the idle timeout */
    stop(&w);
    cr_expect_not_null(strstr(sql_values(&w, "out"), "00:00:20\",\"n\":1}"), "%s",
                       sql_values(&w, "out"));
    sql_close(&w);
}
