/* Bringing tasks back to the last commit, and refusing what does not fit together. */
#include "engine/run/worker/private.h"

#include "engine/base/assert.h"

#include <inttypes.h>

#define HELD_TRIES_MAX 30u /* half a minute: what our writer left is ended by then */

static bool has_offsets(mr_worker *worker, mr_status *status, mr_error *err)
{
    mr_log *log = worker->config.log;
    mr_arena scratch = {0};
    uint32_t count = 0;
    mr_log_offset *offsets =
        mr_arena_alloc(&scratch, (worker->partitions_count + 1) * sizeof *offsets);
    for (uint32_t i = 0; i < worker->partitions_count; i++)
        if (worker->partitions[i].reader == 0)
            offsets[count++] = (mr_log_offset){.topic = worker->partitions[i].topic,
                                               .partition = worker->partitions[i].partition,
                                               .offset = -1};
    *status = count > 0
                  ? log->class->group_offsets(log, worker->plan->job, offsets, count, &scratch, err)
                  : MR_OK;
    bool found = false;
    uint64_t epoch;
    int64_t offset;
    uint32_t checksum;
    /* Offsets without our metadata are a user's own start positions for this group: fine. */
    for (uint32_t i = 0; *status == MR_OK && i < count; i++)
        found = found || (offsets[i].offset >= 0 &&
                          mr_epoch_metadata_parse(offsets[i].metadata, &epoch, &offset, &checksum));
    mr_arena_release(&scratch);
    return found;
}

static mr_status has_local_state(mr_worker *worker, bool *found, mr_error *err)
{
    mr_store_factory *stores = worker->config.stores;
    *found = false;
    for (uint32_t t = 0; stores != NULL && t < worker->plan->tasks_count && !*found; t++) {
        mr_local_store *store = NULL;
        mr_status status = stores->open(stores, worker->plan->job, t, &store, err);
        if (status == MR_E_STORE_DAMAGED) {
            *found = true;
            return MR_OK;
        }
        mr_store_marker marker = {0};
        if (status == MR_OK)
            status = store->class->marker(store, &marker, err);
        if (store != NULL)
            store->class->close(store);
        if (status != MR_OK && status != MR_E_STORE_DAMAGED)
            return status;
        *found = marker.is_present || status == MR_E_STORE_DAMAGED;
    }
    return MR_OK;
}

/* Another first start was faster, and may have other numbers of tasks: it is looked at anew. */
mr_status mr_worker_made_topic(mr_status status, mr_error *err)
{
    if (status == MR_E_KAFKA_TOPIC_EXISTS)
        err->recovery = MR_RECOVERY_RETRY;
    return status;
}

/* No state topic: a fresh start, or somebody deleted it. */
static mr_status start_fresh(mr_worker *worker, mr_error *err)
{
    bool has_local;
    mr_status status = has_local_state(worker, &has_local, err);
    if (status != MR_OK)
        return status;
    bool has_group = has_offsets(worker, &status, err);
    if (status != MR_OK)
        return status;
    const char *frames;
    status = mr_worker_find_frames(worker, &frames, err);
    if (status != MR_OK)
        return status;
    if (has_local || has_group || frames != NULL)
        return mr_error_set(
            err, MR_E_STATE_PARTIAL,
            "state topic `%s` is missing, but the job has %s%s%s; restore the topic, "
            "or forget the job's state and start over with --reset",
            worker->state_topic, has_local ? "local state" : "",
            has_local && has_group ? " and " : "",
            has_group    ? "committed offsets"
            : !has_local ? mr_arena_printf(&worker->arena, "rows in topic `%s`", frames)
                         : "");
    static const char *const configs[] = {
        "cleanup.policy", "delete", "retention.ms", "-1", "retention.bytes", "-1", NULL};
    mr_log *log = worker->config.log;
    status = log->class->create_topic(log, worker->state_topic, (int32_t)worker->plan->tasks_count,
                                      configs, err);
    return mr_worker_made_topic(status, err);
}

