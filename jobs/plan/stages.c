#include "jobs/plan/stages.h"

#include "connectors/exchange/lz4.h"
#include "engine/base/assert.h"
#include "engine/base/hash.h"
#include "jobs/plan/placement.h"
#include "operators/join/interval_join.h"
#include "operators/rank/deduplicate.h"
#include "operators/window/partials.h"
#include "operators/window/session_aggregate.h"
#include "operators/window/window_partial.h"

#include <inttypes.h>
#include <string.h>

/* An input of a keyed node. */
typedef struct cut {
    uint32_t node, input;
    uint32_t from, to; /* stages */
    bool has_partials;
    uint32_t source; /* within stage `to` */
} cut;

typedef struct cutter {
    mr_plan flat; /* the plan as it was */
    mr_arena *arena;
    uint32_t *stage_of_node;
    uint32_t *place_of_node; /* within its stage */
    uint32_t *place_of_sink;
    cut *cuts;
    uint32_t cuts_count;
    mr_stages *stages;
} cutter;

uint32_t mr_stages_node_keys(const mr_plan_node *node, uint32_t input, const uint32_t **keys)
{
    *keys = NULL;
    if (node->class == &mr_interval_join_class) {
        const mr_interval_join_config *join = node->config;
        *keys = join->sides[input].keys;
        return join->keys_count;
    }
    if (node->class == &mr_deduplicate_class) {
        const mr_deduplicate_config *rows = node->config;
        *keys = rows->keys;
        return rows->keys_count;
    }
    const mr_window_config *window = node->config;
    *keys = window->keys;
    return window->keys_count;
}

static bool is_keyed(const mr_plan_node *node)
{
    return mr_class_aggregates_windows(node->class) || node->class == &mr_deduplicate_class ||
           node->class == &mr_interval_join_class;
}

/* ---- where rows run ---- */

static uint32_t stage_of(const cutter *c, mr_origin origin)
{
    switch (origin.kind) {
    case MR_ORIGIN_NODE_ROWS:
    case MR_ORIGIN_NODE_LATE:
    case MR_ORIGIN_NODE_RAW: return c->stage_of_node[origin.index];
    case MR_ORIGIN_SINK_ERRORS: return stage_of(c, c->flat.sinks[origin.index].input);
    case MR_ORIGIN_SOURCE_ROWS:
    case MR_ORIGIN_SOURCE_ERRORS:
    case MR_ORIGIN_SOURCE_PARTIALS: break;
    }
    return 0;
}

static bool reads_errors(const mr_plan *plan)
{
    for (uint32_t n = 0; n < plan->nodes_count; n++)
        for (uint32_t i = 0; i < plan->nodes[n].inputs_count; i++)
            if (plan->nodes[n].inputs[i].kind == MR_ORIGIN_SOURCE_ERRORS)
                return true;
    for (uint32_t s = 0; s < plan->sinks_count; s++)
        if (plan->sinks[s].input.kind == MR_ORIGIN_SOURCE_ERRORS)
            return true;
    return false;
}

/* Nodes are in topological order. NULL, or why not. */
static const char *place_nodes(cutter *c)
{
    uint32_t cuts = 0;
    mr_placement *placements =
        mr_arena_zalloc(c->arena, c->flat.nodes_count + 1, sizeof *placements);
    for (uint32_t n = 0; n < c->flat.nodes_count; n++) {
        const mr_plan_node *node = &c->flat.nodes[n];
        uint32_t lowest = UINT32_MAX, highest = 0;
        for (uint32_t i = 0; i < node->inputs_count; i++) {
            uint32_t stage = stage_of(c, node->inputs[i]);
            lowest = stage < lowest ? stage : lowest;
            highest = stage > highest ? stage : highest;
        }
        bool lies_apart = lowest == 0 || lowest != highest ||
                          (is_keyed(node) && !mr_placement_suits(node, placements, c->arena));
        bool is_cut = is_keyed(node) && lies_apart;
        if (!is_cut && lowest != highest)
            return mr_arena_printf(c->arena, "`%s` puts rows of several stages side by side",
                                   node->id);
        c->stage_of_node[n] = highest + is_cut;
        if (highest + is_cut > 0)
            placements[n] = mr_placement_behind(node, is_cut, placements, c->arena);
        for (uint32_t i = 0; is_cut && i < node->inputs_count; i++)
            c->cuts[cuts++] = (cut){.node = n,
                                    .input = i,
                                    .from = stage_of(c, node->inputs[i]),
                                    .to = highest + 1,
                                    .has_partials = node->class == &mr_window_aggregate_class &&
                                                    mr_window_has_partials(node->config)};
    }
    c->cuts_count = cuts;
    return cuts == 0 ? "nothing is kept by key" : NULL;
}

