/*
 * The simulator's job (tests/sim/job.h) under names of its own, so that many rounds share one
 * Kafka: "<name>.in" (4 partitions) -> window count -> "<name>.out", "<name>.late", "<name>.dlq";
 * the job is "<name>", its state topic "<name>.state".
 */
#ifndef MR_TESTS_CRASH_WORKER_JOB_H
#define MR_TESTS_CRASH_WORKER_JOB_H

#include "tests/sim/job.h"

typedef struct mr_crash_job_options {
    const char *name;
    mr_sim_job_options sim;
    int64_t commit_interval_ms;
    int32_t transaction_timeout_ms;
} mr_crash_job_options;

/* `options->name` is copied. */
void mr_crash_job_init(mr_sim_job *job, const mr_crash_job_options *options);

#endif
