#include "engine/run/metadata.h"

#include "engine/base/buffer.h"
#include "engine/expr/utf8.h"

#define US_PER_MS 1000
#define MS_MAX INT64_C(253402300799999) /* 9999-12-31 23:59:59.999: brokers take any number */

static mr_string text_of(const char *text)
{
    return mr_string_of(text, (uint32_t)strlen(text));
}

static mr_string timestamp_kind_name(mr_timestamp_kind kind)
{
    switch (kind) {
    case MR_TIMESTAMP_CREATE: return text_of("CreateTime");
    case MR_TIMESTAMP_APPEND: return text_of("LogAppendTime");
    case MR_TIMESTAMP_NONE: break;
    }
    return text_of("NoTimestampType");
}

static void put_json_text(const char *bytes, size_t length, mr_buffer *to)
{
    mr_buffer_put_u8(to, '"');
    for (size_t i = 0; i < length; i++) {
        unsigned char c = (unsigned char)bytes[i];
        if (c == '"' || c == '\\')
            mr_buffer_printf(to, "\\%c", c);
        else if (c < 0x20 || c == 0x7f)
            mr_buffer_printf(to, "\\u%04x", c);
        else
            mr_buffer_put_u8(to, c);
    }
    mr_buffer_put_u8(to, '"');
}

/* A producer's name for a header is text by Kafka's protocol; one that is not shows its bytes as
 * characters. */
static void put_name(const char *name, mr_buffer *to)
{
    size_t length = strlen(name);
    if (mr_utf8_is_valid(name, (uint32_t)length)) {
        put_json_text(name, length, to);
        return;
    }
    mr_buffer_put_u8(to, '"');
    for (size_t i = 0; i < length; i++)
        mr_buffer_printf(to, "\\u%04x", (unsigned char)name[i]);
    mr_buffer_put_u8(to, '"');
}

static void put_header(const mr_header *header, mr_buffer *to)
{
    put_name(header->name, to);
    mr_buffer_put_u8(to, ':');
    if (header->value == NULL) {
        mr_buffer_put(to, "null", 4);
    } else if (mr_utf8_is_valid(header->value, header->value_length)) {
        put_json_text(header->value, header->value_length, to);
    } else {
        mr_buffer_printf(to, "{\"hex\":\"");
        for (uint32_t i = 0; i < header->value_length; i++)
            mr_buffer_printf(to, "%02x", (unsigned char)header->value[i]);
        mr_buffer_printf(to, "\"}");
    }
}

static mr_string headers_text(const mr_batch *batch, uint32_t record)
{
    uint32_t count = 0;
    const mr_header *headers = NULL;
    if (batch->records->headers != NULL)
        headers = batch->records->headers(batch->records, record, batch->arena, &count);
    mr_buffer text = {0};
    mr_buffer_put_u8(&text, '{');
    for (uint32_t i = 0; i < count; i++) {
        if (i > 0)
            mr_buffer_put_u8(&text, ',');
        put_header(&headers[i], &text);
    }
    mr_buffer_put_u8(&text, '}');
    mr_string result =
        mr_string_of(mr_arena_copy(batch->arena, text.data, text.length), (uint32_t)text.length);
    mr_buffer_release(&text);
    return result;
}

/* In microseconds; digits behind the type's are cut, as a CAST does. */
static int64_t timestamp_of(int64_t ms, mr_type type, const mr_zone *zone)
{
    int64_t us = ms * US_PER_MS, step = US_PER_MS;
    for (unsigned digits = type.precision; digits < 3; digits++)
        step *= 10;
    if (type.kind == MR_TYPE_TIMESTAMP && zone != NULL)
        us = mr_zone_to_local(zone, us);
    return us - (us % step + step) % step;
}

static void put_one(mr_metadata which, mr_vector *to, uint32_t row, const mr_zone *zone,
                    const mr_batch *batch)
{
    const mr_records *records = batch->records;
    const mr_record *record = &records->record[batch->record[row]];
    switch (which) {
    case MR_METADATA_TOPIC: to->strings[row] = text_of(records->topic); break;
    case MR_METADATA_PARTITION:
        if (to->lane == MR_LANE_I32)
            to->i32[row] = records->partition;
        else
            to->i64[row] = records->partition;
        break;
    case MR_METADATA_OFFSET: to->i64[row] = record->offset; break;
    case MR_METADATA_TIMESTAMP:
        if (record->timestamp_ms < -MS_MAX || record->timestamp_ms > MS_MAX) /* NONE is one */
            mr_vector_set_null(to, row, batch->rows, batch->arena);
        else
            to->i64[row] = timestamp_of(record->timestamp_ms, to->type, zone);
        break;
    case MR_METADATA_TIMESTAMP_TYPE:
        to->strings[row] = timestamp_kind_name(record->timestamp_kind);
        break;
    case MR_METADATA_KEY:
        if (record->key == NULL)
            mr_vector_set_null(to, row, batch->rows, batch->arena);
        else
            to->strings[row] = mr_string_of(record->key, record->key_length);
        break;
    case MR_METADATA_HEADERS: to->strings[row] = headers_text(batch, batch->record[row]); break;
    }
}

mr_vector mr_metadata_column(mr_metadata which, mr_type type, const mr_zone *zone,
                             const mr_batch *batch)
{
    mr_vector column = mr_vector_new(type, batch->rows, batch->arena);
    for (uint32_t row = 0; row < batch->rows; row++)
        put_one(which, &column, row, zone, batch);
    return column;
}
