/*
 * Goal: the flights within the program are those of the file, in the order in which they are told.
 * Method: counts known of the file (it says so of itself), and looks at single lines.
 */
#include "engine/batch/record.h"
#include "jobs/demo/embedded.h"
#include "jobs/demo/flights.h"

#include <criterion/criterion.h>
#include <string.h>

static bool is_cancelled(const mr_demo_flight *flight)
{
    static const char mark[] = "\"dep\":null";
    return memmem(flight->line, flight->length, mark, strlen(mark)) != NULL;
}

Test(demo_flights, january_is_whole_and_its_time_never_falls)
{
    mr_demo_flights flights;
    mr_error err;
    cr_assert_eq(mr_demo_flights_load(&flights, MR_DEMO_DAYS_MAX, &err), MR_OK, "%s", err.message);
    cr_expect_eq(flights.count, 26996, "of 27,004, eight were told in February");
    uint32_t cancelled = 0;
    for (uint32_t i = 0; i < flights.count; i++) {
        const mr_demo_flight *flight = &flights.items[i];
        cancelled += is_cancelled(flight);
        cr_assert(i == 0 || flight->told_ms >= flight[-1].told_ms, "flight %u", i);
        cr_assert(flight->line[0] == '{' && flight->line[flight->length - 1] == '}', "flight %u",
                  i);
        cr_assert(memmem(flight->line, flight->length, mr_demo_origins[flight->origin], 3) != NULL);
    }
    cr_expect_eq(cancelled, 521);
    mr_demo_flights_release(&flights);
}

Test(demo_flights, a_day_ends_at_midnight)
{
    mr_demo_flights flights;
    mr_error err;
    cr_assert_eq(mr_demo_flights_load(&flights, 1, &err), MR_OK, "%s", err.message);
    cr_expect_eq(flights.count, 841);
    int64_t midnight = mr_demo_time_read("2013-01-02 00:00:00");
    cr_expect_lt(flights.items[flights.count - 1].told_ms, midnight);
    mr_demo_flights_release(&flights);
}

Test(demo_flights, times_are_read_or_refused)
{
    cr_expect_eq(mr_demo_time_read("1970-01-01 00:00:01"), 1000);
    cr_expect_eq(mr_demo_time_read("2013-01-01 05:17:00"), INT64_C(1357017420000));
    cr_expect_eq(mr_demo_time_read("2013-02-29 05:17:00"), MR_TIME_NONE);
    cr_expect_eq(mr_demo_time_read("2013-01-01"), MR_TIME_NONE);
    cr_expect_eq(mr_demo_time_read(""), MR_TIME_NONE);
}

Test(demo_flights, the_job_is_carried_whole)
{
    mr_demo_bytes job = mr_demo_embedded_job();
    cr_assert_gt(job.length, 1000);
    cr_expect_eq(memcmp(job.data, "-- Departures", 13), 0);
    cr_expect_eq(memcmp(job.data + job.length - 5, "END;\n", 5), 0);
}
