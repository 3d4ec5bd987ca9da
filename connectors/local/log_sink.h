/*
 * Log sink: rows become records of one topic, produced inside the engine's open transaction.
 *
 * A row's tag is mr_hash of its value, xor-ed with that of its key when it has one, and with what
 * the record has of its own (never 0). Rows whose tag the log refused before, rows that cannot be
 * encoded, and rows with a NULL in a NOT NULL column go to `errors`. Late rows carry headers
 * (engine/run/late.h). Thread: the engine's.
 */
#ifndef MR_CONNECTORS_LOCAL_LOG_SINK_H
#define MR_CONNECTORS_LOCAL_LOG_SINK_H

#include "connectors/local/own_columns.h"
#include "engine/ports/sink.h"

enum {
    MR_E_ROW_NOT_NULL = 3301, /* NULL in a NOT NULL column of the sink */
    MR_E_ROW_REFUSED_BY_LOG = 3302,
};

typedef struct mr_log_sink_config {
    const char *topic;
    /* A fresh encoder; called once at open. */
    mr_status (*make_encoder)(const void *config, mr_encoder **encoder, mr_error *err);
    const void *encoder_config;
    int32_t partition; /* MR_PARTITION_BY_KEY, or every record to this one */
    mr_schema schema;  /* names and NOT NULL of the sink's columns, as the batch has them */
    mr_own_columns own;
} mr_log_sink_config;

/* `config` is an mr_log_sink_config and must outlive the sink: fits mr_plan_sink.open. */
mr_status mr_log_sink_open(const void *config, mr_sink **sink, mr_error *err);

/* Adds a row error for every NULL in a NOT NULL column of `schema`; shared with the other sinks. */
void mr_sink_check_not_null(mr_schema schema, const mr_batch *batch, mr_row_errors *errors);

#endif
