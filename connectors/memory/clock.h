/*
 * A virtual clock: time moves only when somebody waits for it. One thread.
 */
#ifndef MR_CONNECTORS_MEMORY_CLOCK_H
#define MR_CONNECTORS_MEMORY_CLOCK_H

#include "engine/ports/clock.h"

typedef struct mr_memory_clock {
    mr_clock clock; /* pass this on */
    int64_t now_us; /* monotonic; begins at 0 */
    int64_t wall_start_ms;
} mr_memory_clock;

/* The clock must not move in memory afterwards. */
void mr_memory_clock_init(mr_memory_clock *clock, int64_t wall_start_ms);

void mr_memory_clock_advance(mr_memory_clock *clock, int64_t us);

/* The machine's clock, for the in-memory log of a job without Kafka. */
void mr_memory_clock_real(mr_clock *clock);

#endif
