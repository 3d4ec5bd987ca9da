/*
 * Goal: a task whose state log is damaged stops alone, with the facts; the others go on, and the
 * worker does not call that a success. Method: a foreign record in one partition of the state topic
 * of a SQL job on the simulated log.
 */
#include "tests/unit/engine/run/worker/sql_world.h"

#include <criterion/criterion.h>
#include <string.h>

#define JOB(tasks)                                                     \
    "CREATE TABLE src (id INT) WITH (" SQL_KAFKA ", 'topic' = 'in');"  \
    "CREATE TABLE dst (id INT) WITH (" SQL_KAFKA ", 'topic' = 'out');" \
    "SET 'parallelism.default' = '" tasks "'; INSERT INTO dst SELECT id FROM src;"

/* A job that has committed rows 1 and 2; then its state topic is damaged. */
static void open_damaged(sql_world *w, const char *script, uint32_t workers, int32_t damaged)
{
    sql_open(w, workers, script);
    sql_topic(w, "in", 2);
    sql_topic(w, "out", 1);
    sql_put(w, "in", 0, "{\"id\":1}");
    sql_put(w, "in", 1, "{\"id\":2}");
    sql_start(w, 0, false);
    while (strcmp(sql_values(w, "out"), "{\"id\":1} {\"id\":2}") != 0)
        cr_assert(sql_step(w, 0), "%s", w->worker[0].err.message);
    sql_stop(w, 0);
    sql_put(w, "job.state", damaged, "foreign");
    sql_put(w, "in", 0, "{\"id\":3}");
    sql_put(w, "in", 1, "{\"id\":4}");
}

Test(parked, task_is_left_out_and_the_others_go_on)
{
    sql_world w;
    open_damaged(&w, JOB("2"), 1, 0);
    sql_run(&w, 0, true, MR_E_STATE_FORMAT);
    sql_expect(&w, "out", "{\"id\":1} {\"id\":2} {\"id\":4}");
    const char *why = w.worker[0].err.message;
    cr_expect_not_null(strstr(why, "task 0"), "%s", why);
    cr_expect_not_null(strstr(why, "job.state[0]"), "%s", why);
    cr_expect_not_null(strstr(w.log, "task parked"), "%s", w.log);
    cr_expect_eq(w.worker[0].stats.tasks_parked, 1);
    cr_expect_eq(w.worker[0].stats.records_in, 2, "the counts of the other: %lu",
                 (unsigned long)w.worker[0].stats.records_in);
    sql_close(&w);
}

Test(parked, task_is_counted_while_the_job_runs_and_told_when_it_is_stopped)
{
    sql_world w;
    open_damaged(&w, JOB("2"), 1, 1);
    sql_start(&w, 0, false);
    while (strcmp(sql_values(&w, "out"), "{\"id\":1} {\"id\":2} {\"id\":3}") != 0)
        cr_assert(sql_step(&w, 0), "%s", w.worker[0].err.message);
    cr_expect_eq(w.worker[0].stats.tasks_parked, 1);
    cr_expect_eq(w.worker[0].stats.phase, MR_WORKER_RUN);
    mr_worker_request_stop(w.worker[0].worker);
    while (sql_step(&w, 0))
        ;
    cr_expect_eq(w.worker[0].status, MR_E_STATE_FORMAT);
    cr_expect_not_null(strstr(w.worker[0].err.message, "task 1"), "%s", w.worker[0].err.message);
    sql_close(&w);
}

Test(parked, all_tasks_stop_the_worker)
{
    sql_world w;
    open_damaged(&w, JOB("2"), 1, 0);
    sql_put(&w, "job.state", 1, "foreign");
    sql_run(&w, 0, false, MR_E_STATE_FORMAT);
    sql_expect(&w, "out", "{\"id\":1} {\"id\":2}");
    sql_close(&w);
    open_damaged(&w, JOB("1"), 1, 0);
    sql_run(&w, 0, false, MR_E_STATE_FORMAT);
    sql_expect(&w, "out", "{\"id\":1} {\"id\":2}");
    sql_close(&w);
}

/* Parts of another plan's state beside parts of this one's would be worse than none. */
Test(parked, is_no_task_of_a_changed_plan)
{
    sql_world w;
    open_damaged(&w, JOB("2"), 1, 0);
    w.job->plan.version++;
    sql_run(&w, 0, false, MR_E_STATE_PLAN);
    sql_expect(&w, "out", "{\"id\":1} {\"id\":2}");
    sql_close(&w);
}
