#include "tests/sim/job.h"

#include "connectors/local/log_sink.h"
#include "engine/base/assert.h"
#include "engine/run/late.h"
#include "tests/sim/joins/join_law.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#define BAD_RECORD 3999
#define DELAY_US (MR_SIM_DELAY_MS * INT64_C(1000))

/* --- the codec: fields between bars ---------------------------------------------------- */

static bool parse(const mr_record *record, mr_string *key, int64_t *time_ms, int64_t *amount)
{
    char text[64];
    if (record->value == NULL || record->value_length >= sizeof text)
        return false;
    memcpy(text, record->value, record->value_length);
    text[record->value_length] = '\0';
    int bar = 0, end = 0;
    if (sscanf(text, "k%*d%n|%" SCNd64 "|%" SCNd64 "%n", &bar, time_ms, amount, &end) != 2 ||
        text[end] != '\0')
        return false;
    *key = mr_string_of(record->value, (uint32_t)bar);
    return true;
}

static mr_status decode(mr_decoder *decoder, const mr_records *records, mr_vector *columns,
                        uint32_t *rows, uint32_t *rows_count, mr_row_errors *errors,
                        mr_arena *arena, mr_error *err)
{
    (void)decoder;
    (void)err;
    columns[0] = mr_vector_new(mr_type_string(), records->count, arena);
    columns[1] = mr_vector_new(mr_type_time(MR_TYPE_TIMESTAMP, 3), records->count, arena);
    columns[2] = mr_vector_new(mr_type_of(MR_TYPE_BIGINT), records->count, arena);
    uint32_t count = 0;
    for (uint32_t i = 0; i < records->count; i++) {
        int64_t time_ms, amount;
        if (!parse(&records->record[i], &columns[0].strings[count], &time_ms, &amount)) {
            mr_row_errors_add(errors, i, BAD_RECORD, "not of the form key|time|amount");
            continue;
        }
        columns[1].i64[count] = time_ms * 1000;
        columns[2].i64[count] = amount;
        rows[count++] = i;
    }
    *rows_count = count;
    return MR_OK;
}

static void free_codec(mr_decoder *decoder)
{
    free(decoder);
}

static const mr_decoder_class decoder_class = {.decode = decode, .free = free_codec};

static mr_status make_decoder(const void *config, mr_decoder **decoder, mr_error *err)
{
    (void)config;
    (void)err;
    *decoder = calloc(1, sizeof **decoder);
    MR_ASSERT(*decoder != NULL);
    (*decoder)->class = &decoder_class;
    return MR_OK;
}

static void put_field(const mr_vector *column, uint32_t row, mr_buffer *to)
{
    if (mr_vector_is_null(column, row))
        mr_buffer_printf(to, "null");
    else if (column->lane == MR_LANE_STRING)
        mr_buffer_put(to, column->strings[row].bytes, column->strings[row].length);
    else if (mr_type_is_timestamp(column->type))
        mr_buffer_printf(to, "%" PRId64, column->i64[row] / 1000);
    else
        mr_buffer_printf(to, "%" PRId64, column->i64[row]);
}

static mr_status encode(mr_encoder *encoder, const mr_batch *batch, mr_encoded *out,
                        mr_row_errors *errors, mr_error *err)
{
    (void)encoder;
    (void)errors;
    (void)err;
    uint32_t count = batch->selected;
    out->key_start = out->key_length = NULL;
    out->value_start = mr_arena_alloc(batch->arena, count * sizeof(uint32_t));
    out->value_length = mr_arena_alloc(batch->arena, count * sizeof(uint32_t));
    for (uint32_t i = 0; i < count; i++) {
        size_t start = out->bytes.length;
        for (uint32_t c = 0; c < batch->columns_count; c++) {
            if (c > 0)
                mr_buffer_put_u8(&out->bytes, '|');
            put_field(&batch->columns[c], mr_batch_row(batch, i), &out->bytes);
        }
        out->value_start[i] = (uint32_t)start;
        out->value_length[i] = (uint32_t)(out->bytes.length - start);
    }
    return MR_OK;
}

static void free_encoder(mr_encoder *encoder)
{
    free(encoder);
}

static const mr_encoder_class encoder_class = {.encode = encode, .free = free_encoder};

static mr_status make_encoder(const void *config, mr_encoder **encoder, mr_error *err)
{
    (void)config;
    (void)err;
    *encoder = calloc(1, sizeof **encoder);
    MR_ASSERT(*encoder != NULL);
    (*encoder)->class = &encoder_class;
    return MR_OK;
}

