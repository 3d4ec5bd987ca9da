#include "engine/run/row_text.h"

#include <inttypes.h>

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

static void put_i128(mr_i128 value, uint8_t scale, mr_buffer *to)
{
    char digits[64];
    size_t at = sizeof digits;
    mr_u128 rest = value < 0 ? -(mr_u128)value : (mr_u128)value;
    for (uint32_t n = 0; rest != 0 || n <= scale; n++) {
        if (n == scale && scale > 0)
            digits[--at] = '.';
        digits[--at] = (char)('0' + (int)(rest % 10));
        rest /= 10;
    }
    if (value < 0)
        digits[--at] = '-';
    mr_buffer_put(to, digits + at, sizeof digits - at);
}

static void put_value(const mr_vector *column, uint32_t row, mr_buffer *to)
{
    if (column->lane == MR_LANE_NONE || mr_vector_is_null(column, row)) {
        mr_buffer_printf(to, "null");
        return;
    }
    switch (column->lane) {
    case MR_LANE_BOOL:
        mr_buffer_printf(to, "%s", column->bools[row] != 0 ? "true" : "false");
        break;
    case MR_LANE_I32: mr_buffer_printf(to, "%" PRId32, column->i32[row]); break;
    case MR_LANE_I64: mr_buffer_printf(to, "%" PRId64, column->i64[row]); break;
    case MR_LANE_F64: mr_buffer_printf(to, "%.17g", column->f64[row]); break;
    case MR_LANE_I128: put_i128(column->i128[row], column->type.scale, to); break;
    case MR_LANE_STRING: put_string(column->strings[row], to); break;
    case MR_LANE_NONE: break;
    }
}

void mr_row_text(const mr_batch *batch, uint32_t row, const mr_field *names, mr_buffer *to)
{
    mr_buffer_put_u8(to, '{');
    for (uint32_t c = 0; c < batch->columns_count; c++) {
        if (names != NULL)
            mr_buffer_printf(to, "%s\"%s\":", c > 0 ? "," : "", names[c].name);
        else
            mr_buffer_printf(to, "%s\"c%" PRIu32 "\":", c > 0 ? "," : "", c);
        put_value(&batch->columns[c], row, to);
    }
    mr_buffer_put_u8(to, '}');
}
