/*
 * Goal: a stopped job goes on under another plan with the state that the plans have in common:
 * whatever dies in the middle of the upgrade, whatever the worker's disk holds, no row is lost and
 * none comes twice; the old plan is refused from then on, and the new one before.
 * Method: the simulator's job, and one of it in which the table and the window bear other names and
 * another window stands in front of them, so that every number of a table of state is another. All
 * output of all lives is judged by the law: each result is to come once.
 */
#include "tests/unit/sim/upgrading.h"

#include <criterion/criterion.h>
#include <inttypes.h>
#include <string.h>

#define TASKS 2
#define TOOL 2 /* the process of the upgrade */

typedef struct other {
    mr_plan plan;
    mr_plan_source source;
    mr_plan_node nodes[2];
    mr_plan_sink sinks[2];
    mr_window_config more, window;
} other;

/* Borrows from the rig's plan. */
static void make_other(const mr_rig *r, other *o)
{
    const mr_plan *plan = &r->job.plan;
    *o = (other){.plan = *plan, .source = plan->sources[0], .window = r->job.window};
    o->source.table = "renamed";
    o->more = o->window;
    o->more.size_ms = o->more.slide_ms = 40;
    o->more.kind = MR_WINDOW_TUMBLE;
    o->more.aggregates_count = 1;
    o->nodes[0] = o->nodes[1] = plan->nodes[0];
    o->nodes[0].id = "more/window";
    o->nodes[0].config = &o->more;
    o->nodes[1].id = "tally/window";
    o->nodes[1].config = &o->window;
    for (int s = 0; s < 2; s++) {
        o->sinks[s] = plan->sinks[s];
        o->sinks[s].input.index = 1;
    }
    o->plan.version = 2;
    o->plan.sources = &o->source;
    o->plan.nodes = o->nodes;
    o->plan.nodes_count = 2;
    o->plan.sinks = o->sinks;
}

static void set_up(mr_rig *r, other *o)
{
    mr_rig_set_up(r,
                  &(mr_rig_options){.workers = 3, .job = {.tasks_count = TASKS, .is_hop = true}});
    r->law->is_in_order = true;
    make_other(r, o);
}

/* ---- the upgrade ---- */

static void upgrade(mr_rig *r, const mr_plan *from, const mr_plan *to)
{
    mr_upgrading_run(r, from, to, to == &r->job.plan); /* the other window goes then */
}

static bool is_taken(mr_rig *r, const mr_plan *plan)
{
    return mr_upgrading_is_taken(r, plan, MR_E_STATE_PLAN);
}

static void goes_on(bool keeps_disk, bool takes_checkpoints)
{
    mr_rig r;
    other o;
    set_up(&r, &o);
    r.takes_checkpoints = takes_checkpoints;
    mr_upgrading_live(&r, 1500);
    cr_expect_not(is_taken(&r, &o.plan), "before it is upgraded");
    upgrade(&r, &r.job.plan, &o.plan);
    if (!keeps_disk)
        mr_sim_disk_wipe(r.world.worker[0].disk);
    cr_expect_not(is_taken(&r, &r.job.plan), "behind the upgrade");
    cr_expect(is_taken(&r, &o.plan));
    mr_upgrading_live(&r, 800);
    if (!keeps_disk)
        mr_sim_disk_wipe(r.world.worker[0].disk);
    mr_rig_finish(&r);
    mr_rig_tear_down(&r);
}

Test(upgrade, a_job_goes_on_under_another_plan_with_its_disk)
{
    goes_on(true, true);
}

Test(upgrade, a_job_goes_on_under_another_plan_without_its_disk)
{
    goes_on(false, true);
}

Test(upgrade, a_job_goes_on_under_another_plan_from_the_log_alone)
{
    goes_on(false, false);
}

/* The disk holds what the first plan left, and the log goes on with it behind another one. */
Test(upgrade, a_job_that_was_upgraded_back_does_not_take_its_old_disk_for_the_present_one)
{
    mr_rig r;
    other o;
    set_up(&r, &o);
    mr_upgrading_live(&r, 1000);
    upgrade(&r, &r.job.plan, &o.plan);
    mr_sim_disk *disk = r.world.worker[0].disk;
    r.world.worker[0].disk = r.world.worker[2].disk; /* the new plan runs elsewhere */
    r.config.plan = &o.plan;
    mr_upgrading_live(&r, 600);
    r.world.worker[0].disk = disk;
    upgrade(&r, &o.plan, &r.job.plan);
    r.config.plan = &r.job.plan;
    mr_upgrading_live(&r, 600);
    mr_rig_finish(&r);
    mr_rig_tear_down(&r);
}

