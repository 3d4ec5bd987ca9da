#include "tests/sim/exchange/exchange_case.h"

#include "engine/base/assert.h"

#include <stdlib.h>
#include <string.h>

#define PHASES_MAX 4
#define PHASE_ROWS_MAX 8
#define TRIES 12

static int64_t between(uint64_t *random, int64_t low, int64_t high)
{
    return low + (int64_t)mr_history_draw(random, (uint32_t)(high - low + 1));
}

/* ---- any stream, dealt out to the upstreams ---- */

static void deal(mr_exchange_case *c)
{
    const mr_history *history = &c->history;
    for (uint32_t u = 0; u < c->upstreams; u++)
        c->events[u] = calloc(history->events_count + MR_ORACLE_INPUTS_MAX, sizeof *c->events[u]);
    for (uint32_t e = 0; e < history->events_count; e++) {
        uint32_t u = history->events[e].input % c->upstreams;
        mr_exchange_case_event *to = &c->events[u][c->events_count[u]++];
        to->event = history->events[e];
        to->event.input /= c->upstreams;
    }
    for (uint32_t u = 0; u < c->upstreams; u++)
        c->inputs[u] = (c->job.inputs_count - u + c->upstreams - 1) / c->upstreams;
    /* The law is told of windows that have fired: all. */
    for (uint32_t u = 0; c->kind == MR_CASE_ANY && u < c->upstreams; u++)
        for (uint32_t i = 0; i < c->inputs[u]; i++)
            c->events[u][c->events_count[u]++] =
                (mr_exchange_case_event){.event = {.kind = MR_HISTORY_END, .input = i}};
}

static void tell_history(mr_exchange_case *c)
{
    for (uint32_t e = 0; e < c->history.events_count; e++) {
        const mr_history_event *event = &c->history.events[e];
        switch (event->kind) {
        case MR_HISTORY_ROW: mr_oracle_take(&c->oracle, &c->history.rows[event->row]); break;
        case MR_HISTORY_IDLE: mr_oracle_idle(&c->oracle, event->input); break;
        case MR_HISTORY_END: mr_oracle_end(&c->oracle, event->input); break;
        case MR_HISTORY_AWAKE: mr_oracle_awake(&c->oracle, event->input); break;
        }
    }
}

/* ---- streams whose split is fixed ---- */

/* How many windows of a time are open under a watermark: they are its last ones. */
static uint32_t open_windows(const mr_oracle_job *job, int64_t time, int64_t watermark)
{
    int64_t step = job->kind == MR_ORACLE_TUMBLE ? job->size_ms : job->slide_ms;
    int64_t rest = (time - job->offset_ms) % step, big = (time - job->offset_ms) % job->size_ms;
    int64_t piece = time - (rest < 0 ? rest + step : rest);
    int64_t whole = time - (big < 0 ? big + job->size_ms : big);
    int64_t last = (job->kind == MR_ORACLE_CUMULATE ? whole : piece) + job->size_ms;
    uint32_t count = 0;
    for (int64_t end = piece + step; end <= last; end += step)
        count += watermark == MR_ORACLE_NONE || watermark < end - 1;
    return count;
}

typedef struct stream {
    int64_t watermark_ms;
    int64_t offset;
} stream;

static void add_row(mr_exchange_case *c, uint32_t u, stream *at, mr_oracle_row row)
{
    mr_history *history = &c->history;
    uint32_t number = history->rows_count++;
    row.id = number;
    row.input = 0; /* of the oracle; its input 1 stands for the others */
    history->rows[number] = row;
    c->events[u][c->events_count[u]++] =
        (mr_exchange_case_event){.event = {.row = number, .offset = at->offset++}};
    if (!row.is_broken && row.has_time && row.time_ms - c->job.delay_ms > at->watermark_ms)
        at->watermark_ms = row.time_ms - c->job.delay_ms;
    mr_oracle_take(&c->oracle, &history->rows[number]);
}

static mr_oracle_row draw_row(uint64_t *random)
{
    mr_oracle_row row = {.is_broken = mr_history_draw(random, 30) == 0,
                         .has_time = mr_history_draw(random, 30) != 0,
                         .key = (int32_t)mr_history_draw(random, 6) - 1};
    mr_history_draw_values(random, &row);
    return row;
}

/* Rows around `base`, each judged alike by the barrier's watermark and by its upstream's. */
static void draw_phase(mr_exchange_case *c, uint64_t *random, uint32_t u, stream *at, int64_t base,
                       int64_t barrier_ms)
{
    int64_t spread = 3 * c->job.size_ms + c->job.delay_ms;
    uint32_t rows = mr_history_draw(random, PHASE_ROWS_MAX + 1);
    for (uint32_t i = 0; i < rows; i++) {
        mr_oracle_row row = draw_row(random);
        for (uint32_t tries = 0; tries < TRIES; tries++) {
            row.time_ms = base + between(random, -spread, spread);
            if (open_windows(&c->job, row.time_ms, barrier_ms) ==
                open_windows(&c->job, row.time_ms, at->watermark_ms)) {
                add_row(c, u, at, row);
                break;
            }
        }
    }
}

