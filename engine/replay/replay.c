#include "engine/replay/replay.h"

#include "engine/base/assert.h"
#include "engine/commit/journal.h"
#include "engine/replay/feed.h"
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
    mr_moment *from, *to;
    mr_outputs outputs;
    mr_replay_progress progress;
    mr_replay_difference difference;
    mr_renamed renamed;
    mr_log_writer *writer;
    mr_task_io io;
    int64_t began_us, shown_us; /* the open transaction; the progress */
    uint64_t began_bytes;
};

/* The one task that is being replayed. */
typedef struct player {
    mr_replay *replay;
    uint32_t index;
    mr_task *task;
    mr_feed *feed;
    uint32_t *numbers; /* [] of the record's inputs, in the task */
    uint32_t numbers_capacity;
    uint64_t *counters;
    uint32_t counters_count;
} player;

/* ---- opening ---- */

static mr_status measure(mr_replay *replay, uint32_t task, mr_error *err)
{
    const mr_moments *m = &replay->config.moments;
    mr_arena arena = {0};
    mr_epoch_record from, to;
    if (replay->to[task].epoch < replay->from[task].epoch)
        return mr_error_set(err, MR_E_MOMENT,
                            "task %" PRIu32 " would begin behind epoch %" PRIu64
                            " and end with epoch %" PRIu64,
                            task, replay->from[task].epoch, replay->to[task].epoch);
    if (replay->to[task].moved > replay->from[task].epoch)
        return mr_error_set(err, MR_E_MOMENT,
                            "task %" PRIu32 " was moved back by its epoch %" PRIu64
                            ": replay what lies before that, or from it on",
                            task, replay->to[task].moved);
    if (replay->to[task].epoch == replay->from[task].epoch)
        return MR_OK;
    replay->progress.epochs_total += replay->to[task].epoch - replay->from[task].epoch;
    mr_status status = mr_moment_record(m, task, &replay->from[task], &arena, &from, err);
    if (status == MR_OK)
        status = mr_moment_record(m, task, &replay->to[task], &arena, &to, err);
    if (status == MR_OK)
        status = mr_moments_check_sources(m, &from, &to, err);
    for (uint32_t i = 0; status == MR_OK && i < to.inputs_count; i++)
        replay->progress.records_total += (uint64_t)to.inputs[i].offset_next;
    for (uint32_t i = 0; status == MR_OK && i < from.inputs_count; i++)
        replay->progress.records_total -= (uint64_t)from.inputs[i].offset_next;
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
        status = mr_moments_find(m, &replay->config.from, replay->from, err);
    if (status == MR_OK)
        status = mr_moments_find(m, &replay->config.to, replay->to, err);
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
    replay->from = mr_arena_zalloc(&replay->arena, plan->tasks_count, sizeof *replay->from);
    replay->to = mr_arena_zalloc(&replay->arena, plan->tasks_count, sizeof *replay->to);
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
        status = m->plan->sinks[s].open(m->plan->sinks[s].config, &replay->io.sinks[s], err);
    return status;
}

/* ---- playing ---- */

static void note(player *p, uint64_t epoch, const char *what, uint64_t here, uint64_t there)
{
    mr_replay_difference *difference = &p->replay->difference;
    if (difference->task != UINT32_MAX)
        return;
    difference->task = p->index;
    difference->epoch = epoch;
    snprintf(difference->what, sizeof difference->what,
             "%s: %" PRId64 " here, %" PRId64 " in its record", what, (int64_t)here,
             (int64_t)there);
}

/* The task's input that is this one of a record; one that was added since is added here too. */
static mr_status find_input(player *p, const mr_epoch_input *input, uint32_t *number, mr_error *err)
{
    const mr_moments *m = &p->replay->config.moments;
    uint32_t source = mr_moments_source(m->plan, input->source);
    uint32_t count = mr_task_inputs_count(p->task);
    for (*number = 0; *number < count; (*number)++) {
        const mr_task_input *at = mr_task_input_at(p->task, *number);
        if (at->source == source && at->partition == input->partition &&
            strcmp(at->topic, input->topic) == 0)
            return MR_OK;
    }
    if (source == UINT32_MAX)
        return mr_error_set(err, MR_E_STATE_PLAN,
                            "the job has read table `%s`, which this text does not have",
                            input->source);
    mr_epoch_input added = *input;
    added.watermark =
        (mr_watermark){.value_ms = mr_task_source_watermark(p->task, source), .is_idle = true};
    added.is_ended = false;
    mr_status status = m->log->class->offset(m->log, input->topic, input->partition,
                                             MR_OFFSET_EARLIEST, &added.offset_next, err);
    if (status != MR_OK)
        return status;
    (void)mr_task_add_input(p->task, &added, source);
    return mr_feed_add(p->feed, added.topic, added.partition, added.offset_next, err);
}