/* How many port calls an upgrade makes. */
static uint64_t count_calls(void)
{
    mr_rig r;
    other o;
    set_up(&r, &o);
    mr_upgrading_live(&r, 600);
    uint64_t before = mr_sim_process(&r.world, TOOL)->calls;
    upgrade(&r, &r.job.plan, &o.plan);
    uint64_t calls = mr_sim_process(&r.world, TOOL)->calls - before;
    r.config.plan = &o.plan;
    mr_rig_finish(&r);
    mr_rig_tear_down(&r);
    return calls;
}

/* Dies in the call, is tried again, goes on. True: the first try had come to its commit. */
static bool dies_at(uint64_t call)
{
    mr_rig r;
    other o;
    mr_upgrading t;
    set_up(&r, &o);
    mr_upgrading_live(&r, 600);
    mr_upgrading_open(&r, &t, &r.job.plan, &o.plan);
    mr_sim_kill_at(&r.world, TOOL, call, MR_MEMORY_CRASH_DRAWN);
    mr_status status = mr_upgrading_try(&r, &t, false);
    mr_upgrading_close(&t);
    mr_sim_pass(&r.world, 60000);
    cr_assert(status == MR_E_CRASHED || status == MR_OK, "call %" PRIu64 ": MR%d %s", call, status,
              r.err.message);
    bool is_old = is_taken(&r, &r.job.plan);
    cr_expect_neq(is_old, is_taken(&r, &o.plan), "call %" PRIu64 ": one of the plans, and no more",
                  call);
    if (is_old) { /* it goes on as if nothing had been, and is upgraded later */
        r.config.plan = &r.job.plan;
        mr_upgrading_live(&r, 200);
    }
    upgrade(&r, &r.job.plan, &o.plan);
    r.config.plan = &o.plan;
    mr_upgrading_live(&r, 200);
    mr_rig_finish(&r);
    mr_rig_tear_down(&r);
    return !is_old;
}

Test(upgrade, whatever_dies_between_two_calls_no_row_is_lost_or_comes_twice, .timeout = 500)
{
    uint64_t calls = count_calls(), committed = 0;
    cr_assert_gt(calls, 20);
    for (uint64_t call = 1; call <= calls; call++)
        committed += dies_at(call);
    cr_expect_gt(committed, 0, "no try came to its commit");
    cr_expect_lt(committed, calls);
}

Test(upgrade, what_would_be_lost_is_told_with_the_facts)
{
    mr_rig r;
    other o;
    mr_upgrading t;
    set_up(&r, &o);
    mr_upgrading_live(&r, 800);
    o.window.size_ms = 20;
    o.nodes[1].id = r.job.plan.nodes[0].id;
    mr_upgrading_open(&r, &t, &r.job.plan, &o.plan);
    cr_assert_eq(mr_upgrading_try(&r, &t, false), MR_E_UPGRADE_LOSS);
    cr_expect_not_null(strstr(r.err.message, "of `counts/window`"), "%s", r.err.message);
    uint64_t entries = 0;
    for (uint32_t i = 0; i < t.difference.count; i++)
        entries += t.upgrade.facts[i].entries;
    cr_expect_gt(entries, 0);
    cr_expect_eq(mr_upgrade_run(&t.upgrade, &r.err), MR_OK, "%s", r.err.message);
    mr_upgrading_close(&t);
    mr_sim_pass(&r.world, 60000);
    cr_expect_not(is_taken(&r, &r.job.plan));
    cr_expect(is_taken(&r, &o.plan));
    mr_rig_tear_down(&r);
}

/* The record of the upgrade says of such a table no more than its name. */
Test(upgrade, a_table_that_nobody_has_read_yet_is_not_taken_for_one_whose_rows_are_gone)
{
    mr_rig r;
    other o;
    mr_upgrading t;
    set_up(&r, &o);
    mr_upgrading_open(&r, &t, &r.job.plan, &r.job.plan);
    const mr_plan_source *source = &r.job.plan.sources[0];
    mr_epoch_input then = {.source = source->table, .topic = source->topics[0], .offset_next = -1};
    mr_epoch_input now = then;
    now.offset_next = 1;
    mr_epoch_record from = {.inputs = &then, .inputs_count = 1, .epoch = 7};
    mr_epoch_record until = {.inputs = &now, .inputs_count = 1};
    cr_expect_eq(mr_moments_check_sources(&t.moments, &from, NULL, &r.err), MR_E_MOMENT);
    cr_expect_eq(mr_moments_check_sources(&t.moments, &from, &until, &r.err), MR_E_MOMENT);
    cr_expect_not_null(strstr(r.err.message, "only the next one says"), "%s", r.err.message);
    mr_upgrading_close(&t);
    mr_rig_tear_down(&r);
}

