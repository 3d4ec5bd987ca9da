#include "tests/sim/law/sent.h"

#include "engine/base/assert.h"

#include <stdlib.h>

void mr_sim_rows_add(mr_sim_rows *rows, int64_t time_ms, int64_t amount)
{
    if (rows->count == rows->room) {
        rows->room = rows->room != 0 ? rows->room * 2 : 64;
        rows->row = realloc(rows->row, rows->room * sizeof *rows->row);
        MR_ASSERT(rows->row != NULL);
    }
    rows->row[rows->count++] = (mr_sim_row){time_ms, amount};
}

bool mr_sim_rows_take(mr_sim_rows *rows, int64_t time_ms, int64_t amount)
{
    for (uint32_t i = 0; i < rows->count; i++)
        if (rows->row[i].time_ms == time_ms && rows->row[i].amount == amount) {
            rows->row[i] = rows->row[--rows->count];
            return true;
        }
    return false;
}

void mr_sim_rows_copy(mr_sim_rows *rows, const mr_sim_rows *from)
{
    *rows = (mr_sim_rows){0};
    for (uint32_t i = 0; i < from->count; i++)
        mr_sim_rows_add(rows, from->row[i].time_ms, from->row[i].amount);
}

void mr_sim_rows_release(mr_sim_rows *rows)
{
    free(rows->row);
    *rows = (mr_sim_rows){0};
}
