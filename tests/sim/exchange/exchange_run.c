#include "tests/sim/exchange/exchange_run.h"

#include "engine/base/assert.h"
#include "engine/commit/delta.h"
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

/* A task, and what outlives a kill of it. */
typedef struct process {
    const mr_plan *plan;
    uint32_t number; /* within its stage */
    mr_task *task;
    mr_sink *sinks[2];
    mr_frames_out out;
    mr_task_io io;
    mr_budget budget;
    uint32_t next; /* event or frame */
    struct {
        mr_buffer changes;
        uint32_t inputs_count;
        mr_epoch_input inputs[MR_ORACLE_INPUTS_MAX];
        mr_buffer places[MR_ORACLE_INPUTS_MAX];
        int64_t source_watermark_ms;
        uint64_t counters[COUNTERS_MAX];
        uint32_t counters_count, next;
        uint64_t epoch;
    } saved;
} process;

typedef struct upstream {
    process p;
    frames staged;
    bool is_waiting, is_done, has_work;
} upstream;

typedef struct downstream {
    process p;
    mr_line_sink results, late;
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

static mr_status settle(process *p, mr_error *err)
{
    mr_progress progress = MR_MORE;
    mr_status status = MR_OK;
    while (status == MR_OK && progress == MR_MORE)
        status = mr_task_advance(p->task, &progress, err);
    return status;
}

static mr_status put_change(void *context, const mr_store_change *change, mr_error *err)
{
    (void)err;
    mr_delta_put_change(context, change);
    return MR_OK;
}

/* What the epoch record would hold, and the delta behind those before it. */
static void save(process *p)
{
    mr_error err = {0};
    must(mr_state_changes(mr_task_state(p->task), put_change, &p->saved.changes, &err), &err);
    mr_state_mark_clean(mr_task_state(p->task));
    for (uint32_t i = 0; i < p->saved.inputs_count; i++) {
        const mr_task_input *input = mr_task_input_at(p->task, i);
        mr_buffer *place = &p->saved.places[i];
        mr_buffer_clear(place);
        mr_buffer_put(place, input->place.data, input->place.length);
        p->saved.inputs[i] = (mr_epoch_input){.source = "in",
                                              .topic = "in",
                                              .partition = (int32_t)i,
                                              .offset_next = input->offset_next,
                                              .watermark = input->watermark,
                                              .is_ended = input->is_ended,
                                              .place = place->data,
                                              .place_length = place->length};
    }
    p->saved.source_watermark_ms = mr_task_source_watermark(p->task, 0);
    p->saved.counters_count = mr_task_counters(p->task, p->saved.counters, COUNTERS_MAX);
    p->saved.next = p->next;
    p->saved.epoch++;
    mr_task_mark_committed(p->task);
}

static void start(process *p, bool forgets_places)
{
    mr_error err = {0};
    must(mr_task_new(p->plan, p->plan->first_task + p->number, &p->budget, &p->io, &p->task, &err),
         &err);
    mr_reader from = mr_reader_of(p->saved.changes.data, p->saved.changes.length);
    mr_store_change change;
    while (mr_delta_next_change(&from, &change))
        must(mr_state_load(mr_task_state(p->task), &change, &err), &err);
    mr_state_mark_clean(mr_task_state(p->task));
    for (uint32_t i = 0; i < p->saved.inputs_count; i++) {
        mr_epoch_input input = p->saved.inputs[i];
        input.place_length = forgets_places ? 0 : input.place_length;
        mr_task_add_input(p->task, &input, 0);
    }
    mr_epoch_record record = {.epoch = p->saved.epoch,
                              .sources_count = 1,
                              .source_watermarks_ms = &p->saved.source_watermark_ms,
                              .counters_count = p->saved.counters_count,
                              .counters = p->saved.counters};
    must(mr_task_restored(p->task, &record, &err), &err);
    must(settle(p, &err), &err);
    p->next = p->saved.next;
}

static void open_process(process *p, const mr_plan *plan, uint32_t number, uint32_t inputs)
{
    p->plan = plan;
    p->number = number;
    p->io = (mr_task_io){
        .sinks = p->sinks, .job = "exchange", .clock = &still_clock, .frames = &p->out};
    p->saved.source_watermark_ms = MR_TIME_NONE;
    p->saved.inputs_count = inputs;
    for (uint32_t i = 0; i < inputs; i++)
        p->saved.inputs[i] = (mr_epoch_input){.source = "in",
                                              .topic = "in",
                                              .partition = (int32_t)i,
                                              .watermark = {.value_ms = MR_TIME_NONE}};
    start(p, false);
}

static void close_process(process *p)
{
    mr_task_free(p->task);
    mr_buffer_release(&p->saved.changes);
    for (uint32_t i = 0; i < p->saved.inputs_count; i++)
        mr_buffer_release(&p->saved.places[i]);
}

/* ---- stage 1 ---- */

static mr_status stage_frame(void *context, const mr_exchange *exchange, uint32_t from, uint32_t to,
                             const char *bytes, size_t length, mr_error *err)
{
    (void)err;
    MR_ASSERT(from < exchange->upstreams_count && to < exchange->downstreams_count);
    frame f = {.downstream = to, .bytes = malloc(length), .length = length};
    MR_ASSERT(f.bytes != NULL);
    memcpy(f.bytes, bytes, length);
    add_frame(context, f);
    return MR_OK;
}

static void publish(world *w, upstream *u)
{
    for (uint32_t i = 0; i < u->staged.count; i++)
        add_frame(&w->channel[u->staged.list[i].downstream], u->staged.list[i]);
    w->outcome->frames += u->staged.count;
    u->staged.count = 0;
}

/* No floor: what the task would be without it. (Only a test takes the graph away from its task.) */
static void forget_floor(upstream *u)
{
    mr_graph_set_floor((mr_graph *)mr_task_graph(u->p.task), MR_TIME_NONE);
}

static void commit_upstream(world *w, upstream *u)
{
    mr_error err = {0};
    must(mr_task_flush(u->p.task, &err), &err);
    publish(w, u);
    save(&u->p);
    u->has_work = false;
    if (w->options.sabotage == MR_SABOTAGE_FLOOR)
        forget_floor(u);
}

static void kill_upstream(world *w, upstream *u)
{
    mr_error err = {0};
    if (w->options.sabotage == MR_SABOTAGE_COMMIT) {
        must(mr_task_flush(u->p.task, &err), &err);
        publish(w, u);
        u->p.saved.epoch++; /* else the order of frames would tell */
    }
    w->outcome->kills[0] += u->has_work;
    mr_task_free(u->p.task);
    forget_frames(&u->staged);
    start(&u->p, false);
    if (w->options.sabotage == MR_SABOTAGE_FLOOR)
        forget_floor(u);
    u->has_work = false;
}

/* Rows of one input from the next event on, until something cuts the batch. */
static void take_rows(world *w, upstream *u)
{
    const mr_exchange_case_event *events = w->c->events[u->p.number];
    uint32_t input = events[u->p.next].event.input, count = 0;
    while (u->p.next < w->c->events_count[u->p.number] && count < BATCH_ROWS_MAX) {
        const mr_exchange_case_event *at = &events[u->p.next];
        if (at->is_barrier || at->event.kind != MR_HISTORY_ROW || at->event.input != input)
            break;
        const mr_oracle_row *row = &w->c->history.rows[at->event.row];
        w->records[count++] = (mr_record){.offset = at->event.offset,
                                          .timestamp_ms = MR_TIME_NONE,
                                          .value = (const char *)row,
                                          .value_length = sizeof *row};
        u->p.next++;
        if (chance(w, 4))
            break;
    }
    mr_error err = {0};
    mr_records records = {.input = input,
                          .topic = "in",
                          .partition = (int32_t)input,
                          .count = count,
                          .record = w->records};
    must(mr_task_on_records(u->p.task, input, &records, &err), &err);
}

static void step_upstream(world *w, upstream *u)
{
    mr_error err = {0};
    if (u->p.next == w->c->events_count[u->p.number]) {
        commit_upstream(w, u);
        u->is_done = true;
        return;
    }
    const mr_exchange_case_event *next = &w->c->events[u->p.number][u->p.next];
    u->has_work = true;
    if (next->is_barrier) {
        commit_upstream(w, u);
        u->is_waiting = true;
        return;
    }
    if (next->event.kind == MR_HISTORY_ROW) {
        take_rows(w, u);
    } else {
        u->p.next++;
        if (next->event.kind == MR_HISTORY_IDLE)
            mr_task_on_idle(u->p.task, next->event.input);
        else if (next->event.kind == MR_HISTORY_END)
            mr_task_on_end(u->p.task, next->event.input);
        else
            mr_task_on_awake(u->p.task, next->event.input);
    }
    must(settle(&u->p, &err), &err);
    if (chance(w, 3))
        commit_upstream(w, u);
    if (w->options.is_killed && chance(w, 8))
        kill_upstream(w, u);
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
            at->p.saved.next = ++at->p.next;
        at->is_waiting = false;
    }
}

