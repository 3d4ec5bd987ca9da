/*
 * What options fields.NAME.* of a `datagen` table must be: each names a physical column, numbers
 * are numbers, and no range is empty. Thread: pure.
 */
#ifndef MR_JOBS_PLAN_CATALOG_GENERATED_H
#define MR_JOBS_PLAN_CATALOG_GENERATED_H

#include "jobs/plan/catalog/table.h"

/* The table's columns and options are read. False: reported. */
bool mr_generated_check(const mr_table *table, mr_diagnostics *diagnostics);

#endif
