/*
 * Comparisons of two values of one lane. Strings compare by byte, FLOAT and DOUBLE by IEEE rules
 * (NaN equals nothing); decimals must have one scale. Thread: pure. Memory: static functions.
 */
#ifndef MR_ENGINE_EXPR_KERNELS_COMPARE_H
#define MR_ENGINE_EXPR_KERNELS_COMPARE_H

#include "engine/expr/function.h"

typedef enum mr_comparison {
    MR_COMPARE_EQ = 0,
    MR_COMPARE_NE,
    MR_COMPARE_LT,
    MR_COMPARE_LE,
    MR_COMPARE_GT,
    MR_COMPARE_GE,
} mr_comparison;

/* Never NULL for lanes BOOL to STRING. */
const mr_function *mr_compare_function(mr_comparison comparison, mr_lane lane);

/* The same for two DECIMALs of different scales. */
const mr_function *mr_compare_decimal_function(mr_comparison comparison);

/* IS [NOT] DISTINCT FROM: never NULL, NULLs are equal. */
const mr_function *mr_distinct_function(bool is_not);

/* Do rows a and b of two vectors of one lane hold equal values (both not NULL)? */
bool mr_vector_value_equals(const mr_vector *a, size_t row_a, const mr_vector *b, size_t row_b);

#endif