/* ---- stage 2 ---- */

static void commit_downstream(world *w, downstream *d)
{
    save(&d->p);
    mr_window_lines_move(&d->results.staged, &w->outcome->results);
    mr_window_lines_move(&d->late.staged, &w->outcome->late);
}

static void kill_downstream(world *w, downstream *d)
{
    w->outcome->kills[1] += d->p.next != d->p.saved.next;
    mr_task_free(d->p.task);
    d->results.staged.count = d->late.staged.count = 0;
    mr_buffer_clear(&d->results.staged.text);
    mr_buffer_clear(&d->late.staged.text);
    start(&d->p, w->options.sabotage == MR_SABOTAGE_VECTOR);
}

/* A few frames, as one fetch. */
static mr_status take_frames(world *w, downstream *d, mr_error *err)
{
    frames *channel = &w->channel[d->p.number];
    uint32_t count = 0, most = 1 + mr_history_draw(&w->random, 3);
    while (count < most && d->p.next < channel->count) {
        uint32_t at = d->p.next++;
        if (w->options.sabotage == MR_SABOTAGE_ORDER && at + 1 < channel->count && chance(w, 2)) {
            frame first = channel->list[at];
            channel->list[at] = channel->list[at + 1];
            channel->list[at + 1] = first;
        }
        w->records[count++] = (mr_record){.offset = at,
                                          .timestamp_ms = MR_TIME_NONE,
                                          .value = channel->list[at].bytes,
                                          .value_length = (uint32_t)channel->list[at].length};
    }
    mr_records records = {.topic = "in", .count = count, .record = w->records};
    mr_status status = mr_task_on_records(d->p.task, 0, &records, err);
    return status == MR_OK ? settle(&d->p, err) : status;
}