/* See engine/history/fork.h: its state topic may be empty, or not be there. */
static mr_status check_forked(mr_worker *worker, mr_error *err)
{
    mr_log *log = worker->config.log;
    mr_topic_facts facts;
    const char *topic = mr_arena_printf(&worker->arena, "%s.fork", worker->plan->job);
    mr_status status = log->class->describe(log, topic, &facts, err);
    if (status != MR_OK || !facts.exists)
        return status;
    return mr_error_set(err, MR_E_STATE_PARTIAL,
                        "a fork into job `%s` was begun and not finished (topic `%s` is there); "
                        "ask for the fork again, or forget it and start over with --reset",
                        worker->plan->job, topic);
}

mr_status mr_worker_check_state_topic(mr_worker *worker, mr_error *err)
{
    mr_log *log = worker->config.log;
    mr_topic_facts facts;
    mr_status status = check_forked(worker, err);
    if (status == MR_OK)
        status = log->class->describe(log, worker->state_topic, &facts, err);
    if (status != MR_OK)
        return status;
    if (!facts.exists) {
        status = start_fresh(worker, err);
        return status == MR_OK ? mr_worker_check_exchanges(worker, err) : status;
    }
    int32_t tasks = (int32_t)worker->plan->tasks_count;
    if (facts.partitions < tasks)
        return mr_error_set(err, MR_E_STATE_TASKS,
                            "state topic `%s` has %" PRId32 " partitions, the job has %" PRId32
                            " tasks; `millrace upgrade` changes their number, --reset starts over",
                            worker->state_topic, facts.partitions, tasks);
    for (int32_t p = tasks; status == MR_OK && p < facts.partitions; p++)
        status = mr_worker_check_surplus(worker, p, err);
    if (status == MR_OK)
        status = mr_worker_check_grown(worker, err);
    return status == MR_OK ? mr_worker_check_exchanges(worker, err) : status;
}

mr_status mr_worker_open_writer(mr_worker *worker, mr_error *err)
{
    bool is_transactional = worker->plan->guarantee == MR_EXACTLY_ONCE;
    mr_writer_options options = {.transactional_id =
                                     is_transactional ? worker->transactional_id : NULL,
                                 .transaction_timeout_ms = worker->plan->transaction_timeout_ms,
                                 .knock_first = is_transactional};
    mr_log *log = worker->config.log;
    mr_status status = log->class->open_writer(log, &options, &worker->writer, err);
    if (status != MR_OK)
        worker->writer = NULL;
    mr_staging_set_target(&worker->staging, worker->writer);
    worker->io.writer = worker->writer != NULL ? &worker->staging.writer : NULL;
    worker->may_hang = status == MR_OK && is_transactional;
    worker->hanging_looks = 0;
    return status;
}

/* A writer, and nothing that hangs where it will write. `*is_done` false: to be called again. */
static mr_status see_to_writer(mr_worker *worker, bool *is_done, mr_error *err)
{
    mr_status status = MR_OK;
    if (worker->writer == NULL && worker->plan->uses_log)
        status = mr_worker_open_writer(worker, err);
    *is_done = !worker->may_hang || worker->tasks_count == 0 || mr_worker_may_restore_first(worker);
    if (status != MR_OK || *is_done)
        return status;
    status = mr_worker_end_hanging(worker, err);
    *is_done = !worker->may_hang;
    return status;
}

/* Whether the group keeps its offsets to itself. */
static void note_held(mr_worker *worker, uint32_t task, bool is_held)
{
    worker->is_group_held = is_held && worker->plan->guarantee == MR_EXACTLY_ONCE;
    if (is_held)
        mr_logger_line(worker->config.logger, MR_LOG_WARN,
                       "offsets of the group are not told: its coordinator is away, or a "
                       "transaction holds them%s job=%s task=%" PRIu32,
                       worker->is_group_held ? ", and if it hangs, it ends now" : "",
                       worker->plan->job, task);
}

