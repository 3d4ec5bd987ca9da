#include "engine/run/dead/dead_letter.h"

#include "engine/run/dead/dead_cut.h"
#include "engine/run/dead/dead_header.h"
#include "engine/run/dead/row_text.h"

#include <inttypes.h>
#include <stdio.h>

#define LOG_LINES_PER_SECOND 1

uint32_t mr_dead_rows_record_number(const mr_dead_rows *rows, uint32_t row)
{
    return rows->record != NULL ? rows->record[row] : row;
}

const mr_record *mr_dead_rows_record(const mr_dead_rows *rows, uint32_t row)
{
    return rows->records != NULL ? &rows->records->record[mr_dead_rows_record_number(rows, row)]
                                 : NULL;
}

const char *mr_dead_rows_stage(const mr_dead_rows *rows, const mr_row_error *error)
{
    return error->stage != NULL ? error->stage : rows->stage;
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

/* The record, or a made row as `text`. */
static mr_dead_original original_of(const mr_dead_rows *rows, const mr_row_error *error,
                                    mr_buffer *text)
{
    mr_dead_original whole = {0};
    const mr_record *record = mr_dead_rows_record(rows, error->row);
    if (record == NULL && rows->batch != NULL) {
        mr_row_text(rows->batch, error->row, rows->names, text);
        whole.value = text->data;
        whole.value_length = text->length;
    }
    if (record == NULL)
        return whole;
    whole = (mr_dead_original){.key = record->key,
                               .value = record->value,
                               .key_length = record->key_length,
                               .value_length = record->value_length};
    if (rows->records->headers != NULL)
        whole.headers =
            rows->records->headers(rows->records, mr_dead_rows_record_number(rows, error->row),
                                   rows->arena, &whole.headers_count);
    return whole;
}

static void tell_cut(const mr_task_io *io, const mr_dead_rows *rows, const mr_row_error *error,
                     const mr_dead_original *whole)
{
    uint64_t suppressed;
    if (!mr_log_allowed(rows->site, io->clock->wall_ms(io->clock), LOG_LINES_PER_SECOND,
                        &suppressed))
        return;
    char place[320];
    print_place(rows, error, place, sizeof place);
    mr_logger_line(io->logger, MR_LOG_WARN,
                   "dead letter cut code=MR%d at=%s topic=%s value_bytes=%zu reason=\"the topic "
                   "does not take it whole\" more=%" PRIu64,
                   error->code, place, rows->policy->dlq_topic, whole->value_length, suppressed);
}

static mr_status produce(const mr_task_io *io, const mr_dead_rows *rows, const mr_row_error *error,
                         mr_error *err)
{
    const mr_record *record = mr_dead_rows_record(rows, error->row);
    mr_buffer text = {0};
    mr_dead_original whole = original_of(rows, error, &text);
    mr_dead_cut cut = mr_dead_cut_known(io, rows, error, &whole);
    mr_dead_original left = mr_dead_cut_of(&whole, cut);
    if (cut != MR_DEAD_WHOLE)
        tell_cut(io, rows, error, &whole);
    mr_log_record letter = {.key = left.key,
                            .key_length = left.key_length,
                            .value = left.value,
                            .value_length = left.value_length,
                            .timestamp_ms = record != NULL ? record->timestamp_ms : MR_TIME_NONE,
                            .tag = mr_dead_tag(rows, error, &whole, cut)};
    letter.headers = mr_dead_headers(io, rows, error, &whole, &left, &letter.headers_count);
    int32_t partition = MR_PARTITION_BY_KEY;
    if (record != NULL &&
        rows->records->partition < io->dlq_partitions(io->context, rows->policy->dlq_topic))
        partition = rows->records->partition;
    mr_status status =
        io->writer->class->produce(io->writer, rows->policy->dlq_topic, partition, &letter, 1, err);
    mr_buffer_release(&text);
    if (status == MR_OK)
        mr_tally_letter(io->tally, mr_dead_rows_stage(rows, error), error->code,
                        cut != MR_DEAD_WHOLE);
    return status;
}

static void write_line(const mr_task_io *io, const mr_dead_rows *rows, const mr_row_error *error)
{
    uint64_t suppressed;
    if (!mr_log_allowed(rows->site, io->clock->wall_ms(io->clock), LOG_LINES_PER_SECOND,
                        &suppressed))
        return;
    char place[320];
    print_place(rows, error, place, sizeof place);
    const char *text = error->expression;
    mr_logger_line(io->logger, MR_LOG_WARN,
                   "row failed code=MR%d at=%s stage=%s operator=%s%s%s%s reason=\"%s\""
                   " more=%" PRIu64,
                   error->code, place, mr_dead_rows_stage(rows, error), rows->operator,
                   text != NULL ? " expression=\"" : "", text != NULL ? text : "",
                   text != NULL ? "\"" : "", error->message, suppressed);
}

void mr_dead_rows_tell_rest(const mr_task_io *io, const char *operator, mr_log_site * site)
{
    if (site->suppressed > 0)
        mr_logger_line(io->logger, MR_LOG_WARN,
                       "rows failed operator=%s more=%" PRIu64
                       ": since the last line about one, and not shown",
                       operator, site->suppressed);
    site->suppressed = 0;
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
