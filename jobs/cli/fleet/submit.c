/* `millrace submit`: a job that is right goes to the fleet; one that is not goes nowhere. */
#include "jobs/cli/fleet/submit.h"
#include "engine/history/quiet.h"
#include "engine/state/state_dir.h"
#include "jobs/cli/command.h"
#include "jobs/cli/failure.h"
#include "jobs/cli/fleet/changed.h"
#include "jobs/cli/fleet/end.h"
#include "jobs/cli/past/members.h"
#include "jobs/engine/topics.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#define SESSION_WAIT_MS 12000 /* beyond a session that is usual */

/* What stands there already decides about the version, and whether it may be. */
static mr_status follow(const mr_reach *reach, mr_wish *wish, bool *is_there, mr_error *err)
{
    const mr_board_job *job = mr_board_job_of(&reach->board, wish->job);
    *is_there = false;
    wish->version = 1;
    if (job == NULL || !job->has_wish)
        return MR_OK;
    const mr_wish *old = &job->wish;
    wish->version = old->version + 1;
    if (old->kind == MR_WISH_DELETE)
        return mr_error_set(err, MR_E_FLEET_JOB,
                            "job `%s` is being deleted; `millrace delete %s` sees to its end",
                            wish->job, wish->job);
    if (old->plan_format > MR_FLEET_PLAN_FORMAT)
        return mr_error_set(err, MR_E_FLEET_VERSION,
                            "job `%s` is of %s, which is newer than this program", wish->job,
                            old->written_by);
    if (old->plan_version != wish->plan_version)
        return mr_error_set(err, MR_E_FLEET_JOB,
                            "fleet `%s` has a job `%s` with another plan (%016" PRIx64
                            ", this is %016" PRIx64 "): `millrace diff` shows what "
                            "becomes of its state, `millrace upgrade` carries it over; or take "
                            "another --name",
                            reach->fleet, wish->job, old->plan_version, wish->plan_version);
    *is_there = mr_wish_is_same(old, wish) &&
                !mr_board_job_is_down(job, reach->clock.wall_ms(&reach->clock));
    return MR_OK;
}

static bool has_answer(const mr_reach *reach, const mr_board_job *job, uint64_t version)
{
    for (uint32_t i = 0; job != NULL && i < job->statuses_count; i++) {
        const mr_fleet_status *status = &job->statuses[i].status;
        if (mr_reach_is_live(reach, status) && status->version >= version &&
            status->state != MR_FLEET_STARTING)
            return true;
    }
    return false;
}

static uint32_t live_workers(const mr_reach *reach)
{
    uint32_t count = 0;
    for (uint32_t j = 0; j < reach->board.jobs_count; j++)
        for (uint32_t i = 0; i < reach->board.jobs[j].statuses_count; i++)
            count += mr_reach_is_live(reach, &reach->board.jobs[j].statuses[i].status);
    return count;
}

mr_exit mr_submit_await(mr_reach *reach, const mr_wish *wish)
{
    mr_error err;
    if (!mr_reach_await(reach, wish->job, has_answer, wish->version, &err)) {
        if (err.status != MR_OK)
            return mr_cli_fail(&err);
        fprintf(stderr, "no worker of fleet `%s` has it at work yet%s\n", reach->fleet,
                live_workers(reach) == 0 ? ": none is there; it starts with the first one" : "");
        return MR_EXIT_OK;
    }
    const mr_board_job *job = mr_board_job_of(&reach->board, wish->job);
    mr_exit exit = MR_EXIT_OK;
    for (uint32_t i = 0; i < job->statuses_count; i++) {
        const mr_fleet_status *status = &job->statuses[i].status;
        if (status->version < wish->version)
            continue;
        fprintf(stderr, "worker %.*s: %s\n", mr_state_instance_shown(status->instance),
                status->instance, mr_fleet_state_name(status->state));
        if (status->code == 0)
            continue;
        fprintf(stderr, "  error[MR%04d]: %s\n", status->code, status->message);
        exit = MR_EXIT_FAILED;
    }
    if (mr_end_has_finished(job))
        mr_end_tell_finished(wish->job);
    return exit;
}

static mr_exit send(mr_reach *reach, mr_wish *wish)
{
    bool is_there;
    mr_error err;
    mr_status status = follow(reach, wish, &is_there, &err);
    if (status == MR_OK && is_there) {
        fprintf(stderr, "job `%s` is there already, version %" PRIu64 "\n", wish->job,
                wish->version - 1);
        const mr_board_job *job = mr_board_job_of(&reach->board, wish->job);
        if (job != NULL && mr_end_has_finished(job))
            mr_end_tell_finished(wish->job);
        return MR_EXIT_OK;
    }
    if (status == MR_OK)
        status = mr_board_settle_wish(&reach->board, wish, &err);
    if (status != MR_OK)
        return mr_cli_fail(&err);
    fprintf(stderr, "submitted job `%s` to fleet `%s`, version %" PRIu64 "\n", wish->job,
            reach->fleet, wish->version);
    return mr_submit_await(reach, wish);
}

mr_wish mr_submit_wish(mr_reach *reach, const mr_flags *flags, const mr_loaded *loaded)
{
    const mr_script *script = &loaded->script;
    mr_wish wish = {.job = loaded->job->plan.job,
                    .kind = MR_WISH_RUN,
                    .plan_format = mr_wish_format_of(MR_WISH_RUN),
                    .plan_version = loaded->job->version,
                    .sql = mr_arena_string(&reach->arena, script->text, script->length),
                    .settings_count = flags->settings_count,
                    .written_by = "millrace " MR_VERSION,
                    .written_ms = reach->clock.wall_ms(&reach->clock)};
    for (uint32_t i = 0; i < flags->settings_count; i++)
        wish.settings[i] = flags->settings[i];
    return wish;
}

