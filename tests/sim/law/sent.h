/*
 * The rows of one key, in the order in which its partition holds them. A key lives in one partition
 * and a partition in one task, so this is the order in which they are judged, however often a
 * worker dies in between.
 */
#ifndef MR_TESTS_SIM_LAW_SENT_H
#define MR_TESTS_SIM_LAW_SENT_H

#include <stdbool.h>
#include <stdint.h>

typedef struct mr_sim_row {
    int64_t time_ms, amount;
} mr_sim_row;

/* All-zero is empty. */
typedef struct mr_sim_rows {
    mr_sim_row *row;
    uint32_t count, room;
} mr_sim_rows;

void mr_sim_rows_add(mr_sim_rows *rows, int64_t time_ms, int64_t amount);

/* Takes one row of this time and amount out; false: there is none. */
bool mr_sim_rows_take(mr_sim_rows *rows, int64_t time_ms, int64_t amount);

void mr_sim_rows_copy(mr_sim_rows *rows, const mr_sim_rows *from);
void mr_sim_rows_release(mr_sim_rows *rows);

#endif
