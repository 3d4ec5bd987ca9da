/*
 * Project: computes new columns. A row in which one fails leaves by the dead port.
 */
#ifndef MR_OPERATORS_ROWS_PROJECT_H
#define MR_OPERATORS_ROWS_PROJECT_H

#include "engine/expr/expr.h"
#include "engine/run/operator.h"

typedef struct mr_project_config {
    uint32_t columns_count;
    const mr_expr *const *columns;
    int32_t time_column; /* output column that is the time attribute: hidden times are kept; -1:
                            none */
    bool is_retimed;     /* hidden times are taken from the time column */
} mr_project_config;

extern const mr_operator_class mr_project_class;

#endif
