/*
 * Goal: frames that no task needs any more leave their topics while the job runs; those that one
 * still reads stay; a topic that is gone is not taken for one that was read. Method: the
 * simulator's job cut at its exchange, all frames sent the long way; the topic is looked at from
 * outside after each commit, or deleted.
 */
#include "tests/unit/sim/rig.h"

#include <criterion/criterion.h>
#include <inttypes.h>
#include <string.h>

#define TRIM_EPOCHS 4
#define COMMITS 60

static mr_log_ends ends_of(mr_rig *r, int32_t partition, int64_t *start)
{
    mr_log *log = r->world.outside;
    mr_log_ends ends = {.topic = "sim.exchange.0", .partition = partition};
    cr_assert_eq(log->class->ends(log, &ends, 1, &r->err), MR_OK);
    cr_assert_eq(log->class->offset(log, ends.topic, partition, MR_OFFSET_EARLIEST, start, &r->err),
                 MR_OK);
    return ends;
}

Test(frames, that_were_taken_are_trimmed_while_the_job_runs)
{
    mr_rig r;
    const int32_t tasks = 2;
    mr_sim_job_options job = {.tasks_count = 1, .later_tasks = (uint32_t)tasks};
    mr_rig_set_up(&r, &(mr_rig_options){.job = job});
    r.config.trim_epochs = TRIM_EPOCHS;
    r.config.are_frames_sent = true;
    mr_rig_start(&r, 0, false);
    int64_t start, most = 0;
    for (uint32_t s = 0; r.stats.commits < COMMITS; s++) {
        cr_assert_lt(s, (uint32_t)MR_RIG_STEPS_MAX);
        if (s % 20 == 0)
            mr_rig_feed(&r, 1, 10);
        cr_assert(mr_rig_step(&r, 0), "%s", r.err.message);
        for (int32_t d = 0; d < tasks; d++) {
            mr_log_ends ends = ends_of(&r, d, &start);
            most = ends.high - start > most ? ends.high - start : most;
        }
    }
    for (int32_t d = 0; d < tasks; d++) {
        mr_log_ends ends = ends_of(&r, d, &start);
        cr_expect_gt(ends.high, COMMITS, "a frame and a marker with nearly every commit");
        cr_expect_gt(start, ends.high / 2, "%" PRId64 " of %" PRId64, start, ends.high);
    }
    /* What is sent between two looks, twice: it is taken in the epoch behind. */
    cr_expect_lt(most, 8 * TRIM_EPOCHS, "%" PRId64 " records at once", most);
    mr_rig_stop(&r, 0);
    mr_rig_finish(&r);
    mr_rig_tear_down(&r);
}

Test(frames, whose_topic_is_gone_are_not_taken_for_read)
{
    mr_rig r;
    mr_sim_job_options job = {.tasks_count = 1, .later_tasks = 2};
    mr_rig_set_up(&r, &(mr_rig_options){.job = job});
    mr_rig_start(&r, 0, false);
    for (uint32_t s = 0; r.stats.commits < 10; s++) {
        cr_assert_lt(s, (uint32_t)MR_RIG_STEPS_MAX);
        if (s % 20 == 0)
            mr_rig_feed(&r, 1, 10);
        cr_assert(mr_rig_step(&r, 0), "%s", r.err.message);
    }
    mr_rig_stop(&r, 0);
    mr_sim_pass(&r.world, 60000);
    mr_log *log = r.world.outside;
    cr_assert_eq(log->class->delete_topic(log, "sim.exchange.0", &r.err), MR_OK);
    mr_rig_start(&r, 0, false);
    for (uint32_t s = 0; mr_rig_step(&r, 0); s++)
        cr_assert_lt(s, (uint32_t)MR_RIG_STEPS_MAX, "it goes on");
    cr_expect_eq(r.err.status, MR_E_STATE_PARTIAL, "MR%d %s", r.err.status, r.err.message);
    cr_expect_not_null(strstr(r.err.message, "is missing, but the job has state"), "%s",
                       r.err.message);
    mr_rig_stop(&r, 0);
    mr_rig_tear_down(&r);
}
