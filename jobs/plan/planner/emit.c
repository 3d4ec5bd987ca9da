#include "engine/base/buffer.h"
#include "engine/run/late.h"
#include "jobs/plan/planner/planner.h"
#include "operators/rank/deduplicate.h"
#include "operators/rows/filter.h"
#include "operators/rows/project.h"
#include "operators/rows/union_all.h"
#include "operators/window/session_aggregate.h"

#include <stdlib.h>
#include <string.h>

mr_origin mr_plan_add_node(mr_planner *planner, mr_plan_node node)
{
    if (planner->nodes_count == planner->nodes_capacity) {
        planner->nodes_capacity = planner->nodes_capacity == 0 ? 16 : planner->nodes_capacity * 2;
        planner->nodes = realloc(planner->nodes, planner->nodes_capacity * sizeof *planner->nodes);
        if (planner->nodes == NULL)
            abort();
    }
    planner->nodes[planner->nodes_count] = node;
    return (mr_origin){.kind = MR_ORIGIN_NODE_ROWS, .index = planner->nodes_count++};
}

const mr_expr *mr_plan_rewrite(const mr_planner *planner, const mr_relation *input,
                               const mr_expr *expr)
{
    const mr_planned *planned = mr_planned_of(planner, input);
    if (expr->kind == MR_EXPR_COLUMN && planned->is_folded)
        return mr_plan_rewrite(planner, input->inputs[0], input->exprs[expr->column]);
    if (expr->kind != MR_EXPR_COLUMN && expr->args_count == 0)
        return expr;
    mr_expr *copy = mr_arena_copy(planner->arena, expr, sizeof *expr);
    if (expr->kind == MR_EXPR_COLUMN) {
        copy->column = (uint32_t)planned->map[expr->column];
        return copy;
    }
    const mr_expr **args = mr_arena_zalloc(planner->arena, expr->args_count, sizeof *args);
    for (uint32_t i = 0; i < expr->args_count; i++)
        args[i] = mr_plan_rewrite(planner, input, expr->args[i]);
    copy->args = args;
    return copy;
}

static mr_field *new_fields(const mr_planner *planner, uint32_t count)
{
    return mr_arena_zalloc(planner->arena, count, sizeof(mr_field));
}

/* "a, b * 2 AS c" for EXPLAIN. */
static const char *list_text(const mr_planner *planner, const mr_expr *const *exprs,
                             const mr_field *fields, uint32_t count)
{
    mr_buffer text = {0};
    for (uint32_t i = 0; i < count; i++) {
        const char *own = exprs[i]->kind == MR_EXPR_COLUMN ? NULL : exprs[i]->text;
        mr_buffer_printf(&text, i > 0 ? ", " : "");
        if (own != NULL && strcmp(own, fields[i].name) != 0)
            mr_buffer_printf(&text, "%s AS ", own);
        mr_buffer_printf(&text, "%s", fields[i].name);
    }
    const char *copy =
        mr_arena_string(planner->arena, text.data != NULL ? text.data : "", text.length);
    mr_buffer_release(&text);
    return copy;
}

typedef struct projection {
    const char *id;
    mr_origin input;
    const mr_expr *const *exprs;
    const mr_field *fields;
    uint32_t count;
    int32_t time_column;
    bool is_retimed;
    mr_errors_policy errors;
} projection;

static mr_origin add_project(mr_planner *planner, const projection *what)
{
    mr_project_config *config = mr_arena_zalloc(planner->arena, 1, sizeof *config);
    *config = (mr_project_config){.columns_count = what->count,
                                  .columns = what->exprs,
                                  .time_column = what->time_column,
                                  .is_retimed = what->is_retimed};
    mr_origin *input = mr_arena_copy(planner->arena, &what->input, sizeof what->input);
    return mr_plan_add_node(
        planner,
        (mr_plan_node){.id = what->id,
                       .class = &mr_project_class,
                       .config = config,
                       .inputs_count = 1,
                       .inputs = input,
                       .schema = {.columns_count = what->count, .columns = what->fields},
                       .errors = what->errors,
                       .details = list_text(planner, what->exprs, what->fields, what->count)});
}