/* The group's own note of the last commit must not know more than the state log. */
static mr_status cross_check(mr_worker *worker, uint32_t task, const mr_recovered *recovered,
                             mr_error *err)
{
    mr_arena scratch = {0};
    mr_log_offset asked = {.topic = worker->state_topic, .partition = (int32_t)task, .offset = -1};
    mr_status status = worker->member->class->committed(worker->member, &asked, 1, &scratch, err);
    note_held(worker, task, status == MR_E_KAFKA_TIMEOUT);
    uint64_t epoch = 0;
    int64_t offset = -1;
    uint32_t checksum = 0;
    bool is_ours = status == MR_OK && asked.offset >= 0 &&
                   mr_epoch_metadata_parse(asked.metadata, &epoch, &offset, &checksum);
    mr_arena_release(&scratch);
    if (status != MR_OK || !is_ours)
        return status;
    uint64_t known = recovered->has_epoch ? recovered->epoch.epoch : 0;
    if (epoch > known)
        return mr_error_set(err, MR_E_STATE_AHEAD,
                            "group `%s` committed epoch %" PRIu64 " of task %" PRIu32
                            ", but state topic `%s` ends with epoch %" PRIu64
                            ": records of it were lost; start over with --reset",
                            worker->plan->job, epoch, task, worker->state_topic, known);
    if (epoch == known && epoch > 0 &&
        (offset != recovered->epoch_offset || checksum != recovered->epoch_checksum))
        return mr_error_set(err, MR_E_STATE_AHEAD,
                            "group `%s` and state topic `%s` disagree about epoch %" PRIu64
                            " of task %" PRIu32 " (offset %" PRId64 ", %08" PRIx32
                            " against %" PRId64 ", %08" PRIx32 "); start over with --reset",
                            worker->plan->job, worker->state_topic, epoch, task, offset, checksum,
                            recovered->epoch_offset, recovered->epoch_checksum);
    if (epoch < known)
        mr_logger_line(
            worker->config.logger, MR_LOG_WARN,
            "group offsets are older than the state log; the log counts job=%s task=%" PRIu32
            " group_epoch=%" PRIu64 " epoch=%" PRIu64,
            worker->plan->job, task, epoch, known);
    return MR_OK;
}

static void take_over(const mr_worker *worker, mr_worker_task *at, const mr_recovered *recovered)
{
    at->store = recovered->store;
    at->named_us = mr_worker_now_us(worker);
    at->epoch = recovered->has_epoch ? recovered->epoch.epoch : 0;
    at->epoch_offset = recovered->epoch_offset;
    at->epoch_checksum = recovered->epoch_checksum;
    /* Of what it holds beside epochs that are still to be applied we do not have the record. */
    at->has_applied =
        recovered->entries_loaded + recovered->slices_left > 0 && at->pending.epochs == 0;
    at->is_store_bad = false;
    if (worker->config.checkpoints.helper != NULL && recovered->has_epoch) {
        mr_buffer bytes = {0};
        (void)mr_epoch_record_seal(&recovered->epoch, false, recovered->epoch_content, &bytes);
        mr_worker_note_record(worker, at, &bytes);
        mr_buffer_put(&at->record_applied, bytes.data, bytes.length);
        mr_buffer_release(&bytes);
    }
    at->log_end = recovered->log_end;
    at->base_bytes = recovered->epoch.base_bytes;
    at->bytes_since_base = recovered->epoch.bytes_since_base;
    at->is_finished = recovered->has_epoch && recovered->epoch.is_finished;
    mr_worker_forget_base(at); /* one that was under way is begun anew */
}

/* NULL: nobody had the task before. */
static const char *owner_of(const mr_recovered *recovered)
{
    if (recovered->has_claim)
        return recovered->claim.transactional_id;
    return recovered->has_epoch ? recovered->epoch.transactional_id : NULL;
}

