/*
 * `millrace upgrade`: look -> stop the workers -> settle, look again, carry the state over -> run
 * the new text. Whatever dies in between, the same command goes on from there.
 */
#include "jobs/fleet/upgrade/counted.h"

#include "jobs/cli/command.h"
#include "jobs/cli/failure.h"
#include "jobs/cli/fleet/broken_off.h"
#include "jobs/cli/fleet/changed.h"
#include "jobs/cli/fleet/end.h"
#include "jobs/cli/fleet/submit.h"
#include "jobs/cli/past/members.h"
#include "jobs/cli/past/past_job.h"
#include "jobs/engine/topics.h"

#include <inttypes.h>
#include <stdio.h>

#define MEMBERS_WAIT_MS 90000 /* the longest session that is usual, and a half */

typedef struct upgrading {
    const mr_flags *flags;
    mr_changed changed;
    mr_past_job past;
    mr_broken_off broken_off;
    char transactional_id[256];
    bool must_count;  /* the old plan's tasks, first (counted.h) */
    bool was_running; /* when it was looked at first */
} upgrading;

static const mr_board_job *on_board(upgrading *self)
{
    return mr_board_job_of(&self->changed.named.reach.board, self->flags->job);
}

/* What stands on the board is what it is compared with, and may be upgraded. */
static mr_status check(const upgrading *self, mr_error *err)
{
    const mr_named *named = &self->changed.named;
    if (named->wish.kind == MR_WISH_DELETE)
        return mr_error_set(err, MR_E_FLEET_JOB, "job `%s` is being deleted", named->wish.job);
    if (named->wished.job->version != named->wish.plan_version)
        return mr_error_set(err, MR_E_FLEET_VERSION,
                            "the job that was submitted is another plan here: its state cannot be "
                            "read with this one; set the variables that its workers have");
    return MR_OK;
}

/* The tasks of both, as the topics have them. */
static mr_status prepare(upgrading *self, mr_error *err)
{
    mr_changed *changed = &self->changed;
    bool creates = mr_flags_has(self->flags, MR_FLAG_CREATE_TOPICS);
    mr_status status = mr_past_job_look(&self->past, changed->named.wished.job, self->flags, err);
    if (status == MR_OK)
        status = mr_topics_prepare(changed->loaded.job, self->past.log, creates, MR_TOPICS_UPGRADED,
                                   NULL, err);
    if (status == MR_OK) {
        mr_counted_set_version(changed->named.wished.job, changed->loaded.job);
        mr_changed_compare(changed);
    }
    snprintf(self->transactional_id, sizeof self->transactional_id, "%s-upgrade", self->flags->job);
    return status;
}

static mr_upgrade new_upgrade(const upgrading *self, bool is_ahead)
{
    return (mr_upgrade){.difference = &self->changed.difference,
                        .is_ahead = is_ahead,
                        .moments = &self->past.moments,
                        .transactional_id = self->transactional_id};
}

static mr_status look(const upgrading *self, mr_upgrade *upgrade, mr_error *err)
{
    mr_status status = mr_upgrade_look(upgrade, err);
    if (status == MR_OK && !mr_flags_has(self->flags, MR_FLAG_STATE_LOSS))
        status = mr_upgrade_check_loss(upgrade, err);
    return status;
}

/* Before anything is stopped: is it worth it? */
static mr_status look_ahead(upgrading *self, mr_error *err)
{
    mr_upgrade upgrade = new_upgrade(self, true);
    mr_status status = look(self, &upgrade, err);
    self->must_count = status == MR_OK && mr_counted_must_begin(self->changed.named.wished.job,
                                                                self->changed.loaded.job, &upgrade);
    mr_upgrade_release(&upgrade);
    return status;
}

static mr_exit stop(upgrading *self)
{
    mr_reach *reach = &self->changed.named.reach;
    mr_error err;
    uint64_t version;
    if (mr_end_wish(reach, on_board(self), MR_WISH_STOP, &version, &err) != MR_OK)
        return mr_cli_fail(&err);
    if (!mr_reach_await(reach, self->flags->job, mr_end_is_stopped, version, &err))
        return mr_end_told_late(reach, self->flags->job, &err);
    return MR_EXIT_OK;
}

static mr_status await_no_members(const upgrading *self, mr_error *err)
{
    return mr_members_await_none(self->past.log, &self->past.clock, self->flags->job,
                                 MEMBERS_WAIT_MS, err);
}

/* Behind the stop: what is on its way between stages gets to its end. */
static mr_status settle(const upgrading *self, mr_error *err)
{
    mr_upgrade upgrade = new_upgrade(self, true);
    mr_status status = mr_upgrade_look(&upgrade, err);
    if (status == MR_OK && mr_upgrade_must_settle(&upgrade)) {
        status = await_no_members(self, err);
        if (status == MR_OK)
            status = mr_upgrade_settle(&upgrade, err);
    }
    mr_upgrade_release(&upgrade);
    return status;
}

static mr_status count(const upgrading *self, mr_error *err)
{
    mr_status status = await_no_members(self, err);
    return status == MR_OK ? mr_counted_begin(self->changed.named.wished.job, &self->past.moments,
                                              self->transactional_id, err)
                           : status;
}

