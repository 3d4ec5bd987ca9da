/*
 * A row-at-a-time interpreter of expression trees: obviously right and slow, the oracle of
 * programs.
 *
 * It knows + - * / % comparisons, NOT, IS tests, casts among integers and DOUBLE by their names,
 * over INT, BIGINT, DOUBLE and BOOLEAN, and shares no kernel with the engine. It evaluates what
 * SQL's order says: the left side of AND and OR first, only the branch taken.
 */
#ifndef MR_TESTS_HARNESS_EXPR_ORACLE_H
#define MR_TESTS_HARNESS_EXPR_ORACLE_H

#include "engine/expr/expr.h"

/* The value of `expr` in one row; `*has_failed` is set when anything evaluated fails (its value is
 * NULL). */
mr_value mr_oracle_eval(const mr_expr *expr, const mr_vector *columns, uint32_t row,
                        bool *has_failed);

#endif
