/* The loop of a worker at work: one small piece a step, in the order of what must not wait. */
#include "engine/run/worker/private.h"

#include "engine/base/assert.h"

#include <inttypes.h>
#include <stdlib.h>

#define FETCH_TIMEOUT_MS 50
#define REFRESH_EVERY_US INT64_C(86400000000) /* offsets of a quiet job expire after 7 days */
#define NOTICE_TIMEOUT_MS 2                   /* a fetch while a decision is awaited */
#define FULL_TIMEOUT_MS 20                    /* a wait for it where no more work may be taken */

static bool has_progress(const mr_worker *worker)
{
    for (uint32_t t = 0; t < worker->tasks_count; t++)
        if (worker->tasks[t].task != NULL && mr_task_has_progress(worker->tasks[t].task))
            return true;
    return false;
}

static int64_t epoch_age_us(const mr_worker *worker)
{
    return mr_worker_now_us(worker) - worker->epoch_began_us;
}

/* What waits for the commit of another worker waits for ours next: with all of it taken, the wait
 * is over early. */
static int64_t epoch_left_us(const mr_worker *worker)
{
    int64_t age_us = epoch_age_us(worker);
    return worker->has_frames && mr_worker_is_drained(worker)
               ? mr_cut_drained_left_us(&worker->cut, age_us)
               : mr_cut_left_us(&worker->cut, age_us);
}

static bool is_commit_due(const mr_worker *worker)
{
    return worker->is_epoch_open && has_progress(worker) && epoch_left_us(worker) == 0;
}

/* No more work before the open epoch ends. */
static bool is_epoch_full(mr_worker *worker)
{
    if (!worker->is_epoch_open || !has_progress(worker))
        return false;
    if (mr_worker_is_state_full(worker))
        return true;
    size_t dirty = 0;
    for (uint32_t t = 0; t < worker->tasks_count; t++)
        if (worker->tasks[t].task != NULL)
            dirty += mr_state_dirty_bytes(mr_task_state(worker->tasks[t].task));
    return mr_cut_is_full(&worker->cut, dirty, worker->staging.bytes + worker->handover.bytes);
}

/* Work of the epoch is half done: the same call again would do it twice or not at all, so what may
 * be retried elsewhere drops the epoch here. */
static mr_status half_done(mr_status status, mr_error *err)
{
    if (status != MR_OK && err->recovery == MR_RECOVERY_RETRY)
        err->recovery = MR_RECOVERY_EPOCH;
    return status;
}

/* One step of watermark work for the first task that has some. */
static mr_status advance_one(mr_worker *worker, uint32_t *task, bool *worked, mr_error *err)
{
    *worked = false;
    for (uint32_t t = 0; t < worker->tasks_count && !*worked; t++) {
        mr_task *at = worker->tasks[t].task;
        if (at == NULL || mr_task_is_settled(at))
            continue;
        *task = t;
        *worked = true;
        mr_status status = mr_worker_begin_epoch(worker, err);
        mr_progress progress;
        if (status == MR_OK)
            status = mr_task_advance(at, &progress, err);
        return status;
    }
    return MR_OK;
}

/* Our tasks, that is; one without inputs has nothing to do. */
static bool is_all_finished(const mr_worker *worker)
{
    for (uint32_t t = 0; t < worker->tasks_count; t++) {
        const mr_task *task = worker->tasks[t].task;
        if (worker->tasks[t].is_parked)
            continue;
        if (task == NULL || (mr_task_inputs_count(task) > 0 && !mr_task_is_finished(task)))
            return false;
    }
    return worker->tasks_count > 0;
}

static mr_status process(mr_worker *worker, mr_records *records, uint32_t *task, mr_error *err)
{
    const mr_worker_slot *slot = &worker->slots[records->input];
    mr_worker_task *at = &worker->tasks[slot->task];
    *task = slot->task;
    if (at->task == NULL || !slot->is_open)
        return MR_OK;
    mr_worker_cut_at_bound(worker, records);
    if (records->count == 0)
        return MR_OK;
    mr_idleness_on_record(&mr_task_input_at(at->task, slot->input)->idleness);
    mr_status status = mr_worker_begin_epoch(worker, err);
    if (status == MR_OK)
        status = mr_task_on_records(at->task, slot->input, records, err);
    worker->has_frames |= mr_worker_exchange_of(worker, slot) != NULL;
    mr_report_read(&worker->report, worker->partitions[slot->partition].source,
                   mr_task_input_at(at->task, slot->input), records, worker->config.clock);
    return half_done(status, err);
}

