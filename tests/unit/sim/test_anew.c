/*
 * Goal: an exchange topic that is deleted and made anew while nobody runs is not taken for the one
 * that was: what lay there unread would be lost in silence. A topic that is still the same, or of a
 * job that knows nothing of the old one, is never refused. Method: the simulator's job cut at its
 * exchange, frames sent the long way, killed behind a commit; then the topic is made anew from
 * outside, in whole or not at all.
 */
#include "engine/exchange/topic.h"
#include "tests/unit/sim/moving.h"

#include <criterion/criterion.h>
#include <inttypes.h>
#include <string.h>

#define TOPIC "sim.exchange.0"
#define COMMITS 8

static void set_up(mr_rig *r, uint32_t later)
{
    mr_rig_set_up(r,
                  &(mr_rig_options){.workers = 4, .job = {.tasks_count = 1, .later_tasks = later}});
    r->law->is_in_order = true;
    r->config.are_frames_sent = true;
    r->config.base_bytes_min = UINT64_MAX; /* a rewind wants the past */
    r->takes_checkpoints = false;
}

static void step(mr_rig *r, uint32_t s)
{
    cr_assert_lt(s, (uint32_t)MR_RIG_STEPS_MAX);
    if (s % 20 == 0)
        mr_rig_feed(r, 1, 10);
    cr_assert(mr_rig_step(r, 0), "MR%d %s", r->err.status, r->err.message);
}

/* All is over that the worker left open. */
static void kill_worker(mr_rig *r)
{
    mr_memory_process_kill(mr_sim_process(&r->world, 0));
    mr_rig_stop(r, 0);
    mr_sim_pass(&r->world, 60000);
}

static void live(mr_rig *r, uint64_t commits)
{
    r->stats.commits = 0;
    mr_rig_start(r, 0, false);
    for (uint32_t s = 0; r->stats.commits < commits; s++)
        step(r, s);
    kill_worker(r);
}

static void make_anew(mr_rig *r)
{
    mr_log *log = r->world.outside;
    const mr_exchange *exchange = r->job.plan.stages[1].sources[0].exchange;
    cr_assert_eq(log->class->delete_topic(log, TOPIC, &r->err), MR_OK);
    cr_assert_eq(mr_exchange_create_topic(log, TOPIC, exchange, &r->err), MR_OK);
}

/* Frames lie in a partition of which the job has committed no offset, or the first one: offsets
 * alone do not tell that another topic stands there now. */
static bool is_unread(mr_rig *r, int32_t partition)
{
    mr_arena arena = {0};
    mr_log *log = r->world.outside;
    mr_log_ends ends = {.topic = TOPIC, .partition = partition};
    mr_log_offset read = {.topic = TOPIC, .partition = partition};
    cr_assert_eq(log->class->ends(log, &ends, 1, &r->err), MR_OK);
    cr_assert_eq(log->class->group_offsets(log, "sim", &read, 1, &arena, &r->err), MR_OK);
    mr_arena_release(&arena);
    return ends.high > 0 && read.offset <= 0;
}

static void expect_refused(mr_rig *r)
{
    mr_rig_start(r, 0, true);
    bool is_good = true;
    for (uint32_t s = 0; is_good && r->stats.phase != MR_WORKER_FINISHED; s++) {
        cr_assert_lt(s, (uint32_t)MR_RIG_STEPS_MAX);
        is_good = mr_rig_step(r, 0);
    }
    cr_assert_not(is_good, "it runs to its end, without what was lost");
    cr_expect_eq(r->err.status, MR_E_STATE_PARTIAL, "MR%d %s", r->err.status, r->err.message);
    cr_expect_not_null(strstr(r->err.message, "`" TOPIC "` was deleted and made anew"), "%s",
                       r->err.message);
    mr_rig_stop(r, 0);
    mr_sim_pass(&r->world, 60000);
}

static void rewind_to_the_end(mr_rig *r)
{
    mr_moving m;
    mr_moving_open(r, &m);
    mr_moving_look(r, &m, (mr_point){.kind = MR_POINT_END});
    cr_assert_eq(mr_moving_run(r, &m, &r->job.plan, "sim.state"), MR_OK, "MR%d %s", r->err.status,
                 r->err.message);
    mr_moving_close(&m);
    mr_sim_pass(&r->world, 60000);
}

Test(anew, a_topic_with_frames_that_nobody_had_read_is_missed_and_a_rewind_sends_them_again)
{
    uint32_t unread = 0;
    for (uint64_t commits = 1; commits <= COMMITS; commits++) {
        mr_rig r;
        set_up(&r, 2);
        live(&r, commits);
        unread += is_unread(&r, 0) || is_unread(&r, 1);
        make_anew(&r);
        expect_refused(&r);
        rewind_to_the_end(&r);
        mr_rig_finish(&r); /* each result once */
        mr_rig_tear_down(&r);
    }
    cr_expect_gt(unread, 0);
}

