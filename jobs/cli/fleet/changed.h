/*
 * A fleet's job beside another text of it: what the two plans have in common.
 */
#ifndef MR_JOBS_CLI_FLEET_CHANGED_H
#define MR_JOBS_CLI_FLEET_CHANGED_H

#include "jobs/cli/fleet/named.h"
#include "jobs/cli/load.h"
#include "jobs/plan/difference.h"

typedef struct mr_changed {
    mr_named named;   /* as it was submitted */
    mr_loaded loaded; /* as it would be */
    mr_arena arena;
    mr_difference difference;
} mr_changed;

/* `flags->job` and `flags->file`. OK: both are planned. Else it is printed why. Release it either
 * way; it must not move. */
mr_exit mr_changed_open(mr_changed *changed, const mr_flags *flags);
void mr_changed_release(mr_changed *changed);

/* Once more, when the numbers of tasks are known. */
void mr_changed_compare(mr_changed *changed);

/* One version, as many tasks, as many stages: the state of one is the other's. */
bool mr_changed_is_same(const mr_plan *from, const mr_plan *to);
bool mr_changed_is_one_plan(const mr_changed *changed);
void mr_changed_print(const mr_changed *changed);

#endif
