#include "engine/run/graph.h"

#include "engine/base/assert.h"
#include "engine/run/dead/errors_relation.h"
#include "engine/run/dead/row_text.h"
#include "engine/run/late.h"

#include <inttypes.h>
#include <stdlib.h>

#define SOURCES_MANY UINT32_MAX

/* One reader of an origin. */
typedef struct consumer {
    bool is_sink;
    uint32_t index; /* node or sink */
    uint32_t input; /* of the node */
} consumer;

typedef struct consumers {
    uint32_t count;
    consumer *list;
} consumers;

/* What an operator holds as its way out. */
struct mr_output {
    mr_graph *graph;
    uint32_t node;
};

typedef struct node_state {
    mr_operator *op;
    mr_output output;
    int64_t *input_watermark; /* [inputs_count] */
    uint32_t *input_source; /* [inputs_count] whose rows they are; SOURCES_MANY: no single one's */
    int64_t received;       /* last watermark handed to the operator */
    int64_t done;           /* last watermark it was through with */
    int64_t sent;           /* last watermark passed on below: `done`, or what became of it */
    bool is_firing;         /* no batch is under way: its rows are of its own making */
    uint64_t buried;        /* rows of its input that it sent to the dead port */
    uint64_t late_sent;     /* rows that it sent to the late port */
    mr_log_site late_site;
} node_state;

struct mr_graph {
    const mr_plan *plan;
    const mr_task_io *io;
    mr_arena job;   /* lives as long as the graph */
    mr_arena batch; /* emptied between top-level calls */
    node_state *nodes;
    mr_sink_counts *sinks;
    mr_errors_relations errors;
    uint32_t pushed_table; /* whose records are on their way; MR_ERRORS_TABLE_NONE: made rows */
    consumers *of_source_rows, *of_source_partials, *of_node_rows, *of_node_late, *of_node_raw;
    int64_t floor_ms;     /* see mr_operator_context */
    consumers *of_errors; /* by table of `errors` */
};

static consumers *consumers_of(const mr_graph *graph, mr_origin origin)
{
    switch (origin.kind) {
    case MR_ORIGIN_SOURCE_ROWS: return &graph->of_source_rows[origin.index];
    case MR_ORIGIN_SOURCE_ERRORS:
    case MR_ORIGIN_SINK_ERRORS:
        return &graph->of_errors[mr_errors_table_of(&graph->errors, origin)];
    case MR_ORIGIN_NODE_ROWS: return &graph->of_node_rows[origin.index];
    case MR_ORIGIN_NODE_LATE: return &graph->of_node_late[origin.index];
    case MR_ORIGIN_NODE_RAW: return &graph->of_node_raw[origin.index];
    case MR_ORIGIN_SOURCE_PARTIALS: return &graph->of_source_partials[origin.index];
    }
    return NULL;
}

static void add_consumer(mr_graph *graph, mr_origin origin, consumer who)
{
    consumers *list = consumers_of(graph, origin);
    consumer *grown = mr_arena_alloc(&graph->job, (list->count + 1) * sizeof *grown);
    if (list->count > 0)
        memcpy(grown, list->list, list->count * sizeof *grown);
    grown[list->count++] = who;
    list->list = grown;
}

static void wire(mr_graph *graph)
{
    const mr_plan *plan = graph->plan;
    mr_arena *arena = &graph->job;
    graph->of_source_rows = mr_arena_zalloc(arena, plan->sources_count, sizeof(consumers));
    graph->of_errors = mr_arena_zalloc(arena, graph->errors.tables_count, sizeof(consumers));
    graph->of_node_rows = mr_arena_zalloc(arena, plan->nodes_count, sizeof(consumers));
    graph->of_node_late = mr_arena_zalloc(arena, plan->nodes_count, sizeof(consumers));
    graph->of_node_raw = mr_arena_zalloc(arena, plan->nodes_count, sizeof(consumers));
    graph->of_source_partials = mr_arena_zalloc(arena, plan->sources_count, sizeof(consumers));
    for (uint32_t n = 0; n < plan->nodes_count; n++)
        for (uint32_t i = 0; i < plan->nodes[n].inputs_count; i++)
            add_consumer(graph, plan->nodes[n].inputs[i], (consumer){.index = n, .input = i});
    for (uint32_t s = 0; s < plan->sinks_count; s++)
        add_consumer(graph, plan->sinks[s].input, (consumer){.is_sink = true, .index = s});
}

