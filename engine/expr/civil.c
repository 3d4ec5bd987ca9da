#include "engine/expr/civil.h"

#include <stdio.h>
#include <string.h>
#include <strings.h>

/* Days are counted in 400-year eras that start on 1 March, so that the leap day is the last of its
 * year and a month's first day is a linear formula. */
#define DAYS_PER_ERA INT64_C(146097)
#define DAYS_TO_1970 INT64_C(719468) /* 0000-03-01 .. 1970-01-01 */

int64_t mr_civil_days(int64_t year, int32_t month, int32_t day)
{
    year -= month <= 2;
    int64_t era = mr_floor_div(year, 400);
    int64_t of_era = year - era * 400;
    int64_t of_year = (153 * (month > 2 ? month - 3 : month + 9) + 2) / 5 + day - 1;
    int64_t days = of_era * 365 + of_era / 4 - of_era / 100 + of_year;
    return era * DAYS_PER_ERA + days - DAYS_TO_1970;
}

mr_civil mr_civil_of_days(int64_t days)
{
    days += DAYS_TO_1970;
    int64_t era = mr_floor_div(days, DAYS_PER_ERA);
    int64_t day = days - era * DAYS_PER_ERA;
    int64_t year = (day - day / 1460 + day / 36524 - day / 146096) / 365;
    int64_t of_year = day - (365 * year + year / 4 - year / 100);
    int64_t march_month = (5 * of_year + 2) / 153;
    mr_civil civil = {
        .month = (int32_t)(march_month < 10 ? march_month + 3 : march_month - 9),
        .day = (int32_t)(of_year - (153 * march_month + 2) / 5 + 1),
    };
    civil.year = year + era * 400 + (civil.month <= 2);
    return civil;
}

mr_civil mr_civil_of(int64_t micros)
{
    mr_civil civil = mr_civil_of_days(mr_floor_div(micros, MR_US_PER_DAY));
    int64_t rest = mr_floor_mod(micros, MR_US_PER_DAY);
    civil.hour = (int32_t)(rest / MR_US_PER_HOUR);
    civil.minute = (int32_t)(rest / MR_US_PER_MINUTE % 60);
    civil.second = (int32_t)(rest / MR_US_PER_SECOND % 60);
    civil.micros = (int32_t)(rest % MR_US_PER_SECOND);
    return civil;
}

int64_t mr_civil_micros(const mr_civil *civil)
{
    int64_t seconds = (civil->hour * INT64_C(60) + civil->minute) * 60 + civil->second;
    return mr_civil_days(civil->year, civil->month, civil->day) * MR_US_PER_DAY +
           seconds * MR_US_PER_SECOND + civil->micros;
}

int32_t mr_civil_month_days(int64_t year, int32_t month)
{
    if (month == 2)
        return year % 4 == 0 && (year % 100 != 0 || year % 400 == 0) ? 29 : 28;
    return month == 4 || month == 6 || month == 9 || month == 11 ? 30 : 31;
}

bool mr_civil_is_valid(const mr_civil *civil)
{
    return civil->month >= 1 && civil->month <= 12 && civil->day >= 1 &&
           civil->day <= mr_civil_month_days(civil->year, civil->month) && civil->hour >= 0 &&
           civil->hour <= 23 && civil->minute >= 0 && civil->minute <= 59 && civil->second >= 0 &&
           civil->second <= 59 && civil->micros >= 0 && civil->micros < MR_US_PER_SECOND;
}

int64_t mr_civil_add_months(int64_t days, int64_t months)
{
    mr_civil civil = mr_civil_of_days(days);
    int64_t month = civil.year * 12 + civil.month - 1 + months;
    civil.year = mr_floor_div(month, 12);
    civil.month = (int32_t)mr_floor_mod(month, 12) + 1;
    int32_t last = mr_civil_month_days(civil.year, civil.month);
    return mr_civil_days(civil.year, civil.month, civil.day < last ? civil.day : last);
}

static const struct {
    const char *name;
    mr_time_unit unit;
} units[] = {
    {"MILLENNIUM", MR_UNIT_MILLENNIUM},
    {"CENTURY", MR_UNIT_CENTURY},
    {"DECADE", MR_UNIT_DECADE},
    {"YEAR", MR_UNIT_YEAR},
    {"QUARTER", MR_UNIT_QUARTER},
    {"MONTH", MR_UNIT_MONTH},
    {"WEEK", MR_UNIT_WEEK},
    {"DAY", MR_UNIT_DAY},
    {"HOUR", MR_UNIT_HOUR},
    {"MINUTE", MR_UNIT_MINUTE},
    {"SECOND", MR_UNIT_SECOND},
    {"MILLISECOND", MR_UNIT_MILLISECOND},
    {"MICROSECOND", MR_UNIT_MICROSECOND},
    {"DOW", MR_UNIT_DOW},
    {"DOY", MR_UNIT_DOY},
    {"ISODOW", MR_UNIT_ISODOW},
    {"ISOYEAR", MR_UNIT_ISOYEAR},
    {"EPOCH", MR_UNIT_EPOCH},
};
#define UNITS (sizeof units / sizeof units[0])

