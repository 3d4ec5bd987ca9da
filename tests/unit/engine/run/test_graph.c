/*
 * Goal: the graph's part of the operator contract: rests, watermarks that an operator holds back,
 * and what rows of an operator with several inputs are judged by.
 * Method: toy operators; the last of them writes down what it gets: `r` for a row, `j9` for what
 * it is judged by, `w9` for a watermark.
 */
#include "engine/run/graph.h"

#include "engine/base/assert.h"
#include "engine/base/hash.h"

#include <criterion/criterion.h>
#include <inttypes.h>
#include <stdlib.h>

#define EACH 3

static void close_toy(mr_operator *op)
{
    free(op);
}

/* --- a recorder: config is the buffer it writes to ------------------------------------- */

typedef struct recorder {
    mr_operator base;
    mr_buffer *to;
} recorder;

static const mr_operator_class recorder_class;

static mr_status open_recorder(const mr_operator_context *context, mr_operator **op, mr_error *err)
{
    (void)err;
    recorder *self = calloc(1, sizeof *self);
    MR_ASSERT(self != NULL);
    *self =
        (recorder){.base = {.class = &recorder_class}, .to = *(mr_buffer *const *)context->config};
    *op = &self->base;
    return MR_OK;
}

static mr_status record_batch(mr_operator *op, uint32_t input, const mr_batch *batch,
                              mr_output *out, mr_progress *progress, mr_error *err)
{
    (void)input;
    (void)out;
    (void)progress;
    (void)err;
    recorder *self = (recorder *)op;
    for (uint32_t i = 0; i < batch->selected; i++)
        if (batch->watermark != NULL)
            mr_buffer_printf(self->to, "j%" PRId64 " ", batch->watermark[i]);
        else
            mr_buffer_printf(self->to, "r ");
    op->counts.rows_in += batch->selected;
    op->counts.accepted += batch->selected;
    return MR_OK;
}

static mr_status record_watermark(mr_operator *op, int64_t watermark_ms, mr_output *out,
                                  mr_progress *progress, mr_error *err)
{
    (void)out;
    (void)progress;
    (void)err;
    mr_buffer_printf(((recorder *)op)->to, "w%" PRId64 " ", watermark_ms);
    return MR_OK;
}

static const mr_operator_class recorder_class = {.name = "recorder",
                                                 .open = open_recorder,
                                                 .on_batch = record_batch,
                                                 .on_watermark = record_watermark,
                                                 .close = close_toy};

/* --- a multiplier: EACH rows for one, one a call; its watermark is 5 behind ------------- */

typedef struct multiplier {
    mr_operator base;
    mr_table *table;
} multiplier;

static const mr_operator_class multiplier_class;

static int64_t *rows_left(const mr_operator *op)
{
    mr_string key = mr_string_of("", 0);
    uint64_t hash = mr_hash("", 0);
    void *at;
    mr_slice_upsert(mr_table_make(((const multiplier *)op)->table, 0), &key, &hash, 1, &at);
    return at;
}

static mr_status open_multiplier(const mr_operator_context *context, mr_operator **op,
                                 mr_error *err)
{
    (void)err;
    multiplier *self = calloc(1, sizeof *self);
    MR_ASSERT(self != NULL);
    mr_table_layout layout = {.name = context->id, .value_size = sizeof(int64_t)};
    *self = (multiplier){.base = {.class = &multiplier_class},
                         .table = mr_state_table(context->state, &layout)};
    *op = &self->base;
    return MR_OK;
}

static mr_status take(mr_operator *op, uint32_t input, const mr_batch *batch, mr_output *out,
                      mr_progress *progress, mr_error *err)
{
    (void)input;
    (void)out;
    (void)progress;
    (void)err;
    *rows_left(op) += (int64_t)batch->selected * EACH;
    op->counts.rows_in += batch->selected;
    op->counts.accepted += batch->selected;
    return MR_OK;
}

