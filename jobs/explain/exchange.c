/* Facts about an exchange: between which stages, who gets which row, what travels. */
#include "jobs/explain/explanation.h"

#include "engine/base/assert.h"

#include <inttypes.h>

/* Ends of the stage before that lead into it. */
static void find_inputs(mr_explanation *explanation, mr_part *part, const mr_exchange *exchange)
{
    const mr_plan *job = explanation->plan;
    mr_origin *inputs =
        mr_arena_zalloc(&explanation->arena, exchange->relations_count, sizeof *inputs);
    for (uint32_t k = 0; k < job->stages_count; k++)
        for (uint32_t s = 0; s < job->stages[k].sinks_count; s++) {
            if (job->stages[k].sinks[s].exchange != exchange)
                continue;
            MR_ASSERT(part->inputs_count < exchange->relations_count);
            inputs[part->inputs_count++] = job->stages[k].sinks[s].input;
            part->inputs_plan = &job->stages[k];
        }
    part->inputs = inputs;
}

void mr_explain_exchange(mr_explanation *explanation, mr_part *part)
{
    const mr_plan *plan = part->plan;
    const mr_plan_source *source = &plan->sources[part->index];
    const mr_exchange *exchange = source->exchange;
    const mr_exchange_relation *rows = &exchange->relations[0];
    mr_facts *facts = &part->facts;
    find_inputs(explanation, part, exchange);
    uint32_t from = 0;
    while (mr_plan_stage(explanation->plan, from) != part->inputs_plan)
        from++;
    part->name = exchange->topic;
    part->class = rows->keys_count > 0 ? "hash" : "to one task";
    part->columns_count = rows->schema.columns_count;
    part->columns = rows->schema.columns;
    mr_fact_add(facts, "stages", "from stage %" PRIu32 " to %" PRIu32, from + 1, part->stage + 1);
    mr_origin origin = {.kind = MR_ORIGIN_SOURCE_ROWS, .index = part->index};
    if (rows->keys_count > 0)
        mr_fact_add(facts, "keys", "%s: a row goes to task hash(key) mod %" PRIu32,
                    mr_explain_columns(plan, origin, rows->keys, rows->keys_count, facts->arena),
                    exchange->downstreams_count);
    else
        mr_fact_add(facts, "keys", "none: all rows go to one task");
    mr_fact_add(facts, "rows", "%s",
                exchange->relations_count > 1
                    ? "aggregated before, batch by batch; those that may be late as they are"
                    : "as they are");
    mr_fact_add(facts, "delivery",
                "in the transaction of the task that sends them, as columns, LZ4 where it pays; "
                "the topic is trimmed behind what has been taken");
}
