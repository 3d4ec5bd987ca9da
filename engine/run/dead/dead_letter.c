#include "engine/run/dead/dead_letter.h"

#include "engine/run/dead/row_text.h"

#include <inttypes.h>
#include <stdio.h>

#define OWN_HEADERS_MAX 12
#define LOG_LINES_PER_SECOND 1

static uint32_t record_number(const mr_dead_rows *rows, uint32_t row)
{
    return rows->record != NULL ? rows->record[row] : row;
}

const mr_record *mr_dead_rows_record(const mr_dead_rows *rows, uint32_t row)
{
    return rows->records != NULL ? &rows->records->record[record_number(rows, row)] : NULL;
}

const char *mr_dead_rows_stage(const mr_dead_rows *rows, const mr_row_error *error)
{
    return error->stage != NULL ? error->stage : rows->stage;
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
                                const mr_row_error *error, const mr_record *record)
{
    uint32_t kept = 0;
    const mr_header *original = NULL;
    if (record != NULL && rows->records->headers != NULL)
        original = rows->records->headers(rows->records, record_number(rows, error->row),
                                          rows->arena, &kept);
    header_list list = {.arena = rows->arena};
    list.headers = mr_arena_alloc(rows->arena, (kept + OWN_HEADERS_MAX) * sizeof *list.headers);
    for (uint32_t i = 0; i < kept; i++)
        list.headers[list.count++] = original[i];
    const char *code = mr_arena_printf(rows->arena, "MR%d", error->code);
    const char *stage = mr_dead_rows_stage(rows, error);
    put_header(&list, "__streams.errors.exception", code);
    put_header(&list, "__streams.errors.message", error->message);
    put_header(&list, "__streams.errors.stacktrace",
               mr_arena_printf(rows->arena, "%s at %s of %s%s%s: %s", code, stage, rows->operator,
                               error->expression != NULL ? " in " : "",
                               error->expression != NULL ? error->expression : "", error->message));
    if (record != NULL)
        put_place(&list, rows->records, record);
    put_header(&list, "__millrace.errors.job", io->job);
    put_header(&list, "__millrace.errors.operator", rows->operator);
    put_header(&list, "__millrace.errors.stage", stage);
    put_header(&list, "__millrace.errors.code", code);
    put_header(&list, "__millrace.errors.expression", error->expression);
    put_header(&list, "__millrace.errors.time",
               mr_arena_printf(rows->arena, "%" PRId64, io->clock->wall_ms(io->clock)));
    return list;
}

static mr_status produce(const mr_task_io *io, const mr_dead_rows *rows, const mr_row_error *error,
                         mr_error *err)
{
    const mr_record *record = mr_dead_rows_record(rows, error->row);
    header_list list = make_headers(io, rows, error, record);
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
        mr_row_text(rows->batch, error->row, rows->names, &text);
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
    const mr_record *record = mr_dead_rows_record(rows, error->row);
    if (record != NULL)
        snprintf(to, size, "%s[%" PRId32 "]@%" PRId64, rows->records->topic,
                 rows->records->partition, record->offset);
    else
        snprintf(to, size, "a row of %s", rows->operator);
}

static void write_line(const mr_task_io *io, const mr_dead_rows *rows, const mr_row_error *error)
{
    uint64_t suppressed;
    if (!mr_log_allowed(rows->site, io->clock->wall_ms(io->clock), LOG_LINES_PER_SECOND,
                        &suppressed))
        return;
    char place[320];
    print_place(rows, error, place, sizeof place);
    mr_logger_line(io->logger, MR_LOG_WARN,
                   "row failed code=MR%d at=%s stage=%s operator=%s reason=\"%s\" more=%" PRIu64,
                   error->code, place, mr_dead_rows_stage(rows, error), rows->operator,
                   error->message, suppressed);
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
                                mr_dead_rows_stage(rows, error), rows->operator, error->code,
                                error->message);
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
