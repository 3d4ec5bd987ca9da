#include "jobs/demo/flights.h"

#include "connectors/local/gzip.h"
#include "engine/base/assert.h"
#include "engine/batch/record.h"
#include "engine/expr/civil.h"
#include "jobs/demo/embedded.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define TEXT_BYTES_MAX ((size_t)16 << 20)
#define CANCELLED_MS (INT64_C(60) * 60 * 1000)

const char *const mr_demo_origins[MR_DEMO_ORIGINS] = {"EWR", "JFK", "LGA"};

int64_t mr_demo_time_read(const char *text)
{
    int year;
    mr_civil civil = {0};
    if (sscanf(text, "%4d-%2d-%2d%*1[ T]%2d:%2d:%2d", &year, &civil.month, &civil.day, &civil.hour,
               &civil.minute, &civil.second) != 6)
        return MR_TIME_NONE;
    civil.year = year;
    return mr_civil_is_valid(&civil) ? mr_civil_micros(&civil) / MR_US_PER_MS : MR_TIME_NONE;
}

/* The text behind `"name":` within a line; NULL: no such field. */
static const char *field(const char *line, const char *end, const char *name)
{
    const char *at = memmem(line, (size_t)(end - line), name, strlen(name));
    return at != NULL ? at + strlen(name) : NULL;
}

/* False: not the line of a flight. */
static bool read_flight(const char *line, const char *end, mr_demo_flight *flight)
{
    const char *origin = field(line, end, "\"origin\":\"");
    const char *scheduled = field(line, end, "\"sched_dep\":\"");
    const char *left = field(line, end, "\"dep\":");
    if (origin == NULL || scheduled == NULL || left == NULL)
        return false;
    *flight = (mr_demo_flight){.line = line, .length = (uint32_t)(end - line)};
    while (strncmp(origin, mr_demo_origins[flight->origin], 3) != 0)
        if (++flight->origin == MR_DEMO_ORIGINS)
            return false;
    bool is_cancelled = *left != '"';
    flight->told_ms = mr_demo_time_read(is_cancelled ? scheduled : left + 1);
    if (flight->told_ms == MR_TIME_NONE)
        return false;
    flight->told_ms += is_cancelled ? CANCELLED_MS : 0;
    return true;
}

static void add(mr_demo_flights *flights, const mr_demo_flight *flight)
{
    if (flights->count == flights->capacity) {
        flights->capacity = flights->capacity == 0 ? 4096 : flights->capacity * 2;
        flights->items = realloc(flights->items, flights->capacity * sizeof *flights->items);
        MR_ASSERT(flights->items != NULL);
    }
    flights->items[flights->count++] = *flight;
}

mr_status mr_demo_flights_load(mr_demo_flights *flights, int days, mr_error *err)
{
    *flights = (mr_demo_flights){0};
    mr_demo_bytes packed = mr_demo_embedded_flights();
    mr_status status =
        mr_gzip_inflate(packed.data, packed.length, TEXT_BYTES_MAX, &flights->text, err);
    if (status != MR_OK)
        return status;
    mr_buffer_put_u8(&flights->text, 0); /* sscanf reads to a NUL */
    int64_t end_ms = (mr_civil_days(2013, 1, 1) + days) * (MR_US_PER_DAY / MR_US_PER_MS);
    const char *at = flights->text.data, *end = at + flights->text.length - 1;
    while (at < end) {
        const char *newline = memchr(at, '\n', (size_t)(end - at));
        const char *line_end = newline != NULL ? newline : end;
        mr_demo_flight flight;
        if (!read_flight(at, line_end, &flight))
            return mr_error_set(err, MR_E_INTERNAL, "the demo's flight %u cannot be read: %.*s",
                                flights->count, (int)(line_end - at), at);
        if (flight.told_ms >= end_ms)
            break;
        add(flights, &flight);
        at = line_end + 1;
    }
    return MR_OK;
}

void mr_demo_flights_release(mr_demo_flights *flights)
{
    mr_buffer_release(&flights->text);
    free(flights->items);
    *flights = (mr_demo_flights){0};
}
