/*
 * Avro's binary values, read with bounds: varints, lengths, UTF-8.
 *
 * Every reader takes the place of a value and the end of the record, and gives the byte behind the
 * value, or NULL when it is cut short or malformed. The `fast` ones decline (NULL, nothing said)
 * when they are not sure; the general ones then have the last word. Nothing outside [at, end) is
 * read.
 *
 * `is_wide` asks for AVX2 and BMI2: two copies of the machine are compiled, and the compiler folds
 * it away (run.c). Thread: pure.
 */
#ifndef MR_CONNECTORS_FORMATS_AVRO_DECODE_BYTES_H
#define MR_CONNECTORS_FORMATS_AVRO_DECODE_BYTES_H

#include "connectors/formats/text/utf8.h"

#include <stdbool.h>
#include <stdint.h>
#include <string.h>

#if defined(__x86_64__)
#include <immintrin.h>
#define MR_AVRO_WIDE __attribute__((target("avx2,bmi,bmi2")))

static inline bool mr_avro_has_wide(void)
{
    return __builtin_cpu_supports("avx2") && __builtin_cpu_supports("bmi2");
}

/* The bits of `bytes` that `keep` names, pushed together. */
MR_AVRO_WIDE static inline uint64_t mr_avro_wide_pack(uint64_t bytes, uint64_t keep)
{
    return _pext_u64(bytes, keep);
}

MR_AVRO_WIDE static inline __m256i mr_avro_wide_load(const char *at)
{
    return _mm256_loadu_si256((const __m256i_u *)(const void *)at);
}

/* Below 32 bytes of 32 that may be read. */
MR_AVRO_WIDE static inline bool mr_avro_wide_ascii_short(const char *at, uint32_t length)
{
    uint32_t high = (uint32_t)_mm256_movemask_epi8(mr_avro_wide_load(at));
    return (high & ((UINT32_C(1) << length) - 1)) == 0;
}

/* 32 to 160 bytes. Loads overlap: what is short is read twice, and no branch waits for a length. */
MR_AVRO_WIDE static inline bool mr_avro_wide_ascii(const char *at, uint32_t length)
{
    uint32_t last = length - 32;
    uint32_t b = last < 32 ? last : 32, c = last < 64 ? last : 64, d = last < 96 ? last : 96;
    __m256i low = _mm256_or_si256(mr_avro_wide_load(at), mr_avro_wide_load(at + b));
    __m256i high = _mm256_or_si256(mr_avro_wide_load(at + c), mr_avro_wide_load(at + d));
    __m256i all = _mm256_or_si256(_mm256_or_si256(low, high), mr_avro_wide_load(at + last));
    return _mm256_movemask_epi8(all) == 0;
}

#else
#define MR_AVRO_WIDE

static inline bool mr_avro_has_wide(void)
{
    return false;
}

#endif

#define MR_AVRO_INLINE __attribute__((always_inline)) static inline

MR_AVRO_INLINE int64_t mr_avro_unzigzag(uint64_t value)
{
    return (int64_t)(value >> 1) ^ -(int64_t)(value & 1);
}

/* 1..10 bytes; NULL also for bits beyond the 64th. */
static inline const char *mr_avro_varint(const char *at, const char *end, uint64_t *value)
{
    uint64_t result = 0;
    for (unsigned shift = 0; shift < 70 && at < end; shift += 7) {
        uint64_t byte = (unsigned char)*at++;
        if (shift == 63 && byte > 1)
            return NULL;
        result |= (byte & 0x7f) << shift;
        if (byte < 0x80) {
            *value = result;
            return at;
        }
    }
    return NULL;
}

/* Up to 8 bytes, without a branch on how many. */
MR_AVRO_INLINE const char *mr_avro_varint_fast(const char *at, const char *end, uint64_t *value,
                                               bool is_wide)
{
    if (__builtin_expect(end - at < 8, 0))
        return NULL;
    uint64_t bytes;
    memcpy(&bytes, at, sizeof bytes);
    uint64_t stops = ~bytes & UINT64_C(0x8080808080808080);
    if (__builtin_expect(stops == 0, 0))
        return NULL;
    unsigned bits = (unsigned)__builtin_ctzll(stops); /* of the last byte: 7, 15, .. */
#if defined(__x86_64__)
    if (is_wide) {
        uint64_t keep = (stops ^ (stops - 1)) & UINT64_C(0x7f7f7f7f7f7f7f7f);
        *value = mr_avro_wide_pack(bytes, keep);
        return at + (bits + 1) / 8;
    }
#endif
    (void)is_wide;
    bytes &= (stops ^ (stops - 1)) & UINT64_C(0x7f7f7f7f7f7f7f7f);
    bytes = (bytes & UINT64_C(0x007f007f007f007f)) | (bytes & UINT64_C(0x7f007f007f007f00)) >> 1;
    bytes = (bytes & UINT64_C(0x00003fff00003fff)) | (bytes & UINT64_C(0x3fff00003fff0000)) >> 2;
    bytes = (bytes & UINT64_C(0x000000000fffffff)) | (bytes & UINT64_C(0x0fffffff00000000)) >> 4;
    *value = bytes;
    return at + (bits + 1) / 8;
}

/* Whether `length` bytes are ASCII, when that is told with a few loads; false: look closer.
 * `end`: of what may be read. */
MR_AVRO_INLINE bool mr_avro_is_ascii_fast(const char *at, uint32_t length, const char *end,
                                          bool is_wide)
{
#if defined(__x86_64__)
    if (is_wide) {
        if (length >= 32)
            return length <= 160 && mr_avro_wide_ascii(at, length);
        return end - at >= 32 && mr_avro_wide_ascii_short(at, length);
    }
#endif
    (void)at, (void)length, (void)end, (void)is_wide;
    return false;
}

/* Behind the last byte that is well-formed UTF-8: `at + length` when all of it is. */
static inline const char *mr_avro_utf8_bad(const char *at, uint32_t length)
{
    const char *end = at + length;
    while (end - at >= 8) {
        uint64_t bytes;
        memcpy(&bytes, at, sizeof bytes);
        if ((bytes & UINT64_C(0x8080808080808080)) != 0)
            break;
        at += 8;
    }
    return mr_utf8_bad(at, end);
}

#endif
