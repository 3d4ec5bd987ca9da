#include "engine/run/dead/row_text.h"

#include "engine/expr/civil.h"
#include "engine/expr/decimal.h"
#include "engine/expr/number.h"

#include <inttypes.h>
#include <math.h>

static void put_string(mr_string s, mr_buffer *to)
{
    mr_buffer_put_u8(to, '"');
    for (uint32_t i = 0; i < s.length; i++) {
        unsigned char c = (unsigned char)s.bytes[i];
        if (c == '"' || c == '\\')
            mr_buffer_printf(to, "\\%c", c);
        else if (c < 0x20)
            mr_buffer_printf(to, "\\u%04x", c);
        else
            mr_buffer_put_u8(to, c);
    }
    mr_buffer_put_u8(to, '"');
}

static void put_hex(mr_string s, mr_buffer *to)
{
    mr_buffer_put_u8(to, '"');
    for (uint32_t i = 0; i < s.length; i++)
        mr_buffer_printf(to, "%02x", (unsigned char)s.bytes[i]);
    mr_buffer_put_u8(to, '"');
}

/* Quoted, because JSON has no times and no infinities. */
static void put_quoted(const char *text, size_t length, bool is_utc, mr_buffer *to)
{
    mr_buffer_printf(to, "\"%.*s%s\"", (int)length, text, is_utc ? "Z" : "");
}

static void put_real(double value, bool is_float, mr_buffer *to)
{
    char text[64];
    size_t length = is_float ? mr_float_print(value, text) : mr_double_print(value, text);
    if (isfinite(value))
        mr_buffer_put(to, text, length);
    else
        put_quoted(text, length, false, to);
}

static void put_value(const mr_vector *column, uint32_t row, mr_buffer *to)
{
    char text[MR_DECIMAL_TEXT_MAX + MR_CIVIL_TEXT_MAX];
    mr_type type = column->type;
    if (column->lane == MR_LANE_NONE || mr_vector_is_null(column, row))
        mr_buffer_put(to, "null", 4);
    else if (column->lane == MR_LANE_BOOL)
        mr_buffer_printf(to, "%s", column->bools[row] != 0 ? "true" : "false");
    else if (column->lane == MR_LANE_I128)
        mr_buffer_put(to, text, mr_decimal_print(column->i128[row], type.scale, text));
    else if (column->lane == MR_LANE_F64)
        put_real(column->f64[row], type.kind == MR_TYPE_FLOAT, to);
    else if (mr_type_is_bytes(type))
        put_hex(column->strings[row], to);
    else if (column->lane == MR_LANE_STRING)
        put_string(column->strings[row], to);
    else if (type.kind == MR_TYPE_DATE)
        put_quoted(text, mr_date_print(column->i32[row], text), false, to);
    else if (type.kind == MR_TYPE_TIME)
        put_quoted(text, mr_time_print(column->i64[row], type.precision, text), false, to);
    else if (mr_type_is_timestamp(type))
        put_quoted(text, mr_timestamp_print(column->i64[row], type.precision, text),
                   type.kind == MR_TYPE_TIMESTAMP_LTZ, to);
    else
        mr_buffer_printf(to, "%" PRId64,
                         column->lane == MR_LANE_I32 ? column->i32[row] : column->i64[row]);
}

/* $0, $1: what the planner computes beside the user's columns. */
static bool is_helper(const char *name)
{
    return name[0] == '$' && name[1] >= '0' && name[1] <= '9';
}

void mr_row_text(const mr_batch *batch, uint32_t row, const mr_field *names, mr_buffer *to)
{
    const char *comma = "";
    mr_buffer_put_u8(to, '{');
    for (uint32_t c = 0; c < batch->columns_count; c++) {
        if (names != NULL && is_helper(names[c].name))
            continue;
        if (names != NULL)
            mr_buffer_printf(to, "%s\"%s\":", comma, names[c].name);
        else
            mr_buffer_printf(to, "%s\"c%" PRIu32 "\":", comma, c);
        comma = ",";
        put_value(&batch->columns[c], row, to);
    }
    mr_buffer_put_u8(to, '}');
}
