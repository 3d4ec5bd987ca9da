/*
 * Goal: accumulators give SQL's results whatever the order of rows, however they were split and
 * merged, and through a delta and back. Method: small columns through one accumulator, and the same
 * rows split over two that are written, read and merged; both must give the expected value.
 */
#include "operators/aggregate/aggregate.h"

#include "engine/expr/decimal.h"

#include <criterion/criterion.h>
#include <math.h>

#define ROWS_MAX 8

typedef struct fixture {
    mr_arena arena, strings;
    mr_aggregate aggregate;
    mr_vector column;
    uint32_t rows;
} fixture;

static fixture fixture_of(mr_aggregate_kind kind, mr_type argument, mr_type result)
{
    fixture f = {.aggregate = {.kind = kind,
                               .argument = 0,
                               .filter = -1,
                               .argument_type = argument,
                               .result_type = result}};
    f.column = mr_vector_new(argument, ROWS_MAX, &f.arena);
    return f;
}

static void release(fixture *f)
{
    mr_arena_release(&f->arena);
    mr_arena_release(&f->strings);
}

static void add(fixture *f, uint32_t from, uint32_t to, void *accumulator)
{
    uint32_t rows[ROWS_MAX];
    void *values[ROWS_MAX];
    mr_arena *arenas[ROWS_MAX];
    for (uint32_t i = from; i < to; i++) {
        rows[i - from] = i;
        values[i - from] = accumulator;
        arenas[i - from] = &f->strings;
    }
    mr_aggregate_rows in = {.argument = &f->column,
                            .rows = rows,
                            .count = to - from,
                            .values = values,
                            .arenas = arenas};
    mr_aggregate_add(&f->aggregate, &in);
}

/* Writes and reads the accumulator: what a restart does to it. */
static void travel(fixture *f, void *accumulator)
{
    mr_buffer bytes = {0};
    mr_aggregate_write(&f->aggregate, accumulator, &bytes);
    memset(accumulator, 0xab, mr_aggregate_size(&f->aggregate));
    mr_reader from = mr_reader_of(bytes.data, bytes.length);
    cr_assert(mr_aggregate_read(&f->aggregate, &from, accumulator, &f->strings));
    cr_assert_eq(mr_reader_left(&from), 0);
    mr_buffer_release(&bytes);
}

static mr_vector result_of(fixture *f, void *accumulator, uint32_t *errors_count)
{
    mr_vector result = mr_vector_new(f->aggregate.result_type, 1, &f->arena);
    mr_row_errors errors = {.arena = &f->arena};
    mr_aggregate_result(&f->aggregate, &accumulator, 0, 1, &result, &f->arena, &errors);
    *errors_count = errors.count;
    return result;
}

/* The result over all rows; the same must come from any split, merged in both orders. */
static mr_vector run(fixture *f, uint32_t *errors)
{
    _Alignas(16) char whole[64] = {0};
    add(f, 0, f->rows, whole);
    travel(f, whole);
    mr_vector expected = result_of(f, whole, errors);
    size_t size = mr_lane_size(expected.lane);
    for (uint32_t cut = 0; cut <= f->rows; cut++)
        for (int order = 0; order < 2; order++) {
            _Alignas(16) char parts[2][64] = {{0}};
            uint32_t failed;
            add(f, 0, cut, parts[0]);
            add(f, cut, f->rows, parts[1]);
            travel(f, parts[order]);
            mr_aggregate_merge(&f->aggregate, parts[order], parts[1 - order], NULL);
            mr_vector got = result_of(f, parts[order], &failed);
            cr_assert_eq(failed, *errors);
            cr_assert_eq(mr_vector_is_null(&got, 0), mr_vector_is_null(&expected, 0));
            if (mr_vector_is_null(&expected, 0))
                continue;
            if (got.lane == MR_LANE_STRING)
                cr_assert(mr_string_equals(got.strings[0], expected.strings[0]));
            else
                cr_assert_eq(memcmp(got.values, expected.values, size), 0, "cut %u", cut);
        }
    return expected;
}

static void put_i64(fixture *f, const int64_t *values, uint32_t count)
{
    for (uint32_t i = 0; i < count; i++) {
        if (f->column.lane == MR_LANE_I32)
            f->column.i32[i] = (int32_t)values[i];
        else if (f->column.lane == MR_LANE_I128)
            f->column.i128[i] = values[i];
        else
            f->column.i64[i] = values[i];
    }
    f->rows = count;
}

