#include "tests/sim/window_lines.h"

#include "engine/base/assert.h"
#include "engine/expr/decimal.h"
#include "tests/sim/window_plan.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

/* --- lines ----------------------------------------------------------------------------- */

void mr_window_lines_add(mr_window_lines *lines, const char *line)
{
    if (lines->count == lines->room) {
        lines->room = lines->room * 2 + 32;
        lines->starts = realloc(lines->starts, lines->room * sizeof *lines->starts);
        MR_ASSERT(lines->starts != NULL);
    }
    lines->starts[lines->count++] = lines->text.length;
    mr_buffer_put(&lines->text, line, strlen(line) + 1);
}

const char *mr_window_line(const mr_window_lines *lines, size_t i)
{
    return lines->text.data + lines->starts[i];
}

static int compare_lines(const void *left, const void *right, void *text)
{
    return strcmp((char *)text + *(const size_t *)left, (char *)text + *(const size_t *)right);
}

void mr_window_lines_sort(mr_window_lines *lines)
{
    if (lines->count > 1)
        qsort_r(lines->starts, lines->count, sizeof *lines->starts, compare_lines,
                lines->text.data);
}

void mr_window_lines_release(mr_window_lines *lines)
{
    mr_buffer_release(&lines->text);
    free(lines->starts);
    *lines = (mr_window_lines){0};
}

void mr_window_lines_move(mr_window_lines *from, mr_window_lines *to)
{
    for (size_t i = 0; i < from->count; i++)
        mr_window_lines_add(to, mr_window_line(from, i));
    from->count = 0;
    mr_buffer_clear(&from->text);
}

/* --- sinks ----------------------------------------------------------------------------- */

static size_t put_wide(mr_i128 value, char *to, size_t size)
{
    if (value == (int64_t)value)
        return (size_t)snprintf(to, size, "|%" PRId64, (int64_t)value);
    char text[MR_DECIMAL_TEXT_MAX];
    size_t length = mr_decimal_print(value, 0, text);
    return (size_t)snprintf(to, size, "|%.*s", (int)length, text);
}

/* As the oracle has it: see aggregate_oracle.h; times of windows and rows are milliseconds. */
static size_t put_value(const mr_vector *column, uint32_t row, char *to, size_t size)
{
    if (mr_vector_is_null(column, row))
        return (size_t)snprintf(to, size, "|null");
    switch (column->lane) {
    case MR_LANE_NONE: break;
    case MR_LANE_BOOL: return (size_t)snprintf(to, size, "|%d", column->bools[row]);
    case MR_LANE_I32: return (size_t)snprintf(to, size, "|%" PRId32, column->i32[row]);
    case MR_LANE_I64: break;
    case MR_LANE_I128: return put_wide(column->i128[row], to, size);
    case MR_LANE_F64: return (size_t)snprintf(to, size, "|%.17g", column->f64[row]);
    case MR_LANE_STRING:
        return (size_t)snprintf(to, size, "|%.*s", (int)column->strings[row].length,
                                column->strings[row].bytes);
    }
    bool is_ms = mr_type_is_timestamp(column->type) && column->type.precision == 3;
    return (size_t)snprintf(to, size, "|%" PRId64, column->i64[row] / (is_ms ? 1000 : 1));
}

static size_t put_key(const mr_vector *column, uint32_t row, char *to, size_t size)
{
    int key = -1;
    char digits[64];
    if (!mr_vector_is_null(column, row)) {
        snprintf(digits, sizeof digits, "%.*s", (int)column->strings[row].length,
                 column->strings[row].bytes);
        key = atoi(digits);
    }
    return (size_t)snprintf(to, size, "k%d", key);
}

static mr_status write_results(mr_sink *sink, const mr_sink_write *context, const mr_batch *batch,
                               mr_row_errors *errors, mr_error *err)
{
    (void)context;
    (void)errors;
    (void)err;
    mr_line_sink *self = (mr_line_sink *)sink;
    bool is_first = self->job->kind == MR_ORACLE_FIRST;
    for (uint32_t i = 0; i < batch->selected; i++) {
        uint32_t row = mr_batch_row(batch, i);
        char line[1024];
        size_t at =
            put_key(&batch->columns[is_first ? MR_SIM_COLUMN_KEY : 0], row, line, sizeof line);
        for (uint32_t c = 0; c < (is_first ? MR_SIM_COLUMN_MARK : batch->columns_count); c++)
            if (c != (is_first ? MR_SIM_COLUMN_KEY : 0))
                at += put_value(&batch->columns[c], row, line + at, sizeof line - at);
        mr_window_lines_add(&self->staged, line);
    }
    return MR_OK;
}

static mr_status write_late(mr_sink *sink, const mr_sink_write *context, const mr_batch *batch,
                            mr_row_errors *errors, mr_error *err)
{
    (void)context;
    (void)errors;
    (void)err;
    mr_line_sink *self = (mr_line_sink *)sink;
    for (uint32_t i = 0; i < batch->selected; i++) {
        uint32_t row = mr_batch_row(batch, i);
        char line[256] = "late";
        size_t at = 4 + put_value(&batch->columns[MR_SIM_COLUMN_ID], row, line + 4, 32);
        for (uint32_t c = MR_SIM_COLUMNS + 1; c < MR_SIM_COLUMNS + 5; c++)
            at += put_value(&batch->columns[c], row, line + at, sizeof line - at);
        mr_window_lines_add(&self->staged, line);
    }
    return MR_OK;
}

static const mr_sink_class results_class = {.write = write_results};
static const mr_sink_class late_class = {.write = write_late};

mr_line_sink mr_line_sink_of_results(const mr_oracle_job *job)
{
    return (mr_line_sink){.base = {.class = &results_class}, .job = job};
}

mr_line_sink mr_line_sink_of_late(const mr_oracle_job *job)
{
    return (mr_line_sink){.base = {.class = &late_class}, .job = job};
}
