#include "engine/run/dead/errors_meter.h"

#include "engine/run/dead/dead_letter.h"

#include <inttypes.h>

void mr_errors_meter_init(mr_errors_meter *meter, const mr_errors_policy *policy)
{
    *meter = (mr_errors_meter){.share = policy->budget_share, .budget_rows = policy->budget_rows};
}

void mr_errors_meter_add(mr_errors_meter *meter, uint64_t rows, uint64_t dead)
{
    if (meter->budget_rows == 0 || meter->is_exceeded)
        return;
    meter->rows += rows;
    meter->dead += dead;
    meter->is_exceeded = (double)meter->dead > meter->share * meter->budget_rows;
    if (meter->rows >= meter->budget_rows && !meter->is_exceeded) {
        /* Half of the old window stays, so that a burst across the edge is seen. */
        meter->rows /= 2;
        meter->dead /= 2;
    }
}

mr_status mr_errors_meter_check(const mr_errors_meter *meter, const char *table, mr_error *err)
{
    if (!meter->is_exceeded)
        return MR_OK;
    return mr_error_set(err, MR_E_ROWS_BUDGET,
                        "%" PRIu64 " of the last %" PRIu64
                        " rows of `%s` died, more than 'errors.budget' allows (%g %% of %" PRIu32
                        "); what was done so far is committed, the dead rows are where "
                        "'errors.mode' says, and a start goes on behind them",
                        meter->dead, meter->rows, table, meter->share * 100, meter->budget_rows);
}
