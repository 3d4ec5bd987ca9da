/*
 * Goal: a job of several stages goes back to a moment at which frames were on their way between its
 * tasks, and on from there; a fork of it goes on where the job was. Nothing of what was on its way
 * is lost or comes twice. Method: the simulator's job cut at its exchange, rows in order, one or
 * two workers that die, leave and come back; all output of all lives is judged by the law.
 */
#include "tests/unit/sim/moving.h"
#include "tests/unit/sim/replay_side.h"

#include <criterion/criterion.h>
#include <inttypes.h>
#include <string.h>

static mr_sim_job_options options_of(uint64_t seed)
{
    static const uint32_t tasks[] = {1, 2, 4, 2};
    return (mr_sim_job_options){.tasks_count = tasks[seed % 4],
                                .later_tasks = 2 + (uint32_t)(seed % 4),
                                .is_hop = seed % 3 == 1};
}

static void set_up(mr_rig *r, uint64_t seed)
{
    mr_rig_set_up(r,
                  &(mr_rig_options){.seed = seed * 5 + 2, .workers = 3, .job = options_of(seed)});
    r->random = seed;
    r->law->is_in_order = true;
    r->is_pipelined = seed % 2 == 0;
    r->takes_checkpoints = seed % 5 == 0;
    r->config.is_dynamic_member = true;
    r->config.base_bytes_min = UINT64_MAX;
    r->config.trim_epochs = 4;
}

static int64_t records_in_exchange(mr_rig *r, const char *topic)
{
    int64_t high = 0;
    const mr_exchange *exchange = r->job.plan.stages[1].sources[0].exchange;
    for (int32_t d = 0; d < (int32_t)exchange->downstreams_count; d++) {
        mr_log_ends ends = {.topic = topic, .partition = d};
        cr_assert_eq(r->world.outside->class->ends(r->world.outside, &ends, 1, &r->err), MR_OK);
        high += ends.high;
    }
    return high;
}

Test(transplant_stages, a_job_moved_back_goes_on_from_there, .timeout = 500)
{
    uint32_t flights = 0;
    for (uint64_t seed = 1; seed <= 24; seed++) {
        mr_rig r;
        set_up(&r, seed);
        r.law->is_repeating = true;
        int64_t middle = mr_rig_live(&r, 2000, seed % 3 != 0, false);
        int64_t before = records_in_exchange(&r, "sim.exchange.0");
        mr_moving_back(&r, seed % 2 == 0 || r.takes_checkpoints
                               ? mr_moving_before_the_end(&r, 2)
                               : (mr_point){.kind = MR_POINT_TIME, .time_ms = middle});
        flights += records_in_exchange(&r, "sim.exchange.0") > before;
        if (seed % 4 == 1)
            mr_sim_disk_wipe(r.world.worker[0].disk);
        (void)mr_rig_live(&r, 800, seed % 3 == 1, false);
        mr_moving_back(&r, mr_moving_before_the_end(&r, 1));
        mr_rig_finish(&r);
        mr_rig_tear_down(&r);
    }
    cr_expect_gt(flights, 5, "%" PRIu32 " moves with something on its way", flights);
}

/* When the last of all epoch records was written. */
static int64_t written(mr_rig *r)
{
    mr_moving m;
    mr_moment last[MR_MOVING_TASKS_MAX];
    int64_t at = 0;
    mr_moving_open(r, &m);
    cr_assert_eq(mr_moments_find(&m.moments, &(mr_point){.kind = MR_POINT_END}, last, &r->err),
                 MR_OK);
    for (uint32_t t = 0; t < r->job.plan.tasks_count; t++)
        at = last[t].timestamp_ms > at ? last[t].timestamp_ms : at;
    mr_moving_close(&m);
    return at;
}

Test(transplant_stages, to_the_beginning_and_from_there_it_can_be_replayed, .timeout = 500)
{
    for (uint64_t seed = 1; seed <= 4; seed++) {
        mr_rig r;
        mr_replay_side s;
        set_up(&r, seed);
        r.law->is_repeating = true;
        r.takes_checkpoints = false;
        (void)mr_rig_live(&r, 1200, true, false);
        mr_moving_back(&r, (mr_point){.kind = MR_POINT_EPOCH, .epoch = 0});
        mr_point moved = {.kind = MR_POINT_TIME, .time_ms = written(&r)};
        (void)mr_rig_live(&r, 1200, true, false);
        mr_replay_side_run(&r, &s, moved, (mr_point){.kind = MR_POINT_END});
        cr_expect_gt(s.sum.equal, 0);
        cr_expect_eq(s.sum.missing, 0);
        cr_expect_eq(s.sum.unexpected, 0);
        mr_replay_side_close(&s);
        mr_rig_finish(&r);
        mr_rig_tear_down(&r);
    }
}

