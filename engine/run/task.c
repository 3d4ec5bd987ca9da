#include "engine/run/task.h"

#include "engine/base/assert.h"
#include "engine/commit/journal.h"
#include "engine/run/exchange/inlet.h"
#include "engine/run/exchange/outlets.h"

#include <stdlib.h>

#define SOURCE_COUNTERS 7
#define NODE_COUNTERS 7
#define SINK_COUNTERS 3

/* Watermarks of one source: a dense array, so that the minimum is one loop. */
typedef struct source_state {
    mr_source_stage *stage; /* NULL: its rows come through the inlet */
    mr_inlet *inlet;        /* NULL: no exchange */
    uint32_t inputs_count;
    uint32_t *inputs;     /* [inputs_count] numbers in the task's list */
    mr_watermark *marks;  /* [inputs_count], copied back to the inputs */
    int64_t watermark_ms; /* minimum, never goes back */
} source_state;

struct mr_task {
    const mr_plan *plan;
    uint32_t index;
    const mr_task_io *worker_io; /* changes between epochs */
    mr_task_io io;               /* a copy of it, of this task and epoch */
    mr_state *state;
    mr_graph *graph;
    mr_arena job;
    source_state *sources;
    mr_outlets *outlets; /* NULL: no sink leads to another stage */
    mr_task_input *inputs;
    uint32_t inputs_count, inputs_capacity;
    mr_buffer journal;
    bool has_progress;
    bool is_settled; /* the last advance said DONE */
    uint32_t steps;  /* of watermark work, since it was settled or committed */
};

static mr_status open_sources(mr_task *task, mr_error *err)
{
    for (uint32_t s = 0; s < task->plan->sources_count; s++) {
        task->sources[s].watermark_ms = MR_TIME_NONE;
        if (task->plan->sources[s].exchange != NULL) {
            task->sources[s].inlet =
                mr_inlet_new(task->plan, s, task->index - task->plan->first_task);
            continue;
        }
        mr_status status = mr_source_stage_new(&task->plan->sources[s], &task->plan->expr,
                                               &task->sources[s].stage, err);
        if (status != MR_OK)
            return mr_error_prefix(err, "table %s", task->plan->sources[s].table);
    }
    return MR_OK;
}

/* What the worker has changed since, and which epoch is open. */
static void set_epoch(mr_task *task, uint64_t epoch)
{
    task->io = *task->worker_io;
    task->io.task = task->index;
    task->io.epoch = epoch;
    task->io.sinks += task->plan->first_sink;
    if (task->outlets != NULL)
        task->io.sinks = mr_outlets_sinks(task->outlets, task->io.sinks);
}

mr_status mr_task_new(const mr_plan *plan, uint32_t index, mr_budget *budget, const mr_task_io *io,
                      mr_task **result, mr_error *err)
{
    mr_task *task = calloc(1, sizeof *task);
    MR_ASSERT(task != NULL);
    task->plan = plan;
    task->index = index;
    task->worker_io = io;
    set_epoch(task, 1);
    task->is_settled = true;
    task->state = mr_state_new(budget);
    task->sources = mr_arena_zalloc(&task->job, plan->sources_count, sizeof *task->sources);
    task->outlets = mr_outlets_new(plan, index - plan->first_task, task->state, budget, &task->io);
    mr_status status = open_sources(task, err);
    if (status == MR_OK)
        status = mr_graph_new(plan, index, task->state, budget, &task->io, &task->graph, err);
    if (status != MR_OK) {
        mr_task_free(task);
        return status;
    }
    *result = task;
    return MR_OK;
}

static void close_source(const mr_task *task, source_state *source)
{
    if (source->stage != NULL)
        mr_source_stage_tell_rest(source->stage, &task->io);
    mr_source_stage_free(source->stage);
    mr_inlet_free(source->inlet);
}

static mr_source_counts *counts_of(const source_state *source)
{
    return source->inlet != NULL ? mr_inlet_counts(source->inlet)
                                 : mr_source_stage_counts(source->stage);
}

void mr_task_free(mr_task *task)
{
    if (task == NULL)
        return;
    mr_graph_free(task->graph);
    for (uint32_t s = 0; s < task->plan->sources_count; s++)
        close_source(task, &task->sources[s]);
    mr_outlets_free(task->outlets);
    mr_state_free(task->state);
    mr_buffer_release(&task->journal);
    for (uint32_t i = 0; i < task->inputs_count; i++) {
        mr_buffer_release(&task->inputs[i].place);
        mr_buffer_release(&task->inputs[i].topic_text);
    }
    mr_arena_release(&task->job);
    free(task->inputs);
    free(task);
}

