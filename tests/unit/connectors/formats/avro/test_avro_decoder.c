/* The Avro decoder: every type, schema resolution, and what hostile bytes come to. A record is
 * given as hexadecimal, so each test shows the bytes it is about. */
#include "tests/unit/connectors/formats/avro/avro_fixture.h"

#include <criterion/criterion.h>
#include <stdio.h>

#define RECORD(fields) "{\"type\":\"record\",\"name\":\"r\",\"fields\":[" fields "]}"
#define FIELD(name, type) "{\"name\":\"" name "\",\"type\":" type "}"
#define LOGICAL(type, logical) "{\"type\":\"" type "\",\"logicalType\":\"" logical "\"}"

#define ENUM_OF(name, symbols) "{\"type\":\"enum\",\"name\":\"" name "\",\"symbols\":[" symbols "]}"

#define GIVES(writer, reader, columns, records, expected) \
    cr_expect_str_eq(avro_decode(writer, reader, columns, records), expected)
#define TELLS(writer, reader, columns, records, words)                          \
    do {                                                                        \
        const char *got_ = avro_decode(writer, reader, columns, records);       \
        cr_expect(avro_holds(got_, words), "`%s` is not in `%s`", words, got_); \
    } while (0)

Test(avro_decoder, reads_every_primitive_type)
{
    const char *writer = "{\"type\":\"record\",\"name\":\"r\",\"fields\":["
                         "{\"name\":\"b\",\"type\":\"boolean\"},"
                         "{\"name\":\"i\",\"type\":\"int\"},"
                         "{\"name\":\"l\",\"type\":\"long\"},"
                         "{\"name\":\"f\",\"type\":\"float\"},"
                         "{\"name\":\"d\",\"type\":\"double\"},"
                         "{\"name\":\"y\",\"type\":\"bytes\"},"
                         "{\"name\":\"s\",\"type\":\"string\"}]}";
    GIVES(writer, NULL, "b BOOLEAN, i INT, l BIGINT, f FLOAT, d DOUBLE, y BYTES, s STRING",
          "01 03 80808080 80808080 8001 0000c03f 000000000000e0bf 04 6869 06 666f6f"
          "| 00 feffffff0f ffffffffffffffffff01 00000000 0000000000000000 00 00",
          "0: true, -2, 4611686018427387904, 1.5, -0.5, 'hi', 'foo'; "
          "1: false, 2147483647, -9223372036854775808, 0, 0, '', '';");
}

Test(avro_decoder, reads_logical_types_in_their_units)
{
    GIVES(RECORD(FIELD("a", LOGICAL("int", "date")) "," FIELD(
              "b", LOGICAL("int", "time-millis")) "," FIELD("c", LOGICAL("long", "time-micros"))),
          NULL, "a DATE, b TIME(3), c TIME(6)", "02 02 02 | 01 feefb252 00",
          "0: 1, 1000, 1; 1: -1, 86399999000, 0;");
    const char *instants =
        "{\"type\":\"record\",\"name\":\"r\",\"fields\":["
        "{\"name\":\"a\",\"type\":{\"type\":\"long\",\"logicalType\":\"timestamp-millis\"}},"
        "{\"name\":\"b\",\"type\":{\"type\":\"long\",\"logicalType\":\"timestamp-micros\"}},"
        "{\"name\":\"c\",\"type\":{\"type\":\"long\",\"logicalType\":\"local-timestamp-millis\"}},"
        "{\"name\":\"d\",\"type\":{\"type\":\"long\",\"logicalType\":\"local-timestamp-micros\"}},"
        "{\"name\":\"e\",\"type\":{\"type\":\"long\",\"logicalType\":\"timestamp-nanos\"}},"
        "{\"name\":\"f\",\"type\":{\"type\":\"long\",\"logicalType\":\"local-timestamp-nanos\"}}]}";
    GIVES(instants, NULL,
          "a LTZ(3), b LTZ(6), c TIMESTAMP(3), d TIMESTAMP(3), e TIMESTAMP(6), f TIMESTAMP(6)",
          "02 03 03 f9ff01 01 d00f", "0: 1000, -2, -2000, -17000, -1, 1;");
    /* A plain long counts in the unit of the column's own schema. */
    GIVES(RECORD(FIELD("a", "\"long\"") "," FIELD("b", "\"long\"")), NULL,
          "a TIMESTAMP(3), b TIMESTAMP(6)", "0404", "0: 2000, 2;");
}

