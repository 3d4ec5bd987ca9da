/*
 * The decision about a sealed epoch, and what follows it.
 *
 *   cut ------------------------> notice
 *    seal n | helper: flush, offsets, commit | epoch n counts, n+1 gets its transaction,
 *           | here: n+1 is processed, staged |   what it staged is produced
 *
 * Only after the decision: changes on their way to the local store, trim behind a new base. The
 * commit's struct belongs to the helper in between, as do writer and member.
 */
#include "engine/run/worker/private.h"

#include "engine/base/assert.h"

#include <inttypes.h>

#define APPLY_EPOCHS 16
#define APPLY_BYTES ((size_t)4 << 20)

bool mr_worker_is_pipelined(const mr_worker *worker)
{
    return worker->plan->is_pipelined && worker->config.helper != NULL &&
           worker->plan->guarantee == MR_EXACTLY_ONCE;
}

mr_store_marker mr_worker_marker(const mr_worker *worker, const mr_worker_task *at, uint64_t epoch,
                                 int64_t offset, uint32_t checksum)
{
    return (mr_store_marker){.is_present = true,
                             .plan_version = mr_worker_stage_of(worker, at)->version,
                             .epoch = epoch,
                             .log_offset = offset + 1,
                             .checksum = checksum};
}

/* Before the log is trimmed the store must be beyond what goes, or it would be of no use after a
 * restart. */
static mr_status apply_if_due(mr_worker *worker, mr_worker_task *at, bool has_base, mr_error *err)
{
    if (at->store != NULL && has_base) {
        mr_status status = mr_pending_apply(&at->pending, at->store, err);
        mr_worker_note_applied(at);
        return status == MR_OK ? at->store->class->flush(at->store, err) : status;
    }
    uint32_t epochs = worker->config.apply_epochs != 0 ? worker->config.apply_epochs : APPLY_EPOCHS;
    if (at->store == NULL || mr_worker_is_imaging(worker, at) ||
        (at->pending.epochs < epochs && mr_pending_bytes(&at->pending) < APPLY_BYTES))
        return MR_OK;
    mr_worker_note_applied(at);
    return mr_pending_apply(&at->pending, at->store, err);
}

/* The epoch with the base, or with its first part, stands behind the epoch record before it.
 * Counting its records back from its end would not do: those of a fenced writer may lie between
 * them. */
static void trim_before(mr_worker *worker, const mr_worker_task *at, int64_t first)
{
    mr_error err;
    mr_log *log = worker->config.log;
    mr_status status = log->class->trim(log, worker->state_topic, (int32_t)at->index, first, &err);
    if (status != MR_OK && status != MR_E_CRASHED)
        mr_logger_line(worker->config.logger, MR_LOG_WARN,
                       "state log not trimmed job=%s task=%" PRIu32 " before=%" PRId64
                       " reason=\"%s\"",
                       worker->plan->job, at->index, first, err.message);
}

static mr_status after_decision(mr_worker *worker, const mr_commit_task *decided, mr_error *err)
{
    mr_worker_task *at = &worker->tasks[decided->number];
    MR_ASSERT(decided->epoch == at->epoch + 1 && decided->offset > at->epoch_offset);
    at->epoch = decided->epoch;
    at->epoch_offset = decided->offset;
    at->epoch_checksum = decided->checksum;
    at->log_end = mr_worker_log_end_behind(worker, decided->offset);
    at->is_finished = decided->is_finished;
    at->failed_with = MR_OK;
    if (decided->names_checkpoint)
        mr_worker_note_named(worker, at);
    if (decided->has_base)
        mr_worker_outdate_checkpoint(worker, at);
    mr_report_decided(&worker->report, at->index);
    mr_store_marker marker =
        mr_worker_marker(worker, at, at->epoch, at->epoch_offset, at->epoch_checksum);
    if (at->store != NULL && !worker->config.sabotage.apply_before_decision)
        mr_pending_seal(&at->pending, &marker);
    mr_status status = apply_if_due(worker, at, decided->has_base, err);
    if (status == MR_OK && decided->has_base)
        trim_before(worker, at, decided->base_from);
    return status;
}

static void count_commit(mr_worker *worker, int64_t ended_us)
{
    worker->io.failed_attempts = 0;
    worker->positions_lost = 0;
    /* Most of what was refused is in the dead letters by now; the rest will be refused again.
     * Not sooner: a try that commits a part must still know what it comes to next. */
    if (worker->refused_count > MR_WORKER_REFUSED_MAX / 2)
        worker->refused_count = worker->io.refused_count = 0;
    worker->commits++;
    worker->commit_us_last = ended_us - worker->commit_began_us;
    if (worker->commit_us_last > worker->commit_us_max)
        worker->commit_us_max = worker->commit_us_last;
    mr_report_committed(&worker->report, worker->commit_us_last,
                        worker->config.clock->wall_ms(worker->config.clock));
    mr_cut_on_commit(&worker->cut);
}

/* The steps are through. What was decided is decided, whatever follows. */
static mr_status take_outcome(mr_worker *worker, mr_error *err)
{
    mr_commit *commit = &worker->commit;
    mr_status status = MR_OK;
    worker->is_deciding = false;
    if (commit->phase == MR_COMMIT_FAILED) {
        *err = commit->err;
        status = err->status;
    } else {
        worker->is_transaction_open = false;
    }
    mr_commit_end(commit);
    return status;
}

