/* Goal: CSV rows become columns as Flink reads them, and a bad row says where it is bad. Method:
 * text in, text out, one table of cases per dialect. */
#include "tests/unit/connectors/formats/decode_fixture.h"

#include "connectors/formats/format.h"
#include "engine/base/assert.h"

#include <criterion/criterion.h>
#include <stdio.h>
#include <stdlib.h>

typedef struct csv_case {
    const char *text;
    const char *expected; /* as fixture_print has it, messages included */
} csv_case;

static const char *const NAMES[] = {"n", "s", "x"};

static mr_decoder *make(const mr_format_setting *settings, uint32_t settings_count,
                        const mr_type *types, uint32_t width)
{
    mr_format_use use = {.format = mr_format_find("csv"),
                         .settings = settings,
                         .settings_count = settings_count,
                         .width = width};
    mr_codec_column columns[3];
    for (uint32_t i = 0; i < width; i++)
        columns[i] =
            (mr_codec_column){.path = &NAMES[i], .path_length = 1, .type = types[i], .place = i};
    mr_decoder *decoder;
    mr_error err;
    cr_assert_eq(mr_format_decoder_new(NULL, &use, columns, width, &decoder, &err), MR_OK, "%s",
                 err.message);
    return decoder;
}

static void check(const mr_format_setting *settings, uint32_t settings_count, const mr_type *types,
                  uint32_t width, const csv_case *cases, size_t count)
{
    mr_decoder *decoder = make(settings, settings_count, types, width);
    for (size_t i = 0; i < count; i++) {
        static decoded out;
        fixture_decode(decoder, width, &cases[i].text, NULL, 1, &out);
        const char *got = fixture_print(&out, width, true);
        cr_expect_str_eq(got, cases[i].expected, "`%s`: `%s`, not `%s`", cases[i].text, got,
                         cases[i].expected);
        fixture_release(&out);
    }
    decoder->class->free(decoder);
}

#define CHECK(settings, types, cases) \
    check(settings, MR_LENGTH(settings), types, MR_LENGTH(types), cases, MR_LENGTH(cases))

static mr_type text(void)
{
    return (mr_type){.kind = MR_TYPE_VARCHAR, .length = MR_LENGTH_UNBOUNDED, .is_nullable = true};
}

Test(csv_decoder, reads_fields_quotes_and_line_ends)
{
    const mr_type types[] = {mr_type_of(MR_TYPE_BIGINT), text(), text()};
    const csv_case cases[] = {
        {"1,a,b", "0: 1, 'a', 'b';"},
        {"1,a,b\n", "0: 1, 'a', 'b';"},
        {"1,a,b\r\n", "0: 1, 'a', 'b';"},
        {" -7 , a ,b ", "0: -7, ' a ', 'b ';"},
        {"1,,", "0: 1, '', '';"},
        {"1,\"a\",\"\"", "0: 1, 'a', '';"},
        {"1,\"a,\"\"b\"\"\nc\r\",\"\"\"\"", "0: 1, 'a,\"b\"\nc\r', '\"';"},
        {"\"12345678901234567\"  ,\"a\"\t,b", "0: 12345678901234567, 'a', 'b';"},
        {"1, \"a\",b\"c\"", "0: 1, ' \"a\"', 'b\"c\"';"},
        {"9223372036854775807,\xc3\xa4,\xe2\x82\xac", "0: 9223372036854775807, 'ä', '€';"},
        /* one blank field more is allowed, as the last */
        {"1,a,b,", "0: 1, 'a', 'b';"},
        {"1,a,b, \n", "0: 1, 'a', 'b';"},
        /* no row at all */
        {"", ""},
        {"\n", ""},
        {"\r\n", ""},
        /* bad rows */
        {"1,a", "0! MR3142 csv: too few fields, the row has 2 and the table 3, byte 3;"},
        {"1,a,b,c",
         "0! MR3142 csv: too many fields, the row has more than 3 and the table 3, byte 6;"},
        {"1,a,b,,",
         "0! MR3142 csv: too many fields, the row has more than 3 and the table 3, byte 6;"},
        {"x,a,b", "0! MR3101 csv: the text is no number at field 1 `n` (BIGINT), byte 0;"},
        {"\"x\",a,b", "0! MR3101 csv: the text is no number at field 1 `n` (BIGINT), byte 0;"},
        {",a,b", "0! MR3101 csv: the field is empty ('csv.null-literal' = '' would make it NULL) "
                 "at field 1 `n` (BIGINT), byte 0;"},
        {"9223372036854775808,a,b", "0! MR3102 csv: number out of range at field 1 `n` "
                                    "(BIGINT), byte 0;"},
        {"1,\"a,b", "0! MR3140 csv: the quote is not closed at field 2, byte 2;"},
        {"1,\"a\"x,b", "0! MR3140 csv: text behind the closing quote at field 2, byte 5;"},
        {"1,a,b\n2,c,d", "0! MR3143 csv: text behind the row's line end at field 3, byte 6;"},
        {"1,a\rb,c", "0! MR3143 csv: text behind the row's line end at field 2, byte 4;"},
        {"1,\xff,b", "0! MR3105 csv: text that is not UTF-8 at field 2 `s` (STRING), byte 2;"},
        {"1,#,b", "0: 1, '#', 'b';"},
        /* a byte order mark is no text where a row begins, and text elsewhere */
        {"\xef\xbb\xbf 1,a,b", "0: 1, 'a', 'b';"},
        {"\xef\xbb\xbf\"1\",a,\xef\xbb\xbf", "0: 1, 'a', '\xef\xbb\xbf';"},
        {"\xef\xbb\xbf\n", ""},
    };
    check(NULL, 0, types, 3, cases, MR_LENGTH(cases));
}

