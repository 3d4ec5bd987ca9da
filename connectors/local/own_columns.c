#include "connectors/local/own_columns.h"

#include "connectors/formats/json/headers.h"
#include "engine/base/hash.h"

#include <string.h>

#define US_PER_MS 1000

static void read_timestamp(const mr_vector *column, uint32_t row, mr_own_values *to,
                           mr_row_errors *errors)
{
    if (mr_vector_is_null(column, row))
        return;
    if (column->i64[row] < US_PER_MS)
        mr_row_errors_add(errors, row, MR_E_ROW_TIMESTAMP,
                          "the record's timestamp is not behind 1970-01-01 00:00:00");
    else
        to->timestamp_ms = column->i64[row] / US_PER_MS;
}

static void read_headers(const mr_vector *column, uint32_t row, mr_own_values *to,
                         const mr_batch *batch, mr_row_errors *errors)
{
    if (mr_vector_is_null(column, row))
        return;
    mr_json_scan scan = mr_json_scan_of(column->strings[row].bytes, column->strings[row].length);
    if (!mr_json_headers_read(&scan, batch->arena, &to->headers, &to->headers_count))
        mr_row_errors_add(errors, row, MR_E_ROW_HEADERS, "headers: %s, byte %d", scan.reason,
                          (int)(scan.bad_at - scan.start));
}

mr_own_values *mr_own_columns_read(const mr_own_columns *own, const mr_batch *batch,
                                   mr_row_errors *errors)
{
    if (!own->has_timestamp && !own->has_headers)
        return NULL;
    mr_own_values *values = mr_arena_zalloc(batch->arena, batch->selected, sizeof *values);
    for (uint32_t i = 0; i < batch->selected; i++) {
        uint32_t row = mr_batch_row(batch, i);
        values[i].timestamp_ms = MR_TIME_NONE;
        if (own->has_timestamp)
            read_timestamp(&batch->columns[own->timestamp], row, &values[i], errors);
        if (own->has_headers)
            read_headers(&batch->columns[own->headers], row, &values[i], batch, errors);
    }
    return values;
}

uint64_t mr_own_values_hash(const mr_own_values *values)
{
    uint64_t hash = mr_hash_u64((uint64_t)values->timestamp_ms);
    for (uint32_t i = 0; i < values->headers_count; i++) {
        const mr_header *header = &values->headers[i];
        uint64_t parts[] = {hash, mr_hash(header->name, strlen(header->name)),
                            mr_hash(header->value, header->value_length)};
        hash = mr_hash(parts, sizeof parts);
    }
    return hash;
}

void mr_own_values_put(const mr_own_values *values, const mr_header *more, uint32_t more_count,
                       mr_arena *arena, mr_log_record *record)
{
    record->timestamp_ms = values->timestamp_ms;
    record->headers = values->headers;
    record->headers_count = values->headers_count;
    if (more_count == 0)
        return;
    uint32_t count = values->headers_count + more_count;
    mr_header *all = mr_arena_alloc(arena, count * sizeof *all);
    if (values->headers_count > 0)
        memcpy(all, values->headers, values->headers_count * sizeof *all);
    memcpy(all + values->headers_count, more, more_count * sizeof *all);
    record->headers = all;
    record->headers_count = count;
}
