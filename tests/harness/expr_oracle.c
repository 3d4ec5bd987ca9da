#include "tests/harness/expr_oracle.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const mr_value null = {.is_null = true};

static mr_value boolean(bool value)
{
    return (mr_value){.boolean = value};
}

static mr_value column_value(const mr_vector *column, uint32_t row)
{
    mr_value value = {0};
    if (mr_vector_is_null(column, row))
        return null;
    size_t size = mr_lane_size(column->lane);
    memcpy(&value.i128, (const char *)column->values + size * row, size);
    return value;
}

static mr_i128 whole(mr_type type, mr_value value)
{
    return mr_type_lane(type) == MR_LANE_I32 ? value.i32 : value.i64;
}

static mr_value put_whole(mr_type type, mr_i128 value, bool *has_failed)
{
    mr_i128 low = type.kind == MR_TYPE_TINYINT    ? INT8_MIN
                  : type.kind == MR_TYPE_SMALLINT ? INT16_MIN
                  : type.kind == MR_TYPE_INT      ? INT32_MIN
                                                  : INT64_MIN;
    if (value < low || value > -low - 1) {
        *has_failed = true;
        return null;
    }
    if (mr_type_lane(type) == MR_LANE_I32)
        return (mr_value){.i32 = (int32_t)value};
    return (mr_value){.i64 = (int64_t)value};
}

static mr_value arithmetic(char op, mr_type type, mr_value a, mr_value b, bool *has_failed)
{
    if (type.kind == MR_TYPE_DOUBLE) {
        double result = op == '+' ? a.f64 + b.f64 : op == '-' ? a.f64 - b.f64 : a.f64 * b.f64;
        return (mr_value){.f64 = result};
    }
    mr_i128 x = whole(type, a), y = whole(type, b);
    if ((op == '/' || op == '%') && y == 0) {
        *has_failed = true;
        return null;
    }
    mr_i128 result = op == '+'   ? x + y
                     : op == '-' ? x - y
                     : op == '*' ? x * y
                     : op == '/' ? x / y
                                 : x % y;
    return put_whole(type, result, has_failed);
}

static int order_of(mr_type type, mr_value a, mr_value b)
{
    if (type.kind == MR_TYPE_DOUBLE)
        return (a.f64 > b.f64) - (a.f64 < b.f64);
    if (type.kind == MR_TYPE_BOOLEAN)
        return (int)a.boolean - (int)b.boolean;
    mr_i128 x = whole(type, a), y = whole(type, b);
    return (x > y) - (x < y);
}

static mr_value compared(const char *name, int order)
{
    if (strcmp(name, "=") == 0)
        return boolean(order == 0);
    if (strcmp(name, "<>") == 0)
        return boolean(order != 0);
    if (strcmp(name, "<") == 0)
        return boolean(order < 0);
    if (strcmp(name, "<=") == 0)
        return boolean(order <= 0);
    return boolean(strcmp(name, ">") == 0 ? order > 0 : order >= 0);
}

static mr_value cast(const mr_expr *expr, mr_value a, bool *has_failed)
{
    mr_type from = expr->args[0]->type;
    if (expr->type.kind == MR_TYPE_DOUBLE)
        return (mr_value){.f64 = from.kind == MR_TYPE_DOUBLE ? a.f64 : (double)whole(from, a)};
    return put_whole(expr->type, whole(from, a), has_failed);
}

static mr_value call(const mr_expr *expr, const mr_value *args, bool *has_failed)
{
    const char *name = expr->function->name;
    if (strcmp(name, "IS NULL") == 0)
        return boolean(args[0].is_null);
    if (strcmp(name, "IS NOT NULL") == 0)
        return boolean(!args[0].is_null);
    if (strcmp(name, "IS TRUE") == 0)
        return boolean(!args[0].is_null && args[0].boolean);
    if (strcmp(name, "IS NOT TRUE") == 0)
        return boolean(args[0].is_null || !args[0].boolean);
    for (uint32_t i = 0; i < expr->args_count; i++)
        if (args[i].is_null)
            return null;
    if (strcmp(name, "NOT") == 0)
        return boolean(!args[0].boolean);
    if (strcmp(name, "CAST") == 0)
        return cast(expr, args[0], has_failed);
    if (strchr("+-*/%", name[0]) != NULL && name[1] == '\0') {
        if (expr->args_count == 2)
            return arithmetic(name[0], expr->type, args[0], args[1], has_failed);
        if (expr->type.kind == MR_TYPE_DOUBLE)
            return (mr_value){.f64 = -args[0].f64};
        return put_whole(expr->type, -whole(expr->type, args[0]), has_failed);
    }
    if (strchr("=<>", name[0]) == NULL) {
        fprintf(stderr, "the oracle does not know %s\n", name);
        abort();
    }
    return compared(name, order_of(expr->args[0]->type, args[0], args[1]));
}

static mr_value logic(const mr_expr *expr, const mr_vector *columns, uint32_t row, bool *has_failed)
{
    const bool decisive = expr->kind == MR_EXPR_OR;
    bool has_null = false;
    for (uint32_t i = 0; i < expr->args_count; i++) {
        mr_value side = mr_oracle_eval(expr->args[i], columns, row, has_failed);
        if (side.is_null)
            has_null = true;
        else if (side.boolean == decisive)
            return boolean(decisive);
    }
    return has_null ? null : boolean(!decisive);
}

mr_value mr_oracle_eval(const mr_expr *expr, const mr_vector *columns, uint32_t row,
                        bool *has_failed)
{
    switch (expr->kind) {
    case MR_EXPR_COLUMN: return column_value(&columns[expr->column], row);
    case MR_EXPR_CONSTANT: return expr->value;
    case MR_EXPR_AND:
    case MR_EXPR_OR: return logic(expr, columns, row, has_failed);
    case MR_EXPR_CASE:
        for (uint32_t i = 0; i + 1 < expr->args_count; i += 2) {
            mr_value when = mr_oracle_eval(expr->args[i], columns, row, has_failed);
            if (!when.is_null && when.boolean)
                return mr_oracle_eval(expr->args[i + 1], columns, row, has_failed);
        }
        return mr_oracle_eval(expr->args[expr->args_count - 1], columns, row, has_failed);
    case MR_EXPR_COALESCE:
        for (uint32_t i = 0; i < expr->args_count; i++) {
            mr_value value = mr_oracle_eval(expr->args[i], columns, row, has_failed);
            if (!value.is_null)
                return value;
        }
        return null;
    case MR_EXPR_CALL: {
        mr_value args[8];
        for (uint32_t i = 0; i < expr->args_count && i < 8; i++)
            args[i] = mr_oracle_eval(expr->args[i], columns, row, has_failed);
        return call(expr, args, has_failed);
    }
    }
    return null;
}