/* ---- exchanges ---- */

static void make_exchange(cutter *c, uint32_t number)
{
    const cut *at = &c->cuts[number];
    const mr_plan_node *node = &c->flat.nodes[at->node];
    mr_exchange_relation *relations = mr_arena_zalloc(c->arena, 2, sizeof *relations);
    const uint32_t *keys;
    uint32_t count = mr_stages_node_keys(node, at->input, &keys);
    relations[0] = (mr_exchange_relation){
        mr_plan_schema(&c->flat, node->inputs[at->input], c->arena), count, keys};
    if (at->has_partials) {
        uint32_t *first = mr_arena_alloc(c->arena, (count + 1) * sizeof *first);
        for (uint32_t k = 0; k < count; k++)
            first[k] = k;
        relations[1] =
            (mr_exchange_relation){mr_window_partials_schema(node->config, c->arena), count, first};
    }
    c->stages->exchanges[number] = (mr_exchange){
        .topic = mr_arena_printf(c->arena, "%s.exchange.%" PRIu32, c->flat.job, number),
        .relations_count = at->has_partials ? 2 : 1,
        .relations = relations,
        .compressor = &mr_lz4};
    c->stages->from[number] = at->from;
    c->stages->to[number] = at->to;
}

static const char *exchange_name(const cutter *c, uint32_t number)
{
    return mr_arena_printf(c->arena, "exchange.%" PRIu32, number);
}

/* The place of its rows, as a source of the stage behind it. */
static mr_plan_source source_of(const cutter *c, uint32_t number)
{
    const cut *at = &c->cuts[number];
    const mr_exchange *exchange = &c->stages->exchanges[number];
    mr_schema schema = exchange->relations[0].schema;
    mr_source_column *columns = mr_arena_zalloc(c->arena, schema.columns_count, sizeof *columns);
    for (uint32_t i = 0; i < schema.columns_count; i++)
        columns[i].field = schema.columns[i];
    const char **topics = mr_arena_alloc(c->arena, sizeof *topics);
    topics[0] = exchange->topic;
    return (mr_plan_source){.table = exchange_name(c, number),
                            .topics_count = 1,
                            .topics = topics,
                            .start = {.mode = MR_START_EARLIEST},
                            .columns_count = schema.columns_count,
                            .columns = columns,
                            .time_column = -1,
                            .guard = {.skew_max_ms = -1},
                            .errors = c->flat.nodes[at->node].errors,
                            .exchange = exchange};
}

/* ---- stages ---- */

/* An origin of the plan as it was, as one of its stage. */
static mr_origin origin_of(const cutter *c, mr_origin origin)
{
    switch (origin.kind) {
    case MR_ORIGIN_NODE_ROWS:
    case MR_ORIGIN_NODE_LATE:
    case MR_ORIGIN_NODE_RAW: origin.index = c->place_of_node[origin.index]; break;
    case MR_ORIGIN_SINK_ERRORS: origin.index = c->place_of_sink[origin.index]; break;
    case MR_ORIGIN_SOURCE_ROWS:
    case MR_ORIGIN_SOURCE_ERRORS:
    case MR_ORIGIN_SOURCE_PARTIALS: break; /* all of them are of stage 0, in the same order */
    }
    return origin;
}

static const mr_origin *inputs_of(const cutter *c, uint32_t n)
{
    const mr_plan_node *node = &c->flat.nodes[n];
    mr_origin *inputs = mr_arena_zalloc(c->arena, node->inputs_count + 1, sizeof *inputs);
    for (uint32_t i = 0; i < node->inputs_count; i++)
        inputs[i] = origin_of(c, node->inputs[i]);
    for (uint32_t x = 0; x < c->cuts_count; x++) {
        const cut *at = &c->cuts[x];
        if (at->node != n)
            continue;
        inputs[at->input] = (mr_origin){.kind = MR_ORIGIN_SOURCE_ROWS, .index = at->source};
        if (at->has_partials)
            inputs[MR_WINDOW_INPUT_PARTIALS] =
                (mr_origin){.kind = MR_ORIGIN_SOURCE_PARTIALS, .index = at->source};
    }
    return inputs;
}

static bool has_partials(const cutter *c, uint32_t n)
{
    for (uint32_t x = 0; x < c->cuts_count; x++)
        if (c->cuts[x].node == n)
            return c->cuts[x].has_partials;
    return false;
}

