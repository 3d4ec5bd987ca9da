/* The conditions of one join: keys, bounds in time, and the rest. */
#include "jobs/plan/binder/query/join.h"

#include <string.h>

#define US_PER_MS INT64_C(1000)

/* A time attribute plus a constant. */
typedef struct time_form {
    uint32_t column;
    int64_t us;
    mr_span span; /* of the column */
} time_form;

/* What is being collected. */
typedef struct sorting {
    mr_binder *binder;
    const mr_scope *all;
    const mr_join_place *place;
    mr_join_terms *terms;
    bool has_times, has_lower, has_upper, is_bad;
    bool has_months;
    mr_span months_span;
    bool has_plain; /* a comparison of times that are no attributes */
    uint32_t plain_column;
    mr_span plain_span;
} sorting;

mr_expr *mr_join_shift(mr_binder *binder, const mr_expr *expr, uint32_t base)
{
    mr_expr *copy = mr_arena_copy(binder->arena, expr, sizeof *expr);
    if (expr->kind == MR_EXPR_COLUMN)
        copy->column -= base;
    if (expr->args_count == 0)
        return copy;
    const mr_expr **args = mr_arena_zalloc(binder->arena, expr->args_count, sizeof *args);
    for (uint32_t i = 0; i < expr->args_count; i++)
        args[i] = mr_join_shift(binder, expr->args[i], base);
    copy->args = args;
    return copy;
}

const mr_expr *mr_join_all_of(mr_binder *binder, const mr_join_parts *parts, uint32_t base)
{
    mr_expr **exprs = mr_arena_zalloc(binder->arena, parts->count, sizeof *exprs);
    const char *text = NULL;
    for (uint32_t i = 0; i < parts->count; i++) {
        exprs[i] = mr_join_shift(binder, parts->items[i].expr, base);
        const char *own = exprs[i]->text != NULL
                              ? exprs[i]->text
                              : mr_binder_text(binder, parts->items[i].ast->span);
        text = text == NULL ? own : mr_arena_printf(binder->arena, "%s AND %s", text, own);
    }
    if (parts->count < 2)
        return parts->count == 0 ? NULL : exprs[0];
    mr_expr *all = mr_make_call(&binder->resolver, "AND", exprs, parts->count);
    if (all != NULL)
        all->text = text;
    return all;
}

const char *mr_join_column_text(mr_binder *binder, const mr_scope *all, uint32_t column)
{
    const char *name = mr_relation_column_name(&all->relation->columns[column], binder->arena);
    for (uint32_t p = 0; p < all->parts_count; p++) {
        const mr_scope_part *part = &all->parts[p];
        if (column >= part->first && column < part->first + part->count && part->alias != NULL)
            return mr_arena_printf(binder->arena, "%s.%s", part->alias, name);
    }
    return name;
}

/* ---- bounds in time ---- */

static bool read_interval(sorting *s, const mr_ast_expr *ast, int64_t *us)
{
    if (ast->kind != MR_AST_INTERVAL || ast->interval.expr != NULL)
        return false;
    if (ast->interval.is_months) {
        s->has_months = true;
        s->months_span = ast->span;
        return false;
    }
    *us = ast->interval.microseconds;
    return true;
}

static bool read_form(sorting *s, const mr_scope *scope, const mr_ast_expr *ast, time_form *form)
{
    int64_t us = 0;
    if (ast->kind == MR_AST_COLUMN) {
        uint32_t i = mr_find_column(scope, &ast->path);
        if (i == UINT32_MAX || !mr_type_is_timestamp(s->all->relation->columns[i].type))
            return false;
        *form = (time_form){.column = i, .span = ast->span};
        return true;
    }
    if (ast->kind != MR_AST_BINARY ||
        (ast->binary.op != MR_AST_ADD && ast->binary.op != MR_AST_SUBTRACT))
        return false;
    bool is_minus = ast->binary.op == MR_AST_SUBTRACT;
    if (read_interval(s, ast->binary.right, &us)) {
        if (!read_form(s, scope, ast->binary.left, form))
            return false;
    } else if (is_minus || !read_interval(s, ast->binary.left, &us) ||
               !read_form(s, scope, ast->binary.right, form)) {
        return false;
    }
    return !(is_minus ? __builtin_sub_overflow(form->us, us, &form->us)
                      : __builtin_add_overflow(form->us, us, &form->us));
}

