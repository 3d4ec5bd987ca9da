/* Literals to constants. */
#ifndef MR_JOBS_PLAN_BINDER_EXPR_LITERAL_H
#define MR_JOBS_PLAN_BINDER_EXPR_LITERAL_H

#include "jobs/plan/binder/expr/scope.h"

/* NULL, BOOLEAN, NUMBER, STRING, BYTES, DATE, TIME, TIMESTAMP; NULL: reported. */
mr_expr *mr_bind_literal(mr_binder *binder, const mr_ast_expr *ast);

/* A literal INTERVAL (no `expr`). */
mr_expr *mr_bind_interval(mr_binder *binder, const mr_ast_interval *interval);

#endif