mr_time_unit mr_time_unit_of(const char *name, size_t length)
{
    if (length > 8 && strncasecmp(name, "SQL_TSI_", 8) == 0) {
        name += 8;
        length -= 8;
    }
    for (size_t i = 0; i < UNITS; i++) {
        size_t exact = strlen(units[i].name);
        bool is_plural = length == exact + 1 && (name[exact] == 'S' || name[exact] == 's');
        if ((length == exact || is_plural) && strncasecmp(name, units[i].name, exact) == 0)
            return units[i].unit;
    }
    return MR_UNIT_NONE;
}

const char *mr_time_unit_name(mr_time_unit unit)
{
    for (size_t i = 0; i < UNITS; i++)
        if (units[i].unit == unit)
            return units[i].name;
    return "?";
}

int64_t mr_time_unit_micros(mr_time_unit unit)
{
    switch (unit) {
    case MR_UNIT_WEEK: return 7 * MR_US_PER_DAY;
    case MR_UNIT_DAY: return MR_US_PER_DAY;
    case MR_UNIT_HOUR: return MR_US_PER_HOUR;
    case MR_UNIT_MINUTE: return MR_US_PER_MINUTE;
    case MR_UNIT_SECOND: return MR_US_PER_SECOND;
    case MR_UNIT_MILLISECOND: return MR_US_PER_MS;
    case MR_UNIT_MICROSECOND: return 1;
    default: return 0;
    }
}

int64_t mr_time_unit_months(mr_time_unit unit)
{
    switch (unit) {
    case MR_UNIT_MILLENNIUM: return 12000;
    case MR_UNIT_CENTURY: return 1200;
    case MR_UNIT_DECADE: return 120;
    case MR_UNIT_YEAR: return 12;
    case MR_UNIT_QUARTER: return 3;
    case MR_UNIT_MONTH: return 1;
    default: return 0;
    }
}

/* 0 = Monday: 1970-01-01 was a Thursday. */
static int64_t weekday(int64_t days)
{
    return mr_floor_mod(days + 3, 7);
}

/* The week belongs to the year of its Thursday. */
static int64_t iso_year(int64_t days)
{
    return mr_civil_of_days(days - weekday(days) + 3).year;
}

static int64_t iso_week(int64_t days)
{
    int64_t thursday = days - weekday(days) + 3;
    int64_t first = mr_civil_days(mr_civil_of_days(thursday).year, 1, 1);
    return (thursday - first) / 7 + 1;
}

int64_t mr_civil_extract(mr_time_unit unit, int64_t micros)
{
    int64_t days = mr_floor_div(micros, MR_US_PER_DAY);
    int64_t of_day = mr_floor_mod(micros, MR_US_PER_DAY);
    switch (unit) {
    case MR_UNIT_HOUR: return of_day / MR_US_PER_HOUR;
    case MR_UNIT_MINUTE: return of_day / MR_US_PER_MINUTE % 60;
    case MR_UNIT_SECOND: return of_day / MR_US_PER_SECOND % 60;
    case MR_UNIT_MILLISECOND: return of_day / MR_US_PER_MS % 60000;
    case MR_UNIT_MICROSECOND: return of_day % MR_US_PER_MINUTE;
    case MR_UNIT_EPOCH: return mr_floor_div(micros, MR_US_PER_SECOND);
    case MR_UNIT_WEEK: return iso_week(days);
    case MR_UNIT_ISOYEAR: return iso_year(days);
    case MR_UNIT_DOW: return mr_floor_mod(days + 4, 7) + 1;
    case MR_UNIT_ISODOW: return weekday(days) + 1;
    default: break;
    }
    mr_civil civil = mr_civil_of_days(days);
    switch (unit) {
    case MR_UNIT_MILLENNIUM: return mr_floor_div(civil.year + 999, 1000);
    case MR_UNIT_CENTURY: return mr_floor_div(civil.year + 99, 100);
    case MR_UNIT_DECADE: return mr_floor_div(civil.year, 10);
    case MR_UNIT_YEAR: return civil.year;
    case MR_UNIT_QUARTER: return (civil.month + 2) / 3;
    case MR_UNIT_MONTH: return civil.month;
    case MR_UNIT_DAY: return civil.day;
    case MR_UNIT_DOY: return days - mr_civil_days(civil.year, 1, 1) + 1;
    default: return 0;
    }
}

