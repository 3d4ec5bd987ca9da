#include "engine/run/worker/worker.h"

#include "engine/base/assert.h"
#include "engine/run/worker/private.h"

#include <inttypes.h>
#include <stdlib.h>

#define FETCH_TIMEOUT_MS 50
#define REFRESH_EVERY_US INT64_C(86400000000) /* offsets of a quiet job expire after 7 days */
#define POLL_EVERY_US INT64_C(10000)
#define RETRIES_MAX 2000u
#define DIRTY_BYTES_MAX ((size_t)64 << 20)
#define STAGED_BYTES_MAX ((size_t)16 << 20)
#define NOTICE_TIMEOUT_MS 2 /* a fetch while a decision is awaited */
#define FULL_TIMEOUT_MS 20  /* a wait for it where no more work may be taken */

/* Partitions of a DLQ topic, asked once. */
static int32_t dlq_partitions(void *context, const char *topic)
{
    mr_worker *worker = context;
    for (uint32_t i = 0; i < worker->dlqs_count; i++)
        if (strcmp(worker->dlqs[i].topic, topic) == 0)
            return worker->dlqs[i].partitions;
    return 0;
}

static bool is_decision_under_way(const void *context)
{
    const mr_worker *worker = context;
    return worker->is_deciding && worker->commit.phase < MR_COMMIT_DECIDED;
}

mr_worker *mr_worker_new(const mr_worker_config *config)
{
    mr_worker *worker = calloc(1, sizeof *worker);
    MR_ASSERT(worker != NULL);
    worker->config = *config;
    worker->plan = config->plan;
    worker->lag_records = -1;
    mr_staging_init(&worker->staging, config->budget);
    if (config->sabotage.leak_staged) {
        worker->staging.leaks = is_decision_under_way;
        worker->staging.leaks_context = worker;
    }
    worker->cut = (mr_cut){.age_us = config->plan->commit_interval_ms * 1000,
                           .dirty_bytes = config->dirty_bytes_max != 0 ? config->dirty_bytes_max
                                                                       : DIRTY_BYTES_MAX,
                           .staged_bytes = config->staged_bytes_max != 0 ? config->staged_bytes_max
                                                                         : STAGED_BYTES_MAX};
    worker->state_topic = mr_arena_printf(&worker->arena, "%s.state", config->plan->job);
    worker->transactional_id =
        mr_arena_printf(&worker->arena, "%s-%s", config->plan->job, config->instance_id);
    worker->io = (mr_task_io){.job = config->plan->job,
                              .clock = config->clock,
                              .logger = config->logger,
                              .dlq_partitions = dlq_partitions,
                              .context = worker};
    worker->io.sinks =
        mr_arena_zalloc(&worker->arena, config->plan->sinks_count, sizeof(mr_sink *));
    mr_report_init(&worker->report, config->metrics, config->plan, &worker->arena);
    return worker;
}

static void drop_tasks(mr_worker *worker)
{
    for (uint32_t t = 0; t < worker->tasks_count; t++)
        mr_worker_drop_task(worker, t);
    worker->slots_count = 0;
}

static void close_writer(mr_worker *worker)
{
    if (worker->writer != NULL)
        worker->writer->class->close(worker->writer);
    worker->writer = worker->io.writer = NULL;
    mr_staging_set_target(&worker->staging, NULL);
    worker->is_epoch_open = worker->is_transaction_open = false;
}

void mr_worker_free(mr_worker *worker)
{
    if (worker == NULL)
        return;
    mr_error ignored;
    mr_worker_settle_decision(worker, &ignored); /* else its helper would use what goes now */
    drop_tasks(worker);
    close_writer(worker);
    if (worker->member != NULL)
        worker->member->class->close(worker->member);
    for (uint32_t r = 0; r < worker->readers_count; r++)
        if (worker->readers[r] != NULL)
            worker->readers[r]->class->close(worker->readers[r]);
    for (uint32_t s = 0; s < worker->plan->sinks_count; s++)
        if (worker->io.sinks[s] != NULL)
            worker->io.sinks[s]->class->close(worker->io.sinks[s]);
    free(worker->tasks);
    free(worker->slots);
    free(worker->partitions);
    free(worker->refused);
    mr_staging_release(&worker->staging);
    mr_commit_release(&worker->commit);
    mr_arena_release(&worker->arena);
    free(worker);
}

