/*
 * Runs of decimal digits, 16 bytes looked at and 8 converted at a time. For machines with SSE2 that
 * are little-endian; elsewhere MR_HAS_DIGITS is not defined, and callers take their general path.
 * Thread: pure.
 */
#ifndef MR_CONNECTORS_FORMATS_TEXT_DIGITS_H
#define MR_CONNECTORS_FORMATS_TEXT_DIGITS_H

#if defined(__SSE2__)
#define MR_HAS_DIGITS 1

#include <emmintrin.h>
#include <stdint.h>
#include <string.h>

/* How many of the 16 bytes at `at` are digits before the first that is none. */
static inline unsigned mr_digits_count(const char *at)
{
    __m128i bytes = _mm_loadu_si128((const __m128i *)(const void *)at);
    __m128i values = _mm_sub_epi8(bytes, _mm_set1_epi8('0'));
    __m128i is_digit = _mm_cmpeq_epi8(_mm_min_epu8(values, _mm_set1_epi8(9)), values);
    return (unsigned)__builtin_ctz(~(unsigned)_mm_movemask_epi8(is_digit));
}

/* `count` (1..8) digits, of 8 readable bytes: neighbours are folded pairwise, three times. */
static inline uint64_t mr_digits_fold(const char *at, unsigned count)
{
    uint64_t bytes;
    memcpy(&bytes, at, sizeof bytes);
    bytes <<= 64 - 8 * count; /* little-endian: zeros move in before the first digit */
    bytes = (bytes & UINT64_C(0x0f0f0f0f0f0f0f0f)) * 2561 >> 8;
    bytes = (bytes & UINT64_C(0x00ff00ff00ff00ff)) * 6553601 >> 16;
    return (bytes & UINT64_C(0x0000ffff0000ffff)) * UINT64_C(42949672960001) >> 32;
}

/* `count` (1..15) digits, of 16 readable bytes. */
static inline uint64_t mr_digits_value(const char *at, unsigned count)
{
    if (count <= 8)
        return mr_digits_fold(at, count);
    return mr_digits_fold(at, count - 8) * 100000000 + mr_digits_fold(at + count - 8, 8);
}

#endif
#endif
