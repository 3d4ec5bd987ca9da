#include "engine/state/state_private.h"

#include "engine/base/assert.h"
#include "engine/base/hash.h"
#include "engine/state/walk.h"

#include <stdlib.h>

#define TABLES_MAX UINT16_MAX
#define DROPPED_BYTES 16u  /* what a dropped slice takes in a delta, roughly */
#define NEXT_ENTRIES 8192u /* of a base by key, at a time */

/* What a walk over entries needs in every step. */
typedef struct entry_walk {
    mr_status (*visit)(void *context, const mr_store_change *change, mr_error *err);
    void *context;
    mr_error *err;
    mr_buffer value;    /* written by the layout */
    mr_entry **entries; /* of one slice, sorted */
    size_t capacity;
} entry_walk;

mr_state *mr_state_new(mr_budget *budget)
{
    mr_state *state = calloc(1, sizeof *state);
    MR_ASSERT(state != NULL);
    state->budget = budget;
    return state;
}

void mr_state_free(mr_state *state)
{
    if (state == NULL)
        return;
    for (uint32_t i = 0; i < state->tables_count; i++)
        mr_table_free(state->tables[i]);
    mr_away_release(&state->away);
    free(state->tables);
    free(state);
}

mr_table *mr_state_table(mr_state *state, const mr_table_layout *layout)
{
    MR_ASSERT(state->tables_count < TABLES_MAX);
    MR_ASSERT((layout->write == NULL) == (layout->read == NULL));
    state->tables = realloc(state->tables, (state->tables_count + 1) * sizeof *state->tables);
    MR_ASSERT(state->tables != NULL);
    mr_table *table =
        mr_table_new(layout, (uint16_t)state->tables_count, &state->away, state->budget);
    state->tables[state->tables_count++] = table;
    return table;
}

uint32_t mr_state_tables_count(const mr_state *state)
{
    return state->tables_count;
}

const char *mr_state_table_name(const mr_state *state, uint32_t table)
{
    MR_ASSERT(table < state->tables_count);
    return state->tables[table]->layout.name;
}

static mr_entry **walk_room(entry_walk *walk, uint32_t count)
{
    if (count > walk->capacity || walk->entries == NULL) {
        walk->capacity = count > 64 ? count : 64;
        free(walk->entries);
        walk->entries = malloc(walk->capacity * sizeof *walk->entries);
        MR_ASSERT(walk->entries != NULL);
    }
    return walk->entries;
}

static void walk_release(entry_walk *walk)
{
    free(walk->entries);
    mr_buffer_release(&walk->value);
}

static mr_status visit_put(entry_walk *walk, const mr_table *table, mr_store_change *change,
                           const void *value)
{
    change->operation = MR_STORE_PUT;
    change->value_length = table->layout.value_size;
    change->value = value;
    if (table->layout.write != NULL) {
        mr_buffer_clear(&walk->value);
        table->layout.write(table->layout.context, value, &walk->value);
        MR_ASSERT(walk->value.length <= UINT32_MAX);
        change->value_length = (uint32_t)walk->value.length;
        change->value = walk->value.length > 0 ? walk->value.data : "";
    }
    return walk->visit(walk->context, change, walk->err);
}

static mr_status visit_entry(entry_walk *walk, const mr_table *table, uint16_t number,
                             const mr_slice *slice, mr_entry *entry)
{
    mr_store_change change = {
        .table = number,
        .slice = slice->id,
        .key_length = entry->key_length,
        .key = mr_entry_key(entry),
    };
    if ((entry->mark & MR_ENTRY_REMOVED) == 0)
        return visit_put(walk, table, &change, mr_entry_value(entry));
    change.operation = MR_STORE_DELETE;
    change.value = "";
    return walk->visit(walk->context, &change, walk->err);
}

static mr_status visit_entries(entry_walk *walk, const mr_table *table, uint16_t number,
                               const mr_slice *slice, uint32_t count)
{
    mr_status status = MR_OK;
    for (uint32_t i = 0; i < count && status == MR_OK; i++)
        status = visit_entry(walk, table, number, slice, walk->entries[i]);
    return status;
}

static mr_status visit_drop(entry_walk *walk, uint16_t number, int64_t slice_id)
{
    mr_store_change change = {
        .table = number,
        .slice = slice_id,
        .operation = MR_STORE_DROP_SLICE,
        .key = "",
        .value = "",
    };
    return walk->visit(walk->context, &change, walk->err);
}

static int compare_ids(const void *left, const void *right)
{
    int64_t a = *(const int64_t *)left, b = *(const int64_t *)right;
    return (a > b) - (a < b);
}

