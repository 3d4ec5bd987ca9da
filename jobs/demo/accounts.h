/*
 * Accounts: no row vanishes. What each operator says must add up, and what lies in Kafka must be
 * what was told.
 *
 *   told = departures in the results + late flights + dead letters
 */
#ifndef MR_JOBS_DEMO_ACCOUNTS_H
#define MR_JOBS_DEMO_ACCOUNTS_H

#include "jobs/demo/screen.h"

/* Shows them all; false: something does not add up, which was shown too. `told`: flights played.
 * The worker has ended and still holds its tasks. */
bool mr_demo_accounts_show(mr_demo_screen *screen, const mr_worker *worker, const mr_plan *plan,
                           const mr_demo_outputs *outputs, uint64_t told);

#endif
