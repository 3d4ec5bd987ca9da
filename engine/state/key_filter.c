#include "engine/state/key_filter.h"

#include "engine/base/assert.h"

#include <stdlib.h>
#include <string.h>

#define WORDS 8u
#define BLOCK_BYTES (WORDS * sizeof(uint32_t))
#define KEYS_PER_BLOCK 21u /* 12 bits each: half a per cent is mistaken in each part */
#define FIRST_BYTES 512u
#define GROWTH 3u /* times all parts before it, up to a megabyte in all; then as large as they */
#define GROWTH_BYTES (1u << 20)
#define PARTS_MAX 32u

typedef struct part {
    uint32_t (*blocks)[WORDS];
    uint64_t blocks_count;
    uint64_t room; /* keys that may still be added */
} part;

struct mr_key_filter {
    part parts[PARTS_MAX]; /* only the last is added to */
    uint32_t count;
    size_t bytes;
    mr_budget *budget;
};

/* Odd numbers without a pattern: the bit of word i is the upper five of hash times this. */
static const uint32_t SALTS[WORDS] = {0x91d93081u, 0x8142c8ebu, 0x3ceaaf31u, 0xa05f1119u,
                                      0x627655dbu, 0xa0c5154fu, 0x6301bbfdu, 0xcdde8d51u};

static uint32_t *block_of(const part *p, uint64_t hash)
{
    return p->blocks[((hash >> 32) * p->blocks_count) >> 32];
}

static void add_part(mr_key_filter *filter)
{
    MR_ASSERT(filter->count < PARTS_MAX);
    size_t bytes = filter->bytes == 0 ? FIRST_BYTES : filter->bytes;
    if (filter->bytes > 0 && filter->bytes < GROWTH_BYTES)
        bytes *= GROWTH;
    uint64_t blocks = bytes / BLOCK_BYTES;
    part *p = &filter->parts[filter->count++];
    p->blocks = aligned_alloc(BLOCK_BYTES, bytes);
    MR_ASSERT(p->blocks != NULL);
    memset(p->blocks, 0, bytes);
    p->blocks_count = blocks;
    p->room = blocks * KEYS_PER_BLOCK;
    filter->bytes += bytes;
    mr_budget_add(filter->budget, MR_BUDGET_TABLES, (int64_t)bytes);
}

mr_key_filter *mr_key_filter_new(mr_budget *budget)
{
    mr_key_filter *filter = calloc(1, sizeof *filter);
    MR_ASSERT(filter != NULL);
    filter->budget = budget;
    add_part(filter);
    return filter;
}

void mr_key_filter_free(mr_key_filter *filter)
{
    if (filter == NULL)
        return;
    mr_budget_add(filter->budget, MR_BUDGET_TABLES, -(int64_t)filter->bytes);
    for (uint32_t i = 0; i < filter->count; i++)
        free(filter->parts[i].blocks);
    free(filter);
}

void mr_key_filter_add(mr_key_filter *filter, uint64_t hash)
{
    if (mr_key_filter_may_hold(filter, hash))
        return;
    if (filter->parts[filter->count - 1].room == 0)
        add_part(filter);
    part *last = &filter->parts[filter->count - 1];
    last->room--;
    uint32_t *block = block_of(last, hash);
    for (uint32_t w = 0; w < WORDS; w++)
        block[w] |= 1u << ((uint32_t)hash * SALTS[w] >> 27);
}

bool mr_key_filter_may_hold(const mr_key_filter *filter, uint64_t hash)
{
    for (uint32_t i = filter->count; i-- > 0;) {
        const uint32_t *block = block_of(&filter->parts[i], hash);
        uint32_t missing = 0;
        for (uint32_t w = 0; w < WORDS; w++)
            missing |= ~block[w] & 1u << ((uint32_t)hash * SALTS[w] >> 27);
        if (missing == 0)
            return true;
    }
    return false;
}

size_t mr_key_filter_bytes(const mr_key_filter *filter)
{
    return sizeof *filter + filter->bytes;
}
