/*
 * Queries to relations.
 */
#ifndef MR_JOBS_PLAN_BINDER_QUERY_QUERY_H
#define MR_JOBS_PLAN_BINDER_QUERY_QUERY_H

#include "jobs/plan/binder/expr/scope.h"

/* NULL: reported. */
mr_relation *mr_bind_query(mr_binder *binder, const mr_ast_query *query);
mr_relation *mr_bind_simple_select(mr_binder *binder, const mr_ast_query *query);

/* What stands in FROM, with the alias it is known by. */
bool mr_bind_ref(mr_binder *binder, const mr_ast_ref *ref, mr_scope *scope);

/* TABLE(TUMBLE(..)) */
mr_relation *mr_bind_window(mr_binder *binder, const mr_ast_ref *ref);

/* Where a SESSION lies below `rows`: the `count` columns of GROUP BY are what it partitions by, and
 * no filter in between takes rows out of sessions. False: reported. */
bool mr_bind_session_keys(mr_binder *binder, const mr_relation *rows, const uint32_t *keys,
                          uint32_t count, mr_span span);

/* The columns of `relation` under other names; counts must agree, else NULL: reported. */
mr_relation *mr_bind_rename(mr_binder *binder, mr_relation *relation, const mr_ast_names *names);

/* A FILTER; keeps columns and their places. */
mr_relation *mr_bind_filter(mr_binder *binder, mr_relation *input, const mr_expr *predicate,
                            const char *part);

/* The same rows with their event times taken from another time attribute. */
mr_relation *mr_bind_retimed(mr_binder *binder, mr_relation *input, uint32_t column);

/* ---- joins: join.c, join_condition.c ---- */

/* FROM with joins, and the WHERE above them (NULL: none), whose conditions go where they belong. */
bool mr_bind_join(mr_binder *binder, const mr_ast_ref *ref, const mr_ast_expr *where,
                  mr_scope *scope);

/* Neither an unaggregated window nor an unfiltered ROW_NUMBER() hides in it; else reported. */
bool mr_bind_is_plain(mr_binder *binder, const mr_relation *relation, mr_span span);

/* ---- deduplication: rank.c ---- */

/* Is this ROW_NUMBER() OVER (..)? */
bool mr_is_row_number(const mr_ast_expr *ast);

/* The DEDUPLICATE for `over` above the scope's relation; NULL: reported. */
mr_relation *mr_bind_rank(mr_binder *binder, const mr_scope *scope, const mr_ast_expr *call);

/* When `ast` is `rn = 1` (or <= 1, < 2, reversed) for a ROW_NUMBER() of the scope: true, *is_bad
 * when it was reported wrong. */
bool mr_bind_rank_condition(mr_binder *binder, const mr_scope *scope, const mr_ast_expr *ast,
                            bool *is_bad);

/* ---- name$late, name$errors: late.c ---- */

/* NULL: reported. `base` is the part in front of `$`. */
mr_relation *mr_bind_late(mr_binder *binder, mr_relation *base, const char *name, mr_span span);
mr_relation *mr_bind_errors(mr_binder *binder, mr_relation *table, const char *name, mr_span span);

/* Does a query read a `$late` relation? Such statements are bound last, when all windows are
 * known. */
bool mr_query_reads_late(const mr_ast_query *query);

#endif
