#include "engine/expr/pattern.h"

#include "engine/expr/civil.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#define COUNT_MAX 19
#define FIELD_SIZE_MAX 24

typedef struct pattern_item {
    char letter; /* 0: literal text */
    uint32_t count;
    mr_string text;
} pattern_item;

struct mr_pattern {
    uint32_t count;
    pattern_item *items;
    size_t size_max;
};

static const char *const months[] = {"January",   "February", "March",    "April",
                                     "May",       "June",     "July",     "August",
                                     "September", "October",  "November", "December"};
static const char *const days[] = {"Monday", "Tuesday",  "Wednesday", "Thursday",
                                   "Friday", "Saturday", "Sunday"};

static bool is_letter(char c)
{
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
}

/* One item from `*at`; literals are copied without their quotes. */
static const char *take_item(const char **at, const char *end, mr_arena *arena, pattern_item *made)
{
    const char *start = *at;
    if (is_letter(*start)) {
        while (*at < end && **at == *start)
            (*at)++;
        *made = (pattern_item){.letter = *start, .count = (uint32_t)(*at - start)};
        if (strchr("yuYMLdDHhkKmsSnaEwQXxZz", *start) == NULL)
            return "the date pattern has a letter without a meaning (quote text: 'T')";
        return made->count <= COUNT_MAX ? NULL : "the date pattern repeats a letter too often";
    }
    char *text = mr_arena_alloc(arena, (size_t)(end - start) + 1);
    uint32_t length = 0;
    if (*start != '\'') {
        while (*at < end && !is_letter(**at) && **at != '\'')
            text[length++] = *(*at)++;
    } else {
        for ((*at)++;; (*at)++) {
            if (*at == end)
                return "the date pattern has an open quote";
            if (**at == '\'' && (*at + 1 == end || (*at)[1] != '\''))
                break;
            if (**at == '\'')
                (*at)++;
            text[length++] = **at;
        }
        (*at)++;
        if (length == 0)
            text[length++] = '\''; /* '' */
    }
    *made = (pattern_item){.text = mr_string_of(text, length)};
    return NULL;
}

const char *mr_pattern_new(mr_string text, mr_arena *arena, const mr_pattern **pattern)
{
    mr_pattern *made = mr_arena_zalloc(arena, 1, sizeof *made);
    made->items = mr_arena_alloc(arena, ((size_t)text.length + 1) * sizeof(pattern_item));
    const char *at = text.bytes, *end = text.bytes + text.length;
    while (at < end) {
        pattern_item *next = &made->items[made->count++];
        const char *problem = take_item(&at, end, arena, next);
        if (problem != NULL)
            return problem;
        made->size_max += next->letter != 0 ? FIELD_SIZE_MAX + next->count : next->text.length;
    }
    *pattern = made;
    return NULL;
}

size_t mr_pattern_size_max(const mr_pattern *pattern)
{
    return pattern->size_max + 1;
}

static size_t put_number(char *to, int64_t value, uint32_t width)
{
    return (size_t)snprintf(to, FIELD_SIZE_MAX + COUNT_MAX, "%0*lld", (int)width, (long long)value);
}

static size_t put_year(char *to, int64_t year, uint32_t count)
{
    return count == 2 ? put_number(to, mr_floor_mod(year, 100), 2) : put_number(to, year, count);
}

static size_t put_name(char *to, const char *name, uint32_t count)
{
    size_t length = count == 4 ? strlen(name) : count == 5 ? 1 : 3;
    memcpy(to, name, length);
    return length;
}

/* X: Z at zero; x: never; one letter +hh[mm], two +hhmm, three +hh:mm. Z: +hhmm. */
static size_t put_offset(char *to, char letter, uint32_t count, int32_t seconds)
{
    if (letter == 'X' && seconds == 0) {
        to[0] = 'Z';
        return 1;
    }
    uint32_t shape = letter == 'Z' ? (count == 5 ? 3 : 2) : count;
    int32_t size = abs(seconds) / 60;
    size_t n = (size_t)snprintf(to, FIELD_SIZE_MAX, "%c%02d", seconds < 0 ? '-' : '+', size / 60);
    if (shape == 1 && size % 60 == 0)
        return n;
    return n + (size_t)snprintf(to + n, FIELD_SIZE_MAX - n,
                                shape >= 3 && shape != 4 ? ":%02d" : "%02d", size % 60);
}

typedef struct moment {
    const struct mr_zone *zone;
    int64_t utc, local;
    mr_civil civil;
} moment;

