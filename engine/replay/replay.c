#include "engine/replay/replay.h"

#include "engine/base/assert.h"
#include "engine/replay/player.h"
#include "engine/replay/renamed.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define COMMIT_EVERY_US INT64_C(1000000)
#define COMMIT_BYTES ((uint64_t)8 << 20)
#define TRANSACTION_TIMEOUT_MS 60000
#define FLUSH_TIMEOUT_MS 60000
#define RETRIES_MAX 1000
#define SHOW_EVERY_US INT64_C(100000)

struct mr_replay {
    mr_replay_config config;
    mr_arena arena;
    mr_cut cut;
    mr_spool *spool;
    mr_outputs outputs;
    mr_replay_progress progress;
    mr_replay_difference difference;
    mr_renamed renamed;
    mr_log_writer *writer;
    mr_task_io io;
    int64_t began_us, shown_us; /* the open transaction; the progress */
    uint64_t began_bytes;
};

/* ---- opening ---- */

static bool is_exchange(const mr_plan *plan, const mr_epoch_input *input)
{
    uint32_t source = mr_moments_source(plan, input->source);
    return source != UINT32_MAX && plan->sources[source].exchange != NULL;
}

static uint64_t records_before(const mr_plan *plan, const mr_epoch_record *record)
{
    uint64_t records = 0;
    for (uint32_t i = 0; i < record->inputs_count; i++)
        if (!is_exchange(plan, &record->inputs[i]))
            records += (uint64_t)record->inputs[i].offset_next;
    return records;
}

static mr_status measure(mr_replay *replay, uint32_t task, mr_error *err)
{
    const mr_moments *m = &replay->config.moments;
    const mr_cut *cut = &replay->cut;
    mr_arena arena = {0};
    mr_epoch_record start, stop;
    if (cut->to[task].epoch < cut->from[task].epoch)
        return mr_error_set(err, MR_E_MOMENT,
                            "task %" PRIu32 " would begin behind epoch %" PRIu64
                            " and end with epoch %" PRIu64,
                            task, cut->from[task].epoch, cut->to[task].epoch);
    mr_status status = mr_cut_check(m, cut, task, err);
    if (status != MR_OK || cut->stop[task].epoch == cut->start[task].epoch)
        return status;
    replay->progress.epochs_total += cut->stop[task].epoch - cut->start[task].epoch;
    status = mr_moment_record(m, task, &cut->start[task], &arena, &start, err);
    if (status == MR_OK)
        status = mr_moment_record(m, task, &cut->stop[task], &arena, &stop, err);
    if (status == MR_OK)
        replay->progress.records_total +=
            records_before(m->plan, &stop) - records_before(m->plan, &start);
    mr_arena_release(&arena);
    return status;
}

static int32_t dlq_partitions(void *context, const char *topic)
{
    const mr_replay *replay = context;
    for (uint32_t i = 0; i < replay->outputs.count; i++)
        if (strcmp(replay->outputs.items[i].live, topic) == 0)
            return replay->outputs.items[i].partitions;
    return 0;
}

static mr_status find(mr_replay *replay, mr_error *err)
{
    const mr_moments *m = &replay->config.moments;
    mr_status status = mr_moments_check_job(m, err);
    if (status == MR_OK)
        status = mr_outputs_find(&replay->outputs, m->plan, m->log, replay->config.suffix, err);
    if (status == MR_OK)
        status = mr_cut_find(m, &replay->config.from, &replay->config.to, &replay->arena,
                             &replay->cut, err);
    if (status == MR_OK)
        status = mr_outputs_look_again(&replay->outputs, m->log, err);
    for (uint32_t t = 0; status == MR_OK && t < m->plan->tasks_count; t++)
        status = measure(replay, t, err);
    return status;
}

mr_status mr_replay_open(const mr_replay_config *config, mr_replay **result, mr_error *err)
{
    const mr_plan *plan = config->moments.plan;
    mr_replay *replay = calloc(1, sizeof *replay);
    MR_ASSERT(replay != NULL);
    replay->config = *config;
    replay->difference.task = UINT32_MAX;
    replay->io = (mr_task_io){.job = plan->job,
                              .clock = config->moments.clock,
                              .logger = config->moments.logger,
                              .dlq_partitions = dlq_partitions,
                              .context = replay};
    replay->io.sinks = mr_arena_zalloc(&replay->arena, plan->sinks_count, sizeof(mr_sink *));
    mr_status status = find(replay, err);
    if (status != MR_OK) {
        mr_replay_close(replay);
        return status;
    }
    *result = replay;
    return MR_OK;
}

void mr_replay_close(mr_replay *replay)
{
    if (replay == NULL)
        return;
    for (uint32_t s = 0; s < replay->config.moments.plan->sinks_count; s++)
        if (replay->io.sinks[s] != NULL)
            replay->io.sinks[s]->class->close(replay->io.sinks[s]);
    if (replay->writer != NULL)
        replay->writer->class->close(replay->writer);
    mr_spool_close(replay->spool);
    mr_renamed_release(&replay->renamed);
    mr_outputs_release(&replay->outputs);
    mr_arena_release(&replay->arena);
    free(replay);
}

/* ---- writing ---- */

static mr_status begin(mr_replay *replay, mr_error *err)
{
    const mr_clock *clock = replay->config.moments.clock;
    replay->began_us = clock->monotonic_us(clock);
    replay->began_bytes = replay->renamed.bytes;
    return replay->writer->class->begin(replay->writer, err);
}

