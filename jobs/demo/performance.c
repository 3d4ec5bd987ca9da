#include "jobs/demo/performance.h"

#include "connectors/memory/clock.h"
#include "jobs/demo/accounts.h"
#include "jobs/demo/embedded.h"
#include "jobs/plan/job.h"

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#define LOOK_EVERY_US 100000 /* at the outputs and the status line */
#define DRAIN_MS 1000        /* nothing for so long: all outputs have come */

/* All that is open; released as a whole. */
typedef struct performance {
    const mr_demo_options *options;
    mr_logger logger;
    mr_clock clock;
    mr_budget budget;
    mr_demo_flights flights;
    mr_demo_stage stage;
    mr_script script;
    mr_job *job;
    mr_demo_player player;
    mr_demo_outputs outputs;
    mr_demo_screen screen;
    mr_worker *worker;
    int64_t looked_us;
    bool is_interrupted;
} performance;

static void write_line(void *sink, mr_log_level level, const char *line)
{
    (void)sink, (void)level;
    fprintf(stderr, "%s\n", line);
}

/* A signal waits, or has been taken: calls that wait for a broker give up. */
static bool take_signal(void)
{
    sigset_t set;
    sigemptyset(&set);
    sigaddset(&set, SIGINT);
    sigaddset(&set, SIGTERM);
    pthread_sigmask(SIG_BLOCK, &set, NULL);
    return sigtimedwait(&set, NULL, &(struct timespec){0}) > 0;
}

/* ---- opening ---- */

static void print_diagnostics(mr_diagnostics *diagnostics, const mr_script *script)
{
    mr_buffer out = {0};
    mr_diagnostics_print(diagnostics, script, false, &out);
    fwrite(out.data, 1, out.length, stderr);
    mr_buffer_release(&out);
}

/* The job as it stands in departures.sql. What differs between clusters is asked of the environment
 * there, so a user's own `millrace run departures.sql` goes the same way. */
static mr_status load_job(performance *self, mr_error *err)
{
    if (setenv("DEMO_KAFKA", self->stage.bootstrap, 1) != 0 ||
        setenv("DEMO_PREFIX", self->stage.prefix, 1) != 0)
        return mr_error_set(err, MR_E_ENVIRONMENT, "the environment is full");
    mr_demo_bytes text = mr_demo_embedded_job();
    mr_script_init(&self->script, "departures.sql", text.data, text.length);
    mr_job_options options = {.name = self->stage.job};
    mr_diagnostics diagnostics = {0};
    self->job = mr_job_new(&self->script, &options, &diagnostics);
    if (self->job == NULL)
        print_diagnostics(&diagnostics, &self->script);
    mr_diagnostics_release(&diagnostics);
    return self->job != NULL ? MR_OK
                             : mr_error_set(err, MR_E_INTERNAL, "the demo's job is not valid");
}

static mr_worker_config worker_config(performance *self)
{
    return (mr_worker_config){.plan = &self->job->plan,
                              .log = self->stage.log,
                              .clock = &self->clock,
                              .logger = &self->logger,
                              .budget = &self->budget,
                              .instance_id = "demo",
                              .is_dynamic_member = true};
}

static mr_status open_all(performance *self, mr_error *err)
{
    const mr_demo_options *options = self->options;
    mr_status status = mr_demo_flights_load(&self->flights, options->days, err);
    if (status == MR_OK)
        status = mr_demo_stage_open(&self->stage, options->kafka, options->properties,
                                    &self->logger, err);
    if (status == MR_OK)
        status = load_job(self, err);
    if (status == MR_OK)
        status = mr_demo_player_open(&self->player, self->stage.log, &self->flights,
                                     self->stage.topics[MR_DEMO_DEPARTURES],
                                     options->hours_a_second, err);
    if (status == MR_OK)
        status = mr_demo_outputs_open(&self->outputs, &self->stage, err);
    if (status != MR_OK)
        return status;
    mr_worker_config config = worker_config(self);
    self->worker = mr_worker_new(&config);
    return MR_OK;
}

/* Leaves nothing behind on a real cluster, unless asked to. */
static void clear(performance *self)
{
    if (self->stage.mock != NULL || self->stage.topics_count == 0)
        return;
    if (self->options->is_kept) {
        mr_demo_screen_say(&self->screen, 'n', "topics kept: %s*", self->stage.prefix);
        return;
    }
    mr_error err;
    mr_status status = MR_OK;
    if (self->job != NULL) {
        mr_worker_config config = worker_config(self);
        status = mr_worker_reset(&config, &err);
    }
    if (status == MR_OK)
        status = mr_demo_stage_clear(&self->stage, &err);
    if (status != MR_OK)
        fprintf(stderr, "millrace demo: topics %s* are left behind: %s\n", self->stage.prefix,
                err.message);
}

