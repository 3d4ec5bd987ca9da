#include "tests/sim/joins/join_history.h"

#include <stdlib.h>

#define BIG_ROWS_MULTIPLIED 1200
#define BIG_ROWS_PADDED 40000

static const char *const names[] = {
    "", "a", "ab", "a name that does not fit into sixteen bytes", "\xc3\xa4\xc3\xb6",
};

static int64_t between(uint64_t *random, int64_t low, int64_t high)
{
    return low + (int64_t)mr_history_draw(random, (uint32_t)(high - low + 1));
}

static void draw_job(mr_join_history *history, uint64_t *random)
{
    mr_join_oracle_job *job = &history->job;
    int64_t unit = mr_history_draw(random, 4) == 0 ? 1000 : between(random, 1, 20);
    job->lower_ms = between(random, -2 * unit, 2 * unit);
    job->upper_ms = job->lower_ms + between(random, 0, 3 * unit);
    job->is_left_outer = mr_history_draw(random, 2) == 0;
    job->is_self = mr_history_draw(random, 4) == 0;
    job->has_condition = mr_history_draw(random, 4) == 0;
    job->delay_ms = mr_history_draw(random, 3) == 0 ? 0 : between(random, 0, 2 * unit);
    job->inputs_count = (job->is_self ? 1 : 2) + mr_history_draw(random, 2);
    for (uint32_t i = 0; i < job->inputs_count; i++)
        job->table_of[i] = job->is_self ? 0 : i % 2;
    history->bucket_ms = between(random, 1, 2 * unit);
    history->time_side = mr_history_draw(random, 2);
    history->is_right_first = mr_history_draw(random, 2) == 0;
}

static mr_join_oracle_row draw_row(const mr_join_history *history, uint64_t *random, int64_t now,
                                   int64_t spread, uint32_t keys)
{
    mr_join_oracle_row row = {.id = history->rows_count,
                              .is_broken = mr_history_draw(random, 25) == 0,
                              .has_time = mr_history_draw(random, 25) != 0,
                              .time_ms = now - between(random, 0, spread),
                              .key = (int32_t)mr_history_draw(random, keys + 1) - 1,
                              .has_amount = mr_history_draw(random, 6) != 0,
                              .amount = between(random, -5, 5) * (INT64_C(1) << 40)};
    if (mr_history_draw(random, 6) != 0)
        row.name = names[mr_history_draw(random, sizeof names / sizeof names[0])];
    return row;
}

/* An input falls idle, comes back before its next row, or ends; false: this is not the time. Ended
 * ones stay so: rows behind the end of a whole table would be kept for a time that never comes. */
static bool draw_pause(mr_join_history *history, uint64_t *random, uint32_t input, bool *is_ended)
{
    mr_history_event *event = &history->events[history->events_count];
    event->input = input;
    if (!history->is_big && mr_history_draw(random, 24) == 0) {
        event->kind = MR_HISTORY_AWAKE;
    } else {
        if (mr_history_draw(random, history->is_big ? 500 : 12) != 0)
            return false;
        bool ends = !history->is_big && mr_history_draw(random, 6) == 0;
        event->kind = ends ? MR_HISTORY_END : MR_HISTORY_IDLE;
    }
    is_ended[input] = event->kind == MR_HISTORY_END;
    history->events_count++;
    return true;
}

static void draw_events(mr_join_history *history, uint64_t *random, uint32_t rows, uint32_t keys)
{
    const mr_join_oracle_job *job = &history->job;
    static const int64_t starts[] = {0, -50, INT64_C(1700000000000), -INT64_C(2000000000000)};
    int64_t now = starts[mr_history_draw(random, 4)];
    int64_t span = job->upper_ms - job->lower_ms;
    int64_t step = 1 + span / between(random, 1, 8);
    int64_t spread = job->delay_ms + (span + 2) * between(random, 0, 2);
    if (history->is_big && spread > job->delay_ms)
        spread = span + 10;
    int64_t offsets[MR_JOIN_ORACLE_INPUTS_MAX] = {0};
    bool is_ended[MR_JOIN_ORACLE_INPUTS_MAX] = {false};
    uint32_t input = 0, stay = history->is_big ? 400 : 1 + mr_history_draw(random, 6);
    for (uint32_t tries = 0; history->rows_count < rows && tries < 3 * rows; tries++) {
        if (mr_history_draw(random, stay) == 0)
            input = mr_history_draw(random, job->inputs_count);
        if (is_ended[input] || draw_pause(history, random, input, is_ended))
            continue;
        now += history->is_big ? mr_history_draw(random, 200) == 0 : between(random, 0, step);
        uint32_t number = history->rows_count;
        history->rows[number] = draw_row(history, random, now, spread, keys);
        history->rows[number].input = input;
        history->events[history->events_count++] =
            (mr_history_event){.input = input, .row = number, .offset = offsets[input]};
        offsets[input] += between(random, 1, 3);
        history->rows_count++;
    }
    for (uint32_t i = 0; i < job->inputs_count && mr_history_draw(random, 4) != 0; i++)
        if (!is_ended[i])
            history->events[history->events_count++] =
                (mr_history_event){.kind = MR_HISTORY_END, .input = i};
}

void mr_join_history_init(mr_join_history *history, uint64_t seed)
{
    uint64_t random = seed * UINT64_C(0x2545f4914f6cdd1d);
    *history = (mr_join_history){.is_big = seed % MR_JOIN_HISTORY_BIG_EVERY == 0};
    draw_job(history, &random);
    uint32_t rows = 1 + mr_history_draw(&random, 28), keys = 3;
    if (history->is_big) {
        bool multiplies = seed / MR_JOIN_HISTORY_BIG_EVERY % 2 == 0;
        rows = multiplies ? BIG_ROWS_MULTIPLIED : BIG_ROWS_PADDED;
        keys = multiplies ? 1 : INT32_MAX / 2;
        history->job.is_left_outer = history->job.is_left_outer || !multiplies;
        history->job.upper_ms += 40;
        if (multiplies) { /* nothing is late: all rows of one key meet */
            history->job.lower_ms = -100;
            history->job.upper_ms = 100;
            history->job.delay_ms = 1000;
        }
    }
    history->rows = calloc(rows, sizeof *history->rows);
    history->events = calloc((size_t)rows * 3 + 32, sizeof *history->events);
    if (history->rows == NULL || history->events == NULL)
        abort();
    draw_events(history, &random, rows, keys);
}

void mr_join_history_release(mr_join_history *history)
{
    free(history->rows);
    free(history->events);
}
