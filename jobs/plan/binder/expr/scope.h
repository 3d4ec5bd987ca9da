/*
 * Expressions: where names are looked up, and how trees become typed nodes.
 *
 * A scope is one relation under one alias, or that of a join, whose columns are known by the
 * aliases of its parts. With a grouping, names mean what the aggregation puts out: keys, window
 * columns, aggregates.
 */
#ifndef MR_JOBS_PLAN_BINDER_EXPR_SCOPE_H
#define MR_JOBS_PLAN_BINDER_EXPR_SCOPE_H

#include "jobs/plan/binder/binder.h"

typedef struct mr_grouping mr_grouping; /* query/group.h */

/* One of the relations that are joined: columns [first, first + count). */
typedef struct mr_scope_part {
    const char *alias;       /* NULL: none */
    const mr_ast_path *name; /* of a table without AS: it is known by the end of it, too */
    uint32_t first, count;
} mr_scope_part;

typedef struct mr_scope {
    const mr_relation *relation;
    const char *alias;          /* NULL: none */
    const mr_ast_path *name;    /* as in mr_scope_part */
    const mr_scope_part *parts; /* of a join, side by side; names are looked up in these */
    uint32_t parts_count;       /* 0: no join */
    const char *clause;         /* "WHERE": for messages */
    mr_grouping *grouping;
} mr_scope;

/* NULL: reported. */
mr_expr *mr_bind_expr(mr_binder *binder, const mr_scope *scope, const mr_ast_expr *ast);

/* A BOOLEAN one. */
mr_expr *mr_bind_condition(mr_binder *binder, const mr_scope *scope, const mr_ast_expr *ast);

/* The column a path names; UINT32_MAX: reported. Roles are not looked at. */
uint32_t mr_bind_column(mr_binder *binder, const mr_scope *scope, const mr_ast_path *path);

/* How many names at the front of `path`, at most `count_max`, stand for the relation: 1 for its
 * alias, up to all of `cat.db.t` where that stands in FROM without AS; 0: none. */
uint32_t mr_scope_qualifier(const char *alias, const mr_ast_path *name, const mr_ast_path *path,
                            uint32_t count_max);

/* The same without a word when there is none; UINT32_MAX: none, or several. */
uint32_t mr_find_column(const mr_scope *scope, const mr_ast_path *path);

/* A function call, scalar or aggregate. */
mr_expr *mr_bind_call(mr_binder *binder, const mr_scope *scope, const mr_ast_expr *ast);

/* Calls the resolver by name and reports a refusal at the argument to blame, or at `span`. `spans`
 * may be NULL. */
mr_expr *mr_bind_named(mr_binder *binder, const char *name, mr_expr *const *args, uint32_t count,
                       const mr_span *spans, mr_span span);

/* Reports resolver.refusal; returns NULL. */
mr_expr *mr_bind_refused(mr_binder *binder, const mr_span *spans, uint32_t count, mr_span span);

/* Gives a fresh node its text and place; passes NULL on. */
mr_expr *mr_bind_place(mr_binder *binder, mr_expr *expr, mr_span span);

/* Scalar type of a CAST's target; false: reported. */
bool mr_bind_type(mr_binder *binder, const mr_ast_type *ast, mr_type *type);

/* COUNT, SUM, MIN, MAX, AVG, and the aggregates that are refused by name. */
bool mr_is_aggregate(const char *name);

#endif
