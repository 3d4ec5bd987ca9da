#include "operators/join/interval_join.h"

#include "engine/base/assert.h"
#include "engine/base/hash.h"
#include "engine/state/key.h"
#include "operators/join/private.h"

#include <stdlib.h>

#define US_PER_MS INT64_C(1000)
#define BUCKET_MS_MIN INT64_C(1000)
#define REST_ROWS_MAX 1024u

int64_t mr_interval_join_reach_ms(const mr_interval_join_config *config, uint32_t side)
{
    return side == MR_JOIN_LEFT ? -config->lower_ms : config->upper_ms;
}

int64_t mr_interval_join_delay_ms(const mr_interval_join_config *config)
{
    int64_t left = -config->lower_ms, right = config->upper_ms;
    return left > right ? left : right; /* one of them is not negative: lower <= upper */
}

/* A row looks into three buckets at the most, and is kept for half the interval longer than needed.
 * Many buckets of little time would be many small tables. */
int64_t mr_interval_join_bucket_ms(int64_t lower_ms, int64_t upper_ms)
{
    int64_t half = (upper_ms - lower_ms + 1) / 2;
    return half > BUCKET_MS_MIN ? half : BUCKET_MS_MIN;
}

/* --- life ------------------------------------------------------------------------------ */

static void open_side(mr_interval_join *self, const mr_operator_context *context, uint32_t side)
{
    const mr_interval_join_config *config = self->config;
    const char *name = mr_arena_printf(context->arena, "%s/%s", context->id,
                                       side == MR_JOIN_LEFT ? "left" : "right");
    self->kept[side] =
        (mr_join_kept){.table = mr_join_table(context->state, name, &self->layout),
                       .codec = mr_join_codec_of(&config->sides[side], config->key_types,
                                                 config->keys_count, context->arena),
                       .reach_ms = mr_interval_join_reach_ms(config, side)};
}

static void close_join(mr_operator *op)
{
    mr_interval_join *self = (mr_interval_join *)op;
    mr_program_free(self->residual);
    mr_join_due_release(&self->due);
    mr_arena_release(&self->pairs_arena);
    mr_buffer_release(&self->row);
    mr_buffer_release(&self->bytes);
    free(self->pairs);
    free(self);
}

static mr_status open_join(const mr_operator_context *context, mr_operator **op, mr_error *err)
{
    mr_interval_join *self = calloc(1, sizeof *self);
    MR_ASSERT(self != NULL);
    self->base.class = &mr_interval_join_class;
    self->config = context->config;
    self->pairs = malloc(sizeof *self->pairs);
    MR_ASSERT(self->pairs != NULL && self->config->bucket_ms > 0);
    self->watermark_ms = self->judged_ms = MR_TIME_NONE;
    self->layout = (mr_join_layout){.bucket_ms = self->config->bucket_ms,
                                    .has_origins = context->has_one_source};
    open_side(self, context, MR_JOIN_LEFT);
    open_side(self, context, MR_JOIN_RIGHT);
    mr_join_queue_open(&self->queue, context->state,
                       mr_arena_printf(context->arena, "%s/rest", context->id));
    mr_join_due_init(&self->due, context->budget);
    mr_arena_init(&self->pairs_arena, 0, context->budget, MR_BUDGET_BATCHES);
    mr_status status = MR_OK;
    if (self->config->residual != NULL)
        status = mr_program_new(&self->config->residual, 1, context->expr, &self->residual, err);
    if (status != MR_OK) {
        close_join(&self->base);
        return status;
    }
    *op = &self->base;
    return MR_OK;
}

static mr_status restored(mr_operator *op, mr_error *err)
{
    (void)err;
    mr_join_queue_restored(&((mr_interval_join *)op)->queue);
    return MR_OK;
}

/* --- rows that are through: kept, padded or forgotten ------------------------------------ */