/* --- watermark: time - 5 ms as an expression ------------------------------------------- */

static void minus_delay(const mr_kernel_call *call)
{
    for (uint32_t r = 0; r < call->rows; r++)
        call->result->i64[r] = call->args[0].i64[call->args[0].is_constant ? 0 : r] - DELAY_US;
}

static const mr_function minus_delay_function = {
    .name = "minus_delay", .kernel = minus_delay, .is_strict = true};

static const mr_expr *make_watermark(mr_arena *arena)
{
    mr_type type = mr_type_time(MR_TYPE_TIMESTAMP, 3);
    mr_expr *time = mr_arena_zalloc(arena, 1, sizeof *time);
    *time = (mr_expr){.kind = MR_EXPR_COLUMN, .type = type, .column = 1};
    const mr_expr **args = mr_arena_alloc(arena, sizeof *args);
    args[0] = time;
    mr_expr *call = mr_arena_zalloc(arena, 1, sizeof *call);
    *call = (mr_expr){.kind = MR_EXPR_CALL,
                      .type = type,
                      .function = &minus_delay_function,
                      .args_count = 1,
                      .args = args};
    return call;
}

/* --- plan ------------------------------------------------------------------------------ */

static void make_source(mr_sim_job *job, const mr_sim_job_options *options)
{
    mr_arena *arena = &job->arena;
    static const char *const topics[] = {"in"};
    mr_source_column *columns = mr_arena_zalloc(arena, 3, sizeof *columns);
    columns[0] = (mr_source_column){.field = {"key", mr_type_string()}, .index = 0};
    columns[1] =
        (mr_source_column){.field = {"time", mr_type_time(MR_TYPE_TIMESTAMP, 3)}, .index = 1};
    columns[2] = (mr_source_column){.field = {"amount", mr_type_of(MR_TYPE_BIGINT)}, .index = 2};
    mr_plan_source *source = mr_arena_zalloc(arena, 1, sizeof *source);
    *source = (mr_plan_source){
        .table = "in",
        .topics_count = 1,
        .topics = topics,
        .start = {.mode = MR_START_EARLIEST},
        .make_value = make_decoder,
        .value_columns_count = 3,
        .columns_count = 3,
        .columns = columns,
        .time_column = 1,
        .watermark = make_watermark(arena),
        .idle_timeout_ms = options->idle_timeout_ms,
        .drift_max_ms = options->drift_max_ms,
        .guard = {.skew_max_ms = -1},
        .errors = {.mode = MR_ERRORS_DLQ, .dlq_topic = "dlq"},
    };
    job->plan.sources = source;
    job->plan.sources_count = 1;
}

static void make_window(mr_sim_job *job, bool is_hop, bool is_session)
{
    static const uint32_t keys[] = {0};
    mr_arena *arena = &job->arena;
    mr_type *key_types = mr_arena_alloc(arena, sizeof *key_types);
    key_types[0] = mr_type_string();
    mr_aggregate *aggregates = mr_arena_zalloc(arena, 2, sizeof *aggregates);
    mr_type bigint = mr_type_of(MR_TYPE_BIGINT);
    aggregates[0] = (mr_aggregate){
        .kind = MR_AGGREGATE_COUNT, .argument = -1, .filter = -1, .result_type = bigint};
    aggregates[1] = (mr_aggregate){.kind = MR_AGGREGATE_SUM,
                                   .argument = 2,
                                   .filter = -1,
                                   .argument_type = bigint,
                                   .result_type = bigint};
    job->window = (mr_window_config){.kind = is_session ? MR_WINDOW_SESSION
                                             : is_hop   ? MR_WINDOW_HOP
                                                        : MR_WINDOW_TUMBLE,
                                     .size_ms = is_session ? 6 : 10,
                                     .slide_ms = is_hop ? 5 : 10,
                                     .keys_count = 1,
                                     .keys = keys,
                                     .key_types = key_types,
                                     .aggregates_count = 2,
                                     .aggregates = aggregates};
    static const mr_origin from_source[] = {{.kind = MR_ORIGIN_SOURCE_ROWS, .index = 0}};
    mr_plan_node *node = mr_arena_zalloc(arena, 1, sizeof *node);
    *node = (mr_plan_node){.id = "counts/window",
                           .class = is_session ? &mr_session_aggregate_class
                                               : &mr_window_aggregate_class,
                           .config = &job->window,
                           .inputs_count = 1,
                           .inputs = from_source,
                           .errors = {.mode = MR_ERRORS_DLQ, .dlq_topic = "dlq"}};
    job->plan.nodes = node;
    job->plan.nodes_count = 1;
}

