/*
 * Goal: a worker that was taken for dead, and all it has still to say is that an epoch counts, is
 * not heard any more when its job is deleted. Method: the simulator's job, its worker stopped
 * before its decision for longer than its session; what a reader of its output sees, before and
 * after.
 */
#include "engine/run/worker/worker.h"
#include "jobs/fleet/silence.h"
#include "tests/unit/sim/rig.h"

#include <criterion/criterion.h>
#include <string.h>

#define TASKS 2

static mr_buffer output(mr_rig *r)
{
    mr_buffer text = {0};
    mr_sim_read(&r->world, "out", 0, &text);
    mr_buffer_put(&text, "", 1);
    return text;
}

static void forget(mr_rig *r)
{
    mr_log *log = r->world.outside;
    mr_worker_config config = {.plan = &r->job.plan, .log = log};
    cr_assert_eq(mr_silence_writers(log, mr_sim_clock(&r->world), NULL, r->job.plan.job, &r->err),
                 MR_OK, "%s", r->err.message);
    cr_assert_eq(mr_worker_reset(&config, &r->err), MR_OK, "%s", r->err.message);
}

Test(silence, one_that_wakes_up_behind_its_jobs_end_does_not_commit)
{
    mr_rig r;
    mr_rig_set_up(&r, &(mr_rig_options){.workers = 1, .job = {.tasks_count = TASKS}});
    r.law->is_in_order = true;
    r.is_pipelined = true;
    r.job.plan.transaction_timeout_ms = 600000; /* the broker will not end it */
    mr_rig_start(&r, 0, false);
    for (int s = 0; s < 1000; s++) {
        if (s % 20 == 0)
            mr_rig_feed(&r, 1, 4);
        cr_assert(mr_rig_step(&r, 0), "%s", r.err.message);
    }
    mr_rig_stop_before_decision(&r, 0);
    mr_sim_pass(&r.world, 60000);
    mr_buffer before = output(&r);
    cr_expect_gt(before.length, 1);
    forget(&r);
    mr_memory_process_resume(mr_sim_process(&r.world, 0));
    mr_worker_request_stop(r.seats[0].worker);
    for (int s = 0; s < 400 && mr_worker_phase_of(r.seats[0].worker) < MR_WORKER_STOPPED; s++)
        if (!mr_rig_step(&r, 0))
            break;
    mr_buffer after = output(&r);
    cr_expect_str_eq(after.data, before.data);
    mr_buffer_release(&before);
    mr_buffer_release(&after);
    mr_rig_stop(&r, 0);
    mr_rig_tear_down(&r);
}
