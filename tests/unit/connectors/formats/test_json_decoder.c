/* The JSON decoder against its contract: one text in, one printed row or error out. */
#include "connectors/formats/codes.h"
#include "connectors/formats/json/decoder.h"
#include "connectors/formats/json/scan.h"
#include "tests/unit/connectors/formats/decode_fixture.h"

#include <criterion/criterion.h>
#include <stdio.h>
#include <stdlib.h>

#define PATH(...)         \
    (const char *const[]) \
    {                     \
        __VA_ARGS__       \
    }
#define COLUMN(sql_type, ...)                                                                 \
    {                                                                                         \
        .path_length = sizeof(PATH(__VA_ARGS__)) / sizeof(char *), .path = PATH(__VA_ARGS__), \
        .type = sql_type                                                                      \
    }

static mr_decoder *new_decoder(const mr_codec_column *columns, uint32_t count,
                               mr_json_options options, mr_record_part part)
{
    mr_decoder *decoder = NULL;
    mr_error err = {0};
    cr_assert_eq(mr_json_decoder_new(columns, count, part, &options, &decoder, &err), MR_OK, "%s",
                 err.message);
    return decoder;
}

static void expect_rows_of(const mr_codec_column *columns, uint32_t columns_count,
                           mr_json_options options, const char *const *texts, uint32_t texts_count,
                           const char *expected)
{
    mr_decoder *decoder = new_decoder(columns, columns_count, options, MR_PART_VALUE);
    static decoded out;
    fixture_decode(decoder, columns_count, texts, NULL, texts_count, &out);
    const char *printed = fixture_print(&out, columns_count, false);
    cr_expect_str_eq(printed, expected, "%s\n  got      %s\n  expected %s", texts[0], printed,
                     expected);
    fixture_release(&out);
    decoder->class->free(decoder);
}

/* With AVX2, where the machine has it, and without. */
static void expect_rows(const mr_codec_column *columns, uint32_t columns_count,
                        mr_json_options options, const char *const *texts, uint32_t texts_count,
                        const char *expected)
{
    for (int narrow = 0; narrow < 2; narrow++) {
        options.is_narrow = narrow == 1;
        expect_rows_of(columns, columns_count, options, texts, texts_count, expected);
    }
}

/* One column `a`. */
static void expect_value(mr_type type, mr_json_options options, const char *text,
                         const char *expected)
{
    mr_codec_column column = COLUMN(type, "a");
    expect_rows(&column, 1, options, &text, 1, expected);
}

typedef struct value_case {
    const char *text;
    const char *expected;
} value_case;

static void expect_values(mr_type type, const value_case *cases, size_t count)
{
    for (size_t i = 0; i < count; i++)
        expect_value(type, (mr_json_options){0}, cases[i].text, cases[i].expected);
}
#define EXPECT_VALUES(type, cases) expect_values(type, cases, sizeof(cases) / sizeof *(cases))

Test(json_decoder, projects_the_wanted_fields_in_any_order)
{
    mr_codec_column columns[] = {COLUMN(mr_type_of(MR_TYPE_BIGINT), "auction"),
                                 COLUMN(mr_type_string(), "channel"),
                                 COLUMN(mr_type_of(MR_TYPE_INT), "deep", "x", "y")};
    const char *texts[] = {
        "{\"auction\":1,\"bidder\":2,\"channel\":\"web\",\"deep\":{\"x\":{\"y\":7}}}",
        "{\"auction\":2,\"bidder\":2,\"channel\":\"app\",\"deep\":{\"x\":{\"z\":[{}],\"y\":8}}}",
        " { \"channel\" : \"long enough for two loads of sixteen\" , \"auction\" : 3 } ",
        "{}",
        "{\"deep\":{\"y\":1,\"x\":null},\"auction\":null}",
    };
    expect_rows(columns, 3, (mr_json_options){0}, texts, 5,
                "0: 1, 'web', 7; 1: 2, 'app', 8; "
                "2: 3, 'long enough for two loads of sixteen', NULL; "
                "3: NULL, NULL, NULL; 4: NULL, NULL, NULL;");
}

