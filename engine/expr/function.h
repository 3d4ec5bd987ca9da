/*
 * A scalar function as the program sees it: a kernel over whole vectors.
 *
 * A kernel writes `rows` result values (all of them when `selection` is NULL, else at least the
 * selected ones) and their validity. Kernels marked `can_fail` look at selected rows only and add a
 * row error (and NULL) where a row fails; others may compute every row, NULL or not. When
 * `is_strict` the program has already and-ed the arguments' validity into `result->valid`, and a
 * `can_fail` kernel must skip rows that are NULL there.
 * Arguments may be constant vectors (vector.h); the result is flat. Rows outside of the selection
 * hold whatever an earlier batch left there: a kernel that follows pointers (strings) looks at
 * selected rows only.
 * `function_data` depends on nothing but function, types and constant arguments, all of which stay
 * in the expression: equal calls have equal data.
 */
#ifndef MR_ENGINE_EXPR_FUNCTION_H
#define MR_ENGINE_EXPR_FUNCTION_H

#include "engine/batch/row_error.h"
#include "engine/batch/vector.h"

struct mr_zone; /* time zone rules, engine/expr/zone.h */

/* Why a row failed in an expression. */
enum {
    MR_E_OVERFLOW = 3401,         /* a result does not fit its type */
    MR_E_DIVISION_BY_ZERO = 3402, /* of integers or decimals */
    MR_E_CAST = 3403,             /* a value cannot be written in the target type */
    MR_E_ARGUMENT = 3404,         /* a function cannot take this value */
};

typedef struct mr_expr_context {
    const struct mr_zone *zone; /* the job's local time zone; NULL: UTC */
} mr_expr_context;

typedef struct mr_kernel_call {
    const mr_vector *args;
    uint32_t args_count;
    mr_vector *result; /* values allocated; type set */
    uint32_t rows;
    const uint32_t *selection; /* NULL: all */
    uint32_t selected;
    mr_arena *arena;       /* the batch's: for strings made */
    mr_row_errors *errors; /* NULL: failing rows are just NULL */
    const mr_expr_context *context;
    const void *data; /* the expression's function_data */
} mr_kernel_call;

typedef struct mr_function {
    const char *name;
    void (*kernel)(const mr_kernel_call *call);
    bool is_strict; /* NULL in, NULL out */
    bool can_fail;
    bool is_volatile; /* never folded, never shared */
    bool is_lenient;  /* called without `errors`: failing rows are NULL (TRY_CAST) */
    bool is_costly;   /* worth a selection of its own behind AND and OR (strings, patterns) */
} mr_function;

#endif
