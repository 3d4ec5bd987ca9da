/*
 * Goal: a time is in exactly the windows that Flink puts it in, and a window closes at end - 1.
 * Method: tables of edges; every grid against a definition that tries all windows; local days
 * around the changes of the clocks in Berlin and New York.
 */
#include "operators/window/grid.h"

#include "connectors/local/zone_file.h"
#include "engine/batch/record.h"

#include <criterion/criterion.h>

#define HOUR INT64_C(3600000)
#define DAY (24 * HOUR)

typedef struct edge {
    mr_window_kind kind;
    int64_t size, slide, offset, time;
    int64_t first_start, first_end, last_start, last_end;
} edge;

static const edge edges[] = {
    {MR_WINDOW_TUMBLE, 10, 10, 0, 0, 0, 10, 0, 10},
    {MR_WINDOW_TUMBLE, 10, 10, 0, 9, 0, 10, 0, 10},
    {MR_WINDOW_TUMBLE, 10, 10, 0, 10, 10, 20, 10, 20},
    {MR_WINDOW_TUMBLE, 10, 10, 0, -1, -10, 0, -10, 0},
    {MR_WINDOW_TUMBLE, 10, 10, 0, -10, -10, 0, -10, 0},
    {MR_WINDOW_TUMBLE, 10, 10, 0, -11, -20, -10, -20, -10},
    {MR_WINDOW_TUMBLE, 10, 10, 3, 2, -7, 3, -7, 3},
    {MR_WINDOW_TUMBLE, 10, 10, 3, 3, 3, 13, 3, 13},
    {MR_WINDOW_TUMBLE, 10, 10, -3, 6, -3, 7, -3, 7},
    {MR_WINDOW_TUMBLE, 10, 10, 23, 2, -7, 3, -7, 3},
    {MR_WINDOW_HOP, 10, 5, 0, 0, -5, 5, 0, 10},
    {MR_WINDOW_HOP, 10, 5, 0, 4, -5, 5, 0, 10},
    {MR_WINDOW_HOP, 10, 5, 0, 5, 0, 10, 5, 15},
    {MR_WINDOW_HOP, 10, 5, 0, -1, -10, 0, -5, 5},
    {MR_WINDOW_HOP, 10, 5, 2, 6, -3, 7, 2, 12},
    {MR_WINDOW_HOP, 10, 10, 0, 7, 0, 10, 0, 10},
    {MR_WINDOW_CUMULATE, 15, 5, 0, 0, 0, 5, 0, 15},
    {MR_WINDOW_CUMULATE, 15, 5, 0, 4, 0, 5, 0, 15},
    {MR_WINDOW_CUMULATE, 15, 5, 0, 5, 0, 10, 0, 15},
    {MR_WINDOW_CUMULATE, 15, 5, 0, 14, 0, 15, 0, 15},
    {MR_WINDOW_CUMULATE, 15, 5, 0, 15, 15, 20, 15, 30},
    {MR_WINDOW_CUMULATE, 15, 5, 0, -1, -15, 0, -15, 0},
    {MR_WINDOW_CUMULATE, 15, 5, 4, 3, -11, 4, -11, 4},
    {MR_WINDOW_CUMULATE, 15, 5, 4, 4, 4, 9, 4, 19},
    {MR_WINDOW_CUMULATE, 15, 5, -4, 10, -4, 11, -4, 11},
};

Test(grid, cuts_time_where_flink_does)
{
    for (size_t i = 0; i < sizeof edges / sizeof edges[0]; i++) {
        const edge *e = &edges[i];
        mr_grid grid = mr_grid_of(e->kind, e->size, e->slide, e->offset, NULL);
        int64_t slice = mr_grid_slice(&grid, e->time), last = mr_grid_last_window(&grid, slice);
        cr_assert_eq(mr_grid_window_start(&grid, slice + 1), e->first_start, "edge %zu", i);
        cr_assert_eq(mr_grid_window_end(&grid, slice + 1), e->first_end, "edge %zu", i);
        cr_assert_eq(mr_grid_window_start(&grid, last), e->last_start, "edge %zu", i);
        cr_assert_eq(mr_grid_window_end(&grid, last), e->last_end, "edge %zu", i);
    }
}

Test(grid, closes_a_window_one_tick_before_its_end)
{
    mr_grid grid = mr_grid_of(MR_WINDOW_TUMBLE, 10, 10, 0, NULL);
    int64_t slice = mr_grid_slice(&grid, 5), last = mr_grid_last_window(&grid, slice);
    cr_assert_eq(mr_grid_window_time(&grid, last), 9);
    cr_assert_leq(mr_grid_first_open(&grid, slice, MR_TIME_NONE), last);
    cr_assert_leq(mr_grid_first_open(&grid, slice, 8), last);
    cr_assert_gt(mr_grid_first_open(&grid, slice, 9), last);
    cr_assert_gt(mr_grid_first_open(&grid, slice, MR_TIME_MAX), last);
}