Test(json_decoder, of_two_equal_names_the_last_counts)
{
    static const value_case cases[] = {
        {"{\"a\":1,\"a\":2}", "0: 2;"},       {"{\"a\":1,\"b\":5,\"a\":2,\"b\":6}", "0: 2;"},
        {"{\"a\":1,\"\\u0061\":2}", "0: 2;"}, {"{\"a\":1,\"a\":null}", "0: NULL;"},
        {"{\"a\":null,\"a\":3}", "0: 3;"},    {"{\"a\":1,\"a\":\"x\"}", "0! MR3101;"},
    };
    EXPECT_VALUES(mr_type_of(MR_TYPE_INT), cases);
    mr_codec_column deep[] = {COLUMN(mr_type_of(MR_TYPE_INT), "d", "x"),
                              COLUMN(mr_type_of(MR_TYPE_INT), "d", "y")};
    const char *texts[] = {"{\"d\":{\"x\":1,\"y\":2,\"x\":3}}",
                           "{\"d\":{\"x\":1,\"y\":2},\"d\":{\"x\":3,\"y\":4}}"};
    expect_rows(deep, 2, (mr_json_options){0}, texts, 2, "0: 3, 2; 1: 3, 4;");
}

Test(json_decoder, reads_integers_exactly_and_refuses_what_does_not_fit)
{
    static const value_case bigints[] = {
        {"{\"a\":9223372036854775807}", "0: 9223372036854775807;"},
        {"{\"a\":-9223372036854775808}", "0: -9223372036854775808;"},
        {"{\"a\":9223372036854775808}", "0! MR3102;"},
        {"{\"a\":12345678}", "0: 12345678;"},
        {"{\"a\":-123456789012345678}", "0: -123456789012345678;"},
        {"{\"a\":1234567890123456789}", "0: 1234567890123456789;"},
        {"{\"a\":1.2e3}", "0: 1200;"},
        {"{\"a\":12000e-3}", "0: 12;"},
        {"{\"a\":1.0}", "0: 1;"},
        {"{\"a\":1.5}", "0! MR3101;"},
        {"{\"a\":1e400}", "0! MR3102;"},
        {"{\"a\":0e999999999999999999999}", "0: 0;"},
        {"{\"a\":-0}", "0: 0;"},
        {"{\"a\":\" +0042 \"}", "0: 42;"},
        {"{\"a\":\"4x\"}", "0! MR3101;"},
        {"{\"a\":\"\"}", "0! MR3101;"},
        {"{\"a\":true}", "0! MR3100;"},
        {"{\"a\":{}}", "0! MR3100;"},
        {"{\"a\":[1]}", "0! MR3100;"},
        {"{\"a\":01}", "0! MR3110;"},
        {"{\"a\":-}", "0! MR3110;"},
        {"{\"a\":1.}", "0! MR3110;"},
        {"{\"a\":+1}", "0! MR3110;"},
        {"{\"a\":1e}", "0! MR3110;"},
    };
    EXPECT_VALUES(mr_type_of(MR_TYPE_BIGINT), bigints);
    static const value_case tinyints[] = {{"{\"a\":127}", "0: 127;"},
                                          {"{\"a\":128}", "0! MR3102;"},
                                          {"{\"a\":-128}", "0: -128;"},
                                          {"{\"a\":-129}", "0! MR3102;"}};
    EXPECT_VALUES(mr_type_of(MR_TYPE_TINYINT), tinyints);
}

