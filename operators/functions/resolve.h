/*
 * From names and arguments to bound, typed expression nodes: what the binder calls for every
 * operator, function and cast it meets.
 *
 * The binder binds arguments bottom-up and hands them here; a resolver finds the function, inserts
 * the implicit casts that Flink SQL allows, computes the result type (nullability propagates),
 * folds constants and prepares function data (compiled patterns, hash sets). A call that gives
 * NULL has filled `resolver->refusal`; nothing else is an error. All nodes and texts live in
 * `resolver->arena`.
 *
 * Names, any case. What SQL writes with words goes in as follows (u: a constant string, the unit's
 * name):
 *
 *   operators     + - * / % (one argument: sign), ||, = <> != < <= > >=, AND OR NOT
 *   predicates    "IS NULL" "IS NOT NULL" "IS TRUE" "IS NOT TRUE" "IS FALSE" "IS NOT FALSE" "IS
 *   UNKNOWN"
 *                 "IS NOT UNKNOWN" (x); "IS DISTINCT FROM" "IS NOT DISTINCT FROM" (a, b)
 *                 "BETWEEN" "NOT BETWEEN" (x, low, high); also "BETWEEN SYMMETRIC", "NOT BETWEEN
 *                 SYMMETRIC" "IN" "NOT IN" (x, item, ..); "LIKE" "NOT LIKE" (x, pattern [, escape])
 *   CASE          (when, then, when, then, .. [, else]); CASE x WHEN .. is bound as x = when
 *   EXTRACT       (u, x)
 *   FLOOR, CEIL   (x) or (x, u) for FLOOR(x TO u)
 *   TRIM          (s), (s, characters), or ('BOTH'|'LEADING'|'TRAILING', characters, s)
 *   SUBSTRING     (s, from [, length]), also for SUBSTRING(s FROM a FOR b)
 *   TIMESTAMPDIFF (u, from, to); TIMESTAMPADD (u, n, x)
 *   MINUS_INTERVAL (a, b, 'SECOND'|'MONTH') for `(a - b) DAY TO SECOND` and `(a - b) YEAR TO MONTH`
 *
 * Thread: one at a time. Memory: the arena's; the text and span of an inserted cast are its
 * argument's.
 */
#ifndef MR_OPERATORS_FUNCTIONS_RESOLVE_H
#define MR_OPERATORS_FUNCTIONS_RESOLVE_H

#include "engine/expr/expr.h"

#define MR_REFUSAL_TEXT_MAX 384
#define MR_REFUSAL_NO_ARGUMENT UINT32_MAX
#define MR_EXPR_DEPTH_MAX 2000

typedef enum mr_refusal_kind {
    MR_REFUSAL_NONE = 0,
    MR_REFUSAL_UNKNOWN, /* no function of that name */
    MR_REFUSAL_COUNT,   /* wrong number of arguments */
    MR_REFUSAL_TYPES,   /* no form of the function takes these types; no such cast or conversion */
    MR_REFUSAL_VALUE,   /* a constant argument is wrong: bad unit, pattern, zero list */
    MR_REFUSAL_FEATURE, /* known, and refused here or by Flink: the hint says what to write */
    MR_REFUSAL_DEPTH,   /* nested deeper than MR_EXPR_DEPTH_MAX */
} mr_refusal_kind;

typedef struct mr_refusal {
    mr_refusal_kind kind;
    uint32_t argument; /* the one to blame, or MR_REFUSAL_NO_ARGUMENT */
    char message
        [MR_REFUSAL_TEXT_MAX]; /* one sentence without a full stop, as after `error[MR1234]: ` */
    char hint[MR_REFUSAL_TEXT_MAX]; /* empty: none; `did you mean ..?`, `write ..`, `takes (..)` */
} mr_refusal;

typedef struct mr_resolver {
    mr_arena *arena;                /* the plan's */
    const mr_expr_context *context; /* the job's zone; outlives the nodes' programs */
    mr_refusal refusal;             /* why the last call gave NULL or false */
} mr_resolver;

/* Leaves. `mr_make_constant` takes the value as it is (strings are not copied). A bare NULL is a
 * constant of type MR_TYPE_NULL; it takes the type its place asks for. */
mr_expr *mr_make_column(mr_resolver *resolver, uint32_t column, mr_type type);
mr_expr *mr_make_constant(mr_resolver *resolver, mr_type type, mr_value value);
mr_expr *mr_make_null(mr_resolver *resolver, mr_type type);
mr_expr *mr_make_string(mr_resolver *resolver, const char *text,
                        uint32_t length);                   /* CHAR(n) NOT NULL */
mr_expr *mr_make_int(mr_resolver *resolver, int64_t value); /* INT, or BIGINT when too big */
mr_expr *mr_make_boolean(mr_resolver *resolver, bool value);

/* A call of an operator or function over `count` bound arguments; NULL: see refusal. The result
 * may be a constant (folded) or another node than a call; the caller sets its text and span. Nodes
 * returned are fresh: setting their text touches no argument. */
mr_expr *mr_make_call(mr_resolver *resolver, const char *name, mr_expr *const *args,
                      uint32_t count);

/* CAST and TRY_CAST as written by the user. NULL: see refusal. */
mr_expr *mr_make_cast(mr_resolver *resolver, mr_expr *arg, mr_type to, bool is_try);

/* `arg` as `to` where SQL converts by itself between operands (numeric widening, CHAR and VARCHAR,
 * bare NULL); the node itself when the types match. The result is nullable as `arg` is. */
mr_expr *mr_make_implicit(mr_resolver *resolver, mr_expr *arg, mr_type to);

/* `arg` as INSERT INTO a column of type `to` converts it (SQL_SURFACE's INSERT rule): the refusal
 * names both types. NOT NULL of `to` is not looked at: the sink checks each row. */
mr_expr *mr_make_insert(mr_resolver *resolver, mr_expr *arg, mr_type to);

/* The type that CASE, COALESCE, IN, UNION and VALUES give to a column of these types; nullable
 * when one is. False: see refusal (`argument` is the first that does not fit). */
bool mr_common_type(mr_resolver *resolver, const mr_type *types, uint32_t count, mr_type *common);

/* The same types after aggregation: SUM, AVG, MIN, MAX, COUNT over an argument of `type` (nullable
 * but for COUNT). False: see refusal. */
bool mr_aggregate_type(mr_resolver *resolver, const char *name, mr_type type, mr_type *result);

/* Can a value of `from` be cast to `to` at all? False: see refusal. */
bool mr_cast_is_allowed(mr_resolver *resolver, mr_type from, mr_type to);

/* True when `name` is a scalar function that mr_make_call knows (operators and predicates are
 * not). */
bool mr_function_is_known(const char *name);

/* The known function name nearest to `name`, NULL when none is near. Static text. */
const char *mr_function_nearest(const char *name);

/* The i-th known function name, NULL behind the last: for help and completion. */
const char *mr_function_name(uint32_t i);

#endif