Test(grid, lets_a_late_row_into_the_windows_still_open)
{
    mr_grid hop = mr_grid_of(MR_WINDOW_HOP, 10, 5, 0, NULL);
    /* A row at 4 belongs to [-5, 5) and [0, 10). */
    int64_t slice = mr_grid_slice(&hop, 4);
    cr_assert_eq(mr_grid_window_end(&hop, mr_grid_first_open(&hop, slice, 3)), 5);
    cr_assert_eq(mr_grid_window_end(&hop, mr_grid_first_open(&hop, slice, 4)), 10);
    cr_assert_eq(mr_grid_window_end(&hop, mr_grid_first_open(&hop, slice, 8)), 10);
    cr_assert_gt(mr_grid_first_open(&hop, slice, 9), mr_grid_last_window(&hop, slice));
    mr_grid steps = mr_grid_of(MR_WINDOW_CUMULATE, 15, 5, 0, NULL);
    slice = mr_grid_slice(&steps, 0);
    cr_assert_eq(mr_grid_window_end(&steps, mr_grid_first_open(&steps, slice, 4)), 10);
    cr_assert_eq(mr_grid_window_end(&steps, mr_grid_first_open(&steps, slice, 13)), 15);
    cr_assert_gt(mr_grid_first_open(&steps, slice, 14), mr_grid_last_window(&steps, slice));
}

Test(grid, numbers_of_slices_come_back)
{
    mr_grid grid = mr_grid_of(MR_WINDOW_HOP, 30, 5, 0, NULL);
    for (int64_t slice = -20; slice < 20; slice++)
        for (int64_t part = 0; part < grid.parts; part++) {
            int64_t id = mr_grid_id(&grid, slice, part);
            cr_assert_eq(mr_grid_id_slice(&grid, id), slice);
            cr_assert_eq(mr_grid_id_part(&grid, id), part);
        }
}

Test(grid, refuses_times_that_no_window_can_hold)
{
    mr_grid grid = mr_grid_of(MR_WINDOW_TUMBLE, DAY, DAY, 0, NULL);
    cr_assert(mr_grid_holds(&grid, 0));
    cr_assert(mr_grid_holds(&grid, INT64_C(253402300799999))); /* year 9999 */
    cr_assert(mr_grid_holds(&grid, -INT64_C(62135596800000))); /* year 1 */
    cr_assert_not(mr_grid_holds(&grid, INT64_MAX / 1000));
    cr_assert_not(mr_grid_holds(&grid, INT64_MIN / 1000));
    /* A millisecond's hop of a day: ids of the present do not fit 64 bits. */
    mr_grid fine = mr_grid_of(MR_WINDOW_HOP, DAY * 30, 1, 0, NULL);
    cr_assert_not(mr_grid_holds(&fine, INT64_C(1700000000000)));
}

static mr_zone *zone_of(const char *name)
{
    mr_zone *zone = NULL;
    mr_error err = {0};
    cr_assert_eq(mr_zone_load(name, &zone, &err), MR_OK, "%s", err.message);
    return zone;
}

/* 2024-03-31 in Berlin: 02:00 CET -> 03:00 CEST at 01:00 UTC; 2024-10-27: 03:00 CEST -> 02:00 CET
 * at 01:00 UTC. */
#define MARCH_31 INT64_C(1711839600000)   /* 00:00 CET = 2024-03-30T23:00Z */
#define OCTOBER_27 INT64_C(1729980000000) /* 00:00 CEST = 2024-10-26T22:00Z */

Test(grid, local_days_have_23_and_25_hours)
{
    mr_zone *berlin = zone_of("Europe/Berlin");
    mr_grid days = mr_grid_of(MR_WINDOW_TUMBLE, DAY, DAY, 0, berlin);
    int64_t short_day = mr_grid_slice(&days, MARCH_31);
    cr_assert_eq(mr_grid_slice(&days, MARCH_31 - 1), short_day - 1);
    cr_assert_eq(mr_grid_slice(&days, MARCH_31 + 23 * HOUR - 1), short_day);
    cr_assert_eq(mr_grid_slice(&days, MARCH_31 + 23 * HOUR), short_day + 1);
    cr_assert_eq(mr_grid_window_time(&days, short_day + 1), MARCH_31 + 23 * HOUR - 1);
    int64_t long_day = mr_grid_slice(&days, OCTOBER_27);
    cr_assert_eq(mr_grid_slice(&days, OCTOBER_27 - 1), long_day - 1);
    cr_assert_eq(mr_grid_slice(&days, OCTOBER_27 + 25 * HOUR - 1), long_day);
    cr_assert_eq(mr_grid_slice(&days, OCTOBER_27 + 25 * HOUR), long_day + 1);
    cr_assert_eq(mr_grid_window_time(&days, long_day + 1), OCTOBER_27 + 25 * HOUR - 1);
    /* Bounds are shown on the wall clock: midnights. */
    cr_assert_eq(mr_grid_window_start(&days, long_day + 1) % DAY, 0);
    cr_assert_eq(
        mr_grid_window_end(&days, long_day + 1) - mr_grid_window_start(&days, long_day + 1), DAY);
    mr_zone_free(berlin);
}

