/* Goal: an input is idle only when every fact that proves it has held for the whole timeout. */
#include "engine/time/idleness.h"

#include <criterion/criterion.h>

static const mr_input_ends caught_up = {.position = 6, .start = 0, .stable_end = 6, .high_end = 6};

Test(idleness, comes_after_the_timeout_and_not_a_ms_before)
{
    mr_idleness idle;
    mr_idleness_init(&idle, 100);
    cr_assert_not(mr_idleness_observe(&idle, &caught_up, 1000));
    cr_assert_not(mr_idleness_observe(&idle, &caught_up, 1099));
    cr_assert(mr_idleness_observe(&idle, &caught_up, 1100));
    mr_idleness_on_record(&idle);
    cr_assert_not(mr_idleness_observe(&idle, &caught_up, 1200));
    cr_assert(mr_idleness_observe(&idle, &caught_up, 1300));
}

Test(idleness, each_broken_fact_starts_over)
{
    for (int broken = 0; broken < 5; broken++) {
        mr_idleness idle;
        mr_idleness_init(&idle, 100);
        mr_input_ends ends = caught_up;
        mr_idleness_observe(&idle, &caught_up, 0);
        ends.stable_end += broken == 0; /* behind the end */
        ends.high_end += broken <= 1;   /* a transaction upstream is open */
        ends.is_buffered = broken == 2;
        ends.is_paused = broken == 3;
        if (broken == 4)
            ends.position = ends.stable_end = ends.high_end = 8; /* it moved over markers */
        cr_assert_not(mr_idleness_observe(&idle, &ends, 100), "fact %d", broken);
        cr_assert_not(mr_idleness_observe(&idle, &caught_up, 150), "fact %d", broken);
        cr_assert(mr_idleness_observe(&idle, &caught_up, 250), "fact %d", broken);
    }
}

Test(idleness, an_empty_input_is_caught_up_at_its_start)
{
    mr_input_ends ends = {.position = -1001, .start = 4, .stable_end = 4, .high_end = 4};
    cr_assert(mr_input_is_caught_up(&ends));
    ends.start = -1;
    cr_assert_not(mr_input_is_caught_up(&ends));
    ends.start = 3; /* there is a record, and we have not begun */
    cr_assert_not(mr_input_is_caught_up(&ends));
}

Test(idleness, no_timeout_is_never_idle)
{
    mr_idleness idle;
    mr_idleness_init(&idle, 0);
    cr_assert_not(mr_idleness_observe(&idle, &caught_up, 0));
    cr_assert_not(mr_idleness_observe(&idle, &caught_up, INT64_MAX));
}
