/*
 * Goal: a board shows the newest wish of each job and the newest word of each worker, whoever wrote
 * them and in whatever order jobs come, and one bad record does not hide the rest. Method: boards
 * on the simulated log, a second one that reads what the first wrote.
 */
#include "jobs/fleet/board.h"
#include "tests/sim/world.h"

#include <criterion/criterion.h>
#include <stdio.h>
#include <string.h>

typedef struct rig {
    mr_sim_world world;
    mr_board board;
    mr_logger logger;
    char said[2048];
    mr_error err;
} rig;

static void keep_line(void *sink, mr_log_level level, const char *line)
{
    rig *r = sink;
    (void)level;
    size_t length = strlen(r->said);
    snprintf(r->said + length, sizeof r->said - length, "%s\n", line);
}

static void set_up(rig *r)
{
    r->logger = (mr_logger){.write = keep_line, .sink = r};
    mr_sim_world_init(&r->world, 1, 1, NULL);
    cr_assert_eq(mr_board_open(&r->board, r->world.outside, &r->logger, "f", true, &r->err), MR_OK,
                 "%s", r->err.message);
}

static void tear_down(rig *r)
{
    mr_board_close(&r->board);
    mr_sim_world_release(&r->world);
}

static void wish(rig *r, const char *job, uint64_t version, mr_wish_kind kind)
{
    mr_wish wish = {.job = job,
                    .version = version,
                    .kind = kind,
                    .plan_format = MR_FLEET_PLAN_FORMAT,
                    .sql = "x"};
    cr_assert_eq(mr_board_put_wish(&r->board, &wish, &r->err), MR_OK, "%s", r->err.message);
}

static void tell(rig *r, const char *job, const char *instance, uint64_t version)
{
    mr_fleet_status status = {
        .job = job, .instance = instance, .version = version, .state = MR_FLEET_RUNNING};
    cr_assert_eq(mr_board_put_status(&r->board, &status, &r->err), MR_OK, "%s", r->err.message);
}

/* "a:2 run w1=3 w2=1, b:..": what a board that reads it from the start shows. */
static const char *shown(rig *r)
{
    static char text[1024]; /* of this test's own process */
    mr_board board;
    cr_assert_eq(mr_board_open(&board, r->world.outside, &r->logger, "f", false, &r->err), MR_OK);
    cr_assert_eq(mr_board_catch_up(&board, &r->err), MR_OK, "%s", r->err.message);
    text[0] = '\0';
    for (uint32_t j = 0; j < board.jobs_count; j++) {
        const mr_board_job *job = &board.jobs[j];
        size_t at = strlen(text);
        snprintf(text + at, sizeof text - at, "%s%s:%d %s", j > 0 ? ", " : "", job->name,
                 job->has_wish ? (int)job->wish.version : 0,
                 job->has_wish ? mr_wish_kind_name(job->wish.kind) : "-");
        for (uint32_t i = 0; i < job->statuses_count; i++) {
            at = strlen(text);
            snprintf(text + at, sizeof text - at, " %s=%d", job->statuses[i].instance,
                     (int)job->statuses[i].status.version);
        }
    }
    mr_board_close(&board);
    return text;
}

Test(board, shows_the_newest_of_each)
{
    rig r = {0};
    set_up(&r);
    wish(&r, "b", 1, MR_WISH_RUN);
    wish(&r, "a", 1, MR_WISH_RUN);
    wish(&r, "ab", 1, MR_WISH_RUN);
    tell(&r, "a", "w1", 1);
    tell(&r, "a", "w2", 1);
    wish(&r, "a", 2, MR_WISH_STOP);
    tell(&r, "a", "w1", 2);
    cr_expect_str_eq(shown(&r), "a:2 stop w1=2 w2=1, ab:1 run, b:1 run");
    tear_down(&r);
}

/* What one worker says of version 2 of job "a", at 50 s. */
static bool is_down(rig *r, uint64_t version, mr_fleet_state state, int64_t now_ms)
{
    mr_fleet_status status = {
        .job = "a", .instance = "w1", .version = version, .state = state, .written_ms = 50000};
    cr_assert_eq(mr_board_put_status(&r->board, &status, &r->err), MR_OK, "%s", r->err.message);
    cr_assert_eq(mr_board_catch_up(&r->board, &r->err), MR_OK, "%s", r->err.message);
    return mr_board_job_is_down(mr_board_job_of(&r->board, "a"), now_ms);
}

