/*
 * Blackhole sink: takes every row and forgets it. For measurements.
 */
#ifndef MR_CONNECTORS_LOCAL_BLACKHOLE_SINK_H
#define MR_CONNECTORS_LOCAL_BLACKHOLE_SINK_H

#include "engine/ports/sink.h"

/* `config` is not used: fits mr_plan_sink.open. */
mr_status mr_blackhole_sink_open(const void *config, mr_sink **sink, mr_error *err);

#endif
