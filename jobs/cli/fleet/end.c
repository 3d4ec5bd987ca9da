/* `millrace stop`, `drain` and `delete`: a wish, then the wait until the workers have come to
 * it. */
#include "jobs/cli/fleet/end.h"
#include "engine/run/worker/worker.h"
#include "engine/state/state_dir.h"
#include "jobs/cli/command.h"
#include "jobs/cli/failure.h"
#include "jobs/fleet/silence.h"
#include "jobs/fleet/wished_job.h"

#include <inttypes.h>
#include <stdio.h>
#include <unistd.h>

bool mr_end_is_stopped(const mr_reach *reach, const mr_board_job *job, uint64_t version)
{
    for (uint32_t i = 0; job != NULL && i < job->statuses_count; i++) {
        const mr_fleet_status *status = &job->statuses[i].status;
        bool is_at_work = status->state == MR_FLEET_STARTING || status->state == MR_FLEET_RUNNING;
        if (mr_reach_is_live(reach, status) &&
            (status->version < version || (status->version == version && is_at_work)))
            return false;
    }
    return job != NULL && job->has_wish && job->wish.version >= version;
}

/* The same, and there is one that can say what became of it. */
static bool is_drained(const mr_reach *reach, const mr_board_job *job, uint64_t version)
{
    bool is_told = false;
    for (uint32_t i = 0; job != NULL && i < job->statuses_count; i++)
        is_told = is_told || (mr_reach_is_live(reach, &job->statuses[i].status) &&
                              job->statuses[i].status.version >= version);
    return is_told && mr_end_is_stopped(reach, job, version);
}

static bool is_forgotten(const mr_reach *reach, const mr_board_job *job, uint64_t version)
{
    (void)version;
    for (uint32_t i = 0; job != NULL && i < job->statuses_count; i++)
        if (mr_reach_is_live(reach, &job->statuses[i].status))
            return false;
    return true;
}

/* The wish once more, with another kind. */
mr_status mr_end_wish(mr_reach *reach, const mr_board_job *job, mr_wish_kind kind,
                      uint64_t *version, mr_error *err)
{
    mr_wish next = job->wish;
    *version = next.version;
    if (next.plan_format > MR_FLEET_PLAN_FORMAT)
        return mr_error_set(err, MR_E_FLEET_VERSION,
                            "job `%s` is of %s, which is newer than this program", job->name,
                            next.written_by != NULL ? next.written_by : "a Millrace");
    if (next.kind == kind)
        return MR_OK;
    next.kind = kind;
    next.plan_format = mr_wish_format_of(kind);
    next.version = ++*version;
    next.written_by = "millrace " MR_VERSION;
    next.written_ms = reach->clock.wall_ms(&reach->clock);
    return mr_board_settle_wish(&reach->board, &next, err);
}

mr_exit mr_end_told_late(const mr_reach *reach, const char *job, const mr_error *err)
{
    if (err->status != MR_OK)
        return mr_cli_fail(err);
    const mr_board_job *on_board = mr_board_job_of(&reach->board, job);
    bool is_anybody_there = false;
    for (uint32_t i = 0; on_board != NULL && i < on_board->statuses_count; i++)
        is_anybody_there |= mr_reach_is_live(reach, &on_board->statuses[i].status);
    if (!is_anybody_there) {
        fprintf(stderr, "no worker of fleet `%s` has job `%s`; the wish stands for the first one\n",
                reach->fleet, job);
        return MR_EXIT_FAILED;
    }
    fprintf(stderr,
            "workers of fleet `%s` still have job `%s` after %d s; the wish stands, and the same "
            "command waits for them again\n",
            reach->fleet, job, MR_FLEET_ANSWER_MS / 1000);
    return MR_EXIT_FAILED;
}

bool mr_end_has_finished(const mr_board_job *job)
{
    bool is_told = false;
    for (uint32_t i = 0; i < job->statuses_count; i++) {
        const mr_fleet_status *status = &job->statuses[i].status;
        if (status->version < job->wish.version)
            continue;
        if (status->state != MR_FLEET_FINISHED)
            return false;
        is_told = true;
    }
    return is_told;
}

void mr_end_tell_finished(const char *name)
{
    fprintf(stderr,
            "job `%s` has finished: its inputs are read to their ends, its windows have closed, "
            "and more rows are not read; `millrace delete` makes room for a new one\n",
            name);
}

static mr_exit stop(mr_reach *reach, const mr_board_job *job, const char *name)
{
    mr_error err;
    uint64_t version;
    if (job->wish.kind == MR_WISH_DELETE) {
        mr_error_set(&err, MR_E_FLEET_JOB, "job `%s` is being deleted", name);
        return mr_cli_fail(&err);
    }
    if (job->wish.kind != MR_WISH_STOP && mr_end_has_finished(job)) {
        mr_end_tell_finished(name);
        return MR_EXIT_OK;
    }
    if (mr_end_wish(reach, job, MR_WISH_STOP, &version, &err) != MR_OK)
        return mr_cli_fail(&err);
    if (!mr_reach_await(reach, name, mr_end_is_stopped, version, &err))
        return mr_end_told_late(reach, name, &err);
    fprintf(stderr, "job `%s` is stopped; its state is kept, `millrace submit` goes on with it\n",
            name);
    return MR_EXIT_OK;
}

