#include "operators/window/session_aggregate.h"

#include "engine/base/assert.h"
#include "engine/base/hash.h"
#include "engine/expr/zone.h"
#include "engine/run/late.h"
#include "engine/state/key.h"
#include "operators/window/distinct.h"
#include "operators/window/order.h"
#include "operators/window/results.h"
#include "operators/window/session.h"

#include <inttypes.h>
#include <stdlib.h>

#define US_PER_MS INT64_C(1000)
#define ROWS_PER_CALL (MR_BATCH_ROWS_MAX * 4)
#define STRINGS_MIN ((size_t)64 * 1024)

/* A value that a DISTINCT aggregate has seen: chained to its session. Nothing of it is state. */
typedef struct seen_value {
    struct seen_value *next;
    uint64_t padding;
} seen_value;

/* Sessions taken from the timers, in the order in which they leave. Empty between watermarks. */
typedef struct due_list {
    mr_slice_entry *items; /* hash, group key, session */
    uint32_t count, next, capacity;
} due_list;

typedef struct session_aggregate {
    mr_operator base;
    const mr_window_config *config;
    const mr_zone *zone;
    mr_accumulators accumulators;
    mr_sessions sessions;
    mr_table *distinct;
    mr_budget *budget;
    mr_arena strings; /* that MIN and MAX keep */
    size_t strings_max;
    mr_arena order; /* scratch of sorting */
    int64_t watermark_ms;
    due_list due;
} session_aggregate;

/* --- how values travel: start, length, accumulators ------------------------------------ */

static void write_value(const void *context, const void *value, mr_buffer *to)
{
    const session_aggregate *self = context;
    const mr_session *session = value;
    mr_buffer_put_zigzag(to, session->start_ms);
    mr_buffer_put_varint(to, (uint64_t)(session->last_ms - session->start_ms));
    mr_accumulators_write(&self->accumulators, value, to);
}

static bool read_value(const void *context, const char *bytes, size_t length, void *value,
                       mr_arena *arena)
{
    const session_aggregate *self = context;
    mr_reader reader = mr_reader_of(bytes, length);
    mr_session *session = value;
    session->start_ms = mr_reader_zigzag(&reader);
    uint64_t between = mr_reader_varint(&reader);
    if (between > INT64_MAX ||
        __builtin_add_overflow(session->start_ms, (int64_t)between, &session->last_ms) ||
        !mr_session_holds(&self->sessions, session->start_ms) ||
        !mr_session_holds(&self->sessions, session->last_ms))
        return false;
    return mr_accumulators_read(&self->accumulators, &reader, value, arena);
}

static void write_nothing(const void *context, const void *value, mr_buffer *to)
{
    (void)context;
    (void)value;
    (void)to;
}

static bool read_nothing(const void *context, const char *bytes, size_t length, void *value,
                         mr_arena *arena)
{
    (void)context;
    (void)bytes;
    (void)value;
    (void)arena;
    return length == 0;
}

/* --- life ------------------------------------------------------------------------------ */

static mr_status open_sessions(const mr_operator_context *context, mr_operator **op, mr_error *err)
{
    (void)err;
    const mr_window_config *config = context->config;
    session_aggregate *self = calloc(1, sizeof *self);
    MR_ASSERT(self != NULL);
    self->base.class = &mr_session_aggregate_class;
    self->config = config;
    self->zone = config->is_local ? context->expr->zone : NULL;
    self->budget = context->budget;
    self->watermark_ms = MR_TIME_NONE;
    self->strings_max = STRINGS_MIN;
    self->accumulators = mr_accumulators_of(config->aggregates, config->aggregates_count,
                                            sizeof(mr_session), context->arena);
    mr_table_layout sessions = {.name = mr_arena_printf(context->arena, "%s/sessions", context->id),
                                .value_size = self->accumulators.size,
                                .write = write_value,
                                .read = read_value,
                                .context = self};
    mr_table_layout distinct = {.name = mr_arena_printf(context->arena, "%s/distinct", context->id),
                                .value_size = sizeof(seen_value),
                                .write = write_nothing,
                                .read = read_nothing,
                                .context = self};
    mr_sessions_init(&self->sessions, mr_state_table(context->state, &sessions), config->size_ms,
                     context->budget);
    self->distinct = mr_state_table(context->state, &distinct);
    mr_arena_init(&self->strings, 0, context->budget, MR_BUDGET_TABLES);
    mr_arena_init(&self->order, 0, context->budget, MR_BUDGET_BATCHES);
    *op = &self->base;
    return MR_OK;
}