Test(csv_decoder, takes_another_delimiter_quote_and_an_escape)
{
    const mr_type types[] = {text(), text()};
    const mr_format_setting settings[] = {
        {"field-delimiter", "\\t"}, {"quote-character", "'"}, {"escape-character", "\\"}};
    const csv_case cases[] = {
        {"a,b\t'c\td'", "0: 'a,b', 'c\td';"},
        {"a\\\tb\t\"c\"", "0: 'a\tb', '\"c\"';"},
        {"\\n\\r\\t\\x\\\\\t'it\\'s ''here'''", "0: '\n\r\tx\\', 'it's 'here'';"},
        {"\\'a\t''", "0: ''a', '';"},
        {"a\\\nb\tc", "0: 'a\nb', 'c';"},
        {"a\tb\\", "0! MR3141 csv: nothing behind the escape character at field 2, byte 3;"},
        {"'a'\t'b\\'", "0! MR3140 csv: the quote is not closed at field 2, byte 4;"},
        {"'a' \t 'b'", "0: 'a', ' 'b'';"},
    };
    CHECK(settings, types, cases);
}

Test(csv_decoder, may_have_no_quotes)
{
    const mr_type types[] = {text(), text()};
    const mr_format_setting settings[] = {{"disable-quote-character", "true"}};
    const csv_case cases[] = {{"\"a,b\"", "0: '\"a', 'b\"';"}};
    CHECK(settings, types, cases);
}

Test(csv_decoder, knows_a_null_literal_and_comments)
{
    const mr_type types[] = {mr_type_of(MR_TYPE_INT), text()};
    const mr_format_setting settings[] = {{"null-literal", "n/a"}, {"allow-comments", "true"}};
    const csv_case cases[] = {
        {"n/a,n/a", "0: NULL, NULL;"},
        {"1,\"n/a\"", "0: 1, NULL;"},
        {"2, n/a", "0: 2, ' n/a';"},
        {"2,n/b", "0: 2, 'n/b';"},
        {"# 1,2", ""},
        {"  #", ""},
        {"3,#", "0: 3, '#';"},
    };
    CHECK(settings, types, cases);
    const mr_format_setting empty[] = {{"null-literal", ""}};
    const csv_case empties[] = {{",", "0: NULL, NULL;"}, {"1,\"\"", "0: 1, NULL;"}};
    CHECK(empty, types, empties);
}

