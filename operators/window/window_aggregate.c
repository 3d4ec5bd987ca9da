#include "operators/window/window_aggregate.h"

#include "engine/base/assert.h"
#include "engine/base/hash.h"
#include "engine/run/late.h"
#include "engine/state/key.h"
#include "operators/window/cursor.h"
#include "operators/window/distinct.h"
#include "operators/window/intake.h"
#include "operators/window/order.h"
#include "operators/window/ordered.h"
#include "operators/window/partials.h"
#include "operators/window/results.h"

#include <inttypes.h>
#include <stdlib.h>

#define ROWS_PER_CALL (MR_BATCH_ROWS_MAX * 4)
/* A window of more groups fires in the order of its keys: to list them all takes as much again. */
#define HASH_ORDER_MAX (1u << 18)

typedef struct window_aggregate {
    mr_operator base;
    const mr_window_config *config;
    mr_grid grid;
    mr_accumulators accumulators;
    mr_table *groups, *distinct, *cursors;
    mr_state *scratch; /* where the slices of a window are combined */
    mr_table *combined, *combined_seen;
    int64_t watermark_ms; /* last received */
    /* The window under way: its groups in order. Kept between calls, rebuilt after a restart. */
    mr_arena firing_arena;
    mr_slice_entry *firing;
    uint32_t firing_count;
    int64_t firing_window;
    mr_window_ordered ordered; /* or they come in the order of their keys */
} window_aggregate;

/* --- how values travel ----------------------------------------------------------------- */

static void write_value(const void *context, const void *value, mr_buffer *to)
{
    const window_aggregate *self = context;
    mr_accumulators_write(&self->accumulators, value, to);
}

static bool read_value(const void *context, const char *bytes, size_t length, void *value,
                       mr_arena *arena)
{
    const window_aggregate *self = context;
    mr_reader reader = mr_reader_of(bytes, length);
    return mr_accumulators_read(&self->accumulators, &reader, value, arena);
}

/* --- life ------------------------------------------------------------------------------ */

static void open_tables(window_aggregate *self, const mr_operator_context *context)
{
    mr_arena *arena = context->arena;
    /* Groups of slices that overlap are fed with the distinct values of all of them at once. */
    bool may_leave = !self->accumulators.keeps_strings &&
                     (self->grid.parts == 1 || !self->accumulators.has_distinct);
    mr_table_layout groups = {.name = mr_arena_printf(arena, "%s/groups", context->id),
                              .value_size = self->accumulators.size,
                              .write = write_value,
                              .read = read_value,
                              .context = self,
                              .may_leave = may_leave};
    mr_table_layout distinct = {.name = mr_arena_printf(arena, "%s/distinct", context->id),
                                .may_leave = may_leave};
    self->groups = mr_state_table(context->state, &groups);
    self->distinct = mr_state_table(context->state, &distinct);
    self->cursors =
        mr_window_cursor_open(context->state, mr_arena_printf(arena, "%s/cursor", context->id));
    self->scratch = mr_state_new(context->budget);
    self->combined = mr_state_table(self->scratch, &groups);
    self->combined_seen = mr_state_table(self->scratch, &distinct);
}

static mr_status open_window(const mr_operator_context *context, mr_operator **op, mr_error *err)
{
    (void)err;
    const mr_window_config *config = context->config;
    window_aggregate *self = calloc(1, sizeof *self);
    MR_ASSERT(self != NULL);
    self->base.class = &mr_window_aggregate_class;
    self->config = config;
    self->grid = mr_grid_of(config->kind, config->size_ms, config->slide_ms, config->offset_ms,
                            config->is_local ? context->expr->zone : NULL);
    self->watermark_ms = MR_TIME_NONE;
    self->accumulators =
        mr_accumulators_of(config->aggregates, config->aggregates_count, 0, context->arena);
    open_tables(self, context);
    mr_arena_init(&self->firing_arena, 0, context->budget, MR_BUDGET_BATCHES);
    *op = &self->base;
    return MR_OK;
}

static void close_window(mr_operator *op)
{
    window_aggregate *self = (window_aggregate *)op;
    mr_state_free(self->scratch);
    mr_window_ordered_release(&self->ordered);
    mr_arena_release(&self->firing_arena);
    free(self);
}

/* --- rows in --------------------------------------------------------------------------- */

/* Rows of a batch on their way to their slices. */
typedef struct intake {
    window_aggregate *self;
    mr_window_intake taken; /* on time */
    mr_late_fact *late;
    uint32_t late_count;
} intake;