/* The one source that all inputs of a node are rows of; SOURCES_MANY: there is none. */
static uint32_t source_of_node(const mr_graph *graph, uint32_t node)
{
    const node_state *at = &graph->nodes[node];
    uint32_t count = graph->plan->nodes[node].inputs_count;
    for (uint32_t i = 1; i < count; i++)
        if (at->input_source[i] != at->input_source[0])
            return SOURCES_MANY;
    return count > 0 ? at->input_source[0] : SOURCES_MANY;
}

/* The source whose rows, and whose watermark, come out of an origin as they went in. */
static uint32_t source_of(const mr_graph *graph, mr_origin origin)
{
    if (origin.kind == MR_ORIGIN_SOURCE_ROWS || origin.kind == MR_ORIGIN_SOURCE_PARTIALS)
        return origin.index;
    if (origin.kind != MR_ORIGIN_NODE_ROWS)
        return SOURCES_MANY;
    const mr_operator_class *class = graph->plan->nodes[origin.index].class;
    bool is_plain = class->on_watermark == NULL && class->watermark_out == NULL;
    return is_plain ? source_of_node(graph, origin.index) : SOURCES_MANY;
}

static void open_inputs(mr_graph *graph, uint32_t n)
{
    const mr_plan_node *node = &graph->plan->nodes[n];
    node_state *at = &graph->nodes[n];
    at->input_watermark =
        mr_arena_alloc(&graph->job, node->inputs_count * sizeof *at->input_watermark);
    at->input_source = mr_arena_alloc(&graph->job, node->inputs_count * sizeof *at->input_source);
    for (uint32_t i = 0; i < node->inputs_count; i++) {
        at->input_watermark[i] = MR_TIME_NONE;
        at->input_source[i] = source_of(graph, node->inputs[i]);
    }
}

static mr_status open_nodes(mr_graph *graph, mr_state *state, mr_budget *budget, mr_error *err)
{
    const mr_plan *plan = graph->plan;
    for (uint32_t n = 0; n < plan->nodes_count; n++) {
        const mr_plan_node *node = &plan->nodes[n];
        node_state *at = &graph->nodes[n];
        at->output = (mr_output){.graph = graph, .node = n};
        at->received = at->done = at->sent = MR_TIME_NONE;
        open_inputs(graph, n);
        mr_operator_context context = {.id = node->id,
                                       .config = node->config,
                                       .arena = &graph->job,
                                       .state = state,
                                       .budget = budget,
                                       .expr = &plan->expr,
                                       .has_one_source = source_of_node(graph, n) != SOURCES_MANY,
                                       .floor_ms = &graph->floor_ms};
        mr_status status = node->class->open(&context, &at->op, err);
        if (status != MR_OK) {
            mr_error_prefix(err, "operator %s", node->id);
            return status;
        }
    }
    return MR_OK;
}

mr_status mr_graph_new(const mr_plan *plan, uint32_t task, mr_state *state, mr_budget *budget,
                       const mr_task_io *io, mr_graph **result, mr_error *err)
{
    (void)task;
    mr_graph *graph = calloc(1, sizeof *graph);
    MR_ASSERT(graph != NULL);
    graph->plan = plan;
    graph->io = io;
    mr_arena_init(&graph->job, 4096, budget, MR_BUDGET_TABLES);
    mr_arena_init(&graph->batch, (size_t)64 * 1024, budget, MR_BUDGET_BATCHES);
    graph->nodes = mr_arena_zalloc(&graph->job, plan->nodes_count, sizeof *graph->nodes);
    graph->sinks = mr_arena_zalloc(&graph->job, plan->sinks_count, sizeof *graph->sinks);
    graph->pushed_table = MR_ERRORS_TABLE_NONE;
    graph->floor_ms = MR_TIME_NONE;
    mr_errors_relations_init(&graph->errors, plan, &graph->job);
    wire(graph);
    mr_status status = open_nodes(graph, state, budget, err);
    if (status != MR_OK) {
        mr_graph_free(graph);
        return status;
    }
    *result = graph;
    return MR_OK;
}

