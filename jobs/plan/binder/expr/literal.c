#include "jobs/plan/binder/expr/literal.h"

#include "engine/batch/string.h"

#include <ctype.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

/* 12.50 -> DECIMAL(4, 2) 1250 */
static mr_expr *bind_decimal(mr_binder *binder, const char *text, mr_span span)
{
    mr_i128 unscaled = 0;
    uint32_t digits = 0, scale = 0;
    bool is_behind_point = false;
    for (const char *c = text; *c != '\0'; c++) {
        if (*c == '.') {
            is_behind_point = true;
            continue;
        }
        if (!isdigit((unsigned char)*c))
            continue;
        scale += is_behind_point;
        digits += digits > 0 || *c != '0' || is_behind_point;
        if (digits > MR_DECIMAL_PRECISION_MAX) {
            mr_diagnostics_report(binder->diagnostics, MR_E_ARGUMENT_VALUE, span,
                                  "a number has at most %d digits", MR_DECIMAL_PRECISION_MAX);
            return NULL;
        }
        unscaled = unscaled * 10 + (*c - '0');
    }
    uint32_t precision = digits > scale ? digits : scale;
    mr_type type = mr_type_decimal((uint8_t)(precision > 0 ? precision : 1), (uint8_t)scale);
    return mr_make_constant(&binder->resolver, mr_type_not_null(type),
                            (mr_value){.i128 = unscaled});
}

static mr_expr *bind_number(mr_binder *binder, const mr_ast_expr *ast)
{
    const char *text = ast->number.text;
    if (ast->number.kind == MR_AST_DOUBLE)
        return mr_make_constant(&binder->resolver, mr_type_not_null(mr_type_of(MR_TYPE_DOUBLE)),
                                (mr_value){.f64 = strtod(text, NULL)});
    if (ast->number.kind == MR_AST_INTEGER) {
        errno = 0;
        long long value = strtoll(text, NULL, 10);
        if (errno == 0)
            return mr_make_int(&binder->resolver, value);
    }
    return bind_decimal(binder, text, ast->span);
}

static mr_expr *bind_time(mr_binder *binder, mr_type_kind kind, const mr_ast_expr *ast)
{
    if (ast->literal.precision > 6) {
        mr_diagnostics_report(binder->diagnostics, MR_E_UNSUPPORTED_TYPE, ast->span,
                              "timestamps have at most 6 fractional digits");
        return NULL;
    }
    return mr_make_constant(&binder->resolver,
                            mr_type_not_null(mr_type_time(kind, ast->literal.precision)),
                            (mr_value){.i64 = ast->literal.value});
}

mr_expr *mr_bind_literal(mr_binder *binder, const mr_ast_expr *ast)
{
    mr_resolver *resolver = &binder->resolver;
    switch (ast->kind) {
    case MR_AST_NULL: return mr_make_null(resolver, mr_type_of(MR_TYPE_NULL));
    case MR_AST_BOOLEAN: return mr_make_boolean(resolver, ast->literal.value != 0);
    case MR_AST_NUMBER: return bind_number(binder, ast);
    case MR_AST_STRING:
        return mr_make_string(resolver, ast->string.text, (uint32_t)ast->string.length);
    case MR_AST_BYTES: {
        mr_type type = mr_type_not_null(mr_type_of(MR_TYPE_BINARY));
        type.length = (uint32_t)ast->string.length;
        return mr_make_constant(
            resolver, type,
            (mr_value){.string = mr_string_of(ast->string.text, (uint32_t)ast->string.length)});
    }
    case MR_AST_DATE:
        return mr_make_constant(resolver, mr_type_not_null(mr_type_of(MR_TYPE_DATE)),
                                (mr_value){.i32 = (int32_t)ast->literal.value});
    case MR_AST_TIME: return bind_time(binder, MR_TYPE_TIME, ast);
    case MR_AST_TIMESTAMP: return bind_time(binder, MR_TYPE_TIMESTAMP, ast);
    default: return NULL;
    }
}

mr_expr *mr_bind_interval(mr_binder *binder, const mr_ast_interval *interval)
{
    if (interval->is_months)
        return mr_make_constant(&binder->resolver,
                                mr_type_not_null(mr_type_of(MR_TYPE_INTERVAL_MONTH)),
                                (mr_value){.i32 = (int32_t)interval->months});
    return mr_make_constant(&binder->resolver,
                            mr_type_not_null(mr_type_of(MR_TYPE_INTERVAL_SECOND)),
                            (mr_value){.i64 = interval->microseconds});
}
