/*
 * Which tasks are ours.
 *
 *   REVOKED: commit, all stay open -> ASSIGNED: those that are not ours any more are dropped
 *                                  -> RESTORE: kept ones are verified, the others restored
 *
 * Between the two a task may have been another's without our being told: a member that stands still
 * is put out of the group, and joins again as a stranger who owns nothing. So what is kept counts
 * only when nobody has written to its state log since: whoever owns a task writes a claim there
 * before anything else, and no commit of state leaves its end where it was.
 */
#include "engine/run/worker/private.h"

#include "engine/base/assert.h"

#include <inttypes.h>
#include <stdlib.h>

static bool is_among(const int32_t *partitions, uint32_t count, uint32_t index)
{
    for (uint32_t i = 0; i < count; i++)
        if ((partitions != NULL ? (uint32_t)partitions[i] : i) == index)
            return true;
    return false;
}

/* Drops what is not ours any more. Its local store gets what is committed: should the task come
 * back, less of the log is to be read. */
static mr_status drop_others(mr_worker *worker, const int32_t *partitions, uint32_t count,
                             mr_error *err)
{
    mr_status status = MR_OK;
    for (uint32_t t = 0; t < worker->tasks_count; t++) {
        mr_worker_task *at = &worker->tasks[t];
        if (at->task == NULL || is_among(partitions, count, at->index))
            continue;
        if (status == MR_OK)
            status = mr_worker_settle_store(at, err);
        mr_worker_drop_task(worker, t);
    }
    return status;
}

/* Takes the task over from the list of before, if it is open. */
static bool keep(mr_worker *worker, mr_worker_task *owned, uint32_t number)
{
    for (uint32_t t = 0; t < worker->tasks_count; t++) {
        const mr_worker_task *at = &worker->tasks[t];
        if (at->index != owned[number].index || at->task == NULL)
            continue;
        owned[number] = *at;
        owned[number].is_kept = true;
        for (uint32_t i = at->first_slot; i < at->first_slot + at->slots_count; i++)
            worker->slots[i].task = number;
        return true;
    }
    return false;
}

mr_status mr_worker_own_tasks(mr_worker *worker, const int32_t *partitions, uint32_t count,
                              mr_error *err)
{
    mr_status status = drop_others(worker, partitions, count, err);
    mr_worker_task *owned = calloc(count > 0 ? count : 1, sizeof *owned);
    MR_ASSERT(owned != NULL);
    for (uint32_t t = 0; t < count; t++) {
        owned[t] = (mr_worker_task){.index = partitions != NULL ? (uint32_t)partitions[t] : t,
                                    .epoch_offset = -1,
                                    .log_end = -1};
        (void)keep(worker, owned, t);
    }
    free(worker->tasks);
    worker->tasks = owned;
    worker->tasks_count = count;
    worker->tasks_awaited = 0;
    worker->owners.has_looked = false; /* from now on what is open counts */
    worker->lag_records = -1;          /* until it is asked again */
    return status;
}

int64_t mr_worker_log_end_behind(const mr_worker *worker, int64_t offset)
{
    bool has_marker = worker->plan->guarantee == MR_EXACTLY_ONCE;
    return offset + (has_marker ? 2 : 1);
}

static mr_status judge(mr_worker *worker, uint32_t task, const mr_log_ends *ends, mr_error *err)
{
    mr_worker_task *at = &worker->tasks[task];
    bool is_as_left = at->log_end >= 0 && ends->stable == at->log_end && ends->high == at->log_end;
    if (!is_as_left && !worker->config.sabotage.keep_unseen) {
        mr_logger_line(worker->config.logger, MR_LOG_INFO,
                       "task not kept, its state log has moved on job=%s task=%" PRIu32
                       " end=%" PRId64 " left_at=%" PRId64,
                       worker->plan->job, at->index, ends->high, at->log_end);
        mr_worker_drop_task(worker, task);
        worker->outdated++;
        return MR_OK;
    }
    mr_status status = mr_worker_wake_inputs(worker, task, err);
    if (status != MR_OK)
        return status;
    at->is_kept = false;
    worker->kept++;
    mr_logger_line(worker->config.logger, MR_LOG_INFO,
                   "task kept job=%s task=%" PRIu32 " epoch=%" PRIu64, worker->plan->job, at->index,
                   at->epoch);
    return MR_OK;
}

mr_status mr_worker_verify_kept(mr_worker *worker, mr_error *err)
{
    uint32_t count = 0;
    mr_arena arena = {0};
    mr_log *log = worker->config.log;
    mr_log_ends *ends = mr_arena_alloc(&arena, (worker->tasks_count + 1) * sizeof *ends);
    for (uint32_t t = 0; t < worker->tasks_count; t++)
        if (worker->tasks[t].is_kept)
            ends[count++] = (mr_log_ends){.topic = worker->state_topic,
                                          .partition = (int32_t)worker->tasks[t].index};
    mr_status status = count > 0 ? log->class->ends(log, ends, count, err) : MR_OK;
    count = 0;
    for (uint32_t t = 0; status == MR_OK && t < worker->tasks_count; t++)
        if (worker->tasks[t].is_kept)
            status = judge(worker, t, &ends[count++], err);
    mr_arena_release(&arena);
    return status;
}