void mr_graph_free(mr_graph *graph)
{
    if (graph == NULL)
        return;
    for (uint32_t n = 0; n < graph->plan->nodes_count; n++)
        if (graph->nodes[n].op != NULL)
            graph->plan->nodes[n].class->close(graph->nodes[n].op);
    for (uint32_t t = 0; t < graph->errors.tables_count; t++)
        mr_dead_rows_tell_rest(graph->io, graph->errors.tables[t].name,
                               &graph->errors.tables[t].site);
    mr_arena_release(&graph->batch);
    mr_arena_release(&graph->job);
    free(graph);
}

mr_status mr_graph_restored(mr_graph *graph, mr_error *err)
{
    for (uint32_t n = 0; n < graph->plan->nodes_count; n++) {
        const mr_operator_class *class = graph->plan->nodes[n].class;
        mr_status status =
            class->restored != NULL ? class->restored(graph->nodes[n].op, err) : MR_OK;
        if (status != MR_OK)
            return status;
    }
    return MR_OK;
}

/* Rows are judged by the node's own watermark, which other inputs may hold back: but not those that
 * are rows of the same source, whose watermark moves with this batch as well. */
static void hold_back(const node_state *at, const mr_plan_node *node, uint32_t input,
                      mr_batch *batch, mr_arena *arena)
{
    if (batch->watermark == NULL || node->inputs_count < 2)
        return;
    int64_t others = MR_TIME_MAX;
    for (uint32_t i = 0; i < node->inputs_count; i++)
        if (i != input && at->input_watermark[i] < others &&
            (at->input_source[i] != at->input_source[input] || at->input_source[i] == SOURCES_MANY))
            others = at->input_watermark[i];
    int64_t *held = mr_arena_alloc(arena, batch->rows * sizeof *held);
    for (uint32_t r = 0; r < batch->rows; r++) {
        int64_t wm = batch->watermark[r] < others ? batch->watermark[r] : others;
        held[r] = wm > at->received ? wm : at->received;
    }
    batch->watermark = held;
}

static mr_status to_node(mr_graph *graph, consumer to, const mr_batch *batch, mr_error *err)
{
    node_state *at = &graph->nodes[to.index];
    const mr_plan_node *node = &graph->plan->nodes[to.index];
    mr_batch judged = *batch;
    hold_back(at, node, to.input, &judged, &graph->batch);
    mr_operator_counts *counts = &at->op->counts;
    const mr_operator_counts before = *counts;
    uint64_t buried_before = at->buried, late_before = at->late_sent;
    mr_progress progress;
    do {
        progress = MR_DONE;
        mr_status status =
            node->class->on_batch(at->op, to.input, &judged, &at->output, &progress, err);
        if (status != MR_OK)
            return status;
    } while (progress == MR_MORE);
    MR_ASSERT(counts->rows_in == before.rows_in + batch->selected);
    MR_ASSERT(counts->rows_in == counts->accepted + counts->filtered + counts->late + counts->dead);
    /* What is counted as gone has gone somewhere. */
    MR_ASSERT(counts->dead - before.dead == at->buried - buried_before);
    MR_ASSERT(graph->of_node_late[to.index].count == 0 ||
              counts->late - before.late == at->late_sent - late_before);
    return MR_OK;
}

/* --- rows that die ---------------------------------------------------------------------- */

/* Rows of `table` died: they go where its policy says, count for its budget, and wait for the
 * readers of its $errors. */
