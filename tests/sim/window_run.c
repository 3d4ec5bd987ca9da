#include "tests/sim/window_run.h"

#include "engine/base/assert.h"
#include "engine/commit/delta.h"
#include "engine/commit/journal.h"
#include "engine/run/task.h"
#include "tests/sim/plain_store.h"
#include "tests/sim/window_lines.h"
#include "tests/sim/window_plan.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#define BATCH_ROWS_MAX 4096
#define COUNTERS_MAX 64

/* --- a process that runs the task ------------------------------------------------------ */

static int64_t wall_ms(const mr_clock *clock)
{
    (void)clock;
    return 0;
}

static const mr_clock still_clock = {.wall_ms = wall_ms, .monotonic_us = wall_ms};

/* What outlives a kill. */
typedef struct committed {
    mr_buffer changes; /* or they are in the store */
    mr_plain_store store;
    mr_epoch_input inputs[MR_ORACLE_INPUTS_MAX];
    int64_t source_watermark_ms;
    uint64_t counters[COUNTERS_MAX];
    uint32_t counters_count, event; /* the first event not processed */
} committed;

typedef struct process {
    const mr_history *history;
    mr_window_outcome *outcome;
    uint64_t random;
    bool is_killed, is_evicted;
    mr_window_plan plan;
    mr_line_sink results, late;
    mr_sink *sinks[2];
    mr_task_io io;
    mr_budget budget;
    mr_task *task;
    committed saved;
    uint32_t event; /* next */
    mr_record *records;
} process;

static void must(mr_status status, const mr_error *err)
{
    if (status == MR_OK)
        return;
    fprintf(stderr, "MR%d %s\n", status, err->message);
    abort();
}

static mr_status put_change(void *context, const mr_store_change *change, mr_error *err)
{
    (void)err;
    mr_delta_put_change(context, change);
    return MR_OK;
}

static mr_status store_change(void *context, const mr_store_change *change, mr_error *err)
{
    (void)err;
    mr_sim_entries_apply(context, change);
    return MR_OK;
}

static void commit_state(process *p)
{
    mr_error err = {0};
    mr_state *state = mr_task_state(p->task);
    if (p->is_evicted)
        must(mr_state_changes(state, store_change, &p->saved.store.entries, &err), &err);
    else
        must(mr_state_changes(state, put_change, &p->saved.changes, &err), &err);
    mr_state_mark_clean(state);
    if (p->is_evicted)
        mr_state_settle(state, mr_history_draw(&p->random, 2) == 0 ? 0 : 20000);
    must(mr_state_check(state, &err), &err);
}

static void commit(process *p)
{
    commit_state(p);
    for (uint32_t i = 0; i < p->history->job.inputs_count; i++) {
        const mr_task_input *input = mr_task_input_at(p->task, i);
        p->saved.inputs[i] = (mr_epoch_input){.source = "in",
                                              .topic = "in",
                                              .partition = (int32_t)i,
                                              .offset_next = input->offset_next,
                                              .watermark = input->watermark,
                                              .is_ended = input->is_ended};
    }
    p->saved.source_watermark_ms = mr_task_source_watermark(p->task, 0);
    p->saved.counters_count = mr_task_counters(p->task, p->saved.counters, COUNTERS_MAX);
    p->saved.event = p->event;
    const mr_buffer *journal = mr_task_journal(p->task);
    mr_buffer_put(&p->outcome->journal, journal->data, journal->length);
    mr_window_lines_move(&p->results.staged, &p->outcome->results);
    mr_window_lines_move(&p->late.staged, &p->outcome->late);
    mr_task_mark_committed(p->task);
}

/* Slices of which something is to be asked for later; all of the other tables. */
static void load_late(process *p)
{
    mr_error err = {0};
    mr_state *state = mr_task_state(p->task);
    const mr_sim_entries *entries = &p->saved.store.entries;
    mr_state_back(state, &p->saved.store.store);
    for (size_t i = 0; i < entries->count; i++) {
        const mr_store_change *entry = &entries->entry[i], *last = i > 0 ? entry - 1 : NULL;
        bool is_first = last == NULL || last->table != entry->table || last->slice != entry->slice;
        if (!mr_state_may_leave(state, entry->table))
            must(mr_state_load(state, entry, &err), &err);
        else if (is_first)
            mr_state_load_away(state, entry->table, entry->slice);
    }
    mr_state_mark_clean(state);
}