/* What a row says of itself, beside its columns. */
static mr_join_row row_of(const mr_interval_join *self, const mr_join_rows *rows, uint32_t i)
{
    return (mr_join_row){.is_settled = self->config->is_left_outer && rows->side == MR_JOIN_LEFT &&
                                       rows->is_matched[i],
                         .time_ms = rows->time_ms[i],
                         .origin = rows->origins[i]};
}

static void write_columns(mr_interval_join *self, const mr_join_rows *rows, uint32_t i)
{
    mr_buffer_clear(&self->bytes);
    mr_join_codec_write(&self->kept[rows->side].codec, rows->columns, rows->rows[i], &self->bytes);
}

static mr_string bytes_of(const mr_buffer *buffer)
{
    return (mr_string){.length = (uint32_t)buffer->length,
                       .bytes = buffer->data != NULL ? buffer->data : ""};
}

/* Appends one row to its list; a left row of LEFT that waits for nobody but the heap is told it. */
static void keep(mr_interval_join *self, const mr_join_rows *rows, uint32_t i, mr_slice *slice,
                 mr_join_list *head)
{
    int64_t bucket = mr_slice_id(slice), reach = self->kept[rows->side].reach_ms;
    mr_join_row row = row_of(self, rows, i);
    write_columns(self, rows, i);
    row.bytes = bytes_of(&self->bytes);
    mr_buffer_clear(&self->row);
    mr_join_row_write(&self->layout, bucket, &row, &self->row);
    mr_join_due_row due = {.time_ms = row.time_ms, .slice = slice};
    due.list = mr_join_list_append(slice, rows->key[i], head, &self->row, &due.at);
    if (!self->config->is_left_outer || rows->side != MR_JOIN_LEFT || row.is_settled)
        return;
    if (bucket <= self->due.listed)
        mr_join_due_push(&self->due, due);
    self->has_overdue =
        self->has_overdue || mr_join_is_over(row.time_ms, reach, row.origin.arrival_ms);
}

/* Keeps the rows listed in `which`, bucket by bucket: mostly there is one, or two. */
static void keep_all(mr_interval_join *self, const mr_join_rows *rows, uint32_t *which,
                     uint32_t count, mr_arena *arena)
{
    mr_string *keys = mr_arena_alloc(arena, count * sizeof *keys);
    uint64_t *hashes = mr_arena_alloc(arena, count * sizeof *hashes);
    uint32_t *here = mr_arena_alloc(arena, count * sizeof *here);
    void **heads = mr_arena_alloc(arena, count * sizeof *heads);
    while (count > 0) {
        int64_t bucket = mr_join_bucket(&self->layout, rows->time_ms[which[0]]);
        uint32_t n = 0, rest = 0;
        for (uint32_t i = 0; i < count; i++) {
            uint32_t row = which[i];
            if (mr_join_bucket(&self->layout, rows->time_ms[row]) != bucket) {
                which[rest++] = row;
                continue;
            }
            here[n] = row;
            keys[n] = rows->key[row];
            hashes[n++] = rows->hash[row];
        }
        mr_slice *slice = mr_table_make(self->kept[rows->side].table, bucket);
        mr_slice_upsert(slice, keys, hashes, n, heads);
        for (uint32_t i = 0; i < n; i++)
            keep(self, rows, here[i], slice, heads[i]);
        count = rest;
    }
}

