/* TABLE(TUMBLE | HOP | CUMULATE | SESSION (TABLE t, DESCRIPTOR(ts), ..)) */
#include "jobs/plan/binder/query/query.h"

#include <string.h>

/* A positive (or, for an offset, any) length of time in ms. False: reported. */
static bool read_length(mr_binder *binder, const mr_ast_expr *ast, const char *what, bool is_offset,
                        int64_t *ms)
{
    mr_diagnostics *list = binder->diagnostics;
    bool is_negative = ast->kind == MR_AST_UNARY && ast->unary.op == MR_AST_NEGATE;
    const mr_ast_expr *inner = is_negative ? ast->unary.arg : ast;
    if (inner->kind != MR_AST_INTERVAL || inner->interval.expr != NULL) {
        mr_diagnostics_report(list, MR_E_WINDOW_SIZE, ast->span,
                              "the %s of a window is a literal INTERVAL", what);
        mr_diagnostics_label(list, "write INTERVAL '1' MINUTE");
        return false;
    }
    if (inner->interval.is_months) {
        mr_diagnostics_report(list, MR_E_WINDOW_SIZE, ast->span,
                              "the %s of a window cannot be counted in months", what);
        mr_diagnostics_label(list, "days at most: INTERVAL '30' DAY");
        return false;
    }
    int64_t us = is_negative ? -inner->interval.microseconds : inner->interval.microseconds;
    *ms = us / 1000;
    if (us % 1000 != 0 || (!is_offset && us <= 0)) {
        mr_diagnostics_report(list, MR_E_WINDOW_SIZE, ast->span,
                              us % 1000 != 0 ? "the %s of a window is a whole number of ms"
                                             : "the %s of a window is positive",
                              what);
        return false;
    }
    return true;
}

static bool read_lengths(mr_binder *binder, const mr_ast_window *ast, mr_window_spec *spec)
{
    const char *step = ast->kind == MR_AST_HOP ? "slide" : "step";
    const char *size = ast->kind == MR_AST_SESSION ? "gap" : "size";
    bool is_good = read_length(binder, ast->size, size, false, &spec->size_ms);
    spec->slide_ms = spec->size_ms;
    if (ast->step != NULL)
        is_good &= read_length(binder, ast->step, step, false, &spec->slide_ms);
    if (ast->offset != NULL)
        is_good &= read_length(binder, ast->offset, "offset", true, &spec->offset_ms);
    if (!is_good)
        return false;
    if (spec->size_ms % spec->slide_ms != 0) {
        mr_diagnostics_report(binder->diagnostics, MR_E_WINDOW_SIZE, ast->size->span,
                              "the size of a window is a multiple of its %s", step);
        mr_diagnostics_label(binder->diagnostics, "%lld ms is no multiple of %lld ms",
                             (long long)spec->size_ms, (long long)spec->slide_ms);
        return false;
    }
    return true;
}

/* The DESCRIPTOR's column must be the time attribute. */
static bool check_time(mr_binder *binder, const mr_ast_window *ast, mr_scope *scope,
                       mr_window_spec *spec)
{
    mr_diagnostics *list = binder->diagnostics;
    uint32_t i = mr_bind_column(binder, scope, &ast->column);
    if (i == UINT32_MAX)
        return false;
    const mr_relation_column *column = &scope->relation->columns[i];
    spec->time_name = column->name;
    spec->is_local = column->type.kind == MR_TYPE_TIMESTAMP_LTZ;
    if (mr_role_is_time(column->role)) {
        mr_relation *input = binder->relations.items[scope->relation->number];
        scope->relation = mr_bind_retimed(binder, input, i);
        return true;
    }
    mr_diagnostics_report(list, MR_E_WINDOW_TIME, ast->column.span,
                          "a window needs a time attribute, and `%s` is none", column->name);
    int32_t other = mr_relation_time_column(scope->relation);
    char name[MR_TYPE_NAME_MAX];
    if (other >= 0)
        mr_diagnostics_label(list, "`%s` is one", scope->relation->columns[other].name);
    else if (!mr_type_is_timestamp(column->type))
        mr_diagnostics_hint(list,
                            "it is %s: add a column like `ts AS TO_TIMESTAMP_LTZ(%s, 3)` and "
                            "`WATERMARK FOR ts AS ts - INTERVAL '5' SECOND` to the table",
                            mr_type_name(column->type, name, sizeof name), column->name);
    else
        mr_diagnostics_hint(
            list,
            "WATERMARK FOR %s AS %s - INTERVAL '5' SECOND in the table makes it one; an "
            "expression over a time attribute is none any more",
            column->name, column->name);
    return false;
}

