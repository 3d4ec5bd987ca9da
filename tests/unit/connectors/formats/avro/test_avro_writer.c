/* The Avro writer: one value in, its bytes out, worked out by hand from the specification. */
#include "connectors/formats/avro/writer.h"
#include "connectors/formats/codes.h"

#include <criterion/criterion.h>
#include <stdio.h>
#include <string.h>

#define LOGICAL(type, logical) "{\"type\":\"" type "\",\"logicalType\":\"" logical "\"}"
#define DECIMAL(more) "{" more ",\"logicalType\":\"decimal\",\"precision\":6,\"scale\":2}"
#define FIXED_3 DECIMAL("\"type\":\"fixed\",\"name\":\"f\",\"size\":3")
#define FIXED_1 DECIMAL("\"type\":\"fixed\",\"name\":\"f\",\"size\":1")
#define ENUM "{\"type\":\"enum\",\"name\":\"e\",\"symbols\":[\"no\",\"yes\"]}"

/* A column of one row; a text or bytes column without a text is NULL, reals are `number` / 2. */
static mr_vector column_of(mr_type type, int64_t number, const char *text, mr_arena *arena)
{
    mr_vector v = mr_vector_new(type, 1, arena);
    switch (v.lane) {
    case MR_LANE_BOOL: v.bools[0] = number != 0; break;
    case MR_LANE_I32: v.i32[0] = (int32_t)number; break;
    case MR_LANE_I64: v.i64[0] = number; break;
    case MR_LANE_F64: v.f64[0] = (double)number / 2; break;
    case MR_LANE_I128: v.i128[0] = number; break;
    default:
        if (text == NULL)
            mr_vector_set_null(&v, 0, 1, arena);
        else
            v.strings[0] = mr_string_of(text, (uint32_t)strlen(text));
    }
    return v;
}

/* What one column `x` is written as under a type of the schema: hexadecimal, "MR3102" of a row's
 * error, or "MR2000" when the schema does not fit. */
static const char *written(mr_type type, int64_t number, const char *text, const char *as)
{
    static char hex[200];
    char schema[600];
    mr_arena arena = {0};
    mr_buffer out = {0};
    mr_row_errors errors = {.arena = &arena};
    mr_error err;
    mr_codec_field field = {.name = "x", .type = type};
    mr_avro_writer_config config = {.schema = schema};
    mr_row_writer *writer = NULL;
    mr_batch batch = mr_batch_new(1, 1, &arena);
    batch.columns[0] = column_of(type, number, text, &arena);
    snprintf(schema, sizeof schema,
             "{\"type\":\"record\",\"name\":\"r\",\"fields\":[{\"name\":\"x\",\"type\":%s}]}", as);
    mr_status status = mr_avro_writer_new(&config, &field, 1, &writer, &err);
    hex[0] = '\0';
    if (status != MR_OK) {
        snprintf(hex, sizeof hex, "MR%d", status);
    } else {
        if (writer->class->write(writer, &batch, 0, &out, &errors) == MR_WRITTEN_ERROR)
            snprintf(hex, sizeof hex, "MR%d", errors.error[0].code);
        else
            for (size_t i = 0; i < out.length; i++)
                snprintf(hex + 2 * i, 3, "%02x", (unsigned char)out.data[i]);
        writer->class->free(writer);
    }
    mr_buffer_release(&out);
    mr_arena_release(&arena);
    return hex;
}

#define NUMBER(type, number, as, expected)                            \
    cr_expect_str_eq(written(type, number, NULL, as), expected, "%s", \
                     written(type, number, NULL, as))
#define TEXT(type, text, as, expected) \
    cr_expect_str_eq(written(type, 0, text, as), expected, "%s", written(type, 0, text, as))

Test(avro_writer, numbers_are_zigzag_and_reals_little_endian)
{
    NUMBER(mr_type_of(MR_TYPE_BOOLEAN), 1, "\"boolean\"", "01");
    NUMBER(mr_type_of(MR_TYPE_INT), -1, "\"int\"", "01");
    NUMBER(mr_type_of(MR_TYPE_SMALLINT), 64, "\"long\"", "8001");
    NUMBER(mr_type_of(MR_TYPE_BIGINT), INT64_MIN, "\"long\"", "ffffffffffffffffff01");
    NUMBER(mr_type_of(MR_TYPE_BIGINT), 1, "\"int\"", "MR2000");
    NUMBER(mr_type_of(MR_TYPE_FLOAT), 3, "\"float\"", "0000c03f");
    NUMBER(mr_type_of(MR_TYPE_FLOAT), 3, "\"double\"", "000000000000f83f");
    NUMBER(mr_type_of(MR_TYPE_DOUBLE), -3, "\"double\"", "000000000000f8bf");
    NUMBER(mr_type_of(MR_TYPE_DOUBLE), 3, "\"float\"", "MR2000");
}

