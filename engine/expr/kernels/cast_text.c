/* Casts to CHAR, VARCHAR, BINARY and VARBINARY. */
#include "engine/expr/kernels/cast.h"

#include "engine/expr/civil.h"
#include "engine/expr/decimal.h"
#include "engine/expr/number.h"
#include "engine/expr/utf8.h"
#include "engine/expr/zone.h"

#include <string.h>

#define TEXT_MAX 64

/* Stores bytes that live long enough, cut to the type's length and, for CHAR, padded with
 * blanks. */
static void put_borrowed(const mr_kernel_call *call, uint32_t row, const char *bytes,
                         uint32_t length)
{
    const mr_type type = call->result->type;
    if (type.length == MR_LENGTH_UNBOUNDED) {
        call->result->strings[row] = mr_string_of(bytes, length);
        return;
    }
    const bool is_text = mr_type_is_text(type);
    uint32_t kept = is_text ? mr_utf8_prefix(bytes, length, type.length)
                            : (length < type.length ? length : type.length);
    uint32_t have = is_text ? mr_utf8_count(bytes, kept) : kept;
    bool is_fixed = type.kind == MR_TYPE_CHAR || type.kind == MR_TYPE_BINARY;
    if (!is_fixed || have >= type.length) {
        call->result->strings[row] = mr_string_of(bytes, kept);
        return;
    }
    uint32_t pad = type.length - have;
    char *padded = mr_arena_alloc(call->arena, (size_t)kept + pad);
    memcpy(padded, bytes, kept);
    memset(padded + kept, is_text ? ' ' : 0, pad);
    call->result->strings[row] = mr_string_of(padded, kept + pad);
}

static void put(const mr_kernel_call *call, uint32_t row, const char *text, size_t length)
{
    const char *kept = mr_arena_copy(call->arena, text, length);
    put_borrowed(call, row, kept, (uint32_t)length);
}

MR_CAST_EACH(bool_to_text, MR_CAST_PLAIN)
{
    bool value = call->args[0].bools[at] != 0;
    put_borrowed(call, row, value ? "TRUE" : "FALSE", value ? 4 : 5);
}

MR_CAST_EACH(integer_to_text, MR_CAST_PLAIN)
{
    char text[TEXT_MAX];
    int64_t value =
        call->args[0].lane == MR_LANE_I32 ? call->args[0].i32[at] : call->args[0].i64[at];
    put(call, row, text, mr_integer_print(value, text));
}

MR_CAST_EACH(double_to_text, MR_CAST_PLAIN)
{
    char text[TEXT_MAX];
    double value = call->args[0].f64[at];
    put(call, row, text,
        call->args[0].type.kind == MR_TYPE_FLOAT ? mr_float_print(value, text)
                                                 : mr_double_print(value, text));
}

MR_CAST_EACH(decimal_to_text, MR_CAST_PLAIN)
{
    char text[TEXT_MAX];
    put(call, row, text, mr_decimal_print(call->args[0].i128[at], call->args[0].type.scale, text));
}

MR_CAST_EACH(text_to_text, MR_CAST_PLAIN)
{
    mr_string from = call->args[0].strings[at];
    put_borrowed(call, row, from.bytes, from.length);
}

MR_CAST_EACH(bytes_to_text, MR_CAST_CHECKED)
{
    mr_string from = call->args[0].strings[at];
    if (mr_utf8_is_valid(from.bytes, from.length))
        put_borrowed(call, row, from.bytes, from.length);
    else
        mr_kernel_fail(call, row, MR_E_CAST, "the bytes are not valid UTF-8");
}

MR_CAST_EACH(date_to_text, MR_CAST_PLAIN)
{
    char text[TEXT_MAX];
    put(call, row, text, mr_date_print(call->args[0].i32[at], text));
}

MR_CAST_EACH(time_to_text, MR_CAST_PLAIN)
{
    char text[TEXT_MAX];
    put(call, row, text, mr_time_print(call->args[0].i64[at], call->args[0].type.precision, text));
}

MR_CAST_EACH(timestamp_to_text, MR_CAST_PLAIN)
{
    char text[TEXT_MAX];
    put(call, row, text,
        mr_timestamp_print(call->args[0].i64[at], call->args[0].type.precision, text));
}

MR_CAST_EACH(instant_to_text, MR_CAST_PLAIN)
{
    char text[TEXT_MAX];
    int64_t local = mr_zone_to_local(call->context->zone, call->args[0].i64[at]);
    put(call, row, text, mr_timestamp_print(local, call->args[0].type.precision, text));
}

MR_CAST_EACH(months_to_text, MR_CAST_PLAIN)
{
    char text[TEXT_MAX];
    put(call, row, text, mr_months_print(call->args[0].i32[at], text));
}

MR_CAST_EACH(seconds_to_text, MR_CAST_PLAIN)
{
    char text[TEXT_MAX];
    put(call, row, text, mr_duration_print(call->args[0].i64[at], text));
}

const mr_function *mr_cast_to_text(mr_type from, mr_type to, bool is_try)
{
    if (mr_type_is_bytes(to))
        return mr_type_is_bytes(from) || mr_type_is_text(from) ? &text_to_text_cast[is_try] : NULL;
    switch (from.kind) {
    case MR_TYPE_NULL:
    case MR_TYPE_ROW: return NULL;
    case MR_TYPE_BOOLEAN: return &bool_to_text_cast[is_try];
    case MR_TYPE_TINYINT:
    case MR_TYPE_SMALLINT:
    case MR_TYPE_INT:
    case MR_TYPE_BIGINT: return &integer_to_text_cast[is_try];
    case MR_TYPE_FLOAT:
    case MR_TYPE_DOUBLE: return &double_to_text_cast[is_try];
    case MR_TYPE_DECIMAL: return &decimal_to_text_cast[is_try];
    case MR_TYPE_CHAR:
    case MR_TYPE_VARCHAR: return &text_to_text_cast[is_try];
    case MR_TYPE_BINARY:
    case MR_TYPE_VARBINARY: return &bytes_to_text_cast[is_try];
    case MR_TYPE_DATE: return &date_to_text_cast[is_try];
    case MR_TYPE_TIME: return &time_to_text_cast[is_try];
    case MR_TYPE_TIMESTAMP: return &timestamp_to_text_cast[is_try];
    case MR_TYPE_TIMESTAMP_LTZ: return &instant_to_text_cast[is_try];
    case MR_TYPE_INTERVAL_MONTH: return &months_to_text_cast[is_try];
    case MR_TYPE_INTERVAL_SECOND: return &seconds_to_text_cast[is_try];
    }
    return NULL;
}
