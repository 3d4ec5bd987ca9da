/*
 * Goal: a bounded run that is killed between the end of its inputs and FINISHED is brought to that
 * end by the next run, however far that one would go: no window fires twice, none of the rows that
 * came since is called late.
 * Method: a fire of more rows than one step takes, commits between its steps, kill -9, more rows.
 */
#include "tests/unit/engine/run/worker/sql_world.h"

#include <criterion/criterion.h>
#include <string.h>

#define STEPS_MAX 20000
#define KEYS 40000
#define SRC                                                                               \
    "CREATE TABLE src (id INT, ts TIMESTAMP(3), WATERMARK FOR ts AS ts) WITH (" SQL_KAFKA \
    ", 'topic' = 'in');"
#define COUNTS                                                                          \
    SRC "CREATE TABLE dst (id INT, n BIGINT) WITH (" SQL_KAFKA ", 'topic' = 'out');"    \
        "CREATE TABLE behind (id INT) WITH (" SQL_KAFKA ", 'topic' = 'late');"          \
        "CREATE VIEW counts AS SELECT id, COUNT(*) AS n FROM TABLE(TUMBLE(TABLE src, "  \
        "DESCRIPTOR(ts), INTERVAL '10' SECOND)) GROUP BY id, window_start, window_end;" \
        "INSERT INTO dst SELECT id, n FROM counts;"                                     \
        "INSERT INTO behind SELECT id FROM counts$late;"

static void put(sql_world *w, int32_t partition, int id, const char *second)
{
    char value[80];
    snprintf(value, sizeof value, "{\"id\":%d,\"ts\":\"2024-01-01 00:00:%s\"}", id, second);
    sql_put(w, "in", partition, value);
}

static uint32_t count_rows(sql_world *w, const char *topic)
{
    uint32_t count = 0;
    for (const char *at = sql_values(w, topic); (at = strchr(at, '{')) != NULL; at++)
        count++;
    return count;
}

static void kill_worker(sql_world *w)
{
    mr_memory_process_kill(mr_sim_process(&w->world, 0));
    sql_stop(w, 0);
    mr_sim_pass(&w->world, 60000);
}

/* To a commit in the middle of the last fire. */
static void kill_while_it_ends(sql_world *w)
{
    sql_start(w, 0, true);
    uint32_t rows = 0;
    for (uint32_t s = 0; rows == 0; s++) {
        cr_assert_lt(s, STEPS_MAX);
        cr_assert(sql_step(w, 0), "it ended before it was killed");
        if (w->worker[0].stats.records_in < KEYS)
            continue;
        mr_sim_pass(&w->world, 1100); /* commits are 1 s apart */
        rows = count_rows(w, "out");
    }
    cr_assert_lt(rows, KEYS);
    kill_worker(w);
}

static void open_counts(sql_world *w)
{
    sql_open(w, 1, COUNTS);
    sql_topic(w, "in", 2);
    sql_topic(w, "out", 1);
    sql_topic(w, "late", 1);
    for (int i = 0; i < KEYS; i++)
        put(w, i % 2, i, "05");
    kill_while_it_ends(w);
    put(w, 0, 77777, "25"); /* of a later window */
    put(w, 1, 5, "06");     /* of the one that fires */
}

static void expect_end(sql_world *w)
{
    cr_expect_eq(count_rows(w, "out"), KEYS);
    cr_expect_null(strstr(sql_values(w, "out"), "77777"));
    sql_expect(w, "late", "");
    cr_expect_not_null(strstr(w->log, "stays unread"), "%s", w->log);
    cr_expect_not_null(strstr(w->log, "at=in[1]@"), "%s", w->log);
}

Test(ended, run_is_finished_by_a_bounded_one_that_would_go_further)
{
    sql_world w;
    open_counts(&w);
    sql_run(&w, 0, true, MR_OK);
    expect_end(&w);
    sql_run(&w, 0, true, MR_E_STATE_FINISHED);
    sql_close(&w);
}

Test(ended, run_is_finished_by_an_endless_one)
{
    sql_world w;
    open_counts(&w);
    sql_run(&w, 0, false, MR_OK);
    expect_end(&w);
    sql_close(&w);
}
