#include "tests/sim/window_plan.h"

#include "engine/base/assert.h"

#include <stdio.h>
#include <stdlib.h>

#define BROKEN_RECORD 3999

typedef struct row_decoder {
    mr_decoder base;
    int64_t delay_us;
} row_decoder;

static void put_key(const mr_oracle_row *row, mr_vector *to, uint32_t at, uint32_t rows,
                    mr_arena *arena)
{
    if (row->key < 0)
        mr_vector_set_null(to, at, rows, arena);
    else /* odd keys are too long to lie inline in an entry */
        to->strings[at] =
            mr_string_of(mr_arena_printf(arena, row->key % 2 != 0 ? "%032d" : "%d", row->key),
                         row->key % 2 != 0 ? 32 : (uint32_t)snprintf(NULL, 0, "%d", row->key));
}

static void put_row(const mr_oracle_row *row, int64_t delay_us, mr_vector *columns, uint32_t at,
                    uint32_t rows, mr_arena *arena)
{
    columns[MR_SIM_COLUMN_ID].i64[at] = row->id;
    put_key(row, &columns[MR_SIM_COLUMN_KEY], at, rows, arena);
    columns[MR_SIM_COLUMN_TIME].i64[at] = row->time_ms * 1000;
    columns[MR_SIM_COLUMN_MARK].i64[at] = row->time_ms * 1000 - delay_us;
    if (!row->has_time) {
        mr_vector_set_null(&columns[MR_SIM_COLUMN_TIME], at, rows, arena);
        mr_vector_set_null(&columns[MR_SIM_COLUMN_MARK], at, rows, arena);
    }
    columns[MR_SIM_COLUMN_AMOUNT].i64[at] = row->amount;
    if (!row->has_amount)
        mr_vector_set_null(&columns[MR_SIM_COLUMN_AMOUNT], at, rows, arena);
    if (row->name == NULL)
        mr_vector_set_null(&columns[MR_SIM_COLUMN_NAME], at, rows, arena);
    else
        columns[MR_SIM_COLUMN_NAME].strings[at] =
            mr_string_of(row->name, (uint32_t)strlen(row->name));
    columns[MR_SIM_COLUMN_FLAG].bools[at] = row->flag == 1;
    if (row->flag < 0)
        mr_vector_set_null(&columns[MR_SIM_COLUMN_FLAG], at, rows, arena);
}

static void type_columns(mr_type types[MR_SIM_COLUMNS])
{
    types[MR_SIM_COLUMN_ID] = mr_type_not_null(mr_type_of(MR_TYPE_BIGINT));
    types[MR_SIM_COLUMN_KEY] = mr_type_string();
    types[MR_SIM_COLUMN_TIME] = mr_type_time(MR_TYPE_TIMESTAMP, 3);
    types[MR_SIM_COLUMN_AMOUNT] = mr_type_of(MR_TYPE_BIGINT);
    types[MR_SIM_COLUMN_NAME] = mr_type_string();
    types[MR_SIM_COLUMN_FLAG] = mr_type_of(MR_TYPE_BOOLEAN);
    types[MR_SIM_COLUMN_MARK] = mr_type_time(MR_TYPE_TIMESTAMP, 3);
}