Test(csv_decoder, ignores_what_it_is_told_to_ignore_but_not_a_null_where_none_may_be)
{
    const mr_type types[] = {mr_type_of(MR_TYPE_INT), text(), mr_type_of(MR_TYPE_INT)};
    const mr_format_setting settings[] = {{"ignore-parse-errors", "true"}};
    const csv_case cases[] = {
        {"x,\xff,3", "0: NULL, NULL, 3;"},
        {"1", "0: 1, NULL, NULL;"},
        {"1,a,2,3", ""},
        {"1,\"a", ""},
        {"1,\"a\"b,2", ""},
    };
    CHECK(settings, types, cases);
    const mr_type strict[] = {mr_type_not_null(mr_type_of(MR_TYPE_INT)), text()};
    const csv_case nulls[] = {
        {"1,a", "0: 1, 'a';"},
        {"x,a", "0! MR3104 csv: NULL in a NOT NULL column at field 1 `n` (INT NOT NULL), byte 0;"},
    };
    CHECK(settings, strict, nulls);
}

Test(csv_decoder, reads_every_type)
{
    static const struct {
        mr_type type;
        const char *text, *expected;
    } cases[] = {
        {{.kind = MR_TYPE_BOOLEAN, .is_nullable = true}, " TRUE ", "0: true;"},
        {{.kind = MR_TYPE_TINYINT, .is_nullable = true}, "-128", "0: -128;"},
        {{.kind = MR_TYPE_SMALLINT, .is_nullable = true}, "32767", "0: 32767;"},
        {{.kind = MR_TYPE_DOUBLE, .is_nullable = true}, "1e3", "0: 1000;"},
        {{.kind = MR_TYPE_DOUBLE, .is_nullable = true}, "-Infinity", "0: -inf;"},
        {{.kind = MR_TYPE_DECIMAL, .precision = 10, .scale = 2, .is_nullable = true},
         "12.345",
         "0: 1235;"},
        {{.kind = MR_TYPE_DATE, .is_nullable = true}, "1970-01-02", "0: 1;"},
        {{.kind = MR_TYPE_TIME, .is_nullable = true}, "00:00:01", "0: 1000000;"},
        {{.kind = MR_TYPE_TIMESTAMP, .precision = 3, .is_nullable = true},
         "1970-01-01 00:00:01.234",
         "0: 1234000;"},
        {{.kind = MR_TYPE_TIMESTAMP_LTZ, .precision = 3, .is_nullable = true},
         "1970-01-01 00:00:01.234Z",
         "0: 1234000;"},
        {{.kind = MR_TYPE_VARBINARY, .length = MR_LENGTH_UNBOUNDED, .is_nullable = true},
         "YWI=",
         "0: 'ab';"},
    };
    for (size_t i = 0; i < MR_LENGTH(cases); i++) {
        const csv_case one = {cases[i].text, cases[i].expected};
        check(NULL, 0, &cases[i].type, 1, &one, 1);
    }
}

/* Rows in one call share a minute; each way of writing a time must give what it gives alone. */
Test(csv_decoder, times_of_one_minute_are_read_as_if_alone)
{
    static const char *const texts[] = {
        "2024-05-17 11:22:33",     "2024-05-17 11:22:59.999", "2024-05-17 11:22:60",
        "2024-05-17 11:22:00.1",   "2024-05-17 11:22:0",      "2024-05-17 11:22:07Z",
        "2024-05-17 11:22:07.12x", "2024-05-17 11:23:00",     "2024-05-17 11:23:59.000",
        "2024-05-17 11:23x59",     "1969-12-31 23:59:30",     "1969-12-31 23:59:02",
        "1969-12-31 23:59:31.500"};
    const mr_type type = {.kind = MR_TYPE_TIMESTAMP, .precision = 3, .is_nullable = true};
    static decoded together, alone;
    mr_decoder *decoder = make(NULL, 0, &type, 1);
    fixture_decode(decoder, 1, texts, NULL, MR_LENGTH(texts), &together);
    uint32_t row = 0;
    for (uint32_t i = 0; i < MR_LENGTH(texts); i++) {
        mr_decoder *fresh = make(NULL, 0, &type, 1);
        fixture_decode(fresh, 1, &texts[i], NULL, 1, &alone);
        bool is_good = row < together.rows_count && together.rows[row] == i;
        cr_assert_eq(is_good, alone.rows_count == 1, "%s", texts[i]);
        if (is_good)
            cr_assert_eq(together.columns[0].i64[row++], alone.columns[0].i64[0], "%s", texts[i]);
        fixture_release(&alone);
        fresh->class->free(fresh);
    }
    fixture_release(&together);
    decoder->class->free(decoder);
}

