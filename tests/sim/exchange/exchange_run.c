#include "tests/sim/exchange/exchange_run.h"

#include "engine/base/assert.h"
#include "engine/commit/delta.h"
#include "engine/exchange/receiver.h"
#include "engine/exchange/sender.h"
#include "engine/run/task.h"
#include "tests/sim/exchange/exchange_plan.h"

#include <stdio.h>
#include <stdlib.h>

#define BATCH_ROWS_MAX 64
#define COUNTERS_MAX 64
#define DOWNSTREAMS_MAX 8

/* ---- frames on their way ---- */

typedef struct frame {
    uint32_t downstream;
    char *bytes;
    size_t length;
} frame;

typedef struct frames {
    frame *list;
    uint32_t count, room;
} frames;

static void add_frame(frames *to, frame f)
{
    if (to->count == to->room) {
        to->room = to->room * 2 + 8;
        to->list = realloc(to->list, to->room * sizeof *to->list);
        MR_ASSERT(to->list != NULL);
    }
    to->list[to->count++] = f;
}

static void forget_frames(frames *of)
{
    for (uint32_t i = 0; i < of->count; i++)
        free(of->list[i].bytes);
    of->count = 0;
}

/* ---- processes ---- */

struct world;

typedef struct exchange_sink {
    mr_sink base;
    mr_sender *sender;
    uint32_t relation;
    mr_arena arena;
    frames *staged;
    uint64_t *rows;
} exchange_sink;

/* An upstream task, and what outlives a kill of it. */
typedef struct upstream {
    uint32_t number;
    mr_task *task;
    mr_sender *sender;
    exchange_sink sinks[2];
    mr_sink *sink_list[2];
    mr_task_io io;
    mr_budget budget;
    frames staged;
    uint64_t rows; /* sent since the last commit */
    uint32_t event;
    uint64_t epoch;
    bool is_waiting, is_done, has_work;
    struct {
        mr_epoch_input inputs[MR_ORACLE_INPUTS_MAX];
        int64_t source_watermark_ms, floor_ms;
        uint64_t counters[COUNTERS_MAX];
        uint32_t counters_count, event;
        uint64_t rows;
    } saved;
} upstream;

typedef struct downstream {
    uint32_t number;
    mr_state *state;
    mr_graph *graph;
    mr_receiver *receiver;
    mr_line_sink results, late;
    mr_sink *sink_list[2];
    mr_task_io io;
    mr_budget budget;
    uint32_t next; /* frame of the channel */
    struct {
        mr_buffer changes, vector;
        mr_operator_counts counts;
        uint32_t next;
    } saved;
} downstream;

typedef struct world {
    const mr_exchange_case *c;
    mr_exchange_options options;
    mr_exchange_outcome *outcome;
    mr_exchange_plan plan;
    uint64_t random;
    upstream up[MR_CASE_UPSTREAMS_MAX];
    downstream down[DOWNSTREAMS_MAX];
    frames channel[DOWNSTREAMS_MAX]; /* committed, in order */
    mr_record records[BATCH_ROWS_MAX];
} world;

static int64_t still(const mr_clock *clock)
{
    (void)clock;
    return 0;
}

static const mr_clock still_clock = {.wall_ms = still, .monotonic_us = still};

static void must(mr_status status, const mr_error *err)
{
    if (status == MR_OK)
        return;
    fprintf(stderr, "MR%d %s\n", status, err->message);
    abort();
}

static bool chance(world *w, uint32_t one_in)
{
    return mr_history_draw(&w->random, one_in) == 0;
}

/* ---- stage 1 ---- */

static mr_status stage_frame(void *context, uint32_t to, const char *bytes, size_t length,
                             mr_error *err)
{
    (void)err;
    frame f = {.downstream = to, .bytes = malloc(length), .length = length};
    MR_ASSERT(f.bytes != NULL);
    memcpy(f.bytes, bytes, length);
    add_frame(context, f);
    return MR_OK;
}

static mr_status write_exchange(mr_sink *sink, const mr_sink_write *context, const mr_batch *batch,
                                mr_row_errors *errors, mr_error *err)
{
    (void)context;
    (void)errors;
    exchange_sink *self = (exchange_sink *)sink;
    mr_sender_out out = {.send = stage_frame, .context = self->staged};
    mr_arena_reset(&self->arena);
    *self->rows += batch->selected;
    return mr_sender_put(self->sender, self->relation, batch, &self->arena, &out, err);
}

