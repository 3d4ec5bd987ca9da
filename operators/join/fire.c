/* The watermark's work: left rows that met nobody are padded, buckets that are past are dropped. */
#include "operators/join/private.h"

#include "engine/base/assert.h"
#include "engine/state/key.h"

#define US_PER_MS INT64_C(1000)

/* Left rows that are padded together. */
typedef struct padding {
    uint32_t count;
    mr_join_due_row *rows;
    mr_join_row *parsed;
} padding;

/* Takes what is due off the heap, `count` rows at the most, without those that met somebody. */
static void collect(mr_interval_join *self, int64_t due_ms, uint32_t count, padding *to)
{
    const mr_join_due_row *first;
    to->count = 0;
    while (to->count < count && (first = mr_join_due_first(&self->due)) != NULL &&
           mr_join_is_over(first->time_ms, self->kept[MR_JOIN_LEFT].reach_ms, due_ms)) {
        mr_join_row *row = &to->parsed[to->count];
        uint32_t at = first->at;
        mr_join_list_next(&self->layout, mr_slice_id(first->slice), first->list, &at, row);
        if (!row->is_settled) {
            mr_join_list_settle(first->slice, first->list, first->at);
            to->rows[to->count++] = *first;
        }
        mr_join_due_pop(&self->due);
    }
}

/* The key of a list, without the number that chunks behind the first have at its end. */
static mr_string key_of(mr_join_list *list)
{
    mr_string key = mr_slice_key(list);
    return list->is_behind ? mr_string_of(key.bytes, key.length - MR_JOIN_NUMBER_SIZE) : key;
}

static mr_status fill_left(mr_interval_join *self, const padding *from, mr_vector *columns,
                           mr_arena *arena, mr_error *err)
{
    const mr_join_codec *codec = &self->kept[MR_JOIN_LEFT].codec;
    const mr_interval_join_config *config = self->config;
    uint32_t n = from->count;
    mr_string *bytes = mr_arena_alloc(arena, n * sizeof *bytes);
    mr_string *keys = mr_arena_alloc(arena, n * sizeof *keys);
    mr_vector *decoded = mr_arena_zalloc(arena, config->keys_count, sizeof *decoded);
    for (uint32_t i = 0; i < n; i++) {
        bytes[i] = from->parsed[i].bytes;
        keys[i] = key_of(from->rows[i].list);
    }
    mr_status status =
        mr_key_decode(config->key_types, config->keys_count, keys, n, arena, decoded, err);
    if (status == MR_OK && codec->written_count > 0)
        status = mr_join_codec_read(codec, bytes, n, arena, columns, err);
    if (status != MR_OK)
        return status;
    for (uint32_t c = 0; c < codec->columns_count; c++) {
        if (codec->columns[c].place == MR_JOIN_IN_KEY) {
            columns[c] = decoded[codec->columns[c].key];
            columns[c].type = codec->columns[c].type;
        } else if (codec->columns[c].place == MR_JOIN_IN_TIME) {
            columns[c] = mr_vector_new(codec->columns[c].type, n, arena);
            for (uint32_t i = 0; i < n; i++)
                columns[c].i64[i] = from->parsed[i].time_ms * US_PER_MS;
        }
    }
    return MR_OK;
}

static mr_status emit(mr_interval_join *self, const padding *from, mr_output *out, mr_error *err)
{
    mr_arena *arena = &self->pairs_arena;
    uint32_t n = from->count;
    mr_vector *columns =
        mr_arena_zalloc(arena, self->kept[MR_JOIN_LEFT].codec.columns_count, sizeof *columns);
    mr_status status = fill_left(self, from, columns, arena, err);
    if (status != MR_OK)
        return status;
    int64_t *times = mr_arena_alloc(arena, n * sizeof *times), *watermark = NULL;
    for (uint32_t i = 0; i < n; i++)
        times[i] = from->parsed[i].time_ms;
    if (self->layout.has_origins) { /* some were over when they came: behind what was passed on */
        watermark = mr_arena_alloc(arena, n * sizeof *watermark);
        for (uint32_t i = 0; i < n; i++)
            watermark[i] = mr_join_behind(self, from->parsed[i].origin.arrival_ms);
    }
    return mr_join_emit_padded(self, columns, times, watermark, n, NULL, NULL, arena, out, err);
}

/* Lists the next bucket of left rows of which some are due; false: there is none. */
static bool list_next(mr_interval_join *self, int64_t due_ms)
{
    const mr_join_kept *left = &self->kept[MR_JOIN_LEFT];
    int64_t from = self->due.listed == INT64_MIN ? INT64_MIN : self->due.listed + 1;
    mr_slice *slice = mr_table_at_or_after(left->table, from);
    if (slice == NULL || !mr_join_is_over(mr_join_bucket_start(&self->layout, mr_slice_id(slice)),
                                          left->reach_ms, due_ms))
        return false;
    mr_join_due_list(&self->due, &self->layout, slice);
    self->due.listed = mr_slice_id(slice);
    return true;
}

mr_status mr_join_fire(mr_interval_join *self, int64_t due_ms, uint32_t *room, bool *is_done,
                       mr_output *out, mr_error *err)
{
    *is_done = false;
    for (;;) {
        mr_arena_reset(&self->pairs_arena);
        uint32_t count = *room < MR_BATCH_ROWS_MAX ? *room : MR_BATCH_ROWS_MAX;
        padding rows = {.rows = mr_arena_alloc(&self->pairs_arena, count * sizeof *rows.rows),
                        .parsed = mr_arena_alloc(&self->pairs_arena, count * sizeof *rows.parsed)};
        collect(self, due_ms, count, &rows);
        mr_status status = rows.count > 0 ? emit(self, &rows, out, err) : MR_OK;
        *room -= rows.count;
        if (status != MR_OK || *room == 0)
            return status;
        if (rows.count < count && !list_next(self, due_ms))
            break;
    }
    /* Rows that still come into buckets of that time are listed as they come. */
    int64_t reached = due_ms == MR_TIME_MAX
                          ? self->due.listed
                          : mr_join_bucket(&self->layout,
                                           mr_join_add(due_ms, -self->kept[MR_JOIN_LEFT].reach_ms));
    self->due.listed = reached > self->due.listed ? reached : self->due.listed;
    *is_done = true;
    return MR_OK;
}

void mr_join_expire(mr_interval_join *self, uint32_t side, int64_t watermark_ms)
{
    const mr_join_kept *kept = &self->kept[side];
    mr_slice *slice;
    while ((slice = mr_table_at_or_after(kept->table, INT64_MIN)) != NULL &&
           mr_join_is_over(mr_join_bucket_last(&self->layout, mr_slice_id(slice)), kept->reach_ms,
                           watermark_ms))
        mr_table_drop(kept->table, slice);
}
