#include "engine/commit/pending.h"

#include "engine/base/assert.h"

#include <stdlib.h>
#include <string.h>

void mr_pending_init(mr_pending *pending, mr_budget *budget)
{
    *pending = (mr_pending){0};
    mr_arena_init(&pending->arena, (size_t)64 * 1024, budget, MR_BUDGET_STAGING);
}

void mr_pending_release(mr_pending *pending)
{
    mr_arena_release(&pending->arena);
    free(pending->changes);
    *pending = (mr_pending){0};
}

mr_status mr_pending_add(void *context, const mr_store_change *change, mr_error *err)
{
    (void)err;
    mr_pending *pending = context;
    if (pending->count == pending->capacity) {
        pending->capacity = pending->capacity != 0 ? pending->capacity * 2 : 256;
        pending->changes = realloc(pending->changes, pending->capacity * sizeof *pending->changes);
        MR_ASSERT(pending->changes != NULL);
    }
    mr_store_change copy = *change;
    copy.key = mr_arena_copy(&pending->arena, change->key, change->key_length);
    copy.value = mr_arena_copy(&pending->arena, change->value, change->value_length);
    pending->changes[pending->count++] = copy;
    return MR_OK;
}

void mr_pending_seal(mr_pending *pending, const mr_store_marker *marker)
{
    pending->marker = *marker;
    pending->epochs++;
}

static int compare_place(const mr_store_change *a, const mr_store_change *b)
{
    if (a->table != b->table)
        return a->table < b->table ? -1 : 1;
    if (a->slice != b->slice)
        return a->slice < b->slice ? -1 : 1;
    return 0;
}

/* By place, then key, then time (changes lie in time order, so addresses tell). A drop stands
 * before all keys of its slice. */
static int compare_changes(const mr_store_change *a, const mr_store_change *b)
{
    int order = compare_place(a, b);
    bool a_drops = a->operation == MR_STORE_DROP_SLICE,
         b_drops = b->operation == MR_STORE_DROP_SLICE;
    if (order == 0 && a_drops != b_drops)
        order = a_drops ? -1 : 1;
    if (order == 0 && !a_drops) {
        uint32_t shared = a->key_length < b->key_length ? a->key_length : b->key_length;
        order = shared > 0 ? memcmp(a->key, b->key, shared) : 0;
        if (order == 0)
            order = (a->key_length > b->key_length) - (a->key_length < b->key_length);
    }
    return order != 0 ? order : (a > b) - (a < b);
}

/* Of two neighbours, the first no drop: then the second, if of the same slice, is none either. */
static bool is_same_key(const mr_store_change *a, const mr_store_change *b)
{
    return compare_place(a, b) == 0 && a->key_length == b->key_length &&
           (a->key_length == 0 || memcmp(a->key, b->key, a->key_length) == 0);
}

/* Merges the sorted runs [left, middle) and [middle, right) of `from` into `to`. */
static void merge_runs(const mr_store_change *const *from, const mr_store_change **to, size_t left,
                       size_t middle, size_t right)
{
    size_t a = left, b = middle;
    for (size_t at = left; at < right; at++) {
        bool takes_first = b == right || (a < middle && compare_changes(from[a], from[b]) <= 0);
        to[at] = takes_first ? from[a++] : from[b++];
    }
}

/* Merges the runs that are there: each delta is one, and each part of a base. A sort that does not
 * look for them took a restore a second a million entries. `list` is taken, the result given. */
static const mr_store_change **sort_changes(const mr_store_change **list, size_t count)
{
    const mr_store_change **spare = malloc((count + 1) * sizeof *spare);
    size_t *ends = malloc((count + 1) * sizeof *ends);
    MR_ASSERT(spare != NULL && ends != NULL);
    size_t runs = 0;
    for (size_t i = 1; i <= count; i++)
        if (i == count || compare_changes(list[i - 1], list[i]) > 0)
            ends[runs++] = i;
    while (runs > 1) {
        size_t merged = 0, left = 0;
        for (size_t r = 0; r < runs; r += 2) {
            size_t right = ends[r + 1 < runs ? r + 1 : r];
            merge_runs(list, spare, left, ends[r], right);
            ends[merged++] = left = right;
        }
        runs = merged;
        const mr_store_change **other = list;
        list = spare;
        spare = other;
    }
    free(ends);
    free(spare);
    return list;
}

/* The changes that matter, sorted, in new memory; `count` gets how many. */
static mr_store_change *collapse(const mr_pending *pending, size_t *count)
{
    const mr_store_change **sorted = malloc((pending->count + 1) * sizeof *sorted);
    MR_ASSERT(sorted != NULL);
    for (size_t i = 0; i < pending->count; i++)
        sorted[i] = &pending->changes[i];
    sorted = sort_changes(sorted, pending->count);
    mr_store_change *kept = malloc((pending->count + 1) * sizeof *kept);
    MR_ASSERT(kept != NULL);
    size_t n = 0;
    const mr_store_change *drop = NULL; /* newest drop of the slice at hand */
    for (size_t i = 0; i < pending->count; i++) {
        const mr_store_change *change = sorted[i];
        if (drop != NULL && compare_place(drop, change) != 0)
            drop = NULL;
        if (change->operation == MR_STORE_DROP_SLICE) {
            if (drop == NULL)
                kept[n++] = *change;
            drop = change;
        } else if ((drop == NULL || change > drop) &&
                   (i + 1 == pending->count || !is_same_key(change, sorted[i + 1]))) {
            kept[n++] = *change;
        }
    }
    free(sorted);
    *count = n;
    return kept;
}

mr_status mr_pending_apply(mr_pending *pending, mr_local_store *store, mr_error *err)
{
    if (pending->epochs == 0)
        return MR_OK;
    size_t count;
    mr_store_change *changes = collapse(pending, &count);
    mr_status status = store->class->apply(store, changes, count, &pending->marker, err);
    free(changes);
    if (status == MR_OK)
        mr_pending_clear(pending);
    return status;
}

void mr_pending_clear(mr_pending *pending)
{
    mr_arena_reset(&pending->arena);
    pending->count = 0;
    pending->epochs = 0;
}

size_t mr_pending_bytes(const mr_pending *pending)
{
    return pending->arena.bytes + pending->count * sizeof *pending->changes;
}
