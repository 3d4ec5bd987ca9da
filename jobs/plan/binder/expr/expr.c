#include "jobs/plan/binder/expr/literal.h"
#include "jobs/plan/binder/expr/scope.h"
#include "jobs/plan/binder/query/group.h"

#include <stdio.h>
#include <string.h>

/* Arguments being bound; all of them are, so that one run reports many errors. */
typedef struct arguments {
    mr_expr **items;
    mr_span *spans;
    uint32_t count;
    bool is_bad;
} arguments;

static arguments arguments_new(mr_binder *binder, uint32_t room)
{
    return (arguments){.items = mr_arena_zalloc(binder->arena, room, sizeof(mr_expr *)),
                       .spans = mr_arena_zalloc(binder->arena, room, sizeof(mr_span))};
}

static void add(arguments *to, mr_expr *expr, mr_span span)
{
    to->is_bad |= expr == NULL;
    to->items[to->count] = expr;
    to->spans[to->count++] = span;
}

static void bind_into(mr_binder *binder, const mr_scope *scope, const mr_ast_expr *ast,
                      arguments *to)
{
    add(to, mr_bind_expr(binder, scope, ast), ast->span);
}

static mr_expr *finish(mr_binder *binder, const char *name, const arguments *args, mr_span span)
{
    if (args->is_bad)
        return NULL;
    return mr_bind_named(binder, name, args->items, args->count, args->spans, span);
}

static mr_expr *unsupported(mr_binder *binder, mr_span span, const char *what, const char *hint)
{
    mr_diagnostics_report(binder->diagnostics, MR_E_UNSUPPORTED_EXPRESSION, span,
                          "%s not supported yet", what);
    if (hint != NULL)
        mr_diagnostics_hint(binder->diagnostics, "%s", hint);
    return NULL;
}

static mr_expr *bind_rows_column(mr_binder *binder, const mr_scope *scope, const mr_ast_expr *ast)
{
    uint32_t i = mr_bind_column(binder, scope, &ast->path);
    if (i == UINT32_MAX)
        return NULL;
    const mr_relation_column *column = &scope->relation->columns[i];
    if (mr_role_is_window(column->role)) {
        mr_diagnostics_report(binder->diagnostics, MR_E_WINDOW_COLUMN, ast->span,
                              "`%s` has no value before the window aggregation", column->name);
        mr_diagnostics_hint(binder->diagnostics,
                            "GROUP BY window_start, window_end first, then filter or compute");
        return NULL;
    }
    if (column->role == MR_ROLE_RANK) {
        mr_diagnostics_report(binder->diagnostics, MR_E_RANK, ast->span,
                              "a ROW_NUMBER() may only be compared with 1 in WHERE");
        mr_diagnostics_hint(binder->diagnostics, "WHERE %s = 1 keeps the first row of each key",
                            column->name);
        return NULL;
    }
    if (column->role == MR_ROLE_PENDING) {
        mr_diagnostics_report(binder->diagnostics, MR_E_COMPUTED_COLUMN, ast->span,
                              "a computed column may not use another one, as `%s` is",
                              column->name);
        return NULL;
    }
    return mr_bind_place(binder, mr_make_column(&binder->resolver, i, column->type), ast->span);
}

static mr_expr *bind_unary(mr_binder *binder, const mr_scope *scope, const mr_ast_expr *ast)
{
    static const char *const names[] = {
        [MR_AST_NOT] = "NOT", [MR_AST_NEGATE] = "-", [MR_AST_PLUS] = "+"};
    arguments args = arguments_new(binder, 1);
    bind_into(binder, scope, ast->unary.arg, &args);
    return finish(binder, names[ast->unary.op], &args, ast->span);
}

static mr_expr *bind_binary(mr_binder *binder, const mr_scope *scope, const mr_ast_expr *ast)
{
    arguments args = arguments_new(binder, 2);
    bind_into(binder, scope, ast->binary.left, &args);
    bind_into(binder, scope, ast->binary.right, &args);
    return finish(binder, mr_ast_operator_name(ast->binary.op), &args, ast->span);
}

static mr_expr *bind_list(mr_binder *binder, const mr_scope *scope, const mr_ast_expr *ast)
{
    arguments args = arguments_new(binder, ast->list.count);
    for (uint32_t i = 0; i < ast->list.count; i++)
        bind_into(binder, scope, ast->list.items[i], &args);
    return finish(binder, ast->kind == MR_AST_AND ? "AND" : "OR", &args, ast->span);
}

