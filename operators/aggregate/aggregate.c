#include "operators/aggregate/aggregate.h"

#include "engine/base/assert.h"
#include "engine/expr/decimal.h"
#include "engine/expr/wide.h"
#include "operators/aggregate/layout.h"

#include <inttypes.h>

enum { MR_E_ROW_SUM_RANGE = 3201 };

typedef mr_sum sum;
typedef mr_extreme extreme;
typedef mr_tally tally;

uint32_t mr_aggregate_size(const mr_aggregate *aggregate)
{
    return aggregate->kind == MR_AGGREGATE_COUNT ? (uint32_t)sizeof(tally) : (uint32_t)sizeof(sum);
}

static mr_i128 exact_at(const mr_vector *column, uint32_t row)
{
    switch (column->lane) {
    case MR_LANE_BOOL: return column->bools[row];
    case MR_LANE_I32: return column->i32[row];
    case MR_LANE_I64: return column->i64[row];
    case MR_LANE_I128: return column->i128[row];
    default: return 0;
    }
}

static void add_counts(const mr_aggregate_rows *in)
{
    bool counts_all = in->argument == NULL || in->argument->valid == NULL;
    for (uint32_t i = 0; i < in->count; i++) {
        tally *at = (tally *)((char *)in->values[i] + in->offset);
        at->count += counts_all || !mr_vector_is_null(in->argument, in->rows[i]);
    }
}

/* `at` += high * 2^128 + low. */
static void add_exact(sum *at, mr_u128 low, int64_t high)
{
    at->low += low;
    at->high += high + (at->low < low);
}

/* False when the sum leaves 128 bits. */
static bool get_exact(const sum *at, mr_i128 *value)
{
    *value = (mr_i128)at->low;
    return at->high == (*value < 0 ? -1 : 0);
}

static void add_sums(const mr_aggregate_rows *in)
{
    const mr_vector *column = in->argument;
    bool real = column->lane == MR_LANE_F64;
    for (uint32_t i = 0; i < in->count; i++) {
        uint32_t row = in->rows[i];
        if (mr_vector_is_null(column, row))
            continue;
        sum *at = (sum *)((char *)in->values[i] + in->offset);
        if (real) {
            at->real += column->f64[row];
        } else {
            mr_i128 value = exact_at(column, row);
            add_exact(at, (mr_u128)value, value < 0 ? -1 : 0);
        }
        at->count++;
    }
}

/* Order of DOUBLE as Java's: NaN is above everything. */
static bool real_is_less(double a, double b)
{
    if (a != a)
        return false;
    return b != b || a < b;
}

static bool wins(const mr_aggregate *aggregate, const extreme *a, const extreme *b)
{
    const extreme *low = aggregate->kind == MR_AGGREGATE_MIN ? a : b;
    const extreme *high = aggregate->kind == MR_AGGREGATE_MIN ? b : a;
    if (mr_type_lane(aggregate->argument_type) == MR_LANE_STRING)
        return mr_string_compare(low->string, high->string) < 0;
    if (mr_aggregate_is_real(aggregate->argument_type))
        return real_is_less(low->real, high->real);
    return low->exact < high->exact;
}

static void keep(const mr_aggregate *aggregate, extreme *at, const extreme *candidate,
                 mr_arena *arena)
{
    if (at->has != 0 && !wins(aggregate, candidate, at))
        return;
    *at = *candidate;
    at->has = 1;
    if (mr_type_lane(aggregate->argument_type) == MR_LANE_STRING && arena != NULL)
        at->string.bytes = mr_arena_copy(arena, candidate->string.bytes, candidate->string.length);
}

static void add_extremes(const mr_aggregate *aggregate, const mr_aggregate_rows *in)
{
    const mr_vector *column = in->argument;
    for (uint32_t i = 0; i < in->count; i++) {
        uint32_t row = in->rows[i];
        if (mr_vector_is_null(column, row))
            continue;
        extreme candidate = {.has = 1};
        if (column->lane == MR_LANE_STRING)
            candidate.string = column->strings[row];
        else if (column->lane == MR_LANE_F64)
            candidate.real = column->f64[row];
        else
            candidate.exact = exact_at(column, row);
        keep(aggregate, (extreme *)((char *)in->values[i] + in->offset), &candidate, in->arenas[i]);
    }
}