Test(avro_writer, decimals_are_twos_complement_of_the_schemas_scale)
{
    NUMBER(mr_type_decimal(6, 2), 0, DECIMAL("\"type\":\"bytes\""), "0200");
    NUMBER(mr_type_decimal(6, 2), 127, DECIMAL("\"type\":\"bytes\""), "027f");
    NUMBER(mr_type_decimal(6, 2), 128, DECIMAL("\"type\":\"bytes\""), "040080");
    NUMBER(mr_type_decimal(6, 2), -128, DECIMAL("\"type\":\"bytes\""), "0280");
    NUMBER(mr_type_decimal(6, 2), -129, DECIMAL("\"type\":\"bytes\""), "04ff7f");
    NUMBER(mr_type_decimal(6, 1), -10, DECIMAL("\"type\":\"bytes\""), "029c");
    NUMBER(mr_type_decimal(6, 2), -100, FIXED_3, "ffff9c");
    NUMBER(mr_type_decimal(6, 2), 100, FIXED_3, "000064");
    NUMBER(mr_type_decimal(6, 2), 128, FIXED_1, "MR3102");
    NUMBER(mr_type_decimal(9, 2), 1000000, DECIMAL("\"type\":\"bytes\""), "MR3102");
    NUMBER(mr_type_decimal(6, 3), 1, DECIMAL("\"type\":\"bytes\""), "MR2000");
}

Test(avro_writer, times_are_cut_to_the_schemas_unit)
{
    NUMBER(mr_type_of(MR_TYPE_DATE), -1, LOGICAL("int", "date"), "01");
    NUMBER(mr_type_time(MR_TYPE_TIME, 3), 2000, LOGICAL("int", "time-millis"), "04");
    NUMBER(mr_type_time(MR_TYPE_TIMESTAMP, 3), 2000, LOGICAL("long", "timestamp-millis"), "04");
    NUMBER(mr_type_time(MR_TYPE_TIMESTAMP, 6), -1, LOGICAL("long", "local-timestamp-millis"), "01");
    NUMBER(mr_type_time(MR_TYPE_TIMESTAMP, 6), -1, LOGICAL("long", "timestamp-micros"), "01");
    NUMBER(mr_type_time(MR_TYPE_TIMESTAMP_LTZ, 6), 1, LOGICAL("long", "timestamp-nanos"), "d00f");
    NUMBER(mr_type_time(MR_TYPE_TIMESTAMP_LTZ, 6), INT64_MAX, LOGICAL("long", "timestamp-nanos"),
           "MR3102");
    NUMBER(mr_type_time(MR_TYPE_TIMESTAMP, 3), 2000, LOGICAL("int", "time-millis"), "MR2000");
}

Test(avro_writer, fields_that_the_table_does_not_have_are_their_defaults)
{
#define MORE(field) "\"int\"}," field ",{\"name\":\"z\",\"type\":\"int\",\"default\":-1"
    NUMBER(mr_type_of(MR_TYPE_INT), 1,
           MORE("{\"name\":\"d\",\"type\":\"string\",\"default\":\"ab\"}"), "0204616201");
    NUMBER(mr_type_of(MR_TYPE_INT), 1, MORE("{\"name\":\"d\",\"type\":[\"int\",\"null\"]}"),
           "020201");
    NUMBER(mr_type_of(MR_TYPE_INT), 1, MORE("{\"name\":\"d\",\"type\":\"int\"}"), "MR2000");
}

Test(avro_writer, texts_have_their_length_and_unions_their_branch)
{
    TEXT(mr_type_string(), "h\xc3\xa4", "\"string\"", "0668c3a4");
    TEXT(mr_type_string(), "\xff", "\"string\"", "MR3105");
    TEXT(mr_type_string(), "yes", ENUM, "02");
    TEXT(mr_type_string(), "maybe", ENUM, "MR3165");
    TEXT(mr_type_of(MR_TYPE_VARBINARY), "\xff", "\"bytes\"", "02ff");
    TEXT(mr_type_string(), "", "[\"null\",\"string\"]", "0200");
    TEXT(mr_type_string(), NULL, "[\"null\",\"string\"]", "00");
    TEXT(mr_type_string(), NULL, "[\"long\",\"string\",\"null\"]", "04");
    TEXT(mr_type_string(), "a", "[\"long\",\"string\",\"null\"]", "020261");
    TEXT(mr_type_string(), NULL, "\"string\"", "MR3104");
}
