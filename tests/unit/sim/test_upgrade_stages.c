/*
 * Goal: a job goes on under another plan where stages, or numbers of tasks, are others: entries lie
 * where the rows of their key go, whatever was on its way between stages at the stop is not lost
 * and comes once, whatever dies in the middle.
 * Method: the simulator's job before and behind its cut, with windows of three kinds; one or two
 * workers that die, leave and come back; the command dies at a drawn port call, or at each. All
 * output of all lives is judged by the law.
 */
#include "engine/base/assert.h"
#include "tests/unit/sim/staged.h"

#include <criterion/criterion.h>
#include <inttypes.h>
#include <string.h>

#define TOOL 2 /* the process of the upgrade */

/* Numbers of all tasks that rise, or stay; and that fall: what is left over is retired. */
static const mr_move moves[] = {{{1, 0}, {1, 2}}, {{1, 0}, {4, 3}}, {{2, 2}, {2, 2}},
                                {{2, 2}, {4, 5}}, {{4, 2}, {2, 5}}, {{1, 2}, {1, 3}},
                                {{2, 3}, {2, 3}}, {{1, 4}, {4, 7}}};
static const mr_move falling[] = {
    {{2, 2}, {1, 0}}, {{4, 5}, {2, 2}}, {{4, 3}, {1, 0}}, {{2, 5}, {4, 2}}, {{1, 3}, {1, 2}}};

static void set_up(mr_staged *s, uint64_t seed, const mr_move *move)
{
    const mr_sim_job_options options = {.is_hop = seed % 3 == 1,
                                        .is_session = seed % 3 == 2,
                                        .idle_timeout_ms = seed % 4 == 3 ? 50 : 0};
    mr_staged_set_up(s, seed, move, &options, seed % 2 == 1);
}

static uint32_t partitions_of(mr_staged *s)
{
    mr_topic_facts facts;
    mr_log *log = s->r.world.outside;
    cr_assert_eq(log->class->describe(log, "sim.state", &facts, &s->r.err), MR_OK);
    return (uint32_t)facts.partitions;
}

/* Partitions that are none of its tasks, or were retired, are looked at first. */
static bool is_taken(mr_staged *s, const mr_plan *plan)
{
    bool has_more = partitions_of(s) > plan->tasks_count;
    return mr_upgrading_is_taken(&s->r, plan, has_more ? MR_E_STATE_TASKS : MR_E_STATE_PLAN);
}

static void goes_on(uint64_t seed, const mr_move *move)
{
    mr_staged s;
    set_up(&s, seed, move);
    (void)mr_rig_live(&s.r, 1200, seed % 3 != 0, false);
    mr_memory_faults *faults = &mr_sim_process(&s.r.world, TOOL)->faults;
    if (seed % 4 == 0) /* what lies in an exchange is not always at hand at once */
        *faults = (mr_memory_faults){.stall = 600000, .stall_us_max = 300000};
    mr_staged_upgrade(&s);
    cr_expect_not(is_taken(&s, &s.r.job.plan));
    s.r.config.plan = &s.other.plan;
    if (seed % 4 == 1)
        mr_sim_disk_wipe(s.r.world.worker[0].disk);
    (void)mr_rig_live(&s.r, 800, seed % 3 == 1, false);
    mr_staged_finish(&s, seed);
    mr_staged_tear_down(&s);
}

Test(upgrade_stages, a_job_goes_on_with_other_stages_and_numbers_of_tasks, .timeout = 300)
{
    for (uint64_t seed = 1; seed <= 24; seed++)
        goes_on(seed, &moves[seed % MR_LENGTH(moves)]);
}

Test(upgrade_stages, a_job_goes_on_with_fewer_tasks_and_with_one_stage, .timeout = 300)
{
    for (uint64_t seed = 1; seed <= 20; seed++)
        goes_on(seed, &falling[seed % MR_LENGTH(falling)]);
}

static int64_t end_of(mr_staged *s, uint32_t task)
{
    mr_log_ends ends = {.topic = "sim.state", .partition = (int32_t)task};
    mr_log *log = s->r.world.outside;
    cr_assert_eq(log->class->ends(log, &ends, 1, &s->r.err), MR_OK);
    return ends.high;
}

/* Of two workers one may own new tasks alone, which nothing was carried over to. */
static void expect_that_nobody_begins(mr_staged *s, uint64_t call)
{
    uint32_t last = s->other.plan.tasks_count - 1;
    int64_t before = end_of(s, last);
    s->r.config.plan = &s->other.plan;
    mr_rig_start(&s->r, 0, false);
    mr_rig_start(&s->r, 1, false);
    for (int steps = 0; s->r.seats[0].worker != NULL || s->r.seats[1].worker != NULL; steps++) {
        cr_assert_lt(steps, MR_RIG_STEPS_MAX);
        for (uint32_t k = 0; k < 2; k++) {
            if (s->r.seats[k].worker == NULL || mr_rig_step(&s->r, k))
                continue;
            cr_expect_eq(s->r.err.status, MR_E_STATE_PLAN, "%s", s->r.err.message);
            mr_rig_stop(&s->r, k);
        }
    }
    mr_sim_pass(&s->r.world, 60000);
    cr_expect_eq(end_of(s, last), before, "call %" PRIu64, call);
}