static mr_status decode(mr_decoder *decoder, const mr_records *records, mr_vector *columns,
                        uint32_t *rows, uint32_t *rows_count, mr_row_errors *errors,
                        mr_arena *arena, mr_error *err)
{
    (void)err;
    mr_type types[MR_SIM_COLUMNS];
    type_columns(types);
    for (uint32_t c = 0; c < MR_SIM_COLUMNS; c++)
        columns[c] = mr_vector_new(types[c], records->count, arena);
    uint32_t count = 0;
    for (uint32_t i = 0; i < records->count; i++) {
        const mr_oracle_row *row = (const void *)records->record[i].value;
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

static void make_source(mr_window_plan *p)
{
    static const char *const topics[] = {"in"};
    static const char *const names[] = {"id", "key", "time", "amount", "name", "flag", "mark"};
    type_columns(p->types);
    for (uint32_t c = 0; c < MR_SIM_COLUMNS; c++)
        p->columns[c] = (mr_source_column){.field = {names[c], p->types[c]}, .index = c};
    p->mark = (mr_expr){
        .kind = MR_EXPR_COLUMN, .type = p->types[MR_SIM_COLUMN_MARK], .column = MR_SIM_COLUMN_MARK};
    p->source = (mr_plan_source){.table = "in",
                                 .topics_count = 1,
                                 .topics = topics,
                                 .make_value = make_decoder,
                                 .codec_config = &p->delay_ms,
                                 .value_columns_count = MR_SIM_COLUMNS,
                                 .columns_count = MR_SIM_COLUMNS,
                                 .columns = p->columns,
                                 .time_column = MR_SIM_COLUMN_TIME,
                                 .watermark = &p->mark,
                                 .guard = {.skew_max_ms = -1},
                                 .errors = {.mode = MR_ERRORS_IGNORE}};
}

static mr_aggregate aggregate(mr_aggregate_kind kind, bool is_distinct, int32_t argument,
                              int32_t filter)
{
    mr_type bigint = mr_type_of(MR_TYPE_BIGINT);
    mr_type type = argument == MR_SIM_COLUMN_NAME ? mr_type_string() : bigint;
    return (mr_aggregate){.kind = kind,
                          .is_distinct = is_distinct,
                          .argument = argument,
                          .filter = filter,
                          .argument_type = type,
                          .result_type = kind == MR_AGGREGATE_COUNT ? bigint : type};
}

static void make_aggregates(mr_aggregate *to)
{
    enum { AMOUNT = MR_SIM_COLUMN_AMOUNT, NAME = MR_SIM_COLUMN_NAME, FLAG = MR_SIM_COLUMN_FLAG };
    to[0] = aggregate(MR_AGGREGATE_COUNT, false, -1, -1);
    to[1] = aggregate(MR_AGGREGATE_COUNT, false, AMOUNT, -1);
    to[2] = aggregate(MR_AGGREGATE_SUM, false, AMOUNT, -1);
    to[3] = aggregate(MR_AGGREGATE_MIN, false, AMOUNT, -1);
    to[4] = aggregate(MR_AGGREGATE_MAX, false, AMOUNT, -1);
    to[5] = aggregate(MR_AGGREGATE_AVG, false, AMOUNT, -1);
    to[6] = aggregate(MR_AGGREGATE_COUNT, true, AMOUNT, -1);
    to[7] = aggregate(MR_AGGREGATE_COUNT, false, -1, FLAG);
    to[8] = aggregate(MR_AGGREGATE_SUM, false, AMOUNT, FLAG);
    to[9] = aggregate(MR_AGGREGATE_COUNT, true, NAME, FLAG);
    to[10] = aggregate(MR_AGGREGATE_MIN, false, NAME, -1);
    to[11] = aggregate(MR_AGGREGATE_MAX, false, NAME, -1);
}

static void make_node(mr_window_plan *p, const mr_oracle_job *job)
{
    static const mr_origin from_source[] = {{.kind = MR_ORIGIN_SOURCE_ROWS, .index = 0}};
    static const mr_window_kind kinds[] = {[MR_ORACLE_TUMBLE] = MR_WINDOW_TUMBLE,
                                           [MR_ORACLE_HOP] = MR_WINDOW_HOP,
                                           [MR_ORACLE_CUMULATE] = MR_WINDOW_CUMULATE,
                                           [MR_ORACLE_SESSION] = MR_WINDOW_SESSION};
    bool is_first = job->kind == MR_ORACLE_FIRST, is_session = job->kind == MR_ORACLE_SESSION;
    p->keys[0] = MR_SIM_COLUMN_KEY;
    if (is_first) {
        p->first = (mr_deduplicate_config){.keys_count = 1,
                                           .keys = p->keys,
                                           .key_types = &p->types[MR_SIM_COLUMN_KEY],
                                           .columns_count = MR_SIM_COLUMNS,
                                           .column_types = p->types,
                                           .ttl_ms = job->ttl_ms};
    } else {
        make_aggregates(p->aggregates);
        p->window = (mr_window_config){.kind = kinds[job->kind],
                                       .size_ms = job->size_ms,
                                       .slide_ms = job->slide_ms,
                                       .offset_ms = job->offset_ms,
                                       .keys_count = 1,
                                       .keys = p->keys,
                                       .key_types = &p->types[MR_SIM_COLUMN_KEY],
                                       .aggregates_count = MR_LENGTH(p->aggregates),
                                       .aggregates = p->aggregates};
    }
    p->node = (mr_plan_node){.id = "v/judge",
                             .class = is_first     ? &mr_deduplicate_class
                                      : is_session ? &mr_session_aggregate_class
                                                   : &mr_window_aggregate_class,
                             .config = is_first ? (const void *)&p->first : &p->window,
                             .inputs_count = 1,
                             .inputs = from_source,
                             .errors = {.mode = MR_ERRORS_IGNORE}};
}

void mr_window_plan_init(mr_window_plan *p, const mr_oracle_job *job)
{
    *p = (mr_window_plan){.delay_ms = job->delay_ms};
    make_source(p);
    make_node(p, job);
    for (uint32_t s = 0; s < 2; s++)
        p->sinks[s] = (mr_plan_sink){
            .table = s == 0 ? "results" : "late",
            .input = {.kind = s == 0 ? MR_ORIGIN_NODE_ROWS : MR_ORIGIN_NODE_LATE, .index = 0},
            .errors = {.mode = MR_ERRORS_FAIL}};
    p->plan = (mr_plan){.job = "windows",
                        .version = 1,
                        .tasks_count = 1,
                        .sources_count = 1,
                        .sources = &p->source,
                        .nodes_count = 1,
                        .nodes = &p->node,
                        .sinks_count = 2,
                        .sinks = p->sinks};
}