static mr_status pad(mr_interval_join *self, const mr_join_rows *rows, const uint32_t *which,
                     uint32_t count, mr_output *out, mr_error *err)
{
    mr_arena *arena = mr_output_arena(out);
    const mr_join_codec *codec = &self->kept[MR_JOIN_LEFT].codec;
    uint32_t *place = mr_arena_alloc(arena, count * sizeof *place);
    uint32_t *record = rows->records != NULL ? mr_arena_alloc(arena, count * sizeof *record) : NULL;
    int64_t *times = mr_arena_alloc(arena, count * sizeof *times);
    int64_t *watermark = mr_arena_alloc(arena, count * sizeof *watermark);
    for (uint32_t i = 0; i < count; i++) {
        place[i] = rows->rows[which[i]];
        times[i] = rows->time_ms[which[i]];
        watermark[i] = mr_join_behind(self, rows->origins[which[i]].arrival_ms);
        if (record != NULL)
            record[i] = rows->record[place[i]];
    }
    mr_vector *columns = mr_arena_alloc(arena, codec->columns_count * sizeof *columns);
    for (uint32_t c = 0; c < codec->columns_count; c++)
        columns[c] = mr_vector_gather(rows->columns[c], place, count, arena);
    return mr_join_emit_padded(self, columns, times, watermark, count, rows->records, record, arena,
                               out, err);
}

/* The first `count` rows have met all who are there. */
static mr_status settle(mr_interval_join *self, const mr_join_rows *rows, uint32_t count,
                        mr_output *out, mr_error *err)
{
    mr_arena *arena = mr_output_arena(out);
    uint32_t *kept = mr_arena_alloc(arena, count * sizeof *kept), kept_count = 0;
    uint32_t *padded = mr_arena_alloc(arena, count * sizeof *padded), padded_count = 0;
    bool is_outer = self->config->is_left_outer && rows->side == MR_JOIN_LEFT;
    int64_t reach = self->kept[rows->side].reach_ms;
    for (uint32_t i = 0; i < count; i++) {
        int64_t arrival = rows->origins[i].arrival_ms;
        if (self->layout.has_origins || !mr_join_is_over(rows->time_ms[i], reach, arrival))
            kept[kept_count++] = i;
        else if (is_outer && !rows->is_matched[i])
            padded[padded_count++] = i;
    }
    keep_all(self, rows, kept, kept_count, arena);
    return padded_count > 0 ? pad(self, rows, padded, padded_count, out, err) : MR_OK;
}

/* Rows [from, count) wait in the queue. */
static void enqueue(mr_interval_join *self, const mr_join_rows *rows, uint32_t from,
                    mr_join_cursor cursor)
{
    for (uint32_t i = from; i < rows->count; i++) {
        write_columns(self, rows, i);
        mr_join_waiting row = {.side = (uint8_t)rows->side,
                               .is_matched = rows->is_matched[i],
                               .time_ms = rows->time_ms[i],
                               .origin = rows->origins[i],
                               .cursor = {.bucket = MR_TIME_NONE},
                               .key = rows->key[i],
                               .bytes = bytes_of(&self->bytes)};
        if (i == from)
            row.cursor = cursor;
        mr_join_queue_put(&self->queue, &row);
    }
}

/* --- rows in --------------------------------------------------------------------------- */

static bool has_null_key(const mr_join_rows *rows, uint32_t keys_count, uint32_t row)
{
    for (uint32_t k = 0; k < keys_count; k++)
        if (mr_vector_is_null(rows->keys[k], row))
            return true;
    return false;
}

static mr_join_origin origin_of(const mr_interval_join *self, const mr_batch *batch, uint32_t row)
{
    mr_join_origin origin = {.arrival_ms = self->watermark_ms};
    if (batch->watermark != NULL && batch->watermark[row] > origin.arrival_ms)
        origin.arrival_ms = batch->watermark[row];
    if (!self->layout.has_origins)
        return origin;
    MR_ASSERT(batch->record != NULL); /* rows of a source */
    const mr_records *records = batch->records;
    origin.place =
        (uint32_t)mr_hash(records->topic, strlen(records->topic)) ^ (uint32_t)records->partition;
    origin.offset = records->record[batch->record[row]].offset;
    return origin;
}

