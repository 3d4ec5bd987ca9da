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

/* The bytes that are not ASCII, as bits: of less than 32 bytes, where 32 may be read. */
MR_AVRO_WIDE static inline uint32_t mr_avro_wide_high_short(const char *at, uint32_t length)
{
    return _bzhi_u32((uint32_t)_mm256_movemask_epi8(mr_avro_wide_load(at)), length);
}

/* Of the last `length` (1 to 32) of the 32 bytes before `end`. */
MR_AVRO_WIDE static inline uint32_t mr_avro_wide_high_last(const char *end, uint32_t length)
{
    return (uint32_t)_mm256_movemask_epi8(mr_avro_wide_load(end - 32)) >> (32 - length);
}

MR_AVRO_WIDE static inline __m256i mr_avro_wide_or4(const char *a, const char *b)
{
    __m256i first = _mm256_or_si256(mr_avro_wide_load(a), mr_avro_wide_load(a + 32));
    return _mm256_or_si256(_mm256_or_si256(first, mr_avro_wide_load(b)), mr_avro_wide_load(b + 32));
}

/* Whether there is one in 32 to 256 bytes: not 0. Loads overlap: what is short is read twice, and
 * no loop waits for a length. */
MR_AVRO_WIDE static inline uint32_t mr_avro_wide_high(const char *at, uint32_t length)
{
    const char *end = at + length;
    __m256i all;
    if (length <= 64) {
        all = _mm256_or_si256(mr_avro_wide_load(at), mr_avro_wide_load(end - 32));
    } else {
        all = mr_avro_wide_or4(at, end - 64);
        if (length > 128)
            all = _mm256_or_si256(all, mr_avro_wide_or4(at + 64, end - 128));
    }
    return (uint32_t)_mm256_movemask_epi8(all);
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

/* One of up to 8 bytes, of which 8 may be read, without a branch on how many. */
MR_AVRO_INLINE const char *mr_avro_varint_8(const char *at, uint64_t *value, bool is_wide)
{
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
        return at + bits / 8 + 1;
    }
#endif
    (void)is_wide;
    bytes &= (stops ^ (stops - 1)) & UINT64_C(0x7f7f7f7f7f7f7f7f);
    bytes = (bytes & UINT64_C(0x007f007f007f007f)) | (bytes & UINT64_C(0x7f007f007f007f00)) >> 1;
    bytes = (bytes & UINT64_C(0x00003fff00003fff)) | (bytes & UINT64_C(0x3fff00003fff0000)) >> 2;
    bytes = (bytes & UINT64_C(0x000000000fffffff)) | (bytes & UINT64_C(0x0fffffff00000000)) >> 4;
    *value = bytes;
    return at + bits / 8 + 1;
}

/* The same, and what it stands for as a long. */
MR_AVRO_INLINE const char *mr_avro_long_8(const char *at, int64_t *value, bool is_wide)
{
    uint64_t raw = 0;
#if defined(__x86_64__)
    if (is_wide) {
        uint64_t bytes;
        memcpy(&bytes, at, sizeof bytes);
        uint64_t stops = ~bytes & UINT64_C(0x8080808080808080);
        if (__builtin_expect(stops == 0, 0))
            return NULL;
        /* All but the sign, which is the lowest bit. */
        uint64_t keep = (stops ^ (stops - 1)) & UINT64_C(0x7f7f7f7f7f7f7f7e);
        *value = (int64_t)(mr_avro_wide_pack(bytes, keep) ^ -(bytes & 1));
        return at + (unsigned)__builtin_ctzll(stops) / 8 + 1;
    }
#endif
    const char *behind = mr_avro_varint_8(at, &raw, is_wide);
    *value = mr_avro_unzigzag(raw);
    return behind;
}

MR_AVRO_INLINE const char *mr_avro_varint_fast(const char *at, const char *end, uint64_t *value,
                                               bool is_wide)
{
    if (__builtin_expect(end - at < 8, 0))
        return NULL;
    return mr_avro_varint_8(at, value, is_wide);
}

/* Whether `length` bytes are ASCII, when that is told with a few loads; false: look closer.
 * `end`: of what may be read. */
MR_AVRO_INLINE bool mr_avro_is_ascii_fast(const char *at, uint32_t length, const char *end,
                                          bool is_wide)
{
#if defined(__x86_64__)
    if (is_wide) {
        if (length >= 32)
            return length <= 256 && mr_avro_wide_high(at, length) == 0;
        return end - at >= 32 && mr_avro_wide_high_short(at, length) == 0;
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
