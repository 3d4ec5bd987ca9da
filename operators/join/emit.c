/* What is emitted: pairs, and rows without a partner. */
#include "engine/base/assert.h"
#include "operators/join/private.h"

#define US_PER_MS INT64_C(1000)

int64_t mr_join_behind(const mr_interval_join *self, int64_t watermark_ms)
{
    if (watermark_ms == MR_TIME_NONE || watermark_ms == MR_TIME_MAX)
        return watermark_ms;
    return mr_join_add(watermark_ms, -mr_interval_join_delay_ms(self->config));
}

static mr_vector null_column(mr_type type, uint32_t count, mr_arena *arena)
{
    mr_vector column = mr_vector_new(type, count, arena);
    memset(column.values, 0, mr_lane_size(column.lane) * count);
    column.valid = mr_arena_zalloc(arena, mr_bitmap_words(count), sizeof(uint64_t));
    return column;
}

static mr_vector time_column(mr_type type, const int64_t *time_ms, uint32_t count, mr_arena *arena)
{
    mr_vector column = mr_vector_new(type, count, arena);
    for (uint32_t i = 0; i < count; i++)
        column.i64[i] = time_ms[i] * US_PER_MS;
    return column;
}

static mr_batch new_batch(const mr_interval_join *self, uint32_t count, mr_arena *arena)
{
    const mr_interval_join_config *config = self->config;
    return mr_batch_new(config->sides[MR_JOIN_LEFT].columns_count +
                            config->sides[MR_JOIN_RIGHT].columns_count,
                        count, arena);
}

static mr_vector *columns_of(const mr_interval_join *self, mr_batch *batch, uint32_t side)
{
    return batch->columns +
           (side == MR_JOIN_RIGHT ? self->config->sides[MR_JOIN_LEFT].columns_count : 0);
}

mr_status mr_join_emit_padded(mr_interval_join *self, const mr_vector *left, const int64_t *time_ms,
                              int64_t *watermark, uint32_t count, const mr_records *records,
                              uint32_t *record, mr_arena *arena, mr_output *out, mr_error *err)
{
    mr_batch batch = new_batch(self, count, arena);
    const mr_join_codec *right = &self->kept[MR_JOIN_RIGHT].codec;
    memcpy(batch.columns, left, self->kept[MR_JOIN_LEFT].codec.columns_count * sizeof *left);
    mr_vector *columns = columns_of(self, &batch, MR_JOIN_RIGHT);
    for (uint32_t c = 0; c < right->columns_count; c++)
        columns[c] = null_column(right->columns[c].type, count, arena);
    batch.event_time = mr_arena_alloc(arena, count * sizeof(int64_t));
    for (uint32_t i = 0; i < count; i++)
        batch.event_time[i] = self->config->time_side == MR_JOIN_LEFT ? time_ms[i] : MR_TIME_NONE;
    batch.watermark = watermark;
    batch.records = records;
    batch.record = record;
    return mr_output_emit(out, MR_PORT_MAIN, &batch, err);
}

/* Room for all kept rows of the round; what was read of them moves. */
static void make_room(mr_join_emission *p, const mr_join_codec *codec, uint32_t count)
{
    if (count <= p->read_capacity)
        return;
    uint32_t capacity = p->read_capacity > 0 ? p->read_capacity * 2 : 256;
    while (capacity < count)
        capacity *= 2;
    mr_vector *read = mr_arena_zalloc(p->arena, codec->columns_count, sizeof *read);
    mr_join_codec_columns(codec, capacity, p->arena, read);
    for (uint32_t n = 0; n < codec->written_count && p->read_count > 0; n++) {
        const mr_vector *old = &p->read[codec->written[n]];
        mr_vector *new = &read[codec->written[n]];
        memcpy(new->values, old->values, p->read_count * mr_lane_size(old->lane));
        if (old->valid != NULL)
            memcpy(mr_vector_validity(new, capacity, p->arena), old->valid,
                   mr_bitmap_words(p->read_capacity) * sizeof(uint64_t));
    }
    p->read = read;
    p->read_capacity = capacity;
}

/* The columns that kept rows hold as bytes. */
static mr_status fill_written(mr_join_emission *p, const mr_join_codec *codec, mr_vector *columns,
                              mr_arena *arena, mr_error *err)
{
    const mr_join_pairs *pairs = p->self->pairs;
    make_room(p, codec, pairs->bytes_count);
    mr_status status = mr_join_codec_fill(codec, pairs->bytes, p->read_count, pairs->bytes_count,
                                          p->read_capacity, p->arena, p->read, err);
    p->read_count = pairs->bytes_count;
    for (uint32_t n = 0; status == MR_OK && n < codec->written_count; n++) {
        uint32_t c = codec->written[n];
        columns[c] = mr_vector_gather(&p->read[c], pairs->kept, pairs->count, arena);
        columns[c].type = codec->columns[c].type;
    }
    return status;
}

/* What each pair takes of the row under way that it is of: its place in the columns. */
static mr_vector_run *places_of(const mr_join_emission *p, mr_arena *arena)
{
    const mr_join_pairs *pairs = p->self->pairs;
    mr_vector_run *runs = mr_arena_alloc(arena, pairs->runs_count * sizeof *runs);
    for (uint32_t r = 0; r < pairs->runs_count; r++)
        runs[r] =
            (mr_vector_run){.row = p->rows->rows[pairs->runs[r].row], .end = pairs->runs[r].end};
    return runs;
}

