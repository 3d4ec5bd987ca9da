#include "jobs/explain/explanation.h"

#include "engine/base/assert.h"
#include "engine/base/buffer.h"
#include "engine/expr/value.h"
#include "engine/run/late.h"
#include "operators/join/interval_join.h"
#include "operators/rank/deduplicate.h"
#include "operators/rows/project.h"
#include "operators/window/session_aggregate.h"

#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static void explain_stage(mr_explanation *explanation, uint32_t stage)
{
    const mr_plan *job = explanation->plan, *plan = mr_plan_stage(job, stage);
    mr_part *sources = explanation->parts + plan->first_source;
    mr_part *nodes = explanation->parts + job->sources_count + plan->first_node;
    mr_part *sinks = explanation->parts + job->sources_count + job->nodes_count + plan->first_sink;
    mr_part made = {
        .plan = plan, .stage = stage, .inputs_plan = plan, .facts = {.arena = &explanation->arena}};
    for (made.index = 0; made.index < plan->sources_count; made.index++) {
        bool is_exchange = plan->sources[made.index].exchange != NULL;
        made.role = is_exchange ? MR_PART_IS_EXCHANGE : MR_PART_IS_SOURCE;
        sources[made.index] = made;
        (is_exchange ? mr_explain_exchange : mr_explain_source)(explanation, &sources[made.index]);
    }
    made.role = MR_PART_IS_NODE;
    for (made.index = 0; made.index < plan->nodes_count; made.index++) {
        nodes[made.index] = made;
        mr_explain_node(explanation, &nodes[made.index]);
    }
    for (made.index = 0; made.index < plan->sinks_count; made.index++) {
        bool is_outlet = plan->sinks[made.index].exchange != NULL;
        made.role = is_outlet ? MR_PART_IS_OUTLET : MR_PART_IS_SINK;
        sinks[made.index] = made;
        sinks[made.index].name = plan->sinks[made.index].table;
        if (!is_outlet)
            mr_explain_sink(explanation, &sinks[made.index]);
    }
}

void mr_explanation_init(mr_explanation *explanation, const mr_plan *plan)
{
    *explanation = (mr_explanation){.plan = plan};
    mr_arena *arena = &explanation->arena;
    explanation->facts.arena = arena;
    explanation->parts_count = plan->sources_count + plan->nodes_count + plan->sinks_count;
    explanation->parts = mr_arena_zalloc(arena, explanation->parts_count + 1, sizeof(mr_part));
    for (uint32_t k = 0; k < mr_plan_stages(plan); k++)
        explain_stage(explanation, k);
    mr_explain_job(explanation);
}

void mr_explanation_release(mr_explanation *explanation)
{
    mr_arena_release(&explanation->arena);
}

uint32_t mr_explanation_input(const mr_explanation *explanation, const mr_part *part,
                              uint32_t input)
{
    const mr_plan *job = explanation->plan, *plan = part->inputs_plan;
    mr_origin origin = part->inputs[input];
    switch (origin.kind) {
    case MR_ORIGIN_SOURCE_ROWS:
    case MR_ORIGIN_SOURCE_PARTIALS:
    case MR_ORIGIN_SOURCE_ERRORS: break;
    case MR_ORIGIN_NODE_ROWS:
    case MR_ORIGIN_NODE_RAW:
    case MR_ORIGIN_NODE_LATE: return job->sources_count + plan->first_node + origin.index;
    case MR_ORIGIN_SINK_ERRORS:
        return job->sources_count + job->nodes_count + plan->first_sink + origin.index;
    }
    return plan->first_source + origin.index;
}

const char *mr_part_role_name(mr_part_role role)
{
    static const char *const names[] = {"source", "node", "sink", "exchange", "outlet"};
    return names[role];
}

const char *mr_origin_label(mr_origin origin)
{
    switch (origin.kind) {
    case MR_ORIGIN_SOURCE_ERRORS:
    case MR_ORIGIN_SINK_ERRORS: return ", errors";
    case MR_ORIGIN_NODE_LATE: return ", late rows";
    case MR_ORIGIN_NODE_RAW: return ", raw rows";
    case MR_ORIGIN_SOURCE_PARTIALS: return ", aggregated before";
    case MR_ORIGIN_SOURCE_ROWS:
    case MR_ORIGIN_NODE_ROWS: break;
    }
    return "";
}

/* ---- facts ---- */

static void add(mr_facts *facts, const char *name, bool is_warning, const char *format,
                va_list args)
{
    char *text = NULL;
    MR_ASSERT(facts->count < MR_FACTS_MAX);
    int length = vasprintf(&text, format, args);
    MR_ASSERT(length >= 0);
    facts->items[facts->count++] =
        (mr_fact){.name = name,
                  .text = mr_arena_string(facts->arena, text, (size_t)length),
                  .is_warning = is_warning};
    free(text);
}

void mr_fact_add(mr_facts *facts, const char *name, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    add(facts, name, false, format, args);
    va_end(args);
}

void mr_fact_warn(mr_facts *facts, const char *name, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    add(facts, name, true, format, args);
    va_end(args);
}

/* ---- schemas ---- */

static void put_column(uint32_t column, mr_schema columns, mr_buffer *to)
{
    if (column < columns.columns_count)
        mr_buffer_printf(to, "%s", columns.columns[column].name);
    else
        mr_buffer_printf(to, "#%" PRIu32, column);
}

/* ---- expressions ---- */

