#include "engine/run/plan.h"

#include "engine/run/late.h"

#include <string.h>

static mr_schema source_schema(const mr_plan_source *source, mr_arena *arena)
{
    mr_field *fields = mr_arena_zalloc(arena, source->columns_count, sizeof *fields);
    for (uint32_t i = 0; i < source->columns_count; i++)
        fields[i] = source->columns[i].field;
    return (mr_schema){.columns_count = source->columns_count, .columns = fields};
}

static mr_schema late_schema(mr_schema input, mr_arena *arena)
{
    uint32_t count = input.columns_count + MR_LATE_COLUMNS;
    mr_field *fields = mr_arena_zalloc(arena, count, sizeof *fields);
    for (uint32_t i = 0; i < count; i++)
        fields[i] =
            i < input.columns_count ? input.columns[i] : mr_late_columns[i - input.columns_count];
    return (mr_schema){.columns_count = count, .columns = fields};
}

mr_schema mr_plan_schema(const mr_plan *plan, mr_origin origin, mr_arena *arena)
{
    switch (origin.kind) {
    case MR_ORIGIN_SOURCE_ROWS: return source_schema(&plan->sources[origin.index], arena);
    case MR_ORIGIN_NODE_ROWS: return plan->nodes[origin.index].schema;
    case MR_ORIGIN_NODE_LATE:
        return late_schema(mr_plan_schema(plan, plan->nodes[origin.index].inputs[0], arena), arena);
    case MR_ORIGIN_NODE_RAW:
        return mr_plan_schema(plan, plan->nodes[origin.index].inputs[0], arena);
    case MR_ORIGIN_SOURCE_PARTIALS:
        return plan->sources[origin.index].exchange->relations[1].schema;
    case MR_ORIGIN_SOURCE_ERRORS:
    case MR_ORIGIN_SINK_ERRORS: break;
    }
    return (mr_schema){.columns_count = MR_ERROR_COLUMNS, .columns = mr_error_columns};
}

uint32_t mr_plan_stages(const mr_plan *job)
{
    return job->stages_count > 0 ? job->stages_count : 1;
}

const mr_plan *mr_plan_stage(const mr_plan *job, uint32_t stage)
{
    return job->stages_count > 0 ? &job->stages[stage] : job;
}

const mr_plan *mr_plan_of_task(const mr_plan *job, uint32_t task)
{
    uint32_t stage = mr_plan_stages(job) - 1;
    while (stage > 0 && mr_plan_stage(job, stage)->first_task > task)
        stage--;
    return mr_plan_stage(job, stage);
}

const mr_plan *mr_plan_of_source(const mr_plan *job, uint32_t source)
{
    uint32_t stage = mr_plan_stages(job) - 1;
    while (stage > 0 && mr_plan_stage(job, stage)->first_source > source)
        stage--;
    return mr_plan_stage(job, stage);
}

uint32_t mr_plan_owner(const mr_plan *job, uint32_t source, int32_t partition)
{
    const mr_plan *stage = mr_plan_of_source(job, source);
    return stage->first_task + (uint32_t)partition % stage->tasks_count;
}

static void add_exchange(const mr_exchange **list, uint32_t *count, const mr_exchange *exchange)
{
    bool is_there = exchange == NULL;
    for (uint32_t i = 0; i < *count && !is_there; i++)
        is_there = strcmp(list[i]->topic, exchange->topic) == 0;
    if (!is_there)
        list[(*count)++] = exchange;
}

const mr_exchange **mr_plan_exchanges(const mr_plan *plan, mr_arena *arena, uint32_t *count)
{
    const mr_exchange **list =
        mr_arena_alloc(arena, ((size_t)plan->sources_count + plan->sinks_count + 1) * sizeof *list);
    *count = 0;
    for (uint32_t s = 0; s < plan->sources_count; s++)
        add_exchange(list, count, plan->sources[s].exchange);
    for (uint32_t s = 0; s < plan->sinks_count; s++)
        add_exchange(list, count, plan->sinks[s].exchange);
    return list;
}
