#include "jobs/plan/alignment.h"

#include "engine/base/arena.h"

#include <string.h>

#define NONE UINT32_MAX

/* `aligned_with` is a parent in a forest until all is joined. */
static uint32_t root_of(const mr_plan_source *sources, uint32_t s)
{
    while (sources[s].aligned_with != s)
        s = sources[s].aligned_with;
    return s;
}

static void join(mr_plan_source *sources, uint32_t a, uint32_t b)
{
    a = root_of(sources, a);
    b = root_of(sources, b);
    sources[a > b ? a : b].aligned_with = a > b ? b : a;
}

static uint32_t source_of(mr_origin origin, const uint32_t *source_of_node)
{
    switch (origin.kind) {
    case MR_ORIGIN_SOURCE_ROWS:
    case MR_ORIGIN_SOURCE_ERRORS:
    case MR_ORIGIN_SOURCE_PARTIALS: return origin.index;
    case MR_ORIGIN_NODE_ROWS:
    case MR_ORIGIN_NODE_LATE:
    case MR_ORIGIN_NODE_RAW: return source_of_node[origin.index];
    case MR_ORIGIN_SINK_ERRORS: break;
    }
    return NONE;
}

void mr_plan_group_sources(const mr_plan *plan, mr_plan_source *sources)
{
    mr_arena arena = {0};
    uint32_t *of_node = mr_arena_alloc(&arena, plan->nodes_count * sizeof *of_node);
    for (uint32_t s = 0; s < plan->sources_count; s++)
        sources[s].aligned_with = s;
    for (uint32_t n = 0; n < plan->nodes_count; n++) {
        of_node[n] = NONE;
        for (uint32_t i = 0; i < plan->nodes[n].inputs_count; i++) {
            uint32_t s = source_of(plan->nodes[n].inputs[i], of_node);
            if (s == NONE || sources[s].alignment_group != NULL)
                continue;
            if (of_node[n] != NONE)
                join(sources, of_node[n], s);
            of_node[n] = s;
        }
    }
    for (uint32_t a = 0; a < plan->sources_count; a++)
        for (uint32_t b = 0; b < a; b++)
            if (sources[a].alignment_group != NULL && sources[b].alignment_group != NULL &&
                strcmp(sources[a].alignment_group, sources[b].alignment_group) == 0)
                join(sources, a, b);
    for (uint32_t s = 0; s < plan->sources_count; s++)
        sources[s].aligned_with = root_of(sources, s);
    mr_arena_release(&arena);
}
