/*
 * Varints as engine/base/buffer.h writes them, read inline: a join reads several for each pair that
 * it looks at. Up to four bytes without a loop.
 *
 *   value = 7 bits a byte, lowest first; the high bit says that another byte follows
 */
#ifndef MR_OPERATORS_JOIN_VARINT_H
#define MR_OPERATORS_JOIN_VARINT_H

#include <stdint.h>

#define MR_JOIN_VARINT_SHORT 4u

/* How many of the MR_JOIN_VARINT_SHORT bytes the varint takes; 0: it goes on behind them. */
static inline uint32_t mr_join_varint_short(const uint8_t *bytes, uint64_t *value)
{
    uint64_t bits = bytes[0];
    *value = bits;
    if (bits < 0x80)
        return 1;
    bits = (bits & 0x7f) | (uint64_t)bytes[1] << 7;
    *value = bits;
    if (bytes[1] < 0x80)
        return 2;
    bits = (bits & 0x3fff) | (uint64_t)bytes[2] << 14;
    *value = bits;
    if (bytes[2] < 0x80)
        return 3;
    *value = (bits & 0x1fffff) | (uint64_t)bytes[3] << 21;
    return bytes[3] < 0x80 ? 4 : 0;
}

/* The varint at *at, which moves behind it; it is known to end before the caller's bytes do. */
static inline uint64_t mr_join_varint(const char **at)
{
    const uint8_t *bytes = (const uint8_t *)*at;
    uint64_t value;
    uint32_t n = mr_join_varint_short(bytes, &value); /* looks at no byte behind the last */
    if (n == 0) {
        value &= 0xfffffff;
        n = MR_JOIN_VARINT_SHORT;
        for (uint32_t shift = 28; shift < 64; shift += 7) {
            value |= (uint64_t)(bytes[n] & 0x7f) << shift;
            if (bytes[n++] < 0x80)
                break;
        }
    }
    *at += n;
    return value;
}

static inline int64_t mr_join_zigzag(const char **at)
{
    uint64_t bits = mr_join_varint(at);
    return (int64_t)(bits >> 1) ^ -(int64_t)(bits & 1);
}

#endif
