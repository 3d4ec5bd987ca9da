/*
 * What there is to say about the parts of a plan, in words that text, dot and JSON share.
 * Texts live in the arena given.
 */
#ifndef MR_JOBS_EXPLAIN_FACTS_H
#define MR_JOBS_EXPLAIN_FACTS_H

#include "jobs/plan/job.h"

/* "orders", "orders$errors", "per_minute/window", "per_minute/window late rows" */
const char *mr_explain_origin(const mr_plan *plan, mr_origin origin, mr_arena *arena);

/* Where the rows of a source come from, and from when. */
const char *mr_explain_input(const mr_plan_source *source, mr_arena *arena);
const char *mr_explain_start(const mr_plan_source *source, mr_arena *arena);
const char *mr_explain_watermark(const mr_plan_source *source, mr_arena *arena);

/* "a STRING, b INT NOT NULL" */
const char *mr_explain_columns(mr_schema schema, mr_arena *arena);
const char *mr_explain_source_columns(const mr_plan_source *source, mr_arena *arena);

/* NULL where there is none. */
const char *mr_explain_key(const mr_plan *plan, const mr_plan_node *node, mr_arena *arena);
const char *mr_explain_state(const mr_plan_node *node, mr_arena *arena);
const char *mr_explain_bound(const mr_plan_node *node, mr_arena *arena);
const char *mr_explain_late(const mr_plan *plan, uint32_t node, mr_arena *arena);
const char *mr_explain_death(const mr_plan_node *node);

/* Where dead rows go. */
const char *mr_explain_errors(const mr_errors_policy *errors, mr_arena *arena);

/* What a reader of the sink may rely on. */
const char *mr_explain_delivery(const mr_plan *plan, const mr_plan_sink *sink);
const char *mr_explain_order(const mr_plan *plan, const mr_plan_sink *sink);
const char *mr_explain_guarantee(mr_guarantee guarantee);

/* State that nothing bounds: said out loud. */
bool mr_explain_is_unbounded(const mr_plan_node *node);

#endif
