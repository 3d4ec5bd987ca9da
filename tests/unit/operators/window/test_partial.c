/*
 * Goal: before an exchange only rows are grouped whose windows are all open for certain, all others
 * go on as they came; behind it a group that no window can take is refused, not lost.
 * Method: the plans of sim_exchange by hand: batches into the first stage's task and into the
 * second stage's graph. (That both together give what one stage gives is sim_exchange's to show.)
 */
#include "engine/run/task.h"
#include "operators/window/partials.h"
#include "tests/sim/exchange/exchange_plan.h"
#include "tests/sim/window_lines.h"

#include <criterion/criterion.h>
#include <stdlib.h>

#define ROWS_MAX 8

/* What a sink of stage 1 was given in all. */
typedef struct seen_sink {
    mr_sink base;
    uint32_t rows, batches;
    int64_t slice[ROWS_MAX], count[ROWS_MAX];  /* partials */
    int64_t id[ROWS_MAX], watermark[ROWS_MAX]; /* raw rows */
} seen_sink;

static mr_status see_partials(mr_sink *sink, const mr_sink_write *context, const mr_batch *batch,
                              mr_row_errors *errors, mr_error *err)
{
    (void)context;
    (void)errors;
    (void)err;
    seen_sink *self = (seen_sink *)sink;
    self->batches++;
    for (uint32_t i = 0; i < batch->selected; i++) {
        self->slice[self->rows] = batch->columns[1].i64[mr_batch_row(batch, i)];
        self->count[self->rows++] = batch->columns[2].i64[mr_batch_row(batch, i)];
    }
    return MR_OK;
}

static mr_status see_raw(mr_sink *sink, const mr_sink_write *context, const mr_batch *batch,
                         mr_row_errors *errors, mr_error *err)
{
    (void)context;
    (void)errors;
    (void)err;
    seen_sink *self = (seen_sink *)sink;
    self->batches++;
    for (uint32_t i = 0; i < batch->selected; i++) {
        uint32_t row = mr_batch_row(batch, i);
        self->id[self->rows] = batch->columns[MR_SIM_COLUMN_ID].i64[row];
        self->watermark[self->rows++] = batch->watermark[row];
    }
    return MR_OK;
}

static int64_t still(const mr_clock *clock)
{
    (void)clock;
    return 0;
}

static const mr_clock still_clock = {.wall_ms = still, .monotonic_us = still};
static const mr_sink_class partials_class = {.write = see_partials};
static const mr_sink_class raw_class = {.write = see_raw};

typedef struct stages {
    mr_exchange_case c;
    mr_exchange_plan plan;
    mr_budget budget;
    seen_sink raw, partials;
    mr_line_sink results, late;
    mr_sink *first_sinks[2], *second_sinks[2];
    mr_task_io first_io, second_io;
    mr_task *task;
    mr_state *state;
    mr_graph *graph;
    int64_t offset;
} stages;

static void open_stages(stages *s, mr_oracle_kind kind, int64_t size, int64_t slide)
{
    mr_error err = {0};
    *s = (stages){.c = {.job = {.kind = kind,
                                .size_ms = size,
                                .slide_ms = slide,
                                .inputs_count = 1,
                                .aggregates = mr_history_aggregates(0),
                                .aggregates_count = MR_ORACLE_AGGREGATES_MAX},
                        .has_partials = true,
                        .upstreams = 1,
                        .downstreams = 1}};
    mr_exchange_plan_init(&s->plan, &s->c);
    for (uint32_t i = 0; i < 2; i++) /* these sinks are the test's */
        s->plan.sinks[i].exchange = NULL;
    s->raw.base.class = &raw_class;
    s->partials.base.class = &partials_class;
    s->first_sinks[0] = &s->raw.base;
    s->first_sinks[1] = &s->partials.base;
    s->results = mr_line_sink_of_results(&s->c.job);
    s->late = mr_line_sink_of_late(&s->c.job);
    s->second_sinks[0] = &s->results.base;
    s->second_sinks[1] = &s->late.base;
    s->first_io = (mr_task_io){.sinks = s->first_sinks, .job = "t", .clock = &still_clock};
    s->second_io = (mr_task_io){.sinks = s->second_sinks, .job = "t", .clock = &still_clock};
    cr_assert_eq(mr_task_new(&s->plan.first.plan, 0, &s->budget, &s->first_io, &s->task, &err),
                 MR_OK);
    mr_epoch_input input = {.source = "in", .topic = "in", .watermark = {.value_ms = MR_TIME_NONE}};
    mr_task_add_input(s->task, &input, 0);
    cr_assert_eq(mr_task_restored(s->task, NULL, &err), MR_OK);
    s->state = mr_state_new(&s->budget);
    cr_assert_eq(
        mr_graph_new(&s->plan.second.plan, 0, s->state, &s->budget, &s->second_io, &s->graph, &err),
        MR_OK);
}

