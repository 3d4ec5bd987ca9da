/*
 * Joins: what the files of their binding share.
 *
 * All relations of a FROM are bound first and stand side by side in one scope, so a condition is
 * bound once and then handed to the part it belongs to: a filter below, a join's key, bound or
 * residual condition, or a filter above. Columns of a condition count over the whole FROM.
 */
#ifndef MR_JOBS_PLAN_BINDER_QUERY_JOIN_H
#define MR_JOBS_PLAN_BINDER_QUERY_JOIN_H

#include "jobs/plan/binder/query/query.h"

/* One of the conditions that AND holds together. */
typedef struct mr_join_part {
    const mr_ast_expr *ast;
    const mr_expr *expr;
    const mr_scope *scope; /* in which it was bound */
    uint32_t first, last;  /* lowest and highest column it reads; first > last: none */
} mr_join_part;

typedef struct mr_join_parts {
    mr_join_part *items;
    uint32_t count;
} mr_join_parts;

/* What the conditions over both sides of a join come to. */
typedef struct mr_join_terms {
    uint32_t keys_count;
    const mr_expr **left_keys, **right_keys; /* over the whole FROM */
    uint32_t left_time, right_time;          /* columns of the whole FROM */
    int64_t lower_ms, upper_ms;              /* left - right */
    mr_join_parts residual;
} mr_join_terms;

/* Columns [left, right) of the whole FROM are the left side's, [right, end) the right one's. */
typedef struct mr_join_place {
    uint32_t left, right, end;
    mr_span span; /* of the words of the join */
} mr_join_place;

/* Sorts the conditions that read both sides; false: reported. */
bool mr_join_classify(mr_binder *binder, const mr_scope *all, const mr_join_place *place,
                      const mr_join_parts *parts, mr_join_terms *terms);

/* A copy that counts columns from `base`. */
mr_expr *mr_join_shift(mr_binder *binder, const mr_expr *expr, uint32_t base);

/* All of them as one condition that counts columns from `base`; NULL: none. */
const mr_expr *mr_join_all_of(mr_binder *binder, const mr_join_parts *parts, uint32_t base);

/* "o.ts" of a column of the whole FROM. */
const char *mr_join_column_text(mr_binder *binder, const mr_scope *all, uint32_t column);

#endif