static mr_expr *bind_is(mr_binder *binder, const mr_scope *scope, const mr_ast_expr *ast)
{
    static const char *const names[][2] = {{"IS NULL", "IS NOT NULL"},
                                           {"IS TRUE", "IS NOT TRUE"},
                                           {"IS FALSE", "IS NOT FALSE"},
                                           {"IS UNKNOWN", "IS NOT UNKNOWN"}};
    arguments args = arguments_new(binder, 1);
    bind_into(binder, scope, ast->is.arg, &args);
    return finish(binder, names[ast->is.what][ast->is.is_not], &args, ast->span);
}

static mr_expr *bind_between(mr_binder *binder, const mr_scope *scope, const mr_ast_expr *ast)
{
    char name[32];
    snprintf(name, sizeof name, "%sBETWEEN%s", ast->between.is_not ? "NOT " : "",
             ast->between.is_symmetric ? " SYMMETRIC" : "");
    arguments args = arguments_new(binder, 3);
    bind_into(binder, scope, ast->between.arg, &args);
    bind_into(binder, scope, ast->between.low, &args);
    bind_into(binder, scope, ast->between.high, &args);
    return finish(binder, name, &args, ast->span);
}

static mr_expr *bind_like(mr_binder *binder, const mr_scope *scope, const mr_ast_expr *ast)
{
    if (ast->like.is_similar)
        return unsupported(binder, ast->span, "SIMILAR TO is", "LIKE is");
    arguments args = arguments_new(binder, 3);
    bind_into(binder, scope, ast->like.arg, &args);
    bind_into(binder, scope, ast->like.pattern, &args);
    if (ast->like.escape != NULL)
        bind_into(binder, scope, ast->like.escape, &args);
    return finish(binder, ast->like.is_not ? "NOT LIKE" : "LIKE", &args, ast->span);
}

static mr_expr *bind_in(mr_binder *binder, const mr_scope *scope, const mr_ast_expr *ast)
{
    if (ast->in.query != NULL)
        return unsupported(binder, ast->span, "IN (SELECT ..) is", "a list IN (1, 2) is");
    arguments args = arguments_new(binder, ast->in.list.count + 1);
    bind_into(binder, scope, ast->in.arg, &args);
    for (uint32_t i = 0; i < ast->in.list.count; i++)
        bind_into(binder, scope, ast->in.list.items[i], &args);
    return finish(binder, ast->in.is_not ? "NOT IN" : "IN", &args, ast->span);
}

/* One WHEN: of `CASE x WHEN y` the comparison x = y. */
static void bind_when(mr_binder *binder, const mr_scope *scope, const mr_ast_expr *ast,
                      const mr_ast_expr *when, arguments *to)
{
    if (ast->cases.arg == NULL) {
        bind_into(binder, scope, when, to);
        return;
    }
    arguments sides = arguments_new(binder, 2);
    bind_into(binder, scope, ast->cases.arg, &sides);
    bind_into(binder, scope, when, &sides);
    add(to, finish(binder, "=", &sides, when->span), when->span);
}

static mr_expr *bind_case(mr_binder *binder, const mr_scope *scope, const mr_ast_expr *ast)
{
    arguments args = arguments_new(binder, ast->cases.whens_count * 2 + 1);
    for (uint32_t i = 0; i < ast->cases.whens_count; i++) {
        bind_when(binder, scope, ast, ast->cases.whens[i].when, &args);
        bind_into(binder, scope, ast->cases.whens[i].then, &args);
    }
    if (ast->cases.otherwise != NULL)
        bind_into(binder, scope, ast->cases.otherwise, &args);
    return finish(binder, "CASE", &args, ast->span);
}

static mr_expr *bind_cast(mr_binder *binder, const mr_scope *scope, const mr_ast_expr *ast)
{
    mr_type type;
    mr_expr *arg = mr_bind_expr(binder, scope, ast->cast.arg);
    if (!mr_bind_type(binder, ast->cast.type, &type) || arg == NULL)
        return NULL;
    mr_expr *expr = mr_make_cast(&binder->resolver, arg, type, ast->cast.is_try);
    if (expr == NULL)
        return mr_bind_refused(binder, NULL, 0, ast->span);
    return mr_bind_place(binder, expr, ast->span);
}

