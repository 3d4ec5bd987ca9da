/*
 * State tables: keyed state of one operator in memory, cut into slices of time.
 *
 *   table (operator, role) -> slice (id) -> entry (key bytes -> fixed-size value)
 *
 * A slice is one hash table: control bytes, u32 index into an arena of entries {hash, key, value};
 * keys up to 16 bytes inline. A whole batch is hashed first, prefetched, then probed. Values are
 * `value_size` bytes, zeroed on insert, addresses stable until the entry is removed or the slice
 * dropped. What a value points to (strings) lives in the slice's arena. A dropped slice is an arena
 * freed whole.
 *
 * Changes are tracked: an upserted, touched or removed entry is dirty until `mr_state_mark_clean`;
 * the delta lists dirty entries sorted by (table, slice, key). A slice without entries is not
 * state: it is in no delta and gone after a restart. Iteration order within a slice is unspecified;
 * whoever needs one sorts by (hash, key), which is equal on every machine and after every restart.
 *
 * Entries of a table that allows it (`may_leave`) leave memory while they are as the local store
 * has them, and come back when their keys are asked for: a whole batch in one sorted look, so that
 * a slice that is in memory costs nothing more. A slice that has entries outside is partial. A read
 * that fails gives zeroed values and is told by mr_state_check, before anything is committed.
 * Thread: the engine's. Errors: none but programmer errors and that one; memory is counted as
 * MR_BUDGET_TABLES.
 */
#ifndef MR_ENGINE_STATE_TABLE_H
#define MR_ENGINE_STATE_TABLE_H

#include "engine/base/arena.h"
#include "engine/base/buffer.h"
#include "engine/base/error.h"
#include "engine/batch/string.h"

typedef struct mr_table mr_table;
typedef struct mr_slice mr_slice;

typedef struct mr_table_layout {
    const char *name; /* stable over restarts: "<operator id>/<role>" */
    uint32_t value_size;
    /* How a value travels in deltas and in RocksDB. Both NULL: its bytes as they are. `read`
     * returns false when the bytes are malformed; strings it keeps are copied into `arena` (the
     * slice's). */
    void (*write)(const void *context, const void *value, mr_buffer *to);
    bool (*read)(const void *context, const char *bytes, size_t length, void *value,
                 mr_arena *arena);
    const void *context;
    /* Entries may leave memory between two calls of the operator, which holds no addresses of
     * values then (or has pinned the slice), asks for keys only or walks (walk.h), and has no
     * strings in the slice's arena. */
    bool may_leave;
} mr_table_layout;

/* The slice, NULL when there is none; `_make` creates it. */
mr_slice *mr_table_find(mr_table *table, int64_t slice_id);
mr_slice *mr_table_make(mr_table *table, int64_t slice_id);

/* The slice with the smallest id >= `slice_id`; NULL: none. For walking slices in order. */
mr_slice *mr_table_at_or_after(mr_table *table, int64_t slice_id);

/* Forgets the slice and all its entries (one entry in the delta). */
void mr_table_drop(mr_table *table, mr_slice *slice);

int64_t mr_slice_id(const mr_slice *slice);
uint32_t mr_slice_count(const mr_slice *slice); /* in memory */

/* Some of its entries may be in the local store only. */
bool mr_slice_is_partial(const mr_slice *slice);

/* What the local store has of these keys comes into memory; what it does not have is known not to
 * be there. For callers that ask for keys one by one afterwards. */
void mr_slice_fetch(mr_slice *slice, const mr_string *keys, const uint64_t *hashes, uint32_t count);

/* Brings all entries into memory. */
mr_status mr_slice_complete(mr_slice *slice, mr_error *err);

/* None of its entries leaves memory as long as it is pinned. */
void mr_slice_pin(mr_slice *slice, bool is_pinned);
mr_arena *mr_slice_arena(mr_slice *slice);

/* Finds or inserts `count` keys (copied) and marks them dirty: `values[i]` gets the address of key
 * i's value. Equal keys get equal addresses. A hash is mr_hash of the key's bytes, here and below
 * (loading makes it again from them). */
void mr_slice_upsert(mr_slice *slice, const mr_string *keys, const uint64_t *hashes, uint32_t count,
                     void **values);

/* One key, without making or dirtying it; NULL when absent. */
void *mr_slice_get(mr_slice *slice, mr_string key, uint64_t hash);

/* The same for `count` keys at once: `values[i]` is NULL where key i is absent. */
void mr_slice_find(mr_slice *slice, const mr_string *keys, const uint64_t *hashes, uint32_t count,
                   void **values);

/* Marks an entry found by `get` or by iteration dirty: its value changed in place. */
void mr_slice_touch(mr_slice *slice, void *value);

/* The key of the entry that this value is of; valid until it is removed. */
mr_string mr_slice_key(void *value);

/* Removes a key; false when absent. */
bool mr_slice_remove(mr_slice *slice, mr_string key, uint64_t hash);

typedef struct mr_slice_entry {
    uint64_t hash;
    mr_string key; /* valid until the entry is removed */
    void *value;
} mr_slice_entry;

/* All entries, in no particular order, into `entries` (room for mr_slice_count). Not of a partial
 * slice. */
void mr_slice_entries(mr_slice *slice, mr_slice_entry *entries);

#endif
