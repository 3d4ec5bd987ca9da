/*
 * Goal: a replay gives exactly what the live job gave, on time, late and dead, from its beginning,
 * from a base, from a checkpoint and between two times; what differs is found; what cannot be
 * replayed is refused with the reason. Method: the simulator's job on four partitions, two of them
 * idle for a while, with rows out of order, late and broken, its worker killed now and then; its
 * topics against the replay's, record by record, and by compare.
 */
#include "engine/checkpoint/shelf.h"
#include "tests/unit/sim/replay_side.h"

#include <criterion/criterion.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

static void set_up(mr_rig *r, uint32_t tasks, uint64_t seed)
{
    mr_rig_set_up(r, &(mr_rig_options){.seed = seed * 3 + 1,
                                       .workers = 2,
                                       .out_partitions = 2,
                                       .job = {.tasks_count = tasks,
                                               .is_hop = seed % 4 == 1,
                                               .is_session = seed % 4 == 2,
                                               .is_join = seed % 4 == 3,
                                               .idle_timeout_ms = 60,
                                               .drift_max_ms = seed % 2 == 0 ? 4 : 0}});
    r->random = seed;
    r->is_pipelined = true;
    r->takes_checkpoints = false;
    r->config.base_bytes_min = UINT64_MAX;
    r->config.checkpoints.count_max = 3;
}

/* Wall time about half way. */
static int64_t live(mr_rig *r, uint32_t steps)
{
    int64_t middle_ms = 0;
    mr_rig_start(r, 0, false);
    for (uint32_t s = 0; s < steps; s++) {
        if (s % 15 == 0 && s < steps - 300)
            mr_rig_feed_mixed(r);
        if (s == steps / 2)
            middle_ms = mr_sim_clock(&r->world)->wall_ms(mr_sim_clock(&r->world));
        if (s % 700 == 699)
            mr_sim_kill_at(&r->world, 0, 1 + mr_rig_draw(r, 60), MR_MEMORY_CRASH_DRAWN);
        if (mr_rig_step(r, 0))
            continue;
        cr_assert_eq(r->err.status, MR_E_CRASHED, "MR%d %s", r->err.status, r->err.message);
        mr_rig_stop(r, 0);
        mr_rig_start(r, 0, false);
    }
    mr_worker_request_stop(r->seats[0].worker);
    while (mr_worker_phase_of(r->seats[0].worker) < MR_WORKER_STOPPED)
        if (!mr_rig_step(r, 0))
            break; /* killed: what is committed counts */
    mr_rig_stop(r, 0);
    mr_sim_pass(&r->world, 20000); /* what it left open is over */
    return middle_ms;
}

static const mr_point the_beginning = {.kind = MR_POINT_EPOCH, .epoch = 0};
static const mr_point the_end = {.kind = MR_POINT_END};

static void expect_equal(const mr_replay_side *s)
{
    cr_expect_gt(s->sum.equal, 0);
    cr_expect_eq(s->sum.missing, 0, "%" PRIu64 " of %" PRIu64, s->sum.missing, s->sum.equal);
    cr_expect_eq(s->sum.unexpected, 0, "%" PRIu64 " of %" PRIu64, s->sum.unexpected, s->sum.equal);
}

Test(replay, from_the_beginning_it_gives_what_the_live_job_gave)
{
    for (uint64_t seed = 1; seed <= 24; seed++) {
        mr_rig r;
        mr_replay_side s;
        set_up(&r, seed % 3 == 0 ? 4 : (uint32_t)(seed % 3), seed);
        (void)live(&r, 3000);
        mr_replay_side_run(&r, &s, the_beginning, the_end);
        expect_equal(&s);
        cr_expect_eq(s.sum.edge, 0, "seed %" PRIu64, seed);
        mr_replay_side_expect_same_text(&r);
        mr_replay_side_close(&s);
        mr_rig_tear_down(&r);
    }
}

Test(replay, an_altered_row_a_lost_one_and_one_too_many_are_found)
{
    mr_rig r;
    mr_replay_side s;
    set_up(&r, 2, 5);
    (void)live(&r, 2500);
    mr_replay_side_run(&r, &s, the_beginning, the_end);
    expect_equal(&s);
    uint64_t equal = s.sum.equal;
    mr_sim_put(&r.world, "late.replay", 0, NULL, "k1|1|1", MR_TIME_NONE);
    mr_replay_side_compare(&r, &s);
    cr_expect_eq(s.sum.equal, equal);
    cr_expect_eq(s.sum.unexpected, 1);
    cr_expect_eq(s.sum.missing, 0);
    cr_expect_eq(s.shown, 1);
    mr_replay_side_close(&s);
    /* What somebody else wrote to the live topic is not of the job: altered from where we see. */
    mr_sim_put(&r.world, "out", 0, NULL, "k1|100|110|4|29", MR_TIME_NONE);
    mr_replay_side_run(&r, &s, the_beginning, the_end);
    cr_expect_eq(s.sum.missing, 1);
    cr_expect_eq(s.sum.unexpected, 0);
    cr_expect_eq(s.shown, 1);
    mr_replay_side_close(&s);
    mr_rig_tear_down(&r);
}

