#include "engine/state/slice.h"

#include "engine/base/assert.h"
#include "engine/state/away.h"
#include "engine/state/group.h"
#include "engine/state/sort.h"

#include <stdlib.h>

/* Rows between the stages of one (take_all): enough to cover a miss each, few enough that the lines
 * are still there. */
#define GUESS_AFTER 6u
#define KEY_AFTER 11u
#define TAKE_AFTER 16u
#define CACHE_LINE 64u
/* A slice this small stays in the L2 cache by itself. */
#define PREFETCH_COUNT_MIN 2048u

static uint8_t control_of(uint64_t hash)
{
    return (uint8_t)(hash >> 57);
}

/* ---- memory ---- */

static void count_table(mr_slice *slice, int64_t bytes)
{
    slice->table_bytes = (size_t)((int64_t)slice->table_bytes + bytes);
    mr_budget_add(slice->budget, MR_BUDGET_TABLES, bytes);
}

static void numbers_add(mr_slice *slice, mr_numbers *numbers, uint32_t number)
{
    if (numbers->count == numbers->capacity) {
        uint32_t capacity = numbers->capacity != 0 ? numbers->capacity * 2 : 16;
        numbers->items = realloc(numbers->items, (size_t)capacity * sizeof *numbers->items);
        MR_ASSERT(numbers->items != NULL);
        count_table(slice, (int64_t)(capacity - numbers->capacity) * (int64_t)sizeof(uint32_t));
        numbers->capacity = capacity;
    }
    numbers->items[numbers->count++] = number;
}

static void numbers_release(mr_slice *slice, mr_numbers *numbers)
{
    count_table(slice, -(int64_t)numbers->capacity * (int64_t)sizeof(uint32_t));
    free(numbers->items);
    *numbers = (mr_numbers){0};
}

static int64_t table_size(uint32_t groups)
{
    return (int64_t)groups * MR_GROUP_SLOTS * (int64_t)(1 + sizeof(uint32_t));
}

static void make_table(mr_slice *slice, uint32_t groups)
{
    size_t slots = (size_t)groups * MR_GROUP_SLOTS;
    /* A group's slots are one cache line. */
    slice->control = aligned_alloc(MR_GROUP_SLOTS, slots);
    slice->slots = aligned_alloc(CACHE_LINE, slots * sizeof *slice->slots);
    MR_ASSERT(slice->control != NULL && slice->slots != NULL);
    memset(slice->control, MR_CONTROL_EMPTY, slots);
    slice->groups_mask = groups - 1;
    slice->free_left = (uint32_t)(slots / 8 * 7);
    count_table(slice, table_size(groups));
}

mr_slice *mr_slice_new(int64_t id, uint32_t value_size, mr_budget *budget)
{
    mr_slice *slice = calloc(1, sizeof *slice);
    MR_ASSERT(slice != NULL);
    slice->id = id;
    slice->epoch = 1;
    slice->budget = budget;
    mr_entries_init(&slice->entries, value_size, budget);
    make_table(slice, 1);
    return slice;
}

void mr_slice_free(mr_slice *slice)
{
    if (slice == NULL)
        return;
    numbers_release(slice, &slice->dirty);
    numbers_release(slice, &slice->removed);
    mr_entries_release(&slice->entries);
    count_table(slice, -table_size(slice->groups_mask + 1));
    free(slice->control);
    free(slice->slots);
    mr_slice_free(slice->absent);
    mr_key_filter_free(slice->left);
    free(slice);
}

size_t mr_slice_bytes(const mr_slice *slice)
{
    size_t absent = slice->absent != NULL ? mr_slice_bytes(slice->absent) : 0;
    size_t left = slice->left != NULL ? mr_key_filter_bytes(slice->left) : 0;
    return sizeof *slice + slice->table_bytes + slice->entries.bytes + slice->entries.arena.bytes +
           absent + left;
}

/* ---- probing ---- */

static uint64_t load_u64(const char *bytes)
{
    uint64_t value;
    memcpy(&value, bytes, sizeof value);
    return value;
}

