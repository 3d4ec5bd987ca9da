#include "connectors/formats/avro/snappy.h"

#include "connectors/formats/avro/decode/bytes.h"

#include <string.h>

#define LENGTH_BEHIND 60u /* from this on a literal's length stands in the bytes behind */

/* One element under way. */
typedef struct unpacking {
    const uint8_t *at, *end;
    char *start, *to; /* what is unpacked, and where it goes on */
    size_t left;      /* room behind `to` */
} unpacking;

static bool take_number(unpacking *u, size_t size, uint32_t *value)
{
    if ((size_t)(u->end - u->at) < size)
        return false;
    *value = 0;
    for (size_t i = 0; i < size; i++)
        *value |= (uint32_t)u->at[i] << (8 * i);
    u->at += size;
    return true;
}

static bool literal(unpacking *u, uint8_t tag)
{
    uint32_t number = tag >> 2;
    if (number >= LENGTH_BEHIND && !take_number(u, number - LENGTH_BEHIND + 1, &number))
        return false;
    size_t length = (size_t)number + 1;
    if (length > (size_t)(u->end - u->at) || length > u->left)
        return false;
    memcpy(u->to, u->at, length);
    u->at += length;
    u->to += length;
    u->left -= length;
    return true;
}

static bool copy(unpacking *u, uint8_t tag)
{
    static const size_t sizes[] = {0, 1, 2, 4};
    unsigned kind = tag & 3;
    size_t length = kind == 1 ? (size_t)(tag >> 2 & 7) + 4 : (size_t)(tag >> 2) + 1;
    uint32_t distance;
    if (!take_number(u, sizes[kind], &distance))
        return false;
    if (kind == 1)
        distance |= (uint32_t)(tag >> 5) << 8;
    if (distance == 0 || distance > (size_t)(u->to - u->start) || length > u->left)
        return false;
    u->left -= length;
    for (; length > 0; length--, u->to++) /* byte by byte: it may repeat what it makes */
        *u->to = *(u->to - distance);
    return true;
}

bool mr_snappy_unpack(const char *bytes, size_t length, size_t bytes_max, mr_buffer *out)
{
    uint64_t size;
    const char *at = mr_avro_varint(bytes, bytes + length, &size);
    if (at == NULL || size > bytes_max)
        return false;
    char *to = mr_buffer_reserve(out, (size_t)size + 1);
    unpacking u = {.at = (const uint8_t *)at,
                   .end = (const uint8_t *)bytes + length,
                   .start = to,
                   .to = to,
                   .left = (size_t)size};
    while (u.at < u.end) {
        uint8_t tag = *u.at++;
        if (!((tag & 3) == 0 ? literal(&u, tag) : copy(&u, tag)))
            return false;
    }
    out->length += (size_t)(u.to - to);
    return u.left == 0;
}
