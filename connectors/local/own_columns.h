/*
 * Own columns: those of a table that are no part of a record's key or value but its timestamp and
 * its headers (METADATA columns of a table that is written).
 *
 * A NULL timestamp is left to the producer, which takes its clock; NULL headers are none. Headers
 * are JSON objects (connectors/formats/json/headers.h). A timestamp at or before 1970-01-01
 * 00:00:00 fails its row: Kafka's clients take 0 for "now", and brokers refuse what lies before.
 * Thread: pure. Memory: the batch's arena.
 */
#ifndef MR_CONNECTORS_LOCAL_OWN_COLUMNS_H
#define MR_CONNECTORS_LOCAL_OWN_COLUMNS_H

#include "engine/batch/batch.h"
#include "engine/batch/row_error.h"
#include "engine/ports/log.h"

enum {
    MR_E_ROW_HEADERS = 3303,   /* headers that are no such JSON object */
    MR_E_ROW_TIMESTAMP = 3304, /* a timestamp that no record can have */
};

typedef struct mr_own_columns {
    bool has_timestamp, has_headers;
    uint32_t timestamp, headers; /* columns of the batch: TIMESTAMP_LTZ, STRING */
} mr_own_columns;

typedef struct mr_own_values {
    int64_t timestamp_ms; /* MR_TIME_NONE: none */
    const mr_header *headers;
    uint32_t headers_count;
} mr_own_values;

/* One entry for each selected row; NULL: there are no such columns. Rows that cannot be written are
 * added to `errors`. */
mr_own_values *mr_own_columns_read(const mr_own_columns *own, const mr_batch *batch,
                                   mr_row_errors *errors);

/* Mixes what a record has of its own: rows that differ in nothing else are not one row. */
uint64_t mr_own_values_hash(const mr_own_values *values);

/* The record's headers are its own, then `more`. */
void mr_own_values_put(const mr_own_values *values, const mr_header *more, uint32_t more_count,
                       mr_arena *arena, mr_log_record *record);

#endif
