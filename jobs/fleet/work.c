#include "jobs/fleet/work.h"

#include "engine/base/assert.h"
#include "jobs/engine/engine.h"
#include "jobs/fleet/wished_job.h"

#include <inttypes.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define TELL_EVERY_US INT64_C(250000)

struct mr_work {
    mr_work_config config;
    mr_wish wish;
    mr_arena arena; /* the wish's strings */
    pthread_t thread;
    atomic_bool must_stop, must_drain, has_ended;
    _Atomic int64_t memory_bytes;
    pthread_mutex_t lock; /* what stands below */
    mr_fleet_status status;
    mr_work_words words;
};

/* ---- what it tells ---- */

static void tell_end(mr_work *work, mr_fleet_state state, int code, const char *message)
{
    pthread_mutex_lock(&work->lock);
    work->status.state = state;
    work->status.code = code;
    work->status.tasks = 0;
    work->status.checkpoint_code = 0;
    snprintf(work->words.message, sizeof work->words.message, "%s", message);
    pthread_mutex_unlock(&work->lock);
    mr_logger_line(work->config.logger, code != 0 ? MR_LOG_ERROR : MR_LOG_INFO,
                   "job %s job=%s version=%" PRIu64 " code=MR%d reason=\"%s\"",
                   mr_fleet_state_name(state), work->wish.job, work->wish.version, code, message);
}

static void tell_stats(mr_work *work, const mr_worker *worker)
{
    mr_worker_stats stats;
    mr_worker_stats_get(worker, &stats);
    pthread_mutex_lock(&work->lock);
    work->status.state = stats.phase == MR_WORKER_RUN ? MR_FLEET_RUNNING : MR_FLEET_STARTING;
    work->status.tasks = stats.tasks;
    work->status.records_in = stats.records_in;
    work->status.rows_out = stats.rows_out;
    work->status.late = stats.late;
    work->status.dead = stats.dead;
    work->status.lag = stats.lag_records;
    const mr_error *why = mr_worker_checkpoint_error(worker);
    work->status.checkpoint_code = why != NULL ? why->status : 0;
    snprintf(work->words.checkpoint, sizeof work->words.checkpoint, "%s",
             why != NULL ? why->message : "");
    pthread_mutex_unlock(&work->lock);
}

/* ---- the thread ---- */

static bool is_stopping(void *hook)
{
    return atomic_load(&((mr_work *)hook)->must_stop);
}

static void step_until_over(mr_work *work, mr_engine *engine)
{
    const mr_clock *clock = work->config.clock;
    mr_worker *worker = engine->worker;
    mr_error err;
    mr_status status = MR_OK;
    int64_t told_us = 0;
    while (status == MR_OK && mr_worker_phase_of(worker) < MR_WORKER_STOPPED) {
        if (atomic_load(&work->must_drain))
            mr_worker_request_end(worker);
        if (atomic_load(&work->must_stop))
            mr_worker_request_stop(worker);
        int64_t memory_bytes = atomic_load(&work->memory_bytes);
        if (memory_bytes != engine->config.memory_bytes)
            mr_engine_set_memory(engine, memory_bytes);
        status = mr_worker_step(worker, &err);
        int64_t now_us = clock->monotonic_us(clock);
        if (now_us - told_us >= TELL_EVERY_US) {
            told_us = now_us;
            tell_stats(work, worker);
        }
    }
    tell_stats(work, worker);
    bool is_finished = mr_worker_phase_of(worker) == MR_WORKER_FINISHED;
    mr_engine_end_worker(engine);
    if (status == MR_E_STATE_FINISHED)
        tell_end(work, MR_FLEET_FINISHED, 0, err.message);
    else if (status != MR_OK)
        tell_end(work, MR_FLEET_FAILED, status, err.message);
    else
        tell_end(work, is_finished ? MR_FLEET_FINISHED : MR_FLEET_STOPPED, 0, "");
}