static void put_sources(cutter *c, mr_plan *plan, uint32_t stage, mr_plan_source *to)
{
    plan->sources = to;
    if (stage == 0) {
        memcpy(to, c->flat.sources, c->flat.sources_count * sizeof *to);
        plan->sources_count = c->flat.sources_count;
    }
    for (uint32_t x = 0; x < c->cuts_count; x++) {
        if (c->cuts[x].to != stage)
            continue;
        c->cuts[x].source = plan->sources_count;
        to[plan->sources_count++] = source_of(c, x);
    }
}

static void put_nodes(cutter *c, mr_plan *plan, uint32_t stage, mr_plan_node *to)
{
    plan->nodes = to;
    for (uint32_t n = 0; n < c->flat.nodes_count; n++) {
        if (c->stage_of_node[n] != stage)
            continue;
        c->place_of_node[n] = plan->nodes_count;
        mr_plan_node *node = &to[plan->nodes_count++];
        *node = c->flat.nodes[n];
        node->inputs = inputs_of(c, n);
        node->inputs_count += has_partials(c, n);
    }
}

/* What goes into an exchange: raw rows, and partials where it has them. */
static void put_outlet(cutter *c, mr_plan *plan, uint32_t number, mr_plan_node *nodes,
                       mr_plan_sink *sinks)
{
    const cut *at = &c->cuts[number];
    const mr_plan_node *node = &c->flat.nodes[at->node];
    const mr_exchange *exchange = &c->stages->exchanges[number];
    mr_origin rows = origin_of(c, node->inputs[at->input]);
    mr_plan_sink sink = {.table = exchange_name(c, number),
                         .input = rows,
                         .schema = exchange->relations[0].schema,
                         .errors = {.mode = MR_ERRORS_FAIL},
                         .is_transactional = true,
                         .exchange = exchange};
    if (at->has_partials) {
        uint32_t place = plan->nodes_count++;
        nodes[place] = (mr_plan_node){.id = mr_arena_printf(c->arena, "%s/partial", node->id),
                                      .class = &mr_window_partial_class,
                                      .config = node->config,
                                      .inputs_count = 1,
                                      .inputs = mr_arena_copy(c->arena, &rows, sizeof rows),
                                      .schema = exchange->relations[1].schema,
                                      .errors = node->errors,
                                      .details = node->details};
        sink.input = (mr_origin){.kind = MR_ORIGIN_NODE_RAW, .index = place};
        sinks[plan->sinks_count] = sink;
        sinks[plan->sinks_count].schema = exchange->relations[1].schema;
        sinks[plan->sinks_count].relation = 1;
        sinks[plan->sinks_count++].input = (mr_origin){.kind = MR_ORIGIN_NODE_ROWS, .index = place};
    }
    sinks[plan->sinks_count++] = sink;
}

static void put_sinks(cutter *c, mr_plan *plan, uint32_t stage, mr_plan_node *nodes,
                      mr_plan_sink *to)
{
    plan->sinks = to;
    for (uint32_t s = 0; s < c->flat.sinks_count; s++) {
        if (stage_of(c, c->flat.sinks[s].input) != stage)
            continue;
        MR_ASSERT(plan->sinks_count == c->place_of_sink[s]);
        to[plan->sinks_count] = c->flat.sinks[s];
        to[plan->sinks_count++].input = origin_of(c, c->flat.sinks[s].input);
    }
    for (uint32_t x = 0; x < c->cuts_count; x++)
        if (c->cuts[x].from == stage)
            put_outlet(c, plan, x, nodes, to);
}

/* Before anything else: nodes may read the errors of a sink. */
static void number_sinks(cutter *c)
{
    for (uint32_t stage = 0; stage < c->stages->count; stage++) {
        uint32_t place = 0;
        for (uint32_t s = 0; s < c->flat.sinks_count; s++)
            if (stage_of(c, c->flat.sinks[s].input) == stage)
                c->place_of_sink[s] = place++;
    }
}

