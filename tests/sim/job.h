/*
 * The simulator's job: a keyed window count over a four-partition topic, built by hand, without
 * SQL.
 *
 *   in (key|time ms|amount, watermark time - 5 ms) -> TUMBLE 10 ms, HOP 10/5 ms or SESSION with a
 *   gap of 6 ms GROUP BY key: COUNT(*), SUM(amount) -> out; rows late for all their windows ->
 *   late; broken records -> dlq
 *   or: in LEFT JOIN in on equal keys and times at most 12 ms apart -> out
 *   either of them in one stage, or cut at exchanges (jobs/plan/stages.h)
 *
 * Values are text, "k3|120|7"; results "k3|100|110|4|28", late rows "k3|120|7|..". Key k lives in
 * partition k mod 4, so any number of tasks that divides four sees whole keys.
 */
#ifndef MR_TESTS_SIM_JOB_H
#define MR_TESTS_SIM_JOB_H

#include "engine/run/plan.h"
#include "jobs/plan/stages.h"
#include "operators/join/interval_join.h"
#include "operators/window/session_aggregate.h"

#define MR_SIM_PARTITIONS 4
#define MR_SIM_KEYS 12
#define MR_SIM_DELAY_MS 5 /* of the watermark */

typedef struct mr_sim_job {
    mr_arena arena;
    mr_plan plan;
    mr_window_config window;
    mr_interval_join_config join;
    mr_stages stages;
} mr_sim_job;

typedef struct mr_sim_job_options {
    uint32_t tasks_count;    /* 1, 2 or 4; of the first stage */
    uint32_t later_tasks;    /* of the one behind an exchange; 0: there is none */
    bool is_hop, is_session; /* neither: TUMBLE */
    bool is_join;            /* instead of a window */
    mr_guarantee guarantee;
    int64_t idle_timeout_ms;
    int64_t drift_max_ms; /* inputs are aligned; 0: read in turn */
} mr_sim_job_options;

/* One stage. */
void mr_sim_job_init(mr_sim_job *job, const mr_sim_job_options *options);

/* Cuts it at an exchange where the options say so; the plan is not changed any more. */
void mr_sim_job_cut(mr_sim_job *job, const mr_sim_job_options *options);
void mr_sim_job_release(mr_sim_job *job);

#endif