static void close_stages(stages *s)
{
    mr_task_free(s->task);
    mr_graph_free(s->graph);
    mr_state_free(s->state);
    mr_window_lines_release(&s->results.staged);
    mr_window_lines_release(&s->late.staged);
    mr_exchange_plan_release(&s->plan);
}

/* One batch of rows of key 1; ids rise from 0. */
static void play(stages *s, const int64_t *times, uint32_t count)
{
    mr_oracle_row rows[ROWS_MAX];
    mr_record records[ROWS_MAX];
    mr_error err = {0};
    for (uint32_t i = 0; i < count; i++) {
        rows[i] = (mr_oracle_row){
            .id = s->offset, .has_time = true, .time_ms = times[i], .key = 1, .flag = -1};
        records[i] = (mr_record){.offset = s->offset++,
                                 .timestamp_ms = MR_TIME_NONE,
                                 .value = (const char *)&rows[i],
                                 .value_length = sizeof rows[i]};
    }
    mr_records in = {.topic = "in", .count = count, .record = records};
    s->raw.rows = s->raw.batches = s->partials.rows = s->partials.batches = 0;
    cr_assert_eq(mr_task_on_records(s->task, 0, &in, &err), MR_OK);
    mr_progress progress = MR_MORE;
    while (progress == MR_MORE)
        cr_assert_eq(mr_task_advance(s->task, &progress, &err), MR_OK);
}

Test(partial, groups_a_batch_by_slice_and_key)
{
    stages s;
    open_stages(&s, MR_ORACLE_TUMBLE, 10, 10);
    play(&s, (int64_t[]){1, 11, 12, 13, 14}, 5);
    cr_assert(s.partials.batches == 1 && s.partials.rows == 2 && s.raw.rows == 0);
    cr_assert(s.partials.slice[0] == 0 && s.partials.count[0] == 1);
    cr_assert(s.partials.slice[1] == 1 && s.partials.count[1] == 4);
    play(&s, (int64_t[]){15}, 1);
    cr_assert(s.partials.rows == 1 && s.partials.count[0] == 1, "it keeps nothing");
    close_stages(&s);
}

Test(partial, lets_late_rows_go_on_as_they_came)
{
    stages s;
    open_stages(&s, MR_ORACLE_TUMBLE, 10, 10);
    play(&s, (int64_t[]){8, 9, 10, 7}, 4); /* 9 is the end of [0, 10): 7 is late in this batch */
    cr_assert(s.partials.rows == 2 && s.partials.count[0] == 2 && s.partials.count[1] == 1);
    cr_assert(s.raw.rows == 1 && s.raw.id[0] == 3 && s.raw.watermark[0] == 10);
    close_stages(&s);
}

Test(partial, lets_rows_that_are_late_for_some_windows_go_on_as_they_came)
{
    stages s;
    open_stages(&s, MR_ORACLE_HOP, 20, 10);
    play(&s, (int64_t[]){12, 5, 11}, 3); /* window [-10, 10) has fired, [0, 20) has not */
    cr_assert(s.raw.rows == 1 && s.raw.id[0] == 1);
    cr_assert(s.partials.rows == 1 && s.partials.slice[0] == 1 && s.partials.count[0] == 2);
    close_stages(&s);
}

