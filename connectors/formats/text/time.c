#include "connectors/formats/text/time.h"

#include <string.h>

#define DATE_LENGTH 10
#define TIME_LENGTH 8
#define FRACTION_MAX 9

/* Two digits, or something over 99. */
static unsigned two_digits(const char *at)
{
    unsigned tens = (unsigned char)(at[0] - '0');
    unsigned ones = (unsigned char)(at[1] - '0');
    return tens > 9 || ones > 9 ? 100 : tens * 10 + ones;
}

static bool is_leap(int32_t year)
{
    return year % 4 == 0 && (year % 100 != 0 || year % 400 == 0);
}

static unsigned days_in_month(int32_t year, unsigned month)
{
    static const uint8_t days[] = {31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31};
    return month == 2 && is_leap(year) ? 29 : days[month - 1];
}

/* Years start in March, so the leap day is the last of its year; eras of 400 years repeat
 * exactly. */
static int32_t days_from_civil(int32_t year, unsigned month, unsigned day)
{
    year -= month <= 2;
    int32_t era = (year >= 0 ? year : year - 399) / 400;
    unsigned year_of_era = (unsigned)(year - era * 400);
    unsigned day_of_year = (153 * (month > 2 ? month - 3 : month + 9) + 2) / 5 + day - 1;
    unsigned day_of_era = year_of_era * 365 + year_of_era / 4 - year_of_era / 100 + day_of_year;
    return era * 146097 + (int32_t)day_of_era - 719468;
}

static void civil_from_days(int64_t days, int64_t *year, unsigned *month, unsigned *day)
{
    days += 719468;
    int64_t era = (days >= 0 ? days : days - 146096) / 146097;
    unsigned day_of_era = (unsigned)(days - era * 146097);
    unsigned year_of_era =
        (day_of_era - day_of_era / 1460 + day_of_era / 36524 - day_of_era / 146096) / 365;
    unsigned day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    unsigned shifted = (5 * day_of_year + 2) / 153;
    *day = day_of_year - (153 * shifted + 2) / 5 + 1;
    *month = shifted < 10 ? shifted + 3 : shifted - 9;
    *year = (int64_t)year_of_era + era * 400 + (*month <= 2);
}

bool mr_time_parse_date(const char *text, size_t length, int32_t *days)
{
    if (length != DATE_LENGTH || text[4] != '-' || text[7] != '-')
        return false;
    unsigned century = two_digits(text), rest = two_digits(text + 2);
    unsigned month = two_digits(text + 5), day = two_digits(text + 8);
    if (century > 99 || rest > 99 || month < 1 || month > 12 || day < 1)
        return false;
    int32_t year = (int32_t)(century * 100 + rest);
    if (day > 28 && day > days_in_month(year, month))
        return false;
    *days = days_from_civil(year, month, day);
    return true;
}

bool mr_time_parse_time(const char *text, size_t length, int64_t *us)
{
    if (length < TIME_LENGTH || text[2] != ':' || text[5] != ':')
        return false;
    unsigned hour = two_digits(text), minute = two_digits(text + 3), second = two_digits(text + 6);
    if (hour > 23 || minute > 59 || second > 59)
        return false;
    int64_t fraction = 0;
    if (length > TIME_LENGTH) {
        size_t count = length - TIME_LENGTH - 1;
        if (text[TIME_LENGTH] != '.' || count < 1 || count > FRACTION_MAX)
            return false;
        for (size_t i = 0; i < count || i < 6; i++) {
            unsigned digit = i < count ? (unsigned char)(text[TIME_LENGTH + 1 + i] - '0') : 0;
            if (digit > 9)
                return false;
            if (i < 6)
                fraction = fraction * 10 + digit;
        }
    }
    *us = (int64_t)(hour * 3600 + minute * 60 + second) * MR_US_PER_SECOND + fraction;
    return true;
}

bool mr_time_parse_timestamp(const char *text, size_t length, char separator, bool is_utc,
                             int64_t *us)
{
    if (is_utc) {
        if (length == 0 || text[length - 1] != 'Z')
            return false;
        length--;
    }
    int32_t days;
    int64_t time;
    if (length <= DATE_LENGTH || text[DATE_LENGTH] != separator ||
        !mr_time_parse_date(text, DATE_LENGTH, &days) ||
        !mr_time_parse_time(text + DATE_LENGTH + 1, length - DATE_LENGTH - 1, &time))
        return false;
    *us = days * MR_US_PER_DAY + time;
    return true;
}

int64_t mr_time_cut(int64_t us, unsigned precision)
{
    static const int64_t steps[] = {1000000, 100000, 10000, 1000, 100, 10};
    if (precision >= 6)
        return us;
    int64_t behind = us % steps[precision];
    return us - (behind < 0 ? behind + steps[precision] : behind);
}

static char *put_two(char *to, unsigned value)
{
    to[0] = (char)('0' + value / 10);
    to[1] = (char)('0' + value % 10);
    return to + 2;
}

static char *put_date(char *to, int64_t days)
{
    int64_t year;
    unsigned month, day;
    civil_from_days(days, &year, &month, &day);
    if (year < 0 || year > 9999)
        *to++ = year < 0 ? '-' : '+';
    uint64_t magnitude = year < 0 ? (uint64_t)-year : (uint64_t)year;
    if (magnitude > 9999) {
        char reversed[24];
        int count = 0;
        for (uint64_t high = magnitude / 10000; high > 0; high /= 10)
            reversed[count++] = (char)('0' + high % 10);
        while (count > 0)
            *to++ = reversed[--count];
    }
    to = put_two(to, (unsigned)(magnitude / 100 % 100));
    to = put_two(to, (unsigned)(magnitude % 100));
    *to++ = '-';
    to = put_two(to, month);
    *to++ = '-';
    return put_two(to, day);
}

static char *put_time(char *to, int64_t us)
{
    unsigned seconds = (unsigned)(us / MR_US_PER_SECOND);
    unsigned fraction = (unsigned)(us % MR_US_PER_SECOND);
    to = put_two(to, seconds / 3600);
    *to++ = ':';
    to = put_two(to, seconds / 60 % 60);
    *to++ = ':';
    to = put_two(to, seconds % 60);
    if (fraction == 0)
        return to;
    *to++ = '.';
    for (unsigned place = 100000; fraction > 0; place /= 10) {
        *to++ = (char)('0' + fraction / place);
        fraction %= place;
    }
    return to;
}

size_t mr_time_write_date(char *to, int32_t days)
{
    return (size_t)(put_date(to, days) - to);
}

size_t mr_time_write_time(char *to, int64_t us)
{
    int64_t of_day = us % MR_US_PER_DAY;
    return (size_t)(put_time(to, of_day < 0 ? of_day + MR_US_PER_DAY : of_day) - to);
}

size_t mr_time_write_timestamp(char *to, int64_t us, char separator, bool is_utc)
{
    int64_t days = us / MR_US_PER_DAY;
    int64_t of_day = us % MR_US_PER_DAY;
    if (of_day < 0) {
        of_day += MR_US_PER_DAY;
        days--;
    }
    char *at = put_date(to, days);
    *at++ = separator;
    at = put_time(at, of_day);
    if (is_utc)
        *at++ = 'Z';
    return (size_t)(at - to);
}
