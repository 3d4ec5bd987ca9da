/*
 * The sliding count behind 'errors.budget': of the rows that a task read from a table, or wrote to
 * it, how many died. One per table and task.
 *
 * Every dead row of the table counts, at whatever stage and whether it was read or made. Going over
 * the budget is remembered, not an error of the call: the batch under way is finished, so that what
 * was done up to there can be committed with its dead letters before the job stops.
 * All-zero is ready and has no budget. Thread: the engine's.
 */
#ifndef MR_ENGINE_RUN_DEAD_ERRORS_METER_H
#define MR_ENGINE_RUN_DEAD_ERRORS_METER_H

#include "engine/run/plan.h"

typedef struct mr_errors_meter {
    double share;         /* of dead rows that is allowed */
    uint32_t budget_rows; /* the window; 0: no budget */
    uint64_t rows, dead;  /* in the current window */
    bool is_exceeded;     /* since then nothing is counted */
} mr_errors_meter;

void mr_errors_meter_init(mr_errors_meter *meter, const mr_errors_policy *policy);

void mr_errors_meter_add(mr_errors_meter *meter, uint64_t rows, uint64_t dead);

/* MR_E_ROWS_BUDGET when too many rows of `table` died. */
mr_status mr_errors_meter_check(const mr_errors_meter *meter, const char *table, mr_error *err);

#endif