static const mr_sink_class exchange_sink_class = {.write = write_exchange};

static void settle_upstream(upstream *u)
{
    mr_error err = {0};
    mr_progress progress = MR_MORE;
    while (progress == MR_MORE)
        must(mr_task_advance(u->task, &progress, &err), &err);
}

static void start_upstream(world *w, upstream *u)
{
    mr_error err = {0};
    u->sender = mr_sender_new(&w->plan.exchange, u->number);
    mr_sender_begin(u->sender, u->epoch);
    for (uint32_t s = 0; s < 2; s++) {
        u->sinks[s] = (exchange_sink){.base = {.class = &exchange_sink_class},
                                      .sender = u->sender,
                                      .relation = s,
                                      .arena = u->sinks[s].arena,
                                      .staged = &u->staged,
                                      .rows = &u->rows};
        u->sink_list[s] = &u->sinks[s].base;
    }
    u->io = (mr_task_io){.sinks = u->sink_list, .job = "exchange", .clock = &still_clock};
    must(mr_task_new(&w->plan.first.plan, u->number, &u->budget, &u->io, &u->task, &err), &err);
    for (uint32_t i = 0; i < w->c->inputs[u->number]; i++)
        mr_task_add_input(u->task, &u->saved.inputs[i], 0);
    mr_task_set_floor(u->task, u->saved.floor_ms);
    mr_epoch_record record = {.sources_count = 1,
                              .source_watermarks_ms = &u->saved.source_watermark_ms,
                              .counters_count = u->saved.counters_count,
                              .counters = u->saved.counters};
    must(mr_task_restored(u->task, &record, &err), &err);
    settle_upstream(u);
    u->event = u->saved.event;
    u->rows = u->saved.rows;
    u->has_work = false;
}

static void stop_upstream(upstream *u)
{
    mr_task_free(u->task);
    mr_sender_free(u->sender);
    forget_frames(&u->staged);
}

/* All inputs are idle, or have ended beside idle ones. */
static bool is_idle(const world *w, upstream *u)
{
    bool has_idle = false;
    for (uint32_t i = 0; i < w->c->inputs[u->number]; i++) {
        const mr_task_input *input = mr_task_input_at(u->task, i);
        if (!input->is_ended && !input->watermark.is_idle)
            return false;
        has_idle = has_idle || !input->is_ended;
    }
    return has_idle;
}

static void publish(world *w, upstream *u)
{
    for (uint32_t i = 0; i < u->staged.count; i++)
        add_frame(&w->channel[u->staged.list[i].downstream], u->staged.list[i]);
    w->outcome->frames += u->staged.count;
    u->staged.count = 0;
}

/* Frames are sealed: how far the upstream is goes with them. */
static void flush(world *w, upstream *u)
{
    mr_error err = {0};
    bool idle = is_idle(w, u);
    int64_t watermark = w->c->has_partials ? mr_graph_node_watermark(mr_task_graph(u->task), 0)
                                           : mr_task_source_watermark(u->task, 0);
    mr_sender_out out = {.send = stage_frame, .context = &u->staged};
    must(mr_sender_flush(u->sender, watermark, idle, &out, &err), &err);
    if (idle && w->options.sabotage != MR_SABOTAGE_FLOOR) {
        u->saved.floor_ms = MR_TIME_MAX;
        mr_task_set_floor(u->task, MR_TIME_MAX);
    }
}

static void commit_upstream(world *w, upstream *u)
{
    flush(w, u);
    publish(w, u);
    for (uint32_t i = 0; i < w->c->inputs[u->number]; i++) {
        const mr_task_input *input = mr_task_input_at(u->task, i);
        u->saved.inputs[i] = (mr_epoch_input){.source = "in",
                                              .topic = "in",
                                              .partition = (int32_t)i,
                                              .offset_next = input->offset_next,
                                              .watermark = input->watermark,
                                              .is_ended = input->is_ended};
    }
    u->saved.source_watermark_ms = mr_task_source_watermark(u->task, 0);
    u->saved.counters_count = mr_task_counters(u->task, u->saved.counters, COUNTERS_MAX);
    u->saved.event = u->event;
    u->saved.rows = u->rows;
    mr_task_mark_committed(u->task);
    mr_sender_begin(u->sender, ++u->epoch);
    u->has_work = false;
}

