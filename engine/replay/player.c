#include "engine/replay/player.h"

#include "engine/base/assert.h"
#include "engine/commit/journal.h"
#include "engine/replay/feed.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define NO_FEED UINT32_MAX

typedef struct playing {
    const mr_player *player;
    const mr_plan *stage;
    bool leads_on; /* to another stage */
    mr_task *task;
    mr_feed *feed;
    uint32_t feeds_count;
    uint32_t *feeds; /* [inputs_count] of the task: numbers in the feed, NO_FEED: an exchange */
    uint32_t inputs_count;
    uint32_t *numbers; /* [] of the record's inputs, in the task */
    uint32_t numbers_capacity;
    uint64_t *counters;
    uint32_t counters_count;
    /* Frames. */
    mr_heard *heard; /* [heard_count] so far */
    uint64_t *began; /* [heard_count] the epoch of which the last was heard in front of the start */
    uint32_t heard_count;
    mr_heard *until; /* [heard_count] at the end of the epoch at hand */
    mr_arena epoch;
    mr_buffer frames; /* that are taken next, one behind the other */
    mr_record *records;
    uint32_t frames_count, frames_capacity;
    bool is_amid;    /* the last event was STEPS: what comes next came amid a fire */
    bool has_frames; /* the journal has named some, for the next BATCH or HANDED */
} playing;

static void note(playing *p, uint64_t epoch, const char *what, uint64_t here, uint64_t there)
{
    char text[160];
    snprintf(text, sizeof text, "%s: %" PRId64 " here, %" PRId64 " in its record", what,
             (int64_t)here, (int64_t)there);
    p->player->differ(p->player->context, p->player->task, epoch, text);
}

static mr_status breathe(playing *p, mr_error *err)
{
    return p->player->breathe(p->player->context, err);
}

/* ---- inputs ---- */

static mr_status add_feed(playing *p, uint32_t number, mr_error *err)
{
    const mr_task_input *input = mr_task_input_at(p->task, number);
    MR_ASSERT(number == p->inputs_count);
    p->feeds = realloc(p->feeds, (number + 1) * sizeof *p->feeds);
    MR_ASSERT(p->feeds != NULL);
    bool is_exchange = p->stage->sources[input->source].exchange != NULL;
    p->feeds[p->inputs_count++] = is_exchange ? NO_FEED : p->feeds_count++;
    return is_exchange
               ? MR_OK
               : mr_feed_add(p->feed, input->topic, input->partition, input->offset_next, err);
}

/* The task's input that is this one of a record; one that was added since is added here too. */
static mr_status find_input(playing *p, const mr_epoch_input *input, uint32_t *number,
                            mr_error *err)
{
    const mr_moments *m = p->player->moments;
    uint32_t source = mr_moments_source(p->stage, input->source);
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
    return add_feed(p, mr_task_add_input(p->task, &added, source), err);
}

static mr_status find_inputs(playing *p, const mr_epoch_record *record, mr_error *err)
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

/* ---- watermark work ---- */

static mr_status advance(playing *p, mr_error *err)
{
    mr_progress ignored;
    mr_status status = mr_task_advance(p->task, &ignored, err);
    return status == MR_OK ? breathe(p, err) : status;
}

static mr_status settle(playing *p, mr_error *err)
{
    mr_status status = MR_OK;
    while (status == MR_OK && !mr_task_is_settled(p->task))
        status = advance(p, err);
    return status;
}

static bool counters_agree(playing *p, const mr_epoch_record *record, uint32_t *which)
{
    (void)mr_task_counters(p->task, p->counters, p->counters_count);
    for (*which = 0; *which < p->counters_count; (*which)++)
        if (*which >= record->counters_count || p->counters[*which] != record->counters[*which])
            return false;
    return true;
}

/* ---- frames ---- */

static uint32_t downstream_of(const playing *p)
{
    return p->player->task - p->stage->first_task;
}

static mr_heard *heard_of(playing *p, const mr_exchange *exchange, uint32_t upstream)
{
    for (uint32_t i = 0; i < p->heard_count; i++)
        if (p->heard[i].exchange == exchange && p->heard[i].upstream == upstream)
            return &p->heard[i];
    return NULL;
}

