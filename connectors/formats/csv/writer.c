#include "connectors/formats/csv/writer.h"

#include "connectors/formats/codes.h"
#include "connectors/formats/csv/scan.h"
#include "connectors/formats/text/base64.h"
#include "connectors/formats/text/number.h"
#include "connectors/formats/text/time.h"
#include "connectors/formats/text/utf8.h"
#include "engine/base/assert.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

typedef struct csv_field {
    uint32_t column;
    mr_type type;
    const char *name; /* for messages */
} csv_field;

typedef struct csv_writer {
    mr_row_writer base;
    mr_arena memory;
    mr_csv_dialect dialect;
    bool is_special[256];  /* bytes that ask for quotes */
    bool are_values_plain; /* none of what numbers, times, base64 are made of is special */
    csv_field *fields;
    uint32_t fields_count;
} csv_writer;

/* In front of a row it would be no text. */
static bool is_no_text(const csv_writer *w, const char *text, size_t length)
{
    return mr_utf8_mark(text, length) > 0 || mr_csv_is_comment(&w->dialect, text, text + length);
}

/* `high` gets a bit when the text is not ASCII. */
static bool needs_quotes(const csv_writer *w, const char *text, size_t length, bool is_first,
                         unsigned *high)
{
    const char *end = text + length, *at = text;
    bool is_plain = mr_csv_find(&w->dialect, at, text, end, high) == end &&
                    memchr(text, w->dialect.quote, length) == NULL;
    if (!is_plain) { /* perhaps only a tab, but then all of it is looked at */
        *high = ~0u;
        while (at < end && !w->is_special[(unsigned char)*at])
            at++;
        if (at < end)
            return true;
    }
    if (!is_first)
        return false;
    return (length == 0 && w->fields_count == 1) || is_no_text(w, text, length);
}

static void put_quoted(const csv_writer *w, const char *text, size_t length, mr_buffer *out)
{
    const mr_csv_dialect *d = &w->dialect;
    char *to = mr_buffer_reserve(out, length * 2 + 2), *begin = to;
    *to++ = d->quote;
    for (size_t i = 0; i < length; i++) {
        if (text[i] == d->quote)
            *to++ = d->quote;
        else if (text[i] == d->escape && d->escape != MR_CSV_NONE)
            *to++ = d->escape;
        *to++ = text[i];
    }
    *to++ = d->quote;
    out->length += (size_t)(to - begin);
}

/* Where quotes are disabled; an escape stands for itself before any character but 0, n, r, t. */
static void put_escaped(const csv_writer *w, const char *text, size_t length, bool is_first,
                        mr_buffer *out)
{
    char *to = mr_buffer_reserve(out, length * 2 + 1), *begin = to;
    for (size_t i = 0; i < length; i++) {
        if (w->is_special[(unsigned char)text[i]] ||
            (i == 0 && is_first && is_no_text(w, text, length)))
            *to++ = w->dialect.escape;
        *to++ = text[i] == '\n' ? 'n' : text[i] == '\r' ? 'r' : text[i];
    }
    out->length += (size_t)(to - begin);
}

/* 0, or the code of why it cannot be written. */
static int32_t put_field(const csv_writer *w, const char *text, size_t length, bool is_first,
                         mr_buffer *out)
{
    unsigned high = 0;
    bool is_quoted = needs_quotes(w, text, length, is_first, &high);
    if (high != 0 && mr_utf8_bad(text, text + length) != text + length)
        return MR_E_TEXT_UTF8;
    if (!is_quoted)
        mr_buffer_put(out, text, length);
    else if (w->dialect.quote != MR_CSV_NONE)
        put_quoted(w, text, length, out);
    else if (w->dialect.escape != MR_CSV_NONE && length > 0)
        put_escaped(w, text, length, is_first, out);
    else
        return MR_E_CSV_UNQUOTED;
    return 0;
}

static size_t write_double(char *to, double value, bool is_float)
{
    if (isfinite(value))
        return is_float ? mr_number_write_float(to, value) : mr_number_write_double(to, value);
    const char *word = isnan(value) ? "NaN" : value > 0 ? "Infinity" : "-Infinity";
    memcpy(to, word, strlen(word));
    return strlen(word);
}

static size_t write_value(const csv_writer *w, const csv_field *field, const mr_vector *values,
                          uint32_t row, char *to)
{
    switch (field->type.kind) {
    case MR_TYPE_BOOLEAN:
        memcpy(to, values->bools[row] ? "true" : "false", 5);
        return values->bools[row] ? 4 : 5;
    case MR_TYPE_TINYINT:
    case MR_TYPE_SMALLINT:
    case MR_TYPE_INT: return mr_number_write_i64(to, values->i32[row]);
    case MR_TYPE_BIGINT: return mr_number_write_i64(to, values->i64[row]);
    case MR_TYPE_DECIMAL:
        return mr_number_write_decimal(to, values->i128[row], field->type.scale,
                                       w->dialect.is_decimal_plain);
    case MR_TYPE_FLOAT: return write_double(to, values->f64[row], true);
    case MR_TYPE_DOUBLE: return write_double(to, values->f64[row], false);
    case MR_TYPE_DATE: return mr_time_write_date(to, values->i32[row]);
    case MR_TYPE_TIME: return mr_time_write_time(to, values->i64[row]);
    default:
        return mr_time_write_timestamp(to, values->i64[row], ' ',
                                       field->type.kind == MR_TYPE_TIMESTAMP_LTZ);
    }
}