static mr_status bury(mr_graph *graph, uint32_t table, mr_schema schema, mr_dead_rows *dead,
                      mr_error *err)
{
    mr_errors_table *owner = &graph->errors.tables[table];
    dead->policy = owner->policy;
    dead->site = &owner->site;
    dead->arena = &graph->batch;
    dead->names = schema.columns_count == dead->batch->columns_count ? schema.columns : NULL;
    mr_errors_meter_add(&owner->meter, 0, dead->errors->count);
    if (graph->of_errors[table].count > 0)
        mr_errors_relations_put(&graph->errors, table, dead);
    return mr_dead_letters_send(graph->io, dead, err);
}

static mr_status to_sink(mr_graph *graph, uint32_t index, const mr_batch *batch, mr_error *err)
{
    mr_sink *sink = graph->io->sinks[index];
    mr_sink_counts *counts = &graph->sinks[index];
    const mr_plan_sink *plan = &graph->plan->sinks[index];
    uint32_t table = graph->errors.of_sink[index];
    mr_row_errors errors = {.arena = &graph->batch};
    mr_sink_write context = {.writer = graph->io->writer,
                             .refused = graph->io->refused,
                             .refused_count = graph->io->refused_count};
    mr_tally *tally = graph->io->tally;
    if (tally != NULL && tally->bytes_out != NULL)
        context.bytes = &tally->bytes_out[graph->plan->first_sink + index];
    mr_status status = sink->class->write(sink, &context, batch, &errors, err);
    if (status != MR_OK)
        return status;
    mr_row_errors_settle(&errors);
    counts->rows_in += batch->selected;
    counts->dead += errors.count;
    counts->written += batch->selected - errors.count;
    mr_errors_meter_add(&graph->errors.tables[table].meter, batch->selected, 0);
    if (errors.count == 0)
        return MR_OK;
    mr_dead_rows dead = {.stage = "encode",
                         .operator= plan->table,
                         .records = batch->record != NULL ? batch->records : NULL,
                         .record = batch->record,
                         .batch = batch,
                         .errors = &errors};
    return bury(graph, table, plan->schema, &dead, err);
}

static mr_status hand_out(mr_graph *graph, const consumers *to, const mr_batch *batch,
                          mr_error *err)
{
    for (uint32_t i = 0; i < to->count; i++) {
        mr_status status = to->list[i].is_sink ? to_sink(graph, to->list[i].index, batch, err)
                                               : to_node(graph, to->list[i], batch, err);
        if (status != MR_OK)
            return status;
    }
    return MR_OK;
}

/* Hands out what waits for the readers of some $errors, and what dies of that. */
static mr_status hand_out_errors(mr_graph *graph, mr_error *err)
{
    mr_status status = MR_OK;
    const mr_errors_batch *batch;
    while (status == MR_OK && (batch = mr_errors_relations_take(&graph->errors)) != NULL) {
        graph->pushed_table = batch->path.table;
        status = hand_out(graph, &graph->of_errors[batch->path.table], &batch->rows, err);
        graph->pushed_table = MR_ERRORS_TABLE_NONE;
        mr_errors_relations_done(&graph->errors);
    }
    return status;
}

mr_status mr_graph_push(mr_graph *graph, uint32_t source, const mr_source_result *result,
                        uint64_t records, mr_error *err)
{
    mr_errors_table *table = &graph->errors.tables[source];
    mr_errors_meter_add(&table->meter, records, result->dead);
    for (uint32_t i = 0; i < result->dead_lists_count; i++)
        if (graph->of_errors[source].count > 0)
            mr_errors_relations_put(&graph->errors, source, &result->dead_lists[i]);
    mr_status status = MR_OK;
    graph->pushed_table = source;
    if (result->batch.selected > 0)
        status = hand_out(graph, &graph->of_source_rows[source], &result->batch, err);
    graph->pushed_table = MR_ERRORS_TABLE_NONE;
    return status == MR_OK ? hand_out_errors(graph, err) : status;
}

