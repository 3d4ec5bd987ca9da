/* Visiting the parts of an expression. */
#ifndef MR_JOBS_PLAN_BINDER_QUERY_WALK_H
#define MR_JOBS_PLAN_BINDER_QUERY_WALK_H

#include "jobs/sql/ast.h"

/* The i-th direct part of `ast` (subqueries are not entered); NULL behind the last. */
const mr_ast_expr *mr_ast_part(const mr_ast_expr *ast, uint32_t i);

#endif
