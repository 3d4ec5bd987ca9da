#include "engine/base/hash.h"

#define XXH_INLINE_ALL
#include <xxhash.h>

uint64_t mr_hash(const void *bytes, size_t length)
{
    return XXH3_64bits(bytes, length);
}

uint64_t mr_hash_u64(uint64_t value)
{
    /* A loop over bytes is not made into one store, and this is called once a row. */
    unsigned char bytes[8] = {(unsigned char)value,         (unsigned char)(value >> 8),
                              (unsigned char)(value >> 16), (unsigned char)(value >> 24),
                              (unsigned char)(value >> 32), (unsigned char)(value >> 40),
                              (unsigned char)(value >> 48), (unsigned char)(value >> 56)};
    return XXH3_64bits(bytes, sizeof bytes);
}

uint32_t mr_checksum(const void *bytes, size_t length)
{
    return (uint32_t)XXH3_64bits(bytes, length);
}
