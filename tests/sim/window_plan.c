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
    columns[MR_SIM_COLUMN_AMOUNT].i64[at] = row->amount;
    columns[MR_SIM_COLUMN_PRICE].i128[at] = row->price;
    columns[MR_SIM_COLUMN_RATIO].f64[at] = row->ratio;
    columns[MR_SIM_COLUMN_DAY].i32[at] = row->day;
    columns[MR_SIM_COLUMN_MOMENT].i64[at] = row->moment;
    columns[MR_SIM_COLUMN_FLAG].bools[at] = row->flag == 1;
    if (row->name != NULL)
        columns[MR_SIM_COLUMN_NAME].strings[at] =
            mr_string_of(row->name, (uint32_t)strlen(row->name));
    bool has[MR_SIM_COLUMNS] = {[MR_SIM_COLUMN_ID] = true,
                                [MR_SIM_COLUMN_KEY] = true, /* done */
                                [MR_SIM_COLUMN_TIME] = row->has_time,
                                [MR_SIM_COLUMN_MARK] = row->has_time,
                                [MR_SIM_COLUMN_AMOUNT] = row->has_amount,
                                [MR_SIM_COLUMN_PRICE] = row->has_price,
                                [MR_SIM_COLUMN_RATIO] = row->has_ratio,
                                [MR_SIM_COLUMN_DAY] = row->has_day,
                                [MR_SIM_COLUMN_MOMENT] = row->has_moment,
                                [MR_SIM_COLUMN_NAME] = row->name != NULL,
                                [MR_SIM_COLUMN_FLAG] = row->flag >= 0};
    for (uint32_t c = 0; c < MR_SIM_COLUMNS; c++)
        if (!has[c])
            mr_vector_set_null(&columns[c], at, rows, arena);
}

static void type_columns(mr_type types[MR_SIM_COLUMNS])
{
    types[MR_SIM_COLUMN_ID] = mr_type_not_null(mr_type_of(MR_TYPE_BIGINT));
    types[MR_SIM_COLUMN_KEY] = mr_type_string();
    types[MR_SIM_COLUMN_TIME] = mr_type_time(MR_TYPE_TIMESTAMP, 3);
    types[MR_SIM_COLUMN_AMOUNT] = mr_type_of(MR_TYPE_BIGINT);
    types[MR_SIM_COLUMN_NAME] = mr_type_string();
    types[MR_SIM_COLUMN_FLAG] = mr_type_of(MR_TYPE_BOOLEAN);
    types[MR_SIM_COLUMN_PRICE] = mr_type_decimal(30, 2);
    types[MR_SIM_COLUMN_RATIO] = mr_type_of(MR_TYPE_DOUBLE);
    types[MR_SIM_COLUMN_DAY] = mr_type_of(MR_TYPE_DATE);
    types[MR_SIM_COLUMN_MOMENT] = mr_type_time(MR_TYPE_TIMESTAMP, 6);
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
    static const char *const names[] = {"id",    "key",   "time", "amount", "name", "flag",
                                        "price", "ratio", "day",  "moment", "mark"};
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

/* What the planner makes of SQL's rules: sums of DECIMAL have all digits, averages six behind the
 * point. */
static mr_type result_of(mr_oracle_function function, mr_type argument)
{
    if (function == MR_ORACLE_COUNT)
        return mr_type_of(MR_TYPE_BIGINT);
    if (argument.kind == MR_TYPE_DECIMAL && function == MR_ORACLE_SUM)
        return mr_type_decimal(MR_DECIMAL_PRECISION_MAX, argument.scale);
    if (argument.kind == MR_TYPE_DECIMAL && function == MR_ORACLE_AVG)
        return mr_type_decimal(MR_DECIMAL_PRECISION_MAX, 6);
    return argument;
}

static uint32_t make_aggregates(const mr_oracle_job *job, const mr_type *types, mr_aggregate *to)
{
    static const int32_t columns[] = {
        [MR_ORACLE_STAR] = -1,
        [MR_ORACLE_AMOUNT] = MR_SIM_COLUMN_AMOUNT,
        [MR_ORACLE_PRICE] = MR_SIM_COLUMN_PRICE,
        [MR_ORACLE_RATIO] = MR_SIM_COLUMN_RATIO,
        [MR_ORACLE_DAY] = MR_SIM_COLUMN_DAY,
        [MR_ORACLE_MOMENT] = MR_SIM_COLUMN_MOMENT,
        [MR_ORACLE_FLAG] = MR_SIM_COLUMN_FLAG,
        [MR_ORACLE_NAME] = MR_SIM_COLUMN_NAME,
    };
    static const mr_aggregate_kind kinds[] = {
        [MR_ORACLE_COUNT] = MR_AGGREGATE_COUNT, [MR_ORACLE_SUM] = MR_AGGREGATE_SUM,
        [MR_ORACLE_MIN] = MR_AGGREGATE_MIN,     [MR_ORACLE_MAX] = MR_AGGREGATE_MAX,
        [MR_ORACLE_AVG] = MR_AGGREGATE_AVG,
    };
    MR_ASSERT(job->aggregates_count <= MR_ORACLE_AGGREGATES_MAX);
    for (uint32_t a = 0; a < job->aggregates_count; a++) {
        const mr_oracle_aggregate *from = &job->aggregates[a];
        int32_t column = columns[from->column];
        mr_type argument = column < 0 ? mr_type_of(MR_TYPE_BIGINT) : types[column];
        to[a] = (mr_aggregate){.kind = kinds[from->function],
                               .is_distinct = from->is_distinct,
                               .argument = column,
                               .filter = from->is_filtered ? MR_SIM_COLUMN_FLAG : -1,
                               .argument_type = argument,
                               .result_type = result_of(from->function, argument)};
    }
    return job->aggregates_count;
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
        uint32_t aggregates_count = make_aggregates(job, p->types, p->aggregates);
        p->window = (mr_window_config){.kind = kinds[job->kind],
                                       .size_ms = job->size_ms,
                                       .slide_ms = job->slide_ms,
                                       .offset_ms = job->offset_ms,
                                       .keys_count = 1,
                                       .keys = p->keys,
                                       .key_types = &p->types[MR_SIM_COLUMN_KEY],
                                       .aggregates_count = aggregates_count,
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
