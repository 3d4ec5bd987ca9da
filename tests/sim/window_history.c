#include "tests/sim/window_history.h"

#include "engine/base/assert.h"
#include "engine/batch/record.h"
#include "engine/time/alignment.h"

#include <stdlib.h>
#include <string.h>

#define BIG_ROWS 30000
#define BIG_KEYS 60000
#define READ ((mr_history_event_kind)99) /* of an event that is taken */

static const char *const names[] = {
    "",
    "a",
    "ab",
    "abcd",
    "abce",
    "zz",
    "a name that does not fit into sixteen bytes",
    "a name that does not fit into sixteen byteS",
    "\xc3\xa4\xc3\xb6",
};

static const mr_oracle_aggregate sets[MR_HISTORY_SETS][MR_ORACLE_AGGREGATES_MAX] = {
    {
        {MR_ORACLE_COUNT, MR_ORACLE_STAR, false, false},
        {MR_ORACLE_COUNT, MR_ORACLE_AMOUNT, false, false},
        {MR_ORACLE_SUM, MR_ORACLE_AMOUNT, false, false},
        {MR_ORACLE_MIN, MR_ORACLE_AMOUNT, false, false},
        {MR_ORACLE_MAX, MR_ORACLE_AMOUNT, false, false},
        {MR_ORACLE_AVG, MR_ORACLE_AMOUNT, false, false},
        {MR_ORACLE_COUNT, MR_ORACLE_AMOUNT, true, false},
        {MR_ORACLE_COUNT, MR_ORACLE_STAR, false, true},
        {MR_ORACLE_SUM, MR_ORACLE_AMOUNT, false, true},
        {MR_ORACLE_SUM, MR_ORACLE_AMOUNT, true, true},
        {MR_ORACLE_COUNT, MR_ORACLE_NAME, true, true},
        {MR_ORACLE_MIN, MR_ORACLE_NAME, false, false},
        {MR_ORACLE_MAX, MR_ORACLE_NAME, false, false},
    },
    {
        {MR_ORACLE_COUNT, MR_ORACLE_STAR, false, false},
        {MR_ORACLE_SUM, MR_ORACLE_PRICE, false, false},
        {MR_ORACLE_MIN, MR_ORACLE_PRICE, false, false},
        {MR_ORACLE_MAX, MR_ORACLE_PRICE, false, true},
        {MR_ORACLE_AVG, MR_ORACLE_PRICE, false, false},
        {MR_ORACLE_AVG, MR_ORACLE_PRICE, true, true},
        {MR_ORACLE_COUNT, MR_ORACLE_PRICE, true, false},
        {MR_ORACLE_COUNT, MR_ORACLE_RATIO, false, true},
        {MR_ORACLE_SUM, MR_ORACLE_RATIO, false, false},
        {MR_ORACLE_MIN, MR_ORACLE_RATIO, false, true},
        {MR_ORACLE_MAX, MR_ORACLE_RATIO, false, false},
        {MR_ORACLE_AVG, MR_ORACLE_RATIO, false, true},
        {MR_ORACLE_SUM, MR_ORACLE_RATIO, true, false},
    },
    {
        {MR_ORACLE_COUNT, MR_ORACLE_STAR, false, false},
        {MR_ORACLE_MIN, MR_ORACLE_DAY, false, false},
        {MR_ORACLE_MAX, MR_ORACLE_DAY, false, true},
        {MR_ORACLE_COUNT, MR_ORACLE_DAY, true, false},
        {MR_ORACLE_MIN, MR_ORACLE_MOMENT, false, true},
        {MR_ORACLE_MAX, MR_ORACLE_MOMENT, false, false},
        {MR_ORACLE_COUNT, MR_ORACLE_MOMENT, true, true},
        {MR_ORACLE_COUNT, MR_ORACLE_FLAG, false, false},
        {MR_ORACLE_MIN, MR_ORACLE_FLAG, false, false},
        {MR_ORACLE_MAX, MR_ORACLE_FLAG, false, false},
        {MR_ORACLE_COUNT, MR_ORACLE_FLAG, true, false},
        {MR_ORACLE_COUNT, MR_ORACLE_NAME, true, false},
        {MR_ORACLE_MAX, MR_ORACLE_NAME, false, true},
    },
};

const mr_oracle_aggregate *mr_history_aggregates(uint32_t set)
{
    return sets[set];
}

uint64_t mr_history_random(uint64_t *state)
{
    uint64_t z = (*state += UINT64_C(0x9e3779b97f4a7c15));
    z = (z ^ (z >> 30)) * UINT64_C(0xbf58476d1ce4e5b9);
    z = (z ^ (z >> 27)) * UINT64_C(0x94d049bb133111eb);
    return z ^ (z >> 31);
}

