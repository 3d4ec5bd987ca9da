#include "jobs/plan/fingerprint.h"

#include "engine/base/buffer.h"
#include "engine/base/hash.h"
#include "engine/expr/zone.h"
#include "jobs/plan/meaning.h"
#include "operators/join/interval_join.h"
#include "operators/rank/deduplicate.h"
#include "operators/rows/filter.h"
#include "operators/rows/project.h"
#include "operators/window/session_aggregate.h"

/* What is known of a node's rows besides their columns. */
typedef struct flow {
    uint64_t from; /* tables and operators with state */
    uint64_t time; /* of their event time */
    uint64_t rows; /* the predicates that they passed */
} flow;

typedef struct finder {
    const mr_plan *plan;
    mr_meaning meaning;
    mr_fingerprint *prints;
    flow *flows; /* [node] */
} finder;

static uint64_t sealed(mr_buffer *text)
{
    uint64_t hash = mr_hash(text->data, text->length);
    mr_buffer_release(text);
    return hash;
}

static flow source_flow(const finder *f, mr_origin origin)
{
    const mr_plan_source *source = &f->plan->sources[origin.index];
    mr_buffer from = {0}, time = {0}, rows = {0};
    mr_buffer_printf(&from, "table ");
    mr_meaning_put_place(source, &from);
    if (source->time_column >= 0)
        mr_meaning_put_column(&f->meaning,
                              (mr_origin){.kind = MR_ORIGIN_SOURCE_ROWS, .index = origin.index},
                              (uint32_t)source->time_column, &time);
    for (uint32_t i = 0; i < source->constraints_count; i++) {
        mr_buffer_printf(&rows, "check %d ", (int)source->constraints[i].on_violation);
        mr_meaning_put_expr(&f->meaning, origin, source->constraints[i].check, &rows);
    }
    return (flow){.from = sealed(&from), .time = sealed(&time), .rows = sealed(&rows)};
}

static flow flow_of(const finder *f, mr_origin origin)
{
    flow made = {0};
    if (origin.kind == MR_ORIGIN_NODE_ROWS)
        return f->flows[origin.index];
    if (origin.kind == MR_ORIGIN_SOURCE_ROWS)
        return source_flow(f, origin);
    if (origin.kind == MR_ORIGIN_NODE_LATE || origin.kind == MR_ORIGIN_NODE_RAW)
        made.from = f->prints[origin.index].shape;
    made.from ^= mr_hash_u64((uint64_t)origin.kind + 1); /* their columns say the rest */
    return made;
}

/* ---- parts ---- */

static void put_window(const finder *f, const mr_plan_node *node, mr_buffer *parts)
{
    const mr_window_config *c = node->config;
    const mr_meaning *m = &f->meaning;
    mr_buffer_printf(&parts[MR_PART_WINDOW], "%d %lld %lld %lld %d;", (int)c->kind,
                     (long long)c->size_ms, (long long)c->slide_ms, (long long)c->offset_ms,
                     c->is_local);
    if (c->is_local && f->plan->expr.zone != NULL)
        mr_buffer_printf(&parts[MR_PART_WINDOW], "%s;", mr_zone_name(f->plan->expr.zone));
    mr_meaning_put_columns(m, node->inputs[0], c->keys, c->keys_count, &parts[MR_PART_KEYS]);
    for (uint32_t i = 0; i < c->keys_count; i++)
        mr_meaning_put_type(c->key_types[i], &parts[MR_PART_KEYS]);
    for (uint32_t i = 0; i < c->aggregates_count; i++) {
        const mr_aggregate *a = &c->aggregates[i];
        mr_buffer *values = &parts[MR_PART_VALUES];
        mr_buffer_printf(values, "%d %d ", (int)a->kind, a->is_distinct);
        mr_meaning_put_type(a->argument_type, values);
        mr_meaning_put_type(a->result_type, values);
        if (a->argument >= 0)
            mr_meaning_put_column(m, node->inputs[0], (uint32_t)a->argument, values);
        mr_buffer_printf(values, a->filter >= 0 ? "filter " : ";");
        if (a->filter >= 0)
            mr_meaning_put_column(m, node->inputs[0], (uint32_t)a->filter, values);
    }
}

static void put_join(const finder *f, const mr_plan_node *node, mr_buffer *parts)
{
    const mr_interval_join_config *c = node->config;
    mr_buffer_printf(&parts[MR_PART_WINDOW], "%lld %lld %lld %d;", (long long)c->lower_ms,
                     (long long)c->upper_ms, (long long)c->bucket_ms, c->is_left_outer);
    for (uint32_t i = 0; i < c->keys_count; i++)
        mr_meaning_put_type(c->key_types[i], &parts[MR_PART_KEYS]);
    for (uint32_t s = 0; s < 2; s++) {
        const mr_join_side *side = &c->sides[s];
        mr_meaning_put_columns(&f->meaning, node->inputs[s], side->keys, c->keys_count,
                               &parts[MR_PART_KEYS]);
        mr_meaning_put_columns(&f->meaning, node->inputs[s], side->columns, side->columns_count,
                               &parts[MR_PART_VALUES]);
        for (uint32_t i = 0; i < side->columns_count; i++)
            mr_meaning_put_type(side->types[i], &parts[MR_PART_VALUES]);
    }
}