/* What each live worker has come to; the worst of them decides. */
static mr_exit tell_drained(const mr_reach *reach, const mr_board_job *job, const char *name)
{
    bool is_finished = true;
    for (uint32_t i = 0; i < job->statuses_count; i++) {
        const mr_fleet_status *status = &job->statuses[i].status;
        if (!mr_reach_is_live(reach, status) || status->state == MR_FLEET_FINISHED)
            continue;
        fprintf(stderr, "worker %.*s: %s\n", mr_state_instance_shown(status->instance),
                status->instance, mr_fleet_state_name(status->state));
        if (status->code != 0)
            fprintf(stderr, "  error[MR%04d]: %s\n", status->code, status->message);
        is_finished = false;
    }
    if (is_finished)
        fprintf(stderr,
                "job `%s` is drained: its inputs are read to where they ended, all windows have "
                "closed, all is committed; `millrace delete` makes room for a new one\n",
                name);
    return is_finished ? MR_EXIT_OK : MR_EXIT_FAILED;
}

static mr_exit drain(mr_reach *reach, const mr_board_job *job, const char *name)
{
    mr_error err;
    uint64_t version;
    if (job->wish.kind == MR_WISH_DELETE) {
        mr_error_set(&err, MR_E_FLEET_JOB, "job `%s` is being deleted", name);
        return mr_cli_fail(&err);
    }
    if (mr_end_wish(reach, job, MR_WISH_DRAIN, &version, &err) != MR_OK)
        return mr_cli_fail(&err);
    if (!mr_reach_await(reach, name, is_drained, version, &err))
        return mr_end_told_late(reach, name, &err);
    return tell_drained(reach, mr_board_job_of(&reach->board, name), name);
}

/* The cluster that the job's text speaks of, as far as it can be read here: its variables are the
 * workers'. */
static mr_log *home_of(mr_reach *reach, const mr_board_job *job)
{
    mr_log *home = reach->log;
    mr_wished_job wished;
    if (job->wish.plan_format > MR_FLEET_PLAN_FORMAT)
        return home;
    mr_wished_job_read(&wished, &job->wish, (const char *const *)environ, reach->flags->properties,
                       reach->flags->properties_count);
    if (wished.job != NULL)
        home = mr_reach_home(reach, wished.job);
    mr_wished_job_release(&wished);
    return home;
}

/* No worker has it any more: what it left in Kafka goes, the wish last. */
static mr_status forget(mr_reach *reach, mr_log *home, const char *name, mr_error *err)
{
    mr_plan plan = {.job = name}; /* local stores are the workers' own */
    mr_worker_config config = {.plan = &plan, .log = home};
    uint32_t members = 0;
    mr_status status = home->class->group_members(home, name, &members, err);
    if (status == MR_OK && members == 0) /* else the reset is refused */
        status = mr_silence_writers(home, &reach->clock, &reach->logger, name, err);
    if (status == MR_OK)
        status = mr_worker_reset(&config, err);
    const mr_board_job *job = mr_board_job_of(&reach->board, name);
    for (uint32_t i = 0; status == MR_OK && job != NULL && i < job->statuses_count; i++)
        status = mr_board_remove_status(&reach->board, name, job->statuses[i].instance, err);
    return status == MR_OK ? mr_board_remove_wish(&reach->board, name, err) : status;
}

static mr_exit delete (mr_reach *reach, const mr_board_job *job, const char *name)
{
    mr_error err;
    uint64_t version;
    mr_log *home = home_of(reach, job);
    if (mr_end_wish(reach, job, MR_WISH_DELETE, &version, &err) != MR_OK)
        return mr_cli_fail(&err);
    if (!mr_reach_await(reach, name, is_forgotten, version, &err))
        return mr_end_told_late(reach, name, &err);
    if (forget(reach, home, name, &err) != MR_OK)
        return mr_cli_fail(&err);
    fprintf(stderr,
            "job `%s` is deleted: its group, its state and its local stores; what it wrote "
            "is untouched\n",
            name);
    return MR_EXIT_OK;
}

static mr_exit with_job(const mr_flags *flags,
                        mr_exit (*act)(mr_reach *reach, const mr_board_job *job, const char *name))
{
    mr_reach reach;
    mr_exit exit = mr_reach_open(&reach, flags, &(mr_reach_options){0});
    if (exit == MR_EXIT_OK) {
        const mr_board_job *job = mr_reach_job(&reach, flags->file);
        exit = job != NULL ? act(&reach, job, flags->file) : MR_EXIT_FAILED;
    }
    mr_reach_release(&reach);
    return exit;
}

mr_exit mr_command_stop(const mr_flags *flags)
{
    return with_job(flags, stop);
}

mr_exit mr_command_drain(const mr_flags *flags)
{
    return with_job(flags, drain);
}

mr_exit mr_command_delete(const mr_flags *flags)
{
    return with_job(flags, delete);
}