static void put_expr(const mr_expr *expr, mr_schema columns, mr_buffer *to)
{
    static const char *const names[] = {[MR_EXPR_AND] = "AND",
                                        [MR_EXPR_OR] = "OR",
                                        [MR_EXPR_CASE] = "CASE",
                                        [MR_EXPR_COALESCE] = "COALESCE"};
    if (expr->kind == MR_EXPR_COLUMN) {
        put_column(expr->column, columns, to);
        return;
    }
    if (expr->text != NULL) {
        mr_buffer_printf(to, "%s", expr->text);
        return;
    }
    if (expr->kind == MR_EXPR_CONSTANT) {
        mr_value_print(expr->type, &expr->value, to);
        return;
    }
    mr_buffer_printf(to, "%s(",
                     expr->kind == MR_EXPR_CALL ? expr->function->name : names[expr->kind]);
    for (uint32_t i = 0; i < expr->args_count; i++) {
        mr_buffer_printf(to, i > 0 ? ", " : "");
        put_expr(expr->args[i], columns, to);
    }
    mr_buffer_printf(to, ")");
}

const char *mr_explain_expr(const mr_expr *expr, mr_schema columns, mr_arena *arena)
{
    mr_buffer text = {0};
    put_expr(expr, columns, &text);
    const char *copy = mr_arena_string(arena, text.data, text.length);
    mr_buffer_release(&text);
    return copy;
}

/* The expression that a projection computed a column by; NULL: the column was there before. */
static const mr_expr *made_by(const mr_plan *plan, mr_origin origin, uint32_t column)
{
    const mr_plan_node *node = &plan->nodes[origin.index];
    if (origin.kind != MR_ORIGIN_NODE_ROWS || node->class != &mr_project_class)
        return NULL;
    const mr_expr *expr = ((const mr_project_config *)node->config)->columns[column];
    return expr->kind != MR_EXPR_COLUMN ? expr : NULL;
}

const char *mr_explain_columns(const mr_plan *plan, mr_origin origin, const uint32_t *list,
                               uint32_t count, mr_arena *arena)
{
    mr_schema columns = mr_plan_schema(plan, origin, arena);
    mr_buffer text = {0};
    for (uint32_t i = 0; i < count; i++) {
        const mr_expr *expr = made_by(plan, origin, list[i]);
        mr_buffer_printf(&text, i > 0 ? ", " : "");
        if (expr != NULL)
            put_expr(expr, mr_plan_schema(plan, plan->nodes[origin.index].inputs[0], arena), &text);
        else
            put_column(list[i], columns, &text);
    }
    const char *copy = mr_arena_string(arena, text.length > 0 ? text.data : "", text.length);
    mr_buffer_release(&text);
    return copy;
}

const char *mr_explain_duration(int64_t ms, mr_arena *arena)
{
    static const struct {
        int64_t ms;
        const char *name;
    } units[] = {{86400000, "d"}, {3600000, "h"}, {60000, "min"}, {1000, "s"}};
    for (size_t i = 0; i < sizeof units / sizeof *units && ms != 0; i++)
        if (ms % units[i].ms == 0)
            return mr_arena_printf(arena, "%" PRId64 " %s", ms / units[i].ms, units[i].name);
    return mr_arena_printf(arena, "%" PRId64 " ms", ms);
}

/* ---- errors and readers ---- */

const char *mr_explain_errors(const mr_errors_policy *policy, mr_arena *arena)
{
    const char *text = "";
    switch (policy->mode) {
    case MR_ERRORS_LOG: text = "counted and sampled in the log"; break;
    case MR_ERRORS_DLQ:
        text = mr_arena_printf(arena, "to the dead letter topic `%s`", policy->dlq_topic);
        break;
    case MR_ERRORS_FAIL: text = "stop the job"; break;
    case MR_ERRORS_IGNORE: text = "counted, not shown"; break;
    }
    if (policy->budget_rows == 0)
        return text;
    return mr_arena_printf(arena, "%s; the job stops when more than %g %% of %" PRIu32 " rows died",
                           text, policy->budget_share * 100, policy->budget_rows);
}

static bool same_origin(mr_origin a, mr_origin b)
{
    return a.kind == b.kind && a.index == b.index;
}

const char *mr_explain_readers(const mr_plan *plan, mr_origin origin, mr_arena *arena)
{
    bool *is_reached = mr_arena_zalloc(arena, plan->nodes_count + 1, sizeof(bool));
    const char *names = NULL;
    for (uint32_t n = 0; n < plan->nodes_count; n++)
        for (uint32_t i = 0; i < plan->nodes[n].inputs_count; i++) {
            mr_origin input = plan->nodes[n].inputs[i];
            is_reached[n] |= same_origin(input, origin) ||
                             (input.kind == MR_ORIGIN_NODE_ROWS && is_reached[input.index]);
        }
    for (uint32_t s = 0; s < plan->sinks_count; s++) {
        mr_origin input = plan->sinks[s].input;
        if (!same_origin(input, origin) &&
            !(input.kind == MR_ORIGIN_NODE_ROWS && is_reached[input.index]))
            continue;
        names = mr_arena_printf(arena, "%s%s`%s`", names != NULL ? names : "",
                                names != NULL ? ", " : "", plan->sinks[s].table);
    }
    return names;
}

bool mr_explain_is_keyed(const mr_plan_node *node)
{
    return mr_class_aggregates_windows(node->class) || node->class == &mr_deduplicate_class ||
           node->class == &mr_interval_join_class;
}
