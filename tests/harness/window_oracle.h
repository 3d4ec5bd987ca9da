/*
 * What windows and deduplication must give, row at a time and by sorting: the oracle of
 * sim_windows.
 *
 * It shares nothing with the engine, not even types. Rows come one by one in the order in which the
 * job reads them; each is judged by the watermark made by the rows before it: the minimum over the
 * inputs that are neither idle nor ended, never going back (an input that was idle counts again
 * from its next row on, before that row is judged). A window [start, end) is closed from watermark
 * end - 1 on; a row enters all its windows that are open and is late when there is none. Nothing is
 * ever fired: the windows' rows are listed, sorted, and told when somebody asks.
 */
#ifndef MR_TESTS_HARNESS_WINDOW_ORACLE_H
#define MR_TESTS_HARNESS_WINDOW_ORACLE_H

#include "tests/harness/aggregate_oracle.h"

#define MR_ORACLE_INPUTS_MAX 4
#define MR_ORACLE_NONE INT64_MIN
#define MR_ORACLE_AGGREGATES_MAX 13

typedef enum mr_oracle_kind {
    MR_ORACLE_TUMBLE = 0,
    MR_ORACLE_HOP,
    MR_ORACLE_CUMULATE,
    MR_ORACLE_FIRST, /* keep-first deduplication by key */
    MR_ORACLE_SESSION,
} mr_oracle_kind;

typedef struct mr_oracle_job {
    mr_oracle_kind kind;
    int64_t size_ms, slide_ms, offset_ms; /* slide of CUMULATE: its step; size of SESSION: gap */
    int64_t delay_ms;                     /* WATERMARK FOR time AS time - delay */
    int64_t ttl_ms;                       /* FIRST; 0: keys are known for ever */
    uint32_t inputs_count;
    const mr_oracle_aggregate *aggregates; /* of windows; static */
    uint32_t aggregates_count;
} mr_oracle_job;

/* One row in one window (FIRST: the kept row of a key, start and end its time). */
typedef struct mr_oracle_entry {
    int64_t start_ms, end_ms;
    const mr_oracle_row *row;
    size_t session; /* SESSION: whose times these are in the end */
} mr_oracle_entry;

typedef struct mr_oracle_session {
    int32_t key;
    int64_t start_ms, end_ms;
    bool is_gone; /* became a part of another */
} mr_oracle_session;

typedef struct mr_oracle_late {
    const mr_oracle_row *row;
    int64_t start_ms, end_ms; /* of its first, of its last window; FIRST: MR_ORACLE_NONE */
    int64_t watermark_ms, by_ms;
} mr_oracle_late;

typedef struct mr_oracle {
    mr_oracle_job job;
    int64_t input_ms[MR_ORACLE_INPUTS_MAX]; /* MR_ORACLE_NONE: nothing yet */
    bool is_idle[MR_ORACLE_INPUTS_MAX], is_ended[MR_ORACLE_INPUTS_MAX];
    int64_t watermark_ms;
    mr_oracle_entry *entries;
    size_t entries_count, entries_room;
    mr_oracle_late *late;
    size_t late_count, late_room;
    mr_oracle_entry *known; /* FIRST: newest kept row by key + 1 */
    size_t known_count;
    mr_oracle_session *sessions;
    size_t sessions_count, sessions_room;
    uint64_t accepted, filtered, dead, broken;
} mr_oracle;

void mr_oracle_init(mr_oracle *oracle, const mr_oracle_job *job);
void mr_oracle_release(mr_oracle *oracle);

/* The next row; it is borrowed. */
void mr_oracle_take(mr_oracle *oracle, const mr_oracle_row *row);
void mr_oracle_idle(mr_oracle *oracle, uint32_t input);
void mr_oracle_end(mr_oracle *oracle, uint32_t input);
/* The input counts again, before its next row; one that had ended has promised nothing yet. */
void mr_oracle_awake(mr_oracle *oracle, uint32_t input);

/* Sorts the entries of windows that the watermark has closed by (end, key, id) to the front and
 * returns how many there are: equal (end, key) is one result. The others are forgotten. */
size_t mr_oracle_results(mr_oracle *oracle);

/* The result of one group of entries as text: key, start, end and the job's aggregates, between
 * bars. */
void mr_oracle_print(const mr_oracle_job *job, const mr_oracle_entry *entries, size_t count,
                     char *to, size_t size);

#endif