static void load(process *p)
{
    mr_error err = {0};
    if (p->is_evicted) {
        load_late(p);
        return;
    }
    mr_reader from = mr_reader_of(p->saved.changes.data, p->saved.changes.length);
    mr_store_change change;
    while (mr_delta_next_change(&from, &change))
        must(mr_state_load(mr_task_state(p->task), &change, &err), &err);
    MR_ASSERT(!from.is_bad);
    mr_state_mark_clean(mr_task_state(p->task));
}

/* A fresh task with the committed state. */
static void start(process *p)
{
    mr_error err = {0};
    must(mr_task_new(&p->plan.plan, 0, &p->budget, &p->io, &p->task, &err), &err);
    load(p);
    for (uint32_t i = 0; i < p->history->job.inputs_count; i++)
        mr_task_add_input(p->task, &p->saved.inputs[i], 0);
    mr_epoch_record record = {.sources_count = 1,
                              .source_watermarks_ms = &p->saved.source_watermark_ms,
                              .counters_count = p->saved.counters_count,
                              .counters = p->saved.counters};
    must(mr_task_restored(p->task, &record, &err), &err);
    p->event = p->saved.event;
}

static void close_task(process *p)
{
    p->outcome->left += mr_state_left(mr_task_state(p->task));
    p->outcome->returned += mr_state_returned(mr_task_state(p->task));
    mr_task_free(p->task);
}

static void kill_task(process *p)
{
    close_task(p);
    p->results.staged.count = p->late.staged.count = 0;
    mr_buffer_clear(&p->results.staged.text);
    mr_buffer_clear(&p->late.staged.text);
    p->outcome->kills++;
    start(p);
}

/* Fires what is due. True: killed on the way, everything since the last commit is to be done
 * again. */
static bool settle(process *p)
{
    mr_progress progress = MR_MORE;
    mr_error err = {0};
    while (progress == MR_MORE) {
        must(mr_task_advance(p->task, &progress, &err), &err);
        p->outcome->fires_in_parts += progress == MR_MORE;
        if (!p->is_killed)
            continue;
        if (mr_history_draw(&p->random, progress == MR_MORE ? 2 : 8) == 0)
            commit(p);
        if (mr_history_draw(&p->random, progress == MR_MORE ? 2 : 16) == 0) {
            p->outcome->kills_within_fire += progress == MR_MORE;
            kill_task(p);
            return true;
        }
    }
    return false;
}

static void push(process *p, uint32_t input, uint32_t count)
{
    mr_error err = {0};
    mr_records records = {.input = input,
                          .topic = "in",
                          .partition = (int32_t)input,
                          .count = count,
                          .record = p->records};
    must(mr_task_on_records(p->task, input, &records, &err), &err);
}

static void put_record(process *p, uint32_t at, const mr_history_event *event)
{
    p->records[at] = (mr_record){.offset = event->offset,
                                 .timestamp_ms = MR_TIME_NONE,
                                 .value = (const char *)&p->history->rows[event->row],
                                 .value_length = sizeof(mr_oracle_row)};
}

/* Rows of one input from the next event on, until something cuts the batch. */
static void take_batch(process *p, const mr_window_options *options)
{
    const mr_history *history = p->history;
    uint32_t input = history->events[p->event].input, count = 0;
    while (p->event < history->events_count && count < BATCH_ROWS_MAX) {
        const mr_history_event *event = &history->events[p->event];
        if (event->kind != MR_HISTORY_ROW || event->input != input)
            break;
        put_record(p, count++, event);
        p->event++;
        if (event->row == options->cut_behind)
            break;
        if (options->cut_every > 0 && mr_history_draw(&p->random, options->cut_every) == 0)
            break;
    }
    push(p, input, count);
}

static void play(process *p, const mr_window_options *options)
{
    settle(p);
    while (p->event < p->history->events_count) {
        const mr_history_event *event = &p->history->events[p->event];
        if (event->kind == MR_HISTORY_ROW) {
            take_batch(p, options);
        } else {
            p->event++;
            if (event->kind == MR_HISTORY_IDLE)
                mr_task_on_idle(p->task, event->input);
            else if (event->kind == MR_HISTORY_END)
                mr_task_on_end(p->task, event->input);
            else
                mr_task_on_awake(p->task, event->input);
        }
        while (settle(p))
            ;
    }
}

