/*
 * Fingerprints: what the state of an operator hangs on, without names and places.
 *
 * Two operators of one shape may take over each other's state, in whatever plan they stand: the
 * same kind, window, keys, values kept, event time, and rows that come from the same tables. What
 * an author may change elsewhere does not count: names of views, operators in front that only let
 * fewer rows through, everything behind. `rows` is those predicates: of one shape, but not of one
 * `rows`, the state holds what other predicates let through.
 * Thread: pure.
 */
#ifndef MR_JOBS_PLAN_FINGERPRINT_H
#define MR_JOBS_PLAN_FINGERPRINT_H

#include "engine/run/plan.h"

typedef enum mr_fingerprint_part {
    MR_PART_INPUT = 0, /* the tables, and the operators with state, that rows come from */
    MR_PART_TIME,      /* event time of the rows */
    MR_PART_WINDOW,    /* size, slide, gap, zone; interval of a join; TTL */
    MR_PART_KEYS,
    MR_PART_VALUES, /* aggregates; columns of rows that are kept */
    MR_FINGERPRINT_PARTS,
} mr_fingerprint_part;

typedef struct mr_fingerprint {
    bool has_state; /* else nothing of what follows is set */
    uint64_t parts[MR_FINGERPRINT_PARTS];
    uint64_t shape; /* of all parts and the operator's class */
    uint64_t rows;
} mr_fingerprint;

/* Of each node, in `arena`. */
const mr_fingerprint *mr_fingerprints(const mr_plan *plan, mr_arena *arena);

const char *mr_fingerprint_part_name(mr_fingerprint_part part);

#endif
