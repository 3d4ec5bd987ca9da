#include "connectors/formats/json/writer.h"

#include "connectors/formats/codes.h"
#include "connectors/formats/json/scan.h"
#include "connectors/formats/text/base64.h"
#include "connectors/formats/text/time.h"
#include "connectors/formats/text/utf8.h"
#include "engine/base/assert.h"

#include <math.h>
#include <stdlib.h>

#define ESCAPE_MAX 6 /* \u001f */
#define VALUE_TEXT_MAX (MR_NUMBER_TEXT_MAX + 2)

typedef struct json_field {
    uint32_t column;
    mr_type type;
    const char *name;   /* for messages */
    const char *prefix; /* ,"name": */
    size_t prefix_length;
} json_field;

typedef struct json_writer {
    mr_row_writer base;
    mr_arena memory;
    mr_json_options options;
    char separator;
    json_field *fields;
    uint32_t fields_count;
} json_writer;

static inline char *room(mr_buffer *out, size_t more)
{
    if (out->capacity - out->length < more)
        return mr_buffer_reserve(out, more);
    return out->data + out->length;
}

static inline void put(mr_buffer *out, const char *bytes, size_t length)
{
    memcpy(room(out, length), bytes, length);
    out->length += length;
}

static void put_escaped(mr_buffer *out, char c)
{
    static const char hex[] = "0123456789abcdef";
    char *to = room(out, ESCAPE_MAX);
    *to++ = '\\';
    switch (c) {
    case '"':
    case '\\': *to++ = c; break;
    case '\b': *to++ = 'b'; break;
    case '\f': *to++ = 'f'; break;
    case '\n': *to++ = 'n'; break;
    case '\r': *to++ = 'r'; break;
    case '\t': *to++ = 't'; break;
    default:
        memcpy(to, "u00", 3);
        to[3] = hex[(unsigned char)c >> 4];
        to[4] = hex[(unsigned char)c & 15];
        to += 5;
    }
    out->length = (size_t)(to - out->data);
}

/* With quotes; false when the text is not UTF-8. */
static bool put_text(mr_buffer *out, const char *text, size_t length)
{
    const char *at = text, *end = text + length;
    put(out, "\"", 1);
    while (at < end) {
        const char *special = mr_json_find_special(at, text, end);
        while (special < end && (unsigned char)*special >= 0x80) {
            size_t bytes = mr_utf8_length(special, end);
            if (bytes == 0)
                return false;
            special += bytes;
        }
        put(out, at, (size_t)(special - at));
        at = special;
        if (at < end && mr_json_is_special(*at) && (unsigned char)*at < 0x80)
            put_escaped(out, *at++);
    }
    put(out, "\"", 1);
    return true;
}

static size_t write_time(char *to, const json_writer *w, const json_field *field,
                         const mr_vector *values, uint32_t row)
{
    char *at = to;
    *at++ = '"';
    switch (field->type.kind) {
    case MR_TYPE_DATE: at += mr_time_write_date(at, values->i32[row]); break;
    case MR_TYPE_TIME: at += mr_time_write_time(at, values->i64[row]); break;
    default:
        at += mr_time_write_timestamp(at, values->i64[row], w->separator,
                                      field->type.kind == MR_TYPE_TIMESTAMP_LTZ);
    }
    *at++ = '"';
    return (size_t)(at - to);
}

static bool put_double(mr_buffer *out, double value, bool is_float)
{
    if (!isfinite(value))
        return false;
    char *to = room(out, VALUE_TEXT_MAX);
    out->length += is_float ? mr_number_write_float(to, value) : mr_number_write_double(to, value);
    return true;
}

static bool put_string(mr_buffer *out, const mr_type *type, mr_string s)
{
    if (s.length == 0) {
        put(out, "\"\"", 2);
        return true;
    }
    if (mr_type_is_text(*type))
        return put_text(out, s.bytes, s.length);
    size_t length = mr_base64_encoded_length(s.length);
    char *to = room(out, length + 2);
    to[0] = '"';
    mr_base64_encode(to + 1, s.bytes, s.length);
    to[length + 1] = '"';
    out->length += length + 2;
    return true;
}