void mr_aggregate_add(const mr_aggregate *aggregate, const mr_aggregate_rows *rows)
{
    switch (aggregate->kind) {
    case MR_AGGREGATE_COUNT: add_counts(rows); break;
    case MR_AGGREGATE_SUM:
    case MR_AGGREGATE_AVG: add_sums(rows); break;
    case MR_AGGREGATE_MIN:
    case MR_AGGREGATE_MAX: add_extremes(aggregate, rows); break;
    }
}

void mr_aggregate_merge(const mr_aggregate *aggregate, void *to, const void *from, mr_arena *arena)
{
    switch (aggregate->kind) {
    case MR_AGGREGATE_COUNT: ((tally *)to)->count += ((const tally *)from)->count; break;
    case MR_AGGREGATE_SUM:
    case MR_AGGREGATE_AVG: {
        sum *a = to;
        const sum *b = from;
        if (mr_aggregate_is_real(aggregate->argument_type))
            a->real += b->real;
        else
            add_exact(a, b->low, b->high);
        a->count += b->count;
        break;
    }
    case MR_AGGREGATE_MIN:
    case MR_AGGREGATE_MAX:
        if (((const extreme *)from)->has != 0)
            keep(aggregate, to, from, arena);
        break;
    }
}

/* Stores an exact value in the result's lane; false when it is out of the type's range. */
static bool put_exact(mr_vector *result, uint32_t row, mr_i128 value)
{
    mr_i128 low = INT64_MIN, high = INT64_MAX;
    if (result->type.kind == MR_TYPE_TINYINT)
        low = INT8_MIN, high = INT8_MAX;
    else if (result->type.kind == MR_TYPE_SMALLINT)
        low = INT16_MIN, high = INT16_MAX;
    else if (result->lane == MR_LANE_I32)
        low = INT32_MIN, high = INT32_MAX;
    if (result->lane == MR_LANE_I128) {
        result->i128[row] = value;
        return true;
    }
    if (value < low || value > high)
        return false;
    if (result->lane == MR_LANE_BOOL)
        result->bools[row] = value != 0;
    else if (result->lane == MR_LANE_I32)
        result->i32[row] = (int32_t)value;
    else
        result->i64[row] = (int64_t)value;
    return true;
}

/* Quotient at the result's scale, HALF_UP; false when it leaves 128 bits. */
static bool decimal_average(const mr_aggregate *aggregate, const sum *at, mr_i128 *result)
{
    bool is_negative = at->high < 0;
    mr_u128 low = is_negative ? -at->low : at->low;
    uint64_t high = (uint64_t)(is_negative ? -at->high - (at->low != 0) : at->high);
    mr_wide scaled = mr_wide_of(low);
    scaled.limb[4] = (uint32_t)high;
    scaled.limb[5] = (uint32_t)(high >> 32);
    for (int s = aggregate->argument_type.scale; s < aggregate->result_type.scale; s++)
        if (!mr_wide_multiply(&scaled, 10))
            return false;
    mr_u128 rest, quotient;
    if (!mr_wide_narrow(mr_wide_divide(scaled, (mr_u128)at->count, &rest), &quotient))
        return false;
    quotient += rest * 2 >= (mr_u128)at->count;
    *result = is_negative ? -(mr_i128)quotient : (mr_i128)quotient;
    return quotient >> 127 == 0;
}

static bool put_sum(const mr_aggregate *aggregate, const sum *at, mr_vector *result, uint32_t row,
                    bool *is_null)
{
    bool is_average = aggregate->kind == MR_AGGREGATE_AVG;
    if (result->lane == MR_LANE_F64) {
        double value = is_average ? at->real / (double)at->count : at->real;
        result->f64[row] = result->type.kind == MR_TYPE_FLOAT ? (double)(float)value : value;
        return true;
    }
    mr_i128 value;
    bool is_exact = get_exact(at, &value);
    if (result->lane == MR_LANE_I128) {
        is_exact = is_average ? decimal_average(aggregate, at, &value) : is_exact;
        *is_null = !is_exact || !mr_decimal_fits(value, result->type.precision);
        result->i128[row] = *is_null ? 0 : value;
        return true;
    }
    return is_exact && put_exact(result, row, is_average ? value / at->count : value);
}