/* INTERVAL a DAY is a times one day; (a - b) DAY TO SECOND a difference. */
static mr_expr *bind_interval(mr_binder *binder, const mr_scope *scope, const mr_ast_expr *ast)
{
    const mr_ast_interval *interval = &ast->interval;
    if (interval->expr == NULL)
        return mr_bind_place(binder, mr_bind_interval(binder, interval), ast->span);
    arguments args = arguments_new(binder, 3);
    bind_into(binder, scope, interval->expr, &args);
    if (interval->minus != NULL) {
        bind_into(binder, scope, interval->minus, &args);
        const char *lane = interval->is_months ? "MONTH" : "SECOND";
        add(&args, mr_make_string(&binder->resolver, lane, (uint32_t)strlen(lane)), ast->span);
        return finish(binder, "MINUS_INTERVAL", &args, ast->span);
    }
    mr_ast_interval one = {.is_months = interval->is_months};
    switch (interval->unit) {
    case MR_AST_UNIT_YEAR: one.months = 12; break;
    case MR_AST_UNIT_QUARTER: one.months = 3; break;
    case MR_AST_UNIT_MONTH: one.months = 1; break;
    case MR_AST_UNIT_WEEK: one.microseconds = INT64_C(604800000000); break;
    case MR_AST_UNIT_DAY: one.microseconds = INT64_C(86400000000); break;
    case MR_AST_UNIT_HOUR: one.microseconds = INT64_C(3600000000); break;
    case MR_AST_UNIT_MINUTE: one.microseconds = 60000000; break;
    default: one.microseconds = 1000000; break;
    }
    add(&args, mr_bind_interval(binder, &one), ast->span);
    return finish(binder, "*", &args, ast->span);
}

static mr_expr *bind_kind(mr_binder *binder, const mr_scope *scope, const mr_ast_expr *ast)
{
    switch (ast->kind) {
    case MR_AST_COLUMN: return bind_rows_column(binder, scope, ast);
    case MR_AST_INTERVAL: return bind_interval(binder, scope, ast);
    case MR_AST_AND:
    case MR_AST_OR: return bind_list(binder, scope, ast);
    case MR_AST_UNARY: return bind_unary(binder, scope, ast);
    case MR_AST_BINARY: return bind_binary(binder, scope, ast);
    case MR_AST_IS: return bind_is(binder, scope, ast);
    case MR_AST_BETWEEN: return bind_between(binder, scope, ast);
    case MR_AST_LIKE: return bind_like(binder, scope, ast);
    case MR_AST_IN: return bind_in(binder, scope, ast);
    case MR_AST_CASE: return bind_case(binder, scope, ast);
    case MR_AST_CAST: return bind_cast(binder, scope, ast);
    case MR_AST_CALL: return mr_bind_call(binder, scope, ast);
    case MR_AST_STAR:
        mr_diagnostics_report(binder->diagnostics, MR_E_UNSUPPORTED_EXPRESSION, ast->span,
                              "`*` may stand in a SELECT list and in COUNT(*) only");
        return NULL;
    case MR_AST_EXISTS: return unsupported(binder, ast->span, "EXISTS is", NULL);
    case MR_AST_SUBQUERY: return unsupported(binder, ast->span, "scalar subqueries are", NULL);
    case MR_AST_ROW: return unsupported(binder, ast->span, "ROW values are", NULL);
    case MR_AST_ARRAY:
    case MR_AST_INDEX: return unsupported(binder, ast->span, "arrays are", NULL);
    case MR_AST_MAP: return unsupported(binder, ast->span, "maps are", NULL);
    case MR_AST_FIELD:
        return unsupported(binder, ast->span, "fields of computed rows are",
                           "fields of ROW columns are: a.b.c");
    case MR_AST_NAMED:
        return unsupported(binder, ast->span, "named arguments of functions are", NULL);
    default: return mr_bind_place(binder, mr_bind_literal(binder, ast), ast->span);
    }
}

mr_expr *mr_bind_expr(mr_binder *binder, const mr_scope *scope, const mr_ast_expr *ast)
{
    if (scope->grouping != NULL) {
        mr_expr *grouped = NULL;
        if (mr_group_bind(binder, scope, ast, &grouped))
            return grouped;
    }
    return bind_kind(binder, scope, ast);
}

mr_expr *mr_bind_condition(mr_binder *binder, const mr_scope *scope, const mr_ast_expr *ast)
{
    mr_expr *expr = mr_bind_expr(binder, scope, ast);
    if (expr == NULL || expr->type.kind == MR_TYPE_BOOLEAN)
        return expr;
    if (expr->type.kind == MR_TYPE_NULL)
        return mr_make_null(&binder->resolver, mr_type_of(MR_TYPE_BOOLEAN));
    char name[MR_TYPE_NAME_MAX];
    mr_diagnostics_report(binder->diagnostics, MR_E_CONDITION_TYPE, ast->span,
                          "%s needs a BOOLEAN, this is %s", scope->clause,
                          mr_type_name(expr->type, name, sizeof name));
    return NULL;
}
