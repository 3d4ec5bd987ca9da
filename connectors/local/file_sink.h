/*
 * File sink: appends one encoded row a line to a file. Flushed to disk before the commit; rows of
 * the epoch that a crash cut off may be written again. Keys are not written. A NULL value has no
 * line: its row goes to `errors`. Thread: the engine's.
 */
#ifndef MR_CONNECTORS_LOCAL_FILE_SINK_H
#define MR_CONNECTORS_LOCAL_FILE_SINK_H

#include "engine/ports/sink.h"

enum {
    MR_E_ROW_NO_LINE = 3305, /* a NULL value */
};

typedef struct mr_file_sink_config {
    const char *path; /* a file; its folder must exist */
    mr_status (*make_encoder)(const void *config, mr_encoder **encoder, mr_error *err);
    const void *encoder_config;
    mr_schema schema;
} mr_file_sink_config;

/* `config` is an mr_file_sink_config: fits mr_plan_sink.open. MR_E_ENVIRONMENT when it cannot be
 * opened. */
mr_status mr_file_sink_open(const void *config, mr_sink **sink, mr_error *err);

#endif