/* Dropped ids and slices are both sorted, so one pass merges them. */
static mr_status table_changes(entry_walk *walk, mr_table *table, uint16_t number)
{
    if (table->dropped_count > 1)
        qsort(table->dropped, table->dropped_count, sizeof *table->dropped, compare_ids);
    mr_status status = MR_OK;
    uint32_t dropped = 0;
    for (uint32_t i = 0; i < table->slices_count && status == MR_OK; i++) {
        mr_slice *slice = table->slices[i];
        for (; dropped < table->dropped_count && table->dropped[dropped] <= slice->id &&
               status == MR_OK;
             dropped++)
            status = visit_drop(walk, number, table->dropped[dropped]);
        if (status != MR_OK || slice->dirty.count == 0)
            continue;
        uint32_t count = mr_slice_changes(slice, walk_room(walk, slice->dirty.count));
        status = visit_entries(walk, table, number, slice, count);
    }
    for (; dropped < table->dropped_count && status == MR_OK; dropped++)
        status = visit_drop(walk, number, table->dropped[dropped]);
    return status;
}

mr_status mr_state_changes(mr_state *state,
                           mr_status (*visit)(void *context, const mr_store_change *change,
                                              mr_error *err),
                           void *context, mr_error *err)
{
    entry_walk walk = {.visit = visit, .context = context, .err = err};
    mr_status status = MR_OK;
    for (uint32_t i = 0; i < state->tables_count && status == MR_OK; i++)
        status = table_changes(&walk, state->tables[i], (uint16_t)i);
    walk_release(&walk);
    return status;
}

mr_status mr_state_part(mr_state *state, uint32_t part, uint32_t parts,
                        mr_status (*visit)(void *context, const mr_store_change *change,
                                           mr_error *err),
                        void *context, mr_error *err)
{
    MR_ASSERT(part < parts);
    entry_walk walk = {.visit = visit, .context = context, .err = err};
    mr_status status = MR_OK;
    for (uint32_t t = 0; t < state->tables_count; t++) {
        mr_table *table = state->tables[t];
        for (uint32_t s = 0; s < table->slices_count && status == MR_OK; s++) {
            mr_slice *slice = table->slices[s];
            uint32_t count = mr_slice_part(slice, part, parts, walk_room(&walk, slice->count));
            status = visit_entries(&walk, table, (uint16_t)t, slice, count);
        }
    }
    walk_release(&walk);
    return status;
}

mr_status mr_state_entries(mr_state *state,
                           mr_status (*visit)(void *context, const mr_store_change *change,
                                              mr_error *err),
                           void *context, mr_error *err)
{
    return mr_state_part(state, 0, 1, visit, context, err);
}

/* ---- a base by key ---- */

/* The slice that the place is in, or the next one; NULL: there is no more, the place is at its
 * end. */
static mr_slice *slice_at(mr_state *state, mr_state_place *place)
{
    for (; place->table < state->tables_count; place->table++, place->is_begun = false) {
        mr_slice *slice = mr_table_at_or_after(state->tables[place->table],
                                               place->is_begun ? place->slice : INT64_MIN);
        if (slice == NULL)
            continue;
        if (!place->is_begun || slice->id != place->slice)
            place->has_key = false;
        place->slice = slice->id;
        place->is_begun = true;
        return slice;
    }
    place->is_end = true;
    return NULL;
}

static void leave_slice(mr_state_place *place)
{
    place->has_key = false;
    if (place->slice < INT64_MAX) {
        place->slice++;
    } else {
        place->table++;
        place->is_begun = false;
    }
}

static mr_status visit_some(entry_walk *walk, mr_slice *slice, const mr_slice_entry *entries,
                            uint32_t count, size_t *bytes)
{
    mr_status status = MR_OK;
    for (uint32_t i = 0; i < count && status == MR_OK; i++) {
        mr_store_change change = {.table = slice->table->number,
                                  .slice = slice->id,
                                  .key_length = entries[i].key.length,
                                  .key = entries[i].key.bytes};
        status = visit_put(walk, slice->table, &change, entries[i].value);
        *bytes += change.key_length + change.value_length;
    }
    return status;
}

/* Of one slice; `*bytes` grows, up to `most` or a bit beyond. */
static mr_status next_of_slice(entry_walk *walk, mr_slice *slice, mr_state_place *place,
                               size_t most, size_t *bytes)
{
    mr_arena arena = {0};
    mr_walk entries = mr_walk_of(slice);
    mr_status status = MR_OK;
    uint32_t count = NEXT_ENTRIES;
    while (status == MR_OK && count == NEXT_ENTRIES && *bytes < most) {
        mr_arena_reset(&arena);
        mr_slice_entry *some = mr_arena_alloc(&arena, NEXT_ENTRIES * sizeof *some);
        mr_string after =
            mr_string_of(place->has_key ? place->key.data : "", (uint32_t)place->key.length);
        status = mr_walk_next(&entries, place->has_key ? &after : NULL, NEXT_ENTRIES, &arena, some,
                              &count, walk->err);
        if (status == MR_OK)
            status = visit_some(walk, slice, some, count, bytes);
        if (status != MR_OK || count < NEXT_ENTRIES)
            break;
        mr_buffer_clear(&place->key);
        mr_buffer_reserve(&place->key, 1);
        mr_buffer_put(&place->key, some[count - 1].key.bytes, some[count - 1].key.length);
        place->has_key = true;
    }
    if (count < NEXT_ENTRIES)
        leave_slice(place);
    mr_walk_release(&entries);
    mr_arena_release(&arena);
    return status;
}

