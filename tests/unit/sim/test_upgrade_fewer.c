/*
 * Goal: a job's tasks become more and fewer, there and back, over one state topic that never
 * shrinks: a partition whose task was retired is nobody's until it is a task again, which begins
 * with what its keys have then, not with what it had before.
 * Method: the simulator's job under one text with other numbers of tasks, life after life, on disks
 * that know, or do not know, of the lives before; all output is judged by the law. A worker of the
 * plan before beside one of the plan that is in force.
 */
#include "engine/base/assert.h"
#include "tests/unit/sim/staged.h"

#include <criterion/criterion.h>
#include <inttypes.h>
#include <string.h>

/* Tasks of all stages: 4, 9, 4, 1, 4, 7, 3. */
static const mr_shape shapes[] = {{2, 2}, {4, 5}, {2, 2}, {1, 0}, {2, 2}, {2, 5}, {1, 2}};

#define SHAPES MR_LENGTH(shapes)

typedef struct chain {
    mr_rig r;
    mr_sim_job jobs[SHAPES];
    const mr_plan *plan; /* in force */
} chain;

static void set_up(chain *c, uint64_t seed)
{
    mr_sim_job_options options = {.is_hop = seed % 3 == 1, .is_session = seed % 3 == 2};
    for (size_t i = 0; i < SHAPES; i++) {
        options.tasks_count = shapes[i].tasks;
        options.later_tasks = shapes[i].later;
        mr_sim_job_init(&c->jobs[i], &options);
        mr_sim_job_cut(&c->jobs[i], &options);
    }
    options.tasks_count = shapes[0].tasks;
    options.later_tasks = shapes[0].later;
    mr_rig_set_up(&c->r, &(mr_rig_options){.seed = seed * 5 + 1, .workers = 3, .job = options});
    c->r.random = seed;
    c->r.is_pipelined = seed % 2 == 0;
    c->r.takes_checkpoints = seed % 4 < 2;
    c->r.config.is_dynamic_member = true;
    c->r.law->is_session = options.is_session;
    c->r.law->is_in_order = true;
    c->plan = c->r.config.plan = &c->jobs[0].plan;
}

static void tear_down(chain *c)
{
    for (size_t i = 0; i < SHAPES; i++)
        mr_sim_job_release(&c->jobs[i]);
    mr_rig_tear_down(&c->r);
}

static void upgrade(chain *c, size_t shape)
{
    const mr_plan *to = &c->jobs[shape].plan;
    mr_upgrading_run(&c->r, c->plan, to, false);
    c->plan = c->r.config.plan = to;
}

static int32_t partitions_of(chain *c)
{
    mr_topic_facts facts;
    mr_log *log = c->r.world.outside;
    cr_assert_eq(log->class->describe(log, "sim.state", &facts, &c->r.err), MR_OK);
    return facts.partitions;
}

/* The group says where it was retired, and that there is no epoch of a task: jobs/engine/topics.c
 * would take it for one. */
static void expect_retired(chain *c, int32_t partition)
{
    mr_arena arena = {0};
    mr_log *log = c->r.world.outside;
    mr_log_offset noted = {.topic = "sim.state", .partition = partition, .offset = -1};
    uint64_t epoch = 1;
    int64_t offset = -1;
    uint32_t checksum;
    cr_assert_eq(log->class->group_offsets(log, "sim", &noted, 1, &arena, &c->r.err), MR_OK);
    cr_expect(mr_epoch_metadata_parse(noted.metadata, &epoch, &offset, &checksum));
    cr_expect(epoch == 0 && offset >= 0, "%" PRId32 ": %s", partition, noted.metadata);
    mr_arena_release(&arena);
}

static void goes_there_and_back(uint64_t seed)
{
    chain c;
    set_up(&c, seed);
    for (size_t i = 0; i < SHAPES; i++) {
        if (i > 0)
            upgrade(&c, i);
        if (i > 0 && seed % 3 == 0)
            mr_sim_disk_wipe(c.r.world.worker[i % 2].disk);
        (void)mr_rig_live(&c.r, 750, i % 2 == seed % 2, false);
        cr_expect_eq(partitions_of(&c), i == 0 ? 4 : 9);
        for (int32_t p = (int32_t)c.plan->tasks_count; p < partitions_of(&c); p++)
            expect_retired(&c, p);
    }
    mr_rig_finish(&c.r);
    tear_down(&c);
}

