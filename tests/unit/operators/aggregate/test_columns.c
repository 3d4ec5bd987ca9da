/*
 * Goal: accumulators that travel as columns and are merged give what all rows would have given.
 * Method: random rows of every argument type, dealt out to several accumulators, each taken apart
 * and put together again; by hand: none, the largest sums, counts that no batch has.
 */
#include "engine/base/assert.h"
#include "operators/aggregate/accumulators.h"
#include "operators/aggregate/columns.h"

#include <criterion/criterion.h>
#include <stdlib.h>

#define ROWS 40u
#define PARTS 3u

static uint64_t next_random(uint64_t *state)
{
    uint64_t z = (*state += UINT64_C(0x9e3779b97f4a7c15));
    z = (z ^ (z >> 30)) * UINT64_C(0xbf58476d1ce4e5b9);
    z = (z ^ (z >> 27)) * UINT64_C(0x94d049bb133111eb);
    return z ^ (z >> 31);
}

static mr_vector random_column(mr_type type, uint64_t *state, mr_arena *arena)
{
    mr_vector column = mr_vector_new(type, ROWS, arena);
    for (uint32_t r = 0; r < ROWS; r++) {
        int64_t value = (int64_t)next_random(state);
        switch (column.lane) {
        case MR_LANE_BOOL: column.bools[r] = value & 1; break;
        case MR_LANE_I32: column.i32[r] = (int32_t)value; break;
        case MR_LANE_I64: column.i64[r] = value; break;
        case MR_LANE_I128: column.i128[r] = (mr_i128)value * INT64_MAX; break;
        case MR_LANE_F64: column.f64[r] = (double)(value % 1000); break; /* sums are exact */
        case MR_LANE_STRING:
            column.strings[r] =
                mr_string_of(mr_arena_printf(arena, "%020lld", (long long)value), 20);
            break;
        case MR_LANE_NONE: break;
        }
        if (next_random(state) % 5 == 0)
            mr_vector_set_null(&column, r, ROWS, arena);
    }
    return column;
}

static void add_rows(const mr_aggregate *aggregate, const mr_vector *column, const uint32_t *rows,
                     uint32_t count, void *accumulator, mr_arena *arena)
{
    void *values[ROWS];
    mr_arena *arenas[ROWS];
    for (uint32_t i = 0; i < count; i++) {
        values[i] = accumulator;
        arenas[i] = arena;
    }
    mr_aggregate_rows add = {
        .argument = column, .rows = rows, .count = count, .values = values, .arenas = arenas};
    mr_aggregate_add(aggregate, &add);
}

/* What an accumulator holds, as it travels in deltas. */
static void expect_same(const mr_aggregate *aggregate, const void *a, const void *b)
{
    mr_buffer first = {0}, second = {0};
    mr_aggregate_write(aggregate, a, &first);
    mr_aggregate_write(aggregate, b, &second);
    cr_assert(first.length == second.length && memcmp(first.data, second.data, first.length) == 0,
              "%s of type %d", mr_aggregate_name(aggregate->kind), aggregate->argument_type.kind);
    mr_buffer_release(&first);
    mr_buffer_release(&second);
}