/* PARTITION BY of SESSION: columns. */
static bool read_partition(mr_binder *binder, const mr_ast_window *ast, const mr_scope *scope,
                           mr_window_spec *spec)
{
    uint32_t *keys = mr_arena_zalloc(binder->arena, ast->partition_by.count, sizeof *keys);
    bool is_good = true;
    for (uint32_t i = 0; i < ast->partition_by.count; i++) {
        const mr_ast_expr *key = ast->partition_by.items[i];
        if (key->kind != MR_AST_COLUMN) {
            mr_diagnostics_report(binder->diagnostics, MR_E_WINDOW_GROUP, key->span,
                                  "PARTITION BY of SESSION takes columns");
            mr_diagnostics_hint(binder->diagnostics,
                                "compute it in a view: SESSION(TABLE v PARTITION BY ..)");
            is_good = false;
            continue;
        }
        keys[i] = mr_bind_column(binder, scope, &key->path);
        is_good &= keys[i] != UINT32_MAX;
    }
    spec->keys = keys;
    spec->keys_count = ast->partition_by.count;
    return is_good;
}

mr_relation *mr_bind_window(mr_binder *binder, const mr_ast_ref *ref)
{
    const mr_ast_window *ast = &ref->window;
    mr_scope scope;
    if (!mr_bind_ref(binder, ast->input, &scope) ||
        !mr_bind_is_plain(binder, scope.relation, ast->input->span))
        return NULL;
    mr_window_spec *spec = mr_arena_zalloc(binder->arena, 1, sizeof *spec);
    *spec =
        (mr_window_spec){.shape = (mr_window_shape)(ast->kind - MR_AST_TUMBLE), .span = ref->span};
    bool is_timed = check_time(binder, ast, &scope, spec);
    bool is_partitioned = read_partition(binder, ast, &scope, spec);
    if (!read_lengths(binder, ast, spec) || !is_timed || !is_partitioned)
        return NULL;
    mr_relation *input = binder->relations.items[scope.relation->number];
    uint32_t count = input->columns_count;
    mr_relation *window = mr_relation_new(&binder->relations, binder->arena, MR_RELATION_WINDOW,
                                          &input, 1, count + 3);
    memcpy(window->columns, input->columns, count * sizeof *input->columns);
    mr_type bound = mr_type_not_null(mr_type_time(MR_TYPE_TIMESTAMP, 3));
    mr_type time = mr_type_not_null(
        mr_type_time(spec->is_local ? MR_TYPE_TIMESTAMP_LTZ : MR_TYPE_TIMESTAMP, 3));
    window->columns[count] =
        (mr_relation_column){.name = "window_start", .type = bound, .role = MR_ROLE_WINDOW_START};
    window->columns[count + 1] =
        (mr_relation_column){.name = "window_end", .type = bound, .role = MR_ROLE_WINDOW_END};
    window->columns[count + 2] =
        (mr_relation_column){.name = "window_time", .type = time, .role = MR_ROLE_WINDOW_TIME};
    window->window = spec;
    window->span = ref->span;
    return window;
}

/* ---- SESSION below GROUP BY ---- */

static bool is_key(const mr_window_spec *spec, uint32_t column)
{
    for (uint32_t k = 0; k < spec->keys_count; k++)
        if (spec->keys[k] == column)
            return true;
    return false;
}

/* The WINDOW's column that this column of a relation above it is; UINT32_MAX: none. */
static uint32_t trace(const mr_relation *at, uint32_t column)
{
    for (; at->kind != MR_RELATION_WINDOW; at = at->inputs[0]) {
        if (at->kind != MR_RELATION_PROJECT)
            continue;
        if (at->exprs[column] == NULL || at->exprs[column]->kind != MR_EXPR_COLUMN)
            return UINT32_MAX;
        column = at->exprs[column]->column;
    }
    return column;
}

static bool reads_keys_only(const mr_window_spec *spec, const mr_relation *input,
                            const mr_expr *expr)
{
    if (expr->kind == MR_EXPR_COLUMN)
        return is_key(spec, trace(input, expr->column));
    for (uint32_t i = 0; i < expr->args_count; i++)
        if (!reads_keys_only(spec, input, expr->args[i]))
            return false;
    return true;
}

/* Rows are grouped in one step with the making of sessions: a filter in between would take rows out
 * before, and so split sessions that they hold together. One over keys takes whole sessions. */