static void make_stages(cutter *c, mr_plan *job)
{
    const mr_plan *flat = &c->flat;
    uint32_t room = c->cuts_count;
    mr_plan_source *sources =
        mr_arena_zalloc(c->arena, flat->sources_count + room, sizeof *sources);
    mr_plan_node *nodes = mr_arena_zalloc(c->arena, flat->nodes_count + room, sizeof *nodes);
    mr_plan_sink *sinks = mr_arena_zalloc(c->arena, flat->sinks_count + 2 * room, sizeof *sinks);
    job->sources = sources;
    job->nodes = nodes;
    job->sinks = sinks;
    job->sources_count = job->nodes_count = job->sinks_count = 0;
    number_sinks(c);
    for (uint32_t k = 0; k < c->stages->count; k++) {
        mr_plan *plan = &c->stages->plans[k];
        *plan = *flat;
        plan->sources_count = plan->nodes_count = plan->sinks_count = 0;
        plan->first_source = job->sources_count;
        plan->first_node = job->nodes_count;
        plan->first_sink = job->sinks_count;
        put_sources(c, plan, k, sources + plan->first_source);
        put_nodes(c, plan, k, nodes + plan->first_node);
        put_sinks(c, plan, k, nodes + plan->first_node, sinks + plan->first_sink);
        job->sources_count += plan->sources_count;
        job->nodes_count += plan->nodes_count;
        job->sinks_count += plan->sinks_count;
    }
}

const char *mr_stages_cut(mr_plan *plan, uint32_t tasks_max, mr_arena *arena, mr_stages *stages)
{
    uint32_t edges = 0, nodes = plan->nodes_count;
    for (uint32_t n = 0; n < nodes; n++)
        edges += plan->nodes[n].inputs_count;
    cutter c = {.flat = *plan,
                .arena = arena,
                .stage_of_node = mr_arena_zalloc(arena, nodes + 1, sizeof(uint32_t)),
                .place_of_node = mr_arena_zalloc(arena, nodes + 1, sizeof(uint32_t)),
                .place_of_sink = mr_arena_zalloc(arena, plan->sinks_count + 1, sizeof(uint32_t)),
                .cuts = mr_arena_zalloc(arena, edges + 1, sizeof(cut)),
                .stages = stages};
    MR_ASSERT(tasks_max > 1);
    *stages = (mr_stages){.tasks_max = tasks_max, .job_version = plan->version};
    if (reads_errors(plan))
        return "its $errors would lack the rows that die behind an exchange";
    const char *why_not = place_nodes(&c);
    if (why_not != NULL)
        return why_not;
    for (uint32_t n = 0; n < nodes; n++)
        stages->count =
            c.stage_of_node[n] + 1 > stages->count ? c.stage_of_node[n] + 1 : stages->count;
    stages->plans = mr_arena_zalloc(arena, stages->count, sizeof *stages->plans);
    stages->exchanges_count = c.cuts_count;
    stages->exchanges = mr_arena_zalloc(arena, c.cuts_count, sizeof *stages->exchanges);
    stages->from = mr_arena_zalloc(arena, c.cuts_count, sizeof *stages->from);
    stages->to = mr_arena_zalloc(arena, c.cuts_count, sizeof *stages->to);
    for (uint32_t x = 0; x < c.cuts_count; x++)
        make_exchange(&c, x);
    make_stages(&c, plan);
    plan->uncut = mr_arena_copy(arena, &c.flat, sizeof c.flat);
    plan->stages_count = stages->count;
    plan->stages = stages->plans;
    mr_stages_set_tasks(plan, stages, tasks_max);
    return NULL;
}

/* ---- tasks ---- */

static uint32_t tasks_of(const mr_stages *stages, uint32_t stage)
{
    const mr_plan *plan = &stages->plans[stage];
    for (uint32_t s = 0; s < plan->sources_count; s++)
        if (plan->sources[s].exchange != NULL &&
            plan->sources[s].exchange->relations[0].keys_count > 0)
            return stages->tasks_max;
    return 1;
}

uint32_t mr_stages_later_tasks(const mr_stages *stages)
{
    uint32_t count = 0;
    for (uint32_t k = 1; k < stages->count; k++)
        count += tasks_of(stages, k);
    return count;
}

void mr_stages_set_tasks(mr_plan *plan, mr_stages *stages, uint32_t first)
{
    uint64_t version = stages->job_version;
    plan->tasks_count = 0;
    for (uint32_t k = 0; k < stages->count; k++) {
        mr_plan *stage = &stages->plans[k];
        stage->first_task = plan->tasks_count;
        stage->tasks_count = k == 0 ? first : tasks_of(stages, k);
        plan->tasks_count += stage->tasks_count;
        version = mr_hash_u64(version ^ mr_hash_u64(stage->tasks_count));
    }
    for (uint32_t k = 0; k < stages->count; k++)
        stages->plans[k].version = mr_hash_u64(version + k);
    for (uint32_t x = 0; x < stages->exchanges_count; x++) {
        mr_exchange *exchange = &stages->exchanges[x];
        exchange->plan_version = stages->plans[stages->to[x]].version;
        exchange->upstreams_count = stages->plans[stages->from[x]].tasks_count;
        exchange->downstreams_count = stages->plans[stages->to[x]].tasks_count;
    }
}
