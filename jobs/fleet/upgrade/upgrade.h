/*
 * Upgrade: the state of a stopped job becomes that of another plan.
 *
 *   state logs of the old plan -> each task as of its last epoch -> what is kept, under the new
 *   plan's tables -> one transaction: a base of each task, its epoch record, the group's offsets
 *
 * The record is the next epoch of the same log, of the new plan; it holds how far every table was
 * read that the new plan reads too. A table that is new is read from where its start mode says.
 * Counters begin anew. Before the transaction is committed nothing has changed, behind it the old
 * plan is refused (MR_E_STATE_PLAN); whatever dies in between, the same call finds out which it is.
 *
 * A task that the new plan has not is retired in the same transaction: its log ends with an epoch
 * that is no plan's (engine/history/surplus.h).
 *
 * Where both run in one stage with as many tasks, each task's state stays with it. Else the job
 * *settles* first: a life of the old plan that reads no table takes what is on its way between
 * stages, until all tasks stand at one moment with nothing begun. Then entries are shared out by
 * their key (carry.c), and tasks begin where those before them stood (standing.c).
 *
 *   look (is_ahead) -> settle -> look -> run
 *
 * Thread: one; blocks. Errors: those of log, recovery, worker and transplant; MR_E_UPGRADE_*.
 */
#ifndef MR_JOBS_FLEET_UPGRADE_UPGRADE_H
#define MR_JOBS_FLEET_UPGRADE_UPGRADE_H

#include "engine/history/transplant.h"
#include "jobs/plan/difference.h"

enum {
    MR_E_UPGRADE_LOSS = 4065,      /* operators would lose what they hold */
    MR_E_UPGRADE_NEVER = 4066,     /* state of this job cannot become that of such a plan */
    MR_E_UPGRADE_UNSETTLED = 4067, /* its tasks do not stand at one moment, for the time being */
};

/* What an operator, or a table, of `difference->changes` holds. */
typedef struct mr_upgrade_fact {
    uint64_t entries, bytes;
} mr_upgrade_fact;

typedef struct mr_upgrade {
    const mr_difference *difference;
    const mr_moments *moments; /* of the old plan */
    const char *transactional_id;
    bool is_ahead; /* the job may be at work: it is looked at, and cannot be run */
    /* The upgrade's own. */
    bool has_never_run; /* there is no state to be carried over */
    bool is_done;       /* the logs are of the new plan already */
    mr_upgrade_fact *facts;
    mr_arena arena;
    mr_task_io io;
    uint32_t partitions; /* of the state topic */
    mr_moment *last;     /* [tasks of the wider plan] */
    mr_task **was;       /* [tasks of the old plan] */
    mr_recovered *recovered;
    mr_task **will; /* [tasks of the new plan], as what follows */
    mr_epoch_record *records;
    mr_transplant_task *transplants; /* [tasks of the wider plan] */
    int64_t **fired; /* [changes] the last window that any task fired; NULL: none (carry.c) */
} mr_upgrade;

/* Looks at everything and changes nothing. Of an all-zero upgrade with the first fields set.
 * Release it either way. */
MR_MUST_USE mr_status mr_upgrade_look(mr_upgrade *upgrade, mr_error *err);

/* MR_E_UPGRADE_LOSS with the facts, when the difference loses state that is there. */
MR_MUST_USE mr_status mr_upgrade_check_loss(const mr_upgrade *upgrade, mr_error *err);

/* Whether the job has to settle between two looks. */
bool mr_upgrade_must_settle(const mr_upgrade *upgrade);

/* The life of the old plan that reads no table. It may die like any other. */
MR_MUST_USE mr_status mr_upgrade_settle(const mr_upgrade *upgrade, mr_error *err);

/* Carries over. Nothing to do where there is no state, or it is done. The group must have no
 * members: MR_E_TRANSPLANT. */
MR_MUST_USE mr_status mr_upgrade_run(const mr_upgrade *upgrade, mr_error *err);

void mr_upgrade_release(mr_upgrade *upgrade);

#endif
