#include "operators/window/intake.h"

#include "engine/state/key.h"
#include "operators/window/distinct.h"

#include <inttypes.h>

bool mr_window_may_hold(const mr_grid *grid, int64_t time_ms, uint32_t row, mr_row_errors *errors)
{
    bool has_time = time_ms != MR_TIME_NONE;
    if (has_time && mr_grid_holds(grid, time_ms))
        return true;
    if (has_time)
        mr_row_errors_add(errors, row, MR_E_ROW_WINDOW_RANGE,
                          "no window can hold the event time %" PRId64 " ms", time_ms);
    else
        mr_row_errors_add(errors, row, MR_E_ROW_WINDOW_TIME,
                          "the event time is NULL: the row belongs to no window");
    return false;
}

/* Not with a zone: there a slice need not be one stretch of time. */
mr_near_slice mr_near_slice_of(const mr_grid *grid, int64_t slice)
{
    if (grid->zone != NULL)
        return (mr_near_slice){0};
    int64_t end = mr_grid_window_end(grid, slice + 1);
    return (mr_near_slice){.from_ms = end - grid->width_ms,
                           .to_ms = end,
                           .open_ms = mr_grid_window_time(grid, slice + 1),
                           .id = mr_grid_id(grid, slice, 0)};
}

/* Adds rows (all of one slice) to one aggregate. `at[i]` is the group of row i. */
static void add_to_aggregate(mr_window_intake *in, uint32_t a, int64_t id, const uint32_t *rows,
                             void *const *at, mr_arena *const *arenas, const mr_string *keys,
                             uint32_t count)
{
    const mr_aggregate *aggregate = &in->config->aggregates[a];
    mr_aggregate_rows add = {
        .argument = aggregate->argument >= 0 ? &in->batch->columns[aggregate->argument] : NULL,
        .rows = rows,
        .count = count,
        .values = at,
        .offset = in->accumulators->offsets[a],
        .arenas = arenas};
    const mr_string *groups = keys;
    if (aggregate->filter >= 0) {
        uint32_t *kept = mr_arena_alloc(in->arena, count * sizeof *kept);
        uint32_t n = mr_aggregate_passing(in->batch, aggregate->filter, rows, count, kept);
        uint32_t *kept_rows = mr_arena_alloc(in->arena, n * sizeof *kept_rows);
        void **kept_at = mr_arena_alloc(in->arena, n * sizeof *kept_at);
        mr_string *kept_keys = mr_arena_alloc(in->arena, n * sizeof *kept_keys);
        for (uint32_t i = 0; i < n; i++) {
            kept_rows[i] = rows[kept[i]];
            kept_at[i] = at[kept[i]];
            kept_keys[i] = keys[kept[i]];
        }
        add.rows = kept_rows;
        add.values = kept_at;
        add.count = n;
        groups = kept_keys;
    }
    if (aggregate->is_distinct)
        mr_distinct_add(mr_table_make(in->distinct, id), aggregate, (uint16_t)a, &add, groups, NULL,
                        in->arena);
    else
        mr_aggregate_add(aggregate, &add);
}

/* `count` rows of one slice. */
static void add_to_slice(mr_window_intake *in, int64_t id, const uint32_t *rows,
                         const mr_string *keys, const uint64_t *hashes, uint32_t count)
{
    mr_slice *slice = mr_table_make(in->groups, id);
    void **at = mr_arena_alloc(in->arena, count * sizeof *at);
    mr_arena **arenas = NULL;
    if (in->accumulators->needs_arenas) {
        arenas = mr_arena_alloc(in->arena, count * sizeof *arenas);
        for (uint32_t i = 0; i < count; i++)
            arenas[i] = mr_slice_arena(slice);
    }
    mr_slice_upsert(slice, keys, hashes, count, at);
    for (uint32_t a = 0; a < in->config->aggregates_count; a++)
        add_to_aggregate(in, a, id, rows, at, arenas, keys, count);
}

/* Slices of a batch are few: one pass a slice, over the rows not yet placed. */
static void place(mr_window_intake *in)
{
    uint32_t left = in->count, same = 1;
    while (same < left && in->ids[same] == in->ids[0])
        same++;
    if (same == left) { /* the usual batch lies in one slice */
        add_to_slice(in, in->ids[0], in->rows, in->keys, in->hashes, left);
        return;
    }
    uint32_t *rows = mr_arena_alloc(in->arena, left * sizeof *rows);
    mr_string *keys = mr_arena_alloc(in->arena, left * sizeof *keys);
    uint64_t *hashes = mr_arena_alloc(in->arena, left * sizeof *hashes);
    while (left > 0) {
        int64_t id = in->ids[0];
        uint32_t here = 0, rest = 0;
        for (uint32_t i = 0; i < left; i++) {
            if (in->ids[i] == id) {
                rows[here] = in->rows[i];
                keys[here] = in->keys[i];
                hashes[here++] = in->hashes[i];
            } else {
                in->rows[rest] = in->rows[i];
                in->keys[rest] = in->keys[i];
                in->hashes[rest] = in->hashes[i];
                in->ids[rest++] = in->ids[i];
            }
        }
        add_to_slice(in, id, rows, keys, hashes, here);
        left = rest;
    }
}

void mr_window_take(mr_window_intake *in)
{
    const mr_window_config *config = in->config;
    const mr_vector **columns =
        mr_arena_alloc(in->arena, (config->keys_count + 1) * sizeof *columns);
    for (uint32_t k = 0; k < config->keys_count; k++)
        columns[k] = &in->batch->columns[config->keys[k]];
    in->keys = mr_arena_alloc(in->arena, in->count * sizeof *in->keys);
    in->hashes = mr_arena_alloc(in->arena, in->count * sizeof *in->hashes);
    mr_key_encode(columns, config->keys_count, in->rows, in->count, in->arena, in->keys,
                  in->hashes);
    place(in);
}
