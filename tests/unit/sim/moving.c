#include "tests/unit/sim/moving.h"

#include <criterion/criterion.h>

void mr_moving_open(mr_rig *r, mr_moving *m)
{
    uint32_t k = r->world.workers_count - 1;
    *m = (mr_moving){.log = mr_sim_connect(&r->world, k),
                     .clock = mr_sim_clock(&r->world),
                     .blobs = mr_sim_blobs_open(r->world.blobs, mr_sim_process(&r->world, k))};
    m->moments = (mr_moments){.plan = &r->job.plan,
                              .log = m->log,
                              .clock = mr_sim_clock(&r->world),
                              .blobs = m->blobs,
                              .stores = mr_sim_stores(&r->world, k),
                              .state_topic = "sim.state"};
    m->io = (mr_task_io){.job = "sim", .sinks = m->sinks, .clock = mr_sim_clock(&r->world)};
}

void mr_moving_close(mr_moving *m)
{
    for (int t = 0; t < MR_MOVING_TASKS_MAX; t++) {
        mr_task_free(m->tasks[t]);
        mr_task_free(m->present[t]);
    }
    mr_spool_close(m->flight);
    mr_arena_release(&m->arena);
    m->blobs->class->close(m->blobs);
    m->log->class->close(m->log);
}

void mr_moving_look(mr_rig *r, mr_moving *m, mr_point to)
{
    mr_point end = {.kind = MR_POINT_END};
    cr_assert_eq(mr_cut_find_flight(&m->moments, &to, &m->arena, &m->cut, &r->err), MR_OK, "%s",
                 r->err.message);
    m->then = m->cut.from;
    cr_assert_eq(mr_flight_make(&m->moments, &m->cut, &m->flight, &r->err), MR_OK, "MR%d %s",
                 r->err.status, r->err.message);
    cr_assert_eq(mr_moments_find(&m->moments, &end, m->now, &r->err), MR_OK);
    for (uint32_t t = 0; t < r->job.plan.tasks_count; t++) {
        cr_assert_eq(mr_moment_restore(&m->moments, t, &m->then[t], &m->io, &m->arena, &m->tasks[t],
                                       &m->recovered[t], &r->err),
                     MR_OK, "%s", r->err.message);
        cr_assert_eq(mr_moment_restore(&m->moments, t, &m->now[t], &m->io, &m->arena,
                                       &m->present[t], &m->ignored, &r->err),
                     MR_OK, "%s", r->err.message);
        m->records[t] = m->then[t].epoch == 0 ? m->recovered[t].claim : m->recovered[t].epoch;
        m->transplants[t] = (mr_transplant_task){.task = m->tasks[t],
                                                 .record = &m->records[t],
                                                 .replaced = mr_task_state(m->present[t]),
                                                 .last = &m->now[t]};
    }
}

mr_status mr_moving_run(mr_rig *r, mr_moving *m, const mr_plan *plan, const char *topic)
{
    mr_transplant moved = {.plan = plan,
                           .log = m->log,
                           .clock = m->clock,
                           .state_topic = topic,
                           .transactional_id = "mover",
                           .tasks = m->transplants,
                           .flight = m->flight};
    return mr_transplant_run(&moved, &r->err);
}

void mr_moving_back(mr_rig *r, mr_point to)
{
    mr_moving m;
    mr_moving_open(r, &m);
    mr_moving_look(r, &m, to);
    cr_expect_gt(m.now[0].epoch, m.then[0].epoch);
    cr_assert_eq(mr_moving_run(r, &m, &r->job.plan, "sim.state"), MR_OK, "MR%d %s", r->err.status,
                 r->err.message);
    mr_moving_close(&m);
    mr_sim_pass(&r->world, 60000);
}

mr_point mr_moving_before_the_end(mr_rig *r, uint64_t back)
{
    mr_moving m;
    mr_point end = {.kind = MR_POINT_END}, to = {.kind = MR_POINT_EPOCH};
    mr_moment found;
    mr_moving_open(r, &m);
    cr_assert_eq(mr_moments_find_task(&m.moments, &end, 0, &found, &r->err), MR_OK);
    cr_assert_gt(found.epoch, back);
    to.epoch = found.epoch - back;
    cr_assert_eq(mr_moments_find_task(&m.moments, &to, 0, &found, &r->err), MR_OK, "%s",
                 r->err.message);
    mr_moving_close(&m);
    return (mr_point){.kind = MR_POINT_TIME, .time_ms = found.timestamp_ms};
}
