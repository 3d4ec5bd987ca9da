#include "connectors/formats/text/convert.h"

#include "connectors/formats/codes.h"
#include "connectors/formats/text/base64.h"
#include "connectors/formats/text/time.h"

#include <math.h>
#include <strings.h>

static mr_convert_outcome bad(mr_convert_problem *problem, mr_status code, const char *reason)
{
    *problem = (mr_convert_problem){.code = code, .reason = reason};
    return MR_CONVERT_BAD;
}

static mr_convert_outcome out_of_range(mr_convert_problem *problem)
{
    return bad(problem, MR_E_FIELD_RANGE, "number out of range");
}

static int64_t integer_max(mr_type_kind kind)
{
    switch (kind) {
    case MR_TYPE_TINYINT: return INT8_MAX;
    case MR_TYPE_SMALLINT: return INT16_MAX;
    case MR_TYPE_INT: return INT32_MAX;
    default: return INT64_MAX;
    }
}

mr_convert_outcome mr_convert_i64(int64_t value, mr_vector *to, uint32_t row,
                                  mr_convert_problem *problem)
{
    int64_t max = integer_max(to->type.kind);
    if (value > max || value < -max - 1)
        return out_of_range(problem);
    if (to->lane == MR_LANE_I64)
        to->i64[row] = value;
    else
        to->i32[row] = (int32_t)value;
    return MR_CONVERT_STORED;
}

static mr_convert_outcome store_integer(const mr_number *number, mr_vector *to, uint32_t row,
                                        mr_convert_problem *problem)
{
    int64_t value;
    switch (mr_number_to_i64(number, INT64_MIN, INT64_MAX, &value)) {
    case MR_NUMBER_FITS: return mr_convert_i64(value, to, row, problem);
    case MR_NUMBER_INEXACT:
        return bad(problem, MR_E_FIELD_VALUE, "digits behind the point in an integer");
    default: return out_of_range(problem);
    }
}

mr_convert_outcome mr_convert_number(const mr_number *number, mr_vector *to, uint32_t row,
                                     mr_convert_problem *problem)
{
    mr_number_fit fit;
    switch (to->type.kind) {
    case MR_TYPE_TINYINT:
    case MR_TYPE_SMALLINT:
    case MR_TYPE_INT:
    case MR_TYPE_BIGINT: return store_integer(number, to, row, problem);
    case MR_TYPE_DECIMAL:
        fit = mr_number_to_decimal(number, to->type.precision, to->type.scale, &to->i128[row]);
        return fit == MR_NUMBER_FITS ? MR_CONVERT_STORED : MR_CONVERT_NULL;
    case MR_TYPE_DOUBLE:
        fit = mr_number_to_double(number, &to->f64[row]);
        return fit == MR_NUMBER_FITS ? MR_CONVERT_STORED : out_of_range(problem);
    case MR_TYPE_FLOAT:
        fit = mr_number_to_float(number, &to->f64[row]);
        return fit == MR_NUMBER_FITS ? MR_CONVERT_STORED : out_of_range(problem);
    default: return bad(problem, MR_E_FIELD_TYPE, "found a number");
    }
}

static void trim(const char **text, uint32_t *length)
{
    while (*length > 0 && (unsigned char)**text <= ' ') {
        (*text)++;
        (*length)--;
    }
    while (*length > 0 && (unsigned char)(*text)[*length - 1] <= ' ')
        (*length)--;
}

static bool is_word(const char *text, uint32_t length, const char *word)
{
    return strlen(word) == length && memcmp(text, word, length) == 0;
}

static bool not_finite(const char *text, uint32_t length, double *value)
{
    trim(&text, &length);
    if (is_word(text, length, "NaN"))
        *value = NAN;
    else if (is_word(text, length, "Infinity") || is_word(text, length, "+Infinity"))
        *value = INFINITY;
    else if (is_word(text, length, "-Infinity"))
        *value = -INFINITY;
    else
        return false;
    return true;
}

