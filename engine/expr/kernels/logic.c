#include "engine/expr/kernels/logic.h"

#include "engine/expr/kernels/template.h"

MR_UNARY_KERNEL(negate, uint8_t, uint8_t, !a)

/* Values of an AND or OR for rows where both sides are known, by the template. */
MR_BINARY_KERNEL(both, uint8_t, uint8_t, uint8_t, a &b)
MR_BINARY_KERNEL(either, uint8_t, uint8_t, uint8_t, a | b)

static bool has_nulls(const mr_kernel_call *call)
{
    return call->args[0].valid != NULL || call->args[1].valid != NULL;
}

/* `decisive` is the value that decides alone: FALSE for AND, TRUE for OR. */
static void three_valued(const mr_kernel_call *call, uint8_t decisive)
{
    uint64_t *valid = mr_vector_validity(call->result, call->rows, call->arena);
    for (uint32_t i = 0; i < call->selected; i++) {
        uint32_t row = mr_kernel_row(call, i);
        bool null_a = mr_kernel_arg_is_null(call, 0, row);
        bool null_b = mr_kernel_arg_is_null(call, 1, row);
        uint8_t a = call->args[0].bools[mr_kernel_at(call, 0, row)];
        uint8_t b = call->args[1].bools[mr_kernel_at(call, 1, row)];
        bool is_decided = (!null_a && a == decisive) || (!null_b && b == decisive);
        call->result->bools[row] = is_decided ? decisive : !decisive;
        if (!is_decided && (null_a || null_b))
            mr_bitmap_clear(valid, row);
    }
}

static void and3(const mr_kernel_call *call)
{
    if (has_nulls(call))
        three_valued(call, 0);
    else
        both(call);
}

static void or3(const mr_kernel_call *call)
{
    if (has_nulls(call))
        three_valued(call, 1);
    else
        either(call);
}

/* value where the argument is NULL, else its complement */
static void test_null(const mr_kernel_call *call, uint8_t if_null)
{
    uint8_t *to = call->result->bools;
    if (call->args[0].valid == NULL) {
        memset(to, !if_null, call->rows);
        return;
    }
    for (uint32_t i = 0; i < call->selected; i++) {
        uint32_t row = mr_kernel_row(call, i);
        to[row] = mr_kernel_arg_is_null(call, 0, row) ? if_null : !if_null;
    }
}

static void is_null(const mr_kernel_call *call)
{
    test_null(call, 1);
}

static void is_not_null(const mr_kernel_call *call)
{
    test_null(call, 0);
}

/* 1 where the argument is not NULL and `value`; turned round when `is_not`. */
static void test_value(const mr_kernel_call *call, uint8_t value, bool is_not)
{
    for (uint32_t i = 0; i < call->selected; i++) {
        uint32_t row = mr_kernel_row(call, i);
        bool is = !mr_kernel_arg_is_null(call, 0, row) &&
                  call->args[0].bools[mr_kernel_at(call, 0, row)] == value;
        call->result->bools[row] = is != is_not;
    }
}

static void is_true(const mr_kernel_call *call)
{
    test_value(call, 1, false);
}

static void is_not_true(const mr_kernel_call *call)
{
    test_value(call, 1, true);
}

static void is_false(const mr_kernel_call *call)
{
    test_value(call, 0, false);
}

static void is_not_false(const mr_kernel_call *call)
{
    test_value(call, 0, true);
}

const mr_function mr_function_and = {.name = "AND", .kernel = and3};
const mr_function mr_function_or = {.name = "OR", .kernel = or3};
const mr_function mr_function_not = {.name = "NOT", .kernel = negate, .is_strict = true};
const mr_function mr_function_is_null = {.name = "IS NULL", .kernel = is_null};
const mr_function mr_function_is_not_null = {.name = "IS NOT NULL", .kernel = is_not_null};
const mr_function mr_function_is_true = {.name = "IS TRUE", .kernel = is_true};
const mr_function mr_function_is_not_true = {.name = "IS NOT TRUE", .kernel = is_not_true};
const mr_function mr_function_is_false = {.name = "IS FALSE", .kernel = is_false};
const mr_function mr_function_is_not_false = {.name = "IS NOT FALSE", .kernel = is_not_false};
