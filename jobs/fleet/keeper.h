/*
 * Keeper: a fleet's worker. Compares the wishes on the board with the jobs that it has at work,
 * starts, stops and removes until they agree, and tells on the board what it makes of each.
 *
 * Thread: one; jobs run on their own (work.h).
 */
#ifndef MR_JOBS_FLEET_KEEPER_H
#define MR_JOBS_FLEET_KEEPER_H

#include "jobs/fleet/board.h"
#include "jobs/fleet/work.h"

typedef struct mr_keeper_job {
    char *name;
    int64_t acted_on; /* offset of the wish; -1: none */
    uint64_t version; /* of that wish */
    mr_work *work;    /* NULL: not at work */
    mr_fleet_status status;
    mr_work_words words;
    bool has_status; /* else there is none on the board */
    int64_t told_us;
} mr_keeper_job;

typedef struct mr_keeper {
    mr_board *board;
    mr_work_config work; /* its memory: of all jobs together, which have equal shares of it */
    uint32_t sharers;    /* jobs at work when it was dealt out last */
    const char *instance;
    mr_keeper_job *jobs;
    uint32_t jobs_count;
} mr_keeper;

/* The board has been read to its end once. All is borrowed. Memory 0: mr_shares_default. */
void mr_keeper_init(mr_keeper *keeper, mr_board *board, const mr_work_config *work,
                    const char *instance);

/* One look at everything; waits for news on the board up to `timeout_ms`. */
MR_MUST_USE mr_status mr_keeper_step(mr_keeper *keeper, int32_t timeout_ms, mr_error *err);

/* Stops all jobs, each with a commit, and takes back what stands on the board of this worker. */
void mr_keeper_release(mr_keeper *keeper);

#endif
