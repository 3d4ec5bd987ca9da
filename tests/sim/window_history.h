/*
 * Histories for sim_windows: a job and what its inputs bring, drawn from one seed.
 *
 * Rows of one to three inputs in reading order, out of order in time and some of them late, some
 * without a time, a key or an amount, some that cannot be decoded; between them inputs fall idle,
 * come back (with a row, or before it) and end. In one of four the inputs are aligned: what runs
 * ahead is read later. Most histories are a dozen rows; one in
 * `MR_HISTORY_BIG_EVERY` has so many groups that one watermark takes several calls to fire.
 */
#ifndef MR_TESTS_SIM_WINDOW_HISTORY_H
#define MR_TESTS_SIM_WINDOW_HISTORY_H

#include "tests/harness/window_oracle.h"

#define MR_HISTORY_BIG_EVERY 5000

typedef enum mr_history_event_kind {
    MR_HISTORY_ROW = 0,
    MR_HISTORY_IDLE,
    MR_HISTORY_END,
    MR_HISTORY_AWAKE, /* a restore found more to read: of one that is idle or has ended */
} mr_history_event_kind;

typedef struct mr_history_event {
    mr_history_event_kind kind;
    uint32_t input;
    uint32_t row;   /* ROW: index into rows */
    int64_t offset; /* ROW: of its record; offsets of an input rise with gaps */
} mr_history_event;

typedef struct mr_history {
    mr_oracle_job job;
    bool is_big;
    uint32_t rows_count, events_count;
    mr_oracle_row *rows;
    mr_history_event *events;
} mr_history;

/* splitmix64: the next number of a sequence that `state` stands for. */
uint64_t mr_history_random(uint64_t *state);
/* Uniform in [0, below). */
uint32_t mr_history_draw(uint64_t *state, uint32_t below);

/* `kind`: draw jobs of this kind only; MR_HISTORY_ANY: of all. */
#define MR_HISTORY_ANY (-1)
void mr_history_init(mr_history *history, uint64_t seed, int kind);
void mr_history_release(mr_history *history);

/* One of the sets of aggregates that jobs have, MR_ORACLE_AGGREGATES_MAX of them, COUNT(*)
 * first. */
#define MR_HISTORY_SETS 3
const mr_oracle_aggregate *mr_history_aggregates(uint32_t set);

/* Fills in what is aggregated: all but id, input, time and key. */
void mr_history_draw_values(uint64_t *state, mr_oracle_row *row);

#endif
