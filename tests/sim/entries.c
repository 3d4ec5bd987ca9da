#include "tests/sim/entries.h"

#include <stdlib.h>
#include <string.h>

mr_store_change mr_sim_change_copy(const mr_store_change *change)
{
    mr_store_change copy = *change;
    char *block = malloc((size_t)change->key_length + change->value_length + 1);
    if (block == NULL)
        abort();
    if (change->key_length > 0)
        memcpy(block, change->key, change->key_length);
    if (change->value_length > 0)
        memcpy(block + change->key_length, change->value, change->value_length);
    copy.key = block;
    copy.value = block + change->key_length;
    return copy;
}

void mr_sim_change_release(mr_store_change *change)
{
    free((void *)(uintptr_t)change->key);
}

void mr_sim_entries_release(mr_sim_entries *entries)
{
    for (size_t i = 0; i < entries->count; i++)
        mr_sim_change_release(&entries->entry[i]);
    free(entries->entry);
    *entries = (mr_sim_entries){0};
}

static int compare_slices(const mr_store_change *a, const mr_store_change *b)
{
    if (a->table != b->table)
        return a->table < b->table ? -1 : 1;
    if (a->slice != b->slice)
        return a->slice < b->slice ? -1 : 1;
    return 0;
}

int mr_sim_entries_order(const mr_store_change *a, const mr_store_change *b)
{
    int order = compare_slices(a, b);
    if (order != 0)
        return order;
    uint32_t shorter = a->key_length < b->key_length ? a->key_length : b->key_length;
    order = shorter > 0 ? memcmp(a->key, b->key, shorter) : 0;
    if (order != 0)
        return order;
    return a->key_length < b->key_length ? -1 : a->key_length > b->key_length;
}

/* The first entry that is not before `change`. */
static size_t lower_bound(const mr_sim_entries *entries, const mr_store_change *change)
{
    size_t low = 0;
    size_t high = entries->count;
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        if (mr_sim_entries_order(&entries->entry[middle], change) < 0)
            low = middle + 1;
        else
            high = middle;
    }
    return low;
}

bool mr_sim_entries_find(const mr_sim_entries *entries, const mr_store_change *change, size_t *at)
{
    *at = lower_bound(entries, change);
    return *at < entries->count && mr_sim_entries_order(&entries->entry[*at], change) == 0;
}

static void remove_range(mr_sim_entries *entries, size_t first, size_t end)
{
    for (size_t i = first; i < end; i++)
        mr_sim_change_release(&entries->entry[i]);
    memmove(&entries->entry[first], &entries->entry[end],
            (entries->count - end) * sizeof *entries->entry);
    entries->count -= end - first;
}

static void insert(mr_sim_entries *entries, size_t at, mr_store_change change)
{
    if (entries->count == entries->capacity) {
        entries->capacity = entries->capacity != 0 ? entries->capacity * 2 : 16;
        entries->entry = realloc(entries->entry, entries->capacity * sizeof *entries->entry);
        if (entries->entry == NULL)
            abort();
    }
    memmove(&entries->entry[at + 1], &entries->entry[at],
            (entries->count - at) * sizeof *entries->entry);
    entries->entry[at] = change;
    entries->count++;
}

static void drop_slice(mr_sim_entries *entries, const mr_store_change *change)
{
    mr_store_change first = {.table = change->table, .slice = change->slice};
    size_t begin = lower_bound(entries, &first);
    size_t end = begin;
    while (end < entries->count && compare_slices(&entries->entry[end], change) == 0)
        end++;
    if (end > begin)
        remove_range(entries, begin, end);
}

void mr_sim_entries_apply(mr_sim_entries *entries, const mr_store_change *change)
{
    if (change->operation == MR_STORE_DROP_SLICE) {
        drop_slice(entries, change);
        return;
    }
    size_t at = lower_bound(entries, change);
    if (at < entries->count && mr_sim_entries_order(&entries->entry[at], change) == 0)
        remove_range(entries, at, at + 1);
    if (change->operation == MR_STORE_PUT)
        insert(entries, at, mr_sim_change_copy(change));
}

void mr_sim_entries_copy(mr_sim_entries *entries, const mr_sim_entries *from)
{
    mr_sim_entries_release(entries);
    for (size_t i = 0; i < from->count; i++)
        insert(entries, i, mr_sim_change_copy(&from->entry[i]));
}
