#include "connectors/local/log_sink.h"

#include "engine/base/assert.h"
#include "engine/base/hash.h"
#include "engine/run/late.h"

#include <stdlib.h>
#include <string.h>

typedef struct log_sink {
    mr_sink base;
    const mr_log_sink_config *config;
    mr_encoder *encoder;
    mr_encoded encoded;
} log_sink;

void mr_sink_check_not_null(mr_schema schema, const mr_batch *batch, mr_row_errors *errors)
{
    for (uint32_t c = 0; c < schema.columns_count && c < batch->columns_count; c++) {
        const mr_vector *column = &batch->columns[c];
        if (schema.columns[c].type.is_nullable || column->valid == NULL)
            continue;
        for (uint32_t i = 0; i < batch->selected; i++) {
            uint32_t row = mr_batch_row(batch, i);
            if (mr_vector_is_null(column, row))
                mr_row_errors_add(errors, row, MR_E_ROW_NOT_NULL,
                                  "NULL in column `%s`, which is NOT NULL", schema.columns[c].name);
        }
    }
}

static bool is_refused(const mr_sink_write *context, uint64_t tag)
{
    uint32_t low = 0, high = context->refused_count;
    while (low < high) {
        uint32_t middle = low + (high - low) / 2;
        if (context->refused[middle] < tag)
            low = middle + 1;
        else
            high = middle;
    }
    return low < context->refused_count && context->refused[low] == tag;
}

/* With the topic: another may well take what this one refuses. */
static uint64_t tag_of(const mr_log_record *record, uint64_t topic_hash)
{
    uint64_t tag = topic_hash;
    tag ^= record->value != NULL ? mr_hash(record->value, record->value_length) : 0;
    if (record->key != NULL)
        tag ^= mr_hash(record->key, record->key_length);
    return tag != 0 ? tag : 1;
}

static mr_log_record record_of(const mr_encoded *encoded, uint32_t i)
{
    mr_log_record record = {.timestamp_ms = MR_TIME_NONE};
    /* A buffer nothing was put into has no bytes: an empty key or value is not NULL for that. */
    const char *bytes = encoded->bytes.data != NULL ? encoded->bytes.data : "";
    if (encoded->key_length != NULL && encoded->key_length[i] != UINT32_MAX) {
        record.key = bytes + encoded->key_start[i];
        record.key_length = encoded->key_length[i];
    }
    if (encoded->value_length[i] != UINT32_MAX) {
        record.value = bytes + encoded->value_start[i];
        record.value_length = encoded->value_length[i];
    }
    return record;
}

/* What is no part of key and value: the row's own timestamp and headers, how late it is. */
static void put_own(const mr_batch *batch, uint32_t row, const mr_own_values *own,
                    mr_log_record *record)
{
    const mr_header *late = NULL;
    uint32_t late_count = 0;
    if (batch->late != NULL)
        late = mr_late_headers(&batch->late[row], batch->arena, &late_count);
    if (own != NULL) {
        record->tag ^= mr_own_values_hash(own);
        record->tag = record->tag != 0 ? record->tag : 1;
        mr_own_values_put(own, late, late_count, batch->arena, record);
    } else {
        record->headers = late;
        record->headers_count = late_count;
    }
}

static bool has_failed(const mr_row_errors *errors, uint32_t *at, uint32_t row)
{
    while (*at < errors->count && errors->error[*at].row < row)
        (*at)++;
    return *at < errors->count && errors->error[*at].row == row;
}

static mr_status write_rows(mr_sink *sink, const mr_sink_write *context, const mr_batch *batch,
                            mr_row_errors *errors, mr_error *err)
{
    log_sink *self = (log_sink *)sink;
    mr_buffer_clear(&self->encoded.bytes);
    mr_status status =
        self->encoder->class->encode(self->encoder, batch, &self->encoded, errors, err);
    if (status != MR_OK)
        return status;
    mr_sink_check_not_null(self->config->schema, batch, errors);
    const mr_own_values *own = mr_own_columns_read(&self->config->own, batch, errors);
    mr_row_errors_settle(errors);
    mr_log_record *records = mr_arena_alloc(batch->arena, batch->selected * sizeof *records);
    mr_row_errors refused = {.arena = errors->arena};
    uint32_t count = 0, at = 0;
    uint64_t bytes = 0;
    uint64_t topic_hash = mr_hash(self->config->topic, strlen(self->config->topic));
    for (uint32_t i = 0; i < batch->selected; i++) {
        uint32_t row = mr_batch_row(batch, i);
        if (has_failed(errors, &at, row))
            continue;
        records[count] = record_of(&self->encoded, i);
        records[count].tag = tag_of(&records[count], topic_hash);
        put_own(batch, row, own != NULL ? &own[i] : NULL, &records[count]);
        if (context->refused_count > 0 && is_refused(context, records[count].tag))
            mr_row_errors_add(&refused, row, MR_E_ROW_REFUSED_BY_LOG,
                              "topic `%s` refused the record (too large or invalid)",
                              self->config->topic);
        else {
            bytes += records[count].key_length + records[count].value_length;
            count++;
        }
    }
    if (context->bytes != NULL)
        *context->bytes += bytes;
    for (uint32_t i = 0; i < refused.count; i++)
        mr_row_errors_add(errors, refused.error[i].row, refused.error[i].code, "%s",
                          refused.error[i].message)
            ->stage = "sink";
    if (count == 0)
        return MR_OK;
    return context->writer->class->produce(context->writer, self->config->topic,
                                           self->config->partition, records, count, err);
}

static void close_sink(mr_sink *sink)
{
    log_sink *self = (log_sink *)sink;
    self->encoder->class->free(self->encoder);
    mr_buffer_release(&self->encoded.bytes);
    free(self);
}

static const mr_sink_class log_sink_class = {.write = write_rows, .close = close_sink};

mr_status mr_log_sink_open(const void *config, mr_sink **sink, mr_error *err)
{
    log_sink *self = calloc(1, sizeof *self);
    MR_ASSERT(self != NULL);
    self->base = (mr_sink){.class = &log_sink_class, .is_transactional = true};
    self->config = config;
    mr_status status =
        self->config->make_encoder(self->config->encoder_config, &self->encoder, err);
    if (status != MR_OK) {
        free(self);
        return status;
    }
    *sink = &self->base;
    return MR_OK;
}