Test(upgrade, it_is_refused_while_somebody_is_at_work)
{
    mr_rig r;
    other o;
    mr_upgrading t;
    set_up(&r, &o);
    mr_upgrading_live(&r, 600);
    mr_rig_start(&r, 0, false);
    mr_rig_step_until(&r, 0, MR_WORKER_RUN);
    mr_upgrading_open(&r, &t, &r.job.plan, &o.plan);
    cr_expect_neq(mr_upgrading_try(&r, &t, false), MR_OK);
    mr_upgrading_close(&t);
    for (int s = 0; s < 200; s++)
        cr_assert(mr_rig_step(&r, 0), "%s", r.err.message);
    mr_worker_request_stop(r.seats[0].worker);
    mr_rig_step_until(&r, 0, MR_WORKER_STOPPED);
    mr_rig_stop(&r, 0);
    mr_sim_pass(&r.world, 60000);
    mr_rig_finish(&r);
    mr_rig_tear_down(&r);
}

/* Records of the second table that task 0 has read, in all its lives. */
static uint64_t records_read(mr_rig *r, const mr_plan *plan)
{
    mr_upgrading t;
    mr_moment last;
    mr_epoch_record record;
    mr_upgrading_open(r, &t, plan, plan);
    mr_point end = {.kind = MR_POINT_END};
    cr_assert_eq(mr_moments_find_task(&t.moments, &end, 0, &last, &r->err), MR_OK);
    cr_assert_eq(mr_moment_record(&t.moments, 0, &last, &t.arena, &record, &r->err), MR_OK);
    cr_assert_eq(record.counters_count, mr_task_counters_count(plan));
    uint64_t records = record.counters[7]; /* behind the seven of the first table */
    mr_upgrading_close(&t);
    return records;
}

static void put_extra(mr_rig *r, int count)
{
    for (int i = 0; i < count; i++)
        mr_sim_put(&r->world, "extra", 0, NULL, "k0|1|5", MR_TIME_NONE);
}

typedef struct wider {
    other o;
    mr_plan_source sources[2];
} wider;

static const char *const extra_topics[] = {"extra"};
static const mr_origin from_extra[] = {{.kind = MR_ORIGIN_SOURCE_ROWS, .index = 1}};

/* Three records lie in the table that the other plan adds; offset 1 is committed for it by the
 * job's own group. */
static void set_up_wider(mr_rig *r, wider *w, mr_start_mode mode)
{
    mr_log_member *member;
    mr_member_event event;
    set_up(r, &w->o);
    mr_sim_create(&r->world, "extra", MR_SIM_PARTITIONS);
    w->sources[0] = w->sources[1] = w->o.source;
    w->sources[1].table = "extra";
    w->sources[1].topics = extra_topics;
    w->sources[1].start.mode = mode;
    w->o.plan.sources = w->sources;
    w->o.plan.sources_count = 2;
    w->o.nodes[0].inputs = from_extra;
    put_extra(r, 3);
    mr_upgrading_live(r, 600);
    mr_log *log = r->world.outside;
    cr_assert_eq(log->class->open_member(log,
                                         &(mr_member_options){.group = "sim", .topic = "sim.state"},
                                         &member, &r->err),
                 MR_OK);
    do
        cr_assert_eq(member->class->poll(member, 100, &event, &r->err), MR_OK);
    while (event.kind != MR_MEMBER_ASSIGNED);
    cr_assert_eq(
        member->class->commit(member, &(mr_log_offset){.topic = "extra", .offset = 1}, 1, &r->err),
        MR_OK);
    member->class->close(member);
    mr_sim_pass(&r->world, 60000);
}

static void run_on(mr_rig *r, const mr_plan *plan)
{
    r->config.plan = plan;
    mr_rig_start(r, 0, false);
    mr_rig_step_until(r, 0, MR_WORKER_RUN);
    put_extra(r, 2);
    for (int s = 0; s < 200; s++)
        cr_assert(mr_rig_step(r, 0), "%s", r->err.message);
    mr_worker_request_stop(r->seats[0].worker);
    mr_rig_step_until(r, 0, MR_WORKER_STOPPED);
    mr_rig_stop(r, 0);
    mr_sim_pass(&r->world, 60000);
}

