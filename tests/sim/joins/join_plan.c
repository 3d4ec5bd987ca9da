#include "tests/sim/joins/join_plan.h"

#include "engine/base/assert.h"
#include "operators/rows/union_all.h"

#include <stdio.h>
#include <stdlib.h>

#define BROKEN_RECORD 3999

typedef struct row_decoder {
    mr_decoder base;
    int64_t delay_us;
} row_decoder;

static void type_columns(mr_type types[MR_SIM_JOIN_COLUMNS])
{
    types[MR_SIM_JOIN_ID] = mr_type_not_null(mr_type_of(MR_TYPE_BIGINT));
    types[MR_SIM_JOIN_KEY] = mr_type_string();
    types[MR_SIM_JOIN_TIME] = mr_type_time(MR_TYPE_TIMESTAMP, 3);
    types[MR_SIM_JOIN_AMOUNT] = mr_type_of(MR_TYPE_BIGINT);
    types[MR_SIM_JOIN_NAME] = mr_type_string();
    types[MR_SIM_JOIN_MARK] = mr_type_time(MR_TYPE_TIMESTAMP, 3);
}

static void put_text(mr_vector *to, uint32_t at, const char *text, uint32_t rows, mr_arena *arena)
{
    if (text == NULL)
        mr_vector_set_null(to, at, rows, arena);
    else
        to->strings[at] = mr_string_of(text, (uint32_t)strlen(text));
}

static void put_row(const mr_join_oracle_row *row, int64_t delay_us, mr_vector *columns,
                    uint32_t at, uint32_t rows, mr_arena *arena)
{
    columns[MR_SIM_JOIN_ID].i64[at] = row->id;
    const char *key = NULL; /* odd keys are too long to lie inline in an entry */
    if (row->key >= 0)
        key = mr_arena_printf(arena, row->key % 2 != 0 ? "%080d" : "%d", row->key);
    put_text(&columns[MR_SIM_JOIN_KEY], at, key, rows, arena);
    put_text(&columns[MR_SIM_JOIN_NAME], at, row->name, rows, arena);
    columns[MR_SIM_JOIN_AMOUNT].i64[at] = row->amount;
    if (!row->has_amount)
        mr_vector_set_null(&columns[MR_SIM_JOIN_AMOUNT], at, rows, arena);
    columns[MR_SIM_JOIN_TIME].i64[at] = row->time_ms * 1000;
    columns[MR_SIM_JOIN_MARK].i64[at] = row->time_ms * 1000 - delay_us;
    if (!row->has_time) {
        mr_vector_set_null(&columns[MR_SIM_JOIN_TIME], at, rows, arena);
        mr_vector_set_null(&columns[MR_SIM_JOIN_MARK], at, rows, arena);
    }
}

static mr_status decode(mr_decoder *decoder, const mr_records *records, mr_vector *columns,
                        uint32_t *rows, uint32_t *rows_count, mr_row_errors *errors,
                        mr_arena *arena, mr_error *err)
{
    (void)err;
    mr_type types[MR_SIM_JOIN_COLUMNS];
    type_columns(types);
    for (uint32_t c = 0; c < MR_SIM_JOIN_COLUMNS; c++)
        columns[c] = mr_vector_new(types[c], records->count, arena);
    uint32_t count = 0;
    for (uint32_t i = 0; i < records->count; i++) {
        const mr_join_oracle_row *row = (const void *)records->record[i].value;
        if (row->is_broken) {
            mr_row_errors_add(errors, i, BROKEN_RECORD, "broken");
            continue;
        }
        put_row(row, ((row_decoder *)decoder)->delay_us, columns, count, records->count, arena);
        rows[count++] = i;
    }
    *rows_count = count;
    return MR_OK;
}

static void free_decoder(mr_decoder *decoder)
{
    free(decoder);
}

static const mr_decoder_class decoder_class = {.decode = decode, .free = free_decoder};

static mr_status make_decoder(const void *config, mr_decoder **decoder, mr_error *err)
{
    (void)err;
    row_decoder *self = calloc(1, sizeof *self);
    MR_ASSERT(self != NULL);
    self->base.class = &decoder_class;
    self->delay_us = *(const int64_t *)config * 1000;
    *decoder = &self->base;
    return MR_OK;
}

