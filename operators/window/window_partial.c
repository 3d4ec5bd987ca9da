#include "operators/window/window_partial.h"

#include "engine/base/assert.h"
#include "operators/window/intake.h"
#include "operators/window/partials.h"

#include <inttypes.h>
#include <stdlib.h>

typedef struct window_partial {
    mr_operator base;
    const mr_window_config *config;
    mr_grid grid;
    mr_accumulators accumulators;
    mr_state *scratch; /* of one batch */
    mr_table *groups;
    const int64_t *floor_ms;
    int64_t watermark_ms; /* last received */
} window_partial;

static mr_status open_partial(const mr_operator_context *context, mr_operator **op, mr_error *err)
{
    (void)err;
    const mr_window_config *config = context->config;
    window_partial *self = calloc(1, sizeof *self);
    MR_ASSERT(self != NULL && mr_window_has_partials(config));
    self->base.class = &mr_window_partial_class;
    self->config = config;
    self->grid = mr_grid_of(config->kind, config->size_ms, config->slide_ms, config->offset_ms,
                            config->is_local ? context->expr->zone : NULL);
    self->accumulators =
        mr_accumulators_of(config->aggregates, config->aggregates_count, 0, context->arena);
    mr_table_layout groups = {.name = "groups", .value_size = self->accumulators.size};
    self->scratch = mr_state_new(context->budget);
    self->groups = mr_state_table(self->scratch, &groups);
    self->floor_ms = context->floor_ms;
    self->watermark_ms = MR_TIME_NONE;
    *op = &self->base;
    return MR_OK;
}

static void close_partial(mr_operator *op)
{
    window_partial *self = (window_partial *)op;
    mr_state_free(self->scratch);
    free(self);
}

/* Rows of a batch: grouped here, or raw. */
typedef struct split {
    mr_window_intake taken;
    uint32_t *raw;
    uint32_t raw_count;
} split;

static void judge(const window_partial *self, split *to, mr_row_errors *errors)
{
    const mr_batch *batch = to->taken.batch;
    const mr_grid *grid = &self->grid;
    mr_window_intake *taken = &to->taken;
    mr_near_slice near = {0};
    int64_t least = self->watermark_ms > *self->floor_ms ? self->watermark_ms : *self->floor_ms;
    for (uint32_t i = 0; i < batch->selected; i++) {
        uint32_t row = mr_batch_row(batch, i);
        int64_t time = batch->event_time != NULL ? batch->event_time[row] : MR_TIME_NONE;
        int64_t wm = least;
        if (batch->watermark != NULL && batch->watermark[row] > wm)
            wm = batch->watermark[row];
        if (time >= near.from_ms && time < near.to_ms && wm < near.open_ms) {
            taken->rows[taken->count] = row;
            taken->ids[taken->count++] = near.id;
            continue;
        }
        if (!mr_window_may_hold(grid, time, row, errors))
            continue;
        int64_t slice = mr_grid_slice(grid, time);
        if (mr_grid_first_open(grid, slice, wm) != slice + 1 ||
            !mr_window_slice_is_plain(grid, slice)) {
            to->raw[to->raw_count++] = row;
            continue;
        }
        near = mr_near_slice_of(grid, slice);
        taken->rows[taken->count] = row;
        taken->ids[taken->count++] = mr_grid_id(grid, slice, 0);
    }
}

/* The groups of the batch, slice by slice. */
static mr_status emit_groups(window_partial *self, uint32_t rows, mr_output *out, mr_error *err)
{
    mr_arena *arena = mr_output_arena(out);
    mr_slice_entry *entries = mr_arena_alloc(arena, rows * sizeof *entries);
    int64_t *slices = mr_arena_alloc(arena, rows * sizeof *slices);
    uint32_t count = 0;
    mr_slice *slice = mr_table_at_or_after(self->groups, INT64_MIN);
    while (slice != NULL) {
        int64_t id = mr_slice_id(slice);
        uint32_t here = mr_slice_count(slice);
        MR_ASSERT(count + here <= rows);
        mr_slice_entries(slice, entries + count);
        for (uint32_t i = 0; i < here; i++)
            slices[count + i] = mr_grid_id_slice(&self->grid, id);
        count += here;
        slice = id < INT64_MAX ? mr_table_at_or_after(self->groups, id + 1) : NULL;
    }
    mr_batch batch;
    mr_status status = mr_window_make_partials(self->config, &self->accumulators, entries, slices,
                                               count, arena, &batch, err);
    return status == MR_OK ? mr_output_emit(out, MR_PORT_MAIN, &batch, err) : status;
}

static mr_status on_batch(mr_operator *op, uint32_t input, const mr_batch *batch, mr_output *out,
                          mr_progress *progress, mr_error *err)
{
    (void)input;
    (void)progress;
    window_partial *self = (window_partial *)op;
    mr_arena *arena = mr_output_arena(out);
    split rows = {.taken = {.config = self->config,
                            .accumulators = &self->accumulators,
                            .groups = self->groups,
                            .batch = batch,
                            .arena = arena}};
    rows.taken.rows = mr_arena_alloc(arena, batch->selected * sizeof *rows.taken.rows);
    rows.taken.ids = mr_arena_alloc(arena, batch->selected * sizeof *rows.taken.ids);
    rows.raw = mr_arena_alloc(arena, batch->selected * sizeof *rows.raw);
    mr_row_errors errors = {.arena = arena};
    judge(self, &rows, &errors);
    op->counts.rows_in += batch->selected;
    op->counts.accepted += rows.taken.count + rows.raw_count;
    op->counts.dead += errors.count;
    mr_status status = errors.count > 0 ? mr_output_dead(out, batch, &errors, err) : MR_OK;
    if (status == MR_OK && rows.raw_count > 0) {
        mr_batch raw = mr_batch_select(batch, rows.raw, rows.raw_count);
        status = mr_output_emit(out, MR_PORT_RAW, &raw, err);
    }
    uint32_t taken = rows.taken.count;
    if (status != MR_OK || taken == 0)
        return status;
    mr_state_clear(self->scratch);
    mr_window_take(&rows.taken);
    return emit_groups(self, taken, out, err);
}

static mr_status on_watermark(mr_operator *op, int64_t watermark_ms, mr_output *out,
                              mr_progress *progress, mr_error *err)
{
    (void)out;
    (void)progress;
    (void)err;
    ((window_partial *)op)->watermark_ms = watermark_ms;
    return MR_OK;
}

const mr_operator_class mr_window_partial_class = {
    .name = "window_partial",
    .open = open_partial,
    .on_batch = on_batch,
    .on_watermark = on_watermark,
    .close = close_partial,
};
