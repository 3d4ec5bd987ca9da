/* Goal: the operator holds what live sessions need and no more, goes on in the middle of a fire,
 * and shows bounds as wall clocks. Method: the plan of sim_windows through the real task. */
#include "engine/commit/delta.h"
#include "engine/expr/zone.h"
#include "engine/run/task.h"
#include "tests/sim/window_history.h"
#include "tests/sim/window_plan.h"

#include <criterion/criterion.h>
#include <stdio.h>
#include <stdlib.h>

#define ROWS_MAX 4096
#define COUNTERS_MAX 64

typedef struct kept_sink {
    mr_sink base;
    uint64_t rows, sum_of_counts, hash;
    int64_t start_ms, end_ms, event_time_ms; /* of the last row */
} kept_sink;

typedef struct fixture {
    mr_budget budget;
    mr_window_plan plan;
    kept_sink results, late;
    mr_sink *sinks[2];
    mr_task_io io;
    mr_task *task;
    mr_oracle_row rows[ROWS_MAX];
    mr_record records[ROWS_MAX];
    mr_buffer committed;
    mr_epoch_input input;
    int64_t source_watermark_ms;
    uint64_t counters[COUNTERS_MAX];
    uint32_t counters_count;
} fixture;

static mr_status keep(mr_sink *sink, const mr_sink_write *context, const mr_batch *batch,
                      mr_row_errors *errors, mr_error *err)
{
    (void)context;
    (void)errors;
    (void)err;
    kept_sink *self = (kept_sink *)sink;
    for (uint32_t i = 0; i < batch->selected; i++) {
        uint32_t row = mr_batch_row(batch, i);
        mr_string key = batch->columns[0].lane == MR_LANE_STRING ? batch->columns[0].strings[row]
                                                                 : mr_string_of("", 0);
        self->rows++;
        self->sum_of_counts += (uint64_t)batch->columns[3].i64[row];
        self->start_ms = batch->columns[1].i64[row] / 1000;
        self->end_ms = batch->columns[2].i64[row] / 1000;
        self->event_time_ms = batch->event_time != NULL ? batch->event_time[row] : MR_TIME_NONE;
        for (uint32_t c = 0; c < key.length; c++) /* the order counts, too */
            self->hash = self->hash * 31 + (unsigned char)key.bytes[c];
        self->hash = self->hash * 31 + (uint64_t)self->end_ms;
    }
    return MR_OK;
}

static int64_t still(const mr_clock *clock)
{
    (void)clock;
    return 0;
}

static const mr_clock still_clock = {.wall_ms = still, .monotonic_us = still};
static const mr_sink_class keeping = {.write = keep};

static void start(fixture *f)
{
    mr_error err = {0};
    cr_assert(mr_task_new(&f->plan.plan, 0, &f->budget, &f->io, &f->task, &err) == MR_OK);
    mr_reader from = mr_reader_of(f->committed.data, f->committed.length);
    mr_store_change change;
    while (mr_delta_next_change(&from, &change))
        cr_assert(mr_state_load(mr_task_state(f->task), &change, &err) == MR_OK);
    mr_state_mark_clean(mr_task_state(f->task));
    mr_task_add_input(f->task, &f->input, 0);
    mr_epoch_record record = {.sources_count = 1,
                              .source_watermarks_ms = &f->source_watermark_ms,
                              .counters_count = f->counters_count,
                              .counters = f->counters};
    cr_assert(mr_task_restored(f->task, &record, &err) == MR_OK);
}

static fixture *set_up(int64_t gap_ms)
{
    mr_oracle_job job = {.kind = MR_ORACLE_SESSION,
                         .size_ms = gap_ms,
                         .inputs_count = 1,
                         .aggregates = mr_history_aggregates(0),
                         .aggregates_count = MR_ORACLE_AGGREGATES_MAX};
    fixture *f = calloc(1, sizeof *f);
    mr_window_plan_init(&f->plan, &job);
    f->results.base.class = &keeping;
    f->late.base.class = &keeping;
    f->sinks[0] = &f->results.base;
    f->sinks[1] = &f->late.base;
    f->io = (mr_task_io){.sinks = f->sinks, .job = "sessions", .clock = &still_clock};
    f->input =
        (mr_epoch_input){.source = "in", .topic = "in", .watermark = {.value_ms = MR_TIME_NONE}};
    f->source_watermark_ms = MR_TIME_NONE;
    return f;
}

static void tear_down(fixture *f)
{
    mr_task_free(f->task);
    mr_buffer_release(&f->committed);
    cr_assert(mr_budget_used(&f->budget) == 0);
    free(f);
}

static mr_status put_change(void *context, const mr_store_change *change, mr_error *err)
{
    (void)err;
    mr_delta_put_change(context, change);
    return MR_OK;
}

static void commit(fixture *f)
{
    mr_error err = {0};
    mr_state *state = mr_task_state(f->task);
    cr_assert(mr_state_changes(state, put_change, &f->committed, &err) == MR_OK);
    mr_state_mark_clean(state);
    const mr_task_input *input = mr_task_input_at(f->task, 0);
    f->input.offset_next = input->offset_next;
    f->input.watermark = input->watermark;
    f->input.is_ended = input->is_ended;
    f->source_watermark_ms = mr_task_source_watermark(f->task, 0);
    f->counters_count = mr_task_counters(f->task, f->counters, COUNTERS_MAX);
    mr_task_mark_committed(f->task);
}

