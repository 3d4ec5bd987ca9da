/*
 * Scanning JSON text: one pass, no tree, no allocation.
 *
 * The scanner accepts exactly RFC 8259 (UTF-8, no byte order mark) and at most MR_JSON_DEPTH_MAX
 * levels; what is skipped is validated as fully as what is read, so a record is a dead letter or
 * not whatever columns a job uses. A lone surrogate (\ud800) is refused: it has no UTF-8 form.
 *
 * Invariants: start <= at <= end, and no byte outside [start, end) is read: the vector loads at
 * the end of a short text overlap backwards. A function that returns false has set `code`,
 * `reason` and `bad_at`. Thread: one at a time. Memory: borrows the text.
 */
#ifndef MR_CONNECTORS_FORMATS_JSON_SCAN_H
#define MR_CONNECTORS_FORMATS_JSON_SCAN_H

#include "connectors/formats/text/number.h"
#include "engine/base/arena.h"
#include "engine/base/error.h"
#include "engine/batch/string.h"

#if defined(__SSE2__)
#include <emmintrin.h>
#endif

#define MR_JSON_DEPTH_MAX 200

typedef struct mr_json_scan {
    const char *start;
    const char *at;
    const char *end;
    mr_status code;     /* 31xx of the first failure */
    const char *reason; /* static text */
    const char *bad_at;
} mr_json_scan;

/* A string token: the bytes between its quotes, validated; `has_escapes`: to be unescaped. */
typedef struct mr_json_text {
    const char *bytes;
    uint32_t length;
    bool has_escapes;
} mr_json_text;

static inline mr_json_scan mr_json_scan_of(const char *text, size_t length)
{
    return (mr_json_scan){.start = text, .at = text, .end = text + length};
}

/* Sets the failure at `bad_at` and returns false. */
bool mr_json_fail(mr_json_scan *scan, mr_status code, const char *bad_at, const char *reason);

/* Behind an opening quote: reads to behind the closing one. */
bool mr_json_string(mr_json_scan *scan, mr_json_text *text);

/* The characters a token stands for: the token's own bytes, or a copy in `arena`. */
mr_string mr_json_unescape(const mr_json_text *text, mr_arena *arena);

/* At the first byte of a value: reads to behind it. `depth` objects and arrays are open already. */
bool mr_json_skip(mr_json_scan *scan, unsigned depth);

/* At the first byte of a number, true, false or null: reads to behind it. */
bool mr_json_number(mr_json_scan *scan, mr_number *number);
bool mr_json_word(mr_json_scan *scan, const char *word, size_t length);

static inline bool mr_json_is_blank(char c)
{
    return c == ' ' || c == '\n' || c == '\r' || c == '\t';
}

static inline void mr_json_skip_blanks(mr_json_scan *scan)
{
    while (scan->at < scan->end && mr_json_is_blank(*scan->at))
        scan->at++;
}

/* Steps over `c`, blanks before it included. */
static inline bool mr_json_expect(mr_json_scan *scan, char c, const char *reason)
{
    mr_json_skip_blanks(scan);
    if (scan->at == scan->end || *scan->at != c)
        return mr_json_fail(scan, 0, scan->at, reason);
    scan->at++;
    return true;
}

static inline bool mr_json_is_special(char c)
{
    return c == '"' || c == '\\' || (unsigned char)c < 0x20 || (unsigned char)c >= 0x80;
}

#if defined(__SSE2__)
/* Bit i is set when byte i is a quote, a backslash, a control character or not ASCII. */
static inline unsigned mr_json_special_mask(__m128i bytes)
{
    __m128i quotes = _mm_cmpeq_epi8(bytes, _mm_set1_epi8('"'));
    __m128i slashes = _mm_cmpeq_epi8(bytes, _mm_set1_epi8('\\'));
    /* Signed: bytes from 0x80 on are below 0x20 as well. */
    __m128i others = _mm_cmplt_epi8(bytes, _mm_set1_epi8(0x20));
    return (unsigned)_mm_movemask_epi8(_mm_or_si128(_mm_or_si128(quotes, slashes), others));
}
#endif

/* The first special byte in [at, end), or `end`. */
__attribute__((always_inline)) static inline const char *mr_json_find_special(const char *at,
                                                                              const char *start,
                                                                              const char *end)
{
#if defined(__SSE2__)
    for (; end - at >= 32; at += 32) {
        const __m128i *bytes = (const __m128i *)(const void *)at;
        unsigned low = mr_json_special_mask(_mm_loadu_si128(bytes));
        if (low != 0)
            return at + __builtin_ctz(low);
        unsigned high = mr_json_special_mask(_mm_loadu_si128(bytes + 1));
        if (high != 0)
            return at + 16 + __builtin_ctz(high);
    }
    if (end - at >= 16) {
        unsigned mask = mr_json_special_mask(_mm_loadu_si128((const __m128i *)(const void *)at));
        if (mask != 0)
            return at + __builtin_ctz(mask);
        at += 16;
    }
    if (at < end && end - start >= 16) {
        const char *last = end - 16;
        unsigned mask = mr_json_special_mask(_mm_loadu_si128((const __m128i *)(const void *)last));
        mask >>= at - last;
        return mask != 0 ? at + __builtin_ctz(mask) : end;
    }
#else
    (void)start;
#endif
    while (at < end && !mr_json_is_special(*at))
        at++;
    return at;
}

#endif