static mr_expr *column_of(const mr_planner *planner, uint32_t column, mr_type type)
{
    mr_expr *expr = mr_arena_zalloc(planner->arena, 1, sizeof *expr);
    *expr = (mr_expr){.kind = MR_EXPR_COLUMN, .type = type, .column = column};
    return expr;
}

mr_origin mr_plan_align(mr_planner *planner, const mr_relation *input, const uint32_t *columns,
                        uint32_t count, const char *id, mr_schema *schema)
{
    const mr_planned *planned = mr_planned_of(planner, input);
    bool is_same = planned->schema.columns_count == count;
    mr_field *fields = new_fields(planner, count);
    const mr_expr **exprs = mr_arena_zalloc(planner->arena, count, sizeof *exprs);
    int32_t time = -1;
    for (uint32_t i = 0; i < count; i++) {
        int32_t place = planned->map[columns[i]];
        is_same &= place == (int32_t)i;
        fields[i] =
            (mr_field){.name = mr_relation_column_name(&input->columns[columns[i]], planner->arena),
                       .type = planned->schema.columns[place].type};
        exprs[i] = column_of(planner, (uint32_t)place, fields[i].type);
        if (input->columns[columns[i]].role == MR_ROLE_TIME && time < 0)
            time = (int32_t)i;
    }
    *schema = (mr_schema){.columns_count = count, .columns = fields};
    if (is_same)
        return planned->origin;
    projection what = {.id = id,
                       .input = planned->origin,
                       .exprs = exprs,
                       .fields = fields,
                       .count = count,
                       .time_column = time,
                       .errors = input->errors};
    return add_project(planner, &what);
}

static void emit_filter(mr_planner *planner, const mr_relation *relation, mr_planned *planned)
{
    const mr_relation *input = relation->inputs[0];
    const mr_planned *below = mr_planned_of(planner, input);
    memcpy(planned->map, below->map, relation->columns_count * sizeof *planned->map);
    planned->origin = below->origin;
    planned->schema = below->schema;
    const mr_expr *predicate = relation->predicate;
    if (predicate->kind == MR_EXPR_CONSTANT && !predicate->value.is_null &&
        predicate->value.boolean)
        return;
    mr_filter_config *config = mr_arena_zalloc(planner->arena, 1, sizeof *config);
    config->predicate = mr_plan_rewrite(planner, input, predicate);
    planned->origin = mr_plan_add_node(
        planner, (mr_plan_node){
                     .id = relation->id,
                     .class = &mr_filter_class,
                     .config = config,
                     .inputs_count = 1,
                     .inputs = mr_arena_copy(planner->arena, &below->origin, sizeof below->origin),
                     .schema = below->schema,
                     .errors = relation->errors,
                     .details = relation->details});
}

/* The place below of a column that is passed on; -1: it is computed. */
static int32_t passed_on(const mr_planner *planner, const mr_relation *input, const mr_expr *expr)
{
    while (expr->kind == MR_EXPR_COLUMN && mr_planned_of(planner, input)->is_folded) {
        expr = input->exprs[expr->column];
        input = input->inputs[0];
    }
    return expr->kind == MR_EXPR_COLUMN ? mr_planned_of(planner, input)->map[expr->column] : -1;
}

static const mr_relation *unfolded(const mr_planner *planner, const mr_relation *relation)
{
    while (mr_planned_of(planner, relation)->is_folded)
        relation = relation->inputs[0];
    return relation;
}

static void emit_project(mr_planner *planner, const mr_relation *relation, mr_planned *planned)
{
    const mr_relation *input = relation->inputs[0];
    const mr_planned *below = mr_planned_of(planner, unfolded(planner, input));
    bool is_computed = relation->is_retimed;
    for (uint32_t i = 0; i < relation->columns_count; i++) {
        planned->map[i] = planned->needed[i] ? passed_on(planner, input, relation->exprs[i]) : -1;
        is_computed |= planned->needed[i] && planned->map[i] < 0;
    }
    planned->origin = below->origin;
    planned->schema = below->schema;
    if (!is_computed)
        return;
    mr_field *fields = new_fields(planner, relation->columns_count);
    const mr_expr **exprs = mr_arena_zalloc(planner->arena, relation->columns_count, sizeof *exprs);
    projection what = {.id = relation->id,
                       .input = below->origin,
                       .exprs = exprs,
                       .fields = fields,
                       .time_column = -1,
                       .is_retimed = relation->is_retimed,
                       .errors = relation->errors};
    for (uint32_t i = 0; i < relation->columns_count; i++) {
        if (!planned->needed[i])
            continue;
        if (relation->columns[i].role == MR_ROLE_TIME && what.time_column < 0)
            what.time_column = (int32_t)what.count;
        planned->map[i] = (int32_t)what.count;
        exprs[what.count] = mr_plan_rewrite(planner, input, relation->exprs[i]);
        fields[what.count] =
            (mr_field){.name = relation->columns[i].name, .type = exprs[what.count]->type};
        what.count++;
    }
    planned->origin = add_project(planner, &what);
    planned->schema = (mr_schema){.columns_count = what.count, .columns = fields};
}

