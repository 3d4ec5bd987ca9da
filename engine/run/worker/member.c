/* The group gives tasks and takes them. Whoever gives one up commits first. */
#include "engine/run/worker/private.h"

#include "engine/base/assert.h"

#include <inttypes.h>
#include <stdlib.h>

#define POLL_EVERY_US INT64_C(10000)

/* Tasks may come without any having been revoked: then an epoch may be open. */
static mr_status on_assigned(mr_worker *worker, const mr_member_event *event, mr_error *err)
{
    mr_status status = worker->phase == MR_WORKER_RUN ? mr_worker_commit(worker, err) : MR_OK;
    if (worker->is_epoch_open || status != MR_OK)
        mr_worker_abort_epoch(worker);
    mr_error why = *err;
    uint32_t count = 0;
    int32_t *kept = malloc((event->partitions_count + 1) * sizeof *kept);
    MR_ASSERT(kept != NULL);
    mr_status owned = mr_worker_pass_over(worker, event, kept, &count, err);
    bool is_unanswered = owned != MR_OK && err->recovery == MR_RECOVERY_RETRY;
    if (owned == MR_OK)
        owned = mr_worker_own_tasks(worker, kept, count, err);
    free(kept);
    if (is_unanswered) /* the assignment stands: it is looked at anew before anything else */
        worker->event = *event;
    else
        worker->phase = MR_WORKER_RESTORE;
    if (status != MR_OK)
        *err = why;
    return status != MR_OK ? status : owned;
}

static mr_status on_member_event(mr_worker *worker, const mr_member_event *event, mr_error *err)
{
    mr_status status = MR_OK;
    bool must_drop = false;
    switch (event->kind) {
    case MR_MEMBER_NOTHING: return MR_OK;
    case MR_MEMBER_ASSIGNED:
        mr_report_rebalanced(&worker->report);
        return on_assigned(worker, event, err);
    case MR_MEMBER_REVOKED:
        if (worker->phase == MR_WORKER_RUN)
            status = mr_worker_commit(worker, err);
        break;
    case MR_MEMBER_LOST: must_drop = true; break;
    }
    /* What is committed may be given back to us: it stays open until that is known. */
    must_drop |= status != MR_OK || worker->is_epoch_open;
    if (worker->is_epoch_open)
        mr_worker_abort_epoch(worker);
    if (must_drop) {
        mr_worker_drop_tasks(worker);
        worker->tasks_count = 0;
    }
    worker->phase = MR_WORKER_JOIN;
    mr_error release_err;
    mr_status released = worker->member->class->release(worker->member, &release_err);
    if (status == MR_OK && released != MR_OK)
        *err = release_err;
    return status != MR_OK ? status : released;
}

static mr_status poll(mr_worker *worker, int32_t timeout_ms, mr_member_event *event, mr_error *err)
{
    *event = (mr_member_event){0};
    if (worker->member == NULL || worker->is_deciding) /* a revoke waits for the decision */
        return MR_OK;
    int64_t now = mr_worker_now_us(worker);
    if (timeout_ms == 0 && now - worker->polled_us < POLL_EVERY_US)
        return MR_OK;
    worker->polled_us = now;
    return worker->member->class->poll(worker->member, timeout_ms, event, err);
}

mr_status mr_worker_poll_member(mr_worker *worker, int32_t timeout_ms, mr_error *err)
{
    mr_member_event before = worker->event, event = before;
    mr_status status = MR_OK;
    /* An assignment may wait for long: what the group says meanwhile counts instead. */
    if (before.kind == MR_MEMBER_NOTHING || before.kind == MR_MEMBER_ASSIGNED)
        status = poll(worker, before.kind == MR_MEMBER_NOTHING ? timeout_ms : 0, &event, err);
    if (status != MR_OK)
        return status;
    worker->event = (mr_member_event){0};
    if (event.kind == MR_MEMBER_NOTHING)
        event = before;
    return on_member_event(worker, &event, err);
}

/* Who asks for a stop is often the thread that restores: it cannot ask before this is over. */
static bool is_to_stop(const mr_worker *worker)
{
    const mr_worker_config *config = &worker->config;
    return atomic_load(&worker->is_stop_requested) ||
           (config->is_stopping != NULL && config->is_stopping(config->hook));
}

/* The event is seen to when the restore is unwound: here it would pull the task from under it. */
mr_status mr_worker_breathe(void *context, mr_error *err)
{
    return mr_worker_pause(context, 0, err);
}

mr_status mr_worker_pause(mr_worker *worker, int32_t ms, mr_error *err)
{
    mr_status status = poll(worker, ms, &worker->event, err);
    if (status != MR_OK)
        return status;
    if (worker->event.kind == MR_MEMBER_NOTHING && !is_to_stop(worker))
        return MR_OK;
    return mr_error_set_recovery(err, MR_E_INTERRUPTED, MR_RECOVERY_RETRY,
                                 "a restore was broken off: the group gives or takes tasks, or the "
                                 "worker is to stop");
}
