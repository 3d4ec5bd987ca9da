/*
 * Goal: a job that was moved back goes on from there, whatever its disk holds; a fork goes on where
 * the job was, from its log or from a checkpoint alone; both are refused while somebody is at work.
 * Method: the simulator's job with rows in order; all output of all lives is judged by the law: of
 * a job moved back the last result of a window counts, of a fork each is to come once.
 */
#include "engine/commit/delta.h"
#include "engine/history/fork.h"
#include "engine/history/image.h"
#include "tests/unit/sim/moving.h"

#include <criterion/criterion.h>
#include <inttypes.h>
#include <string.h>

#define TASKS 2
#define STEPS_A_LOOK 20
#define SOON_US INT64_C(5000000) /* the transaction's timeout is five minutes */

static void set_up(mr_rig *r)
{
    mr_rig_set_up(r,
                  &(mr_rig_options){.workers = 2, .job = {.tasks_count = TASKS, .is_hop = true}});
    r->law->is_in_order = true;
}

/* Static members are one until their session ends. */
static void live(mr_rig *r, uint32_t steps)
{
    mr_rig_start(r, 0, false);
    for (uint32_t s = 0; s < steps; s++) {
        if (s % 20 == 0)
            mr_rig_feed(r, 1, 4);
        cr_assert(mr_rig_step(r, 0), "%s", r->err.message);
    }
    mr_worker_request_stop(r->seats[0].worker);
    mr_rig_step_until(r, 0, MR_WORKER_STOPPED);
    mr_rig_stop(r, 0);
    mr_sim_pass(&r->world, 60000);
}

static void moves_back_and_goes_on(bool keeps_disk, uint64_t back)
{
    mr_rig r;
    set_up(&r);
    r.law->is_repeating = true;
    live(&r, 1500);
    mr_moving_back(&r, mr_moving_before_the_end(&r, back));
    if (!keeps_disk)
        mr_sim_disk_wipe(r.world.worker[0].disk);
    live(&r, 600);
    mr_moving_back(&r, mr_moving_before_the_end(&r, 1));
    mr_rig_finish(&r);
    mr_rig_tear_down(&r);
}

Test(transplant, a_job_moved_back_goes_on_from_there_with_its_disk)
{
    moves_back_and_goes_on(true, 3);
}

Test(transplant, a_job_moved_back_goes_on_from_there_without_its_disk)
{
    moves_back_and_goes_on(false, 3);
}

Test(transplant, its_state_is_that_of_then_to_the_entry)
{
    mr_rig r;
    mr_moving before, after;
    set_up(&r);
    live(&r, 1500);
    mr_point to = mr_moving_before_the_end(&r, 2);
    mr_moving_open(&r, &before);
    mr_moving_look(&r, &before, to);
    cr_assert_eq(mr_moving_run(&r, &before, &r.job.plan, "sim.state"), MR_OK, "%s", r.err.message);
    mr_moving_open(&r, &after);
    mr_moving_look(&r, &after, (mr_point){.kind = MR_POINT_END});
    uint64_t entries = 0;
    for (int t = 0; t < TASKS; t++) {
        mr_chunk_writer then = {0}, now = {0};
        cr_expect_eq(after.now[t].epoch, before.now[t].epoch + 1);
        cr_expect_eq(after.now[t].moved, after.now[t].epoch);
        entries += mr_state_entries_count(mr_task_state(before.tasks[t]));
        (void)!mr_state_entries(mr_task_state(before.tasks[t]), mr_chunk_writer_add, &then, &r.err);
        (void)!mr_state_entries(mr_task_state(after.tasks[t]), mr_chunk_writer_add, &now, &r.err);
        mr_chunk_writer_finish(&then);
        mr_chunk_writer_finish(&now);
        cr_expect_eq(then.check, now.check, "task %d", t);
        cr_expect_eq(then.bytes.length, now.bytes.length);
        mr_chunk_writer_release(&then);
        mr_chunk_writer_release(&now);
        for (uint32_t i = 0; i < before.records[t].inputs_count; i++)
            cr_expect_eq(after.records[t].inputs[i].offset_next,
                         before.records[t].inputs[i].offset_next);
    }
    cr_expect_gt(entries, 0);
    mr_moving_close(&before);
    mr_moving_close(&after);
    mr_rig_tear_down(&r);
}

