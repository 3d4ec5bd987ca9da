#include "jobs/plan/options/option.h"

#include "jobs/sql/suggest.h"

#include <ctype.h>
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#define NAMES_MAX 128

typedef struct unit_row {
    const char *name;
    int64_t factor;
} unit_row;

/* ms; below a millisecond the factor is 0 and the value is divided */
static const unit_row duration_units[] = {
    {"ms", 1},           {"milli", 1},       {"millis", 1},      {"millisecond", 1},
    {"milliseconds", 1}, {"s", 1000},        {"sec", 1000},      {"secs", 1000},
    {"second", 1000},    {"seconds", 1000},  {"min", 60000},     {"m", 60000},
    {"mins", 60000},     {"minute", 60000},  {"minutes", 60000}, {"h", 3600000},
    {"hour", 3600000},   {"hours", 3600000}, {"d", 86400000},    {"day", 86400000},
    {"days", 86400000},
};

static const unit_row memory_units[] = {
    {"b", 1},        {"bytes", 1},           {"k", 1 << 10},
    {"kb", 1 << 10}, {"kibibytes", 1 << 10}, {"m", 1 << 20},
    {"mb", 1 << 20}, {"mebibytes", 1 << 20}, {"g", 1 << 30},
    {"gb", 1 << 30}, {"gibibytes", 1 << 30},
};

static bool parse_with_unit(const char *text, const unit_row *units, size_t count, int64_t plain,
                            int64_t *value)
{
    char *end;
    errno = 0;
    long long number = strtoll(text, &end, 10);
    if (end == text || errno != 0 || number < 0)
        return false;
    while (*end == ' ')
        end++;
    size_t length = strlen(end);
    while (length > 0 && end[length - 1] == ' ')
        length--;
    int64_t factor = length == 0 ? plain : 0;
    for (size_t i = 0; i < count && factor == 0; i++)
        if (strlen(units[i].name) == length && strncasecmp(units[i].name, end, length) == 0)
            factor = units[i].factor;
    return factor != 0 && !__builtin_mul_overflow((int64_t)number, factor, value);
}

/* ISO 8601: P1D, PT10S, P1DT2H, PT0.5S */
static bool parse_iso(const char *text, int64_t *ms)
{
    double total = 0;
    bool is_time = false, has_part = false;
    for (const char *at = text + 1; *at != '\0';) {
        if (toupper((unsigned char)*at) == 'T' && !is_time) {
            is_time = true;
            at++;
            continue;
        }
        char *end;
        double number = strtod(at, &end);
        if (end == at || number < 0 || number > 1e12)
            return false;
        double factor;
        switch (toupper((unsigned char)*end)) {
        case 'D': factor = is_time ? 0 : 86400e3; break;
        case 'H': factor = is_time ? 3600e3 : 0; break;
        case 'M': factor = is_time ? 60e3 : 0; break;
        case 'S': factor = is_time ? 1e3 : 0; break;
        default: factor = 0;
        }
        if (factor == 0)
            return false;
        total += number * factor;
        has_part = true;
        at = end + 1;
    }
    *ms = (int64_t)(total + 0.5);
    return has_part && total < 9e17;
}

bool mr_duration_parse(const char *text, int64_t *ms)
{
    while (*text == ' ')
        text++;
    if (*text == 'P' || *text == 'p')
        return parse_iso(text, ms);
    return parse_with_unit(text, duration_units, sizeof duration_units / sizeof *duration_units, 1,
                           ms);
}

bool mr_memory_parse(const char *text, int64_t *bytes)
{
    while (*text == ' ')
        text++;
    return parse_with_unit(text, memory_units, sizeof memory_units / sizeof *memory_units, 1,
                           bytes);
}

static bool parse_integer(const char *text, int64_t *number)
{
    char *end;
    errno = 0;
    long long value = strtoll(text, &end, 10);
    *number = value;
    return end != text && *end == '\0' && errno == 0;
}

