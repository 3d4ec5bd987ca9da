#include "jobs/plan/version.h"

#include "engine/base/buffer.h"
#include "engine/base/hash.h"
#include "engine/expr/zone.h"
#include "jobs/plan/meaning.h"
#include "operators/join/interval_join.h"
#include "operators/rank/deduplicate.h"
#include "operators/window/session_aggregate.h"

#include <string.h>

static void put_window(const mr_meaning *m, const mr_plan_node *node, mr_buffer *text)
{
    const mr_window_config *c = node->config;
    mr_buffer_printf(text, "window %d %lld %lld %lld %d;", (int)c->kind, (long long)c->size_ms,
                     (long long)c->slide_ms, (long long)c->offset_ms, c->is_local);
    if (c->is_local && m->plan->expr.zone != NULL)
        mr_buffer_printf(text, "%s;", mr_zone_name(m->plan->expr.zone));
    mr_meaning_put_columns(m, node->inputs[0], c->keys, c->keys_count, text);
    for (uint32_t i = 0; i < c->aggregates_count; i++) {
        const mr_aggregate *a = &c->aggregates[i];
        mr_buffer_printf(text, "%d %d ", (int)a->kind, a->is_distinct);
        mr_meaning_put_type(a->argument_type, text);
        if (a->argument >= 0)
            mr_meaning_put_column(m, node->inputs[0], (uint32_t)a->argument, text);
        mr_buffer_printf(text, a->filter >= 0 ? "filter " : ";");
        if (a->filter >= 0)
            mr_meaning_put_column(m, node->inputs[0], (uint32_t)a->filter, text);
    }
}

static void put_join(const mr_meaning *m, const mr_plan_node *node, mr_buffer *text)
{
    const mr_interval_join_config *c = node->config;
    mr_buffer_printf(text, "interval_join %lld %lld %lld %d;", (long long)c->lower_ms,
                     (long long)c->upper_ms, (long long)c->bucket_ms, c->is_left_outer);
    for (uint32_t i = 0; i < c->keys_count; i++)
        mr_meaning_put_type(c->key_types[i], text);
    for (uint32_t s = 0; s < 2; s++) {
        const mr_join_side *side = &c->sides[s];
        mr_meaning_put_columns(m, node->inputs[s], side->keys, c->keys_count, text);
        mr_meaning_put_columns(m, node->inputs[s], side->columns, side->columns_count, text);
        for (uint32_t i = 0; i < side->columns_count; i++)
            mr_meaning_put_type(side->types[i], text);
    }
}

static void put_deduplicate(const mr_meaning *m, const mr_plan_node *node, mr_buffer *text)
{
    const mr_deduplicate_config *c = node->config;
    mr_buffer_printf(text, "deduplicate %lld;", (long long)c->ttl_ms);
    mr_meaning_put_columns(m, node->inputs[0], c->keys, c->keys_count, text);
    mr_meaning_put_columns(m, node->inputs[0], NULL, c->columns_count, text);
    for (uint32_t i = 0; i < c->columns_count; i++)
        mr_meaning_put_type(c->column_types[i], text);
}

/* An aggregate's column is called by its text, which may be written in many ways: here it has its
 * number instead. */
static void put_name(const mr_plan *plan, const char *name, mr_buffer *text)
{
    for (uint32_t n = 0; n < plan->nodes_count; n++) {
        const mr_plan_node *node = &plan->nodes[n];
        if (!mr_class_aggregates_windows(node->class))
            continue;
        const mr_window_config *c = node->config;
        const mr_field *made = node->schema.columns + node->schema.columns_count;
        for (uint32_t i = 0; i < c->aggregates_count; i++)
            if (strcmp((made - c->aggregates_count + i)->name, name) == 0) {
                mr_buffer_printf(text, "$agg%u ", i);
                return;
            }
    }
    mr_buffer_printf(text, "%s ", name);
}

static void put_node(const mr_meaning *m, const mr_plan_node *node, mr_buffer *text)
{
    mr_buffer_printf(text, "node %s %s;", node->id, node->class->name);
    for (uint32_t j = 0; j < node->inputs_count; j++)
        mr_buffer_printf(text, "%d %u;", (int)node->inputs[j].kind, node->inputs[j].index);
    for (uint32_t j = 0; j < node->schema.columns_count; j++) {
        put_name(m->plan, node->schema.columns[j].name, text);
        mr_meaning_put_type(node->schema.columns[j].type, text);
    }
    if (mr_class_aggregates_windows(node->class))
        put_window(m, node, text);
    if (node->class == &mr_interval_join_class)
        put_join(m, node, text);
    if (node->class == &mr_deduplicate_class)
        put_deduplicate(m, node, text);
}

static void put_source(const mr_meaning *m, uint32_t index, mr_buffer *text)
{
    const mr_plan_source *source = &m->plan->sources[index];
    mr_buffer_printf(text, "source %s;", source->table);
    mr_meaning_put_place(source, text);
    if (source->time_column >= 0)
        mr_meaning_put_column(m, (mr_origin){.kind = MR_ORIGIN_SOURCE_ROWS, .index = index},
                              (uint32_t)source->time_column, text);
}

uint64_t mr_plan_counted_version(uint64_t version, uint32_t tasks_count)
{
    return mr_hash_u64(version ^ mr_hash_u64(tasks_count));
}

uint64_t mr_plan_version(const mr_plan *plan)
{
    mr_arena arena = {0};
    mr_buffer text = {0};
    mr_meaning m = mr_meaning_begin(plan, false, &arena);
    for (uint32_t i = 0; i < plan->sources_count; i++)
        put_source(&m, i, &text);
    for (uint32_t i = 0; i < plan->nodes_count; i++) {
        const mr_plan_node *node = &plan->nodes[i];
        mr_meaning_add_node(&m, i);
        put_node(&m, node, &text);
    }
    for (uint32_t i = 0; i < plan->sinks_count; i++)
        mr_buffer_printf(&text, "sink %s %d %u;", plan->sinks[i].table,
                         (int)plan->sinks[i].input.kind, plan->sinks[i].input.index);
    uint64_t version = mr_hash(text.data, text.length);
    mr_buffer_release(&text);
    mr_arena_release(&arena);
    return version;
}