uint32_t mr_task_index(const mr_task *task)
{
    return task->index;
}

mr_state *mr_task_state(mr_task *task)
{
    return task->state;
}

static void add_to_source(mr_task *task, source_state *source, uint32_t input)
{
    uint32_t count = source->inputs_count;
    uint32_t *inputs = mr_arena_alloc(&task->job, (count + 1) * sizeof *inputs);
    mr_watermark *marks = mr_arena_alloc(&task->job, (count + 1) * sizeof *marks);
    if (count > 0) {
        memcpy(inputs, source->inputs, count * sizeof *inputs);
        memcpy(marks, source->marks, count * sizeof *marks);
    }
    inputs[count] = input;
    marks[count] = task->inputs[input].watermark;
    source->inputs = inputs;
    source->marks = marks;
    source->inputs_count = count + 1;
}

uint32_t mr_task_add_input(mr_task *task, const mr_epoch_input *input, uint32_t source)
{
    if (task->inputs_count == task->inputs_capacity) {
        task->inputs_capacity = task->inputs_capacity != 0 ? task->inputs_capacity * 2 : 8;
        task->inputs = realloc(task->inputs, task->inputs_capacity * sizeof *task->inputs);
        MR_ASSERT(task->inputs != NULL);
    }
    uint32_t number = task->inputs_count++;
    task->inputs[number] = (mr_task_input){
        .source = source,
        .topic = mr_arena_string(&task->job, input->topic, strlen(input->topic)),
        .partition = input->partition,
        .offset_next = input->offset_next,
        .watermark = input->watermark,
        .is_ended = input->is_ended,
        .bound = -1,
    };
    mr_buffer_put(&task->inputs[number].place, input->place, input->place_length);
    mr_idleness_init(&task->inputs[number].idleness, task->plan->sources[source].idle_timeout_ms);
    add_to_source(task, &task->sources[source], number);
    return number;
}

uint32_t mr_task_inputs_count(const mr_task *task)
{
    return task->inputs_count;
}

mr_task_input *mr_task_input_at(mr_task *task, uint32_t input)
{
    MR_ASSERT(input < task->inputs_count);
    return &task->inputs[input];
}

/* Recomputes a source's watermark from its inputs and hands it to the graph when it rose. */
static void settle_source(mr_task *task, uint32_t s)
{
    source_state *source = &task->sources[s];
    for (uint32_t i = 0; i < source->inputs_count; i++)
        source->marks[i] = task->inputs[source->inputs[i]].watermark;
    int64_t watermark =
        mr_watermark_minimum(source->marks, source->inputs_count, UINT32_MAX, source->watermark_ms);
    if (watermark > source->watermark_ms) {
        source->watermark_ms = watermark;
        task->is_settled = false;
        mr_graph_set_source_watermark(task->graph, s, watermark);
    }
}

static void restore_counters(mr_task *task, const uint64_t *from)
{
    for (uint32_t s = 0; s < task->plan->sources_count; s++, from += SOURCE_COUNTERS)
        *counts_of(&task->sources[s]) =
            (mr_source_counts){from[0], from[1], from[2], from[3], from[4], from[5], from[6]};
    for (uint32_t n = 0; n < task->plan->nodes_count; n++, from += NODE_COUNTERS)
        mr_graph_set_counts(
            task->graph, n,
            (mr_operator_counts){from[0], from[1], from[2], from[3], from[4], from[5], from[6]});
    for (uint32_t s = 0; s < task->plan->sinks_count; s++, from += SINK_COUNTERS)
        mr_graph_set_sink_counts(task->graph, s, (mr_sink_counts){from[0], from[1], from[2]});
}

uint32_t mr_task_counters_count(const mr_plan *plan)
{
    return plan->sources_count * SOURCE_COUNTERS + plan->nodes_count * NODE_COUNTERS +
           plan->sinks_count * SINK_COUNTERS;
}

static void restore_watermark(mr_task *task, uint32_t s, int64_t watermark_ms)
{
    if (watermark_ms == MR_TIME_NONE)
        return;
    task->sources[s].watermark_ms = watermark_ms;
    task->is_settled = false;
    mr_graph_set_source_watermark(task->graph, s, watermark_ms);
}

