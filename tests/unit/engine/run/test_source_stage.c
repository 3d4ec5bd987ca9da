/*
 * Goal: every record of a fetch is accounted for, and only rows that may do so move the watermark.
 * Method: scripts of records through one stage; counts, watermark and the rows that went on.
 */
#include "tests/unit/engine/run/stage_fixture.h"

#include <criterion/criterion.h>

static void expect_counts(stage_fixture *f, uint64_t rows, uint64_t filtered, uint64_t dead)
{
    mr_source_counts counts = *mr_source_stage_counts(f->stage);
    cr_assert_eq(counts.rows, rows, "rows %lu", (unsigned long)counts.rows);
    cr_assert_eq(counts.filtered, filtered, "filtered %lu", (unsigned long)counts.filtered);
    cr_assert_eq(counts.dead, dead, "dead %lu", (unsigned long)counts.dead);
    cr_assert_eq(counts.records, rows + filtered + dead);
}

Test(source_stage, judges_each_row_by_the_rows_before_it)
{
    stage_fixture f;
    stage_init(&f);
    stage_open(&f);
    cr_assert_eq(stage_run(&f, "5|1 3|1 9|1 -4|1"), MR_OK);
    const mr_batch *batch = &f.result.batch;
    const int64_t before[] = {MR_TIME_NONE, 5, 5, 9}, times[] = {5, 3, 9, -4};
    cr_assert_eq(batch->selected, 4);
    for (uint32_t r = 0; r < 4; r++) {
        cr_assert_eq(batch->watermark[r], before[r]);
        cr_assert_eq(batch->event_time[r], times[r]);
    }
    cr_assert_eq(f.wm.value_ms, 9);
    expect_counts(&f, 4, 0, 0);
    stage_close(&f);
}

Test(source_stage, rows_that_a_constraint_removes_still_move_the_watermark)
{
    static const char *const violations[] = {"1|1 50|7", "1|1 50|8", "1|1 50|9"};
    for (size_t i = 0; i < 3; i++) {
        stage_fixture f;
        stage_init(&f);
        stage_open(&f);
        cr_assert_eq(stage_run(&f, violations[i]), MR_OK);
        cr_assert_eq(f.wm.value_ms, 50);
        expect_counts(&f, 1, i == 2 ? 1 : 0, i == 2 ? 0 : 1);
        stage_close(&f);
    }
}

Test(source_stage, rows_that_cannot_be_read_do_not_move_the_watermark)
{
    static const char *const scripts[] = {"1|1 broken", "1|1 50|13", "1|1 skipped"};
    for (size_t i = 0; i < 3; i++) {
        stage_fixture f;
        stage_init(&f);
        stage_open(&f);
        cr_assert_eq(stage_run(&f, scripts[i]), MR_OK);
        cr_assert_eq(f.wm.value_ms, 1);
        expect_counts(&f, 1, i == 2 ? 1 : 0, i == 2 ? 0 : 1);
        stage_close(&f);
    }
}

Test(source_stage, a_row_from_the_future_is_admitted_without_moving_the_watermark)
{
    stage_fixture f;
    stage_init(&f);
    f.source.guard.skew_max_ms = 10;
    stage_open(&f);
    cr_assert_eq(stage_run(&f, "5|1@5 15|1@5 16|1@5 99|1"), MR_OK);
    const int64_t before[] = {MR_TIME_NONE, 5, 15, 15};
    cr_assert_eq(f.result.batch.selected, 4);
    for (uint32_t r = 0; r < 4; r++)
        cr_assert_eq(f.result.batch.watermark[r], before[r], "row %u", r);
    cr_assert_eq(f.wm.value_ms, 99); /* without a timestamp there is nothing to judge by */
    cr_assert_eq(mr_source_stage_counts(f.stage)->guarded, 1);
    stage_close(&f);
}

Test(source_stage, a_row_from_the_future_dies_where_the_table_says_so)
{
    stage_fixture f;
    stage_init(&f);
    f.source.guard.skew_max_ms = 10;
    f.source.guard_is_dead_letter = true;
    stage_open(&f);
    cr_assert_eq(stage_run(&f, "5|1@5 16|1@5"), MR_OK);
    cr_assert_eq(f.wm.value_ms, 5);
    expect_counts(&f, 1, 0, 1);
    stage_close(&f);
}

Test(source_stage, all_ways_to_die_fit_into_one_fetch)
{
    stage_fixture f;
    stage_init(&f);
    f.source.guard.skew_max_ms = 10;
    f.source.guard_is_dead_letter = true;
    stage_open(&f);
    cr_assert_eq(stage_run(&f, "broken 1|13 99|1@1 1|7 1|8 1|9 2|1 skipped"), MR_OK);
    cr_assert_eq(f.result.dead_lists_count, 5);
    expect_counts(&f, 1, 2, 5);
    cr_assert_eq(f.wm.value_ms, 2);
    stage_close(&f);
}

Test(source_stage, a_constraint_that_says_fail_stops_with_the_place)
{
    stage_fixture f;
    stage_init(&f);
    f.constraints[0].on_violation = MR_VIOLATION_FAIL;
    stage_open(&f);
    cr_assert_eq(stage_run(&f, "1|1 1|7"), MR_E_ROWS_FAIL);
    cr_assert_not_null(strstr(f.err.message, "orders[2]@101"));
    stage_close(&f);
}

Test(source_stage, a_row_that_a_constraint_warns_of_goes_on_and_is_counted)
{
    stage_fixture f;
    stage_init(&f);
    f.constraints[0].on_violation = MR_VIOLATION_WARN;
    f.constraints[1].on_violation = MR_VIOLATION_WARN;
    stage_open(&f);
    cr_assert_eq(stage_run(&f, "1|1 1|7 1|8 1|9 1|7"), MR_OK);
    cr_expect_eq(f.result.dead_lists_count, 0);
    expect_counts(&f, 4, 1, 0);
    cr_expect_eq(mr_source_stage_counts(f.stage)->warned, 3);
    cr_expect_str_eq(f.log, "row kept code=MR3003 at=orders[2]@101 table=orders "
                            "reason=\"violates constraint `allowed`\" more=0\n");
    stage_close(&f);
}

Test(source_stage, cuts_do_not_matter)
{
    static const char *const rows[] = {"5|1", "broken", "3|7", "9|13", "8|1", "2|9", "4|1"};
    int64_t whole[3];
    for (uint32_t cut = 0; cut < 7; cut++) {
        stage_fixture f;
        int64_t before[3];
        uint32_t seen = 0;
        stage_init(&f);
        stage_open(&f);
        for (uint32_t from = 0; from < 7;) {
            char script[128] = "";
            uint32_t to = from < cut ? cut : 7;
            for (; from < to; from++) {
                strcat(script, rows[from]);
                strcat(script, " ");
            }
            cr_assert_eq(stage_run(&f, script), MR_OK);
            for (uint32_t i = 0; i < f.result.batch.selected; i++) {
                uint32_t row = mr_batch_row(&f.result.batch, i);
                before[seen++] = f.result.batch.watermark[row];
            }
        }
        cr_assert_eq(seen, 3);
        if (cut == 0)
            memcpy(whole, before, sizeof whole);
        cr_assert_eq(memcmp(whole, before, sizeof whole), 0, "cut %u", cut);
        cr_assert_eq(f.wm.value_ms, 8);
        stage_close(&f);
    }
}
