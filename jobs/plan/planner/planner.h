/*
 * The planner: relations to the plan that the engine runs. What its files share.
 *
 * Marking walks the relations from last to first and notes which columns anybody needs; emitting
 * walks from first to last and makes sources, nodes and sinks. A relation that only renames,
 * reorders or drops columns makes no node: its `map` points at the columns below. Thread: one.
 * Memory: the plan's arena; arrays are heap until the plan is finished.
 */
#ifndef MR_JOBS_PLAN_PLANNER_PLANNER_H
#define MR_JOBS_PLAN_PLANNER_PLANNER_H

#include "jobs/plan/binder/binder.h"

/* What became of a relation. */
typedef struct mr_planned {
    bool is_reached;
    uint32_t folds;   /* how many readers in a row are folded: bounds the depth of expressions */
    bool is_folded;   /* a PROJECT whose expressions went into its one reader */
    uint32_t readers; /* relations and sinks */
    bool *needed;     /* [columns] */
    int32_t *map;     /* [columns] place in `schema`; -1: not there */
    mr_origin origin;
    mr_schema schema;      /* of the rows at `origin` */
    int32_t *late_map;     /* AGGREGATE, DEDUPLICATE: place of each input column in the late rows */
    bool *late_needed;     /* [columns of the input] that late rows are asked for; NULL: none */
    uint32_t late_columns; /* of the input, in front of late.h's */
} mr_planned;

typedef struct mr_planner {
    const mr_binder *binder;
    mr_arena *arena;
    mr_diagnostics *diagnostics;
    const mr_settings *settings;
    mr_planned *planned; /* by relation number */
    mr_plan_source *sources;
    mr_plan_node *nodes;
    mr_plan_sink *sinks;
    uint32_t sources_count, nodes_count, sinks_count;
    uint32_t sources_capacity, nodes_capacity, sinks_capacity;
    bool uses_log;
    bool is_keyed;         /* something keeps state by key */
    bool is_partitioned;   /* and every such key holds its input's 'partitioned-by' columns */
    bool joins_partitions; /* partition i of one table is joined with partition i of another */
} mr_planner;

/* Marks what is reached, needed and folded. Reports tables that are read and cannot be. */
void mr_plan_mark(mr_planner *planner);

/* Number of the first sink that writes `table`; UINT32_MAX: the job does not write it. */
uint32_t mr_plan_sink_of(const mr_planner *planner, const mr_table *table);

/* One relation: its source, its node, or nothing. */
void mr_plan_emit(mr_planner *planner, const mr_relation *relation);
void mr_plan_emit_source(mr_planner *planner, const mr_relation *relation);
void mr_plan_emit_sink(mr_planner *planner, const mr_bound_sink *sink);

void mr_plan_emit_join(mr_planner *planner, const mr_relation *relation);

/* State is kept by the relation's keys: may each partition be a task? */
void mr_plan_note_key(mr_planner *planner, const mr_relation *relation);

/* Adds a node; returns where its rows come from. */
mr_origin mr_plan_add_node(mr_planner *planner, mr_plan_node node);

/* `expr` over `input`'s columns, over the rows that `input` has become. */
const mr_expr *mr_plan_rewrite(const mr_planner *planner, const mr_relation *input,
                               const mr_expr *expr);

/* The rows of `input` with exactly these columns in this order; a project node when they are not so
 * already. `id`: of that node. Fills *schema. */
mr_origin mr_plan_align(mr_planner *planner, const mr_relation *input, const uint32_t *columns,
                        uint32_t count, const char *id, mr_schema *schema);

static inline mr_planned *mr_planned_of(const mr_planner *planner, const mr_relation *relation)
{
    return &planner->planned[relation->number];
}

#endif