Test(csv_decoder, a_null_key_is_nulls_and_a_null_value_no_row)
{
    const mr_type types[] = {text(), text()};
    const char *const nothing[] = {NULL};
    static decoded out;
    mr_decoder *value = make(NULL, 0, types, 2);
    fixture_decode(value, 2, nothing, NULL, 1, &out);
    cr_expect(out.rows_count == 0 && out.errors.count == 0);
    fixture_release(&out);
    value->class->free(value);
    mr_format_use use = {.format = mr_format_find("csv"), .width = 1};
    mr_codec_column column = {
        .part = MR_PART_KEY, .path = NAMES, .path_length = 1, .type = types[0]};
    mr_decoder *key;
    mr_error err;
    cr_assert_eq(use.format->decoder_new(&use, &column, 1, MR_PART_KEY, &key, &err), MR_OK);
    fixture_decode(key, 1, nothing, NULL, 1, &out);
    cr_expect_str_eq(fixture_print(&out, 1, true), "0: NULL;");
    fixture_release(&out);
    key->class->free(key);
}

Test(csv_format, refuses_what_excludes_each_other_and_characters_that_are_none)
{
    static const struct {
        const char *name, *value, *message;
    } bad[] = {
        {"field-delimiter", "ab", "takes one ASCII character"},
        {"field-delimiter", "", "takes one ASCII character"},
        {"field-delimiter", "\xc3\xa4", "takes one ASCII character"},
        {"field-delimiter", "\\u00e4", "takes one ASCII character"},
        {"field-delimiter", "\\u0000", "takes one ASCII character"},
        {"field-delimiter", "\\u000", "takes one ASCII character"},
        {"field-delimiter", "\\q", "takes one ASCII character"},
        {"field-delimiter", "\"", "is the quote character too"},
        {"field-delimiter", "\\n", "a line end is no csv delimiter"},
        {"escape-character", ",", "is the escape character too"},
        {"allow-comments", "yes", "it takes `true`, `false`"},
    };
    mr_error err;
    mr_decoder *decoder;
    for (size_t i = 0; i < MR_LENGTH(bad); i++) {
        mr_format_setting setting = {bad[i].name, bad[i].value};
        mr_format_use use = {
            .format = mr_format_find("csv"), .settings = &setting, .settings_count = 1, .width = 1};
        cr_expect_eq(mr_format_decoder_new(NULL, &use, NULL, 0, &decoder, &err), MR_E_SETTING);
        cr_expect_not_null(strstr(err.message, bad[i].message), "%s: %s", bad[i].value,
                           err.message);
    }
    const mr_format_setting both[] = {{"quote-character", "'"},
                                      {"disable-quote-character", "true"}};
    mr_format_use use = {
        .format = mr_format_find("csv"), .settings = both, .settings_count = 2, .width = 1};
    cr_expect_eq(mr_format_decoder_new(NULL, &use, NULL, 0, &decoder, &err), MR_E_SETTING);
    static const mr_format_setting good[] = {
        {"field-delimiter", ";"},          {"field-delimiter", "\\u0001"},
        {"field-delimiter", "\x01"},       {"field-delimiter", "\\t"},
        {"field-delimiter", "|"},          {"field-delimiter", " "},
        {"array-element-delimiter", "::"},
    };
    for (size_t i = 0; i < MR_LENGTH(good); i++) {
        mr_format_use one = {
            .format = mr_format_find("csv"), .settings = &good[i], .settings_count = 1, .width = 1};
        cr_assert_eq(mr_format_decoder_new(NULL, &one, NULL, 0, &decoder, &err), MR_OK, "%s",
                     err.message);
        decoder->class->free(decoder);
    }
}
