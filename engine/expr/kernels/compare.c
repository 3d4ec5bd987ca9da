#include "engine/expr/kernels/compare.h"

#include "engine/base/assert.h"
#include "engine/expr/decimal.h"
#include "engine/expr/kernels/template.h"

#define LANE_KERNELS(lane, T)                          \
    MR_BINARY_KERNEL(eq_##lane, T, T, uint8_t, a == b) \
    MR_BINARY_KERNEL(ne_##lane, T, T, uint8_t, a != b) \
    MR_BINARY_KERNEL(lt_##lane, T, T, uint8_t, a < b)  \
    MR_BINARY_KERNEL(le_##lane, T, T, uint8_t, a <= b) \
    MR_BINARY_KERNEL(gt_##lane, T, T, uint8_t, a > b)  \
    MR_BINARY_KERNEL(ge_##lane, T, T, uint8_t, a >= b)

LANE_KERNELS(bool, uint8_t)
LANE_KERNELS(i32, int32_t)
LANE_KERNELS(i64, int64_t)
LANE_KERNELS(i128, mr_i128)
LANE_KERNELS(f64, double)

/* Strings under a NULL or outside of the selection may point anywhere: row by row. */
#define STRING_KERNEL(name, expression)                   \
    static void name(const mr_kernel_call *call)          \
    {                                                     \
        for (uint32_t i = 0; i < call->selected; i++) {   \
            uint32_t row = mr_kernel_row(call, i);        \
            if (mr_kernel_is_null(call, row)) {           \
                call->result->bools[row] = 0;             \
                continue;                                 \
            }                                             \
            mr_string a = mr_kernel_string(call, 0, row); \
            mr_string b = mr_kernel_string(call, 1, row); \
            call->result->bools[row] = (expression);      \
        }                                                 \
    }

STRING_KERNEL(eq_string, mr_string_equals(a, b))
STRING_KERNEL(ne_string, !mr_string_equals(a, b))
STRING_KERNEL(lt_string, mr_string_compare(a, b) < 0)
STRING_KERNEL(le_string, mr_string_compare(a, b) <= 0)
STRING_KERNEL(gt_string, mr_string_compare(a, b) > 0)
STRING_KERNEL(ge_string, mr_string_compare(a, b) >= 0)

#define FIXED(symbol, kernel_name)                                 \
    {                                                              \
        .name = symbol, .kernel = (kernel_name), .is_strict = true \
    }
#define ROW(op, symbol)                                                                     \
    {                                                                                       \
        [MR_LANE_BOOL] = FIXED(symbol, op##_bool), [MR_LANE_I32] = FIXED(symbol, op##_i32), \
        [MR_LANE_I64] = FIXED(symbol, op##_i64), [MR_LANE_I128] = FIXED(symbol, op##_i128), \
        [MR_LANE_F64] = FIXED(symbol, op##_f64),                                            \
        [MR_LANE_STRING] = {                                                                \
            .name = symbol, .kernel = op##_string, .is_strict = true, .is_costly = true},   \
    }

const mr_function *mr_compare_function(mr_comparison comparison, mr_lane lane)
{
    static const mr_function functions[][MR_LANE_STRING + 1] = {
        [MR_COMPARE_EQ] = ROW(eq, "="), [MR_COMPARE_NE] = ROW(ne, "<>"),
        [MR_COMPARE_LT] = ROW(lt, "<"), [MR_COMPARE_LE] = ROW(le, "<="),
        [MR_COMPARE_GT] = ROW(gt, ">"), [MR_COMPARE_GE] = ROW(ge, ">="),
    };
    MR_ASSERT(lane >= MR_LANE_BOOL && lane <= MR_LANE_STRING);
    return &functions[comparison][lane];
}

/* Decimals of different scales are compared as they are: aligning them first could overflow. */
#define DECIMAL_KERNEL(name, operation)                                                        \
    static void name##_decimal(const mr_kernel_call *call)                                     \
    {                                                                                          \
        const uint32_t scale_a = call->args[0].type.scale, scale_b = call->args[1].type.scale; \
        for (uint32_t i = 0; i < call->selected; i++) {                                        \
            uint32_t row = mr_kernel_row(call, i);                                             \
            if (mr_kernel_is_null(call, row))                                                  \
                continue;                                                                      \
            mr_i128 a = call->args[0].i128[mr_kernel_at(call, 0, row)];                        \
            mr_i128 b = call->args[1].i128[mr_kernel_at(call, 1, row)];                        \
            call->result->bools[row] = mr_decimal_compare(a, scale_a, b, scale_b) operation 0; \
        }                                                                                      \
    }

DECIMAL_KERNEL(eq, ==)
DECIMAL_KERNEL(ne, !=)
DECIMAL_KERNEL(lt, <)
DECIMAL_KERNEL(le, <=)
DECIMAL_KERNEL(gt, >)
DECIMAL_KERNEL(ge, >=)

const mr_function *mr_compare_decimal_function(mr_comparison comparison)
{
    static const mr_function functions[] = {
        [MR_COMPARE_EQ] = FIXED("=", eq_decimal), [MR_COMPARE_NE] = FIXED("<>", ne_decimal),
        [MR_COMPARE_LT] = FIXED("<", lt_decimal), [MR_COMPARE_LE] = FIXED("<=", le_decimal),
        [MR_COMPARE_GT] = FIXED(">", gt_decimal), [MR_COMPARE_GE] = FIXED(">=", ge_decimal),
    };
    return &functions[comparison];
}

bool mr_vector_value_equals(const mr_vector *a, size_t row_a, const mr_vector *b, size_t row_b)
{
    switch (a->lane) {
    case MR_LANE_NONE: return true;
    case MR_LANE_BOOL: return a->bools[row_a] == b->bools[row_b];
    case MR_LANE_I32: return a->i32[row_a] == b->i32[row_b];
    case MR_LANE_I64: return a->i64[row_a] == b->i64[row_b];
    case MR_LANE_I128: return a->i128[row_a] == b->i128[row_b];
    case MR_LANE_F64: return a->f64[row_a] == b->f64[row_b];
    case MR_LANE_STRING: return mr_string_equals(a->strings[row_a], b->strings[row_b]);
    }
    return false;
}

static void compare_distinct(const mr_kernel_call *call, bool is_not)
{
    for (uint32_t i = 0; i < call->selected; i++) {
        uint32_t row = mr_kernel_row(call, i);
        bool null_a = mr_kernel_arg_is_null(call, 0, row);
        bool null_b = mr_kernel_arg_is_null(call, 1, row);
        bool is_equal = null_a || null_b
                            ? null_a && null_b
                            : mr_vector_value_equals(&call->args[0], mr_kernel_at(call, 0, row),
                                                     &call->args[1], mr_kernel_at(call, 1, row));
        call->result->bools[row] = is_equal == is_not;
    }
}

static void distinct(const mr_kernel_call *call)
{
    compare_distinct(call, false);
}

static void not_distinct(const mr_kernel_call *call)
{
    compare_distinct(call, true);
}

const mr_function *mr_distinct_function(bool is_not)
{
    static const mr_function functions[] = {
        {.name = "IS DISTINCT FROM", .kernel = distinct, .is_costly = true},
        {.name = "IS NOT DISTINCT FROM", .kernel = not_distinct, .is_costly = true},
    };
    return &functions[is_not];
}