static void release_due(session_aggregate *self)
{
    mr_budget_add(self->budget, MR_BUDGET_BATCHES,
                  -(int64_t)(self->due.capacity * sizeof *self->due.items));
    free(self->due.items);
    self->due = (due_list){0};
}

static void close_sessions(mr_operator *op)
{
    session_aggregate *self = (session_aggregate *)op;
    mr_sessions_release(&self->sessions);
    release_due(self);
    mr_arena_release(&self->strings);
    mr_arena_release(&self->order);
    free(self);
}

static void chain(mr_session *session, void *seen)
{
    seen_value *value = seen;
    value->next = session->values;
    session->values = value;
    session->values_count++;
}

/* Chains the distinct values to their sessions. */
static mr_status restored(mr_operator *op, mr_error *err)
{
    session_aggregate *self = (session_aggregate *)op;
    mr_sessions_restore(&self->sessions);
    mr_slice *slice = mr_table_make(self->distinct, 0);
    mr_slice *sessions = mr_table_make(self->sessions.table, 0);
    uint32_t count = mr_slice_count(slice);
    mr_slice_entry *entries = malloc((count + 1) * sizeof *entries);
    MR_ASSERT(entries != NULL);
    mr_slice_entries(slice, entries);
    mr_status status = MR_OK;
    for (uint32_t i = 0; status == MR_OK && i < count; i++) {
        mr_string name;
        mr_session *session = NULL;
        if (mr_distinct_group(entries[i].key, &name))
            session = mr_slice_get(sessions, name, mr_hash(name.bytes, name.length));
        if (session == NULL)
            status = mr_error_set(err, MR_E_STATE, "a distinct value belongs to no session");
        else
            chain(session, entries[i].value);
    }
    free(entries);
    return status;
}

/* Strings that MIN and MAX kept and left again fill the arena: from time to time those that live
 * move to a fresh one. Each time costs less than what was written since. */
static void sweep_strings(session_aggregate *self)
{
    if (self->strings.bytes <= self->strings_max)
        return;
    mr_arena fresh;
    mr_arena_init(&fresh, 0, self->budget, MR_BUDGET_TABLES);
    mr_slice *slice = mr_table_make(self->sessions.table, 0);
    mr_slice_entry *entries = malloc((mr_slice_count(slice) + 1) * sizeof *entries);
    MR_ASSERT(entries != NULL);
    mr_slice_entries(slice, entries);
    for (uint32_t i = 0; i < mr_slice_count(slice); i++)
        mr_accumulators_move_strings(&self->accumulators, entries[i].value, &fresh);
    free(entries);
    mr_arena_release(&self->strings);
    self->strings = fresh;
    self->strings_max = fresh.bytes * 2 + STRINGS_MIN;
}

/* --- rows in --------------------------------------------------------------------------- */

/* Rows of a batch on their way to their sessions. */
typedef struct intake {
    session_aggregate *self;
    const mr_batch *batch;
    mr_arena *arena;
    uint32_t *rows; /* that have a time, in batch order */
    mr_string *keys;
    uint64_t *hashes;
    mr_session_list **lists;
    uint32_t count;
    uint32_t *placed_rows; /* that have a session, and which */
    void **placed;
    uint32_t placed_count, added; /* the first `added` of them are in the accumulators */
    mr_arena **arenas;            /* the same one for each */
    mr_late_fact *late;
    uint32_t late_count;
} intake;

static int64_t wall_ms(const session_aggregate *self, int64_t instant_ms)
{
    if (self->zone == NULL)
        return instant_ms;
    int64_t local = mr_zone_to_local(self->zone, instant_ms * US_PER_MS);
    return local / US_PER_MS - (local % US_PER_MS < 0);
}

static void pick_rows(intake *in, mr_row_errors *errors)
{
    const mr_batch *batch = in->batch;
    for (uint32_t i = 0; i < batch->selected; i++) {
        uint32_t row = mr_batch_row(batch, i);
        int64_t time = batch->event_time != NULL ? batch->event_time[row] : MR_TIME_NONE;
        if (time == MR_TIME_NONE)
            mr_row_errors_add(errors, row, MR_E_ROW_WINDOW_TIME,
                              "the event time is NULL: the row belongs to no window");
        else if (!mr_session_holds(&in->self->sessions, time))
            mr_row_errors_add(errors, row, MR_E_ROW_WINDOW_RANGE,
                              "no window can hold the event time %" PRId64 " ms", time);
        else
            in->rows[in->count++] = row;
    }
}

