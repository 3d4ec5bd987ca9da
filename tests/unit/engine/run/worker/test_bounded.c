/*
 * Goal: a bounded run is over when all tasks of its job are, whoever owns them: a worker whose own
 * tasks have finished waits, takes over what another leaves behind, and never says "finished" of a
 * job that is not. Method: SQL jobs of two tasks, two workers on the simulated log.
 */
#include "engine/commit/epoch_record.h"
#include "tests/unit/engine/run/worker/sql_world.h"

#include <criterion/criterion.h>
#include <string.h>

#define JOB                                                            \
    "CREATE TABLE src (id INT) WITH (" SQL_KAFKA ", 'topic' = 'in');"  \
    "CREATE TABLE dst (id INT) WITH (" SQL_KAFKA ", 'topic' = 'out');" \
    "SET 'parallelism.default' = '2'; INSERT INTO dst SELECT id FROM src;"
#define STEPS_MAX 200000

static bool both_run(const sql_world *w)
{
    for (uint32_t k = 0; k < 2; k++)
        if (w->worker[k].stats.phase != MR_WORKER_RUN || w->worker[k].stats.tasks != 1)
            return false;
    return true;
}

/* False: neither goes on. */
static bool step_both(sql_world *w)
{
    bool first = sql_step(w, 0), second = sql_step(w, 1);
    return first || second;
}

/* Both own one task each, and a row for each task has come. */
static void open_running(sql_world *w, int32_t partitions)
{
    sql_open(w, 2, JOB);
    sql_topic(w, "in", partitions);
    sql_topic(w, "out", 1);
    sql_start(w, 0, false);
    sql_start(w, 1, false);
    for (uint32_t s = 0; !both_run(w); s++) {
        cr_assert_lt(s, STEPS_MAX, "they never share the tasks");
        cr_assert(sql_step(w, s % 2), "%s", w->worker[s % 2].err.message);
    }
    sql_put(w, "in", 0, "{\"id\":10}");
    if (partitions > 1)
        sql_put(w, "in", 1, "{\"id\":11}");
}

/* The same, and the input is to end behind them. */
static void open_shared(sql_world *w, int32_t partitions)
{
    open_running(w, partitions);
    mr_worker_request_end(w->worker[0].worker);
    mr_worker_request_end(w->worker[1].worker);
}

static void expect_rows(sql_world *w, const char *a, const char *b)
{
    const char *rows = sql_values(w, "out");
    cr_expect(strcmp(rows, a) == 0 || strcmp(rows, b) == 0, "%s", rows);
}

static void expect_end(sql_world *w, uint32_t k, mr_worker_phase phase)
{
    for (uint32_t s = 0; sql_step(w, k); s++)
        cr_assert_lt(s, STEPS_MAX, "worker %u does not end", k);
    cr_expect_eq(w->worker[k].status, MR_OK, "%s", w->worker[k].err.message);
    cr_expect_eq(w->worker[k].stats.phase, phase, "phase %d", (int)w->worker[k].stats.phase);
}

static void step_until_it_waits(sql_world *w, uint32_t k)
{
    for (uint32_t s = 0; w->worker[k].stats.tasks_awaited == 0 || *sql_values(w, "out") == '\0';
         s++) { /* and its own row is committed */
        cr_assert_lt(s, STEPS_MAX, "worker %u waits for nothing", k);
        cr_assert(sql_step(w, k), "phase %d: %s", (int)w->worker[k].stats.phase,
                  w->worker[k].err.message);
    }
}

Test(bounded, run_of_two_workers_ends_for_both_when_all_tasks_have_finished)
{
    sql_world w;
    open_shared(&w, 2);
    for (uint32_t s = 0; step_both(&w); s++)
        cr_assert_lt(s, STEPS_MAX, "they do not end");
    expect_end(&w, 0, MR_WORKER_FINISHED);
    expect_end(&w, 1, MR_WORKER_FINISHED);
    expect_rows(&w, "{\"id\":10} {\"id\":11}", "{\"id\":11} {\"id\":10}");
    sql_stop(&w, 0);
    sql_stop(&w, 1);
    mr_sim_pass(&w.world, 60000);
    sql_run(&w, 0, true, MR_E_STATE_FINISHED);
    sql_close(&w);
}

