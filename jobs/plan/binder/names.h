/*
 * The names of a job's tables and views. An all-zero value is empty; memory is heap, entries keep
 * their address.
 */
#ifndef MR_JOBS_PLAN_BINDER_NAMES_H
#define MR_JOBS_PLAN_BINDER_NAMES_H

#include "jobs/plan/binder/relation.h"

typedef struct mr_name {
    const char *name;
    mr_span span;
    mr_table *table; /* NULL: a view, or a table that was reported wrong */
    bool is_view;
    mr_relation *relation; /* table: made on first use; view: NULL when wrong */
    bool is_relation_made;
    uint32_t uses; /* of an id: how many nodes asked for it */
} mr_name;

typedef struct mr_names {
    mr_name **items;
    uint32_t count, capacity;
    uint32_t *slots; /* by hash: index + 1, 0 empty */
    uint32_t slots_count;
} mr_names;

void mr_names_release(mr_names *names);

/* NULL: unknown. */
mr_name *mr_names_find(const mr_names *names, const char *name);

/* Adds a name that is not there yet; the entry lives in `arena`. */
mr_name *mr_names_add(mr_names *names, const char *name, mr_span span, mr_arena *arena);

/* The known name nearest to `name`; NULL: none is near. */
const char *mr_names_nearest(const mr_names *names, const char *name);

#endif
