/*
 * The hottest parts of the decoder for machines with AVX2: texts and names 32 bytes at a time, all
 * digits of a number at once.
 *
 * The decoder asks the machine once (mr_json_has_wide) and then runs one of two copies of the same
 * code (decoder.c: read_members), in which `is_wide` is a constant; these functions are inlined
 * into the wide copy alone. They give what mr_json_find_special, mr_json_place_is_at and
 * mr_json_fast_integer give, and read no byte outside [start, end) either. Elsewhere than on x86-64
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

/* Bit i is set when byte i is a quote, a backslash, a control character or not ASCII. */
MR_JSON_WIDE static inline uint32_t mr_json_wide_mask(const char *at)
{
    __m256i bytes = _mm256_loadu_si256((const __m256i *)(const void *)at);
    __m256i quotes = _mm256_cmpeq_epi8(bytes, _mm256_set1_epi8('"'));
    __m256i slashes = _mm256_cmpeq_epi8(bytes, _mm256_set1_epi8('\\'));
    /* Signed: bytes from 0x80 on are below 0x20 as well. */
    __m256i others = _mm256_cmpgt_epi8(_mm256_set1_epi8(0x20), bytes);
    return (uint32_t)_mm256_movemask_epi8(
        _mm256_or_si256(_mm256_or_si256(quotes, slashes), others));
}

MR_JSON_WIDE static inline const char *mr_json_wide_special(const char *at, const char *start,
                                                            const char *end)
{
    for (; end - at >= 32; at += 32) {
        uint32_t mask = mr_json_wide_mask(at);
        if (mask != 0)
            return at + __builtin_ctz(mask);
    }
    if (at < end && end - start >= 32) {
        const char *last = end - 32;
        uint32_t mask = mr_json_wide_mask(last) >> (at - last);
        return mask != 0 ? at + __builtin_ctz(mask) : end;
    }
    while (at < end && !mr_json_is_special(*at))
        at++;
    return at;
}

/* At least MR_JSON_PLACE_BYTES are readable. */
MR_JSON_WIDE static inline bool mr_json_wide_place(const mr_json_place *place, const char *at)
{
    __m256i a = _mm256_loadu_si256((const __m256i *)(const void *)place->bytes);
    __m256i b = _mm256_loadu_si256((const __m256i *)(const void *)at);
    uint32_t equal = (uint32_t)_mm256_movemask_epi8(_mm256_cmpeq_epi8(a, b));
    return (~equal & place->wanted) == 0;
}

/* `count` (1..15) digits, of 16 readable bytes: moved to the right end, neighbours added up. */
MR_JSON_WIDE static inline uint64_t mr_json_wide_digits(const char *at, unsigned count)
{
    static const int8_t right[32] = {-1, -1, -1, -1, -1, -1, -1, -1, -1, -1, -1,
                                     -1, -1, -1, -1, -1, 0,  1,  2,  3,  4,  5,
                                     6,  7,  8,  9,  10, 11, 12, 13, 14, 15};
    __m128i bytes = _mm_loadu_si128((const __m128i *)(const void *)at);
    __m128i by = _mm_loadu_si128((const __m128i *)(const void *)(right + count));
    __m128i ones = _mm_shuffle_epi8(_mm_sub_epi8(bytes, _mm_set1_epi8('0')), by);
    __m128i twos = _mm_maddubs_epi16(ones, _mm_set1_epi16(0x010a));   /* 10, 1 */
    __m128i fours = _mm_madd_epi16(twos, _mm_set1_epi32(0x00010064)); /* 100, 1 */
    __m128i packed = _mm_packus_epi32(fours, fours);
    __m128i eights = _mm_madd_epi16(packed, _mm_set1_epi32(0x00012710)); /* 10000, 1 */
    uint64_t both = (uint64_t)_mm_cvtsi128_si64(eights);
    return (both & UINT32_MAX) * 100000000 + (both >> 32);
}

MR_JSON_WIDE static inline const char *mr_json_wide_integer(const char *at, const char *end,
                                                            int64_t *value)
{
    if (end - at < MR_JSON_FAST_BYTES)
        return NULL;
    if (__builtin_expect(*at == '-', 0))
        return mr_json_fast_integer(at, end, value);
    unsigned count = mr_json_integer_digits(at);
    if (count == 0)
        return NULL;
    *value = (int64_t)mr_json_wide_digits(at, count);
    return at + count;
}

#else

#define MR_JSON_WIDE

static inline bool mr_json_has_wide(void)
{
    return false;
}

static inline const char *mr_json_wide_special(const char *at, const char *start, const char *end)
{
    return mr_json_find_special(at, start, end);
}

static inline bool mr_json_wide_place(const mr_json_place *place, const char *at)
{
    return mr_json_place_is_at(place, at, at + MR_JSON_PLACE_BYTES);
}

static inline const char *mr_json_wide_integer(const char *at, const char *end, int64_t *value)
{
    return mr_json_fast_integer(at, end, value);
}

#endif

#endif
