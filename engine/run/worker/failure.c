/* What a failed step means: an epoch is dropped, a task is parked, the writer is replaced, or the
 * worker stops. Every failure goes one way: drop, restore the tasks from the last commit, go on. */
#include "engine/run/worker/private.h"

#include "engine/base/assert.h"

#include <inttypes.h>
#include <stdlib.h>

#define RETRIES_MAX 2000u
#define POSITIONS_LOST_MAX 3u /* between two commits */

void mr_worker_drop_tasks(mr_worker *worker)
{
    for (uint32_t t = 0; t < worker->tasks_count; t++)
        mr_worker_drop_task(worker, t);
}

void mr_worker_close_writer(mr_worker *worker)
{
    if (worker->writer != NULL)
        worker->writer->class->close(worker->writer);
    worker->writer = worker->io.writer = NULL;
    mr_staging_set_target(&worker->staging, NULL);
    worker->is_epoch_open = worker->is_transaction_open = false;
}

/* Drops the open epoch, and the one before it unless that is decided. */
void mr_worker_abort_epoch(mr_worker *worker)
{
    mr_error err;
    mr_worker_settle_decision(worker, &err);
    bool must_replace = err.status != MR_OK && err.recovery == MR_RECOVERY_WRITER;
    worker->io.failed_attempts += worker->is_epoch_open || worker->is_transaction_open;
    mr_worker_drop_tasks(worker);
    mr_staging_clear(&worker->staging);
    mr_worker_forget_handed(worker);
    /* Also behind a decision that failed: an epoch record that is still queued would follow the one
     * that the next try writes. */
    bool is_queued = worker->plan->guarantee != MR_EXACTLY_ONCE;
    /* What is not aborted here, the next writer aborts; what was queued is not sent. */
    if (worker->writer != NULL && (must_replace || is_queued ||
                                   (worker->is_transaction_open &&
                                    worker->writer->class->abort(worker->writer, &err) != MR_OK)))
        mr_worker_close_writer(worker);
    worker->may_hang |= worker->writer != NULL && worker->is_transaction_open;
    worker->hanging_looks = 0;
    worker->is_epoch_open = worker->is_transaction_open = false;
    worker->aborts++;
    mr_report_aborted(&worker->report);
}

/* Stops one task with the facts; the rest go on. False: there is no rest. */
bool mr_worker_park_task(mr_worker *worker, uint32_t task, mr_status status, const mr_error *err)
{
    mr_worker_task *at = &worker->tasks[task];
    at->is_parked = true;
    at->failed_with = status;
    at->parked_why = mr_arena_string(&worker->arena, err->message, strlen(err->message));
    mr_logger_line(worker->config.logger, MR_LOG_ERROR,
                   "task parked job=%s task=%" PRIu32 " code=MR%d reason=\"%s\"", worker->plan->job,
                   at->index, status, err->message);
    for (uint32_t t = 0; t < worker->tasks_count; t++)
        if (!worker->tasks[t].is_parked)
            return true;
    return false;
}

/* A run without the rows of a parked task is no success. */
mr_status mr_worker_tell_parked(const mr_worker *worker, mr_error *err)
{
    for (uint32_t t = 0; t < worker->tasks_count; t++) {
        const mr_worker_task *at = &worker->tasks[t];
        if (at->is_parked)
            return mr_error_set(err, at->failed_with,
                                "task %" PRIu32 " of job `%s` was parked, the others went on: %s",
                                at->index, worker->plan->job, at->parked_why);
    }
    return MR_OK;
}

static int compare_u64(const void *a, const void *b)
{
    uint64_t x = *(const uint64_t *)a, y = *(const uint64_t *)b;
    return (x > y) - (x < y);
}

/* Notes which records the log refused: the next try sends them to the dead letters. */
static mr_status note_refused(mr_worker *worker, mr_error *err)
{
    const mr_log_failure *failures = NULL;
    uint32_t count =
        worker->writer != NULL ? worker->writer->class->failures(worker->writer, &failures) : 0;
    for (uint32_t i = 0; i < count; i++) {
        if (failures[i].status != MR_E_KAFKA_RECORD_REFUSED)
            continue;
        if (failures[i].tag == 0 || worker->refused_count >= MR_WORKER_REFUSED_MAX)
            return mr_error_set(err, MR_E_KAFKA_RECORD_REFUSED,
                                "topic `%s` refused a record that must not be lost: %s; raise its "
                                "max.message.bytes",
                                failures[i].topic, failures[i].reason);
        if (worker->refused_count == worker->refused_capacity) {
            worker->refused_capacity =
                worker->refused_capacity != 0 ? worker->refused_capacity * 2 : 16;
            worker->refused =
                realloc(worker->refused, worker->refused_capacity * sizeof *worker->refused);
            MR_ASSERT(worker->refused != NULL);
        }
        worker->refused[worker->refused_count++] = failures[i].tag;
    }
    if (worker->refused_count > 0)
        qsort(worker->refused, worker->refused_count, sizeof *worker->refused, compare_u64);
    worker->io.refused = worker->refused;
    worker->io.refused_count = worker->refused_count;
    return MR_OK;
}