uint32_t mr_history_draw(uint64_t *state, uint32_t below)
{
    return (uint32_t)(mr_history_random(state) % below);
}

static int64_t between(uint64_t *random, int64_t low, int64_t high)
{
    return low + (int64_t)mr_history_draw(random, (uint32_t)(high - low + 1));
}

static mr_oracle_job draw_job(uint64_t *random, int kind)
{
    mr_oracle_job job = {.kind = (mr_oracle_kind)mr_history_draw(random, 5)};
    if (kind != MR_HISTORY_ANY)
        job.kind = (mr_oracle_kind)kind;
    int64_t unit = mr_history_draw(random, 4) == 0 ? 1000 : between(random, 1, 20);
    job.slide_ms = unit;
    job.size_ms = job.kind == MR_ORACLE_TUMBLE ? unit : unit * between(random, 1, 6);
    if (mr_history_draw(random, 2) == 0)
        job.offset_ms = between(random, -3 * unit, 3 * unit);
    job.delay_ms = mr_history_draw(random, 3) == 0 ? 0 : between(random, 0, 2 * unit);
    job.ttl_ms = mr_history_draw(random, 2) == 0 ? 0 : between(random, 1, 4 * unit);
    /* Minutes are the buckets of deduplication. */
    if (job.kind == MR_ORACLE_FIRST && mr_history_draw(random, 3) == 0)
        job.ttl_ms *= 10000;
    job.inputs_count = 1 + mr_history_draw(random, 3);
    job.aggregates = mr_history_aggregates(mr_history_draw(random, MR_HISTORY_SETS));
    job.aggregates_count = MR_ORACLE_AGGREGATES_MAX;
    return job;
}

/* Few values of each, so that they meet; on both sides of 0 and of 1970. */
void mr_history_draw_values(uint64_t *random, mr_oracle_row *row)
{
    static const int64_t units[] = {1, 333, INT64_C(99999999999)};
    row->has_amount = mr_history_draw(random, 6) != 0;
    row->amount = between(random, -5, 5);
    row->flag = (int8_t)((int)mr_history_draw(random, 3) - 1);
    row->name = NULL;
    if (mr_history_draw(random, 6) != 0)
        row->name = names[mr_history_draw(random, sizeof names / sizeof names[0])];
    row->has_price = mr_history_draw(random, 6) != 0;
    row->price = between(random, -5, 5) * (mr_oracle_wide)units[mr_history_draw(random, 3)];
    if (mr_history_draw(random, 4) == 0) /* beyond 64 bits */
        row->price *= INT64_C(100000000000007);
    row->has_ratio = mr_history_draw(random, 6) != 0;
    row->ratio =
        (double)(between(random, -7, 7) * (mr_history_draw(random, 2) == 0 ? 1 : 99991)) / 8;
    row->has_day = mr_history_draw(random, 6) != 0;
    row->day = (int32_t)between(random, -3, 3) * (mr_history_draw(random, 2) == 0 ? 1 : 100000);
    row->has_moment = mr_history_draw(random, 6) != 0;
    row->moment = between(random, -3, 3) * units[mr_history_draw(random, 3)];
}

static mr_oracle_row draw_row(mr_history *history, uint64_t *random, int64_t now, int64_t spread)
{
    uint32_t keys = history->is_big ? BIG_KEYS : 4;
    mr_oracle_row row = {.id = history->rows_count,
                         .is_broken = mr_history_draw(random, 25) == 0,
                         .has_time = mr_history_draw(random, 25) != 0,
                         .time_ms = now - between(random, 0, spread),
                         .key = (int32_t)mr_history_draw(random, keys + 1) - 1};
    mr_history_draw_values(random, &row);
    return row;
}