mr_status mr_state_next(mr_state *state, mr_state_place *place, size_t bytes,
                        mr_status (*visit)(void *context, const mr_store_change *change,
                                           mr_error *err),
                        void *context, mr_error *err)
{
    entry_walk walk = {.visit = visit, .context = context, .err = err};
    mr_status status = MR_OK;
    size_t so_far = 0;
    mr_slice *slice;
    while (status == MR_OK && so_far < bytes && (slice = slice_at(state, place)) != NULL)
        status = next_of_slice(&walk, slice, place, bytes, &so_far);
    walk_release(&walk);
    return status;
}

void mr_state_mark_clean(mr_state *state)
{
    for (uint32_t i = 0; i < state->tables_count; i++)
        mr_table_mark_clean(state->tables[i]);
}

bool mr_state_is_dirty(const mr_state *state)
{
    for (uint32_t t = 0; t < state->tables_count; t++) {
        const mr_table *table = state->tables[t];
        if (table->dropped_count > 0)
            return true;
        for (uint32_t s = 0; s < table->slices_count; s++)
            if (table->slices[s]->dirty.count > 0)
                return true;
    }
    return false;
}

mr_status mr_state_load(mr_state *state, const mr_store_change *change, mr_error *err)
{
    if (change->table >= state->tables_count)
        return mr_error_set(err, MR_E_STATE, "change of table %u, but the plan has %u",
                            change->table, state->tables_count);
    mr_table *table = state->tables[change->table];
    mr_slice *slice = mr_table_find(table, change->slice);
    mr_string key = mr_string_of(change->key, change->key_length);
    switch (change->operation) {
    case MR_STORE_PUT:
        if (slice == NULL)
            slice = mr_table_make(table, change->slice);
        return mr_table_read_value(
            table, change->value, change->value_length,
            mr_slice_load_put(slice, key, mr_hash(change->key, change->key_length)),
            &slice->entries.arena, err);
    case MR_STORE_DELETE:
        if (slice == NULL)
            return MR_OK;
        mr_slice_load_delete(slice, key, mr_hash(change->key, change->key_length));
        if (slice->count == 0 && !slice->is_partial)
            mr_table_remove(table, slice); /* an empty slice is no state: none is in a base */
        return MR_OK;
    case MR_STORE_DROP_SLICE:
        if (slice != NULL)
            mr_table_remove(table, slice);
        return MR_OK;
    }
    return mr_error_set(err, MR_E_STATE, "unknown operation %d in a change of %s",
                        (int)change->operation, table->layout.name);
}

void mr_state_clear(mr_state *state)
{
    for (uint32_t i = 0; i < state->tables_count; i++)
        mr_table_clear(state->tables[i]);
}

size_t mr_state_dirty_bytes(const mr_state *state)
{
    size_t bytes = 0;
    for (uint32_t t = 0; t < state->tables_count; t++) {
        const mr_table *table = state->tables[t];
        bytes += (size_t)table->dropped_count * DROPPED_BYTES;
        for (uint32_t s = 0; s < table->slices_count; s++)
            bytes += table->slices[s]->dirty_bytes;
    }
    return bytes;
}

size_t mr_state_table_bytes(const mr_state *state, uint32_t number)
{
    const mr_table *table = state->tables[number];
    size_t bytes = sizeof *table + (size_t)table->slices_capacity * sizeof(mr_slice *) +
                   (size_t)table->dropped_capacity * sizeof(int64_t);
    for (uint32_t s = 0; s < table->slices_count; s++)
        bytes += mr_slice_bytes(table->slices[s]);
    return bytes;
}

uint64_t mr_state_table_entries(const mr_state *state, uint32_t number)
{
    uint64_t count = 0;
    for (uint32_t s = 0; s < state->tables[number]->slices_count; s++)
        count += state->tables[number]->slices[s]->count;
    return count;
}

size_t mr_state_bytes(const mr_state *state)
{
    size_t bytes = sizeof *state;
    for (uint32_t t = 0; t < state->tables_count; t++)
        bytes += mr_state_table_bytes(state, t);
    return bytes;
}

uint64_t mr_state_entries_count(const mr_state *state)
{
    uint64_t count = 0;
    for (uint32_t t = 0; t < state->tables_count; t++)
        count += mr_state_table_entries(state, t);
    return count;
}