Test(transplant, it_is_refused_when_the_job_has_gone_on)
{
    mr_rig r;
    mr_moving m;
    set_up(&r);
    live(&r, 1000);
    mr_point to = mr_moving_before_the_end(&r, 1);
    mr_moving_open(&r, &m);
    mr_moving_look(&r, &m, to);
    live(&r, 300);
    cr_expect_eq(mr_moving_run(&r, &m, &r.job.plan, "sim.state"), MR_E_TRANSPLANT, "%s",
                 r.err.message);
    mr_moving_close(&m);
    mr_sim_pass(&r.world, 60000);
    mr_rig_finish(&r); /* and nothing has come of it: each result once */
    mr_rig_tear_down(&r);
}

/* A clock for who waits: whenever he looks at it, a worker has gone on. */
static int64_t worker_goes_on(const mr_clock *clock)
{
    mr_rig *r = clock->state;
    for (int i = 0; i < STEPS_A_LOOK; i++)
        cr_assert(mr_rig_step(r, 0), "MR%d %s", r->err.status, r->err.message);
    return mr_sim_clock(&r->world)->monotonic_us(mr_sim_clock(&r->world));
}

/* It has committed nothing since the job was looked at, and answers the group. */
Test(transplant, it_is_refused_while_another_member_is_in_the_group)
{
    mr_rig r;
    mr_moving m;
    set_up(&r);
    live(&r, 1000);
    mr_clock clock = {.monotonic_us = worker_goes_on, .state = &r};
    mr_point to = mr_moving_before_the_end(&r, 1);
    mr_moving_open(&r, &m);
    mr_moving_look(&r, &m, to);
    mr_rig_start(&r, 0, false);
    mr_rig_step_until(&r, 0, MR_WORKER_RUN);
    m.clock = &clock;
    cr_expect_eq(mr_moving_run(&r, &m, &r.job.plan, "sim.state"), MR_E_TRANSPLANT, "MR%d %s",
                 r.err.status, r.err.message);
    cr_expect_not_null(strstr(r.err.message, "has other members"), "%s", r.err.message);
    mr_moving_close(&m);
    mr_worker_request_stop(r.seats[0].worker);
    mr_rig_step_until(&r, 0, MR_WORKER_STOPPED);
    mr_rig_stop(&r, 0);
    mr_sim_pass(&r.world, 60000);
    mr_rig_finish(&r); /* each result once */
    mr_rig_tear_down(&r);
}

/* It stands still for so long that the group has given it up, and goes on behind the move. */
Test(transplant, a_worker_that_stood_still_meanwhile_writes_nothing_that_counts)
{
    mr_rig r;
    mr_moving m;
    set_up(&r);
    r.law->is_repeating = true;
    live(&r, 1000);
    mr_rig_start(&r, 0, false);
    mr_rig_step_until(&r, 0, MR_WORKER_RUN);
    for (int i = 0; i < 40; i++) {
        mr_rig_feed(&r, 1, 4);
        cr_assert(mr_rig_step(&r, 0), "%s", r.err.message);
    }
    mr_moving_open(&r, &m);
    cr_expect_neq(m.log->class->delete_group(m.log, "sim", &r.err), MR_OK, "it has members");
    mr_moving_look(&r, &m, mr_moving_before_the_end(&r, 2));
    cr_assert_eq(mr_moving_run(&r, &m, &r.job.plan, "sim.state"), MR_OK, "MR%d %s", r.err.status,
                 r.err.message);
    mr_moving_close(&m);
    for (int s = 0; s < 400; s++)
        cr_assert(mr_rig_step(&r, 0), "MR%d %s", r.err.status, r.err.message);
    mr_worker_request_stop(r.seats[0].worker);
    mr_rig_step_until(&r, 0, MR_WORKER_STOPPED);
    mr_rig_stop(&r, 0);
    mr_sim_pass(&r.world, 60000);
    mr_rig_finish(&r);
    mr_rig_tear_down(&r);
}

