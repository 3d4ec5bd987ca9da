#include "operators/window/order.h"

#include <stdlib.h>

#define FEW 64u        /* not worth the buckets */
#define BUCKET_FEW 16u /* sorted by insertion; more of one bucket are no accident */
#define BUCKET_BITS_MAX 16u

static int compare(const void *left, const void *right)
{
    const mr_slice_entry *a = left, *b = right;
    if (a->hash != b->hash)
        return a->hash < b->hash ? -1 : 1;
    return mr_string_compare(a->key, b->key);
}

static void sort_bucket(mr_slice_entry *entries, uint32_t count)
{
    if (count > BUCKET_FEW) {
        qsort(entries, count, sizeof *entries, compare);
        return;
    }
    for (uint32_t i = 1; i < count; i++) {
        mr_slice_entry entry = entries[i];
        uint32_t at = i;
        for (; at > 0 && compare(&entry, &entries[at - 1]) < 0; at--)
            entries[at] = entries[at - 1];
        entries[at] = entry;
    }
}

mr_slice_entry *mr_window_order(mr_slice_entry *entries, uint32_t count, mr_arena *arena)
{
    if (count < FEW) {
        sort_bucket(entries, count);
        return entries;
    }
    uint32_t bits = 31u - (uint32_t)__builtin_clz(count);
    bits = bits < BUCKET_BITS_MAX ? bits : BUCKET_BITS_MAX;
    uint32_t buckets = 1u << bits, shift = 64 - bits;
    uint32_t *ends = mr_arena_zalloc(arena, buckets, sizeof *ends);
    for (uint32_t i = 0; i < count; i++)
        ends[entries[i].hash >> shift]++;
    for (uint32_t b = 0, before = 0; b < buckets; b++) {
        uint32_t here = ends[b];
        ends[b] = before;
        before += here;
    }
    mr_slice_entry *sorted = mr_arena_alloc(arena, count * sizeof *sorted);
    for (uint32_t i = 0; i < count; i++)
        sorted[ends[entries[i].hash >> shift]++] = entries[i];
    for (uint32_t b = 0, start = 0; b < buckets; start = ends[b++])
        sort_bucket(sorted + start, ends[b] - start);
    return sorted;
}