Test(grid, an_hour_that_comes_twice_is_one_window_and_fires_at_its_second_end)
{
    mr_zone *berlin = zone_of("Europe/Berlin");
    mr_grid hours = mr_grid_of(MR_WINDOW_TUMBLE, HOUR, HOUR, 0, berlin);
    int64_t twice = mr_grid_slice(&hours, OCTOBER_27 + 2 * HOUR);
    cr_assert_eq(mr_grid_slice(&hours, OCTOBER_27 + 3 * HOUR), twice);
    cr_assert_eq(mr_grid_slice(&hours, OCTOBER_27 + 4 * HOUR), twice + 1);
    cr_assert_eq(mr_grid_window_time(&hours, twice + 1), OCTOBER_27 + 4 * HOUR - 1);
    cr_assert_leq(mr_grid_first_open(&hours, twice, OCTOBER_27 + 3 * HOUR), twice + 1);
    cr_assert_leq(mr_grid_first_open(&hours, twice, OCTOBER_27 + 4 * HOUR - 2), twice + 1);
    cr_assert_gt(mr_grid_first_open(&hours, twice, OCTOBER_27 + 4 * HOUR - 1), twice + 1);
    mr_zone_free(berlin);
}

Test(grid, a_window_that_ends_in_a_gap_fires_behind_the_gap)
{
    mr_zone *york = zone_of("America/New_York");
    /* 2024-03-10 02:00 EST -> 03:00 EDT at 07:00 UTC. */
    const int64_t gap = INT64_C(1710054000000);
    mr_grid halves = mr_grid_of(MR_WINDOW_TUMBLE, HOUR / 2, HOUR / 2, 0, york);
    int64_t before = mr_grid_slice(&halves, gap - 1), behind = mr_grid_slice(&halves, gap);
    cr_assert_eq(behind, before + 3); /* two half hours never were */
    cr_assert_eq(mr_grid_window_time(&halves, before + 1), gap - 1);
    cr_assert_eq(mr_grid_window_time(&halves, before + 2), gap);
    cr_assert_eq(mr_grid_window_time(&halves, before + 3), gap);
    cr_assert_eq(mr_grid_window_time(&halves, behind + 1), gap + HOUR / 2 - 1);
    mr_zone_free(york);
}

/* What `first_open` says must be what `window_time` says, at every watermark around the changes. */
Test(grid, a_window_is_open_exactly_until_it_fires)
{
    static const char *const names[] = {"Europe/Berlin", "America/New_York", "Australia/Lord_Howe",
                                        "UTC"};
    static const int64_t changes[] = {MARCH_31 + 2 * HOUR,    OCTOBER_27 + 3 * HOUR,
                                      INT64_C(1710054000000), INT64_C(1730613600000),
                                      INT64_C(1712415600000), INT64_C(1728142200000)};
    for (size_t n = 0; n < 4; n++) {
        mr_zone *zone = zone_of(names[n]);
        for (size_t c = 0; c < 6; c++)
            for (int kind = 0; kind < 3; kind++) {
                mr_grid grid = mr_grid_of((mr_window_kind)kind, kind == 0 ? HOUR / 4 : HOUR,
                                          HOUR / 4, 0, zone);
                for (int64_t at = changes[c] - 3 * HOUR; at < changes[c] + 3 * HOUR;
                     at += HOUR / 8 - 1) {
                    int64_t slice = mr_grid_slice(&grid, at);
                    for (int64_t wm = at - 2 * HOUR; wm < at + 3 * HOUR; wm += HOUR / 16) {
                        int64_t open = slice + 1;
                        while (open <= mr_grid_last_window(&grid, slice) &&
                               mr_grid_window_time(&grid, open) <= wm)
                            open++;
                        int64_t said = mr_grid_first_open(&grid, slice, wm);
                        bool is_late = said > mr_grid_last_window(&grid, slice);
                        cr_assert(is_late ? open > mr_grid_last_window(&grid, slice) : said == open,
                                  "%s at %ld wm %ld: %ld, not %ld", names[n], (long)at, (long)wm,
                                  (long)said, (long)open);
                    }
                }
            }
        mr_zone_free(zone);
    }
}
