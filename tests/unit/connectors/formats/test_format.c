/* Formats through their table: a batch in, text of keys and values out, and back again. */
#include "connectors/formats/codes.h"
#include "connectors/formats/format.h"
#include "tests/unit/connectors/formats/decode_fixture.h"

#include <criterion/criterion.h>
#include <math.h>
#include <stdio.h>

typedef struct encoded {
    mr_arena arena;
    mr_batch batch;
    mr_encoded out;
    mr_row_errors errors;
    char text[8192];
} encoded;

static void start(encoded *e, uint32_t columns_count, uint32_t rows)
{
    memset(e, 0, sizeof *e);
    e->batch = mr_batch_new(columns_count, rows, &e->arena);
    e->errors.arena = &e->arena;
}

static mr_vector *set_column(encoded *e, uint32_t column, mr_type type)
{
    e->batch.columns[column] = mr_vector_new(type, e->batch.rows, &e->arena);
    return &e->batch.columns[column];
}

static void finish(encoded *e)
{
    mr_buffer_release(&e->out.bytes);
    mr_arena_release(&e->arena);
}

static int print_part(char *to, size_t size, const encoded *e, uint32_t start_at, uint32_t length)
{
    if (length == UINT32_MAX)
        return snprintf(to, size, "NULL");
    return snprintf(to, size, "%.*s", (int)length, e->out.bytes.data + start_at);
}

/* "key=value; key=value; 3! MR3120;" */
static const char *encode(encoded *e, const mr_format_use *key, const mr_format_use *value,
                          const mr_codec_field *fields, uint32_t fields_count)
{
    mr_encoder *encoder = NULL;
    mr_error err = {0};
    cr_assert_eq(mr_format_encoder_new(key, value, fields, fields_count, &encoder, &err), MR_OK,
                 "%s", err.message);
    cr_assert_eq(encoder->class->encode(encoder, &e->batch, &e->out, &e->errors, &err), MR_OK);
    encoder->class->free(encoder);
    size_t at = 0;
    for (uint32_t i = 0; i < e->batch.selected; i++) {
        uint32_t row = mr_batch_row(&e->batch, i), bad = 0;
        for (uint32_t k = 0; k < e->errors.count; k++)
            if (e->errors.error[k].row == row)
                bad = (uint32_t)e->errors.error[k].code;
        if (bad != 0) {
            at += (size_t)snprintf(e->text + at, sizeof e->text - at, "%u! MR%u; ", row, bad);
            continue;
        }
        if (key != NULL) {
            at += (size_t)print_part(e->text + at, sizeof e->text - at, e, e->out.key_start[i],
                                     e->out.key_length[i]);
            e->text[at++] = '=';
        }
        at += (size_t)print_part(e->text + at, sizeof e->text - at, e, e->out.value_start[i],
                                 e->out.value_length[i]);
        at += (size_t)snprintf(e->text + at, sizeof e->text - at, "; ");
    }
    if (at > 0)
        e->text[at - 1] = '\0';
    return e->text;
}

static mr_format_use use_of(const char *name, const mr_format_setting *settings, uint32_t count)
{
    mr_format_use use = {
        .format = mr_format_find(name), .settings = settings, .settings_count = count};
    cr_assert_not_null(use.format);
    return use;
}