Test(avro_decoder, reads_decimals_of_bytes_and_fixed_and_rescales_them)
{
#define DECIMAL "{\"type\":\"bytes\",\"logicalType\":\"decimal\",\"precision\":6,\"scale\":2}"
#define FIXED                                                                                    \
    "{\"type\":\"fixed\",\"name\":\"x\",\"size\":3,\"logicalType\":\"decimal\",\"precision\":6," \
    "\"scale\":2}"
    GIVES(RECORD(FIELD("a", DECIMAL) "," FIELD("b", FIXED)), NULL,
          "a DECIMAL(10 3), b DECIMAL(10 1)", "04 0102 00007d | 02 ff ffff9c",
          "0: 2580, 13; 1: -10, -10;");
    /* As in SQL everywhere, one that does not fit is NULL. */
    GIVES(RECORD(FIELD("a", DECIMAL)), NULL, "a DECIMAL(2 0)", "06 7fffff", "0: NULL;");
    TELLS(RECORD(FIELD("a", DECIMAL)), NULL, "a DECIMAL(2 0) NOT NULL", "06 7fffff",
          "0! MR3102..`a` (DECIMAL(2, 0) NOT NULL), byte 0");
    TELLS(RECORD(FIELD("a", DECIMAL)), NULL, "a DECIMAL(9 2)", "00", "0! MR3101 ..no bytes");
    TELLS(RECORD(FIELD("b", FIXED)),
          RECORD(FIELD("b", "{\"type\":\"fixed\",\"name\":\"x\",\"size\":4}")), "b BYTES", "000000",
          "MR2000 ..`b` cannot be read as");
    /* More bytes than a number needs, and more than any has. */
    GIVES(RECORD(FIELD("a", DECIMAL)), NULL, "a DECIMAL(9 2)",
          "28 0000000000000000000000000000000000000007"
          "| 28 ffffffffffffffffffffffffffffffffffffffff"
          "| 28 0100000000000000000000000000000000000007"
          "| 22 00ffffffffffffffffffffffffffffffff | 22 ff00000000000000000000000000000007",
          "0: 7; 1: -1; 2: NULL; 3: NULL; 4: NULL;");
}

Test(avro_decoder, reads_unions_enums_and_nested_records)
{
    GIVES(RECORD(FIELD("a", "[\"null\",\"long\"]") "," FIELD("b", "[\"string\",\"null\"]")), NULL,
          "a BIGINT, b STRING", "00 02 | 02 06 00 02 78", "0: NULL, NULL; 1: 3, 'x';");
    GIVES(RECORD(FIELD("e", "{\"type\":\"enum\",\"name\":\"e\",\"symbols\":[\"A\",\"BCDEFGH\"]}")),
          NULL, "e STRING", "02 | 00", "0: 'BCDEFGH'; 1: 'A';");
    GIVES(RECORD(FIELD("u", "[\"null\",\"int\",\"long\",\"string\"]")), NULL, "u BIGINT",
          "00 | 02 02 | 04 04", "0: NULL; 1: 1; 2: 2;");
#define INNER                                                                           \
    "{\"type\":\"record\",\"name\":\"n\",\"fields\":[" FIELD("x", "\"int\"") "," FIELD( \
        "y", "\"string\"") "]}"
    GIVES(RECORD(FIELD("o", "[\"null\"," INNER "]") "," FIELD("z", "\"int\"")), NULL,
          "o.y STRING, o.x INT, z INT", "02 02 02 71 04 | 00 06",
          "0: 'q', 1, 2; 1: NULL, NULL, 3;");
}