/* What the receivers know, and what others may know of this task. */
static mr_status restore_exchanges(mr_task *task, mr_error *err)
{
    if (task->outlets != NULL) {
        mr_outlets_begin(task->outlets, task->io.epoch);
        mr_graph_set_floor(task->graph, mr_outlets_floor(task->outlets));
        mr_journal_append(&task->journal, (mr_journal_event){.kind = MR_JOURNAL_RESTORED});
    }
    for (uint32_t i = 0; i < task->inputs_count; i++) {
        const mr_task_input *input = &task->inputs[i];
        mr_inlet *inlet = task->sources[input->source].inlet;
        mr_status status = inlet != NULL ? mr_inlet_load(inlet, &input->place, err) : MR_OK;
        if (status != MR_OK)
            return mr_error_prefix(err, "%s", input->topic);
    }
    return MR_OK;
}

mr_status mr_task_restored(mr_task *task, const mr_epoch_record *record, mr_error *err)
{
    if (record != NULL && record->counters_count == mr_task_counters_count(task->plan))
        restore_counters(task, record->counters);
    set_epoch(task, record != NULL ? record->epoch + 1 : 1);
    mr_status status = restore_exchanges(task, err);
    if (status == MR_OK)
        status = mr_graph_restored(task->graph, err);
    task->is_settled = task->is_settled && !mr_graph_has_rest(task->graph);
    /* Whoever is behind it may know nothing of it: it has to tell, be it that it is idle. */
    if (record != NULL && record->is_moved && task->outlets != NULL)
        task->is_settled = false;
    for (uint32_t s = 0; s < task->plan->sources_count; s++) {
        if (record != NULL && record->sources_count == task->plan->sources_count)
            restore_watermark(task, s, record->source_watermarks_ms[s]);
        settle_source(task, s);
    }
    return status;
}

/* Minimum over the other inputs that are not idle; MR_TIME_MAX: none holds this one back. */
static int64_t others_of(const source_state *source, uint32_t input)
{
    int64_t minimum = MR_TIME_MAX;
    for (uint32_t i = 0; i < source->inputs_count; i++)
        if (source->inputs[i] != input && !source->marks[i].is_idle &&
            source->marks[i].value_ms < minimum)
            minimum = source->marks[i].value_ms;
    return minimum;
}

/* The next file of a folder begins, and its offsets; what the reader wants to be told about it when
 * it has to go on here is kept. */
static void follow_place(mr_task_input *input, const mr_records *records)
{
    if (records->topic != NULL && strcmp(input->topic, records->topic) != 0) {
        mr_buffer_clear(&input->topic_text);
        mr_buffer_put(&input->topic_text, records->topic, strlen(records->topic) + 1);
        input->topic = input->topic_text.data;
        input->offset_next = 0;
    }
    if (records->place != NULL) {
        mr_buffer_clear(&input->place);
        mr_buffer_put(&input->place, records->place, records->place_length);
    }
}

/* Records of the source's own kind into the graph; the input's watermark moves. */
static mr_status take_records(mr_task *task, uint32_t number, const mr_records *records,
                              mr_error *err)
{
    mr_task_input *input = mr_task_input_at(task, number);
    source_state *source = &task->sources[input->source];
    input->watermark.is_idle = false;
    mr_source_result result;
    mr_status status = mr_source_stage_run(source->stage, &task->io, records, &input->watermark,
                                           others_of(source, number), source->watermark_ms,
                                           mr_graph_arena(task->graph), &result, err);
    return status == MR_OK ? mr_graph_push(task->graph, input->source, &result, records->count, err)
                           : status;
}

/* Frames: all that the receiver knows is kept with the input, which ends with its upstreams. */
static mr_status take_frames(mr_task *task, uint32_t number, mr_records records, mr_error *err)
{
    mr_task_input *input = mr_task_input_at(task, number);
    mr_inlet *inlet = task->sources[input->source].inlet;
    records.input = number; /* of the reader that gave them */
    mr_status status = mr_inlet_take(inlet, task->graph, &records, &task->journal, err);
    if (status != MR_OK)
        return status;
    input->watermark = mr_inlet_watermark(inlet);
    input->is_ended = input->watermark.value_ms == MR_TIME_MAX;
    mr_inlet_save(inlet, &input->place);
    return MR_OK;
}

mr_status mr_task_on_records(mr_task *task, uint32_t number, const mr_records *records,
                             mr_error *err)
{
    MR_ASSERT(task->is_settled);
    mr_task_input *input = mr_task_input_at(task, number);
    source_state *source = &task->sources[input->source];
    if (records->count == 0)
        return MR_OK;
    follow_place(input, records);
    MR_ASSERT(records->record[0].offset >= input->offset_next);
    set_epoch(task, task->io.epoch);
    mr_graph_reset(task->graph);
    task->has_progress = true;
    mr_status status = source->inlet != NULL ? take_frames(task, number, *records, err)
                                             : take_records(task, number, records, err);
    if (status != MR_OK)
        return status;
    input->offset_next = records->record[records->count - 1].offset + 1;
    mr_journal_append(&task->journal, (mr_journal_event){.kind = MR_JOURNAL_BATCH,
                                                         .input = number,
                                                         .offset = input->offset_next});
    task->is_settled = !mr_graph_has_rest(task->graph);
    settle_source(task, input->source);
    return MR_OK;
}

