#include "engine/state/walk.h"

#include "engine/base/assert.h"
#include "engine/base/hash.h"
#include "engine/state/sort.h"
#include "engine/state/table_private.h"

#include <stdlib.h>

#define RANGE_MIN 16384u
#define RANGES_MAX 16u /* a larger slice has larger ranges: each costs a look at all entries */
#define SAMPLES 1024u

mr_walk mr_walk_of(mr_slice *slice)
{
    return (mr_walk){.slice = slice};
}

void mr_walk_release(mr_walk *walk)
{
    free(walk->range);
    mr_buffer_release(&walk->high);
    *walk = (mr_walk){0};
}

static mr_string key_of(const mr_entry *entry)
{
    return mr_string_of(mr_entry_key(entry), entry->key_length);
}

/* ---- ranges of what is in memory ---- */

typedef struct bounds {
    const mr_string *after; /* NULL: none */
    const mr_string *high;  /* NULL: none */
} bounds;

static bool is_within(const mr_entry *entry, bounds in)
{
    return (entry->mark & MR_ENTRY_REMOVED) == 0 &&
           (in.after == NULL || mr_string_compare(key_of(entry), *in.after) > 0) &&
           (in.high == NULL || mr_string_compare(key_of(entry), *in.high) <= 0);
}

static void add_to_range(mr_walk *walk, mr_entry *entry)
{
    if (walk->range_count == walk->range_capacity) {
        walk->range_capacity = walk->range_capacity != 0 ? walk->range_capacity * 2 : 256;
        walk->range = realloc(walk->range, walk->range_capacity * sizeof *walk->range);
        MR_ASSERT(walk->range != NULL);
    }
    walk->range[walk->range_count++] = entry;
}

/* Every so many of the entries behind `after`, so that about SAMPLES are listed, into the range;
 * `*all` gets how many there are. */
static void sample(mr_walk *walk, const mr_string *after, uint32_t *all)
{
    const mr_slice *slice = walk->slice;
    uint32_t step = slice->count / SAMPLES + 1;
    *all = walk->range_count = 0;
    for (uint32_t number = 0; number < slice->entries.used; number++) {
        mr_entry *entry = mr_entry_at(&slice->entries, number);
        if (!is_within(entry, (bounds){.after = after}))
            continue;
        if (*all % step == 0)
            add_to_range(walk, entry);
        ++*all;
    }
}

static void make_range(mr_walk *walk, const mr_string *after)
{
    const mr_slice *slice = walk->slice;
    uint32_t aim = slice->count / RANGES_MAX > RANGE_MIN ? slice->count / RANGES_MAX : RANGE_MIN;
    uint32_t all = slice->count;
    mr_string high;
    walk->is_last = true;
    if (all > aim) {
        sample(walk, after, &all);
        walk->is_last = all <= aim;
    }
    if (!walk->is_last) {
        mr_entry_sort(walk->range, walk->range_count);
        uint32_t at = (uint32_t)((uint64_t)walk->range_count * aim / all);
        high = key_of(walk->range[at]);
        mr_buffer_clear(&walk->high);
        mr_buffer_put(&walk->high, high.bytes, high.length);
        high = mr_string_of(walk->high.data, high.length);
    }
    bounds in = {.after = after, .high = walk->is_last ? NULL : &high};
    walk->range_count = walk->next = 0;
    for (uint32_t number = 0; number < slice->entries.used; number++) {
        mr_entry *entry = mr_entry_at(&slice->entries, number);
        if (is_within(entry, in))
            add_to_range(walk, entry);
    }
    mr_entry_sort(walk->range, walk->range_count);
    walk->is_made = true;
    walk->moves = slice->moves;
}

/* The next entry in memory; NULL: there is no more. */
static mr_entry *peek(mr_walk *walk)
{
    while (walk->next == walk->range_count && !walk->is_last) {
        mr_buffer high = {0};
        mr_buffer_put(&high, walk->high.data, walk->high.length);
        mr_string after = mr_string_of(high.data != NULL ? high.data : "", (uint32_t)high.length);
        make_range(walk, &after);
        mr_buffer_release(&high);
    }
    return walk->next < walk->range_count ? walk->range[walk->next] : NULL;
}

