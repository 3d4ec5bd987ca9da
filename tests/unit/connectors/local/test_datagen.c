/*
 * Goal: generated rows are the same from whatever offset they are replayed, and lie where they
 * should. Method: all columns decoded in one piece and in pieces from every offset.
 */
#include "connectors/local/datagen.h"

#include <criterion/criterion.h>

#define ROWS 64

static const mr_datagen_field *make_fields(mr_datagen_field fields[7])
{
    fields[0] = (mr_datagen_field){
        .type = mr_type_of(MR_TYPE_BIGINT), .kind = MR_DATAGEN_SEQUENCE, .start = -5, .end = 1000};
    fields[1] = (mr_datagen_field){.type = mr_type_of(MR_TYPE_INT), .min = -3, .max = 3};
    fields[2] = (mr_datagen_field){.type = mr_type_of(MR_TYPE_DOUBLE), .min = 1, .max = 2};
    fields[3] = (mr_datagen_field){.type = mr_type_string(), .length = 21};
    fields[4] = (mr_datagen_field){.type = mr_type_time(MR_TYPE_TIMESTAMP, 3)};
    fields[5] = (mr_datagen_field){.type = mr_type_decimal(10, 2), .min = 5, .max = 6};
    fields[6] = (mr_datagen_field){.type = mr_type_of(MR_TYPE_BOOLEAN)};
    return fields;
}

static void decode(const mr_datagen_config *config, int64_t from, uint32_t count,
                   mr_vector *columns, mr_arena *arena)
{
    mr_decoder *decoder = NULL;
    mr_error err = {0};
    cr_assert_eq(mr_datagen_decoder(config, &decoder, &err), MR_OK);
    mr_record *record = mr_arena_zalloc(arena, count, sizeof *record);
    uint32_t *rows = mr_arena_alloc(arena, count * sizeof *rows), rows_count;
    for (uint32_t i = 0; i < count; i++)
        record[i].offset = from + i;
    mr_records records = {.count = count, .record = record};
    mr_row_errors errors = {.arena = arena};
    cr_assert_eq(
        decoder->class->decode(decoder, &records, columns, rows, &rows_count, &errors, arena, &err),
        MR_OK);
    cr_assert(rows_count == count && errors.count == 0);
    decoder->class->free(decoder);
}

static bool same_value(const mr_vector *a, uint32_t i, const mr_vector *b, uint32_t j)
{
    if (a->lane == MR_LANE_STRING)
        return mr_string_equals(a->strings[i], b->strings[j]);
    size_t size = mr_lane_size(a->lane);
    return memcmp((char *)a->values + i * size, (char *)b->values + j * size, size) == 0;
}

Test(datagen, replays_exactly_from_any_offset)
{
    mr_datagen_field fields[7];
    mr_datagen_config config = {.seed = 42,
                                .rows_per_second = 1000,
                                .rows_max = -1,
                                .start_ms = 1000,
                                .fields_count = 7,
                                .fields = make_fields(fields)};
    mr_arena arena = {0};
    mr_vector whole[7], part[7];
    decode(&config, 0, ROWS, whole, &arena);
    for (uint32_t from = 0; from < ROWS; from++) {
        decode(&config, from, ROWS - from, part, &arena);
        for (uint32_t c = 0; c < 7; c++)
            for (uint32_t r = from; r < ROWS; r++)
                cr_assert(same_value(&whole[c], r, &part[c], r - from), "column %u row %u", c, r);
    }
    config.seed = 43;
    decode(&config, 0, ROWS, part, &arena);
    uint32_t equal = 0;
    for (uint32_t r = 0; r < ROWS; r++)
        equal += same_value(&whole[3], r, &part[3], r);
    cr_assert_eq(equal, 0);
    mr_arena_release(&arena);
}