static bool put_extreme(const extreme *at, mr_vector *result, uint32_t row)
{
    if (result->lane == MR_LANE_STRING)
        result->strings[row] = at->string;
    else if (result->lane == MR_LANE_F64)
        result->f64[row] = at->real;
    else
        return put_exact(result, row, at->exact);
    return true;
}

void mr_aggregate_result(const mr_aggregate *aggregate, void *const *values, uint32_t offset,
                         uint32_t count, mr_vector *result, mr_arena *arena, mr_row_errors *errors)
{
    for (uint32_t i = 0; i < count; i++) {
        const void *at = (const char *)values[i] + offset;
        bool fits = true, is_null = false;
        if (aggregate->kind == MR_AGGREGATE_COUNT) {
            result->i64[i] = ((const tally *)at)->count;
        } else if (aggregate->kind == MR_AGGREGATE_SUM || aggregate->kind == MR_AGGREGATE_AVG) {
            is_null = ((const sum *)at)->count == 0;
            fits = is_null || put_sum(aggregate, at, result, i, &is_null);
        } else {
            is_null = ((const extreme *)at)->has == 0;
            fits = is_null || put_extreme(at, result, i);
        }
        if (!fits)
            mr_row_errors_add(errors, i, MR_E_ROW_SUM_RANGE, "%s does not fit its type",
                              mr_aggregate_name(aggregate->kind));
        if (is_null || !fits)
            mr_vector_set_null(result, i, count, arena);
    }
}

static void write_i128(mr_i128 value, mr_buffer *to)
{
    mr_buffer_put_u64(to, (uint64_t)(mr_u128)value);
    mr_buffer_put_u64(to, (uint64_t)((mr_u128)value >> 64));
}

static mr_i128 read_i128(mr_reader *from)
{
    uint64_t low = mr_reader_u64(from);
    uint64_t high = mr_reader_u64(from);
    return (mr_i128)(((mr_u128)high << 64) | low);
}

void mr_aggregate_write(const mr_aggregate *aggregate, const void *accumulator, mr_buffer *to)
{
    if (aggregate->kind == MR_AGGREGATE_COUNT) {
        mr_buffer_put_zigzag(to, ((const tally *)accumulator)->count);
        return;
    }
    bool is_sum = aggregate->kind == MR_AGGREGATE_SUM || aggregate->kind == MR_AGGREGATE_AVG;
    const extreme *at = accumulator; /* value and has lie where sum has value and count */
    mr_buffer_put_zigzag(to, at->has);
    if (at->has == 0)
        return;
    if (!is_sum && mr_type_lane(aggregate->argument_type) == MR_LANE_STRING)
        mr_buffer_put_bytes(to, at->string.bytes, at->string.length);
    else
        write_i128(at->exact, to);
    if (is_sum)
        mr_buffer_put_zigzag(to, ((const sum *)accumulator)->high);
}

bool mr_aggregate_read(const mr_aggregate *aggregate, mr_reader *from, void *accumulator,
                       mr_arena *arena)
{
    memset(accumulator, 0, mr_aggregate_size(aggregate));
    if (aggregate->kind == MR_AGGREGATE_COUNT) {
        ((tally *)accumulator)->count = mr_reader_zigzag(from);
        return !from->is_bad;
    }
    bool is_sum = aggregate->kind == MR_AGGREGATE_SUM || aggregate->kind == MR_AGGREGATE_AVG;
    extreme *at = accumulator;
    at->has = mr_reader_zigzag(from);
    if (at->has == 0)
        return !from->is_bad;
    if (!is_sum && mr_type_lane(aggregate->argument_type) == MR_LANE_STRING) {
        size_t length;
        const char *bytes = mr_reader_bytes(from, &length);
        at->string = mr_string_of(mr_arena_copy(arena, bytes, length), (uint32_t)length);
    } else {
        at->exact = read_i128(from);
    }
    if (is_sum)
        ((sum *)accumulator)->high = mr_reader_zigzag(from);
    return !from->is_bad;
}

const char *mr_aggregate_name(mr_aggregate_kind kind)
{
    static const char *const names[] = {"COUNT", "SUM", "MIN", "MAX", "AVG"};
    return names[kind];
}