/* A table with itself: "k3|120|7|125|9" for rows 120|7 and 125|9 of k3. */
static void make_join(mr_sim_job *job)
{
    static const uint32_t keys[] = {0}, columns[] = {0, 1, 2};
    static const mr_origin inputs[] = {{.kind = MR_ORIGIN_SOURCE_ROWS, .index = 0},
                                       {.kind = MR_ORIGIN_SOURCE_ROWS, .index = 0}};
    mr_arena *arena = &job->arena;
    mr_type *types = mr_arena_alloc(arena, 3 * sizeof *types);
    types[0] = mr_type_string();
    types[1] = mr_type_time(MR_TYPE_TIMESTAMP, 3);
    types[2] = mr_type_of(MR_TYPE_BIGINT);
    job->join = (mr_interval_join_config){.keys_count = 1,
                                          .key_types = types,
                                          .lower_ms = -MR_JOIN_LAW_REACH_MS,
                                          .upper_ms = MR_JOIN_LAW_REACH_MS,
                                          .bucket_ms = 10,
                                          .is_left_outer = true};
    for (uint32_t s = 0; s < 2; s++)
        job->join.sides[s] = (mr_join_side){.keys = keys,
                                            .columns_count = s == MR_JOIN_LEFT ? 3 : 2,
                                            .columns = columns + s,
                                            .types = types + s,
                                            .time_column = 1};
    mr_plan_node *node = mr_arena_zalloc(arena, 1, sizeof *node);
    *node = (mr_plan_node){.id = "pairs/join",
                           .class = &mr_interval_join_class,
                           .config = &job->join,
                           .inputs_count = 2,
                           .inputs = inputs,
                           .errors = {.mode = MR_ERRORS_DLQ, .dlq_topic = "dlq"}};
    job->plan.nodes = node;
    job->plan.nodes_count = 1;
}

static void make_sinks(mr_sim_job *job)
{
    static const char *const topics[] = {"out", "late"};
    mr_arena *arena = &job->arena;
    mr_plan_sink *sinks = mr_arena_zalloc(arena, 2, sizeof *sinks);
    for (uint32_t s = 0; s < 2; s++) {
        mr_log_sink_config *config = mr_arena_zalloc(arena, 1, sizeof *config);
        *config =
            (mr_log_sink_config){.topic = topics[s], .make_encoder = make_encoder, .partition = 0};
        sinks[s] = (mr_plan_sink){
            .table = topics[s],
            .input = {.kind = s == 0 ? MR_ORIGIN_NODE_ROWS : MR_ORIGIN_NODE_LATE, .index = 0},
            .topic = topics[s],
            .open = mr_log_sink_open,
            .config = config,
            .errors = {.mode = MR_ERRORS_DLQ, .dlq_topic = "dlq"},
            .is_transactional = true};
    }
    job->plan.sinks = sinks;
    job->plan.sinks_count = 2;
}

void mr_sim_job_init(mr_sim_job *job, const mr_sim_job_options *options)
{
    *job = (mr_sim_job){0};
    job->plan = (mr_plan){.job = "sim",
                          .version = 1,
                          .tasks_count = options->tasks_count,
                          .guarantee = options->guarantee,
                          .commit_interval_ms = 40,
                          .transaction_timeout_ms = 10000,
                          .is_pipelined = true, /* of a worker that has a helper */
                          .uses_log = true};
    make_source(job, options);
    if (options->is_join)
        make_join(job);
    else
        make_window(job, options->is_hop, options->is_session);
    make_sinks(job);
}

void mr_sim_job_cut(mr_sim_job *job, const mr_sim_job_options *options)
{
    if (options->later_tasks == 0)
        return;
    const char *why_not =
        mr_stages_cut(&job->plan, options->later_tasks, &job->arena, &job->stages);
    MR_ASSERT(why_not == NULL);
    mr_stages_set_tasks(&job->plan, &job->stages, options->tasks_count);
}

void mr_sim_job_release(mr_sim_job *job)
{
    mr_arena_release(&job->arena);
}
