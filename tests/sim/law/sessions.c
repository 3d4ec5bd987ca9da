#include "tests/sim/law/sessions.h"

#include "engine/base/assert.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

typedef struct session {
    int64_t start, last; /* times of its first and last row; it ends a gap behind the last */
    mr_sim_cell cell;
} session;

typedef struct check {
    const mr_sim_law *law;
    uint32_t key;
    session *open;
    uint32_t open_count, open_room;
    mr_sim_rows late; /* not used so far */
    int64_t results;  /* used so far */
    char *why;
    size_t size;
} check;

static bool is_result(const check *c, const session *s)
{
    mr_sim_cell got = c->law->result[c->key][s->last];
    return c->law->results[c->key][s->last] != 0 && c->law->start[c->key][s->last] == s->start &&
           got.count == s->cell.count && got.sum == s->cell.sum;
}

/* Takes session `i` out of the open ones. */
static session take_out(check *c, uint32_t i)
{
    session s = c->open[i];
    c->open[i] = c->open[--c->open_count];
    return s;
}

static void put_in(check *c, session s)
{
    if (c->open_count == c->open_room) {
        c->open_room = c->open_room != 0 ? c->open_room * 2 : 8;
        c->open = realloc(c->open, c->open_room * sizeof *c->open);
        MR_ASSERT(c->open != NULL);
    }
    c->open[c->open_count++] = s;
}

static void take_row(check *c, const mr_sim_row *row)
{
    session mine = {row->time_ms, row->time_ms, {1, row->amount}};
    int64_t gap = c->law->size_ms;
    for (uint32_t i = 0; i < c->open_count;) {
        const session *s = &c->open[i];
        if (row->time_ms > s->last + gap || row->time_ms + gap < s->start) {
            i++;
            continue;
        }
        bool is_closed = is_result(c, s);
        session touched = take_out(c, i);
        if (is_closed) {
            c->results++;
            continue;
        }
        mine.start = touched.start < mine.start ? touched.start : mine.start;
        mine.last = touched.last > mine.last ? touched.last : mine.last;
        mine.cell.count += touched.cell.count;
        mine.cell.sum += touched.cell.sum;
    }
    if (mine.cell.count > 1 || !mr_sim_rows_take(&c->late, row->time_ms, row->amount))
        put_in(c, mine);
}

/* Those that no row touched any more. */
static bool close_rest(check *c)
{
    for (uint32_t i = 0; i < c->open_count; i++) {
        const session *s = &c->open[i];
        c->results++;
        if (is_result(c, s))
            continue;
        mr_sim_cell got = c->law->result[c->key][s->last];
        snprintf(c->why, c->size,
                 "k%" PRIu32 "[%" PRId64 ",%" PRId64 "): %" PRId64 " rows of sum %" PRId64
                 " make a session; a result that ends there starts at %" PRId64 ", with %" PRId64
                 " rows of sum %" PRId64,
                 c->key, s->start, s->last + c->law->size_ms, s->cell.count, s->cell.sum,
                 c->law->start[c->key][s->last], got.count, got.sum);
        return false;
    }
    return true;
}

/* Nothing came that no rows account for. */
static bool is_used_up(const check *c)
{
    int64_t results = 0;
    for (int64_t t = 0; t < MR_SIM_TIME_MAX; t++)
        results += c->law->results[c->key][t];
    if (results == c->results && c->late.count == 0)
        return true;
    snprintf(c->why, c->size,
             "k%" PRIu32 ": %" PRId64 " results, but the rows make %" PRId64 " sessions; %" PRIu32
             " late rows too many",
             c->key, results, c->results, c->late.count);
    return false;
}

bool mr_sim_sessions_hold(const mr_sim_law *law, uint32_t key, char *why, size_t size)
{
    check c = {.law = law, .key = key, .why = why, .size = size};
    mr_sim_rows_copy(&c.late, &law->late_rows[key]);
    for (uint32_t i = 0; i < law->rows[key].count; i++)
        take_row(&c, &law->rows[key].row[i]);
    bool holds = close_rest(&c) && is_used_up(&c);
    free(c.open);
    mr_sim_rows_release(&c.late);
    return holds;
}