mr_worker_phase mr_worker_phase_of(const mr_worker *worker)
{
    return worker->phase;
}

const char *mr_worker_phase_name(mr_worker_phase phase)
{
    static const char *const names[] = {"prepare", "join", "restore", "run", "stopped", "finished"};
    return names[phase];
}

void mr_worker_request_stop(mr_worker *worker)
{
    atomic_store(&worker->is_stop_requested, true);
}

void mr_worker_request_end(mr_worker *worker)
{
    atomic_store(&worker->is_end_requested, true);
}

/* --- prepare --------------------------------------------------------------------------- */

static mr_status ask_dlq(mr_worker *worker, const mr_errors_policy *policy, mr_error *err)
{
    if (policy->dlq_topic == NULL || dlq_partitions(worker, policy->dlq_topic) > 0)
        return MR_OK;
    mr_topic_facts facts;
    mr_log *log = worker->config.log;
    mr_status status = log->class->describe(log, policy->dlq_topic, &facts, err);
    if (status != MR_OK)
        return status;
    if (!facts.exists)
        return mr_error_set(err, MR_E_KAFKA_TOPIC_MISSING,
                            "dead-letter topic `%s` does not exist; create it, or run with "
                            "--create-topics",
                            policy->dlq_topic);
    worker->dlqs[worker->dlqs_count++] =
        (mr_worker_topic){.topic = policy->dlq_topic, .partitions = facts.partitions};
    return MR_OK;
}

static mr_status ask_dlqs(mr_worker *worker, mr_error *err)
{
    const mr_plan *plan = worker->plan;
    worker->dlqs =
        mr_arena_zalloc(&worker->arena, plan->sources_count + plan->nodes_count + plan->sinks_count,
                        sizeof *worker->dlqs);
    mr_status status = MR_OK;
    for (uint32_t i = 0; status == MR_OK && i < plan->sources_count; i++)
        status = ask_dlq(worker, &plan->sources[i].errors, err);
    for (uint32_t i = 0; status == MR_OK && i < plan->nodes_count; i++)
        status = ask_dlq(worker, &plan->nodes[i].errors, err);
    for (uint32_t i = 0; status == MR_OK && i < plan->sinks_count; i++)
        status = ask_dlq(worker, &plan->sinks[i].errors, err);
    return status;
}

static mr_status open_sinks(mr_worker *worker, mr_error *err)
{
    if (worker->outputs == NULL)
        worker->outputs =
            mr_arena_zalloc(&worker->arena, worker->plan->sinks_count, sizeof *worker->outputs);
    worker->outputs_count = 0;
    for (uint32_t s = 0; s < worker->plan->sinks_count; s++) {
        const mr_plan_sink *sink = &worker->plan->sinks[s];
        mr_topic_facts facts = {.exists = true};
        mr_status status = MR_OK;
        if (sink->topic != NULL)
            status =
                worker->config.log->class->describe(worker->config.log, sink->topic, &facts, err);
        if (status == MR_OK && !facts.exists)
            status = mr_error_set(err, MR_E_KAFKA_TOPIC_MISSING,
                                  "topic `%s` of table `%s` does not exist; create it, or run with "
                                  "--create-topics",
                                  sink->topic, sink->table);
        if (status == MR_OK && sink->topic != NULL)
            worker->outputs[worker->outputs_count++] =
                (mr_worker_topic){.topic = sink->topic, .partitions = facts.partitions};
        if (status == MR_OK && worker->io.sinks[s] == NULL)
            status = sink->open(sink->config, &worker->io.sinks[s], err);
        if (status != MR_OK)
            return status;
    }
    return MR_OK;
}

static void own_tasks(mr_worker *worker, const int32_t *partitions, uint32_t count)
{
    free(worker->tasks);
    worker->tasks = calloc(count > 0 ? count : 1, sizeof *worker->tasks);
    MR_ASSERT(worker->tasks != NULL);
    worker->tasks_count = count;
    worker->tasks_awaited = 0;
    for (uint32_t t = 0; t < count; t++)
        worker->tasks[t] = (mr_worker_task){
            .index = partitions != NULL ? (uint32_t)partitions[t] : t, .epoch_offset = -1};
}