/* ---- what is away ---- */

typedef struct outside {
    mr_store_cursor *cursor;      /* NULL: nothing is away */
    const mr_store_change *entry; /* NULL: there is no more */
    mr_string key;
} outside;

/* The next entry of the slice that counts unless it is in memory. */
static mr_status step(const mr_walk *walk, outside *at, mr_error *err)
{
    const mr_slice *slice = walk->slice;
    for (;;) {
        mr_status status = at->cursor->class->next(at->cursor, &at->entry, err);
        if (status != MR_OK || at->entry == NULL)
            return status;
        if (at->entry->table != slice->table->number || at->entry->slice != slice->id) {
            at->entry = NULL;
            return MR_OK;
        }
        at->key = mr_string_of(at->entry->key, at->entry->key_length);
        if (slice->absent == NULL ||
            !mr_away_is_absent(slice, at->key, mr_hash(at->key.bytes, at->key.length)))
            return MR_OK;
    }
}

static mr_status open_outside(const mr_walk *walk, const mr_string *after, outside *at,
                              mr_error *err)
{
    const mr_slice *slice = walk->slice;
    *at = (outside){0};
    if (!slice->is_partial)
        return MR_OK;
    const mr_away *away = slice->table->away;
    mr_store_change from = {.table = slice->table->number,
                            .slice = slice->id,
                            .key = after != NULL ? after->bytes : "",
                            .key_length = after != NULL ? after->length : 0};
    MR_ASSERT(away->store != NULL);
    mr_status status = away->store->class->seek(away->store, &from, &at->cursor, err);
    if (status == MR_OK)
        status = step(walk, at, err);
    if (status == MR_OK && after != NULL && at->entry != NULL &&
        mr_string_compare(at->key, *after) == 0)
        status = step(walk, at, err);
    return status;
}

static mr_status take_outside(const mr_walk *walk, const outside *at, mr_arena *arena,
                              mr_slice_entry *to, mr_error *err)
{
    const mr_table *table = walk->slice->table;
    uint32_t size = table->layout.value_size;
    to->key = mr_string_of(mr_arena_copy(arena, at->key.bytes, at->key.length), at->key.length);
    to->hash = mr_hash(to->key.bytes, to->key.length);
    to->value = mr_arena_zalloc(arena, 1, size > 0 ? size : 1);
    return mr_table_read_value(table, at->entry->value, at->entry->value_length, to->value, arena,
                               err);
}

static mr_slice_entry take_inside(mr_entry *entry)
{
    return (mr_slice_entry){
        .hash = entry->hash, .key = key_of(entry), .value = mr_entry_value(entry)};
}

static mr_status merge(mr_walk *walk, outside *at, uint32_t max, mr_arena *arena,
                       mr_slice_entry *entries, uint32_t *count, mr_error *err)
{
    mr_status status = MR_OK;
    while (status == MR_OK && *count < max) {
        mr_entry *inside = peek(walk);
        if (inside == NULL && at->entry == NULL)
            break;
        int order = inside == NULL      ? 1
                    : at->entry == NULL ? -1
                                        : mr_string_compare(key_of(inside), at->key);
        if (order > 0)
            status = take_outside(walk, at, arena, &entries[*count], err);
        else
            entries[*count] = take_inside(inside);
        ++*count;
        walk->next += order <= 0;
        if (status == MR_OK && order >= 0)
            status = step(walk, at, err);
    }
    return status;
}

mr_status mr_walk_next(mr_walk *walk, const mr_string *after, uint32_t max, mr_arena *arena,
                       mr_slice_entry *entries, uint32_t *count, mr_error *err)
{
    *count = 0;
    if (!walk->is_made || walk->moves != walk->slice->moves)
        make_range(walk, after);
    while (after != NULL && peek(walk) != NULL &&
           mr_string_compare(key_of(peek(walk)), *after) <= 0)
        walk->next++;
    outside at;
    mr_status status = open_outside(walk, after, &at, err);
    if (status == MR_OK)
        status = merge(walk, &at, max, arena, entries, count, err);
    if (at.cursor != NULL)
        at.cursor->class->close(at.cursor);
    return status;
}
