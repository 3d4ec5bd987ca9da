/* Rows of one side looked up among the kept rows of the other, and what is emitted of it. */
#include "operators/join/private.h"

#include "engine/base/assert.h"
#include "operators/join/chunk.h"

#define US_PER_MS INT64_C(1000)
/* More buckets than this under one batch: it is spread so widely that each row looks for itself. */
#define SLICES_TOGETHER_MAX 8u
/* Rows looked at in vain cost less than a pair; so many of them count as one. */
#define VAIN_ROWS 16u

/* A kept list that a row has to look into. */
typedef struct hit {
    uint32_t row;
    mr_slice *slice;
    mr_join_list *head;
} hit;

typedef struct probe {
    mr_interval_join *self;
    mr_join_rows *rows;
    uint32_t other;
    mr_arena *arena;
    mr_output *out;
    int64_t *first, *last; /* [count] times of partners */
    hit *hits;
    uint32_t hits_count, hits_capacity;
    mr_join_chunks chunks;
    uint32_t room;
    uint32_t vain;
} probe;

int64_t mr_join_behind(const mr_interval_join *self, int64_t watermark_ms)
{
    if (watermark_ms == MR_TIME_NONE || watermark_ms == MR_TIME_MAX)
        return watermark_ms;
    return mr_join_add(watermark_ms, -mr_interval_join_delay_ms(self->config));
}

/* ---- which lists ---- */

static void set_ranges(probe *p)
{
    const mr_interval_join_config *config = p->self->config;
    bool is_left = p->rows->side == MR_JOIN_LEFT;
    int64_t down = is_left ? -config->upper_ms : config->lower_ms;
    int64_t up = is_left ? -config->lower_ms : config->upper_ms;
    p->first = mr_arena_alloc(p->arena, p->rows->count * sizeof *p->first);
    p->last = mr_arena_alloc(p->arena, p->rows->count * sizeof *p->last);
    for (uint32_t i = 0; i < p->rows->count; i++) {
        p->first[i] = mr_join_add(p->rows->time_ms[i], down);
        p->last[i] = mr_join_add(p->rows->time_ms[i], up);
    }
}

static void add_hit(probe *p, uint32_t row, mr_slice *slice, mr_join_list *head)
{
    if (p->hits_count == p->hits_capacity) {
        uint32_t capacity = p->hits_capacity > 0 ? p->hits_capacity * 2 : p->rows->count + 16;
        hit *grown = mr_arena_alloc(p->arena, capacity * sizeof *grown);
        if (p->hits_count > 0)
            memcpy(grown, p->hits, p->hits_count * sizeof *grown);
        p->hits = grown;
        p->hits_capacity = capacity;
    }
    p->hits[p->hits_count++] = (hit){.row = row, .slice = slice, .head = head};
}

/* The rows that reach into a bucket are looked up in it together. */
static void look_into(probe *p, mr_slice *slice)
{
    const mr_join_layout *layout = &p->self->layout;
    const mr_join_rows *rows = p->rows;
    int64_t start = mr_join_bucket_start(layout, mr_slice_id(slice));
    int64_t end = mr_join_bucket_last(layout, mr_slice_id(slice));
    uint32_t *which = mr_arena_alloc(p->arena, rows->count * sizeof *which);
    mr_string *keys = mr_arena_alloc(p->arena, rows->count * sizeof *keys);
    uint64_t *hashes = mr_arena_alloc(p->arena, rows->count * sizeof *hashes);
    void **found = mr_arena_alloc(p->arena, rows->count * sizeof *found);
    uint32_t n = 0;
    for (uint32_t i = 0; i < rows->count; i++)
        if (p->first[i] <= end && p->last[i] >= start) {
            which[n] = i;
            keys[n] = rows->key[i];
            hashes[n++] = rows->hash[i];
        }
    mr_slice_find(slice, keys, hashes, n, found);
    for (uint32_t i = 0; i < n; i++)
        if (found[i] != NULL)
            add_hit(p, which[i], slice, found[i]);
}