Test(bounded, worker_waits_for_the_task_of_another_that_is_slow)
{
    sql_world w;
    open_shared(&w, 2);
    step_until_it_waits(&w, 0);
    expect_rows(&w, "{\"id\":10}", "{\"id\":11}");
    for (uint32_t s = 0; s < 5000; s++)
        cr_assert(sql_step(&w, 0));
    cr_expect_eq(w.worker[0].stats.tasks_awaited, 1);
    cr_expect_not_null(strstr(w.log, "waiting for tasks of other workers"), "%s", w.log);
    expect_end(&w, 1, MR_WORKER_FINISHED); /* it waits for nobody */
    expect_end(&w, 0, MR_WORKER_FINISHED);
    sql_close(&w);
}

/* The record that the group names is gone when it is asked for: the owner has committed on, written
 * a base and trimmed. That says that it has not finished, and nothing else. */
Test(bounded, worker_that_waits_does_not_mind_a_log_that_is_trimmed)
{
    sql_world w;
    open_running(&w, 2);
    for (uint32_t s = 0; w.worker[0].stats.commits == 0 || w.worker[1].stats.commits == 0 ||
                         w.worker[1].stats.has_open_epoch || w.worker[1].stats.records_in == 0;
         s++) {
        cr_assert_lt(s, STEPS_MAX);
        cr_assert(step_both(&w));
    }
    mr_worker_request_end(w.worker[0].worker);
    step_until_it_waits(&w, 0);
    mr_log *outside = w.world.outside;
    int32_t other = (int32_t)mr_task_index(mr_worker_task_at(w.worker[1].worker, 0));
    int64_t end;
    mr_error err;
    cr_assert_eq(outside->class->offset(outside, "job.state", other, MR_OFFSET_LATEST, &end, &err),
                 MR_OK);
    cr_assert_eq(outside->class->trim(outside, "job.state", other, end, &err), MR_OK);
    for (uint32_t s = 0; s < 5000; s++)
        cr_assert(sql_step(&w, 0), "%s", w.worker[0].err.message);
    cr_expect_eq(w.worker[0].stats.tasks_awaited, 1);
    mr_worker_request_end(w.worker[1].worker);
    expect_end(&w, 1, MR_WORKER_FINISHED);
    expect_end(&w, 0, MR_WORKER_FINISHED);
    sql_close(&w);
}

Test(bounded, worker_that_waits_finishes_what_a_dead_one_left)
{
    sql_world w;
    open_shared(&w, 2);
    step_until_it_waits(&w, 0);
    mr_memory_process_kill(mr_sim_process(&w.world, 1));
    sql_stop(&w, 1);
    expect_end(&w, 0, MR_WORKER_FINISHED);
    expect_rows(&w, "{\"id\":10} {\"id\":11}", "{\"id\":11} {\"id\":10}");
    sql_close(&w);
}

Test(bounded, worker_that_comes_back_to_its_finished_task_does_not_call_the_job_finished)
{
    sql_world w;
    open_shared(&w, 2);
    step_until_it_waits(&w, 0);
    mr_memory_process_kill(mr_sim_process(&w.world, 0));
    sql_stop(&w, 0);
    sql_start(&w, 0, true);
    for (uint32_t s = 0; step_both(&w); s++)
        cr_assert_lt(s, STEPS_MAX, "they do not end");
    expect_end(&w, 1, MR_WORKER_FINISHED);
    /* It met work of the other, or it came to a job that was over. */
    if (w.worker[0].status != MR_E_STATE_FINISHED)
        expect_end(&w, 0, MR_WORKER_FINISHED);
    expect_rows(&w, "{\"id\":10} {\"id\":11}", "{\"id\":11} {\"id\":10}");
    sql_close(&w);
}

Test(bounded, worker_that_waits_can_be_stopped)
{
    sql_world w;
    open_shared(&w, 2);
    step_until_it_waits(&w, 0);
    mr_worker_request_stop(w.worker[0].worker);
    expect_end(&w, 0, MR_WORKER_STOPPED);
    sql_close(&w);
}

Test(bounded, worker_whose_task_has_no_input_ends_with_the_others)
{
    sql_world w;
    open_shared(&w, 1);
    for (uint32_t s = 0; step_both(&w); s++)
        cr_assert_lt(s, STEPS_MAX, "they do not end");
    expect_end(&w, 0, MR_WORKER_FINISHED);
    expect_end(&w, 1, MR_WORKER_FINISHED);
    sql_expect(&w, "out", "{\"id\":10}");
    sql_close(&w);
}