static size_t put_fraction(char *to, int32_t micros, uint32_t count)
{
    char digits[FIELD_SIZE_MAX + COUNT_MAX];
    snprintf(digits, sizeof digits, "%06d0000000000000", micros);
    memcpy(to, digits, count);
    return count;
}

static size_t put_item(const pattern_item *item, const moment *now, char *to)
{
    const mr_civil *c = &now->civil;
    const uint32_t n = item->count;
    const int64_t seconds = mr_floor_div(now->utc, MR_US_PER_SECOND);
    switch (item->letter) {
    case 'y':
    case 'u': return put_year(to, c->year, n);
    case 'Y': return put_year(to, mr_civil_extract(MR_UNIT_ISOYEAR, now->local), n);
    case 'M':
    case 'L': return n > 2 ? put_name(to, months[c->month - 1], n) : put_number(to, c->month, n);
    case 'd': return put_number(to, c->day, n);
    case 'D': return put_number(to, mr_civil_extract(MR_UNIT_DOY, now->local), n);
    case 'Q': return put_number(to, (c->month + 2) / 3, n);
    case 'w': return put_number(to, mr_civil_extract(MR_UNIT_WEEK, now->local), n);
    case 'E': return put_name(to, days[mr_civil_extract(MR_UNIT_ISODOW, now->local) - 1], n);
    case 'H': return put_number(to, c->hour, n);
    case 'k': return put_number(to, c->hour == 0 ? 24 : c->hour, n);
    case 'K': return put_number(to, c->hour % 12, n);
    case 'h': return put_number(to, c->hour % 12 == 0 ? 12 : c->hour % 12, n);
    case 'm': return put_number(to, c->minute, n);
    case 's': return put_number(to, c->second, n);
    case 'S': return put_fraction(to, c->micros, n);
    case 'n': return put_number(to, c->micros * INT64_C(1000), n);
    case 'a': memcpy(to, c->hour < 12 ? "AM" : "PM", 2); return 2;
    case 'z':
        return (size_t)snprintf(to, FIELD_SIZE_MAX, "%s", mr_zone_abbreviation(now->zone, seconds));
    default: return put_offset(to, item->letter, n, mr_zone_offset(now->zone, seconds));
    }
}

size_t mr_pattern_print(const mr_pattern *pattern, const struct mr_zone *zone, int64_t utc,
                        char *to)
{
    moment now = {.zone = zone, .utc = utc, .local = mr_zone_to_local(zone, utc)};
    now.civil = mr_civil_of(now.local);
    size_t length = 0;
    for (uint32_t i = 0; i < pattern->count; i++) {
        const pattern_item *item = &pattern->items[i];
        if (item->letter != 0) {
            length += put_item(item, &now, to + length);
            continue;
        }
        memcpy(to + length, item->text.bytes, item->text.length);
        length += item->text.length;
    }
    return length;
}

typedef struct reading {
    const char *at, *end;
    mr_civil civil;
    int32_t half; /* 0: none, 1: AM, 2: PM */
    int32_t hour12;
    int32_t day_of_year; /* 0: none */
    int32_t offset;      /* seconds */
    bool has_offset, is_bad;
} reading;

/* Two letters or more: exactly so many digits; one letter: as many as there are up to `most`. */
static int32_t read_number(reading *from, uint32_t count, uint32_t most)
{
    uint32_t least = count >= 2 ? count : 1;
    if (count >= 2)
        most = count;
    int32_t value = 0;
    uint32_t digits = 0;
    while (digits < most && from->at < from->end && *from->at >= '0' && *from->at <= '9') {
        value = value * 10 + (*from->at++ - '0');
        digits++;
    }
    from->is_bad |= digits < least;
    return value;
}

static void read_year(reading *from, uint32_t count)
{
    int32_t year = read_number(from, count > 4 ? 4 : count == 3 ? 4 : count, 4);
    from->civil.year = count == 2 ? 2000 + year : year;
}

static void read_fraction(reading *from, uint32_t count)
{
    int32_t unit = 100000;
    from->civil.micros = 0;
    for (uint32_t i = 0; i < count; i++) {
        if (from->at == from->end || *from->at < '0' || *from->at > '9') {
            from->is_bad = true;
            return;
        }
        from->civil.micros += unit * (*from->at++ - '0');
        unit /= 10;
    }
}

static int32_t read_name(reading *from, const char *const *names, int32_t names_count,
                         uint32_t count)
{
    for (int32_t i = 0; i < names_count; i++) {
        size_t length = count == 4 ? strlen(names[i]) : 3;
        if ((size_t)(from->end - from->at) >= length && memcmp(from->at, names[i], length) == 0) {
            from->at += length;
            return i + 1;
        }
    }
    from->is_bad = true;
    return 1;
}