int64_t mr_civil_floor(mr_time_unit unit, int64_t micros)
{
    int64_t days = mr_floor_div(micros, MR_US_PER_DAY);
    if (unit == MR_UNIT_WEEK) /* from Sunday, as in Flink, whatever EXTRACT counts */
        return (days - mr_floor_mod(days + 4, 7)) * MR_US_PER_DAY;
    int64_t length = mr_time_unit_micros(unit);
    if (length != 0)
        return micros - mr_floor_mod(micros, length);
    int64_t months = mr_time_unit_months(unit);
    if (months == 0)
        return micros;
    mr_civil civil = mr_civil_of_days(days);
    /* Centuries and millennia start with the years 1, 101, ..: there is no year 0 to start with. */
    int64_t origin = unit == MR_UNIT_CENTURY || unit == MR_UNIT_MILLENNIUM ? 12 : 0;
    int64_t month = civil.year * 12 + civil.month - 1 - origin;
    month = month - mr_floor_mod(month, months) + origin;
    return mr_civil_days(mr_floor_div(month, 12), (int32_t)mr_floor_mod(month, 12) + 1, 1) *
           MR_US_PER_DAY;
}

int64_t mr_civil_ceil(mr_time_unit unit, int64_t micros)
{
    int64_t start = mr_civil_floor(unit, micros), next;
    if (start == micros || !mr_civil_add(unit, 1, start, &next))
        return start;
    return next;
}

int64_t mr_civil_between(mr_time_unit unit, int64_t from, int64_t to)
{
    int64_t months = mr_time_unit_months(unit);
    if (months == 0)
        return (to - from) / mr_time_unit_micros(unit);
    mr_civil a = mr_civil_of(from), b = mr_civil_of(to);
    int64_t whole = (b.year - a.year) * 12 + (b.month - a.month);
    int64_t rest_a = mr_floor_mod(from, MR_US_PER_DAY), rest_b = mr_floor_mod(to, MR_US_PER_DAY);
    int64_t order = b.day != a.day ? b.day - a.day : (rest_b > rest_a) - (rest_b < rest_a);
    if (whole > 0 && order < 0)
        whole--;
    else if (whole < 0 && order > 0)
        whole++;
    return whole / months;
}

bool mr_civil_add(mr_time_unit unit, int64_t n, int64_t micros, int64_t *result)
{
    int64_t length = mr_time_unit_micros(unit), delta;
    if (length != 0)
        return !__builtin_mul_overflow(n, length, &delta) &&
               !__builtin_add_overflow(micros, delta, result);
    if (__builtin_mul_overflow(n, mr_time_unit_months(unit), &delta) || delta > 12 * 300000 ||
        delta < -12 * 300000)
        return false;
    int64_t days = mr_civil_add_months(mr_floor_div(micros, MR_US_PER_DAY), delta);
    return !__builtin_mul_overflow(days, MR_US_PER_DAY, &days) &&
           !__builtin_add_overflow(days, mr_floor_mod(micros, MR_US_PER_DAY), result);
}

typedef struct scanner {
    const char *at, *end;
} scanner;

/* One to `most` digits. */
static bool scan_number(scanner *scan, int most, int32_t *value)
{
    const char *start = scan->at;
    *value = 0;
    while (scan->at < scan->end && scan->at - start < most && *scan->at >= '0' && *scan->at <= '9')
        *value = *value * 10 + (*scan->at++ - '0');
    return scan->at > start;
}

static bool scan_char(scanner *scan, char c)
{
    if (scan->at == scan->end || *scan->at != c)
        return false;
    scan->at++;
    return true;
}

/* y[-M[-d]]; the year has up to four digits. */
static bool scan_date(scanner *scan, mr_civil *civil)
{
    int32_t year;
    civil->month = civil->day = 1;
    if (!scan_number(scan, 4, &year))
        return false;
    civil->year = year;
    if (!scan_char(scan, '-'))
        return true;
    if (!scan_number(scan, 2, &civil->month))
        return false;
    return !scan_char(scan, '-') || scan_number(scan, 2, &civil->day);
}

static bool scan_fraction(scanner *scan, int32_t *micros)
{
    int32_t unit = 100000;
    const char *start = scan->at;
    for (; scan->at < scan->end && *scan->at >= '0' && *scan->at <= '9'; scan->at++) {
        *micros += unit * (*scan->at - '0');
        unit /= 10;
    }
    return scan->at > start && scan->at - start <= 9;
}

static bool scan_time(scanner *scan, mr_civil *civil)
{
    if (!scan_number(scan, 2, &civil->hour))
        return false;
    if (!scan_char(scan, ':'))
        return true;
    if (!scan_number(scan, 2, &civil->minute))
        return false;
    if (!scan_char(scan, ':'))
        return true;
    if (!scan_number(scan, 2, &civil->second))
        return false;
    return !scan_char(scan, '.') || scan_fraction(scan, &civil->micros);
}