static int64_t floor_ms(int64_t us)
{
    return us / US_PER_MS - (us % US_PER_MS < 0);
}

static int64_t ceil_ms(int64_t us)
{
    return us / US_PER_MS + (us % US_PER_MS > 0);
}

static void raise_lower(sorting *s, int64_t ms)
{
    if (!s->has_lower || ms > s->terms->lower_ms)
        s->terms->lower_ms = ms;
    s->has_lower = true;
}

static void sink_upper(sorting *s, int64_t ms)
{
    if (!s->has_upper || ms < s->terms->upper_ms)
        s->terms->upper_ms = ms;
    s->has_upper = true;
}

/* left - right OP us; times of attributes are whole ms. */
static void bound(sorting *s, mr_ast_operator op, int64_t us)
{
    switch (op) {
    case MR_AST_LESS: sink_upper(s, ceil_ms(us) - 1); break;
    case MR_AST_LESS_EQUAL: sink_upper(s, floor_ms(us)); break;
    case MR_AST_GREATER: raise_lower(s, floor_ms(us) + 1); break;
    case MR_AST_GREATER_EQUAL: raise_lower(s, ceil_ms(us)); break;
    default:
        raise_lower(s, ceil_ms(us));
        sink_upper(s, floor_ms(us));
        break;
    }
}

static mr_ast_operator flipped(mr_ast_operator op)
{
    switch (op) {
    case MR_AST_LESS: return MR_AST_GREATER;
    case MR_AST_LESS_EQUAL: return MR_AST_GREATER_EQUAL;
    case MR_AST_GREATER: return MR_AST_LESS;
    case MR_AST_GREATER_EQUAL: return MR_AST_LESS_EQUAL;
    default: return op;
    }
}

static bool check_kinds(sorting *s, const time_form *a, const time_form *b)
{
    const mr_relation_column *columns = s->all->relation->columns;
    if (s->is_bad || columns[a->column].type.kind == columns[b->column].type.kind)
        return !s->is_bad;
    mr_diagnostics_report(s->binder->diagnostics, MR_E_JOIN_TIME, mr_span_join(a->span, b->span),
                          "one of these time attributes is TIMESTAMP, the other TIMESTAMP_LTZ");
    mr_diagnostics_hint(s->binder->diagnostics,
                        "both tables need a time column of one kind: a computed column may CAST");
    s->is_bad = true;
    return false;
}

/* Takes `left OP right` when it bounds the two times of the join; false: it does not. */
static bool take_bound(sorting *s, const mr_scope *scope, mr_ast_operator op,
                       const mr_ast_expr *left, const mr_ast_expr *right)
{
    time_form a, b;
    if (!read_form(s, scope, left, &a) || !read_form(s, scope, right, &b))
        return false;
    if (a.column >= s->place->right) {
        time_form swapped = a;
        a = b;
        b = swapped;
        op = flipped(op);
    }
    if (a.column >= s->place->right || b.column < s->place->right)
        return false;
    const mr_relation_column *columns = s->all->relation->columns;
    bool is_left_plain = !mr_role_is_time(columns[a.column].role);
    if (is_left_plain || !mr_role_is_time(columns[b.column].role)) {
        s->has_plain = true;
        s->plain_column = is_left_plain ? a.column : b.column;
        s->plain_span = is_left_plain ? a.span : b.span;
        return false;
    }
    if (s->has_times && (s->terms->left_time != a.column || s->terms->right_time != b.column))
        return false;
    if (!check_kinds(s, &a, &b))
        return true;
    s->has_times = true;
    s->terms->left_time = a.column;
    s->terms->right_time = b.column;
    bound(s, op, b.us - a.us);
    return true;
}

