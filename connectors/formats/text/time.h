/*
 * Dates and times as text, Gregorian calendar, no zones: days since 1970-01-01 and microseconds.
 *
 *   date       yyyy-MM-dd                       years 0000..9999
 *   time       HH:mm:ss[.f{1,9}]
 *   timestamp  date, separator (' ' or 'T'), time, and `Z` when `is_utc`
 *
 * Digits behind the sixth of a fraction are cut. Thread: pure functions, nothing is allocated.
 */
#ifndef MR_CONNECTORS_FORMATS_TEXT_TIME_H
#define MR_CONNECTORS_FORMATS_TEXT_TIME_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define MR_US_PER_SECOND INT64_C(1000000)
#define MR_US_PER_DAY (INT64_C(86400) * MR_US_PER_SECOND)

/* All of `length` bytes must match; false leaves the result unspecified. */
bool mr_time_parse_date(const char *text, size_t length, int32_t *days);
bool mr_time_parse_time(const char *text, size_t length, int64_t *us);
bool mr_time_parse_timestamp(const char *text, size_t length, char separator, bool is_utc,
                             int64_t *us);

/* Cut (towards the past) to `precision` digits behind the second. */
int64_t mr_time_cut(int64_t us, unsigned precision);

#define MR_TIME_TEXT_MAX 48

/* Writers into `to` (MR_TIME_TEXT_MAX bytes, no NUL); the length comes back. Fractions have as many
 * digits as needed, none when zero. Years outside 0..9999 get a sign. */
size_t mr_time_write_date(char *to, int32_t days);
size_t mr_time_write_time(char *to, int64_t us);
size_t mr_time_write_timestamp(char *to, int64_t us, char separator, bool is_utc);

#endif