static void judge(intake *in, mr_row_errors *errors)
{
    window_aggregate *self = in->self;
    mr_window_intake *taken = &in->taken;
    const mr_batch *batch = taken->batch;
    const mr_grid *grid = &self->grid;
    mr_near_slice near = {0};
    const mr_window_cursor *at = mr_window_cursor_get(self->cursors, false);
    int64_t fired_before = at->is_set != 0 ? at->fired : MR_WINDOW_FIRED_NONE;
    for (uint32_t i = 0; i < batch->selected; i++) {
        uint32_t row = mr_batch_row(batch, i);
        int64_t time = batch->event_time != NULL ? batch->event_time[row] : MR_TIME_NONE;
        int64_t wm = self->watermark_ms;
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
        int64_t open = mr_grid_first_open(grid, slice, wm);
        int64_t last = mr_grid_last_window(grid, slice);
        if (open <= last) {
            /* A watermark that went back would hide the row in a window that never fires again. */
            MR_ASSERT(open > fired_before);
            if (open == slice + 1)
                near = mr_near_slice_of(grid, slice);
            taken->rows[taken->count] = row;
            taken->ids[taken->count++] = mr_grid_id(grid, slice, open - slice - 1);
            continue;
        }
        in->late[in->late_count++] =
            (mr_late_fact){.row = row,
                           .window_start_ms = mr_grid_window_start(grid, slice + 1),
                           .window_end_ms = mr_grid_window_end(grid, last),
                           .watermark_ms = wm,
                           .late_by_ms = mr_late_by(wm, mr_grid_window_time(grid, last))};
    }
}

/* Groups that were aggregated before an exchange. */
static mr_status take_partials(window_aggregate *self, const mr_batch *batch, mr_output *out,
                               mr_error *err)
{
    mr_window_partials partials = {.config = self->config,
                                   .accumulators = &self->accumulators,
                                   .grid = &self->grid,
                                   .groups = self->groups,
                                   .watermark_ms = self->watermark_ms,
                                   .arena = mr_output_arena(out)};
    self->base.counts.rows_in += batch->selected;
    self->base.counts.accepted += batch->selected;
    return mr_window_take_partials(&partials, batch, err);
}

static mr_status on_batch(mr_operator *op, uint32_t input, const mr_batch *batch, mr_output *out,
                          mr_progress *progress, mr_error *err)
{
    (void)progress;
    window_aggregate *self = (window_aggregate *)op;
    if (input == MR_WINDOW_INPUT_PARTIALS)
        return take_partials(self, batch, out, err);
    mr_arena *arena = mr_output_arena(out);
    intake in = {.self = self};
    in.taken = (mr_window_intake){.config = self->config,
                                  .accumulators = &self->accumulators,
                                  .groups = self->groups,
                                  .distinct = self->distinct,
                                  .batch = batch,
                                  .arena = arena};
    in.taken.rows = mr_arena_alloc(arena, batch->selected * sizeof *in.taken.rows);
    in.taken.ids = mr_arena_alloc(arena, batch->selected * sizeof *in.taken.ids);
    in.late = mr_arena_alloc(arena, batch->selected * sizeof *in.late);
    mr_row_errors errors = {.arena = arena};
    judge(&in, &errors);
    op->counts.rows_in += batch->selected;
    op->counts.accepted += in.taken.count;
    op->counts.late += in.late_count;
    op->counts.dead += errors.count;
    if (in.taken.count > 0)
        mr_window_take(&in.taken);
    mr_status status = errors.count > 0 ? mr_output_dead(out, batch, &errors, err) : MR_OK;
    return status == MR_OK ? mr_output_late(out, batch, in.late, in.late_count, err) : status;
}

/* --- firing ---------------------------------------------------------------------------- */

/* The next window to fire by `watermark_ms`; false: none. */
static bool next_window(window_aggregate *self, int64_t watermark_ms, int64_t *window)
{
    const mr_grid *grid = &self->grid;
    const mr_window_cursor *at = mr_window_cursor_get(self->cursors, false);
    bool found = false;
    *window = INT64_MAX;
    mr_slice *slice = mr_table_at_or_after(self->groups, INT64_MIN);
    while (slice != NULL) {
        int64_t id = mr_slice_id(slice);
        int64_t number = mr_grid_id_slice(grid, id);
        if (found && number + 1 >= *window)
            break; /* slices behind cannot have an earlier window */
        int64_t first = number + 1 + mr_grid_id_part(grid, id);
        if (at->is_set != 0 && at->fired >= first)
            first = at->fired + 1;
        if (first <= mr_grid_last_window(grid, number) && (!found || first < *window)) {
            *window = first;
            found = true;
        }
        slice = id < INT64_MAX ? mr_table_at_or_after(self->groups, id + 1) : NULL;
    }
    return found && mr_grid_window_time(grid, *window) <= watermark_ms;
}