Test(upgrade_fewer, a_job_gets_more_and_fewer_tasks_there_and_back, .timeout = 300)
{
    for (uint64_t seed = 1; seed <= 12; seed++)
        goes_there_and_back(seed);
}

/* One worker has the task that is left and a partition that is nobody's; the other one, of the plan
 * before, nothing but tasks that were retired. */
Test(upgrade_fewer, a_worker_of_the_plan_before_has_no_tasks_beside_one_of_the_new_plan)
{
    chain c;
    set_up(&c, 4);
    (void)mr_rig_live(&c.r, 650, true, false);
    upgrade(&c, 3);
    c.r.is_pipelined = false;
    mr_rig_start(&c.r, 0, false);
    mr_rig_step_until(&c.r, 0, MR_WORKER_RUN);
    c.r.config.plan = &c.jobs[0].plan;
    mr_rig_start(&c.r, 1, false);
    bool is_refused = false;
    for (int s = 0; s < 3000 && !is_refused; s++) {
        cr_assert(mr_rig_step(&c.r, 0), "MR%d %s", c.r.err.status, c.r.err.message);
        is_refused = !mr_rig_step(&c.r, 1);
    }
    cr_assert(is_refused);
    cr_expect_eq(c.r.err.status, MR_E_STATE_PLAN, "MR%d %s", c.r.err.status, c.r.err.message);
    cr_expect_not_null(strstr(c.r.err.message, "retired"), "%s", c.r.err.message);
    mr_rig_stop(&c.r, 1);
    c.r.config.plan = c.plan;
    for (int s = 0; s < 600; s++) {
        if (s % 20 == 0)
            mr_rig_feed(&c.r, 1, 4);
        cr_assert(mr_rig_step(&c.r, 0), "MR%d %s", c.r.err.status, c.r.err.message);
    }
    mr_worker_request_stop(c.r.seats[0].worker);
    mr_rig_step_until(&c.r, 0, MR_WORKER_STOPPED);
    mr_rig_stop(&c.r, 0);
    mr_sim_pass(&c.r.world, 60000);
    mr_rig_finish(&c.r);
    tear_down(&c);
}

/* Both at work, each with half of the tasks. */
static void start_both(chain *c)
{
    mr_worker_stats stats[2] = {{0}, {0}};
    mr_rig_start(&c->r, 0, false);
    mr_rig_start(&c->r, 1, false);
    for (int s = 0; stats[0].commits == 0 || stats[0].tasks != 2 || stats[1].tasks != 2; s++) {
        cr_assert_lt(s, 4000);
        if (s % 20 == 0)
            mr_rig_feed(&c->r, 1, 4);
        for (uint32_t k = 0; k < 2; k++) {
            cr_assert(mr_rig_step(&c->r, k), "MR%d %s", c->r.err.status, c->r.err.message);
            stats[k] = c->r.stats;
        }
    }
}

/* All that it has still to say is that its epoch counts, of two tasks that the new plan has not. */
Test(upgrade_fewer, a_worker_of_retired_tasks_that_stood_still_before_its_decision_is_not_heard)
{
    chain c;
    set_up(&c, 4);
    c.jobs[0].plan.transaction_timeout_ms = 600000; /* the broker will not end it */
    (void)mr_rig_live(&c.r, 650, true, false);
    start_both(&c);
    mr_rig_stop_before_decision(&c.r, 1);
    mr_worker_request_stop(c.r.seats[0].worker);
    while (mr_worker_phase_of(c.r.seats[0].worker) != MR_WORKER_STOPPED && mr_rig_step(&c.r, 0))
        ;
    mr_rig_stop(&c.r, 0);
    mr_sim_pass(&c.r.world, 60000);
    upgrade(&c, 3);
    mr_memory_process_resume(mr_sim_process(&c.r.world, 1));
    c.r.config.plan = &c.jobs[0].plan;
    for (int s = 0; s < 2000 && mr_rig_step(&c.r, 1); s++)
        ;
    cr_expect_eq(c.r.err.status, MR_E_STATE_PLAN, "MR%d %s", c.r.err.status, c.r.err.message);
    mr_rig_stop(&c.r, 1);
    mr_sim_pass(&c.r.world, 60000);
    c.r.is_pipelined = false;
    c.r.config.plan = c.plan;
    mr_upgrading_live(&c.r, 300);
    mr_rig_finish(&c.r);
    tear_down(&c);
}
