/*
 * Meaning: what the columns of a plan's nodes are computed from, as text to be hashed.
 *
 * Views over views are walked once, however often they use one another: a column of a node is a
 * hash of its own. Names come in two ways: as the plan has them, where a renamed view is another
 * one (version.h), or nameless (fingerprint.h): a table is what it reads from, and a column that
 * an operator makes is that of an operator of this shape, whatever it is called.
 * Memory: the arena given. Thread: pure.
 */
#ifndef MR_JOBS_PLAN_MEANING_H
#define MR_JOBS_PLAN_MEANING_H

#include "engine/run/plan.h"

typedef struct mr_meaning {
    const mr_plan *plan;
    mr_arena *arena;
    bool is_nameless;
    uint64_t **columns;     /* [node][column]; filled node by node */
    const uint64_t *shapes; /* [node] nameless: of those that make rows */
} mr_meaning;

mr_meaning mr_meaning_begin(const mr_plan *plan, bool is_nameless, mr_arena *arena);

/* Before anything is asked of the node's own rows; its inputs are through, its shape is known. */
void mr_meaning_add_node(mr_meaning *meaning, uint32_t node);

/* All append to `text`. */
void mr_meaning_put_column(const mr_meaning *meaning, mr_origin origin, uint32_t column,
                           mr_buffer *text);
void mr_meaning_put_expr(const mr_meaning *meaning, mr_origin origin, const mr_expr *expr,
                         mr_buffer *text);
/* `columns` NULL: the first `count`. */
void mr_meaning_put_columns(const mr_meaning *meaning, mr_origin origin, const uint32_t *columns,
                            uint32_t count, mr_buffer *text);
/* Topics or path. */
void mr_meaning_put_place(const mr_plan_source *source, mr_buffer *text);
void mr_meaning_put_type(mr_type type, mr_buffer *text);

/* Rows of its own making: the operator aggregates, joins or keeps, and does not pass rows on. */
bool mr_meaning_makes_rows(const mr_plan_node *node);

#endif
