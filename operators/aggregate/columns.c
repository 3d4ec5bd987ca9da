#include "operators/aggregate/columns.h"

#include "engine/base/assert.h"
#include "operators/aggregate/layout.h"

static bool sums(const mr_aggregate *aggregate)
{
    return aggregate->kind == MR_AGGREGATE_SUM || aggregate->kind == MR_AGGREGATE_AVG;
}

uint32_t mr_aggregate_columns(const mr_aggregate *aggregate,
                              mr_type types[MR_AGGREGATE_COLUMNS_MAX])
{
    mr_type bigint = mr_type_not_null(mr_type_of(MR_TYPE_BIGINT));
    MR_ASSERT(!aggregate->is_distinct);
    if (aggregate->kind == MR_AGGREGATE_COUNT) {
        types[0] = bigint;
        return 1;
    }
    if (!sums(aggregate)) {
        types[0] = mr_type_nullable(aggregate->argument_type, true);
        return 1;
    }
    types[1] = types[2] = bigint;
    if (mr_aggregate_is_real(aggregate->argument_type)) {
        types[0] = mr_type_not_null(mr_type_of(MR_TYPE_DOUBLE));
        return 2;
    }
    types[0] = mr_type_not_null(mr_type_decimal(MR_DECIMAL_PRECISION_MAX, 0));
    return 3;
}

static void put_sum(const mr_aggregate *aggregate, const mr_sum *at, mr_vector *columns,
                    uint32_t row)
{
    if (mr_aggregate_is_real(aggregate->argument_type)) {
        columns[0].f64[row] = at->real;
        columns[1].i64[row] = at->count;
        return;
    }
    columns[0].i128[row] = (mr_i128)at->low;
    columns[1].i64[row] = at->high;
    columns[2].i64[row] = at->count;
}

static void put_extreme(const mr_extreme *at, mr_vector *column, uint32_t row, uint32_t count,
                        mr_arena *arena)
{
    if (at->has == 0) {
        mr_vector_set_null(column, row, count, arena);
        return;
    }
    switch (column->lane) {
    case MR_LANE_NONE: break;
    case MR_LANE_BOOL: column->bools[row] = at->exact != 0; break;
    case MR_LANE_I32: column->i32[row] = (int32_t)at->exact; break;
    case MR_LANE_I64: column->i64[row] = (int64_t)at->exact; break;
    case MR_LANE_I128: column->i128[row] = at->exact; break;
    case MR_LANE_F64: column->f64[row] = at->real; break;
    case MR_LANE_STRING: column->strings[row] = at->string; break;
    }
}

void mr_aggregate_to_columns(const mr_aggregate *aggregate, void *const *values, uint32_t offset,
                             uint32_t count, mr_vector *columns, mr_arena *arena)
{
    mr_type types[MR_AGGREGATE_COLUMNS_MAX];
    uint32_t columns_count = mr_aggregate_columns(aggregate, types);
    for (uint32_t c = 0; c < columns_count; c++)
        columns[c] = mr_vector_new(types[c], count, arena);
    for (uint32_t i = 0; i < count; i++) {
        const void *at = (const char *)values[i] + offset;
        if (aggregate->kind == MR_AGGREGATE_COUNT)
            columns[0].i64[i] = ((const mr_tally *)at)->count;
        else if (sums(aggregate))
            put_sum(aggregate, at, columns, i);
        else
            put_extreme(at, &columns[0], i, count, arena);
    }
}

static void get_extreme(const mr_vector *column, uint32_t row, mr_extreme *to)
{
    if (mr_vector_is_null(column, row))
        return;
    to->has = 1;
    switch (column->lane) {
    case MR_LANE_NONE: to->has = 0; break;
    case MR_LANE_BOOL: to->exact = column->bools[row]; break;
    case MR_LANE_I32: to->exact = column->i32[row]; break;
    case MR_LANE_I64: to->exact = column->i64[row]; break;
    case MR_LANE_I128: to->exact = column->i128[row]; break;
    case MR_LANE_F64: to->real = column->f64[row]; break;
    case MR_LANE_STRING: to->string = column->strings[row]; break;
    }
}

static bool is_count(int64_t count)
{
    return count >= 0 && count <= MR_BATCH_ROWS_MAX;
}

bool mr_aggregate_from_columns(const mr_aggregate *aggregate, const mr_vector *columns,
                               uint32_t row, void *accumulator)
{
    memset(accumulator, 0, mr_aggregate_size(aggregate));
    if (aggregate->kind == MR_AGGREGATE_COUNT) {
        mr_tally *to = accumulator;
        to->count = columns[0].i64[row];
        return is_count(to->count);
    }
    if (!sums(aggregate)) {
        get_extreme(&columns[0], row, accumulator);
        return true;
    }
    mr_sum *to = accumulator;
    if (mr_aggregate_is_real(aggregate->argument_type)) {
        to->real = columns[0].f64[row];
        to->count = columns[1].i64[row];
        return is_count(to->count);
    }
    to->low = (mr_u128)columns[0].i128[row];
    to->high = columns[1].i64[row];
    to->count = columns[2].i64[row];
    return is_count(to->count) && to->high >= -MR_BATCH_ROWS_MAX && to->high <= MR_BATCH_ROWS_MAX;
}