static bool next_frame(playing *p, const mr_heard *of, uint64_t *epoch, uint64_t *number)
{
    return mr_spool_peek(p->player->spool, of->exchange, of->upstream, downstream_of(p), epoch,
                         number);
}

/* The frames in front of what was heard when the playing began. */
static mr_status skip_heard(playing *p, mr_error *err)
{
    mr_status status = MR_OK;
    for (uint32_t i = 0; i < p->heard_count; i++) {
        const mr_heard *at = &p->heard[i];
        uint64_t epoch, number;
        while (status == MR_OK && at->is_heard && next_frame(p, at, &epoch, &number) &&
               (epoch < at->epoch || (epoch == at->epoch && number <= at->number)))
            status = mr_spool_take(p->player->spool, at->exchange, at->upstream, downstream_of(p),
                                   NULL, err);
    }
    return status;
}

/* To those that are taken next. Where each begins is in `key_length` until all are there. */
static mr_status gather(playing *p, mr_heard *of, uint64_t epoch, uint64_t number, mr_error *err)
{
    if (p->frames_count == p->frames_capacity) {
        p->frames_capacity = p->frames_capacity != 0 ? p->frames_capacity * 2 : 16;
        p->records = realloc(p->records, p->frames_capacity * sizeof *p->records);
        MR_ASSERT(p->records != NULL);
    }
    size_t start = p->frames.length;
    mr_status status = mr_spool_take(p->player->spool, of->exchange, of->upstream, downstream_of(p),
                                     &p->frames, err);
    p->records[p->frames_count++] =
        (mr_record){.offset = (int64_t)start, .value_length = (uint32_t)(p->frames.length - start)};
    of->is_heard = true;
    of->epoch = epoch;
    of->number = number;
    return status;
}

/* FRAME: of the epoch at hand of that upstream, or the first one of its next. What else it has sent
 * in the one at hand goes along, for the text is another one; but in the epoch that was heard in
 * front of the start there may be one more, of a sender that knows not what it has said already. */
static mr_status play_frame(playing *p, const mr_epoch_record *record, uint32_t input,
                            const mr_journal_event *event, mr_error *err)
{
    const mr_task_input *at = mr_task_input_at(p->task, input);
    const mr_exchange *exchange = p->stage->sources[at->source].exchange;
    mr_heard *of = exchange != NULL ? heard_of(p, exchange, (uint32_t)event->offset) : NULL;
    uint64_t epoch, number;
    mr_status status = MR_OK;
    if (of == NULL)
        return mr_error_set(err, MR_E_STATE_FORMAT, "a frame of nobody in epoch %" PRIu64,
                            record->epoch);
    const mr_heard *until = &p->until[of - p->heard];
    p->has_frames = true;
    bool is_next = event->number == 0;
    while (status == MR_OK && is_next && next_frame(p, of, &epoch, &number) && of->is_heard &&
           epoch == of->epoch)
        status = epoch == p->began[of - p->heard]
                     ? mr_spool_take(p->player->spool, of->exchange, of->upstream, downstream_of(p),
                                     NULL, err)
                     : gather(p, of, epoch, number, err);
    if (status == MR_OK && next_frame(p, of, &epoch, &number) &&
        (is_next ? epoch <= until->epoch : of->is_heard && epoch == of->epoch))
        return gather(p, of, epoch, number, err);
    note(p, record->epoch, "frame that was not sent", event->number, of->epoch);
    return status;
}