Test(json_decoder, reads_decimals_exactly_rounds_half_up_and_nulls_overflow)
{
    static const value_case cases[] = {
        {"{\"a\":1.005}", "0: 101;"},           {"{\"a\":-1.005}", "0: -101;"},
        {"{\"a\":1.0049999999}", "0: 100;"},    {"{\"a\":999.99}", "0: 99999;"},
        {"{\"a\":999.995}", "0: NULL;"},        {"{\"a\":1e3}", "0: NULL;"},
        {"{\"a\":1e2}", "0: 10000;"},           {"{\"a\":\"12.5\"}", "0: 1250;"},
        {"{\"a\":0.001e3}", "0: 100;"},         {"{\"a\":1e-999999999999}", "0: 0;"},
        {"{\"a\":1e999999999999}", "0: NULL;"}, {"{\"a\":false}", "0! MR3100;"},
    };
    EXPECT_VALUES(mr_type_decimal(5, 2), cases);
    static const value_case wide[] = {
        {"{\"a\":99999999999999999999999999999999999999}",
         "0: 99999999999999999999999999999999999999;"},
        {"{\"a\":100000000000000000000000000000000000000}", "0: NULL;"}};
    EXPECT_VALUES(mr_type_decimal(38, 0), wide);
}

Test(json_decoder, reads_floating_point_to_the_nearest)
{
    static const value_case cases[] = {
        {"{\"a\":0.1}", "0: 0.10000000000000001;"},
        {"{\"a\":-0.0}", "0: -0;"},
        {"{\"a\":9007199254740993}", "0: 9007199254740992;"},
        {"{\"a\":2.2250738585072011e-308}", "0: 2.2250738585072009e-308;"},
        {"{\"a\":1e400}", "0! MR3102;"},
        {"{\"a\":\"-Infinity\"}", "0: -inf;"},
        {"{\"a\":1e-400}", "0: 0;"},
    };
    EXPECT_VALUES(mr_type_of(MR_TYPE_DOUBLE), cases);
    static const value_case floats[] = {{"{\"a\":16777217}", "0: 16777216;"},
                                        {"{\"a\":0.1}", "0: 0.10000000149011612;"}};
    EXPECT_VALUES(mr_type_of(MR_TYPE_FLOAT), floats);
}

Test(json_decoder, reads_text_with_escapes_and_refuses_what_is_no_unicode)
{
    static const value_case cases[] = {
        {"{\"a\":\"\\\"\\\\\\/\\b\\f\\n\\r\\t|\"}", "0: '\"\\/\b\f\n\r\t|';"},
        {"{\"a\":\"\\u00e4\\u20AC\\ud83d\\ude00\"}", "0: 'ä€😀';"},
        {"{\"a\":\"ä€😀 and a tail that is long enough\"}",
         "0: 'ä€😀 and a tail that is long enough';"},
        {"{\"a\":\"\\ud83d\"}", "0! MR3111;"},
        {"{\"a\":\"\\ud83d\\u0041\"}", "0! MR3111;"},
        {"{\"a\":\"\\ude00\"}", "0! MR3111;"},
        {"{\"a\":\"\\u12g4\"}", "0! MR3111;"},
        {"{\"a\":\"\\x\"}", "0! MR3111;"},
        {"{\"a\":\"tab\tinside\"}", "0! MR3111;"},
        {"{\"a\":\"\xff\"}", "0! MR3105;"},
        {"{\"a\":\"\xc0\xaf\"}", "0! MR3105;"},
        {"{\"a\":\"\xed\xa0\x80\"}", "0! MR3105;"},
        {"{\"a\":\"\xf4\x90\x80\x80\"}", "0! MR3105;"},
        {"{\"b\":\"\xff\"}", "0! MR3105;"},
        {"{\"a\":\"open", "0! MR3110;"},
        {"{\"a\":1.50}", "0: '1.50';"},
        {"{\"a\":true}", "0: 'true';"},
        {"{\"a\":{\"x\": [1]}}", "0: '{\"x\": [1]}';"},
        {"{\"\\u0061\":\"escaped name\"}", "0: 'escaped name';"},
    };
    EXPECT_VALUES(mr_type_string(), cases);
}

