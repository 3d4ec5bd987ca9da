/*
 * A group: the 16 control bytes of 16 neighbouring slots, searched at once.
 *
 *   0x00..0x7f  full: the upper 7 bits of the entry's hash
 *   0x80        empty: a search may end here
 *   0xfe        deleted: a search goes on
 *
 * A search gives a bit mask, bit i for slot i. The portable form gives the same on any machine (and
 * is what the vector form is tested against).
 */
#ifndef MR_ENGINE_STATE_GROUP_H
#define MR_ENGINE_STATE_GROUP_H

#include <stdint.h>
#ifdef __SSE2__
#include <emmintrin.h>
#endif

#define MR_GROUP_SLOTS 16u
#define MR_CONTROL_EMPTY 0x80u
#define MR_CONTROL_DELETED 0xfeu

static inline uint32_t mr_group_match_portable(const uint8_t *group, uint8_t control)
{
    uint32_t mask = 0;
    for (uint32_t i = 0; i < MR_GROUP_SLOTS; i++)
        mask |= (uint32_t)(group[i] == control) << i;
    return mask;
}

/* Empty or deleted. */
static inline uint32_t mr_group_free_portable(const uint8_t *group)
{
    uint32_t mask = 0;
    for (uint32_t i = 0; i < MR_GROUP_SLOTS; i++)
        mask |= (uint32_t)(group[i] >> 7) << i;
    return mask;
}

#ifdef __SSE2__
static inline uint32_t mr_group_match(const uint8_t *group, uint8_t control)
{
    __m128i bytes = _mm_load_si128((const __m128i *)(const void *)group);
    return (uint32_t)_mm_movemask_epi8(_mm_cmpeq_epi8(bytes, _mm_set1_epi8((char)control)));
}

static inline uint32_t mr_group_free(const uint8_t *group)
{
    return (uint32_t)_mm_movemask_epi8(_mm_load_si128((const __m128i *)(const void *)group));
}
#else
static inline uint32_t mr_group_match(const uint8_t *group, uint8_t control)
{
    return mr_group_match_portable(group, control);
}

static inline uint32_t mr_group_free(const uint8_t *group)
{
    return mr_group_free_portable(group);
}
#endif

#endif
