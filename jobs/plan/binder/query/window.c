/* TABLE(TUMBLE | HOP | CUMULATE (TABLE t, DESCRIPTOR(ts), ..)) */
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
    bool is_good = read_length(binder, ast->size, "size", false, &spec->size_ms);
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
static bool check_time(mr_binder *binder, const mr_ast_window *ast, const mr_scope *scope,
                       mr_window_spec *spec)
{
    mr_diagnostics *list = binder->diagnostics;
    uint32_t i = mr_bind_column(binder, scope, &ast->column);
    if (i == UINT32_MAX)
        return false;
    const mr_relation_column *column = &scope->relation->columns[i];
    spec->time_name = column->name;
    spec->is_local = column->type.kind == MR_TYPE_TIMESTAMP_LTZ;
    if (column->role == MR_ROLE_TIME)
        return true;
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

mr_relation *mr_bind_window(mr_binder *binder, const mr_ast_ref *ref)
{
    const mr_ast_window *ast = &ref->window;
    mr_scope scope;
    if (ast->kind == MR_AST_SESSION) {
        mr_diagnostics_report(binder->diagnostics, MR_E_UNSUPPORTED_QUERY, ast->function.span,
                              "session windows are not supported yet");
        return NULL;
    }
    if (!mr_bind_ref(binder, ast->input, &scope) ||
        !mr_bind_is_plain(binder, scope.relation, ast->input->span))
        return NULL;
    mr_window_spec *spec = mr_arena_zalloc(binder->arena, 1, sizeof *spec);
    *spec =
        (mr_window_spec){.shape = (mr_window_shape)(ast->kind - MR_AST_TUMBLE), .span = ref->span};
    bool is_timed = check_time(binder, ast, &scope, spec);
    if (!read_lengths(binder, ast, spec) || !is_timed)
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