/* The index of `text` in "a|b|c", any case. */
static bool parse_enum(const char *values, const char *text, int64_t *number)
{
    size_t length = strlen(text);
    *number = 0;
    for (const char *at = values;; (*number)++) {
        size_t word = strcspn(at, "|");
        if (word == length && strncasecmp(at, text, length) == 0)
            return true;
        if (at[word] == '\0')
            return false;
        at += word + 1;
    }
}

bool mr_option_parse(const mr_option_spec *spec, const char *text, int64_t *number, char *why,
                     size_t why_size)
{
    *number = 0;
    switch (spec->kind) {
    case MR_SETTING_STRING:
    case MR_SETTING_IGNORED: return true;
    case MR_SETTING_DURATION:
        snprintf(why, why_size, "a duration is expected: `10 s`, `500 ms`, `1 min`, `P1D`");
        return mr_duration_parse(text, number);
    case MR_SETTING_INT:
        snprintf(why, why_size, "a whole number that is not negative is expected");
        return parse_integer(text, number) && *number >= 0;
    case MR_SETTING_LONG:
        snprintf(why, why_size, "a whole number is expected");
        return parse_integer(text, number);
    case MR_SETTING_MEMORY:
        snprintf(why, why_size, "a size is expected: `64 kb`, `16 mb`");
        return mr_memory_parse(text, number);
    case MR_SETTING_BOOL:
        snprintf(why, why_size, "`true` or `false` is expected");
        *number = strcasecmp(text, "true") == 0;
        return *number == 1 || strcasecmp(text, "false") == 0;
    case MR_SETTING_ENUM: {
        int length = snprintf(why, why_size, "one of these is expected: ");
        for (const char *c = spec->values; *c != '\0' && (size_t)length + 3 < why_size; c++)
            length += snprintf(why + length, why_size - (size_t)length, "%s",
                               *c == '|' ? ", " : (char[]){*c, '\0'});
        return parse_enum(spec->values, text, number);
    }
    }
    return false;
}

static bool name_fits(const char *pattern, const char *key)
{
    const char *star = strchr(pattern, '*');
    if (star == NULL)
        return strcmp(pattern, key) == 0;
    size_t head = (size_t)(star - pattern), tail = strlen(star + 1), length = strlen(key);
    /* `state.backend*` stands for `state.backend` too, `properties.*` not for `properties.`. */
    size_t least = tail > 0 || (head > 0 && pattern[head - 1] == '.') ? 1 : 0;
    return length >= head + tail + least && strncmp(pattern, key, head) == 0 &&
           strcmp(key + length - tail, star + 1) == 0;
}

const mr_option_spec *mr_option_spec_of(const mr_option_specs *lists, size_t lists_count,
                                        const char *key)
{
    for (int patterns = 0; patterns < 2; patterns++)
        for (size_t l = 0; l < lists_count; l++)
            for (size_t i = 0; i < lists[l].count; i++) {
                const mr_option_spec *spec = &lists[l].items[i];
                if ((strchr(spec->name, '*') != NULL) == (patterns == 1) &&
                    name_fits(spec->name, key))
                    return spec;
            }
    return NULL;
}

const char *mr_option_nearest(const mr_option_specs *lists, size_t lists_count, const char *key)
{
    const char *names[NAMES_MAX];
    size_t count = 0;
    for (size_t l = 0; l < lists_count; l++)
        for (size_t i = 0; i < lists[l].count && count < NAMES_MAX; i++)
            names[count++] = lists[l].items[i].name;
    return mr_suggest(key, names, count);
}

const mr_option *mr_options_find(const mr_options *options, const char *name)
{
    for (uint32_t i = 0; i < options->count; i++)
        if (strcmp(options->items[i].key, name) == 0)
            return &options->items[i];
    return NULL;
}

const char *mr_options_text(const mr_options *options, const char *name, const char *fallback)
{
    const mr_option *option = mr_options_find(options, name);
    return option != NULL ? option->text : fallback;
}

int64_t mr_options_number(const mr_options *options, const char *name, int64_t fallback)
{
    const mr_option *option = mr_options_find(options, name);
    return option != NULL ? option->number : fallback;
}