mr_status mr_task_on_frame(mr_task *task, uint32_t number, const char *frame, size_t length,
                           mr_error *err)
{
    MR_ASSERT(task->is_settled);
    mr_task_input *input = mr_task_input_at(task, number);
    mr_record record = {
        .offset = input->offset_next, .value = frame, .value_length = (uint32_t)length};
    mr_records records = {
        .topic = input->topic, .partition = input->partition, .count = 1, .record = &record};
    set_epoch(task, task->io.epoch);
    mr_graph_reset(task->graph);
    task->has_progress = true;
    mr_status status = take_frames(task, number, records, err);
    if (status != MR_OK)
        return status;
    mr_journal_append(&task->journal, (mr_journal_event){.kind = MR_JOURNAL_HANDED,
                                                         .input = number,
                                                         .offset = input->offset_next});
    task->is_settled = !mr_graph_has_rest(task->graph);
    settle_source(task, input->source);
    return MR_OK;
}

/* What comes now comes amid a fire: how far it was decides what frames say of the watermark. */
static void note_steps(mr_task *task)
{
    if (task->outlets == NULL || task->is_settled)
        return;
    mr_journal_append(&task->journal,
                      (mr_journal_event){.kind = MR_JOURNAL_STEPS, .offset = task->steps});
    task->steps = 0;
}

void mr_task_on_idle(mr_task *task, uint32_t number)
{
    mr_task_input *input = mr_task_input_at(task, number);
    if (input->watermark.is_idle || input->is_ended)
        return;
    input->watermark.is_idle = true;
    task->has_progress = true;
    note_steps(task);
    mr_journal_append(
        &task->journal,
        (mr_journal_event){.kind = MR_JOURNAL_IDLE, .input = number, .offset = input->offset_next});
    settle_source(task, input->source);
}

void mr_task_on_end(mr_task *task, uint32_t number)
{
    mr_task_input *input = mr_task_input_at(task, number);
    if (input->is_ended)
        return;
    input->is_ended = true;
    input->watermark = (mr_watermark){.value_ms = MR_TIME_MAX};
    task->has_progress = true;
    note_steps(task);
    mr_journal_append(
        &task->journal,
        (mr_journal_event){.kind = MR_JOURNAL_END, .input = number, .offset = input->offset_next});
    settle_source(task, input->source);
}

/* No progress of its own: until something is read, the next restore finds out again. But tasks
 * behind an exchange have to hear of it before they go on without this one. */
void mr_task_on_awake(mr_task *task, uint32_t number)
{
    mr_task_input *input = mr_task_input_at(task, number);
    if (!input->watermark.is_idle && !input->is_ended)
        return;
    if (input->is_ended)
        input->watermark.value_ms = MR_TIME_NONE;
    input->watermark.is_idle = input->is_ended = false;
    task->has_progress = task->has_progress || task->outlets != NULL;
    note_steps(task);
    mr_journal_append(&task->journal, (mr_journal_event){.kind = MR_JOURNAL_AWAKE,
                                                         .input = number,
                                                         .offset = input->offset_next});
    settle_source(task, input->source);
}

mr_status mr_task_advance(mr_task *task, mr_progress *progress, mr_error *err)
{
    *progress = MR_DONE;
    if (task->is_settled)
        return MR_OK;
    set_epoch(task, task->io.epoch);
    mr_graph_reset(task->graph);
    mr_status status = mr_graph_advance(task->graph, progress, err);
    task->has_progress = true;
    task->is_settled = status == MR_OK && *progress == MR_DONE;
    task->steps = task->is_settled ? 0 : task->steps + 1;
    return status;
}

bool mr_task_is_settled(const mr_task *task)
{
    return task->is_settled;
}

bool mr_task_is_finished(const mr_task *task)
{
    for (uint32_t i = 0; i < task->inputs_count; i++)
        if (!task->inputs[i].is_ended)
            return false;
    return task->is_settled && task->inputs_count > 0;
}

bool mr_task_has_progress(const mr_task *task)
{
    return task->has_progress;
}

void mr_task_refresh(mr_task *task)
{
    task->has_progress = true;
}

