/* Arithmetic, comparison, logic and `||`. */
#include "operators/functions/build.h"

#include "engine/base/assert.h"
#include "engine/expr/civil.h"
#include "engine/expr/decimal.h"
#include "engine/expr/kernel.h"
#include "engine/expr/kernels/arithmetic.h"
#include "engine/expr/kernels/compare.h"
#include "engine/expr/kernels/logic.h"
#include "engine/expr/zone.h"

#include <stdio.h>

static bool is_interval(mr_type type)
{
    return type.kind == MR_TYPE_INTERVAL_MONTH || type.kind == MR_TYPE_INTERVAL_SECOND;
}

static bool is_time(mr_type type)
{
    return type.kind >= MR_TYPE_DATE && type.kind <= MR_TYPE_TIMESTAMP_LTZ;
}

static bool is_approximate(mr_type type)
{
    return type.kind == MR_TYPE_FLOAT || type.kind == MR_TYPE_DOUBLE;
}

/* Both arguments under `type`, then the operation's kernel of that lane. */
static mr_expr *arithmetic_in(mr_resolver *resolver, mr_arithmetic operation, mr_type type,
                              mr_expr *const *args)
{
    mr_expr *sides[2];
    for (int i = 0; i < 2; i++)
        if ((sides[i] = mr_build_cast(resolver, args[i], type, false)) == NULL)
            return NULL;
    return mr_build_call(resolver, mr_build_type(type, args, 2),
                         mr_arithmetic_function(operation, mr_type_lane(type)), NULL, sides, 2);
}

static mr_expr *decimal_arithmetic(mr_resolver *resolver, mr_arithmetic operation,
                                   mr_expr *const *args)
{
    mr_expr *sides[2];
    mr_type types[2];
    for (int i = 0; i < 2; i++) {
        types[i] = mr_decimal_type_of(args[i]->type);
        if ((sides[i] = mr_build_cast(resolver, args[i], types[i], false)) == NULL)
            return NULL;
    }
    mr_type result;
    switch (operation) {
    case MR_ARITHMETIC_MUL: result = mr_decimal_type_mul(types[0], types[1]); break;
    case MR_ARITHMETIC_DIV: result = mr_decimal_type_div(types[0], types[1]); break;
    case MR_ARITHMETIC_MOD: result = mr_decimal_type_mod(types[0], types[1]); break;
    default: result = mr_decimal_type_add(types[0], types[1]); break;
    }
    return mr_build_call(resolver, result, mr_arithmetic_function(operation, MR_LANE_I128), NULL,
                         sides, 2);
}

static mr_expr *number_arithmetic(mr_resolver *resolver, mr_arithmetic operation,
                                  mr_expr *const *args)
{
    mr_type a = args[0]->type, b = args[1]->type, common;
    if (!is_approximate(a) && !is_approximate(b) &&
        (a.kind == MR_TYPE_DECIMAL || b.kind == MR_TYPE_DECIMAL))
        return decimal_arithmetic(resolver, operation, args);
    bool are_numbers = mr_common_type_of(a, b, &common);
    MR_ASSERT(are_numbers);
    mr_expr *result = arithmetic_in(resolver, operation, common, args);
    /* A remainder is smaller than its divisor, and has its type in SQL. */
    if (result != NULL && operation == MR_ARITHMETIC_MOD && mr_type_is_integer(common))
        result = mr_build_cast(resolver, result, b, false);
    return result;
}

/* Adds months, or a span of time, to a date: the span counts in whole days. */
static void date_plus_interval(const mr_kernel_call *call)
{
    const bool is_months = call->args[1].type.kind == MR_TYPE_INTERVAL_MONTH;
    for (uint32_t i = 0; i < call->selected; i++) {
        uint32_t row = mr_kernel_row(call, i);
        if (mr_kernel_is_null(call, row))
            continue;
        int64_t days = call->args[0].i32[mr_kernel_at(call, 0, row)];
        size_t at = mr_kernel_at(call, 1, row);
        if (is_months)
            days = mr_civil_add_months(days, call->args[1].i32[at]);
        else
            days += mr_floor_div(call->args[1].i64[at], MR_US_PER_DAY);
        if (days < INT32_MIN || days > INT32_MAX)
            mr_kernel_fail(call, row, MR_E_OVERFLOW, "the result does not fit DATE");
        else
            call->result->i32[row] = (int32_t)days;
    }
}