mr_status mr_worker_decide_now(mr_worker *worker, mr_error *err)
{
    while (mr_commit_step(&worker->commit))
        ;
    return take_outcome(worker, err);
}

/* The epoch behind the decided one gets its transaction, and what it produced so far goes there. */
static mr_status release_staged(mr_worker *worker, mr_error *err)
{
    if (!worker->is_epoch_open) {
        MR_ASSERT(worker->staging.records_count == 0);
        mr_staging_clear(&worker->staging);
        return MR_OK;
    }
    mr_status status = mr_worker_begin_transaction(worker, err);
    return status == MR_OK ? mr_staging_play(&worker->staging, err) : status;
}

/* Epoch n counts. The tasks of `commit` are read here, after its end and before the next begin. */
static mr_status on_decided(mr_worker *worker, mr_error *err)
{
    mr_status status = MR_OK;
    for (uint32_t t = 0; status == MR_OK && t < worker->commit.tasks_count; t++) {
        const mr_commit_task *decided = &worker->commit.tasks[t];
        status = after_decision(worker, decided, err);
        mr_worker_trim_exchanges(worker, &worker->tasks[decided->number], &worker->commit);
    }
    if (status == MR_OK)
        count_commit(worker, worker->commit.ended_us);
    return status == MR_OK ? mr_worker_relieve_state(worker, err) : status;
}

bool mr_worker_leaks_changes(const mr_worker *worker)
{
    return worker->config.sabotage.leak_changes && mr_worker_is_pipelined(worker);
}

/* Test-only: an engine that reads on before it has written the delta of n. The next rows' changes
 * are in it then; their offsets and what they bring about are of n+1. */
static mr_status read_on(mr_worker *worker, mr_error *err)
{
    bool are_settled = true;
    for (uint32_t t = 0; t < worker->tasks_count; t++)
        are_settled &= worker->tasks[t].task == NULL || mr_task_is_settled(worker->tasks[t].task);
    for (uint32_t i = 0; i < worker->slots_count; i++) {
        mr_worker_slot *slot = &worker->slots[i];
        mr_task *task = mr_worker_task_of(worker, slot);
        if (task != NULL)
            slot->placed = mr_task_input_at(task, slot->input)->offset_next;
    }
    mr_staging_hold(&worker->staging);
    if (!are_settled)
        return MR_OK;
    mr_records records;
    mr_status status = mr_worker_fetch(worker, 0, &records, err);
    if (status != MR_OK || records.count == 0)
        return status;
    mr_worker_cut_at_bound(worker, &records);
    const mr_worker_slot *slot = &worker->slots[records.input];
    mr_task *task = mr_worker_task_of(worker, slot);
    return task != NULL && slot->is_open && records.count > 0
               ? mr_task_on_records(task, slot->input, &records, err)
               : MR_OK;
}

mr_status mr_worker_cut(mr_worker *worker, mr_error *err)
{
    MR_ASSERT(worker->is_epoch_open && !worker->is_deciding);
    worker->commit_began_us = mr_worker_now_us(worker);
    mr_status status = mr_worker_leaks_changes(worker) ? read_on(worker, err) : MR_OK;
    if (status == MR_OK)
        status = mr_worker_seal(worker, err);
    if (status != MR_OK)
        return status;
    if (!mr_commit_is_begun(&worker->commit)) { /* nothing is kept: nothing to decide */
        count_commit(worker, mr_worker_now_us(worker));
        return MR_OK;
    }
    if (mr_worker_is_pipelined(worker)) {
        worker->is_deciding = true;
        if (!worker->staging.is_holding)
            mr_staging_hold(&worker->staging);
        worker->is_epoch_open = worker->staging.records_count > 0; /* none, but by a sabotage */
        mr_helper *helper = worker->config.helper;
        helper->class->start(helper, (mr_helper_job){mr_commit_step, &worker->commit});
        return MR_OK;
    }
    status = mr_worker_decide_now(worker, err);
    return status == MR_OK ? on_decided(worker, err) : status;
}

mr_status mr_worker_notice(mr_worker *worker, int32_t timeout_ms, mr_error *err)
{
    mr_helper *helper = worker->config.helper;
    if (!worker->is_deciding || !helper->class->wait(helper, timeout_ms))
        return MR_OK;
    mr_status status = take_outcome(worker, err);
    if (status == MR_OK)
        status = on_decided(worker, err);
    return status == MR_OK ? release_staged(worker, err) : status;
}

mr_status mr_worker_commit(mr_worker *worker, mr_error *err)
{
    mr_status status = mr_worker_notice(worker, -1, err);
    if (status == MR_OK && worker->is_epoch_open)
        status = mr_worker_cut(worker, err);
    return status == MR_OK ? mr_worker_notice(worker, -1, err) : status;
}

void mr_worker_settle_decision(mr_worker *worker, mr_error *failed)
{
    *failed = (mr_error){0};
    if (!worker->is_deciding)
        return;
    mr_helper *helper = worker->config.helper;
    (void)helper->class->wait(helper, -1);
    if (take_outcome(worker, failed) == MR_OK)
        count_commit(worker, worker->commit.ended_us);
}
