/*
 * A rig: the simulator's job in a world of its own, seats for its workers, and the law that judges
 * what they commit.
 *
 *   mr_rig r;
 *   mr_rig_set_up(&r, &(mr_rig_options){.job = {.tasks_count = 1}});
 *   mr_rig_start(&r, 0, false);
 *   mr_rig_feed(&r, 3, 10);
 *   cr_assert(mr_rig_step(&r, 0));
 *   mr_rig_stop(&r, 0);
 *   mr_rig_finish(&r);                 // a bounded run of seat 0 to its end; the law is asked
 *   mr_rig_tear_down(&r);
 *
 * What tests want otherwise they change in `config` and the flags before a start. Calls assert what
 * cannot go wrong. The rig must not move in memory.
 */
#ifndef MR_TESTS_UNIT_SIM_RIG_H
#define MR_TESTS_UNIT_SIM_RIG_H

#include "engine/run/worker/worker.h"
#include "tests/sim/helper.h"
#include "tests/sim/job.h"
#include "tests/sim/law.h"
#include "tests/sim/world.h"

#define MR_RIG_SEATS 3
#define MR_RIG_STEPS_MAX 40000

typedef struct mr_rig_options {
    uint64_t seed;    /* 0: 1 */
    uint32_t workers; /* processes of the world; 0: 1. The last ones may be a test's own tools */
    int32_t out_partitions; /* 0: 1 */
    mr_sim_job_options job;
} mr_rig_options;

/* Where a worker runs. */
typedef struct mr_rig_seat {
    char name[8];                     /* instance id */
    mr_sim_helper helper, pipelining; /* of checkpoints, of commits */
    mr_blobs *blobs[2];
    mr_log *log;
    mr_worker *worker;
} mr_rig_seat;

typedef struct mr_rig {
    mr_sim_world world;
    mr_sim_job job;
    mr_sim_law *law;
    mr_worker_config config; /* of every worker, but for what is the seat's */
    bool is_pipelined, takes_checkpoints;
    mr_rig_seat seats[MR_RIG_SEATS];
    mr_worker_stats stats; /* of the last step; not cleared by a start */
    mr_error err;
    int64_t time_ms; /* of the next rows */
    uint64_t random; /* of mixed rows; the test's to set */
    uint64_t broken; /* records so far */
} mr_rig;

void mr_rig_set_up(mr_rig *rig, const mr_rig_options *options);
void mr_rig_tear_down(mr_rig *rig);

void mr_rig_start(mr_rig *rig, uint32_t seat, bool is_bounded);
void mr_rig_stop(mr_rig *rig, uint32_t seat);

/* A row of each key, on time, told to the law; `step_ms` between two rounds. */
void mr_rig_feed(mr_rig *rig, uint32_t rounds, int64_t step_ms);

/* A row of each key, of which some are late and some broken; partitions 2 and 3 have none for every
 * other stretch of time. The law is not told. */
void mr_rig_feed_mixed(mr_rig *rig);
uint64_t mr_rig_draw(mr_rig *rig, uint64_t below);

/* False: `err` says why. */
bool mr_rig_step(mr_rig *rig, uint32_t seat);
void mr_rig_step_until(mr_rig *rig, uint32_t seat, mr_worker_phase phase);

/* Of a pipelined worker: fed until its helper stands between offsets and decision; there its
 * process stands still. */
void mr_rig_stop_before_decision(mr_rig *rig, uint32_t seat);

/* The life of one or two workers: fed every 15th round, some of them killed and started again, the
 * second one comes and goes; in the end both leave. Wall time about half way. */
int64_t mr_rig_live(mr_rig *rig, uint32_t rounds, bool is_second, bool is_mixed);

/* Reads `out`, and asks the law. */
void mr_rig_judge(mr_rig *rig);
void mr_rig_finish(mr_rig *rig);

/* A member of the job's group that is no worker, with all its tasks; the caller closes it. */
mr_log_member *mr_rig_join(mr_rig *rig);

/* First offset of a task's state log. */
int64_t mr_rig_log_start(mr_rig *rig, int32_t task);

#endif