static mr_status recover(mr_worker *worker, mr_worker_task *at, mr_recovered *recovered,
                         mr_error *err)
{
    mr_pending_init(&at->pending, worker->config.budget);
    mr_recovery_request request = {.log = worker->config.log,
                                   .stores = worker->config.stores,
                                   .clock = worker->config.clock,
                                   .logger = worker->config.logger,
                                   .job = worker->plan->job,
                                   .topic = worker->state_topic,
                                   .task = at->index,
                                   .plan_version = mr_worker_stage_of(worker, at)->version,
                                   .is_transactional = worker->plan->guarantee == MR_EXACTLY_ONCE,
                                   .transactional_id = worker->transactional_id,
                                   .state = mr_task_state(at->task),
                                   .pending = &at->pending,
                                   .arena = &at->recovered_arena,
                                   .blobs = worker->config.blobs,
                                   .load_entries_max = worker->config.load_entries_max,
                                   .state_bytes_max =
                                       worker->config.state_bytes_max / worker->tasks_count,
                                   .tells_own = worker->held_tries < HELD_TRIES_MAX,
                                   .distrusts_store = at->is_store_bad,
                                   .breath = {mr_worker_breathe, worker},
                                   .reader = &worker->state_reader};
    mr_status status = mr_recovery_run(&request, recovered, err);
    if (status != MR_OK)
        return status;
    take_over(worker, at, recovered);
    worker->epochs_restored += recovered->epochs_read;
    worker->checkpointing.restored += recovered->was_downloaded;
    mr_worker_note_owner(worker, owner_of(recovered));
    return cross_check(worker, at->index, recovered, err);
}

static bool needs_claim(const mr_worker *worker, const mr_recovered *recovered)
{
    const char *owner = owner_of(recovered);
    return owner == NULL || strcmp(owner, worker->transactional_id) != 0;
}

mr_status mr_worker_restore_task(mr_worker *worker, uint32_t task, mr_error *err)
{
    mr_worker_task *at = &worker->tasks[task];
    int64_t began_us = mr_worker_now_us(worker);
    mr_status status = mr_task_new(mr_worker_stage_of(worker, at), at->index, worker->config.budget,
                                   &worker->io, &at->task, err);
    mr_recovered recovered = {.epoch_offset = -1};
    bool keeps = mr_worker_keeps_state(worker);
    if (status == MR_OK && keeps)
        status = recover(worker, at, &recovered, err);
    if (status == MR_OK)
        status = mr_worker_finish_hanging(worker, err);
    if (status == MR_OK)
        status = mr_worker_check_begun(worker, &recovered, err);
    if (status == MR_OK && worker->exchange_ids != NULL)
        status =
            mr_worker_check_same_exchanges(worker, mr_worker_stage_of(worker, at), &recovered, err);
    if (status == MR_OK)
        status = mr_worker_place_inputs(worker, task, keeps ? &recovered : NULL, err);
    if (status != MR_OK)
        return status;
    bool is_forgetful = worker->config.sabotage.ignore_journal;
    status = mr_task_restored(at->task,
                              recovered.has_epoch && !is_forgetful ? &recovered.epoch : NULL, err);
    if (status == MR_OK)
        status = mr_worker_wake_inputs(worker, task, err);
    if (status == MR_OK)
        mr_report_restored(&worker->report, at->task, mr_worker_now_us(worker) - began_us);
    if (status == MR_OK && keeps && needs_claim(worker, &recovered))
        status = mr_worker_claim(worker, task, err);
    if (status == MR_OK)
        status = mr_worker_start_inputs(worker, task, err);
    if (status == MR_OK && !at->is_finished && at->slots_count > 0)
        worker->has_met_work = true;
    if (status == MR_OK)
        mr_logger_line(worker->config.logger, MR_LOG_INFO,
                       "task ready job=%s task=%" PRIu32 " epoch=%" PRIu64 " entries_local=%" PRIu64
                       " slices_left=%" PRIu64 " epochs_from_log=%" PRIu64,
                       worker->plan->job, at->index, at->epoch, recovered.entries_loaded,
                       recovered.slices_left, recovered.epochs_read);
    return status;
}

