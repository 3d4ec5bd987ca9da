#include "operators/window/results.h"

#include "engine/state/key.h"

#define US_PER_MS INT64_C(1000)

static void fill_bounds(const mr_window_config *config, mr_batch *batch,
                        const mr_window_bounds *bounds)
{
    mr_type time = mr_type_not_null(mr_type_time(MR_TYPE_TIMESTAMP, 3));
    mr_vector *columns = batch->columns + config->keys_count;
    columns[0] = mr_vector_new(time, batch->rows, batch->arena);
    columns[1] = mr_vector_new(time, batch->rows, batch->arena);
    if (config->has_window_time)
        columns[2] = mr_vector_new(config->window_time_type, batch->rows, batch->arena);
    batch->event_time = mr_arena_alloc(batch->arena, batch->rows * sizeof(int64_t));
    for (uint32_t r = 0; r < batch->rows; r++) {
        columns[0].i64[r] = bounds[r].start * US_PER_MS;
        columns[1].i64[r] = bounds[r].end * US_PER_MS;
        if (config->has_window_time)
            columns[2].i64[r] = bounds[r].time * US_PER_MS;
        batch->event_time[r] = bounds[r].time;
    }
}

mr_status mr_window_emit(const mr_window_config *config, const mr_accumulators *accumulators,
                         const mr_slice_entry *entries, const mr_window_bounds *bounds,
                         uint32_t count, mr_output *out, mr_error *err)
{
    mr_arena *arena = mr_output_arena(out);
    uint32_t fixed = config->keys_count + 2 + (config->has_window_time ? 1 : 0);
    mr_batch batch = mr_batch_new(fixed + config->aggregates_count, count, arena);
    mr_string *keys = mr_arena_alloc(arena, count * sizeof *keys);
    void **values = mr_arena_alloc(arena, count * sizeof *values);
    for (uint32_t i = 0; i < count; i++) {
        keys[i] = entries[i].key;
        values[i] = entries[i].value;
    }
    mr_status status = mr_key_decode(config->key_types, config->keys_count, keys, count, arena,
                                     batch.columns, err);
    if (status != MR_OK)
        return status;
    fill_bounds(config, &batch, bounds);
    mr_row_errors errors = {.arena = arena};
    for (uint32_t a = 0; a < config->aggregates_count; a++) {
        mr_vector *result = &batch.columns[fixed + a];
        *result = mr_vector_new(config->aggregates[a].result_type, count, arena);
        mr_aggregate_result(&config->aggregates[a], values, accumulators->offsets[a], count, result,
                            arena, &errors);
    }
    if (errors.count == 0)
        return mr_output_emit(out, MR_PORT_MAIN, &batch, err);
    mr_row_errors_settle(&errors);
    status = mr_output_dead(out, &batch, &errors, err);
    uint32_t *kept = mr_arena_alloc(arena, count * sizeof *kept);
    uint32_t good = mr_row_errors_exclude(&errors, NULL, count, kept);
    mr_batch narrowed = mr_batch_select(&batch, kept, good);
    return status == MR_OK ? mr_output_emit(out, MR_PORT_MAIN, &narrowed, err) : status;
}
