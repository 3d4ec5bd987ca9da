/* Goal: an epoch ends when it is old or holds too much, at half of that after each timeout abort,
 * and at the whole again after a quiet time. Method: by hand, at the limits. */
#include "engine/commit/cut.h"

#include <criterion/criterion.h>

static const mr_cut fresh = {.age_us = 1000, .dirty_bytes = 4000, .staged_bytes = 800};

Test(cut, is_due_when_the_interval_has_passed)
{
    cr_expect_not(mr_cut_is_due(&fresh, 999));
    cr_expect(mr_cut_is_due(&fresh, 1000));
    cr_expect_eq(mr_cut_left_us(&fresh, 400), 600);
    cr_expect_eq(mr_cut_left_us(&fresh, 5000), 0);
}

Test(cut, is_full_when_either_limit_is_passed)
{
    cr_expect_not(mr_cut_is_full(&fresh, 4000, 800));
    cr_expect(mr_cut_is_full(&fresh, 4001, 0));
    cr_expect(mr_cut_is_full(&fresh, 0, 801));
}

Test(cut, halves_every_limit_after_a_timeout_abort)
{
    mr_cut cut = fresh;
    mr_cut_on_timeout_abort(&cut);
    cr_expect(mr_cut_is_due(&cut, 500));
    cr_expect_not(mr_cut_is_due(&cut, 499));
    cr_expect(mr_cut_is_full(&cut, 2001, 0));
    cr_expect(mr_cut_is_full(&cut, 0, 401));
    cr_expect_not(mr_cut_is_full(&cut, 2000, 400));
    mr_cut_on_timeout_abort(&cut);
    cr_expect(mr_cut_is_full(&cut, 1001, 0));
    for (int i = 0; i < 100; i++)
        mr_cut_on_timeout_abort(&cut);
    cr_expect_eq(cut.halvings, MR_CUT_HALVINGS_MAX);
}

Test(cut, takes_one_halving_back_after_a_quiet_run_of_commits)
{
    mr_cut cut = fresh;
    mr_cut_on_timeout_abort(&cut);
    mr_cut_on_timeout_abort(&cut);
    for (uint32_t i = 1; i < MR_CUT_QUIET_COMMITS; i++)
        mr_cut_on_commit(&cut);
    cr_expect_eq(cut.halvings, 2);
    mr_cut_on_commit(&cut);
    cr_expect_eq(cut.halvings, 1);
    for (uint32_t i = 1; i < MR_CUT_QUIET_COMMITS; i++)
        mr_cut_on_commit(&cut);
    mr_cut_on_timeout_abort(&cut); /* not quiet after all */
    cr_expect_eq(cut.halvings, 2);
    for (uint32_t i = 0; i < 3 * MR_CUT_QUIET_COMMITS; i++)
        mr_cut_on_commit(&cut);
    cr_expect_eq(cut.halvings, 0);
}

Test(cut, lets_a_drained_epoch_end_at_a_quarter_of_the_interval)
{
    mr_cut cut = {.age_us = 1000000};
    cr_expect_eq(mr_cut_drained_left_us(&cut, 200000), 50000);
    cr_expect_eq(mr_cut_drained_left_us(&cut, 250000), 0);
    mr_cut_on_timeout_abort(&cut);
    cr_expect_eq(mr_cut_drained_left_us(&cut, 0), 125000);
}

Test(cut, lets_no_drained_epoch_end_before_25_ms_nor_behind_the_interval)
{
    mr_cut quick = {.age_us = 40000}, quicker = {.age_us = 10000};
    cr_expect_eq(mr_cut_drained_left_us(&quick, 0), 25000);
    cr_expect_eq(mr_cut_drained_left_us(&quicker, 0), 10000);
}
