#include "jobs/plan/binder/query/group.h"

#include "engine/base/buffer.h"
#include "jobs/plan/binder/query/group_window.h"
#include "jobs/plan/binder/query/query.h"
#include "jobs/plan/binder/query/walk.h"
#include "jobs/sql/unparse.h"

#include <string.h>
#include <strings.h>

struct mr_grouping {
    mr_scope rows;
    mr_relation
        *extension; /* PROJECT: the rows' columns and what is computed for the aggregation */
    mr_relation *aggregate;
    uint32_t keys_count;
    uint32_t *keys;            /* columns of the extension */
    const char **keys_text;    /* unparsed; NULL: a plain column */
    const mr_ast_expr *window; /* TUMBLE(ts, ..) and its like in GROUP BY; NULL: none */
};

uint32_t mr_count_aggregates(const mr_ast_expr *ast)
{
    uint32_t count =
        ast->kind == MR_AST_CALL && ast->call.over == NULL && mr_is_aggregate(ast->call.name.text);
    const mr_ast_expr *part;
    for (uint32_t i = 0; (part = mr_ast_part(ast, i)) != NULL; i++)
        count += mr_count_aggregates(part);
    return count;
}

static const char *unparsed(mr_binder *binder, const mr_ast_expr *ast)
{
    mr_buffer text = {0};
    mr_unparse_expr(&text, ast);
    const char *copy = mr_arena_string(binder->arena, text.data, text.length);
    mr_buffer_release(&text);
    return copy;
}

/* The extension's column that holds `expr`, added when it is no plain column. */
static uint32_t column_for(mr_binder *binder, mr_grouping *grouping, const mr_expr *expr)
{
    mr_relation *extension = grouping->extension;
    if (expr->kind == MR_EXPR_COLUMN)
        return expr->column;
    uint32_t own = grouping->rows.relation->columns_count;
    for (uint32_t i = own; i < extension->columns_count; i++)
        if (expr->text != NULL && extension->exprs[i]->text != NULL &&
            strlen(expr->text) < MR_BINDER_TEXT_MAX && /* else cut */
            strcmp(extension->exprs[i]->text, expr->text) == 0)
            return i;
    uint32_t column = extension->columns_count++;
    extension->exprs[column] = expr;
    extension->columns[column] = (mr_relation_column){
        .name = mr_arena_printf(binder->arena, "$%u", column - own), .type = expr->type};
    return column;
}

/* An extension of `rows` with room for `more` columns. */
static mr_relation *extend(mr_binder *binder, const mr_relation *rows, uint32_t more)
{
    mr_relation *input = binder->relations.items[rows->number];
    mr_relation *extension = mr_relation_new(&binder->relations, binder->arena, MR_RELATION_PROJECT,
                                             &input, 1, rows->columns_count + more);
    extension->is_extension = true;
    extension->id = mr_binder_id(binder, "arguments");
    extension->exprs =
        mr_arena_zalloc(binder->arena, extension->columns_count, sizeof *extension->exprs);
    for (uint32_t i = 0; i < rows->columns_count; i++) {
        extension->columns[i] = rows->columns[i];
        if (!mr_role_is_window(rows->columns[i].role))
            extension->exprs[i] = mr_make_column(&binder->resolver, i, rows->columns[i].type);
    }
    extension->columns_count = rows->columns_count;
    return extension;
}

/* Sorts a GROUP BY expression: window column, or key. False: reported. */
static bool add_key(mr_binder *binder, mr_grouping *grouping, const mr_ast_expr *ast,
                    bool has_role[MR_ROLE_PENDING + 1])
{
    if (mr_is_group_window(ast)) {
        grouping->window = ast;
        has_role[MR_ROLE_WINDOW_START] = has_role[MR_ROLE_WINDOW_END] = true;
        return true;
    }
    if (ast->kind == MR_AST_COLUMN) {
        uint32_t i = mr_bind_column(binder, &grouping->rows, &ast->path);
        if (i == UINT32_MAX)
            return false;
        mr_column_role role = grouping->rows.relation->columns[i].role;
        if (mr_role_is_window(role)) {
            has_role[role] = true;
            return true;
        }
    }
    if (ast->kind == MR_AST_NUMBER) {
        mr_diagnostics_report(binder->diagnostics, MR_E_NOT_GROUPED, ast->span,
                              "GROUP BY takes no positions");
        mr_diagnostics_label(binder->diagnostics, "write the expression itself");
        return false;
    }
    mr_expr *expr = mr_bind_expr(binder, &grouping->rows, ast);
    if (expr == NULL)
        return false;
    grouping->keys_text[grouping->keys_count] =
        expr->kind == MR_EXPR_COLUMN ? NULL : unparsed(binder, ast);
    grouping->keys[grouping->keys_count++] = column_for(binder, grouping, expr);
    return true;
}