static mr_status find_inputs(player *p, const mr_epoch_record *record, mr_error *err)
{
    if (record->inputs_count > p->numbers_capacity) {
        p->numbers_capacity = record->inputs_count;
        p->numbers = realloc(p->numbers, p->numbers_capacity * sizeof *p->numbers);
        MR_ASSERT(p->numbers != NULL);
    }
    mr_status status = MR_OK;
    for (uint32_t i = 0; status == MR_OK && i < record->inputs_count; i++)
        status = find_input(p, &record->inputs[i], &p->numbers[i], err);
    return status;
}

static bool counters_agree(player *p, const mr_epoch_record *record, uint32_t *which)
{
    (void)mr_task_counters(p->task, p->counters, p->counters_count);
    for (*which = 0; *which < p->counters_count; (*which)++)
        if (*which >= record->counters_count || p->counters[*which] != record->counters[*which])
            return false;
    return true;
}

static mr_status advance(player *p, mr_error *err)
{
    mr_progress ignored;
    mr_status status = mr_task_advance(p->task, &ignored, err);
    return status == MR_OK ? breathe(p->replay, err) : status;
}

static mr_status settle(player *p, mr_error *err)
{
    mr_status status = MR_OK;
    while (status == MR_OK && !mr_task_is_settled(p->task))
        status = advance(p, err);
    return status;
}

static mr_status play_batch(player *p, uint32_t number, int64_t until, mr_error *err)
{
    mr_records records;
    mr_status status;
    do {
        status = breathe(p->replay, err);
        if (status == MR_OK)
            status = mr_feed_take(p->feed, number, until, &records, err);
    } while (status != MR_OK && err->recovery == MR_RECOVERY_RETRY);
    if (status != MR_OK)
        return status;
    p->replay->progress.records_done += records.count;
    return mr_task_on_records(p->task, number, &records, err);
}

static mr_status play_event(player *p, const mr_journal_event *event, mr_error *err)
{
    uint32_t number = p->numbers[event->input];
    mr_status status = settle(p, err);
    if (status != MR_OK)
        return status;
    switch (event->kind) {
    case MR_JOURNAL_BATCH: return play_batch(p, number, event->offset, err);
    case MR_JOURNAL_IDLE: mr_task_on_idle(p->task, number); break;
    case MR_JOURNAL_END: mr_task_on_end(p->task, number); break;
    case MR_JOURNAL_AWAKE: mr_task_on_awake(p->task, number); break;
    case MR_JOURNAL_HANDED:
        return mr_error_set(err, MR_E_STATE,
                            "a frame was handed over within its worker: it lies in no topic");
    }
    return MR_OK;
}

/* What the epoch came to must be what its record says. */
static void check(player *p, const mr_epoch_record *record)
{
    uint32_t which;
    if (!counters_agree(p, record, &which)) {
        char what[40];
        snprintf(what, sizeof what, "counter %" PRIu32, which);
        note(p, record->epoch, what, p->counters[which],
             which < record->counters_count ? record->counters[which] : 0);
    }
    for (uint32_t i = 0; i < record->inputs_count; i++) {
        const mr_task_input *input = mr_task_input_at(p->task, p->numbers[i]);
        if (input->offset_next != record->inputs[i].offset_next)
            note(p, record->epoch, "next offset", (uint64_t)input->offset_next,
                 (uint64_t)record->inputs[i].offset_next);
        if (input->watermark.value_ms != record->inputs[i].watermark.value_ms)
            note(p, record->epoch, "watermark", (uint64_t)input->watermark.value_ms,
                 (uint64_t)record->inputs[i].watermark.value_ms);
    }
    for (uint32_t s = 0; s < record->sources_count; s++)
        if (mr_task_source_watermark(p->task, s) != record->source_watermarks_ms[s])
            note(p, record->epoch, "watermark of a table",
                 (uint64_t)mr_task_source_watermark(p->task, s),
                 (uint64_t)record->source_watermarks_ms[s]);
}

