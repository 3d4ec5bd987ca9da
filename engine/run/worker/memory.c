/*
 * What of the tasks' state is in memory.
 *
 * Entries may leave at one moment only: behind a decision, when all that is committed has been
 * applied to the local store (engine/state/away.h). So state that outgrows its share ends the open
 * epoch early, and what it takes in between is bounded by what one batch adds.
 */
#include "engine/run/worker/private.h"

static size_t leaving_bytes(const mr_worker *worker, uint32_t *tasks)
{
    size_t bytes = 0;
    *tasks = 0;
    for (uint32_t t = 0; t < worker->tasks_count; t++) {
        const mr_worker_task *at = &worker->tasks[t];
        if (at->task == NULL || at->store == NULL)
            continue;
        bytes += mr_state_leaving_bytes(mr_task_state(at->task));
        ++*tasks;
    }
    return bytes;
}

bool mr_worker_is_state_full(const mr_worker *worker)
{
    uint32_t tasks;
    return worker->config.state_bytes_max != 0 &&
           leaving_bytes(worker, &tasks) > worker->config.state_bytes_max;
}

static mr_status relieve(mr_worker *worker, mr_worker_task *at, size_t share, mr_error *err)
{
    mr_status status = MR_OK;
    if (!worker->config.sabotage.forget_applying) {
        mr_worker_note_applied(at);
        status = mr_pending_apply(&at->pending, at->store, err);
    }
    if (worker->config.sabotage.forget_changed)
        mr_state_mark_clean(mr_task_state(at->task));
    if (status == MR_OK)
        mr_state_settle(mr_task_state(at->task), share);
    return status;
}

mr_status mr_worker_relieve_state(mr_worker *worker, mr_error *err)
{
    size_t max = worker->config.state_bytes_max;
    uint32_t tasks;
    if (max == 0 || leaving_bytes(worker, &tasks) <= max)
        return MR_OK;
    mr_status status = MR_OK;
    for (uint32_t t = 0; status == MR_OK && t < worker->tasks_count; t++) {
        mr_worker_task *at = &worker->tasks[t];
        if (at->task != NULL && at->store != NULL && !mr_worker_is_imaging(worker, at) &&
            mr_state_leaving_bytes(mr_task_state(at->task)) > max / tasks)
            status = relieve(worker, at, max / tasks, err);
    }
    return status;
}

mr_status mr_worker_check_states(mr_worker *worker, mr_error *err)
{
    for (uint32_t t = 0; t < worker->tasks_count; t++) {
        mr_worker_task *at = &worker->tasks[t];
        mr_status status = at->task != NULL ? mr_state_check(mr_task_state(at->task), err) : MR_OK;
        if (status == MR_OK)
            continue;
        if (status == MR_E_STORE_DAMAGED || status == MR_E_STATE) {
            at->is_store_bad = true;
            err->recovery = MR_RECOVERY_EPOCH;
        }
        return status;
    }
    return MR_OK;
}
