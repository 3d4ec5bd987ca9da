#include "operators/rank/deduplicate.h"

#include "engine/base/assert.h"
#include "engine/base/hash.h"
#include "engine/run/late.h"
#include "engine/state/key.h"

#include <stdlib.h>

#define BUCKET_MS INT64_C(60000)
#define ROWS_PER_CALL (MR_BATCH_ROWS_MAX * 4)

/* The newest row kept for a key. Whether it has been emitted is told by the watermark alone: it
 * has, or is about to be, when its time is not behind it. A flag would depend on where batches are
 * cut. */
typedef struct seen {
    int64_t time_ms;
} seen;

typedef struct pending_row {
    int64_t time_ms;
    mr_string bytes; /* in the slice's arena */
} pending_row;

typedef struct deduplicate {
    mr_operator base;
    const mr_deduplicate_config *config;
    mr_table *seen, *pending, *expiry;
    int64_t watermark_ms;
} deduplicate;

/* A row that is due, for sorting. */
typedef struct due {
    int64_t time_ms;
    mr_slice_entry entry;
} due;

static int64_t bucket_of(int64_t time_ms)
{
    return time_ms / BUCKET_MS - (time_ms % BUCKET_MS < 0);
}

static void write_pending(const void *context, const void *value, mr_buffer *to)
{
    (void)context;
    const pending_row *row = value;
    mr_buffer_put_zigzag(to, row->time_ms);
    mr_buffer_put_bytes(to, row->bytes.bytes, row->bytes.length);
}

static bool read_pending(const void *context, const char *bytes, size_t length, void *value,
                         mr_arena *arena)
{
    (void)context;
    mr_reader reader = mr_reader_of(bytes, length);
    pending_row *row = value;
    size_t row_length;
    row->time_ms = mr_reader_zigzag(&reader);
    const char *row_bytes = mr_reader_bytes(&reader, &row_length);
    if (reader.is_bad || mr_reader_left(&reader) != 0)
        return false;
    row->bytes = mr_string_of(mr_arena_copy(arena, row_bytes, row_length), (uint32_t)row_length);
    return true;
}

static mr_status open_deduplicate(const mr_operator_context *context, mr_operator **op,
                                  mr_error *err)
{
    (void)err;
    deduplicate *self = calloc(1, sizeof *self);
    MR_ASSERT(self != NULL);
    self->base.class = &mr_deduplicate_class;
    self->config = context->config;
    self->watermark_ms = MR_TIME_NONE;
    mr_table_layout seen_layout = {.name = mr_arena_printf(context->arena, "%s/seen", context->id),
                                   .value_size = sizeof(seen)};
    mr_table_layout pending = {.name = mr_arena_printf(context->arena, "%s/pending", context->id),
                               .value_size = sizeof(pending_row),
                               .write = write_pending,
                               .read = read_pending};
    mr_table_layout expiry = {.name = mr_arena_printf(context->arena, "%s/expiry", context->id)};
    self->seen = mr_state_table(context->state, &seen_layout);
    self->pending = mr_state_table(context->state, &pending);
    self->expiry = mr_state_table(context->state, &expiry);
    *op = &self->base;
    return MR_OK;
}

static void close_deduplicate(mr_operator *op)
{
    free(op);
}

/* One row to be judged. */
typedef struct candidate {
    uint32_t row;
    int64_t time_ms;
    int64_t watermark_ms;
    mr_string key;
    uint64_t hash;
    mr_string bytes; /* all columns */
} candidate;

static bool is_passed(int64_t time_ms, int64_t watermark_ms)
{
    return watermark_ms != MR_TIME_NONE && time_ms <= watermark_ms;
}

static bool has_expired(const deduplicate *self, const seen *known, int64_t watermark_ms)
{
    int64_t ttl = self->config->ttl_ms, end;
    return ttl > 0 && !__builtin_add_overflow(known->time_ms, ttl, &end) &&
           is_passed(end, watermark_ms);
}

/* A key of the pending table: one key of rows may wait twice when its TTL is shorter than a
 * batch. */
