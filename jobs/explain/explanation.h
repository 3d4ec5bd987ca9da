/*
 * The explanation of a plan: its parts, each with named facts. What text, dot and JSON are written
 * from.
 *
 * A part is a source, a node or a sink of a stage, or an exchange; part numbers run over sources
 * and exchanges, then nodes, then sinks, as the job's plan lists them.
 * Facts are in the order in which they are to be read. Memory: the explanation's arena and the
 * plan's.
 */
#ifndef MR_JOBS_EXPLAIN_EXPLANATION_H
#define MR_JOBS_EXPLAIN_EXPLANATION_H

#include "engine/base/arena.h"
#include "engine/run/plan.h"

#define MR_FACTS_MAX 16

typedef struct mr_fact {
    const char *name; /* one word, e.g. "state" */
    const char *text;
    bool is_warning; /* the reader should think about it: unbounded state, a guarantee given up */
} mr_fact;

typedef struct mr_facts {
    mr_arena *arena;
    uint32_t count;
    mr_fact items[MR_FACTS_MAX];
} mr_facts;

typedef enum mr_part_role {
    MR_PART_IS_SOURCE = 0,
    MR_PART_IS_NODE,
    MR_PART_IS_SINK,
    MR_PART_IS_EXCHANGE, /* a source that is one */
    MR_PART_IS_OUTLET,   /* a sink that leads into one: shown as that exchange's input */
} mr_part_role;

typedef struct mr_part {
    mr_part_role role;
    const mr_plan *plan; /* its stage */
    uint32_t stage;
    uint32_t index;    /* in the stage's list */
    const char *name;  /* table or node id */
    const char *class; /* "kafka", "filesystem", "window_aggregate" .. */
    uint32_t columns_count;
    const mr_field *columns;
    uint32_t inputs_count;
    const mr_origin *inputs;
    const mr_plan *inputs_plan; /* of the stage that they count in: of an exchange the one before */
    mr_facts facts;
} mr_part;

typedef struct mr_explanation {
    const mr_plan *plan;
    mr_arena arena;
    mr_facts facts; /* of the job as a whole */
    uint32_t parts_count;
    mr_part *parts;
} mr_explanation;

void mr_explanation_init(mr_explanation *explanation, const mr_plan *plan);
void mr_explanation_release(mr_explanation *explanation);

/* The part that rows of input `input` come from. */
uint32_t mr_explanation_input(const mr_explanation *explanation, const mr_part *part,
                              uint32_t input);

/* "source", "node", "sink", "exchange" */
const char *mr_part_role_name(mr_part_role role);

/* "", ", errors" or ", late rows": which rows of the part an edge carries. */
const char *mr_origin_label(mr_origin origin);

/* Adds a fact; at most MR_FACTS_MAX. */
void mr_fact_add(mr_facts *facts, const char *name, const char *format, ...)
    __attribute__((format(printf, 3, 4)));
void mr_fact_warn(mr_facts *facts, const char *name, const char *format, ...)
    __attribute__((format(printf, 3, 4)));

/* ---- what its files share ---- */

/* An expression over `columns` as SQL text. */
const char *mr_explain_expr(const mr_expr *expr, mr_schema columns, mr_arena *arena);

/* "5 s", "1 d", "1500 ms" */
const char *mr_explain_duration(int64_t ms, mr_arena *arena);

/* "to the dead letter topic `dlq`" and so on: what becomes of rows that fail. */
const char *mr_explain_errors(const mr_errors_policy *policy, mr_arena *arena);

/* Names of the sinks that rows of `origin` reach: "`a`, `b`"; NULL: nobody reads them. */
const char *mr_explain_readers(const mr_plan *plan, mr_origin origin, mr_arena *arena);

/* "key, time" of the columns listed of the rows at `origin`; what a projection made there is shown
 * as the expression it was made by. */
const char *mr_explain_columns(const mr_plan *plan, mr_origin origin, const uint32_t *list,
                               uint32_t count, mr_arena *arena);

/* Does the node keep rows or groups by key? */
bool mr_explain_is_keyed(const mr_plan_node *node);

/* Bytes of columns as engine/state/key.h writes them; *has_strings: their bytes come on top. */
uint32_t mr_explain_key_bytes(const mr_type *types, uint32_t count, bool *has_strings);

/* Of a state entry: its head with a short key in it, a longer key beside it, the value, 9 bytes of
 * index. */
uint32_t mr_explain_entry_bytes(uint32_t key, uint32_t value);

/* Which rows die at the node, and what becomes of them. */
void mr_explain_dead(const mr_plan_node *node, const char *which, mr_facts *facts);

/* A node of class interval_join. */
void mr_explain_join(mr_explanation *explanation, mr_part *part);

/* A source that is an exchange. */
void mr_explain_exchange(mr_explanation *explanation, mr_part *part);

void mr_explain_job(mr_explanation *explanation);
void mr_explain_source(mr_explanation *explanation, mr_part *part);
void mr_explain_node(mr_explanation *explanation, mr_part *part);
void mr_explain_sink(mr_explanation *explanation, mr_part *part);

#endif
