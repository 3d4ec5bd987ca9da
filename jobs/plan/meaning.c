#include "jobs/plan/meaning.h"

#include "connectors/local/files/reader.h"
#include "engine/base/buffer.h"
#include "engine/base/hash.h"
#include "engine/expr/value.h"
#include "engine/expr/zone.h"
#include "operators/rows/filter.h"
#include "operators/rows/project.h"
#include "operators/rows/union_all.h"

mr_meaning mr_meaning_begin(const mr_plan *plan, bool is_nameless, mr_arena *arena)
{
    return (mr_meaning){.plan = plan,
                        .arena = arena,
                        .is_nameless = is_nameless,
                        .columns = mr_arena_zalloc(arena, plan->nodes_count, sizeof(uint64_t *))};
}

void mr_meaning_put_type(mr_type type, mr_buffer *text)
{
    char name[MR_TYPE_NAME_MAX];
    mr_buffer_printf(text, "%s;", mr_type_name(type, name, sizeof name));
}

void mr_meaning_put_place(const mr_plan_source *source, mr_buffer *text)
{
    for (uint32_t t = 0; t < source->topics_count; t++)
        mr_buffer_printf(text, "%s;", source->topics[t]);
    if (source->reader != NULL && source->reader->open == mr_file_reader_open)
        mr_buffer_printf(text, "path %s;",
                         ((const mr_file_reader_config *)source->reader->config)->path);
}

/* From an instant to a wall clock or back, or by a part of one. Also some that need no zone. */
static bool may_use_zone(const mr_expr *call)
{
    bool has_instant = call->type.kind == MR_TYPE_TIMESTAMP_LTZ;
    for (uint32_t i = 0; i < call->args_count; i++)
        has_instant |= call->args[i]->type.kind == MR_TYPE_TIMESTAMP_LTZ;
    return has_instant && call->type.kind != MR_TYPE_BOOLEAN;
}

void mr_meaning_put_expr(const mr_meaning *m, mr_origin origin, const mr_expr *expr,
                         mr_buffer *text)
{
    mr_buffer_printf(text, "(%d ", (int)expr->kind);
    mr_meaning_put_type(expr->type, text);
    if (expr->kind == MR_EXPR_COLUMN)
        mr_meaning_put_column(m, origin, expr->column, text);
    if (expr->kind == MR_EXPR_CONSTANT)
        mr_value_print(expr->type, &expr->value, text);
    if (expr->kind == MR_EXPR_CALL)
        mr_buffer_printf(text, "%s ", expr->function->name);
    if (expr->kind == MR_EXPR_CALL && m->plan->expr.zone != NULL && may_use_zone(expr))
        mr_buffer_printf(text, "%s ", mr_zone_name(m->plan->expr.zone));
    for (uint32_t i = 0; i < expr->args_count; i++)
        mr_meaning_put_expr(m, origin, expr->args[i], text);
    mr_buffer_printf(text, ")");
}

static void put_source_column(const mr_meaning *m, mr_origin origin, uint32_t column,
                              mr_buffer *text)
{
    const mr_plan_source *source = &m->plan->sources[origin.index];
    const mr_source_column *own = &source->columns[column];
    if (m->is_nameless)
        mr_meaning_put_place(source, text);
    else
        mr_buffer_printf(text, "%s", source->table);
    mr_buffer_printf(text, ".%s ", own->field.name);
    mr_meaning_put_type(own->field.type, text);
    if (own->origin == MR_COLUMN_COMPUTED) /* over columns in front of it, none of them computed */
        mr_meaning_put_expr(m, origin, own->expr, text);
}

/* Of late rows and errors: whose they are is said without a number that other operators shift. */
static void put_other_column(const mr_meaning *m, mr_origin origin, uint32_t column,
                             mr_buffer *text)
{
    mr_buffer_printf(text, "%d ", (int)origin.kind);
    if (!m->is_nameless)
        mr_buffer_printf(text, "%u", origin.index);
    else if (origin.kind == MR_ORIGIN_NODE_LATE || origin.kind == MR_ORIGIN_NODE_RAW)
        mr_buffer_put_u64(text, m->shapes[origin.index]);
    else if (origin.kind == MR_ORIGIN_SINK_ERRORS)
        mr_buffer_printf(text, "%s", m->plan->sinks[origin.index].table);
    else
        mr_meaning_put_place(&m->plan->sources[origin.index], text);
    mr_buffer_printf(text, " %u;", column);
}