Test(aggregate, without_a_value_all_are_null_but_count)
{
    static const mr_aggregate_kind kinds[] = {MR_AGGREGATE_COUNT, MR_AGGREGATE_SUM,
                                              MR_AGGREGATE_MIN, MR_AGGREGATE_MAX, MR_AGGREGATE_AVG};
    mr_type bigint = mr_type_of(MR_TYPE_BIGINT);
    for (size_t k = 0; k < 5; k++) {
        fixture f = fixture_of(kinds[k], bigint, bigint);
        put_i64(&f, (int64_t[]){1, 2}, 2);
        mr_vector_set_null(&f.column, 0, ROWS_MAX, &f.arena);
        mr_vector_set_null(&f.column, 1, ROWS_MAX, &f.arena);
        uint32_t errors;
        mr_vector result = run(&f, &errors);
        cr_assert_eq(errors, 0);
        cr_assert_eq(mr_vector_is_null(&result, 0), kinds[k] != MR_AGGREGATE_COUNT);
        if (kinds[k] == MR_AGGREGATE_COUNT)
            cr_assert_eq(result.i64[0], 0);
        release(&f);
    }
}

Test(aggregate, a_sum_out_of_range_fails_its_row_and_one_that_comes_back_does_not)
{
    mr_type integer = mr_type_of(MR_TYPE_INT), bigint = mr_type_of(MR_TYPE_BIGINT);
    uint32_t errors;
    fixture f = fixture_of(MR_AGGREGATE_SUM, integer, integer);
    put_i64(&f, (int64_t[]){INT32_MAX, 1}, 2);
    mr_vector result = run(&f, &errors);
    cr_assert_eq(errors, 1);
    cr_assert(mr_vector_is_null(&result, 0));
    put_i64(&f, (int64_t[]){INT32_MAX, 1, -1}, 3);
    result = run(&f, &errors);
    cr_assert_eq(errors, 0);
    cr_assert_eq(result.i32[0], INT32_MAX);
    release(&f);
    f = fixture_of(MR_AGGREGATE_SUM, bigint, bigint);
    put_i64(&f, (int64_t[]){INT64_MIN, -1}, 2);
    run(&f, &errors);
    cr_assert_eq(errors, 1);
    put_i64(&f, (int64_t[]){INT64_MAX, INT64_MAX, INT64_MIN, INT64_MIN, 2}, 5);
    result = run(&f, &errors);
    cr_assert_eq(errors, 0);
    cr_assert_eq(result.i64[0], 0);
    release(&f);
}

Test(aggregate, avg_of_integers_truncates_towards_zero)
{
    mr_type integer = mr_type_of(MR_TYPE_INT);
    fixture f = fixture_of(MR_AGGREGATE_AVG, integer, integer);
    uint32_t errors;
    put_i64(&f, (int64_t[]){1, 2, 2}, 3);
    cr_assert_eq(run(&f, &errors).i32[0], 1);
    put_i64(&f, (int64_t[]){-1, -2, -2}, 3);
    cr_assert_eq(run(&f, &errors).i32[0], -1);
    put_i64(&f, (int64_t[]){INT32_MAX, INT32_MAX, INT32_MAX}, 3);
    cr_assert_eq(run(&f, &errors).i32[0], INT32_MAX);
    cr_assert_eq(errors, 0);
    release(&f);
}

Test(aggregate, avg_of_decimals_rounds_half_up_at_six_digits)
{
    fixture f = fixture_of(MR_AGGREGATE_AVG, mr_type_decimal(10, 2), mr_type_decimal(38, 6));
    uint32_t errors;
    put_i64(&f, (int64_t[]){100, 100, 200}, 3); /* 4.00 / 3 */
    cr_assert_eq(run(&f, &errors).i128[0], 1333333);
    put_i64(&f, (int64_t[]){100, 200, 200}, 3);
    cr_assert_eq(run(&f, &errors).i128[0], 1666667);
    put_i64(&f, (int64_t[]){-100, -200, -200}, 3);
    cr_assert_eq(run(&f, &errors).i128[0], -1666667);
    release(&f);
    f = fixture_of(MR_AGGREGATE_AVG, mr_type_decimal(10, 6), mr_type_decimal(38, 6));
    put_i64(&f, (int64_t[]){1, 2}, 2); /* 0.0000015: away from zero */
    cr_assert_eq(run(&f, &errors).i128[0], 2);
    put_i64(&f, (int64_t[]){-1, -2}, 2);
    cr_assert_eq(run(&f, &errors).i128[0], -2);
    release(&f);
}