Test(format, writes_every_type_as_json_the_way_flink_does)
{
    encoded e;
    start(&e, 10, 2);
    set_column(&e, 0, mr_type_of(MR_TYPE_BOOLEAN))->bools[0] = 1;
    set_column(&e, 1, mr_type_of(MR_TYPE_INT))->i32[0] = -7;
    set_column(&e, 2, mr_type_of(MR_TYPE_BIGINT))->i64[0] = INT64_MIN;
    set_column(&e, 3, mr_type_of(MR_TYPE_DOUBLE))->f64[0] = 0.1;
    set_column(&e, 4, mr_type_decimal(10, 2))->i128[0] = -1250;
    set_column(&e, 5, mr_type_string())->strings[0] =
        mr_string_of("a\"\\\n\x01 \xc3\xa4 tail over sixteen bytes", 31);
    set_column(&e, 6, mr_type_of(MR_TYPE_VARBINARY))->strings[0] = mr_string_of("hi", 2);
    set_column(&e, 7, mr_type_of(MR_TYPE_DATE))->i32[0] = 19782;
    set_column(&e, 8, mr_type_time(MR_TYPE_TIMESTAMP, 3))->i64[0] = -1000;
    set_column(&e, 9, mr_type_time(MR_TYPE_TIMESTAMP_LTZ, 3))->i64[0] = 86400000000;
    mr_codec_field fields[10];
    static const char *const names[] = {"b", "i", "l", "d", "n", "s", "y", "t", "u", "z"};
    for (uint32_t c = 0; c < 10; c++) {
        mr_vector_set_null(&e.batch.columns[c], 1, 2, &e.arena);
        fields[c] =
            (mr_codec_field){.column = c, .name = names[c], .type = e.batch.columns[c].type};
    }
    mr_format_use json = use_of("json", NULL, 0);
    cr_expect_str_eq(
        encode(&e, NULL, &json, fields, 10),
        "{\"b\":true,\"i\":-7,\"l\":-9223372036854775808,\"d\":0.1,\"n\":-12.5,"
        "\"s\":\"a\\\"\\\\\\n\\u0001 \xc3\xa4 tail over sixteen byte\",\"y\":\"aGk=\","
        "\"t\":\"2024-02-29\",\"u\":\"1969-12-31 23:59:59.999\",\"z\":\"1970-01-02 00:00:00Z\"}; "
        "{\"b\":null,\"i\":null,\"l\":null,\"d\":null,\"n\":null,\"s\":null,\"y\":null,\"t\":null,"
        "\"u\":null,\"z\":null};");
    mr_format_setting settings[] = {{"timestamp-format.standard", "iso-8601"},
                                    {"encode.ignore-null-fields", "TRUE"}};
    json = use_of("json", settings, 2);
    e.out.bytes.length = 0;
    cr_expect_str_eq(encode(&e, NULL, &json, fields + 8, 2),
                     "{\"u\":\"1969-12-31T23:59:59.999\",\"z\":\"1970-01-02T00:00:00Z\"}; {};");
    finish(&e);
}

Test(format, writes_doubles_with_the_fewest_digits_that_read_back)
{
    static const struct {
        double value;
        const char *text;
    } cases[] = {{1, "1.0"},
                 {-0.0, "-0.0"},
                 {0.001, "0.001"},
                 {1e-4, "1.0E-4"},
                 {9999999, "9999999.0"},
                 {1e7, "1.0E7"},
                 {1e22, "1.0E22"},
                 {123.456, "123.456"},
                 {1.0 / 3, "0.3333333333333333"},
                 {5e-324, "5.0E-324"},
                 {1.7976931348623157e308, "1.7976931348623157E308"}};
    encoded e;
    start(&e, 1, sizeof cases / sizeof *cases);
    mr_vector *column = set_column(&e, 0, mr_type_of(MR_TYPE_DOUBLE));
    char expected[1024] = "";
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        column->f64[i] = cases[i].value;
        sprintf(expected + strlen(expected), "%s{\"d\":%s};", i ? " " : "", cases[i].text);
    }
    mr_codec_field field = {.name = "d", .type = column->type};
    mr_format_use json = use_of("json", NULL, 0);
    cr_expect_str_eq(encode(&e, NULL, &json, &field, 1), expected);
    finish(&e);
}

