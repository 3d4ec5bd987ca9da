/*
 * Surplus: partitions of a state topic that are nobody's task.
 *
 * An upgrade to more tasks gives the topic more partitions before it commits (docs/decisions/0023).
 * Where it never came to that, the old plan goes on, and what lies there are the claims of who
 * tried, which are no plan's (version 0), or nothing at all. One to fewer tasks retires those that
 * are left over: their last epoch is of MR_PLAN_RETIRED, with nothing but such claims behind it.
 * Anything else there is state of a job with other numbers of tasks.
 * Thread: one; blocks. Errors: those of the log; MR_E_STATE_TASKS.
 */
#ifndef MR_ENGINE_HISTORY_SURPLUS_H
#define MR_ENGINE_HISTORY_SURPLUS_H

#include "engine/history/history.h"
#include "engine/run/plan.h"

/* MR_E_STATE_TASKS: `history->task`, which is no task of the plan, is or may be one of another.
 * `is_ours`: an empty one is known to be nobody's. */
MR_MUST_USE mr_status mr_surplus_check(const mr_history *history, const mr_plan *plan, bool is_ours,
                                       mr_error *err);

#endif
