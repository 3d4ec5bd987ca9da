/*
 * The topics a job needs: all there, or created when asked to.
 */
#ifndef MR_JOBS_ENGINE_TOPICS_H
#define MR_JOBS_ENGINE_TOPICS_H

#include "jobs/plan/job.h"

/* MR_E_KAFKA_TOPIC_MISSING names the first that is missing and the command that creates it. Sets
 * the plan's number of tasks where it follows the partitions of the input. `inputs` (may be NULL)
 * gets the partitions of all sources. */
MR_MUST_USE mr_status mr_topics_prepare(mr_job *job, mr_log *log, bool is_creating, bool is_reset,
                                        uint32_t *inputs, mr_error *err);

#endif