static mr_string pending_key(mr_string key, int64_t time_ms, mr_arena *arena, uint64_t *hash)
{
    char *bytes = mr_arena_alloc(arena, (size_t)key.length + MR_DEDUPLICATE_TIME_SIZE);
    memcpy(bytes, key.bytes, key.length);
    for (int i = 0; i < MR_DEDUPLICATE_TIME_SIZE; i++)
        bytes[key.length + (uint32_t)i] = (char)((uint64_t)time_ms >> (8 * i));
    *hash = mr_hash(bytes, (size_t)key.length + MR_DEDUPLICATE_TIME_SIZE);
    return mr_string_of(bytes, key.length + MR_DEDUPLICATE_TIME_SIZE);
}

static mr_string row_key(mr_string pending)
{
    return mr_string_of(pending.bytes, pending.length - MR_DEDUPLICATE_TIME_SIZE);
}

/* Keeps the row as its key's first; a later one that was kept before, and is not due, goes. */
static void keep(deduplicate *self, const candidate *row, mr_arena *arena)
{
    mr_slice *slice = mr_table_make(self->seen, 0);
    const seen *known = mr_slice_get(slice, row->key, row->hash);
    uint64_t hash;
    if (known != NULL && !is_passed(known->time_ms, row->watermark_ms)) {
        mr_slice *old = mr_table_find(self->pending, bucket_of(known->time_ms));
        mr_string key = pending_key(row->key, known->time_ms, arena, &hash);
        if (old != NULL)
            mr_slice_remove(old, key, hash);
    }
    void *at;
    mr_slice_upsert(slice, &row->key, &row->hash, 1, &at);
    *(seen *)at = (seen){.time_ms = row->time_ms};
    mr_slice *bucket = mr_table_make(self->pending, bucket_of(row->time_ms));
    mr_string key = pending_key(row->key, row->time_ms, arena, &hash);
    mr_slice_upsert(bucket, &key, &hash, 1, &at);
    pending_row *pending = at;
    pending->time_ms = row->time_ms;
    pending->bytes =
        mr_string_of(mr_arena_copy(mr_slice_arena(bucket), row->bytes.bytes, row->bytes.length),
                     row->bytes.length);
}

typedef enum verdict { KEPT, DUPLICATE, LATE } verdict;

static verdict judge(deduplicate *self, const candidate *row, mr_arena *arena)
{
    const seen *known = mr_slice_get(mr_table_make(self->seen, 0), row->key, row->hash);
    if (known != NULL && has_expired(self, known, row->watermark_ms))
        known = NULL;
    if (known != NULL &&
        (is_passed(known->time_ms, row->watermark_ms) || known->time_ms <= row->time_ms))
        return DUPLICATE;
    if (is_passed(row->time_ms, row->watermark_ms))
        return LATE;
    keep(self, row, arena);
    return KEPT;
}

/* Keys and whole rows of the batch's timed rows, as bytes. */
static void encode(const deduplicate *self, const mr_batch *batch, const uint32_t *rows,
                   uint32_t count, mr_arena *arena, candidate *out)
{
    const mr_deduplicate_config *config = self->config;
    uint32_t room = config->columns_count + config->keys_count;
    const mr_vector **columns = mr_arena_alloc(arena, (room + 1) * sizeof *columns);
    mr_string *keys = mr_arena_alloc(arena, count * sizeof *keys);
    mr_string *whole = mr_arena_alloc(arena, count * sizeof *whole);
    uint64_t *hashes = mr_arena_alloc(arena, count * sizeof *hashes);
    uint64_t *unused = mr_arena_alloc(arena, count * sizeof *unused);
    for (uint32_t k = 0; k < config->keys_count; k++)
        columns[k] = &batch->columns[config->keys[k]];
    mr_key_encode(columns, config->keys_count, rows, count, arena, keys, hashes);
    for (uint32_t c = 0; c < config->columns_count; c++)
        columns[c] = &batch->columns[c];
    mr_key_encode(columns, config->columns_count, rows, count, arena, whole, unused);
    for (uint32_t i = 0; i < count; i++) {
        uint32_t row = rows[i];
        int64_t wm = self->watermark_ms;
        if (batch->watermark != NULL && batch->watermark[row] > wm)
            wm = batch->watermark[row];
        out[i] = (candidate){.row = row,
                             .time_ms = batch->event_time[row],
                             .watermark_ms = wm,
                             .key = keys[i],
                             .hash = hashes[i],
                             .bytes = whole[i]};
    }
}

