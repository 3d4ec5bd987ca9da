/* Functions of numbers. FLOOR and CEIL of a time to a unit are in time.c. */
#include "operators/functions/build.h"

#include "engine/base/assert.h"
#include "engine/expr/decimal.h"
#include "engine/expr/kernel.h"
#include "engine/expr/kernels/arithmetic.h"

#include <math.h>

static void put_double(const mr_kernel_call *call, uint32_t row, double value)
{
    call->result->f64[row] =
        call->result->type.kind == MR_TYPE_FLOAT ? (double)(float)value : value;
}

/* Through the shortest decimal text, as Java's BigDecimal.valueOf: ROUND(2.675, 2) is 2.68. */
static double round_double(double value, int32_t digits)
{
    mr_i128 unscaled;
    if (!isfinite(value) || digits > 18 || fabs(value) >= 1e18)
        return value;
    mr_type wide = mr_type_decimal(38, 19), narrow = mr_type_decimal(38, 19);
    if (!mr_decimal_of_double(value, wide, &unscaled) ||
        !mr_decimal_round(unscaled, wide.scale, digits, narrow, &unscaled))
        return value;
    return mr_decimal_to_double(unscaled, narrow.scale);
}

static void round_f64(const mr_kernel_call *call)
{
    for (uint32_t i = 0; i < call->selected; i++) {
        uint32_t row = mr_kernel_row(call, i);
        if (!mr_kernel_is_null(call, row))
            put_double(call, row,
                       round_double(call->args[0].f64[mr_kernel_at(call, 0, row)],
                                    call->args[1].i32[mr_kernel_at(call, 1, row)]));
    }
}

static void round_i128(const mr_kernel_call *call)
{
    for (uint32_t i = 0; i < call->selected; i++) {
        uint32_t row = mr_kernel_row(call, i);
        if (mr_kernel_is_null(call, row))
            continue;
        mr_i128 value = call->args[0].i128[mr_kernel_at(call, 0, row)];
        int32_t digits = call->args[1].i32[mr_kernel_at(call, 1, row)];
        if (!mr_decimal_round(value, call->args[0].type.scale, digits, call->result->type,
                              &call->result->i128[row]))
            mr_kernel_null(call, row);
    }
}

/* Integers change only by rounding before the point. */
static void round_integer(const mr_kernel_call *call)
{
    const bool is_narrow = call->result->lane == MR_LANE_I32;
    for (uint32_t i = 0; i < call->selected; i++) {
        uint32_t row = mr_kernel_row(call, i);
        if (mr_kernel_is_null(call, row))
            continue;
        size_t at = mr_kernel_at(call, 0, row);
        mr_i128 value = is_narrow ? call->args[0].i32[at] : call->args[0].i64[at];
        int32_t digits = call->args[1].i32[mr_kernel_at(call, 1, row)];
        if (digits < 0 && !mr_decimal_round(value, 0, digits, mr_type_decimal(38, 0), &value))
            value = 0;
        if (is_narrow ? value < INT32_MIN || value > INT32_MAX
                      : value < INT64_MIN || value > INT64_MAX)
            mr_kernel_fail(call, row, MR_E_OVERFLOW, "the rounded number does not fit its type");
        else if (is_narrow)
            call->result->i32[row] = (int32_t)value;
        else
            call->result->i64[row] = (int64_t)value;
    }
}

#define DOUBLE_KERNEL(name, expression)                               \
    static void name(const mr_kernel_call *call)                      \
    {                                                                 \
        for (uint32_t i = 0; i < call->selected; i++) {               \
            uint32_t row = mr_kernel_row(call, i);                    \
            double a = call->args[0].f64[mr_kernel_at(call, 0, row)]; \
            put_double(call, row, expression);                        \
        }                                                             \
    }

DOUBLE_KERNEL(floor_f64, floor(a))
DOUBLE_KERNEL(ceil_f64, ceil(a))
DOUBLE_KERNEL(sqrt_f64, sqrt(a))
DOUBLE_KERNEL(exp_f64, exp(a))
DOUBLE_KERNEL(ln_f64, log(a))
DOUBLE_KERNEL(log10_f64, log10(a))
DOUBLE_KERNEL(sign_f64, isnan(a) ? a : (double)((a > 0) - (a < 0)))