/* False when JSON has no way to spell the value. */
static bool put_value(const json_writer *w, const json_field *field, const mr_vector *values,
                      uint32_t row, mr_buffer *out)
{
    switch (field->type.kind) {
    case MR_TYPE_BOOLEAN:
        put(out, values->bools[row] ? "true" : "false", values->bools[row] ? 4 : 5);
        return true;
    case MR_TYPE_TINYINT:
    case MR_TYPE_SMALLINT:
    case MR_TYPE_INT:
        out->length += mr_number_write_i64(room(out, VALUE_TEXT_MAX), values->i32[row]);
        return true;
    case MR_TYPE_BIGINT:
        out->length += mr_number_write_i64(room(out, VALUE_TEXT_MAX), values->i64[row]);
        return true;
    case MR_TYPE_DECIMAL:
        out->length += mr_number_write_decimal(room(out, VALUE_TEXT_MAX), values->i128[row],
                                               field->type.scale, w->options.is_decimal_plain);
        return true;
    case MR_TYPE_FLOAT: return put_double(out, values->f64[row], true);
    case MR_TYPE_DOUBLE: return put_double(out, values->f64[row], false);
    case MR_TYPE_DATE:
    case MR_TYPE_TIME:
    case MR_TYPE_TIMESTAMP:
    case MR_TYPE_TIMESTAMP_LTZ:
        out->length += write_time(room(out, VALUE_TEXT_MAX), w, field, values, row);
        return true;
    default: return put_string(out, &field->type, values->strings[row]);
    }
}

static mr_written json_write(mr_row_writer *writer, const mr_batch *batch, uint32_t row,
                             mr_buffer *out, mr_row_errors *errors)
{
    json_writer *w = (json_writer *)writer;
    const size_t start = out->length;
    for (uint32_t i = 0; i < w->fields_count; i++) {
        const json_field *field = &w->fields[i];
        const mr_vector *values = &batch->columns[field->column];
        bool is_null = mr_vector_is_null(values, row);
        if (is_null && w->options.is_omitting_nulls)
            continue;
        put(out, field->prefix, field->prefix_length);
        if (is_null) {
            put(out, "null", 4);
        } else if (!put_value(w, field, values, row, out)) {
            bool is_number = values->lane == MR_LANE_F64;
            mr_row_errors_add(errors, row, is_number ? MR_E_JSON_FINITE : MR_E_TEXT_UTF8,
                              "json: %s in column `%s`",
                              is_number ? "NaN or Infinity has no JSON form" : "text is not UTF-8",
                              field->name);
            return MR_WRITTEN_ERROR;
        }
    }
    if (out->length == start)
        put(out, "{", 1);
    out->data[start] = '{'; /* where the first member's comma is */
    put(out, "}", 1);
    return MR_WRITTEN_BYTES;
}

static void json_free(mr_row_writer *writer)
{
    json_writer *w = (json_writer *)writer;
    mr_arena_release(&w->memory);
    free(w);
}

static const mr_row_writer_class JSON_WRITER = {.write = json_write, .free = json_free};

static mr_status add_field(json_writer *w, const mr_codec_field *from, json_field *field,
                           mr_error *err)
{
    char type[MR_TYPE_NAME_MAX];
    if (mr_type_lane(from->type) == MR_LANE_NONE || from->type.kind == MR_TYPE_INTERVAL_MONTH ||
        from->type.kind == MR_TYPE_INTERVAL_SECOND)
        return mr_error_set(err, MR_E_SETTING, "json cannot hold column `%s` of type %s",
                            from->name, mr_type_name(from->type, type, sizeof type));
    mr_buffer prefix = {0};
    put(&prefix, ",", 1);
    bool is_text = put_text(&prefix, from->name, strlen(from->name));
    put(&prefix, ":", 1);
    *field = (json_field){
        .column = from->column,
        .type = from->type,
        .name = mr_arena_string(&w->memory, from->name, strlen(from->name)),
        .prefix = mr_arena_copy(&w->memory, prefix.data, prefix.length),
        .prefix_length = prefix.length,
    };
    mr_buffer_release(&prefix);
    if (!is_text)
        return mr_error_set(err, MR_E_SETTING, "a column's name is not UTF-8");
    return MR_OK;
}

mr_status mr_json_writer_new(const mr_codec_field *fields, uint32_t fields_count,
                             const mr_json_options *options, mr_row_writer **writer, mr_error *err)
{
    json_writer *w = calloc(1, sizeof *w);
    MR_ASSERT(w != NULL);
    w->base.class = &JSON_WRITER;
    w->options = *options;
    w->separator = options->is_timestamp_iso ? 'T' : ' ';
    w->fields_count = fields_count;
    w->fields = mr_arena_zalloc(&w->memory, fields_count, sizeof *w->fields);
    for (uint32_t i = 0; i < fields_count; i++) {
        mr_status status = add_field(w, &fields[i], &w->fields[i], err);
        if (status != MR_OK) {
            json_free(&w->base);
            return status;
        }
    }
    *writer = &w->base;
    return MR_OK;
}
