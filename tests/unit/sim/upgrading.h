/*
 * A rig's job under other texts: what `upgrade` does, run by the last process of its world.
 */
#ifndef MR_TESTS_UNIT_SIM_UPGRADING_H
#define MR_TESTS_UNIT_SIM_UPGRADING_H

#include "jobs/fleet/upgrade/upgrade.h"
#include "tests/unit/sim/rig.h"

typedef struct mr_upgrading {
    mr_log *log;
    mr_blobs *blobs;
    mr_moments moments;
    mr_arena arena;
    mr_difference difference;
    mr_upgrade upgrade; /* of the last look */
} mr_upgrading;

void mr_upgrading_open(mr_rig *rig, mr_upgrading *tool, const mr_plan *from, const mr_plan *to);
void mr_upgrading_close(mr_upgrading *tool);

/* As the command does it, behind the stop. */
mr_status mr_upgrading_try(mr_rig *rig, mr_upgrading *tool, bool may_lose);

/* All of it, which must be through. */
void mr_upgrading_run(mr_rig *rig, const mr_plan *from, const mr_plan *to, bool may_lose);

/* A life of seat 0 alone. Static members are one until their session ends. */
void mr_upgrading_live(mr_rig *rig, uint32_t steps);

/* A worker of that plan comes to work, or is refused: `expected` is why; MR_OK: for another plan or
 * other numbers of tasks. */
bool mr_upgrading_is_taken(mr_rig *rig, const mr_plan *plan, mr_status expected);

#endif