/* Months count on the wall clock: of the job's zone for TIMESTAMP_LTZ. */
static void timestamp_plus_months(const mr_kernel_call *call)
{
    const bool is_instant = call->result->type.kind == MR_TYPE_TIMESTAMP_LTZ;
    const struct mr_zone *zone = is_instant ? call->context->zone : NULL;
    for (uint32_t i = 0; i < call->selected; i++) {
        uint32_t row = mr_kernel_row(call, i);
        if (mr_kernel_is_null(call, row))
            continue;
        int64_t wall = mr_zone_to_local(zone, call->args[0].i64[mr_kernel_at(call, 0, row)]);
        int64_t months = call->args[1].i32[mr_kernel_at(call, 1, row)];
        if (!mr_civil_add(MR_UNIT_MONTH, months, wall, &wall))
            mr_kernel_fail(call, row, MR_E_OVERFLOW, "the result does not fit TIMESTAMP");
        else
            call->result->i64[row] = mr_zone_to_utc(zone, wall);
    }
}

static void time_plus_interval(const mr_kernel_call *call)
{
    for (uint32_t i = 0; i < call->selected; i++) {
        uint32_t row = mr_kernel_row(call, i);
        int64_t span = mr_floor_mod(call->args[1].i64[mr_kernel_at(call, 1, row)], MR_US_PER_DAY);
        int64_t time = mr_floor_mod(call->args[0].i64[mr_kernel_at(call, 0, row)], MR_US_PER_DAY);
        call->result->i64[row] = (time + span) % MR_US_PER_DAY;
    }
}

static mr_expr *negated(mr_resolver *resolver, mr_expr *arg)
{
    return mr_build_call(resolver, arg->type,
                         mr_arithmetic_function(MR_ARITHMETIC_NEG, mr_type_lane(arg->type)), NULL,
                         &arg, 1);
}

static const mr_function date_plus_function = {
    .name = "+ INTERVAL", .kernel = date_plus_interval, .is_strict = true, .can_fail = true};
static const mr_function timestamp_plus_function = {
    .name = "+ INTERVAL", .kernel = timestamp_plus_months, .is_strict = true, .can_fail = true};
static const mr_function time_plus_function = {
    .name = "+ INTERVAL", .kernel = time_plus_interval, .is_strict = true};

/* A date, time or timestamp and an interval behind it. */
static mr_expr *time_arithmetic(mr_resolver *resolver, const mr_form *form, mr_expr *time,
                                mr_expr *interval, bool is_minus)
{
    mr_expr *args[] = {time, interval};
    const bool is_months = interval->type.kind == MR_TYPE_INTERVAL_MONTH;
    mr_type type = mr_build_type(time->type, args, 2);
    if (mr_type_is_timestamp(type) && !is_months) {
        mr_arithmetic operation = is_minus ? MR_ARITHMETIC_SUB : MR_ARITHMETIC_ADD;
        return mr_build_call(resolver, type, mr_arithmetic_function(operation, MR_LANE_I64), NULL,
                             args, 2);
    }
    if (is_minus && (args[1] = negated(resolver, interval)) == NULL)
        return NULL;
    if (type.kind == MR_TYPE_TIME && is_months)
        return mr_refuse_types(resolver, form, args, 2);
    const mr_function *function = type.kind == MR_TYPE_DATE   ? &date_plus_function
                                  : type.kind == MR_TYPE_TIME ? &time_plus_function
                                                              : &timestamp_plus_function;
    return mr_build_call(resolver, type, function, NULL, args, 2);
}