/* The oracle judges by the barrier alone: its second input holds it there. */
static void hold_oracle(mr_exchange_case *c, int64_t barrier_ms)
{
    c->oracle.input_ms[1] = c->oracle.watermark_ms = barrier_ms;
}

static void draw_fixed(mr_exchange_case *c, uint64_t *random)
{
    stream streams[MR_CASE_UPSTREAMS_MAX];
    uint32_t phases = 1 + mr_history_draw(random, PHASES_MAX);
    uint32_t rows = c->upstreams * phases * (PHASE_ROWS_MAX + 1);
    int64_t base = mr_history_draw(random, 2) == 0 ? 0 : INT64_C(1700000000000);
    int64_t barrier = MR_ORACLE_NONE;
    c->history.rows_count = c->history.events_count = 0;
    free(c->history.rows);
    c->history.rows = calloc(rows, sizeof *c->history.rows);
    MR_ASSERT(c->history.rows != NULL);
    for (uint32_t u = 0; u < c->upstreams; u++) {
        c->inputs[u] = 1;
        c->events[u] = calloc(rows + 2 * phases + 2, sizeof *c->events[u]);
        MR_ASSERT(c->events[u] != NULL);
        streams[u] = (stream){.watermark_ms = MR_ORACLE_NONE};
    }
    for (uint32_t p = 0; p < phases; p++) {
        hold_oracle(c, barrier);
        for (uint32_t u = 0; u < c->upstreams; u++)
            draw_phase(c, random, u, &streams[u], base, barrier);
        base += between(random, 0, 5 * c->job.size_ms);
        int64_t lowest = INT64_MAX;
        for (uint32_t u = 0; u < c->upstreams; u++) { /* one row that is on time whatever comes */
            mr_oracle_row row = draw_row(random);
            int64_t least = streams[u].watermark_ms > base ? streams[u].watermark_ms : base;
            row.is_broken = false;
            row.has_time = true;
            row.time_ms = least + c->job.delay_ms + 1 + between(random, 0, c->job.size_ms);
            add_row(c, u, &streams[u], row);
            c->events[u][c->events_count[u]++] = (mr_exchange_case_event){.is_barrier = true};
            lowest = streams[u].watermark_ms < lowest ? streams[u].watermark_ms : lowest;
        }
        barrier = lowest;
    }
    for (uint32_t u = 0; u < c->upstreams; u++)
        c->events[u][c->events_count[u]++] =
            (mr_exchange_case_event){.event = {.kind = MR_HISTORY_END}};
    mr_oracle_end(&c->oracle, 0);
    mr_oracle_end(&c->oracle, 1);
}

/* ---- cases ---- */

void mr_exchange_case_init(mr_exchange_case *c, mr_exchange_case_kind kind, uint64_t seed)
{
    static const uint32_t downstreams[] = {1, 2, 3, 8};
    uint64_t random = seed * UINT64_C(0xd1342543de82ef95);
    *c = (mr_exchange_case){.kind = kind};
    int job = kind == MR_CASE_FIXED ? (int)mr_history_draw(&random, 3)
              : kind == MR_CASE_ANY ? MR_ORACLE_TUMBLE
                                    : MR_HISTORY_ANY;
    /* No big histories: there the oracle is slow, and every task here is run at once. */
    mr_history_init(&c->history, seed * 2 * MR_HISTORY_BIG_EVERY + 1 + seed % 4999, job);
    c->job = c->history.job;
    c->downstreams = downstreams[mr_history_draw(&random, 4)];
    bool is_on_grid = c->job.kind != MR_ORACLE_FIRST && c->job.kind != MR_ORACLE_SESSION;
    c->has_partials = is_on_grid && mr_history_draw(&random, 4) != 0;
    c->upstreams = kind == MR_CASE_FIXED ? 2 + mr_history_draw(&random, 3)
                   : kind == MR_CASE_ANY ? c->job.inputs_count
                                         : 1;
    if (kind == MR_CASE_FIXED)
        c->job.inputs_count = 2; /* the oracle's */
    mr_oracle_init(&c->oracle, &c->job);
    if (kind == MR_CASE_FIXED) {
        draw_fixed(c, &random);
        return;
    }
    deal(c);
    if (kind == MR_CASE_ONE)
        tell_history(c);
}

void mr_exchange_case_release(mr_exchange_case *c)
{
    for (uint32_t u = 0; u < c->upstreams; u++)
        free(c->events[u]);
    mr_history_release(&c->history);
    mr_oracle_release(&c->oracle);
}