static bool holds(const mr_grid *grid, int64_t window, int64_t id)
{
    int64_t slice = mr_grid_id_slice(grid, id);
    return slice >= mr_grid_first_slice(grid, window) && slice < window &&
           slice + 1 + mr_grid_id_part(grid, id) <= window;
}

static void combine_slice(window_aggregate *self, mr_slice *to, mr_slice *from)
{
    uint32_t count = mr_slice_count(from);
    mr_arena *arena = &self->firing_arena;
    mr_slice_entry *entries = mr_arena_alloc(arena, count * sizeof *entries);
    mr_slice_entries(from, entries);
    for (uint32_t i = 0; i < count; i++) {
        void *at;
        mr_slice_upsert(to, &entries[i].key, &entries[i].hash, 1, &at);
        mr_accumulators_merge(&self->accumulators, at, entries[i].value, NULL);
    }
}

/* The first slice at or after `id` that the window needs; NULL: there is none. */
static mr_slice *slice_of(window_aggregate *self, int64_t window, int64_t id)
{
    int64_t end = mr_grid_id(&self->grid, window, 0);
    mr_slice *slice = mr_table_at_or_after(self->groups, id);
    while (slice != NULL && mr_slice_id(slice) < end &&
           !holds(&self->grid, window, mr_slice_id(slice)))
        slice = mr_table_at_or_after(self->groups, mr_slice_id(slice) + 1);
    return slice != NULL && mr_slice_id(slice) < end ? slice : NULL;
}

static mr_slice *first_slice(window_aggregate *self, int64_t window)
{
    return slice_of(self, window,
                    mr_grid_id(&self->grid, mr_grid_first_slice(&self->grid, window), 0));
}

static mr_slice *next_slice(window_aggregate *self, int64_t window, const mr_slice *slice)
{
    return slice_of(self, window, mr_slice_id(slice) + 1);
}

static mr_status combine(window_aggregate *self, int64_t window, mr_slice **result, mr_error *err)
{
    mr_state_clear(self->scratch);
    mr_slice *to = mr_table_make(self->combined, 0);
    mr_slice *seen = mr_table_make(self->combined_seen, 0);
    mr_status status = MR_OK;
    for (mr_slice *slice = first_slice(self, window); slice != NULL && status == MR_OK;
         slice = next_slice(self, window, slice)) {
        status = mr_slice_complete(slice, err);
        if (status != MR_OK)
            break;
        combine_slice(self, to, slice);
        mr_slice *values = self->accumulators.has_distinct
                               ? mr_table_find(self->distinct, mr_slice_id(slice))
                               : NULL;
        if (values != NULL)
            status = mr_distinct_merge(seen, values, self->config->aggregates,
                                       self->accumulators.offsets, to, &self->firing_arena, err);
    }
    *result = to;
    return status;
}

/* The groups of a window, in order. A window of one slice needs no combining. */
static mr_status gather(window_aggregate *self, int64_t window, mr_error *err)
{
    mr_arena_reset(&self->firing_arena);
    mr_slice *from = NULL;
    if (self->grid.parts == 1) {
        from = mr_table_find(self->groups, mr_grid_id(&self->grid, window - 1, 0));
        mr_status status = from != NULL ? mr_slice_complete(from, err) : MR_OK;
        if (status != MR_OK)
            return status;
        if (from != NULL)
            mr_slice_pin(from, true); /* until it is dropped, which is when all have left */
    } else {
        mr_status status = combine(self, window, &from, err);
        if (status != MR_OK)
            return status;
    }
    self->firing_count = from != NULL ? mr_slice_count(from) : 0;
    self->firing = mr_arena_alloc(&self->firing_arena, self->firing_count * sizeof *self->firing);
    if (from != NULL)
        mr_slice_entries(from, self->firing);
    self->firing = mr_window_order(self->firing, self->firing_count, &self->firing_arena);
    self->firing_window = window;
    return MR_OK;
}

