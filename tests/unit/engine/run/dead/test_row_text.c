/*
 * Goal: a row that an operator made can be read by a human where it ends up: in the DLQ and in the
 * log. Method: one row of every kind of column as text.
 */
#include "engine/run/dead/row_text.h"

#include <criterion/criterion.h>
#include <math.h>

static void expect_text(mr_vector *columns, uint32_t count, const char *expected)
{
    mr_arena arena = {0};
    mr_batch batch = mr_batch_new(count, 1, &arena);
    memcpy(batch.columns, columns, count * sizeof *columns);
    mr_buffer text = {0};
    mr_row_text(&batch, 0, NULL, &text);
    mr_buffer_put_u8(&text, '\0');
    cr_assert_str_eq(text.data, expected);
    mr_buffer_release(&text);
    mr_arena_release(&arena);
}

Test(row_text, writes_times_as_sql_does)
{
    mr_arena arena = {0};
    mr_vector columns[] = {
        mr_vector_new(mr_type_of(MR_TYPE_DATE), 1, &arena),
        mr_vector_new(mr_type_time(MR_TYPE_TIME, 0), 1, &arena),
        mr_vector_new(mr_type_time(MR_TYPE_TIMESTAMP, 3), 1, &arena),
        mr_vector_new(mr_type_time(MR_TYPE_TIMESTAMP_LTZ, 3), 1, &arena),
    };
    columns[0].i32[0] = -1;
    columns[1].i64[0] = INT64_C(3723000000);
    columns[2].i64[0] = INT64_C(1700000000123000);
    columns[3].i64[0] = 0;
    expect_text(columns, 4,
                "{\"c0\":\"1969-12-31\",\"c1\":\"01:02:03\",\"c2\":\"2023-11-14 22:13:20.123\","
                "\"c3\":\"1970-01-01 00:00:00.000Z\"}");
    mr_arena_release(&arena);
}

Test(row_text, writes_numbers_text_bytes_and_nulls)
{
    mr_arena arena = {0};
    mr_vector columns[] = {
        mr_vector_new(mr_type_of(MR_TYPE_BIGINT), 1, &arena),
        mr_vector_new(mr_type_decimal(10, 2), 1, &arena),
        mr_vector_new(mr_type_of(MR_TYPE_DOUBLE), 1, &arena),
        mr_vector_new(mr_type_of(MR_TYPE_DOUBLE), 1, &arena),
        mr_vector_new(mr_type_string(), 1, &arena),
        mr_vector_new(mr_type_of(MR_TYPE_VARBINARY), 1, &arena),
        mr_vector_new(mr_type_of(MR_TYPE_BOOLEAN), 1, &arena),
        mr_vector_new(mr_type_of(MR_TYPE_INT), 1, &arena),
    };
    columns[0].i64[0] = INT64_MIN;
    columns[1].i128[0] = -5;
    columns[2].f64[0] = 0.5;
    columns[3].f64[0] = (double)INFINITY;
    columns[4].strings[0] = mr_string_of("a\"\\\n", 4);
    columns[5].strings[0] = mr_string_of("\x00\xff", 2);
    columns[6].bools[0] = 1;
    mr_vector_set_null(&columns[7], 0, 1, &arena);
    expect_text(columns, 8,
                "{\"c0\":-9223372036854775808,\"c1\":-0.05,\"c2\":0.5,\"c3\":\"Infinity\","
                "\"c4\":\"a\\\"\\\\\\u000a\",\"c5\":\"00ff\",\"c6\":true,\"c7\":null}");
    mr_arena_release(&arena);
}

Test(row_text, shows_the_columns_of_the_user_alone)
{
    mr_arena arena = {0};
    mr_batch batch = mr_batch_new(3, 1, &arena);
    for (uint32_t c = 0; c < 3; c++) {
        batch.columns[c] = mr_vector_new(mr_type_of(MR_TYPE_INT), 1, &arena);
        batch.columns[c].i32[0] = (int32_t)c;
    }
    const mr_field names[] = {{.name = "$0"}, {.name = "$price"}, {.name = "$1"}};
    mr_buffer text = {0};
    mr_row_text(&batch, 0, names, &text);
    mr_buffer_put_u8(&text, '\0');
    cr_expect_str_eq(text.data, "{\"$price\":1}");
    mr_buffer_release(&text);
    mr_arena_release(&arena);
}
