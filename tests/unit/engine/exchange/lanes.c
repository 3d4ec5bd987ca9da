#include "tests/unit/engine/exchange/lanes.h"

#include <criterion/criterion.h>

static const mr_field fields[MR_LANES_COLUMNS] = {
    {"flag", {.kind = MR_TYPE_BOOLEAN, .is_nullable = true}},
    {"small", {.kind = MR_TYPE_INT, .is_nullable = true}},
    {"big", {.kind = MR_TYPE_BIGINT, .is_nullable = true}},
    {"time", {.kind = MR_TYPE_TIMESTAMP, .precision = 3, .is_nullable = true}},
    {"price", {.kind = MR_TYPE_DECIMAL, .precision = 38, .scale = 2, .is_nullable = true}},
    {"real", {.kind = MR_TYPE_DOUBLE, .is_nullable = true}},
    {"text", {.kind = MR_TYPE_VARCHAR, .length = MR_LENGTH_UNBOUNDED, .is_nullable = true}},
    {"bytes", {.kind = MR_TYPE_VARBINARY, .length = MR_LENGTH_UNBOUNDED, .is_nullable = true}},
};

const mr_schema mr_lanes = {.columns_count = MR_LANES_COLUMNS, .columns = fields};

uint64_t mr_lanes_random(uint64_t *state)
{
    uint64_t z = (*state += UINT64_C(0x9e3779b97f4a7c15));
    z = (z ^ (z >> 30)) * UINT64_C(0xbf58476d1ce4e5b9);
    z = (z ^ (z >> 27)) * UINT64_C(0x94d049bb133111eb);
    return z ^ (z >> 31);
}

/* A number of at most `bits` bits, signed; the extremes now and then. */
static int64_t whole(uint64_t *state, uint32_t bits)
{
    if (bits == 0)
        return 42;
    if (bits == 64 && mr_lanes_random(state) % 4 == 0)
        return mr_lanes_random(state) % 2 == 0 ? INT64_MIN : INT64_MAX;
    return (int64_t)mr_lanes_random(state) >> (64 - bits);
}

static mr_string text(uint64_t *state, mr_arena *arena)
{
    static const uint32_t lengths[] = {0, 1, 4, 5, 16, 17, 300};
    uint32_t length = lengths[mr_lanes_random(state) % 7];
    char *bytes = mr_arena_alloc(arena, length);
    for (uint32_t i = 0; i < length; i++)
        bytes[i] = (char)mr_lanes_random(state);
    return mr_string_of(bytes, length);
}

static void put(uint64_t *state, mr_vector *column, uint32_t row, uint32_t bits, mr_arena *arena)
{
    switch (column->lane) {
    case MR_LANE_BOOL: column->bools[row] = mr_lanes_random(state) % 2; break;
    case MR_LANE_I32: column->i32[row] = (int32_t)whole(state, bits > 32 ? 32 : bits); break;
    case MR_LANE_I64: column->i64[row] = whole(state, bits); break;
    case MR_LANE_I128:
        column->i128[row] = whole(state, bits);
        if (bits == 64)
            column->i128[row] = column->i128[row] * INT64_MAX + whole(state, bits);
        break;
    case MR_LANE_F64: column->f64[row] = (double)whole(state, 64) / 1e9; break;
    case MR_LANE_STRING: column->strings[row] = text(state, arena); break;
    case MR_LANE_NONE: break;
    }
}

mr_batch mr_lanes_batch(uint64_t *state, uint32_t rows, mr_arena *arena)
{
    static const uint32_t widths[] = {0, 1, 8, 9, 16, 17, 32, 33, 64};
    mr_batch batch = mr_batch_new(MR_LANES_COLUMNS, rows, arena);
    for (uint32_t c = 0; c < MR_LANES_COLUMNS; c++) {
        uint32_t bits = widths[mr_lanes_random(state) % 9],
                 nulls = (uint32_t)(mr_lanes_random(state) % 3);
        batch.columns[c] = mr_vector_new(fields[c].type, rows, arena);
        for (uint32_t r = 0; r < rows; r++) {
            put(state, &batch.columns[c], r, bits, arena);
            if (nulls == 2 || (nulls == 1 && mr_lanes_random(state) % 3 == 0))
                mr_vector_set_null(&batch.columns[c], r, rows, arena);
        }
    }
    uint32_t hidden = (uint32_t)(mr_lanes_random(state) % 8);
    if ((hidden & 1) != 0)
        batch.event_time = mr_arena_alloc(arena, rows * sizeof *batch.event_time);
    if ((hidden & 2) != 0)
        batch.watermark = mr_arena_alloc(arena, rows * sizeof *batch.watermark);
    if ((hidden & 4) != 0)
        batch.kind = mr_arena_alloc(arena, rows);
    for (uint32_t r = 0; r < rows; r++) {
        if (batch.event_time != NULL)
            batch.event_time[r] = whole(state, 64);
        if (batch.watermark != NULL)
            batch.watermark[r] = whole(state, 40);
        if (batch.kind != NULL)
            batch.kind[r] = mr_lanes_random(state) % 4;
    }
    return batch;
}

static void expect_value(const mr_vector *sent, uint32_t from, const mr_vector *got, uint32_t row)
{
    cr_assert_eq(mr_vector_is_null(sent, from), mr_vector_is_null(got, row));
    if (sent->lane == MR_LANE_STRING && mr_vector_is_null(got, row))
        cr_assert_eq(got->strings[row].length, 0);
    if (mr_vector_is_null(sent, from))
        return;
    size_t size = mr_lane_size(sent->lane);
    if (sent->lane == MR_LANE_STRING)
        cr_assert(mr_string_equals(sent->strings[from], got->strings[row]));
    else
        cr_assert_eq(memcmp((const char *)sent->values + size * from,
                            (const char *)got->values + size * row, size),
                     0);
}

void mr_lanes_expect(const mr_batch *sent, const uint32_t *rows, const mr_batch *got)
{
    cr_assert_eq(got->columns_count, sent->columns_count);
    cr_assert_eq(got->event_time == NULL, sent->event_time == NULL);
    cr_assert_eq(got->watermark == NULL, sent->watermark == NULL);
    cr_assert_eq(got->kind == NULL, sent->kind == NULL);
    for (uint32_t i = 0; i < got->rows; i++) {
        uint32_t from = rows != NULL ? rows[i] : i;
        for (uint32_t c = 0; c < sent->columns_count; c++)
            expect_value(&sent->columns[c], from, &got->columns[c], i);
        cr_assert(got->event_time == NULL || got->event_time[i] == sent->event_time[from]);
        cr_assert(got->watermark == NULL || got->watermark[i] == sent->watermark[from]);
        cr_assert(got->kind == NULL || got->kind[i] == sent->kind[from]);
    }
}
