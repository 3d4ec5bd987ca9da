#include "engine/expr/kernels/arithmetic.h"

#include "engine/base/assert.h"
#include "engine/expr/decimal.h"
#include "engine/expr/kernels/template.h"

#include <math.h>

static void fail_overflow(const mr_kernel_call *call, uint32_t row)
{
    char type[MR_TYPE_NAME_MAX];
    mr_type_name(mr_type_nullable(call->result->type, true), type, sizeof type);
    mr_kernel_fail(call, row, MR_E_OVERFLOW, "the result does not fit %s", type);
}

static void fail_zero(const mr_kernel_call *call, uint32_t row)
{
    mr_kernel_fail(call, row, MR_E_DIVISION_BY_ZERO, "division by zero");
}

/* What an integer of the I32 lane may be. DATE and intervals take the whole lane. */
static void limits_i32(mr_type type, int64_t *low, int64_t *high)
{
    *low = type.kind == MR_TYPE_TINYINT    ? INT8_MIN
           : type.kind == MR_TYPE_SMALLINT ? INT16_MIN
                                           : INT32_MIN;
    *high = -*low - 1;
}

/*
 * Checked kernels compute every row first and only remember whether any overflowed: the loop has no
 * branch. Rows are looked at one by one only then (what lies in unselected rows may have caused
 * it).
 */