static void find_lists(intake *in)
{
    const mr_window_config *config = in->self->config;
    const mr_vector **columns =
        mr_arena_alloc(in->arena, (config->keys_count + 1) * sizeof *columns);
    for (uint32_t k = 0; k < config->keys_count; k++)
        columns[k] = &in->batch->columns[config->keys[k]];
    in->keys = mr_arena_alloc(in->arena, in->count * sizeof *in->keys);
    in->hashes = mr_arena_alloc(in->arena, in->count * sizeof *in->hashes);
    in->lists = mr_arena_alloc(in->arena, in->count * sizeof(mr_session_list *));
    mr_key_encode(columns, config->keys_count, in->rows, in->count, in->arena, in->keys,
                  in->hashes);
    mr_sessions_lists(&in->self->sessions, in->keys, in->hashes, in->count, in->lists);
}

static void add_distinct(intake *in, uint32_t a, const mr_aggregate_rows *rows)
{
    mr_string *names = mr_arena_alloc(in->arena, rows->count * sizeof *names);
    void **made = mr_arena_alloc(in->arena, rows->count * sizeof *made);
    for (uint32_t i = 0; i < rows->count; i++)
        names[i] = mr_slice_key(rows->values[i]);
    mr_distinct_add(mr_table_make(in->self->distinct, 0), &in->self->config->aggregates[a],
                    (uint16_t)a, rows, names, made, in->arena);
    for (uint32_t i = 0; i < rows->count; i++)
        if (made[i] != NULL)
            chain(rows->values[i], made[i]);
}

static void add_to_aggregate(intake *in, uint32_t a, mr_aggregate_rows rows)
{
    const mr_aggregate *aggregate = &in->self->config->aggregates[a];
    rows.offset = in->self->accumulators.offsets[a];
    rows.argument = aggregate->argument >= 0 ? &in->batch->columns[aggregate->argument] : NULL;
    if (aggregate->filter >= 0) {
        uint32_t *kept = mr_arena_alloc(in->arena, rows.count * sizeof *kept);
        uint32_t n =
            mr_aggregate_passing(in->batch, aggregate->filter, rows.rows, rows.count, kept);
        uint32_t *kept_rows = mr_arena_alloc(in->arena, n * sizeof *kept_rows);
        void **kept_values = mr_arena_alloc(in->arena, n * sizeof *kept_values);
        for (uint32_t i = 0; i < n; i++) {
            kept_rows[i] = rows.rows[kept[i]];
            kept_values[i] = rows.values[kept[i]];
        }
        rows.rows = kept_rows;
        rows.values = kept_values;
        rows.count = n;
    }
    if (aggregate->is_distinct)
        add_distinct(in, a, &rows);
    else
        mr_aggregate_add(aggregate, &rows);
}

/* Adds the rows placed so far to the accumulators of their sessions. */
static void add_placed(intake *in)
{
    mr_aggregate_rows rows = {.rows = in->placed_rows + in->added,
                              .values = in->placed + in->added,
                              .count = in->placed_count - in->added,
                              .arenas = in->arenas};
    in->added = in->placed_count;
    if (rows.count == 0)
        return;
    for (uint32_t a = 0; a < in->self->config->aggregates_count; a++)
        add_to_aggregate(in, a, rows);
}

/* Two sessions that a row connects become one: the one with fewer distinct values goes. */
static mr_status unite(intake *in, mr_session *pair[2], mr_error *err)
{
    session_aggregate *self = in->self;
    bool is_first_larger = pair[0]->values_count > pair[1]->values_count;
    mr_session *kept = pair[is_first_larger ? 0 : 1], *gone = pair[is_first_larger ? 1 : 0];
    add_placed(in);
    mr_accumulators_merge(&self->accumulators, kept, gone, &self->strings);
    mr_slice *slice = mr_table_make(self->distinct, 0);
    mr_string name = mr_slice_key(kept);
    seen_value *next;
    mr_status status = MR_OK;
    for (seen_value *value = gone->values; status == MR_OK && value != NULL; value = next) {
        void *made;
        next = value->next;
        status = mr_distinct_move(slice, mr_slice_key(value), name, self->config->aggregates,
                                  self->accumulators.offsets, kept, &made, in->arena, err);
        if (made != NULL)
            chain(kept, made);
    }
    mr_sessions_unite(&self->sessions, kept, gone);
    pair[0] = kept;
    return status;
}