/* One call; true: there is more to do. */
static bool advance(fixture *f)
{
    mr_progress progress;
    mr_error err = {0};
    cr_assert(mr_task_advance(f->task, &progress, &err) == MR_OK);
    return progress == MR_MORE;
}

static void push(fixture *f, uint32_t count)
{
    mr_error err = {0};
    int64_t offset = mr_task_input_at(f->task, 0)->offset_next;
    for (uint32_t i = 0; i < count; i++)
        f->records[i] = (mr_record){.offset = offset + i,
                                    .timestamp_ms = MR_TIME_NONE,
                                    .value = (const char *)&f->rows[i],
                                    .value_length = sizeof f->rows[i]};
    mr_records records = {.topic = "in", .count = count, .record = f->records};
    cr_assert(mr_task_on_records(f->task, 0, &records, &err) == MR_OK);
}

Test(session_aggregate, strings_that_min_gave_up_are_swept)
{
    enum { BATCHES = 60 };
    fixture *f = set_up(1000);
    static char names[ROWS_MAX][40];
    start(f);
    int64_t held = 0;
    for (uint32_t b = 0; b < BATCHES; b++) {
        for (uint32_t i = 0; i < ROWS_MAX; i++) { /* one session; each row has a lower name */
            uint32_t number = b * ROWS_MAX + i;
            snprintf(names[i], sizeof names[i], "%039u", BATCHES * ROWS_MAX - number);
            f->rows[i] = (mr_oracle_row){
                .id = number, .has_time = true, .time_ms = number, .key = 1, .name = names[i]};
        }
        push(f, ROWS_MAX);
        while (advance(f))
            ;
        commit(f);
        mr_buffer_clear(&f->committed);
        if (b == 10)
            held = mr_budget_used(&f->budget);
    }
    cr_assert(mr_budget_used(&f->budget) <= held + 256 * 1024, "%ld, then %ld", (long)held,
              (long)mr_budget_used(&f->budget));
    cr_assert(f->results.rows == 0);
    tear_down(f);
}

/* All keys end together, or each by itself; killed behind every call, or never. */
static uint64_t fire(bool ends_together, bool is_killed, uint32_t *calls)
{
    enum { BATCHES = 12 };
    fixture *f = set_up(1000);
    start(f);
    for (uint32_t b = 0; b < BATCHES; b++) {
        for (uint32_t i = 0; i < ROWS_MAX; i++)
            f->rows[i] = (mr_oracle_row){.id = i,
                                         .has_time = true,
                                         .time_ms = ends_together ? 0 : -(int64_t)(i * 37 % 500),
                                         .key = (int32_t)(b * ROWS_MAX + i)};
        push(f, ROWS_MAX);
        while (advance(f))
            ;
    }
    mr_task_on_end(f->task, 0);
    for (*calls = 1; advance(f); ++*calls) {
        if (!is_killed)
            continue;
        commit(f);
        mr_task_free(f->task);
        start(f);
    }
    cr_assert(f->results.rows == BATCHES * ROWS_MAX, "%lu", (unsigned long)f->results.rows);
    cr_assert(f->results.sum_of_counts == BATCHES * ROWS_MAX);
    uint64_t hash = f->results.hash;
    tear_down(f);
    return hash;
}

Test(session_aggregate, a_large_fire_goes_on_where_it_stood_in_the_same_order)
{
    for (int ends_together = 0; ends_together < 2; ends_together++) {
        uint32_t calls, calls_killed;
        uint64_t whole = fire(ends_together, false, &calls);
        uint64_t killed = fire(ends_together, true, &calls_killed);
        cr_assert(calls >= 3 && calls_killed >= 3, "%u %u", calls, calls_killed);
        cr_assert(whole == killed);
    }
}

Test(session_aggregate, bounds_are_wall_clocks_and_event_time_is_an_instant)
{
    mr_error err = {0};
    mr_zone *zone;
    cr_assert(mr_zone_of_offset("-05:30", &zone, &err) == MR_OK);
    fixture *f = set_up(1000);
    f->plan.window.is_local = true;
    f->plan.plan.expr.zone = zone;
    start(f);
    f->rows[0] = (mr_oracle_row){.has_time = true, .time_ms = 1, .key = 1};
    push(f, 1);
    mr_task_on_end(f->task, 0);
    while (advance(f))
        ;
    int64_t shift = -(5 * 60 + 30) * INT64_C(60000);
    cr_assert(f->results.rows == 1);
    cr_assert(f->results.start_ms == 1 + shift && f->results.end_ms == 1001 + shift);
    cr_assert(f->results.event_time_ms == 1000);
    tear_down(f);
    mr_zone_free(zone);
}

Test(session_aggregate, times_that_no_session_can_hold_die)
{
    fixture *f = set_up(1000);
    start(f);
    f->rows[0] = (mr_oracle_row){.has_time = true, .time_ms = INT64_MAX / 1000 - 1, .key = 1};
    f->rows[1] = (mr_oracle_row){.has_time = true, .time_ms = 5, .key = 1};
    f->plan.delay_ms = 0;
    push(f, 2);
    while (advance(f))
        ;
    mr_operator_counts counts = mr_graph_node_counts(mr_task_graph(f->task), 0);
    cr_assert(counts.dead == 1 && counts.rows_in == 2 && counts.late == 1);
    tear_down(f);
}
