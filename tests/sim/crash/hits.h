/*
 * Where processes died, over all histories: the proof that faults hit live work.
 */
#ifndef MR_TESTS_SIM_CRASH_HITS_H
#define MR_TESTS_SIM_CRASH_HITS_H

#include "engine/run/worker/worker.h"

#define MR_SIM_CALLS_MAX 64

typedef struct mr_sim_hits {
    const char *call[MR_SIM_CALLS_MAX];
    uint64_t count[MR_SIM_CALLS_MAX];
    uint64_t deaths, deaths_in_epoch, deaths_in_restore, deaths_in_reset;
    uint64_t deaths_deciding, deaths_staged; /* beside a decision; with rows in the staging arena */
    uint64_t stops, stops_in_epoch;          /* SIGSTOP */
    uint64_t results, late, broken, refused, commits, aborts, resets;
    uint64_t phased;            /* histories in which no row may be late */
    uint64_t exchanged, handed; /* histories in two stages; frames between tasks of a worker */
    uint64_t checkpoints_named, checkpoints_restored;
    uint64_t kept, outdated; /* tasks open over a rebalance; those that had moved on meanwhile */
    uint64_t left, returned; /* entries that left memory, and came back */
    uint64_t held;           /* inputs that ran ahead of others */
    uint64_t hung;           /* transactions whose end no partition was told */
} mr_sim_hits;

/* A process died in this port call (a string that stays; NULL: between two). */
void mr_sim_hits_died_in(mr_sim_hits *hits, const char *call);

/* A worker died; `before`: as it was before its last step. */
void mr_sim_hits_worker_died(mr_sim_hits *hits, const mr_worker_stats *before);

/* Every port call of a commit, of a recovery, of an application to the local store, of a base and
 * of a reset has been the one in which a process died; prints those that have not. */
bool mr_sim_hits_are_complete(const mr_sim_hits *hits, bool is_pipelined);

void mr_sim_hits_print(const mr_sim_hits *hits, uint64_t histories);

#endif