static mr_status stop(mr_worker *worker, mr_worker_phase phase, mr_error *err)
{
    mr_worker_spend(worker, MR_REPORT_COMMITTING);
    mr_status status = half_done(mr_worker_commit(worker, err), err);
    if (status == MR_OK)
        status = mr_worker_settle_stores(worker, err);
    if (status == MR_OK)
        worker->phase = phase;
    return status;
}

/* How long a fetch may wait: not beyond the next commit, nor long when one is under way. Not 0 then
 * either, however old the open epoch is: it cannot be cut before, and asking again and again would
 * take the time from the helper. */
static int32_t patience_ms(const mr_worker *worker)
{
    if (worker->is_deciding)
        return NOTICE_TIMEOUT_MS;
    if (!worker->is_epoch_open)
        return FETCH_TIMEOUT_MS;
    if (worker->has_frames && !mr_worker_is_drained(worker))
        return 0; /* an answer is wanted: are there more */
    int64_t left = epoch_left_us(worker) / 1000;
    return left < FETCH_TIMEOUT_MS ? (int32_t)left : FETCH_TIMEOUT_MS;
}

/* A job without input would lose its group's offsets after a week: once a day all are committed
 * again. */
static mr_status refresh_offsets(mr_worker *worker, int64_t now, mr_error *err)
{
    bool is_first = worker->refreshed_us == 0;
    worker->refreshed_us = now;
    if (is_first || !mr_worker_keeps_state(worker))
        return MR_OK;
    for (uint32_t t = 0; t < worker->tasks_count; t++)
        if (worker->tasks[t].task != NULL)
            mr_task_refresh(worker->tasks[t].task);
    return mr_worker_begin_epoch(worker, err);
}

static mr_status end(mr_worker *worker, mr_worker_phase phase, mr_error *err)
{
    mr_status status = stop(worker, phase, err);
    return status == MR_OK ? mr_worker_tell_parked(worker, err) : status;
}

/* Our tasks have finished. The job has when all have, and until then we may be given more. */
static mr_status await_others(mr_worker *worker, mr_error *err)
{
    bool is_over;
    mr_status status = mr_worker_look_at_others(worker, &is_over, err);
    if (status != MR_OK)
        return status;
    /* Readers of the outputs may be held by whom tasks were taken over from, until we end that. */
    if (is_over && worker->owners.count == 0)
        return end(worker, MR_WORKER_FINISHED, err);
    return worker->is_deciding ? mr_worker_notice(worker, FULL_TIMEOUT_MS, err)
                               : mr_worker_poll_member(worker, FETCH_TIMEOUT_MS, err);
}

/* Too many rows died, or state takes too much: what was done is committed, dead letters with it, so
 * that somebody can look at them; then the worker stops. */
static mr_status check_budgets(mr_worker *worker, mr_error *err)
{
    mr_status verdict = mr_worker_check_memory(worker, err);
    for (uint32_t t = 0; verdict == MR_OK && t < worker->tasks_count; t++)
        if (worker->tasks[t].task != NULL)
            verdict = mr_graph_check_budgets(mr_task_graph(worker->tasks[t].task), err);
    if (verdict == MR_OK)
        return MR_OK;
    mr_error why = *err;
    mr_status status = stop(worker, MR_WORKER_STOPPED, err);
    if (status == MR_OK)
        *err = why;
    return status != MR_OK ? status : verdict;
}

/* What the commit asks for: a look at the one under way, a cut. `*is_done`: nothing else this
 * step. An epoch that is only old goes on while the one before it is decided; a full one waits. */