static mr_log_member *join(mr_rig *r, const char *instance_id)
{
    mr_log_member *member;
    mr_log *log = r->world.outside;
    mr_member_options options = {.group = "sim", .instance_id = instance_id, .topic = "sim.state"};
    cr_assert_eq(log->class->open_member(log, &options, &member, &r->err), MR_OK);
    return member;
}

/* Is given a task, and never comes to it. */
static void answer(mr_rig *r, mr_log_member *member, int32_t task)
{
    mr_member_event event;
    cr_assert_eq(member->class->poll(member, 0, &event, &r->err), MR_OK);
    if (event.kind == MR_MEMBER_ASSIGNED)
        cr_assert(event.partitions_count == 1 && event.partitions[0] == task);
    else if (event.kind != MR_MEMBER_NOTHING)
        cr_assert_eq(member->class->release(member, &r->err), MR_OK);
}

/* The tasks behind the exchange have written no word yet. */
Test(anew, a_topic_that_its_sender_alone_knows_is_missed)
{
    mr_rig r;
    mr_log_member *others[2];
    set_up(&r, 2);
    mr_rig_start(&r, 0, false);
    mr_rig_step_until(&r, 0, MR_WORKER_JOIN); /* the state topic is there */
    others[0] = join(&r, "w1"); /* behind the worker, w0, whose is the first task then */
    others[1] = join(&r, "w2");
    for (uint32_t s = 0; r.stats.commits < COMMITS; s++) {
        step(&r, s);
        for (int i = 0; i < 2; i++)
            answer(&r, others[i], i + 1);
    }
    kill_worker(&r);
    for (int i = 0; i < 2; i++)
        others[i]->class->close(others[i]);
    cr_expect(is_unread(&r, 0) && is_unread(&r, 1));
    make_anew(&r);
    expect_refused(&r);
    mr_rig_tear_down(&r);
}

static mr_status no_ids(mr_log *log, const char *const *topics, uint32_t count, mr_topic_id *ids,
                        mr_error *err)
{
    (void)log;
    (void)topics;
    (void)err;
    memset(ids, 0, count * sizeof *ids);
    return MR_OK;
}

static void forget_ids(mr_rig *r, mr_log_class *class)
{
    *class = *r->seats[0].log->class;
    class->topic_ids = no_ids;
    r->seats[0].log->class = class;
}

/* Their sender's worker is of an older version. */
Test(anew, a_topic_that_its_readers_alone_know_is_missed)
{
    mr_rig r;
    mr_log_class class;
    set_up(&r, 2);
    for (uint32_t k = 0; k < 3; k++)
        mr_rig_start(&r, k, false);
    forget_ids(&r, &class);
    for (uint64_t behind = 0, s = 0; behind < 2; s++) {
        step(&r, (uint32_t)s);
        behind = 0;
        for (uint32_t k = 1; k < 3; k++) {
            cr_assert(mr_rig_step(&r, k), "MR%d %s", r.err.status, r.err.message);
            behind += r.stats.commits >= COMMITS;
        }
    }
    for (uint32_t k = 1; k < 3; k++) {
        mr_memory_process_kill(mr_sim_process(&r.world, k));
        mr_rig_stop(&r, k);
    }
    kill_worker(&r);
    make_anew(&r);
    expect_refused(&r);
    mr_rig_tear_down(&r);
}

Test(anew, a_topic_that_was_trimmed_or_widened_is_the_same)
{
    mr_rig r;
    set_up(&r, 2);
    r.config.trim_epochs = 2;
    live(&r, 20);
    mr_sim_grow(&r.world, TOPIC, 5);
    live(&r, 5);
    mr_rig_finish(&r);
    mr_rig_tear_down(&r);
}

Test(anew, a_job_that_was_reset_has_other_topics)
{
    mr_rig r;
    set_up(&r, 2);
    r.law->is_repeating = true;
    live(&r, 5);
    mr_log *log = mr_sim_connect(&r.world, 0);
    mr_worker_config config = {
        .plan = &r.job.plan, .log = log, .stores = mr_sim_stores(&r.world, 0)};
    cr_assert_eq(mr_worker_reset(&config, &r.err), MR_OK, "%s", r.err.message);
    log->class->close(log);
    live(&r, 5);
    mr_rig_finish(&r);
    mr_rig_tear_down(&r);
}

/* As of an older version, or of brokers that had none. */
Test(anew, records_without_ids_are_gone_on_from_and_the_next_ones_have_them)
{
    mr_rig r;
    mr_log_class class;
    set_up(&r, 2);
    mr_rig_start(&r, 0, false);
    forget_ids(&r, &class);
    for (uint32_t s = 0; r.stats.commits < COMMITS; s++)
        step(&r, s);
    kill_worker(&r);
    live(&r, COMMITS);
    make_anew(&r);
    expect_refused(&r);
    rewind_to_the_end(&r);
    mr_rig_finish(&r);
    mr_rig_tear_down(&r);
}
