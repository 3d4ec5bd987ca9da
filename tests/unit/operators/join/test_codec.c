/*
 * Goal: kept columns come back as they were, and bytes that are none are refused.
 * Method: one column of every lane, NULLs and extreme values; then every shorter string of a row's
 * bytes, and one byte more.
 */
#include "operators/join/codec.h"

#include "engine/base/assert.h"

#include <criterion/criterion.h>
#include <math.h>

#define ROWS 4u
#define COLUMNS 6u

static void make_types(mr_type *types)
{
    types[0] = mr_type_of(MR_TYPE_BOOLEAN);
    types[1] = mr_type_of(MR_TYPE_INT);
    types[2] = mr_type_of(MR_TYPE_BIGINT);
    types[3] = mr_type_decimal(38, 2);
    types[4] = mr_type_of(MR_TYPE_DOUBLE);
    types[5] = mr_type_string();
}

static void make_columns(mr_vector *columns, const mr_type *types, mr_arena *arena)
{
    const mr_i128 wide = ((mr_i128)INT64_MAX << 60) + 12345;
    for (uint32_t c = 0; c < COLUMNS; c++)
        columns[c] = mr_vector_new(types[c], ROWS, arena);
    memcpy(columns[0].bools, (uint8_t[]){0, 1, 1, 0}, ROWS);
    memcpy(columns[1].i32, (int32_t[]){0, -1, INT32_MAX, INT32_MIN}, ROWS * sizeof(int32_t));
    memcpy(columns[2].i64, (int64_t[]){0, -1, INT64_MAX, INT64_MIN}, ROWS * sizeof(int64_t));
    memcpy(columns[3].i128, (mr_i128[]){0, -1, wide, -wide}, ROWS * sizeof(mr_i128));
    memcpy(columns[4].f64, (double[]){-0.0, 1.5, INFINITY, -NAN}, ROWS * sizeof(double));
    const char *texts[] = {"", "a", "a text that is longer than an entry", "\xc3\xa4"};
    for (uint32_t r = 0; r < ROWS; r++)
        columns[5].strings[r] = mr_string_of(texts[r], (uint32_t)strlen(texts[r]));
    for (uint32_t c = 0; c < COLUMNS; c++) /* one NULL a column, in another row each */
        mr_vector_set_null(&columns[c], c % ROWS, ROWS, arena);
}

static mr_join_codec make_codec(mr_type *types, mr_arena *arena)
{
    static const uint32_t all[] = {0, 1, 2, 3, 4, 5};
    make_types(types);
    mr_join_side side = {
        .columns_count = COLUMNS, .columns = all, .types = types, .time_column = -1};
    return mr_join_codec_of(&side, NULL, 0, arena);
}

static void write_all(const mr_join_codec *codec, mr_vector *columns, mr_buffer *bytes,
                      mr_string *rows)
{
    const mr_vector *at[COLUMNS];
    size_t ends[ROWS], start = 0;
    for (uint32_t c = 0; c < COLUMNS; c++)
        at[c] = &columns[c];
    for (uint32_t r = 0; r < ROWS; r++) {
        mr_join_codec_write(codec, at, r, bytes);
        ends[r] = bytes->length;
    }
    for (uint32_t r = 0; r < ROWS; start = ends[r++])
        rows[r] = mr_string_of(bytes->data + start, (uint32_t)(ends[r] - start));
}

Test(codec, gives_every_lane_back_bit_for_bit)
{
    mr_arena arena = {0};
    mr_type types[COLUMNS];
    mr_join_codec codec = make_codec(types, &arena);
    mr_vector columns[COLUMNS], back[COLUMNS];
    mr_buffer bytes = {0};
    mr_string rows[ROWS];
    mr_error err = {0};
    make_columns(columns, types, &arena);
    write_all(&codec, columns, &bytes, rows);
    cr_assert_eq(mr_join_codec_read(&codec, rows, ROWS, &arena, back, &err), MR_OK);
    for (uint32_t c = 0; c < COLUMNS; c++)
        for (uint32_t r = 0; r < ROWS; r++) {
            cr_expect_eq(mr_vector_is_null(&back[c], r), c % ROWS == r, "column %u row %u", c, r);
            if (c % ROWS == r)
                continue;
            size_t size = mr_lane_size(columns[c].lane);
            bool is_same = columns[c].lane == MR_LANE_STRING
                               ? mr_string_equals(columns[c].strings[r], back[c].strings[r])
                               : memcmp((char *)columns[c].values + size * r,
                                        (char *)back[c].values + size * r, size) == 0;
            cr_expect(is_same, "column %u row %u", c, r);
        }
    mr_buffer_release(&bytes);
    mr_arena_release(&arena);
}

Test(codec, refuses_a_row_that_is_too_short_or_too_long)
{
    mr_arena arena = {0};
    mr_type types[COLUMNS];
    mr_join_codec codec = make_codec(types, &arena);
    mr_vector columns[COLUMNS], back[COLUMNS];
    mr_buffer bytes = {0};
    mr_string rows[ROWS];
    mr_error err = {0};
    make_columns(columns, types, &arena);
    write_all(&codec, columns, &bytes, rows);
    for (uint32_t r = 0; r < ROWS; r++) {
        for (uint32_t length = 0; length < rows[r].length; length++) {
            mr_string cut = mr_string_of(rows[r].bytes, length);
            cr_expect_eq(mr_join_codec_read(&codec, &cut, 1, &arena, back, &err), MR_E_STATE);
        }
        mr_string more = mr_string_of(mr_arena_string(&arena, rows[r].bytes, rows[r].length),
                                      rows[r].length + 1);
        cr_expect_eq(mr_join_codec_read(&codec, &more, 1, &arena, back, &err), MR_E_STATE);
    }
    mr_buffer_release(&bytes);
    mr_arena_release(&arena);
}

Test(codec, leaves_out_what_key_and_time_say)
{
    mr_arena arena = {0};
    mr_type types[] = {mr_type_of(MR_TYPE_BIGINT), mr_type_time(MR_TYPE_TIMESTAMP, 3),
                       mr_type_of(MR_TYPE_DOUBLE)};
    mr_type key_types[] = {types[0], types[2]};
    mr_join_side side = {.keys = (uint32_t[]){7, 9},
                         .columns_count = 3,
                         .columns = (uint32_t[]){7, 8, 9},
                         .types = types,
                         .time_column = 8};
    mr_join_codec codec = mr_join_codec_of(&side, key_types, 2, &arena);
    cr_expect_eq(codec.columns[0].place, MR_JOIN_IN_KEY);
    cr_expect_eq(codec.columns[1].place, MR_JOIN_IN_TIME);
    cr_expect_eq(codec.columns[2].place, MR_JOIN_IN_BYTES, "a key knows one zero and one NaN");
    cr_expect_eq(codec.written_count, 1);
    mr_arena_release(&arena);
}
