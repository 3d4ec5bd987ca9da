#include "jobs/plan/version.h"

#include "connectors/local/files/reader.h"
#include "engine/base/buffer.h"
#include "engine/base/hash.h"
#include "engine/expr/value.h"
#include "engine/expr/zone.h"
#include "operators/join/interval_join.h"
#include "operators/rank/deduplicate.h"
#include "operators/rows/filter.h"
#include "operators/rows/project.h"
#include "operators/rows/union_all.h"
#include "operators/window/session_aggregate.h"

#include <string.h>

/* What a column of a node's rows is computed from, as a hash of its own: views over views are
 * walked once, however often they use one another. */
typedef struct meaning {
    const mr_plan *plan;
    uint64_t **columns; /* [node][column] */
} meaning;

static void put_type(mr_buffer *text, mr_type type)
{
    char name[MR_TYPE_NAME_MAX];
    mr_buffer_printf(text, "%s;", mr_type_name(type, name, sizeof name));
}

static void put_column(const meaning *m, mr_origin origin, uint32_t column, mr_buffer *text);

static void put_expr(const meaning *m, mr_origin origin, const mr_expr *expr, mr_buffer *text)
{
    mr_buffer_printf(text, "(%d ", (int)expr->kind);
    put_type(text, expr->type);
    if (expr->kind == MR_EXPR_COLUMN)
        put_column(m, origin, expr->column, text);
    if (expr->kind == MR_EXPR_CONSTANT)
        mr_value_print(expr->type, &expr->value, text);
    if (expr->kind == MR_EXPR_CALL)
        mr_buffer_printf(text, "%s ", expr->function->name);
    for (uint32_t i = 0; i < expr->args_count; i++)
        put_expr(m, origin, expr->args[i], text);
    mr_buffer_printf(text, ")");
}

static void put_source_column(const meaning *m, mr_origin origin, uint32_t column, mr_buffer *text)
{
    const mr_plan_source *source = &m->plan->sources[origin.index];
    const mr_source_column *own = &source->columns[column];
    mr_buffer_printf(text, "%s.%s ", source->table, own->field.name);
    put_type(text, own->field.type);
    if (own->origin == MR_COLUMN_COMPUTED) /* over columns in front of it, none of them computed */
        put_expr(m, origin, own->expr, text);
}

static void put_column(const meaning *m, mr_origin origin, uint32_t column, mr_buffer *text)
{
    if (origin.kind == MR_ORIGIN_SOURCE_ROWS)
        put_source_column(m, origin, column, text);
    else if (origin.kind == MR_ORIGIN_NODE_ROWS)
        mr_buffer_put_u64(text, m->columns[origin.index][column]);
    else
        mr_buffer_printf(text, "%d %u %u;", (int)origin.kind, origin.index, column);
}

/* Columns of a node that passes its inputs' rows on are theirs; of one that makes rows its own. */
static uint64_t column_of(const meaning *m, const mr_plan_node *node, uint32_t column)
{
    mr_buffer text = {0};
    if (node->class == &mr_project_class) {
        const mr_project_config *c = node->config;
        put_expr(m, node->inputs[0], c->columns[column], &text);
    } else if (node->class == &mr_filter_class || node->class == &mr_union_all_class) {
        for (uint32_t i = 0; i < node->inputs_count; i++)
            put_column(m, node->inputs[i], column, &text);
    } else {
        mr_buffer_printf(&text, "%s %u", node->id, column);
    }
    uint64_t hash = mr_hash(text.data, text.length);
    mr_buffer_release(&text);
    return hash;
}

static void put_columns(const meaning *m, mr_origin origin, const uint32_t *columns, uint32_t count,
                        mr_buffer *text)
{
    for (uint32_t i = 0; i < count; i++)
        put_column(m, origin, columns != NULL ? columns[i] : i, text);
    mr_buffer_printf(text, ";");
}

