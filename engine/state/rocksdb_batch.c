#include "engine/state/rocksdb_batch.h"

#include "engine/base/assert.h"

#include <endian.h>
#include <stdlib.h>
#include <string.h>

#define SIGN (UINT64_C(1) << 63)

void mr_store_prefix(uint16_t table, int64_t slice, char *to)
{
    uint16_t t = htobe16(table);
    uint64_t s = htobe64((uint64_t)slice ^ SIGN);
    memcpy(to, &t, sizeof t);
    memcpy(to + sizeof t, &s, sizeof s);
}

void mr_store_prefix_read(const char *bytes, uint16_t *table, int64_t *slice)
{
    uint64_t s;
    memcpy(table, bytes, sizeof *table);
    memcpy(&s, bytes + sizeof *table, sizeof s);
    *table = be16toh(*table);
    *slice = (int64_t)(be64toh(s) ^ SIGN);
}

static int compare_slices(const mr_store_change *a, const mr_store_change *b)
{
    if (a->table != b->table)
        return a->table < b->table ? -1 : 1;
    return (a->slice > b->slice) - (a->slice < b->slice);
}

static int compare_keys(const mr_store_change *a, const mr_store_change *b)
{
    int order = compare_slices(a, b);
    if (order != 0)
        return order;
    uint32_t shared = a->key_length < b->key_length ? a->key_length : b->key_length;
    order = shared > 0 ? memcmp(a->key, b->key, shared) : 0;
    return order != 0 ? order : (a->key_length > b->key_length) - (a->key_length < b->key_length);
}

/* Places in the list break ties: of equal ones the last comes last. */
static int by_slice(const void *left, const void *right)
{
    const mr_store_change *a = *(const mr_store_change *const *)left;
    const mr_store_change *b = *(const mr_store_change *const *)right;
    int order = compare_slices(a, b);
    return order != 0 ? order : (a > b) - (a < b);
}

static int by_key(const void *left, const void *right)
{
    const mr_store_change *a = *(const mr_store_change *const *)left;
    const mr_store_change *b = *(const mr_store_change *const *)right;
    int order = compare_keys(a, b);
    return order != 0 ? order : (a > b) - (a < b);
}

/* Sorts unless that is done already (one delta is), and keeps the last of equal ones. */
static size_t sort_last(const mr_store_change **list, size_t count,
                        int (*by)(const void *, const void *),
                        int (*compare)(const mr_store_change *, const mr_store_change *))
{
    bool is_sorted = true;
    for (size_t i = 1; i < count && is_sorted; i++)
        is_sorted = compare(list[i - 1], list[i]) < 0;
    if (is_sorted)
        return count;
    qsort(list, count, sizeof *list, by);
    size_t kept = 0;
    for (size_t i = 0; i < count; i++)
        if (i + 1 == count || compare(list[i], list[i + 1]) != 0)
            list[kept++] = list[i];
    return kept;
}

/* Whether the slice of a change is dropped further down the list. */
static bool is_undone(const mr_store_plan *plan, const mr_store_change *change)
{
    size_t low = 0, high = plan->drops_count;
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        int order = compare_slices(plan->drops[middle], change);
        if (order == 0)
            return plan->drops[middle] > change;
        if (order < 0)
            low = middle + 1;
        else
            high = middle;
    }
    return false;
}

void mr_store_plan_init(mr_store_plan *plan, const mr_store_change *changes, size_t count)
{
    *plan = (mr_store_plan){0};
    if (count == 0)
        return;
    plan->drops = malloc(count * sizeof *plan->drops);
    plan->entries = malloc(count * sizeof *plan->entries);
    MR_ASSERT(plan->drops != NULL && plan->entries != NULL);
    for (size_t i = 0; i < count; i++) {
        MR_ASSERT(changes[i].table != UINT16_MAX);
        if (changes[i].operation == MR_STORE_DROP_SLICE)
            plan->drops[plan->drops_count++] = &changes[i];
    }
    plan->drops_count = sort_last(plan->drops, plan->drops_count, by_slice, compare_slices);
    for (size_t i = 0; i < count; i++)
        if (changes[i].operation != MR_STORE_DROP_SLICE && !is_undone(plan, &changes[i]))
            plan->entries[plan->entries_count++] = &changes[i];
    plan->entries_count = sort_last(plan->entries, plan->entries_count, by_key, compare_keys);
}

void mr_store_plan_release(mr_store_plan *plan)
{
    free(plan->drops);
    free(plan->entries);
    *plan = (mr_store_plan){0};
}