/* The frames gathered, as one fetch that ends in front of `until`; negative: from hand to hand. */
static mr_status take_frames(playing *p, uint32_t input, int64_t until, mr_error *err)
{
    const mr_task_input *at = mr_task_input_at(p->task, input);
    uint32_t count = p->frames_count;
    int64_t first = until - count > at->offset_next ? until - count : at->offset_next;
    mr_status status = settle(p, err);
    for (uint32_t i = 0; i < count; i++) {
        p->records[i].value = p->frames.data + p->records[i].offset;
        p->records[i].offset = i + 1 == count && until > first ? until - 1 : first;
    }
    if (status == MR_OK && until >= 0)
        status = mr_task_on_records(p->task, input,
                                    &(mr_records){.input = input,
                                                  .topic = at->topic,
                                                  .partition = at->partition,
                                                  .count = count,
                                                  .record = p->records},
                                    err);
    for (uint32_t i = 0; status == MR_OK && until < 0 && i < count; i++) {
        status = settle(p, err);
        if (status == MR_OK)
            status = mr_task_on_frame(p->task, input, p->records[i].value,
                                      p->records[i].value_length, err);
    }
    p->frames_count = 0;
    p->has_frames = false;
    mr_buffer_clear(&p->frames);
    return status;
}

/* What the record says was heard and no event has brought: the text is another one. */
static mr_status catch_up(playing *p, const mr_epoch_record *record, mr_error *err)
{
    mr_status status = MR_OK;
    for (uint32_t i = 0; status == MR_OK && i < mr_task_inputs_count(p->task); i++) {
        const mr_exchange *exchange =
            p->stage->sources[mr_task_input_at(p->task, i)->source].exchange;
        for (uint32_t h = 0; status == MR_OK && exchange != NULL && h < p->heard_count; h++) {
            uint64_t epoch, number;
            const mr_heard *until = &p->until[h];
            while (status == MR_OK && p->heard[h].exchange == exchange &&
                   next_frame(p, &p->heard[h], &epoch, &number) &&
                   (epoch < until->epoch || (epoch == until->epoch && number <= until->number))) {
                note(p, record->epoch, "frame that nobody has heard", number, epoch);
                status = gather(p, &p->heard[h], epoch, number, err);
            }
        }
        if (status == MR_OK && p->frames_count > 0)
            status = take_frames(p, i, -1, err);
    }
    return status;
}

/* ---- events ---- */

static mr_status play_frames(playing *p, uint32_t number, int64_t until, mr_error *err)
{
    return p->has_frames ? take_frames(p, number, until, err)
                         : mr_error_set(err, MR_E_REPLAY_NEVER,
                                        "the journal does not say which frames were taken: an "
                                        "older Millrace has written it");
}

static mr_status play_batch(playing *p, uint32_t number, int64_t until, mr_error *err)
{
    mr_records records;
    mr_status status = settle(p, err);
    if (status == MR_OK && p->feeds[number] == NO_FEED)
        return play_frames(p, number, until, err);
    while (status == MR_OK) {
        status = breathe(p, err);
        if (status == MR_OK)
            status = mr_feed_take(p->feed, p->feeds[number], until, &records, err);
        if (status == MR_OK)
            break;
        if (err->recovery == MR_RECOVERY_RETRY)
            status = MR_OK;
    }
    if (status != MR_OK)
        return status;
    p->player->count(p->player->context, records.count, 0);
    return mr_task_on_records(p->task, number, &records, err);
}

static bool is_of_task(const mr_journal_event *event)
{
    return event->kind == MR_JOURNAL_RESTORED || event->kind == MR_JOURNAL_STEPS;
}

static mr_status play_event(playing *p, const mr_epoch_record *record,
                            const mr_journal_event *event, mr_error *err)
{
    bool was_amid = p->is_amid;
    bool is_of_input = event->kind == MR_JOURNAL_IDLE || event->kind == MR_JOURNAL_END ||
                       event->kind == MR_JOURNAL_AWAKE;
    uint32_t number = is_of_task(event) ? 0 : p->numbers[event->input];
    mr_status status = is_of_input && !was_amid ? settle(p, err) : MR_OK;
    if (status != MR_OK)
        return status;
    p->is_amid = event->kind == MR_JOURNAL_STEPS;
    switch (event->kind) {
    case MR_JOURNAL_BATCH: return play_batch(p, number, event->offset, err);
    case MR_JOURNAL_HANDED: return play_frames(p, number, -1, err);
    case MR_JOURNAL_FRAME: return play_frame(p, record, number, event, err);
    case MR_JOURNAL_RESTORED: mr_task_renew(p->task); return MR_OK;
    case MR_JOURNAL_AWAKE: mr_task_on_awake(p->task, number); return MR_OK;
    case MR_JOURNAL_IDLE: mr_task_on_idle(p->task, number); return MR_OK;
    case MR_JOURNAL_END: mr_task_on_end(p->task, number); return MR_OK;
    case MR_JOURNAL_STEPS:
        for (int64_t i = 0; status == MR_OK && i < event->offset && !mr_task_is_settled(p->task);
             i++)
            status = advance(p, err);
        return status;
    }
    return MR_OK;
}