/* Most keys are 9 to 16 bytes (a column or two): two overlapping words instead of a call. */
static bool key_equals(const mr_entry *entry, mr_string key)
{
    if (entry->key_length != key.length)
        return false;
    if (key.length >= 8 && key.length <= MR_ENTRY_INLINE)
        return load_u64(entry->inline_key) == load_u64(key.bytes) &&
               load_u64(entry->inline_key + key.length - 8) == load_u64(key.bytes + key.length - 8);
    return key.length == 0 || memcmp(mr_entry_key(entry), key.bytes, key.length) == 0;
}

/* The slot of a key; false when absent. Inlined by force: it is most of an upsert, and gcc would
 * pass key and slot through memory. */
__attribute__((always_inline)) static inline bool find(const mr_slice *slice, mr_string key,
                                                       uint64_t hash, uint32_t *slot)
{
    uint32_t group = (uint32_t)hash & slice->groups_mask;
    for (uint32_t step = 1;; step++) {
        const uint8_t *control = slice->control + (size_t)group * MR_GROUP_SLOTS;
        uint32_t hits = mr_group_match(control, control_of(hash));
        for (; hits != 0; hits &= hits - 1) {
            uint32_t at = group * MR_GROUP_SLOTS + (uint32_t)__builtin_ctz(hits);
            const mr_entry *entry = mr_entry_at(&slice->entries, slice->slots[at]);
            if (entry->hash == hash && key_equals(entry, key)) {
                *slot = at;
                return true;
            }
        }
        if (mr_group_match(control, MR_CONTROL_EMPTY) != 0)
            return false;
        group = (group + step) & slice->groups_mask;
    }
}

/* The first slot that a new entry of this hash may take. */
static uint32_t free_slot(const mr_slice *slice, uint64_t hash)
{
    uint32_t group = (uint32_t)hash & slice->groups_mask;
    for (uint32_t step = 1;; step++) {
        uint32_t hits = mr_group_free(slice->control + (size_t)group * MR_GROUP_SLOTS);
        if (hits != 0)
            return group * MR_GROUP_SLOTS + (uint32_t)__builtin_ctz(hits);
        group = (group + step) & slice->groups_mask;
    }
}

static void fill_slot(mr_slice *slice, uint32_t number, uint64_t hash)
{
    uint32_t at = free_slot(slice, hash);
    if (slice->control[at] == MR_CONTROL_EMPTY)
        slice->free_left--;
    slice->control[at] = control_of(hash);
    slice->slots[at] = number;
}

/* Entries are read in the order they lie in memory. */
static void rehash(mr_slice *slice, uint32_t groups)
{
    MR_ASSERT(groups <= UINT32_MAX / MR_GROUP_SLOTS / 2);
    count_table(slice, -table_size(slice->groups_mask + 1));
    free(slice->control);
    free(slice->slots);
    make_table(slice, groups);
    for (uint32_t number = 0; number < slice->entries.used; number++) {
        const mr_entry *entry = mr_entry_at(&slice->entries, number);
        if ((entry->mark & MR_ENTRY_REMOVED) == 0)
            fill_slot(slice, number, entry->hash);
    }
}

/* A table of twice the size, or of the same when most of it is deleted slots. */
static void grow(mr_slice *slice)
{
    uint32_t groups = slice->groups_mask + 1;
    uint64_t slots = (uint64_t)groups * MR_GROUP_SLOTS;
    rehash(slice, slice->count > slots * 7 / 16 ? groups * 2 : groups);
}

void mr_slice_rehash(mr_slice *slice)
{
    uint32_t groups = 1;
    while ((uint64_t)groups * MR_GROUP_SLOTS * 7 / 8 <= slice->count)
        groups *= 2;
    rehash(slice, groups);
}

static void clear_slot(mr_slice *slice, uint32_t slot)
{
    const uint8_t *group = slice->control + (slot & ~(MR_GROUP_SLOTS - 1));
    /* A search that went past this group saw it without an empty slot; if it has one, none did. */
    bool may_end = mr_group_match(group, MR_CONTROL_EMPTY) != 0;
    slice->control[slot] = may_end ? MR_CONTROL_EMPTY : MR_CONTROL_DELETED;
    slice->free_left += may_end;
    slice->count--;
    slice->moves++;
}

/* ---- marks ---- */

static void mark(mr_slice *slice, mr_entry *entry, uint32_t number, uint32_t flags)
{
    if (!mr_slice_is_marked(slice, entry))
        numbers_add(slice, &slice->dirty, number);
    slice->dirty_bytes += entry->key_length + slice->entries.value_size;
    entry->mark = slice->epoch << 2 | flags;
}

