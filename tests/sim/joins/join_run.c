#include "tests/sim/joins/join_run.h"

#include "engine/base/assert.h"
#include "engine/commit/delta.h"
#include "engine/commit/journal.h"
#include "engine/run/task.h"
#include "tests/sim/joins/join_plan.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#define BATCH_ROWS_MAX 4096
#define COUNTERS_MAX 64
#define LINE_MAX 512

/* --- the sink ---------------------------------------------------------------------------- */

typedef struct line_sink {
    mr_sink base;
    mr_window_lines staged;
} line_sink;

static size_t put_value(const mr_vector *column, uint32_t row, char *to, size_t size)
{
    if (mr_vector_is_null(column, row))
        return (size_t)snprintf(to, size, "null|");
    if (column->lane == MR_LANE_STRING)
        return (size_t)snprintf(to, size, "%.*s|", (int)column->strings[row].length,
                                column->strings[row].bytes);
    int64_t value = column->i64[row];
    return (size_t)snprintf(to, size, "%" PRId64 "|",
                            mr_type_is_timestamp(column->type) ? value / 1000 : value);
}

static mr_status write_results(mr_sink *sink, const mr_sink_write *context, const mr_batch *batch,
                               mr_row_errors *errors, mr_error *err)
{
    (void)context;
    (void)errors;
    (void)err;
    line_sink *self = (line_sink *)sink;
    for (uint32_t i = 0; i < batch->selected; i++) {
        uint32_t row = mr_batch_row(batch, i);
        char line[LINE_MAX];
        size_t at = 0;
        for (uint32_t c = 0; c < batch->columns_count; c++)
            at += put_value(&batch->columns[c], row, line + at, sizeof line - at);
        snprintf(line + at, sizeof line - at, "%" PRId64, batch->event_time[row]);
        mr_window_lines_add(&self->staged, line);
    }
    return MR_OK;
}

static const mr_sink_class results_class = {.write = write_results};

static size_t put_side(const mr_join_oracle_row *row, char *to, size_t size)
{
    char key[96] = "null", amount[32] = "null";
    if (row == NULL)
        return (size_t)snprintf(to, size, "null|null|null|null|null|");
    if (row->key >= 0)
        snprintf(key, sizeof key, row->key % 2 != 0 ? "%080d" : "%d", row->key);
    if (row->has_amount)
        snprintf(amount, sizeof amount, "%" PRId64, row->amount);
    return (size_t)snprintf(to, size, "%" PRId64 "|%s|%" PRId64 "|%s|%s|", row->id, key,
                            row->time_ms, amount, row->name != NULL ? row->name : "null");
}

void mr_join_line(const mr_join_history *history, const mr_join_oracle_row *left,
                  const mr_join_oracle_row *right, char *to, size_t size)
{
    const mr_join_oracle_row *timed = history->time_side == MR_JOIN_LEFT ? left : right;
    size_t at = put_side(left, to, size);
    at += put_side(right, to + at, size - at);
    snprintf(to + at, size - at, "%" PRId64, timed != NULL ? timed->time_ms : MR_TIME_NONE);
}

/* --- a process that runs the task ------------------------------------------------------ */

static int64_t wall_ms(const mr_clock *clock)
{
    (void)clock;
    return 0;
}

static const mr_clock still_clock = {.wall_ms = wall_ms, .monotonic_us = wall_ms};

/* What outlives a kill. */
typedef struct committed {
    mr_buffer changes;
    mr_epoch_input inputs[MR_JOIN_ORACLE_INPUTS_MAX];
    int64_t source_watermarks_ms[2];
    uint64_t counters[COUNTERS_MAX];
    uint32_t counters_count, event; /* the first event not processed */
} committed;

