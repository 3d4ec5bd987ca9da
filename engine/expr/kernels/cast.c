#include "engine/expr/kernels/cast.h"

#include "engine/expr/kernel.h"

#include <string.h>

mr_string mr_text_trimmed(mr_string text)
{
    const char *at = text.bytes, *end = text.bytes + text.length;
    while (at < end && (unsigned char)*at <= ' ')
        at++;
    while (end > at && (unsigned char)end[-1] <= ' ')
        end--;
    return mr_string_of(at, (uint32_t)(end - at));
}

void mr_cast_fail_text(const mr_kernel_call *call, uint32_t row, mr_string text)
{
    char type[MR_TYPE_NAME_MAX];
    mr_type_name(mr_type_nullable(call->result->type, true), type, sizeof type);
    int shown = text.length < 64 ? (int)text.length : 64;
    mr_kernel_fail(call, row, MR_E_CAST, "'%.*s'%s is no %s", shown,
                   text.length > 0 ? text.bytes : "", text.length > 64 ? ".." : "", type);
}

static void copy(const mr_kernel_call *call)
{
    const size_t size = mr_lane_size(call->result->lane);
    const char *from = call->args[0].values;
    char *to = call->result->values;
    if (!call->args[0].is_constant && call->selection == NULL) {
        memcpy(to, from, size * call->rows);
        return;
    }
    for (uint32_t i = 0; i < call->selected; i++) {
        uint32_t row = mr_kernel_row(call, i);
        memcpy(to + size * row, from + size * mr_kernel_at(call, 0, row), size);
    }
}

static uint32_t digits_of(mr_type type)
{
    return type.kind == MR_TYPE_TIME || mr_type_is_timestamp(type) ? type.precision : 0;
}

bool mr_cast_is_relabel(mr_type from, mr_type to)
{
    if (from.kind == to.kind)
        return from.kind == MR_TYPE_CHAR || from.kind == MR_TYPE_BINARY ? from.length == to.length
               : from.kind == MR_TYPE_DECIMAL
                   ? from.scale == to.scale && from.precision <= to.precision
                   : from.length <= to.length && digits_of(from) <= digits_of(to) &&
                         from.kind != MR_TYPE_ROW;
    if (mr_type_lane(from) == MR_LANE_I32 && mr_type_is_integer(from))
        return mr_type_is_integer(to) && mr_type_lane(to) == MR_LANE_I32 && from.kind < to.kind;
    if (from.kind == MR_TYPE_CHAR && to.kind == MR_TYPE_VARCHAR)
        return from.length <= to.length;
    if (from.kind == MR_TYPE_BINARY && to.kind == MR_TYPE_VARBINARY)
        return from.length <= to.length;
    return from.kind == MR_TYPE_FLOAT && to.kind == MR_TYPE_DOUBLE;
}

MR_CAST_PLAIN(copy)

const mr_function *mr_cast_function(mr_type from, mr_type to, bool is_try)
{
    if (mr_cast_is_relabel(from, to))
        return &copy_cast[is_try];
    if (mr_type_is_numeric(to) || to.kind == MR_TYPE_BOOLEAN)
        return mr_cast_to_number(from, to, is_try);
    if (mr_type_is_text(to) || mr_type_is_bytes(to))
        return mr_cast_to_text(from, to, is_try);
    return mr_cast_to_time(from, to, is_try);
}