static mr_expr *scaled_interval(mr_resolver *resolver, const mr_form *form, mr_expr *interval,
                                mr_expr *factor)
{
    const bool is_months = interval->type.kind == MR_TYPE_INTERVAL_MONTH;
    mr_expr *args[] = {interval, factor};
    if (!mr_type_is_integer(factor->type) || (is_months && factor->type.kind == MR_TYPE_BIGINT))
        return mr_refuse_types(resolver, form, args, 2);
    args[1] = mr_build_cast(resolver, factor, mr_type_of(is_months ? MR_TYPE_INT : MR_TYPE_BIGINT),
                            false);
    if (args[1] == NULL)
        return NULL;
    return mr_build_call(
        resolver, mr_build_type(interval->type, args, 2),
        mr_arithmetic_function(MR_ARITHMETIC_MUL, is_months ? MR_LANE_I32 : MR_LANE_I64), NULL,
        args, 2);
}

static mr_expr *refuse_difference(mr_resolver *resolver)
{
    return mr_refuse(resolver, MR_REFUSAL_FEATURE, MR_REFUSAL_NO_ARGUMENT,
                     "write TIMESTAMPDIFF(SECOND, b, a), or (a - b) DAY TO SECOND",
                     "a date or time cannot be subtracted from another without a unit");
}

/* Operands that are no pair of numbers. */
static mr_expr *other_arithmetic(mr_resolver *resolver, const mr_form *form, mr_expr *const *args)
{
    mr_type a = args[0]->type, b = args[1]->type;
    const mr_arithmetic operation = (mr_arithmetic)form->variant;
    const bool is_plus = operation == MR_ARITHMETIC_ADD, is_minus = operation == MR_ARITHMETIC_SUB;
    if (is_time(a) && is_interval(b) && (is_plus || is_minus))
        return time_arithmetic(resolver, form, args[0], args[1], is_minus);
    if (is_interval(a) && is_time(b) && is_plus)
        return time_arithmetic(resolver, form, args[1], args[0], false);
    if (is_interval(a) && a.kind == b.kind && (is_plus || is_minus))
        return arithmetic_in(resolver, operation, a, args);
    if (operation == MR_ARITHMETIC_MUL && is_interval(a))
        return scaled_interval(resolver, form, args[0], args[1]);
    if (operation == MR_ARITHMETIC_MUL && is_interval(b))
        return scaled_interval(resolver, form, args[1], args[0]);
    if (is_minus && is_time(a) && is_time(b))
        return refuse_difference(resolver);
    if (is_plus && (mr_type_is_text(a) || mr_type_is_text(b))) {
        (void)mr_refuse_types(resolver, form, args, 2);
        snprintf(resolver->refusal.hint, sizeof resolver->refusal.hint,
                 "texts are joined by ||, numbers in text need CAST");
        return NULL;
    }
    return mr_refuse_types(resolver, form, args, 2);
}

static mr_expr *build_arithmetic(mr_resolver *resolver, const mr_form *form, mr_expr *const *args,
                                 uint32_t count)
{
    mr_expr *sides[] = {args[0], args[1]};
    for (int i = 0; i < 2; i++) {
        mr_type other = args[1 - i]->type;
        if (!mr_is_bare_null(args[i]))
            continue;
        if (is_time(other) || other.kind == MR_TYPE_NULL || mr_type_is_text(other))
            return mr_refuse_types(resolver, form, args, count);
        sides[i] = mr_build_cast(resolver, args[i], other, false);
    }
    if (mr_type_is_numeric(sides[0]->type) && mr_type_is_numeric(sides[1]->type))
        return number_arithmetic(resolver, (mr_arithmetic)form->variant, sides);
    return other_arithmetic(resolver, form, sides);
}

static mr_expr *build_sign(mr_resolver *resolver, const mr_form *form, mr_expr *const *args,
                           uint32_t count)
{
    if (!mr_type_is_numeric(args[0]->type) && !is_interval(args[0]->type))
        return mr_refuse_types(resolver, form, args, count);
    return form->variant == MR_ARITHMETIC_NEG ? negated(resolver, args[0]) : args[0];
}

