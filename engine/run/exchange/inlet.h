/*
 * Inlet: a source whose rows come through an exchange. Its input's records are frames; what it
 * knows of its upstreams is the input's `place`.
 * Thread: the engine's. Memory: batches live in the graph's arena.
 */
#ifndef MR_ENGINE_RUN_EXCHANGE_INLET_H
#define MR_ENGINE_RUN_EXCHANGE_INLET_H

#include "engine/run/graph.h"

typedef struct mr_inlet mr_inlet;

/* `source` of the plan, whose exchange is set; `downstream` counts within the stage. */
mr_inlet *mr_inlet_new(const mr_plan *plan, uint32_t source, uint32_t downstream);
void mr_inlet_free(mr_inlet *inlet);

mr_status mr_inlet_load(mr_inlet *inlet, const mr_buffer *place, mr_error *err);
void mr_inlet_save(const mr_inlet *inlet, mr_buffer *place);

/* Pushes the rows of a fetch of frames into the graph, judged, and notes each in `journal`. The
 * watermark has to be handed on by the caller afterwards. */
mr_status mr_inlet_take(mr_inlet *inlet, mr_graph *graph, const mr_records *frames,
                        mr_buffer *journal, mr_error *err);

/* Minimum over the upstreams; idle: none of them is to be waited for. */
mr_watermark mr_inlet_watermark(const mr_inlet *inlet);

/* Rows are counted as records; none is filtered or dies here. */
mr_source_counts *mr_inlet_counts(mr_inlet *inlet);

#endif
