/*
 * Outlets: the sinks of a task that lead to another stage, one sender for each exchange.
 *
 * Rows wait there until `flush`, which the commit calls before it takes the delta. Once a frame has
 * said that the task is idle, others may carry the next stage on without it: from then on the floor
 * (see mr_operator_context) is the highest there is. It is kept in a state table of its own, which
 * is opened before those of the operators. Thread: the engine's. Memory: heap.
 */
#ifndef MR_ENGINE_RUN_EXCHANGE_OUTLETS_H
#define MR_ENGINE_RUN_EXCHANGE_OUTLETS_H

#include "engine/run/graph.h"

typedef struct mr_outlets mr_outlets;

/* What an input says of its source when frames are sealed. */
typedef struct mr_outlets_source {
    int64_t watermark_ms;
    bool is_idle; /* no input of it is to be waited for */
    bool has_ended;
} mr_outlets_source;

/* NULL: the plan has no exchange sink. `io` is borrowed: its frames are asked for at each call.
 * `budget` may be NULL. */
mr_outlets *mr_outlets_new(const mr_plan *plan, uint32_t upstream, mr_state *state,
                           mr_budget *budget, const mr_task_io *io);
void mr_outlets_free(mr_outlets *outlets);

/* The sinks of the plan: those of the worker, and the task's own. Valid until the next call. */
mr_sink **mr_outlets_sinks(mr_outlets *outlets, mr_sink **of_worker);

/* State is loaded: the floor is what it was. */
int64_t mr_outlets_floor(const mr_outlets *outlets);

/* An epoch begins: the one before it was flushed. */
void mr_outlets_begin(mr_outlets *outlets, uint64_t epoch);

/* The task is to speak as a new one does, who knows of nothing that was told. */
void mr_outlets_renew(mr_outlets *outlets, uint64_t epoch);

/* Those who take the task for idle, for it may have told them, and have rows to come, or all of
 * them when it is idle no longer, hear of it before the flush. */
mr_status mr_outlets_wake(mr_outlets *outlets, const mr_outlets_source *sources, mr_error *err);

/* Sends what waits, and how far the task is. `sources` by number; the graph has settled. */
mr_status mr_outlets_flush(mr_outlets *outlets, const mr_graph *graph,
                           const mr_outlets_source *sources, mr_error *err);

#endif
