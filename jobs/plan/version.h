/*
 * The version of a plan: a hash over all that its state hangs on.
 *
 * Two plans of one version may take over each other's state: the same sources and topics, nodes and
 * sinks in the same places, the same windows (and zone), types, and the same expressions for what
 * is kept: keys, aggregated values and their FILTERs, columns of deduplications and joins.
 * Predicates (WHERE, HAVING, CHECK), watermarks and what is computed behind the state do not count.
 * Thread: pure.
 */
#ifndef MR_JOBS_PLAN_VERSION_H
#define MR_JOBS_PLAN_VERSION_H

#include "engine/run/plan.h"

uint64_t mr_plan_version(const mr_plan *plan);

/* That of a plan of one stage which upgrades gave another number of tasks (jobs/engine/topics.h):
 * those of one text and of other numbers must not go on behind each other. */
uint64_t mr_plan_counted_version(uint64_t version, uint32_t tasks_count);

#endif
