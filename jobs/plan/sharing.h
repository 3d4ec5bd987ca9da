/*
 * Sharing: whose entries go to which task, where a job is upgraded to other tasks or stages.
 *
 * An operator is the same one in whatever stage it runs. Behind an exchange of its own its entries
 * lie where `mr_destination_of` the key of their rows says; in a stage with one task all lie there;
 * behind an exchange of another operator they lie where that one's keys say, which they do not
 * hold: they stay in the task that they are in, if the numbers are the same.
 * Thread: pure.
 */
#ifndef MR_JOBS_PLAN_SHARING_H
#define MR_JOBS_PLAN_SHARING_H

#include "jobs/plan/difference.h"

typedef struct mr_spot {
    const mr_plan *stage;
    uint32_t node;  /* in the stage */
    bool is_direct; /* its rows come from exchanges of its own */
} mr_spot;

/* Where a node of the uncut plan runs. */
mr_spot mr_sharing_spot(const mr_plan *job, const mr_plan_node *node);

/* Why state cannot go from one to the other; NULL: it can. `changes` as they are found. */
const char *mr_sharing_why_not(const mr_difference *difference, mr_arena *arena);

/* Marks the tables whose rows come to the input of a node of an uncut plan with no operator with
 * state between: `tables` [sources_count]. */
void mr_sharing_tables(const mr_plan *plan, mr_origin origin, bool *tables);

#endif