/* An epoch may end amid a fire: it is carried on just as far as the live one was, which STEPS says,
 * or the counters tell. */
static mr_status play_journal(playing *p, const mr_epoch_record *record, mr_error *err)
{
    mr_reader journal = mr_reader_of(record->journal, record->journal_length);
    mr_journal_event event;
    mr_status status = MR_OK;
    p->is_amid = false;
    while (status == MR_OK && mr_journal_next(&journal, &event)) {
        if (event.input >= record->inputs_count && !is_of_task(&event))
            journal.is_bad = true;
        else
            status = play_event(p, record, &event, err);
    }
    if (status == MR_OK && journal.is_bad)
        status = mr_error_set(err, MR_E_STATE_FORMAT, "malformed journal of epoch %" PRIu64,
                              record->epoch);
    if (status == MR_OK)
        status = catch_up(p, record, err);
    if (p->leads_on)
        return status == MR_OK && !p->is_amid ? settle(p, err) : status;
    uint32_t ignored;
    while (status == MR_OK && !mr_task_is_settled(p->task) && !counters_agree(p, record, &ignored))
        status = advance(p, err);
    return status;
}

/* ---- epochs ---- */

static void check_input(playing *p, const mr_epoch_record *record, uint32_t i)
{
    const mr_task_input *input = mr_task_input_at(p->task, p->numbers[i]);
    const mr_epoch_input *there = &record->inputs[i];
    bool is_exchange = p->feeds[p->numbers[i]] == NO_FEED;
    if (input->offset_next != there->offset_next)
        note(p, record->epoch, "next offset", (uint64_t)input->offset_next,
             (uint64_t)there->offset_next);
    if (input->watermark.value_ms != there->watermark.value_ms)
        note(p, record->epoch, "watermark", (uint64_t)input->watermark.value_ms,
             (uint64_t)there->watermark.value_ms);
    if (is_exchange && (input->place.length != there->place_length ||
                        memcmp(input->place.data, there->place, there->place_length) != 0))
        note(p, record->epoch, "what was heard of the tasks before it, in bytes",
             input->place.length, there->place_length);
}

/* What the epoch came to must be what its record says. */
static void check(playing *p, const mr_epoch_record *record)
{
    uint32_t which;
    if (!counters_agree(p, record, &which)) {
        char what[40];
        snprintf(what, sizeof what, "counter %" PRIu32, which);
        note(p, record->epoch, what, p->counters[which],
             which < record->counters_count ? record->counters[which] : 0);
    }
    for (uint32_t i = 0; i < record->inputs_count; i++)
        check_input(p, record, i);
    for (uint32_t s = 0; s < record->sources_count; s++)
        if (mr_task_source_watermark(p->task, s) != record->source_watermarks_ms[s])
            note(p, record->epoch, "watermark of a table",
                 (uint64_t)mr_task_source_watermark(p->task, s),
                 (uint64_t)record->source_watermarks_ms[s]);
}

static mr_status begin_epoch(playing *p, const mr_epoch_record *record, mr_error *err)
{
    const mr_player *player = p->player;
    uint32_t ignored;
    player->want(player->context, record->epoch > player->cut->from[player->task].epoch &&
                                      record->epoch <= player->cut->to[player->task].epoch);
    mr_arena_reset(&p->epoch);
    mr_status status = find_inputs(p, record, err);
    return status == MR_OK ? mr_cut_heard(player->moments, player->task, record, &p->epoch,
                                          &p->until, &ignored, err)
                           : status;
}

