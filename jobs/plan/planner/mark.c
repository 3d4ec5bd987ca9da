#include "jobs/plan/planner/planner.h"

static void need(const mr_planner *planner, const mr_relation *relation, uint32_t column)
{
    if (column < relation->columns_count && !mr_role_is_window(relation->columns[column].role))
        mr_planned_of(planner, relation)->needed[column] = true;
}

static void need_expr(const mr_planner *planner, const mr_relation *input, const mr_expr *expr)
{
    if (expr == NULL)
        return;
    if (expr->kind == MR_EXPR_COLUMN)
        need(planner, input, expr->column);
    for (uint32_t i = 0; i < expr->args_count; i++)
        need_expr(planner, input, expr->args[i]);
}

static void need_time(const mr_planner *planner, const mr_relation *relation)
{
    int32_t time = mr_relation_time_column(relation);
    if (time >= 0)
        need(planner, relation, (uint32_t)time);
}

/* Columns that a table's own expressions read, and its key columns of a one-column format. */
static void mark_table(const mr_planner *planner, const mr_relation *table)
{
    const mr_planned *planned = mr_planned_of(planner, table);
    need_time(planner, table);
    need_expr(planner, table, table->watermark);
    for (uint32_t i = 0; i < table->table->ast->constraints_count; i++)
        need_expr(planner, table, table->checks[i]);
    bool is_whole = table->table->connector->kind == MR_CONNECTOR_DATAGEN ||
                    (table->table->value_format.format != NULL &&
                     table->table->value_format.format->takes_one_column) ||
                    (table->table->key_format.format != NULL &&
                     table->table->key_format.format->takes_one_column) ||
                    planned->readers == 0; /* $errors alone: decode everything */
    for (uint32_t i = 0; i < table->columns_count; i++) {
        if (is_whole && table->exprs[i] == NULL)
            need(planner, table, i);
        if (planned->needed[i])
            need_expr(planner, table, table->exprs[i]);
    }
}

static void mark_same(const mr_planner *planner, const mr_relation *relation)
{
    const mr_planned *planned = mr_planned_of(planner, relation);
    for (uint32_t j = 0; j < relation->inputs_count; j++)
        for (uint32_t i = 0; i < relation->columns_count; i++)
            if (planned->needed[i])
                need(planner, relation->inputs[j], i);
}

static void mark_aggregate(const mr_planner *planner, const mr_relation *relation)
{
    const mr_relation *input = relation->inputs[0];
    const mr_planned *planned = mr_planned_of(planner, relation);
    need_time(planner, input);
    for (uint32_t k = 0; k < relation->keys_count; k++)
        need(planner, input, relation->keys[k]);
    for (uint32_t a = 0; a < relation->aggregates_count; a++) {
        const mr_relation_aggregate *aggregate = &relation->aggregates[a];
        if (!planned->needed[relation->keys_count + 3 + a])
            continue;
        if (aggregate->argument >= 0)
            need(planner, input, (uint32_t)aggregate->argument);
        if (aggregate->filter >= 0)
            need(planner, input, (uint32_t)aggregate->filter);
    }
}

static void mark_late(const mr_planner *planner, const mr_relation *relation)
{
    const mr_planned *planned = mr_planned_of(planner, relation);
    const mr_relation *rows = relation->inputs[0]->inputs[0];
    mr_planned *judge = mr_planned_of(planner, relation->inputs[0]);
    if (judge->late_needed == NULL)
        judge->late_needed = mr_arena_zalloc(planner->arena, rows->columns_count, sizeof(bool));
    for (uint32_t i = 0; i < relation->columns_count && i < rows->columns_count; i++)
        if (planned->needed[i]) {
            need(planner, rows, i);
            judge->late_needed[i] = true;
        }
}

static void mark_project(const mr_planner *planner, const mr_relation *relation)
{
    const mr_planned *planned = mr_planned_of(planner, relation);
    for (uint32_t i = 0; i < relation->columns_count; i++)
        if (planned->needed[i])
            need_expr(planner, relation->inputs[0], relation->exprs[i]);
}

/* Kept are the columns asked for and those that the residual condition reads. */
static void mark_join(const mr_planner *planner, const mr_relation *relation)
{
    const mr_join_spec *join = relation->join;
    const mr_planned *planned = mr_planned_of(planner, relation);
    need_expr(planner, relation, join->residual);
    for (uint32_t i = 0; i < relation->columns_count; i++)
        if (planned->needed[i])
            need(planner, relation->inputs[i < join->left_count ? 0 : 1],
                 i < join->left_count ? i : i - join->left_count);
    for (uint32_t k = 0; k < join->keys_count; k++) {
        need(planner, relation->inputs[0], join->left_keys[k]);
        need(planner, relation->inputs[1], join->right_keys[k]);
    }
    need_time(planner, relation->inputs[0]);
    need_time(planner, relation->inputs[1]);
}

