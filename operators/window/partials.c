#include "operators/window/partials.h"

#include "engine/base/assert.h"
#include "engine/state/key.h"
#include "operators/aggregate/columns.h"

#include <inttypes.h>

bool mr_window_has_partials(const mr_window_config *config)
{
    for (uint32_t a = 0; a < config->aggregates_count; a++)
        if (config->aggregates[a].is_distinct)
            return false;
    return config->kind != MR_WINDOW_SESSION;
}

mr_schema mr_window_partials_schema(const mr_window_config *config, mr_arena *arena)
{
    uint32_t room = config->keys_count + 1 + config->aggregates_count * MR_AGGREGATE_COLUMNS_MAX;
    mr_field *fields = mr_arena_zalloc(arena, room, sizeof *fields);
    uint32_t count = 0;
    for (uint32_t k = 0; k < config->keys_count; k++)
        fields[count++] =
            (mr_field){mr_arena_printf(arena, "key%" PRIu32, k), config->key_types[k]};
    fields[count++] = (mr_field){"slice", mr_type_not_null(mr_type_of(MR_TYPE_BIGINT))};
    for (uint32_t a = 0; a < config->aggregates_count; a++) {
        mr_type types[MR_AGGREGATE_COLUMNS_MAX];
        uint32_t columns = mr_aggregate_columns(&config->aggregates[a], types);
        for (uint32_t c = 0; c < columns; c++)
            fields[count++] =
                (mr_field){mr_arena_printf(arena, "aggregate%" PRIu32 "_%" PRIu32, a, c), types[c]};
    }
    return (mr_schema){.columns_count = count, .columns = fields};
}

mr_status mr_window_make_partials(const mr_window_config *config,
                                  const mr_accumulators *accumulators,
                                  const mr_slice_entry *entries, const int64_t *slices,
                                  uint32_t count, mr_arena *arena, mr_batch *batch, mr_error *err)
{
    uint32_t columns = config->keys_count + 1;
    mr_type types[MR_AGGREGATE_COLUMNS_MAX];
    for (uint32_t a = 0; a < config->aggregates_count; a++)
        columns += mr_aggregate_columns(&config->aggregates[a], types);
    *batch = mr_batch_new(columns, count, arena);
    mr_string *keys = mr_arena_alloc(arena, count * sizeof *keys);
    void **values = mr_arena_alloc(arena, count * sizeof *values);
    for (uint32_t i = 0; i < count; i++) {
        keys[i] = entries[i].key;
        values[i] = entries[i].value;
    }
    mr_status status = mr_key_decode(config->key_types, config->keys_count, keys, count, arena,
                                     batch->columns, err);
    if (status != MR_OK)
        return status;
    mr_vector *next = batch->columns + config->keys_count;
    *next = mr_vector_new(mr_type_not_null(mr_type_of(MR_TYPE_BIGINT)), count, arena);
    memcpy(next->i64, slices, count * sizeof *slices);
    next++;
    for (uint32_t a = 0; a < config->aggregates_count; a++) {
        mr_aggregate_to_columns(&config->aggregates[a], values, accumulators->offsets[a], count,
                                next, arena);
        next += mr_aggregate_columns(&config->aggregates[a], types);
    }
    return MR_OK;
}

bool mr_window_slice_is_plain(const mr_grid *grid, int64_t slice)
{
    int64_t start;
    return !__builtin_mul_overflow(slice, grid->width_ms, &start) &&
           !__builtin_add_overflow(start, grid->offset_ms, &start) && mr_grid_holds(grid, start);
}

/* A slice that no time has, or whose windows have fired: nothing would ever come of it. */
static mr_status check_slice(const mr_window_partials *to, int64_t slice, mr_error *err)
{
    const mr_grid *grid = to->grid;
    if (!mr_window_slice_is_plain(grid, slice))
        return mr_error_set(err, MR_E_PARTIAL, "partials of slice %" PRId64 ", which no time has",
                            slice);
    if (mr_grid_first_open(grid, slice, to->watermark_ms) != slice + 1)
        return mr_error_set(err, MR_E_PARTIAL,
                            "partials of slice %" PRId64 " came behind watermark %" PRId64
                            ", which has fired one of its windows",
                            slice, to->watermark_ms);
    return MR_OK;
}

static bool merge(const mr_window_partials *to, const mr_batch *batch, uint32_t row, void *value,
                  mr_arena *strings)
{
    const mr_vector *columns = batch->columns + to->config->keys_count + 1;
    for (uint32_t a = 0; a < to->config->aggregates_count; a++) {
        const mr_aggregate *aggregate = &to->config->aggregates[a];
        mr_type types[MR_AGGREGATE_COLUMNS_MAX];
        _Alignas(16) char partial[64];
        if (!mr_aggregate_from_columns(aggregate, columns, row, partial))
            return false;
        mr_aggregate_merge(aggregate, (char *)value + to->accumulators->offsets[a], partial,
                           strings);
        columns += mr_aggregate_columns(aggregate, types);
    }
    return true;
}

mr_status mr_window_take_partials(const mr_window_partials *to, const mr_batch *batch,
                                  mr_error *err)
{
    const mr_window_config *config = to->config;
    uint32_t count = batch->selected;
    uint32_t *rows = mr_arena_alloc(to->arena, count * sizeof *rows);
    mr_string *keys = mr_arena_alloc(to->arena, count * sizeof *keys);
    uint64_t *hashes = mr_arena_alloc(to->arena, count * sizeof *hashes);
    const mr_vector **columns =
        mr_arena_alloc(to->arena, (config->keys_count + 1) * sizeof *columns);
    for (uint32_t k = 0; k < config->keys_count; k++)
        columns[k] = &batch->columns[k];
    for (uint32_t i = 0; i < count; i++)
        rows[i] = mr_batch_row(batch, i);
    mr_key_encode(columns, config->keys_count, rows, count, to->arena, keys, hashes);
    const int64_t *slices = batch->columns[config->keys_count].i64;
    for (uint32_t i = 0, end; i < count; i = end) { /* runs of one slice */
        int64_t number = slices[rows[i]];
        mr_status status = check_slice(to, number, err);
        if (status != MR_OK)
            return status;
        for (end = i + 1; end < count && slices[rows[end]] == number;)
            end++;
        mr_slice *slice = mr_table_make(to->groups, mr_grid_id(to->grid, number, 0));
        void **values = mr_arena_alloc(to->arena, (end - i) * sizeof *values);
        mr_slice_upsert(slice, keys + i, hashes + i, end - i, values);
        for (uint32_t r = i; r < end; r++)
            if (!merge(to, batch, rows[r], values[r - i], mr_slice_arena(slice)))
                return mr_error_set(err, MR_E_PARTIAL,
                                    "partials of slice %" PRId64 " that no batch comes to", number);
    }
    return MR_OK;
}
