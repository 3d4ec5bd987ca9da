/*
 * Time as the engine sees it. The simulator has a virtual one.
 * Wall time never decides an event-time result unless the journal says so.
 */
#ifndef MR_ENGINE_PORTS_CLOCK_H
#define MR_ENGINE_PORTS_CLOCK_H

#include <stdint.h>

typedef struct mr_clock mr_clock;

struct mr_clock {
    int64_t (*wall_ms)(const mr_clock *clock);      /* since 1970, may jump */
    int64_t (*monotonic_us)(const mr_clock *clock); /* never goes back */
    void *state;
};

#endif