/* Entries of operators: how far tables were read is not among them. */
static void tell_carried(const upgrading *self, const mr_upgrade *upgrade)
{
    const mr_difference *d = upgrade->difference;
    uint64_t kept = 0, gone = 0;
    bool loses = false;
    bool is_now = !upgrade->has_never_run && !upgrade->is_done;
    for (uint32_t i = 0; is_now && i < d->count; i++) {
        bool is_kept = d->changes[i].fate == MR_FATE_KEEP;
        if (d->changes[i].is_table || d->changes[i].fate == MR_FATE_NEW)
            continue;
        *(is_kept ? &kept : &gone) += upgrade->facts[i].entries;
        loses = loses || !is_kept;
    }
    if (loses)
        fprintf(stderr,
                "of the state of job `%s` %" PRIu64 " entries are carried over, %" PRIu64
                " are gone\n",
                self->flags->job, kept, gone);
    else
        fprintf(stderr, "state of job `%s` %s\n", self->flags->job,
                upgrade->has_never_run ? "was not there yet"
                : upgrade->is_done     ? "was carried over before"
                                       : "is carried over");
}

static mr_status carry_over(const upgrading *self, mr_error *err)
{
    mr_upgrade upgrade = new_upgrade(self, false);
    mr_status status = self->must_count ? count(self, err) : MR_OK;
    if (status == MR_OK)
        status = settle(self, err);
    if (status == MR_OK)
        status = look(self, &upgrade, err);
    bool is_needed = status == MR_OK && !upgrade.is_done && !upgrade.has_never_run;
    if (is_needed)
        status = await_no_members(self, err);
    if (is_needed && status == MR_OK)
        status = mr_upgrade_run(&upgrade, err);
    if (status == MR_OK)
        tell_carried(self, &upgrade);
    mr_upgrade_release(&upgrade);
    return status;
}

static mr_exit start(upgrading *self)
{
    mr_reach *reach = &self->changed.named.reach;
    const mr_board_job *job = on_board(self);
    mr_wish wish = mr_submit_wish(reach, self->flags, &self->changed.loaded);
    mr_error err;
    wish.version = job != NULL && job->has_wish ? job->wish.version + 1 : 1;
    if (job != NULL && job->has_wish && mr_wish_is_same(&job->wish, &wish) &&
        !mr_board_job_is_down(job, reach->clock.wall_ms(&reach->clock))) {
        fprintf(stderr, "job `%s` is there already\n", wish.job);
        return MR_EXIT_OK;
    }
    if (mr_board_settle_wish(&reach->board, &wish, &err) != MR_OK)
        return mr_cli_fail(&err);
    atomic_store(&self->broken_off.is_stopped, false);
    fprintf(stderr, "upgraded job `%s` of fleet `%s`, version %" PRIu64 "\n", wish.job,
            reach->fleet, wish.version);
    return mr_submit_await(reach, &wish);
}

/* It did not come to its end: what has become of the job by now, by whose hand ever. */
static void tell_state(upgrading *self)
{
    mr_error ignored;
    const char *name = self->flags->job;
    (void)!mr_board_catch_up(&self->changed.named.reach.board, &ignored);
    const mr_board_job *job = on_board(self);
    if (job == NULL || !job->has_wish)
        fprintf(stderr, "job `%s` is not there any more\n", name);
    else if (job->wish.kind == MR_WISH_STOP)
        fprintf(stderr,
                "job `%s` is stopped%s: `millrace upgrade` tries once more, `millrace submit` of "
                "its old text goes on with that\n",
                name, self->was_running ? ", and ran before" : "");
    else
        fprintf(stderr,
                "job `%s` is wished to %s, by another command, as version %" PRIu64
                ": `millrace status` says what it does\n",
                name, mr_wish_kind_name(job->wish.kind), job->wish.version);
}

static mr_exit upgrade(upgrading *self)
{
    mr_error err;
    if (check(self, &err) != MR_OK || prepare(self, &err) != MR_OK)
        return mr_cli_fail(&err);
    mr_changed_print(&self->changed);
    if (mr_changed_is_one_plan(&self->changed)) /* the state is its own already */
        return start(self);
    if (look_ahead(self, &err) != MR_OK)
        return mr_cli_fail(&err);
    self->was_running = self->changed.named.wish.kind == MR_WISH_RUN;
    atomic_store(&self->broken_off.is_stopped, true);
    mr_exit exit = stop(self);
    if (exit != MR_EXIT_OK)
        return exit;
    if (carry_over(self, &err) == MR_OK)
        return start(self);
    tell_state(self);
    return mr_cli_fail(&err);
}

mr_exit mr_command_upgrade(const mr_flags *flags)
{
    upgrading self = {.flags = flags};
    mr_broken_off_open(&self.broken_off, flags->job);
    mr_exit exit = mr_changed_open(&self.changed, flags);
    if (exit == MR_EXIT_OK)
        exit = upgrade(&self);
    mr_past_job_close(&self.past);
    mr_changed_release(&self.changed);
    mr_broken_off_close(&self.broken_off);
    return exit;
}
