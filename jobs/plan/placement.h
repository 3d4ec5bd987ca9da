/*
 * Placement: by which of its columns a row lies in its task, behind an exchange. Rows that agree in
 * those lie together; so a node whose keys hold all of them finds the rows of each key in one task
 * without another exchange.
 *
 * Memory: the arena. Thread: pure.
 */
#ifndef MR_JOBS_PLAN_PLACEMENT_H
#define MR_JOBS_PLAN_PLACEMENT_H

#include "engine/run/plan.h"

typedef struct mr_placement {
    bool is_known;
    uint32_t columns_count; /* 0: all rows lie in one task */
    const uint32_t *columns;
} mr_placement;

/* `nodes` holds the placements of all nodes before `node`; of rows that come from elsewhere nothing
 * is known. True: the inputs lie as the keyed node needs them, each in the way of the others. */
bool mr_placement_suits(const mr_plan_node *node, const mr_placement *nodes, mr_arena *arena);

/* Of the rows that the node gives. `is_cut`: its inputs pass exchanges by its own keys. */
mr_placement mr_placement_behind(const mr_plan_node *node, bool is_cut, const mr_placement *nodes,
                                 mr_arena *arena);

#endif
