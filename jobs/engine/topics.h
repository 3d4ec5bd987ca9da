/*
 * The topics a job needs: all there, or created when asked to.
 */
#ifndef MR_JOBS_ENGINE_TOPICS_H
#define MR_JOBS_ENGINE_TOPICS_H

#include "jobs/plan/job.h"

/* What is there of the job under its name. */
typedef enum mr_topics_state {
    MR_TOPICS_KEPT = 0, /* its state, which goes on: the tasks are those that it has */
    MR_TOPICS_FORGOTTEN,
    MR_TOPICS_UPGRADED, /* another text's, or its own if an upgrade to it was finished before */
} mr_topics_state;

/* MR_E_KAFKA_TOPIC_MISSING names the first that is missing and the command that creates it. Sets
 * the plan's numbers of tasks where they hang on the partitions of the input; and its version,
 * where they are free and the state is of one that hangs on them. `inputs` (may be NULL) gets the
 * partitions of all sources. */
MR_MUST_USE mr_status mr_topics_prepare(mr_job *job, mr_log *log, bool is_creating,
                                        mr_topics_state state, uint32_t *inputs, mr_error *err);

#endif
