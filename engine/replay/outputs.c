#include "engine/replay/outputs.h"

#include "engine/history/ask.h"
#include "engine/history/moment.h"

#include <inttypes.h>
#include <string.h>

static void add(mr_outputs *outputs, const char *topic, bool has_dead, const char *suffix)
{
    for (uint32_t i = 0; i < outputs->count; i++)
        if (strcmp(outputs->items[i].live, topic) == 0) {
            outputs->items[i].has_dead |= has_dead;
            return;
        }
    outputs->items[outputs->count++] =
        (mr_output){.live = topic,
                    .replay = mr_arena_printf(&outputs->arena, "%s%s", topic, suffix),
                    .has_dead = has_dead};
}

static void add_policy(mr_outputs *outputs, const mr_errors_policy *policy, const char *suffix)
{
    if (policy->dlq_topic != NULL)
        add(outputs, policy->dlq_topic, true, suffix);
}

static mr_status ends_of(const mr_output *output, const char *topic, mr_log *log, int64_t *to,
                         mr_error *err)
{
    mr_status status = MR_OK;
    for (int32_t p = 0; status == MR_OK && p < output->partitions; p++)
        status = mr_ask_offset(log, topic, p, MR_OFFSET_LATEST, &to[p], err);
    return status;
}

static mr_status look_at(mr_outputs *outputs, mr_output *output, mr_log *log, mr_error *err)
{
    mr_topic_facts facts;
    mr_status status = log->class->describe(log, output->live, &facts, err);
    if (status == MR_OK && !facts.exists)
        status =
            mr_error_set(err, MR_E_KAFKA_TOPIC_MISSING, "topic `%s` does not exist", output->live);
    if (status != MR_OK)
        return status;
    size_t count = (size_t)facts.partitions;
    output->partitions = facts.partitions;
    output->replay_starts = mr_arena_zalloc(&outputs->arena, count, sizeof(int64_t));
    output->live_before = mr_arena_zalloc(&outputs->arena, count, sizeof(int64_t));
    output->live_after = mr_arena_zalloc(&outputs->arena, count, sizeof(int64_t));
    return ends_of(output, output->live, log, output->live_before, err);
}

mr_status mr_outputs_find(mr_outputs *outputs, const mr_plan *plan, mr_log *log, const char *suffix,
                          mr_error *err)
{
    *outputs = (mr_outputs){0};
    size_t room = (size_t)plan->sinks_count * 2 + plan->sources_count + plan->nodes_count;
    outputs->items = mr_arena_zalloc(&outputs->arena, room, sizeof *outputs->items);
    for (uint32_t s = 0; s < plan->sinks_count; s++) {
        if (plan->sinks[s].topic != NULL)
            add(outputs, plan->sinks[s].topic, false, suffix);
        add_policy(outputs, &plan->sinks[s].errors, suffix);
    }
    for (uint32_t s = 0; s < plan->sources_count; s++)
        add_policy(outputs, &plan->sources[s].errors, suffix);
    for (uint32_t n = 0; n < plan->nodes_count; n++)
        add_policy(outputs, &plan->nodes[n].errors, suffix);
    mr_status status = MR_OK;
    for (uint32_t i = 0; status == MR_OK && i < outputs->count; i++)
        status = look_at(outputs, &outputs->items[i], log, err);
    if (status != MR_OK)
        mr_outputs_release(outputs);
    return status;
}

static bool goes_to(const mr_errors_policy *policy, const char *topic)
{
    return policy->dlq_topic != NULL && strcmp(policy->dlq_topic, topic) == 0;
}

bool mr_outputs_are_of(const mr_plan *stage, const char *topic)
{
    bool are = false;
    for (uint32_t s = 0; s < stage->sinks_count; s++) {
        const char *own = stage->sinks[s].topic;
        are = are || (own != NULL && strcmp(own, topic) == 0) ||
              goes_to(&stage->sinks[s].errors, topic);
    }
    for (uint32_t s = 0; s < stage->sources_count; s++)
        are = are || goes_to(&stage->sources[s].errors, topic);
    for (uint32_t n = 0; n < stage->nodes_count; n++)
        are = are || goes_to(&stage->nodes[n].errors, topic);
    return are;
}

void mr_outputs_release(mr_outputs *outputs)
{
    mr_arena_release(&outputs->arena);
    *outputs = (mr_outputs){0};
}

mr_status mr_outputs_look_again(mr_outputs *outputs, mr_log *log, mr_error *err)
{
    mr_status status = MR_OK;
    for (uint32_t i = 0; status == MR_OK && i < outputs->count; i++) {
        const mr_output *output = &outputs->items[i];
        for (int32_t p = 0; status == MR_OK && p < output->partitions; p++) {
            status = mr_ask_high(log, output->live, p, &output->live_after[p], err);
        }
    }
    return status;
}

/* As many partitions as the live one, or letters would lie elsewhere. */
static mr_status prepare(mr_output *output, mr_log *log, mr_error *err)
{
    mr_topic_facts facts;
    mr_status status = log->class->describe(log, output->replay, &facts, err);
    if (status == MR_OK && !facts.exists) {
        facts.partitions = output->partitions;
        status = log->class->create_topic(log, output->replay, output->partitions, NULL, err);
    }
    if (status == MR_OK && facts.partitions != output->partitions)
        status = mr_error_set(err, MR_E_MOMENT,
                              "topic `%s` has %" PRId32 " partitions, `%s` has %" PRId32
                              "; delete it, or choose another suffix",
                              output->replay, facts.partitions, output->live, output->partitions);
    return status == MR_OK ? ends_of(output, output->replay, log, output->replay_starts, err)
                           : status;
}

mr_status mr_outputs_prepare(mr_outputs *outputs, mr_log *log, mr_error *err)
{
    mr_status status = MR_OK;
    for (uint32_t i = 0; status == MR_OK && i < outputs->count; i++)
        status = prepare(&outputs->items[i], log, err);
    return status;
}
