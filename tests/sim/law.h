/*
 * The law that every run keeps, whatever died when: checked on committed output alone, with an
 * oracle that shares nothing with the engine.
 *
 *   per (key, window):  rows sent = rows counted + rows late for it, sums likewise, and they are
 *                       just the rows that the order of the key's partition allows (law/windows.h)
 *   SESSION:            each result is a whole session of rows sent, all but the late ones are in
 *                       one (law/sessions.h)
 *   one result a (key, window), in the output or, when the log refused it, in the DLQ;
 *   every broken record in the DLQ exactly once; every late row once
 *   at least once (`is_repeating`): results, late rows and dead letters may repeat, the last result
 *   of a (key, window) counts, and a row may have been late in a try that came to nothing:
 *                          rows sent - rows ever late <= rows counted <= rows sent
 *   but where no row can be late (`is_in_order`) all must be exact there too
 */
#ifndef MR_TESTS_SIM_LAW_H
#define MR_TESTS_SIM_LAW_H

#include "engine/base/buffer.h"
#include "tests/sim/law/sent.h"

#include <stdbool.h>
#include <stdint.h>

#define MR_SIM_TIME_MAX 4000
#define MR_SIM_KEYS_MAX 16

typedef struct mr_sim_cell {
    int64_t count, sum;
} mr_sim_cell;

typedef struct mr_sim_law {
    int64_t size_ms, slide_ms; /* SESSION: size is the gap, slide 1 */
    bool is_session;
    bool is_repeating;
    bool is_in_order; /* no row was sent late */
    mr_sim_rows rows[MR_SIM_KEYS_MAX];
    mr_sim_rows late_rows[MR_SIM_KEYS_MAX];
    mr_sim_cell sent[MR_SIM_KEYS_MAX][MR_SIM_TIME_MAX]; /* by row time */
    mr_sim_cell late[MR_SIM_KEYS_MAX][MR_SIM_TIME_MAX];
    mr_sim_cell result[MR_SIM_KEYS_MAX]
                      [MR_SIM_TIME_MAX]; /* by window start / slide; SESSION: by last row */
    int64_t start[MR_SIM_KEYS_MAX][MR_SIM_TIME_MAX]; /* SESSION: of that result */
    uint8_t results[MR_SIM_KEYS_MAX][MR_SIM_TIME_MAX];
    int64_t rows_sent, rows_late, results_seen, refused_seen;
    uint64_t broken_sent; /* numbers 0 .. broken_sent-1, each in the DLQ once */
    uint8_t *broken_seen;
    uint8_t *broken_copies; /* that a producer sent beyond the first */
} mr_sim_law;

void mr_sim_law_init(mr_sim_law *law, int64_t size_ms, int64_t slide_ms);
void mr_sim_law_release(mr_sim_law *law);

/* Forgets all that was read: what was sent is to come once more. */
void mr_sim_law_forget(mr_sim_law *law);

/* Tells the law what was sent. */
void mr_sim_law_sent(mr_sim_law *law, uint32_t key, int64_t time_ms, int64_t amount);

/* The same from what lies in the input topic, each value before a newline: the truth where a
 * producer may have sent a row twice. `rows`: how many there are. */
bool mr_sim_law_take_input(mr_sim_law *law, const char *text, uint64_t *rows, char *why,
                           size_t size);

/* Reads committed values, each behind a newline. False: malformed or twice; `why` says what. */
bool mr_sim_law_take(mr_sim_law *law, const char *topic, const char *text, char *why, size_t size);

/* All has been read: does the law hold? */
bool mr_sim_law_holds(const mr_sim_law *law, char *why, size_t size);

#endif
