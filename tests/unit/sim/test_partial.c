/*
 * Goal: a job without its state topic is a new one only where nothing else of it is left: neither
 * local state, nor offsets of its group, nor frames between its tasks. Method: a life of the
 * simulator's job, then all but one of these is taken away.
 */
#include "tests/unit/sim/rig.h"

#include <criterion/criterion.h>
#include <string.h>

#define STEPS_MAX 20000

typedef enum rest {
    REST_NONE,
    REST_LOCAL,
    REST_GROUP,
    REST_FRAMES,
} rest;

/* All that is left of the job is `what`. */
static void set_up(mr_rig *r, rest what)
{
    mr_sim_job_options job = {.tasks_count = 1, .later_tasks = what == REST_FRAMES ? 2 : 0};
    mr_rig_set_up(r, &(mr_rig_options){.job = job});
    r->takes_checkpoints = false;
    r->config.are_frames_sent = true;
    mr_rig_start(r, 0, false);
    for (uint32_t s = 0; r->stats.commits < 10; s++) {
        cr_assert_lt(s, (uint32_t)STEPS_MAX);
        if (s % 20 == 0)
            mr_rig_feed(r, 1, 10);
        cr_assert(mr_rig_step(r, 0), "%s", r->err.message);
    }
    mr_rig_stop(r, 0);
    mr_sim_pass(&r->world, 60000);
    mr_log *log = r->world.outside;
    cr_assert_eq(log->class->delete_topic(log, "sim.state", &r->err), MR_OK);
    if (what != REST_LOCAL)
        mr_sim_disk_wipe(r->world.worker[0].disk);
    if (what != REST_GROUP)
        cr_assert_eq(log->class->delete_group(log, "sim", &r->err), MR_OK, "%s", r->err.message);
}

static void expect_refused(rest what, const char *words)
{
    mr_rig r;
    set_up(&r, what);
    mr_rig_start(&r, 0, false);
    for (uint32_t s = 0; mr_rig_step(&r, 0); s++)
        cr_assert_lt(s, (uint32_t)STEPS_MAX, "%s: it goes on", words);
    cr_expect_eq(r.err.status, MR_E_STATE_PARTIAL, "MR%d %s", r.err.status, r.err.message);
    cr_expect_not_null(strstr(r.err.message, words), "no `%s` in %s", words, r.err.message);
    mr_rig_stop(&r, 0);
    mr_rig_tear_down(&r);
}

Test(partial, state_without_its_topic_is_refused_with_what_is_left)
{
    expect_refused(REST_LOCAL, "the job has local state;");
    expect_refused(REST_GROUP, "the job has committed offsets;");
    expect_refused(REST_FRAMES, "the job has rows in topic `sim.exchange.0`;");
}

Test(partial, where_nothing_is_left_the_job_is_new)
{
    mr_rig r;
    set_up(&r, REST_NONE);
    r.stats.commits = 0;
    mr_rig_start(&r, 0, false);
    for (uint32_t s = 0; r.stats.commits == 0; s++) {
        cr_assert_lt(s, (uint32_t)STEPS_MAX);
        cr_assert(mr_rig_step(&r, 0), "MR%d %s", r.err.status, r.err.message);
    }
    mr_rig_stop(&r, 0);
    mr_rig_tear_down(&r);
}