#define CHECKED_I32(name, operation)                                                          \
    static bool name##_one(const mr_kernel_call *call, size_t row, int64_t low, int64_t high) \
    {                                                                                         \
        int64_t a = call->args[0].i32[call->args[0].is_constant ? 0 : row];                   \
        int64_t b = call->args[1].i32[call->args[1].is_constant ? 0 : row];                   \
        int64_t value = a operation b;                                                        \
        call->result->i32[row] = (int32_t)value;                                              \
        return value < low || value > high;                                                   \
    }                                                                                         \
    static uint64_t name##_all(const mr_kernel_call *call, int64_t low, int64_t high)         \
    {                                                                                         \
        const int32_t *restrict left = call->args[0].i32;                                     \
        const int32_t *restrict right = call->args[1].i32;                                    \
        int32_t *restrict to = call->result->i32;                                             \
        const size_t step_left = !call->args[0].is_constant;                                  \
        const size_t step_right = !call->args[1].is_constant;                                 \
        uint64_t bad = 0;                                                                     \
        for (uint32_t i = 0; i < call->rows; i++) {                                           \
            int64_t value = (int64_t)left[i * step_left] operation right[i * step_right];     \
            to[i] = (int32_t)value;                                                           \
            bad |= (uint64_t)(value < low) | (uint64_t)(value > high);                        \
        }                                                                                     \
        return bad;                                                                           \
    }                                                                                         \
    static void name(const mr_kernel_call *call)                                              \
    {                                                                                         \
        int64_t low, high;                                                                    \
        limits_i32(call->result->type, &low, &high);                                          \
        if (mr_kernel_sparse(call) == NULL && name##_all(call, low, high) == 0)               \
            return;                                                                           \
        for (uint32_t i = 0; i < call->selected; i++) {                                       \
            uint32_t row = mr_kernel_row(call, i);                                            \
            if (name##_one(call, row, low, high) && !mr_kernel_is_null(call, row))            \
                fail_overflow(call, row);                                                     \
        }                                                                                     \
    }

CHECKED_I32(add_i32, +)
CHECKED_I32(sub_i32, -)
CHECKED_I32(mul_i32, *)

#define CHECKED_I64(name, overflows)                                              \
    static uint64_t name##_all(const mr_kernel_call *call)                        \
    {                                                                             \
        const int64_t *restrict left = call->args[0].i64;                         \
        const int64_t *restrict right = call->args[1].i64;                        \
        int64_t *restrict to = call->result->i64;                                 \
        const size_t step_left = !call->args[0].is_constant;                      \
        const size_t step_right = !call->args[1].is_constant;                     \
        uint64_t bad = 0;                                                         \
        for (uint32_t i = 0; i < call->rows; i++)                                 \
            bad |= overflows(left[i * step_left], right[i * step_right], &to[i]); \
        return bad;                                                               \
    }                                                                             \
    static void name(const mr_kernel_call *call)                                  \
    {                                                                             \
        if (mr_kernel_sparse(call) == NULL && name##_all(call) == 0)              \
            return;                                                               \
        for (uint32_t i = 0; i < call->selected; i++) {                           \
            uint32_t row = mr_kernel_row(call, i);                                \
            if (overflows(call->args[0].i64[mr_kernel_at(call, 0, row)],          \
                          call->args[1].i64[mr_kernel_at(call, 1, row)],          \
                          &call->result->i64[row]) &&                             \
                !mr_kernel_is_null(call, row))                                    \
                fail_overflow(call, row);                                         \
        }                                                                         \
    }

CHECKED_I64(add_i64, __builtin_add_overflow)
CHECKED_I64(sub_i64, __builtin_sub_overflow)
CHECKED_I64(mul_i64, __builtin_mul_overflow)

/* Division traps on zero and on MIN / -1: row by row, NULL rows left out. */
#define DIVIDING(name, lane, T, by_minus_one, operation)          \
    static void name(const mr_kernel_call *call)                  \
    {                                                             \
        for (uint32_t i = 0; i < call->selected; i++) {           \
            uint32_t row = mr_kernel_row(call, i);                \
            if (mr_kernel_is_null(call, row))                     \
                continue;                                         \
            T a = call->args[0].lane[mr_kernel_at(call, 0, row)]; \
            T b = call->args[1].lane[mr_kernel_at(call, 1, row)]; \
            if (b == 0)                                           \
                fail_zero(call, row);                             \
            else if (b == -1)                                     \
                by_minus_one(call, row, a);                       \
            else                                                  \
                call->result->lane[row] = (T)(a operation b);     \
        }                                                         \
    }

static void negate_i32(const mr_kernel_call *call, uint32_t row, int32_t a)
{
    int64_t low, high;
    limits_i32(call->result->type, &low, &high);
    if (a == low)
        fail_overflow(call, row);
    else
        call->result->i32[row] = -a;
}

static void negate_i64(const mr_kernel_call *call, uint32_t row, int64_t a)
{
    if (a == INT64_MIN)
        fail_overflow(call, row);
    else
        call->result->i64[row] = -a;
}

static void zero_i32(const mr_kernel_call *call, uint32_t row, int32_t a)
{
    (void)a;
    call->result->i32[row] = 0;
}

static void zero_i64(const mr_kernel_call *call, uint32_t row, int64_t a)
{
    (void)a;
    call->result->i64[row] = 0;
}

DIVIDING(div_i32, i32, int32_t, negate_i32, /)
DIVIDING(div_i64, i64, int64_t, negate_i64, /)
DIVIDING(mod_i32, i32, int32_t, zero_i32, %)
DIVIDING(each_mod_i64, i64, int64_t, zero_i64, %)

/* By a constant of 32 bits, which is what people write: the processor divides 32 bits in a third of
 * the time that 64 take, and most numbers need no more. */
static void mod_i64(const mr_kernel_call *call)
{
    const mr_vector *by = &call->args[1];
    if (mr_kernel_sparse(call) != NULL || !by->is_constant || call->args[0].is_constant ||
        by->i64[0] < 1 || by->i64[0] > UINT32_MAX) {
        each_mod_i64(call);
        return;
    }
    const uint32_t divisor = (uint32_t)by->i64[0];
    const int64_t *restrict from = call->args[0].i64;
    int64_t *restrict to = call->result->i64;
    for (uint32_t i = 0; i < call->rows; i++)
        to[i] =
            from[i] >= 0 && from[i] <= UINT32_MAX ? (uint32_t)from[i] % divisor : from[i] % divisor;
}

#define NEGATING(name, lane, T, negate, condition)                \
    static void name(const mr_kernel_call *call)                  \
    {                                                             \
        for (uint32_t i = 0; i < call->selected; i++) {           \
            uint32_t row = mr_kernel_row(call, i);                \
            if (mr_kernel_is_null(call, row))                     \
                continue;                                         \
            T a = call->args[0].lane[mr_kernel_at(call, 0, row)]; \
            if (condition)                                        \
                negate(call, row, a);                             \
            else                                                  \
                call->result->lane[row] = a;                      \
        }                                                         \
    }

NEGATING(neg_i32, i32, int32_t, negate_i32, true)
NEGATING(neg_i64, i64, int64_t, negate_i64, true)
NEGATING(abs_i32, i32, int32_t, negate_i32, a < 0)
NEGATING(abs_i64, i64, int64_t, negate_i64, a < 0)

/* FLOAT is rounded to float after every operation; DOUBLE is stored as it is. */
static void round_floats(const mr_kernel_call *call)
{
    if (call->result->type.kind != MR_TYPE_FLOAT)
        return;
    for (uint32_t i = 0; i < call->selected; i++) {
        uint32_t row = mr_kernel_row(call, i);
        call->result->f64[row] = (double)(float)call->result->f64[row];
    }
}

MR_BINARY_KERNEL(plain_add, double, double, double, a + b)
MR_BINARY_KERNEL(plain_sub, double, double, double, a - b)
MR_BINARY_KERNEL(plain_mul, double, double, double, a *b)
/* Division by zero is no trap in IEEE arithmetic; the sanitizer's check is for what C leaves
 * open. */
static inline double quotient(double a, double b)
{
    if (b != 0)
        return a / b;
    if (a == 0 || isnan(a) || isnan(b))
        return (double)NAN;
    return signbit(a) == signbit(b) ? (double)INFINITY : -(double)INFINITY;
}
MR_BINARY_KERNEL(plain_div, double, double, double, quotient(a, b))
MR_BINARY_KERNEL(plain_mod, double, double, double, fmod(a, b))
MR_UNARY_KERNEL(neg_f64, double, double, -a)
MR_UNARY_KERNEL(abs_f64, double, double, fabs(a))

#define ROUNDED(name)                                  \
    static void name##_f64(const mr_kernel_call *call) \
    {                                                  \
        plain_##name(call);                            \
        round_floats(call);                            \
    }

ROUNDED(add)
ROUNDED(sub)
ROUNDED(mul)
ROUNDED(div)
ROUNDED(mod)

typedef bool decimal_operation(mr_i128 a, uint32_t scale_a, mr_i128 b, uint32_t scale_b, mr_type to,
                               mr_i128 *result);

static inline void each_decimal(const mr_kernel_call *call, decimal_operation *operation,
                                bool is_dividing)
{
    const uint32_t scale_a = call->args[0].type.scale, scale_b = call->args[1].type.scale;
    const mr_type to = call->result->type;
    for (uint32_t i = 0; i < call->selected; i++) {
        uint32_t row = mr_kernel_row(call, i);
        if (mr_kernel_is_null(call, row))
            continue;
        mr_i128 a = call->args[0].i128[mr_kernel_at(call, 0, row)];
        mr_i128 b = call->args[1].i128[mr_kernel_at(call, 1, row)];
        if (is_dividing && b == 0)
            fail_zero(call, row);
        else if (!operation(a, scale_a, b, scale_b, to, &call->result->i128[row]))
            mr_kernel_null(call, row);
    }
}

static void add_i128(const mr_kernel_call *call)
{
    each_decimal(call, mr_decimal_add, false);
}

static void sub_i128(const mr_kernel_call *call)
{
    each_decimal(call, mr_decimal_sub, false);
}

static void mul_i128(const mr_kernel_call *call)
{
    each_decimal(call, mr_decimal_mul, false);
}

static void div_i128(const mr_kernel_call *call)
{
    each_decimal(call, mr_decimal_div, true);
}

static void mod_i128(const mr_kernel_call *call)
{
    each_decimal(call, mr_decimal_mod, true);
}

MR_UNARY_KERNEL(neg_i128, mr_i128, mr_i128, (mr_i128)(0 - (mr_u128)a))
MR_UNARY_KERNEL(abs_i128, mr_i128, mr_i128, a < 0 ? (mr_i128)(0 - (mr_u128)a) : a)

/* clang-format off */
#define LANES(op, symbol, decimal_fails)                                                           \
    {                                                                                              \
        [MR_LANE_I32] = {.name = symbol, .kernel = op##_i32, .is_strict = true, .can_fail = true}, \
        [MR_LANE_I64] = {.name = symbol, .kernel = op##_i64, .is_strict = true, .can_fail = true}, \
        [MR_LANE_I128] = {.name = symbol, .kernel = op##_i128, .is_strict = true,                  \
                          .can_fail = (decimal_fails), .is_costly = true},                         \
        [MR_LANE_F64] = {.name = symbol, .kernel = op##_f64, .is_strict = true},                   \
    }
/* clang-format on */

const mr_function *mr_arithmetic_function(mr_arithmetic operation, mr_lane lane)
{
    static const mr_function functions[][MR_LANE_STRING + 1] = {
        [MR_ARITHMETIC_ADD] = LANES(add, "+", false),
        [MR_ARITHMETIC_SUB] = LANES(sub, "-", false),
        [MR_ARITHMETIC_MUL] = LANES(mul, "*", false),
        [MR_ARITHMETIC_DIV] = LANES(div, "/", true),
        [MR_ARITHMETIC_MOD] = LANES(mod, "%", true),
        [MR_ARITHMETIC_NEG] = LANES(neg, "-", false),
        [MR_ARITHMETIC_ABS] = LANES(abs, "ABS", false),
    };
    MR_ASSERT(functions[operation][lane].kernel != NULL);
    return &functions[operation][lane];
}
