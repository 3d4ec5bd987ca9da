/*
 * Goal: narrowing, gathering and failing rows keep values, NULLs and hidden columns where they
 * belong. Method: small batches with every hidden column; lists of errors against what they stand
 * for.
 */
#include "engine/batch/batch.h"

#include "engine/base/assert.h"
#include "engine/batch/row_error.h"

#include <criterion/criterion.h>

#define ROWS 130u

Test(batch, compacting_keeps_values_nulls_and_hidden_columns)
{
    mr_arena arena = {0};
    mr_batch batch = mr_batch_new(2, ROWS, &arena);
    batch.columns[0] = mr_vector_new(mr_type_of(MR_TYPE_BIGINT), ROWS, &arena);
    batch.columns[1] = mr_vector_new(mr_type_decimal(38, 0), ROWS, &arena);
    batch.event_time = mr_arena_alloc(&arena, ROWS * sizeof(int64_t));
    batch.watermark = mr_arena_alloc(&arena, ROWS * sizeof(int64_t));
    batch.kind = mr_arena_alloc(&arena, ROWS);
    batch.record = mr_arena_alloc(&arena, ROWS * sizeof(uint32_t));
    uint32_t selection[ROWS], selected = 0;
    for (uint32_t r = 0; r < ROWS; r++) {
        batch.columns[0].i64[r] = r;
        batch.columns[1].i128[r] = -(mr_i128)r;
        batch.event_time[r] = r * 10;
        batch.watermark[r] = r * 100;
        batch.kind[r] = (uint8_t)(r % 4);
        batch.record[r] = r + 7;
        if (r % 5 == 0)
            mr_vector_set_null(&batch.columns[0], r, ROWS, &arena);
        if (r % 3 == 0)
            selection[selected++] = r;
    }
    mr_batch narrowed = mr_batch_select(&batch, selection, selected);
    mr_batch compact = mr_batch_compact(&narrowed, &arena);
    cr_assert(compact.rows == selected && compact.selected == selected);
    cr_assert_null(compact.selection);
    for (uint32_t i = 0; i < selected; i++) {
        uint32_t r = selection[i];
        cr_assert_eq(mr_batch_row(&narrowed, i), r);
        cr_assert_eq(mr_vector_is_null(&compact.columns[0], i), r % 5 == 0);
        cr_assert(r % 5 == 0 || compact.columns[0].i64[i] == r);
        cr_assert(compact.columns[1].i128[i] == -(mr_i128)r);
        cr_assert(compact.event_time[i] == r * 10 && compact.watermark[i] == r * 100);
        cr_assert(compact.kind[i] == r % 4 && compact.record[i] == r + 7);
    }
    mr_arena_release(&arena);
}

Test(batch, rows_repeated_in_runs_are_the_same_gathered_one_by_one)
{
    static const mr_type_kind kinds[] = {MR_TYPE_BIGINT, MR_TYPE_DOUBLE, MR_TYPE_INT,
                                         MR_TYPE_BOOLEAN};
    mr_arena arena = {0};
    mr_vector_run runs[ROWS];
    uint32_t rows[ROWS * 12], count = 0;
    for (uint32_t r = 0; r < ROWS; r++) {
        uint32_t row = r * 7 % ROWS;
        for (uint32_t i = 0; i <= r % 11; i++)
            rows[count++] = row;
        runs[r] = (mr_vector_run){.row = row, .end = count};
    }
    for (uint32_t k = 0; k < 2 * MR_LENGTH(kinds); k++) {
        mr_vector v = mr_vector_new(mr_type_of(kinds[k / 2]), ROWS, &arena);
        size_t size = mr_lane_size(v.lane);
        for (uint32_t r = 0; r < ROWS; r++)
            memset((char *)v.values + r * size, (int)(r % 2), size);
        for (uint32_t r = 0; k % 2 == 1 && r < ROWS; r += 3)
            mr_vector_set_null(&v, r, ROWS, &arena);
        mr_vector repeated = mr_vector_repeat(&v, runs, ROWS, &arena);
        mr_vector gathered = mr_vector_gather(&v, rows, count, &arena);
        cr_assert_arr_eq(repeated.values, gathered.values, count * size);
        for (uint32_t i = 0; i < count; i++)
            cr_assert_eq(mr_vector_is_null(&repeated, i), mr_vector_is_null(&gathered, i));
    }
    cr_assert_null(mr_vector_repeat(&(mr_vector){.lane = MR_LANE_I64}, runs, 0, &arena).valid);
    mr_arena_release(&arena);
}

Test(batch, strings_made_own_outlive_their_bytes)
{
    mr_arena arena = {0};
    char bytes[] = "one two three four five";
    mr_vector v = mr_vector_new(mr_type_string(), 3, &arena);
    v.strings[0] = mr_string_of(bytes, 3);
    v.strings[1] = mr_string_of(bytes + 4, 19);
    mr_vector_set_null(&v, 2, 3, &arena);
    mr_vector_own_strings(&v, 3, &arena);
    memset(bytes, 'x', sizeof bytes);
    cr_assert(mr_string_equals(v.strings[0], mr_string_of("one", 3)));
    cr_assert(mr_string_equals(v.strings[1], mr_string_of("two three four five", 19)));
    cr_assert(mr_vector_is_null(&v, 2));
    mr_arena_release(&arena);
}

Test(batch, strings_are_ordered_by_bytes)
{
    static const char *const sorted[] = {"",      "a",   "aa", "aaaa",    "aaaaa",
                                         "aaaab", "aab", "b",  "\xc3\xa4"};
    for (size_t i = 0; i < 9; i++)
        for (size_t j = 0; j < 9; j++) {
            mr_string a = mr_string_of(sorted[i], (uint32_t)strlen(sorted[i]));
            mr_string b = mr_string_of(sorted[j], (uint32_t)strlen(sorted[j]));
            int order = mr_string_compare(a, b);
            cr_assert_eq((order > 0) - (order < 0), (i > j) - (i < j), "%zu %zu", i, j);
            cr_assert_eq(mr_string_equals(a, b), i == j);
        }
    /* A NUL byte is a byte, not padding. */
    mr_string nul = mr_string_of("a\0", 2), plain = mr_string_of("a", 1);
    cr_assert_not(mr_string_equals(nul, plain));
    cr_assert_gt(mr_string_compare(nul, plain), 0);
}

Test(row_error, the_first_error_of_a_row_counts_and_rows_rise)
{
    mr_arena arena = {0};
    mr_row_errors errors = {.arena = &arena};
    static const uint32_t rows[] = {7, 3, 7, 100, 3, 0};
    for (int i = 0; i < 6; i++)
        mr_row_errors_add(&errors, rows[i], 3000 + i, "error %d", i);
    mr_row_errors_settle(&errors);
    cr_assert_eq(errors.count, 4);
    static const uint32_t settled[] = {0, 3, 7, 100};
    static const mr_status codes[] = {3005, 3001, 3000, 3003};
    for (uint32_t i = 0; i < 4; i++) {
        cr_assert_eq(errors.error[i].row, settled[i]);
        cr_assert_eq(errors.error[i].code, codes[i]);
    }
    uint32_t selection[] = {0, 2, 3, 5, 100, 101};
    cr_assert_eq(mr_row_errors_exclude(&errors, selection, 6, selection), 3);
    cr_assert(selection[0] == 2 && selection[1] == 5 && selection[2] == 101);
    uint32_t all[8];
    cr_assert_eq(mr_row_errors_exclude(&errors, NULL, 8, all), 5);
    cr_assert(all[0] == 1 && all[4] == 6);
    mr_arena_release(&arena);
}
