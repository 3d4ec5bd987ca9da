#include "jobs/plan/sharing.h"

#include "operators/join/interval_join.h"
#include "operators/rank/deduplicate.h"
#include "operators/window/session_aggregate.h"

#include <string.h>

mr_spot mr_sharing_spot(const mr_plan *job, const mr_plan_node *node)
{
    mr_spot spot = {.stage = job, .node = MR_NOWHERE};
    for (uint32_t k = 0; k < mr_plan_stages(job); k++) {
        const mr_plan *stage = mr_plan_stage(job, k);
        for (uint32_t n = 0; n < stage->nodes_count; n++)
            if (stage->nodes[n].class == node->class && strcmp(stage->nodes[n].id, node->id) == 0)
                spot = (mr_spot){.stage = stage, .node = n};
    }
    if (spot.node == MR_NOWHERE)
        return spot;
    mr_origin first = spot.stage->nodes[spot.node].inputs[0];
    spot.is_direct =
        first.kind == MR_ORIGIN_SOURCE_ROWS && spot.stage->sources[first.index].exchange != NULL;
    return spot;
}

static bool has_state(const mr_plan_node *node)
{
    return mr_class_aggregates_windows(node->class) || node->class == &mr_deduplicate_class ||
           node->class == &mr_interval_join_class;
}

void mr_sharing_tables(const mr_plan *plan, mr_origin origin, bool *tables)
{
    if (origin.kind == MR_ORIGIN_SOURCE_ROWS) {
        tables[origin.index] = true;
        return;
    }
    if (origin.kind != MR_ORIGIN_NODE_ROWS || has_state(&plan->nodes[origin.index]))
        return;
    for (uint32_t i = 0; i < plan->nodes[origin.index].inputs_count; i++)
        mr_sharing_tables(plan, plan->nodes[origin.index].inputs[i], tables);
}

/* Rows that a join keeps bear where they came from, if all come from one table in one stage. */
static bool keeps_origins(const mr_plan *job, const mr_plan *uncut, uint32_t node)
{
    const mr_plan_node *join = &uncut->nodes[node];
    if (job->stages_count > 0)
        return false;
    mr_arena arena = {0};
    bool *tables = mr_arena_zalloc(&arena, uncut->sources_count + 1, sizeof *tables);
    uint32_t count = 0;
    for (uint32_t i = 0; i < join->inputs_count; i++)
        mr_sharing_tables(uncut, join->inputs[i], tables);
    for (uint32_t s = 0; s < uncut->sources_count; s++)
        count += tables[s];
    mr_arena_release(&arena);
    return count == 1;
}

static const char *why_not_node(const mr_difference *d, const mr_change *change, mr_arena *arena)
{
    const mr_plan_node *was = &d->from->nodes[change->from], *is = &d->to->nodes[change->to];
    mr_spot from = mr_sharing_spot(d->from_job, was), to = mr_sharing_spot(d->to_job, is);
    if (was->class == &mr_interval_join_class &&
        keeps_origins(d->from_job, d->from, change->from) !=
            keeps_origins(d->to_job, d->to, change->to))
        return mr_arena_printf(arena,
                               "what join `%s` keeps is written in another way where its table is "
                               "read in the same stage",
                               is->id);
    bool stays = from.stage->first_task > 0 && !from.is_direct &&
                 from.stage->tasks_count == to.stage->tasks_count;
    if (to.stage->tasks_count > 1 && !to.is_direct && !stays)
        return mr_arena_printf(arena,
                               "`%s` finds its rows by the keys of an operator in front of it, and "
                               "what it holds does not tell those",
                               is->id);
    return NULL;
}

/* A folder's files are dealt out by the number of tasks, each of which knows of its own alone. */
static bool is_dealt_anew(const mr_plan_source *table, uint32_t olds, uint32_t news)
{
    mr_arena arena = {0};
    mr_error err;
    const char **names;
    uint32_t was = 0, is = 0;
    if (table->reader == NULL || olds == news)
        return false;
    mr_status status =
        table->reader->splits(table->reader->config, olds, &arena, &names, &was, &err);
    if (status == MR_OK)
        status = table->reader->splits(table->reader->config, news, &arena, &names, &is, &err);
    mr_arena_release(&arena);
    return status != MR_OK || was != is;
}

static const char *why_not_table(const mr_difference *d, const mr_change *change, mr_arena *arena)
{
    const mr_plan_source *table = &d->from->sources[change->from];
    if (!is_dealt_anew(table, mr_plan_stage(d->from_job, 0)->tasks_count,
                       mr_plan_stage(d->to_job, 0)->tasks_count))
        return NULL;
    return mr_arena_printf(arena,
                           "the files of table `%s` are dealt out by the number of tasks, and how "
                           "far each was read would not fit",
                           table->table);
}

const char *mr_sharing_why_not(const mr_difference *d, mr_arena *arena)
{
    const mr_plan *from = d->from_job, *to = d->to_job;
    if (from->tasks_follow_partitions || to->tasks_follow_partitions)
        return "a row's partition decides on its task ('partitioned-by') in one of the two, and "
               "nobody but the producer knows which key lies where: tasks of one cannot become "
               "those of the other"; /* `diff` does not know yet how many there are */
    for (uint32_t i = 0; i < d->count; i++) {
        const mr_change *c = &d->changes[i];
        if (c->fate != MR_FATE_KEEP)
            continue;
        const char *why = c->is_table ? why_not_table(d, c, arena) : why_not_node(d, c, arena);
        if (why != NULL)
            return why;
    }
    return NULL;
}
