/*
 * The hottest parts of the decoder for machines with AVX2: texts and names 32 bytes at a time, all
 * digits of a number at once.
 *
 * The decoder asks the machine once (mr_json_has_wide) and then runs one of two copies of the same
 * code (decoder.c: read_members), in which `is_wide` is a constant; these functions are inlined
 * into the wide copy alone. They give what their likes in fast.h and
 * names.h give, and read no byte outside [start, end) either. Elsewhere than on x86-64
 * there is no wide copy. Thread: pure.
 */
#ifndef MR_CONNECTORS_FORMATS_JSON_WIDE_H
#define MR_CONNECTORS_FORMATS_JSON_WIDE_H

#include "connectors/formats/json/fast.h"
#include "connectors/formats/json/names.h"

#if defined(__x86_64__)

#include <immintrin.h>

#define MR_JSON_WIDE __attribute__((target("avx2,bmi")))

static inline bool mr_json_has_wide(void)
{
    return __builtin_cpu_supports("avx2") && __builtin_cpu_supports("bmi");
}

/* Constants that the compiler would put together anew for each text and number. */
typedef struct mr_json_wide {
    char flip[32], space[32], slash[32];
    char zero[16], nine[16];
} mr_json_wide;

static inline void mr_json_wide_init(mr_json_wide *wide)
{
    memset(wide->flip, '"' ^ ' ', sizeof wide->flip);
    memset(wide->space, ' ', sizeof wide->space);
    memset(wide->slash, '\\', sizeof wide->slash);
    memset(wide->zero, '0', sizeof wide->zero);
    memset(wide->nine, 9, sizeof wide->nine);
}

MR_JSON_WIDE static inline __m256i mr_json_wide_load(const char *at)
{
    return _mm256_loadu_si256((const __m256i *)(const void *)at);
}

/* Bit i is set when byte i is a quote, a backslash, a control character or not ASCII. With one bit
 * flipped the quote is the blank, which nothing between the controls and it becomes; all that is
 * not above the blank then is one of them, for bytes from 0x80 on are negative. */
MR_JSON_WIDE static inline uint32_t mr_json_wide_mask(const mr_json_wide *wide, const char *at)
{
    __m256i bytes = mr_json_wide_load(at);
    __m256i flipped = _mm256_xor_si256(bytes, mr_json_wide_load(wide->flip));
    __m256i above = _mm256_cmpgt_epi8(flipped, mr_json_wide_load(wide->space));
    __m256i slashes = _mm256_cmpeq_epi8(bytes, mr_json_wide_load(wide->slash));
    return ~(uint32_t)_mm256_movemask_epi8(_mm256_andnot_si256(slashes, above));
}

/* Behind the closing quote of the string that opens at `at`, if it has neither escapes nor anything
 * but ASCII; NULL else. */
MR_JSON_WIDE static inline const char *mr_json_wide_string(const mr_json_wide *wide, const char *at,
                                                           const char *start, const char *end)
{
    uintptr_t last_32 = (uintptr_t)end - 32;
    for (at++; (uintptr_t)at <= last_32; at += 32) {
        uint32_t mask = mr_json_wide_mask(wide, at);
        if (mask == 0)
            continue;
        at += __builtin_ctz(mask);
        return *at == '"' ? at + 1 : NULL;
    }
    if (at < end && end - start >= 32) {
        const char *last = end - 32;
        uint32_t mask = mr_json_wide_mask(wide, last) >> (at - last);
        at = mask != 0 ? at + __builtin_ctz(mask) : end;
    }
    while (at < end && !mr_json_is_special(*at))
        at++;
    return at < end && *at == '"' ? at + 1 : NULL;
}

/* At least MR_JSON_PLACE_BYTES are readable. */
MR_JSON_WIDE static inline bool mr_json_wide_place(const mr_json_place *place, const char *at)
{
    __m256i equals = _mm256_cmpeq_epi8(mr_json_wide_load(place->bytes), mr_json_wide_load(at));
    uint32_t equal = (uint32_t)_mm256_movemask_epi8(equals);
    return (~equal & place->wanted) == 0;
}

