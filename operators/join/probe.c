/* Rows of one side looked up among the kept rows of the other. */
#include "operators/join/private.h"

#include "engine/base/assert.h"
#include "operators/join/chunk.h"

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
    mr_join_emission emission;
    int64_t *first, *last; /* [count] times of partners */
    hit *hits;
    uint32_t hits_count, hits_capacity;
    mr_join_chunks chunks;
    uint32_t room;
    uint32_t vain;
} probe;

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

/* ---- pairs ---- */

/* Which kept rows are partners of one row. Those within [first_ms, first_ms + span_ms] whose own
 * time was not over when the row came: least_ms. With rows of one source on both sides a kept row
 * may have come after this one, though it was pushed before, for a row passes the left input first:
 * then it is this row whose time must not have been over. */
typedef struct reach {
    int64_t first_ms;
    uint64_t span_ms;
    int64_t least_ms;
    uint32_t place; /* of this row's partition; there, rows of */
    int64_t after;  /* this offset and higher ones came after it */
    int64_t over_ms;
} reach;

static reach reach_of(const probe *p, uint32_t row)
{
    const mr_interval_join *self = p->self;
    const mr_join_origin *own = &p->rows->origins[row];
    int64_t reach_ms = self->kept[p->other].reach_ms;
    reach r = {.first_ms = p->first[row],
               .span_ms = (uint64_t)p->last[row] - (uint64_t)p->first[row],
               .least_ms = INT64_MIN,
               .place = own->place,
               .after = own->offset + (p->other == MR_JOIN_RIGHT ? 0 : 1),
               .over_ms = mr_join_add(p->rows->time_ms[row], self->kept[p->rows->side].reach_ms)};
    if (own->arrival_ms != MR_TIME_NONE) /* times are far from the ends of int64 */
        r.least_ms = mr_join_add(mr_join_add(own->arrival_ms, -reach_ms), 1);
    return r;
}

/* The times alone decide about all rows of a chunk: so it is unless rows are late. */
static bool is_plain(const reach *r, const mr_join_chunk *chunk)
{
    return r->least_ms <= r->first_ms && r->over_ms > chunk->arrival_ms;
}

static inline bool is_partner(const reach *r, const mr_join_row *kept, bool has_origins, bool plain)
{
    if ((uint64_t)kept->time_ms - (uint64_t)r->first_ms > r->span_ms)
        return false;
    if (plain)
        return true;
    if (has_origins && kept->origin.place == r->place && kept->origin.offset >= r->after)
        return kept->origin.arrival_ms == MR_TIME_NONE || r->over_ms > kept->origin.arrival_ms;
    return kept->time_ms >= r->least_ms;
}

static inline void add_pair(mr_join_pairs *pairs, mr_join_parsed *parsed)
{
    uint32_t n = pairs->count++;
    if (parsed->round != pairs->round) {
        parsed->round = pairs->round;
        parsed->place = pairs->bytes_count;
        pairs->bytes[pairs->bytes_count++] = parsed->row.bytes;
    }
    pairs->time_ms[n] = parsed->row.time_ms;
    pairs->kept[n] = parsed->place;
}

/* All pairs that no run has yet are of row `own`. */
static void add_run(mr_join_pairs *pairs, uint32_t own)
{
    uint32_t last = pairs->runs_count - 1;
    if (pairs->runs_count == 0 || pairs->runs[last].row != own)
        last = pairs->runs_count++;
    pairs->runs[last] = (mr_vector_run){.row = own, .end = pairs->count};
}

static inline void add_partners(mr_join_pairs *pairs, const reach *r, mr_join_parsed *rows,
                                uint32_t count, bool has_origins, bool plain)
{
    for (uint32_t i = 0; i < count; i++)
        if (is_partner(r, &rows[i].row, has_origins, plain))
            add_pair(pairs, &rows[i]);
}

/* What note_match wants to know of the pairs from `first` on, all of them with rows of one list. */
static void add_places(mr_join_pairs *pairs, uint32_t first, const hit *from, mr_join_list *list,
                       const reach *r, const mr_join_parsed *rows, uint32_t count, bool has_origins)
{
    for (uint32_t i = 0; i < count; i++)
        if (is_partner(r, &rows[i].row, has_origins, false)) {
            pairs->own[first] = from->row;
            pairs->slice[first] = from->slice;
            pairs->list[first] = list;
            pairs->at[first++] = rows[i].row.at;
        }
}

/* Looks at `count` rows of a list, for which there is room. */
static void scan_rows(probe *p, const hit *from, mr_join_list *list, const mr_join_chunk *chunk,
                      uint32_t first, uint32_t count)
{
    mr_join_parsed *rows = chunk->rows + first;
    mr_join_pairs *pairs = p->self->pairs;
    bool has_origins = p->self->layout.has_origins;
    reach r = reach_of(p, from->row);
    uint32_t before = pairs->count;
    if (is_plain(&r, chunk))
        add_partners(pairs, &r, rows, count, false, true);
    else
        add_partners(pairs, &r, rows, count, has_origins, false);
    if (p->self->config->is_left_outer)
        add_places(pairs, before, from, list, &r, rows, count, has_origins);
    if (pairs->count > before)
        add_run(pairs, from->row);
    uint32_t found = pairs->count - before, vain = p->vain + count - found;
    p->room -= found + (vain / VAIN_ROWS - p->vain / VAIN_ROWS);
    p->vain = vain;
}

/* One chunk from cursor->at on. *is_full: no more in this call, the cursor says where. */
static mr_status scan_chunk(probe *p, const hit *from, mr_join_list *list, mr_join_chunk *chunk,
                            mr_join_cursor *cursor, bool *is_full, mr_error *err)
{
    const mr_join_pairs *pairs = p->self->pairs;
    uint32_t i = 0;
    while (i < chunk->count && chunk->rows[i].row.at < cursor->at)
        i++;
    while (i < chunk->count) {
        if (pairs->count == MR_BATCH_ROWS_MAX || p->room == 0) {
            mr_status status = mr_join_emit_pairs(&p->emission, err);
            *is_full = p->room == 0;
            cursor->at = chunk->rows[i].row.at;
            if (status != MR_OK || *is_full)
                return status;
        }
        /* A row takes the room of one pair at most, so no row of these has to ask. */
        uint32_t count = MR_BATCH_ROWS_MAX - pairs->count;
        count = count < p->room ? count : p->room;
        count = count < chunk->count - i ? count : chunk->count - i;
        scan_rows(p, from, list, chunk, i, count);
        i += count;
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
        mr_join_chunk *chunk = mr_join_chunks_get(&p->chunks, mr_slice_id(from->slice), list);
        mr_status status = scan_chunk(p, from, list, chunk, cursor, is_full, err);
        if (status != MR_OK || *is_full || cursor->chunk == from->head->chunks)
            return status;
        cursor->chunk++;
        cursor->at = 0;
        if (chunk->behind == NULL)
            chunk->behind = mr_join_list_chunk(from->slice, p->rows->key[from->row], cursor->chunk);
        list = chunk->behind;
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
               .chunks = {.arena = mr_output_arena(out), .layout = &self->layout},
               .room = MR_JOIN_ROWS_PER_CALL};
    p.emission = (mr_join_emission){
        .self = self, .rows = rows, .other = p.other, .arena = p.arena, .out = out};
    self->pairs->count = self->pairs->runs_count = self->pairs->bytes_count = 0;
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
    return mr_join_emit_pairs(&p.emission, err);
}