static mr_status prepare(mr_worker *worker, mr_error *err)
{
    worker->partitions_count = 0;
    mr_status status = mr_worker_find_partitions(worker, err);
    if (status == MR_OK)
        status = mr_worker_find_bounds(worker, err);
    if (status == MR_OK)
        status = open_sinks(worker, err);
    if (status == MR_OK && worker->dlqs == NULL)
        status = ask_dlqs(worker, err);
    if (status == MR_OK && mr_worker_keeps_state(worker))
        status = mr_worker_check_state_topic(worker, err);
    if (status == MR_OK && worker->readers == NULL)
        status = mr_worker_open_readers(worker, err);
    if (status != MR_OK)
        return status;
    if (!mr_worker_keeps_state(worker)) {
        own_tasks(worker, NULL, worker->plan->tasks_count);
        worker->phase = MR_WORKER_RESTORE;
        return MR_OK;
    }
    mr_member_options options = {
        .group = worker->plan->job,
        .instance_id = worker->config.is_dynamic_member ? NULL : worker->config.instance_id,
        .topic = worker->state_topic};
    status =
        worker->config.log->class->open_member(worker->config.log, &options, &worker->member, err);
    if (status == MR_OK)
        worker->phase = MR_WORKER_JOIN;
    return status;
}

/* --- join and restore ------------------------------------------------------------------ */

/* Drops the open epoch, and the one before it unless that is decided. */
static void abort_epoch(mr_worker *worker)
{
    mr_error err;
    mr_worker_settle_decision(worker, &err);
    bool must_replace = err.status != MR_OK && err.recovery == MR_RECOVERY_WRITER;
    worker->io.failed_attempts += worker->is_epoch_open || worker->is_transaction_open;
    drop_tasks(worker);
    mr_staging_clear(&worker->staging);
    /* Also behind a decision that failed: an epoch record that is still queued would follow the one
     * that the next try writes. */
    bool is_queued = worker->plan->guarantee != MR_EXACTLY_ONCE;
    /* What is not aborted here, the next writer aborts; what was queued is not sent. */
    if (worker->writer != NULL && (must_replace || is_queued ||
                                   (worker->is_transaction_open &&
                                    worker->writer->class->abort(worker->writer, &err) != MR_OK)))
        close_writer(worker);
    worker->is_epoch_open = worker->is_transaction_open = false;
    worker->aborts++;
    mr_report_aborted(&worker->report);
}

static mr_status on_member_event(mr_worker *worker, const mr_member_event *event, mr_error *err)
{
    mr_status status = MR_OK;
    switch (event->kind) {
    case MR_MEMBER_NOTHING: return MR_OK;
    case MR_MEMBER_ASSIGNED:
        mr_report_rebalanced(&worker->report);
        if (worker->is_epoch_open)
            abort_epoch(worker);
        drop_tasks(worker);
        own_tasks(worker, event->partitions, event->partitions_count);
        worker->phase = MR_WORKER_RESTORE;
        return MR_OK;
    case MR_MEMBER_REVOKED:
        if (worker->phase == MR_WORKER_RUN)
            status = mr_worker_commit(worker, err);
        if (status == MR_OK)
            status = mr_worker_settle_stores(worker, err);
        break;
    case MR_MEMBER_LOST: break;
    }
    if (worker->is_epoch_open)
        abort_epoch(worker);
    drop_tasks(worker);
    worker->tasks_count = 0;
    worker->phase = MR_WORKER_JOIN;
    mr_error release_err;
    mr_status released = worker->member->class->release(worker->member, &release_err);
    if (status == MR_OK && released != MR_OK)
        *err = release_err;
    return status != MR_OK ? status : released;
}

static mr_status poll_member(mr_worker *worker, int32_t timeout_ms, mr_error *err)
{
    if (worker->member == NULL || worker->is_deciding) /* a revoke waits for the decision */
        return MR_OK;
    int64_t now = mr_worker_now_us(worker);
    if (timeout_ms == 0 && now - worker->polled_us < POLL_EVERY_US)
        return MR_OK;
    worker->polled_us = now;
    mr_member_event event;
    mr_status status = worker->member->class->poll(worker->member, timeout_ms, &event, err);
    return status == MR_OK ? on_member_event(worker, &event, err) : status;
}

