/* Diagnostics from what the resolver refused, and small services of the expression binder. */
#include "jobs/plan/binder/expr/scope.h"

static mr_code code_of(mr_refusal_kind kind)
{
    switch (kind) {
    case MR_REFUSAL_UNKNOWN: return MR_E_UNKNOWN_FUNCTION;
    case MR_REFUSAL_COUNT: return MR_E_ARGUMENT_COUNT;
    case MR_REFUSAL_VALUE: return MR_E_ARGUMENT_VALUE;
    case MR_REFUSAL_FEATURE: return MR_E_UNSUPPORTED_FUNCTION;
    case MR_REFUSAL_DEPTH: return MR_E_EXPRESSION_DEPTH;
    case MR_REFUSAL_TYPES:
    case MR_REFUSAL_NONE: break;
    }
    return MR_E_ARGUMENT_TYPES;
}

mr_expr *mr_bind_refused(mr_binder *binder, const mr_span *spans, uint32_t count, mr_span span)
{
    const mr_refusal *refusal = &binder->resolver.refusal;
    if (spans != NULL && refusal->argument < count)
        span = spans[refusal->argument];
    mr_diagnostics_report(binder->diagnostics, code_of(refusal->kind), span, "%s",
                          refusal->message);
    if (refusal->hint[0] != '\0')
        mr_diagnostics_hint(binder->diagnostics, "%s", refusal->hint);
    return NULL;
}

mr_expr *mr_bind_named(mr_binder *binder, const char *name, mr_expr *const *args, uint32_t count,
                       const mr_span *spans, mr_span span)
{
    mr_expr *expr = mr_make_call(&binder->resolver, name, args, count);
    if (expr == NULL)
        return mr_bind_refused(binder, spans, count, span);
    return mr_bind_place(binder, expr, span);
}

mr_expr *mr_bind_place(mr_binder *binder, mr_expr *expr, mr_span span)
{
    if (expr == NULL)
        return NULL;
    expr->text = mr_binder_text(binder, span);
    expr->text_start = span.start;
    expr->text_end = span.end;
    return expr;
}

bool mr_bind_type(mr_binder *binder, const mr_ast_type *ast, mr_type *type)
{
    *type = ast->scalar;
    if (ast->form != MR_AST_TYPE_SCALAR) {
        mr_diagnostics_report(binder->diagnostics, MR_E_UNSUPPORTED_TYPE, ast->span,
                              "a CAST to ROW, ARRAY, MAP or MULTISET is not supported yet");
        return false;
    }
    if (mr_type_is_timestamp(ast->scalar) && ast->scalar.precision > 6) {
        mr_diagnostics_report(binder->diagnostics, MR_E_UNSUPPORTED_TYPE, ast->span,
                              "timestamps have at most 6 fractional digits");
        return false;
    }
    type->is_nullable = true;
    return true;
}