Test(json_decoder, reads_booleans_bytes_dates_and_times)
{
    static const value_case booleans[] = {{"{\"a\":true}", "0: true;"},
                                          {"{\"a\":\"FALSE\"}", "0: false;"},
                                          {"{\"a\":\"yes\"}", "0! MR3101;"},
                                          {"{\"a\":1}", "0! MR3100;"},
                                          {"{\"a\":tru}", "0! MR3110;"}};
    EXPECT_VALUES(mr_type_of(MR_TYPE_BOOLEAN), booleans);
    static const value_case bytes[] = {{"{\"a\":\"aGk=\"}", "0: 'hi';"},
                                       {"{\"a\":\"aGk\"}", "0! MR3101;"},
                                       {"{\"a\":\"a=k=\"}", "0! MR3101;"},
                                       {"{\"a\":\"\"}", "0: '';"}};
    EXPECT_VALUES(mr_type_of(MR_TYPE_VARBINARY), bytes);
    static const value_case dates[] = {
        {"{\"a\":\"1970-01-02\"}", "0: 1;"},      {"{\"a\":\"2024-02-29\"}", "0: 19782;"},
        {"{\"a\":\"2023-02-29\"}", "0! MR3101;"}, {"{\"a\":\"0000-01-01\"}", "0: -719528;"},
        {"{\"a\":\"2024-1-1\"}", "0! MR3101;"},   {"{\"a\":5}", "0! MR3100;"}};
    EXPECT_VALUES(mr_type_of(MR_TYPE_DATE), dates);
    static const value_case times[] = {{"{\"a\":\"00:00:01.5\"}", "0: 1000000;"},
                                       {"{\"a\":\"23:59:59\"}", "0: 86399000000;"},
                                       {"{\"a\":\"24:00:00\"}", "0! MR3101;"}};
    EXPECT_VALUES(mr_type_time(MR_TYPE_TIME, 0), times);
}

Test(json_decoder, reads_timestamps_in_both_standards)
{
    static const value_case sql[] = {
        {"{\"a\":\"1970-01-01 00:00:01\"}", "0: 1000000;"},
        {"{\"a\":\"1970-01-01 00:00:00.123456789\"}", "0: 123000;"},
        {"{\"a\":\"1969-12-31 23:59:59.9999\"}", "0: -1000;"},
        {"{\"a\":\"1970-01-01T00:00:01\"}", "0! MR3101;"},
        {"{\"a\":\"1970-01-01 00:00:01Z\"}", "0! MR3101;"},
        {"{\"a\":\"1970-01-01 00:00:01.\"}", "0! MR3101;"},
        {"{\"a\":\"1970-01-01\"}", "0! MR3101;"},
    };
    EXPECT_VALUES(mr_type_time(MR_TYPE_TIMESTAMP, 3), sql);
    static const value_case local[] = {{"{\"a\":\"1970-01-01 00:00:01.5Z\"}", "0: 1500000;"},
                                       {"{\"a\":\"1970-01-01 00:00:01.5\"}", "0! MR3101;"}};
    EXPECT_VALUES(mr_type_time(MR_TYPE_TIMESTAMP_LTZ, 3), local);
    mr_json_options iso = {.is_timestamp_iso = true};
    expect_value(mr_type_time(MR_TYPE_TIMESTAMP, 6), iso, "{\"a\":\"1970-01-01T00:00:00.000001\"}",
                 "0: 1;");
    expect_value(mr_type_time(MR_TYPE_TIMESTAMP_LTZ, 6), iso, "{\"a\":\"1970-01-02T00:00:00Z\"}",
                 "0: 86400000000;");
}

Test(json_decoder, refuses_what_is_not_one_json_object)
{
    static const value_case cases[] = {
        {"", "0! MR3110;"},
        {"  ", "0! MR3110;"},
        {"[]", "0! MR3113;"},
        {"null", "0! MR3113;"},
        {"[1", "0! MR3110;"},
        {"nothing", "0! MR3110;"},
        {"{\"a\":1}x", "0! MR3114;"},
        {"{\"a\":1}{}", "0! MR3114;"},
        {"{\"a\":1,}", "0! MR3110;"},
        {"{\"a\" 1}", "0! MR3110;"},
        {"{\"a\":1 \"b\":2}", "0! MR3110;"},
        {"{a:1}", "0! MR3110;"},
        {"{\"a\":", "0! MR3110;"},
        {"{\"b\":[1,]}", "0! MR3110;"},
        {"{\"b\":{\"c\":}}", "0! MR3110;"},
        {"{\"b\":[}", "0! MR3110;"},
        {"{\"b\":[1}}", "0! MR3110;"},
        {"{\"b\":nul}", "0! MR3110;"},
        {"\xef\xbb\xbf{}", "0! MR3110;"},
    };
    EXPECT_VALUES(mr_type_of(MR_TYPE_INT), cases);
}

