/*
 * Window aggregation: GROUP BY window_start, window_end [, keys].
 *
 *   rows -> PROJECT (rows' columns + computed keys, arguments, filters) -> AGGREGATE -> HAVING ->
 *   SELECT
 *
 * While SELECT and HAVING are bound, names are looked up here first: a key's expression means the
 * key, window_start the window's, an aggregate its result.
 */
#ifndef MR_JOBS_PLAN_BINDER_QUERY_GROUP_H
#define MR_JOBS_PLAN_BINDER_QUERY_GROUP_H

#include "jobs/plan/binder/expr/scope.h"

/* Starts the grouping of `rows` for `select`; NULL: reported. */
mr_grouping *mr_group_begin(mr_binder *binder, const mr_scope *rows, const mr_ast_select *select,
                            mr_span span);

/* The AGGREGATE; complete once SELECT and HAVING are bound. */
mr_relation *mr_group_relation(const mr_grouping *grouping);

/* Closes the grouping: details for EXPLAIN. */
void mr_group_end(mr_binder *binder, mr_grouping *grouping);

/* True: `ast` means something of the grouping, *expr is it (NULL: reported). */
bool mr_group_bind(mr_binder *binder, const mr_scope *scope, const mr_ast_expr *ast,
                   mr_expr **expr);

/* The column of an aggregate's result. */
mr_expr *mr_group_bind_aggregate(mr_binder *binder, mr_grouping *grouping, const mr_ast_expr *ast,
                                 mr_aggregate_function function);

/* Aggregates (not OVER) in a tree. */
uint32_t mr_count_aggregates(const mr_ast_expr *ast);

#endif