static void put_deduplicate(const finder *f, const mr_plan_node *node, mr_buffer *parts)
{
    const mr_deduplicate_config *c = node->config;
    mr_buffer_printf(&parts[MR_PART_WINDOW], "%lld;", (long long)c->ttl_ms);
    mr_meaning_put_columns(&f->meaning, node->inputs[0], c->keys, c->keys_count,
                           &parts[MR_PART_KEYS]);
    for (uint32_t i = 0; i < c->keys_count; i++)
        mr_meaning_put_type(c->key_types[i], &parts[MR_PART_KEYS]);
    mr_meaning_put_columns(&f->meaning, node->inputs[0], NULL, c->columns_count,
                           &parts[MR_PART_VALUES]);
    for (uint32_t i = 0; i < c->columns_count; i++)
        mr_meaning_put_type(c->column_types[i], &parts[MR_PART_VALUES]);
}

/* ---- nodes ---- */

static flow joined(const finder *f, const mr_plan_node *node)
{
    mr_buffer from = {0}, time = {0}, rows = {0};
    if (node->inputs_count == 1)
        return flow_of(f, node->inputs[0]);
    for (uint32_t i = 0; i < node->inputs_count; i++) {
        flow input = flow_of(f, node->inputs[i]);
        mr_buffer_put_u64(&from, input.from);
        mr_buffer_put_u64(&time, input.time);
        mr_buffer_put_u64(&rows, input.rows);
    }
    return (flow){.from = sealed(&from), .time = sealed(&time), .rows = sealed(&rows)};
}

static void print_state(finder *f, uint32_t n, flow input)
{
    const mr_plan_node *node = &f->plan->nodes[n];
    mr_fingerprint *print = &f->prints[n];
    mr_buffer parts[MR_FINGERPRINT_PARTS] = {0}, all = {0};
    mr_buffer_put_u64(&parts[MR_PART_INPUT], input.from);
    mr_buffer_put_u64(&parts[MR_PART_TIME], input.time);
    if (mr_class_aggregates_windows(node->class))
        put_window(f, node, parts);
    else if (node->class == &mr_interval_join_class)
        put_join(f, node, parts);
    else if (node->class == &mr_deduplicate_class)
        put_deduplicate(f, node, parts);
    mr_buffer_printf(&all, "%s;", node->class->name);
    for (int p = 0; p < MR_FINGERPRINT_PARTS; p++) {
        print->parts[p] = sealed(&parts[p]);
        mr_buffer_put_u64(&all, print->parts[p]);
    }
    print->has_state = true;
    print->shape = sealed(&all);
    print->rows = input.rows;
    f->flows[n] = (flow){.from = print->shape, .time = print->shape, .rows = input.rows};
}

static void add_predicate(finder *f, uint32_t n)
{
    const mr_plan_node *node = &f->plan->nodes[n];
    mr_buffer rows = {0};
    mr_buffer_put_u64(&rows, f->flows[n].rows);
    mr_meaning_put_expr(&f->meaning, node->inputs[0],
                        ((const mr_filter_config *)node->config)->predicate, &rows);
    f->flows[n].rows = sealed(&rows);
}

static void retime(finder *f, uint32_t n)
{
    const mr_plan_node *node = &f->plan->nodes[n];
    const mr_project_config *c = node->config;
    mr_buffer time = {0};
    if (!c->is_retimed || c->time_column < 0)
        return;
    mr_meaning_put_expr(&f->meaning, node->inputs[0], c->columns[c->time_column], &time);
    f->flows[n].time = sealed(&time);
}

const mr_fingerprint *mr_fingerprints(const mr_plan *plan, mr_arena *arena)
{
    uint64_t *shapes = mr_arena_zalloc(arena, plan->nodes_count, sizeof *shapes);
    finder f = {.plan = plan,
                .meaning = mr_meaning_begin(plan, true, arena),
                .prints = mr_arena_zalloc(arena, plan->nodes_count, sizeof *f.prints),
                .flows = mr_arena_zalloc(arena, plan->nodes_count, sizeof *f.flows)};
    f.meaning.shapes = shapes;
    for (uint32_t n = 0; n < plan->nodes_count; n++) {
        const mr_plan_node *node = &plan->nodes[n];
        f.flows[n] = joined(&f, node);
        if (mr_meaning_makes_rows(node))
            print_state(&f, n, f.flows[n]);
        else if (node->class == &mr_filter_class)
            add_predicate(&f, n);
        else if (node->class == &mr_project_class)
            retime(&f, n);
        shapes[n] = f.prints[n].shape;
        mr_meaning_add_node(&f.meaning, n);
    }
    return f.prints;
}

const char *mr_fingerprint_part_name(mr_fingerprint_part part)
{
    static const char *const names[] = {"its rows come from elsewhere", "their event time differs",
                                        "window, interval or TTL differs", "its keys differ",
                                        "what it keeps differs"};
    return names[part];
}
