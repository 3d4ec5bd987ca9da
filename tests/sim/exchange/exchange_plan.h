/*
 * The plans of sim_exchange, built by hand from a job.
 *
 *   stage 1: in -> [window_partial] -> raw rows, partials      (exchange sinks: the tasks' own)
 *   stage 2: raw rows, partials -> window aggregate or deduplication -> results, late rows
 */
#ifndef MR_TESTS_SIM_EXCHANGE_EXCHANGE_PLAN_H
#define MR_TESTS_SIM_EXCHANGE_EXCHANGE_PLAN_H

#include "engine/base/assert.h"
#include "tests/sim/exchange/exchange_case.h"
#include "tests/sim/window_plan.h"

typedef struct mr_exchange_plan {
    mr_arena arena;
    mr_window_plan first, second; /* what both stages have of a single one */
    mr_plan_node partial;
    mr_plan_sink sinks[2]; /* of stage 1: raw rows, partials */
    mr_plan_source behind;
    mr_origin inputs[2]; /* of stage 2's node */
    mr_field fields[MR_SIM_COLUMNS];
    mr_exchange_relation relations[2];
    mr_exchange exchange;
    mr_aggregate aggregates[MR_LENGTH(((mr_window_plan *)0)->aggregates)];
} mr_exchange_plan;

void mr_exchange_plan_init(mr_exchange_plan *p, const mr_exchange_case *c);
void mr_exchange_plan_release(mr_exchange_plan *p);

/* Takes the fields of the DISTINCT aggregates out of the oracle's line of a result: a job that
 * aggregates before the exchange has none. */
void mr_exchange_plan_narrow(const mr_oracle_job *job, char *line);

#endif