Test(aggregate, a_decimal_beyond_38_digits_is_null_and_its_mean_is_not)
{
    mr_i128 large = mr_decimal_power(38) - 1;
    mr_type type = mr_type_decimal(38, 0);
    for (int sign = -1; sign <= 1; sign += 2) {
        fixture f = fixture_of(MR_AGGREGATE_SUM, type, type);
        uint32_t errors;
        f.rows = 4;
        for (uint32_t i = 0; i < f.rows; i++)
            f.column.i128[i] = sign * large;
        mr_vector result = run(&f, &errors);
        cr_assert_eq(errors, 0);
        cr_assert(mr_vector_is_null(&result, 0));
        f.column.i128[2] = f.column.i128[3] = -sign * large;
        result = run(&f, &errors);
        cr_assert(!mr_vector_is_null(&result, 0) && result.i128[0] == 0);
        release(&f);
        f = fixture_of(MR_AGGREGATE_AVG, type, type);
        f.rows = 4;
        for (uint32_t i = 0; i < f.rows; i++)
            f.column.i128[i] = sign * large;
        result = run(&f, &errors);
        cr_assert(!mr_vector_is_null(&result, 0) && result.i128[0] == sign * large);
        f.aggregate.result_type = mr_type_decimal(38, 6); /* no room for six more digits */
        result = run(&f, &errors);
        cr_assert(mr_vector_is_null(&result, 0));
        release(&f);
    }
}

Test(aggregate, extremes_of_strings_are_by_byte_and_outlive_their_rows)
{
    static const char *const texts[] = {"b", "abcde", "abcd", "", "\xc3\xa4", "abcdf"};
    for (int is_max = 0; is_max < 2; is_max++) {
        fixture f = fixture_of(is_max ? MR_AGGREGATE_MAX : MR_AGGREGATE_MIN, mr_type_string(),
                               mr_type_string());
        char bytes[64];
        uint32_t errors, at = 0;
        for (uint32_t i = 0; i < 6; i++) {
            uint32_t length = (uint32_t)strlen(texts[i]);
            memcpy(bytes + at, texts[i], length);
            f.column.strings[i] = mr_string_of(bytes + at, length);
            at += length;
        }
        f.rows = 6;
        _Alignas(16) char accumulator[64] = {0};
        add(&f, 0, f.rows, accumulator);
        memset(bytes, 'x', sizeof bytes);
        mr_vector result = result_of(&f, accumulator, &errors);
        const char *expected = is_max ? "\xc3\xa4" : "";
        cr_assert(mr_string_equals(result.strings[0],
                                   mr_string_of(expected, (uint32_t)strlen(expected))));
        travel(&f, accumulator);
        result = result_of(&f, accumulator, &errors);
        cr_assert(mr_string_equals(result.strings[0],
                                   mr_string_of(expected, (uint32_t)strlen(expected))));
        release(&f);
    }
}

Test(aggregate, nan_is_above_everything)
{
    mr_type real = mr_type_of(MR_TYPE_DOUBLE);
    fixture f = fixture_of(MR_AGGREGATE_MAX, real, real);
    uint32_t errors;
    f.rows = 3;
    f.column.f64[0] = 1.0;
    f.column.f64[1] = (double)NAN;
    f.column.f64[2] = (double)INFINITY;
    cr_assert(isnan(run(&f, &errors).f64[0]));
    f.aggregate.kind = MR_AGGREGATE_MIN;
    cr_assert_eq(run(&f, &errors).f64[0], 1.0);
    f.column.f64[0] = f.column.f64[2] = (double)NAN;
    cr_assert(isnan(run(&f, &errors).f64[0]));
    release(&f);
}

Test(aggregate, cut_bytes_are_refused)
{
    mr_type bigint = mr_type_of(MR_TYPE_BIGINT), string = mr_type_string();
    for (int k = 0; k <= MR_AGGREGATE_AVG; k++)
        for (int is_text = 0; is_text < 2; is_text++) {
            if (is_text && k != MR_AGGREGATE_MIN && k != MR_AGGREGATE_MAX)
                continue;
            mr_type type = is_text ? string : bigint;
            fixture f = fixture_of((mr_aggregate_kind)k, type, type);
            f.rows = 1;
            if (is_text)
                f.column.strings[0] = mr_string_of("some text that is kept", 22);
            else
                f.column.i64[0] = 7;
            _Alignas(16) char accumulator[64] = {0};
            add(&f, 0, 1, accumulator);
            mr_buffer bytes = {0};
            mr_aggregate_write(&f.aggregate, accumulator, &bytes);
            for (size_t cut = 0; cut < bytes.length; cut++) {
                mr_reader from = mr_reader_of(bytes.data, cut);
                cr_assert_not(mr_aggregate_read(&f.aggregate, &from, accumulator, &f.strings));
            }
            mr_buffer_release(&bytes);
            release(&f);
        }
}