/* A task that fails twice the same way is parked; the rest go on. */
static bool park(mr_worker *worker, uint32_t task, mr_status status, const mr_error *err)
{
    bool is_own = status >= MR_E_INTERNAL || (status >= MR_E_STATE && status < MR_E_KAFKA);
    if (task >= worker->tasks_count || !is_own || status == MR_E_CRASHED || worker->tasks_count < 2)
        return false;
    mr_worker_task *at = &worker->tasks[task];
    bool is_again = at->failed_with == status;
    at->failed_with = status;
    return !is_again || mr_worker_park_task(worker, task, status, err);
}

/* The transaction had more to do than its timeout lets it: the broker aborts it then and fences the
 * writer, or records were not delivered in time. */
static bool outlived_timeout(const mr_worker *worker, mr_status status)
{
    bool is_log = status > MR_E_KAFKA && status < MR_E_INTERNAL;
    int64_t age_us = mr_worker_now_us(worker) - worker->transaction_began_us;
    return worker->is_transaction_open && is_log &&
           (status == MR_E_KAFKA_TIMEOUT ||
            age_us >= worker->plan->transaction_timeout_ms * INT64_C(1000));
}

/* What a task takes from an exchange is trimmed behind it. So who misses records there has most
 * likely stood still, and its tasks are another's by now: they come back from the state log, or do
 * not. When they miss them there too, the records are gone. */
static bool is_stale(mr_worker *worker)
{
    return worker->plan->stages_count > 0 && worker->positions_lost++ < POSITIONS_LOST_MAX;
}

/* What a failed step means for the worker. Zero: go on with the next step. */
mr_status mr_worker_recover(mr_worker *worker, uint32_t task, mr_status status, mr_error *err)
{
    if (status == MR_E_CRASHED)
        return status;
    if (worker->phase >= MR_WORKER_STOPPED) /* all is committed, the status says why it ended */
        return status;
    mr_recovery recovery = err->recovery;
    if (status == MR_E_KAFKA_OFFSET_LOST && recovery == MR_RECOVERY_STOP && is_stale(worker))
        recovery = MR_RECOVERY_EPOCH;
    if (recovery == MR_RECOVERY_RETRY && ++worker->retries < RETRIES_MAX)
        return MR_OK;
    /* Its helper must have let go before anything is undone or asked; what it failed with counts as
     * well. */
    mr_error undecided;
    bool is_late = outlived_timeout(worker, status);
    mr_worker_settle_decision(worker, &undecided);
    if (undecided.status == MR_E_CRASHED) {
        *err = undecided;
        return MR_E_CRASHED;
    }
    bool must_replace = recovery == MR_RECOVERY_WRITER ||
                        (undecided.status != MR_OK && undecided.recovery == MR_RECOVERY_WRITER);
    if (is_late)
        mr_cut_on_timeout_abort(&worker->cut);
    bool is_parked = recovery == MR_RECOVERY_STOP && park(worker, task, status, err);
    if (recovery == MR_RECOVERY_STOP && !is_parked) {
        mr_error why = *err;
        mr_worker_abort_epoch(worker);
        *err = why;
        return status;
    }
    mr_logger_line(worker->config.logger, MR_LOG_WARN,
                   "epoch dropped job=%s code=MR%d recovery=%s reason=\"%s\"", worker->plan->job,
                   status, mr_recovery_name(recovery), err->message);
    /* Whatever call met the refusal: the log names the culprits, and learns from being asked (a
     * batch too large names nobody, and the next writer makes smaller ones). */
    status = note_refused(worker, err);
    mr_worker_abort_epoch(worker);
    if (must_replace)
        mr_worker_close_writer(worker);
    if (worker->phase == MR_WORKER_RUN)
        worker->phase = MR_WORKER_RESTORE;
    return status;
}
