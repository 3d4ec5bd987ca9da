/*
 * The simulator's helper: no thread, but moments drawn from the process' seed. A job's steps are
 * taken inside of the engine's own calls of `wait`, each some virtual time after the last, and its
 * end is told later still; so a crash falls between any two steps, between the last one and the
 * notice, and between a step and what the engine does meanwhile. A process that has died takes no
 * time for the rest: its calls all fail.
 */
#ifndef MR_TESTS_SIM_HELPER_H
#define MR_TESTS_SIM_HELPER_H

#include "connectors/memory/log.h"
#include "engine/ports/helper.h"

typedef struct mr_sim_helper {
    mr_helper helper;
    mr_memory_cluster *cluster;
    mr_memory_process *process;
    mr_helper_job job;
    bool is_busy;    /* a job is under way, or its end was not told */
    bool is_through; /* all steps are taken */
    int64_t due_us;  /* of the next step, or of the notice */
    uint64_t jobs;
} mr_sim_helper;

void mr_sim_helper_init(mr_sim_helper *helper, mr_memory_cluster *cluster,
                        mr_memory_process *process);

#endif