/* How each source stands, for the frames that are sealed. */
static void tell_source(const mr_task *task, uint32_t s, mr_outlets_source *to)
{
    const source_state *source = &task->sources[s];
    *to = (mr_outlets_source){.watermark_ms = source->watermark_ms, .has_ended = true};
    bool is_waited_for = false;
    for (uint32_t i = 0; i < source->inputs_count; i++) {
        const mr_task_input *input = &task->inputs[source->inputs[i]];
        bool is_idle = !input->is_ended && input->watermark.is_idle;
        is_waited_for = is_waited_for || (!input->is_ended && !is_idle);
        to->is_idle = to->is_idle || is_idle;
        to->has_ended = to->has_ended && input->is_ended;
    }
    /* A task that has nothing to read is nobody to wait for. */
    to->is_idle = source->inputs_count == 0 || (to->is_idle && !is_waited_for);
    to->has_ended = to->has_ended && source->inputs_count > 0;
}

static const mr_outlets_source *tell_sources(const mr_task *task)
{
    mr_outlets_source *sources =
        mr_arena_zalloc(mr_graph_arena(task->graph), task->plan->sources_count, sizeof *sources);
    for (uint32_t s = 0; s < task->plan->sources_count; s++)
        tell_source(task, s, &sources[s]);
    return sources;
}

mr_status mr_task_flush(mr_task *task, mr_error *err)
{
    if (task->outlets == NULL)
        return MR_OK;
    set_epoch(task, task->io.epoch);
    note_steps(task);
    mr_status status = mr_outlets_flush(task->outlets, task->graph, tell_sources(task), err);
    mr_graph_set_floor(task->graph, mr_outlets_floor(task->outlets));
    return status;
}

mr_status mr_task_wake_downstreams(mr_task *task, mr_error *err)
{
    if (task->outlets == NULL)
        return MR_OK;
    set_epoch(task, task->io.epoch);
    return mr_outlets_wake(task->outlets, tell_sources(task), err);
}

void mr_task_renew(mr_task *task)
{
    if (task->outlets != NULL)
        mr_outlets_renew(task->outlets, task->io.epoch);
}

void mr_task_mark_committed(mr_task *task)
{
    task->steps = 0;
    task->has_progress = false;
    task->io.epoch++;
    if (task->outlets != NULL)
        mr_outlets_begin(task->outlets, task->io.epoch);
    mr_buffer_clear(&task->journal);
}

const mr_buffer *mr_task_journal(const mr_task *task)
{
    return &task->journal;
}

uint32_t mr_task_counters(const mr_task *task, uint64_t *to, uint32_t room)
{
    MR_ASSERT(room >= mr_task_counters_count(task->plan));
    uint32_t n = 0;
    for (uint32_t s = 0; s < task->plan->sources_count; s++) {
        mr_source_counts c = *counts_of(&task->sources[s]);
        uint64_t values[] = {c.records, c.rows, c.filtered, c.dead, c.bytes, c.guarded, c.warned};
        memcpy(to + n, values, sizeof values);
        n += SOURCE_COUNTERS;
    }
    for (uint32_t k = 0; k < task->plan->nodes_count; k++) {
        mr_operator_counts c = mr_graph_node_counts(task->graph, k);
        uint64_t values[] = {c.rows_in, c.accepted, c.filtered, c.late,
                             c.dead,    c.rows_out, c.made_dead};
        memcpy(to + n, values, sizeof values);
        n += NODE_COUNTERS;
    }
    for (uint32_t s = 0; s < task->plan->sinks_count; s++) {
        mr_sink_counts c = mr_graph_sink_counts(task->graph, s);
        uint64_t values[] = {c.rows_in, c.written, c.dead};
        memcpy(to + n, values, sizeof values);
        n += SINK_COUNTERS;
    }
    return n;
}

int64_t mr_task_source_watermark(const mr_task *task, uint32_t source)
{
    return task->sources[source].watermark_ms;
}

int64_t mr_task_watermark(const mr_task *task)
{
    int64_t lowest = MR_TIME_MAX;
    for (uint32_t s = 0; s < task->plan->sources_count; s++)
        if ((task->plan->sources[s].watermark != NULL || task->sources[s].inlet != NULL) &&
            task->sources[s].watermark_ms < lowest)
            lowest = task->sources[s].watermark_ms;
    return lowest;
}

const mr_source_counts *mr_task_source_counts(const mr_task *task, uint32_t source)
{
    return counts_of(&task->sources[source]);
}

const mr_graph *mr_task_graph(const mr_task *task)
{
    return task->graph;
}