static void power_f64(const mr_kernel_call *call)
{
    for (uint32_t i = 0; i < call->selected; i++) {
        uint32_t row = mr_kernel_row(call, i);
        call->result->f64[row] = pow(call->args[0].f64[mr_kernel_at(call, 0, row)],
                                     call->args[1].f64[mr_kernel_at(call, 1, row)]);
    }
}

#define DECIMAL_KERNEL(name, expression)                                \
    static void name(const mr_kernel_call *call)                        \
    {                                                                   \
        const uint32_t scale = call->args[0].type.scale;                \
        for (uint32_t i = 0; i < call->selected; i++) {                 \
            uint32_t row = mr_kernel_row(call, i);                      \
            mr_i128 a = call->args[0].i128[mr_kernel_at(call, 0, row)]; \
            call->result->i128[row] = (expression);                     \
        }                                                               \
    }

DECIMAL_KERNEL(floor_i128, mr_decimal_floor(a, scale))
DECIMAL_KERNEL(ceil_i128, mr_decimal_ceil(a, scale))
DECIMAL_KERNEL(sign_i128, ((a > 0) - (a < 0)) * mr_decimal_power(scale))

static void sign_integer(const mr_kernel_call *call)
{
    for (uint32_t i = 0; i < call->selected; i++) {
        uint32_t row = mr_kernel_row(call, i);
        size_t at = mr_kernel_at(call, 0, row);
        if (call->result->lane == MR_LANE_I32)
            call->result->i32[row] = (call->args[0].i32[at] > 0) - (call->args[0].i32[at] < 0);
        else
            call->result->i64[row] = (call->args[0].i64[at] > 0) - (call->args[0].i64[at] < 0);
    }
}

#define PLAIN(variable, sql_name, kernel_name) \
    static const mr_function variable = {      \
        .name = sql_name, .kernel = (kernel_name), .is_strict = true, .is_costly = true}

PLAIN(function_round_f64, "ROUND", round_f64);
PLAIN(function_round_i128, "ROUND", round_i128);
static const mr_function function_round_integer = {
    .name = "ROUND", .kernel = round_integer, .is_strict = true, .can_fail = true};
PLAIN(function_floor_f64, "FLOOR", floor_f64);
PLAIN(function_floor_i128, "FLOOR", floor_i128);
PLAIN(function_ceil_f64, "CEIL", ceil_f64);
PLAIN(function_ceil_i128, "CEIL", ceil_i128);
PLAIN(function_sign_f64, "SIGN", sign_f64);
PLAIN(function_sign_i128, "SIGN", sign_i128);
PLAIN(function_sign_integer, "SIGN", sign_integer);
PLAIN(function_sqrt, "SQRT", sqrt_f64);
PLAIN(function_exp, "EXP", exp_f64);
PLAIN(function_ln, "LN", ln_f64);
PLAIN(function_log10, "LOG10", log10_f64);
PLAIN(function_power, "POWER", power_f64);

/* The argument as a number; a bare NULL as INT. */
static mr_expr *number(mr_resolver *resolver, const mr_form *form, mr_expr *const *args,
                       uint32_t count)
{
    if (mr_is_bare_null(args[0]))
        return mr_build_cast(resolver, args[0], mr_type_of(MR_TYPE_INT), false);
    return mr_type_is_numeric(args[0]->type) ? args[0]
                                             : mr_refuse_types(resolver, form, args, count);
}

static mr_expr *build_abs(mr_resolver *resolver, const mr_form *form, mr_expr *const *args,
                          uint32_t count)
{
    mr_expr *arg = number(resolver, form, args, count);
    if (arg == NULL)
        return NULL;
    return mr_build_call(resolver, arg->type,
                         mr_arithmetic_function(MR_ARITHMETIC_ABS, mr_type_lane(arg->type)), NULL,
                         &arg, 1);
}

static mr_expr *build_mod(mr_resolver *resolver, const mr_form *form, mr_expr *const *args,
                          uint32_t count)
{
    for (uint32_t i = 0; i < count; i++)
        if (!mr_type_is_numeric(args[i]->type) && !mr_is_bare_null(args[i]))
            return mr_refuse_types(resolver, form, args, count);
    return mr_make_call(resolver, "%", args, count);
}

