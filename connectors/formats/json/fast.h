/*
 * The usual shapes of values, read without a loop over bytes.
 *
 * Every function here may decline: it returns NULL, nothing is consumed, and the caller takes the
 * general path, which alone reports errors. So each needs to accept only what it is sure of: it
 * wants some bytes to be left behind the value, and a machine with SSE2.
 * Nothing outside [start, end) is read. Thread: pure, but for the caller's own cache.
 */
#ifndef MR_CONNECTORS_FORMATS_JSON_FAST_H
#define MR_CONNECTORS_FORMATS_JSON_FAST_H

#include "connectors/formats/json/scan.h"
#include "connectors/formats/text/digits.h"

/* What the readers below need to be left: a sign, 16 bytes and what follows them. */
#define MR_JSON_FAST_BYTES 32

/* The last minute a timestamp named: rows that follow each other share it, and with it 16 of 19
 * characters. */
typedef struct mr_json_minute {
    char text[16]; /* yyyy-MM-dd?HH:mm */
    int64_t us;
    bool is_set;
} mr_json_minute;

#if defined(__SSE2__)

/* Whether the first `count` of the digits at `at` are an integer: 1 to 15 of them. */
static inline bool mr_json_is_integer(const char *at, unsigned count)
{
    if (count - 1 > 14 || (*at == '0' && count > 1))
        return false;
    char next = at[count];
    return __builtin_expect(next == ',', 1) || next == '}' || next == ']' || mr_json_is_blank(next);
}

/* The digits of an integer behind its sign: 1 to 15 of them, 0: decline. */
static inline unsigned mr_json_integer_digits(const char *at)
{
    unsigned count = mr_digits_count(at);
    return mr_json_is_integer(at, count) ? count : 0;
}

/* Without a sign; 17 bytes are readable. */
static inline const char *mr_json_fast_magnitude(const char *at, uint64_t *value)
{
    unsigned count = mr_json_integer_digits(at);
    if (count == 0)
        return NULL;
    *value = mr_digits_value(at, count);
    return at + count;
}

/* The sign is a branch on purpose: `at += *at == '-'` would make the address of the digits wait
 * for a load, and the whole scan is one chain of such waits. */
static inline const char *mr_json_fast_integer(const char *at, const char *end, int64_t *value)
{
    if (end - at < MR_JSON_FAST_BYTES)
        return NULL;
    uint64_t magnitude = 0;
    const char *behind;
    if (__builtin_expect(*at == '-', 0)) {
        behind = mr_json_fast_magnitude(at + 1, &magnitude);
        *value = -(int64_t)magnitude;
        return behind;
    }
    behind = mr_json_fast_magnitude(at, &magnitude);
    *value = (int64_t)magnitude;
    return behind;
}

static inline const char *mr_json_fast_skip_integer(const char *at, const char *end)
{
    if (end - at < MR_JSON_FAST_BYTES)
        return NULL;
    if (__builtin_expect(*at == '-', 0)) {
        unsigned count = mr_json_integer_digits(at + 1);
        return count != 0 ? at + 1 + count : NULL;
    }
    unsigned count = mr_json_integer_digits(at);
    return count != 0 ? at + count : NULL;
}

static inline bool mr_json_same_16(const char *a, const char *b)
{
    __m128i x = _mm_loadu_si128((const __m128i *)(const void *)a);
    __m128i y = _mm_loadu_si128((const __m128i *)(const void *)b);
    return _mm_movemask_epi8(_mm_cmpeq_epi8(x, y)) == 0xffff;
}

static inline unsigned mr_json_digit(char c)
{
    return (unsigned char)(c - '0');
}

/* A quoted timestamp of the remembered minute, with no fraction or three digits of it. */
static inline const char *mr_json_fast_timestamp(const char *at, const char *end,
                                                 const mr_json_minute *minute, bool is_utc,
                                                 int64_t *us)
{
    if (end - at < MR_JSON_FAST_BYTES || *at != '"' || !minute->is_set ||
        !mr_json_same_16(at + 1, minute->text) || at[17] != ':')
        return NULL;
    unsigned tens = mr_json_digit(at[18]), ones = mr_json_digit(at[19]), ms = 0;
    if (tens > 5 || ones > 9)
        return NULL;
    at += 20;
    if (*at == '.') {
        unsigned a = mr_json_digit(at[1]), b = mr_json_digit(at[2]), c = mr_json_digit(at[3]);
        if (a > 9 || b > 9 || c > 9)
            return NULL;
        ms = a * 100 + b * 10 + c;
        at += 4;
    }
    if (is_utc && *at++ != 'Z')
        return NULL;
    if (*at != '"')
        return NULL;
    *us = minute->us + (int64_t)(tens * 10 + ones) * 1000000 + (int64_t)ms * 1000;
    return at + 1;
}

#else

static inline const char *mr_json_fast_integer(const char *at, const char *end, int64_t *value)
{
    (void)at, (void)end, (void)value;
    return NULL;
}

static inline const char *mr_json_fast_skip_integer(const char *at, const char *end)
{
    (void)at, (void)end;
    return NULL;
}

static inline const char *mr_json_fast_timestamp(const char *at, const char *end,
                                                 const mr_json_minute *minute, bool is_utc,
                                                 int64_t *us)
{
    (void)at, (void)end, (void)minute, (void)is_utc, (void)us;
    return NULL;
}

#endif

#endif