/* Groupings that have no end: what to say about them. */
static bool refuse_unbounded(mr_binder *binder, const mr_ast_select *select, mr_span span)
{
    mr_diagnostics_report(binder->diagnostics, MR_E_UNBOUNDED_GROUP,
                          select->has_group_by ? select->group_by_span : span,
                          "aggregation without a window is not supported yet");
    mr_diagnostics_hint(binder->diagnostics,
                        "SELECT .. FROM TABLE(TUMBLE(TABLE t, DESCRIPTOR(ts), INTERVAL '1' "
                        "MINUTE)) GROUP BY window_start, window_end, ..");
    return false;
}

static bool check_window(mr_binder *binder, mr_span span, const bool *has_role)
{
    if (has_role[MR_ROLE_WINDOW_START] && has_role[MR_ROLE_WINDOW_END])
        return true;
    const char *missing = has_role[MR_ROLE_WINDOW_START] ? "window_end" : "window_start";
    mr_diagnostics_report(binder->diagnostics, MR_E_WINDOW_GROUP, span,
                          "GROUP BY lacks `%s`: unbounded grouping is not supported yet", missing);
    mr_diagnostics_hint(binder->diagnostics,
                        "GROUP BY window_start, window_end, .. aggregates each window");
    return false;
}

static uint32_t count_select(const mr_ast_select *select)
{
    uint32_t count = select->having != NULL ? mr_count_aggregates(select->having) : 0;
    for (uint32_t i = 0; i < select->items_count; i++)
        count += mr_count_aggregates(select->items[i].expr);
    return count;
}

/* AGGREGATE over the extension: keys and window columns now, aggregates as they are met. */
static void make_aggregate(mr_binder *binder, mr_grouping *grouping, uint32_t aggregates_max)
{
    mr_relation *extension = grouping->extension;
    const mr_window_spec *window = extension->window;
    mr_relation *aggregate =
        mr_relation_new(&binder->relations, binder->arena, MR_RELATION_AGGREGATE, &extension, 1,
                        grouping->keys_count + 3 + aggregates_max);
    uint32_t at = 0;
    for (; at < grouping->keys_count; at++) {
        aggregate->columns[at] = extension->columns[grouping->keys[at]];
        aggregate->columns[at].role = MR_ROLE_NONE;
    }
    mr_type bound = mr_type_not_null(mr_type_time(MR_TYPE_TIMESTAMP, 3));
    mr_type time = mr_type_not_null(
        mr_type_time(window->is_local ? MR_TYPE_TIMESTAMP_LTZ : MR_TYPE_TIMESTAMP, 3));
    aggregate->columns[at++] = (mr_relation_column){.name = "window_start", .type = bound};
    aggregate->columns[at++] = (mr_relation_column){.name = "window_end", .type = bound};
    aggregate->columns[at++] =
        (mr_relation_column){.name = "window_time", .type = time, .role = MR_ROLE_TIME};
    aggregate->columns_count = at;
    aggregate->keys_count = grouping->keys_count;
    aggregate->keys = grouping->keys;
    aggregate->aggregates =
        mr_arena_zalloc(binder->arena, aggregates_max + 1, sizeof *aggregate->aggregates);
    aggregate->id = mr_binder_id(binder, "window");
    grouping->aggregate = aggregate;
}

mr_grouping *mr_group_begin(mr_binder *binder, const mr_scope *rows, const mr_ast_select *select,
                            mr_span span)
{
    if (rows->relation->window == NULL) {
        refuse_unbounded(binder, select, span);
        return NULL;
    }
    uint32_t aggregates = count_select(select), keys = select->group_by.count;
    mr_grouping *grouping = mr_arena_zalloc(binder->arena, 1, sizeof *grouping);
    *grouping = (mr_grouping){.rows = *rows,
                              .keys = mr_arena_zalloc(binder->arena, keys, sizeof(uint32_t)),
                              .keys_text = mr_arena_zalloc(binder->arena, keys, sizeof(char *))};
    grouping->rows.clause = "GROUP BY";
    grouping->extension = extend(binder, rows->relation, keys + 2 * aggregates);
    bool has_role[MR_ROLE_PENDING + 1] = {false}, is_good = true;
    for (uint32_t i = 0; i < keys; i++)
        is_good &= add_key(binder, grouping, select->group_by.items[i], has_role);
    mr_span place = select->has_group_by ? select->group_by_span : span;
    if (!is_good || !check_window(binder, place, has_role) ||
        !mr_bind_session_keys(binder, rows->relation, grouping->keys, grouping->keys_count, place))
        return NULL;
    make_aggregate(binder, grouping, aggregates);
    grouping->aggregate->window = NULL;
    grouping->aggregate->span = place;
    return grouping;
}