Test(partial, groups_nothing_that_others_may_have_passed)
{
    stages s;
    open_stages(&s, MR_ORACLE_TUMBLE, 10, 10);
    mr_graph_set_floor((mr_graph *)mr_task_graph(s.task), 25);
    play(&s, (int64_t[]){19, 28, 30}, 3);
    cr_assert(s.raw.rows == 1 && s.raw.id[0] == 0, "its window ends before the floor");
    cr_assert_eq(s.partials.rows, 2);
    mr_graph_set_floor((mr_graph *)mr_task_graph(s.task), MR_TIME_MAX);
    play(&s, (int64_t[]){100, 200}, 2);
    cr_assert(s.raw.rows == 2 && s.partials.rows == 0);
    close_stages(&s);
}

/* One group of key NULL with a COUNT(*) of `count`. */
static mr_status send_partial(stages *s, int64_t slice, int64_t count, mr_error *err)
{
    mr_arena *arena = mr_graph_arena(s->graph);
    mr_schema schema = s->plan.relations[1].schema;
    mr_batch batch = mr_batch_new(schema.columns_count, 1, arena);
    for (uint32_t c = 0; c < schema.columns_count; c++) {
        batch.columns[c] = mr_vector_new(schema.columns[c].type, 1, arena);
        memset(batch.columns[c].values, 0, mr_lane_size(batch.columns[c].lane));
        if (schema.columns[c].type.is_nullable)
            mr_vector_set_null(&batch.columns[c], 0, 1, arena);
    }
    batch.columns[1].i64[0] = slice;
    batch.columns[2].i64[0] = count;
    return mr_graph_push_partials(s->graph, 0, &batch, err);
}

static void advance(stages *s, int64_t watermark)
{
    mr_error err = {0};
    mr_progress progress = MR_MORE;
    mr_graph_set_source_watermark(s->graph, 0, watermark);
    while (progress == MR_MORE)
        cr_assert_eq(mr_graph_advance(s->graph, &progress, &err), MR_OK);
}

Test(partial, is_merged_behind_the_exchange)
{
    stages s;
    mr_error err = {0};
    open_stages(&s, MR_ORACLE_TUMBLE, 10, 10);
    cr_assert_eq(send_partial(&s, 1, 3, &err), MR_OK, "%s", err.message);
    cr_assert_eq(send_partial(&s, 1, 4, &err), MR_OK, "%s", err.message);
    advance(&s, 18);
    cr_assert_eq(s.results.staged.count, 0);
    advance(&s, 19);
    cr_assert_eq(s.results.staged.count, 1);
    cr_assert_str_eq(mr_window_line(&s.results.staged, 0),
                     "k-1|10|20|7|0|null|null|null|null|0|null|null|null");
    close_stages(&s);
}

Test(partial, that_no_window_can_take_is_refused)
{
    stages s;
    mr_error err = {0};
    open_stages(&s, MR_ORACLE_HOP, 20, 10);
    advance(&s, 9); /* [-10, 10) has fired: of slice 0 only [0, 20) is open */
    cr_assert_eq(send_partial(&s, 0, 1, &err), MR_E_PARTIAL);
    cr_assert_not_null(strstr(err.message, "slice 0"), "%s", err.message);
    cr_assert_eq(send_partial(&s, -1, 1, &err), MR_E_PARTIAL);
    cr_assert_eq(send_partial(&s, INT64_MAX, 1, &err), MR_E_PARTIAL);
    cr_assert_eq(send_partial(&s, INT64_MIN, 1, &err), MR_E_PARTIAL);
    cr_assert_eq(send_partial(&s, INT64_MAX / 10, 1, &err), MR_E_PARTIAL);
    cr_assert_eq(send_partial(&s, 1, MR_BATCH_ROWS_MAX + 1, &err), MR_E_PARTIAL);
    cr_assert_eq(send_partial(&s, 1, -1, &err), MR_E_PARTIAL);
    cr_assert_eq(send_partial(&s, 1, 1, &err), MR_OK, "%s", err.message);
    close_stages(&s);
}