static void point_at_columns(const mr_interval_join *self, uint32_t side, const mr_batch *batch,
                             mr_arena *arena, mr_join_rows *rows)
{
    const mr_join_side *from = &self->config->sides[side];
    const mr_vector **columns = mr_arena_alloc(arena, (from->columns_count + 1) * sizeof *columns);
    const mr_vector **keys = mr_arena_alloc(arena, (self->config->keys_count + 1) * sizeof *keys);
    for (uint32_t c = 0; c < from->columns_count; c++)
        columns[c] = &batch->columns[from->columns[c]];
    for (uint32_t k = 0; k < self->config->keys_count; k++)
        keys[k] = &batch->columns[from->keys[k]];
    *rows = (mr_join_rows){.side = side,
                           .columns = columns,
                           .keys = keys,
                           .cursor = {.bucket = MR_TIME_NONE},
                           .records = batch->record != NULL ? batch->records : NULL,
                           .record = batch->record};
}

/* Sorts the rows of a batch: without a time, without a key (of LEFT to be padded), the others. */
static mr_join_rows judge(mr_interval_join *self, uint32_t side, const mr_batch *batch,
                          mr_arena *arena, mr_row_errors *errors, mr_join_rows *keyless)
{
    mr_join_rows good;
    point_at_columns(self, side, batch, arena, &good);
    *keyless = good;
    mr_join_rows *to[] = {&good, keyless};
    uint32_t *places[2];
    bool is_padded = self->config->is_left_outer && side == MR_JOIN_LEFT;
    for (uint32_t i = 0; i < 2; i++) {
        places[i] = mr_arena_alloc(arena, batch->selected * sizeof(uint32_t));
        to[i]->rows = places[i];
        to[i]->time_ms = mr_arena_alloc(arena, batch->selected * sizeof(int64_t));
        to[i]->origins = mr_arena_alloc(arena, batch->selected * sizeof(mr_join_origin));
    }
    for (uint32_t i = 0; i < batch->selected; i++) {
        uint32_t row = mr_batch_row(batch, i);
        int64_t time = batch->event_time != NULL ? batch->event_time[row] : MR_TIME_NONE;
        if (time == MR_TIME_NONE) {
            mr_row_errors_add(errors, row, MR_E_ROW_JOIN_TIME,
                              "the event time is NULL: the row has no place in the interval");
            continue;
        }
        uint32_t which = has_null_key(&good, self->config->keys_count, row);
        if (which == 1 && !is_padded)
            continue;
        uint32_t n = to[which]->count++;
        places[which][n] = row;
        to[which]->time_ms[n] = time;
        to[which]->origins[n] = origin_of(self, batch, row);
        if (to[which]->origins[n].arrival_ms > self->judged_ms)
            self->judged_ms = to[which]->origins[n].arrival_ms;
    }
    good.is_matched = mr_arena_zalloc(arena, good.count, sizeof(bool));
    return good;
}

static mr_status join_rows(mr_interval_join *self, mr_join_rows *rows, mr_output *out,
                           mr_error *err)
{
    uint32_t done = 0;
    mr_join_cursor cursor = {.bucket = MR_TIME_NONE};
    if (mr_join_queue_count(&self->queue) == 0) {
        mr_status status = mr_join_probe(self, rows, out, &done, &cursor, err);
        if (status == MR_OK)
            status = settle(self, rows, done, out, err);
        if (status != MR_OK)
            return status;
    }
    enqueue(self, rows, done, cursor);
    return MR_OK;
}

static mr_status pad_keyless(mr_interval_join *self, const mr_join_rows *rows, mr_output *out,
                             mr_error *err)
{
    uint32_t *all = mr_arena_alloc(mr_output_arena(out), rows->count * sizeof *all);
    for (uint32_t i = 0; i < rows->count; i++)
        all[i] = i;
    return pad(self, rows, all, rows->count, out, err);
}

