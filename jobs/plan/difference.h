/*
 * Difference: what becomes of a plan's state under another plan, operator by operator.
 *
 * Operators with state are matched by fingerprint, never by place: of one shape those of one id and
 * of the same predicates first, then of the same predicates, then of one id; of what is left, one
 * of a shape with the only other one of it. What finds nobody is rebuilt where an operator of that
 * name and class stands, else dropped. Tables are matched by what they read, then by name.
 * Memory: the arena given; plans are borrowed. Thread: pure.
 */
#ifndef MR_JOBS_PLAN_DIFFERENCE_H
#define MR_JOBS_PLAN_DIFFERENCE_H

#include "engine/run/plan.h"

typedef enum mr_fate {
    MR_FATE_KEEP = 0,
    MR_FATE_NEW,     /* begins empty; nothing is lost */
    MR_FATE_REBUILD, /* begins empty; what it held is lost */
    MR_FATE_DROP,    /* is not there any more; what it held is lost */
} mr_fate;

#define MR_NOWHERE UINT32_MAX

/* One operator with state, or one table that is read. */
typedef struct mr_change {
    mr_fate fate;
    bool is_table;
    uint32_t from, to; /* node or source of each plan; MR_NOWHERE: it has none */
    const char *why;
} mr_change;

typedef struct mr_difference {
    const mr_plan *from, *to; /* uncut: an operator is the same one in whatever stage it runs */
    const mr_plan *from_job, *to_job; /* as they run */
    bool is_in_place; /* both run in one stage, with as many tasks: each takes what it held */
    uint32_t count;
    const mr_change *changes; /* tables first, then operators in the new plan's order, then drops */
    bool loses;               /* something is rebuilt or dropped */
    bool is_quiet;            /* all is kept, and nothing is new */
    const char *never;        /* why no state can be carried over at all; NULL: it can */
} mr_difference;

void mr_difference_find(const mr_plan *from_job, const mr_plan *to_job, mr_arena *arena,
                        mr_difference *difference);

const char *mr_fate_name(mr_fate fate);
/* Its name in the new plan, or where it is gone in the old one. */
const char *mr_change_name(const mr_difference *difference, const mr_change *change);

#endif
