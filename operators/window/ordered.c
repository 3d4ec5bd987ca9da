#include "operators/window/ordered.h"

#include "engine/base/assert.h"

#include <stdlib.h>

#define BLOCK_MIN 64u

/* Entries of one slice that were read ahead. */
typedef struct block {
    mr_slice_entry *entries;
    uint32_t count, at;
    bool is_last;
} block;

typedef struct merge {
    mr_window_ordered *ordered;
    const mr_accumulators *accumulators;
    block *blocks;
    uint32_t room; /* of each */
    mr_arena *arena;
    mr_error *err;
} merge;

void mr_window_ordered_add(mr_window_ordered *ordered, mr_slice *slice)
{
    ordered->walks = realloc(ordered->walks, (ordered->walks_count + 1) * sizeof *ordered->walks);
    MR_ASSERT(ordered->walks != NULL);
    ordered->walks[ordered->walks_count++] = mr_walk_of(slice);
}

void mr_window_ordered_release(mr_window_ordered *ordered)
{
    for (uint32_t i = 0; i < ordered->walks_count; i++)
        mr_walk_release(&ordered->walks[i]);
    free(ordered->walks);
    *ordered = (mr_window_ordered){0};
}

static mr_status fill(merge *m, uint32_t number, const mr_string *after)
{
    block *b = &m->blocks[number];
    b->at = 0;
    mr_status status = mr_walk_next(&m->ordered->walks[number], after, m->room, m->arena,
                                    b->entries, &b->count, m->err);
    b->is_last = b->count < m->room;
    return status;
}

static mr_status begin(merge *m, const mr_string *after, uint32_t max)
{
    uint32_t slices = m->ordered->walks_count;
    m->room = slices == 1 || max / slices > BLOCK_MIN ? max / slices : BLOCK_MIN;
    m->blocks = mr_arena_zalloc(m->arena, slices, sizeof *m->blocks);
    mr_status status = MR_OK;
    for (uint32_t i = 0; i < slices && status == MR_OK; i++) {
        m->blocks[i].entries = mr_arena_alloc(m->arena, m->room * sizeof(mr_slice_entry));
        status = fill(m, i, after);
    }
    return status;
}

/* The entry that comes next in a block; NULL: its slice has no more. */
static const mr_slice_entry *front(const block *b)
{
    return b->at < b->count ? &b->entries[b->at] : NULL;
}

static const mr_slice_entry *lowest(const merge *m)
{
    const mr_slice_entry *low = NULL;
    for (uint32_t i = 0; i < m->ordered->walks_count; i++) {
        const mr_slice_entry *at = front(&m->blocks[i]);
        if (at != NULL && (low == NULL || mr_string_compare(at->key, low->key) < 0))
            low = at;
    }
    return low;
}

/* All entries of that key into one group. */
static mr_status take(merge *m, const mr_slice_entry *low, mr_slice_entry *to)
{
    *to = *low;
    to->value = mr_arena_zalloc(m->arena, 1, m->accumulators->size + 1);
    mr_status status = MR_OK;
    for (uint32_t i = 0; i < m->ordered->walks_count && status == MR_OK; i++) {
        block *b = &m->blocks[i];
        const mr_slice_entry *at = front(b);
        if (at == NULL || mr_string_compare(at->key, to->key) != 0)
            continue;
        mr_accumulators_merge(m->accumulators, to->value, at->value, NULL);
        b->at++;
        if (b->at == b->count && !b->is_last)
            status = fill(m, i, &to->key);
    }
    return status;
}

mr_status mr_window_ordered_next(mr_window_ordered *ordered, const mr_accumulators *accumulators,
                                 const mr_string *after, uint32_t max, mr_arena *arena,
                                 mr_slice_entry *entries, uint32_t *count, mr_error *err)
{
    *count = 0;
    if (ordered->walks_count == 1)
        return mr_walk_next(&ordered->walks[0], after, max, arena, entries, count, err);
    merge m = {.ordered = ordered, .accumulators = accumulators, .arena = arena, .err = err};
    mr_status status = ordered->walks_count > 0 ? begin(&m, after, max) : MR_OK;
    const mr_slice_entry *low;
    while (status == MR_OK && ordered->walks_count > 0 && *count < max &&
           (low = lowest(&m)) != NULL)
        status = take(&m, low, &entries[(*count)++]);
    return status;
}