static void note_late(intake *in, uint32_t row, int64_t time, int64_t watermark_ms)
{
    int64_t end = time + in->self->sessions.gap_ms;
    in->late[in->late_count++] = (mr_late_fact){.row = row,
                                                .window_start_ms = wall_ms(in->self, time),
                                                .window_end_ms = wall_ms(in->self, end),
                                                .watermark_ms = watermark_ms,
                                                .late_by_ms = mr_late_by(watermark_ms, end - 1)};
}

static mr_status place_row(intake *in, uint32_t i, mr_error *err)
{
    session_aggregate *self = in->self;
    uint32_t row = in->rows[i];
    int64_t time = in->batch->event_time[row], wm = self->watermark_ms;
    if (in->batch->watermark != NULL && in->batch->watermark[row] > wm)
        wm = in->batch->watermark[row];
    mr_session *touched[2];
    uint32_t count = mr_sessions_touched(&self->sessions, in->lists[i], time, wm, touched);
    if (count == 0 && time + self->sessions.gap_ms - 1 <= wm) {
        note_late(in, row, time, wm);
        return MR_OK;
    }
    mr_status status = count == 2 ? unite(in, touched, err) : MR_OK;
    if (count == 0)
        touched[0] = mr_sessions_add(&self->sessions, in->lists[i], in->keys[i], time, in->arena);
    else
        mr_sessions_lengthen(&self->sessions, touched[0], time);
    in->placed_rows[in->placed_count] = row;
    in->placed[in->placed_count++] = touched[0];
    return status;
}

static mr_status place_rows(intake *in, mr_error *err)
{
    uint32_t late_before = 0;
    mr_status status = MR_OK;
    uint32_t *late = mr_arena_alloc(in->arena, in->count * sizeof *late);
    for (uint32_t i = 0; status == MR_OK && i < in->count; i++) {
        status = place_row(in, i, err);
        if (in->late_count > late_before)
            late[late_before++] = i;
    }
    add_placed(in);
    for (uint32_t l = 0; l < late_before; l++)
        mr_sessions_forget(&in->self->sessions, in->keys[late[l]], in->hashes[late[l]]);
    return status;
}

static intake intake_of(session_aggregate *self, const mr_batch *batch, mr_arena *arena)
{
    uint32_t room = batch->selected;
    intake in = {.self = self, .batch = batch, .arena = arena};
    in.rows = mr_arena_alloc(arena, room * sizeof *in.rows);
    in.placed_rows = mr_arena_alloc(arena, room * sizeof *in.placed_rows);
    in.placed = mr_arena_alloc(arena, room * sizeof *in.placed);
    in.late = mr_arena_alloc(arena, room * sizeof *in.late);
    in.arenas = mr_arena_alloc(arena, room * sizeof *in.arenas);
    for (uint32_t i = 0; i < room; i++)
        in.arenas[i] = &self->strings;
    return in;
}

static mr_status on_batch(mr_operator *op, uint32_t input, const mr_batch *batch, mr_output *out,
                          mr_progress *progress, mr_error *err)
{
    (void)input;
    (void)progress;
    session_aggregate *self = (session_aggregate *)op;
    mr_arena *arena = mr_output_arena(out);
    MR_ASSERT(self->due.next == self->due.count);
    intake in = intake_of(self, batch, arena);
    mr_row_errors errors = {.arena = arena};
    pick_rows(&in, &errors);
    find_lists(&in);
    mr_status status = place_rows(&in, err);
    if (status != MR_OK)
        return status;
    op->counts.rows_in += batch->selected;
    op->counts.accepted += in.placed_count;
    op->counts.late += in.late_count;
    op->counts.dead += errors.count;
    sweep_strings(self);
    if (errors.count > 0)
        status = mr_output_dead(out, batch, &errors, err);
    return status == MR_OK ? mr_output_late(out, batch, in.late, in.late_count, err) : status;
}

/* --- firing ---------------------------------------------------------------------------- */

static void put_due(session_aggregate *self, mr_session *session)
{
    due_list *due = &self->due;
    if (due->count == due->capacity) {
        uint32_t capacity = due->capacity != 0 ? due->capacity * 2 : 64;
        due->items = realloc(due->items, capacity * sizeof *due->items);
        MR_ASSERT(due->items != NULL);
        mr_budget_add(self->budget, MR_BUDGET_BATCHES,
                      (int64_t)((capacity - due->capacity) * sizeof *due->items));
        due->capacity = capacity;
    }
    mr_string key = mr_session_key(session);
    due->items[due->count++] =
        (mr_slice_entry){.hash = mr_hash(key.bytes, key.length), .key = key, .value = session};
}