/* The group, the state and the writers' ids of a job bear its name: workers of two fleets would
 * share its tasks. What this fleet has on its board is its own; its workers are members. Members
 * that have gone are counted until their sessions end. */
static mr_status check_alone(mr_reach *reach, const mr_job *job, mr_error *err)
{
    const char *name = job->plan.job;
    const mr_board_job *on_board = mr_board_job_of(&reach->board, name);
    if ((on_board != NULL && on_board->has_wish) || mr_flags_has(reach->flags, MR_FLAG_TAKE_OVER))
        return MR_OK;
    mr_status status =
        mr_members_await_none(mr_reach_home(reach, job), &reach->clock, name, SESSION_WAIT_MS, err);
    if (status != MR_E_TRANSPLANT)
        return status;
    return mr_error_set(err, MR_E_FLEET_JOB,
                        "job `%s` has workers that are not of fleet `%s`: another fleet has a job "
                        "of that name, or `millrace run`, or has stopped it just now; stop or "
                        "delete it there and try again, take another --name, or share its tasks "
                        "with them by --take-over",
                        name, reach->fleet);
}

/* The wish that stands is no measure: its own tasks are not those of the state. */
static bool is_unfit(const mr_board_job *on_board)
{
    for (uint32_t i = 0; i < on_board->statuses_count; i++) {
        const mr_fleet_status *status = &on_board->statuses[i].status;
        if (status->version == on_board->wish.version &&
            (status->code == MR_E_STATE_TASKS || status->code == MR_E_STATE_PLAN))
            return true;
    }
    return false;
}

/* The version of a plan does not tell how many tasks it has: -D and SET do, in silence. Workers
 * would stop for a wish that none of them can follow. */
static mr_status check_tasks(mr_reach *reach, const mr_job *job, mr_error *err)
{
    const char *name = job->plan.job;
    const mr_board_job *on_board = mr_board_job_of(&reach->board, name);
    mr_wished_job was;
    if (on_board == NULL || !on_board->has_wish || on_board->wish.plan_version != job->version ||
        on_board->wish.plan_format > MR_FLEET_PLAN_FORMAT || is_unfit(on_board))
        return MR_OK;
    mr_wished_job_read(&was, &on_board->wish, (const char *const *)environ,
                       reach->flags->properties, reach->flags->properties_count);
    mr_status status = MR_OK;
    bool is_known = was.job != NULL && was.job->version == job->version;
    if (is_known)
        status =
            mr_topics_prepare(was.job, mr_reach_home(reach, job), false, MR_TOPICS_KEPT, NULL, err);
    if (is_known && status == MR_OK && !mr_changed_is_same(&was.job->plan, &job->plan))
        status = mr_error_set(err, MR_E_FLEET_JOB,
                              "job `%s` has %" PRIu32 " task%s, and would have %" PRIu32
                              " by this text and its -D: give the 'parallelism.default' that it "
                              "was submitted with, by -D or SET, or let `millrace upgrade` carry "
                              "its state over",
                              name, was.job->plan.tasks_count,
                              was.job->plan.tasks_count == 1 ? "" : "s", job->plan.tasks_count);
    mr_wished_job_release(&was);
    return status == MR_E_KAFKA_TOPIC_MISSING ? MR_OK : status; /* no task has run without it */
}

static mr_exit submit(const mr_flags *flags, mr_loaded *loaded)
{
    mr_job *job = loaded->job;
    mr_error err;
    if (!job->plan.uses_log) {
        mr_error_set(&err, MR_E_FLEET_JOB,
                     "job `%s` touches no Kafka topic: a fleet cannot share it; use `millrace run`",
                     job->plan.job);
        return mr_cli_fail(&err);
    }
    mr_reach reach;
    mr_reach_options options = {.bootstrap = job->cluster.bootstrap,
                                .properties = job->cluster.properties};
    mr_exit exit = mr_reach_open_log(&reach, flags, &options);
    mr_wish wish = mr_submit_wish(&reach, flags, loaded);
    bool creates = mr_flags_has(flags, MR_FLAG_CREATE_TOPICS);
    if (exit == MR_EXIT_OK && mr_topics_prepare(job, mr_reach_home(&reach, job), creates,
                                                MR_TOPICS_KEPT, NULL, &err) != MR_OK)
        exit = mr_cli_fail(&err);
    if (exit == MR_EXIT_OK) /* what is refused up to here has made no fleet */
        exit = mr_reach_open_board(&reach, true);
    if (exit == MR_EXIT_OK &&
        (check_tasks(&reach, job, &err) != MR_OK || check_alone(&reach, job, &err) != MR_OK))
        exit = mr_cli_fail(&err);
    if (exit == MR_EXIT_OK)
        exit = send(&reach, &wish);
    mr_reach_release(&reach);
    return exit;
}

mr_exit mr_command_submit(const mr_flags *flags)
{
    mr_loaded loaded = mr_load(flags);
    mr_exit exit = loaded.exit;
    if (loaded.job != NULL)
        exit = submit(flags, &loaded);
    mr_loaded_release(&loaded);
    return exit;
}