Test(datagen, values_lie_where_they_should)
{
    mr_datagen_field fields[7];
    mr_datagen_config config = {.seed = 1,
                                .rows_per_second = 1000,
                                .rows_max = -1,
                                .start_ms = 1000,
                                .fields_count = 7,
                                .fields = make_fields(fields)};
    mr_arena arena = {0};
    mr_vector columns[7];
    decode(&config, 0, ROWS, columns, &arena);
    bool has_low = false, has_high = false;
    for (uint32_t r = 0; r < ROWS; r++) {
        cr_assert_eq(columns[0].i64[r], (int64_t)r - 5);
        cr_assert(columns[1].i32[r] >= -3 && columns[1].i32[r] <= 3);
        has_low = has_low || columns[1].i32[r] == -3;
        has_high = has_high || columns[1].i32[r] == 3;
        cr_assert(columns[2].f64[r] >= 1 && columns[2].f64[r] < 2);
        cr_assert_eq(columns[3].strings[r].length, 21);
        cr_assert_eq(columns[4].i64[r], (1000 + (int64_t)r) * 1000);
        cr_assert(columns[5].i128[r] >= 500 && columns[5].i128[r] <= 600);
        cr_assert(columns[6].bools[r] <= 1);
    }
    cr_assert(has_low && has_high);
    mr_arena_release(&arena);
}

Test(datagen, ends_with_its_shortest_sequence)
{
    mr_datagen_field fields[7];
    mr_datagen_config config = {.rows_max = -1, .fields_count = 7, .fields = make_fields(fields)};
    cr_assert_eq(mr_datagen_rows(&config), 1006);
    config.rows_max = 10;
    cr_assert_eq(mr_datagen_rows(&config), 10);
    mr_error err = {0};
    mr_log_reader *reader;
    mr_records records;
    mr_input_ends ends;
    cr_assert_eq(mr_datagen_open(&config, 1, &reader, &err), MR_OK);
    cr_assert_eq(reader->class->add(reader, 0, "datagen", 0, 4, &err), MR_OK);
    cr_assert_eq(reader->class->fetch(reader, 4, 0, &records, &err), MR_OK);
    cr_assert(records.count == 4 && records.record[0].offset == 4);
    cr_assert_eq(reader->class->fetch(reader, 4, 0, &records, &err), MR_OK);
    cr_assert(records.count == 2 && records.record[1].offset == 9);
    cr_assert_eq(reader->class->fetch(reader, 4, 0, &records, &err), MR_OK);
    cr_assert_eq(records.count, 0);
    cr_assert_eq(reader->class->ends(reader, 0, 0, &ends, &err), MR_OK);
    cr_assert(ends.position == 10 && ends.stable_end == 10);
    reader->class->close(reader);
}

Test(datagen, a_sequence_over_all_numbers_has_no_end)
{
    mr_datagen_field field = {.type = mr_type_of(MR_TYPE_BIGINT),
                              .kind = MR_DATAGEN_SEQUENCE,
                              .start = INT64_MIN,
                              .end = INT64_MAX};
    mr_datagen_config config = {.rows_max = -1, .fields_count = 1, .fields = &field};
    cr_assert_eq(mr_datagen_rows(&config), INT64_MAX);
}

Test(datagen, decimals_and_integers_are_held_to_their_types)
{
    mr_datagen_field fields[2] = {
        {.type = mr_type_decimal(38, 10), .min = -1e300, .max = 1e300},
        {.type = mr_type_of(MR_TYPE_INT), .min = -1e18, .max = 1e18},
    };
    mr_datagen_config config = {.rows_max = -1, .fields_count = 2, .fields = fields};
    mr_arena arena = {0};
    mr_vector columns[2];
    decode(&config, 0, ROWS, columns, &arena);
    mr_i128 limit = 1;
    for (int i = 0; i < 38; i++)
        limit *= 10;
    for (uint32_t r = 0; r < ROWS; r++)
        cr_assert(columns[0].i128[r] > -limit && columns[0].i128[r] < limit);
    mr_arena_release(&arena);
}