bool mr_date_parse(const char *text, size_t length, int32_t *days)
{
    scanner scan = {text, text + length};
    mr_civil civil = {0};
    if (!scan_date(&scan, &civil) || !mr_civil_is_valid(&civil))
        return false;
    if (scan.at != scan.end && *scan.at != ' ' && *scan.at != 'T')
        return false;
    *days = (int32_t)mr_civil_days(civil.year, civil.month, civil.day);
    return true;
}

bool mr_time_parse(const char *text, size_t length, int64_t *micros)
{
    scanner scan = {text, text + length};
    mr_civil civil = {.year = 1970, .month = 1, .day = 1};
    if (!scan_time(&scan, &civil) || scan.at != scan.end || !mr_civil_is_valid(&civil))
        return false;
    *micros = mr_civil_micros(&civil);
    return true;
}

bool mr_timestamp_parse(const char *text, size_t length, int64_t *micros)
{
    scanner scan = {text, text + length};
    mr_civil civil = {0};
    const char *dash = memchr(text, '-', length);
    if (dash == NULL || memchr(dash + 1, '-', (size_t)(scan.end - dash - 1)) == NULL)
        return false; /* a year or a month alone is no timestamp */
    if (!scan_date(&scan, &civil))
        return false;
    if ((scan_char(&scan, ' ') || scan_char(&scan, 'T')) && !scan_time(&scan, &civil))
        return false;
    if (scan.at != scan.end || !mr_civil_is_valid(&civil))
        return false;
    *micros = mr_civil_micros(&civil);
    return true;
}

static char *put_digits(char *to, int64_t value, int digits)
{
    for (int i = digits - 1; i >= 0; i--) {
        to[i] = (char)('0' + value % 10);
        value /= 10;
    }
    return to + digits;
}

static char *put_date(char *to, const mr_civil *civil)
{
    if (civil->year >= 0 && civil->year <= 9999)
        to = put_digits(to, civil->year, 4);
    else
        to += sprintf(to, "%s%lld", civil->year > 0 ? "+" : "", (long long)civil->year);
    *to++ = '-';
    to = put_digits(to, civil->month, 2);
    *to++ = '-';
    return put_digits(to, civil->day, 2);
}

static char *put_time(char *to, const mr_civil *civil, uint32_t precision)
{
    to = put_digits(to, civil->hour, 2);
    *to++ = ':';
    to = put_digits(to, civil->minute, 2);
    *to++ = ':';
    to = put_digits(to, civil->second, 2);
    if (precision == 0)
        return to;
    *to++ = '.';
    put_digits(to, civil->micros, 6);
    return to + precision;
}

size_t mr_date_print(int64_t days, char to[MR_CIVIL_TEXT_MAX])
{
    mr_civil civil = mr_civil_of_days(days);
    char *end = put_date(to, &civil);
    *end = '\0';
    return (size_t)(end - to);
}

size_t mr_time_print(int64_t micros, uint32_t precision, char to[MR_CIVIL_TEXT_MAX])
{
    mr_civil civil = mr_civil_of(micros);
    char *end = put_time(to, &civil, precision);
    *end = '\0';
    return (size_t)(end - to);
}

size_t mr_timestamp_print(int64_t micros, uint32_t precision, char to[MR_CIVIL_TEXT_MAX])
{
    mr_civil civil = mr_civil_of(micros);
    char *end = put_date(to, &civil);
    *end++ = ' ';
    end = put_time(end, &civil, precision);
    *end = '\0';
    return (size_t)(end - to);
}

size_t mr_months_print(int32_t months, char to[MR_CIVIL_TEXT_MAX])
{
    int64_t size = months < 0 ? -(int64_t)months : months;
    return (size_t)snprintf(to, MR_CIVIL_TEXT_MAX, "%c%lld-%02lld", months < 0 ? '-' : '+',
                            (long long)(size / 12), (long long)(size % 12));
}

size_t mr_duration_print(int64_t micros, char to[MR_CIVIL_TEXT_MAX])
{
    uint64_t size = micros < 0 ? -(uint64_t)micros : (uint64_t)micros;
    size_t days = (size_t)snprintf(to, MR_CIVIL_TEXT_MAX, "%c%llu ", micros < 0 ? '-' : '+',
                                   (unsigned long long)(size / (uint64_t)MR_US_PER_DAY));
    mr_civil civil = mr_civil_of((int64_t)(size % (uint64_t)MR_US_PER_DAY));
    char *end = put_time(to + days, &civil, 3);
    *end = '\0';
    return (size_t)(end - to);
}
