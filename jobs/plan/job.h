/*
 * A job: from its text to the plan that the engine runs.
 */
#ifndef MR_JOBS_PLAN_JOB_H
#define MR_JOBS_PLAN_JOB_H

#include "engine/expr/zone.h"
#include "engine/run/plan.h"
#include "jobs/plan/cluster.h"
#include "jobs/plan/stages.h"
#include "jobs/sql/diagnostic.h"

#define MR_JOB_NAME_MAX 200

typedef struct mr_job_options {
    const char *name;            /* --name; NULL */
    const char *stem;            /* name when the job has none: the file's, "job" */
    const char *const *settings; /* -D key=value */
    uint32_t settings_count;
    const char *const *environment; /* NAME=value .. NULL: MILLRACE_* are settings; NULL: none */
    const char *const *properties;  /* -X name=value */
    uint32_t properties_count;
    bool is_bounded; /* every source ends at the ends known at start */
} mr_job_options;

/* Immutable but for the numbers of tasks, which are to be set from the input's partitions where
 * `tasks_follow_partitions` (plan.tasks_count) or in stages (mr_stages_set_tasks). All memory is
 * the job's. */
typedef struct mr_job {
    mr_arena arena;
    mr_plan plan;
    mr_settings settings;
    mr_cluster cluster;
    mr_zone *zone;
    uint64_t version; /* of the text; the plan's own may become another one (engine/topics.h) */
    bool tasks_follow_partitions;
    bool tasks_are_free; /* exactly-once, nothing is kept by key: their number is a setting alone */
    mr_stages stages;    /* of a plan that was cut */
    bool joins_partitions; /* then all tables with 'partitioned-by' need as many partitions */
    bool is_explain;       /* the script asks for EXPLAIN: not to be run */
} mr_job;

/* Parses, binds and plans. NULL when any error was reported. The script must outlive the job. */
mr_job *mr_job_new(const mr_script *script, const mr_job_options *options,
                   mr_diagnostics *diagnostics);
void mr_job_free(mr_job *job);

#endif