static void put_window(const meaning *m, const mr_plan_node *node, mr_buffer *text)
{
    const mr_window_config *c = node->config;
    mr_buffer_printf(text, "window %d %lld %lld %lld %d;", (int)c->kind, (long long)c->size_ms,
                     (long long)c->slide_ms, (long long)c->offset_ms, c->is_local);
    if (c->is_local && m->plan->expr.zone != NULL)
        mr_buffer_printf(text, "%s;", mr_zone_name(m->plan->expr.zone));
    put_columns(m, node->inputs[0], c->keys, c->keys_count, text);
    for (uint32_t i = 0; i < c->aggregates_count; i++) {
        const mr_aggregate *a = &c->aggregates[i];
        mr_buffer_printf(text, "%d %d ", (int)a->kind, a->is_distinct);
        put_type(text, a->argument_type);
        if (a->argument >= 0)
            put_column(m, node->inputs[0], (uint32_t)a->argument, text);
        mr_buffer_printf(text, a->filter >= 0 ? "filter " : ";");
        if (a->filter >= 0)
            put_column(m, node->inputs[0], (uint32_t)a->filter, text);
    }
}

static void put_join(const meaning *m, const mr_plan_node *node, mr_buffer *text)
{
    const mr_interval_join_config *c = node->config;
    mr_buffer_printf(text, "interval_join %lld %lld %lld %d;", (long long)c->lower_ms,
                     (long long)c->upper_ms, (long long)c->bucket_ms, c->is_left_outer);
    for (uint32_t i = 0; i < c->keys_count; i++)
        put_type(text, c->key_types[i]);
    for (uint32_t s = 0; s < 2; s++) {
        const mr_join_side *side = &c->sides[s];
        put_columns(m, node->inputs[s], side->keys, c->keys_count, text);
        put_columns(m, node->inputs[s], side->columns, side->columns_count, text);
        for (uint32_t i = 0; i < side->columns_count; i++)
            put_type(text, side->types[i]);
    }
}

static void put_deduplicate(const meaning *m, const mr_plan_node *node, mr_buffer *text)
{
    const mr_deduplicate_config *c = node->config;
    mr_buffer_printf(text, "deduplicate %lld;", (long long)c->ttl_ms);
    put_columns(m, node->inputs[0], c->keys, c->keys_count, text);
    put_columns(m, node->inputs[0], NULL, c->columns_count, text);
    for (uint32_t i = 0; i < c->columns_count; i++)
        put_type(text, c->column_types[i]);
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

static void put_node(const meaning *m, const mr_plan_node *node, mr_buffer *text)
{
    mr_buffer_printf(text, "node %s %s;", node->id, node->class->name);
    for (uint32_t j = 0; j < node->inputs_count; j++)
        mr_buffer_printf(text, "%d %u;", (int)node->inputs[j].kind, node->inputs[j].index);
    for (uint32_t j = 0; j < node->schema.columns_count; j++) {
        put_name(m->plan, node->schema.columns[j].name, text);
        put_type(text, node->schema.columns[j].type);
    }
    if (mr_class_aggregates_windows(node->class))
        put_window(m, node, text);
    if (node->class == &mr_interval_join_class)
        put_join(m, node, text);
    if (node->class == &mr_deduplicate_class)
        put_deduplicate(m, node, text);
}

static void put_source(const meaning *m, uint32_t index, mr_buffer *text)
{
    const mr_plan_source *source = &m->plan->sources[index];
    mr_buffer_printf(text, "source %s;", source->table);
    for (uint32_t t = 0; t < source->topics_count; t++)
        mr_buffer_printf(text, "%s;", source->topics[t]);
    if (source->reader != NULL && source->reader->open == mr_file_reader_open)
        mr_buffer_printf(text, "path %s;",
                         ((const mr_file_reader_config *)source->reader->config)->path);
    if (source->time_column >= 0)
        put_source_column(m, (mr_origin){.kind = MR_ORIGIN_SOURCE_ROWS, .index = index},
                          (uint32_t)source->time_column, text);
}

uint64_t mr_plan_version(const mr_plan *plan)
{
    mr_arena arena = {0};
    mr_buffer text = {0};
    meaning m = {.plan = plan,
                 .columns = mr_arena_zalloc(&arena, plan->nodes_count, sizeof *m.columns)};
    for (uint32_t i = 0; i < plan->sources_count; i++)
        put_source(&m, i, &text);
    for (uint32_t i = 0; i < plan->nodes_count; i++) {
        const mr_plan_node *node = &plan->nodes[i];
        uint32_t count = node->schema.columns_count;
        m.columns[i] = mr_arena_alloc(&arena, count * sizeof **m.columns);
        for (uint32_t c = 0; c < count; c++)
            m.columns[i][c] = column_of(&m, node, c);
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
