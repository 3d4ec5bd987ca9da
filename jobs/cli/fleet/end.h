/*
 * What `stop`, `drain`, `delete` and `upgrade` share: another wish for a job that is there, and
 * what a job that has finished is told to be.
 */
#ifndef MR_JOBS_CLI_FLEET_END_H
#define MR_JOBS_CLI_FLEET_END_H

#include "jobs/cli/fleet/reach.h"

/* The wish once more, with another kind; nothing is written where it is of that kind already. */
MR_MUST_USE mr_status mr_end_wish(mr_reach *reach, const mr_board_job *job, mr_wish_kind kind,
                                  uint64_t *version, mr_error *err);

/* No live worker has the job at work, and all have heard of that version. For mr_reach_await. */
bool mr_end_is_stopped(const mr_reach *reach, const mr_board_job *job, uint64_t version);

/* All who have heard of the wish that stands say that it has finished: for good. */
bool mr_end_has_finished(const mr_board_job *job);
void mr_end_tell_finished(const char *job);

/* The workers took too long, or `err` has what went wrong. */
mr_exit mr_end_told_late(const mr_reach *reach, const char *job, const mr_error *err);

#endif
