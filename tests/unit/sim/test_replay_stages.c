/*
 * Goal: a replay of a job with stages behind an exchange gives exactly what the live job gave,
 * epoch by epoch, whoever read which frames in what order. Method: the simulator's job cut at its
 * exchange, one to four upstream and two to five downstream tasks on one or two workers that die,
 * leave and come back, frames from hand to hand and through their topic, which is trimmed; rows out
 * of order, late and broken, two partitions idle for a while.
 */
#include "tests/unit/sim/replay_side.h"

#include <criterion/criterion.h>
#include <inttypes.h>

static const mr_point the_beginning = {.kind = MR_POINT_EPOCH, .epoch = 0};
static const mr_point the_end = {.kind = MR_POINT_END};

static void set_up(mr_rig *r, uint64_t seed)
{
    static const uint32_t tasks[] = {1, 2, 4, 2};
    mr_rig_set_up(r, &(mr_rig_options){.seed = seed * 5 + 2,
                                       .workers = 3,
                                       .out_partitions = 2,
                                       .job = {.tasks_count = tasks[seed % 4],
                                               .later_tasks = 2 + (uint32_t)(seed % 4),
                                               .is_hop = seed % 3 == 1,
                                               .is_session = seed % 3 == 2,
                                               .is_join = seed % 11 == 5,
                                               .idle_timeout_ms = 60}});
    r->random = seed;
    r->is_pipelined = seed % 2 == 0;
    r->takes_checkpoints = false;
    r->config.is_dynamic_member = true;
    r->config.base_bytes_min = UINT64_MAX;
    r->config.trim_epochs = 4;
    r->config.are_frames_sent = seed % 7 == 3;
}

static void expect_equal(const mr_replay_side *s, uint64_t seed)
{
    cr_expect_gt(s->sum.equal, 0, "seed %" PRIu64, seed);
    cr_expect_eq(s->sum.missing, 0, "seed %" PRIu64 ": %" PRIu64 " of %" PRIu64, seed,
                 s->sum.missing, s->sum.equal);
    cr_expect_eq(s->sum.unexpected, 0, "seed %" PRIu64 ": %" PRIu64 " of %" PRIu64, seed,
                 s->sum.unexpected, s->sum.equal);
}

Test(replay_stages, from_the_beginning_it_gives_what_the_live_job_gave, .timeout = 500)
{
    for (uint64_t seed = 1; seed <= 30; seed++) {
        mr_rig r;
        mr_replay_side s;
        set_up(&r, seed);
        (void)mr_rig_live(&r, 3000, seed % 3 != 0, true);
        mr_replay_side_run(&r, &s, the_beginning, the_end);
        expect_equal(&s, seed);
        mr_replay_side_expect_same_text(&r);
        mr_replay_side_close(&s);
        mr_rig_tear_down(&r);
    }
}

/* A base may have come so late that no task has heard of anything behind it: there is no moment to
 * begin at then, and that is said. */
static bool is_too_short(mr_rig *r)
{
    mr_replay_side s;
    mr_point first = {.kind = MR_POINT_EARLIEST};
    bool is_refused = mr_replay_side_open(r, &s, first, the_end) == MR_E_MOMENT;
    mr_replay_side_close(&s);
    return is_refused;
}

/* Where logs were trimmed and moments lie apart: what is in flight between them is made again. */
static void replays_the_rest(bool takes_checkpoints)
{
    uint64_t equal = 0;
    uint32_t too_short = 0;
    for (uint64_t seed = 1; seed <= 12; seed++) {
        mr_rig r;
        mr_replay_side s;
        set_up(&r, seed);
        r.takes_checkpoints = takes_checkpoints;
        r.config.base_bytes_min = takes_checkpoints ? UINT64_MAX : 12000;
        (void)mr_rig_live(&r, 4000, seed % 3 != 0, true);
        if (is_too_short(&r)) {
            too_short++;
            mr_rig_tear_down(&r);
            continue;
        }
        mr_replay_side_run(&r, &s, (mr_point){.kind = MR_POINT_EARLIEST}, the_end);
        cr_expect_eq(s.sum.missing, 0, "seed %" PRIu64, seed);
        cr_expect_eq(s.sum.unexpected, 0, "seed %" PRIu64, seed);
        equal += s.sum.equal;
        mr_replay_side_close(&s);
        mr_rig_tear_down(&r);
    }
    cr_expect_gt(equal, 1000, "%" PRIu64, equal);
    cr_expect_leq(too_short, 2, "%" PRIu32 " of 12", too_short);
}

Test(replay_stages, from_the_first_bases_on_when_logs_were_trimmed, .timeout = 500)
{
    replays_the_rest(false);
}

Test(replay_stages, from_the_oldest_checkpoints_on, .timeout = 500)
{
    replays_the_rest(true);
}

Test(replay_stages, between_two_times_only_those_rows_whatever_was_in_flight, .timeout = 500)
{
    for (uint64_t seed = 1; seed <= 12; seed++) {
        mr_rig r;
        mr_replay_side first, second, whole;
        set_up(&r, seed);
        mr_point middle = {.kind = MR_POINT_TIME,
                           .time_ms = mr_rig_live(&r, 3000, seed % 3 != 0, true)};
        mr_replay_side_run(&r, &first, the_beginning, middle);
        expect_equal(&first, seed);
        mr_replay_side_close(&first);
        mr_replay_side_run(&r, &second, middle, the_end);
        expect_equal(&second, seed);
        mr_replay_side_close(&second);
        mr_replay_side_run(&r, &whole, the_beginning, the_end);
        expect_equal(&whole, seed);
        cr_expect_eq(whole.sum.equal, first.sum.equal + second.sum.equal, "seed %" PRIu64, seed);
        mr_replay_side_close(&whole);
        mr_rig_tear_down(&r);
    }
}

Test(replay_stages, another_text_of_the_job_is_found_and_played_to_the_end)
{
    mr_rig r;
    mr_replay_side s;
    set_up(&r, 4);
    (void)mr_rig_live(&r, 2500, true, true);
    /* Not a part of the plan's version here: the window's offset, in both stages. */
    r.job.window.offset_ms = 3;
    cr_assert_eq(mr_replay_side_open(&r, &s, the_beginning, the_end), MR_OK, "%s", r.err.message);
    cr_assert_eq(mr_replay_run(s.replay, &r.err), MR_OK, "%s", r.err.message);
    cr_expect_neq(mr_replay_difference_of(s.replay)->task, UINT32_MAX);
    mr_replay_side_compare(&r, &s);
    cr_expect_gt(s.sum.missing, 0);
    cr_expect_gt(s.sum.unexpected, 0);
    mr_replay_side_close(&s);
    mr_rig_tear_down(&r);
}