/* Hits by row, those of a row in order of buckets. */
static void sort_hits(probe *p)
{
    uint32_t *ends = mr_arena_zalloc(p->arena, p->rows->count + 1, sizeof *ends);
    hit *sorted = mr_arena_alloc(p->arena, (p->hits_count + 1) * sizeof *sorted);
    for (uint32_t i = 0; i < p->hits_count; i++)
        ends[p->hits[i].row + 1]++;
    for (uint32_t r = 0; r < p->rows->count; r++)
        ends[r + 1] += ends[r];
    for (uint32_t i = 0; i < p->hits_count; i++)
        sorted[ends[p->hits[i].row]++] = p->hits[i];
    p->hits = sorted;
}

static void look_row_by_row(probe *p, mr_table *table)
{
    for (uint32_t i = 0; i < p->rows->count; i++) {
        int64_t last = mr_join_bucket(&p->self->layout, p->last[i]);
        mr_slice *slice =
            mr_table_at_or_after(table, mr_join_bucket(&p->self->layout, p->first[i]));
        for (; slice != NULL && mr_slice_id(slice) <= last;
             slice = mr_table_at_or_after(table, mr_slice_id(slice) + 1)) {
            mr_join_list *head = mr_slice_get(slice, p->rows->key[i], p->rows->hash[i]);
            if (head != NULL)
                add_hit(p, i, slice, head);
        }
    }
}

static void look_up(probe *p)
{
    mr_table *table = p->self->kept[p->other].table;
    int64_t first = INT64_MAX, last = INT64_MIN;
    for (uint32_t i = 0; i < p->rows->count; i++) {
        first = p->first[i] < first ? p->first[i] : first;
        last = p->last[i] > last ? p->last[i] : last;
    }
    mr_slice *slices[SLICES_TOGETHER_MAX];
    uint32_t count = 0;
    int64_t end = mr_join_bucket(&p->self->layout, last);
    mr_slice *slice = mr_table_at_or_after(table, mr_join_bucket(&p->self->layout, first));
    for (; slice != NULL && mr_slice_id(slice) <= end;
         slice = mr_table_at_or_after(table, mr_slice_id(slice) + 1)) {
        if (count == SLICES_TOGETHER_MAX) {
            look_row_by_row(p, table);
            return;
        }
        slices[count++] = slice;
    }
    for (uint32_t s = 0; s < count; s++)
        look_into(p, slices[s]);
    if (count > 1)
        sort_hits(p);
}

/* ---- what is emitted ---- */

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

/* The columns that kept rows hold as bytes: each row is read once, however many pairs it is in. */
static mr_status fill_written(const mr_join_pairs *pairs, const mr_join_codec *codec,
                              mr_vector *columns, mr_arena *arena, mr_error *err)
{
    mr_vector *read = mr_arena_zalloc(arena, codec->columns_count, sizeof *read);
    mr_status status =
        mr_join_codec_read(codec, pairs->bytes, pairs->bytes_count, arena, read, err);
    for (uint32_t n = 0; status == MR_OK && n < codec->written_count; n++) {
        uint32_t c = codec->written[n];
        columns[c] = mr_vector_gather(&read[c], pairs->kept, pairs->count, arena);
        columns[c].type = codec->columns[c].type;
    }
    return status;
}

/* Columns of the rows under way, and of the kept rows: what the key and the time say is taken from
 * there. */