static uint32_t timed_rows(const mr_batch *batch, uint32_t *rows, mr_row_errors *errors)
{
    uint32_t count = 0;
    for (uint32_t i = 0; i < batch->selected; i++) {
        uint32_t row = mr_batch_row(batch, i);
        if (batch->event_time != NULL && batch->event_time[row] != MR_TIME_NONE)
            rows[count++] = row;
        else
            mr_row_errors_add(errors, row, MR_E_ROW_DEDUPLICATE_TIME,
                              "the event time is NULL: the row has no place in the order");
    }
    return count;
}

static mr_status on_batch(mr_operator *op, uint32_t input, const mr_batch *batch, mr_output *out,
                          mr_progress *progress, mr_error *err)
{
    (void)input;
    (void)progress;
    deduplicate *self = (deduplicate *)op;
    mr_arena *arena = mr_output_arena(out);
    mr_row_errors errors = {.arena = arena};
    uint32_t *rows = mr_arena_alloc(arena, batch->selected * sizeof *rows);
    uint32_t count = timed_rows(batch, rows, &errors);
    candidate *candidates = mr_arena_alloc(arena, count * sizeof *candidates);
    encode(self, batch, rows, count, arena, candidates);
    mr_late_fact *late = mr_arena_alloc(arena, count * sizeof *late);
    uint32_t late_count = 0;
    for (uint32_t i = 0; i < count; i++) {
        const candidate *row = &candidates[i];
        verdict is = judge(self, row, arena);
        op->counts.accepted += is == KEPT;
        op->counts.filtered += is == DUPLICATE;
        if (is == LATE)
            late[late_count++] =
                (mr_late_fact){.row = row->row,
                               .window_start_ms = MR_TIME_NONE,
                               .window_end_ms = MR_TIME_NONE,
                               .watermark_ms = row->watermark_ms,
                               .late_by_ms = mr_late_by(row->watermark_ms, row->time_ms)};
    }
    op->counts.rows_in += batch->selected;
    op->counts.late += late_count;
    op->counts.dead += errors.count;
    mr_status status = errors.count > 0 ? mr_output_dead(out, batch, &errors, err) : MR_OK;
    return status == MR_OK ? mr_output_late(out, batch, late, late_count, err) : status;
}

static int compare_due(const void *left, const void *right)
{
    const due *a = left, *b = right;
    if (a->time_ms != b->time_ms)
        return a->time_ms < b->time_ms ? -1 : 1;
    if (a->entry.hash != b->entry.hash)
        return a->entry.hash < b->entry.hash ? -1 : 1;
    return mr_string_compare(a->entry.key, b->entry.key);
}

/* The rows of a minute that are due, in order. */
static due *list_due(mr_slice *slice, int64_t watermark_ms, mr_arena *arena, uint32_t *count)
{
    uint32_t all = mr_slice_count(slice), n = 0;
    mr_slice_entry *entries = mr_arena_alloc(arena, all * sizeof *entries);
    due *list = mr_arena_alloc(arena, all * sizeof *list);
    mr_slice_entries(slice, entries);
    for (uint32_t i = 0; i < all; i++) {
        const pending_row *row = entries[i].value;
        if (row->time_ms <= watermark_ms)
            list[n++] = (due){.time_ms = row->time_ms, .entry = entries[i]};
    }
    qsort(list, n, sizeof *list, compare_due);
    *count = n;
    return list;
}

static mr_status emit_due(deduplicate *self, const due *list, uint32_t count, mr_output *out,
                          mr_error *err)
{
    const mr_deduplicate_config *config = self->config;
    mr_arena *arena = mr_output_arena(out);
    mr_batch batch = mr_batch_new(config->columns_count, count, arena);
    mr_string *bytes = mr_arena_alloc(arena, count * sizeof *bytes);
    batch.event_time = mr_arena_alloc(arena, count * sizeof(int64_t));
    for (uint32_t i = 0; i < count; i++) {
        bytes[i] = ((const pending_row *)list[i].entry.value)->bytes;
        batch.event_time[i] = list[i].time_ms;
    }
    mr_status status = mr_key_decode(config->column_types, config->columns_count, bytes, count,
                                     arena, batch.columns, err);
    return status == MR_OK ? mr_output_emit(out, MR_PORT_MAIN, &batch, err) : status;
}

