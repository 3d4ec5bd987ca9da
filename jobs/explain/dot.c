#include "jobs/explain/explain.h"
#include "jobs/explain/facts.h"

#include <string.h>

/* Inside double quotes. */
static void put_quoted(mr_buffer *out, const char *text)
{
    for (const char *c = text; *c != '\0'; c++) {
        if (*c == '"' || *c == '\\')
            mr_buffer_put_u8(out, '\\');
        mr_buffer_put_u8(out, (uint8_t)*c);
    }
}

static void put_vertex(mr_buffer *out, const char *kind, uint32_t i, const char *name,
                       const char *details, const char *shape)
{
    mr_buffer_printf(out, "  %s%u [shape=%s, label=\"", kind, i, shape);
    put_quoted(out, name);
    if (details != NULL && details[0] != '\0') {
        mr_buffer_printf(out, "\\n");
        put_quoted(out, details);
    }
    mr_buffer_printf(out, "\"];\n");
}

static void put_edge(mr_buffer *out, mr_origin from, const char *to, uint32_t i)
{
    bool is_source = from.kind == MR_ORIGIN_SOURCE_ROWS || from.kind == MR_ORIGIN_SOURCE_ERRORS;
    mr_buffer_printf(out, "  %s%u -> %s%u", is_source ? "source" : "node", from.index, to, i);
    if (from.kind == MR_ORIGIN_NODE_LATE)
        mr_buffer_printf(out, " [label=late, style=dashed]");
    if (from.kind == MR_ORIGIN_SOURCE_ERRORS)
        mr_buffer_printf(out, " [label=errors, style=dashed]");
    mr_buffer_printf(out, ";\n");
}

void mr_explain_dot(const mr_job *job, mr_buffer *out)
{
    const mr_plan *plan = &job->plan;
    mr_arena arena = {0};
    mr_buffer_printf(out, "digraph \"%s\" {\n  rankdir=LR;\n  node [fontname=sans];\n", plan->job);
    for (uint32_t i = 0; i < plan->sources_count; i++)
        put_vertex(out, "source", i, plan->sources[i].table,
                   mr_explain_watermark(&plan->sources[i], &arena), "cds");
    for (uint32_t i = 0; i < plan->nodes_count; i++)
        put_vertex(out, "node", i, plan->nodes[i].id, plan->nodes[i].details, "box");
    for (uint32_t i = 0; i < plan->sinks_count; i++)
        put_vertex(out, "sink", i, plan->sinks[i].table, mr_explain_delivery(plan, &plan->sinks[i]),
                   "cds");
    for (uint32_t i = 0; i < plan->nodes_count; i++)
        for (uint32_t j = 0; j < plan->nodes[i].inputs_count; j++)
            put_edge(out, plan->nodes[i].inputs[j], "node", i);
    for (uint32_t i = 0; i < plan->sinks_count; i++)
        put_edge(out, plan->sinks[i].input, "sink", i);
    mr_buffer_printf(out, "}\n");
    mr_arena_release(&arena);
}
