#include "engine/state/away.h"

#include "engine/base/assert.h"
#include "engine/base/hash.h"
#include "engine/state/table_private.h"
#include "engine/state/walk.h"

#include <stdlib.h>

#define COMPLETE_ENTRIES 4096u

void mr_away_release(mr_away *away)
{
    free(away->wanted);
    free(away->keys);
    free(away->are_found);
    *away = (mr_away){0};
}

/* ---- coming back ---- */

static void make_room(mr_away *away, uint32_t count)
{
    if (count <= away->room)
        return;
    away->room = count;
    away->wanted = realloc(away->wanted, count * sizeof *away->wanted);
    away->keys = realloc(away->keys, count * sizeof *away->keys);
    away->are_found = realloc(away->are_found, count * sizeof *away->are_found);
    MR_ASSERT(away->wanted != NULL && away->keys != NULL && away->are_found != NULL);
}

static int compare_wanted(const void *left, const void *right)
{
    const mr_away_wanted *a = left, *b = right;
    return mr_string_compare(a->key, b->key);
}

static bool may_be_away(const mr_slice *slice, mr_string key, uint64_t hash)
{
    return (slice->left == NULL || mr_key_filter_may_hold(slice->left, hash)) &&
           !mr_away_is_absent(slice, key, hash);
}

/* The keys that are not in memory and may be away, sorted, each once. Returns how many. */
static uint32_t list_wanted(mr_slice *slice, const mr_string *keys, const uint64_t *hashes,
                            uint32_t count)
{
    mr_away *away = slice->table->away;
    uint32_t wanted = 0, kept = 0;
    make_room(away, count);
    for (uint32_t i = 0; i < count; i++)
        if (mr_slice_resident(slice, keys[i], hashes[i]) == NULL &&
            may_be_away(slice, keys[i], hashes[i]))
            away->wanted[wanted++] = (mr_away_wanted){keys[i], hashes[i]};
    if (wanted > 1)
        qsort(away->wanted, wanted, sizeof *away->wanted, compare_wanted);
    for (uint32_t i = 0; i < wanted; i++)
        if (kept == 0 || mr_string_compare(away->wanted[kept - 1].key, away->wanted[i].key) != 0)
            away->wanted[kept++] = away->wanted[i];
    return kept;
}

static mr_status take_back(void *context, size_t number, const mr_store_change *entry,
                           mr_error *err)
{
    mr_slice *slice = context;
    mr_away *away = slice->table->away;
    const mr_away_wanted *wanted = &away->wanted[number];
    away->are_found[number] = true;
    away->returned++;
    return mr_table_read_value(slice->table, entry->value, entry->value_length,
                               mr_slice_load_put(slice, wanted->key, wanted->hash),
                               &slice->entries.arena, err);
}

void mr_away_fetch(mr_slice *slice, const mr_string *keys, const uint64_t *hashes, uint32_t count,
                   bool is_remembered)
{
    mr_away *away = slice->table->away;
    if (away->failed.status != MR_OK)
        return;
    uint32_t wanted = list_wanted(slice, keys, hashes, count);
    if (wanted == 0)
        return;
    MR_ASSERT(away->store != NULL);
    for (uint32_t i = 0; i < wanted; i++) {
        away->keys[i] = (mr_store_change){.table = slice->table->number,
                                          .slice = slice->id,
                                          .key = away->wanted[i].key.bytes,
                                          .key_length = away->wanted[i].key.length};
        away->are_found[i] = false;
    }
    away->looks++;
    mr_error err;
    if (away->store->class->find(away->store, away->keys, wanted, take_back, slice, &err) != MR_OK)
        away->failed = err;
    for (uint32_t i = 0; is_remembered && i < wanted; i++)
        if (!away->are_found[i])
            mr_away_note_absent(slice, away->wanted[i].key, away->wanted[i].hash);
}

static mr_status load_rest(mr_slice *slice, mr_walk *walk, mr_error *err)
{
    mr_status status = MR_OK;
    mr_arena arena = {0};
    mr_buffer last = {0};
    uint32_t count = COMPLETE_ENTRIES;
    mr_string after;
    for (bool is_first = true; status == MR_OK && count == COMPLETE_ENTRIES; is_first = false) {
        mr_arena_reset(&arena);
        mr_slice_entry *some = mr_arena_alloc(&arena, COMPLETE_ENTRIES * sizeof *some);
        status = mr_walk_next(walk, is_first ? NULL : &after, COMPLETE_ENTRIES, &arena, some,
                              &count, err);
        if (status != MR_OK || count == 0)
            break;
        mr_string *keys = mr_arena_alloc(&arena, count * sizeof *keys);
        uint64_t *hashes = mr_arena_alloc(&arena, count * sizeof *hashes);
        for (uint32_t i = 0; i < count; i++)
            keys[i] = some[i].key, hashes[i] = some[i].hash;
        mr_buffer_clear(&last);
        mr_buffer_put(&last, keys[count - 1].bytes, keys[count - 1].length);
        after = mr_string_of(last.data, (uint32_t)last.length);
        mr_away_fetch(slice, keys, hashes, count, false);
        status = slice->table->away->failed.status;
        if (status != MR_OK)
            *err = slice->table->away->failed;
    }
    mr_buffer_release(&last);
    mr_arena_release(&arena);
    return status;
}

mr_status mr_slice_complete(mr_slice *slice, mr_error *err)
{
    if (!slice->is_partial)
        return MR_OK;
    mr_walk walk = mr_walk_of(slice);
    mr_status status = load_rest(slice, &walk, err);
    mr_walk_release(&walk);
    if (status != MR_OK)
        return status;
    slice->is_partial = false;
    mr_slice_free(slice->absent);
    slice->absent = NULL;
    mr_away_forget_left(slice);
    return MR_OK;
}