/* Rows of one input from the next event on, until something cuts the batch. */
static void take_rows(world *w, upstream *u)
{
    const mr_exchange_case_event *events = w->c->events[u->number];
    uint32_t input = events[u->event].event.input, count = 0;
    while (u->event < w->c->events_count[u->number] && count < BATCH_ROWS_MAX) {
        const mr_exchange_case_event *at = &events[u->event];
        if (at->is_barrier || at->event.kind != MR_HISTORY_ROW || at->event.input != input)
            break;
        const mr_oracle_row *row = &w->c->history.rows[at->event.row];
        w->records[count++] = (mr_record){.offset = at->event.offset,
                                          .timestamp_ms = MR_TIME_NONE,
                                          .value = (const char *)row,
                                          .value_length = sizeof *row};
        u->event++;
        if (chance(w, 4))
            break;
    }
    mr_error err = {0};
    mr_records records = {.input = input,
                          .topic = "in",
                          .partition = (int32_t)input,
                          .count = count,
                          .record = w->records};
    must(mr_task_on_records(u->task, input, &records, &err), &err);
}

static void step_upstream(world *w, upstream *u)
{
    if (u->event == w->c->events_count[u->number]) {
        commit_upstream(w, u);
        u->is_done = true;
        return;
    }
    const mr_exchange_case_event *next = &w->c->events[u->number][u->event];
    u->has_work = true;
    if (next->is_barrier) {
        commit_upstream(w, u);
        u->is_waiting = true;
        return;
    }
    if (next->event.kind == MR_HISTORY_ROW) {
        take_rows(w, u);
    } else {
        u->event++;
        if (next->event.kind == MR_HISTORY_IDLE)
            mr_task_on_idle(u->task, next->event.input);
        else if (next->event.kind == MR_HISTORY_END)
            mr_task_on_end(u->task, next->event.input);
        else
            mr_task_on_awake(u->task, next->event.input);
    }
    settle_upstream(u);
    if (chance(w, 3))
        commit_upstream(w, u);
    if (w->options.is_killed && chance(w, 8)) {
        if (w->options.sabotage == MR_SABOTAGE_COMMIT) {
            flush(w, u);
            publish(w, u);
            u->epoch++; /* else the order of frames would tell */
        }
        w->outcome->kills[0] += u->has_work;
        stop_upstream(u);
        start_upstream(w, u);
    }
}

/* Once all upstreams that are not through stand at a barrier they go on. */
static void pass_barrier(world *w)
{
    for (uint32_t u = 0; u < w->c->upstreams; u++)
        if (!w->up[u].is_waiting && !w->up[u].is_done)
            return;
    for (uint32_t u = 0; u < w->c->upstreams; u++) {
        upstream *at = &w->up[u];
        if (at->is_waiting)
            at->saved.event = ++at->event;
        at->is_waiting = false;
    }
}

/* ---- stage 2 ---- */

static mr_status take_section(void *context, uint32_t relation, const mr_batch *batch,
                              mr_error *err)
{
    downstream *d = context;
    if (relation == 1)
        return mr_graph_push_partials(d->graph, 0, batch, err);
    mr_source_result result = {.batch = *batch};
    return mr_graph_push(d->graph, 0, &result, batch->rows, err);
}

static mr_status settle_downstream(downstream *d, mr_error *err)
{
    mr_progress progress = MR_MORE;
    mr_status status = MR_OK;
    while (status == MR_OK && progress == MR_MORE) {
        mr_graph_reset(d->graph);
        status = mr_graph_advance(d->graph, &progress, err);
    }
    return status;
}

