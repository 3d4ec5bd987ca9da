/*
 * Goal: lists parsed for a batch are what the lists hold, also those for which no room is kept.
 * Method: more rows than MR_JOIN_PARSED_MAX in lists of random lengths, asked for in random order
 * and compared with the rows that were written.
 */
#include "operators/join/chunk.h"

#include "engine/base/assert.h"

#include <criterion/criterion.h>
#include <stdlib.h>

#define LISTS 900u
#define ROWS_MAX 100u
#define BUCKET 7

typedef struct fixture {
    mr_arena arena;
    mr_join_layout layout;
    mr_join_list lists[LISTS];
    mr_buffer bytes[LISTS];
    mr_join_row written[LISTS][ROWS_MAX];
    uint32_t counts[LISTS];
    uint32_t rows; /* of all lists */
    uint64_t seed;
} fixture;

static uint64_t next_random(fixture *f)
{
    f->seed ^= f->seed << 13;
    f->seed ^= f->seed >> 7;
    f->seed ^= f->seed << 17;
    return f->seed >> 11;
}

static void add_row(fixture *f, uint32_t list)
{
    static const char text[] = "the columns of a row, of any length";
    mr_join_row row = {
        .is_settled = next_random(f) % 2 == 0,
        .time_ms = mr_join_bucket_start(&f->layout, BUCKET) + (int64_t)(next_random(f) % 1000),
        .origin = {.place = (uint32_t)next_random(f), .offset = (int64_t)(next_random(f) % 100000)},
        .bytes = mr_string_of(text, (uint32_t)(next_random(f) % sizeof text)),
    };
    row.origin.arrival_ms = next_random(f) % 5 == 0 ? MR_TIME_NONE : row.time_ms - 50;
    row.at = (uint32_t)f->bytes[list].length;
    f->written[list][f->counts[list]++] = row;
    mr_join_row_write(&f->layout, BUCKET, &row, &f->bytes[list]);
    f->rows++;
}

static void begin(fixture *f, bool has_origins)
{
    *f = (fixture){.layout = {.bucket_ms = 1000, .has_origins = has_origins}, .seed = 4711};
    for (uint32_t l = 0; l < LISTS; l++) {
        for (uint64_t rows = next_random(f) % (ROWS_MAX + 1); rows > 0; rows--)
            add_row(f, l);
        f->lists[l].bytes = f->bytes[l].data;
        f->lists[l].length = (uint32_t)f->bytes[l].length;
        f->lists[l].is_behind = true; /* rows from the first byte on */
    }
    cr_assert_gt(f->rows, MR_JOIN_PARSED_MAX + 2 * ROWS_MAX, "nothing would be left over");
}

static void end(fixture *f)
{
    for (uint32_t l = 0; l < LISTS; l++)
        mr_buffer_release(&f->bytes[l]);
    mr_arena_release(&f->arena);
}

static void expect(const fixture *f, uint32_t list, const mr_join_chunk *chunk)
{
    cr_assert_eq(chunk->list, &f->lists[list]);
    cr_assert_eq(chunk->count, f->counts[list]);
    for (uint32_t r = 0; r < chunk->count; r++) {
        const mr_join_row *row = &f->written[list][r], *parsed = &chunk->rows[r].row;
        cr_assert_eq(chunk->rows[r].round, 0);
        cr_assert_eq(parsed->at, row->at);
        cr_assert_eq(parsed->is_settled, row->is_settled);
        cr_assert_eq(parsed->time_ms, row->time_ms);
        cr_assert_eq(parsed->bytes.length, row->bytes.length);
        cr_assert_arr_eq(parsed->bytes.bytes, row->bytes.bytes, row->bytes.length);
        if (!f->layout.has_origins)
            continue;
        cr_assert_eq(parsed->origin.place, row->origin.place);
        cr_assert_eq(parsed->origin.offset, row->origin.offset);
        cr_assert_eq(parsed->origin.arrival_ms, row->origin.arrival_ms);
    }
}

static void play(bool has_origins)
{
    fixture *f = calloc(1, sizeof *f);
    MR_ASSERT(f != NULL);
    begin(f, has_origins);
    mr_join_chunks chunks = {.arena = &f->arena, .layout = &f->layout};
    uint32_t again = 0, spare = 0;
    for (uint32_t turn = 0; turn < 4 * LISTS; turn++) {
        uint32_t list = turn < LISTS ? turn : (uint32_t)(next_random(f) % LISTS);
        mr_join_chunk *chunk = mr_join_chunks_get(&chunks, BUCKET, &f->lists[list]);
        expect(f, list, chunk);
        spare += chunk == &chunks.spare;
        if (chunk == &chunks.spare)
            continue;
        /* What pairs note in a row that is kept is there the next time; a spare one starts anew. */
        again += mr_join_chunks_get(&chunks, BUCKET, &f->lists[list]) == chunk;
    }
    cr_assert_gt(again, 0);
    cr_assert_gt(spare, LISTS / 10);
    cr_assert_leq(chunks.rows_count, MR_JOIN_PARSED_MAX + ROWS_MAX);
    end(f);
    free(f);
}

Test(join_chunk, parsed_lists_are_what_they_hold_also_beyond_the_room)
{
    play(false);
}

Test(join_chunk, so_they_are_with_origins)
{
    play(true);
}

Test(join_chunk, a_spare_chunk_forgets_the_rounds_of_the_list_before)
{
    fixture *f = calloc(1, sizeof *f);
    MR_ASSERT(f != NULL);
    begin(f, false);
    mr_join_chunks chunks = {
        .arena = &f->arena, .layout = &f->layout, .rows_count = MR_JOIN_PARSED_MAX};
    for (uint32_t l = 0; l < LISTS; l++) {
        mr_join_chunk *chunk = mr_join_chunks_get(&chunks, BUCKET, &f->lists[l]);
        cr_assert_eq(chunk, &chunks.spare);
        expect(f, l, chunk);
        for (uint32_t r = 0; r < chunk->count; r++)
            chunk->rows[r].round = l + 1;
    }
    cr_assert_eq(chunks.count, 0);
    end(f);
    free(f);
}
