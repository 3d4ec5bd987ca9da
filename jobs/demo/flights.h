/*
 * Flights: the departures of the first days of January 2013, in the order in which they left.
 *
 * Made from the file within the program. A cancelled flight stands an hour after its schedule: that
 * is when it is told. Thread: immutable once loaded. Memory: one's own, released as a whole.
 */
#ifndef MR_JOBS_DEMO_FLIGHTS_H
#define MR_JOBS_DEMO_FLIGHTS_H

#include "engine/base/buffer.h"
#include "engine/base/error.h"

#define MR_DEMO_DAYS_MAX 31
#define MR_DEMO_ORIGINS 3

extern const char *const mr_demo_origins[MR_DEMO_ORIGINS]; /* in the order of partitions */

typedef struct mr_demo_flight {
    const char *line; /* JSON, not NUL-terminated */
    uint32_t length;
    uint32_t origin; /* index of mr_demo_origins */
    int64_t told_ms; /* local time as if it were UTC; never falls */
} mr_demo_flight;

typedef struct mr_demo_flights {
    mr_buffer text;
    mr_demo_flight *items;
    uint32_t count, capacity;
} mr_demo_flights;

/* All flights told before the end of `days` days. Errors: MR_E_INTERNAL when the file is not as
 * it was. */
MR_MUST_USE mr_status mr_demo_flights_load(mr_demo_flights *flights, int days, mr_error *err);
void mr_demo_flights_release(mr_demo_flights *flights);

/* "2013-01-01 05:15:00" to ms since 1970; MR_TIME_NONE when it is no such text. */
int64_t mr_demo_time_read(const char *text);

#endif
