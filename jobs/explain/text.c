#include "jobs/explain/explain.h"
#include "jobs/explain/facts.h"

#include <inttypes.h>

static void line(mr_buffer *out, const char *what, const char *text)
{
    if (text != NULL && text[0] != '\0')
        mr_buffer_printf(out, "  %-10s %s\n", what, text);
}

static void put_source(const mr_plan_source *source, mr_buffer *out, mr_arena *arena)
{
    mr_buffer_printf(out, "\nsource %s <- %s\n", source->table, mr_explain_input(source, arena));
    line(out, "columns", mr_explain_source_columns(source, arena));
    line(out, "starts", mr_explain_start(source, arena));
    line(out, "watermark", mr_explain_watermark(source, arena));
    for (uint32_t i = 0; i < source->constraints_count; i++) {
        static const char *const actions[] = {"dies", "dies (dead letter)", "is dropped",
                                              "stops the job"};
        const mr_constraint *constraint = &source->constraints[i];
        line(out, "constraint",
             mr_arena_printf(arena, "%s: %s, else the row %s", constraint->name,
                             constraint->check->text != NULL ? constraint->check->text : "",
                             actions[constraint->on_violation]));
    }
    line(out, "can die",
         mr_arena_printf(arena, "undecodable records%s: %s",
                         source->constraints_count > 0 ? ", violated constraints" : "",
                         mr_explain_errors(&source->errors, arena)));
    line(out, "partition", source->partitioned_by);
}

static void put_node(const mr_plan *plan, uint32_t i, mr_buffer *out, mr_arena *arena)
{
    const mr_plan_node *node = &plan->nodes[i];
    mr_buffer_printf(out, "\n%s %s <- ", node->class->name, node->id);
    for (uint32_t j = 0; j < node->inputs_count; j++)
        mr_buffer_printf(out, "%s%s", j > 0 ? ", " : "",
                         mr_explain_origin(plan, node->inputs[j], arena));
    mr_buffer_printf(out, "\n");
    line(out, "does", node->details);
    line(out, "columns", mr_explain_columns(node->schema, arena));
    line(out, "key", mr_explain_key(plan, node, arena));
    line(out, "state", mr_explain_state(node, arena));
    line(out, "bounded by", mr_explain_bound(node, arena));
    line(out, "can be late", mr_explain_late(plan, i, arena));
    const char *death = mr_explain_death(node);
    if (death != NULL)
        line(out, "can die",
             mr_arena_printf(arena, "%s: %s", death, mr_explain_errors(&node->errors, arena)));
}

static void put_sink(const mr_plan *plan, const mr_plan_sink *sink, mr_buffer *out, mr_arena *arena)
{
    mr_buffer_printf(out, "\nsink %s <- %s\n", sink->table,
                     mr_explain_origin(plan, sink->input, arena));
    if (sink->topic != NULL)
        line(out, "topic", sink->topic);
    line(out, "columns", mr_explain_columns(sink->schema, arena));
    line(out, "delivers", mr_explain_delivery(plan, sink));
    line(out, "order", mr_explain_order(plan, sink));
    line(out, "can die",
         mr_arena_printf(arena, "rows that cannot be encoded or are refused: %s",
                         mr_explain_errors(&sink->errors, arena)));
}

void mr_explain_text(const mr_job *job, mr_buffer *out)
{
    const mr_plan *plan = &job->plan;
    mr_arena arena = {0};
    mr_buffer_printf(out, "job %s\n", plan->job);
    line(out, "plan", mr_arena_printf(&arena, "%016" PRIx64, plan->version));
    line(out, "guarantee", mr_explain_guarantee(plan->guarantee));
    line(out, "commits", mr_arena_printf(&arena, "every %" PRId64 " ms", plan->commit_interval_ms));
    line(out, "tasks",
         job->tasks_follow_partitions ? "one per partition of the input"
                                      : mr_arena_printf(&arena, "%u", plan->tasks_count));
    line(out, "log",
         plan->uses_log ? mr_arena_printf(&arena, "Kafka at %s, state in topic %s.state",
                                          job->cluster.bootstrap, plan->job)
                        : "in memory: no table of the job lies in Kafka");
    for (uint32_t i = 0; i < plan->sources_count; i++)
        put_source(&plan->sources[i], out, &arena);
    for (uint32_t i = 0; i < plan->nodes_count; i++)
        put_node(plan, i, out, &arena);
    for (uint32_t i = 0; i < plan->sinks_count; i++)
        put_sink(plan, &plan->sinks[i], out, &arena);
    for (uint32_t i = 0; i < plan->nodes_count; i++)
        if (mr_explain_is_unbounded(&plan->nodes[i]))
            mr_buffer_printf(out, "\nnote: the state of %s is unbounded\n", plan->nodes[i].id);
    mr_arena_release(&arena);
}