static int64_t end_of(const session_aggregate *self, const mr_slice_entry *due)
{
    return mr_session_end(&self->sessions, due->value);
}

static void order_group(session_aggregate *self, uint32_t from)
{
    mr_slice_entry *group = self->due.items + from;
    uint32_t count = self->due.count - from;
    mr_slice_entry *ordered = mr_window_order(group, count, &self->order);
    if (ordered != group)
        memcpy(group, ordered, count * sizeof *group);
    mr_arena_reset(&self->order);
}

/* The sessions that end first, a batch of them or more: those that end together come together, so
 * that their order does not depend on when they were taken. False: none is due. */
static bool gather(session_aggregate *self, int64_t limit_ms)
{
    due_list *due = &self->due;
    if (due->capacity > ROWS_PER_CALL)
        release_due(self);
    due->count = due->next = 0;
    uint32_t group = 0;
    mr_session *session;
    while ((session = mr_sessions_due(&self->sessions, limit_ms)) != NULL) {
        bool is_next = due->count > 0 && mr_session_end(&self->sessions, session) !=
                                             end_of(self, &due->items[due->count - 1]);
        if (is_next && due->count >= MR_BATCH_ROWS_MAX) {
            mr_sessions_put_back(&self->sessions, session);
            break;
        }
        if (is_next) {
            order_group(self, group);
            group = due->count;
        }
        put_due(self, session);
    }
    order_group(self, group);
    return due->count > 0;
}

static mr_status emit(session_aggregate *self, const mr_slice_entry *due, uint32_t count,
                      mr_output *out, mr_error *err)
{
    mr_window_bounds *bounds = mr_arena_alloc(mr_output_arena(out), count * sizeof *bounds);
    for (uint32_t i = 0; i < count; i++) {
        const mr_session *session = due[i].value;
        int64_t end = mr_session_end(&self->sessions, session);
        bounds[i] = (mr_window_bounds){
            .start = wall_ms(self, session->start_ms), .end = wall_ms(self, end), .time = end - 1};
    }
    return mr_window_emit(self->config, &self->accumulators, due, bounds, count, out, err);
}

static void end_sessions(session_aggregate *self, const mr_slice_entry *due, uint32_t count)
{
    mr_slice *slice = self->accumulators.has_distinct ? mr_table_make(self->distinct, 0) : NULL;
    for (uint32_t i = 0; i < count; i++) {
        mr_session *session = due[i].value;
        seen_value *next;
        for (seen_value *value = session->values; value != NULL; value = next) {
            mr_string key = mr_slice_key(value);
            next = value->next;
            mr_slice_remove(slice, key, mr_hash(key.bytes, key.length));
        }
        mr_sessions_end(&self->sessions, session);
    }
}

static mr_status on_watermark(mr_operator *op, int64_t watermark_ms, mr_output *out,
                              mr_progress *progress, mr_error *err)
{
    session_aggregate *self = (session_aggregate *)op;
    due_list *due = &self->due;
    int64_t limit = watermark_ms < MR_TIME_MAX ? watermark_ms + 1 : MR_TIME_MAX;
    uint32_t room = ROWS_PER_CALL;
    self->watermark_ms = watermark_ms;
    while (due->next < due->count || gather(self, limit)) {
        if (room == 0) {
            *progress = MR_MORE;
            return MR_OK;
        }
        uint32_t count = due->count - due->next;
        count = count < room ? count : room;
        count = count < MR_BATCH_ROWS_MAX ? count : MR_BATCH_ROWS_MAX;
        mr_status status = emit(self, due->items + due->next, count, out, err);
        if (status != MR_OK)
            return status;
        end_sessions(self, due->items + due->next, count);
        op->windows_fired += count;
        due->next += count;
        room -= count;
    }
    return MR_OK;
}

/* Each session has its timer. */
static mr_operator_look look(const mr_operator *op)
{
    const session_aggregate *self = (const session_aggregate *)op;
    uint32_t open = mr_slice_count(mr_table_make(self->sessions.table, 0));
    return (mr_operator_look){.has_windows = true, .windows_open = open, .timers = open};
}

const mr_operator_class mr_session_aggregate_class = {
    .name = "session_aggregate",
    .open = open_sessions,
    .restored = restored,
    .on_batch = on_batch,
    .on_watermark = on_watermark,
    .look = look,
    .close = close_sessions,
};