Test(json_decoder, bounds_the_nesting_of_what_it_skips)
{
    for (size_t depth = MR_JSON_DEPTH_MAX - 1; depth <= MR_JSON_DEPTH_MAX + 1; depth++) {
        char text[1024] = "{\"b\":";
        size_t at = strlen(text);
        memset(text + at, '[', depth - 1);
        memset(text + at + depth - 1, ']', depth - 1);
        strcpy(text + at + 2 * (depth - 1), "}");
        expect_value(mr_type_of(MR_TYPE_INT), (mr_json_options){0}, text,
                     depth <= MR_JSON_DEPTH_MAX ? "0: NULL;" : "0! MR3112;");
    }
}

Test(json_decoder, lets_the_last_of_equal_names_win)
{
    expect_value(mr_type_of(MR_TYPE_INT), (mr_json_options){0}, "{\"a\":1,\"a\":2}", "0: 2;");
    expect_value(mr_type_of(MR_TYPE_INT), (mr_json_options){0}, "{\"a\":1,\"a\":null}", "0: NULL;");
    expect_value(mr_type_of(MR_TYPE_INT), (mr_json_options){0}, "{\"a\":null,\"a\":2}", "0: 2;");
    mr_codec_column nested = COLUMN(mr_type_of(MR_TYPE_INT), "a", "b");
    const char *text = "{\"a\":{\"b\":1},\"a\":{}}";
    expect_rows(&nested, 1, (mr_json_options){0}, &text, 1, "0: NULL;");
}

Test(json_decoder, obeys_ignore_parse_errors_and_fail_on_missing_field)
{
    mr_codec_column columns[] = {COLUMN(mr_type_of(MR_TYPE_INT), "a"),
                                 COLUMN(mr_type_of(MR_TYPE_INT), "n", "b")};
    const char *texts[] = {"{\"a\":\"x\",\"n\":{\"b\":1}}", "no json", "{\"a\":1,\"n\":5}", "[]",
                           "{\"a\":2,\"n\":null}"};
    expect_rows(columns, 2, (mr_json_options){.is_ignoring_parse_errors = true}, texts, 5,
                "0: NULL, 1; 2: 1, NULL; 4: 2, NULL;");
    expect_rows(columns, 2, (mr_json_options){.is_failing_on_missing_field = true}, texts, 5,
                "4: 2, NULL; 0! MR3101; 1! MR3110; 2! MR3100; 3! MR3113;");
    const char *missing = "{\"a\":1}";
    expect_rows(columns, 2, (mr_json_options){.is_failing_on_missing_field = true}, &missing, 1,
                "0! MR3103;");
}

Test(json_decoder, skips_null_values_and_refuses_null_for_not_null)
{
    mr_codec_column column = COLUMN(mr_type_not_null(mr_type_of(MR_TYPE_INT)), "a");
    const char *texts[] = {NULL, "{\"a\":1}", "{\"a\":null}", "{}", NULL, "{\"a\":2}"};
    expect_rows(&column, 1, (mr_json_options){0}, texts, 6, "1: 1; 5: 2; 2! MR3104; 3! MR3104;");
}

