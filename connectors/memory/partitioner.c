#include "connectors/memory/partitioner.h"

#define MURMUR2_SEED UINT32_C(0x9747b28c)
#define MURMUR2_M UINT32_C(0x5bd1e995)
#define MURMUR2_R 24

uint32_t mr_memory_murmur2(const void *bytes, size_t length)
{
    const unsigned char *next = bytes;
    uint32_t hash = MURMUR2_SEED ^ (uint32_t)length;
    for (; length >= 4; next += 4, length -= 4) {
        uint32_t k = (uint32_t)next[0] | (uint32_t)next[1] << 8 | (uint32_t)next[2] << 16 |
                     (uint32_t)next[3] << 24;
        k *= MURMUR2_M;
        k ^= k >> MURMUR2_R;
        k *= MURMUR2_M;
        hash = hash * MURMUR2_M ^ k;
    }
    if (length >= 3)
        hash ^= (uint32_t)next[2] << 16;
    if (length >= 2)
        hash ^= (uint32_t)next[1] << 8;
    if (length >= 1)
        hash = (hash ^ next[0]) * MURMUR2_M;
    hash ^= hash >> 13;
    hash *= MURMUR2_M;
    return hash ^ hash >> 15;
}

int32_t mr_memory_partition_of_key(const void *key, size_t length, int32_t partitions)
{
    uint32_t positive = mr_memory_murmur2(key, length) & INT32_MAX;
    return (int32_t)(positive % (uint32_t)partitions);
}