static mr_status see_to_commit(mr_worker *worker, bool *is_done, mr_error *err)
{
    bool is_full = is_epoch_full(worker);
    bool was_deciding = worker->is_deciding;
    if (is_full && was_deciding)
        mr_worker_spend(worker, MR_REPORT_BACKPRESSURED);
    mr_status status = mr_worker_notice(worker, is_full ? FULL_TIMEOUT_MS : 0, err);
    *is_done = status != MR_OK || (was_deciding && (is_full || !worker->is_deciding));
    if (*is_done || worker->is_deciding || (!is_full && !is_commit_due(worker)))
        return status;
    *is_done = true;
    mr_worker_spend(worker, MR_REPORT_COMMITTING);
    return mr_worker_cut(worker, err);
}

/* What is done is committed, then all tasks come back with the partitions that were added. */
static mr_status grow(mr_worker *worker, mr_error *err)
{
    bool has_grown;
    mr_status status = mr_worker_look_for_growth(worker, &has_grown, err);
    if (status != MR_OK) {
        mr_error why = *err;
        mr_status stopped = status != MR_E_CRASHED ? stop(worker, MR_WORKER_STOPPED, err) : MR_OK;
        if (stopped == MR_OK)
            *err = why;
        return stopped != MR_OK ? stopped : status;
    }
    if (!has_grown)
        return MR_OK;
    status = half_done(mr_worker_commit(worker, err), err);
    if (status == MR_OK)
        status = mr_worker_settle_stores(worker, err);
    if (status != MR_OK)
        return status;
    mr_worker_drop_tasks(worker);
    worker->phase = MR_WORKER_RESTORE;
    return MR_OK;
}

mr_status mr_worker_run(mr_worker *worker, uint32_t *task, mr_error *err)
{
    mr_status status = half_done(mr_worker_check_states(worker, err), err);
    bool worked;
    if (status == MR_OK)
        status = check_budgets(worker, err);
    if (status == MR_OK)
        status = half_done(see_to_commit(worker, &worked, err), err);
    if (status != MR_OK || worked)
        return status;
    status = half_done(advance_one(worker, task, &worked, err), err);
    if (status != MR_OK || worked)
        return status;
    status = half_done(mr_worker_take_handed(worker, task, &worked, err), err);
    if (status != MR_OK || worked)
        return status;
    if (atomic_load(&worker->is_stop_requested))
        return end(worker, MR_WORKER_STOPPED, err);
    if (worker->config.is_settling) {
        bool is_over;
        status = half_done(mr_worker_settle(worker, &worked, &is_over, err), err);
        if (status == MR_OK && is_over)
            return end(worker, MR_WORKER_STOPPED, err);
        if (status != MR_OK || worked)
            return status;
    }
    if (atomic_load(&worker->is_end_requested) && !worker->config.is_bounded) {
        status = mr_worker_bound_inputs(worker, err);
        if (status != MR_OK)
            return status;
    }
    status = mr_worker_look_at_owners(worker, err);
    if (status != MR_OK)
        return status;
    if (mr_worker_is_growth_due(worker)) /* also with no input so far */
        return grow(worker, err);
    if (is_all_finished(worker))
        return await_others(worker, err);
    int64_t now = mr_worker_now_us(worker);
    if (now - worker->refreshed_us >= REFRESH_EVERY_US)
        return refresh_offsets(worker, now, err);
    /* It may have moved watermarks: the next step carries them on before anything is read. */
    if (mr_worker_is_look_due(worker))
        return mr_worker_look_at_ends(worker, err);
    mr_records records;
    mr_worker_spend(worker, MR_REPORT_IDLE);
    status = mr_worker_fetch(worker, patience_ms(worker), &records, err);
    mr_worker_spend(worker, MR_REPORT_BUSY);
    if (status == MR_OK && records.count > 0) {
        worker->has_read = true;
        return process(worker, &records, task, err);
    }
    /* Files that give no more are at their end, and to look costs nothing: the clock is not waited
     * for, nor asked again and again. */
    if (status == MR_OK && worker->has_read && worker->readers[0] == NULL) {
        worker->has_read = false;
        worker->look_due_us = now;
    }
    return status;
}
