#include "connectors/local/print_sink.h"

#include "connectors/local/log_sink.h"
#include "engine/base/assert.h"
#include "engine/expr/civil.h"
#include "engine/expr/decimal.h"
#include "engine/expr/number.h"

#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>

typedef struct print_sink {
    mr_sink base;
    const mr_print_sink_config *config;
    FILE *to;
    mr_buffer text;
} print_sink;

static void put_bytes(mr_string bytes, mr_buffer *to)
{
    for (uint32_t i = 0; i < bytes.length; i++)
        mr_buffer_printf(to, "%02x", (unsigned char)bytes.bytes[i]);
}

static void put_number(const mr_vector *column, uint32_t row, mr_buffer *to)
{
    char text[128];
    size_t length = 0;
    switch (column->type.kind) {
    case MR_TYPE_DECIMAL:
        length = mr_decimal_print(column->i128[row], column->type.scale, text);
        break;
    case MR_TYPE_FLOAT: length = mr_float_print(column->f64[row], text); break;
    case MR_TYPE_DOUBLE: length = mr_double_print(column->f64[row], text); break;
    case MR_TYPE_DATE: length = mr_date_print(column->i32[row], text); break;
    case MR_TYPE_TIME:
        length = mr_time_print(column->i64[row], column->type.precision, text);
        break;
    case MR_TYPE_INTERVAL_MONTH: length = mr_months_print(column->i32[row], text); break;
    case MR_TYPE_INTERVAL_SECOND: length = mr_duration_print(column->i64[row], text); break;
    default:
        length = mr_integer_print(column->lane == MR_LANE_I32 ? column->i32[row] : column->i64[row],
                                  text);
        break;
    }
    mr_buffer_put(to, text, length);
}

/* Flink's RowData text: timestamps with `T`, LTZ as UTC with `Z`. */
static void put_timestamp(const mr_vector *column, uint32_t row, mr_buffer *to)
{
    char text[MR_CIVIL_TEXT_MAX];
    size_t length = mr_timestamp_print(column->i64[row], column->type.precision, text);
    for (size_t i = 0; i < length; i++)
        if (text[i] == ' ')
            text[i] = 'T';
    mr_buffer_put(to, text, length);
    if (column->type.kind == MR_TYPE_TIMESTAMP_LTZ)
        mr_buffer_put_u8(to, 'Z');
}

static void put_value(const mr_vector *column, uint32_t row, mr_buffer *to)
{
    if (column->lane == MR_LANE_NONE || mr_vector_is_null(column, row))
        mr_buffer_put(to, "null", 4);
    else if (column->lane == MR_LANE_BOOL)
        mr_buffer_printf(to, "%s", column->bools[row] != 0 ? "true" : "false");
    else if (mr_type_is_text(column->type))
        mr_buffer_put(to, column->strings[row].bytes, column->strings[row].length);
    else if (column->lane == MR_LANE_STRING)
        put_bytes(column->strings[row], to);
    else if (mr_type_is_timestamp(column->type))
        put_timestamp(column, row, to);
    else
        put_number(column, row, to);
}

static void put_row(print_sink *self, const mr_batch *batch, uint32_t row)
{
    static const char *const kinds[] = {"+I", "-U", "+U", "-D"};
    mr_buffer *to = &self->text;
    if (self->config->identifier != NULL)
        mr_buffer_printf(to, "%s> ", self->config->identifier);
    mr_buffer_printf(to, "%s[", kinds[batch->kind != NULL ? batch->kind[row] : 0]);
    for (uint32_t c = 0; c < batch->columns_count; c++) {
        if (c > 0)
            mr_buffer_put(to, ", ", 2);
        put_value(&batch->columns[c], row, to);
    }
    mr_buffer_put(to, "]\n", 2);
}

static mr_status write_rows(mr_sink *sink, const mr_sink_write *context, const mr_batch *batch,
                            mr_row_errors *errors, mr_error *err)
{
    (void)context;
    print_sink *self = (print_sink *)sink;
    mr_sink_check_not_null(self->config->schema, batch, errors);
    mr_row_errors_settle(errors);
    uint32_t *rows = mr_arena_alloc(batch->arena, batch->selected * sizeof *rows);
    uint32_t count = mr_row_errors_exclude(errors, batch->selection, batch->selected, rows);
    mr_buffer_clear(&self->text);
    for (uint32_t i = 0; i < count; i++)
        put_row(self, batch, rows[i]);
    if (count > 0 && fwrite(self->text.data, 1, self->text.length, self->to) != self->text.length)
        return mr_error_set(err, MR_E_ENVIRONMENT, "cannot write to standard output: %s",
                            strerror(errno));
    return MR_OK;
}

static mr_status flush(mr_sink *sink, mr_error *err)
{
    print_sink *self = (print_sink *)sink;
    if (fflush(self->to) != 0)
        return mr_error_set(err, MR_E_ENVIRONMENT, "cannot write to standard output: %s",
                            strerror(errno));
    return MR_OK;
}

static void close_sink(mr_sink *sink)
{
    print_sink *self = (print_sink *)sink;
    fflush(self->to);
    mr_buffer_release(&self->text);
    free(self);
}

static const mr_sink_class print_class = {.write = write_rows, .flush = flush, .close = close_sink};

mr_status mr_print_sink_open(const void *config, mr_sink **sink, mr_error *err)
{
    (void)err;
    print_sink *self = calloc(1, sizeof *self);
    MR_ASSERT(self != NULL);
    self->base.class = &print_class;
    self->config = config;
    self->to = self->config->to;
    if (self->to == NULL)
        self->to = self->config->is_error ? stderr : stdout;
    *sink = &self->base;
    return MR_OK;
}
