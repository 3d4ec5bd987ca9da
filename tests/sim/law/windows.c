#include "tests/sim/law/windows.h"

#include "engine/base/assert.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

/* One window of a key: what it took, and between which rows it can have closed. */
typedef struct taking {
    mr_sim_cell taken;
    uint32_t behind; /* rows before this one are in it, or before its time */
    uint32_t before; /* the first row that is not in it although it belongs there */
} taking;

typedef struct check {
    const mr_sim_law *law;
    uint32_t key;
    taking *window;    /* by number: (start + size) / slide */
    mr_sim_cell *late; /* by time: what must be in the late output */
    char *why;
    size_t size;
} check;

/* The row into the windows that hold it, as far as they counted so many. */
static void take(check *c, uint32_t i)
{
    const mr_sim_law *law = c->law;
    const mr_sim_row *row = &law->rows[c->key].row[i];
    int64_t last = row->time_ms / law->slide_ms * law->slide_ms;
    for (int64_t start = last; start > row->time_ms - law->size_ms; start -= law->slide_ms) {
        int64_t number = (start + law->size_ms) / law->slide_ms;
        taking *at = &c->window[number];
        if (at->taken.count < law->result[c->key][number].count) {
            at->taken.count++;
            at->taken.sum += row->amount;
            at->behind = i + 1;
            continue;
        }
        if (at->before > i)
            at->before = i;
        if (start == last) {
            c->late[row->time_ms].count++;
            c->late[row->time_ms].sum += row->amount;
        }
    }
}

static bool windows_are_whole(const check *c, int64_t windows)
{
    uint32_t behind = 0;
    for (int64_t n = 0; n < windows; n++) {
        const taking *at = &c->window[n];
        mr_sim_cell got = c->law->result[c->key][n];
        int64_t start = n * c->law->slide_ms - c->law->size_ms;
        if (at->taken.count != got.count || at->taken.sum != got.sum) {
            snprintf(c->why, c->size,
                     "k%" PRIu32 "[%" PRId64 ",%" PRId64 ") counts %" PRId64 " rows of sum %" PRId64
                     ", the first %" PRId64 " sent have sum %" PRId64,
                     c->key, start, start + c->law->size_ms, got.count, got.sum, at->taken.count,
                     at->taken.sum);
            return false;
        }
        behind = at->behind > behind ? at->behind : behind;
        if (at->before < behind) {
            snprintf(c->why, c->size,
                     "k%" PRIu32 "[%" PRId64 ",%" PRId64 ") leaves out row %" PRIu32
                     " of its key, though row %" PRIu32 " found it or an earlier window open",
                     c->key, start, start + c->law->size_ms, at->before, behind - 1);
            return false;
        }
    }
    return true;
}

static bool late_rows_are_those(const check *c)
{
    for (int64_t t = 0; t < MR_SIM_TIME_MAX; t++) {
        mr_sim_cell got = c->law->late[c->key][t];
        if (got.count == c->late[t].count && got.sum == c->late[t].sum)
            continue;
        snprintf(c->why, c->size,
                 "k%" PRIu32 " at %" PRId64 ": %" PRId64 " rows (sum %" PRId64
                 ") missed their last window, %" PRId64 " (sum %" PRId64 ") are in the late rows",
                 c->key, t, c->late[t].count, c->late[t].sum, got.count, got.sum);
        return false;
    }
    return true;
}

bool mr_sim_windows_hold(const mr_sim_law *law, uint32_t key, char *why, size_t size)
{
    int64_t windows = (MR_SIM_TIME_MAX + law->size_ms) / law->slide_ms;
    windows = windows < MR_SIM_TIME_MAX ? windows : MR_SIM_TIME_MAX;
    check c = {.law = law, .key = key, .why = why, .size = size};
    c.window = calloc((size_t)windows, sizeof *c.window);
    c.late = calloc(MR_SIM_TIME_MAX, sizeof *c.late);
    MR_ASSERT(c.window != NULL && c.late != NULL);
    for (int64_t n = 0; n < windows; n++)
        c.window[n].before = UINT32_MAX;
    for (uint32_t i = 0; i < law->rows[key].count; i++)
        take(&c, i);
    bool holds = windows_are_whole(&c, windows) && late_rows_are_those(&c);
    free(c.window);
    free(c.late);
    return holds;
}