static void draw_events(mr_history *history, uint64_t *random, uint32_t rows)
{
    const mr_oracle_job *job = &history->job;
    static const int64_t starts[] = {0, -50, INT64_C(1700000000000), -INT64_C(2000000000000)};
    int64_t now = starts[mr_history_draw(random, 4)];
    int64_t step = 1 + job->slide_ms / between(random, 1, 8);
    int64_t spread = job->delay_ms + job->size_ms * between(random, 0, 2);
    int64_t offsets[MR_ORACLE_INPUTS_MAX] = {0};
    uint32_t input = 0, stay = history->is_big ? 2000 : 1 + mr_history_draw(random, 6);
    bool is_ended[MR_ORACLE_INPUTS_MAX] = {false};
    while (history->rows_count < rows) {
        mr_history_event *event = &history->events[history->events_count];
        if (mr_history_draw(random, stay) == 0)
            input = mr_history_draw(random, job->inputs_count);
        bool wakes = job->inputs_count > 1 && mr_history_draw(random, 24) == 0;
        if (is_ended[input] && input != 0 && !wakes)
            continue;
        if (wakes ||
            (job->inputs_count > 1 && mr_history_draw(random, history->is_big ? 2000 : 12) == 0)) {
            bool ends = !wakes && input != 0 && mr_history_draw(random, 4) == 0;
            *event = (mr_history_event){.kind = wakes  ? MR_HISTORY_AWAKE
                                                : ends ? MR_HISTORY_END
                                                       : MR_HISTORY_IDLE,
                                        .input = input};
            is_ended[input] = ends;
            history->events_count++;
            if (history->events_count + rows + MR_ORACLE_INPUTS_MAX > 3 * rows + 16)
                return;
            continue;
        }
        now += history->is_big ? mr_history_draw(random, 5000) == 0 ? job->size_ms : 0
                               : between(random, 0, step);
        uint32_t number = history->rows_count;
        history->rows[number] = draw_row(history, random, now, spread);
        history->rows[number].input = input;
        *event = (mr_history_event){.input = input, .row = number, .offset = offsets[input]};
        offsets[input] += between(random, 1, 3);
        history->rows_count++;
        history->events_count++;
    }
}

/* The next event of an input that is not read yet; UINT32_MAX: there is none. */
static uint32_t find_next(const mr_history_event *events, uint32_t count, uint32_t input)
{
    for (uint32_t e = 0; e < count; e++)
        if (events[e].input == input && events[e].kind != READ)
            return e;
    return UINT32_MAX;
}

/* The same events of each input in the order in which a worker that aligns them reads them. */
static void align_events(mr_history *history, uint64_t *random)
{
    mr_aligned_input inputs[MR_ORACLE_INPUTS_MAX];
    int64_t low, drift_ms = between(random, 1, 2 * history->job.size_ms);
    uint32_t count = history->events_count;
    mr_history_event *from = calloc(count + 1, sizeof *from);
    MR_ASSERT(from != NULL);
    memcpy(from, history->events, count * sizeof *from);
    for (uint32_t i = 0; i < history->job.inputs_count; i++)
        inputs[i] = (mr_aligned_input){.watermark_ms = MR_TIME_NONE, .drift_max_ms = drift_ms};
    for (uint32_t e = 0; e < count;) {
        for (uint32_t i = 0; i < history->job.inputs_count; i++)
            inputs[i].has_more = find_next(from, count, i) != UINT32_MAX;
        uint32_t held = mr_alignment_judge(inputs, history->job.inputs_count, &low, 1);
        MR_ASSERT(held < history->job.inputs_count); /* somebody may always be read */
        uint32_t i = mr_history_draw(random, history->job.inputs_count);
        if (inputs[i].is_held || !inputs[i].has_more)
            continue;
        mr_history_event *next = &from[find_next(from, count, i)];
        history->events[e++] = *next;
        const mr_oracle_row *row = &history->rows[next->row];
        int64_t mark = row->time_ms - history->job.delay_ms;
        if (next->kind == MR_HISTORY_ROW && row->has_time && !row->is_broken &&
            mark > inputs[i].watermark_ms)
            inputs[i].watermark_ms = mark;
        next->kind = READ;
    }
    free(from);
}

void mr_history_init(mr_history *history, uint64_t seed, int kind)
{
    uint64_t random = seed * UINT64_C(0x2545f4914f6cdd1d);
    *history =
        (mr_history){.is_big = seed % MR_HISTORY_BIG_EVERY == 0, .job = draw_job(&random, kind)};
    uint32_t rows = history->is_big ? BIG_ROWS : 1 + mr_history_draw(&random, 24);
    history->rows = calloc(rows, sizeof *history->rows);
    history->events = calloc((size_t)rows * 3 + 32, sizeof *history->events);
    if (history->rows == NULL || history->events == NULL)
        abort();
    draw_events(history, &random, rows);
    if (seed % 4 == 2 && !history->is_big && history->job.inputs_count > 1)
        align_events(history, &random);
    if (mr_history_draw(&random, 2) == 0 && !history->is_big)
        return;
    for (uint32_t i = 0; i < history->job.inputs_count; i++)
        history->events[history->events_count++] =
            (mr_history_event){.kind = MR_HISTORY_END, .input = i};
}

void mr_history_release(mr_history *history)
{
    free(history->rows);
    free(history->events);
}