Test(replay, another_text_of_the_job_is_found_and_where_it_begins_to_differ)
{
    mr_rig r;
    mr_replay_side s;
    set_up(&r, 1, 4);
    (void)live(&r, 2500);
    /* Not a part of the plan's version here: the window's offset. */
    r.job.window.offset_ms = 3;
    cr_assert_eq(mr_replay_side_open(&r, &s, the_beginning, the_end), MR_OK, "%s", r.err.message);
    cr_assert_eq(mr_replay_run(s.replay, &r.err), MR_OK, "%s", r.err.message);
    cr_expect_eq(mr_replay_difference_of(s.replay)->task, 0);
    mr_replay_side_compare(&r, &s);
    cr_expect_gt(s.sum.missing, 0);
    cr_expect_gt(s.sum.unexpected, 0);
    cr_expect_gt(s.shown, 2);
    mr_replay_side_close(&s);
    mr_rig_tear_down(&r);
}

Test(replay, from_the_first_base_on_when_the_log_was_trimmed)
{
    uint64_t equal = 0;
    for (uint64_t seed = 1; seed <= 6; seed++) {
        mr_rig r;
        mr_replay_side s;
        set_up(&r, 1, seed);
        r.config.base_bytes_min = 12000;
        (void)live(&r, 3000);
        cr_assert_gt(mr_rig_log_start(&r, 0), 0);
        cr_expect_eq(mr_replay_side_open(&r, &s, the_beginning, the_end), MR_E_MOMENT);
        cr_expect(strstr(r.err.message, "begins with epoch") != NULL, "%s", r.err.message);
        s.blobs->class->close(s.blobs);
        s.log->class->close(s.log);
        mr_replay_side_run(&r, &s, (mr_point){.kind = MR_POINT_EARLIEST}, the_end);
        cr_expect_gt(mr_replay_from(s.replay)[0].epoch, 0);
        cr_expect_eq(s.sum.missing, 0);
        cr_expect_eq(s.sum.unexpected, 0);
        equal += s.sum.equal;
        mr_replay_side_close(&s);
        mr_rig_tear_down(&r);
    }
    cr_expect_gt(equal, 100);
}

Test(replay, from_checkpoints_of_all_tasks)
{
    for (uint64_t seed = 1; seed <= 6; seed++) {
        mr_rig r;
        mr_replay_side s;
        set_up(&r, seed % 2 == 0 ? 2 : 1, seed);
        r.takes_checkpoints = true;
        (void)live(&r, 4000);
        mr_replay_side_run(&r, &s, (mr_point){.kind = MR_POINT_EARLIEST}, the_end);
        cr_expect_gt(mr_replay_from(s.replay)[0].epoch, 0);
        expect_equal(&s);
        mr_replay_side_close(&s);
        mr_shelf shelf;
        mr_blobs *blobs = mr_sim_blobs_open(r.world.blobs, mr_sim_process(&r.world, 1));
        cr_assert_eq(mr_shelf_read(blobs, "sim", 0, MR_BLOB_MANIFESTS, &shelf, &r.err), MR_OK);
        cr_assert_gt(shelf.count, 0);
        mr_shelf_item *newest = &shelf.items[shelf.count - 1];
        mr_replay_side_run(
            &r, &s, (mr_point){.kind = MR_POINT_CHECKPOINT, .task = 0, .id = newest->id}, the_end);
        cr_expect_eq(mr_replay_from(s.replay)[0].epoch, newest->epoch);
        cr_expect_eq(s.sum.missing, 0);
        cr_expect_eq(s.sum.unexpected, 0);
        mr_replay_side_close(&s);
        mr_shelf_release(&shelf);
        blobs->class->close(blobs);
        mr_rig_tear_down(&r);
    }
}

Test(replay, between_two_times_only_those_rows)
{
    mr_rig r;
    mr_replay_side s;
    set_up(&r, 1, 8);
    mr_point middle = {.kind = MR_POINT_TIME, .time_ms = live(&r, 4000)};
    mr_replay_side_run(&r, &s, the_beginning, middle);
    expect_equal(&s);
    uint64_t first = s.sum.equal;
    mr_replay_side_close(&s);
    mr_replay_side_run(&r, &s, middle, the_end);
    expect_equal(&s);
    uint64_t second = s.sum.equal;
    mr_replay_side_close(&s);
    mr_replay_side_run(&r, &s, the_beginning, the_end);
    expect_equal(&s);
    cr_expect_eq(s.sum.equal, first + second);
    mr_replay_side_close(&s);
    mr_rig_tear_down(&r);
}

Test(replay, it_is_refused_when_a_source_no_longer_reaches_back)
{
    mr_rig r;
    mr_replay_side s;
    set_up(&r, 2, 3);
    (void)live(&r, 2000);
    cr_assert_eq(r.world.outside->class->trim(r.world.outside, "in", 1, 5, &r.err), MR_OK);
    cr_expect_eq(mr_replay_side_open(&r, &s, the_beginning, the_end), MR_E_REPLAY_GONE);
    cr_expect(strstr(r.err.message, "in[1] begins at offset 5 now, and is needed from 0") != NULL,
              "%s", r.err.message);
    s.blobs->class->close(s.blobs);
    s.log->class->close(s.log);
    mr_topic_facts facts;
    cr_assert_eq(r.world.outside->class->describe(r.world.outside, "out.replay", &facts, &r.err),
                 MR_OK);
    cr_expect_not(facts.exists, "nothing is made before it is known to work");
    mr_rig_tear_down(&r);
}