mr_status mr_worker_check_finished(mr_worker *worker, mr_error *err)
{
    const mr_worker_task *finished = NULL;
    for (uint32_t t = 0; t < worker->tasks_count; t++) {
        if (worker->tasks[t].is_parked) /* it tells at its end what became of them */
            return MR_OK;
        if (worker->tasks[t].is_finished)
            finished = &worker->tasks[t];
    }
    if (finished == NULL || worker->has_met_work)
        return MR_OK;
    uint32_t awaited;
    mr_status status = mr_worker_count_awaited(worker, &awaited, err);
    worker->has_met_work = status == MR_OK && awaited > 0; /* of another, that may become ours */
    if (status != MR_OK || awaited > 0)
        return status;
    return mr_error_set(err, MR_E_STATE_FINISHED,
                        "job `%s` has finished (task %" PRIu32 ", epoch %" PRIu64
                        "); run it again from the start with --reset",
                        worker->plan->job, finished->index, finished->epoch);
}

void mr_worker_drop_task(mr_worker *worker, uint32_t task)
{
    mr_worker_task *at = &worker->tasks[task];
    mr_worker_void_checkpoint(worker, at);
    mr_worker_stop_inputs(worker, task);
    mr_task_free(at->task);
    at->task = NULL;
    at->is_kept = false;
    if (at->store != NULL)
        at->store->class->close(at->store);
    at->store = NULL;
    mr_pending_release(&at->pending);
    mr_worker_forget_base(at);
    mr_buffer_release(&at->record);
    mr_buffer_release(&at->record_applied);
    mr_arena_release(&at->recovered_arena);
    mr_worker_forget_checkpoint(at);
}

void mr_worker_close_state_reader(mr_worker *worker)
{
    if (worker->state_reader != NULL)
        worker->state_reader->class->close(worker->state_reader);
    worker->state_reader = NULL;
}

/* The state of this one task is at fault. What all tasks share (another plan, a topic that is gone)
 * stops the worker: parts of the job by one plan beside parts by another would be worse. */
static bool is_damage(mr_status status)
{
    return status == MR_E_STATE_FORMAT || status == MR_E_STATE_GAP || status == MR_E_STATE_AHEAD;
}

mr_status mr_worker_restore_next(mr_worker *worker, mr_error *err)
{
    bool is_done;
    mr_status status = see_to_writer(worker, &is_done, err);
    if (status == MR_OK && !is_done)
        return MR_OK;
    if (status == MR_OK)
        status = mr_worker_verify_kept(worker, err);
    for (uint32_t t = 0; status == MR_OK && t < worker->tasks_count; t++) {
        if (worker->tasks[t].task != NULL || worker->tasks[t].is_parked)
            continue;
        status = mr_worker_look_before_owners(worker, err);
        if (status == MR_OK)
            status = mr_worker_restore_task(worker, t, err);
        if (status != MR_OK)
            mr_worker_drop_task(worker, t);
        else
            worker->restores++;
        bool is_held = status == MR_E_KAFKA_TIMEOUT && worker->writer != NULL &&
                       worker->plan->guarantee == MR_EXACTLY_ONCE;
        worker->may_hang |= is_held;
        worker->held_tries = is_held ? worker->held_tries + 1 : 0;
        if (is_damage(status) && mr_worker_park_task(worker, t, status, err))
            return MR_OK;
        /* A claim under way would have the next try wait for our own transaction to end. */
        if (status != MR_OK && worker->is_epoch_open && err->recovery == MR_RECOVERY_RETRY)
            err->recovery = MR_RECOVERY_EPOCH;
        return status; /* one a step: the member is polled in between */
    }
    if (status == MR_OK)
        status = mr_worker_check_finished(worker, err);
    if (status == MR_OK) {
        worker->phase = MR_WORKER_RUN;
        worker->group_cures = 0;
    }
    mr_worker_close_state_reader(worker); /* no task wanted it */
    mr_worker_await_frames(worker);
    worker->is_watchful = mr_worker_is_watchful(worker);
    return status;
}
