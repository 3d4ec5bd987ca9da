#include "tests/unit/engine/run/stage_fixture.h"

#include <criterion/criterion.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

/* --- codec ----------------------------------------------------------------------------- */

static mr_status decode(mr_decoder *decoder, const mr_records *records, mr_vector *columns,
                        uint32_t *rows, uint32_t *rows_count, mr_row_errors *errors,
                        mr_arena *arena, mr_error *err)
{
    (void)decoder;
    (void)err;
    columns[0] = mr_vector_new(mr_type_time(MR_TYPE_TIMESTAMP, 3), records->count, arena);
    columns[1] = mr_vector_new(mr_type_of(MR_TYPE_BIGINT), records->count, arena);
    uint32_t count = 0;
    for (uint32_t i = 0; i < records->count; i++) {
        int64_t time, amount;
        char text[64];
        snprintf(text, sizeof text, "%.*s", (int)records->record[i].value_length,
                 records->record[i].value);
        if (strcmp(text, "skipped") == 0)
            continue;
        if (sscanf(text, "%" SCNd64 "|%" SCNd64, &time, &amount) != 2) {
            mr_row_errors_add(errors, i, 3999, "not time|amount");
            continue;
        }
        columns[0].i64[count] = time * 1000;
        columns[1].i64[count] = amount;
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
    (void)config;
    (void)err;
    *decoder = calloc(1, sizeof **decoder);
    (*decoder)->class = &decoder_class;
    return MR_OK;
}

/* --- expressions ----------------------------------------------------------------------- */

static void thirteen_fails(const mr_kernel_call *call)
{
    for (uint32_t i = 0; i < (call->selection != NULL ? call->selected : call->rows); i++) {
        uint32_t row = call->selection != NULL ? call->selection[i] : i;
        call->result->i64[row] = call->args[0].i64[row];
        if (call->args[0].i64[row] != 13)
            continue;
        mr_row_errors_add(call->errors, row, MR_E_ARGUMENT, "thirteen");
        mr_vector_set_null(call->result, row, call->rows, call->arena);
    }
}

static void differs(const mr_kernel_call *call)
{
    for (uint32_t row = 0; row < call->rows; row++)
        call->result->bools[row] =
            call->args[0].i64[row] != call->args[1].i64[call->args[1].is_constant ? 0 : row];
}

static const mr_function thirteen_function = {
    .name = "thirteen", .kernel = thirteen_fails, .is_strict = true, .can_fail = true};
static const mr_function differs_function = {
    .name = "differs", .kernel = differs, .is_strict = true};

static const mr_expr *column(stage_fixture *f, uint32_t number, mr_type type)
{
    mr_expr *expr = mr_arena_zalloc(&f->arena, 1, sizeof *expr);
    *expr = (mr_expr){.kind = MR_EXPR_COLUMN, .type = type, .column = number};
    return expr;
}

static const mr_expr *call(stage_fixture *f, const mr_function *function, mr_type type,
                           int64_t constant, const char *text)
{
    const mr_expr **args = mr_arena_alloc(&f->arena, 2 * sizeof *args);
    mr_expr *second = mr_arena_zalloc(&f->arena, 1, sizeof *second);
    *second = (mr_expr){
        .kind = MR_EXPR_CONSTANT, .type = mr_type_of(MR_TYPE_BIGINT), .value = {.i64 = constant}};
    args[0] = column(f, 1, mr_type_of(MR_TYPE_BIGINT));
    args[1] = second;
    mr_expr *expr = mr_arena_zalloc(&f->arena, 1, sizeof *expr);
    *expr = (mr_expr){.kind = MR_EXPR_CALL,
                      .type = type,
                      .function = function,
                      .text = text,
                      .args_count = 2,
                      .args = args};
    return expr;
}

/* --- writer, clock, log ---------------------------------------------------------------- */

static mr_status produce(mr_log_writer *writer, const char *topic, int32_t partition,
                         const mr_log_record *records, uint32_t count, mr_error *err)
{
    (void)err;
    stage_fixture *f = (stage_fixture *)((char *)writer - offsetof(stage_fixture, writer));
    for (uint32_t i = 0; i < count; i++) {
        cr_assert_lt(f->letters_count, LETTERS_MAX);
        letter *to = &f->letters[f->letters_count++];
        *to = (letter){.has_key = records[i].key != NULL,
                       .has_value = records[i].value != NULL,
                       .partition = partition,
                       .timestamp_ms = records[i].timestamp_ms};
        snprintf(to->topic, sizeof to->topic, "%s", topic);
        snprintf(to->key, sizeof to->key, "%.*s", (int)records[i].key_length, records[i].key);
        snprintf(to->value, sizeof to->value, "%.*s", (int)records[i].value_length,
                 records[i].value);
        size_t at = 0;
        for (uint32_t h = 0; h < records[i].headers_count; h++)
            at += (size_t)snprintf(
                to->headers + at, sizeof to->headers - at, "%s=%.*s;", records[i].headers[h].name,
                (int)records[i].headers[h].value_length, records[i].headers[h].value);
    }
    return MR_OK;
}

static const mr_writer_class writer_class = {.produce = produce};

static int64_t noon(const mr_clock *clock)
{
    (void)clock;
    return 43200000;
}

static const mr_clock clock_at_noon = {.wall_ms = noon, .monotonic_us = noon};

static void write_log(void *sink, mr_log_level level, const char *line)
{
    (void)level;
    stage_fixture *f = sink;
    size_t used = strlen(f->log);
    snprintf(f->log + used, sizeof f->log - used, "%s\n", line);
}

static int32_t four_partitions(void *context, const char *topic)
{
    (void)context;
    (void)topic;
    return 4;
}

/* --- life ------------------------------------------------------------------------------ */

void stage_init(stage_fixture *f)
{
    static const char *const topics[] = {"orders"};
    static const int64_t forbidden[] = {7, 8, 9};
    static const mr_violation violations[] = {MR_VIOLATION_DLQ, MR_VIOLATION_TABLE,
                                              MR_VIOLATION_DROP};
    *f = (stage_fixture){.wm = {.value_ms = MR_TIME_NONE}};
    mr_type time = mr_type_time(MR_TYPE_TIMESTAMP, 3), bigint = mr_type_of(MR_TYPE_BIGINT);
    f->columns[0] = (mr_source_column){.field = {"time", time}, .index = 0};
    f->columns[1] = (mr_source_column){.field = {"amount", bigint}, .index = 1};
    f->columns[2] =
        (mr_source_column){.field = {"checked", bigint},
                           .origin = MR_COLUMN_COMPUTED,
                           .expr = call(f, &thirteen_function, bigint, 0, "CHECKED(amount)")};
    for (int i = 0; i < 3; i++)
        f->constraints[i] =
            (mr_constraint){.name = "allowed",
                            .check = call(f, &differs_function, mr_type_of(MR_TYPE_BOOLEAN),
                                          forbidden[i], "amount <> ?"),
                            .on_violation = violations[i]};
    f->source = (mr_plan_source){.table = "orders",
                                 .topics_count = 1,
                                 .topics = topics,
                                 .make_value = make_decoder,
                                 .value_columns_count = 2,
                                 .columns_count = 3,
                                 .columns = f->columns,
                                 .time_column = 0,
                                 .watermark = column(f, 0, time),
                                 .guard = {.skew_max_ms = -1},
                                 .constraints_count = 3,
                                 .constraints = f->constraints,
                                 .errors = {.mode = MR_ERRORS_LOG, .dlq_topic = "dlq"}};
    f->writer.class = &writer_class;
    f->logger = (mr_logger){.write = write_log, .sink = f};
    f->io = (mr_task_io){.writer = &f->writer,
                         .job = "shop",
                         .clock = &clock_at_noon,
                         .logger = &f->logger,
                         .dlq_partitions = four_partitions};
}

void stage_open(stage_fixture *f)
{
    mr_status status = mr_source_stage_new(&f->source, &f->context, &f->stage, &f->err);
    cr_assert_eq(status, MR_OK, "%s", f->err.message);
}

void stage_close(stage_fixture *f)
{
    mr_source_stage_free(f->stage);
    mr_arena_release(&f->arena);
}

mr_status stage_run(stage_fixture *f, const char *script)
{
    char *text = mr_arena_string(&f->arena, script, strlen(script)), *rest = NULL;
    int64_t offset = f->records.count > 0 ? f->record[f->records.count - 1].offset + 1 : 100;
    f->records = (mr_records){.topic = "orders", .partition = 2, .record = f->record};
    for (char *word = strtok_r(text, " ", &rest); word != NULL; word = strtok_r(NULL, " ", &rest)) {
        char *at = strchr(word, '@');
        if (at != NULL)
            *at++ = '\0';
        f->record[f->records.count++] =
            (mr_record){.offset = offset++,
                        .timestamp_ms = at != NULL ? strtoll(at, NULL, 10) : MR_TIME_NONE,
                        .key = "the key",
                        .key_length = 7,
                        .value = word,
                        .value_length = (uint32_t)strlen(word)};
    }
    return mr_source_stage_run(f->stage, &f->io, &f->records, &f->wm, MR_TIME_MAX, MR_TIME_NONE,
                               &f->arena, &f->result, &f->err);
}