static mr_status play_epoch(void *context, const mr_history_record *at, bool *is_enough,
                            mr_error *err)
{
    playing *p = context;
    const mr_player *player = p->player;
    const mr_epoch_record *record = at->record;
    if (at->is_claim || record->epoch <= player->cut->start[player->task].epoch)
        return MR_OK;
    mr_status status = begin_epoch(p, record, err);
    if (status == MR_OK)
        status = play_journal(p, record, err);
    if (status == MR_OK)
        status = mr_task_wake_downstreams(p->task, err);
    if (status == MR_OK)
        status = mr_task_flush(p->task, err);
    if (status != MR_OK)
        return status;
    check(p, record);
    mr_task_mark_committed(p->task);
    mr_state_mark_clean(mr_task_state(p->task));
    player->count(player->context, 0, 1);
    *is_enough = record->epoch >= player->cut->stop[player->task].epoch;
    return breathe(p, err);
}

/* ---- the task ---- */

static mr_status keep_frame(void *context, const mr_exchange *exchange, uint32_t upstream,
                            uint32_t downstream, const char *frame, size_t length, mr_error *err)
{
    return mr_spool_put(context, exchange, upstream, downstream, frame, length, err);
}

static mr_status open_task(playing *p, mr_arena *arena, mr_error *err)
{
    const mr_player *player = p->player;
    const mr_moments *m = player->moments;
    mr_recovered recovered;
    const mr_moment *start = &player->cut->start[player->task];
    mr_status status =
        mr_moment_restore(m, player->task, start, player->io, arena, &p->task, &recovered, err);
    if (status == MR_OK)
        status =
            mr_cut_heard(m, player->task, start->epoch == 0 ? &recovered.claim : &recovered.epoch,
                         arena, &p->heard, &p->heard_count, err);
    p->began = mr_arena_zalloc(arena, p->heard_count + 1, sizeof *p->began);
    for (uint32_t i = 0; status == MR_OK && i < p->heard_count; i++)
        p->began[i] = p->heard[i].epoch;
    if (status == MR_OK && player->spool != NULL)
        status = skip_heard(p, err);
    if (status == MR_OK)
        status = mr_feed_open(m->log, m->clock, &p->feed, err);
    for (uint32_t i = 0; status == MR_OK && i < mr_task_inputs_count(p->task); i++)
        status = add_feed(p, i, err);
    return status;
}

static void release(playing *p)
{
    mr_feed_close(p->feed);
    mr_task_free(p->task);
    free(p->feeds);
    free(p->numbers);
    free(p->records);
    mr_buffer_release(&p->frames);
    mr_arena_release(&p->epoch);
}

mr_status mr_player_run(const mr_player *player, mr_error *err)
{
    const mr_moments *m = player->moments;
    uint32_t index = player->task;
    mr_arena arena = {0};
    mr_frames_out out = {.send = keep_frame, .context = player->spool};
    playing p = {.player = player, .stage = mr_plan_of_task(m->plan, index)};
    mr_history history = {.log = m->log, .clock = m->clock, .topic = m->state_topic, .task = index};
    for (uint32_t s = 0; s < p.stage->sinks_count; s++)
        p.leads_on = p.leads_on || p.stage->sinks[s].exchange != NULL;
    player->io->frames = &out;
    mr_status status = open_task(&p, &arena, err);
    if (status == MR_OK) {
        p.counters_count = mr_task_counters_count(p.stage);
        p.counters = mr_arena_alloc(&arena, (p.counters_count + 1) * sizeof *p.counters);
        int64_t first = player->cut->start[index].offset + 1;
        status = mr_history_read(&history, first > 0 ? first : MR_OFFSET_EARLIEST,
                                 player->cut->stop[index].offset + 1, play_epoch, &p, err);
    }
    release(&p);
    player->io->frames = NULL;
    mr_arena_release(&arena);
    return status == MR_OK ? MR_OK : mr_error_prefix(err, "task %" PRIu32, index);
}