static mr_expr *build_difference(mr_resolver *resolver, const mr_form *form, mr_expr *const *args,
                                 uint32_t count)
{
    mr_string unit;
    mr_type a = args[0]->type, b = args[1]->type;
    if (!mr_constant_text(args[2], &unit) || !is_time(a) || a.kind != b.kind)
        return mr_refuse_types(resolver, form, args, count);
    if (mr_time_unit_of(unit.bytes, unit.length) != MR_UNIT_SECOND || a.kind == MR_TYPE_DATE)
        return mr_refuse(resolver, MR_REFUSAL_FEATURE, MR_REFUSAL_NO_ARGUMENT,
                         "write TIMESTAMPDIFF(unit, b, a)",
                         "this difference has no interval form here");
    mr_type type = mr_build_type(mr_type_of(MR_TYPE_INTERVAL_SECOND), args, 2);
    return mr_build_call(resolver, type, mr_arithmetic_function(MR_ARITHMETIC_SUB, MR_LANE_I64),
                         NULL, args, 2);
}

static mr_expr *refuse_string_number(mr_resolver *resolver, mr_expr *const *args)
{
    char a[MR_TYPE_NAME_MAX], b[MR_TYPE_NAME_MAX];
    mr_type_name(mr_type_nullable(args[0]->type, true), a, sizeof a);
    mr_type_name(mr_type_nullable(args[1]->type, true), b, sizeof b);
    return mr_refuse(resolver, MR_REFUSAL_TYPES, MR_REFUSAL_NO_ARGUMENT, "CAST one of them",
                     "%.100s and %.100s cannot be compared", a, b);
}

/* Both sides of a comparison under one type; decimals of different scales stay as they are. */
static bool compared_sides(mr_resolver *resolver, mr_expr *const *args, bool is_equality,
                           mr_expr **sides, mr_type *common)
{
    mr_type a = args[0]->type, b = args[1]->type;
    if (!mr_comparison_type(a, b, is_equality, common) || common->kind == MR_TYPE_ROW) {
        (void)refuse_string_number(resolver, args);
        return false;
    }
    for (int i = 0; i < 2; i++) {
        mr_type to = *common;
        if (to.kind == MR_TYPE_DECIMAL && mr_type_is_numeric(args[i]->type))
            to = mr_decimal_type_of(args[i]->type);
        else if (mr_type_is_text(to) && mr_type_is_text(args[i]->type))
            to = args[i]->type; /* no copy for what only differs in length */
        if ((sides[i] = mr_build_cast(resolver, args[i], to, false)) == NULL)
            return false;
    }
    return true;
}

static mr_expr *build_comparison(mr_resolver *resolver, const mr_form *form, mr_expr *const *args,
                                 uint32_t count)
{
    const mr_comparison comparison = (mr_comparison)form->variant;
    mr_expr *sides[2];
    mr_type common;
    mr_type result = mr_build_type(mr_type_of(MR_TYPE_BOOLEAN), args, count);
    if (mr_is_bare_null(args[0]) && mr_is_bare_null(args[1]))
        return mr_make_null(resolver, mr_type_of(MR_TYPE_BOOLEAN));
    if (!compared_sides(resolver, args, comparison <= MR_COMPARE_NE, sides, &common))
        return NULL;
    const mr_function *function =
        common.kind == MR_TYPE_DECIMAL && sides[0]->type.scale != sides[1]->type.scale
            ? mr_compare_decimal_function(comparison)
            : mr_compare_function(comparison, mr_type_lane(common));
    return mr_build_call(resolver, result, function, NULL, sides, 2);
}

