/* Columns of a table definition: types, metadata keys, names given twice. Used by table.c alone. */
#ifndef MR_JOBS_PLAN_CATALOG_COLUMNS_H
#define MR_JOBS_PLAN_CATALOG_COLUMNS_H

#include "jobs/plan/catalog/table.h"

/* Fills columns of `table`. False: something was reported. */
bool mr_columns_read(mr_table *table, mr_arena *arena, mr_diagnostics *diagnostics);

#endif
