/*
 * + - * / % and sign by type. Both arguments have the lane of the result; integers fail the row on
 * overflow and division by zero, decimals become NULL when they do not fit and fail on division by
 * zero, FLOAT and DOUBLE follow IEEE.
 * Dates and intervals: I64 addition and subtraction work on TIMESTAMP and INTERVAL SECOND as they
 * are. Thread: pure. Memory: static functions.
 */
#ifndef MR_ENGINE_EXPR_KERNELS_ARITHMETIC_H
#define MR_ENGINE_EXPR_KERNELS_ARITHMETIC_H

#include "engine/expr/function.h"

typedef enum mr_arithmetic {
    MR_ARITHMETIC_ADD = 0,
    MR_ARITHMETIC_SUB,
    MR_ARITHMETIC_MUL,
    MR_ARITHMETIC_DIV,
    MR_ARITHMETIC_MOD,
    MR_ARITHMETIC_NEG, /* one argument */
    MR_ARITHMETIC_ABS, /* one argument */
} mr_arithmetic;

/* Never NULL for lanes I32 to F64. */
const mr_function *mr_arithmetic_function(mr_arithmetic operation, mr_lane lane);

#endif
