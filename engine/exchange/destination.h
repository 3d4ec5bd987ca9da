/*
 * Destination: the task of a key.
 *
 *   task = XXH3-64(h, as 8 little-endian bytes) mod tasks, h = XXH3-64(key, see engine/state/key.h)
 *
 * Fixed for ever: state lies where this says. Not h itself: its low bits choose the group of a
 * state table and its high bits the order of results, so keys that share h mod tasks would crowd
 * both.
 * Thread: pure.
 */
#ifndef MR_ENGINE_EXCHANGE_DESTINATION_H
#define MR_ENGINE_EXCHANGE_DESTINATION_H

#include "engine/base/hash.h"

static inline uint32_t mr_destination_of(uint64_t key_hash, uint32_t tasks_count)
{
    return (uint32_t)(mr_hash_u64(key_hash) % tasks_count);
}

#endif