static bool is_comparison(mr_ast_operator op)
{
    return op == MR_AST_EQUAL || op == MR_AST_LESS || op == MR_AST_LESS_EQUAL ||
           op == MR_AST_GREATER || op == MR_AST_GREATER_EQUAL;
}

static bool take_bounds(sorting *s, const mr_join_part *part)
{
    const mr_ast_expr *ast = part->ast;
    if (ast->kind == MR_AST_BINARY && is_comparison(ast->binary.op))
        return take_bound(s, part->scope, ast->binary.op, ast->binary.left, ast->binary.right);
    if (ast->kind != MR_AST_BETWEEN || ast->between.is_not || ast->between.is_symmetric)
        return false;
    bool low = take_bound(s, part->scope, MR_AST_GREATER_EQUAL, ast->between.arg, ast->between.low);
    bool high = take_bound(s, part->scope, MR_AST_LESS_EQUAL, ast->between.arg, ast->between.high);
    return low && high; /* where only one is: the other, and it again, is residual */
}

/* ---- keys ---- */

static void columns_read(const mr_expr *expr, uint32_t *first, uint32_t *last)
{
    if (expr->kind == MR_EXPR_COLUMN) {
        *first = expr->column < *first ? expr->column : *first;
        *last = expr->column > *last ? expr->column : *last;
    }
    for (uint32_t i = 0; i < expr->args_count; i++)
        columns_read(expr->args[i], first, last);
}

/* 0: reads the left side only, 1: the right side only, 2: neither. */
static int side_of(const mr_join_place *place, const mr_expr *expr)
{
    uint32_t first = UINT32_MAX, last = 0;
    columns_read(expr, &first, &last);
    if (first == UINT32_MAX)
        return 2;
    return last < place->right ? 0 : first >= place->right ? 1 : 2;
}

/* `a = b` with a side each: the values compared, under one type. */
static bool take_key(sorting *s, const mr_join_part *part)
{
    mr_join_terms *terms = s->terms;
    const mr_expr *expr = part->expr;
    if (part->ast->kind != MR_AST_BINARY || part->ast->binary.op != MR_AST_EQUAL ||
        expr->kind != MR_EXPR_CALL || expr->args_count != 2)
        return false;
    mr_expr *sides[2] = {(mr_expr *)(uintptr_t)expr->args[0], (mr_expr *)(uintptr_t)expr->args[1]};
    int first = side_of(s->place, sides[0]), second = side_of(s->place, sides[1]);
    if (first == 2 || second == 2 || first == second)
        return false;
    if (sides[0]->type.kind == MR_TYPE_DECIMAL) {
        mr_type types[] = {sides[0]->type, sides[1]->type}, common;
        if (!mr_common_type(&s->binder->resolver, types, 2, &common))
            return false;
        for (int i = 0; i < 2; i++)
            if ((sides[i] = mr_make_implicit(&s->binder->resolver, sides[i], common)) == NULL)
                return false;
    }
    if (mr_type_lane(sides[0]->type) != mr_type_lane(sides[1]->type))
        return false;
    terms->left_keys[terms->keys_count] = sides[first];
    terms->right_keys[terms->keys_count++] = sides[1 - first];
    return true;
}

/* ---- what is missing ---- */

static const char *time_name(sorting *s, uint32_t first, uint32_t end, const char *otherwise)
{
    for (uint32_t i = first; i < end; i++)
        if (mr_role_is_time(s->all->relation->columns[i].role))
            return mr_join_column_text(s->binder, s->all, i);
    return otherwise;
}

/* "a.ts BETWEEN b.ts - INTERVAL '1' HOUR AND b.ts + INTERVAL '1' HOUR" */
static void hint_interval(sorting *s)
{
    const char *left = time_name(s, s->place->left, s->place->right, "l.ts");
    const char *right = time_name(s, s->place->right, s->place->end, "r.ts");
    mr_diagnostics_hint(s->binder->diagnostics,
                        "an interval join bounds what is kept: AND %s BETWEEN %s - INTERVAL '1' "
                        "HOUR AND %s + INTERVAL '1' HOUR",
                        left, right, right);
}

