#include "engine/expr/zone.h"

#include "engine/expr/civil.h"

#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define ABBREVIATION_MAX 12
#define TRANSITIONS_MAX 100000
#define SECONDS_PER_DAY INT64_C(86400)

typedef struct rule_day { /* when a POSIX rule switches */
    char kind;            /* 'M': month.week.day, 'J': 1..365 without 29 February, 'D': 0..365 */
    int32_t month, week, day;
    int32_t seconds; /* of the day, wall clock before the switch; may be negative */
} rule_day;

typedef struct local_kind {
    int32_t offset;
    char abbreviation[ABBREVIATION_MAX];
} local_kind;

struct mr_zone {
    char name[MR_ZONE_NAME_MAX];
    uint32_t count; /* transitions */
    int64_t *at;    /* UTC seconds, rising */
    uint8_t *kind;  /* in force from there on */
    local_kind kinds[256];
    bool has_rule, has_summer;
    local_kind standard, summer;
    rule_day to_summer, to_standard;
};

typedef struct cursor {
    const unsigned char *at, *end;
    bool is_bad;
} cursor;

static const unsigned char *take(cursor *from, size_t length)
{
    static const unsigned char none[8];
    if ((size_t)(from->end - from->at) < length) {
        from->is_bad = true;
        return none;
    }
    from->at += length;
    return from->at - length;
}

static uint32_t take_u32(cursor *from)
{
    const unsigned char *b = take(from, 4);
    return (uint32_t)b[0] << 24 | (uint32_t)b[1] << 16 | (uint32_t)b[2] << 8 | b[3];
}

static int64_t take_time(cursor *from, size_t width)
{
    if (width == 4)
        return (int32_t)take_u32(from);
    uint64_t high = take_u32(from);
    return (int64_t)(high << 32 | take_u32(from));
}

typedef struct tzif_header {
    unsigned char version;
    uint32_t utc_count, standard_count, leap_count, time_count, type_count, char_count;
} tzif_header;

static bool take_header(cursor *from, tzif_header *header)
{
    const unsigned char *magic = take(from, 4);
    if (from->is_bad || memcmp(magic, "TZif", 4) != 0)
        return false;
    header->version = *take(from, 1);
    (void)take(from, 8);
    (void)take(from, 7);
    header->utc_count = take_u32(from);
    header->standard_count = take_u32(from);
    header->leap_count = take_u32(from);
    header->time_count = take_u32(from);
    header->type_count = take_u32(from);
    header->char_count = take_u32(from);
    return !from->is_bad && header->time_count <= TRANSITIONS_MAX && header->type_count >= 1 &&
           header->type_count <= 256 && header->char_count <= 10000 && header->leap_count <= 10000;
}

static void skip_data(cursor *from, const tzif_header *header, size_t width)
{
    (void)take(from, (size_t)header->time_count * (width + 1) + (size_t)header->type_count * 6 +
                         header->char_count + (size_t)header->leap_count * (width + 4) +
                         header->standard_count + header->utc_count);
}

static bool take_data(cursor *from, const tzif_header *header, size_t width, mr_zone *zone)
{
    zone->count = header->time_count;
    zone->at = calloc(zone->count + 1u, sizeof *zone->at);
    zone->kind = calloc(zone->count + 1u, 1);
    if (zone->at == NULL || zone->kind == NULL)
        return false;
    for (uint32_t i = 0; i < zone->count; i++) {
        zone->at[i] = take_time(from, width);
        if (i > 0 && zone->at[i] <= zone->at[i - 1])
            return false;
    }
    for (uint32_t i = 0; i < zone->count; i++) {
        zone->kind[i] = *take(from, 1);
        if (zone->kind[i] >= header->type_count)
            return false;
    }
    uint8_t names[256];
    for (uint32_t i = 0; i < header->type_count; i++) {
        zone->kinds[i].offset = (int32_t)take_u32(from);
        (void)take(from, 1);
        names[i] = *take(from, 1);
        if (names[i] >= header->char_count || abs(zone->kinds[i].offset) > 26 * 3600)
            return false;
    }
    const unsigned char *chars = take(from, header->char_count);
    if (from->is_bad)
        return false;
    for (uint32_t i = 0; i < header->type_count; i++)
        snprintf(zone->kinds[i].abbreviation, ABBREVIATION_MAX, "%.*s",
                 (int)(header->char_count - names[i]), (const char *)chars + names[i]);
    (void)take(from, (size_t)header->leap_count * (width + 4) + header->standard_count +
                         header->utc_count);
    return !from->is_bad;
}

static bool read_name(const char **at, local_kind *kind)
{
    size_t n = 0;
    const bool is_quoted = **at == '<';
    if (is_quoted)
        (*at)++;
    for (; **at != '\0'; (*at)++) {
        char c = **at;
        bool is_letter = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
        if (is_quoted ? c == '>' : !is_letter)
            break;
        if (n + 1 < ABBREVIATION_MAX)
            kind->abbreviation[n++] = c;
    }
    kind->abbreviation[n] = '\0';
    if (is_quoted && *(*at)++ != '>')
        return false;
    return n >= 3;
}