static void merged_as_whole(const mr_aggregate *aggregate, uint64_t seed)
{
    mr_arena arena = {0};
    uint64_t random = seed;
    mr_vector column = random_column(aggregate->argument_type, &random, &arena);
    uint32_t rows[PARTS][ROWS], counts[PARTS] = {0}, all[ROWS];
    _Alignas(16) char parts[PARTS][64] = {{0}}, whole[64] = {0}, merged[64] = {0};
    for (uint32_t r = 0; r < ROWS; r++) {
        uint32_t part =
            (uint32_t)(next_random(&random) % (PARTS - seed % 2)); /* one may be empty */
        rows[part][counts[part]++] = r;
        all[r] = r;
    }
    add_rows(aggregate, &column, all, ROWS, whole, &arena);
    void *values[PARTS];
    for (uint32_t p = 0; p < PARTS; p++) {
        add_rows(aggregate, &column, rows[p], counts[p], parts[p], &arena);
        values[p] = parts[p];
    }
    mr_vector columns[MR_AGGREGATE_COLUMNS_MAX];
    mr_type types[MR_AGGREGATE_COLUMNS_MAX];
    uint32_t width = mr_aggregate_columns(aggregate, types);
    mr_aggregate_to_columns(aggregate, values, 0, PARTS, columns, &arena);
    for (uint32_t c = 0; c < width; c++)
        cr_assert(mr_type_equals(columns[c].type, types[c]));
    for (uint32_t p = 0; p < PARTS; p++) {
        _Alignas(16) char back[64];
        cr_assert(mr_aggregate_from_columns(aggregate, columns, p, back));
        expect_same(aggregate, parts[p], back);
        mr_aggregate_merge(aggregate, merged, back, &arena);
    }
    expect_same(aggregate, whole, merged);
    mr_arena_release(&arena);
}

Test(columns, of_parts_merge_to_what_the_whole_gives)
{
    const mr_type types[] = {mr_type_of(MR_TYPE_BOOLEAN), mr_type_of(MR_TYPE_INT),
                             mr_type_of(MR_TYPE_BIGINT),  mr_type_decimal(38, 3),
                             mr_type_of(MR_TYPE_DOUBLE),  mr_type_string()};
    for (size_t t = 0; t < MR_LENGTH(types); t++)
        for (int kind = MR_AGGREGATE_COUNT; kind <= MR_AGGREGATE_AVG; kind++) {
            bool sums = kind == MR_AGGREGATE_SUM || kind == MR_AGGREGATE_AVG;
            if (sums && (types[t].kind == MR_TYPE_BOOLEAN || mr_type_is_text(types[t])))
                continue;
            mr_aggregate aggregate = {.kind = (mr_aggregate_kind)kind,
                                      .filter = -1,
                                      .argument_type = types[t],
                                      .result_type = types[t]};
            for (uint64_t seed = 1; seed <= 200; seed++)
                merged_as_whole(&aggregate, seed);
        }
}

static bool takes(const mr_aggregate *aggregate, int64_t high, int64_t count)
{
    mr_arena arena = {0};
    mr_type types[MR_AGGREGATE_COLUMNS_MAX];
    mr_vector columns[MR_AGGREGATE_COLUMNS_MAX];
    uint32_t width = mr_aggregate_columns(aggregate, types);
    for (uint32_t c = 0; c < width; c++) {
        columns[c] = mr_vector_new(types[c], 1, &arena);
        memset(columns[c].values, 0, mr_lane_size(columns[c].lane));
    }
    columns[width - 1].i64[0] = count;
    if (width == 3)
        columns[1].i64[0] = high;
    _Alignas(16) char back[64];
    bool is_taken = mr_aggregate_from_columns(aggregate, columns, 0, back);
    mr_arena_release(&arena);
    return is_taken;
}

Test(columns, that_no_batch_comes_to_are_refused)
{
    mr_type bigint = mr_type_of(MR_TYPE_BIGINT), real = mr_type_of(MR_TYPE_DOUBLE);
    mr_aggregate all[] = {
        {.kind = MR_AGGREGATE_COUNT, .argument_type = bigint},
        {.kind = MR_AGGREGATE_SUM, .argument_type = bigint},
        {.kind = MR_AGGREGATE_AVG, .argument_type = real},
    };
    for (size_t a = 0; a < MR_LENGTH(all); a++) {
        cr_assert(takes(&all[a], 0, MR_BATCH_ROWS_MAX));
        cr_assert_not(takes(&all[a], 0, MR_BATCH_ROWS_MAX + 1));
        cr_assert_not(takes(&all[a], 0, -1));
    }
    cr_assert_not(takes(&all[1], INT64_MIN, 1));
    cr_assert_not(takes(&all[1], MR_BATCH_ROWS_MAX + 1, 1));
}