static mr_status emit_groups(window_aggregate *self, const mr_slice_entry *entries, uint32_t count,
                             mr_output *out, mr_error *err)
{
    int64_t window = self->firing_window;
    mr_window_bounds same = {.start = mr_grid_window_start(&self->grid, window),
                             .end = mr_grid_window_end(&self->grid, window),
                             .time = mr_grid_window_time(&self->grid, window)};
    mr_window_bounds *bounds = mr_arena_alloc(mr_output_arena(out), count * sizeof *bounds);
    for (uint32_t i = 0; i < count; i++)
        bounds[i] = same;
    return mr_window_emit(self->config, &self->accumulators, entries, bounds, count, out, err);
}

/* No window needs these slices any more. */
static void drop_dead_slices(window_aggregate *self, int64_t fired)
{
    mr_slice *slice = mr_table_at_or_after(self->groups, INT64_MIN);
    while (slice != NULL) {
        int64_t id = mr_slice_id(slice);
        int64_t number = mr_grid_id_slice(&self->grid, id);
        if (number >= fired)
            break;
        if (mr_grid_last_window(&self->grid, number) <= fired) {
            mr_table_drop(self->groups, slice);
            mr_slice *values = mr_table_find(self->distinct, id);
            if (values != NULL)
                mr_table_drop(self->distinct, values);
        }
        slice = mr_table_at_or_after(self->groups, id + 1);
    }
}

/* What was emitted of the window so far; 0: it is not under way. */
static uint64_t emitted_of(window_aggregate *self, int64_t window)
{
    const mr_window_cursor *at = mr_window_cursor_get(self->cursors, false);
    return at->is_set != 0 && at->firing == window ? at->emitted : 0;
}

static void set_cursor(window_aggregate *self, int64_t window, uint64_t emitted, bool is_done)
{
    mr_window_cursor *at = mr_window_cursor_get(self->cursors, true);
    if (at->is_set == 0)
        *at = (mr_window_cursor){.fired = MR_WINDOW_FIRED_NONE, .is_set = 1};
    at->firing = window;
    at->emitted = is_done ? 0 : emitted;
    if (!is_done)
        return;
    at->fired = window;
    self->base.windows_fired++;
    self->firing = NULL;
    drop_dead_slices(self, window);
}

/* From where the cursor stands; `room` rows at the most. */
static mr_status fire_by_hash(window_aggregate *self, int64_t window, uint32_t *room, bool *is_done,
                              mr_output *out, mr_error *err)
{
    mr_status status = MR_OK;
    if (self->firing == NULL || self->firing_window != window)
        status = gather(self, window, err);
    uint64_t emitted = emitted_of(self, window);
    while (status == MR_OK && emitted<self->firing_count && * room> 0) {
        uint32_t left = self->firing_count - (uint32_t)emitted;
        uint32_t count = left < MR_BATCH_ROWS_MAX ? left : MR_BATCH_ROWS_MAX;
        status = emit_groups(self, self->firing + emitted, count, out, err);
        emitted += count;
        *room -= count < *room ? count : *room;
    }
    if (status != MR_OK)
        return status;
    *is_done = emitted >= self->firing_count;
    set_cursor(self, window, emitted, *is_done);
    return MR_OK;
}

/* The same for a window that need not be in memory. */
static mr_status fire_by_key(window_aggregate *self, int64_t window, uint32_t *room, bool *is_done,
                             mr_output *out, mr_error *err)
{
    mr_arena *arena = mr_output_arena(out);
    mr_string after;
    bool has_after = mr_window_cursor_last(self->cursors, &after);
    uint64_t emitted = emitted_of(self, window);
    mr_status status = MR_OK;
    self->firing_window = window;
    if (self->ordered.walks == NULL)
        for (mr_slice *slice = first_slice(self, window); slice != NULL;
             slice = next_slice(self, window, slice))
            mr_window_ordered_add(&self->ordered, slice);
    while (status == MR_OK && !*is_done && *room > 0) {
        uint32_t count, max = *room < MR_BATCH_ROWS_MAX ? *room : MR_BATCH_ROWS_MAX;
        mr_slice_entry *entries = mr_arena_alloc(arena, max * sizeof *entries);
        status =
            mr_window_ordered_next(&self->ordered, &self->accumulators, has_after ? &after : NULL,
                                   max, arena, entries, &count, err);
        if (status == MR_OK && count > 0)
            status = emit_groups(self, entries, count, out, err);
        if (status != MR_OK)
            return status;
        if (count > 0)
            after = entries[count - 1].key;
        has_after = has_after || count > 0;
        emitted += count;
        *room -= count;
        *is_done = count < max;
    }
    mr_window_cursor_set_last(self->cursors, *is_done ? NULL : &after);
    if (*is_done)
        mr_window_ordered_release(&self->ordered);
    set_cursor(self, window, emitted, *is_done);
    return MR_OK;
}