static void put_own_column(const mr_meaning *m, mr_origin origin, uint32_t column, mr_buffer *text)
{
    if (origin.kind == MR_ORIGIN_SOURCE_ROWS)
        put_source_column(m, origin, column, text);
    else
        put_other_column(m, origin, column, text);
}

/* Nameless, a column has one hash wherever rows are passed on with it. */
static uint64_t hash_of(const mr_meaning *m, mr_origin origin, uint32_t column)
{
    if (origin.kind == MR_ORIGIN_NODE_ROWS)
        return m->columns[origin.index][column];
    mr_buffer text = {0};
    put_own_column(m, origin, column, &text);
    uint64_t hash = mr_hash(text.data, text.length);
    mr_buffer_release(&text);
    return hash;
}

void mr_meaning_put_column(const mr_meaning *m, mr_origin origin, uint32_t column, mr_buffer *text)
{
    if (m->is_nameless || origin.kind == MR_ORIGIN_NODE_ROWS)
        mr_buffer_put_u64(text, hash_of(m, origin, column));
    else
        put_own_column(m, origin, column, text);
}

void mr_meaning_put_columns(const mr_meaning *m, mr_origin origin, const uint32_t *columns,
                            uint32_t count, mr_buffer *text)
{
    for (uint32_t i = 0; i < count; i++)
        mr_meaning_put_column(m, origin, columns != NULL ? columns[i] : i, text);
    mr_buffer_printf(text, ";");
}

bool mr_meaning_makes_rows(const mr_plan_node *node)
{
    return node->class != &mr_project_class && node->class != &mr_filter_class &&
           node->class != &mr_union_all_class;
}

/* The column of its input that a node passes on as it is; -1: it is made here, or comes from
 * several inputs. */
static int64_t passed_column(const mr_plan_node *node, uint32_t column)
{
    const mr_project_config *c = node->config;
    if (mr_meaning_makes_rows(node) || node->inputs_count != 1)
        return -1;
    if (node->class != &mr_project_class)
        return column;
    const mr_expr *expr = c->columns[column];
    return expr->kind == MR_EXPR_COLUMN ? (int64_t)expr->column : -1;
}

/* Columns of a node that passes its inputs' rows on are theirs; of one that makes rows its own. */
static uint64_t column_of(const mr_meaning *m, uint32_t number, uint32_t column)
{
    mr_buffer text = {0};
    const mr_plan_node *node = &m->plan->nodes[number];
    int64_t passed = passed_column(node, column);
    if (m->is_nameless && passed >= 0)
        return hash_of(m, node->inputs[0], (uint32_t)passed);
    if (node->class == &mr_project_class) {
        const mr_project_config *c = node->config;
        mr_meaning_put_expr(m, node->inputs[0], c->columns[column], &text);
    } else if (!mr_meaning_makes_rows(node)) {
        for (uint32_t i = 0; i < node->inputs_count; i++)
            mr_meaning_put_column(m, node->inputs[i], column, &text);
    } else if (m->is_nameless) {
        mr_buffer_put_u64(&text, m->shapes[number]);
        mr_buffer_printf(&text, " %u", column);
    } else {
        mr_buffer_printf(&text, "%s %u", node->id, column);
    }
    uint64_t hash = mr_hash(text.data, text.length);
    mr_buffer_release(&text);
    return hash;
}

void mr_meaning_add_node(mr_meaning *m, uint32_t node)
{
    uint32_t count = m->plan->nodes[node].schema.columns_count;
    m->columns[node] = mr_arena_alloc(m->arena, count * sizeof **m->columns);
    for (uint32_t c = 0; c < count; c++)
        m->columns[node][c] = column_of(m, node, c);
}