Test(transplant_stages, a_fork_goes_on_where_the_job_was, .timeout = 500)
{
    for (uint64_t seed = 1; seed <= 24; seed++) {
        mr_rig r;
        mr_moving m;
        mr_sim_job trial;
        mr_sim_job_options options = options_of(seed);
        set_up(&r, seed);
        (void)mr_rig_live(&r, 2000, seed % 3 != 0, false);
        mr_moving_open(&r, &m);
        mr_moving_look(&r, &m, (mr_point){.kind = MR_POINT_END});
        for (uint32_t t = 0; t < r.job.plan.tasks_count; t++)
            m.transplants[t] = (mr_transplant_task){.task = m.tasks[t], .record = &m.records[t]};
        mr_sim_job_init(&trial, &options);
        trial.plan.job = "trial";
        mr_sim_job_cut(&trial, &options);
        mr_sim_create(&r.world, "trial.state", (int32_t)trial.plan.tasks_count);
        mr_sim_create(&r.world, "trial.exchange.0", (int32_t)options.later_tasks);
        mr_plan plan = r.job.plan;
        plan.job = "trial";
        cr_assert_eq(mr_moving_run(&r, &m, &plan, "trial.state"), MR_OK, "MR%d %s", r.err.status,
                     r.err.message);
        mr_moving_close(&m);
        mr_sim_pass(&r.world, 60000);
        r.config.plan = &trial.plan;
        (void)mr_rig_live(&r, 800, seed % 3 == 1, false);
        mr_rig_finish(&r);
        mr_sim_job_release(&trial);
        mr_rig_tear_down(&r);
    }
}

/* Can what was on its way now be told? */
static mr_status look_at_the_end(mr_rig *r)
{
    mr_moving m;
    mr_moving_open(r, &m);
    mr_status status = mr_cut_find_flight(&m.moments, &(mr_point){.kind = MR_POINT_END}, &m.arena,
                                          &m.cut, &r->err);
    mr_moving_close(&m);
    return status;
}

static void feed_and_step(mr_rig *r, uint32_t steps)
{
    for (uint32_t s = 0; s < steps; s++) {
        if (s % 20 == 0 && s + 1000 < steps)
            mr_rig_feed(r, 1, 10);
        cr_assert(mr_rig_step(r, 0), "%s", r->err.message);
    }
}

/* A weakness (docs/promises.md), and what helps. */
Test(transplant_stages, one_that_was_quiet_beside_checkpoints_can_be_moved_when_rows_flow_again)
{
    mr_rig r;
    set_up(&r, 1);
    r.takes_checkpoints = true;
    r.config.checkpoints.interval_ms = INT64_C(1000) * 3600 * 24;
    mr_rig_start(&r, 0, false);
    feed_and_step(&r, 3000);
    cr_expect_eq(look_at_the_end(&r), MR_OK, "%s", r.err.message);
    for (uint32_t asked = 1; asked <= 6; asked++) {
        uint64_t before = r.stats.checkpoints_named;
        mr_sim_put(&r.world, "sim.control", 0, NULL, "v1|checkpoint|me", MR_TIME_NONE);
        for (uint32_t s = 0; r.stats.checkpoints_named < before + r.job.plan.tasks_count; s++) {
            cr_assert_lt(s, (uint32_t)MR_RIG_STEPS_MAX);
            cr_assert(mr_rig_step(&r, 0), "%s", r.err.message);
        }
        feed_and_step(&r, 500);
    }
    cr_expect_eq(look_at_the_end(&r), MR_E_MOMENT);
    cr_expect_not_null(strstr(r.err.message, "rows that flow"), "%s", r.err.message);
    feed_and_step(&r, 3000);
    cr_expect_eq(look_at_the_end(&r), MR_OK, "%s", r.err.message);
    mr_rig_stop(&r, 0);
    mr_sim_pass(&r.world, 60000);
    mr_rig_finish(&r);
    mr_rig_tear_down(&r);
}
