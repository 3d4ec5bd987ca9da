/*
 * Goal: the budget says stop when too many of the last rows died, early in a run too, and never for
 * a share that is allowed. Method: rows and deaths in the order in which they happen.
 */
#include "engine/run/dead/errors_meter.h"

#include "engine/run/dead/dead_letter.h"

#include <criterion/criterion.h>
#include <string.h>

static mr_errors_meter meter_of(double share, uint32_t rows)
{
    mr_errors_policy policy = {.budget_share = share, .budget_rows = rows};
    mr_errors_meter meter;
    mr_errors_meter_init(&meter, &policy);
    return meter;
}

static mr_status verdict(const mr_errors_meter *meter)
{
    mr_error err;
    mr_status status = mr_errors_meter_check(meter, "orders", &err);
    if (status != MR_OK)
        cr_assert_not_null(strstr(err.message, "`orders`"));
    return status;
}

Test(errors_meter, allows_its_share_and_not_a_row_more)
{
    mr_errors_meter meter = meter_of(0.3, 10);
    mr_errors_meter_add(&meter, 5, 3);
    cr_expect_eq(verdict(&meter), MR_OK);
    mr_errors_meter_add(&meter, 0, 1); /* made rows are no records */
    cr_expect_eq(verdict(&meter), MR_E_ROWS_BUDGET);
}

Test(errors_meter, forgets_what_is_long_ago)
{
    mr_errors_meter meter = meter_of(0.3, 10);
    for (int i = 0; i < 1000; i++) {
        mr_errors_meter_add(&meter, 10, 1);
        cr_assert_eq(verdict(&meter), MR_OK, "in window %d", i);
    }
    mr_errors_meter_add(&meter, 4, 4);
    cr_expect_eq(verdict(&meter), MR_E_ROWS_BUDGET);
}

Test(errors_meter, sees_a_burst_across_the_edge_of_two_windows)
{
    mr_errors_meter meter = meter_of(0.3, 10);
    mr_errors_meter_add(&meter, 7, 0);
    mr_errors_meter_add(&meter, 3, 3); /* the window ends here */
    cr_expect_eq(verdict(&meter), MR_OK);
    mr_errors_meter_add(&meter, 3, 3);
    cr_expect_eq(verdict(&meter), MR_E_ROWS_BUDGET);
}

Test(errors_meter, keeps_its_verdict_through_good_rows)
{
    mr_errors_meter meter = meter_of(0, 10);
    mr_errors_meter_add(&meter, 1, 1);
    mr_errors_meter_add(&meter, 1000, 0);
    cr_expect_eq(verdict(&meter), MR_E_ROWS_BUDGET);
}

Test(errors_meter, without_a_budget_allows_all)
{
    mr_errors_meter meter = meter_of(0, 0);
    mr_errors_meter_add(&meter, 1000, 1000);
    cr_expect_eq(verdict(&meter), MR_OK);
}
