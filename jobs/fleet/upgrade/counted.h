/*
 * Counted: numbers of tasks of jobs that keep nothing by key (`tasks_are_free`, jobs/plan/job.h).
 *
 * The version of such a plan does not hang on its number of tasks, and two of one text must not go
 * on behind each other. So an upgrade that changes the number writes a version that does, and so do
 * all behind it. A state topic that gets wider must not look like that of a job which has had as
 * many tasks all along: before that the old plan is made one whose version hangs on its number,
 * too, by an upgrade in place.
 *
 *   plain, 2 tasks -> counted, 2 tasks -> counted, 4 tasks
 *
 * Jobs as `mr_topics_prepare` leaves them. Thread: one; blocks.
 */
#ifndef MR_JOBS_FLEET_UPGRADE_COUNTED_H
#define MR_JOBS_FLEET_UPGRADE_COUNTED_H

#include "jobs/fleet/upgrade/upgrade.h"
#include "jobs/plan/job.h"

/* The version that an upgrade from one to the other writes. */
void mr_counted_set_version(const mr_job *from, mr_job *to);

/* Whether the old plan is to be upgraded in place before it is what was `looked` at. */
bool mr_counted_must_begin(const mr_job *from, const mr_job *to, const mr_upgrade *looked);

/* Does it; the plan's version is another one then. Errors: those of upgrade. */
MR_MUST_USE mr_status mr_counted_begin(mr_job *from, const mr_moments *moments,
                                       const char *transactional_id, mr_error *err);

#endif
