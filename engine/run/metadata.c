#include "engine/run/metadata.h"

#include "engine/base/buffer.h"

#define US_PER_MS 1000

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
        else if (c < 0x20 || c >= 0x7f)
            mr_buffer_printf(to, "\\u%04x", c);
        else
            mr_buffer_put_u8(to, c);
    }
    mr_buffer_put_u8(to, '"');
}

/* Headers as one JSON object; bytes beyond ASCII are shown as code points 80..ff. */
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
        put_json_text(headers[i].name, strlen(headers[i].name), &text);
        mr_buffer_put_u8(&text, ':');
        if (headers[i].value == NULL)
            mr_buffer_put(&text, "null", 4);
        else
            put_json_text(headers[i].value, headers[i].value_length, &text);
    }
    mr_buffer_put_u8(&text, '}');
    mr_string result =
        mr_string_of(mr_arena_copy(batch->arena, text.data, text.length), (uint32_t)text.length);
    mr_buffer_release(&text);
    return result;
}

static void put_one(mr_metadata which, mr_vector *to, uint32_t row, const mr_batch *batch)
{
    const mr_records *records = batch->records;
    const mr_record *record = &records->record[batch->record[row]];
    switch (which) {
    case MR_METADATA_TOPIC: to->strings[row] = text_of(records->topic); break;
    case MR_METADATA_PARTITION: to->i32[row] = records->partition; break;
    case MR_METADATA_OFFSET: to->i64[row] = record->offset; break;
    case MR_METADATA_TIMESTAMP:
        if (record->timestamp_ms == MR_TIME_NONE)
            mr_vector_set_null(to, row, batch->rows, batch->arena);
        else
            to->i64[row] = record->timestamp_ms * US_PER_MS;
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

mr_vector mr_metadata_column(mr_metadata which, mr_type type, const mr_batch *batch)
{
    mr_vector column = mr_vector_new(type, batch->rows, batch->arena);
    for (uint32_t row = 0; row < batch->rows; row++)
        put_one(which, &column, row, batch);
    return column;
}