/* The first `count` (1..15) of 16 digits' values: moved to the right end, neighbours added up. */
MR_JSON_WIDE static inline uint64_t mr_json_wide_digits(__m128i digits, unsigned count)
{
    static const int8_t right[32] = {-1, -1, -1, -1, -1, -1, -1, -1, -1, -1, -1,
                                     -1, -1, -1, -1, -1, 0,  1,  2,  3,  4,  5,
                                     6,  7,  8,  9,  10, 11, 12, 13, 14, 15};
    __m128i by = _mm_loadu_si128((const __m128i *)(const void *)(right + count));
    __m128i ones = _mm_shuffle_epi8(digits, by);
    __m128i twos = _mm_maddubs_epi16(ones, _mm_set1_epi16(0x010a));   /* 10, 1 */
    __m128i fours = _mm_madd_epi16(twos, _mm_set1_epi32(0x00010064)); /* 100, 1 */
    __m128i packed = _mm_packus_epi32(fours, fours);
    __m128i eights = _mm_madd_epi16(packed, _mm_set1_epi32(0x00012710)); /* 10000, 1 */
    uint64_t both = (uint64_t)_mm_cvtsi128_si64(eights);
    return (both & UINT32_MAX) * 100000000 + (both >> 32);
}

MR_JSON_WIDE static inline const char *mr_json_wide_integer(const mr_json_wide *wide,
                                                            const char *at, const char *end,
                                                            int64_t *value)
{
    if (end - at < MR_JSON_FAST_BYTES)
        return NULL;
    if (__builtin_expect(*at == '-', 0))
        return mr_json_fast_integer(at, end, value);
    __m128i nine = _mm_loadu_si128((const __m128i *)(const void *)wide->nine);
    __m128i digits = _mm_sub_epi8(_mm_loadu_si128((const __m128i *)(const void *)at),
                                  _mm_loadu_si128((const __m128i *)(const void *)wide->zero));
    /* What is no digit is above nine, unsigned. */
    __m128i good = _mm_cmpeq_epi8(_mm_max_epu8(digits, nine), nine);
    unsigned count = (unsigned)__builtin_ctz(~(unsigned)_mm_movemask_epi8(good));
    if (!mr_json_is_integer(at, count))
        return NULL;
    *value = (int64_t)mr_json_wide_digits(digits, count);
    return at + count;
}

/* As mr_json_fast_timestamp, with three digits of a fraction; else that has to look. */
MR_JSON_WIDE static inline const char *mr_json_wide_timestamp(const char *at, const char *end,
                                                              const mr_json_minute *minute,
                                                              bool is_utc, int64_t *us)
{
    if (end - at < MR_JSON_FAST_BYTES || *at != '"' || !minute->is_set ||
        !mr_json_same_16(at + 1, minute->text) || at[17] != ':')
        return NULL;
    static const char shapes[2][8] = {"00.000\"", "00.000Z"};
    uint64_t bytes, shape;
    memcpy(&bytes, at + 18, sizeof bytes);
    memcpy(&shape, shapes[is_utc], sizeof shape);
    /* Digits are their values now; 6 more than 9, or 10 more than 5, reach the upper half. */
    bytes = (bytes ^ shape) & UINT64_C(0x00ffffffffffffff);
    uint64_t wrong = bytes | (bytes + UINT64_C(0x000006060600060a));
    if ((wrong & UINT64_C(0x00fff0f0f0fff0f0)) != 0)
        return NULL;
    __m128i parts = _mm_maddubs_epi16(_mm_cvtsi64_si128((int64_t)bytes),
                                      _mm_setr_epi8(10, 1, 0, 100, 10, 1, 0, 0, 0, 0, 0, 0, 0, 0, 0,
                                                    0)); /* seconds, hundreds, the rest */
    __m128i sums = _mm_madd_epi16(parts, _mm_setr_epi16(1000, 1, 1, 0, 0, 0, 0, 0));
    uint64_t both = (uint64_t)_mm_cvtsi128_si64(sums);
    at += 25;
    if (is_utc && *at++ != '"')
        return NULL;
    *us = minute->us + (int64_t)((both & UINT32_MAX) + (both >> 32)) * 1000;
    return at;
}

#else

#define MR_JSON_WIDE

static inline bool mr_json_has_wide(void)
{
    return false;
}

typedef struct mr_json_wide {
    char none;
} mr_json_wide;

static inline void mr_json_wide_init(mr_json_wide *wide)
{
    (void)wide;
}

static inline const char *mr_json_wide_string(const mr_json_wide *wide, const char *at,
                                              const char *start, const char *end)
{
    (void)wide, (void)at, (void)start, (void)end;
    return NULL;
}

static inline bool mr_json_wide_place(const mr_json_place *place, const char *at)
{
    return mr_json_place_is_at(place, at, at + MR_JSON_PLACE_BYTES);
}

static inline const char *mr_json_wide_integer(const mr_json_wide *wide, const char *at,
                                               const char *end, int64_t *value)
{
    (void)wide;
    return mr_json_fast_integer(at, end, value);
}

static inline const char *mr_json_wide_timestamp(const char *at, const char *end,
                                                 const mr_json_minute *minute, bool is_utc,
                                                 int64_t *us)
{
    (void)at, (void)end, (void)minute, (void)is_utc, (void)us;
    return NULL;
}

#endif

#endif
