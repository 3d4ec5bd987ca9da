#include "engine/state/entry.h"

#include "engine/base/assert.h"

#include <stdlib.h>

#define KEY_ARENA_FIRST ((size_t)1024)
/* Long keys are kept in sizes that are multiples of 16 up to 256 (classes 0..15), then powers of
 * two up to 2^31 and beyond: what a removed key leaves fits the next one of its size. */
#define KEY_STEP ((size_t)16)
#define KEY_STEPS_MAX ((size_t)256)

static uint32_t key_class(size_t length, size_t *size)
{
    if (length <= KEY_STEPS_MAX) {
        *size = (length + KEY_STEP - 1) / KEY_STEP * KEY_STEP;
        return (uint32_t)(*size / KEY_STEP) - 1;
    }
    uint32_t class = (uint32_t)(KEY_STEPS_MAX / KEY_STEP);
    *size = KEY_STEPS_MAX * 2;
    while (*size < length) {
        *size *= 2;
        class ++;
    }
    MR_ASSERT(class < MR_KEY_CLASSES);
    return class;
}

void mr_entries_init(mr_entries *entries, uint32_t value_size, mr_budget *budget)
{
    *entries = (mr_entries){
        .stride = (uint32_t)sizeof(mr_entry) + ((value_size + 15u) & ~15u),
        .free_first = MR_ENTRY_NONE,
        .value_size = value_size,
        .budget = budget,
    };
    mr_arena_init(&entries->arena, KEY_ARENA_FIRST, budget, MR_BUDGET_TABLES);
}

void mr_entries_release(mr_entries *entries)
{
    for (uint32_t i = 0; i < entries->chunks_count; i++)
        free(entries->chunks[i]);
    free(entries->chunks);
    mr_budget_add(entries->budget, MR_BUDGET_TABLES, -(int64_t)entries->bytes);
    mr_arena_release(&entries->arena);
    *entries = (mr_entries){0};
}

static uint32_t chunk_log2(uint32_t chunk)
{
    uint32_t log2 = MR_CHUNK_FIRST_LOG2 + chunk;
    return log2 < MR_CHUNK_LAST_LOG2 ? log2 : MR_CHUNK_LAST_LOG2;
}

static void add_chunk(mr_entries *entries)
{
    uint32_t count = 1u << chunk_log2(entries->chunks_count);
    MR_ASSERT(entries->capacity < MR_ENTRY_NONE - count - (1u << MR_CHUNK_FIRST_LOG2));
    size_t bytes = (size_t)count * entries->stride;
    if ((entries->chunks_count & (entries->chunks_count + 1)) == 0) {
        size_t room = ((size_t)entries->chunks_count + 1) * 2;
        entries->chunks = realloc(entries->chunks, room * sizeof *entries->chunks);
        MR_ASSERT(entries->chunks != NULL);
    }
    /* Entries of 64 bytes are then one cache line. Sizes are multiples of 16 entries of 16
     * bytes. */
    char *chunk = aligned_alloc(64, bytes);
    MR_ASSERT(chunk != NULL);
    entries->chunks[entries->chunks_count++] = chunk;
    entries->capacity += count;
    entries->bytes += bytes;
    mr_budget_add(entries->budget, MR_BUDGET_TABLES, (int64_t)bytes);
}

void mr_entries_truncate(mr_entries *entries, uint32_t used)
{
    while (entries->chunks_count > 0) {
        uint32_t count = 1u << chunk_log2(entries->chunks_count - 1);
        if (entries->capacity - count < used)
            break;
        size_t bytes = (size_t)count * entries->stride;
        free(entries->chunks[--entries->chunks_count]);
        entries->capacity -= count;
        entries->bytes -= bytes;
        mr_budget_add(entries->budget, MR_BUDGET_TABLES, -(int64_t)bytes);
    }
    entries->used = used;
    entries->free_first = MR_ENTRY_NONE;
}

static void set_key(mr_entries *entries, mr_entry *entry, mr_string key)
{
    entry->key_length = key.length;
    if (key.length <= MR_ENTRY_INLINE) {
        memset(entry->inline_key, 0, sizeof entry->inline_key);
        if (key.length > 0)
            memcpy(entry->inline_key, key.bytes, key.length);
        return;
    }
    size_t size;
    uint32_t class = key_class(key.length, &size);
    char *bytes = entries->free_keys[class];
    if (bytes != NULL)
        memcpy(&entries->free_keys[class], bytes, sizeof entries->free_keys[class]);
    else
        bytes = mr_arena_alloc(&entries->arena, size);
    memcpy(bytes, key.bytes, key.length);
    entry->key = bytes;
}

uint32_t mr_entries_alloc(mr_entries *entries, mr_string key, uint64_t hash)
{
    uint32_t number = entries->free_first;
    mr_entry *entry;
    if (number != MR_ENTRY_NONE) {
        entry = mr_entry_at(entries, number);
        entries->free_first = entry->free_next;
    } else {
        number = entries->used++;
        if (number == entries->capacity)
            add_chunk(entries);
        entry = mr_entry_at(entries, number);
        entry->mark = 0;
    }
    entry->hash = hash;
    set_key(entries, entry, key);
    memset(mr_entry_value(entry), 0, entries->stride - sizeof *entry);
    return number;
}

void mr_entries_free(mr_entries *entries, uint32_t number)
{
    mr_entry *entry = mr_entry_at(entries, number);
    if (entry->key_length > MR_ENTRY_INLINE) {
        size_t size;
        uint32_t class = key_class(entry->key_length, &size);
        memcpy(entry->key, &entries->free_keys[class], sizeof(char *));
        entries->free_keys[class] = entry->key;
    }
    entry->key_length = 0;
    entry->free_next = entries->free_first;
    entries->free_first = number;
}