/* Which of the plans comes to work. */
static bool is_new(mr_staged *s, uint64_t call)
{
    uint32_t needed = s->other.plan.tasks_count;
    bool is_wide = partitions_of(s) >= needed;
    bool is_other = is_wide && is_taken(s, &s->other.plan);
    if (partitions_of(s) == needed && !is_other)
        expect_that_nobody_begins(s, call);
    bool is_old = is_taken(s, &s->r.job.plan);
    cr_expect(is_old != is_other, "call %" PRIu64 ": %s of the plans", call,
              is_old ? "both" : "none");
    if (is_old)
        mr_upgrading_live(&s->r, 100);
    return is_other;
}

/* The command dies in the call, is asked again; `*calls`: how many it made. True: the first try had
 * come to its commit. */
static bool dies_at(uint64_t seed, const mr_move *move, uint64_t call, uint64_t *calls)
{
    mr_staged s;
    mr_upgrading t;
    set_up(&s, seed, move);
    s.r.takes_checkpoints = false;
    (void)mr_rig_live(&s.r, 900, true, false);
    mr_upgrading_open(&s.r, &t, &s.r.job.plan, &s.other.plan);
    uint64_t before = mr_sim_process(&s.r.world, TOOL)->calls;
    if (call > 0)
        mr_sim_kill_at(&s.r.world, TOOL, call, MR_MEMORY_CRASH_DRAWN);
    mr_status status = mr_upgrading_try(&s.r, &t, false);
    *calls = mr_sim_process(&s.r.world, TOOL)->calls - before;
    mr_upgrading_close(&t);
    mr_sim_pass(&s.r.world, 60000);
    cr_assert(status == MR_E_CRASHED || status == MR_OK, "call %" PRIu64 ": MR%d %s", call, status,
              s.r.err.message);
    bool was_done = is_new(&s, call);
    mr_staged_upgrade(&s);
    s.r.config.plan = &s.other.plan;
    mr_upgrading_live(&s.r, 150);
    mr_staged_finish(&s, call);
    mr_staged_tear_down(&s);
    return was_done;
}

static void dies_everywhere(uint64_t seed, const mr_move *move, uint64_t step)
{
    uint64_t calls, ignored, committed = 0, tries = 0;
    cr_expect(dies_at(seed, move, 0, &calls));
    for (uint64_t call = 1; call <= calls; call += step, tries++)
        committed += dies_at(seed, move, call, &ignored);
    cr_expect_lt(committed, tries);
}

Test(upgrade_stages, whatever_dies_between_two_calls_one_stage_becomes_two, .timeout = 300)
{
    dies_everywhere(4, &moves[0], 5);
}

Test(upgrade_stages, whatever_dies_between_two_calls_both_stages_get_other_tasks, .timeout = 300)
{
    dies_everywhere(1, &moves[3], 13);
}

Test(upgrade_stages, whatever_dies_between_two_calls_two_stages_become_one, .timeout = 300)
{
    dies_everywhere(4, &falling[0], 5);
}

Test(upgrade_stages, whatever_dies_between_two_calls_both_stages_get_fewer_tasks, .timeout = 300)
{
    dies_everywhere(1, &falling[1], 13);
}

Test(upgrade_stages, rows_that_are_on_their_way_are_not_left_behind_by_who_does_not_settle)
{
    uint32_t refused = 0;
    for (uint64_t seed = 1; seed <= 8; seed++) {
        mr_staged s;
        mr_upgrading t;
        set_up(&s, seed * 12, &moves[4]);
        (void)mr_rig_live(&s.r, 600 + (uint32_t)seed, true, false);
        mr_upgrading_open(&s.r, &t, &s.r.job.plan, &s.other.plan);
        t.upgrade = (mr_upgrade){
            .difference = &t.difference, .moments = &t.moments, .transactional_id = "sim-upgrade"};
        mr_status status = mr_upgrade_look(&t.upgrade, &s.r.err);
        cr_expect(status == MR_OK || status == MR_E_UPGRADE_UNSETTLED, "%s", s.r.err.message);
        refused += status != MR_OK && strstr(s.r.err.message, "rows are on their way") != NULL;
        mr_upgrading_close(&t);
        mr_staged_upgrade(&s);
        mr_staged_finish(&s, seed);
        mr_staged_tear_down(&s);
    }
    cr_expect_gt(refused, 0);
}

/* ---- a group that hears late of new partitions ---- */

/* The first assignment lacks the last partition; many polls later it is revoked, and all come. */
typedef struct slow_group {
    mr_log_class log_class;
    const mr_log_class *log_inner;
    mr_member_class member_class;
    const mr_member_class *member_inner;
    mr_member_event all;
    uint32_t polls; /* since the first assignment; 0: there was none */
} slow_group;

#define SLOW_POLLS 200

static slow_group slow;