/* A new entry, in the table, with the mark its memory had (perhaps of this epoch: then `dirty`
 * names its number already). */
static mr_entry *insert(mr_slice *slice, mr_string key, uint64_t hash, uint32_t *number)
{
    if (slice->free_left == 0)
        grow(slice);
    *number = mr_entries_alloc(&slice->entries, key, hash);
    fill_slot(slice, *number, hash);
    slice->count++;
    slice->moves++;
    return mr_entry_at(&slice->entries, *number);
}

static mr_entry *upsert(mr_slice *slice, mr_string key, uint64_t hash)
{
    uint32_t slot, number;
    if (find(slice, key, hash, &slot)) {
        number = slice->slots[slot];
        mr_entry *entry = mr_entry_at(&slice->entries, number);
        if (!mr_slice_is_marked(slice, entry))
            mark(slice, entry, number, 0);
        return entry;
    }
    mr_entry *entry = insert(slice, key, hash, &number);
    mark(slice, entry, number, MR_ENTRY_NEW);
    return entry;
}

/* ---- many keys at once ---- */

/* The lines that probing reads first. */
__attribute__((always_inline)) static inline void ask(const mr_slice *slice, uint64_t hash)
{
    size_t at = (size_t)((uint32_t)hash & slice->groups_mask) * MR_GROUP_SLOTS;
    __builtin_prefetch(slice->control + at);
    __builtin_prefetch(slice->slots + at);
}

/* An entry that may be the key's: most often it is. */
typedef struct guess {
    mr_entry *entry; /* NULL: none has the same seven bits */
    uint32_t number;
} guess;

/* Asks for the lines of the entry. */
__attribute__((always_inline)) static inline guess guess_entry(const mr_slice *slice, uint64_t hash)
{
    size_t at = (size_t)((uint32_t)hash & slice->groups_mask) * MR_GROUP_SLOTS;
    uint32_t hits = mr_group_match(slice->control + at, control_of(hash));
    guess made = {0};
    if (hits != 0) {
        made.number = slice->slots[at + (size_t)__builtin_ctz(hits)];
        made.entry = mr_entry_at(&slice->entries, made.number);
        __builtin_prefetch(made.entry);
        __builtin_prefetch(made.entry + 1);
    }
    return made;
}

/* The value of a key; NULL: there is none. */
__attribute__((always_inline)) static inline void *take(mr_slice *slice, mr_string key,
                                                        uint64_t hash, guess guessed,
                                                        bool is_upsert)
{
    mr_entry *entry = guessed.entry;
    if (entry != NULL && entry->hash == hash && key_equals(entry, key)) {
        if (is_upsert && !mr_slice_is_marked(slice, entry))
            mark(slice, entry, guessed.number, 0);
        return mr_entry_value(entry);
    }
    return is_upsert ? mr_entry_value(upsert(slice, key, hash))
                     : mr_slice_resident(slice, key, hash);
}

/* Rows of different stages take turns, so that the lines of one are on their way while another is
 * compared: asking for those of many rows first would wait for the first of them, and for more
 * lines than a core can await. A row's entry stays where it is in between, whatever is inserted.
 * Compiled twice. */
__attribute__((always_inline)) static inline void take_all(mr_slice *slice, const mr_string *keys,
                                                           const uint64_t *hashes, uint32_t count,
                                                           void **values, bool is_upsert)
{
    guess guessed[TAKE_AFTER];
    for (uint32_t i = 0; i < count + TAKE_AFTER; i++) {
        if (i >= TAKE_AFTER) {
            uint32_t row = i - TAKE_AFTER;
            values[row] = take(slice, keys[row], hashes[row], guessed[row % TAKE_AFTER], is_upsert);
        }
        if (i >= KEY_AFTER && i - KEY_AFTER < count) {
            uint32_t row = i - KEY_AFTER;
            const mr_entry *entry = guessed[row % TAKE_AFTER].entry;
            if (keys[row].length > MR_ENTRY_INLINE && entry != NULL)
                __builtin_prefetch(mr_entry_key(entry));
        }
        if (i >= GUESS_AFTER && i - GUESS_AFTER < count)
            guessed[(i - GUESS_AFTER) % TAKE_AFTER] = guess_entry(slice, hashes[i - GUESS_AFTER]);
        if (i < count)
            ask(slice, hashes[i]);
    }
}