/* A fire goes on in the order it began in, whatever is in memory by now. */
static bool fires_by_key(window_aggregate *self, int64_t window)
{
    mr_string last;
    if (emitted_of(self, window) > 0)
        return mr_window_cursor_last(self->cursors, &last);
    bool is_partial = false;
    uint64_t count = 0;
    for (mr_slice *slice = first_slice(self, window); slice != NULL;
         slice = next_slice(self, window, slice)) {
        is_partial = is_partial || mr_slice_is_partial(slice);
        count += mr_slice_count(slice);
    }
    return is_partial || (self->grid.parts == 1 && count > HASH_ORDER_MAX);
}

static mr_status fire(window_aggregate *self, int64_t window, uint32_t *room, bool *is_done,
                      mr_output *out, mr_error *err)
{
    return fires_by_key(self, window) ? fire_by_key(self, window, room, is_done, out, err)
                                      : fire_by_hash(self, window, room, is_done, out, err);
}

static mr_status on_watermark(mr_operator *op, int64_t watermark_ms, mr_output *out,
                              mr_progress *progress, mr_error *err)
{
    window_aggregate *self = (window_aggregate *)op;
    uint32_t room = ROWS_PER_CALL;
    int64_t window = 0;
    self->watermark_ms = watermark_ms;
    while (next_window(self, watermark_ms, &window)) {
        if (room == 0) {
            *progress = MR_MORE;
            return MR_OK;
        }
        bool is_done = false;
        mr_status status = fire(self, window, &room, &is_done, out, err);
        if (status != MR_OK)
            return status;
        if (!is_done) {
            *progress = MR_MORE;
            return MR_OK;
        }
    }
    return MR_OK;
}

/* --- a look ---------------------------------------------------------------------------- */

/* Windows `first` to `last` have rows. */
typedef struct window_range {
    int64_t first, last;
} window_range;

static int compare_ranges(const void *left, const void *right)
{
    const window_range *a = left, *b = right;
    return a->first < b->first ? -1 : a->first > b->first;
}

/* A slice each, and those that overlap count once. */
static mr_operator_look look(const mr_operator *op)
{
    window_aggregate *self = (window_aggregate *)(uintptr_t)op;
    const mr_window_cursor *at = mr_window_cursor_get(self->cursors, false);
    mr_arena arena = {0};
    uint32_t count = 0, room = 0;
    window_range *ranges = NULL;
    for (mr_slice *slice = mr_table_at_or_after(self->groups, INT64_MIN); slice != NULL;
         slice = mr_table_at_or_after(self->groups, mr_slice_id(slice) + 1))
        room++;
    ranges = mr_arena_alloc(&arena, (room + 1) * sizeof *ranges);
    for (mr_slice *slice = mr_table_at_or_after(self->groups, INT64_MIN); slice != NULL;
         slice = mr_table_at_or_after(self->groups, mr_slice_id(slice) + 1)) {
        int64_t number = mr_grid_id_slice(&self->grid, mr_slice_id(slice));
        int64_t first = number + 1 + mr_grid_id_part(&self->grid, mr_slice_id(slice));
        if (at->is_set != 0 && at->fired >= first)
            first = at->fired + 1;
        ranges[count++] = (window_range){first, mr_grid_last_window(&self->grid, number)};
    }
    qsort(ranges, count, sizeof *ranges, compare_ranges);
    mr_operator_look seen = {.has_windows = true};
    int64_t counted = INT64_MIN;
    for (uint32_t i = 0; i < count; i++) {
        int64_t from = ranges[i].first > counted ? ranges[i].first : counted + 1;
        if (ranges[i].last < from)
            continue;
        seen.windows_open += (uint64_t)(ranges[i].last - from) + 1;
        counted = ranges[i].last;
    }
    seen.timers = seen.windows_open;
    mr_arena_release(&arena);
    return seen;
}

const mr_operator_class mr_window_aggregate_class = {
    .name = "window_aggregate",
    .open = open_window,
    .on_batch = on_batch,
    .on_watermark = on_watermark,
    .look = look,
    .close = close_window,
};