/* Emitted rows leave the pending table; their keys stay known until the TTL has passed. */
static void settle(deduplicate *self, mr_slice *bucket, const due *list, uint32_t count)
{
    for (uint32_t i = 0; i < count; i++) {
        mr_string key = row_key(list[i].entry.key);
        uint64_t hash = mr_hash(key.bytes, key.length);
        void *at;
        int64_t end;
        if (self->config->ttl_ms > 0 &&
            !__builtin_add_overflow(list[i].time_ms, self->config->ttl_ms, &end))
            mr_slice_upsert(mr_table_make(self->expiry, bucket_of(end)), &key, &hash, 1, &at);
        mr_slice_remove(bucket, list[i].entry.key, list[i].entry.hash);
    }
}

/* Emits what is due of a minute, `room` rows at the most (in whole batches). */
static mr_status emit_bucket(deduplicate *self, mr_slice *bucket, int64_t watermark_ms,
                             uint32_t *room, mr_output *out, mr_error *err)
{
    uint32_t count, done = 0;
    due *list = list_due(bucket, watermark_ms, mr_output_arena(out), &count);
    while (done<count && * room> 0) {
        uint32_t take = count - done < MR_BATCH_ROWS_MAX ? count - done : MR_BATCH_ROWS_MAX;
        mr_status status = emit_due(self, list + done, take, out, err);
        if (status != MR_OK)
            return status;
        settle(self, bucket, list + done, take);
        *room -= take < *room ? take : *room;
        done += take;
    }
    if (mr_slice_count(bucket) == 0)
        mr_table_drop(self->pending, bucket);
    return MR_OK;
}

/* Keys whose minute of expiry has passed are forgotten, unless they were seen anew since. */
static void expire(deduplicate *self, int64_t watermark_ms)
{
    mr_arena scratch = {0};
    mr_slice *known = mr_table_make(self->seen, 0);
    for (mr_slice *slice = mr_table_at_or_after(self->expiry, INT64_MIN);
         slice != NULL && mr_slice_id(slice) < bucket_of(watermark_ms);
         slice = mr_table_at_or_after(self->expiry, INT64_MIN)) {
        uint32_t count = mr_slice_count(slice);
        mr_slice_entry *entries = mr_arena_alloc(&scratch, count * sizeof *entries);
        mr_slice_entries(slice, entries);
        for (uint32_t i = 0; i < count; i++) {
            const seen *at = mr_slice_get(known, entries[i].key, entries[i].hash);
            if (at != NULL && has_expired(self, at, watermark_ms))
                mr_slice_remove(known, entries[i].key, entries[i].hash);
        }
        mr_table_drop(self->expiry, slice);
        mr_arena_reset(&scratch);
    }
    mr_arena_release(&scratch);
}

static mr_status on_watermark(mr_operator *op, int64_t watermark_ms, mr_output *out,
                              mr_progress *progress, mr_error *err)
{
    deduplicate *self = (deduplicate *)op;
    self->watermark_ms = watermark_ms;
    uint32_t room = ROWS_PER_CALL;
    int64_t last = bucket_of(watermark_ms);
    mr_slice *bucket = mr_table_at_or_after(self->pending, INT64_MIN);
    while (bucket != NULL && mr_slice_id(bucket) <= last) {
        if (room == 0) {
            *progress = MR_MORE;
            return MR_OK;
        }
        int64_t id = mr_slice_id(bucket);
        mr_status status = emit_bucket(self, bucket, watermark_ms, &room, out, err);
        if (status != MR_OK)
            return status;
        bucket = mr_table_at_or_after(self->pending, room > 0 ? id + 1 : id);
    }
    if (self->config->ttl_ms > 0)
        expire(self, watermark_ms);
    return MR_OK;
}

static uint64_t minutes_of(mr_table *table)
{
    uint64_t count = 0;
    for (mr_slice *slice = mr_table_at_or_after(table, INT64_MIN); slice != NULL;
         slice = mr_table_at_or_after(table, mr_slice_id(slice) + 1))
        count++;
    return count;
}

static mr_operator_look look(const mr_operator *op)
{
    const deduplicate *self = (const deduplicate *)op;
    return (mr_operator_look){.timers = minutes_of(self->pending) + minutes_of(self->expiry)};
}

const mr_operator_class mr_deduplicate_class = {
    .name = "deduplicate",
    .open = open_deduplicate,
    .on_batch = on_batch,
    .on_watermark = on_watermark,
    .look = look,
    .close = close_deduplicate,
};