static void close_all(performance *self)
{
    if (self->worker != NULL)
        mr_worker_free(self->worker);
    mr_demo_outputs_close(&self->outputs);
    mr_demo_player_close(&self->player);
    clear(self);
    mr_job_free(self->job);
    mr_script_release(&self->script);
    mr_demo_stage_close(&self->stage);
    mr_demo_flights_release(&self->flights);
}

/* ---- playing ---- */

/* What came out meanwhile, and the status line. */
static mr_status look(performance *self, mr_error *err)
{
    int64_t now_us = self->clock.monotonic_us(&self->clock);
    if (now_us - self->looked_us < LOOK_EVERY_US)
        return MR_OK;
    self->looked_us = now_us;
    mr_demo_audience audience = mr_demo_screen_audience(&self->screen);
    uint32_t count;
    mr_status status = mr_demo_outputs_read(&self->outputs, 0, &audience, &count, err);
    /* An hour's windows of all airports close in one commit: a look that brings nothing ends it. */
    if (count == 0)
        mr_demo_screen_settle(&self->screen);
    mr_worker_stats stats;
    mr_worker_stats_get(self->worker, &stats);
    mr_demo_screen_status(&self->screen, &self->player, &stats);
    return status;
}

static mr_status play(performance *self, mr_error *err)
{
    if (mr_worker_phase_of(self->worker) != MR_WORKER_RUN || mr_demo_player_is_done(&self->player))
        return MR_OK;
    int64_t now_us = self->clock.monotonic_us(&self->clock);
    mr_status status = mr_demo_player_play(&self->player, now_us, err);
    if (status == MR_OK && mr_demo_player_is_done(&self->player))
        mr_worker_request_end(self->worker);
    return status;
}

static mr_status work(performance *self, mr_error *err)
{
    mr_worker_phase phase = MR_WORKER_PREPARE;
    while (phase != MR_WORKER_STOPPED && phase != MR_WORKER_FINISHED) {
        if (take_signal()) {
            self->is_interrupted = true;
            mr_worker_request_stop(self->worker);
        }
        mr_status status = mr_worker_step(self->worker, err);
        if (status == MR_OK)
            status = play(self, err);
        if (status == MR_OK)
            status = look(self, err);
        if (status != MR_OK)
            return status;
        phase = mr_worker_phase_of(self->worker);
    }
    return MR_OK;
}

/* The last commit's outputs: the reader gets them a moment later. */
static mr_status drain(performance *self, mr_error *err)
{
    mr_demo_audience audience = mr_demo_screen_audience(&self->screen);
    uint32_t count = 1;
    mr_status status = MR_OK;
    while (status == MR_OK && count > 0)
        status = mr_demo_outputs_read(&self->outputs, DRAIN_MS, &audience, &count, err);
    mr_demo_screen_settle(&self->screen);
    return status;
}

mr_status mr_demo_perform(const mr_demo_options *options, bool *is_good, mr_error *err)
{
    performance self = {.options = options,
                        .logger = {.write = write_line, .level_min = MR_LOG_ERROR}};
    *is_good = false;
    (void)take_signal(); /* blocks them before librdkafka makes threads */
    mr_memory_clock_real(&self.clock);
    mr_demo_screen_open(&self.screen);
    mr_status status = open_all(&self, err);
    if (status == MR_OK) {
        mr_demo_screen_intro(&self.screen, &self.stage, &self.player, &self.job->plan);
        status = work(&self, err);
    }
    if (status == MR_OK)
        status = drain(&self, err);
    if (status == MR_OK && self.is_interrupted)
        mr_demo_screen_say(&self.screen, 'n', "\ninterrupted: %u of %u flights told",
                           self.player.next, self.flights.count);
    else if (status == MR_OK)
        *is_good = mr_demo_accounts_show(&self.screen, self.worker, &self.job->plan, &self.outputs,
                                         self.flights.count);
    mr_error why = status != MR_OK ? *err : (mr_error){0};
    close_all(&self);
    if (status != MR_OK)
        *err = why;
    return status;
}