static void open_process(process *p, const mr_history *history, bool is_evicted,
                         mr_window_outcome *outcome)
{
    *p = (process){.history = history, .outcome = outcome, .is_evicted = is_evicted};
    mr_plain_store_init(&p->saved.store);
    *outcome = (mr_window_outcome){0};
    mr_window_plan_init(&p->plan, &history->job);
    p->results = mr_line_sink_of_results(&history->job);
    p->late = mr_line_sink_of_late(&history->job);
    p->sinks[0] = &p->results.base;
    p->sinks[1] = &p->late.base;
    p->io = (mr_task_io){.sinks = p->sinks, .job = "windows", .clock = &still_clock};
    p->records = malloc(BATCH_ROWS_MAX * sizeof *p->records);
    MR_ASSERT(p->records != NULL);
    p->saved.source_watermark_ms = MR_TIME_NONE;
    for (uint32_t i = 0; i < history->job.inputs_count; i++)
        p->saved.inputs[i] = (mr_epoch_input){.source = "in",
                                              .topic = "in",
                                              .partition = (int32_t)i,
                                              .watermark = {.value_ms = MR_TIME_NONE}};
    start(p);
}

static void close_process(process *p)
{
    commit(p);
    const mr_source_counts *source = mr_task_source_counts(p->task, 0);
    mr_operator_counts node = mr_graph_node_counts(mr_task_graph(p->task), 0);
    MR_ASSERT(source->records == source->rows + source->dead && source->rows == node.rows_in);
    MR_ASSERT(node.late == p->outcome->late.count && node.rows_out == p->outcome->results.count);
    p->outcome->accepted = node.accepted;
    p->outcome->filtered = node.filtered;
    p->outcome->dead = node.dead;
    p->outcome->broken = source->dead;
    close_task(p);
    mr_buffer_release(&p->saved.changes);
    mr_plain_store_release(&p->saved.store);
    mr_window_lines_release(&p->results.staged);
    mr_window_lines_release(&p->late.staged);
    free(p->records);
}

void mr_window_run(const mr_history *history, const mr_window_options *options,
                   mr_window_outcome *outcome)
{
    process p;
    open_process(&p, history, options->is_evicted, outcome);
    p.random = options->seed;
    p.is_killed = options->is_killed;
    play(&p, options);
    close_process(&p);
}

/* The records of `input` from the task's position up to the journal's offset. */
static void replay_batch(process *p, const mr_journal_event *event)
{
    int64_t from = mr_task_input_at(p->task, event->input)->offset_next;
    uint32_t count = 0;
    for (uint32_t e = 0; e < p->history->events_count; e++) {
        const mr_history_event *row = &p->history->events[e];
        if (row->kind == MR_HISTORY_ROW && row->input == event->input && row->offset >= from &&
            row->offset < event->offset)
            put_record(p, count++, row);
    }
    push(p, event->input, count);
}

void mr_window_replay(const mr_history *history, const mr_buffer *journal,
                      mr_window_outcome *outcome)
{
    process p;
    open_process(&p, history, false, outcome);
    mr_reader from = mr_reader_of(journal->data, journal->length);
    mr_journal_event event;
    while (mr_journal_next(&from, &event)) {
        switch (event.kind) {
        case MR_JOURNAL_BATCH: replay_batch(&p, &event); break;
        case MR_JOURNAL_IDLE: mr_task_on_idle(p.task, event.input); break;
        case MR_JOURNAL_END: mr_task_on_end(p.task, event.input); break;
        case MR_JOURNAL_AWAKE: mr_task_on_awake(p.task, event.input); break;
        case MR_JOURNAL_FRAME:
        case MR_JOURNAL_RESTORED:
        case MR_JOURNAL_STEPS:
        case MR_JOURNAL_HANDED: abort(); /* there is no exchange */
        }
        settle(&p);
    }
    MR_ASSERT(!from.is_bad);
    close_process(&p);
}

void mr_window_outcome_release(mr_window_outcome *outcome)
{
    mr_window_lines_release(&outcome->results);
    mr_window_lines_release(&outcome->late);
    mr_buffer_release(&outcome->journal);
}