static bool read_number(const char **at, int32_t *value)
{
    const char *start = *at;
    *value = 0;
    while (**at >= '0' && **at <= '9' && *at - start < 4)
        *value = *value * 10 + (*(*at)++ - '0');
    return *at > start;
}

/* [+-]h[h[h]][:mm[:ss]] in seconds */
static bool read_clock(const char **at, int32_t *seconds)
{
    int32_t sign = 1, hour, minute = 0, second = 0;
    if (**at == '+' || **at == '-')
        sign = *(*at)++ == '-' ? -1 : 1;
    if (!read_number(at, &hour))
        return false;
    if (**at == ':') {
        (*at)++;
        if (!read_number(at, &minute))
            return false;
    }
    if (**at == ':') {
        (*at)++;
        if (!read_number(at, &second))
            return false;
    }
    *seconds = sign * (hour * 3600 + minute * 60 + second);
    return hour <= 167;
}

static bool read_rule_day(const char **at, rule_day *day)
{
    *day = (rule_day){.kind = 'D', .seconds = 7200};
    if (*(*at)++ != ',')
        return false;
    if (**at == 'M' || **at == 'J')
        day->kind = *(*at)++;
    if (day->kind == 'M') {
        if (!read_number(at, &day->month) || *(*at)++ != '.' || !read_number(at, &day->week) ||
            *(*at)++ != '.' || !read_number(at, &day->day))
            return false;
        if (day->month < 1 || day->month > 12 || day->week < 1 || day->week > 5 || day->day > 6)
            return false;
    } else if (!read_number(at, &day->day) || day->day > 365) {
        return false;
    }
    if (**at == '/') {
        (*at)++;
        return read_clock(at, &day->seconds);
    }
    return true;
}

/* A POSIX TZ rule: std offset [dst [offset] , start , end]. Its offsets count west of Greenwich. */
static bool read_rule(const char *text, mr_zone *zone)
{
    if (!read_name(&text, &zone->standard) || !read_clock(&text, &zone->standard.offset))
        return false;
    zone->standard.offset = -zone->standard.offset;
    zone->has_rule = true;
    if (*text == '\0')
        return true;
    if (!read_name(&text, &zone->summer))
        return false;
    zone->summer.offset = zone->standard.offset + 3600;
    if (*text != ',') {
        if (!read_clock(&text, &zone->summer.offset))
            return false;
        zone->summer.offset = -zone->summer.offset;
    }
    zone->has_summer = true;
    return read_rule_day(&text, &zone->to_summer) && read_rule_day(&text, &zone->to_standard) &&
           *text == '\0';
}

static bool take_footer(cursor *from, mr_zone *zone)
{
    if (from->at == from->end || *from->at++ != '\n')
        return false;
    const unsigned char *end = memchr(from->at, '\n', (size_t)(from->end - from->at));
    if (end == NULL)
        return false;
    char rule[128];
    snprintf(rule, sizeof rule, "%.*s", (int)(end - from->at), (const char *)from->at);
    return rule[0] == '\0' || read_rule(rule, zone);
}

mr_status mr_zone_parse(const char *name, const void *bytes, size_t length, mr_zone **zone,
                        mr_error *err)
{
    cursor from = {bytes, (const unsigned char *)bytes + length, false};
    mr_zone *made = calloc(1, sizeof *made);
    if (made == NULL)
        return mr_error_set(err, MR_E_MEMORY, "no memory for time zone %s", name);
    snprintf(made->name, sizeof made->name, "%s", name);
    tzif_header header;
    size_t width = 4;
    bool is_good = take_header(&from, &header);
    if (is_good && header.version >= '2') { /* the same again with 64-bit times */
        skip_data(&from, &header, 4);
        width = 8;
        is_good = !from.is_bad && take_header(&from, &header);
    }
    is_good = is_good && take_data(&from, &header, width, made) &&
              (width == 4 || take_footer(&from, made));
    if (!is_good) {
        mr_zone_free(made);
        return mr_error_set(err, MR_E_SETTING, "time zone %s: not a TZif file", name);
    }
    *zone = made;
    return MR_OK;
}

static bool read_offset(const char *text, int32_t *seconds)
{
    if (strncmp(text, "UTC", 3) == 0 || strncmp(text, "GMT", 3) == 0)
        text += 3;
    else if (strcmp(text, "Z") == 0)
        text++;
    *seconds = 0;
    if (*text == '\0')
        return true;
    int32_t sign = *text == '-' ? -1 : 1, hour = 0, minute = 0;
    if (*text != '+' && *text != '-')
        return false;
    const char *digits = ++text;
    while (*text >= '0' && *text <= '9' && text - digits < 2)
        hour = hour * 10 + (*text++ - '0');
    if (text == digits)
        return false;
    if (*text == ':')
        text++;
    if (*text != '\0') {
        if (text[0] < '0' || text[0] > '5' || text[1] < '0' || text[1] > '9' || text[2] != '\0')
            return false;
        minute = (text[0] - '0') * 10 + (text[1] - '0');
    }
    *seconds = sign * (hour * 3600 + minute * 60);
    return hour <= 18;
}

