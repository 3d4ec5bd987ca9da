/* Facts about a sink: where rows go, how often, and in which order. */
#include "jobs/explain/explanation.h"

#include "connectors/local/blackhole_sink.h"
#include "connectors/local/file_sink.h"
#include "connectors/local/log_sink.h"
#include "connectors/local/print_sink.h"
#include "operators/rank/deduplicate.h"
#include "operators/rows/union_all.h"
#include "operators/window/session_aggregate.h"

static const char *class_of(const mr_plan_sink *sink)
{
    if (sink->topic != NULL)
        return "kafka";
    if (sink->open == mr_file_sink_open)
        return "filesystem";
    if (sink->open == mr_print_sink_open)
        return "print";
    return sink->open == mr_blackhole_sink_open ? "blackhole" : "sink";
}

static void add_delivery(const mr_plan *plan, const mr_plan_sink *sink, mr_facts *facts)
{
    if (sink->open == mr_blackhole_sink_open) {
        mr_fact_add(facts, "delivery", "none: rows are counted and forgotten");
        return;
    }
    if (sink->is_transactional && plan->guarantee == MR_EXACTLY_ONCE) {
        mr_fact_add(facts, "delivery",
                    "exactly once for readers with isolation.level=read_committed");
        return;
    }
    if (plan->guarantee == MR_NO_GUARANTEE) {
        mr_fact_add(facts, "delivery", "none: a run starts anew, so its rows come again");
        return;
    }
    const char *how = sink->is_transactional ? "" : "flushed before each commit; ";
    const char *format = "at least once: %srows since the last commit are repeated after a crash";
    if (plan->guarantee == MR_EXACTLY_ONCE)
        mr_fact_warn(facts, "delivery", format, how);
    else
        mr_fact_add(facts, "delivery", format, how);
}

/* What the order of rows comes from: the first node above that makes one. */
static const char *order_of(const mr_plan *plan, mr_origin origin)
{
    while (origin.kind == MR_ORIGIN_NODE_ROWS) {
        const mr_plan_node *node = &plan->nodes[origin.index];
        if (mr_class_aggregates_windows(node->class))
            return "by window end";
        if (node->class == &mr_deduplicate_class)
            return "by event time, as the watermark passes";
        if (node->class == &mr_union_all_class)
            return "as they come from the inputs of the union, each in its own order";
        origin = node->inputs[0];
    }
    return "of each input partition; partitions mix as they are read";
}

static void add_order(const mr_plan *plan, const mr_plan_sink *sink, mr_facts *facts)
{
    mr_fact_add(facts, "order", "within a task: %s%s%s", order_of(plan, sink->input),
                sink->topic != NULL
                    ? "; rows with equal record keys lie in one partition of the topic"
                    : "",
                plan->tasks_count > 1 ? "; tasks mix" : "");
}

static void add_own(const mr_plan_sink *sink, mr_facts *facts)
{
    const mr_own_columns *own = &((const mr_log_sink_config *)sink->config)->own;
    if (own->has_timestamp)
        mr_fact_add(facts, "timestamp", "of each record from `%s`",
                    sink->schema.columns[own->timestamp].name);
    if (own->has_headers)
        mr_fact_add(facts, "headers", "of each record from `%s`",
                    sink->schema.columns[own->headers].name);
}

void mr_explain_sink(mr_explanation *explanation, mr_part *part)
{
    (void)explanation;
    const mr_plan *plan = part->plan;
    const mr_plan_sink *sink = &plan->sinks[part->index];
    mr_facts *facts = &part->facts;
    part->name = sink->table;
    part->class = class_of(sink);
    part->columns_count = sink->schema.columns_count;
    part->columns = sink->schema.columns;
    part->inputs_count = 1;
    part->inputs = &sink->input;
    if (sink->topic != NULL) {
        mr_fact_add(facts, "writes", "topic `%s`", sink->topic);
        add_own(sink, facts);
    } else if (sink->open == mr_file_sink_open) {
        mr_fact_add(facts, "writes", "lines behind the end of `%s`",
                    ((const mr_file_sink_config *)sink->config)->path);
    }
    add_delivery(plan, sink, facts);
    if (sink->open != mr_blackhole_sink_open)
        add_order(plan, sink, facts);
    const char *readers = mr_explain_readers(
        plan, (mr_origin){.kind = MR_ORIGIN_SINK_ERRORS, .index = part->index}, facts->arena);
    mr_fact_add(facts, "dead", "rows that cannot be encoded%s: %s%s%s",
                sink->topic != NULL ? " or that the broker refuses" : "",
                mr_explain_errors(&sink->errors, facts->arena),
                readers != NULL ? "; $errors goes to " : "", readers != NULL ? readers : "");
}
