#include "operators/join/due.h"

#include "engine/base/assert.h"
#include "engine/base/hash.h"

#include <stdlib.h>

void mr_join_due_init(mr_join_due *due, mr_budget *budget)
{
    *due = (mr_join_due){.listed = INT64_MIN, .budget = budget};
}

void mr_join_due_release(mr_join_due *due)
{
    mr_budget_add(due->budget, MR_BUDGET_TABLES, -(int64_t)(due->capacity * sizeof *due->heap));
    free(due->heap);
    *due = (mr_join_due){0};
}

static bool comes_before(const mr_join_due_row *a, const mr_join_due_row *b)
{
    if (a->time_ms != b->time_ms)
        return a->time_ms < b->time_ms;
    if (a->list == b->list)
        return a->at < b->at;
    mr_string key_a = mr_slice_key(a->list), key_b = mr_slice_key(b->list);
    uint64_t hash_a = mr_hash(key_a.bytes, key_a.length);
    uint64_t hash_b = mr_hash(key_b.bytes, key_b.length);
    return hash_a != hash_b ? hash_a < hash_b : mr_string_compare(key_a, key_b) < 0;
}

void mr_join_due_push(mr_join_due *due, mr_join_due_row row)
{
    if (due->count == due->capacity) {
        size_t more = due->capacity > 0 ? due->capacity : 64;
        due->capacity += more;
        due->heap = realloc(due->heap, due->capacity * sizeof *due->heap);
        MR_ASSERT(due->heap != NULL);
        mr_budget_add(due->budget, MR_BUDGET_TABLES, (int64_t)(more * sizeof *due->heap));
    }
    size_t at = due->count++;
    while (at > 0 && comes_before(&row, &due->heap[(at - 1) / 2])) {
        due->heap[at] = due->heap[(at - 1) / 2];
        at = (at - 1) / 2;
    }
    due->heap[at] = row;
}

const mr_join_due_row *mr_join_due_first(const mr_join_due *due)
{
    return due->count > 0 ? &due->heap[0] : NULL;
}

void mr_join_due_pop(mr_join_due *due)
{
    MR_ASSERT(due->count > 0);
    mr_join_due_row last = due->heap[--due->count];
    size_t at = 0, child;
    while ((child = 2 * at + 1) < due->count) {
        if (child + 1 < due->count && comes_before(&due->heap[child + 1], &due->heap[child]))
            child++;
        if (!comes_before(&due->heap[child], &last))
            break;
        due->heap[at] = due->heap[child];
        at = child;
    }
    due->heap[at] = last;
}

void mr_join_due_list(mr_join_due *due, const mr_join_layout *layout, mr_slice *slice)
{
    mr_arena scratch = {0};
    uint32_t count = mr_slice_count(slice);
    mr_slice_entry *entries = mr_arena_alloc(&scratch, count * sizeof *entries);
    mr_slice_entries(slice, entries);
    for (uint32_t i = 0; i < count; i++) {
        mr_join_list *list = entries[i].value;
        mr_join_row row;
        for (uint32_t at = 0; mr_join_list_next(layout, mr_slice_id(slice), list, &at, &row);)
            if (!row.is_settled)
                mr_join_due_push(
                    due, (mr_join_due_row){
                             .time_ms = row.time_ms, .slice = slice, .list = list, .at = row.at});
    }
    mr_arena_release(&scratch);
}
