/*
 * Transplants: the state of tasks as of one moment becomes the last word of a state log.
 *
 *   rewind   a delta that drops every slice there is now and puts the entries of then, behind the
 *            task's last epoch: the next one; whoever has applied all before it comes to the same
 *   fork     a base, and its epoch record as the first record of a new job's state log
 *   upgrade  a base of another plan, behind the task's last epoch: the next one; who has applied
 *            what came before it begins anew there (engine/commit/log_scan.h). A task that the new
 *            plan has not is retired: an epoch of MR_PLAN_RETIRED, of which the group notes where
 *            it lies, as epoch 0 (surplus.h)
 *
 * The log of a job that is there gets a claim first: whoever dies in the middle is knocked at.
 * What was in flight between stages then is sent again (crossing.h). All tasks in one transaction,
 * with the offsets of the group: it is joined for that, and must be ours alone, so that no worker
 * can be at work on what is replaced; what one that is out of it has left open is ended. The deltas
 * are in memory as a whole, and must be through within the transaction's timeout.
 * Thread: one; blocks. Errors: those of the log; MR_E_TRANSPLANT.
 */
#ifndef MR_ENGINE_HISTORY_TRANSPLANT_H
#define MR_ENGINE_HISTORY_TRANSPLANT_H

#include "engine/exchange/spool.h"
#include "engine/history/moment.h"
#include "engine/history/quiet.h"

/* Who upgrades writes as "<job>-upgrade". */
#define MR_UPGRADE_INSTANCE "upgrade"

typedef struct mr_transplant_task {
    mr_task *task;                  /* as of then */
    const mr_epoch_record *record;  /* of then */
    mr_state *replaced;             /* rewind: of now */
    const mr_moment *last;          /* rewind, upgrade: the last epoch of now. Fork: NULL */
    const mr_epoch_record *present; /* upgrade: the record of now, of the old plan */
} mr_transplant_task;

typedef struct mr_transplant {
    const mr_plan *plan; /* of the job that is written */
    mr_log *log;
    const mr_clock *clock;
    const mr_logger *logger;
    const char *state_topic;
    const char *transactional_id;
    const mr_transplant_task *tasks; /* [plan->tasks_count + retired_count] */
    uint32_t retired_count;          /* upgrade: tasks of before; of theirs only `last` and
                                        `present` are looked at */
    bool has_grown;                  /* upgrade: the state topic has got partitions of late */
    mr_spool *flight; /* what is in flight between them (flight.h); NULL: nothing is */
} mr_transplant;

MR_MUST_USE mr_status mr_transplant_run(const mr_transplant *transplant, mr_error *err);

#endif