static mr_status commit(mr_replay *replay, mr_error *err)
{
    mr_log_writer *writer = replay->writer;
    mr_status status;
    uint32_t tries = 0;
    do
        status = writer->class->flush(writer, FLUSH_TIMEOUT_MS, err);
    while (status != MR_OK && err->recovery == MR_RECOVERY_RETRY && ++tries < RETRIES_MAX);
    if (status != MR_OK)
        return status;
    do
        status = writer->class->commit(writer, err);
    while (status != MR_OK && err->recovery == MR_RECOVERY_RETRY && ++tries < RETRIES_MAX);
    return status;
}

/* What must not wait: a stop, the progress, the end of the open transaction. */
static mr_status breathe(mr_replay *replay, mr_error *err)
{
    const mr_replay_config *config = &replay->config;
    const mr_clock *clock = config->moments.clock;
    int64_t now_us = clock->monotonic_us(clock);
    if (now_us - replay->shown_us >= SHOW_EVERY_US) {
        replay->shown_us = now_us;
        replay->progress.rows = replay->renamed.records;
        if (config->show != NULL)
            config->show(config->hook, &replay->progress);
        if (config->is_stopping != NULL && config->is_stopping(config->hook))
            return mr_error_set(err, MR_E_REPLAY_STOPPED, "the replay was stopped");
    }
    if (now_us - replay->began_us < COMMIT_EVERY_US &&
        replay->renamed.bytes - replay->began_bytes < COMMIT_BYTES)
        return MR_OK;
    mr_status status = commit(replay, err);
    return status == MR_OK ? begin(replay, err) : status;
}

static mr_status open_writer(mr_replay *replay, mr_error *err)
{
    const mr_moments *m = &replay->config.moments;
    mr_writer_options options = {.transactional_id = replay->config.transactional_id,
                                 .transaction_timeout_ms = TRANSACTION_TIMEOUT_MS,
                                 .knock_first = true};
    mr_status status = m->log->class->open_writer(m->log, &options, &replay->writer, err);
    mr_renamed_init(&replay->renamed, replay->writer, replay->config.suffix);
    replay->io.writer = &replay->renamed.writer;
    for (uint32_t s = 0; status == MR_OK && s < m->plan->sinks_count; s++)
        if (m->plan->sinks[s].exchange == NULL)
            status = m->plan->sinks[s].open(m->plan->sinks[s].config, &replay->io.sinks[s], err);
    return status;
}

/* ---- playing ---- */

static void want(void *context, bool is_wanted)
{
    ((mr_replay *)context)->renamed.is_silent = !is_wanted;
}

static mr_status breathe_for(void *context, mr_error *err)
{
    return breathe(context, err);
}

static void differ(void *context, uint32_t task, uint64_t epoch, const char *what)
{
    mr_replay_difference *difference = &((mr_replay *)context)->difference;
    if (difference->task != UINT32_MAX)
        return;
    difference->task = task;
    difference->epoch = epoch;
    snprintf(difference->what, sizeof difference->what, "%s", what);
}

static void count(void *context, uint64_t records, uint64_t epochs)
{
    mr_replay *replay = context;
    replay->progress.records_done += records;
    replay->progress.epochs_done += epochs;
}

static bool is_played(const mr_replay *replay, uint32_t task)
{
    return replay->cut.stop[task].epoch > replay->cut.start[task].epoch;
}

/* Stage by stage: those behind take what those before them have sent. */
static mr_status play(mr_replay *replay, mr_error *err)
{
    const mr_plan *plan = replay->config.moments.plan;
    mr_player player = {.moments = &replay->config.moments,
                        .cut = &replay->cut,
                        .io = &replay->io,
                        .want = want,
                        .breathe = breathe_for,
                        .differ = differ,
                        .count = count,
                        .context = replay};
    mr_status status = mr_plan_stages(plan) > 1 ? mr_spool_open(&replay->spool, err) : MR_OK;
    player.spool = replay->spool;
    for (player.task = 0; status == MR_OK && player.task < plan->tasks_count; player.task++)
        if (is_played(replay, player.task))
            status = mr_player_run(&player, err);
    return status;
}

mr_status mr_replay_run(mr_replay *replay, mr_error *err)
{
    const mr_replay_config *config = &replay->config;
    mr_status status = mr_outputs_prepare(&replay->outputs, config->moments.log, err);
    if (status == MR_OK)
        status = open_writer(replay, err);
    if (status == MR_OK)
        status = begin(replay, err);
    if (status == MR_OK)
        status = play(replay, err);
    if (status == MR_OK)
        status = commit(replay, err);
    replay->progress.rows = replay->renamed.records;
    if (config->show != NULL)
        config->show(config->hook, &replay->progress);
    return status;
}

const mr_moment *mr_replay_from(const mr_replay *replay)
{
    return replay->cut.from;
}

const mr_moment *mr_replay_to(const mr_replay *replay)
{
    return replay->cut.to;
}

const mr_outputs *mr_replay_outputs(const mr_replay *replay)
{
    return &replay->outputs;
}

const mr_replay_progress *mr_replay_progress_of(const mr_replay *replay)
{
    return &replay->progress;
}

const mr_replay_difference *mr_replay_difference_of(const mr_replay *replay)
{
    return &replay->difference;
}