mr_status mr_graph_push_partials(mr_graph *graph, uint32_t source, const mr_batch *batch,
                                 mr_error *err)
{
    graph->pushed_table = source;
    mr_status status = hand_out(graph, &graph->of_source_partials[source], batch, err);
    graph->pushed_table = MR_ERRORS_TABLE_NONE;
    return status == MR_OK ? hand_out_errors(graph, err) : status;
}

mr_status mr_graph_check_budgets(const mr_graph *graph, mr_error *err)
{
    return mr_errors_relations_check(&graph->errors, err);
}

/* Nothing may be emitted at or behind the watermark already sent. */
static void check_times(const node_state *at, const mr_batch *batch)
{
    if (batch->event_time == NULL || at->sent == MR_TIME_NONE)
        return;
    for (uint32_t i = 0; i < batch->selected; i++) {
        int64_t time = batch->event_time[mr_batch_row(batch, i)];
        MR_ASSERT(time == MR_TIME_NONE || time > at->sent || batch->watermark != NULL);
    }
}

/* Nobody reads the late rows of this node: one of them a second goes to the log. */
static void sample_late(mr_graph *graph, uint32_t node, const mr_batch *batch)
{
    mr_buffer text = {0};
    uint32_t row = mr_batch_row(batch, 0);
    mr_origin origin = {.kind = MR_ORIGIN_NODE_LATE, .index = node};
    mr_schema schema = mr_plan_schema(graph->plan, origin, &graph->batch);
    bool is_known = schema.columns_count == batch->columns_count;
    mr_row_text(batch, row, is_known ? schema.columns : NULL, &text);
    const mr_records *records = batch->record != NULL ? batch->records : NULL;
    mr_logger_line(graph->io->logger, MR_LOG_WARN,
                   "late row operator=%s at=%s[%" PRId32 "]@%" PRId64 " row=%.*s",
                   graph->plan->nodes[node].id, records != NULL ? records->topic : "-",
                   records != NULL ? records->partition : -1,
                   records != NULL ? records->record[batch->record[row]].offset : -1,
                   (int)text.length, text.data);
    mr_buffer_release(&text);
}

static mr_origin origin_of(const mr_output *out, mr_port port)
{
    static const mr_origin_kind kinds[] = {[MR_PORT_MAIN] = MR_ORIGIN_NODE_ROWS,
                                           [MR_PORT_LATE] = MR_ORIGIN_NODE_LATE,
                                           [MR_PORT_RAW] = MR_ORIGIN_NODE_RAW};
    return (mr_origin){.kind = kinds[port], .index = out->node};
}

mr_status mr_output_emit(mr_output *out, mr_port port, const mr_batch *batch, mr_error *err)
{
    mr_graph *graph = out->graph;
    node_state *at = &graph->nodes[out->node];
    if (batch->selected == 0)
        return MR_OK;
    const consumers *to = consumers_of(graph, origin_of(out, port));
    if (port == MR_PORT_LATE)
        at->late_sent += batch->selected;
    if (port == MR_PORT_LATE && to->count == 0) {
        sample_late(graph, out->node, batch);
        return MR_OK;
    }
    if (port == MR_PORT_MAIN)
        check_times(at, batch);
    if (port != MR_PORT_LATE)
        at->op->counts.rows_out += batch->selected;
    return hand_out(graph, to, batch, err);
}

mr_status mr_output_late(mr_output *out, const mr_batch *batch, const mr_late_fact *facts,
                         uint32_t count, mr_error *err)
{
    mr_graph *graph = out->graph;
    for (uint32_t i = 0; i < count && graph->io->tally != NULL; i++)
        mr_tally_late(graph->io->tally, graph->plan->first_node + out->node, facts[i].late_by_ms);
    if (count == 0 || !mr_output_is_read(out, MR_PORT_LATE))
        return MR_OK;
    mr_arena *arena = mr_output_arena(out);
    mr_batch late = mr_late_batch(batch, graph->plan->nodes[out->node].id, facts, count, arena);
    return mr_output_emit(out, MR_PORT_LATE, &late, err);
}

