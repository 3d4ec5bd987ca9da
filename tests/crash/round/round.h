/*
 * A round: one job under one name on the Kafka under test, its feed, its lives, and the law at the
 * end.
 *
 *   begin -> start/kill lives as the scenario likes -> finish (last, bounded life) -> law
 *
 * `hits` counts where faults struck, by what the worker's page said when it died.
 * Thread: the test's.
 */
#ifndef MR_TESTS_CRASH_ROUND_ROUND_H
#define MR_TESTS_CRASH_ROUND_ROUND_H

#include "tests/crash/round/env.h"
#include "tests/crash/round/feed.h"
#include "tests/crash/round/life.h"
#include "tests/crash/round/topics.h"

#define MR_CRASH_TIME_END (MR_SIM_TIME_MAX - 200)
#define MR_CRASH_WHY_MAX 2048

typedef struct mr_crash_hits {
    uint32_t faults;
    uint32_t by_phase[MR_WORKER_FINISHED + 1];
    uint32_t in_open_epoch, in_restore;
    uint32_t beside_decision; /* a pipelined commit was under way */
    uint32_t open_at_broker;  /* the broker itself showed an undecided transaction right after */
} mr_crash_hits;

typedef struct mr_crash_round_options {
    mr_sim_job_options sim;
    int64_t commit_interval_ms;     /* 0: 30 */
    int32_t transaction_timeout_ms; /* 0: 10,000 */
    uint32_t rows_per_second;       /* 0: 2,000 */
    bool is_orderly;                /* no late rows */
    bool is_json;                   /* rows as the program reads and writes them */
} mr_crash_round_options;

typedef struct mr_crash_round {
    mr_crash_env *env;
    mr_crash_round_options options;
    char name[64];
    char in[80], out[80], late[80], dlq[80], state[80];
    mr_sim_law *law;
    mr_crash_feed *feed;
    mr_crash_watch *watch;
    mr_crash_hits hits;
    uint32_t lives;
    bool is_feed_whole;
    bool is_law_broken; /* what was read says so, rather than that it could not be read */
    bool has_refused;   /* the last life: mr_crash_life_has_refused */
    uint64_t rows_fed;  /* known when the feed is dry */
    /* Of the last life: what a life needed, for the report. */
    char why[MR_CRASH_WHY_MAX];
} mr_crash_round;

/* Makes the topics and starts the feed. False: `why` says what failed; `end` the round anyway. */
bool mr_crash_round_begin(mr_crash_round *round, mr_crash_env *env, const char *stem,
                          const mr_crash_round_options *options);

/* A worker of this round with the state directory "<folder>/<name>-<dir>" (NULL: none) and the
 * instance id of that name. */
mr_crash_worker_options mr_crash_round_worker(mr_crash_round *round, const char *dir);
void mr_crash_round_start(mr_crash_round *round, mr_crash_life *life,
                          const mr_crash_worker_options *options);

/* Path of such a state directory. */
void mr_crash_round_dir(const mr_crash_round *round, const char *dir, char *path, size_t size);

/* Kills the life and counts what that hit. */
void mr_crash_round_kill(mr_crash_round *round, mr_crash_life *life);
/* The same at a moment with an open epoch, when one comes soon: between two there is little to
 * break. */
void mr_crash_round_kill_at_work(mr_crash_round *round, mr_crash_life *life);
/* Starts lives and kills them until one has died in its restore; false: none of so many did. */
bool mr_crash_round_kill_in_restore(mr_crash_round *round, const mr_crash_worker_options *options,
                                    uint32_t lives_max);
/* Freezes it with an open epoch; when none comes or it has ended, it is left as it is. */
void mr_crash_round_catch_at_work(mr_crash_life *life);
/* Counts a fault that is about to strike (or just has), without killing; asks no broker. */
void mr_crash_round_note(mr_crash_round *round, const mr_crash_life *life);

/* Does a reader of the round's outputs stand before an undecided transaction? */
bool mr_crash_round_is_open_at_broker(mr_crash_round *round);

/* Sleeps until the sessions of members that are gone have ended: the next one is given every
 * task. */
void mr_crash_round_outlive_members(void);

/* Fails the round with what the life says of itself; returns false. */
bool mr_crash_round_fail(mr_crash_round *round, const mr_crash_life *life, const char *what);

/* Ends the feed; then no more is written. False: rows were not delivered. */
bool mr_crash_round_dry(mr_crash_round *round);

/* `dry`, then one bounded life to its end, which closes all windows. */
bool mr_crash_round_finish(mr_crash_round *round, const mr_crash_worker_options *options);

/* Tells the law what lies in the input topic (all that the feed wrote, at least). Part of `holds`;
 * for a scenario with a law of its own. The feed is dry. */
bool mr_crash_round_take_input(mr_crash_round *round);

/* Reads all output and asks the law. */
bool mr_crash_round_holds(mr_crash_round *round);

/* Frees everything; topics and folders stay with the broker's. */
void mr_crash_round_end(mr_crash_round *round);

#endif
