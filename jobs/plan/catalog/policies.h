/* What a table's options mean for the engine: topics, start, bound, errors. Used by table.c
 * alone. */
#ifndef MR_JOBS_PLAN_CATALOG_POLICIES_H
#define MR_JOBS_PLAN_CATALOG_POLICIES_H

#include "jobs/plan/catalog/table.h"

/* Fills topics, start, bound, errors, key columns and partitioned_by; reports what is wrong. */
void mr_policies_read(mr_table *table, mr_arena *arena, mr_diagnostics *diagnostics);

#endif