/* An epoch may end amid a fire: it is carried on just as far as the live one was, which the
 * counters tell. */
static mr_status play_epoch(void *context, const mr_history_record *at, bool *is_enough,
                            mr_error *err)
{
    player *p = context;
    const mr_epoch_record *record = at->record;
    if (at->is_claim || record->epoch <= p->replay->from[p->index].epoch)
        return MR_OK;
    mr_status status = find_inputs(p, record, err);
    mr_reader journal = mr_reader_of(record->journal, record->journal_length);
    mr_journal_event event;
    while (status == MR_OK && mr_journal_next(&journal, &event)) {
        if (event.input >= record->inputs_count)
            journal.is_bad = true;
        else
            status = play_event(p, &event, err);
    }
    if (status == MR_OK && journal.is_bad)
        status = mr_error_set(err, MR_E_STATE_FORMAT, "malformed journal of epoch %" PRIu64,
                              record->epoch);
    uint32_t ignored;
    while (status == MR_OK && !mr_task_is_settled(p->task) && !counters_agree(p, record, &ignored))
        status = advance(p, err);
    if (status != MR_OK)
        return status;
    check(p, record);
    mr_task_mark_committed(p->task);
    mr_state_mark_clean(mr_task_state(p->task));
    p->replay->progress.epochs_done++;
    *is_enough = record->epoch >= p->replay->to[p->index].epoch;
    return breathe(p->replay, err);
}

static mr_status feed_inputs(player *p, mr_error *err)
{
    mr_status status = MR_OK;
    for (uint32_t i = 0; status == MR_OK && i < mr_task_inputs_count(p->task); i++) {
        const mr_task_input *input = mr_task_input_at(p->task, i);
        status = mr_feed_add(p->feed, input->topic, input->partition, input->offset_next, err);
    }
    return status;
}

static mr_status play_task(mr_replay *replay, uint32_t index, mr_error *err)
{
    const mr_moments *m = &replay->config.moments;
    mr_arena arena = {0};
    mr_recovered recovered;
    player p = {.replay = replay, .index = index};
    mr_history history = {.log = m->log, .clock = m->clock, .topic = m->state_topic, .task = index};
    mr_status status = mr_moment_restore(m, index, &replay->from[index], &replay->io, &arena,
                                         &p.task, &recovered, err);
    if (status == MR_OK)
        status = mr_feed_open(m->log, m->clock, &p.feed, err);
    if (status == MR_OK)
        status = feed_inputs(&p, err);
    if (status == MR_OK) {
        p.counters_count = mr_task_counters_count(m->plan);
        p.counters = mr_arena_alloc(&arena, (p.counters_count + 1) * sizeof *p.counters);
        int64_t first = replay->from[index].offset + 1;
        status = mr_history_read(&history, first > 0 ? first : MR_OFFSET_EARLIEST,
                                 replay->to[index].offset + 1, play_epoch, &p, err);
    }
    mr_feed_close(p.feed);
    mr_task_free(p.task);
    free(p.numbers);
    mr_arena_release(&arena);
    return status == MR_OK ? MR_OK : mr_error_prefix(err, "task %" PRIu32, index);
}

mr_status mr_replay_run(mr_replay *replay, mr_error *err)
{
    const mr_replay_config *config = &replay->config;
    mr_status status = mr_outputs_prepare(&replay->outputs, config->moments.log, err);
    if (status == MR_OK)
        status = open_writer(replay, err);
    if (status == MR_OK)
        status = begin(replay, err);
    for (uint32_t t = 0; status == MR_OK && t < config->moments.plan->tasks_count; t++)
        if (replay->to[t].epoch > replay->from[t].epoch)
            status = play_task(replay, t, err);
    if (status == MR_OK)
        status = commit(replay, err);
    replay->progress.rows = replay->renamed.records;
    if (config->show != NULL)
        config->show(config->hook, &replay->progress);
    return status;
}

const mr_moment *mr_replay_from(const mr_replay *replay)
{
    return replay->from;
}

const mr_moment *mr_replay_to(const mr_replay *replay)
{
    return replay->to;
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
