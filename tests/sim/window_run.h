/*
 * One history through the real task: plan by hand, sinks that keep text, batches cut at will,
 * kills.
 *
 *   in (id, key, time, amount, name, flag; watermark time - delay) -> window aggregate or
 *   keep-first deduplication -> results, late rows, one line each; dead rows are counted
 *
 * A run keeps what it would have committed as bytes of deltas and the facts of the epoch record; a
 * kill drops the task and everything since, loads these into a fresh one and goes on, in the middle
 * of a fire too. Where entries leave memory, commits go to a store (plain_store.h), and a restart
 * finds them there. The journal of all epochs is kept for `mr_window_replay`.
 */
#ifndef MR_TESTS_SIM_WINDOW_RUN_H
#define MR_TESTS_SIM_WINDOW_RUN_H

#include "tests/sim/window_history.h"
#include "tests/sim/window_lines.h"

typedef struct mr_window_options {
    uint64_t seed;       /* of cuts, commits and kills */
    uint32_t cut_every;  /* a batch ends behind a row with chance 1 in n; 0: as late as it can */
    uint32_t cut_behind; /* and behind this row (number in the history); UINT32_MAX: none */
    bool is_killed;      /* commits and kills at random places */
    bool is_evicted; /* at each commit entries leave memory; a restart leaves them in the store */
} mr_window_options;

typedef struct mr_window_outcome {
    mr_window_lines results, late;
    mr_buffer journal;
    uint64_t accepted, filtered, dead, broken;
    uint64_t left, returned; /* entries that left memory, and came back */
    uint32_t kills, kills_within_fire, fires_in_parts;
} mr_window_outcome;

void mr_window_run(const mr_history *history, const mr_window_options *options,
                   mr_window_outcome *outcome);

/* The same inputs in the order, the batches and with the decisions of `journal`. */
void mr_window_replay(const mr_history *history, const mr_buffer *journal,
                      mr_window_outcome *outcome);

void mr_window_outcome_release(mr_window_outcome *outcome);

#endif