static bool check_filters(mr_binder *binder, const mr_window_spec *spec, const mr_relation *rows,
                          mr_span span)
{
    for (const mr_relation *at = rows; at->kind != MR_RELATION_WINDOW; at = at->inputs[0]) {
        bool is_plain = at->kind == MR_RELATION_PROJECT;
        if (at->kind == MR_RELATION_FILTER)
            is_plain = reads_keys_only(spec, at->inputs[0], at->predicate);
        if (is_plain)
            continue;
        mr_diagnostics_report(binder->diagnostics, MR_E_UNSUPPORTED_QUERY, span,
                              "between SESSION and its aggregation rows can be filtered by its "
                              "PARTITION BY columns only");
        mr_diagnostics_hint(binder->diagnostics,
                            "rows that make no session: SESSION((SELECT * FROM t WHERE ..), ..); "
                            "rows that only do not count: COUNT(*) FILTER (WHERE ..)");
        return false;
    }
    return true;
}

static bool reads(const mr_relation *at, const mr_table *table)
{
    bool found = at->table == table;
    for (uint32_t i = 0; !found && i < at->inputs_count; i++)
        found = reads(at->inputs[i], table);
    return found;
}

/* Some table is read below both. */
static bool share(const mr_relation *one, const mr_relation *other)
{
    bool found = one->table != NULL && reads(other, one->table);
    for (uint32_t i = 0; !found && i < one->inputs_count; i++)
        found = share(one->inputs[i], other);
    return found;
}

/* What below a SESSION gives rows of one batch in another order than the source judged them in. */
static const char *disorder(const mr_relation *at)
{
    if (at->kind == MR_RELATION_JOIN)
        return "a join";
    if (at->kind == MR_RELATION_AGGREGATE || at->inputs_count == 0)
        return NULL;
    for (uint32_t i = 0; at->kind == MR_RELATION_UNION && i < at->inputs_count; i++)
        for (uint32_t j = i + 1; j < at->inputs_count; j++)
            if (share(at->inputs[i], at->inputs[j]))
                return "a UNION ALL that reads one table twice";
    const char *found = NULL;
    for (uint32_t i = 0; found == NULL && i < at->inputs_count; i++)
        found = disorder(at->inputs[i]);
    return found;
}

/* Which sessions a row meets depends on the rows judged before it. */
static bool check_order(mr_binder *binder, const mr_relation *window, mr_span span)
{
    const char *found = disorder(window->inputs[0]);
    if (found == NULL)
        return true;
    mr_diagnostics_report(binder->diagnostics, MR_E_UNSUPPORTED_QUERY, span,
                          "SESSION cannot follow %s yet: its rows come in another order than the "
                          "source's",
                          found);
    mr_diagnostics_hint(
        binder->diagnostics,
        "write those rows to a topic, and make sessions of that table in another job");
    return false;
}

static bool refuse_keys(mr_binder *binder, const mr_window_spec *spec, const mr_relation *window,
                        mr_span span)
{
    const char *names = "";
    for (uint32_t k = 0; k < spec->keys_count; k++)
        names = mr_arena_printf(
            binder->arena, "%s%s, ", names,
            mr_relation_column_name(&window->columns[spec->keys[k]], binder->arena));
    mr_diagnostics_report(binder->diagnostics, MR_E_WINDOW_GROUP, span,
                          "a session is grouped by exactly what SESSION partitions by");
    mr_diagnostics_hint(binder->diagnostics,
                        "GROUP BY %swindow_start, window_end, or other columns in PARTITION BY: "
                        "SESSION(TABLE t PARTITION BY .., DESCRIPTOR(%s), ..)",
                        names, spec->time_name);
    return false;
}

bool mr_bind_session_keys(mr_binder *binder, const mr_relation *rows, const uint32_t *keys,
                          uint32_t count, mr_span span)
{
    const mr_window_spec *spec = rows->window;
    if (spec->shape != MR_SHAPE_SESSION)
        return true;
    const mr_relation *window = rows;
    while (window->kind != MR_RELATION_WINDOW)
        window = window->inputs[0];
    uint32_t held = 0;
    for (uint32_t i = 0; i < count; i++) {
        uint32_t column = keys[i] < rows->columns_count ? trace(rows, keys[i]) : UINT32_MAX;
        if (!is_key(spec, column))
            return refuse_keys(binder, spec, window, span);
    }
    for (uint32_t k = 0; k < spec->keys_count; k++)
        for (uint32_t i = 0; i < count; i++)
            if (trace(rows, keys[i]) == spec->keys[k]) {
                held++;
                break;
            }
    if (held != spec->keys_count)
        return refuse_keys(binder, spec, window, span);
    return check_filters(binder, spec, rows, span) && check_order(binder, window, span);
}