Test(avro_decoder, skips_what_no_column_needs_lists_and_recursion_included)
{
    const char *lists = "{\"type\":\"record\",\"name\":\"r\",\"fields\":["
                        "{\"name\":\"a\",\"type\":{\"type\":\"array\",\"items\":\"string\"}},"
                        "{\"name\":\"m\",\"type\":{\"type\":\"map\",\"values\":\"double\"}},"
                        "{\"name\":\"f\",\"type\":{\"type\":\"fixed\",\"name\":\"f\",\"size\":2}},"
                        "{\"name\":\"z\",\"type\":\"int\"}]}";
    GIVES(lists, NULL, "z INT",
          "00 00 0000 02"
          "| 04 02 61 02 62 02 00 00   02 02 6b 0000000000000000 00   0000 04"
          "| 03 08 02 61 02 62 00   01 14 02 6b 0000000000000000 00   0000 06",
          "0: 1; 1: 2; 2: 3;");
    /* A list of itself: 3 deep. */
    GIVES("{\"type\":\"record\",\"name\":\"l\",\"fields\":[" FIELD("v", "\"int\"") "," FIELD(
              "next", "[\"null\",\"l\"]") "," FIELD("end", "\"int\"") "]}",
          NULL, "v INT, end INT", "02 02 04 02 06 00 08 0a 0c", "0: 1, 6;");
}

Test(avro_decoder, finds_fields_by_name_and_takes_defaults_and_aliases_of_the_reader)
{
#define WRITER RECORD(FIELD("old", "\"int\"") "," FIELD("b", "\"int\""))
#define READER                                                              \
    RECORD("{\"name\":\"a\",\"type\":\"long\",\"aliases\":[\"old\"]},"      \
           "{\"name\":\"c\",\"type\":\"string\",\"default\":\"none\"},"     \
           "{\"name\":\"d\",\"type\":[\"null\",\"int\"],\"default\":null}," \
           "{\"name\":\"e\",\"type\":\"double\",\"default\":1.5}," FIELD("b", "\"int\""))
    GIVES(WRITER, NULL, "b INT, c STRING, old BIGINT", "02 04", "0: 2, NULL, 1;");
    GIVES(WRITER, READER, "a BIGINT, b INT, c STRING, d INT, e DOUBLE", "02 04 | 06 08",
          "0: 1, 2, 'none', NULL, 1.5; 1: 3, 4, 'none', NULL, 1.5;");
    /* A default may leave out what has one of its own; bytes are written as code points. */
    GIVES(WRITER,
          RECORD("{\"name\":\"n\",\"default\":{\"y\":\"q\"},\"type\":{\"type\":\"record\",\"name\":"
                 "\"n\",\"fields\":[{\"name\":\"x\",\"type\":\"int\",\"default\":7}," FIELD(
                     "y", "\"string\"") "]}},{\"name\":\"z\",\"type\":\"bytes\",\"default\":"
                                        "\"a\\u00ff\"}"),
          "n.x INT, n.y STRING, z BYTES", "02 04", "0: 7, 'q', 'a\xff';");
    /* A field of the name goes before one of an alias, wherever it stands. */
    GIVES(WRITER, RECORD("{\"name\":\"b\",\"type\":\"int\",\"aliases\":[\"old\"]}"), "b INT",
          "02 04", "0: 2;");
    TELLS(WRITER, RECORD(FIELD("q", "\"int\"")), "q INT", "02 04",
          "MR2000 ..no field `q`..no default");
    TELLS(WRITER, NULL, "q INT NOT NULL", "02 04", "MR2000 ..no field `q`..NOT NULL");
    TELLS(WRITER, READER, "a STRING", "02 04", "MR2000 ..`a` as long, which is not STRING");
    TELLS(WRITER, READER, "zz INT", "02 04", "MR2000 ..has no field `zz`");
}

