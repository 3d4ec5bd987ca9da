/*
 * Histories for sim_joins: a join and what its inputs bring, drawn from one seed.
 *
 * Rows of the inputs of two tables (or of one, joined with itself) in reading order, out of order
 * in time and some of them late, some without a time, a key or an amount, some that cannot be
 * decoded; between them inputs fall idle, come back and end. Most histories are two dozen rows; one
 * in `MR_JOIN_HISTORY_BIG_EVERY` has one key that multiplies or thousands of rows to be padded, so
 * that a batch or a watermark takes several calls.
 */
#ifndef MR_TESTS_SIM_JOINS_JOIN_HISTORY_H
#define MR_TESTS_SIM_JOINS_JOIN_HISTORY_H

#include "tests/harness/join_oracle.h"
#include "tests/sim/window_history.h"

#define MR_JOIN_HISTORY_BIG_EVERY 2000

typedef struct mr_join_history {
    mr_join_oracle_job job;
    int64_t bucket_ms;
    uint32_t time_side;
    bool
        is_right_first; /* a row reaches the right input through a node that stands before the join:
                            of one table's rows the right input is pushed first */
    bool is_big;
    uint32_t rows_count, events_count;
    mr_join_oracle_row *rows;
    mr_history_event *events;
} mr_join_history;

void mr_join_history_init(mr_join_history *history, uint64_t seed);
void mr_join_history_release(mr_join_history *history);

#endif
