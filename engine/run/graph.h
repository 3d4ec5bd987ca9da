/*
 * The operator graph of one task at work: hands batches from node to node and watermarks after
 * them.
 *
 * A batch is pushed depth first: `emit` returns when everything below has taken it. A watermark
 * enters at the sources and goes down in topological order; a node passes it on when it has
 * returned DONE. The contract of operator.h is asserted around every slot: watermarks rise, nothing
 * is emitted at or behind the watermark sent, rows are conserved. Memory: emitted batches live in
 * the graph's arena, which `mr_graph_reset` empties between top-level calls. Thread: the engine's.
 */
#ifndef MR_ENGINE_RUN_GRAPH_H
#define MR_ENGINE_RUN_GRAPH_H

#include "engine/run/operator.h"
#include "engine/run/source_stage.h"

typedef struct mr_graph mr_graph;

/* Rows that reached a sink. rows_in = written + dead. */
typedef struct mr_sink_counts {
    uint64_t rows_in;
    uint64_t written;
    uint64_t dead;
} mr_sink_counts;

/* Opens all operators of `plan`; tables are opened in `state` in node order. `io` is borrowed. */
mr_status mr_graph_new(const mr_plan *plan, uint32_t task, mr_state *state, mr_budget *budget,
                       const mr_task_io *io, mr_graph **graph, mr_error *err);
void mr_graph_free(mr_graph *graph);

/* State is loaded: operators rebuild what memory derives from it. */
mr_status mr_graph_restored(mr_graph *graph, mr_error *err);

/* What became of `records` records of a source: rows, and lists of those that died. */
mr_status mr_graph_push(mr_graph *graph, uint32_t source, const mr_source_result *result,
                        uint64_t records, mr_error *err);

/* Rows of a source that is an exchange, aggregated before it. */
mr_status mr_graph_push_partials(mr_graph *graph, uint32_t source, const mr_batch *batch,
                                 mr_error *err);

/* MR_E_ROWS_BUDGET when more rows of a table died than its 'errors.budget' allows. The work so far
 * is whole and may be committed. */
mr_status mr_graph_check_budgets(const mr_graph *graph, mr_error *err);

/* The watermark of a source rose. Work starts in `mr_graph_advance`. */
void mr_graph_set_source_watermark(mr_graph *graph, uint32_t source, int64_t watermark_ms);

/* What tasks behind an exchange may have reached without this one (see mr_operator_context). */
void mr_graph_set_floor(mr_graph *graph, int64_t floor_ms);

/* Work that batches left in the nodes' state: no batch may come before `advance` has done it. */
bool mr_graph_has_rest(const mr_graph *graph);

/* Does what batches left, then carries watermarks on, by one call of one node. MORE: call again (a
 * commit may come in between, no batch may); DONE: all nodes have taken the watermarks of their
 * inputs. */
mr_status mr_graph_advance(mr_graph *graph, mr_progress *progress, mr_error *err);

/* Frees what the last top-level call made. */
void mr_graph_reset(mr_graph *graph);

mr_arena *mr_graph_arena(mr_graph *graph);
mr_operator_counts mr_graph_node_counts(const mr_graph *graph, uint32_t node);
/* Windows fired since the graph was made; what the node holds now (false: it does not say). */
uint64_t mr_graph_windows_fired(const mr_graph *graph, uint32_t node);
bool mr_graph_look(const mr_graph *graph, uint32_t node, mr_operator_look *look);
mr_sink_counts mr_graph_sink_counts(const mr_graph *graph, uint32_t sink);
int64_t mr_graph_node_watermark(const mr_graph *graph, uint32_t node);

/* Counts live in the epoch record: these put them back after a restore. */
void mr_graph_set_counts(mr_graph *graph, uint32_t node, mr_operator_counts counts);
void mr_graph_set_sink_counts(mr_graph *graph, uint32_t sink, mr_sink_counts counts);

#endif