/* Stops one task with the facts; the rest go on. False: there is no rest. */
static bool park_task(mr_worker *worker, uint32_t task, mr_status status, const mr_error *err)
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

/* The state of this one task is at fault. What all tasks share (another plan, a topic that is gone)
 * stops the worker: parts of the job by one plan beside parts by another would be worse. */
static bool is_damage(mr_status status)
{
    return status == MR_E_STATE_FORMAT || status == MR_E_STATE_GAP || status == MR_E_STATE_AHEAD;
}

/* A run without the rows of a parked task is no success. */
static mr_status tell_parked(const mr_worker *worker, mr_error *err)
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

static mr_status restore_next(mr_worker *worker, mr_error *err)
{
    mr_status status = MR_OK;
    if (worker->writer == NULL && worker->plan->uses_log)
        status = mr_worker_open_writer(worker, err);
    for (uint32_t t = 0; status == MR_OK && t < worker->tasks_count; t++) {
        if (worker->tasks[t].task != NULL || worker->tasks[t].is_parked)
            continue;
        status = mr_worker_restore_task(worker, t, err);
        if (status != MR_OK)
            mr_worker_drop_task(worker, t);
        else
            worker->restores++;
        if (is_damage(status) && park_task(worker, t, status, err))
            return MR_OK;
        /* A claim under way would have the next try wait for our own transaction to end. */
        if (status != MR_OK && worker->is_epoch_open && err->recovery == MR_RECOVERY_RETRY)
            err->recovery = MR_RECOVERY_EPOCH;
        return status; /* one a step: the member is polled in between */
    }
    if (status == MR_OK)
        status = mr_worker_check_finished(worker, err);
    if (status == MR_OK)
        worker->phase = MR_WORKER_RUN;
    worker->is_watchful = mr_worker_is_watchful(worker);
    return status;
}

/* --- run ------------------------------------------------------------------------------- */

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

static bool is_commit_due(const mr_worker *worker)
{
    return worker->is_epoch_open && has_progress(worker) &&
           mr_cut_is_due(&worker->cut, epoch_age_us(worker));
}

/* No more work before the open epoch ends. */
static bool is_epoch_full(const mr_worker *worker)
{
    if (!worker->is_epoch_open || !has_progress(worker))
        return false;
    if (worker->config.budget != NULL && mr_budget_is_over(worker->config.budget))
        return true;
    size_t dirty = 0;
    for (uint32_t t = 0; t < worker->tasks_count; t++)
        if (worker->tasks[t].task != NULL)
            dirty += mr_state_dirty_bytes(mr_task_state(worker->tasks[t].task));
    return mr_cut_is_full(&worker->cut, dirty, worker->staging.bytes);
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
    mr_report_read(&worker->report, records->count);
    return half_done(status, err);
}

static mr_status stop(mr_worker *worker, mr_worker_phase phase, mr_error *err)
{
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
    int64_t left = mr_cut_left_us(&worker->cut, epoch_age_us(worker)) / 1000;
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
    return status == MR_OK ? tell_parked(worker, err) : status;
}

/* Our tasks have finished. The job has when all have, and until then we may be given more. */
static mr_status await_others(mr_worker *worker, mr_error *err)
{
    bool is_over;
    mr_status status = mr_worker_look_at_others(worker, &is_over, err);
    if (status != MR_OK)
        return status;
    if (is_over)
        return end(worker, MR_WORKER_FINISHED, err);
    return worker->is_deciding ? mr_worker_notice(worker, FULL_TIMEOUT_MS, err)
                               : poll_member(worker, FETCH_TIMEOUT_MS, err);
}

/* Too many rows died: what was done is committed, their dead letters with it, so that somebody can
 * look at them; then the worker stops. */
static mr_status check_budgets(mr_worker *worker, mr_error *err)
{
    mr_status verdict = MR_OK;
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
    mr_status status = mr_worker_notice(worker, is_full ? FULL_TIMEOUT_MS : 0, err);
    *is_done = status != MR_OK || (was_deciding && (is_full || !worker->is_deciding));
    if (*is_done || worker->is_deciding || (!is_full && !is_commit_due(worker)))
        return status;
    *is_done = true;
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
    drop_tasks(worker);
    worker->phase = MR_WORKER_RESTORE;
    return MR_OK;
}

