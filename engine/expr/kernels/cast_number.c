/* Casts to BOOLEAN and to numbers. */
#include "engine/expr/kernels/cast.h"

#include "engine/expr/decimal.h"
#include "engine/expr/number.h"

#include <math.h>
#include <string.h>
#include <strings.h>

static void fail_range(const mr_kernel_call *call, uint32_t row)
{
    char type[MR_TYPE_NAME_MAX];
    mr_type_name(mr_type_nullable(call->result->type, true), type, sizeof type);
    mr_kernel_fail(call, row, MR_E_OVERFLOW, "the value does not fit %s", type);
}

/* Stores an integer if the result's type has room for it. */
static void put_integer(const mr_kernel_call *call, uint32_t row, int64_t value)
{
    int64_t low = INT64_MIN;
    switch (call->result->type.kind) {
    case MR_TYPE_TINYINT: low = INT8_MIN; break;
    case MR_TYPE_SMALLINT: low = INT16_MIN; break;
    case MR_TYPE_INT: low = INT32_MIN; break;
    default: break;
    }
    if (value < low || value > -(low + 1))
        fail_range(call, row);
    else if (call->result->lane == MR_LANE_I32)
        call->result->i32[row] = (int32_t)value;
    else
        call->result->i64[row] = value;
}

static void put_double(const mr_kernel_call *call, uint32_t row, double value)
{
    if (call->result->type.kind != MR_TYPE_FLOAT)
        call->result->f64[row] = value;
    else if (isfinite(value) &&
             fabs(value) > 3.4028235677973366e38) /* beyond half a step of FLT_MAX */
        call->result->f64[row] = value < 0 ? -(double)INFINITY : (double)INFINITY;
    else
        call->result->f64[row] = (double)(float)value;
}

static void put_decimal(const mr_kernel_call *call, uint32_t row, mr_i128 value, uint32_t scale)
{
    if (!mr_decimal_rescale(value, scale, call->result->type, &call->result->i128[row]))
        mr_kernel_null(call, row);
}

static int64_t integer_at(const mr_vector *from, size_t at)
{
    return from->lane == MR_LANE_I32   ? from->i32[at]
           : from->lane == MR_LANE_I64 ? from->i64[at]
                                       : from->bools[at];
}

/* to BOOLEAN */

MR_CAST_EACH(integer_to_bool, MR_CAST_PLAIN)
{
    call->result->bools[row] = integer_at(&call->args[0], at) != 0;
}

MR_CAST_EACH(double_to_bool, MR_CAST_PLAIN)
{
    call->result->bools[row] = call->args[0].f64[at] != 0;
}

MR_CAST_EACH(decimal_to_bool, MR_CAST_PLAIN)
{
    call->result->bools[row] = call->args[0].i128[at] != 0;
}

MR_CAST_EACH(text_to_bool, MR_CAST_CHECKED)
{
    static const char *const words[] = {"false", "f", "no", "n", "0", "true", "t", "yes", "y", "1"};
    mr_string text = mr_text_trimmed(call->args[0].strings[at]);
    for (unsigned i = 0; i < 10; i++)
        if (strlen(words[i]) == text.length &&
            strncasecmp(words[i], text.bytes, text.length) == 0) {
            call->result->bools[row] = i >= 5;
            return;
        }
    mr_cast_fail_text(call, row, call->args[0].strings[at]);
}

/* to integers */

static void put_integer_of(const mr_kernel_call *call, uint32_t row, size_t at)
{
    put_integer(call, row, integer_at(&call->args[0], at));
}

/* BIGINT to INT without a branch: who is too large is found out afterwards. */
static bool narrow(const mr_kernel_call *call)
{
    const int64_t *restrict from = call->args[0].i64;
    int32_t *restrict to = call->result->i32;
    int64_t bad = 0;
    for (uint32_t i = 0; i < call->rows; i++) {
        to[i] = (int32_t)from[i];
        bad |= from[i] ^ to[i];
    }
    return bad == 0;
}

static void integer_to_integer(const mr_kernel_call *call)
{
    bool is_usual = call->args[0].lane == MR_LANE_I64 && !call->args[0].is_constant &&
                    call->result->type.kind == MR_TYPE_INT && mr_kernel_sparse(call) == NULL;
    if (!is_usual || !narrow(call))
        mr_cast_each(call, put_integer_of);
}

MR_CAST_CHECKED(integer_to_integer)

MR_CAST_EACH(double_to_integer, MR_CAST_CHECKED)
{
    double value = trunc(call->args[0].f64[at]);
    if (value >= -9223372036854775808.0 && value < 9223372036854775808.0) /* false for NaN */
        put_integer(call, row, (int64_t)value);
    else
        fail_range(call, row);
}