static void emit_union(mr_planner *planner, const mr_relation *relation, mr_planned *planned)
{
    uint32_t *columns = mr_arena_zalloc(planner->arena, relation->columns_count, sizeof *columns);
    uint32_t count = 0;
    for (uint32_t i = 0; i < relation->columns_count; i++) {
        planned->map[i] = planned->needed[i] ? (int32_t)count : -1;
        if (planned->needed[i])
            columns[count++] = i;
    }
    mr_origin *inputs = mr_arena_zalloc(planner->arena, relation->inputs_count, sizeof *inputs);
    for (uint32_t j = 0; j < relation->inputs_count; j++)
        inputs[j] = mr_plan_align(
            planner, relation->inputs[j], columns, count,
            mr_arena_printf(planner->arena, "%s/input_%u", relation->id, j + 1), &planned->schema);
    mr_field *fields = new_fields(planner, count);
    for (uint32_t i = 0; i < count; i++)
        fields[i] = (mr_field){.name = relation->columns[columns[i]].name,
                               .type = relation->columns[columns[i]].type};
    planned->schema = (mr_schema){.columns_count = count, .columns = fields};
    planned->origin =
        mr_plan_add_node(planner, (mr_plan_node){.id = relation->id,
                                                 .class = &mr_union_all_class,
                                                 .inputs_count = relation->inputs_count,
                                                 .inputs = inputs,
                                                 .schema = planned->schema,
                                                 .errors = relation->errors});
}

/* Output columns of an AGGREGATE that somebody needs, and where they went. */
static uint32_t place_aggregates(const mr_planner *planner, const mr_relation *relation,
                                 const mr_planned *planned, mr_window_config *config,
                                 mr_field *fields)
{
    const mr_planned *below = mr_planned_of(planner, relation->inputs[0]);
    mr_aggregate *aggregates =
        mr_arena_zalloc(planner->arena, relation->aggregates_count + 1, sizeof *aggregates);
    uint32_t at = 0;
    for (uint32_t i = 0; i < relation->columns_count; i++) {
        bool is_aggregate = i >= relation->keys_count + 3;
        bool is_kept = i < relation->keys_count + 2 || planned->needed[i];
        planned->map[i] = is_kept ? (int32_t)at : -1;
        if (!is_kept)
            continue;
        fields[at++] =
            (mr_field){.name = relation->columns[i].name, .type = relation->columns[i].type};
        if (!is_aggregate)
            continue;
        const mr_relation_aggregate *from = &relation->aggregates[i - relation->keys_count - 3];
        aggregates[config->aggregates_count++] =
            (mr_aggregate){.kind = (mr_aggregate_kind)from->function, /* same order */
                           .is_distinct = from->is_distinct,
                           .argument = from->argument >= 0 ? below->map[from->argument] : -1,
                           .filter = from->filter >= 0 ? below->map[from->filter] : -1,
                           .argument_type = from->argument_type,
                           .result_type = from->result_type};
    }
    config->aggregates = aggregates;
    config->has_window_time = planned->needed[relation->keys_count + 2];
    config->window_time_type = relation->columns[relation->keys_count + 2].type;
    return at;
}

