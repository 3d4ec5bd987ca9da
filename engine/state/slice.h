/*
 * A slice from the inside: what table.c and state.c need of it besides table.h.
 *
 *   control: | 16 bytes | 16 bytes | ..   one byte a slot, searched a group at a time (group.h)
 *   slots:   | 16 x u32 | 16 x u32 | ..   number of the slot's entry (entry.h)
 *
 * Groups are tried in triangular order from the one the hash names; a search ends at a group with
 * an empty slot. At most 7/8 of the slots are full or deleted.
 *
 * `dirty` holds the number of every entry changed in this epoch, once, in no order. An entry
 * removed that committed state knows keeps its key until `mark_clean` (`removed`), so that the
 * delta can name it; one made and removed in the same epoch is free at once and leaves no trace.
 *
 * Of a partial slice the local store may hold more. `absent` then names keys that are no entries
 * whatever the store says: removed since it was written to last, or looked for in vain. A key that
 * `left` does not know is none either: the store is asked only for keys that were there once.
 */
#ifndef MR_ENGINE_STATE_SLICE_H
#define MR_ENGINE_STATE_SLICE_H

#include "engine/state/entry.h"
#include "engine/state/key_filter.h"
#include "engine/state/table.h"

typedef struct mr_numbers {
    uint32_t *items;
    uint32_t count;
    uint32_t capacity;
} mr_numbers;

struct mr_slice {
    int64_t id;
    mr_table *table; /* NULL: of none */
    uint8_t *control;
    uint32_t *slots;
    uint32_t groups_mask;
    uint32_t count;     /* entries */
    uint32_t free_left; /* empty slots that may still be filled before growing */
    uint32_t epoch;     /* of the marks; moves when something was dirty */
    bool is_committed;  /* committed state may hold entries of it */
    bool is_partial;
    bool is_pinned;
    uint64_t moves;   /* inserts, removals, evictions: what a walk listed is right while it stays */
    mr_slice *absent; /* keys without values; NULL: none */
    mr_key_filter *left; /* all keys that left, and perhaps others; NULL: nobody knows */
    mr_entries entries;
    mr_numbers dirty;
    mr_numbers removed;
    size_t dirty_bytes;
    size_t table_bytes;
    mr_budget *budget;
};

/* The last epoch number a mark can hold. */
#define MR_SLICE_EPOCH_MAX (UINT32_MAX >> 2)

mr_slice *mr_slice_new(int64_t id, uint32_t value_size, mr_budget *budget);
void mr_slice_free(mr_slice *slice);

/* The value of a key that is in memory; NULL: it is not. */
void *mr_slice_resident(const mr_slice *slice, mr_string key, uint64_t hash);

/* Control bytes and slots are made again, from the entries. */
void mr_slice_rehash(mr_slice *slice);

/* Changed since the last mark_clean. */
static inline bool mr_slice_is_marked(const mr_slice *slice, const mr_entry *entry)
{
    return entry->mark >> 2 == slice->epoch;
}

/* The value of a committed key, made when absent, without marking it dirty: for loading. */
void *mr_slice_load_put(mr_slice *slice, mr_string key, uint64_t hash);
void mr_slice_load_delete(mr_slice *slice, mr_string key, uint64_t hash);

/* Changed entries sorted by key, at most one a key; room for `slice->dirty.count`. Returns how
 * many. An entry with MR_ENTRY_REMOVED is a delete. */
uint32_t mr_slice_changes(mr_slice *slice, mr_entry **entries);

/* The entries of one part of so many, by their hash, sorted by key; room for `slice->count`.
 * Returns how many. */
uint32_t mr_slice_part(mr_slice *slice, uint32_t part, uint32_t parts, mr_entry **entries);

void mr_slice_mark_clean(mr_slice *slice);

size_t mr_slice_bytes(const mr_slice *slice);

#endif