Test(avro_decoder, finds_types_by_the_namespace_around_them)
{
    /* `E` is x.E where the record around it is one of x, and y.E where it says y. */
#define ENUM_A ENUM_OF("E", "\"a\"")
#define ENUM_B ENUM_OF("E", "\"b\"")
#define NAMED(name, fields) "{\"type\":\"record\",\"name\":\"" name ",\"fields\":[" fields "]}"
#define OF_Y FIELD("c", ENUM_B) "," FIELD("d", "\"E\"") "," FIELD("e", "\"x.E\"")
    GIVES(NAMED("x.r\"", FIELD("a", ENUM_A) "," FIELD(
                             "b", NAMED("s\",\"namespace\":\"y\"", OF_Y)) "," FIELD("f", "\"E\"")),
          NULL, "a STRING, b.c STRING, b.d STRING, b.e STRING, f STRING", "00 00 00 00 00",
          "0: 'a', 'b', 'b', 'a', 'a';");
    GIVES(RECORD(FIELD("a", ENUM_A) "," FIELD("b", NAMED("y.s\"", FIELD("c", "\"E\"")))), NULL,
          "b.c STRING", "00 00", "0: 'a';");
}

Test(avro_decoder, finds_symbols_in_the_readers_enum_of_the_writers_name)
{
    const char *reader = RECORD(
        FIELD("e", "[\"null\"," ENUM_OF("x.A", "\"a\"") "," ENUM_OF("x.B", "\"b\",\"c\"") "]"));
    GIVES(RECORD(FIELD("e", ENUM_OF("y.B", "\"c\",\"b\""))), reader, "e STRING", "00 | 02",
          "0: 'c'; 1: 'b';");
    /* A symbol that the reader's enum does not have is its default. */
    GIVES(RECORD(FIELD("e", ENUM_OF("A", "\"q\",\"a\""))),
          RECORD(FIELD("e", "{\"type\":\"enum\",\"name\":\"A\",\"symbols\":[\"a\",\"z\"],"
                            "\"default\":\"z\"}")),
          "e STRING", "00 | 02", "0: 'z'; 1: 'a';");
    /* Of another name: the first that is an enum, as if it had none. */
    TELLS(RECORD(FIELD("e", ENUM_OF("C", "\"c\",\"a\""))), reader, "e STRING", "00 | 02",
          "1: 'a'; 0! MR3158..a symbol that the schema given does not have");
}

Test(avro_decoder, promotes_as_the_specification_says_and_no_further)
{
    static const char *const kinds[] = {"int",    "long",  "float",  "double",
                                        "string", "bytes", "boolean"};
    static const char *const columns[] = {"INT",    "BIGINT", "FLOAT",  "DOUBLE",
                                          "STRING", "BYTES",  "BOOLEAN"};
    /* Row: writer, column: column. */
    static const char *const may[] = {"1111000", "0111000", "0011000", "0001000",
                                      "0000110", "0000110", "0000001"};
    for (int w = 0; w < 7; w++) {
        for (int c = 0; c < 7; c++) {
            char writer[200], reader[200], column[40];
            snprintf(writer, sizeof writer, RECORD(FIELD("x", "\"%s\"")), kinds[w]);
            snprintf(column, sizeof column, "x %s", columns[c]);
            snprintf(reader, sizeof reader, RECORD(FIELD("x", "[\"null\",\"%s\"]")), kinds[c]);
            for (int given = 0; given < 2; given++) { /* without and with a reader's schema */
                const char *got =
                    avro_decode(writer, given ? reader : NULL, column, "0000000000000000");
                bool is_refused = strncmp(got, "MR2000", 6) == 0;
                cr_expect_eq(is_refused, may[w][c] == '0', "%s as %s: %s", kinds[w], columns[c],
                             got);
            }
        }
    }
}

