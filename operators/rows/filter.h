/*
 * Filter: keeps the rows for which a predicate is TRUE. Rows for which it fails leave by the dead
 * port.
 */
#ifndef MR_OPERATORS_ROWS_FILTER_H
#define MR_OPERATORS_ROWS_FILTER_H

#include "engine/expr/expr.h"
#include "engine/run/operator.h"

typedef struct mr_filter_config {
    const mr_expr *predicate; /* BOOLEAN */
} mr_filter_config;

extern const mr_operator_class mr_filter_class;

#endif