static bool has_rest(const mr_operator *op)
{
    return *rows_left(op) > 0;
}

static mr_status on_rest(mr_operator *op, mr_output *out, mr_progress *progress, mr_error *err)
{
    mr_batch one = mr_batch_new(0, 1, mr_output_arena(out));
    *progress = --*rows_left(op) > 0 ? MR_MORE : MR_DONE;
    return mr_output_emit(out, MR_PORT_MAIN, &one, err);
}

static mr_status on_watermark(mr_operator *op, int64_t watermark_ms, mr_output *out,
                              mr_progress *progress, mr_error *err)
{
    (void)watermark_ms;
    (void)out;
    (void)progress;
    (void)err;
    cr_expect_eq(*rows_left(op), 0, "a watermark came before the rest was done");
    return MR_OK;
}

static int64_t five_behind(const mr_operator *op, int64_t watermark_ms)
{
    (void)op;
    return watermark_ms - 5;
}

static const mr_operator_class multiplier_class = {.name = "multiplier",
                                                   .open = open_multiplier,
                                                   .on_batch = take,
                                                   .on_watermark = on_watermark,
                                                   .has_rest = has_rest,
                                                   .on_rest = on_rest,
                                                   .watermark_out = five_behind,
                                                   .close = close_toy};

/* --- plans ------------------------------------------------------------------------------ */

#define NODES_MAX 3

typedef struct stage {
    mr_buffer log;
    mr_buffer *log_at;
    mr_plan_source sources[2];
    mr_origin origins[NODES_MAX][2];
    mr_plan_node nodes[NODES_MAX];
    mr_plan plan;
    mr_budget budget;
    mr_task_io io;
    mr_state *state;
    mr_graph *graph;
} stage;

static void add_node(stage *s, const mr_operator_class *class, const mr_origin *inputs,
                     uint32_t count)
{
    uint32_t n = s->plan.nodes_count++;
    memcpy(s->origins[n], inputs, count * sizeof *inputs);
    s->log_at = &s->log;
    s->nodes[n] = (mr_plan_node){.id = class->name,
                                 .class = class,
                                 .config = &s->log_at,
                                 .inputs_count = count,
                                 .inputs = s->origins[n]};
}

static void open_graph(stage *s)
{
    mr_error err = {0};
    s->plan.sources_count = 2;
    s->plan.sources = s->sources;
    s->plan.nodes = s->nodes;
    s->state = mr_state_new(&s->budget);
    cr_assert_eq(mr_graph_new(&s->plan, 0, s->state, &s->budget, &s->io, &s->graph, &err), MR_OK);
}

static void close_graph(stage *s)
{
    mr_graph_free(s->graph);
    mr_state_free(s->state);
}

static mr_origin rows_of_source(uint32_t source)
{
    return (mr_origin){.kind = MR_ORIGIN_SOURCE_ROWS, .index = source};
}

static mr_origin rows_of_node(uint32_t node)
{
    return (mr_origin){.kind = MR_ORIGIN_NODE_ROWS, .index = node};
}

static void push(stage *s, uint32_t source, uint32_t rows, const int64_t *watermarks)
{
    mr_error err = {0};
    int64_t copy[8];
    mr_batch batch = mr_batch_new(0, rows, mr_graph_arena(s->graph));
    if (watermarks != NULL)
        batch.watermark = memcpy(copy, watermarks, rows * sizeof *watermarks);
    mr_source_result result = {.batch = batch};
    cr_assert_eq(mr_graph_push(s->graph, source, &result, rows, &err), MR_OK);
}

static mr_progress advance(stage *s)
{
    mr_error err = {0};
    mr_progress progress;
    cr_assert_eq(mr_graph_advance(s->graph, &progress, &err), MR_OK);
    return progress;
}

static const char *written(stage *s)
{
    mr_buffer_put_u8(&s->log, 0);
    return s->log.data;
}