Test(format, writes_decimals_with_an_exponent_unless_they_must_be_plain)
{
    encoded e;
    start(&e, 1, 4);
    mr_vector *column = set_column(&e, 0, mr_type_decimal(20, 9));
    column->i128[0] = 27;                                 /* 0.000000027 */
    column->i128[1] = (mr_i128)4546218 * 1000000000 * 10; /* 45462180 */
    column->i128[2] = 0;
    column->i128[3] = -1500000000;
    mr_codec_field field = {.name = "n", .type = column->type};
    mr_format_use json = use_of("json", NULL, 0);
    cr_expect_str_eq(encode(&e, NULL, &json, &field, 1),
                     "{\"n\":2.7E-8}; {\"n\":4.546218E+7}; {\"n\":0}; {\"n\":-1.5};");
    mr_format_setting plain = {"encode.decimal-as-plain-number", "true"};
    json = use_of("json", &plain, 1);
    e.out.bytes.length = 0;
    cr_expect_str_eq(encode(&e, NULL, &json, &field, 1),
                     "{\"n\":0.000000027}; {\"n\":45462180}; {\"n\":0}; {\"n\":-1.5};");
    finish(&e);
}

Test(format, leaves_rows_that_json_cannot_spell_to_the_errors)
{
    encoded e;
    start(&e, 2, 4);
    mr_vector *d = set_column(&e, 0, mr_type_of(MR_TYPE_DOUBLE));
    mr_vector *s = set_column(&e, 1, mr_type_string());
    for (uint32_t i = 0; i < 4; i++) {
        d->f64[i] = i;
        s->strings[i] = mr_string_of("x", 1);
    }
    d->f64[1] = NAN;
    s->strings[2] = mr_string_of("\xff", 1);
    mr_codec_field fields[] = {
        {.part = MR_PART_KEY, .column = 1, .name = "s", .type = s->type},
        {.column = 0, .name = "d", .type = d->type},
        {.column = 1, .name = "s", .type = s->type},
    };
    mr_format_use json = use_of("json", NULL, 0), raw = use_of("raw", NULL, 0);
    cr_expect_str_eq(encode(&e, &raw, &json, fields, 3),
                     "x={\"d\":0.0,\"s\":\"x\"}; 1! MR3120; 2! MR3105; x={\"d\":3.0,\"s\":\"x\"};");
    static const uint32_t last[] = {0, 3};
    e.batch = mr_batch_select(&e.batch, last, 2);
    e.errors.count = 0;
    e.out.bytes.length = 0;
    cr_expect_str_eq(encode(&e, &raw, &json, fields, 3),
                     "x={\"d\":0.0,\"s\":\"x\"}; x={\"d\":3.0,\"s\":\"x\"};");
    finish(&e);
}

static const char *decode_all(const mr_format_use *key, const mr_format_use *value,
                              const mr_codec_column *columns, uint32_t columns_count,
                              const char *const *texts, const size_t *lengths, uint32_t count,
                              decoded *out)
{
    mr_decoder *decoder = NULL;
    mr_error err = {0};
    cr_assert_eq(mr_format_decoder_new(key, value, columns, columns_count, &decoder, &err), MR_OK,
                 "%s", err.message);
    fixture_decode(decoder, columns_count, texts, lengths, count, out);
    decoder->class->free(decoder);
    return fixture_print(out, columns_count, false);
}

Test(format, joins_key_and_value_columns_of_the_records_good_in_both)
{
    static const char *const a[] = {"a"}, *const k[] = {"k"};
    mr_codec_column columns[] = {
        {.part = MR_PART_VALUE, .path = a, .path_length = 1, .type = mr_type_of(MR_TYPE_INT)},
        {.part = MR_PART_KEY, .path = k, .path_length = 1, .type = mr_type_string()},
    };
    /* The fixture uses each text as key and as value. */
    const char *texts[] = {"{\"a\":1}", "\xff", "{\"a\":\"x\"}", NULL, "{\"a\":2}"};
    mr_format_use json = use_of("json", NULL, 0), raw = use_of("raw", NULL, 0);
    static decoded out;
    cr_expect_str_eq(decode_all(&raw, &json, columns, 2, texts, NULL, 5, &out),
                     "0: 1, '{\"a\":1}'; 4: 2, '{\"a\":2}'; 1! MR3105; 2! MR3101;");
    fixture_release(&out);
}