/* Columns of the rows that die in a node: those it makes, or those of an input. */
static mr_schema dead_schema(mr_graph *graph, uint32_t node, uint32_t columns_count)
{
    const mr_plan_node *plan = &graph->plan->nodes[node];
    for (uint32_t i = 0; i < plan->inputs_count && !graph->nodes[node].is_firing; i++) {
        mr_schema input = mr_plan_schema(graph->plan, plan->inputs[i], &graph->batch);
        if (input.columns_count == columns_count)
            return input;
    }
    return plan->schema;
}

mr_status mr_output_dead(mr_output *out, const mr_batch *batch, const mr_row_errors *errors,
                         mr_error *err)
{
    mr_graph *graph = out->graph;
    node_state *at = &graph->nodes[out->node];
    if (at->is_firing)
        at->op->counts.made_dead += errors->count;
    else
        at->buried += errors->count;
    mr_dead_rows dead = {.stage = "process",
                         .operator= graph->plan->nodes[out->node].id,
                         .records = batch->record != NULL ? batch->records : NULL,
                         .record = batch->record,
                         .batch = batch,
                         .errors = errors};
    /* A row with a record is of the table it was read from; below a UNION that may be any. */
    uint32_t table = dead.records != NULL && graph->pushed_table != MR_ERRORS_TABLE_NONE
                         ? graph->pushed_table
                         : graph->errors.of_node[out->node];
    return bury(graph, table, dead_schema(graph, out->node, batch->columns_count), &dead, err);
}

mr_arena *mr_output_arena(mr_output *out)
{
    return &out->graph->batch;
}

bool mr_output_is_read(const mr_output *out, mr_port port)
{
    mr_graph *graph = out->graph;
    if (consumers_of(graph, origin_of(out, port))->count > 0)
        return true;
    uint64_t suppressed;
    return port == MR_PORT_LATE &&
           mr_log_allowed(&graph->nodes[out->node].late_site,
                          graph->io->clock->wall_ms(graph->io->clock), 1, &suppressed);
}

static void pass_on(mr_graph *graph, const consumers *to, int64_t watermark_ms)
{
    for (uint32_t i = 0; i < to->count; i++)
        if (!to->list[i].is_sink)
            graph->nodes[to->list[i].index].input_watermark[to->list[i].input] = watermark_ms;
}

void mr_graph_set_source_watermark(mr_graph *graph, uint32_t source, int64_t watermark_ms)
{
    pass_on(graph, &graph->of_source_rows[source], watermark_ms);
    pass_on(graph, &graph->of_source_partials[source], watermark_ms);
    pass_on(graph, &graph->of_errors[source], watermark_ms);
}

static int64_t input_minimum(const node_state *at, uint32_t inputs_count)
{
    int64_t minimum = MR_TIME_MAX;
    for (uint32_t i = 0; i < inputs_count; i++)
        if (at->input_watermark[i] < minimum)
            minimum = at->input_watermark[i];
    return inputs_count > 0 ? minimum : MR_TIME_NONE;
}

static bool has_rest(const mr_graph *graph, uint32_t node)
{
    const mr_operator_class *class = graph->plan->nodes[node].class;
    return class->has_rest != NULL && class->has_rest(graph->nodes[node].op);
}

bool mr_graph_has_rest(const mr_graph *graph)
{
    for (uint32_t n = 0; n < graph->plan->nodes_count; n++)
        if (has_rest(graph, n))
            return true;
    return false;
}

/* One call for the lowest node that has a rest, so that what it emits meets none below. */
static mr_status do_rest(mr_graph *graph, bool *worked, mr_error *err)
{
    *worked = false;
    for (uint32_t n = graph->plan->nodes_count; n-- > 0 && !*worked;) {
        if (!has_rest(graph, n))
            continue;
        *worked = true;
        mr_progress progress = MR_DONE;
        node_state *at = &graph->nodes[n];
        at->is_firing = true;
        mr_status status =
            graph->plan->nodes[n].class->on_rest(at->op, &at->output, &progress, err);
        at->is_firing = false;
        if (status == MR_OK)
            status = hand_out_errors(graph, err);
        if (status != MR_OK)
            return status;
        MR_ASSERT((progress == MR_MORE) == has_rest(graph, n));
    }
    return MR_OK;
}

