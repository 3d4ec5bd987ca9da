/*
 * A rig's job on the move: what `rewind` and `fork` do, run by the last process of its world.
 */
#ifndef MR_TESTS_UNIT_SIM_MOVING_H
#define MR_TESTS_UNIT_SIM_MOVING_H

#include "engine/history/transplant.h"
#include "engine/replay/flight.h"
#include "tests/unit/sim/rig.h"

#define MR_MOVING_TASKS_MAX 12

typedef struct mr_moving {
    mr_log *log;
    const mr_clock *clock; /* the world's, until a test has another one */
    mr_blobs *blobs;
    mr_moments moments;
    mr_task_io io;
    mr_sink *sinks[8];
    mr_arena arena;
    mr_cut cut;
    mr_moment *then, now[MR_MOVING_TASKS_MAX];
    mr_task *tasks[MR_MOVING_TASKS_MAX], *present[MR_MOVING_TASKS_MAX];
    mr_recovered recovered[MR_MOVING_TASKS_MAX], ignored;
    mr_epoch_record records[MR_MOVING_TASKS_MAX];
    mr_transplant_task transplants[MR_MOVING_TASKS_MAX];
    mr_spool *flight;
} mr_moving;

void mr_moving_open(mr_rig *rig, mr_moving *moving);
void mr_moving_close(mr_moving *moving);

/* The tasks as of then and as of now, ready for a rewind. */
void mr_moving_look(mr_rig *rig, mr_moving *moving, mr_point to);
mr_status mr_moving_run(mr_rig *rig, mr_moving *moving, const mr_plan *plan, const char *topic);

/* A whole rewind. */
void mr_moving_back(mr_rig *rig, mr_point to);

/* The last epoch but `back` of task 0, by its time for the others. */
mr_point mr_moving_before_the_end(mr_rig *rig, uint64_t back);

#endif