static void run_job(mr_work *work, mr_job *job)
{
    if (job->version != work->wish.plan_version) {
        char text[512];
        snprintf(text, sizeof text,
                 "this worker (millrace " MR_VERSION ") comes to plan %016" PRIx64
                 " of the job, %s submitted it as %016" PRIx64
                 ": its environment differs, or its version",
                 job->version, work->wish.written_by, work->wish.plan_version);
        tell_end(work, MR_FLEET_REFUSED, MR_E_FLEET_VERSION, text);
        return;
    }
    mr_engine engine = {0};
    mr_engine_config config = {
        .job = job,
        .logger = work->config.logger,
        .clock = work->config.clock,
        .metrics = work->config.metrics,
        .state_dir = job->plan.guarantee != MR_NO_GUARANTEE ? work->config.state_dir : NULL,
        .memory_bytes = atomic_load(&work->memory_bytes),
        .is_stopping = is_stopping,
        .hook = work};
    mr_error err;
    if (mr_engine_open(&engine, &config, &err) == MR_OK)
        step_until_over(work, &engine);
    else
        tell_end(work, MR_FLEET_FAILED, err.status, err.message);
    mr_engine_close(&engine);
}

static void tell_diagnostics(mr_work *work, const mr_diagnostics *diagnostics)
{
    for (size_t i = 0; i < diagnostics->count; i++) {
        const mr_diagnostic *at = &diagnostics->items[i];
        if (at->severity != MR_SEVERITY_ERROR)
            continue;
        tell_end(work, MR_FLEET_REFUSED, (int)at->code, at->message);
        return;
    }
}

static void *run(void *context)
{
    mr_work *work = context;
    mr_wished_job wished;
    mr_wished_job_read(&wished, &work->wish, work->config.environment, work->config.properties,
                       work->config.properties_count);
    if (wished.job != NULL)
        run_job(work, wished.job);
    else
        tell_diagnostics(work, &wished.diagnostics);
    mr_wished_job_release(&wished);
    atomic_store(&work->has_ended, true);
    return NULL;
}

/* ---- the keeper's side ---- */

static const char *kept(mr_work *work, const char *text)
{
    return text != NULL ? mr_arena_string(&work->arena, text, strlen(text)) : "";
}

mr_status mr_work_start(const mr_work_config *config, const mr_wish *wish, mr_work **result,
                        mr_error *err)
{
    mr_work *work = calloc(1, sizeof *work);
    MR_ASSERT(work != NULL);
    work->config = *config;
    work->wish = *wish;
    work->wish.job = kept(work, wish->job);
    work->wish.sql = kept(work, wish->sql);
    work->wish.written_by = kept(work, wish->written_by);
    for (uint32_t i = 0; i < wish->settings_count; i++)
        work->wish.settings[i] = kept(work, wish->settings[i]);
    work->must_drain = wish->kind == MR_WISH_DRAIN;
    work->memory_bytes = config->memory_bytes;
    work->status = (mr_fleet_status){
        .job = work->wish.job, .version = wish->version, .state = MR_FLEET_STARTING, .lag = -1};
    pthread_mutex_init(&work->lock, NULL);
    if (pthread_create(&work->thread, NULL, run, work) != 0) {
        pthread_mutex_destroy(&work->lock);
        mr_arena_release(&work->arena);
        free(work);
        return mr_error_set(err, MR_E_ENVIRONMENT, "no thread for job `%s`", wish->job);
    }
    *result = work;
    return MR_OK;
}

void mr_work_request_stop(mr_work *work)
{
    atomic_store(&work->must_stop, true);
}

void mr_work_set_memory(mr_work *work, int64_t memory_bytes)
{
    atomic_store(&work->memory_bytes, memory_bytes);
}

bool mr_work_request_drain(mr_work *work, const mr_wish *wish)
{
    mr_wish running = work->wish;
    running.kind = wish->kind;
    running.plan_format = wish->plan_format;
    if (!mr_wish_is_same(&running, wish) || atomic_load(&work->has_ended))
        return false;
    pthread_mutex_lock(&work->lock);
    work->status.version = wish->version;
    pthread_mutex_unlock(&work->lock);
    atomic_store(&work->must_drain, true);
    return true;
}

bool mr_work_has_ended(mr_work *work)
{
    return atomic_load(&work->has_ended);
}

void mr_work_status(mr_work *work, mr_fleet_status *status, mr_work_words *words)
{
    pthread_mutex_lock(&work->lock);
    *status = work->status;
    *words = work->words;
    pthread_mutex_unlock(&work->lock);
    status->message = words->message;
    status->checkpoint_message = words->checkpoint;
}

void mr_work_free(mr_work *work)
{
    pthread_join(work->thread, NULL);
    pthread_mutex_destroy(&work->lock);
    mr_arena_release(&work->arena);
    free(work);
}