static void send_watermark(mr_graph *graph, uint32_t n)
{
    node_state *at = &graph->nodes[n];
    const mr_operator_class *class = graph->plan->nodes[n].class;
    int64_t watermark =
        class->watermark_out != NULL ? class->watermark_out(at->op, at->done) : at->done;
    MR_ASSERT(watermark <= at->done && watermark >= at->sent);
    at->sent = watermark;
    pass_on(graph, &graph->of_node_rows[n], watermark);
    pass_on(graph, &graph->of_node_late[n], watermark);
    pass_on(graph, &graph->of_node_raw[n], watermark);
}

mr_status mr_graph_advance(mr_graph *graph, mr_progress *progress, mr_error *err)
{
    bool worked;
    mr_status rest = do_rest(graph, &worked, err);
    *progress = worked ? MR_MORE : MR_DONE;
    if (rest != MR_OK || worked)
        return rest;
    for (uint32_t n = 0; n < graph->plan->nodes_count; n++) {
        const mr_plan_node *node = &graph->plan->nodes[n];
        node_state *at = &graph->nodes[n];
        int64_t watermark = input_minimum(at, node->inputs_count);
        /* A node that said MORE finishes the watermark it has before it takes a newer one. */
        if (at->received > at->done)
            watermark = at->received;
        if (watermark <= at->done)
            continue;
        if (has_rest(graph, n)) { /* a node above has just left it */
            *progress = MR_MORE;
            return MR_OK;
        }
        at->received = watermark;
        mr_progress mine = MR_DONE;
        mr_status status = MR_OK;
        at->is_firing = true;
        if (node->class->on_watermark != NULL)
            status = node->class->on_watermark(at->op, watermark, &at->output, &mine, err);
        at->is_firing = false;
        if (status == MR_OK)
            status = hand_out_errors(graph, err);
        if (status != MR_OK)
            return status;
        if (mine == MR_MORE) {
            *progress = MR_MORE;
            return MR_OK;
        }
        at->done = watermark;
        send_watermark(graph, n);
    }
    for (uint32_t n = 0; n < graph->plan->nodes_count; n++)
        if (input_minimum(&graph->nodes[n], graph->plan->nodes[n].inputs_count) >
                graph->nodes[n].done ||
            has_rest(graph, n))
            *progress = MR_MORE;
    return MR_OK;
}

void mr_graph_reset(mr_graph *graph)
{
    mr_errors_relations_clear(&graph->errors);
    mr_arena_reset(&graph->batch);
}

mr_arena *mr_graph_arena(mr_graph *graph)
{
    return &graph->batch;
}

mr_operator_counts mr_graph_node_counts(const mr_graph *graph, uint32_t node)
{
    return graph->nodes[node].op->counts;
}

uint64_t mr_graph_windows_fired(const mr_graph *graph, uint32_t node)
{
    return graph->nodes[node].op->windows_fired;
}

bool mr_graph_look(const mr_graph *graph, uint32_t node, mr_operator_look *look)
{
    const mr_operator *op = graph->nodes[node].op;
    if (op->class->look == NULL)
        return false;
    *look = op->class->look(op);
    return true;
}

mr_sink_counts mr_graph_sink_counts(const mr_graph *graph, uint32_t sink)
{
    return graph->sinks[sink];
}

int64_t mr_graph_node_watermark(const mr_graph *graph, uint32_t node)
{
    return graph->nodes[node].sent;
}

void mr_graph_set_counts(mr_graph *graph, uint32_t node, mr_operator_counts counts)
{
    graph->nodes[node].op->counts = counts;
}

void mr_graph_set_sink_counts(mr_graph *graph, uint32_t sink, mr_sink_counts counts)
{
    graph->sinks[sink] = counts;
}

void mr_graph_set_floor(mr_graph *graph, int64_t floor_ms)
{
    graph->floor_ms = floor_ms;
}