Test(board, job_is_down_where_a_live_worker_failed_with_its_newest_wish)
{
    rig r = {0};
    set_up(&r);
    wish(&r, "a", 2, MR_WISH_RUN);
    tell(&r, "a", "w2", 2);
    cr_expect(is_down(&r, 2, MR_FLEET_FAILED, 50000));
    cr_expect(is_down(&r, 2, MR_FLEET_REFUSED, 50000 + MR_FLEET_SILENT_MS - 1));
    cr_expect_not(is_down(&r, 2, MR_FLEET_FAILED, 50000 + MR_FLEET_SILENT_MS), "it died");
    cr_expect_not(is_down(&r, 1, MR_FLEET_FAILED, 50000), "of an older wish");
    cr_expect_not(is_down(&r, 2, MR_FLEET_STARTING, 50000));
    cr_expect_not(is_down(&r, 2, MR_FLEET_RUNNING, 50000));
    cr_expect_not(is_down(&r, 2, MR_FLEET_FINISHED, 50000));
    tear_down(&r);
}

/* A second command, which has seen what `r` had seen, settles `mine` after `theirs` was written. */
static mr_status settle_behind(rig *r, uint64_t theirs, uint64_t mine, const char *sql)
{
    mr_board other;
    mr_wish wish = {.job = "a",
                    .version = 1,
                    .plan_format = MR_FLEET_PLAN_FORMAT,
                    .plan_version = mine,
                    .sql = sql};
    cr_assert_eq(mr_board_open(&other, r->world.outside, &r->logger, "f", false, &r->err), MR_OK);
    cr_assert_eq(mr_board_catch_up(&other, &r->err), MR_OK, "%s", r->err.message);
    wish.plan_version = theirs;
    cr_assert_eq(mr_board_put_wish(&r->board, &wish, &r->err), MR_OK, "%s", r->err.message);
    wish.plan_version = mine;
    mr_status status = mr_board_settle_wish(&other, &wish, &r->err);
    mr_board_close(&other);
    return status;
}

Test(board, tells_one_of_two_commands_that_wrote_one_version_with_other_plans)
{
    rig r = {0};
    set_up(&r);
    cr_expect_eq(settle_behind(&r, 7, 7, "x"), MR_OK, "%s", r.err.message);
    cr_expect_eq(settle_behind(&r, 7, 8, "x"), MR_E_FLEET_JOB);
    cr_expect_not_null(strstr(r.err.message, "this wish stands over"), "%s", r.err.message);
    cr_expect_eq(settle_behind(&r, 8, 8, "y"), MR_OK, "%s", r.err.message);
    tear_down(&r);
}

Test(board, names_two_wishes_of_one_version_by_their_offsets)
{
    rig r = {0};
    set_up(&r);
    wish(&r, "a", 1, MR_WISH_RUN);
    cr_assert_eq(mr_board_catch_up(&r.board, &r.err), MR_OK);
    cr_expect_eq(mr_board_job_of(&r.board, "a")->wish_offset, 0);
    wish(&r, "a", 1, MR_WISH_STOP);
    cr_assert_eq(mr_board_catch_up(&r.board, &r.err), MR_OK);
    const mr_board_job *job = mr_board_job_of(&r.board, "a");
    cr_expect_eq(job->wish_offset, 1);
    cr_expect_eq(job->overwritten.offset, 0);
    tear_down(&r);
}

Test(board, forgets_what_is_removed)
{
    rig r = {0};
    set_up(&r);
    wish(&r, "a", 1, MR_WISH_RUN);
    wish(&r, "b", 1, MR_WISH_RUN);
    tell(&r, "a", "w1", 1);
    tell(&r, "a", "w2", 1);
    cr_assert_eq(mr_board_remove_status(&r.board, "a", "w1", &r.err), MR_OK);
    cr_expect_str_eq(shown(&r), "a:1 run w2=1, b:1 run");
    cr_assert_eq(mr_board_remove_wish(&r.board, "a", &r.err), MR_OK);
    cr_expect_str_eq(shown(&r), "a:0 - w2=1, b:1 run");
    cr_assert_eq(mr_board_remove_status(&r.board, "a", "w2", &r.err), MR_OK);
    cr_expect_str_eq(shown(&r), "b:1 run");
    tear_down(&r);
}

Test(board, one_bad_record_hides_no_other)
{
    rig r = {0};
    set_up(&r);
    wish(&r, "a", 1, MR_WISH_RUN);
    mr_sim_put(&r.world, "f.jobs", 0, "job/a", "{}", 0);
    mr_sim_put(&r.world, "f.jobs", 0, "status/nobody", "{}", 0);
    mr_sim_put(&r.world, "f.jobs", 0, "what/else", "?", 0);
    wish(&r, "b", 1, MR_WISH_RUN);
    cr_expect_str_eq(shown(&r), "a:1 run, b:1 run");
    cr_expect_not_null(strstr(r.said, "code=MR2060"), "%s", r.said);
    tear_down(&r);
}

Test(board, of_no_fleet_says_how_one_is_made)
{
    rig r = {0};
    set_up(&r);
    mr_board other;
    cr_expect_eq(mr_board_open(&other, r.world.outside, &r.logger, "g", false, &r.err),
                 MR_E_KAFKA_TOPIC_MISSING);
    cr_expect_not_null(strstr(r.err.message, "millrace worker --fleet g"), "%s", r.err.message);
    tear_down(&r);
}
