/*
 * Staging: what an epoch produces while the one before it is being decided.
 *
 * Nothing may be produced outside of an open transaction, and none can be begun before the last
 * one is decided. So sinks and dead letters write to this writer: it hands records on at once,
 * or, while it holds, keeps copies; `play` produces them in the same calls and order. Of the
 * functions of a writer it has `produce` alone.
 *
 * Bound: the worker takes no further work when `bytes` exceed its limit, so it holds at most that
 * and the output of one step. Memory: an arena that keeps what it once had, counted as
 * MR_BUDGET_STAGING; topics are borrowed (they live in the plan). Thread: the engine's.
 */
#ifndef MR_ENGINE_COMMIT_STAGING_H
#define MR_ENGINE_COMMIT_STAGING_H

#include "engine/base/arena.h"
#include "engine/ports/log.h"

/* The records of one call of `produce`. */
typedef struct mr_staged_call {
    const char *topic;
    int32_t partition;
    uint32_t first, count; /* in `records` */
} mr_staged_call;

typedef struct mr_staging {
    mr_log_writer writer; /* for sinks */
    mr_log_writer *target;
    bool is_holding;
    mr_arena arena; /* bytes of the records */
    mr_staged_call *calls;
    uint32_t calls_count, calls_capacity;
    mr_log_record *records;
    uint32_t records_count, records_capacity;
    size_t bytes;
    /* Test-only: records go to the target while this says so, holding or not. NULL in use. */
    bool (*leaks)(const void *context);
    const void *leaks_context;
} mr_staging;

void mr_staging_init(mr_staging *staging, mr_budget *budget);
void mr_staging_release(mr_staging *staging);

/* Where records go from now on; nothing is held. NULL: nowhere yet. */
void mr_staging_set_target(mr_staging *staging, mr_log_writer *target);

/* Records are kept until `play` or `clear`. */
void mr_staging_hold(mr_staging *staging);

/* Produces what was held, in order; from here on records are handed on. Errors: the target's; what
 * was held is then partly produced, and the transaction is to be aborted. */
mr_status mr_staging_play(mr_staging *staging, mr_error *err);

/* Forgets what was held, and holds no longer. */
void mr_staging_clear(mr_staging *staging);

#endif
