/*
 * Print sink: rows on standard output as Flink's print connector writes them, e.g. `+I[JFK, 12,
 * null]`, with the identifier (and `> `) before them when there is one. Flushed before the commit;
 * rows may be printed again after a crash. Thread: the engine's.
 */
#ifndef MR_CONNECTORS_LOCAL_PRINT_SINK_H
#define MR_CONNECTORS_LOCAL_PRINT_SINK_H

#include "engine/ports/sink.h"

#include <stdio.h>

typedef struct mr_print_sink_config {
    const char *identifier; /* 'print-identifier'; NULL: none */
    FILE *to;               /* NULL: standard output */
    bool is_error;          /* 'standard-error' = 'true' */
    mr_schema schema;
} mr_print_sink_config;

/* `config` is an mr_print_sink_config: fits mr_plan_sink.open. */
mr_status mr_print_sink_open(const void *config, mr_sink **sink, mr_error *err);

#endif
