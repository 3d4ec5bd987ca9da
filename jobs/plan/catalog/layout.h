/* What formats have to know of a table besides the columns in use: which columns its keys and
 * values hold, where records come from, a schema registry's subject. Used by table.c alone. */
#ifndef MR_JOBS_PLAN_CATALOG_LAYOUT_H
#define MR_JOBS_PLAN_CATALOG_LAYOUT_H

#include "jobs/plan/catalog/table.h"

/* Fills the rest of both format uses. The table's options and key columns are known. */
void mr_layout_read(mr_table *table, mr_arena *arena);

#endif