static void emit_aggregate(mr_planner *planner, const mr_relation *relation, mr_planned *planned)
{
    const mr_relation *input = relation->inputs[0];
    const mr_planned *below = mr_planned_of(planner, input);
    const mr_window_spec *window = input->window;
    mr_window_config *config = mr_arena_zalloc(planner->arena, 1, sizeof *config);
    *config = (mr_window_config){.kind = (mr_window_kind)window->shape, /* same order */
                                 .size_ms = window->size_ms,
                                 .slide_ms = window->slide_ms,
                                 .offset_ms = window->offset_ms,
                                 .is_local = window->is_local,
                                 .keys_count = relation->keys_count};
    uint32_t *keys = mr_arena_zalloc(planner->arena, relation->keys_count, sizeof *keys);
    mr_type *types = mr_arena_zalloc(planner->arena, relation->keys_count, sizeof *types);
    for (uint32_t k = 0; k < relation->keys_count; k++) {
        keys[k] = (uint32_t)below->map[relation->keys[k]];
        types[k] = relation->columns[k].type;
    }
    config->keys = keys;
    config->key_types = types;
    mr_field *fields = new_fields(planner, relation->columns_count);
    uint32_t count = place_aggregates(planner, relation, planned, config, fields);
    planned->schema = (mr_schema){.columns_count = count, .columns = fields};
    planned->late_map = below->map;
    planned->late_columns = below->schema.columns_count;
    planned->origin = mr_plan_add_node(
        planner, (mr_plan_node){
                     .id = relation->id,
                     .class = config->kind == MR_WINDOW_SESSION ? &mr_session_aggregate_class
                                                                : &mr_window_aggregate_class,
                     .config = config,
                     .inputs_count = 1,
                     .inputs = mr_arena_copy(planner->arena, &below->origin, sizeof below->origin),
                     .schema = planned->schema,
                     .errors = relation->errors,
                     .details = relation->details});
    mr_plan_note_key(planner, relation);
}

/* Stores only what is needed: the input is cut to needed columns, keys and time. */
static void emit_deduplicate(mr_planner *planner, const mr_relation *relation, mr_planned *planned)
{
    const mr_relation *input = relation->inputs[0];
    uint32_t inputs = input->columns_count, count = 0;
    uint32_t *columns = mr_arena_zalloc(planner->arena, inputs, sizeof *columns);
    int32_t *places = mr_arena_zalloc(planner->arena, inputs, sizeof *places);
    int32_t time = mr_relation_time_column(input);
    bool *kept = mr_arena_zalloc(planner->arena, inputs, sizeof *kept);
    for (uint32_t k = 0; k < relation->keys_count; k++)
        kept[relation->keys[k]] = true;
    for (uint32_t i = 0; i < inputs; i++) {
        bool is_own = i < relation->columns_count && planned->needed[i];
        places[i] = -1;
        if (is_own || kept[i] || (int32_t)i == time ||
            (planned->late_needed != NULL && planned->late_needed[i])) {
            places[i] = (int32_t)count;
            columns[count++] = i;
        }
    }
    mr_origin *origin = mr_arena_zalloc(planner->arena, 1, sizeof *origin);
    *origin =
        mr_plan_align(planner, input, columns, count,
                      mr_arena_printf(planner->arena, "%s/input", relation->id), &planned->schema);
    memcpy(planned->map, places, relation->columns_count * sizeof *planned->map);
    planned->late_map = places;
    planned->late_columns = count;
    mr_deduplicate_config *config = mr_arena_zalloc(planner->arena, 1, sizeof *config);
    uint32_t *keys = mr_arena_zalloc(planner->arena, relation->keys_count, sizeof *keys);
    mr_type *key_types = mr_arena_zalloc(planner->arena, relation->keys_count, sizeof *key_types);
    mr_type *types = mr_arena_zalloc(planner->arena, count, sizeof *types);
    for (uint32_t i = 0; i < count; i++)
        types[i] = planned->schema.columns[i].type;
    for (uint32_t k = 0; k < relation->keys_count; k++) {
        keys[k] = (uint32_t)places[relation->keys[k]];
        key_types[k] = types[keys[k]];
    }
    *config = (mr_deduplicate_config){.keys_count = relation->keys_count,
                                      .keys = keys,
                                      .key_types = key_types,
                                      .columns_count = count,
                                      .column_types = types,
                                      .ttl_ms = planner->settings->state_ttl_ms};
    planned->origin = mr_plan_add_node(planner, (mr_plan_node){.id = relation->id,
                                                               .class = &mr_deduplicate_class,
                                                               .config = config,
                                                               .inputs_count = 1,
                                                               .inputs = origin,
                                                               .schema = planned->schema,
                                                               .errors = relation->errors,
                                                               .details = relation->details});
    mr_plan_note_key(planner, relation);
}

