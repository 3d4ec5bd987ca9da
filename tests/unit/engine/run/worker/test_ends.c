/*
 * Goal: asking where inputs end never holds the worker up for long, however many of them there are:
 * a broker that is away costs one budget for all, and most of the time is left for work.
 * Method: many partitions on the simulated log, whose broker goes away while the worker waits for
 * input; virtual time tells how long each step took.
 */
#include "tests/unit/engine/run/worker/sql_world.h"

#include <criterion/criterion.h>

#define PARTITIONS 32
#define BUDGET_MS 1000
#define JOB                                                            \
    "CREATE TABLE src (id INT) WITH (" SQL_KAFKA ", 'topic' = 'in');"  \
    "CREATE TABLE dst (id INT) WITH (" SQL_KAFKA ", 'topic' = 'out');" \
    "INSERT INTO dst SELECT id FROM src;"

static int64_t now_us(const sql_world *w)
{
    const mr_clock *clock = mr_sim_clock(&w->world);
    return clock->monotonic_us(clock);
}

static void open_world(sql_world *w)
{
    sql_open(w, 1, JOB);
    sql_topic(w, "in", PARTITIONS);
    sql_topic(w, "out", 1);
    for (int32_t p = 0; p < PARTITIONS; p++)
        sql_put(w, "in", p, "{\"id\":1}");
    sql_start(w, 0, false);
}

/* Steps for so long; returns the longest of them. `*asking_us`: what the long ones took
 * together. */
static int64_t step_for(sql_world *w, int64_t ms, int64_t *asking_us)
{
    int64_t longest = 0, until = now_us(w) + ms * 1000;
    for (*asking_us = 0; now_us(w) < until;) {
        int64_t began = now_us(w);
        cr_assert(sql_step(w, 0), "%s", w->worker[0].err.message);
        int64_t took = now_us(w) - began;
        longest = took > longest ? took : longest;
        *asking_us += took > 60000 ? took : 0; /* longer than a fetch waits */
        mr_sim_pass(&w->world, 1);
    }
    return longest;
}

Test(ends, of_all_inputs_are_asked_within_one_budget)
{
    sql_world w;
    int64_t asking_us;
    open_world(&w);
    (void)step_for(&w, 5000, &asking_us);
    cr_assert_eq(w.worker[0].stats.lag_records, 0);
    mr_memory_process *process = mr_sim_process(&w.world, 0);
    process->unreachable_until_us = now_us(&w) + 60000000;
    int64_t longest = step_for(&w, 50000, &asking_us);
    cr_expect_gt(asking_us, 500000, "nothing was asked while the broker was away");
    cr_expect_leq(longest, BUDGET_MS * 1000 + 60000, "a step took %ld us", (long)longest);
    cr_expect_leq(asking_us, 50000000 / 4, "%ld us of 50 s were spent asking", (long)asking_us);
    sql_close(&w);
}

/* Those that one look does not come to are the first of the next. */
Test(ends, are_known_again_for_all_inputs_when_the_broker_is_back)
{
    sql_world w;
    int64_t asking_us;
    open_world(&w);
    (void)step_for(&w, 3000, &asking_us);
    mr_sim_process(&w.world, 0)->unreachable_until_us = now_us(&w) + 5000000;
    for (int32_t p = 0; p < PARTITIONS; p++)
        sql_put(&w, "in", p, "{\"id\":2}");
    (void)step_for(&w, 20000, &asking_us);
    cr_expect_eq(w.worker[0].stats.lag_records, 0);
    cr_expect_eq(w.worker[0].stats.records_in, 2 * PARTITIONS);
    sql_close(&w);
}
