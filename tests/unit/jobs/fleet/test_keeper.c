/*
 * Goal: a keeper does what the last record of a job wishes, and nothing that no longer stands.
 * Method: a keeper on the simulated log; a second board writes wishes that need no Kafka to follow.
 */
#include "jobs/fleet/keeper.h"
#include "tests/sim/world.h"

#include <criterion/criterion.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

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

static void wish_for_text(rig *r, const char *job, mr_wish_kind kind, uint32_t plan_format,
                          const char *sql)
{
    mr_wish wish = {.job = job,
                    .version = 1,
                    .kind = kind,
                    .plan_format = plan_format,
                    .plan_version = 17,
                    .sql = sql,
                    .written_by = "millrace 9"};
    cr_assert_eq(mr_board_put_wish(&r->other, &wish, &r->err), MR_OK, "%s", r->err.message);
}

static void wish_for(rig *r, const char *job, mr_wish_kind kind, uint32_t plan_format)
{
    wish_for_text(r, job, kind, plan_format, "nothing that could run");
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

/* Else `stop` and `delete` would take its worker for dead. */
Test(keeper, says_again_of_a_job_at_rest_that_it_lives)
{
    rig r = {0};
    set_up(&r);
    const mr_clock *clock = mr_sim_clock(&r.world);
    wish(&r, MR_WISH_STOP, MR_FLEET_PLAN_FORMAT);
    cr_expect_eq(look(&r), MR_FLEET_STOPPED);
    for (int i = 0; i < 20; i++) {
        mr_memory_clock_advance(&r.world.clock, INT64_C(2500000));
        cr_expect_eq(look(&r), MR_FLEET_STOPPED);
        const mr_fleet_status *told = &mr_board_job_of(&r.other, "a")->statuses[0].status;
        cr_expect_lt(clock->wall_ms(clock) - told->written_ms, MR_FLEET_SILENT_MS / 2);
    }
    tear_down(&r);
}

/* The word of the one before it, which was killed, is its own; `delete` waits until it is gone. */
Test(keeper, takes_back_its_word_of_a_job_that_is_deleted_and_forgets_it)
{
    rig r = {0};
    char folder[] = "/tmp/millrace-keeper-XXXXXX", command[80];
    cr_assert_not_null(mkdtemp(folder));
    set_up(&r);
    cr_assert_eq(mr_state_dir_open(folder, &r.keeper.work.state_dir, &r.err), MR_OK);
    char store[MR_STATE_PATH_MAX], file[MR_STATE_PATH_MAX + 8], of_job[80];
    cr_assert_eq(
        mr_state_dir_task(r.keeper.work.state_dir, "a", 3, true, store, sizeof store, &r.err),
        MR_OK);
    cr_assert_eq(mkdir(store, 0700), 0);
    snprintf(file, sizeof file, "%s/file", store);
    fclose(fopen(file, "w"));
    snprintf(of_job, sizeof of_job, "%s/a", folder);
    cr_assert_eq(access(of_job, F_OK), 0);
    mr_fleet_status killed = {.job = "a", .instance = "me", .version = 1};
    cr_assert_eq(mr_board_put_status(&r.other, &killed, &r.err), MR_OK);
    wish(&r, MR_WISH_DELETE, MR_FLEET_PLAN_FORMAT);
    cr_expect_eq(look(&r), -1);
    cr_expect_neq(access(of_job, F_OK), 0, "its folder is still there");
    cr_expect_eq(r.keeper.jobs_count, 1, "its wish stands");
    uint64_t changes = r.other.changes;
    cr_expect_eq(look(&r), -1);
    cr_expect_eq(r.other.changes, changes, "it goes on writing");
    cr_assert_eq(mr_board_remove_wish(&r.other, "a", &r.err), MR_OK);
    cr_expect_eq(look(&r), -1);
    cr_expect_eq(r.keeper.jobs_count, 0);
    mr_state_dir *dir = r.keeper.work.state_dir;
    tear_down(&r);
    mr_state_dir_close(dir);
    snprintf(command, sizeof command, "rm -rf '%s'", folder);
    cr_expect_eq(system(command), 0);
}

/* Its variables, or its program, are others than those of the one that submitted it. */
Test(keeper, refuses_a_job_that_comes_to_another_plan_here)
{
    rig r = {0};
    set_up(&r);
    wish_for_text(&r, "a", MR_WISH_RUN, MR_FLEET_PLAN_FORMAT,
                  "CREATE TABLE src (id INT) WITH ('connector' = 'kafka', 'format' = 'json', "
                  "'topic' = 'in', 'scan.startup.mode' = 'earliest-offset', "
                  "'properties.bootstrap.servers' = '127.0.0.1:1');\n"
                  "CREATE TABLE dst (id INT) WITH ('connector' = 'kafka', 'format' = 'json', "
                  "'topic' = 'out', 'properties.bootstrap.servers' = '127.0.0.1:1');\n"
                  "INSERT INTO dst SELECT id FROM src;\n");
    cr_expect_eq(look(&r), MR_FLEET_STARTING);
    for (int i = 0; i < 6000 && look(&r) == MR_FLEET_STARTING; i++)
        nanosleep(&(struct timespec){.tv_nsec = 5000000}, NULL);
    cr_expect_eq(look(&r), MR_FLEET_REFUSED);
    const mr_fleet_status *told = &mr_board_job_of(&r.other, "a")->statuses[0].status;
    cr_expect_eq(told->code, MR_E_FLEET_VERSION, "%d: %s", told->code, told->message);
    cr_expect_not_null(strstr(told->message, "millrace 9 submitted it as 0000000000000011"), "%s",
                       told->message);
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