typedef struct process {
    const mr_join_history *history;
    mr_join_outcome *outcome;
    uint64_t random;
    bool is_killed;
    mr_join_plan plan;
    line_sink sink;
    mr_sink *sinks[1];
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

static const char *topic_of(const process *p, uint32_t input)
{
    return p->history->job.table_of[input] == 0 ? "left" : "right";
}

static void commit(process *p)
{
    mr_error err = {0};
    must(mr_state_changes(mr_task_state(p->task), put_change, &p->saved.changes, &err), &err);
    mr_state_mark_clean(mr_task_state(p->task));
    for (uint32_t i = 0; i < p->history->job.inputs_count; i++) {
        const mr_task_input *input = mr_task_input_at(p->task, i);
        p->saved.inputs[i].offset_next = input->offset_next;
        p->saved.inputs[i].watermark = input->watermark;
        p->saved.inputs[i].is_ended = input->is_ended;
    }
    for (uint32_t s = 0; s < p->plan.plan.sources_count; s++)
        p->saved.source_watermarks_ms[s] = mr_task_source_watermark(p->task, s);
    p->saved.counters_count = mr_task_counters(p->task, p->saved.counters, COUNTERS_MAX);
    p->saved.event = p->event;
    const mr_buffer *journal = mr_task_journal(p->task);
    mr_buffer_put(&p->outcome->journal, journal->data, journal->length);
    for (size_t i = 0; i < p->sink.staged.count; i++)
        mr_window_lines_add(&p->outcome->results, mr_window_line(&p->sink.staged, i));
    p->sink.staged.count = 0;
    mr_buffer_clear(&p->sink.staged.text);
    mr_task_mark_committed(p->task);
}

static void load(process *p)
{
    mr_error err = {0};
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
        mr_task_add_input(p->task, &p->saved.inputs[i], p->history->job.table_of[i]);
    mr_epoch_record record = {.sources_count = p->plan.plan.sources_count,
                              .source_watermarks_ms = p->saved.source_watermarks_ms,
                              .counters_count = p->saved.counters_count,
                              .counters = p->saved.counters};
    must(mr_task_restored(p->task, &record, &err), &err);
    p->event = p->saved.event;
}

static void kill_task(process *p)
{
    mr_task_free(p->task);
    p->sink.staged.count = 0;
    mr_buffer_clear(&p->sink.staged.text);
    p->outcome->kills++;
    start(p);
}

/* Does what is to be done. True: killed on the way, everything since the last commit is to be done
 * again. */
static bool settle(process *p)
{
    mr_progress progress = MR_MORE;
    mr_error err = {0};
    while (!mr_task_is_settled(p->task)) {
        must(mr_task_advance(p->task, &progress, &err), &err);
        p->outcome->works_in_parts += progress == MR_MORE;
        if (!p->is_killed)
            continue;
        uint32_t often = p->history->is_big ? 8 : 2;
        if (mr_history_draw(&p->random, progress == MR_MORE ? 2 : 8) == 0)
            commit(p);
        if (mr_history_draw(&p->random, progress == MR_MORE ? often : 8 * often) == 0) {
            p->outcome->kills_within_work += progress == MR_MORE;
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
                          .topic = topic_of(p, input),
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
                                 .value_length = sizeof(mr_join_oracle_row)};
}

/* Rows of one input from the next event on, until something cuts the batch. */
static void take_batch(process *p, const mr_window_options *options)
{
    const mr_join_history *history = p->history;
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
        /* Between a batch and its work, too. */
        if (p->is_killed && mr_history_draw(&p->random, 8) == 0)
            commit(p);
        if (p->is_killed && mr_history_draw(&p->random, p->history->is_big ? 64 : 16) == 0)
            kill_task(p);
        while (settle(p))
            ;
    }
}

static void open_process(process *p, const mr_join_history *history, mr_join_outcome *outcome)
{
    *p = (process){.history = history, .outcome = outcome};
    *outcome = (mr_join_outcome){0};
    mr_join_plan_init(&p->plan, history);
    p->sink.base.class = &results_class;
    p->sinks[0] = &p->sink.base;
    p->io = (mr_task_io){.sinks = p->sinks, .job = "joins", .clock = &still_clock};
    p->records = malloc(BATCH_ROWS_MAX * sizeof *p->records);
    MR_ASSERT(p->records != NULL);
    p->saved.source_watermarks_ms[0] = p->saved.source_watermarks_ms[1] = MR_TIME_NONE;
    for (uint32_t i = 0; i < history->job.inputs_count; i++)
        p->saved.inputs[i] = (mr_epoch_input){.source = topic_of(p, i),
                                              .topic = topic_of(p, i),
                                              .partition = (int32_t)i,
                                              .watermark = {.value_ms = MR_TIME_NONE}};
    start(p);
}

static void close_process(process *p)
{
    commit(p);
    mr_operator_counts node =
        mr_graph_node_counts(mr_task_graph(p->task), p->plan.plan.nodes_count - 1);
    uint64_t rows = 0;
    for (uint32_t s = 0; s < p->plan.plan.sources_count; s++) {
        const mr_source_counts *source = mr_task_source_counts(p->task, s);
        MR_ASSERT(source->records == source->rows + source->dead);
        p->outcome->broken += source->dead;
        rows += source->rows * (p->history->job.is_self ? 2 : 1);
    }
    MR_ASSERT(node.rows_in == rows && node.rows_out == p->outcome->results.count);
    p->outcome->accepted = node.accepted;
    p->outcome->filtered = node.filtered;
    p->outcome->dead = node.dead;
    p->outcome->entries_left = mr_state_entries_count(mr_task_state(p->task));
    mr_task_free(p->task);
    mr_join_plan_release(&p->plan);
    mr_buffer_release(&p->saved.changes);
    mr_window_lines_release(&p->sink.staged);
    free(p->records);
}

void mr_join_run(const mr_join_history *history, const mr_window_options *options,
                 mr_join_outcome *outcome)
{
    process p;
    open_process(&p, history, outcome);
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

void mr_join_replay(const mr_join_history *history, const mr_buffer *journal,
                    mr_join_outcome *outcome)
{
    process p;
    open_process(&p, history, outcome);
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

void mr_join_outcome_release(mr_join_outcome *outcome)
{
    mr_window_lines_release(&outcome->results);
    mr_buffer_release(&outcome->journal);
}
