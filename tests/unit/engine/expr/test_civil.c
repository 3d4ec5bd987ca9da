/* Goal: the calendar is the proleptic Gregorian one. Method: against the C library on random
 * days. */
#include "engine/expr/civil.h"
#include "engine/expr/zone.h"

#include <criterion/criterion.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

static int64_t random_seconds(uint64_t *seed, int64_t span)
{
    *seed = *seed * 6364136223846793005u + 1442695040888963407u;
    return (int64_t)((*seed >> 11) % (uint64_t)(2 * span)) - span;
}

Test(civil, agrees_with_gmtime)
{
    uint64_t seed = 1;
    for (int i = 0; i < 200000; i++) {
        time_t at = random_seconds(&seed, INT64_C(200000000000));
        struct tm tm;
        gmtime_r(&at, &tm);
        int64_t micros = at * MR_US_PER_SECOND + 7;
        mr_civil civil = mr_civil_of(micros);
        cr_assert_eq(civil.year, tm.tm_year + 1900);
        cr_assert_eq(civil.month, tm.tm_mon + 1);
        cr_assert_eq(civil.day, tm.tm_mday);
        cr_assert_eq(civil.hour, tm.tm_hour);
        cr_assert_eq(civil.minute, tm.tm_min);
        cr_assert_eq(civil.second, tm.tm_sec);
        cr_assert_eq(mr_civil_micros(&civil), micros);
        char week[8];
        strftime(week, sizeof week, "%V", &tm);
        cr_assert_eq(mr_civil_extract(MR_UNIT_WEEK, micros), atoi(week));
        cr_assert_eq(mr_civil_extract(MR_UNIT_DOW, micros), tm.tm_wday + 1);
        cr_assert_eq(mr_civil_extract(MR_UNIT_DOY, micros), tm.tm_yday + 1);
    }
}

Test(civil, floors_to_the_start_of_the_unit_that_holds_the_time)
{
    uint64_t seed = 2;
    static const mr_time_unit units[] = {MR_UNIT_YEAR, MR_UNIT_QUARTER, MR_UNIT_MONTH,
                                         MR_UNIT_WEEK, MR_UNIT_DAY,     MR_UNIT_HOUR};
    for (int i = 0; i < 50000; i++) {
        int64_t at = random_seconds(&seed, INT64_C(20000000000)) * MR_US_PER_SECOND + 123456;
        for (size_t u = 0; u < sizeof units / sizeof units[0]; u++) {
            int64_t start = mr_civil_floor(units[u], at), next = 0;
            cr_assert(mr_civil_add(units[u], 1, start, &next));
            cr_assert(start <= at && at < next);
            cr_assert_eq(mr_civil_floor(units[u], start), start);
            cr_assert_eq(mr_civil_ceil(units[u], at), next);
        }
    }
}

Test(civil, reads_back_what_it_prints)
{
    uint64_t seed = 3;
    for (int i = 0; i < 50000; i++) {
        int64_t at = random_seconds(&seed, INT64_C(30000000000)) * MR_US_PER_SECOND + 654321, back;
        char text[MR_CIVIL_TEXT_MAX];
        size_t length = mr_timestamp_print(at, 6, text);
        cr_assert(mr_timestamp_parse(text, length, &back), "%s", text);
        cr_assert_eq(back, at, "%s", text);
    }
}

/* A zone by name from the machine's files, as connectors do it. */
static mr_zone *load(const char *name)
{
    char path[128];
    snprintf(path, sizeof path, "/usr/share/zoneinfo/%s", name);
    FILE *file = fopen(path, "rb");
    cr_assert_not_null(file, "%s is needed (tzdata)", path);
    static char bytes[65536];
    size_t length = fread(bytes, 1, sizeof bytes, file);
    fclose(file);
    mr_zone *zone = NULL;
    mr_error err;
    cr_assert_eq(mr_zone_parse(name, bytes, length, &zone, &err), MR_OK);
    return zone;
}

Test(zone, agrees_with_localtime)
{
    static const char *const names[] = {
        "Europe/Berlin",    "America/New_York",  "Asia/Kolkata", "Australia/Sydney",
        "America/St_Johns", "Africa/Casablanca", "UTC",          "Pacific/Apia"};
    uint64_t seed = 4;
    for (size_t n = 0; n < sizeof names / sizeof names[0]; n++) {
        mr_zone *zone = load(names[n]);
        setenv("TZ", names[n], 1);
        tzset();
        for (int i = 0; i < 20000; i++) {
            time_t at = random_seconds(&seed, INT64_C(4000000000));
            struct tm tm;
            localtime_r(&at, &tm);
            cr_assert_eq(mr_zone_offset(zone, at), tm.tm_gmtoff, "%s %lld", names[n],
                         (long long)at);
            int64_t local = mr_zone_to_local(zone, at * MR_US_PER_SECOND);
            int64_t back = mr_zone_to_utc(zone, local);
            cr_assert_eq(mr_zone_to_local(zone, back), local);
            cr_assert(back <= at * MR_US_PER_SECOND);
        }
        mr_zone_free(zone);
    }
}

static int64_t at(const char *text)
{
    int64_t micros = 0;
    size_t length = 0;
    while (text[length] != '\0')
        length++;
    cr_assert(mr_timestamp_parse(text, length, &micros));
    return micros;
}

Test(zone, moves_a_skipped_time_forward_and_takes_the_earlier_of_two)
{
    mr_zone *zone = load("Europe/Berlin");
    cr_expect_eq(mr_zone_to_utc(zone, at("2024-03-31 02:30:00")), at("2024-03-31 01:30:00"));
    cr_expect_eq(mr_zone_to_utc(zone, at("2024-10-27 02:30:00")), at("2024-10-27 00:30:00"));
    cr_expect_eq(mr_zone_to_utc(zone, at("2050-07-01 12:00:00")), at("2050-07-01 10:00:00"));
    cr_expect_str_eq(mr_zone_abbreviation(zone, 1720000000), "CEST");
    mr_zone_free(zone);
}

Test(zone, refuses_broken_files)
{
    static const char bytes[64] = "TZif2";
    mr_zone *zone = NULL;
    mr_error err;
    for (size_t length = 0; length <= sizeof bytes; length++)
        cr_expect_eq(mr_zone_parse("x", bytes, length, &zone, &err), MR_E_SETTING);
    cr_expect_eq(mr_zone_of_offset("Berlin", &zone, &err), MR_E_SETTING);
    cr_assert_eq(mr_zone_of_offset("GMT+05:30", &zone, &err), MR_OK);
    cr_expect_eq(mr_zone_offset(zone, 0), 19800);
    mr_zone_free(zone);
}