static void make_sources(mr_join_plan *p)
{
    static const char *const topics[] = {"left", "right"};
    static const char *const names[] = {"id", "key", "time", "amount", "name", "mark"};
    type_columns(p->types);
    for (uint32_t c = 0; c < MR_SIM_JOIN_COLUMNS; c++) {
        p->columns[c] = (mr_source_column){.field = {names[c], p->types[c]}, .index = c};
        p->nullable[c] = mr_type_nullable(p->types[c], true);
    }
    p->mark = (mr_expr){
        .kind = MR_EXPR_COLUMN, .type = p->types[MR_SIM_JOIN_MARK], .column = MR_SIM_JOIN_MARK};
    for (uint32_t s = 0; s < 2; s++)
        p->sources[s] = (mr_plan_source){.table = topics[s],
                                         .topics_count = 1,
                                         .topics = &topics[s],
                                         .make_value = make_decoder,
                                         .codec_config = &p->delay_ms,
                                         .value_columns_count = MR_SIM_JOIN_COLUMNS,
                                         .columns_count = MR_SIM_JOIN_COLUMNS,
                                         .columns = p->columns,
                                         .time_column = MR_SIM_JOIN_TIME,
                                         .watermark = &p->mark,
                                         .guard = {.skew_max_ms = -1},
                                         .errors = {.mode = MR_ERRORS_IGNORE}};
}

static const mr_expr *make_condition(mr_join_plan *p)
{
    mr_resolver resolver = {.arena = &p->arena, .context = &p->plan.expr};
    mr_type type = mr_type_of(MR_TYPE_BIGINT);
    mr_expr *args[] = {mr_make_column(&resolver, MR_SIM_JOIN_AMOUNT, type),
                       mr_make_column(&resolver, MR_SIM_JOIN_KEPT + MR_SIM_JOIN_AMOUNT, type)};
    mr_expr *condition = mr_make_call(&resolver, "<", args, 2);
    MR_ASSERT(condition != NULL);
    return condition;
}

static void make_node(mr_join_plan *p, const mr_join_history *history)
{
    const mr_join_oracle_job *job = &history->job;
    p->keys[0] = MR_SIM_JOIN_KEY;
    for (uint32_t c = 0; c < MR_SIM_JOIN_KEPT; c++)
        p->kept[c] = c;
    p->join = (mr_interval_join_config){.keys_count = 1,
                                        .key_types = &p->types[MR_SIM_JOIN_KEY],
                                        .lower_ms = job->lower_ms,
                                        .upper_ms = job->upper_ms,
                                        .bucket_ms = history->bucket_ms,
                                        .is_left_outer = job->is_left_outer,
                                        .time_side = history->time_side};
    for (uint32_t s = 0; s < 2; s++) {
        bool is_nullable = s == MR_JOIN_RIGHT && job->is_left_outer;
        p->join.sides[s] = (mr_join_side){.keys = p->keys,
                                          .columns_count = MR_SIM_JOIN_KEPT,
                                          .columns = p->kept,
                                          .types = is_nullable ? p->nullable : p->types,
                                          .time_column = MR_SIM_JOIN_TIME};
        p->inputs[s] = (mr_origin){.kind = MR_ORIGIN_SOURCE_ROWS, .index = job->is_self ? 0 : s};
    }
    if (job->has_condition)
        p->join.residual = make_condition(p);
    p->plan.nodes = p->nodes;
    if (history->is_right_first) {
        p->right = p->inputs[1];
        p->nodes[p->plan.nodes_count++] = (mr_plan_node){
            .id = "v/right", .class = &mr_union_all_class, .inputs_count = 1, .inputs = &p->right};
        p->inputs[1] = (mr_origin){.kind = MR_ORIGIN_NODE_ROWS, .index = 0};
    }
    p->nodes[p->plan.nodes_count++] = (mr_plan_node){.id = "v/join",
                                                     .class = &mr_interval_join_class,
                                                     .config = &p->join,
                                                     .inputs_count = 2,
                                                     .inputs = p->inputs,
                                                     .errors = {.mode = MR_ERRORS_IGNORE}};
}

void mr_join_plan_init(mr_join_plan *p, const mr_join_history *history)
{
    *p = (mr_join_plan){.delay_ms = history->job.delay_ms};
    p->plan = (mr_plan){.job = "joins",
                        .version = 1,
                        .tasks_count = 1,
                        .sources_count = history->job.is_self ? 1 : 2,
                        .sources = p->sources,
                        .sinks_count = 1,
                        .sinks = &p->sink};
    make_sources(p);
    make_node(p, history);
    p->sink =
        (mr_plan_sink){.table = "results",
                       .input = {.kind = MR_ORIGIN_NODE_ROWS, .index = p->plan.nodes_count - 1},
                       .errors = {.mode = MR_ERRORS_FAIL}};
}

void mr_join_plan_release(mr_join_plan *p)
{
    mr_arena_release(&p->arena);
}
