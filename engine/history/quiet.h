/*
 * A quiet log: no transaction is open in a task's state log.
 *
 * Who is out of the group may still have one: it stood still with its offsets sent, and a commit is
 * all that it has to do. So whoever writes behind it makes sure first: the writer that the log
 * names last is knocked at, and whatever hangs of it is ended (engine/commit/hanging.h).
 * Thread: one; blocks.
 */
#ifndef MR_ENGINE_HISTORY_QUIET_H
#define MR_ENGINE_HISTORY_QUIET_H

#include "engine/base/logger.h"
#include "engine/history/history.h"

enum {
    MR_E_TRANSPLANT = 4064 /* the job is at work, or was since it was looked at */
};

/* MR_E_TRANSPLANT: a transaction stays open. `member` (may be NULL) is polled meanwhile. */
MR_MUST_USE mr_status mr_quiet_log(const mr_history *history, const char *job,
                                   const mr_logger *logger, mr_log_member *member, mr_error *err);

/* The same of one of several: what is waited for its end is taken from `*patience_us`. With none
 * left it has a second still, in which one that can be ended is. */
MR_MUST_USE mr_status mr_quiet_log_within(const mr_history *history, const char *job,
                                          const mr_logger *logger, mr_log_member *member,
                                          int64_t *patience_us, mr_error *err);

#endif