Test(json_decoder, gives_nulls_for_a_null_key)
{
    mr_codec_column column = COLUMN(mr_type_of(MR_TYPE_INT), "a");
    mr_decoder *decoder = new_decoder(&column, 1, (mr_json_options){0}, MR_PART_KEY);
    const char *texts[] = {NULL, "{\"a\":1}"};
    static decoded out;
    fixture_decode(decoder, 1, texts, NULL, 2, &out);
    cr_expect_str_eq(fixture_print(&out, 1, false), "0: NULL; 1: 1;");
    fixture_release(&out);
    decoder->class->free(decoder);
}

Test(json_decoder, names_path_type_and_byte_of_a_bad_field)
{
    mr_codec_column columns[] = {COLUMN(mr_type_of(MR_TYPE_BIGINT), "order", "price"),
                                 COLUMN(mr_type_of(MR_TYPE_BIGINT), "id")};
    mr_decoder *decoder = new_decoder(columns, 2, (mr_json_options){0}, MR_PART_VALUE);
    const char *texts[] = {"{\"order\":{\"price\":\"cheap\"}}", "{\"id\":1,\"order\":[]}",
                           "{\"id\":1 ?"};
    static decoded out;
    fixture_decode(decoder, 2, texts, NULL, 3, &out);
    cr_expect_str_eq(fixture_print(&out, 2, true),
                     "0! MR3101 json: the text is no number at $.order.price (BIGINT), byte 18; "
                     "1! MR3100 json: found an array at $.order, byte 16; "
                     "2! MR3110 json: expected ',' or '}' at $, byte 8;");
    fixture_release(&out);
    decoder->class->free(decoder);
}

Test(json_decoder, refuses_options_and_columns_that_contradict)
{
    mr_codec_column column = COLUMN(mr_type_of(MR_TYPE_INT), "a");
    mr_codec_column twice[] = {COLUMN(mr_type_of(MR_TYPE_INT), "a"),
                               COLUMN(mr_type_of(MR_TYPE_INT), "a", "b")};
    mr_json_options both = {.is_ignoring_parse_errors = true, .is_failing_on_missing_field = true};
    mr_json_options none = {0};
    mr_decoder *decoder;
    mr_error err;
    cr_expect_eq(mr_json_decoder_new(&column, 1, MR_PART_VALUE, &both, &decoder, &err),
                 MR_E_SETTING);
    cr_expect_eq(mr_json_decoder_new(twice, 2, MR_PART_VALUE, &none, &decoder, &err), MR_E_SETTING);
}

Test(json_decoder, reads_seventy_columns_whatever_the_order_of_the_last_record)
{
    mr_codec_column columns[70];
    char names[70][8];
    const char *paths[70];
    char forward[2048] = "{", backward[2048] = "{";
    for (int c = 0; c < 70; c++) {
        snprintf(names[c], sizeof names[c], "c%d", c);
        paths[c] = names[c];
        columns[c] =
            (mr_codec_column){.path = &paths[c], .path_length = 1, .type = mr_type_of(MR_TYPE_INT)};
        snprintf(forward + strlen(forward), 32, "%s\"c%d\":%d", c > 0 ? "," : "", c, c);
        snprintf(backward + strlen(backward), 32, "%s\"c%d\":%d", c > 0 ? "," : "", 69 - c, 69 - c);
    }
    strcat(forward, "}");
    strcat(backward, "}");
    mr_decoder *decoder = new_decoder(columns, 70, (mr_json_options){0}, MR_PART_VALUE);
    const char *texts[] = {forward, backward, backward, forward};
    static decoded out;
    fixture_decode(decoder, 70, texts, NULL, 4, &out);
    cr_assert_eq(out.rows_count, 4);
    for (uint32_t r = 0; r < 4; r++)
        for (int c = 0; c < 70; c++)
            cr_expect_eq(out.columns[c].i32[r], c);
    fixture_release(&out);
    decoder->class->free(decoder);
}

Test(json_decoder, decodes_an_empty_batch)
{
    mr_codec_column column = COLUMN(mr_type_of(MR_TYPE_INT), "a");
    expect_rows(&column, 1, (mr_json_options){0}, (const char *const[]){""}, 0, "");
}