static mr_status run(mr_worker *worker, uint32_t *task, mr_error *err)
{
    mr_status status = check_budgets(worker, err);
    bool worked;
    if (status == MR_OK)
        status = half_done(see_to_commit(worker, &worked, err), err);
    if (status != MR_OK || worked)
        return status;
    status = half_done(advance_one(worker, task, &worked, err), err);
    if (status != MR_OK || worked)
        return status;
    if (atomic_load(&worker->is_stop_requested))
        return end(worker, MR_WORKER_STOPPED, err);
    if (atomic_load(&worker->is_end_requested) && !worker->config.is_bounded) {
        status = mr_worker_bound_inputs(worker, err);
        if (status != MR_OK)
            return status;
    }
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
    status = mr_worker_fetch(worker, patience_ms(worker), &records, err);
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

/* --- failures -------------------------------------------------------------------------- */

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
    return !is_again || park_task(worker, task, status, err);
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

/* What a failed step means for the worker. Zero: go on with the next step. */
static mr_status recover(mr_worker *worker, uint32_t task, mr_status status, mr_error *err)
{
    if (status == MR_E_CRASHED)
        return status;
    if (worker->phase >= MR_WORKER_STOPPED) /* all is committed, the status says why it ended */
        return status;
    mr_recovery recovery = err->recovery;
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
        abort_epoch(worker);
        *err = why;
        return status;
    }
    mr_logger_line(worker->config.logger, MR_LOG_WARN,
                   "epoch dropped job=%s code=MR%d recovery=%s reason=\"%s\"", worker->plan->job,
                   status, mr_recovery_name(recovery), err->message);
    /* Whatever call met the refusal: the log names the culprits, and learns from being asked (a
     * batch too large names nobody, and the next writer makes smaller ones). */
    status = note_refused(worker, err);
    abort_epoch(worker);
    if (must_replace)
        close_writer(worker);
    if (worker->phase == MR_WORKER_RUN)
        worker->phase = MR_WORKER_RESTORE;
    return status;
}

mr_status mr_worker_step(mr_worker *worker, mr_error *err)
{
    uint32_t task = UINT32_MAX;
    mr_status status = MR_OK;
    bool is_stop = atomic_load(&worker->is_stop_requested) && worker->phase != MR_WORKER_RUN;
    if (is_stop && worker->phase < MR_WORKER_RUN) {
        worker->phase = MR_WORKER_STOPPED;
        return tell_parked(worker, err);
    }
    if (worker->phase == MR_WORKER_RESTORE || worker->phase == MR_WORKER_RUN)
        status = poll_member(worker, 0, err);
    if (status == MR_OK) {
        switch (worker->phase) {
        case MR_WORKER_PREPARE: status = prepare(worker, err); break;
        case MR_WORKER_JOIN: status = poll_member(worker, FETCH_TIMEOUT_MS, err); break;
        case MR_WORKER_RESTORE: status = restore_next(worker, err); break;
        case MR_WORKER_RUN: status = run(worker, &task, err); break;
        case MR_WORKER_STOPPED:
        case MR_WORKER_FINISHED: return MR_OK;
        }
    }
    if (status == MR_OK)
        worker->retries = 0;
    return status == MR_OK ? MR_OK : recover(worker, task, status, err);
}

/* --- reset ----------------------------------------------------------------------------- */

mr_status mr_worker_reset(const mr_worker_config *config, mr_error *err)
{
    mr_log *log = config->log;
    mr_arena arena = {0};
    const char *topic = mr_arena_printf(&arena, "%s.state", config->plan->job);
    /* The group first: it is what tells that a worker still runs, and then nothing may go. */
    mr_status status = log->class->delete_group(log, config->plan->job, err);
    if (status == MR_OK)
        status = log->class->delete_topic(log, topic, err);
    if (status == MR_E_KAFKA_TOPIC_MISSING)
        status = MR_OK;
    for (uint32_t t = 0; status == MR_OK && config->stores != NULL && t < config->plan->tasks_count;
         t++)
        status = config->stores->remove(config->stores, config->plan->job, t, err);
    mr_arena_release(&arena);
    return status;
}
