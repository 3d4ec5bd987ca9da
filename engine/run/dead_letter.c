#include "engine/run/dead_letter.h"

#include "engine/run/row_text.h"

#include <inttypes.h>
#include <stdio.h>

#define OWN_HEADERS_MAX 12
#define LOG_LINES_PER_SECOND 1

#define TEXT                                                                        \
    {                                                                               \
        .kind = MR_TYPE_VARCHAR, .length = MR_LENGTH_UNBOUNDED, .is_nullable = true \
    }
#define BYTES                                                                         \
    {                                                                                 \
        .kind = MR_TYPE_VARBINARY, .length = MR_LENGTH_UNBOUNDED, .is_nullable = true \
    }

const mr_field mr_error_columns[MR_ERROR_COLUMNS] = {
    {"error_code", TEXT},
    {"error_message", TEXT},
    {"error_stage", TEXT},
    {"error_operator", TEXT},
    {"error_expression", TEXT},
    {"topic", TEXT},
    {"partition", {.kind = MR_TYPE_INT, .is_nullable = true}},
    {"offset", {.kind = MR_TYPE_BIGINT, .is_nullable = true}},
    {"record_timestamp", {.kind = MR_TYPE_TIMESTAMP_LTZ, .precision = 3, .is_nullable = true}},
    {"record_key", BYTES},
    {"record_value", BYTES},
};

/* The record a failed row came from; NULL for a made row. */
static const mr_record *record_of(const mr_dead_rows *rows, uint32_t row, uint32_t *index)
{
    if (rows->records == NULL)
        return NULL;
    *index = rows->record != NULL ? rows->record[row] : row;
    return &rows->records->record[*index];
}

typedef struct header_list {
    mr_header *headers;
    uint32_t count;
    mr_arena *arena;
} header_list;

static void put_header(header_list *list, const char *name, const char *value)
{
    if (value == NULL)
        return;
    list->headers[list->count++] =
        (mr_header){.name = name, .value = value, .value_length = (uint32_t)strlen(value)};
}

static void put_place(header_list *list, const mr_records *records, const mr_record *record)
{
    put_header(list, "__streams.errors.topic", records->topic);
    put_header(list, "__streams.errors.partition",
               mr_arena_printf(list->arena, "%" PRId32, records->partition));
    put_header(list, "__streams.errors.offset",
               mr_arena_printf(list->arena, "%" PRId64, record->offset));
}

static header_list make_headers(const mr_task_io *io, const mr_dead_rows *rows,
                                const mr_row_error *error, const mr_record *record, uint32_t index)
{
    uint32_t kept = 0;
    const mr_header *original = NULL;
    if (record != NULL && rows->records->headers != NULL)
        original = rows->records->headers(rows->records, index, rows->arena, &kept);
    header_list list = {.arena = rows->arena};
    list.headers = mr_arena_alloc(rows->arena, (kept + OWN_HEADERS_MAX) * sizeof *list.headers);
    for (uint32_t i = 0; i < kept; i++)
        list.headers[list.count++] = original[i];
    const char *code = mr_arena_printf(rows->arena, "MR%d", error->code);
    put_header(&list, "__streams.errors.exception", code);
    put_header(&list, "__streams.errors.message", error->message);
    put_header(&list, "__streams.errors.stacktrace",
               mr_arena_printf(rows->arena, "%s at %s of %s%s%s: %s", code, rows->stage,
                               rows->operator, error->expression != NULL ? " in " : "",
                               error->expression != NULL ? error->expression : "", error->message));
    if (record != NULL)
        put_place(&list, rows->records, record);
    put_header(&list, "__millrace.errors.job", io->job);
    put_header(&list, "__millrace.errors.operator", rows->operator);
    put_header(&list, "__millrace.errors.stage", rows->stage);
    put_header(&list, "__millrace.errors.code", code);
    put_header(&list, "__millrace.errors.expression", error->expression);
    put_header(&list, "__millrace.errors.time",
               mr_arena_printf(rows->arena, "%" PRId64, io->clock->wall_ms(io->clock)));
    return list;
}

static mr_status produce(const mr_task_io *io, const mr_dead_rows *rows, const mr_row_error *error,
                         mr_error *err)
{
    uint32_t index = 0;
    const mr_record *record = record_of(rows, error->row, &index);
    header_list list = make_headers(io, rows, error, record, index);
    mr_log_record letter = {
        .timestamp_ms = MR_TIME_NONE, .headers = list.headers, .headers_count = list.count};
    mr_buffer text = {0};
    int32_t partition = MR_PARTITION_BY_KEY;
    if (record != NULL) {
        letter.key = record->key;
        letter.key_length = record->key_length;
        letter.value = record->value;
        letter.value_length = record->value_length;
        letter.timestamp_ms = record->timestamp_ms;
        int32_t has = io->dlq_partitions(io->context, rows->policy->dlq_topic);
        if (rows->records->partition < has)
            partition = rows->records->partition;
    } else if (rows->batch != NULL) {
        mr_row_text(rows->batch, error->row, NULL, &text);
        letter.value = text.data;
        letter.value_length = text.length;
    }
    mr_status status =
        io->writer->class->produce(io->writer, rows->policy->dlq_topic, partition, &letter, 1, err);
    mr_buffer_release(&text);
    return status;
}

static void print_place(const mr_dead_rows *rows, const mr_row_error *error, char *to, size_t size)
{
    uint32_t index = 0;
    const mr_record *record = record_of(rows, error->row, &index);
    if (record != NULL)
        snprintf(to, size, "%s[%" PRId32 "]@%" PRId64, rows->records->topic,
                 rows->records->partition, record->offset);
    else
        snprintf(to, size, "a row of %s", rows->operator);
}

