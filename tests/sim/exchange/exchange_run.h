/*
 * One case through all tasks of both stages, with frames between them as a log of one partition a
 * downstream task.
 *
 * Whose turn it is, where batches are cut, when a task commits and when it is killed are drawn from
 * the seed. A task is a process: a kill drops what it did since its last commit, its frames and
 * lines included, and it goes on from there. Frames are read when they are committed.
 */
#ifndef MR_TESTS_SIM_EXCHANGE_EXCHANGE_RUN_H
#define MR_TESTS_SIM_EXCHANGE_EXCHANGE_RUN_H

#include "tests/sim/exchange/exchange_case.h"
#include "tests/sim/window_lines.h"

/* What is left out, to show that it is missed. */
typedef enum mr_exchange_sabotage {
    MR_SABOTAGE_NONE = 0,
    MR_SABOTAGE_FLOOR,  /* upstreams that were idle send groups all the same */
    MR_SABOTAGE_VECTOR, /* the vector of upstreams is not restored */
    MR_SABOTAGE_ORDER,  /* a frame is overtaken by the next one */
    MR_SABOTAGE_COMMIT, /* frames are there before their upstream has committed */
    MR_SABOTAGES,
} mr_exchange_sabotage;

typedef struct mr_exchange_options {
    uint64_t seed;
    bool is_killed;
    mr_exchange_sabotage sabotage;
} mr_exchange_options;

typedef struct mr_exchange_outcome {
    mr_status status; /* of the receiver or an operator that refused something */
    char message[256];
    mr_window_lines results, late;
    uint64_t frames, partials, raw, dead, broken; /* dead: at either stage */
    uint32_t kills[2];                            /* by stage */
} mr_exchange_outcome;

void mr_exchange_run(const mr_exchange_case *c, const mr_exchange_options *options,
                     mr_exchange_outcome *outcome);
void mr_exchange_outcome_release(mr_exchange_outcome *outcome);

#endif
