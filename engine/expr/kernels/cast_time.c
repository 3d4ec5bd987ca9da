/* Casts to DATE, TIME, TIMESTAMP, TIMESTAMP_LTZ and to intervals. */
#include "engine/expr/kernels/cast.h"

#include "engine/expr/civil.h"
#include "engine/expr/zone.h"

/* Drops the digits that the result's precision lacks; towards the past, as a clock does. */
static int64_t truncated(mr_type type, int64_t micros)
{
    static const int64_t steps[] = {1000000, 100000, 10000, 1000, 100, 10, 1};
    int64_t step = type.precision < 6 ? steps[type.precision] : 1;
    return micros - mr_floor_mod(micros, step);
}

static int64_t local(const mr_kernel_call *call, size_t at)
{
    int64_t micros = call->args[0].i64[at];
    return call->args[0].type.kind == MR_TYPE_TIMESTAMP_LTZ
               ? mr_zone_to_local(call->context->zone, micros)
               : micros;
}

/* A wall clock as the result's kind of timestamp. */
static void put_wall(const mr_kernel_call *call, uint32_t row, int64_t wall)
{
    if (call->result->type.kind == MR_TYPE_TIMESTAMP_LTZ)
        wall = mr_zone_to_utc(call->context->zone, wall);
    call->result->i64[row] = truncated(call->result->type, wall);
}

MR_CAST_EACH(text_to_date, MR_CAST_CHECKED)
{
    mr_string text = mr_text_trimmed(call->args[0].strings[at]);
    if (!mr_date_parse(text.bytes, text.length, &call->result->i32[row]))
        mr_cast_fail_text(call, row, call->args[0].strings[at]);
}

MR_CAST_EACH(timestamp_to_date, MR_CAST_PLAIN)
{
    call->result->i32[row] = (int32_t)mr_floor_div(local(call, at), MR_US_PER_DAY);
}

MR_CAST_EACH(text_to_time, MR_CAST_CHECKED)
{
    mr_string text = mr_text_trimmed(call->args[0].strings[at]);
    int64_t micros;
    if (mr_time_parse(text.bytes, text.length, &micros))
        call->result->i64[row] = truncated(call->result->type, micros);
    else
        mr_cast_fail_text(call, row, call->args[0].strings[at]);
}

MR_CAST_EACH(timestamp_to_time, MR_CAST_PLAIN)
{
    call->result->i64[row] =
        truncated(call->result->type, mr_floor_mod(local(call, at), MR_US_PER_DAY));
}

MR_CAST_EACH(text_to_timestamp, MR_CAST_CHECKED)
{
    mr_string text = mr_text_trimmed(call->args[0].strings[at]);
    int64_t micros;
    if (mr_timestamp_parse(text.bytes, text.length, &micros))
        put_wall(call, row, micros);
    else
        mr_cast_fail_text(call, row, call->args[0].strings[at]);
}

MR_CAST_EACH(date_to_timestamp, MR_CAST_PLAIN)
{
    put_wall(call, row, call->args[0].i32[at] * MR_US_PER_DAY);
}

MR_CAST_EACH(timestamp_to_timestamp, MR_CAST_PLAIN)
{
    if (call->args[0].type.kind == call->result->type.kind)
        call->result->i64[row] = truncated(call->result->type, call->args[0].i64[at]);
    else
        put_wall(call, row, local(call, at));
}

MR_CAST_EACH(time_to_time, MR_CAST_PLAIN)
{
    call->result->i64[row] = truncated(call->result->type, call->args[0].i64[at]);
}

const mr_function *mr_cast_to_time(mr_type from, mr_type to, bool is_try)
{
    const bool is_text = mr_type_is_text(from), is_timestamp = mr_type_is_timestamp(from);
    switch (to.kind) {
    case MR_TYPE_DATE:
        return is_text        ? &text_to_date_cast[is_try]
               : is_timestamp ? &timestamp_to_date_cast[is_try]
                              : NULL;
    case MR_TYPE_TIME:
        return is_text                     ? &text_to_time_cast[is_try]
               : is_timestamp              ? &timestamp_to_time_cast[is_try]
               : from.kind == MR_TYPE_TIME ? &time_to_time_cast[is_try]
                                           : NULL;
    case MR_TYPE_TIMESTAMP:
    case MR_TYPE_TIMESTAMP_LTZ:
        return is_text                     ? &text_to_timestamp_cast[is_try]
               : is_timestamp              ? &timestamp_to_timestamp_cast[is_try]
               : from.kind == MR_TYPE_DATE ? &date_to_timestamp_cast[is_try]
                                           : NULL;
    default: return NULL;
    }
}
