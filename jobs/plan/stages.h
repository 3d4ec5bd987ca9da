/*
 * Stages: cutting a job's plan where rows have to go to the task of their key.
 *
 *   sources -> filters .. [window_partial] -> | exchange n | -> keyed node -> filters .. sinks
 *
 * Each input of a node that keeps state by key becomes an exchange of its own, but where the rows
 * of each key lie in one task already (placement.h): `<job>.exchange.<n>`, counted from 0 in the
 * order of nodes and inputs. A node runs in the stage
 * behind as many exchanges as its rows have passed, a sink in that of its input. Before a window
 * aggregate whose groups can be put together later, rows are aggregated batch by batch
 * (operators/window/partials.h) and go as relation 1; all other rows are relation 0.
 *
 * Tasks: stage 0 has what `mr_stages_set_tasks` says, a later one 'parallelism.default', or one
 * when no node in it has a key. Memory: the arena. Thread: one.
 */
#ifndef MR_JOBS_PLAN_STAGES_H
#define MR_JOBS_PLAN_STAGES_H

#include "engine/run/plan.h"

typedef struct mr_stages {
    uint32_t count; /* 0: the job was not cut */
    mr_plan *plans; /* [count] */
    uint32_t exchanges_count;
    mr_exchange *exchanges;
    uint32_t *from, *to;  /* [exchanges_count] stages */
    uint64_t job_version; /* of the plan as it was */
    uint32_t tasks_max;   /* of a stage */
} mr_stages;

/* Cuts `plan`, which has a version, for `tasks_max` >= 2 tasks a stage. NULL: done. Else why it
 * cannot be cut, or need not; the plan is as it was then. */
const char *mr_stages_cut(mr_plan *plan, uint32_t tasks_max, mr_arena *arena, mr_stages *stages);

/* Stage 0 has `first` tasks. Versions of stages hang on the numbers of tasks. */
void mr_stages_set_tasks(mr_plan *plan, mr_stages *stages, uint32_t first);

/* How many tasks the later stages have together. */
uint32_t mr_stages_later_tasks(const mr_stages *stages);

/* Columns of an input that a keyed node keeps its state by; how many. */
uint32_t mr_stages_node_keys(const mr_plan_node *node, uint32_t input, const uint32_t **keys);

#endif