static void start_downstream(world *w, downstream *d)
{
    mr_error err = {0};
    d->state = mr_state_new(&d->budget);
    d->io = (mr_task_io){.sinks = d->sink_list, .job = "exchange", .clock = &still_clock};
    must(mr_graph_new(&w->plan.second.plan, d->number, d->state, &d->budget, &d->io, &d->graph,
                      &err),
         &err);
    mr_reader from = mr_reader_of(d->saved.changes.data, d->saved.changes.length);
    mr_store_change change;
    while (mr_delta_next_change(&from, &change))
        must(mr_state_load(d->state, &change, &err), &err);
    mr_state_mark_clean(d->state);
    must(mr_graph_restored(d->graph, &err), &err);
    mr_graph_set_counts(d->graph, 0, d->saved.counts);
    d->receiver = mr_receiver_new(&w->plan.exchange, d->number);
    if (d->saved.vector.length > 0 && w->options.sabotage != MR_SABOTAGE_VECTOR)
        must(mr_receiver_load(d->receiver, d->saved.vector.data, d->saved.vector.length, &err),
             &err);
    mr_graph_set_source_watermark(d->graph, 0, mr_receiver_watermark(d->receiver));
    must(settle_downstream(d, &err), &err);
    d->next = d->saved.next;
}

static void stop_downstream(downstream *d)
{
    mr_graph_free(d->graph);
    mr_state_free(d->state);
    mr_receiver_free(d->receiver);
    d->results.staged.count = d->late.staged.count = 0;
    mr_buffer_clear(&d->results.staged.text);
    mr_buffer_clear(&d->late.staged.text);
}

static mr_status put_change(void *context, const mr_store_change *change, mr_error *err)
{
    (void)err;
    mr_delta_put_change(context, change);
    return MR_OK;
}

static void commit_downstream(world *w, downstream *d)
{
    mr_error err = {0};
    must(mr_state_changes(d->state, put_change, &d->saved.changes, &err), &err);
    mr_state_mark_clean(d->state);
    mr_buffer_clear(&d->saved.vector);
    mr_receiver_save(d->receiver, &d->saved.vector);
    d->saved.counts = mr_graph_node_counts(d->graph, 0);
    d->saved.next = d->next;
    mr_window_lines_move(&d->results.staged, &w->outcome->results);
    mr_window_lines_move(&d->late.staged, &w->outcome->late);
}

/* A few frames, as one fetch. */
static mr_status take_frames(world *w, downstream *d, mr_error *err)
{
    frames *channel = &w->channel[d->number];
    uint32_t count = 1 + mr_history_draw(&w->random, 3);
    mr_receiver_out out = {.take = take_section, .context = d};
    mr_graph_reset(d->graph);
    while (count-- > 0 && d->next < channel->count) {
        uint32_t at = d->next++;
        if (w->options.sabotage == MR_SABOTAGE_ORDER && d->next < channel->count && chance(w, 2)) {
            frame first = channel->list[at];
            channel->list[at] = channel->list[at + 1];
            channel->list[at + 1] = first;
        }
        mr_status status =
            mr_receiver_take(d->receiver, channel->list[at].bytes, channel->list[at].length,
                             mr_graph_arena(d->graph), &out, err);
        if (status != MR_OK)
            return status;
    }
    mr_graph_set_source_watermark(d->graph, 0, mr_receiver_watermark(d->receiver));
    return settle_downstream(d, err);
}

static mr_status step_downstream(world *w, downstream *d, mr_error *err)
{
    mr_status status = take_frames(w, d, err);
    if (status != MR_OK)
        return status;
    if (chance(w, 2))
        commit_downstream(w, d);
    if (w->options.is_killed && chance(w, 6)) {
        w->outcome->kills[1] += d->next != d->saved.next;
        stop_downstream(d);
        start_downstream(w, d);
    }
    return MR_OK;
}

/* ---- all of it ---- */

static void open_world(world *w)
{
    mr_exchange_plan_init(&w->plan, w->c);
    for (uint32_t u = 0; u < w->c->upstreams; u++) {
        upstream *at = &w->up[u];
        at->number = u;
        at->epoch = 1;
        at->saved.source_watermark_ms = at->saved.floor_ms = MR_TIME_NONE;
        for (uint32_t i = 0; i < w->c->inputs[u]; i++)
            at->saved.inputs[i] = (mr_epoch_input){.source = "in",
                                                   .topic = "in",
                                                   .partition = (int32_t)i,
                                                   .watermark = {.value_ms = MR_TIME_NONE}};
        start_upstream(w, at);
    }
    for (uint32_t d = 0; d < w->c->downstreams; d++) {
        downstream *at = &w->down[d];
        at->number = d;
        at->results = mr_line_sink_of_results(&w->c->job);
        at->late = mr_line_sink_of_late(&w->c->job);
        at->sink_list[0] = &at->results.base;
        at->sink_list[1] = &at->late.base;
        start_downstream(w, at);
    }
}