static mr_expr *build_distinct(mr_resolver *resolver, const mr_form *form, mr_expr *const *args,
                               uint32_t count)
{
    (void)count;
    mr_expr *sides[2];
    mr_type common;
    if (mr_is_bare_null(args[0]) && mr_is_bare_null(args[1]))
        return mr_make_boolean(resolver, form->variant != 0);
    if (!compared_sides(resolver, args, true, sides, &common))
        return NULL;
    for (int i = 0; i < 2 && common.kind == MR_TYPE_DECIMAL; i++)
        if ((sides[i] = mr_build_cast(resolver, sides[i], common, false)) == NULL)
            return NULL;
    return mr_build_call(resolver, mr_type_not_null(mr_type_of(MR_TYPE_BOOLEAN)),
                         mr_distinct_function(form->variant != 0), NULL, sides, 2);
}

static mr_expr *build_logic(mr_resolver *resolver, const mr_form *form, mr_expr *const *args,
                            uint32_t count)
{
    mr_expr **sides = mr_arena_alloc(resolver->arena, count * sizeof(mr_expr *));
    for (uint32_t i = 0; i < count; i++)
        if ((sides[i] = mr_want_boolean(resolver, form, args, count, i)) == NULL)
            return NULL;
    return mr_build_control(resolver, (mr_expr_kind)form->variant,
                            mr_build_type(mr_type_of(MR_TYPE_BOOLEAN), sides, count), sides, count);
}

static mr_expr *build_not(mr_resolver *resolver, const mr_form *form, mr_expr *const *args,
                          uint32_t count)
{
    mr_expr *side = mr_want_boolean(resolver, form, args, count, 0);
    if (side == NULL)
        return NULL;
    return mr_build_call(resolver, side->type, &mr_function_not, NULL, &side, 1);
}

#define ARITHMETIC(symbol, operation, signature)                   \
    {                                                              \
        symbol, 2, 2, build_arithmetic, operation, signature, NULL \
    }
#define COMPARISON(symbol, comparison)                                                     \
    {                                                                                      \
        symbol, 2, 2, build_comparison, comparison, "two values of comparable types", NULL \
    }

mr_family mr_family_operators(void)
{
    static const mr_form forms[] = {
        ARITHMETIC("+", MR_ARITHMETIC_ADD, "numbers, or a date or time and an INTERVAL"),
        ARITHMETIC("-", MR_ARITHMETIC_SUB, "numbers, or a date or time and an INTERVAL"),
        ARITHMETIC("*", MR_ARITHMETIC_MUL, "numbers, or an INTERVAL and an integer"),
        ARITHMETIC("/", MR_ARITHMETIC_DIV, "numbers"),
        ARITHMETIC("%", MR_ARITHMETIC_MOD, "numbers"),
        {"-", 1, 1, build_sign, MR_ARITHMETIC_NEG, "a number or an INTERVAL", NULL},
        {"+", 1, 1, build_sign, MR_ARITHMETIC_ADD, "a number or an INTERVAL", NULL},
        {"MINUS_INTERVAL", 3, 3, build_difference, 0, "two timestamps", NULL},
        COMPARISON("=", MR_COMPARE_EQ),
        COMPARISON("<>", MR_COMPARE_NE),
        COMPARISON("!=", MR_COMPARE_NE),
        COMPARISON("<", MR_COMPARE_LT),
        COMPARISON("<=", MR_COMPARE_LE),
        COMPARISON(">", MR_COMPARE_GT),
        COMPARISON(">=", MR_COMPARE_GE),
        {"IS DISTINCT FROM", 2, 2, build_distinct, 0, "two values of comparable types", NULL},
        {"IS NOT DISTINCT FROM", 2, 2, build_distinct, 1, "two values of comparable types", NULL},
        {"AND", 2, MR_ARGS_ANY, build_logic, MR_EXPR_AND, "BOOLEAN on both sides", NULL},
        {"OR", 2, MR_ARGS_ANY, build_logic, MR_EXPR_OR, "BOOLEAN on both sides", NULL},
        {"NOT", 1, 1, build_not, 0, "a BOOLEAN", NULL},
    };
    return (mr_family){forms, MR_LENGTH(forms)};
}
