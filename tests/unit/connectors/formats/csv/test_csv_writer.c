/* Goal: what the writer writes is what Flink would write, or valid CSV where that could not be read
 * back. Method: one row of values in, one line out, per dialect. */
#include "connectors/formats/codes.h"
#include "connectors/formats/format.h"
#include "engine/base/assert.h"

#include <criterion/criterion.h>
#include <math.h>

typedef struct line {
    mr_arena arena;
    mr_buffer bytes;
    mr_row_errors errors;
    mr_written outcome;
} line;

static void write_row(const mr_format_setting *settings, uint32_t settings_count,
                      const mr_vector *columns, uint32_t count, line *to)
{
    *to = (line){.errors.arena = &to->arena};
    mr_format_use use = {.format = mr_format_find("csv"),
                         .settings = settings,
                         .settings_count = settings_count,
                         .width = count};
    mr_codec_field fields[16];
    for (uint32_t c = 0; c < count; c++)
        fields[c] = (mr_codec_field){.column = c, .name = "col", .type = columns[c].type};
    mr_row_writer *writer;
    mr_error err;
    cr_assert_eq(use.format->writer_new(&use, fields, count, &writer, &err), MR_OK, "%s",
                 err.message);
    mr_batch batch = mr_batch_new(count, 1, &to->arena);
    for (uint32_t c = 0; c < count; c++)
        batch.columns[c] = columns[c];
    to->outcome = writer->class->write(writer, &batch, 0, &to->bytes, &to->errors);
    mr_buffer_put(&to->bytes, "", 1);
    writer->class->free(writer);
}

static void release(line *l)
{
    mr_buffer_release(&l->bytes);
    mr_arena_release(&l->arena);
}

static mr_vector text_column(const char *text, mr_arena *arena)
{
    mr_vector v = mr_vector_new(mr_type_string(), 1, arena);
    if (text == NULL)
        mr_vector_set_null(&v, 0, 1, arena);
    else
        v.strings[0] = mr_string_of(text, (uint32_t)strlen(text));
    return v;
}

static void expect_texts(const mr_format_setting *settings, uint32_t count, const char *a,
                         const char *b, const char *expected)
{
    mr_arena arena = {0};
    const mr_vector columns[] = {text_column(a, &arena), text_column(b, &arena)};
    line got;
    write_row(settings, count, columns, 2, &got);
    cr_expect_str_eq(got.bytes.data, expected, "`%s`, not `%s`", got.bytes.data, expected);
    release(&got);
    mr_arena_release(&arena);
}

Test(csv_writer, quotes_what_needs_it)
{
    expect_texts(NULL, 0, "a", " b c ", "a, b c ");
    expect_texts(NULL, 0, "a,b", "say \"x\"", "\"a,b\",\"say \"\"x\"\"\"");
    expect_texts(NULL, 0, "two\nlines", "a\rb", "\"two\nlines\",\"a\rb\"");
    expect_texts(NULL, 0, "", "", ",");
    expect_texts(NULL, 0, NULL, "x", ",x");
    expect_texts(NULL, 0, "#", "'", "#,'");
    expect_texts(NULL, 0, "\xef\xbb\xbfx", "\xef\xbb\xbf", "\"\xef\xbb\xbfx\",\xef\xbb\xbf");
    const mr_format_setting comments[] = {{"allow-comments", "true"}, {"null-literal", "NULL"}};
    expect_texts(comments, 2, "# no comment", "#", "\"# no comment\",#");
    expect_texts(comments, 2, NULL, NULL, "NULL,NULL");
    const mr_format_setting other[] = {
        {"field-delimiter", "|"}, {"quote-character", "'"}, {"escape-character", "\\"}};
    expect_texts(other, 3, "a|b", "it's \\ \"", "'a|b'|'it''s \\\\ \"'");
    const mr_format_setting bare[] = {{"disable-quote-character", "true"},
                                      {"escape-character", "\\"}};
    expect_texts(bare, 2, "\xef\xbb\xbf", "x", "\\\xef\xbb\xbf,x");
    expect_texts(bare, 2, "a,b\\", "\"two\nlines\r\"", "a\\,b\\\\,\"two\\nlines\\r\"");
}

