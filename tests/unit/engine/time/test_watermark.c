/*
 * Goal: what a row is judged by depends on the rows before it, never on where batches are cut.
 * Method: an oracle takes one row at a time over several inputs, some idle; each history is cut at
 * every position and must give the oracle's watermark before each row.
 */
#include "engine/time/watermark.h"

#include <criterion/criterion.h>
#include <stdlib.h>

#define INPUTS 3u
#define ROWS 12u

typedef struct history {
    bool is_idle[INPUTS];
    int64_t start_ms[INPUTS];
    int64_t candidate_ms[ROWS];
    uint8_t is_barred[ROWS];
    int64_t expected_ms[ROWS]; /* task-wide, before each row of input 0 */
    int64_t final_ms;          /* of input 0 */
} history;

static void make_history(history *h, unsigned *seed)
{
    for (uint32_t i = 0; i < INPUTS; i++) {
        h->is_idle[i] = i > 0 && rand_r(seed) % 3 == 0;
        h->start_ms[i] = rand_r(seed) % 4 == 0 ? MR_TIME_NONE : rand_r(seed) % 30;
    }
    for (uint32_t row = 0; row < ROWS; row++) {
        h->candidate_ms[row] = rand_r(seed) % 5 == 0 ? MR_TIME_NONE : rand_r(seed) % 40 - 5;
        h->is_barred[row] = rand_r(seed) % 6 == 0;
    }
}

/* One row at a time, all inputs asked anew. */
static void play_oracle(history *h)
{
    int64_t own = h->start_ms[0];
    for (uint32_t row = 0; row < ROWS; row++) {
        h->expected_ms[row] = own;
        for (uint32_t i = 1; i < INPUTS; i++)
            if (!h->is_idle[i] && h->start_ms[i] < h->expected_ms[row])
                h->expected_ms[row] = h->start_ms[i];
        if (!h->is_barred[row] && h->candidate_ms[row] > own)
            own = h->candidate_ms[row];
    }
    h->final_ms = own;
}

static void expect_cut(const history *h, uint32_t cut, int64_t others_ms)
{
    mr_watermark wm = {.value_ms = h->start_ms[0]};
    int64_t before[ROWS];
    mr_watermark_advance(&wm, h->candidate_ms, h->is_barred, cut, others_ms, before);
    mr_watermark_advance(&wm, h->candidate_ms + cut, h->is_barred + cut, ROWS - cut, others_ms,
                         before + cut);
    for (uint32_t row = 0; row < ROWS; row++)
        cr_assert_eq(before[row], h->expected_ms[row], "cut %u row %u", cut, row);
    cr_assert_eq(wm.value_ms, h->final_ms);
}

Test(watermark, rows_are_judged_alike_wherever_the_batch_is_cut)
{
    unsigned seed = 3;
    for (int round = 0; round < 20000; round++) {
        history h;
        make_history(&h, &seed);
        play_oracle(&h);
        mr_watermark inputs[INPUTS];
        bool has_others = false;
        for (uint32_t i = 0; i < INPUTS; i++) {
            inputs[i] = (mr_watermark){.value_ms = h.start_ms[i], .is_idle = h.is_idle[i]};
            has_others = has_others || (i > 0 && !h.is_idle[i]);
        }
        int64_t others =
            has_others ? mr_watermark_minimum(inputs, INPUTS, 0, MR_TIME_NONE) : MR_TIME_MAX;
        for (uint32_t cut = 0; cut <= ROWS; cut++)
            expect_cut(&h, cut, others);
    }
}

Test(watermark, a_row_does_not_judge_itself)
{
    mr_watermark wm = {.value_ms = 5};
    int64_t candidates[] = {9, 3, 20}, before[3];
    mr_watermark_advance(&wm, candidates, NULL, 3, MR_TIME_MAX, before);
    cr_assert_eq(before[0], 5);
    cr_assert_eq(before[1], 9);
    cr_assert_eq(before[2], 9);
    cr_assert_eq(wm.value_ms, 20);
}

Test(watermark, the_minimum_never_goes_back_and_holds_when_all_are_idle)
{
    mr_watermark inputs[] = {{.value_ms = 10}, {.value_ms = 7}, {.value_ms = 3, .is_idle = true}};
    cr_assert_eq(mr_watermark_minimum(inputs, 3, UINT32_MAX, MR_TIME_NONE), 7);
    cr_assert_eq(mr_watermark_minimum(inputs, 3, UINT32_MAX, 8), 8);
    cr_assert_eq(mr_watermark_minimum(inputs, 3, 1, MR_TIME_NONE), 10);
    inputs[0].is_idle = inputs[1].is_idle = true;
    cr_assert_eq(mr_watermark_minimum(inputs, 3, UINT32_MAX, 8), 8);
    cr_assert_eq(mr_watermark_minimum(inputs, 0, UINT32_MAX, 8), 8);
    inputs[1] = (mr_watermark){.value_ms = MR_TIME_NONE};
    cr_assert_eq(mr_watermark_minimum(inputs, 3, UINT32_MAX, MR_TIME_NONE), MR_TIME_NONE);
}

Test(watermark, the_guard_bars_a_row_one_ms_over_the_skew_and_only_where_it_can_judge)
{
    mr_watermark_guard guard = {.skew_max_ms = 100};
    int64_t event[] = {1100, 1101, MR_TIME_NONE, 5000, INT64_MAX};
    int64_t reference[] = {1000, 1000, 1000, MR_TIME_NONE, INT64_MAX - 5};
    uint8_t barred[5];
    cr_assert_eq(mr_watermark_guard_rows(&guard, event, reference, 5, barred), 1);
    const uint8_t expected[] = {0, 1, 0, 0, 0};
    cr_assert_arr_eq(barred, expected, 5);
    guard.skew_max_ms = -1;
    cr_assert_eq(mr_watermark_guard_rows(&guard, event, reference, 5, barred), 0);
}

Test(watermark, an_input_that_has_ended_does_not_speak_for_an_idle_one)
{
    mr_watermark inputs[] = {{.value_ms = 5, .is_idle = true}, {.value_ms = MR_TIME_MAX}};
    cr_assert_eq(mr_watermark_minimum(inputs, 2, UINT32_MAX, 7), 7);
    inputs[0].is_idle = false;
    cr_assert_eq(mr_watermark_minimum(inputs, 2, UINT32_MAX, 3), 5);
    inputs[0].value_ms = MR_TIME_MAX;
    cr_assert_eq(mr_watermark_minimum(inputs, 2, UINT32_MAX, 3), MR_TIME_MAX);
}