static void mark_relation(const mr_planner *planner, const mr_relation *relation)
{
    switch (relation->kind) {
    case MR_RELATION_TABLE: mark_table(planner, relation); break;
    case MR_RELATION_ERRORS: break;
    case MR_RELATION_LATE: mark_late(planner, relation); break;
    case MR_RELATION_FILTER:
        mark_same(planner, relation);
        need_expr(planner, relation->inputs[0], relation->predicate);
        break;
    case MR_RELATION_PROJECT:
        if (relation->is_retimed)
            need_time(planner, relation);
        mark_project(planner, relation);
        break;
    case MR_RELATION_JOIN: mark_join(planner, relation); break;
    case MR_RELATION_UNION:
    case MR_RELATION_WINDOW: mark_same(planner, relation); break;
    case MR_RELATION_AGGREGATE: mark_aggregate(planner, relation); break;
    case MR_RELATION_DEDUPLICATE:
        mark_same(planner, relation);
        need_time(planner, relation->inputs[0]);
        for (uint32_t k = 0; k < relation->keys_count; k++)
            need(planner, relation->inputs[0], relation->keys[k]);
        break;
    }
}

static bool is_volatile(const mr_expr *expr)
{
    if (expr == NULL)
        return false;
    if (expr->kind == MR_EXPR_CALL && expr->function->is_volatile)
        return true;
    for (uint32_t i = 0; i < expr->args_count; i++)
        if (is_volatile(expr->args[i]))
            return true;
    return false;
}

#define FOLDS_MAX 16

/* A PROJECT read by nothing but another PROJECT is computed there. */
static void fold(mr_planner *planner, const mr_relation *relation)
{
    if (relation->kind != MR_RELATION_PROJECT)
        return;
    const mr_relation *input = relation->inputs[0];
    mr_planned *planned = mr_planned_of(planner, input);
    if (input->kind != MR_RELATION_PROJECT || planned->readers != 1 || input->is_extension)
        return;
    for (uint32_t i = 0; i < input->columns_count; i++)
        if (is_volatile(input->exprs[i]))
            return;
    planned->folds = mr_planned_of(planner, relation)->is_folded
                         ? mr_planned_of(planner, relation)->folds + 1
                         : 1;
    planned->is_folded = planned->folds <= FOLDS_MAX;
}

uint32_t mr_plan_sink_of(const mr_planner *planner, const mr_table *table)
{
    for (uint32_t i = 0; i < planner->binder->sinks_count; i++)
        if (planner->binder->sinks[i].table == table)
            return i;
    return UINT32_MAX;
}

/* $errors of a table that the job writes does not make it read the table. */
static void reach_errors(mr_planner *planner, const mr_relation *errors)
{
    mr_planned *table = mr_planned_of(planner, errors->inputs[0]);
    if (table->is_reached || mr_plan_sink_of(planner, errors->table) != UINT32_MAX)
        return;
    table->is_reached = true;
    (void)mr_table_check_source(errors->table, errors->span, planner->diagnostics);
}

static void reach_inputs(mr_planner *planner, const mr_relation *relation)
{
    for (uint32_t j = 0; j < relation->inputs_count; j++) {
        mr_planned *input = mr_planned_of(planner, relation->inputs[j]);
        input->is_reached = true;
        input->readers++;
    }
}

void mr_plan_mark(mr_planner *planner)
{
    const mr_binder *binder = planner->binder;
    for (uint32_t i = 0; i < binder->sinks_count; i++) {
        const mr_relation *input = binder->sinks[i].input;
        mr_planned *planned = mr_planned_of(planner, input);
        planned->is_reached = true;
        planned->readers++;
    }
    for (uint32_t i = binder->relations.count; i-- > 0;) {
        const mr_relation *relation = binder->relations.items[i];
        mr_planned *planned = &planner->planned[i];
        if (!planned->is_reached)
            continue;
        planned->needed = mr_arena_zalloc(planner->arena, relation->columns_count, sizeof(bool));
        if (relation->kind == MR_RELATION_ERRORS)
            reach_errors(planner, relation);
        else
            reach_inputs(planner, relation);
    }
    for (uint32_t i = 0; i < binder->sinks_count; i++)
        for (uint32_t c = 0; c < binder->sinks[i].input->columns_count; c++)
            need(planner, binder->sinks[i].input, c);
    for (uint32_t i = binder->relations.count; i-- > 0;)
        if (planner->planned[i].is_reached) {
            mark_relation(planner, binder->relations.items[i]);
            fold(planner, binder->relations.items[i]);
        }
}
