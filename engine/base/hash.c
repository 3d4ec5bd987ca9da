#include "engine/base/hash.h"

#define XXH_INLINE_ALL
#include <xxhash.h>

uint64_t mr_hash(const void *bytes, size_t length)
{
    return XXH3_64bits(bytes, length);
}

uint64_t mr_hash_u64(uint64_t value)
{
    unsigned char bytes[8];
    for (int i = 0; i < 8; i++)
        bytes[i] = (unsigned char)(value >> (8 * i));
    return XXH3_64bits(bytes, sizeof bytes);
}

uint32_t mr_checksum(const void *bytes, size_t length)
{
    return (uint32_t)XXH3_64bits(bytes, length);
}