static mr_status fill_columns(const probe *p, mr_batch *batch, mr_arena *arena, mr_error *err)
{
    const mr_interval_join *self = p->self;
    const mr_join_pairs *pairs = self->pairs;
    const mr_join_rows *rows = p->rows;
    uint32_t n = pairs->count;
    uint32_t *place = mr_arena_alloc(arena, n * sizeof *place);
    for (uint32_t i = 0; i < n; i++)
        place[i] = rows->rows[pairs->own[i]];
    mr_vector *own = columns_of(self, batch, rows->side);
    mr_vector *other = columns_of(self, batch, p->other);
    for (uint32_t c = 0; c < self->kept[rows->side].codec.columns_count; c++) {
        own[c] = mr_vector_gather(rows->columns[c], place, n, arena);
        own[c].type = self->kept[rows->side].codec.columns[c].type;
    }
    const mr_join_codec *codec = &self->kept[p->other].codec;
    for (uint32_t c = 0; c < codec->columns_count; c++) {
        const mr_join_column *column = &codec->columns[c];
        if (column->place == MR_JOIN_IN_KEY) {
            other[c] = mr_vector_gather(rows->keys[column->key], place, n, arena);
            other[c].type = column->type;
        } else if (column->place == MR_JOIN_IN_TIME) {
            other[c] = time_column(column->type, pairs->time_ms, n, arena);
        }
    }
    if (rows->records != NULL) {
        batch->records = rows->records;
        batch->record = mr_arena_alloc(arena, n * sizeof *batch->record);
        for (uint32_t i = 0; i < n; i++)
            batch->record[i] = rows->record[place[i]];
    }
    return codec->written_count > 0 ? fill_written(pairs, codec, other, arena, err) : MR_OK;
}

static void fill_times(const probe *p, mr_batch *batch, mr_arena *arena)
{
    const mr_interval_join *self = p->self;
    const mr_join_pairs *pairs = self->pairs;
    bool is_own = self->config->time_side == p->rows->side;
    batch->event_time = mr_arena_alloc(arena, pairs->count * sizeof(int64_t));
    batch->watermark = mr_arena_alloc(arena, pairs->count * sizeof(int64_t));
    uint32_t last = UINT32_MAX; /* pairs of one row stand together */
    int64_t behind_ms = MR_TIME_NONE;
    for (uint32_t i = 0; i < pairs->count; i++) {
        uint32_t own = pairs->own[i];
        if (own != last)
            behind_ms = mr_join_behind(self, p->rows->origins[own].arrival_ms);
        last = own;
        batch->event_time[i] = is_own ? p->rows->time_ms[own] : pairs->time_ms[i];
        batch->watermark[i] = behind_ms;
    }
}

static void note_match(const probe *p, uint32_t i)
{
    mr_interval_join *self = p->self;
    const mr_join_pairs *pairs = self->pairs;
    p->rows->is_matched[pairs->own[i]] = true;
    if (p->other == MR_JOIN_LEFT)
        mr_join_list_settle(pairs->slice[i], pairs->list[i], pairs->at[i]);
}

/* Emits the pairs found so far, those for which the residual condition holds. */
static mr_status flush(const probe *p, mr_error *err)
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
    pairs->count = pairs->bytes_count = 0;
    pairs->round++;
    return status == MR_OK ? mr_output_emit(p->out, MR_PORT_MAIN, &batch, err) : status;
}

/* ---- pairs ---- */

/* With rows of one source on both sides: did the kept row come after this one, though it was pushed
 * before? A row passes the left input first. */
static inline bool came_after(const probe *p, uint32_t row, const mr_join_origin *kept)
{
    const mr_join_origin *own = &p->rows->origins[row];
    if (!p->self->layout.has_origins || kept->place != own->place)
        return false;
    return kept->offset > own->offset || (kept->offset == own->offset && p->other == MR_JOIN_RIGHT);
}

/* Of a kept row whose time is within the row's reach. */
static inline bool is_partner(const probe *p, uint32_t row, const mr_join_row *kept)
{
    const mr_interval_join *self = p->self;
    if (came_after(p, row, &kept->origin))
        return !mr_join_is_over(p->rows->time_ms[row], self->kept[p->rows->side].reach_ms,
                                kept->origin.arrival_ms);
    return !mr_join_is_over(kept->time_ms, self->kept[p->other].reach_ms,
                            p->rows->origins[row].arrival_ms);
}

