/*
 * A rig's job that runs in stages, under one text and under another with other stages or tasks.
 */
#ifndef MR_TESTS_UNIT_SIM_STAGED_H
#define MR_TESTS_UNIT_SIM_STAGED_H

#include "tests/unit/sim/upgrading.h"

/* Tasks of the stage that reads, and of the one behind an exchange; 0: there is none. */
typedef struct mr_shape {
    uint32_t tasks, later;
} mr_shape;

typedef struct mr_move {
    mr_shape from, to;
} mr_move;

typedef struct mr_staged {
    mr_rig r;
    mr_sim_job_options options; /* of the old text */
    mr_sim_job other;           /* what the job becomes */
} mr_staged;

/* `options`: the window, and how long until an input is idle. In the other text the operator and
 * its table bear other names; where `is_more`, another window stands in front, and every number of
 * a table of state, a node and an exchange is another. The job must not move in memory. */
void mr_staged_set_up(mr_staged *staged, uint64_t seed, const mr_move *move,
                      const mr_sim_job_options *options, bool is_more);
void mr_staged_tear_down(mr_staged *staged);

/* What is not settled yet is asked again, where inputs may be idle: the old plan goes on for a
 * while in between. */
void mr_staged_upgrade(mr_staged *staged);

/* A bounded run of the new text to the end; then all that was ever written is judged. */
void mr_staged_finish(mr_staged *staged, uint64_t seed);

#endif
