/*
 * Civil time: the proleptic Gregorian calendar without time zones, and SQL's texts of it.
 *
 * Days count from 1970-01-01, times are microseconds (of the day, or since 1970-01-01 00:00:00).
 * Years 1..9999 print with four digits; the calendar itself covers every int64_t of microseconds.
 * Thread: pure functions. Memory: none.
 */
#ifndef MR_ENGINE_EXPR_CIVIL_H
#define MR_ENGINE_EXPR_CIVIL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define MR_US_PER_MS INT64_C(1000)
#define MR_US_PER_SECOND INT64_C(1000000)
#define MR_US_PER_MINUTE (60 * MR_US_PER_SECOND)
#define MR_US_PER_HOUR (60 * MR_US_PER_MINUTE)
#define MR_US_PER_DAY (24 * MR_US_PER_HOUR)
#define MR_CIVIL_TEXT_MAX 40

typedef struct mr_civil {
    int64_t year;
    int32_t month;  /* 1..12 */
    int32_t day;    /* 1..31 */
    int32_t hour;   /* 0..23 */
    int32_t minute; /* 0..59 */
    int32_t second; /* 0..59 */
    int32_t micros; /* 0..999999 */
} mr_civil;

int64_t mr_civil_days(int64_t year, int32_t month, int32_t day);
mr_civil mr_civil_of_days(int64_t days);
mr_civil mr_civil_of(int64_t micros);
int64_t mr_civil_micros(const mr_civil *civil);
bool mr_civil_is_valid(const mr_civil *civil); /* does this date and time of day exist? */
int32_t mr_civil_month_days(int64_t year, int32_t month);

/* Quotient rounded down and its remainder >= 0. */
static inline int64_t mr_floor_div(int64_t a, int64_t b)
{
    return a / b - (a % b != 0 && (a < 0) != (b < 0));
}

static inline int64_t mr_floor_mod(int64_t a, int64_t b)
{
    int64_t rest = a % b;
    return rest != 0 && (rest < 0) != (b < 0) ? rest + b : rest;
}

/* Adds months; a day that the month lacks becomes its last day. */
int64_t mr_civil_add_months(int64_t days, int64_t months);

typedef enum mr_time_unit {
    MR_UNIT_NONE = 0,
    MR_UNIT_MILLENNIUM,
    MR_UNIT_CENTURY,
    MR_UNIT_DECADE,
    MR_UNIT_YEAR,
    MR_UNIT_QUARTER,
    MR_UNIT_MONTH,
    MR_UNIT_WEEK, /* EXTRACT counts ISO weeks, from Monday; FLOOR and CEIL go to Sundays */
    MR_UNIT_DAY,
    MR_UNIT_HOUR,
    MR_UNIT_MINUTE,
    MR_UNIT_SECOND,
    MR_UNIT_MILLISECOND,
    MR_UNIT_MICROSECOND,
    MR_UNIT_DOW,     /* 1 = Sunday */
    MR_UNIT_DOY,     /* 1..366 */
    MR_UNIT_ISODOW,  /* 1 = Monday */
    MR_UNIT_ISOYEAR, /* the year that owns the ISO week */
    MR_UNIT_EPOCH,   /* seconds since 1970 */
} mr_time_unit;

/* By name, any case, singular or plural, SQL_TSI_ prefix allowed; MR_UNIT_NONE: no such unit. */
mr_time_unit mr_time_unit_of(const char *name, size_t length);
const char *mr_time_unit_name(mr_time_unit unit);

/* EXTRACT(unit FROM ..) of microseconds since 1970. WEEK is the ISO week. */
int64_t mr_civil_extract(mr_time_unit unit, int64_t micros);

/* Start of the unit that `micros` lies in, and the first start at or behind it. Units MILLENNIUM
 * to MILLISECOND. */
int64_t mr_civil_floor(mr_time_unit unit, int64_t micros);
int64_t mr_civil_ceil(mr_time_unit unit, int64_t micros);

/* to - from in whole units, truncated toward zero; QUARTER, MONTH and YEAR by calendar. */
int64_t mr_civil_between(mr_time_unit unit, int64_t from, int64_t to);

/* `micros` + n units; false on overflow. */
bool mr_civil_add(mr_time_unit unit, int64_t n, int64_t micros, int64_t *result);

/* How long a unit is: in microseconds, or in months; 0 where it is not measured so. */
int64_t mr_time_unit_micros(mr_time_unit unit);
int64_t mr_time_unit_months(mr_time_unit unit);

/* SQL texts, whole and without blanks around them. Dates `y[-M[-d]]` (a time behind is cut off),
 * times `H[:m[:s[.f]]]`, timestamps `y-M-d[ H[:m[:s[.f]]]]`, `T` or a blank between; fractions
 * beyond microseconds are dropped. False: no such date or time. */
bool mr_date_parse(const char *text, size_t length, int32_t *days);
bool mr_time_parse(const char *text, size_t length, int64_t *micros);
bool mr_timestamp_parse(const char *text, size_t length, int64_t *micros);

/* 2024-01-31, 09:05:00[.fff], 2024-01-31 09:05:00[.fff] with `precision` fractional digits (0..6).
 * NUL-terminated; return the length. */
size_t mr_date_print(int64_t days, char to[MR_CIVIL_TEXT_MAX]);
size_t mr_time_print(int64_t micros, uint32_t precision, char to[MR_CIVIL_TEXT_MAX]);
size_t mr_months_print(int32_t months, char to[MR_CIVIL_TEXT_MAX]);   /* an interval: +1-02 */
size_t mr_duration_print(int64_t micros, char to[MR_CIVIL_TEXT_MAX]); /* +1 02:03:04.500 */
size_t mr_timestamp_print(int64_t micros, uint32_t precision, char to[MR_CIVIL_TEXT_MAX]);

#endif
