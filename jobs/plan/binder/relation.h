/*
 * Relations: the bound form of queries, tables and views, before columns are pruned and nodes are
 * made.
 *
 * A relation's inputs were created before it. Expressions of a relation count columns of its input
 * (of a TABLE: its own columns). Views are bound once, so relations form a graph: two readers of a
 * view share what it computes. Memory: the job's arena. Thread: one; immutable once planned.
 *
 *   TABLE    a source's columns, ROWs flattened to leaves      ERRORS   t$errors
 *   LATE     input columns of a judging relation + late.h's    FILTER   predicate
 *   PROJECT  exprs                                             UNION    all inputs, by position
 *   WINDOW   input columns + window_start, window_end, window_time, which only an AGGREGATE fills
 *   AGGREGATE keys, window_start, window_end, window_time, aggregates
 *   DEDUPLICATE input columns, first row of each key
 *   JOIN     columns of the left input, of the right one (without what was added for the join)
 */
#ifndef MR_JOBS_PLAN_BINDER_RELATION_H
#define MR_JOBS_PLAN_BINDER_RELATION_H

#include "jobs/plan/catalog/table.h"
#include "operators/functions/resolve.h"

typedef struct mr_relation mr_relation;

typedef enum mr_relation_kind {
    MR_RELATION_TABLE = 0,
    MR_RELATION_ERRORS,
    MR_RELATION_LATE,
    MR_RELATION_FILTER,
    MR_RELATION_PROJECT,
    MR_RELATION_UNION,
    MR_RELATION_WINDOW,
    MR_RELATION_AGGREGATE,
    MR_RELATION_DEDUPLICATE,
    MR_RELATION_JOIN,
} mr_relation_kind;

typedef enum mr_column_role {
    MR_ROLE_NONE = 0,
    MR_ROLE_TIME,         /* the time attribute: equals the hidden event time */
    MR_ROLE_OTHER_TIME,   /* another one: no row's lies at or behind the watermark */
    MR_ROLE_WINDOW_START, /* of a WINDOW that is not aggregated yet: no values */
    MR_ROLE_WINDOW_END,
    MR_ROLE_WINDOW_TIME,
    MR_ROLE_RANK,    /* ROW_NUMBER() that no `= 1` was asked of yet */
    MR_ROLE_PENDING, /* a computed column while its table is being bound */
} mr_column_role;

typedef struct mr_relation_column {
    const char *name;
    uint32_t path_length; /* leaf of a ROW: the names below `name` */
    const char *const *path;
    mr_type type;
    mr_column_role role;
} mr_relation_column;

typedef enum mr_window_shape {
    MR_SHAPE_TUMBLE = 0,
    MR_SHAPE_HOP,
    MR_SHAPE_CUMULATE,
    MR_SHAPE_SESSION,
} mr_window_shape;

typedef struct mr_window_spec {
    mr_window_shape shape;
    int64_t size_ms, slide_ms, offset_ms; /* SESSION: the size is the gap */
    uint32_t keys_count;                  /* SESSION: PARTITION BY, columns of the WINDOW */
    const uint32_t *keys;
    bool is_local; /* over TIMESTAMP_LTZ: aligned in the job's zone */
    const char *time_name;
    mr_span span;
} mr_window_spec;

typedef enum mr_aggregate_function {
    MR_FUNCTION_COUNT = 0,
    MR_FUNCTION_SUM,
    MR_FUNCTION_MIN,
    MR_FUNCTION_MAX,
    MR_FUNCTION_AVG,
} mr_aggregate_function;

/* An aggregate over columns of the AGGREGATE's input. */
typedef struct mr_relation_aggregate {
    mr_aggregate_function function;
    bool is_distinct;
    int32_t argument; /* -1: COUNT(*) */
    int32_t filter;   /* -1: none */
    mr_type argument_type, result_type;
} mr_relation_aggregate;

/* left.time BETWEEN right.time + lower AND right.time + upper AND keys equal AND residual */
typedef struct mr_join_spec {
    bool is_left_outer;
    int64_t lower_ms, upper_ms;
    uint32_t left_count, right_count; /* columns of the inputs that are the JOIN's */
    uint32_t keys_count;
    const uint32_t *left_keys, *right_keys; /* columns of the inputs */
    const mr_expr *residual;                /* over the JOIN's columns; NULL: none */
    const char *left_time, *right_time;     /* "o.ts": for EXPLAIN */
} mr_join_spec;

struct mr_relation {
    mr_relation_kind kind;
    uint32_t number; /* in creation order */
    const char *id;  /* of the node */
    mr_span span;
    uint32_t inputs_count;
    mr_relation **inputs;
    uint32_t columns_count;
    mr_relation_column *columns;
    mr_errors_policy errors;      /* of the table the rows came from */
    const mr_window_spec *window; /* a WINDOW below that nothing has aggregated */
    const mr_relation *unranked;  /* a DEDUPLICATE below that no `= 1` was asked of */
    bool is_extension;            /* PROJECT: input columns first, then some more */
    bool is_retimed;              /* PROJECT: the hidden event time is taken from its TIME column */

    mr_table *table;           /* TABLE, ERRORS */
    const mr_expr *predicate;  /* FILTER */
    const mr_expr **exprs;     /* PROJECT; TABLE: computed columns; NULL: nothing to compute */
    const mr_expr *watermark;  /* TABLE; NULL: none */
    const mr_expr **checks;    /* TABLE: one per constraint */
    uint32_t keys_count;       /* AGGREGATE, DEDUPLICATE */
    const uint32_t *keys;      /* input columns */
    uint32_t aggregates_count; /* AGGREGATE */
    mr_relation_aggregate *aggregates;
    const mr_join_spec *join; /* JOIN */
    const char *details;      /* for EXPLAIN */
};

/* All relations of a job in creation order. All-zero is empty; the array is heap. */
typedef struct mr_relations {
    mr_relation **items;
    uint32_t count, capacity;
} mr_relations;

void mr_relations_release(mr_relations *relations);

/* A relation over `inputs_count` inputs with room for `columns_count` columns (zeroed); errors,
 * window and unranked are the first input's. */
mr_relation *mr_relation_new(mr_relations *relations, mr_arena *arena, mr_relation_kind kind,
                             mr_relation *const *inputs, uint32_t inputs_count,
                             uint32_t columns_count);

/* Column with the role TIME; -1: none. The first of several. */
int32_t mr_relation_time_column(const mr_relation *relation);

/* Windows and deduplications that judge the rows of `base` directly: only filters, added columns
 * and WINDOWs in between. Fills `judges` (room for relations->count), returns how many. */
uint32_t mr_relation_judges(const mr_relations *relations, const mr_relation *base,
                            mr_relation **judges);

/* "a", or "a.b.c" of a leaf. */
const char *mr_relation_column_name(const mr_relation_column *column, mr_arena *arena);

static inline bool mr_role_is_time(mr_column_role role)
{
    return role == MR_ROLE_TIME || role == MR_ROLE_OTHER_TIME;
}

static inline bool mr_role_is_window(mr_column_role role)
{
    return role >= MR_ROLE_WINDOW_START && role <= MR_ROLE_WINDOW_TIME;
}

#endif
