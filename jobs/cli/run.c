/*
 * `millrace run`: everything around the worker: log, topics, state directory, signals, progress.
 *
 * SIGINT and SIGTERM are blocked in all threads and asked for between steps, so no handler and no
 * shared variable is needed; a call that waits for an absent broker asks too.
 */
#include "connectors/memory/clock.h"
#include "jobs/cli/command.h"
#include "jobs/cli/failure.h"
#include "jobs/cli/load.h"
#include "jobs/cli/local_state.h"
#include "jobs/cli/progress.h"
#include "jobs/engine/engine.h"
#include "jobs/explain/explain.h"

#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

/* All that a run holds open; released as a whole. */
typedef struct run {
    const mr_flags *flags;
    mr_job *job;
    mr_logger logger;
    mr_clock clock;
    mr_metrics *metrics;
    mr_state_dir *dir;
    mr_engine engine;
    atomic_bool was_signalled; /* asked for by calls that wait for a broker, on any thread */
} run;

/* ---- signals ---- */

static void stop_signals(sigset_t *set)
{
    sigemptyset(set);
    sigaddset(set, SIGINT);
    sigaddset(set, SIGTERM);
}

static void block_signals(void)
{
    sigset_t set;
    stop_signals(&set);
    pthread_sigmask(SIG_BLOCK, &set, NULL);
    signal(SIGPIPE, SIG_IGN);
}

/* A signal waits to be taken, or was. */
static bool is_stopping(void *hook)
{
    const run *self = hook;
    if (atomic_load(&self->was_signalled))
        return true;
    sigset_t pending;
    return sigpending(&pending) == 0 &&
           (sigismember(&pending, SIGINT) == 1 || sigismember(&pending, SIGTERM) == 1);
}

static bool take_signal(run *self)
{
    sigset_t set;
    stop_signals(&set);
    if (sigtimedwait(&set, NULL, &(struct timespec){0}) <= 0)
        return false;
    atomic_store(&self->was_signalled, true);
    return true;
}

/* ---- opening ---- */

static void write_line(void *sink, mr_log_level level, const char *line)
{
    const mr_flags *flags = sink;
    bool is_quiet = mr_flags_has(flags, MR_FLAG_QUIET);
    if (is_quiet && level < MR_LOG_ERROR)
        return;
    if (isatty(STDERR_FILENO))
        fprintf(stderr, "\r\033[K%s\n", line);
    else
        fprintf(stderr, "%s\n", line);
}

/* A folder of its own for each job: the lock is on the folder, and two jobs may start from here. */
static mr_status open_state(run *self, mr_error *err)
{
    if (self->job->plan.guarantee == MR_NO_GUARANTEE)
        return MR_OK;
    return mr_local_state_open(self->flags, self->job->plan.job, &self->dir, err);
}

static mr_status open_all(run *self, mr_error *err)
{
    mr_status status = open_state(self, err);
    if (status != MR_OK)
        return status;
    mr_engine_config config = {.job = self->job,
                               .logger = &self->logger,
                               .clock = &self->clock,
                               .metrics = self->metrics,
                               .state_dir = self->dir,
                               .is_bounded = mr_flags_has(self->flags, MR_FLAG_BOUNDED),
                               .must_reset = mr_flags_has(self->flags, MR_FLAG_RESET),
                               .must_create_topics =
                                   mr_flags_has(self->flags, MR_FLAG_CREATE_TOPICS),
                               .is_stopping = is_stopping,
                               .hook = self};
    return mr_engine_open(&self->engine, &config, err);
}

static void close_all(run *self)
{
    mr_engine_close(&self->engine);
    mr_state_dir_close(self->dir);
    mr_metrics_free(self->metrics);
}

/* ---- running ---- */

static mr_status step_until_over(run *self, mr_progress_line *progress, mr_error *err)
{
    mr_status status = MR_OK;
    while (status == MR_OK) {
        mr_worker_phase phase = mr_worker_phase_of(self->engine.worker);
        if (phase == MR_WORKER_STOPPED || phase == MR_WORKER_FINISHED)
            break;
        if (take_signal(self))
            mr_worker_request_stop(self->engine.worker);
        status = mr_worker_step(self->engine.worker, err);
        if (status == MR_OK)
            mr_progress_show(progress, self->engine.worker);
    }
    return status;
}

static mr_exit work(run *self)
{
    mr_error err;
    mr_progress_line progress;
    mr_progress_begin(&progress, self->job, self->flags, &self->clock, self->metrics);
    bool is_good = step_until_over(self, &progress, &err) == MR_OK;
    mr_worker_stats stats;
    mr_worker_stats_get(self->engine.worker, &stats);
    mr_engine_end_worker(&self->engine);
    mr_progress_end(&progress, &stats, is_good);
    return is_good ? MR_EXIT_OK : mr_cli_fail(&err);
}

static mr_exit print_plan(const mr_job *job)
{
    mr_buffer text = {0};
    mr_explain_text(&job->plan, &text);
    fwrite(text.data, 1, text.length, stdout);
    mr_buffer_release(&text);
    return MR_EXIT_OK;
}

mr_exit mr_command_run(const mr_flags *flags)
{
    mr_loaded loaded = mr_load(flags);
    mr_exit exit = loaded.exit;
    if (loaded.job != NULL && loaded.job->is_explain) {
        exit = print_plan(loaded.job);
    } else if (loaded.job != NULL) {
        block_signals();
        run self = {.flags = flags, .job = loaded.job};
        self.logger = (mr_logger){.write = write_line,
                                  .sink = (void *)(uintptr_t)flags,
                                  .level_min = mr_flags_has(flags, MR_FLAG_VERBOSE) ? MR_LOG_DEBUG
                                                                                    : MR_LOG_INFO};
        mr_memory_clock_real(&self.clock);
        self.metrics = mr_metrics_new();
        const char *build[] = {"version", MR_VERSION, NULL};
        mr_gauge_set(mr_metrics_gauge(self.metrics, "millrace_build_info", build), 1);
        mr_error err;
        exit = open_all(&self, &err) == MR_OK ? work(&self) : mr_cli_fail(&err);
        close_all(&self);
    }
    mr_loaded_release(&loaded);
    return exit;
}
