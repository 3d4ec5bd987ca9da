/*
 * Engine: all that one job holds open while it runs: log, stores, helpers, the worker.
 *
 * `run` has one, a fleet's worker one for each job, each on a thread of its own. Thread: one; the
 * config's hook is asked on any.
 */
#ifndef MR_JOBS_ENGINE_ENGINE_H
#define MR_JOBS_ENGINE_ENGINE_H

#include "engine/run/worker/worker.h"
#include "engine/state/state_dir.h"
#include "jobs/engine/checkpointing.h"
#include "jobs/plan/job.h"

typedef struct mr_engine_config {
    mr_job *job; /* its number of tasks may be set */
    const mr_logger *logger;
    const mr_clock *clock;
    mr_metrics *metrics;     /* NULL: none */
    mr_state_dir *state_dir; /* NULL: no local state */
    bool is_bounded, must_reset, must_create_topics;
    int64_t memory_bytes; /* the process's bound for this job; 0: the job's own setting alone */
    bool (*is_stopping)(void *hook); /* asked by calls that take long */
    void *hook;
} mr_engine_config;

/* All-zero is releasable. */
typedef struct mr_engine {
    mr_engine_config config;
    mr_budget budget;
    struct mr_memory_cluster *cluster; /* of a job without Kafka */
    mr_log *log;
    mr_store_factory *stores;
    mr_helper *helper; /* of pipelined commits */
    mr_checkpointing checkpointing;
    mr_worker *worker;
    uint32_t inputs; /* known at the start */
} mr_engine;

/* Ready to step. An error: `close` it all the same. The engine must not move from then on. */
MR_MUST_USE mr_status mr_engine_open(mr_engine *engine, const mr_engine_config *config,
                                     mr_error *err);

/* Between steps: the bound is another now. Cache and state follow; queues and memtables stay as
 * they are until the next start. */
void mr_engine_set_memory(mr_engine *engine, int64_t memory_bytes);

/* The worker alone, so that its last words stand before a summary. Nothing is committed. */
void mr_engine_end_worker(mr_engine *engine);
void mr_engine_close(mr_engine *engine);

#endif