mr_relation *mr_group_relation(const mr_grouping *grouping)
{
    return grouping->aggregate;
}

static mr_expr *output(mr_binder *binder, const mr_grouping *grouping, uint32_t column,
                       mr_span span)
{
    return mr_bind_place(
        binder,
        mr_make_column(&binder->resolver, column, grouping->aggregate->columns[column].type), span);
}

static bool bind_grouped_column(mr_binder *binder, const mr_grouping *grouping,
                                const mr_ast_expr *ast, mr_expr **expr)
{
    uint32_t i = mr_bind_column(binder, &grouping->rows, &ast->path);
    if (i == UINT32_MAX)
        return true;
    mr_column_role role = grouping->rows.relation->columns[i].role;
    if (mr_role_is_window(role)) {
        *expr = output(binder, grouping,
                       grouping->keys_count + (uint32_t)(role - MR_ROLE_WINDOW_START), ast->span);
        return true;
    }
    for (uint32_t k = 0; k < grouping->keys_count; k++)
        if (grouping->keys[k] == i) {
            *expr = output(binder, grouping, k, ast->span);
            return true;
        }
    mr_diagnostics_report(binder->diagnostics, MR_E_NOT_GROUPED, ast->span,
                          "column `%s` is neither grouped nor aggregated",
                          ast->path.parts[ast->path.count - 1].text);
    mr_diagnostics_hint(binder->diagnostics, "add it to GROUP BY, or aggregate it: MAX(%s)",
                        ast->path.parts[ast->path.count - 1].text);
    return true;
}

bool mr_group_bind(mr_binder *binder, const mr_scope *scope, const mr_ast_expr *ast, mr_expr **expr)
{
    const mr_grouping *grouping = scope->grouping;
    *expr = NULL;
    if (ast->kind == MR_AST_COLUMN)
        return bind_grouped_column(binder, grouping, ast, expr);
    mr_column_role role;
    if (mr_group_window_part(binder, grouping->window, ast, &role)) {
        if (role != MR_ROLE_NONE)
            *expr =
                output(binder, grouping,
                       grouping->keys_count + (uint32_t)(role - MR_ROLE_WINDOW_START), ast->span);
        return true;
    }
    const char *text = NULL;
    for (uint32_t k = 0; k < grouping->keys_count; k++) {
        if (grouping->keys_text[k] == NULL)
            continue;
        if (text == NULL)
            text = unparsed(binder, ast);
        if (strcmp(grouping->keys_text[k], text) == 0) {
            *expr = output(binder, grouping, k, ast->span);
            return true;
        }
    }
    return false;
}

static bool check_arguments(mr_binder *binder, const mr_ast_expr *ast,
                            mr_aggregate_function function)
{
    const mr_ast_call *call = &ast->call;
    const char *problem = NULL;
    if (call->is_star && function != MR_FUNCTION_COUNT)
        problem = "only COUNT takes `*`";
    else if (!call->is_star && call->args.count != 1)
        problem = "an aggregate takes one argument";
    if (problem == NULL)
        return true;
    mr_diagnostics_report(binder->diagnostics, MR_E_AGGREGATE, ast->span, "%s", problem);
    return false;
}

/* Argument and filter become columns. False: reported. */
static bool bind_inputs(mr_binder *binder, mr_grouping *grouping, const mr_ast_expr *ast,
                        mr_relation_aggregate *to)
{
    const mr_ast_call *call = &ast->call;
    mr_scope scope = grouping->rows;
    scope.clause = "an aggregate";
    if (!call->is_star) {
        mr_expr *arg = mr_bind_expr(binder, &scope, call->args.items[0]);
        if (arg == NULL)
            return false;
        if (!mr_aggregate_type(&binder->resolver, call->name.text, arg->type, &to->result_type)) {
            mr_bind_refused(binder, NULL, 0, call->args.items[0]->span);
            return false;
        }
        bool is_count_of_all = to->function == MR_FUNCTION_COUNT && !to->is_distinct &&
                               arg->kind == MR_EXPR_CONSTANT && !arg->value.is_null;
        to->argument_type = arg->type;
        to->argument = is_count_of_all ? -1 : (int32_t)column_for(binder, grouping, arg);
    }
    if (call->filter != NULL) {
        scope.clause = "FILTER";
        mr_expr *filter = mr_bind_condition(binder, &scope, call->filter);
        if (filter == NULL)
            return false;
        to->filter = (int32_t)column_for(binder, grouping, filter);
    }
    return true;
}