mr_status mr_zone_of_offset(const char *name, mr_zone **zone, mr_error *err)
{
    int32_t seconds;
    if (!read_offset(name, &seconds))
        return mr_error_set(err, MR_E_SETTING, "`%s` is no offset from UTC", name);
    mr_zone *made = calloc(1, sizeof *made);
    if (made == NULL)
        return mr_error_set(err, MR_E_MEMORY, "no memory for time zone %s", name);
    snprintf(made->name, sizeof made->name, "%s", name);
    made->has_rule = true;
    made->standard.offset = seconds;
    snprintf(made->standard.abbreviation, ABBREVIATION_MAX, "%s", name[0] == 'Z' ? "UTC" : name);
    *zone = made;
    return MR_OK;
}

void mr_zone_free(mr_zone *zone)
{
    if (zone == NULL)
        return;
    free(zone->at);
    free(zone->kind);
    free(zone);
}

const char *mr_zone_name(const mr_zone *zone)
{
    return zone != NULL ? zone->name : "UTC";
}

/* Seconds since 1970, wall clock, of a rule's switch in `year`. */
static int64_t switch_at(const rule_day *rule, int64_t year)
{
    int64_t days;
    if (rule->kind == 'M') {
        int64_t first = mr_civil_days(year, rule->month, 1);
        int64_t weekday = mr_floor_mod(first + 4, 7); /* 0 = Sunday */
        int64_t of_month = mr_floor_mod(rule->day - weekday, 7) + (rule->week - 1) * 7;
        while (of_month >= mr_civil_month_days(year, rule->month))
            of_month -= 7; /* week 5 is the last one */
        days = first + of_month;
    } else {
        bool is_leap = mr_civil_month_days(year, 2) == 29;
        days = mr_civil_days(year, 1, 1) + rule->day;
        if (rule->kind == 'J')
            days += is_leap && rule->day >= 60 ? 0 : -1;
    }
    return days * SECONDS_PER_DAY + rule->seconds;
}

static const local_kind *kind_by_rule(const mr_zone *zone, int64_t utc)
{
    if (!zone->has_summer)
        return &zone->standard;
    int64_t year =
        mr_civil_of_days(mr_floor_div(utc + zone->standard.offset, SECONDS_PER_DAY)).year;
    int64_t summer = switch_at(&zone->to_summer, year) - zone->standard.offset;
    int64_t winter = switch_at(&zone->to_standard, year) - zone->summer.offset;
    bool is_summer =
        summer < winter ? utc >= summer && utc < winter : utc >= summer || utc < winter;
    return is_summer ? &zone->summer : &zone->standard;
}

static const local_kind *kind_at(const mr_zone *zone, int64_t utc)
{
    if (zone->count == 0 || utc < zone->at[0]) /* before the first: type 0 by RFC 8536 */
        return zone->count == 0 && zone->has_rule ? kind_by_rule(zone, utc) : &zone->kinds[0];
    if (zone->has_rule && utc >= zone->at[zone->count - 1])
        return kind_by_rule(zone, utc);
    uint32_t low = 0, high = zone->count;
    while (high - low > 1) {
        uint32_t middle = low + (high - low) / 2;
        if (zone->at[middle] <= utc)
            low = middle;
        else
            high = middle;
    }
    return &zone->kinds[zone->kind[low]];
}

int32_t mr_zone_offset(const mr_zone *zone, int64_t utc_seconds)
{
    return zone != NULL ? kind_at(zone, utc_seconds)->offset : 0;
}

const char *mr_zone_abbreviation(const mr_zone *zone, int64_t utc_seconds)
{
    return zone != NULL ? kind_at(zone, utc_seconds)->abbreviation : "UTC";
}

int64_t mr_zone_to_local(const mr_zone *zone, int64_t utc)
{
    int64_t seconds = mr_floor_div(utc, MR_US_PER_SECOND);
    return utc + mr_zone_offset(zone, seconds) * MR_US_PER_SECOND;
}

/* Offsets a day before and a day behind bracket any single transition near the wall clock: where
 * both fit the time occurs twice (the earlier offset is the larger one); where none fits it is
 * skipped. */
int64_t mr_zone_to_utc(const mr_zone *zone, int64_t local)
{
    if (zone == NULL)
        return local;
    int64_t seconds = mr_floor_div(local, MR_US_PER_SECOND);
    int32_t before = mr_zone_offset(zone, seconds - SECONDS_PER_DAY);
    int32_t behind = mr_zone_offset(zone, seconds + SECONDS_PER_DAY);
    if (mr_zone_offset(zone, seconds - before) == before)
        return local - before * MR_US_PER_SECOND;
    if (mr_zone_offset(zone, seconds - behind) == behind)
        return local - behind * MR_US_PER_SECOND;
    return local - before * MR_US_PER_SECOND;
}