/* Rows that left stage 1 have come to stage 2, and nowhere twice. */
static void count_rows(world *w)
{
    uint64_t sent = 0, come = 0;
    for (uint32_t u = 0; u < w->c->upstreams; u++) {
        const mr_source_counts *source = mr_task_source_counts(w->up[u].task, 0);
        w->outcome->broken += source->dead;
        sent += w->up[u].rows;
        if (!w->c->has_partials) {
            MR_ASSERT(w->up[u].rows == source->rows);
            continue;
        }
        mr_operator_counts node = mr_graph_node_counts(mr_task_graph(w->up[u].task), 0);
        MR_ASSERT(node.rows_in == source->rows && node.rows_out == w->up[u].rows);
        w->outcome->dead += node.dead;
        w->outcome->partials += node.rows_out;
    }
    for (uint32_t d = 0; d < w->c->downstreams; d++) {
        mr_operator_counts node = mr_graph_node_counts(w->down[d].graph, 0);
        come += node.rows_in;
        w->outcome->dead += node.dead;
    }
    MR_ASSERT(sent == come || w->options.sabotage != MR_SABOTAGE_NONE);
}

static void close_world(world *w)
{
    for (uint32_t u = 0; u < w->c->upstreams; u++) {
        upstream *at = &w->up[u];
        stop_upstream(at);
        free(at->staged.list);
        mr_arena_release(&at->sinks[0].arena);
        mr_arena_release(&at->sinks[1].arena);
    }
    for (uint32_t d = 0; d < w->c->downstreams; d++) {
        downstream *at = &w->down[d];
        stop_downstream(at);
        mr_window_lines_release(&at->results.staged);
        mr_window_lines_release(&at->late.staged);
        mr_buffer_release(&at->saved.changes);
        mr_buffer_release(&at->saved.vector);
        forget_frames(&w->channel[d]);
        free(w->channel[d].list);
    }
    mr_exchange_plan_release(&w->plan);
}

/* Whose turn it is; false: nobody has anything left to do. */
static bool draw_turn(world *w, upstream **up, downstream **down)
{
    uint32_t able = 0;
    *up = NULL;
    *down = NULL;
    pass_barrier(w);
    for (uint32_t u = 0; u < w->c->upstreams; u++)
        if (!w->up[u].is_waiting && !w->up[u].is_done && chance(w, ++able))
            *up = &w->up[u];
    for (uint32_t d = 0; d < w->c->downstreams; d++)
        if (w->down[d].next < w->channel[d].count && chance(w, ++able))
            *down = &w->down[d];
    return able > 0;
}

void mr_exchange_run(const mr_exchange_case *c, const mr_exchange_options *options,
                     mr_exchange_outcome *outcome)
{
    world *w = calloc(1, sizeof *w);
    MR_ASSERT(w != NULL && c->downstreams <= DOWNSTREAMS_MAX);
    *outcome = (mr_exchange_outcome){0};
    *w = (world){.c = c, .options = *options, .outcome = outcome, .random = options->seed};
    open_world(w);
    mr_error err = {0};
    upstream *up;
    downstream *down;
    while (outcome->status == MR_OK && draw_turn(w, &up, &down)) {
        if (down != NULL) /* drawn last: it wins */
            outcome->status = step_downstream(w, down, &err);
        else
            step_upstream(w, up);
    }
    snprintf(outcome->message, sizeof outcome->message, "%.255s", err.message);
    for (uint32_t d = 0; outcome->status == MR_OK && d < c->downstreams; d++)
        commit_downstream(w, &w->down[d]);
    if (outcome->status == MR_OK)
        count_rows(w);
    close_world(w);
    free(w);
}

void mr_exchange_outcome_release(mr_exchange_outcome *outcome)
{
    mr_window_lines_release(&outcome->results);
    mr_window_lines_release(&outcome->late);
}