/* The others go on where they were. */
static void adds_a_table(mr_start_mode mode, uint64_t expected)
{
    mr_rig r;
    wider w;
    set_up_wider(&r, &w, mode);
    upgrade(&r, &r.job.plan, &w.o.plan);
    run_on(&r, &w.o.plan);
    cr_expect_eq(records_read(&r, &w.o.plan), expected);
    mr_rig_finish(&r);
    mr_rig_tear_down(&r);
}

Test(upgrade, a_new_table_is_read_from_where_it_says)
{
    adds_a_table(MR_START_LATEST, 2);
    adds_a_table(MR_START_EARLIEST, 5);
    adds_a_table(MR_START_GROUP_OFFSETS, 4);
}

/* A worker comes to work under the first of them, and dies before it has committed anything. */
Test(upgrade, where_a_new_table_begins_is_asked_once_over_two_upgrades)
{
    mr_rig r;
    wider w;
    set_up_wider(&r, &w, MR_START_LATEST);
    upgrade(&r, &r.job.plan, &w.o.plan);
    r.config.plan = &w.o.plan;
    mr_rig_start(&r, 0, false);
    mr_rig_step_until(&r, 0, MR_WORKER_RUN);
    mr_rig_stop(&r, 0);
    mr_sim_pass(&r.world, 60000);
    put_extra(&r, 3);
    mr_plan_node nodes[2] = {w.o.nodes[0], w.o.nodes[1]};
    mr_plan third = w.o.plan;
    nodes[1].id = "third/window";
    third.nodes = nodes;
    third.version = 3;
    upgrade(&r, &w.o.plan, &third);
    run_on(&r, &third);
    cr_expect_eq(records_read(&r, &third), 5);
    mr_rig_finish(&r);
    mr_rig_tear_down(&r);
}

/* ---- workers of before it ---- */

/* Goes on under the old plan until it finds out that it is over. */
static void wake(mr_rig *r)
{
    int s = 0;
    while (s < 2000 && mr_rig_step(r, 0))
        s++;
    cr_expect_eq(r->err.status, MR_E_STATE_PLAN, "MR%d %s", r->err.status, r->err.message);
    mr_rig_stop(r, 0);
    mr_sim_pass(&r->world, 60000);
}

/* It stands still for so long that the group has given it up. `is_deciding`: its offsets were
 * taken, and all it has still to say is that the epoch counts. */
static void stands_still(bool is_deciding)
{
    mr_rig r;
    other o;
    set_up(&r, &o);
    r.is_pipelined = is_deciding;
    r.job.plan.transaction_timeout_ms = 600000; /* the broker will not end it */
    o.plan.transaction_timeout_ms = 600000;
    mr_upgrading_live(&r, 1000);
    mr_rig_start(&r, 0, false);
    mr_rig_step_until(&r, 0, MR_WORKER_RUN);
    mr_memory_process *process = mr_sim_process(&r.world, 0);
    if (is_deciding)
        mr_rig_stop_before_decision(&r, 0);
    for (int i = 0; !is_deciding && i < 40; i++) {
        mr_rig_feed(&r, 1, 4);
        cr_assert(mr_rig_step(&r, 0), "%s", r.err.message);
    }
    if (!is_deciding)
        mr_memory_process_stop(process);
    mr_sim_pass(&r.world, 60000); /* its session ends */
    upgrade(&r, &r.job.plan, &o.plan);
    mr_memory_process_resume(process);
    wake(&r);
    r.is_pipelined = false;
    r.config.plan = &o.plan;
    mr_upgrading_live(&r, 300);
    mr_rig_finish(&r);
    mr_rig_tear_down(&r);
}

Test(upgrade, a_worker_that_stood_still_meanwhile_writes_nothing_that_counts)
{
    stands_still(false);
}

Test(upgrade, a_worker_that_stood_still_before_its_decision_is_not_heard_any_more)
{
    stands_still(true);
}

Test(upgrade, a_job_that_has_committed_nothing_yet_begins_under_the_new_plan_where_it_would_have)
{
    mr_rig r;
    other o;
    set_up(&r, &o);
    mr_rig_start(&r, 0, false);
    mr_rig_step_until(&r, 0, MR_WORKER_RUN); /* its claims are there */
    mr_rig_stop(&r, 0);
    mr_sim_pass(&r.world, 60000);
    mr_rig_feed(&r, 5, 4);
    upgrade(&r, &r.job.plan, &o.plan);
    cr_expect_not(is_taken(&r, &r.job.plan));
    r.config.plan = &o.plan;
    mr_upgrading_live(&r, 300);
    mr_rig_finish(&r);
    mr_rig_tear_down(&r);
}
