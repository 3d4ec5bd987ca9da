#include "tests/unit/sim/upgrading.h"

#include <criterion/criterion.h>
#include <inttypes.h>

static uint32_t process_of(const mr_rig *r)
{
    return r->world.workers_count - 1;
}

void mr_upgrading_open(mr_rig *r, mr_upgrading *t, const mr_plan *from, const mr_plan *to)
{
    uint32_t k = process_of(r);
    *t = (mr_upgrading){.log = mr_sim_connect(&r->world, k),
                        .blobs = mr_sim_blobs_open(r->world.blobs, mr_sim_process(&r->world, k))};
    t->moments = (mr_moments){.plan = from,
                              .log = t->log,
                              .clock = mr_sim_clock(&r->world),
                              .blobs = t->blobs,
                              .stores = mr_sim_stores(&r->world, k),
                              .state_topic = "sim.state"};
    mr_difference_find(from, to, &t->arena, &t->difference);
}

void mr_upgrading_close(mr_upgrading *t)
{
    mr_upgrade_release(&t->upgrade);
    mr_arena_release(&t->arena);
    t->blobs->class->close(t->blobs);
    t->log->class->close(t->log);
}

static mr_status await_no_members(mr_rig *r, const mr_upgrading *t)
{
    uint32_t count = 0;
    mr_status status = t->log->class->group_members(t->log, "sim", &count, &r->err);
    return status == MR_OK && count > 0
               ? mr_error_set(&r->err, MR_E_TRANSPLANT, "%" PRIu32 " members", count)
               : status;
}

static mr_status look(mr_rig *r, mr_upgrading *t, bool is_ahead)
{
    mr_upgrade_release(&t->upgrade);
    t->upgrade = (mr_upgrade){.difference = &t->difference,
                              .is_ahead = is_ahead,
                              .moments = &t->moments,
                              .transactional_id = "sim-upgrade"};
    return mr_upgrade_look(&t->upgrade, &r->err);
}

static mr_status settle(mr_rig *r, mr_upgrading *t)
{
    mr_status status = look(r, t, true);
    if (status != MR_OK || !mr_upgrade_must_settle(&t->upgrade))
        return status;
    status = await_no_members(r, t);
    return status == MR_OK ? mr_upgrade_settle(&t->upgrade, &r->err) : status;
}

mr_status mr_upgrading_try(mr_rig *r, mr_upgrading *t, bool may_lose)
{
    mr_status status = settle(r, t);
    if (status == MR_OK)
        status = look(r, t, false);
    if (status == MR_OK && !may_lose)
        status = mr_upgrade_check_loss(&t->upgrade, &r->err);
    if (status == MR_OK && !t->upgrade.is_done)
        status = await_no_members(r, t);
    return status == MR_OK ? mr_upgrade_run(&t->upgrade, &r->err) : status;
}

void mr_upgrading_run(mr_rig *r, const mr_plan *from, const mr_plan *to, bool may_lose)
{
    mr_upgrading t;
    mr_upgrading_open(r, &t, from, to);
    mr_status status = mr_upgrading_try(r, &t, may_lose);
    cr_assert_eq(status, MR_OK, "MR%d %s", r->err.status, r->err.message);
    mr_upgrading_close(&t);
    mr_sim_pass(&r->world, 60000);
}

void mr_upgrading_live(mr_rig *r, uint32_t steps)
{
    mr_rig_start(r, 0, false);
    for (uint32_t s = 0; s < steps; s++) {
        if (s % 20 == 0)
            mr_rig_feed(r, 1, 4);
        cr_assert(mr_rig_step(r, 0), "MR%d %s", r->err.status, r->err.message);
    }
    mr_worker_request_stop(r->seats[0].worker);
    mr_rig_step_until(r, 0, MR_WORKER_STOPPED);
    mr_rig_stop(r, 0);
    mr_sim_pass(&r->world, 60000);
}

bool mr_upgrading_is_taken(mr_rig *r, const mr_plan *plan, mr_status expected)
{
    r->config.plan = plan;
    mr_rig_start(r, 0, false);
    bool is_good = true;
    for (uint32_t s = 0; is_good && mr_worker_phase_of(r->seats[0].worker) != MR_WORKER_RUN; s++) {
        cr_assert_lt(s, MR_RIG_STEPS_MAX);
        is_good = mr_rig_step(r, 0);
    }
    if (is_good) {
        mr_worker_request_stop(r->seats[0].worker);
        mr_rig_step_until(r, 0, MR_WORKER_STOPPED);
    } else {
        mr_status status = r->err.status;
        bool is_other = status == MR_E_STATE_PLAN || status == MR_E_STATE_TASKS;
        cr_assert(expected != MR_OK ? status == expected : is_other, "MR%d %s", status,
                  r->err.message);
    }
    mr_rig_stop(r, 0);
    mr_sim_pass(&r->world, 60000);
    return is_good;
}
