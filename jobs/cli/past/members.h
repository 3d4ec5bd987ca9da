/*
 * Members of a job's group: who changes its past waits until there is none.
 *
 * Workers that are gone without a word, and static members, are members until their sessions end.
 * The group's offsets are not touched. Thread: one; blocks. Errors: those of the log;
 * MR_E_TRANSPLANT.
 */
#ifndef MR_JOBS_CLI_PAST_MEMBERS_H
#define MR_JOBS_CLI_PAST_MEMBERS_H

#include "engine/ports/clock.h"
#include "engine/ports/log.h"

MR_MUST_USE mr_status mr_members_await_none(mr_log *log, const mr_clock *clock, const char *job,
                                            int64_t wait_ms, mr_error *err);

#endif
