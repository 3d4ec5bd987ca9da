/*
 * EXPLAIN: what a plan does, keeps and promises, as text, as a graph for Graphviz, and as JSON.
 *
 * All three forms say the same: they are written from one explanation (explanation.h). Nothing is
 * run and no cluster is asked, so facts that only a cluster knows (how many partitions there are)
 * are said as rules. Secrets are never shown: of a table's options only what the plan holds
 * appears. Thread: no shared state. Memory: `out` is the caller's, text is appended. Errors: none.
 */
#ifndef MR_JOBS_EXPLAIN_EXPLAIN_H
#define MR_JOBS_EXPLAIN_EXPLAIN_H

#include "engine/base/buffer.h"
#include "engine/run/plan.h"

/* The tree from sinks up to sources with facts beside it, lines of about 100 columns; warnings
 * last. */
void mr_explain_text(const mr_plan *plan, mr_buffer *out);

/* A directed graph: rows flow from left to right, late rows along dashed edges. */
void mr_explain_dot(const mr_plan *plan, mr_buffer *out);

/* One object: "job", "facts", "sources", "nodes", "sinks", "warnings". Ends with a line feed. */
void mr_explain_json(const mr_plan *plan, mr_buffer *out);

#endif