/* --- claims ----------------------------------------------------------------------------- */

Test(graph, does_what_a_batch_left_before_the_watermark)
{
    stage s = {0};
    add_node(&s, &multiplier_class, (mr_origin[]){rows_of_source(0)}, 1);
    add_node(&s, &recorder_class, (mr_origin[]){rows_of_node(0)}, 1);
    open_graph(&s);
    push(&s, 0, 2, NULL);
    cr_expect(mr_graph_has_rest(s.graph));
    mr_graph_set_source_watermark(s.graph, 0, 20);
    while (advance(&s) == MR_MORE)
        ;
    cr_expect_not(mr_graph_has_rest(s.graph));
    cr_expect_str_eq(written(&s), "r r r r r r w15 ");
    close_graph(&s);
    mr_buffer_release(&s.log);
}

Test(graph, empties_a_lower_rest_before_it_adds_to_it)
{
    stage s = {0};
    add_node(&s, &multiplier_class, (mr_origin[]){rows_of_source(0)}, 1);
    add_node(&s, &multiplier_class, (mr_origin[]){rows_of_node(0)}, 1);
    add_node(&s, &recorder_class, (mr_origin[]){rows_of_node(1)}, 1);
    open_graph(&s);
    push(&s, 0, 1, NULL);
    mr_graph_set_source_watermark(s.graph, 0, 20);
    uint32_t calls = 1;
    for (; advance(&s) == MR_MORE; calls++)
        cr_assert_leq(calls, 20);
    cr_expect_str_eq(written(&s), "r r r r r r r r r w10 ");
    cr_expect_eq(calls, 3 + 9 + 1);
    close_graph(&s);
    mr_buffer_release(&s.log);
}

static mr_status load_into(void *context, const mr_store_change *change, mr_error *err)
{
    return mr_state_load(context, change, err);
}

Test(graph, finds_the_rest_again_after_a_restart)
{
    stage s = {0}, again = {0};
    mr_error err = {0};
    for (int i = 0; i < 2; i++) {
        stage *at = i == 0 ? &s : &again;
        add_node(at, &multiplier_class, (mr_origin[]){rows_of_source(0)}, 1);
        add_node(at, &recorder_class, (mr_origin[]){rows_of_node(0)}, 1);
        open_graph(at);
    }
    push(&s, 0, 2, NULL);
    advance(&s);
    advance(&s);
    cr_assert_eq(mr_state_entries(s.state, load_into, again.state, &err), MR_OK);
    cr_assert_eq(mr_graph_restored(again.graph, &err), MR_OK);
    cr_expect(mr_graph_has_rest(again.graph));
    while (advance(&again) == MR_MORE)
        ;
    cr_expect_str_eq(written(&again), "r r r r ");
    close_graph(&s);
    close_graph(&again);
    mr_buffer_release(&s.log);
    mr_buffer_release(&again.log);
}

Test(graph, lets_rows_of_one_source_be_judged_by_its_own_watermark_on_both_inputs)
{
    stage s = {0};
    add_node(&s, &recorder_class, (mr_origin[]){rows_of_source(0), rows_of_source(0)}, 2);
    open_graph(&s);
    push(&s, 0, 2, (int64_t[]){7, 20});
    cr_expect_str_eq(written(&s), "j7 j20 j7 j20 ");
    close_graph(&s);
    mr_buffer_release(&s.log);
}

Test(graph, holds_the_rows_of_an_input_back_by_another_source)
{
    stage s = {0};
    add_node(&s, &recorder_class, (mr_origin[]){rows_of_source(0), rows_of_source(1)}, 2);
    open_graph(&s);
    mr_graph_set_source_watermark(s.graph, 1, 9);
    push(&s, 0, 2, (int64_t[]){7, 20});
    cr_expect_str_eq(written(&s), "j7 j9 ");
    close_graph(&s);
    mr_buffer_release(&s.log);
}
