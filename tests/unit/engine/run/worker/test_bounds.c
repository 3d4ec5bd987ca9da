/*
 * Goal: a bounded run ends where its inputs ended when it was started, whatever it has to do again
 * in between; a new start has new ends.
 * Method: rows come while the run is under way, then its transactions are aborted for a while, so
 * that all tasks are restored within the one process.
 */
#include "tests/unit/engine/run/worker/sql_world.h"

#include <criterion/criterion.h>
#include <string.h>

#define STEPS_MAX 20000
#define ROWS 6000
#define TABLES                                                          \
    "CREATE TABLE src (id INT) WITH (" SQL_KAFKA ", 'topic' = 'in'%s);" \
    "CREATE TABLE dst (id INT) WITH (" SQL_KAFKA ", 'topic' = 'out');"  \
    "INSERT INTO dst SELECT id FROM src;"

static void open_world(sql_world *w, const char *option)
{
    char script[512];
    snprintf(script, sizeof script, TABLES, option);
    sql_open(w, 1, script);
    sql_topic(w, "in", 2);
    sql_topic(w, "out", 1);
    for (int i = 0; i < ROWS; i++)
        sql_put(w, "in", i % 2, "{\"id\":1}");
}

static void put_later(sql_world *w)
{
    sql_put(w, "in", 0, "{\"id\":777}");
    sql_put(w, "in", 1, "{\"id\":888}");
}

/* Reads a part, then has more to read, and one commit after the other is refused. */
static void disturb(sql_world *w)
{
    for (uint32_t s = 0; w->worker[0].stats.records_in == 0; s++) {
        cr_assert_lt(s, STEPS_MAX);
        cr_assert(sql_step(w, 0), "%s", w->worker[0].err.message);
    }
    put_later(w);
    mr_sim_process(&w->world, 0)->faults.abortable = 1000000;
    for (uint32_t s = 0; w->worker[0].stats.restores < 3; s++) {
        cr_assert_lt(s, STEPS_MAX);
        cr_assert(sql_step(w, 0), "%s", w->worker[0].err.message);
        mr_sim_pass(&w->world, 20);
    }
    mr_sim_process(&w->world, 0)->faults.abortable = 0;
}

static void finish(sql_world *w)
{
    for (uint32_t s = 0; sql_step(w, 0); s++)
        cr_assert_lt(s, STEPS_MAX);
    cr_expect_eq(w->worker[0].status, MR_OK, "%s", w->worker[0].err.message);
    cr_expect_eq(w->worker[0].stats.phase, MR_WORKER_FINISHED);
    cr_expect_gt(w->worker[0].stats.aborts, 1);
    sql_stop(w, 0);
}

static void expect_rows(sql_world *w, uint32_t rows, bool has_later)
{
    const char *values = sql_values(w, "out");
    uint32_t count = 0;
    for (const char *at = values; (at = strchr(at, '{')) != NULL; at++)
        count++;
    cr_expect_eq(count, rows, "%u rows", count);
    cr_expect_eq(strstr(values, "777") != NULL, has_later);
    cr_expect_eq(strstr(values, "888") != NULL, has_later);
}

Test(bounds, of_a_run_are_those_of_its_start)
{
    sql_world w;
    open_world(&w, "");
    sql_start(&w, 0, true);
    disturb(&w);
    finish(&w);
    expect_rows(&w, ROWS, false);
    sql_close(&w);
}

Test(bounds, of_a_table_are_those_of_the_start)
{
    sql_world w;
    open_world(&w, ", 'scan.bounded.mode' = 'latest-offset'");
    sql_start(&w, 0, false);
    disturb(&w);
    finish(&w);
    expect_rows(&w, ROWS, false);
    sql_close(&w);
}

Test(bounds, of_a_run_that_was_asked_to_end_are_those_of_the_request)
{
    sql_world w;
    open_world(&w, "");
    sql_start(&w, 0, false);
    disturb(&w);
    for (uint32_t s = 0; w.worker[0].stats.phase != MR_WORKER_RUN; s++)
        cr_assert(sql_step(&w, 0) && s < STEPS_MAX);
    mr_worker_request_end(w.worker[0].worker);
    cr_assert(sql_step(&w, 0));
    for (int i = 0; i < 100; i++)
        sql_put(&w, "in", i % 2, "{\"id\":2}");
    mr_sim_process(&w.world, 0)->faults.abortable = 1000000;
    uint64_t restores = w.worker[0].stats.restores;
    for (uint32_t s = 0; w.worker[0].stats.restores < restores + 2; s++) {
        cr_assert(sql_step(&w, 0) && s < STEPS_MAX);
        mr_sim_pass(&w.world, 20);
    }
    mr_sim_process(&w.world, 0)->faults.abortable = 0;
    finish(&w);
    expect_rows(&w, ROWS + 2, true);
    sql_close(&w);
}

/* kill -9, then a new process. */
Test(bounds, of_a_new_start_are_new)
{
    sql_world w;
    open_world(&w, "");
    sql_start(&w, 0, true);
    disturb(&w);
    mr_memory_process_kill(mr_sim_process(&w.world, 0));
    sql_stop(&w, 0);
    mr_sim_pass(&w.world, 60000);
    sql_run(&w, 0, true, MR_OK);
    expect_rows(&w, ROWS + 2, true);
    sql_close(&w);
}