/* Late rows always go through a project: it drops their event times, which lie behind the
 * watermark. */
static void emit_late(mr_planner *planner, const mr_relation *relation, mr_planned *planned)
{
    const mr_relation *judge = relation->inputs[0];
    const mr_planned *below = mr_planned_of(planner, judge);
    uint32_t own = relation->columns_count - MR_LATE_COLUMNS;
    mr_field *fields = new_fields(planner, relation->columns_count);
    const mr_expr **exprs = mr_arena_zalloc(planner->arena, relation->columns_count, sizeof *exprs);
    projection what = {.id = relation->id,
                       .input = {.kind = MR_ORIGIN_NODE_LATE, .index = below->origin.index},
                       .exprs = exprs,
                       .fields = fields,
                       .time_column = -1,
                       .errors = relation->errors};
    for (uint32_t i = 0; i < relation->columns_count; i++) {
        planned->map[i] = planned->needed[i] ? (int32_t)what.count : -1;
        if (!planned->needed[i])
            continue;
        uint32_t place = i < own ? (uint32_t)below->late_map[i] : below->late_columns + (i - own);
        fields[what.count] =
            (mr_field){.name = relation->columns[i].name, .type = relation->columns[i].type};
        exprs[what.count++] = column_of(planner, place, relation->columns[i].type);
    }
    planned->origin = add_project(planner, &what);
    planned->schema = (mr_schema){.columns_count = what.count, .columns = fields};
}

/* Rows are those of the input: nothing to do but to know where its columns are. */
static void emit_window(mr_planner *planner, const mr_relation *relation, mr_planned *planned)
{
    const mr_planned *below = mr_planned_of(planner, relation->inputs[0]);
    for (uint32_t i = 0; i < relation->columns_count; i++)
        planned->map[i] = i < relation->inputs[0]->columns_count ? below->map[i] : -1;
    planned->origin = below->origin;
    planned->schema = below->schema;
}

static void emit_errors(mr_planner *planner, const mr_relation *relation, mr_planned *planned)
{
    const mr_planned *table = mr_planned_of(planner, relation->inputs[0]);
    for (uint32_t i = 0; i < relation->columns_count; i++)
        planned->map[i] = (int32_t)i;
    planned->origin =
        table->is_reached
            ? (mr_origin){.kind = MR_ORIGIN_SOURCE_ERRORS, .index = table->origin.index}
            : (mr_origin){.kind = MR_ORIGIN_SINK_ERRORS,
                          .index = mr_plan_sink_of(planner, relation->table)};
    planned->schema = (mr_schema){.columns_count = MR_ERROR_COLUMNS, .columns = mr_error_columns};
}

void mr_plan_emit(mr_planner *planner, const mr_relation *relation)
{
    mr_planned *planned = mr_planned_of(planner, relation);
    planned->map = mr_arena_zalloc(planner->arena, relation->columns_count, sizeof(int32_t));
    if (planned->is_folded)
        return;
    switch (relation->kind) {
    case MR_RELATION_TABLE: mr_plan_emit_source(planner, relation); break;
    case MR_RELATION_ERRORS: emit_errors(planner, relation, planned); break;
    case MR_RELATION_LATE: emit_late(planner, relation, planned); break;
    case MR_RELATION_FILTER: emit_filter(planner, relation, planned); break;
    case MR_RELATION_PROJECT: emit_project(planner, relation, planned); break;
    case MR_RELATION_UNION: emit_union(planner, relation, planned); break;
    case MR_RELATION_WINDOW: emit_window(planner, relation, planned); break;
    case MR_RELATION_AGGREGATE: emit_aggregate(planner, relation, planned); break;
    case MR_RELATION_DEDUPLICATE: emit_deduplicate(planner, relation, planned); break;
    case MR_RELATION_JOIN: mr_plan_emit_join(planner, relation); break;
    }
}