static mr_status poll_slowly(mr_log_member *member, int32_t timeout_ms, mr_member_event *event,
                             mr_error *err)
{
    if (slow.polls == SLOW_POLLS || slow.polls == SLOW_POLLS + 1) {
        *event = slow.all;
        if (slow.polls == SLOW_POLLS)
            *event = (mr_member_event){.kind = MR_MEMBER_REVOKED};
        slow.polls++;
        return MR_OK;
    }
    mr_status status = slow.member_inner->poll(member, timeout_ms, event, err);
    if (status == MR_OK && slow.polls == 0 && event->kind == MR_MEMBER_ASSIGNED &&
        event->partitions_count > 1) {
        slow.all = *event;
        event->partitions_count--;
        slow.polls = 1;
    } else if (slow.polls > 0) {
        slow.polls++;
    }
    return status;
}

static mr_status release_slowly(mr_log_member *member, mr_error *err)
{
    return slow.polls == SLOW_POLLS + 1 ? MR_OK : slow.member_inner->release(member, err);
}

static mr_status open_slowly(mr_log *log, const mr_member_options *options, mr_log_member **member,
                             mr_error *err)
{
    mr_status status = slow.log_inner->open_member(log, options, member, err);
    if (status != MR_OK || slow.member_inner != NULL) /* of who settles alone */
        return status;
    slow.member_inner = (*member)->class;
    slow.member_class = *slow.member_inner;
    slow.member_class.poll = poll_slowly;
    slow.member_class.release = release_slowly;
    (*member)->class = &slow.member_class;
    return MR_OK;
}

Test(upgrade_stages, who_settles_waits_for_all_tasks)
{
    mr_staged s;
    mr_upgrading t;
    set_up(&s, 12, &moves[4]);
    (void)mr_rig_live(&s.r, 601, true, false);
    mr_upgrading_open(&s.r, &t, &s.r.job.plan, &s.other.plan);
    slow = (slow_group){.log_class = *t.moments.log->class, .log_inner = t.moments.log->class};
    slow.log_class.open_member = open_slowly;
    t.moments.log->class = &slow.log_class;
    cr_expect_eq(mr_upgrading_try(&s.r, &t, false), MR_OK, "%s", s.r.err.message);
    cr_expect_gt(slow.polls, SLOW_POLLS);
    t.moments.log->class = slow.log_inner;
    mr_upgrading_close(&t);
    mr_sim_pass(&s.r.world, 60000);
    mr_staged_finish(&s, 12);
    mr_staged_tear_down(&s);
}

/* ---- workers of before it ---- */

/* A worker stands still for so long that the group has given it up, with rows in a transaction that
 * the broker will not end. `is_deciding`: all it has still to say is that its epoch counts. */
static void stands_still(uint64_t seed, const mr_move *move, bool is_deciding)
{
    mr_staged s;
    set_up(&s, seed, move);
    s.r.is_pipelined = is_deciding;
    s.r.job.plan.transaction_timeout_ms = 600000;
    (void)mr_rig_live(&s.r, 1000, false, false);
    mr_rig_start(&s.r, 0, false);
    mr_rig_step_until(&s.r, 0, MR_WORKER_RUN);
    mr_memory_process *process = mr_sim_process(&s.r.world, 0);
    if (is_deciding)
        mr_rig_stop_before_decision(&s.r, 0);
    for (int i = 0; !is_deciding && i < 40; i++) {
        mr_rig_feed(&s.r, 1, 4);
        cr_assert(mr_rig_step(&s.r, 0), "%s", s.r.err.message);
    }
    if (!is_deciding)
        mr_memory_process_stop(process);
    mr_sim_pass(&s.r.world, 60000); /* its session ends */
    mr_staged_upgrade(&s);
    mr_memory_process_resume(process);
    int steps = 0;
    while (steps < 2000 && mr_rig_step(&s.r, 0))
        steps++;
    cr_expect(s.r.err.status == MR_E_STATE_PLAN || s.r.err.status == MR_E_STATE_TASKS, "MR%d %s",
              s.r.err.status, s.r.err.message);
    mr_rig_stop(&s.r, 0);
    mr_sim_pass(&s.r.world, 60000);
    s.r.is_pipelined = false;
    s.r.config.plan = &s.other.plan;
    mr_upgrading_live(&s.r, 200);
    mr_staged_finish(&s, seed);
    mr_staged_tear_down(&s);
}

Test(upgrade_stages, a_worker_that_stood_still_meanwhile_writes_nothing_that_counts, .timeout = 120)
{
    for (uint64_t seed = 4; seed < 7; seed++)
        for (size_t m = 0; m < 4; m++)
            stands_still(seed * 4, &moves[m], seed % 2 == 0);
}

Test(upgrade_stages, nor_does_one_whose_task_was_retired_meanwhile, .timeout = 120)
{
    for (uint64_t seed = 4; seed < 7; seed++)
        for (size_t m = 0; m < MR_LENGTH(falling); m++)
            stands_still(seed * 4, &falling[m], seed % 2 == 0);
}