/* ---- absent keys ---- */

void mr_away_note_absent(mr_slice *slice, mr_string key, uint64_t hash)
{
    if (slice->absent == NULL)
        slice->absent = mr_slice_new(slice->id, 0, slice->budget);
    (void)mr_slice_load_put(slice->absent, key, hash);
}

bool mr_away_is_absent(const mr_slice *slice, mr_string key, uint64_t hash)
{
    return slice->absent != NULL && mr_slice_resident(slice->absent, key, hash) != NULL;
}

void mr_away_settle(mr_slice *slice)
{
    mr_slice_free(slice->absent);
    slice->absent = NULL;
    for (uint32_t i = 0; i < slice->removed.count; i++) {
        const mr_entry *entry = mr_entry_at(&slice->entries, slice->removed.items[i]);
        mr_away_note_absent(slice, mr_string_of(mr_entry_key(entry), entry->key_length),
                            entry->hash);
    }
}

/* ---- leaving ---- */

static bool is_live(const mr_entry *entry)
{
    return (entry->mark & MR_ENTRY_REMOVED) == 0;
}

/* Commits with changes in the slice since its own last one; 0: it is dirty. */
static uint32_t age_of(const mr_slice *slice, const mr_entry *entry)
{
    uint32_t age = slice->epoch - (entry->mark >> 2);
    return age < MR_AWAY_AGES - 1 ? age : MR_AWAY_AGES - 1;
}

void mr_away_count(const mr_slice *slice, uint64_t counts[MR_AWAY_AGES])
{
    for (uint32_t number = 0; number < slice->entries.used; number++) {
        const mr_entry *entry = mr_entry_at(&slice->entries, number);
        if (is_live(entry))
            counts[age_of(slice, entry)]++;
    }
}

/* Removed in this epoch, and committed state knows it: the delta will name it. */
static bool is_mourned(const mr_slice *slice, const mr_entry *entry)
{
    return mr_slice_is_marked(slice, entry) && (entry->mark & MR_ENTRY_FLAGS) == MR_ENTRY_REMOVED;
}

static bool is_kept(const mr_slice *slice, const mr_entry *entry)
{
    return is_live(entry) || is_mourned(slice, entry);
}

/* Numbers of `list` that are of no use are left out, others follow their entries. */
static void renumber(mr_numbers *list, const uint32_t *moved_to, uint32_t used)
{
    uint32_t kept = 0;
    for (uint32_t i = 0; i < list->count; i++) {
        uint32_t number = list->items[i];
        number = number < used ? number : moved_to[number - used];
        if (number != MR_ENTRY_NONE)
            list->items[kept++] = number;
    }
    list->count = kept;
}

/* `dirty` names entries that left no trace, too; their memory is about to be another's. */
static void forget_traceless(mr_slice *slice)
{
    uint32_t kept = 0;
    for (uint32_t i = 0; i < slice->dirty.count; i++) {
        uint32_t number = slice->dirty.items[i];
        mr_entry *entry = mr_entry_at(&slice->entries, number);
        if (is_kept(slice, entry))
            slice->dirty.items[kept++] = number;
        else
            entry->mark = MR_ENTRY_REMOVED; /* whoever gets its memory is not in the list */
    }
    slice->dirty.count = kept;
}

/* Moves entries from the end into what is free in front, until nothing is. */
static void compact(mr_slice *slice, uint32_t used)
{
    mr_entries *entries = &slice->entries;
    uint32_t low = 0, over = entries->used - used;
    uint32_t *moved_to = malloc(((size_t)over + 1) * sizeof *moved_to);
    MR_ASSERT(moved_to != NULL);
    for (uint32_t number = used; number < entries->used; number++) {
        const mr_entry *entry = mr_entry_at(entries, number);
        moved_to[number - used] = MR_ENTRY_NONE;
        if (!is_kept(slice, entry))
            continue;
        while (is_kept(slice, mr_entry_at(entries, low)))
            low++;
        MR_ASSERT(low < used);
        memcpy(mr_entry_at(entries, low), entry, entries->stride);
        moved_to[number - used] = low;
    }
    renumber(&slice->dirty, moved_to, used);
    renumber(&slice->removed, moved_to, used);
    free(moved_to);
    mr_entries_truncate(entries, used);
}

void mr_away_note_left(mr_slice *slice, uint64_t hash)
{
    if (!slice->is_partial)
        slice->left = mr_key_filter_new(slice->budget);
    slice->is_partial = true;
    if (slice->left != NULL)
        mr_key_filter_add(slice->left, hash);
}

void mr_away_forget_left(mr_slice *slice)
{
    mr_key_filter_free(slice->left);
    slice->left = NULL;
}

uint32_t mr_away_evict(mr_slice *slice, uint32_t age_min)
{
    MR_ASSERT(age_min > 0 && !slice->is_pinned && slice->table->layout.may_leave);
    uint32_t left = 0, used = 0;
    forget_traceless(slice);
    for (uint32_t number = 0; number < slice->entries.used; number++) {
        mr_entry *entry = mr_entry_at(&slice->entries, number);
        if (is_live(entry) && age_of(slice, entry) >= age_min) {
            mr_away_note_left(slice, entry->hash);
            mr_entries_free(&slice->entries, number);
            entry->mark = MR_ENTRY_REMOVED;
            left++;
        }
        used += is_kept(slice, entry);
    }
    if (left == 0)
        return 0;
    slice->count -= left;
    slice->moves++;
    slice->table->away->left += left;
    compact(slice, used);
    mr_slice_rehash(slice);
    return left;
}