Test(avro_decoder, makes_a_branch_that_cannot_be_read_an_error_of_its_records_alone)
{
    TELLS(RECORD(FIELD("u", "[\"null\",\"long\",\"string\"]")), NULL, "u BIGINT",
          "04 02 61 | 02 08 | 00",
          "1: 4; 2: NULL; 0! MR3158 avro: string `u` cannot be read as BIGINT at `u`, byte 1");
    TELLS(RECORD(FIELD("u", "[\"null\",\"string\"]")), NULL, "u BIGINT", "00",
          "MR2000 ..string `u` cannot be read as BIGINT");
    TELLS(RECORD(FIELD("u", "[\"null\",\"string\",\"boolean\"]")), NULL, "u BIGINT", "00",
          "MR2000 ..`u` cannot be read as BIGINT");
    TELLS(RECORD(FIELD("u", "[\"null\",\"long\"]")), NULL, "u BIGINT NOT NULL", "00 | 02 02",
          "1: 1; 0! MR3104 avro: NULL in a NOT NULL column at `u`, byte 1");
}

Test(avro_decoder, keeps_no_null_of_a_row_that_failed)
{
    GIVES(RECORD(FIELD("a", "[\"null\",\"long\"]") "," FIELD("b", "\"boolean\"")), NULL,
          "a BIGINT, b BOOLEAN", "00 01 | 00 07 | 02 02 01",
          "0: NULL, true; 2: 1, true; 1! MR3154 avro: a boolean that is neither 0 nor 1 at `b` "
          "(BOOLEAN), byte 1;");
}

Test(avro_decoder, makes_hostile_bytes_dead_letters)
{
    const char *list = RECORD(FIELD("a", "{\"type\":\"array\",\"items\":\"long\"}"));
    const char *nulls = RECORD(FIELD("a", "{\"type\":\"array\",\"items\":\"null\"}"));
    const char *text = RECORD(FIELD("s", "\"string\""));
    const char *number = RECORD(FIELD("i", "\"int\"") "," FIELD("l", "\"long\""));
    TELLS(number, NULL, "i INT", "02", "MR3150..the record ends within a number at `l`, byte 1");
    TELLS(number, NULL, "i INT", "", "MR3150");
    TELLS(number, NULL, "i INT", "80", "MR3150");
    TELLS(number, NULL, "i INT", "8080808010 00", "MR3151..outside of int");
    TELLS(number, NULL, "l BIGINT", "02 80808080808080808080 01", "MR3151..64 bits..byte 1");
    TELLS(number, NULL, "l BIGINT", "02 80808080808080808002", "MR3151..64 bits..byte 1");
    TELLS(number, NULL, "l BIGINT", "02 02 00", "MR3156..byte 2 of 3");
    TELLS(text, NULL, "s STRING", "01", "MR3152..negative length");
    TELLS(text, NULL, "s STRING", "04 61", "MR3152..beyond the end");
    TELLS(text, NULL, "", "04 61", "MR3152..beyond the end");
    TELLS(text, NULL, "s STRING", "feffffffffffffffff01", "MR3152..beyond the end");
    TELLS(text, NULL, "s STRING", "04 c328", "MR3105..not UTF-8 at `s` (STRING), byte 1");
    TELLS(text, NULL, "s STRING", "06 eda080", "MR3105");
    TELLS(list, NULL, "", "feffffffffffffffff01", "MR3152..more items");
    TELLS(list, NULL, "", "ffffffffffffffffff01 00", "MR3152..");
    TELLS(list, NULL, "", "01 feff01 00", "MR3152..beyond the end");
    TELLS(list, NULL, "", "01 01 00", "MR3152..beyond the end");
    TELLS(list, NULL, "", "01 04 02 02 00", "MR3152..another size");
    TELLS(list, NULL, "", "01 06 02 00 00", "MR3152..another size");
    TELLS(nulls, NULL, "", "feffffffffffffffff01 00", "MR3155..no bytes");
    GIVES(nulls, NULL, "", "8008 00 | 828040 00", "0: 1:");
    TELLS(nulls, NULL, "", "828040 828040 00", "MR3155..no bytes"); /* too many of two blocks */
    TELLS(RECORD(FIELD("u", "[\"null\",\"int\"]")), NULL, "u INT", "04", "MR3153");
    TELLS(RECORD(FIELD("u", "[\"null\",\"int\"]")), NULL, "u INT", "01", "MR3153");
    TELLS(RECORD(FIELD("e", "{\"type\":\"enum\",\"name\":\"e\",\"symbols\":[\"A\"]}")), NULL,
          "e STRING", "02 | 01", "0! MR3153..1! MR3153");
    TELLS(RECORD(FIELD("b", "\"boolean\"")), NULL, "", "7f", "MR3154");
    TELLS(RECORD(FIELD("d", "\"double\"")), NULL, "d DOUBLE", "00000000", "MR3150");
    TELLS(RECORD(FIELD("t", LOGICAL("int", "time-millis"))), NULL, "t TIME(3)", "01",
          "MR3102..outside of the day");
    TELLS(RECORD(FIELD("t", LOGICAL("long", "timestamp-millis"))), NULL, "t TIMESTAMP(3)",
          "feffffffffffffffff01", "MR3102");
    TELLS(RECORD(FIELD("t", "\"int\"")), NULL, "t TINYINT", "8002 | 8102 | fe01 | ff01",
          "2: 127..3: -128..0! MR3102..1! MR3102");
}