static inline void add_pair(probe *p, const hit *from, mr_join_list *list, mr_join_parsed *parsed)
{
    mr_join_pairs *pairs = p->self->pairs;
    const mr_join_row *kept = &parsed->row;
    uint32_t n = pairs->count++;
    if (parsed->round != pairs->round) {
        parsed->round = pairs->round;
        parsed->place = pairs->bytes_count;
        pairs->bytes[pairs->bytes_count++] = kept->bytes;
    }
    pairs->own[n] = from->row;
    pairs->time_ms[n] = kept->time_ms;
    pairs->kept[n] = parsed->place;
    if (p->self->config->is_left_outer) { /* what note_match wants */
        pairs->slice[n] = from->slice;
        pairs->list[n] = list;
        pairs->at[n] = kept->at;
    }
    p->room--;
}

/* One chunk from cursor->at on. *is_full: no more in this call, the cursor says where. */
static mr_status scan_chunk(probe *p, const hit *from, mr_join_list *list, mr_join_cursor *cursor,
                            bool *is_full, mr_error *err)
{
    int64_t first = p->first[from->row], last = p->last[from->row];
    const mr_join_pairs *pairs = p->self->pairs;
    mr_join_chunk *chunk = mr_join_chunks_get(&p->chunks, mr_slice_id(from->slice), list);
    uint32_t i = 0;
    while (i < chunk->count && chunk->rows[i].row.at < cursor->at)
        i++;
    for (; i < chunk->count; i++) {
        mr_join_parsed *parsed = &chunk->rows[i];
        if (pairs->count == MR_BATCH_ROWS_MAX || p->room == 0) {
            mr_status status = flush(p, err);
            *is_full = p->room == 0;
            cursor->at = parsed->row.at;
            if (status != MR_OK || *is_full)
                return status;
        }
        int64_t time_ms = parsed->row.time_ms;
        if (time_ms >= first && time_ms <= last && is_partner(p, from->row, &parsed->row))
            add_pair(p, from, list, parsed);
        else if (++p->vain % VAIN_ROWS == 0)
            p->room--;
    }
    return MR_OK;
}

/* One list from the cursor on. *is_full: as above. */
static mr_status scan(probe *p, const hit *from, mr_join_cursor *cursor, bool *is_full,
                      mr_error *err)
{
    mr_join_list *list = from->head;
    if (cursor->chunk > 0)
        list = mr_join_list_chunk(from->slice, p->rows->key[from->row], cursor->chunk);
    while (list != NULL) {
        mr_status status = scan_chunk(p, from, list, cursor, is_full, err);
        if (status != MR_OK || *is_full)
            return status;
        list = cursor->chunk < from->head->chunks
                   ? mr_join_list_chunk(from->slice, p->rows->key[from->row], ++cursor->chunk)
                   : NULL;
        cursor->at = 0;
    }
    return MR_OK;
}

mr_status mr_join_probe(mr_interval_join *self, mr_join_rows *rows, mr_output *out, uint32_t *done,
                        mr_join_cursor *cursor, mr_error *err)
{
    probe p = {.self = self,
               .rows = rows,
               .other = rows->side == MR_JOIN_LEFT ? MR_JOIN_RIGHT : MR_JOIN_LEFT,
               .arena = mr_output_arena(out),
               .out = out,
               .chunks = {.arena = mr_output_arena(out), .layout = &self->layout},
               .room = MR_JOIN_ROWS_PER_CALL};
    self->pairs->count = self->pairs->bytes_count = 0;
    self->pairs->round = 1;
    set_ranges(&p);
    if (rows->count > 0)
        look_up(&p);
    for (uint32_t h = 0; h < p.hits_count; h++) {
        const hit *from = &p.hits[h];
        int64_t bucket = mr_slice_id(from->slice);
        *cursor = (mr_join_cursor){.bucket = bucket};
        if (from->row == 0 && rows->cursor.bucket != MR_TIME_NONE) {
            if (bucket < rows->cursor.bucket)
                continue;
            if (bucket == rows->cursor.bucket)
                *cursor = rows->cursor;
        }
        bool is_full = false;
        mr_status status = scan(&p, from, cursor, &is_full, err);
        *done = from->row;
        if (status != MR_OK || is_full)
            return status;
    }
    *done = rows->count;
    return flush(&p, err);
}