/* A row's place is used again when its record turns out bad: no validity may be left behind. */
Test(json_decoder, keeps_nulls_apart_when_bad_records_lie_between)
{
    mr_codec_column columns[] = {COLUMN(mr_type_of(MR_TYPE_INT), "a"),
                                 COLUMN(mr_type_string(), "s")};
    static char text[200][64];
    const char *texts[200];
    for (int i = 0; i < 200; i++) {
        static const char *const shapes[] = {"{\"s\":\"x\",\"a\":null}", "{\"a\":null,\"s\":null",
                                             "{\"a\":%d,\"s\":null}",
                                             "{\"s\":\"y\",\"a\":\"bad\"}"};
        snprintf(text[i], sizeof text[i], shapes[i % 4], i);
        texts[i] = text[i];
    }
    mr_decoder *decoder = new_decoder(columns, 2, (mr_json_options){0}, MR_PART_VALUE);
    static decoded out;
    fixture_decode(decoder, 2, texts, NULL, 200, &out);
    cr_assert_eq(out.rows_count, 100);
    cr_assert_eq(out.errors.count, 100);
    for (uint32_t r = 0; r < 100; r++) {
        bool is_number = r % 2 == 1;
        cr_expect_eq(out.rows[r], r * 2);
        cr_expect_eq(mr_vector_is_null(&out.columns[0], r), !is_number, "row %u", r);
        cr_expect_eq(mr_vector_is_null(&out.columns[1], r), is_number, "row %u", r);
        if (is_number)
            cr_expect_eq(out.columns[0].i32[r], (int)r * 2);
    }
    fixture_release(&out);
    decoder->class->free(decoder);
}

/* The short ways (fast.h) end where the general ones begin: every length of an integer, with and
 * without enough text behind it, and timestamps on both sides of a minute. */
Test(json_decoder, gives_the_same_values_on_the_short_and_the_general_way)
{
    for (int digits = 1; digits <= 18; digits++) {
        for (int is_negative = 0; is_negative < 2; is_negative++) {
            char shorter[128], longer[128], expected[64], number[32] = "-";
            size_t at = (size_t)is_negative;
            for (int i = 0; i < digits; i++)
                number[at++] = (char)('1' + (i * 7) % 9);
            number[at] = '\0';
            snprintf(shorter, sizeof shorter, "{\"a\":%s}", number);
            snprintf(longer, sizeof longer,
                     "{\"a\":%s,\"b\":\"forty bytes that nobody ever reads..\"}", number);
            snprintf(expected, sizeof expected, "0: %s;", number);
            expect_value(mr_type_of(MR_TYPE_BIGINT), (mr_json_options){0}, shorter, expected);
            expect_value(mr_type_of(MR_TYPE_BIGINT), (mr_json_options){0}, longer, expected);
        }
    }
    mr_codec_column column = COLUMN(mr_type_time(MR_TYPE_TIMESTAMP, 3), "a");
#define BEHIND ",\"b\":\"forty bytes that nobody ever reads..\"}"
    const char *texts[] = {
        "{\"a\":\"1969-12-31 23:59:58\"" BEHIND,     "{\"a\":\"1969-12-31 23:59:59.999\"" BEHIND,
        "{\"a\":\"1969-12-31 23:59:60\"" BEHIND,     "{\"a\":\"1969-12-31 23:59:5x\"" BEHIND,
        "{\"a\":\"1969-12-31 23:59:00.5\"" BEHIND,   "{\"a\":\"1970-01-01 00:00:00\"" BEHIND,
        "{\"a\":\"1970-01-01 00:00:01.001\"" BEHIND, "{\"a\":\"1970-01-01 00:00:01.0019\"" BEHIND,
        "{\"a\":\"1970-01-01 00:00:01Z\"" BEHIND};
    expect_rows(&column, 1, (mr_json_options){0}, texts, 9,
                "0: -2000000; 1: -1000; 4: -59500000; 5: 0; 6: 1001000; 7: 1001000; "
                "2! MR3101; 3! MR3101; 8! MR3101;");
}
