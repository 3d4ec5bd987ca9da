/*
 * The job that a wish speaks of: its text, planned with what this process has for its variables.
 *
 * Memory: the wish's text and settings are borrowed; all else is released as a whole. Thread: pure.
 */
#ifndef MR_JOBS_FLEET_WISHED_JOB_H
#define MR_JOBS_FLEET_WISHED_JOB_H

#include "jobs/fleet/wish.h"
#include "jobs/plan/job.h"

typedef struct mr_wished_job {
    mr_script script;
    mr_diagnostics diagnostics;
    mr_job *job; /* NULL: the diagnostics say why */
} mr_wished_job;

/* `environment`: NAME=value .. NULL; `properties`: -X name=value. Release it either way. */
void mr_wished_job_read(mr_wished_job *wished, const mr_wish *wish, const char *const *environment,
                        const char *const *properties, uint32_t properties_count);
void mr_wished_job_release(mr_wished_job *wished);

#endif