static void write_line(const mr_task_io *io, const mr_dead_rows *rows, const mr_row_error *error)
{
    uint64_t suppressed;
    if (!mr_log_allowed(&rows->meter->site, io->clock->wall_ms(io->clock), LOG_LINES_PER_SECOND,
                        &suppressed))
        return;
    char place[320];
    print_place(rows, error, place, sizeof place);
    mr_logger_line(io->logger, MR_LOG_WARN,
                   "row failed code=MR%d at=%s stage=%s operator=%s reason=\"%s\" more=%" PRIu64,
                   error->code, place, rows->stage, rows->operator, error->message, suppressed);
}

mr_status mr_dead_letters_send(const mr_task_io *io, const mr_dead_rows *rows, mr_error *err)
{
    const mr_errors_policy *policy = rows->policy;
    for (uint32_t i = 0; i < rows->errors->count; i++) {
        const mr_row_error *error = &rows->errors->error[i];
        if (policy->mode == MR_ERRORS_FAIL) {
            char place[320];
            print_place(rows, error, place, sizeof place);
            return mr_error_set(err, MR_E_ROWS_FAIL,
                                "%s failed at %s of %s: MR%d %s ('errors.mode' is 'fail')", place,
                                rows->stage, rows->operator, error->code, error->message);
        }
        if (policy->mode == MR_ERRORS_DLQ && io->writer != NULL) {
            mr_status status = produce(io, rows, error, err);
            if (status != MR_OK)
                return status;
        } else if (policy->mode != MR_ERRORS_IGNORE) {
            write_line(io, rows, error);
        }
    }
    return MR_OK;
}

mr_status mr_errors_meter_add(mr_errors_meter *meter, const mr_errors_policy *policy,
                              const char *table, uint64_t rows, uint64_t dead, mr_error *err)
{
    if (policy->budget_rows == 0)
        return MR_OK;
    meter->rows += rows;
    meter->dead += dead;
    double limit = policy->budget_share * policy->budget_rows;
    if ((double)meter->dead > limit)
        return mr_error_set(err, MR_E_ROWS_BUDGET,
                            "%" PRIu64 " of the last %" PRIu64
                            " rows of `%s` failed, more than 'errors.budget' allows (%g %% of %u)",
                            meter->dead, meter->rows, table, policy->budget_share * 100,
                            policy->budget_rows);
    if (meter->rows >= policy->budget_rows) {
        /* Half of the old window stays, so that a burst across the edge is seen. */
        meter->rows /= 2;
        meter->dead /= 2;
    }
    return MR_OK;
}

static void put_text(mr_vector *column, uint32_t row, uint32_t rows, const char *text,
                     mr_arena *arena)
{
    if (text == NULL)
        mr_vector_set_null(column, row, rows, arena);
    else
        column->strings[row] = mr_string_of(text, (uint32_t)strlen(text));
}

static void put_bytes(mr_vector *column, uint32_t row, uint32_t rows, const char *bytes,
                      uint32_t length, mr_arena *arena)
{
    if (bytes == NULL)
        mr_vector_set_null(column, row, rows, arena);
    else
        column->strings[row] = mr_string_of(bytes, length);
}

static void put_record(mr_batch *batch, uint32_t i, const mr_dead_rows *rows, uint32_t row)
{
    mr_arena *arena = rows->arena;
    uint32_t index = 0, count = batch->rows;
    mr_vector *columns = batch->columns;
    const mr_record *record = record_of(rows, row, &index);
    put_text(&columns[5], i, count, record != NULL ? rows->records->topic : NULL, arena);
    if (record == NULL) {
        for (int c = 6; c < MR_ERROR_COLUMNS; c++)
            mr_vector_set_null(&columns[c], i, count, arena);
        return;
    }
    columns[6].i32[i] = rows->records->partition;
    columns[7].i64[i] = record->offset;
    if (record->timestamp_ms == MR_TIME_NONE)
        mr_vector_set_null(&columns[8], i, count, arena);
    else
        columns[8].i64[i] = record->timestamp_ms * 1000;
    put_bytes(&columns[9], i, count, record->key, record->key_length, arena);
    put_bytes(&columns[10], i, count, record->value, record->value_length, arena);
}

mr_batch mr_dead_letters_batch(const mr_dead_rows *rows)
{
    mr_arena *arena = rows->arena;
    uint32_t count = rows->errors->count;
    mr_batch batch = mr_batch_new(MR_ERROR_COLUMNS, count, arena);
    for (int c = 0; c < MR_ERROR_COLUMNS; c++)
        batch.columns[c] = mr_vector_new(mr_error_columns[c].type, count, arena);
    batch.records = rows->records;
    batch.record = rows->records != NULL ? mr_arena_alloc(arena, count * sizeof(uint32_t)) : NULL;
    for (uint32_t i = 0; i < count; i++) {
        const mr_row_error *error = &rows->errors->error[i];
        put_text(&batch.columns[0], i, count, mr_arena_printf(arena, "MR%d", error->code), arena);
        put_text(&batch.columns[1], i, count, error->message, arena);
        put_text(&batch.columns[2], i, count, rows->stage, arena);
        put_text(&batch.columns[3], i, count, rows->operator, arena);
        put_text(&batch.columns[4], i, count, error->expression, arena);
        put_record(&batch, i, rows, error->row);
        if (batch.record != NULL)
            batch.record[i] = rows->record != NULL ? rows->record[error->row] : error->row;
    }
    return batch;
}
