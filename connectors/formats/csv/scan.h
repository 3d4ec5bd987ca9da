/*
 * Fields of one CSV row, in the grammar of Flink's reader:
 *
 *   row     field (delimiter field)* [\r\n | \n | \r]
 *   field   quoted when its first byte is the quote, else up to the next delimiter or line end;
 *           blanks belong to it
 *   quoted  quote, anything with `""` for a quote, quote; blanks and control characters behind the
 *           closing quote are skipped
 *   escape  in both: `\n \r \t \0` are those characters, any other character is itself
 *
 * Thread: pure. Memory: fields are views into the row; what mr_csv_make makes lies in the arena.
 */
#ifndef MR_CONNECTORS_FORMATS_CSV_SCAN_H
#define MR_CONNECTORS_FORMATS_CSV_SCAN_H

#include "connectors/formats/csv/dialect.h"
#include "engine/base/arena.h"

#include <stdint.h>
#include <string.h>

#if defined(__SSE2__)
#include <emmintrin.h>
#endif

typedef struct mr_csv_scan {
    const mr_csv_dialect *dialect;
    const char *start, *end;
    const char *at; /* where the next field begins */
    bool is_last;   /* the field read last ends the row */
    int32_t code;   /* of a failure: MR_E_CSV_* */
    const char *bad_at;
    const char *reason;
} mr_csv_scan;

typedef struct mr_csv_field {
    const char *text; /* without the quotes around it */
    uint32_t length;
    bool is_ascii;  /* known to be */
    bool is_quoted; /* a quote in it is doubled */
    bool is_coded;  /* holds doubled quotes or escapes: mr_csv_make takes them out */
} mr_csv_field;

static inline void mr_csv_begin(mr_csv_scan *scan, const mr_csv_dialect *dialect, const char *text,
                                size_t length)
{
    scan->dialect = dialect;
    scan->start = scan->at = text;
    scan->end = text + length;
    scan->is_last = false;
}

/* The next field, whatever it is; false: see the failure. Sets `at` and `is_last`. */
bool mr_csv_next_slow(mr_csv_scan *scan, mr_csv_field *field);

/* What a coded field stands for; of any other it is what it was. */
void mr_csv_make(const mr_csv_dialect *dialect, mr_arena *arena, mr_csv_field *field);

/* A delimiter, an escape, or any character up to \r. */
static inline bool mr_csv_is_special(const mr_csv_dialect *dialect, char c)
{
    return c == dialect->delimiter || c == dialect->escape || (unsigned char)c <= '\r';
}

#if defined(__SSE2__)
/* Bit i is set when byte i of the block is special; bits of `high` when it is not ASCII. */
static inline unsigned mr_csv_mask(const mr_csv_dialect *dialect, const char *at, unsigned *high)
{
    const __m128i delimiters = _mm_loadu_si128((const __m128i *)(const void *)dialect->delimiters);
    const __m128i escapes = _mm_loadu_si128((const __m128i *)(const void *)dialect->escapes);
    __m128i bytes = _mm_loadu_si128((const __m128i *)(const void *)at);
    __m128i low = _mm_cmpeq_epi8(_mm_min_epu8(bytes, _mm_set1_epi8('\r')), bytes);
    __m128i specials =
        _mm_or_si128(_mm_cmpeq_epi8(bytes, delimiters), _mm_cmpeq_epi8(bytes, escapes));
    *high = (unsigned)_mm_movemask_epi8(bytes);
    return (unsigned)_mm_movemask_epi8(_mm_or_si128(specials, low));
}
#endif

/* The first special byte in [at, end), or `end`; `high` gets a bit when a byte before it is not
 * ASCII. Nothing outside of [start, end) is read. */
static inline const char *mr_csv_find(const mr_csv_dialect *dialect, const char *at,
                                      const char *start, const char *end, unsigned *high)
{
#if defined(__SSE2__)
    unsigned is_high;
    for (; end - at >= MR_CSV_BLOCK; at += MR_CSV_BLOCK) {
        unsigned mask = mr_csv_mask(dialect, at, &is_high);
        if (mask != 0) {
            *high |= is_high & ((mask & -mask) - 1);
            return at + __builtin_ctz(mask);
        }
        *high |= is_high;
    }
    if (at < end && end - start >= MR_CSV_BLOCK) {
        /* The last block of the row: what stands in front of `at` is shifted out. */
        unsigned before = (unsigned)(at - (end - MR_CSV_BLOCK));
        unsigned mask = mr_csv_mask(dialect, end - MR_CSV_BLOCK, &is_high) >> before;
        is_high >>= before;
        *high |= mask != 0 ? is_high & ((mask & -mask) - 1) : is_high;
        return mask != 0 ? at + __builtin_ctz(mask) : end;
    }
#else
    (void)start;
#endif
    for (; at < end && !mr_csv_is_special(dialect, *at); at++)
        *high |= (unsigned char)*at & 0x80u;
    return at;
}

/* The next quote or escape in [at, end), or `end`. */
static inline const char *mr_csv_find_quote(const mr_csv_dialect *dialect, const char *at,
                                            const char *end)
{
    if (dialect->escape == MR_CSV_NONE) {
        const char *quote = memchr(at, dialect->quote, (size_t)(end - at));
        return quote != NULL ? quote : end;
    }
    while (at < end && *at != dialect->quote && *at != dialect->escape)
        at++;
    return at;
}

/* The usual field at `at`: its end is a delimiter or the row's. NULL: mr_csv_next_slow has to. Not
 * a function of the scan, so that the loop over a row keeps its place in registers. */
static inline const char *mr_csv_usual(const mr_csv_dialect *dialect, const char *at,
                                       const char *start, const char *end, unsigned *high)
{
    if (at < end && *at == dialect->quote && dialect->quote != MR_CSV_NONE)
        return NULL;
    const char *stop = mr_csv_find(dialect, at, start, end, high);
    return stop == end || *stop == dialect->delimiter ? stop : NULL;
}

#endif
