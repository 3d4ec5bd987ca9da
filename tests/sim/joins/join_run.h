/*
 * One history through the real task: a sink that keeps text, batches cut at will, kills.
 *
 * A run keeps what it would have committed as bytes of deltas and the facts of the epoch record; a
 * kill drops the task and everything since, loads these into a fresh one and goes on, in the middle
 * of a batch's pairs or of a fire too. The journal of all epochs is kept for `mr_join_replay`.
 */
#ifndef MR_TESTS_SIM_JOINS_JOIN_RUN_H
#define MR_TESTS_SIM_JOINS_JOIN_RUN_H

#include "tests/sim/joins/join_history.h"
#include "tests/sim/window_run.h"

typedef struct mr_join_outcome {
    mr_window_lines results;
    mr_buffer journal;
    uint64_t accepted, filtered, dead, broken;
    uint32_t kills, kills_within_work, works_in_parts;
    uint64_t entries_left; /* in state at the end */
} mr_join_outcome;

void mr_join_run(const mr_join_history *history, const mr_window_options *options,
                 mr_join_outcome *outcome);

/* The same inputs in the order, the batches and with the decisions of `journal`. */
void mr_join_replay(const mr_join_history *history, const mr_buffer *journal,
                    mr_join_outcome *outcome);

void mr_join_outcome_release(mr_join_outcome *outcome);

/* A result as the sink writes it; `right` NULL: padded. */
void mr_join_line(const mr_join_history *history, const mr_join_oracle_row *left,
                  const mr_join_oracle_row *right, char *to, size_t size);

#endif
