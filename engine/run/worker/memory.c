/*
 * What of the tasks' state is in memory.
 *
 * Entries may leave at one moment only: behind a decision, when all that is committed has been
 * applied to the local store (engine/state/away.h). So state that outgrows its share ends the open
 * epoch early, and what it takes in between is bounded by what one batch adds.
 *
 * Two things nobody can see from outside, so they are told, once: a share so small that what is
 * left behind the leaving is more (slices by themselves take memory), and state that may not leave
 * at all. The first makes epochs shorter and no shorter; the second ends the job, with all that was
 * done committed, when it alone is more than the whole budget: sooner or later the kernel would, at
 * a moment of its own choice, and maybe of another process.
 */
#include "engine/run/worker/private.h"

#include <inttypes.h>
#if defined(__GLIBC__)
#include <malloc.h>
#endif

#define MIB ((size_t)1 << 20)

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

/* The share, or a quarter of it beyond what is left when all has left that can: an epoch that is
 * full before its first batch would be one for each batch, and make no room either. */
static size_t bytes_max(const mr_worker *worker)
{
    size_t share = worker->config.state_bytes_max, beyond = worker->memory.least + share / 4;
    return beyond > share ? beyond : share;
}

bool mr_worker_is_state_full(mr_worker *worker)
{
    if (worker->config.state_bytes_max == 0)
        return false;
    uint32_t tasks;
    size_t bytes = leaving_bytes(worker, &tasks);
    if (bytes < worker->memory.least)
        worker->memory.least = bytes;
    return bytes > bytes_max(worker);
}

void mr_worker_set_memory(mr_worker *worker, size_t memory_bytes, size_t state_bytes_max,
                          size_t dirty_bytes_max)
{
    worker->config.memory_bytes = memory_bytes;
    worker->config.state_bytes_max = state_bytes_max;
    worker->cut.dirty_bytes = dirty_bytes_max;
}

/* ---- telling ---- */

static void tell_small(mr_worker *worker, size_t share)
{
    mr_worker_memory *memory = &worker->memory;
    if (memory->has_told_small)
        return;
    memory->has_told_small = true;
    size_t budget = worker->config.memory_bytes;
    mr_logger_line(worker->config.logger, MR_LOG_WARN,
                   "memory budget too small code=MR%d job=%s state_least_mib=%zu share_mib=%zu "
                   "reason=\"with all its entries in the local store, state takes more than its "
                   "share: commits come early; --memory %zuM would do\"",
                   MR_E_BUDGET_SMALL, worker->plan->job, memory->least / MIB, share / MIB,
                   (size_t)((double)budget * 2 * (double)memory->least / (double)share) / MIB + 1);
}

/* The table that takes most of what may not leave; `*bytes`: how much. */
static const char *largest_staying(const mr_worker *worker, size_t *bytes)
{
    const char *name = "";
    *bytes = 0;
    for (uint32_t t = 0; t < worker->tasks_count; t++) {
        if (worker->tasks[t].task == NULL)
            continue;
        const mr_state *state = mr_task_state(worker->tasks[t].task);
        bool has_store = worker->tasks[t].store != NULL;
        for (uint32_t i = 0; i < mr_state_tables_count(state); i++) {
            size_t takes = mr_state_table_bytes(state, i);
            if ((has_store && mr_state_may_leave(state, i)) || takes <= *bytes)
                continue;
            *bytes = takes;
            name = mr_state_table_name(state, i);
        }
    }
    return name;
}

mr_status mr_worker_check_memory(mr_worker *worker, mr_error *err)
{
    size_t budget = worker->config.memory_bytes, share = worker->config.state_bytes_max;
    if (budget == 0 || worker->config.budget == NULL)
        return MR_OK;
    int64_t used =
        atomic_load_explicit(&worker->config.budget->used[MR_BUDGET_TABLES], memory_order_relaxed);
    if (used <= (int64_t)share || (worker->memory.has_told_staying && used <= (int64_t)budget))
        return MR_OK;
    uint32_t tasks;
    size_t leaving = leaving_bytes(worker, &tasks), largest;
    size_t staying = (size_t)used > leaving ? (size_t)used - leaving : 0;
    if (staying <= share)
        return MR_OK;
    const char *name = largest_staying(worker, &largest);
    if (staying > budget)
        return mr_error_set(err, MR_E_BUDGET,
                            "state that must stay in memory takes %zu MiB, the budget of the whole "
                            "job is %zu MiB (most of it `%s`: %zu MiB); all is committed: start "
                            "again with --memory %zuM at least, or with less state",
                            staying / MIB, budget / MIB, name, largest / MIB,
                            staying * 8 / 3 / MIB + 1);
    if (!worker->memory.has_told_staying)
        mr_logger_line(worker->config.logger, MR_LOG_WARN,
                       "state stays in memory, beyond its share code=MR%d job=%s table=%s "
                       "state_mib=%zu share_mib=%zu reason=\"the job ends when it takes more than "
                       "the budget of %zu MiB; --memory gives it more\"",
                       MR_E_BUDGET, worker->plan->job, name, staying / MIB, share / MIB,
                       budget / MIB);
    worker->memory.has_told_staying = true;
    return MR_OK;
}

/* ---- leaving ---- */

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
    if (max == 0 || leaving_bytes(worker, &tasks) <= bytes_max(worker))
        return MR_OK;
    mr_status status = MR_OK;
    for (uint32_t t = 0; status == MR_OK && t < worker->tasks_count; t++) {
        mr_worker_task *at = &worker->tasks[t];
        if (at->task != NULL && at->store != NULL && !mr_worker_is_imaging(worker, at) &&
            mr_state_leaving_bytes(mr_task_state(at->task)) > max / tasks)
            status = relieve(worker, at, max / tasks, err);
    }
    /* What has left would be kept by the heap for us alone, while others have the same peak ahead:
     * the store's compaction, a commit on its way. */
#if defined(__GLIBC__)
    (void)malloc_trim(0);
#endif
    worker->memory.least = leaving_bytes(worker, &tasks);
    if (worker->memory.least > max && worker->config.memory_bytes != 0)
        tell_small(worker, max);
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