mr_expr *mr_group_bind_aggregate(mr_binder *binder, mr_grouping *grouping, const mr_ast_expr *ast,
                                 mr_aggregate_function function)
{
    mr_relation *aggregate = grouping->aggregate;
    mr_relation_aggregate made = {.function = function,
                                  .is_distinct = ast->call.is_distinct &&
                                                 function != MR_FUNCTION_MIN &&
                                                 function != MR_FUNCTION_MAX,
                                  .argument = -1,
                                  .filter = -1,
                                  .argument_type = mr_type_of(MR_TYPE_NULL),
                                  .result_type = mr_type_not_null(mr_type_of(MR_TYPE_BIGINT))};
    if (!check_arguments(binder, ast, function) || !bind_inputs(binder, grouping, ast, &made))
        return NULL;
    uint32_t first = grouping->keys_count + 3;
    for (uint32_t i = 0; i < aggregate->aggregates_count; i++) {
        const mr_relation_aggregate *known = &aggregate->aggregates[i];
        if (known->function == made.function && known->is_distinct == made.is_distinct &&
            known->argument == made.argument && known->filter == made.filter)
            return output(binder, grouping, first + i, ast->span);
    }
    uint32_t at = aggregate->aggregates_count++;
    aggregate->aggregates[at] = made;
    mr_buffer text = {0};
    mr_unparse_expr(&text, ast);
    aggregate->columns[first + at] = (mr_relation_column){
        .name = mr_arena_string(binder->arena, text.data, text.length), .type = made.result_type};
    mr_buffer_release(&text);
    aggregate->columns_count = first + at + 1;
    return output(binder, grouping, first + at, ast->span);
}

void mr_group_end(mr_binder *binder, mr_grouping *grouping)
{
    static const char *const shapes[] = {"TUMBLE", "HOP", "CUMULATE", "SESSION"};
    static const char *const functions[] = {"COUNT", "SUM", "MIN", "MAX", "AVG"};
    const mr_relation *aggregate = grouping->aggregate;
    const mr_relation *extension = grouping->extension;
    const mr_window_spec *window = extension->window;
    mr_buffer text = {0};
    mr_buffer_printf(&text, "%s(%s, ", shapes[window->shape], window->time_name);
    if (window->shape == MR_SHAPE_HOP || window->shape == MR_SHAPE_CUMULATE)
        mr_buffer_printf(&text, "%lld ms, ", (long long)window->slide_ms);
    mr_buffer_printf(&text, "%lld ms", (long long)window->size_ms);
    if (window->offset_ms != 0)
        mr_buffer_printf(&text, ", offset %lld ms", (long long)window->offset_ms);
    mr_buffer_printf(&text, ")");
    for (uint32_t i = 0; i < grouping->keys_count; i++) {
        const mr_expr *key = extension->exprs[grouping->keys[i]];
        mr_buffer_printf(
            &text, "%s%s", i == 0 ? " by " : ", ",
            key->kind == MR_EXPR_COLUMN || key->text == NULL
                ? mr_relation_column_name(&extension->columns[grouping->keys[i]], binder->arena)
                : key->text);
    }
    for (uint32_t i = 0; i < aggregate->aggregates_count; i++) {
        const mr_relation_aggregate *a = &aggregate->aggregates[i];
        const mr_expr *arg = a->argument >= 0 ? extension->exprs[a->argument] : NULL;
        mr_buffer_printf(
            &text, "%s%s(%s%s)%s", i == 0 ? ": " : ", ", functions[a->function],
            a->is_distinct ? "DISTINCT " : "",
            arg == NULL ? "*"
            : arg->kind == MR_EXPR_COLUMN
                ? mr_relation_column_name(&extension->columns[a->argument], binder->arena)
            : arg->text != NULL ? arg->text
                                : "..",
            a->filter >= 0 ? " filtered" : "");
    }
    grouping->aggregate->details = mr_arena_string(binder->arena, text.data, text.length);
    mr_buffer_release(&text);
}