Test(csv_writer, one_empty_text_is_a_row_all_the_same)
{
    mr_arena arena = {0};
    mr_vector column = text_column("", &arena);
    line got;
    write_row(NULL, 0, &column, 1, &got);
    cr_expect_str_eq(got.bytes.data, "\"\"");
    release(&got);
    mr_arena_release(&arena);
}

Test(csv_writer, what_cannot_be_written_is_an_error_of_the_row)
{
    mr_arena arena = {0};
    const mr_format_setting bare[] = {{"disable-quote-character", "true"}};
    const mr_vector columns[] = {text_column("fine", &arena), text_column("a,b", &arena)};
    line got;
    write_row(bare, 1, columns, 2, &got);
    cr_expect(got.outcome == MR_WRITTEN_ERROR && got.errors.error[0].code == MR_E_CSV_UNQUOTED);
    release(&got);
    const mr_vector bad[] = {text_column("\xff", &arena)};
    write_row(NULL, 0, bad, 1, &got);
    cr_expect(got.outcome == MR_WRITTEN_ERROR && got.errors.error[0].code == MR_E_TEXT_UTF8);
    release(&got);
    mr_arena_release(&arena);
}

static mr_vector column_of(mr_type_kind kind, mr_arena *arena)
{
    mr_type type = {.kind = kind, .precision = 3, .is_nullable = true};
    if (kind == MR_TYPE_DECIMAL)
        type.precision = 10, type.scale = 2;
    if (kind == MR_TYPE_VARBINARY)
        type.length = MR_LENGTH_UNBOUNDED;
    return mr_vector_new(type, 1, arena);
}

Test(csv_writer, writes_every_type)
{
    mr_arena arena = {0};
    mr_vector c[10] = {
        column_of(MR_TYPE_BOOLEAN, &arena),   column_of(MR_TYPE_INT, &arena),
        column_of(MR_TYPE_BIGINT, &arena),    column_of(MR_TYPE_DOUBLE, &arena),
        column_of(MR_TYPE_DECIMAL, &arena),   column_of(MR_TYPE_DATE, &arena),
        column_of(MR_TYPE_TIMESTAMP, &arena), column_of(MR_TYPE_TIMESTAMP_LTZ, &arena),
        column_of(MR_TYPE_VARBINARY, &arena), column_of(MR_TYPE_DOUBLE, &arena)};
    c[0].bools[0] = 1;
    c[1].i32[0] = -5;
    c[2].i64[0] = INT64_MIN;
    c[3].f64[0] = 1.5;
    c[4].i128[0] = 10000;
    c[5].i32[0] = 1;
    c[6].i64[0] = c[7].i64[0] = 1234000;
    c[8].strings[0] = mr_string_of("ab", 2);
    c[9].f64[0] = (double)-INFINITY;
    line got;
    write_row(NULL, 0, c, 10, &got);
    cr_expect_str_eq(got.bytes.data,
                     "true,-5,-9223372036854775808,1.5,1E+2,1970-01-02,1970-01-01 00:00:01.234,"
                     "1970-01-01 00:00:01.234Z,YWI=,-Infinity");
    release(&got);
    /* A delimiter that stands in values too: they are quoted. */
    const mr_format_setting other[] = {{"field-delimiter", "-"},
                                       {"write-bigdecimal-in-scientific-notation", "false"}};
    write_row(other, 2, c, 6, &got);
    cr_expect_str_eq(got.bytes.data, "true-\"-5\"-\"-9223372036854775808\"-1.5-100-\"1970-01-02\"");
    release(&got);
    mr_arena_release(&arena);
}
