/*
 * Goal: a bounded run that is interrupted takes nothing from the runs behind it: an input that had
 * reached its bound is read on.
 * Method: one short and one long partition; the bounded run is stopped after so many steps, rows
 * come to both, an unbounded run follows.
 */
#include "tests/unit/engine/run/worker/sql_world.h"

#include <criterion/criterion.h>
#include <stdio.h>
#include <string.h>

#define STEPS_MAX 20000
#define JOB                                                            \
    "CREATE TABLE src (id INT) WITH (" SQL_KAFKA ", 'topic' = 'in');"  \
    "CREATE TABLE dst (id INT) WITH (" SQL_KAFKA ", 'topic' = 'out');" \
    "INSERT INTO dst SELECT id FROM src;"

static void run_until_stopped(sql_world *w)
{
    mr_worker_request_stop(w->worker[0].worker);
    for (uint32_t s = 0; sql_step(w, 0); s++)
        cr_assert_lt(s, STEPS_MAX);
}

/* True: the bounded run was over before it was stopped. */
static bool play(uint32_t steps)
{
    sql_world w;
    sql_open(&w, 1, JOB);
    sql_topic(&w, "in", 2);
    sql_topic(&w, "out", 1);
    sql_put(&w, "in", 0, "{\"id\":1}");
    for (int i = 0; i < 12000; i++)
        sql_put(&w, "in", 1, "{\"id\":2}");
    sql_start(&w, 0, true);
    for (uint32_t s = 0; s < steps && sql_step(&w, 0); s++)
        mr_sim_pass(&w.world, 20);
    run_until_stopped(&w);
    bool is_finished = w.worker[0].stats.phase == MR_WORKER_FINISHED;
    sql_stop(&w, 0);
    mr_sim_pass(&w.world, 60000);
    if (!is_finished) {
        sql_put(&w, "in", 0, "{\"id\":777}");
        sql_put(&w, "in", 1, "{\"id\":888}");
        sql_start(&w, 0, false);
        for (uint32_t s = 0; s < 400 && sql_step(&w, 0); s++)
            mr_sim_pass(&w.world, 20);
        /* Stopped between its end and its telling so: that one is over, and says so. */
        is_finished = w.worker[0].status == MR_E_STATE_FINISHED;
    }
    if (!is_finished) {
        const char *values = sql_values(&w, "out");
        cr_expect(strstr(values, "777") != NULL, "after %u steps: the ended input is not read on",
                  steps);
        cr_expect(strstr(values, "888") != NULL, "after %u steps: the other input", steps);
    }
    sql_close(&w);
    return is_finished;
}

Test(resumed, an_input_that_had_ended_is_read_on)
{
    uint32_t interrupted = 0;
    for (uint32_t steps = 1; steps < 400 && !play(steps); steps++)
        interrupted++;
    cr_expect_gt(interrupted, 3);
}
