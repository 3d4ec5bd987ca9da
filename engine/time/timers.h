/*
 * Timers: things due at a time of event time, handed out in order of time.
 *
 * A radix queue: 65 buckets by the highest bit in which a time differs from the last one handed
 * out. Adding is one append; a timer moves down at most once a bit, in runs that lie one behind the
 * other in memory, however many there are. That works because time never goes back: nothing may be
 * added at or before what `mr_timers_next` has passed.
 * Timers are derived from state and are never written down. Equal times come in no order.
 * Thread: one at a time. Memory: heap, counted as MR_BUDGET_TABLES.
 */
#ifndef MR_ENGINE_TIME_TIMERS_H
#define MR_ENGINE_TIME_TIMERS_H

#include "engine/base/budget.h"

#include <stdint.h>

typedef struct mr_timer {
    uint64_t due; /* of the time, so that unsigned order is the order of times */
    uint32_t number;
} mr_timer;

typedef struct mr_timers_bucket {
    mr_timer *timers;
    uint32_t count, capacity;
} mr_timers_bucket;

/* All-zero but the budget is empty. */
typedef struct mr_timers {
    mr_budget *budget; /* NULL: not counted */
    uint64_t last;     /* no timer is due before it */
    mr_timers_bucket buckets[65];
    uint64_t used; /* bit b: bucket b + 1 holds timers */
    void **whats;  /* by number; NULL: cancelled */
    uint32_t *free_numbers;
    uint32_t whats_count, whats_capacity, free_count;
} mr_timers;

void mr_timers_init(mr_timers *timers, mr_budget *budget);
void mr_timers_release(mr_timers *timers);

/* A timer for `what` (not NULL). Its number, for `cancel`, is good until it is handed out. */
uint32_t mr_timers_add(mr_timers *timers, int64_t due_ms, void *what);

/* It will not be handed out; its memory is taken again when its time has come. */
void mr_timers_cancel(mr_timers *timers, uint32_t number);

/* Takes out one with the earliest time, if that is <= limit; NULL: none. From then on nothing may
 * be added before that time (none: at or before the limit). */
void *mr_timers_next(mr_timers *timers, int64_t limit_ms, int64_t *due_ms);

#endif