static mr_convert_outcome store_number_text(const char *text, uint32_t length, mr_vector *to,
                                            uint32_t row, mr_convert_problem *problem)
{
    mr_number number;
    if (mr_number_parse(text, length, &number))
        return mr_convert_number(&number, to, row, problem);
    if (to->lane == MR_LANE_F64 && not_finite(text, length, &to->f64[row]))
        return MR_CONVERT_STORED;
    return bad(problem, MR_E_FIELD_VALUE, "the text is no number");
}

static mr_convert_outcome store_boolean(const char *text, uint32_t length, mr_vector *to,
                                        uint32_t row, mr_convert_problem *problem)
{
    trim(&text, &length);
    if (length == 4 && strncasecmp(text, "true", 4) == 0)
        to->bools[row] = 1;
    else if (length == 5 && strncasecmp(text, "false", 5) == 0)
        to->bools[row] = 0;
    else
        return bad(problem, MR_E_FIELD_VALUE, "the text is neither true nor false");
    return MR_CONVERT_STORED;
}

static mr_convert_outcome store_bytes(const char *text, uint32_t length, mr_vector *to,
                                      uint32_t row, mr_arena *arena, mr_convert_problem *problem)
{
    char *bytes = mr_arena_alloc(arena, (size_t)length / 4 * 3);
    size_t decoded;
    if (!mr_base64_decode(bytes, text, length, &decoded))
        return bad(problem, MR_E_FIELD_VALUE, "the text is no base64");
    to->strings[row] = mr_string_of(bytes, (uint32_t)decoded);
    return MR_CONVERT_STORED;
}

static mr_convert_outcome store_time(const char *text, uint32_t length, char separator,
                                     mr_vector *to, uint32_t row, mr_convert_problem *problem)
{
    int64_t us;
    bool is_utc = to->type.kind == MR_TYPE_TIMESTAMP_LTZ;
    switch (to->type.kind) {
    case MR_TYPE_DATE:
        if (!mr_time_parse_date(text, length, &to->i32[row]))
            return bad(problem, MR_E_FIELD_VALUE, "the text is no date (yyyy-MM-dd)");
        return MR_CONVERT_STORED;
    case MR_TYPE_TIME:
        if (!mr_time_parse_time(text, length, &us))
            return bad(problem, MR_E_FIELD_VALUE, "the text is no time (HH:mm:ss)");
        break;
    default:
        if (!mr_time_parse_timestamp(text, length, separator, is_utc, &us))
            return bad(problem, MR_E_FIELD_VALUE,
                       separator == 'T' ? is_utc ? "the text is no yyyy-MM-ddTHH:mm:ss[.f]Z"
                                                 : "the text is no yyyy-MM-ddTHH:mm:ss[.f]"
                       : is_utc         ? "the text is no yyyy-MM-dd HH:mm:ss[.f]Z"
                                        : "the text is no yyyy-MM-dd HH:mm:ss[.f]");
    }
    to->i64[row] = mr_time_cut(us, to->type.precision);
    return MR_CONVERT_STORED;
}

mr_convert_outcome mr_convert_text(const char *text, uint32_t length, char separator, mr_vector *to,
                                   uint32_t row, mr_arena *arena, mr_convert_problem *problem)
{
    switch (to->type.kind) {
    case MR_TYPE_CHAR:
    case MR_TYPE_VARCHAR: to->strings[row] = mr_string_of(text, length); return MR_CONVERT_STORED;
    case MR_TYPE_BINARY:
    case MR_TYPE_VARBINARY: return store_bytes(text, length, to, row, arena, problem);
    case MR_TYPE_BOOLEAN: return store_boolean(text, length, to, row, problem);
    case MR_TYPE_DATE:
    case MR_TYPE_TIME:
    case MR_TYPE_TIMESTAMP:
    case MR_TYPE_TIMESTAMP_LTZ: return store_time(text, length, separator, to, row, problem);
    default: return store_number_text(text, length, to, row, problem);
    }
}
