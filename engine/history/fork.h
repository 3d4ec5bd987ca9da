/*
 * Forks: a new job begins with what tasks of another one were at a moment.
 *
 *   make <new>.fork -> make exchanges, <new>.state -> one transaction (transplant.h) -> remove
 *   <new>.fork
 *
 * The first topic, which is always empty, says that a fork was begun: until it is gone no worker
 * starts the job (MR_E_STATE_PARTIAL), for it would take the empty state topic for that of a new
 * job, and begin at the beginning. A fork that was broken off is asked for again: what is there
 * already stays, the transaction too.
 * Thread: one; blocks.
 */
#ifndef MR_ENGINE_HISTORY_FORK_H
#define MR_ENGINE_HISTORY_FORK_H

#include "engine/history/transplant.h"

/* `t->plan` has the new job's name. MR_E_TRANSPLANT: there is such a job already. */
MR_MUST_USE mr_status mr_fork_run(const mr_transplant *t, mr_error *err);

#endif