static void fill_records(const mr_join_emission *p, const mr_vector_run *places, mr_batch *batch,
                         mr_arena *arena)
{
    const mr_join_pairs *pairs = p->self->pairs;
    if (p->rows->records == NULL)
        return;
    batch->records = p->rows->records;
    batch->record = mr_arena_alloc(arena, pairs->count * sizeof *batch->record);
    for (uint32_t r = 0, i = 0; r < pairs->runs_count; r++)
        for (uint32_t record = p->rows->record[places[r].row]; i < places[r].end; i++)
            batch->record[i] = record;
}

/* Columns of the rows under way, and of the kept rows: what the key and the time say is taken from
 * there. */
static mr_status fill_columns(mr_join_emission *p, mr_batch *batch, mr_arena *arena, mr_error *err)
{
    const mr_interval_join *self = p->self;
    const mr_join_pairs *pairs = self->pairs;
    const mr_join_rows *rows = p->rows;
    const mr_vector_run *places = places_of(p, arena);
    mr_vector *own = columns_of(self, batch, rows->side);
    mr_vector *other = columns_of(self, batch, p->other);
    for (uint32_t c = 0; c < self->kept[rows->side].codec.columns_count; c++) {
        own[c] = mr_vector_repeat(rows->columns[c], places, pairs->runs_count, arena);
        own[c].type = self->kept[rows->side].codec.columns[c].type;
    }
    const mr_join_codec *codec = &self->kept[p->other].codec;
    for (uint32_t c = 0; c < codec->columns_count; c++) {
        const mr_join_column *column = &codec->columns[c];
        if (column->place == MR_JOIN_IN_KEY) {
            other[c] = mr_vector_repeat(rows->keys[column->key], places, pairs->runs_count, arena);
            other[c].type = column->type;
        } else if (column->place == MR_JOIN_IN_TIME) {
            other[c] = time_column(column->type, pairs->time_ms, pairs->count, arena);
        }
    }
    fill_records(p, places, batch, arena);
    return codec->written_count > 0 ? fill_written(p, codec, other, arena, err) : MR_OK;
}

static void fill_times(const mr_join_emission *p, mr_batch *batch, mr_arena *arena)
{
    const mr_interval_join *self = p->self;
    mr_join_pairs *pairs = self->pairs;
    bool is_own = self->config->time_side == p->rows->side;
    size_t size = pairs->count * sizeof(int64_t);
    batch->watermark = mr_arena_alloc(arena, size);
    batch->event_time = is_own ? mr_arena_alloc(arena, size) : pairs->time_ms;
    for (uint32_t r = 0, i = 0; r < pairs->runs_count; r++) {
        uint32_t own = pairs->runs[r].row, from = i, end = pairs->runs[r].end;
        int64_t behind_ms = mr_join_behind(self, p->rows->origins[own].arrival_ms);
        for (; i < end; i++)
            batch->watermark[i] = behind_ms;
        for (i = is_own ? from : end; i < end; i++)
            batch->event_time[i] = p->rows->time_ms[own];
    }
}

static void note_match(const mr_join_emission *p, uint32_t i)
{
    mr_interval_join *self = p->self;
    const mr_join_pairs *pairs = self->pairs;
    p->rows->is_matched[pairs->own[i]] = true;
    if (p->other == MR_JOIN_LEFT)
        mr_join_list_settle(pairs->slice[i], pairs->list[i], pairs->at[i]);
}

mr_status mr_join_emit_pairs(mr_join_emission *p, mr_error *err)
{
    mr_interval_join *self = p->self;
    mr_join_pairs *pairs = self->pairs;
    if (pairs->count == 0)
        return MR_OK;
    mr_arena *arena = &self->pairs_arena;
    mr_arena_reset(arena);
    mr_batch batch = new_batch(self, pairs->count, arena);
    mr_status status = fill_columns(p, &batch, arena, err);
    if (status != MR_OK)
        return status;
    fill_times(p, &batch, arena);
    if (self->residual != NULL) {
        mr_row_errors errors = {.arena = arena};
        uint32_t *held = mr_arena_alloc(arena, pairs->count * sizeof *held);
        uint32_t n = mr_program_filter(self->residual, &batch, held, &errors);
        mr_row_errors_settle(&errors);
        if (errors.count > 0)
            status = mr_output_dead(p->out, &batch, &errors, err);
        batch = mr_batch_select(&batch, held, n);
    }
    for (uint32_t i = 0; self->config->is_left_outer && i < batch.selected; i++)
        note_match(p, mr_batch_row(&batch, i));
    pairs->count = pairs->runs_count = 0;
    if (pairs->bytes_count > MR_JOIN_PLACES_MAX - MR_BATCH_ROWS_MAX) {
        pairs->bytes_count = p->read_count = p->read_capacity = 0;
        pairs->round++;
    }
    return status == MR_OK ? mr_output_emit(p->out, MR_PORT_MAIN, &batch, err) : status;
}