Test(avro_decoder, ends_at_a_depth_and_not_in_a_crash)
{
    char record[4 * 2100] = "";
    for (int i = 0; i < 2000; i++)
        strcat(record, "02 ");
    TELLS("{\"type\":\"record\",\"name\":\"l\",\"fields\":[" FIELD("next", "[\"null\",\"l\"]") "]}",
          NULL, "", record, "MR3155 avro: nested too deep at `l:next`, byte 201");
    TELLS("{\"type\":\"record\",\"name\":\"l\",\"fields\":[" FIELD(
              "next", "{\"type\":\"array\",\"items\":\"l\"}") "]}",
          NULL, "", record, "MR3155 avro: nested too deep");
}

Test(avro_decoder, refuses_schemas_that_are_none_with_what_is_wrong)
{
    static const struct {
        const char *schema, *words;
    } cases[] = {
        {"{", "not JSON"},
        {"\"nothing\"", "no type `nothing`"},
        {"[]", "a union of 0 branches"},
        {"[\"int\",\"int\"]", "two branches of int"},
        {"[\"int\",[\"null\"]]", "within a union"},
        {"{\"type\":\"record\",\"name\":\"r\"}", "without fields"},
        {"{\"type\":\"record\",\"fields\":[]}", "without a valid name"},
        {"{\"type\":\"record\",\"name\":\"1\",\"fields\":[]}", "without a valid name"},
        {"{\"type\":\"enum\",\"name\":\"e\",\"symbols\":[]}", "without symbols"},
        {"{\"type\":\"fixed\",\"name\":\"f\",\"size\":-1}", "without a valid size"},
        {"{\"type\":\"array\"}", "array without items"},
        {"{\"type\":\"map\"}", "map without values"},
        {"{}", "without `type`"},
        {"7", "neither a name nor an object nor a union"},
        {RECORD(FIELD("a", "\"int\"") "," FIELD("a", "\"int\"")), "two fields `a`"},
        {RECORD("{\"name\":\"a\"}"), "field `a` without a type"},
        {RECORD(FIELD("a", "{\"type\":\"fixed\",\"name\":\"r\",\"size\":1}")), "defined twice"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++)
        TELLS(cases[i].schema, NULL, "x INT", "", cases[i].words);
    char deep[4000] = "";
    for (int i = 0; i < 100; i++)
        strcat(deep, "{\"type\":\"array\",\"items\":");
    strcat(deep, "\"int\"");
    for (int i = 0; i < 100; i++)
        strcat(deep, "}");
    TELLS(deep, NULL, "x INT", "", "nested deeper than 64");
    TELLS("\"int\"", NULL, "x INT", "02", "int `` cannot be read as a record");
}

Test(avro_decoder, reads_one_record_after_another_whatever_the_first_one_was)
{
    /* Long and short strings at the end of a block of exact size: ASan sees a read too far. */
    GIVES(RECORD(FIELD("s", "\"string\"")), NULL, "s STRING", "02 61 | 06 c3a462 | 00 | - | 02 62",
          "0: 'a'; 1: '\xc3\xa4"
          "b'; 2: ''; 4: 'b';");
}