static void read_offset(reading *from, char letter, uint32_t count)
{
    from->has_offset = true;
    if (letter == 'X' && from->at < from->end && *from->at == 'Z') {
        from->at++;
        return;
    }
    if (from->at == from->end || (*from->at != '+' && *from->at != '-')) {
        from->is_bad = true;
        return;
    }
    int32_t sign = *from->at++ == '-' ? -1 : 1;
    int32_t hour = read_number(from, 2, 2), minute = 0;
    bool has_colon = (letter != 'Z' && (count == 3 || count == 5)) || (letter == 'Z' && count == 5);
    if (has_colon)
        from->is_bad |= from->at == from->end || *from->at++ != ':';
    bool has_minute = from->at < from->end && *from->at >= '0' && *from->at <= '9';
    if (!from->is_bad && (count > 1 || letter == 'Z' || has_minute))
        minute = read_number(from, 2, 2);
    from->is_bad |= hour > 18 || minute > 59;
    from->offset = sign * (hour * 3600 + minute * 60);
}

static void read_half(reading *from)
{
    bool has_two = from->end - from->at >= 2;
    if (has_two && strncasecmp(from->at, "AM", 2) == 0)
        from->half = 1;
    else if (has_two && strncasecmp(from->at, "PM", 2) == 0)
        from->half = 2;
    else
        from->is_bad = true;
    from->at += has_two ? 2 : 0;
}

static void read_zone_name(reading *from)
{
    size_t left = (size_t)(from->end - from->at);
    bool is_utc = left >= 3 && (memcmp(from->at, "UTC", 3) == 0 || memcmp(from->at, "GMT", 3) == 0);
    from->is_bad |= !is_utc; /* names of zones need their rules: only UTC is read */
    from->has_offset = true;
    from->at += is_utc ? 3 : 0;
}

static void read_item(reading *from, const pattern_item *item)
{
    mr_civil *c = &from->civil;
    const uint32_t n = item->count;
    switch (item->letter) {
    case 0:
        if ((size_t)(from->end - from->at) < item->text.length ||
            memcmp(from->at, item->text.bytes, item->text.length) != 0)
            from->is_bad = true;
        else
            from->at += item->text.length;
        break;
    case 'y':
    case 'u':
    case 'Y': read_year(from, n); break;
    case 'M':
    case 'L': c->month = n > 2 ? read_name(from, months, 12, n) : read_number(from, n, 2); break;
    case 'd': c->day = read_number(from, n, 2); break;
    case 'D': from->day_of_year = read_number(from, n, 3); break;
    case 'E': (void)read_name(from, days, 7, n); break;
    case 'H': c->hour = read_number(from, n, 2); break;
    case 'k': c->hour = read_number(from, n, 2) % 24; break;
    case 'K':
    case 'h': from->hour12 = read_number(from, n, 2); break;
    case 'm': c->minute = read_number(from, n, 2); break;
    case 's': c->second = read_number(from, n, 2); break;
    case 'S': read_fraction(from, n); break;
    case 'a': read_half(from); break;
    case 'z': read_zone_name(from); break;
    case 'X':
    case 'x':
    case 'Z': read_offset(from, item->letter, n); break;
    default: from->is_bad = true; break; /* w, Q, n: for printing only */
    }
}

bool mr_pattern_parse(const mr_pattern *pattern, mr_string text, int64_t *micros, bool *is_utc)
{
    reading from = {
        .at = text.bytes,
        .end = text.bytes + text.length,
        .civil = {.year = 1970, .month = 1, .day = 1},
        .hour12 = -1,
    };
    for (uint32_t i = 0; i < pattern->count && !from.is_bad; i++)
        read_item(&from, &pattern->items[i]);
    if (from.is_bad || from.at != from.end)
        return false;
    if (from.hour12 >= 0) {
        if (from.hour12 > 12)
            return false;
        from.civil.hour = from.hour12 % 12 + (from.half == 2 ? 12 : 0);
    }
    if (!mr_civil_is_valid(&from.civil))
        return false;
    *micros = mr_civil_micros(&from.civil);
    if (from.day_of_year > 0) {
        bool is_leap = mr_civil_month_days(from.civil.year, 2) == 29;
        if (from.day_of_year > 365 + is_leap)
            return false;
        *micros += (from.day_of_year - 1) * MR_US_PER_DAY;
    }
    *micros -= from.offset * MR_US_PER_SECOND;
    *is_utc = from.has_offset;
    return true;
}
