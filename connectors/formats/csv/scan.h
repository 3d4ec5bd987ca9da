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

/* All but the usual field: quotes, escapes, line ends, strange characters. */
bool mr_csv_next_slow(mr_csv_scan *scan, mr_csv_field *field);

/* What a coded field stands for; of any other it is what it was. */
void mr_csv_make(const mr_csv_dialect *dialect, mr_arena *arena, mr_csv_field *field);

/* A delimiter, an escape, or any character up to \r. */
static inline bool mr_csv_is_special(const mr_csv_dialect *dialect, char c)
{
    return c == dialect->delimiter || c == dialect->escape || (unsigned char)c <= '\r';
}

/* The first special byte in [at, end), or `end`; `high` gets a bit when a byte before it is not
 * ASCII. Nothing outside of [start, end) is read. */
static inline const char *mr_csv_find(const mr_csv_dialect *dialect, const char *at,
                                      const char *start, const char *end, unsigned *high)
{
#if defined(__SSE2__)
    const __m128i delimiters = _mm_set1_epi8(dialect->delimiter);
    const __m128i escapes = _mm_set1_epi8(dialect->escape), low = _mm_set1_epi8('\r');
    while (at < end) {
        const char *from = at;
        if (end - at < 16) {
            if (end - start < 16)
                break;
            from = end - 16;
        }
        __m128i bytes = _mm_loadu_si128((const __m128i *)(const void *)from);
        __m128i specials = _mm_or_si128(
            _mm_or_si128(_mm_cmpeq_epi8(bytes, delimiters), _mm_cmpeq_epi8(bytes, escapes)),
            _mm_cmpeq_epi8(_mm_min_epu8(bytes, low), bytes));
        unsigned before = (unsigned)(at - from);
        unsigned mask = (unsigned)_mm_movemask_epi8(specials) >> before;
        unsigned is_high = (unsigned)_mm_movemask_epi8(bytes) >> before;
        if (mask != 0) {
            *high |= is_high & ((mask & -mask) - 1);
            return at + __builtin_ctz(mask);
        }
        *high |= is_high;
        at = from + 16;
    }
#else
    (void)start;
#endif
    for (; at < end && !mr_csv_is_special(dialect, *at); at++)
        *high |= (unsigned char)*at & 0x80u;
    return at;
}

/* The next field; false: see the scan's failure. */
static inline bool mr_csv_next(mr_csv_scan *scan, mr_csv_field *field)
{
    const mr_csv_dialect *dialect = scan->dialect;
    const char *at = scan->at;
    if (at == scan->end || *at != dialect->quote || dialect->quote == MR_CSV_NONE) {
        unsigned high = 0;
        const char *stop = mr_csv_find(dialect, at, scan->start, scan->end, &high);
        if (stop == scan->end || *stop == dialect->delimiter) {
            *field =
                (mr_csv_field){.text = at, .length = (uint32_t)(stop - at), .is_ascii = high == 0};
            scan->is_last = stop == scan->end;
            scan->at = stop + (stop != scan->end);
            return true;
        }
    }
    return mr_csv_next_slow(scan, field);
}

#endif