static int32_t put_bytes(const csv_writer *w, mr_string bytes, bool is_first, mr_buffer *out)
{
    size_t length = mr_base64_encoded_length(bytes.length);
    char *text = malloc(length + 1);
    MR_ASSERT(text != NULL);
    mr_base64_encode(text, bytes.bytes, bytes.length);
    int32_t code = put_field(w, text, length, is_first, out);
    free(text);
    return code;
}

/* 0, or the code of what is wrong. */
static int32_t put_value(const csv_writer *w, const csv_field *field, const mr_vector *values,
                         uint32_t row, bool is_first, mr_buffer *out)
{
    if (mr_vector_is_null(values, row)) {
        mr_buffer_put(out, w->dialect.null_literal, w->dialect.null_length);
        return 0;
    }
    if (values->lane == MR_LANE_STRING) {
        mr_string s = values->strings[row];
        if (!mr_type_is_text(field->type))
            return put_bytes(w, s, is_first, out);
        return put_field(w, s.length > 0 ? s.bytes : "", s.length, is_first, out);
    }
    if (w->are_values_plain) {
        char *to = mr_buffer_reserve(out, MR_NUMBER_TEXT_MAX);
        out->length += write_value(w, field, values, row, to);
        return 0;
    }
    char text[MR_NUMBER_TEXT_MAX];
    size_t length = write_value(w, field, values, row, text);
    return put_field(w, text, length, is_first, out);
}

static mr_written csv_write(mr_row_writer *writer, const mr_batch *batch, uint32_t row,
                            mr_buffer *out, mr_row_errors *errors)
{
    csv_writer *w = (csv_writer *)writer;
    mr_buffer_reserve(out, 1); /* an empty row is not NULL */
    for (uint32_t i = 0; i < w->fields_count; i++) {
        const csv_field *field = &w->fields[i];
        if (i > 0)
            mr_buffer_put(out, &w->dialect.delimiter, 1);
        int32_t code = put_value(w, field, &batch->columns[field->column], row, i == 0, out);
        if (code == 0)
            continue;
        mr_row_errors_add(errors, row, code, "csv: %s in column `%s`",
                          code == MR_E_TEXT_UTF8 ? "text is not UTF-8"
                                                 : "text that needs quotes, which are disabled,",
                          field->name);
        return MR_WRITTEN_ERROR;
    }
    return MR_WRITTEN_BYTES;
}

static void csv_free(mr_row_writer *writer)
{
    csv_writer *w = (csv_writer *)writer;
    mr_arena_release(&w->memory);
    free(w);
}

static const mr_row_writer_class CSV_WRITER = {.write = csv_write, .free = csv_free};

static void mark_special(csv_writer *w)
{
    static const char plain[] = "0123456789+-.:/= eEZtrufalsNIniy"
                                "ABCDFGHJKLMOPQRSTUVWXYbcdghjkmopqvwxz";
    const mr_csv_dialect *d = &w->dialect;
    const char special[] = {d->delimiter, '\r', '\n', d->quote, d->escape};
    for (size_t i = 0; i < sizeof special; i++)
        if (special[i] != MR_CSV_NONE)
            w->is_special[(unsigned char)special[i]] = true;
    w->are_values_plain = true;
    for (const char *c = plain; *c != '\0'; c++)
        w->are_values_plain = w->are_values_plain && !w->is_special[(unsigned char)*c];
}

mr_status mr_csv_writer_new(const mr_codec_field *fields, uint32_t fields_count,
                            const mr_csv_dialect *dialect, mr_row_writer **writer, mr_error *err)
{
    csv_writer *w = calloc(1, sizeof *w);
    MR_ASSERT(w != NULL);
    w->base.class = &CSV_WRITER;
    w->dialect = *dialect;
    const char *literal = dialect->null_literal != NULL ? dialect->null_literal : "";
    w->dialect.null_length = strlen(literal);
    w->dialect.null_literal = mr_arena_string(&w->memory, literal, strlen(literal));
    w->fields_count = fields_count;
    w->fields = mr_arena_zalloc(&w->memory, (size_t)fields_count + 1, sizeof *w->fields);
    mark_special(w);
    for (uint32_t i = 0; i < fields_count; i++) {
        char type[MR_TYPE_NAME_MAX];
        const mr_codec_field *from = &fields[i];
        if (mr_type_lane(from->type) == MR_LANE_NONE || from->type.kind == MR_TYPE_INTERVAL_MONTH ||
            from->type.kind == MR_TYPE_INTERVAL_SECOND) {
            csv_free(&w->base);
            return mr_error_set(err, MR_E_SETTING, "csv cannot hold column `%s` of type %s",
                                from->name, mr_type_name(from->type, type, sizeof type));
        }
        w->fields[i] =
            (csv_field){.column = from->column,
                        .type = from->type,
                        .name = mr_arena_string(&w->memory, from->name, strlen(from->name))};
    }
    *writer = &w->base;
    return MR_OK;
}
