#include "engine/run/worker/worker.h"

#include "engine/base/assert.h"
#include "engine/run/worker/private.h"

#include <inttypes.h>
#include <stdlib.h>

#define FETCH_TIMEOUT_MS 50
#define TELL_EVERY_US INT64_C(30000000) /* that it waits for the group */
#define DIRTY_BYTES_MAX ((size_t)64 << 20)
#define STAGED_BYTES_MAX ((size_t)16 << 20)

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
                              .dlq_partitions = mr_worker_dlq_partitions,
                              .context = worker};
    worker->io.sinks =
        mr_arena_zalloc(&worker->arena, config->plan->sinks_count, sizeof(mr_sink *));
    worker->frames = (mr_frames_out){.send = mr_worker_pass_frame, .context = worker};
    worker->io.frames = &worker->frames;
    mr_report_init(&worker->report, config->metrics, config->plan, &worker->arena);
    if (config->checkpoints.helper != NULL)
        mr_checkpoint_report_init(&worker->checkpointing.report, config->metrics,
                                  config->plan->job);
    worker->io.tally = config->metrics != NULL ? &worker->report.open : NULL;
    return worker;
}

void mr_worker_free(mr_worker *worker)
{
    if (worker == NULL)
        return;
    mr_error ignored;
    mr_worker_settle_decision(worker, &ignored); /* else its helper would use what goes now */
    mr_worker_drop_tasks(worker);
    mr_worker_end_checkpoints(worker);
    mr_worker_close_writer(worker);
    if (worker->member != NULL)
        worker->member->class->close(worker->member);
    mr_worker_close_state_reader(worker);
    for (uint32_t r = 0; r < worker->readers_count; r++)
        if (worker->readers[r] != NULL)
            worker->readers[r]->class->close(worker->readers[r]);
    for (uint32_t s = 0; s < worker->plan->sinks_count; s++)
        if (worker->io.sinks[s] != NULL)
            worker->io.sinks[s]->class->close(worker->io.sinks[s]);
    free(worker->tasks);
    free(worker->slots);
    free(worker->aligned);
    free(worker->aligned_lows);
    free(worker->partitions);
    free(worker->refused);
    mr_worker_release_handover(worker);
    mr_worker_forget_owners(worker);
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

/* Another member that lives and does not answer holds the whole group, and nobody sees which. */
static void tell_of_waiting(mr_worker *worker)
{
    int64_t now = mr_worker_now_us(worker);
    if (worker->join_us == 0)
        worker->join_us = worker->told_us = now;
    if (now - worker->told_us < TELL_EVERY_US)
        return;
    worker->told_us = now;
    mr_logger_line(worker->config.logger, MR_LOG_WARN,
                   "join waits for the group since %lld s; a member that does not answer is given "
                   "up after max.poll.interval.ms job=%s",
                   (long long)((now - worker->join_us) / 1000000), worker->plan->job);
}

/* The group takes its time to answer: all that is opened without knowing our tasks is opened
 * meanwhile. The writer only at first: later one that is gone may have been fenced by whoever has
 * our tasks now. */
static mr_status join(mr_worker *worker, mr_error *err)
{
    mr_status status = MR_OK;
    bool is_first = worker->restores == 0 && worker->aborts == 0 && worker->plan->uses_log;
    if (worker->writer == NULL && is_first)
        status = mr_worker_open_writer(worker, err);
    if (status == MR_OK && worker->readers == NULL)
        status = mr_worker_open_readers(worker, err);
    if (status == MR_OK)
        status = mr_worker_identify_exchanges(worker, err);
    mr_log_reader *reader;
    if (status == MR_OK && worker->state_reader == NULL && is_first) {
        status = worker->config.log->class->open_reader(worker->config.log, &reader, err);
        worker->state_reader = status == MR_OK ? reader : NULL;
    }
    tell_of_waiting(worker);
    if (status == MR_OK)
        status = mr_worker_poll_member(worker, FETCH_TIMEOUT_MS, err);
    if (worker->phase != MR_WORKER_JOIN)
        worker->join_us = 0;
    return status;
}

mr_status mr_worker_step(mr_worker *worker, mr_error *err)
{
    uint32_t task = UINT32_MAX;
    mr_status status = MR_OK;
    mr_worker_spend(worker, worker->phase == MR_WORKER_RUN ? MR_REPORT_BUSY : MR_REPORT_STARTING);
    bool is_stop = atomic_load(&worker->is_stop_requested) && worker->phase != MR_WORKER_RUN;
    if (is_stop && worker->phase < MR_WORKER_RUN) {
        status = mr_worker_settle_stores(worker, err); /* of tasks that are open already */
        if (status != MR_OK)
            return status;
        worker->phase = MR_WORKER_STOPPED;
        return mr_worker_tell_parked(worker, err);
    }
    if (worker->phase == MR_WORKER_RESTORE || worker->phase == MR_WORKER_RUN)
        status = mr_worker_poll_member(worker, 0, err);
    if (status == MR_OK) {
        switch (worker->phase) {
        case MR_WORKER_PREPARE: status = mr_worker_prepare(worker, err); break;
        case MR_WORKER_JOIN: status = join(worker, err); break;
        case MR_WORKER_RESTORE: status = mr_worker_restore_next(worker, err); break;
        case MR_WORKER_RUN:
            status = mr_worker_look_at_checkpoints(worker, err);
            if (status == MR_OK)
                status = mr_worker_run(worker, &task, err);
            break;
        case MR_WORKER_STOPPED:
        case MR_WORKER_FINISHED: return MR_OK;
        }
    }
    if (status == MR_OK)
        worker->retries = 0;
    return status == MR_OK ? MR_OK : mr_worker_recover(worker, task, status, err);
}

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
    if (status == MR_OK)
        status = mr_worker_delete_exchanges(log, config->plan, err);
    if (status == MR_OK)
        status = log->class->delete_topic(
            log, mr_arena_printf(&arena, "%s.control", config->plan->job), err);
    if (status == MR_E_KAFKA_TOPIC_MISSING)
        status = MR_OK;
    if (status == MR_OK)
        status = log->class->delete_topic(
            log, mr_arena_printf(&arena, "%s.fork", config->plan->job), err);
    if (status == MR_E_KAFKA_TOPIC_MISSING)
        status = MR_OK;
    for (uint32_t t = 0; status == MR_OK && config->stores != NULL && t < config->plan->tasks_count;
         t++)
        status = config->stores->remove(config->stores, config->plan->job, t, err);
    mr_arena_release(&arena);
    return status;
}