static mr_status step_downstream(world *w, downstream *d, mr_error *err)
{
    mr_status status = take_frames(w, d, err);
    if (status != MR_OK)
        return status;
    if (chance(w, 2))
        commit_downstream(w, d);
    if (w->options.is_killed && chance(w, 6))
        kill_downstream(w, d);
    return MR_OK;
}

/* ---- all of it ---- */

static void open_world(world *w)
{
    mr_exchange_plan_init(&w->plan, w->c);
    for (uint32_t u = 0; u < w->c->upstreams; u++) {
        upstream *at = &w->up[u];
        at->p.out = (mr_frames_out){.send = stage_frame, .context = &at->staged};
        open_process(&at->p, &w->plan.first.plan, u, w->c->inputs[u]);
    }
    for (uint32_t d = 0; d < w->c->downstreams; d++) {
        downstream *at = &w->down[d];
        at->results = mr_line_sink_of_results(&w->c->job);
        at->late = mr_line_sink_of_late(&w->c->job);
        at->p.sinks[0] = &at->results.base;
        at->p.sinks[1] = &at->late.base;
        open_process(&at->p, &w->plan.second.plan, d, 1);
    }
}

/* Rows that left stage 1 have come to stage 2, and nowhere twice. */
static void count_rows(world *w)
{
    uint64_t sent = 0, come = 0;
    for (uint32_t u = 0; u < w->c->upstreams; u++) {
        mr_task *task = w->up[u].p.task;
        const mr_source_counts *source = mr_task_source_counts(task, 0);
        w->outcome->broken += source->dead;
        if (!w->c->has_partials) {
            sent += source->rows;
            continue;
        }
        mr_operator_counts node = mr_graph_node_counts(mr_task_graph(task), 0);
        MR_ASSERT(node.rows_in == source->rows);
        sent += node.rows_out;
        w->outcome->dead += node.dead;
        w->outcome->partials += node.rows_out;
    }
    for (uint32_t d = 0; d < w->c->downstreams; d++) {
        mr_task *task = w->down[d].p.task;
        mr_operator_counts node = mr_graph_node_counts(mr_task_graph(task), 0);
        MR_ASSERT(mr_task_source_counts(task, 0)->rows == node.rows_in);
        come += node.rows_in;
        w->outcome->dead += node.dead;
    }
    MR_ASSERT(sent == come || w->options.sabotage != MR_SABOTAGE_NONE);
}

static void close_world(world *w)
{
    for (uint32_t u = 0; u < w->c->upstreams; u++) {
        close_process(&w->up[u].p);
        forget_frames(&w->up[u].staged);
        free(w->up[u].staged.list);
    }
    for (uint32_t d = 0; d < w->c->downstreams; d++) {
        downstream *at = &w->down[d];
        close_process(&at->p);
        mr_window_lines_release(&at->results.staged);
        mr_window_lines_release(&at->late.staged);
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
        if (w->down[d].p.next < w->channel[d].count && chance(w, ++able))
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
