#include "jobs/plan/placement.h"

#include "jobs/plan/stages.h"
#include "operators/join/interval_join.h"
#include "operators/rank/deduplicate.h"
#include "operators/rows/filter.h"
#include "operators/rows/project.h"
#include "operators/rows/union_all.h"
#include "operators/window/session_aggregate.h"

#include <string.h>

static mr_placement of_input(const mr_plan_node *node, uint32_t input, const mr_placement *nodes)
{
    mr_origin origin = node->inputs[input];
    return origin.kind == MR_ORIGIN_NODE_ROWS ? nodes[origin.index] : (mr_placement){0};
}

/* Where the columns stand among the keys; NULL: some do not. */
static const uint32_t *find_among_keys(const mr_placement *placement, const uint32_t *keys,
                                       uint32_t keys_count, mr_arena *arena)
{
    uint32_t *found = mr_arena_alloc(arena, (placement->columns_count + 1) * sizeof *found);
    for (uint32_t c = 0; c < placement->columns_count; c++) {
        uint32_t k = 0;
        while (k < keys_count && keys[k] != placement->columns[c])
            k++;
        if (k == keys_count)
            return NULL;
        found[c] = k;
    }
    return found;
}

bool mr_placement_suits(const mr_plan_node *node, const mr_placement *nodes, mr_arena *arena)
{
    const uint32_t *first = NULL;
    uint32_t first_count = 0;
    for (uint32_t i = 0; i < node->inputs_count; i++) {
        mr_placement lies = of_input(node, i, nodes);
        const uint32_t *keys;
        uint32_t count = mr_stages_node_keys(node, i, &keys);
        /* All in one task would suit every key, and leave the other tasks without work. */
        if (!lies.is_known || (lies.columns_count == 0 && count > 0))
            return false;
        const uint32_t *found = find_among_keys(&lies, keys, count, arena);
        if (found == NULL)
            return false;
        if (i > 0 && (lies.columns_count != first_count ||
                      memcmp(found, first, first_count * sizeof *found) != 0))
            return false;
        first = found;
        first_count = lies.columns_count;
    }
    return true;
}

/* Which column of the output holds a column of input 0; UINT32_MAX: none. */
static uint32_t output_of(const mr_plan_node *node, uint32_t column)
{
    uint32_t count = 0;
    if (node->class == &mr_deduplicate_class || node->class == &mr_filter_class ||
        node->class == &mr_union_all_class)
        return column;
    if (node->class == &mr_project_class) {
        const mr_project_config *project = node->config;
        for (uint32_t j = 0; j < project->columns_count; j++)
            if (project->columns[j]->kind == MR_EXPR_COLUMN &&
                project->columns[j]->column == column)
                return j;
        return UINT32_MAX;
    }
    const uint32_t *columns = NULL;
    if (mr_class_aggregates_windows(node->class)) {
        count = mr_stages_node_keys(node, 0, &columns);
    } else if (node->class == &mr_interval_join_class) {
        const mr_interval_join_config *join = node->config;
        count = join->sides[0].columns_count;
        columns = join->sides[0].columns;
    }
    for (uint32_t j = 0; j < count; j++)
        if (columns[j] == column)
            return j;
    return UINT32_MAX;
}

static bool are_alike(const mr_placement *a, const mr_placement *b)
{
    return a->is_known && b->is_known && a->columns_count == b->columns_count &&
           (a->columns_count == 0 ||
            memcmp(a->columns, b->columns, a->columns_count * sizeof *a->columns) == 0);
}

mr_placement mr_placement_behind(const mr_plan_node *node, bool is_cut, const mr_placement *nodes,
                                 mr_arena *arena)
{
    mr_placement lies = of_input(node, 0, nodes);
    if (is_cut) {
        lies.is_known = true;
        lies.columns_count = mr_stages_node_keys(node, 0, &lies.columns);
    }
    for (uint32_t i = 1; node->class == &mr_union_all_class && i < node->inputs_count; i++) {
        mr_placement other = of_input(node, i, nodes);
        lies.is_known = are_alike(&lies, &other);
    }
    uint32_t *columns = mr_arena_alloc(arena, (lies.columns_count + 1) * sizeof *columns);
    for (uint32_t c = 0; lies.is_known && c < lies.columns_count; c++) {
        columns[c] = output_of(node, lies.columns[c]);
        lies.is_known = columns[c] != UINT32_MAX;
    }
    lies.columns = columns;
    return lies.is_known ? lies : (mr_placement){0};
}