MR_CAST_EACH(decimal_to_integer, MR_CAST_CHECKED)
{
    int64_t value;
    if (mr_decimal_to_i64(call->args[0].i128[at], call->args[0].type.scale, &value))
        put_integer(call, row, value);
    else
        fail_range(call, row);
}

MR_CAST_EACH(text_to_integer, MR_CAST_CHECKED)
{
    mr_string text = mr_text_trimmed(call->args[0].strings[at]);
    int64_t value;
    switch (mr_integer_parse(text.bytes, text.length, &value)) {
    case MR_INTEGER_OK: put_integer(call, row, value); break;
    case MR_INTEGER_TOO_BIG: fail_range(call, row); break;
    case MR_INTEGER_MALFORMED: mr_cast_fail_text(call, row, call->args[0].strings[at]); break;
    }
}

/* to FLOAT and DOUBLE */

MR_CAST_EACH(integer_to_double, MR_CAST_PLAIN)
{
    int64_t value = integer_at(&call->args[0], at);
    if (call->result->type.kind == MR_TYPE_FLOAT)
        call->result->f64[row] = (double)(float)value; /* rounded once */
    else
        call->result->f64[row] = (double)value;
}

MR_CAST_EACH(double_to_double, MR_CAST_PLAIN)
{
    put_double(call, row, call->args[0].f64[at]);
}

MR_CAST_EACH(decimal_to_double, MR_CAST_PLAIN)
{
    put_double(call, row, mr_decimal_to_double(call->args[0].i128[at], call->args[0].type.scale));
}

MR_CAST_EACH(text_to_double, MR_CAST_CHECKED)
{
    mr_string text = mr_text_trimmed(call->args[0].strings[at]);
    double value;
    if (mr_double_parse(text.bytes, text.length, &value))
        put_double(call, row, value);
    else
        mr_cast_fail_text(call, row, call->args[0].strings[at]);
}

/* to DECIMAL */

MR_CAST_EACH(integer_to_decimal, MR_CAST_PLAIN)
{
    put_decimal(call, row, integer_at(&call->args[0], at), 0);
}

MR_CAST_EACH(double_to_decimal, MR_CAST_PLAIN)
{
    if (!mr_decimal_of_double(call->args[0].f64[at], call->result->type, &call->result->i128[row]))
        mr_kernel_null(call, row);
}

MR_CAST_EACH(decimal_to_decimal, MR_CAST_PLAIN)
{
    put_decimal(call, row, call->args[0].i128[at], call->args[0].type.scale);
}

MR_CAST_EACH(text_to_decimal, MR_CAST_CHECKED)
{
    mr_string text = mr_text_trimmed(call->args[0].strings[at]);
    switch (
        mr_decimal_parse(text.bytes, text.length, call->result->type, &call->result->i128[row])) {
    case MR_DECIMAL_OK: break;
    case MR_DECIMAL_TOO_BIG: mr_kernel_null(call, row); break;
    case MR_DECIMAL_MALFORMED: mr_cast_fail_text(call, row, call->args[0].strings[at]); break;
    }
}

const mr_function *mr_cast_to_number(mr_type from, mr_type to, bool is_try)
{
    enum { INTEGER, DOUBLE, DECIMAL, TEXT, SOURCES };
    static const mr_function *const casts[SOURCES][SOURCES] = {
        [INTEGER] = {integer_to_integer_cast, integer_to_double_cast, integer_to_decimal_cast,
                     integer_to_bool_cast},
        [DOUBLE] = {double_to_integer_cast, double_to_double_cast, double_to_decimal_cast,
                    double_to_bool_cast},
        [DECIMAL] = {decimal_to_integer_cast, decimal_to_double_cast, decimal_to_decimal_cast,
                     decimal_to_bool_cast},
        [TEXT] = {text_to_integer_cast, text_to_double_cast, text_to_decimal_cast,
                  text_to_bool_cast},
    };
    int source, target;
    if (mr_type_is_integer(from) || from.kind == MR_TYPE_BOOLEAN)
        source = INTEGER;
    else if (from.kind == MR_TYPE_FLOAT || from.kind == MR_TYPE_DOUBLE)
        source = DOUBLE;
    else if (from.kind == MR_TYPE_DECIMAL)
        source = DECIMAL;
    else if (mr_type_is_text(from))
        source = TEXT;
    else
        return NULL;
    if (mr_type_is_integer(to))
        target = 0;
    else if (to.kind == MR_TYPE_BOOLEAN)
        target = 3;
    else
        target = to.kind == MR_TYPE_DECIMAL ? 2 : 1;
    return &casts[source][target][is_try];
}