static mr_expr *build_round(mr_resolver *resolver, const mr_form *form, mr_expr *const *args,
                            uint32_t count)
{
    mr_expr *sides[] = {number(resolver, form, args, count), mr_make_int(resolver, 0)};
    if (sides[0] == NULL)
        return NULL;
    if (count == 2 && (sides[1] = mr_want_int(resolver, form, args, count, 1)) == NULL)
        return NULL;
    mr_type type = sides[0]->type;
    const mr_function *function = mr_type_is_integer(type)       ? &function_round_integer
                                  : type.kind == MR_TYPE_DECIMAL ? &function_round_i128
                                                                 : &function_round_f64;
    if (type.kind == MR_TYPE_DECIMAL && sides[1]->kind == MR_EXPR_CONSTANT &&
        !sides[1]->value.is_null)
        type = mr_decimal_type_round(type, sides[1]->value.i32);
    return mr_build_call(resolver, mr_build_type(type, sides, 2), function, NULL, sides, 2);
}

enum { FLOOR, CEIL, SIGN };

static mr_expr *build_step(mr_resolver *resolver, const mr_form *form, mr_expr *const *args,
                           uint32_t count)
{
    static const mr_function *const functions[][3] = {
        [FLOOR] = {&function_floor_f64, &function_floor_i128, NULL},
        [CEIL] = {&function_ceil_f64, &function_ceil_i128, NULL},
        [SIGN] = {&function_sign_f64, &function_sign_i128, &function_sign_integer},
    };
    mr_expr *arg = number(resolver, form, args, count);
    if (arg == NULL)
        return NULL;
    mr_type type = arg->type;
    int kind = mr_type_is_integer(type) ? 2 : type.kind == MR_TYPE_DECIMAL ? 1 : 0;
    const mr_function *function = functions[form->variant][kind];
    if (function == NULL)
        return arg; /* an integer is its own floor */
    if (kind == 1 && form->variant != SIGN) {
        int digits = type.precision - type.scale + (type.scale > 0);
        type.precision = (uint8_t)(digits > 38 ? 38 : digits);
        type.scale = 0;
    }
    return mr_build_call(resolver, type, function, NULL, &arg, 1);
}

static mr_expr *build_double(mr_resolver *resolver, const mr_form *form, mr_expr *const *args,
                             uint32_t count)
{
    mr_expr *sides[2];
    for (uint32_t i = 0; i < count; i++)
        if ((sides[i] = mr_want_double(resolver, form, args, count, i)) == NULL)
            return NULL;
    return mr_build_call(resolver, mr_build_type(mr_type_of(MR_TYPE_DOUBLE), sides, count),
                         form->extra, NULL, sides, count);
}

mr_family mr_family_numbers(void)
{
    static const mr_form forms[] = {
        {"ABS", 1, 1, build_abs, 0, "ABS(number)", NULL},
        {"MOD", 2, 2, build_mod, 0, "MOD(number, number)", NULL},
        {"ROUND", 1, 2, build_round, 0, "ROUND(number [, INT])", NULL},
        {"FLOOR", 1, 1, build_step, FLOOR, "FLOOR(number) or FLOOR(time TO unit)", NULL},
        {"CEIL", 1, 1, build_step, CEIL, "CEIL(number) or CEIL(time TO unit)", NULL},
        {"CEILING", 1, 1, build_step, CEIL, "CEILING(number)", NULL},
        {"SIGN", 1, 1, build_step, SIGN, "SIGN(number)", NULL},
        {"POWER", 2, 2, build_double, 0, "POWER(number, number)", &function_power},
        {"SQRT", 1, 1, build_double, 0, "SQRT(number)", &function_sqrt},
        {"EXP", 1, 1, build_double, 0, "EXP(number)", &function_exp},
        {"LN", 1, 1, build_double, 0, "LN(number)", &function_ln},
        {"LOG10", 1, 1, build_double, 0, "LOG10(number)", &function_log10},
    };
    return (mr_family){forms, MR_LENGTH(forms)};
}