static mr_status on_batch(mr_operator *op, uint32_t input, const mr_batch *batch, mr_output *out,
                          mr_progress *progress, mr_error *err)
{
    (void)progress;
    mr_interval_join *self = (mr_interval_join *)op;
    mr_arena *arena = mr_output_arena(out);
    mr_row_errors errors = {.arena = arena};
    mr_join_rows keyless;
    mr_join_rows rows = judge(self, input, batch, arena, &errors, &keyless);
    op->counts.rows_in += batch->selected;
    op->counts.dead += errors.count;
    op->counts.accepted += rows.count + keyless.count;
    op->counts.filtered += batch->selected - errors.count - rows.count - keyless.count;
    mr_status status = errors.count > 0 ? mr_output_dead(out, batch, &errors, err) : MR_OK;
    if (status == MR_OK && keyless.count > 0)
        status = pad_keyless(self, &keyless, out, err);
    if (status != MR_OK || rows.count == 0)
        return status;
    rows.key = mr_arena_alloc(arena, rows.count * sizeof *rows.key);
    rows.hash = mr_arena_alloc(arena, rows.count * sizeof *rows.hash);
    mr_key_encode(rows.keys, self->config->keys_count, rows.rows, rows.count, arena, rows.key,
                  rows.hash);
    return join_rows(self, &rows, out, err);
}

/* --- rows that wait ---------------------------------------------------------------------- */

static bool has_rest(const mr_operator *op)
{
    const mr_interval_join *self = (const mr_interval_join *)op;
    return mr_join_queue_count(&self->queue) > 0 || self->has_overdue;
}

/* Columns of waiting rows: as they were written, their keys and their times. */
static mr_status read_columns(mr_interval_join *self, const mr_string *bytes, mr_join_rows *rows,
                              mr_arena *arena, mr_error *err)
{
    const mr_interval_join_config *config = self->config;
    const mr_join_codec *codec = &self->kept[rows->side].codec;
    uint32_t n = rows->count;
    mr_vector *columns = mr_arena_zalloc(arena, codec->columns_count, sizeof *columns);
    mr_vector *keys = mr_arena_zalloc(arena, config->keys_count, sizeof *keys);
    mr_status status =
        mr_key_decode(config->key_types, config->keys_count, rows->key, n, arena, keys, err);
    if (status == MR_OK && codec->written_count > 0)
        status = mr_join_codec_read(codec, bytes, n, arena, columns, err);
    if (status != MR_OK)
        return status;
    const mr_vector **at = mr_arena_alloc(arena, (codec->columns_count + 1) * sizeof *at);
    const mr_vector **keys_at = mr_arena_alloc(arena, (config->keys_count + 1) * sizeof *keys_at);
    for (uint32_t c = 0; c < codec->columns_count; c++) {
        if (codec->columns[c].place == MR_JOIN_IN_KEY)
            columns[c] = keys[codec->columns[c].key];
        else if (codec->columns[c].place == MR_JOIN_IN_TIME)
            columns[c] = mr_vector_new(codec->columns[c].type, n, arena);
        for (uint32_t i = 0; i < n && codec->columns[c].place == MR_JOIN_IN_TIME; i++)
            columns[c].i64[i] = rows->time_ms[i] * US_PER_MS;
        at[c] = &columns[c];
    }
    for (uint32_t k = 0; k < config->keys_count; k++)
        keys_at[k] = &keys[k];
    rows->columns = at;
    rows->keys = keys_at;
    return MR_OK;
}

