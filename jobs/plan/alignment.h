/*
 * Which tables wait for one another when they are read (engine/time/alignment.h): those that name
 * the same group, and, of those that name none, those whose rows meet in an operator.
 */
#ifndef MR_JOBS_PLAN_ALIGNMENT_H
#define MR_JOBS_PLAN_ALIGNMENT_H

#include "engine/run/plan.h"

/* Fills in `aligned_with` of the plan's sources, before it is cut into stages. */
void mr_plan_group_sources(const mr_plan *plan, mr_plan_source *sources);

#endif
