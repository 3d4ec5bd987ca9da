/*
 * Bound, typed expression trees: what the binder makes and a program is compiled from.
 *
 * Invariants: every child has the exact type its parent's function takes (casts are explicit
 * calls); columns are numbers in the input batch. Immutable once built; lives in the plan's arena.
 */
#ifndef MR_ENGINE_EXPR_EXPR_H
#define MR_ENGINE_EXPR_EXPR_H

#include "engine/batch/batch.h"
#include "engine/expr/function.h"

/* One value of any lane, for constants and golden tests. */
typedef struct mr_value {
    bool is_null;
    union {
        bool boolean;
        int32_t i32;
        int64_t i64;
        mr_i128 i128;
        double f64;
        mr_string string;
    };
} mr_value;

typedef enum mr_expr_kind {
    MR_EXPR_COLUMN = 0,
    MR_EXPR_CONSTANT,
    MR_EXPR_CALL, /* function over args */
    MR_EXPR_AND,  /* args, evaluated under a shrinking selection */
    MR_EXPR_OR,
    MR_EXPR_CASE,     /* args: when, then, when, then, .., else (always an else) */
    MR_EXPR_COALESCE, /* args */
} mr_expr_kind;

typedef struct mr_expr mr_expr;

struct mr_expr {
    mr_expr_kind kind;
    mr_type type;
    const char *text;              /* SQL text, for dead letters and EXPLAIN; NULL: none */
    uint32_t text_start, text_end; /* span in the job text */
    uint32_t column;               /* COLUMN */
    mr_value value;                /* CONSTANT */
    const mr_function *function;   /* CALL */
    const void *function_data;     /* CALL: what `bind` made; NULL: none */
    uint32_t depth;                /* 1 + the deepest argument's; a leaf's may be 0 */
    uint32_t args_count;
    const mr_expr *const *args;
};

#endif