/* Its offsets were taken, and all it has still to say is that the epoch counts. */
Test(transplant, a_worker_that_stood_still_before_its_decision_is_not_heard_any_more)
{
    mr_rig r;
    mr_moving m;
    set_up(&r);
    r.law->is_repeating = true;
    r.is_pipelined = true;
    r.job.plan.transaction_timeout_ms = 600000; /* the broker will not end it */
    live(&r, 1000);
    mr_rig_start(&r, 0, false);
    mr_rig_step_until(&r, 0, MR_WORKER_RUN);
    mr_memory_process *process = mr_sim_process(&r.world, 0);
    mr_rig_stop_before_decision(&r, 0);
    mr_moving_open(&r, &m);
    mr_moving_look(&r, &m, mr_moving_before_the_end(&r, 2));
    cr_assert_eq(mr_moving_run(&r, &m, &r.job.plan, "sim.state"), MR_OK, "MR%d %s", r.err.status,
                 r.err.message);
    mr_moving_close(&m);
    mr_memory_process_resume(process);
    for (int s = 0; s < 400; s++)
        cr_assert(mr_rig_step(&r, 0), "MR%d %s", r.err.status, r.err.message);
    mr_worker_request_stop(r.seats[0].worker);
    mr_rig_step_until(&r, 0, MR_WORKER_STOPPED);
    mr_rig_stop(&r, 0);
    mr_sim_pass(&r.world, 60000);
    mr_rig_finish(&r);
    mr_rig_tear_down(&r);
}

static bool is_open(mr_rig *r)
{
    bool is_any = false;
    for (int32_t t = 0; t < TASKS; t++) {
        mr_log_ends ends = {.topic = "sim.state", .partition = t};
        cr_assert_eq(r->world.outside->class->ends(r->world.outside, &ends, 1, &r->err), MR_OK);
        is_any = is_any || ends.stable < ends.high;
    }
    return is_any;
}

static mr_status move_back_now(mr_rig *r, uint64_t dies_in)
{
    mr_moving m;
    mr_point to = mr_moving_before_the_end(r, 2);
    mr_moving_open(r, &m);
    mr_moving_look(r, &m, to);
    mr_sim_kill_at(&r->world, 1, dies_in, MR_MEMORY_CRASH_DRAWN);
    mr_status status = mr_moving_run(r, &m, &r->job.plan, "sim.state");
    mr_moving_close(&m);
    return status;
}

/* Died between any two of its calls. Its session and the claim's own transaction are over when the
 * next owner comes, and the one that moves the job is not. */
Test(transplant, one_that_died_amid_its_transaction_is_ended_by_the_next_owner)
{
    bool has_died = true;
    uint32_t held = 0;
    for (uint64_t calls = 1; has_died; calls++) {
        mr_rig r;
        set_up(&r);
        r.law->is_repeating = true;
        live(&r, 600);
        has_died = move_back_now(&r, calls) == MR_E_CRASHED;
        mr_sim_pass(&r.world, 60000);
        held += is_open(&r);
        const mr_clock *clock = mr_sim_clock(&r.world);
        int64_t began_us = clock->monotonic_us(clock);
        mr_rig_start(&r, 0, false);
        mr_rig_step_until(&r, 0, MR_WORKER_RUN);
        cr_expect_lt(clock->monotonic_us(clock) - began_us, SOON_US, "died in call %" PRIu64,
                     calls);
        mr_rig_stop(&r, 0);
        mr_sim_pass(&r.world, 60000);
        mr_rig_finish(&r);
        mr_rig_tear_down(&r);
    }
    cr_expect_gt(held, 5);
}