/* The first rows of the queue that are of one side. */
static mr_status first_rows(mr_interval_join *self, mr_join_rows *rows, mr_arena *arena,
                            mr_error *err)
{
    uint64_t all = mr_join_queue_count(&self->queue);
    uint32_t max = all < REST_ROWS_MAX ? (uint32_t)all : REST_ROWS_MAX;
    const mr_join_waiting *first = mr_join_queue_at(&self->queue, 0);
    *rows = (mr_join_rows){.side = first->side, .cursor = first->cursor};
    uint32_t *places = mr_arena_alloc(arena, max * sizeof *places);
    rows->rows = places;
    rows->time_ms = mr_arena_alloc(arena, max * sizeof *rows->time_ms);
    rows->origins = mr_arena_alloc(arena, max * sizeof *rows->origins);
    rows->key = mr_arena_alloc(arena, max * sizeof *rows->key);
    rows->hash = mr_arena_alloc(arena, max * sizeof *rows->hash);
    rows->is_matched = mr_arena_alloc(arena, max * sizeof *rows->is_matched);
    mr_string *bytes = mr_arena_alloc(arena, max * sizeof *bytes);
    for (; rows->count < max; rows->count++) {
        uint32_t i = rows->count;
        const mr_join_waiting *row = mr_join_queue_at(&self->queue, i);
        if (row->side != rows->side)
            break;
        places[i] = i;
        rows->time_ms[i] = row->time_ms;
        rows->origins[i] = row->origin;
        rows->key[i] = row->key;
        rows->hash[i] = mr_hash(row->key.bytes, row->key.length);
        rows->is_matched[i] = row->is_matched;
        bytes[i] = row->bytes;
    }
    return read_columns(self, bytes, rows, arena, err);
}

static mr_status do_queue(mr_interval_join *self, mr_output *out, mr_error *err)
{
    mr_join_rows rows;
    uint32_t done = 0;
    mr_join_cursor cursor = {.bucket = MR_TIME_NONE};
    mr_status status = first_rows(self, &rows, mr_output_arena(out), err);
    if (status == MR_OK)
        status = mr_join_probe(self, &rows, out, &done, &cursor, err);
    if (status == MR_OK)
        status = settle(self, &rows, done, out, err);
    if (status != MR_OK)
        return status;
    bool is_matched = done < rows.count && rows.is_matched[done];
    mr_join_queue_take(&self->queue, done);
    if (done < rows.count)
        mr_join_queue_move(&self->queue, cursor, is_matched);
    return MR_OK;
}

static mr_status on_rest(mr_operator *op, mr_output *out, mr_progress *progress, mr_error *err)
{
    mr_interval_join *self = (mr_interval_join *)op;
    mr_status status = MR_OK;
    if (mr_join_queue_count(&self->queue) > 0) {
        status = do_queue(self, out, err);
    } else {
        uint32_t room = MR_JOIN_ROWS_PER_CALL;
        bool is_done = false;
        status = mr_join_fire(self, self->judged_ms, &room, &is_done, out, err);
        self->has_overdue = !is_done;
    }
    *progress = has_rest(op) ? MR_MORE : MR_DONE;
    return status;
}

/* --- time ------------------------------------------------------------------------------ */

static mr_status on_watermark(mr_operator *op, int64_t watermark_ms, mr_output *out,
                              mr_progress *progress, mr_error *err)
{
    mr_interval_join *self = (mr_interval_join *)op;
    self->watermark_ms = watermark_ms;
    if (self->config->is_left_outer) {
        uint32_t room = MR_JOIN_ROWS_PER_CALL;
        bool is_done = false;
        mr_status status = mr_join_fire(self, watermark_ms, &room, &is_done, out, err);
        if (status != MR_OK)
            return status;
        if (!is_done) {
            *progress = MR_MORE;
            return MR_OK;
        }
    }
    mr_join_expire(self, MR_JOIN_LEFT, watermark_ms);
    mr_join_expire(self, MR_JOIN_RIGHT, watermark_ms);
    return MR_OK;
}

static int64_t watermark_out(const mr_operator *op, int64_t watermark_ms)
{
    return mr_join_behind((const mr_interval_join *)op, watermark_ms);
}

const mr_operator_class mr_interval_join_class = {
    .name = "interval_join",
    .open = open_join,
    .restored = restored,
    .on_batch = on_batch,
    .on_watermark = on_watermark,
    .has_rest = has_rest,
    .on_rest = on_rest,
    .watermark_out = watermark_out,
    .close = close_join,
};
