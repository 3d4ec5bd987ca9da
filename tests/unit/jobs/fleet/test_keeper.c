/*
 * Goal: a keeper does what the last record of a job wishes, and nothing that no longer stands.
 * Method: a keeper on the simulated log; a second board writes wishes that need no Kafka to follow.
 */
#include "jobs/fleet/keeper.h"
#include "tests/sim/world.h"

#include <criterion/criterion.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#define MEMORY_MIB 150

typedef struct rig {
    mr_sim_world world;
    mr_board board, other;
    mr_logger logger;
    mr_keeper keeper;
    mr_error err;
    char shared[160]; /* the log's last line about memory */
    bool has_overdrawn;
} rig;

static void note(void *sink, mr_log_level level, const char *line)
{
    rig *r = sink;
    (void)level;
    const char *found = strstr(line, "memory shared");
    unsigned jobs;
    long share;
    if (found != NULL && sscanf(found, "memory shared jobs=%u share_mib=%ld", &jobs, &share) == 2)
        r->has_overdrawn |= jobs * share > MEMORY_MIB;
    if (found != NULL)
        snprintf(r->shared, sizeof r->shared, "%s", found);
}

static void set_up(rig *r)
{
    r->logger = (mr_logger){.write = note, .sink = r};
    mr_sim_world_init(&r->world, 1, 1, NULL);
    mr_log *log = r->world.outside;
    cr_assert_eq(mr_board_open(&r->board, log, &r->logger, "f", true, &r->err), MR_OK);
    cr_assert_eq(mr_board_open(&r->other, log, &r->logger, "f", false, &r->err), MR_OK);
    mr_work_config config = {.logger = &r->logger,
                             .clock = mr_sim_clock(&r->world),
                             .memory_bytes = (int64_t)MEMORY_MIB << 20};
    mr_keeper_init(&r->keeper, &r->board, &config, "me");
}

static void tear_down(rig *r)
{
    mr_keeper_release(&r->keeper);
    mr_board_close(&r->board);
    mr_board_close(&r->other);
    mr_sim_world_release(&r->world);
}

static void wish_for(rig *r, const char *job, mr_wish_kind kind, uint32_t plan_format)
{
    mr_wish wish = {.job = job,
                    .version = 1,
                    .kind = kind,
                    .plan_format = plan_format,
                    .sql = "nothing that could run",
                    .written_by = "millrace"};
    cr_assert_eq(mr_board_put_wish(&r->other, &wish, &r->err), MR_OK, "%s", r->err.message);
}

static void wish(rig *r, mr_wish_kind kind, uint32_t plan_format)
{
    wish_for(r, "a", kind, plan_format);
}

/* What stands on the board after one look; -1: nothing. */
static int look(rig *r)
{
    cr_assert_eq(mr_keeper_step(&r->keeper, 0, &r->err), MR_OK, "%s", r->err.message);
    cr_assert_eq(mr_board_catch_up(&r->other, &r->err), MR_OK, "%s", r->err.message);
    const mr_board_job *job = mr_board_job_of(&r->other, "a");
    return job != NULL && job->statuses_count == 1 ? (int)job->statuses[0].status.state : -1;
}

Test(keeper, follows_the_last_of_two_wishes_of_one_version)
{
    rig r = {0};
    set_up(&r);
    wish(&r, MR_WISH_STOP, MR_FLEET_PLAN_FORMAT);
    cr_expect_eq(look(&r), MR_FLEET_STOPPED);
    wish(&r, MR_WISH_RUN, MR_FLEET_PLAN_FORMAT + 1);
    cr_expect_eq(look(&r), MR_FLEET_REFUSED);
    wish(&r, MR_WISH_STOP, MR_FLEET_PLAN_FORMAT);
    cr_expect_eq(look(&r), MR_FLEET_STOPPED);
    tear_down(&r);
}

/* More records between two wishes than one poll takes: the keeper meets the second one only when it
 * has told that it starts, as a worker does that a `delete` overtakes. */
Test(keeper, starts_nothing_that_is_not_wished_any_more_once_it_has_told)
{
    rig r = {0};
    set_up(&r);
    wish(&r, MR_WISH_RUN, MR_FLEET_PLAN_FORMAT);
    for (int i = 0; i < 600; i++) {
        mr_fleet_status status = {.job = "b", .instance = "other", .version = 1};
        cr_assert_eq(mr_board_put_status(&r.other, &status, &r.err), MR_OK);
    }
    wish(&r, MR_WISH_STOP, MR_FLEET_PLAN_FORMAT);
    cr_expect_eq(look(&r), MR_FLEET_STARTING);
    cr_assert_eq(r.keeper.jobs_count, 1);
    cr_expect_null(r.keeper.jobs[0].work, "it is at work");
    cr_expect_eq(look(&r), MR_FLEET_STOPPED);
    tear_down(&r);
}

/* A drain is a run to a keeper; an older one, which knows no such wish, meets its plan format. */
Test(keeper, starts_a_job_that_is_wished_to_drain)
{
    rig r = {0};
    set_up(&r);
    wish(&r, MR_WISH_DRAIN, mr_wish_format_of(MR_WISH_DRAIN));
    cr_expect_gt(mr_wish_format_of(MR_WISH_DRAIN), mr_wish_format_of(MR_WISH_RUN));
    cr_expect_eq(look(&r), MR_FLEET_STARTING);
    cr_assert_not_null(r.keeper.jobs[0].work);
    for (int i = 0; i < 1000 && look(&r) == MR_FLEET_STARTING; i++)
        nanosleep(&(struct timespec){.tv_nsec = 5000000}, NULL);
    cr_expect_eq(look(&r), MR_FLEET_REFUSED, "its text is none");
    tear_down(&r);
}

/* What is dealt out is no more than there is, also while jobs come and go. */
Test(keeper, deals_one_budget_out_to_the_jobs_at_work)
{
    rig r = {0};
    set_up(&r);
    static const char *const jobs[] = {"a", "b", "c"};
    for (int i = 0; i < 3; i++)
        wish_for(&r, jobs[i], MR_WISH_RUN, MR_FLEET_PLAN_FORMAT);
    look(&r);
    cr_assert_eq(r.keeper.jobs_count, 3);
    cr_expect_leq(r.keeper.sharers, 3);
    for (int i = 0; i < 1000 && r.keeper.sharers > 0; i++) { /* their texts are none: they end */
        look(&r);
        nanosleep(&(struct timespec){.tv_nsec = 5000000}, NULL);
    }
    cr_expect_eq(r.keeper.sharers, 0);
    cr_expect_not(r.has_overdrawn);
    cr_expect(strstr(r.shared, "jobs=0 share_mib=150") != NULL, "%s", r.shared);
    wish_for(&r, "a", MR_WISH_STOP, MR_FLEET_PLAN_FORMAT);
    look(&r);
    tear_down(&r);
}
