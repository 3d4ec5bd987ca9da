#include "engine/state/sort.h"

#include "engine/base/assert.h"

#include <stdlib.h>

#define WORD ((size_t)8)
/* Below this many, comparing neighbours beats counting 256 bins. */
#define RUN_SMALL 48u

typedef struct item {
    uint64_t word; /* the eight key bytes at the run's depth, big-endian, zero-padded */
    mr_entry *entry;
} item;

static uint64_t word_at(const mr_entry *entry, size_t depth)
{
    const unsigned char *key = (const unsigned char *)mr_entry_key(entry);
    size_t left = entry->key_length > depth ? entry->key_length - depth : 0;
    uint64_t word = 0;
    if (left >= WORD) {
        memcpy(&word, key + depth, WORD);
#if __BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__
        word = __builtin_bswap64(word);
#endif
        return word;
    }
    for (size_t i = 0; i < left; i++)
        word |= (uint64_t)key[depth + i] << (56 - 8 * i);
    return word;
}

int mr_entry_compare(const mr_entry *a, const mr_entry *b)
{
    uint32_t shared = a->key_length < b->key_length ? a->key_length : b->key_length;
    int order = memcmp(mr_entry_key(a), mr_entry_key(b), shared);
    return order != 0 ? order : (a->key_length > b->key_length) - (a->key_length < b->key_length);
}

static bool is_before(const item *a, const item *b)
{
    if (a->word != b->word)
        return a->word < b->word;
    return mr_entry_compare(a->entry, b->entry) < 0;
}

static void sort_small(item *items, size_t count)
{
    for (size_t i = 1; i < count; i++) {
        item moved = items[i];
        size_t at = i;
        for (; at > 0 && is_before(&moved, &items[at - 1]); at--)
            items[at] = items[at - 1];
        items[at] = moved;
    }
}

/* Least significant byte first; a byte that all words share costs a count and no move.
 * Not inlined: its bins would lie in every frame of the recursion above it. */
__attribute__((noinline)) static void sort_words(item *items, item *scratch, size_t count)
{
    item *from = items, *to = scratch;
    for (unsigned shift = 0; shift < 64; shift += 8) {
        size_t bins[256] = {0};
        for (size_t i = 0; i < count; i++)
            bins[(from[i].word >> shift) & 0xff]++;
        if (bins[(from[0].word >> shift) & 0xff] == count)
            continue;
        size_t at = 0;
        for (size_t b = 0; b < 256; b++) {
            size_t size = bins[b];
            bins[b] = at;
            at += size;
        }
        for (size_t i = 0; i < count; i++)
            to[bins[(from[i].word >> shift) & 0xff]++] = from[i];
        item *other = from;
        from = to;
        to = other;
    }
    if (from != items)
        memcpy(items, from, count * sizeof *items);
}

/* Puts keys that end within the word at `depth` first, shortest first; they differ from each other
 * and from longer keys only in length, because the padding is zero. Returns how many. */
static size_t shorter_first(item *items, item *scratch, size_t count, size_t depth)
{
    size_t short_count = 0;
    for (size_t length = depth; length <= depth + WORD; length++)
        for (size_t i = 0; i < count; i++)
            if (items[i].entry->key_length == length)
                scratch[short_count++] = items[i];
    size_t at = short_count;
    for (size_t i = 0; i < count; i++)
        if (items[i].entry->key_length > depth + WORD)
            scratch[at++] = items[i];
    MR_ASSERT(at == count);
    memcpy(items, scratch, count * sizeof *items);
    return short_count;
}

/* Recurses only into a part of a run, so hostile keys (each sharing one more word with the next)
 * nest it by their number at worst, and they would need bytes in the square of that. */
static void sort_run(item *items, item *scratch, size_t count, size_t depth)
{
    for (;;) {
        if (count < RUN_SMALL) {
            sort_small(items, count);
            return;
        }
        sort_words(items, scratch, count);
        if (items[0].word != items[count - 1].word)
            break;
        /* All equal here: go deeper without recursion, a long common prefix costs no stack. */
        size_t short_count = shorter_first(items, scratch, count, depth);
        items += short_count;
        count -= short_count;
        depth += WORD;
        for (size_t i = 0; i < count; i++)
            items[i].word = word_at(items[i].entry, depth);
        if (count == 0)
            return;
    }
    for (size_t start = 0, end; start < count; start = end) {
        for (end = start + 1; end < count && items[end].word == items[start].word; end++)
            ;
        if (end - start < 2)
            continue;
        sort_run(items + start, scratch, end - start, depth);
    }
}

void mr_entry_sort(mr_entry **entries, uint32_t count)
{
    if (count < 2)
        return;
    item *items = malloc(2 * (size_t)count * sizeof *items);
    MR_ASSERT(items != NULL);
    for (uint32_t i = 0; i < count; i++)
        items[i] = (item){.word = word_at(entries[i], 0), .entry = entries[i]};
    sort_run(items, items + count, count, 0);
    for (uint32_t i = 0; i < count; i++)
        entries[i] = items[i].entry;
    free(items);
}