static void forks(bool from_checkpoint)
{
    mr_rig r;
    mr_moving m;
    set_up(&r);
    live(&r, 1500);
    mr_moving_open(&r, &m);
    if (from_checkpoint) { /* of what came after it, results come twice */
        char ids[TASKS][MR_MANIFEST_ID_SIZE];
        mr_shelf shelf;
        r.law->is_repeating = true;
        cr_assert_eq(mr_shelf_read(m.blobs, "sim", 1, MR_BLOB_MANIFESTS, &shelf, &r.err), MR_OK);
        cr_assert_gt(shelf.count, 0);
        cr_assert_eq(r.world.outside->class->delete_topic(r.world.outside, "sim.state", &r.err),
                     MR_OK);
        cr_assert_eq(mr_images_pick(&m.moments, 1, shelf.items[0].id, ids, &r.err), MR_OK, "%s",
                     r.err.message);
        for (uint32_t t = 0; t < TASKS; t++)
            cr_assert_eq(mr_image_restore(&m.moments, t, ids[t], &m.io, &m.arena, &m.tasks[t],
                                          &m.records[t], &r.err),
                         MR_OK, "%s", r.err.message);
        mr_shelf_release(&shelf);
    } else {
        mr_moving_look(&r, &m, (mr_point){.kind = MR_POINT_END});
    }
    for (int t = 0; t < TASKS; t++)
        m.transplants[t] = (mr_transplant_task){.task = m.tasks[t], .record = &m.records[t]};
    r.job.plan.job = "trial";
    mr_sim_create(&r.world, "trial.state", TASKS);
    cr_assert_eq(mr_moving_run(&r, &m, &r.job.plan, "trial.state"), MR_OK, "MR%d %s", r.err.status,
                 r.err.message);
    mr_moving_close(&m);
    mr_sim_pass(&r.world, 60000);
    live(&r, 600);
    mr_rig_finish(&r);
    mr_rig_tear_down(&r);
}

Test(transplant, a_fork_goes_on_where_the_job_was)
{
    forks(false);
}

Test(transplant, a_fork_of_a_checkpoint_needs_nothing_else)
{
    forks(true);
}

static bool has_topic(mr_rig *r, const char *topic)
{
    mr_topic_facts facts;
    mr_log *log = r->world.outside;
    cr_assert_eq(log->class->describe(log, topic, &facts, &r->err), MR_OK);
    return facts.exists;
}

/* A worker under the name of a fork that was broken off. */
static void expect_refusal(mr_rig *r)
{
    if (!has_topic(r, "trial.fork"))
        return; /* nothing of it is there */
    mr_rig_start(r, 0, false);
    for (int s = 0; mr_rig_step(r, 0); s++)
        cr_assert_lt(s, 100, "it runs");
    cr_expect_eq(r->err.status, MR_E_STATE_PARTIAL, "%s", r->err.message);
    mr_rig_stop(r, 0);
}

static mr_status fork_now(mr_rig *r, uint64_t dies_in)
{
    mr_moving m;
    mr_sim_kill_at(&r->world, 1, UINT64_MAX / 2, MR_MEMORY_CRASH_DRAWN);
    mr_moving_open(r, &m);
    r->job.plan.job = "sim";
    mr_moving_look(r, &m, (mr_point){.kind = MR_POINT_END});
    for (int t = 0; t < TASKS; t++)
        m.transplants[t] = (mr_transplant_task){.task = m.tasks[t], .record = &m.records[t]};
    r->job.plan.job = "trial";
    mr_transplant moved = {.plan = &r->job.plan,
                           .log = m.log,
                           .clock = mr_sim_clock(&r->world),
                           .state_topic = "trial.state",
                           .transactional_id = "trial-fork",
                           .tasks = m.transplants};
    mr_sim_kill_at(&r->world, 1, dies_in, MR_MEMORY_CRASH_DRAWN);
    mr_status status = mr_fork_run(&moved, &r->err);
    mr_moving_close(&m);
    mr_sim_pass(&r->world, 60000);
    return status;
}

/* Between any two of its calls. */
Test(transplant, a_fork_that_was_broken_off_is_no_new_job_and_is_finished_by_the_next)
{
    bool has_died = true;
    uint32_t refused = 0;
    for (uint64_t calls = 1; has_died; calls++) {
        mr_rig r;
        set_up(&r);
        live(&r, 600);
        has_died = fork_now(&r, calls) == MR_E_CRASHED;
        refused += has_died && has_topic(&r, "trial.fork");
        expect_refusal(&r);
        bool is_whole = has_topic(&r, "trial.state") && !has_topic(&r, "trial.fork");
        mr_status status = fork_now(&r, UINT64_MAX / 2);
        cr_assert_eq(status, is_whole ? MR_E_TRANSPLANT : MR_OK, "died in call %" PRIu64 ": %s",
                     calls, r.err.message);
        cr_expect_not(has_topic(&r, "trial.fork"));
        live(&r, 300);
        mr_rig_finish(&r);
        mr_rig_tear_down(&r);
    }
    cr_expect_gt(refused, 10);
}
