/*
 * Entries of a slice: where keys and values live, at addresses that never move.
 *
 *   0      8            12     16                32            32 + value_size
 *   | hash | key length | mark | key, or pointer | value, zero-padded to 16 bytes |
 *
 * Entries are numbered; number -> address goes through chunks that double from 16 entries up to
 * 8,192. Keys of up to 16 bytes lie inline, longer ones in the slice's arena; both are taken again
 * after they were freed. `mark` is (epoch of the last change << 2) | flags. Thread: the engine's.
 * Memory: chunks are counted as MR_BUDGET_TABLES.
 */
#ifndef MR_ENGINE_STATE_ENTRY_H
#define MR_ENGINE_STATE_ENTRY_H

#include "engine/base/arena.h"
#include "engine/batch/string.h"

#define MR_ENTRY_NEW 1u     /* inserted in the epoch of its mark: no committed state knows it */
#define MR_ENTRY_REMOVED 2u /* not in the hash table */
#define MR_ENTRY_FLAGS 3u
#define MR_ENTRY_INLINE 16u
#define MR_ENTRY_NONE UINT32_MAX

#define MR_CHUNK_FIRST_LOG2 4u
#define MR_CHUNK_LAST_LOG2 13u
#define MR_KEY_CLASSES 44u

typedef struct mr_entry {
    uint64_t hash;
    uint32_t key_length;
    uint32_t mark;
    union {
        char inline_key[MR_ENTRY_INLINE];
        char *key;
        uint32_t free_next; /* while it is free */
    };
} mr_entry;

_Static_assert(sizeof(mr_entry) == 32, "values start at a 16-byte boundary");

typedef struct mr_entries {
    char **chunks;
    uint32_t chunks_count;
    uint32_t stride;
    uint32_t used;       /* entries ever handed out */
    uint32_t capacity;   /* entries there are chunks for */
    uint32_t free_first; /* MR_ENTRY_NONE: none */
    uint32_t value_size;
    size_t bytes;
    mr_arena arena;                  /* long keys and what values point to */
    char *free_keys[MR_KEY_CLASSES]; /* freed long keys by size, linked through their first bytes */
    mr_budget *budget;
} mr_entries;

void mr_entries_init(mr_entries *entries, uint32_t value_size, mr_budget *budget);
void mr_entries_release(mr_entries *entries);

/* The number of a free entry; its key is copied, its value zeroed; `mark` of a reused entry is left
 * as it was, of a fresh one 0. */
uint32_t mr_entries_alloc(mr_entries *entries, mr_string key, uint64_t hash);

/* Gives the entry and its key back. `mark` is left alone. */
void mr_entries_free(mr_entries *entries, uint32_t number);

/* Entries from `used` on are none any more, and none is free below: their memory goes. */
void mr_entries_truncate(mr_entries *entries, uint32_t used);

static inline mr_entry *mr_entry_at(const mr_entries *entries, uint32_t number)
{
    const uint32_t first = 1u << MR_CHUNK_FIRST_LOG2;
    const uint32_t last = 1u << MR_CHUNK_LAST_LOG2;
    uint32_t at = number + first; /* chunk c <= 9 holds [16 << c, 32 << c) of these */
    uint32_t chunk, within;
    if (at < 2 * last) {
        uint32_t log2 = 31u - (uint32_t)__builtin_clz(at);
        chunk = log2 - MR_CHUNK_FIRST_LOG2;
        within = at - (1u << log2);
    } else {
        chunk = (at >> MR_CHUNK_LAST_LOG2) + (MR_CHUNK_LAST_LOG2 - MR_CHUNK_FIRST_LOG2) - 1;
        within = at & (last - 1);
    }
    return (mr_entry *)(void *)(entries->chunks[chunk] + (size_t)within * entries->stride);
}

static inline void *mr_entry_value(mr_entry *entry)
{
    return entry + 1;
}

static inline mr_entry *mr_entry_of_value(void *value)
{
    return (mr_entry *)value - 1;
}

static inline const char *mr_entry_key(const mr_entry *entry)
{
    return entry->key_length <= MR_ENTRY_INLINE ? entry->inline_key : entry->key;
}

#endif