static bool report_equality(sorting *s)
{
    mr_diagnostics_report(s->binder->diagnostics, MR_E_JOIN_EQUALITY, s->place->span,
                          "this join has no equality between its two sides");
    mr_diagnostics_hint(s->binder->diagnostics,
                        "ON l.k = r.k AND .. says which rows belong together");
    return false;
}

static bool report_plain(sorting *s)
{
    const mr_relation_column *column = &s->all->relation->columns[s->plain_column];
    mr_diagnostics_report(s->binder->diagnostics, MR_E_JOIN_TIME, s->plain_span,
                          "bounds in time need time attributes, and `%s` is none", column->name);
    mr_diagnostics_hint(s->binder->diagnostics,
                        "WATERMARK FOR %s AS %s - INTERVAL '5' SECOND in the table makes it one; "
                        "an expression over a time attribute is none any more",
                        column->name, column->name);
    return false;
}

static bool report_bounds(sorting *s)
{
    mr_diagnostics *list = s->binder->diagnostics;
    if (s->has_months) {
        mr_diagnostics_report(list, MR_E_JOIN_BOUNDS, s->months_span,
                              "a bound in time cannot be counted in months");
        mr_diagnostics_label(list, "days at most: INTERVAL '30' DAY");
        return false;
    }
    if (!s->has_lower && !s->has_upper && s->has_plain)
        return report_plain(s);
    if (!s->has_lower && !s->has_upper) {
        mr_diagnostics_report(list, MR_E_JOIN_BOUNDS, s->place->span,
                              "a join without bounds in time keeps all rows for ever, and is not "
                              "supported yet");
        hint_interval(s);
        return false;
    }
    const char *left = mr_join_column_text(s->binder, s->all, s->terms->left_time);
    const char *right = mr_join_column_text(s->binder, s->all, s->terms->right_time);
    mr_diagnostics_report(list, MR_E_JOIN_BOUNDS, s->place->span,
                          "the times of this join are bounded on one side only: it would keep all "
                          "rows for ever");
    if (s->has_lower)
        mr_diagnostics_hint(list, "add an upper bound: AND %s <= %s + INTERVAL '1' HOUR", left,
                            right);
    else
        mr_diagnostics_hint(list, "add a lower bound: AND %s >= %s - INTERVAL '1' HOUR", left,
                            right);
    return false;
}

static bool check_terms(sorting *s)
{
    if (s->is_bad)
        return false;
    if (s->terms->keys_count == 0)
        return report_equality(s);
    if (!s->has_lower || !s->has_upper)
        return report_bounds(s);
    if (s->terms->lower_ms <= s->terms->upper_ms)
        return true;
    mr_diagnostics_report(s->binder->diagnostics, MR_E_JOIN_BOUNDS, s->place->span,
                          "the bounds in time leave nothing: no rows are at least %lld ms and at "
                          "most %lld ms apart",
                          (long long)s->terms->lower_ms, (long long)s->terms->upper_ms);
    mr_diagnostics_hint(s->binder->diagnostics, "BETWEEN takes the lower bound first");
    return false;
}

bool mr_join_classify(mr_binder *binder, const mr_scope *all, const mr_join_place *place,
                      const mr_join_parts *parts, mr_join_terms *terms)
{
    sorting s = {.binder = binder, .all = all, .place = place, .terms = terms};
    *terms = (mr_join_terms){
        .left_keys = mr_arena_zalloc(binder->arena, parts->count, sizeof(mr_expr *)),
        .right_keys = mr_arena_zalloc(binder->arena, parts->count, sizeof(mr_expr *)),
        .residual.items =
            mr_arena_zalloc(binder->arena, parts->count, sizeof *terms->residual.items)};
    for (uint32_t i = 0; i < parts->count; i++)
        if (!take_bounds(&s, &parts->items[i]) && !take_key(&s, &parts->items[i]))
            terms->residual.items[terms->residual.count++] = parts->items[i];
    return check_terms(&s);
}