/* ---- the table's functions (table.h) ---- */

int64_t mr_slice_id(const mr_slice *slice)
{
    return slice->id;
}

uint32_t mr_slice_count(const mr_slice *slice)
{
    return slice->count;
}

mr_arena *mr_slice_arena(mr_slice *slice)
{
    return &slice->entries.arena;
}

void mr_slice_upsert(mr_slice *slice, const mr_string *keys, const uint64_t *hashes, uint32_t count,
                     void **values)
{
    if (slice->is_partial)
        mr_away_fetch(slice, keys, hashes, count, false);
    if (slice->count >= PREFETCH_COUNT_MIN) {
        take_all(slice, keys, hashes, count, values, true);
        return;
    }
    for (uint32_t i = 0; i < count; i++)
        values[i] = mr_entry_value(upsert(slice, keys[i], hashes[i]));
}

void mr_slice_find(mr_slice *slice, const mr_string *keys, const uint64_t *hashes, uint32_t count,
                   void **values)
{
    if (slice->is_partial)
        mr_away_fetch(slice, keys, hashes, count, true);
    if (slice->count >= PREFETCH_COUNT_MIN) {
        take_all(slice, keys, hashes, count, values, false);
        return;
    }
    for (uint32_t i = 0; i < count; i++)
        values[i] = mr_slice_resident(slice, keys[i], hashes[i]);
}

void *mr_slice_resident(const mr_slice *slice, mr_string key, uint64_t hash)
{
    uint32_t slot;
    if (!find(slice, key, hash, &slot))
        return NULL;
    return mr_entry_value(mr_entry_at(&slice->entries, slice->slots[slot]));
}

void *mr_slice_get(mr_slice *slice, mr_string key, uint64_t hash)
{
    if (slice->is_partial)
        mr_away_fetch(slice, &key, &hash, 1, true);
    return mr_slice_resident(slice, key, hash);
}

void mr_slice_fetch(mr_slice *slice, const mr_string *keys, const uint64_t *hashes, uint32_t count)
{
    if (slice->is_partial)
        mr_away_fetch(slice, keys, hashes, count, true);
}

bool mr_slice_is_partial(const mr_slice *slice)
{
    return slice->is_partial;
}

void mr_slice_pin(mr_slice *slice, bool is_pinned)
{
    slice->is_pinned = is_pinned;
}

void mr_slice_touch(mr_slice *slice, void *value)
{
    mr_entry *entry = mr_entry_of_value(value);
    MR_ASSERT((entry->mark & MR_ENTRY_REMOVED) == 0);
    if (mr_slice_is_marked(slice, entry))
        return;
    uint32_t slot = 0;
    MR_ASSERT(
        find(slice, mr_string_of(mr_entry_key(entry), entry->key_length), entry->hash, &slot));
    mark(slice, entry, slice->slots[slot], 0);
}

mr_string mr_slice_key(void *value)
{
    const mr_entry *entry = mr_entry_of_value(value);
    return mr_string_of(mr_entry_key(entry), entry->key_length);
}

bool mr_slice_remove(mr_slice *slice, mr_string key, uint64_t hash)
{
    uint32_t slot;
    if (slice->is_partial)
        mr_away_fetch(slice, &key, &hash, 1, true);
    if (!find(slice, key, hash, &slot))
        return false;
    if (slice->is_partial)
        mr_away_note_absent(slice, key, hash);
    uint32_t number = slice->slots[slot];
    mr_entry *entry = mr_entry_at(&slice->entries, number);
    clear_slot(slice, slot);
    if (mr_slice_is_marked(slice, entry) && (entry->mark & MR_ENTRY_NEW) != 0) {
        entry->mark |= MR_ENTRY_REMOVED;
        mr_entries_free(&slice->entries, number);
        return true;
    }
    mark(slice, entry, number, MR_ENTRY_REMOVED);
    numbers_add(slice, &slice->removed, number);
    return true;
}