Test(format, reads_raw_numbers_in_either_byte_order_and_checks_their_length)
{
    static const char *const a[] = {"a"};
    mr_codec_column column = {.path = a, .path_length = 1, .type = mr_type_of(MR_TYPE_INT)};
    const char *texts[] = {"\xff\xff\xff\xfe", "\0\0\1\0", "abc", NULL};
    const size_t lengths[] = {4, 4, 3, 0};
    static decoded out;
    mr_format_use big = use_of("raw", NULL, 0);
    cr_expect_str_eq(decode_all(NULL, &big, &column, 1, texts, lengths, 4, &out),
                     "0: -2; 1: 256; 3: NULL; 2! MR3130;");
    fixture_release(&out);
    mr_format_setting setting = {"endianness", "little-endian"};
    mr_format_use little = use_of("raw", &setting, 1);
    cr_expect_str_eq(decode_all(NULL, &little, &column, 1, texts, lengths, 4, &out),
                     "0: -16777217; 1: 65536; 3: NULL; 2! MR3130;");
    fixture_release(&out);
}

Test(format, raw_numbers_survive_a_round_trip)
{
    static const char *const a[] = {"a"};
    static const mr_type_kind kinds[] = {MR_TYPE_TINYINT, MR_TYPE_SMALLINT, MR_TYPE_INT,
                                         MR_TYPE_BIGINT,  MR_TYPE_FLOAT,    MR_TYPE_DOUBLE};
    for (size_t k = 0; k < sizeof kinds / sizeof *kinds; k++) {
        encoded e;
        start(&e, 1, 1);
        mr_vector *column = set_column(&e, 0, mr_type_of(kinds[k]));
        if (column->lane == MR_LANE_F64)
            column->f64[0] = -2.5;
        else if (column->lane == MR_LANE_I64)
            column->i64[0] = -5;
        else
            column->i32[0] = -5;
        mr_codec_field field = {.name = "a", .type = column->type};
        mr_format_use raw = use_of("raw", NULL, 0);
        encode(&e, NULL, &raw, &field, 1);
        mr_codec_column back = {.path = a, .path_length = 1, .type = column->type};
        const char *text = e.out.bytes.data;
        size_t length = e.out.value_length[0];
        static decoded out;
        cr_expect_str_eq(decode_all(NULL, &raw, &back, 1, &text, &length, 1, &out),
                         column->lane == MR_LANE_F64 ? "0: -2.5;" : "0: -5;");
        fixture_release(&out);
        finish(&e);
    }
}

Test(format, refuses_unknown_options_and_values_and_columns)
{
    static const char *const a[] = {"a"};
    mr_codec_column columns[] = {
        {.path = a, .path_length = 1, .type = mr_type_of(MR_TYPE_INTERVAL_MONTH)},
        {.path = a, .path_length = 1, .type = mr_type_string()}};
    mr_format_setting unknown = {"ignore-errors", "true"};
    mr_format_setting bad = {"timestamp-format.standard", "ISO"};
    mr_format_use uses[] = {use_of("json", &unknown, 1), use_of("json", &bad, 1),
                            use_of("json", NULL, 0), use_of("raw", NULL, 0)};
    mr_decoder *decoder;
    mr_error err;
    cr_expect_eq(mr_format_decoder_new(NULL, &uses[0], columns, 1, &decoder, &err), MR_E_SETTING);
    cr_expect_eq(mr_format_decoder_new(NULL, &uses[1], columns, 1, &decoder, &err), MR_E_SETTING);
    cr_expect_not_null(strstr(err.message, "`SQL`, `ISO-8601`"), "%s", err.message);
    cr_expect_eq(mr_format_decoder_new(NULL, &uses[2], columns, 1, &decoder, &err), MR_E_SETTING);
    cr_expect_eq(mr_format_decoder_new(NULL, &uses[3], columns, 1, &decoder, &err), MR_E_SETTING);
    cr_expect_eq(mr_format_decoder_new(NULL, &uses[3], columns, 2, &decoder, &err), MR_E_SETTING);
    cr_expect_null(mr_format_find("protobuf"));
}
