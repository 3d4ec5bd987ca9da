/*
 * A replay of a rig's job, run by the last process of its world, and what it wrote held against
 * what the live job wrote.
 */
#ifndef MR_TESTS_UNIT_SIM_REPLAY_SIDE_H
#define MR_TESTS_UNIT_SIM_REPLAY_SIDE_H

#include "engine/replay/compare.h"
#include "tests/unit/sim/rig.h"

typedef struct mr_replay_side {
    mr_replay *replay;
    mr_log *log;
    mr_blobs *blobs;
    mr_moments moments;
    mr_compare_result result[3], sum; /* of out, late, dlq */
    uint32_t shown;
} mr_replay_side;

/* The error is the rig's. Whatever it says, log and blobs are open. */
mr_status mr_replay_side_open(mr_rig *rig, mr_replay_side *side, mr_point from, mr_point until);
void mr_replay_side_close(mr_replay_side *side);

/* Opens, runs and compares; expects that it is just what the journal says. */
void mr_replay_side_run(mr_rig *rig, mr_replay_side *side, mr_point from, mr_point until);
void mr_replay_side_compare(mr_rig *rig, mr_replay_side *side);

/* The topics of both, without their order. */
void mr_replay_side_expect_same_text(mr_rig *rig);

#endif