void mr_slice_entries(mr_slice *slice, mr_slice_entry *entries)
{
    MR_ASSERT(!slice->is_partial);
    uint32_t count = 0;
    for (uint32_t number = 0; number < slice->entries.used; number++) {
        mr_entry *entry = mr_entry_at(&slice->entries, number);
        if ((entry->mark & MR_ENTRY_REMOVED) != 0)
            continue;
        entries[count++] = (mr_slice_entry){
            .hash = entry->hash,
            .key = mr_string_of(mr_entry_key(entry), entry->key_length),
            .value = mr_entry_value(entry),
        };
    }
    MR_ASSERT(count == slice->count);
}

/* ---- deltas and loading (slice.h) ---- */

void *mr_slice_load_put(mr_slice *slice, mr_string key, uint64_t hash)
{
    slice->is_committed = true;
    void *value = mr_slice_resident(slice, key, hash);
    if (value != NULL)
        return value;
    uint32_t number;
    mr_entry *entry = insert(slice, key, hash, &number);
    /* Memory whose mark is of this epoch is in `dirty` already: it stays a change, of nothing. */
    if (mr_slice_is_marked(slice, entry))
        entry->mark &= ~MR_ENTRY_FLAGS;
    else
        entry->mark = (slice->epoch - 1) << 2; /* as if changed a moment ago: it leaves late */
    return mr_entry_value(entry);
}

void mr_slice_load_delete(mr_slice *slice, mr_string key, uint64_t hash)
{
    uint32_t slot;
    slice->is_committed = true;
    if (slice->is_partial)
        mr_away_note_absent(slice, key, hash);
    if (!find(slice, key, hash, &slot))
        return;
    uint32_t number = slice->slots[slot];
    clear_slot(slice, slot);
    mr_entry_at(&slice->entries, number)->mark |= MR_ENTRY_REMOVED;
    mr_entries_free(&slice->entries, number);
}

static bool is_traceless(const mr_entry *entry)
{
    return (entry->mark & MR_ENTRY_FLAGS) == MR_ENTRY_FLAGS;
}

uint32_t mr_slice_changes(mr_slice *slice, mr_entry **entries)
{
    uint32_t count = 0;
    for (uint32_t i = 0; i < slice->dirty.count; i++) {
        mr_entry *entry = mr_entry_at(&slice->entries, slice->dirty.items[i]);
        if (!is_traceless(entry))
            entries[count++] = entry;
    }
    mr_entry_sort(entries, count);
    /* A key removed and made again is there twice: the entry that lives stands for both. */
    uint32_t kept = 0;
    for (uint32_t i = 0; i < count; i++) {
        if (kept == 0 || mr_entry_compare(entries[kept - 1], entries[i]) != 0)
            entries[kept++] = entries[i];
        else if ((entries[i]->mark & MR_ENTRY_REMOVED) == 0)
            entries[kept - 1] = entries[i];
    }
    return kept;
}

uint32_t mr_slice_part(mr_slice *slice, uint32_t part, uint32_t parts, mr_entry **entries)
{
    MR_ASSERT(!slice->is_partial);
    uint32_t count = 0;
    for (uint32_t number = 0; number < slice->entries.used; number++) {
        mr_entry *entry = mr_entry_at(&slice->entries, number);
        if ((entry->mark & MR_ENTRY_REMOVED) == 0 &&
            (parts == 1 || (uint32_t)((entry->hash >> 32) * parts >> 32) == part))
            entries[count++] = entry;
    }
    mr_entry_sort(entries, count);
    return count;
}

/* The epoch number came round: no old mark may look like one of the new epoch. */
static void forget_marks(mr_slice *slice)
{
    for (uint32_t number = 0; number < slice->entries.used; number++)
        mr_entry_at(&slice->entries, number)->mark &= MR_ENTRY_REMOVED;
    slice->epoch = 0;
}

void mr_slice_mark_clean(mr_slice *slice)
{
    slice->is_committed = true;
    slice->dirty_bytes = 0;
    if (slice->dirty.count == 0)
        return;
    for (uint32_t i = 0; i < slice->removed.count; i++)
        mr_entries_free(&slice->entries, slice->removed.items[i]);
    slice->removed.count = 0;
    slice->dirty.count = 0;
    if (slice->epoch == MR_SLICE_EPOCH_MAX)
        forget_marks(slice);
    slice->epoch++;
}
