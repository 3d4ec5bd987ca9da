/* What a worker finds out before it joins: its inputs and bounds, its sinks, its dead-letter
 * topics, its state topic. Asked again when it was interrupted. */
#include "engine/run/worker/private.h"

#include "engine/base/assert.h"

#include <inttypes.h>
#include <stdlib.h>

/* A decision is awaited without a poll. */
#define BEYOND_TRANSACTION_MS 30000

/* Partitions of a DLQ topic, asked once. */
int32_t mr_worker_dlq_partitions(void *context, const char *topic)
{
    mr_worker *worker = context;
    for (uint32_t i = 0; i < worker->dlqs_count; i++)
        if (strcmp(worker->dlqs[i].topic, topic) == 0)
            return worker->dlqs[i].partitions;
    return 0;
}

static mr_status ask_dlq(mr_worker *worker, const mr_errors_policy *policy, mr_error *err)
{
    if (policy->dlq_topic == NULL || mr_worker_dlq_partitions(worker, policy->dlq_topic) > 0)
        return MR_OK;
    mr_topic_facts facts;
    mr_log *log = worker->config.log;
    mr_status status = log->class->describe(log, policy->dlq_topic, &facts, err);
    if (status != MR_OK)
        return status;
    if (!facts.exists)
        return mr_error_set(err, MR_E_KAFKA_TOPIC_MISSING,
                            "dead-letter topic `%s` does not exist; create it, or run with "
                            "--create-topics",
                            policy->dlq_topic);
    worker->dlqs[worker->dlqs_count++] =
        (mr_worker_topic){.topic = policy->dlq_topic, .partitions = facts.partitions};
    return MR_OK;
}

/* Again after an interruption: of those that are not known yet. */
static mr_status ask_dlqs(mr_worker *worker, mr_error *err)
{
    const mr_plan *plan = worker->plan;
    size_t most = plan->sources_count + plan->nodes_count + plan->sinks_count;
    if (worker->dlqs == NULL)
        worker->dlqs = mr_arena_zalloc(&worker->arena, most, sizeof *worker->dlqs);
    mr_status status = MR_OK;
    for (uint32_t i = 0; status == MR_OK && i < plan->sources_count; i++)
        status = ask_dlq(worker, &plan->sources[i].errors, err);
    for (uint32_t i = 0; status == MR_OK && i < plan->nodes_count; i++)
        status = ask_dlq(worker, &plan->nodes[i].errors, err);
    for (uint32_t i = 0; status == MR_OK && i < plan->sinks_count; i++)
        status = ask_dlq(worker, &plan->sinks[i].errors, err);
    return status;
}

static mr_status open_sinks(mr_worker *worker, mr_error *err)
{
    if (worker->outputs == NULL)
        worker->outputs =
            mr_arena_zalloc(&worker->arena, worker->plan->sinks_count, sizeof *worker->outputs);
    worker->outputs_count = 0;
    for (uint32_t s = 0; s < worker->plan->sinks_count; s++) {
        const mr_plan_sink *sink = &worker->plan->sinks[s];
        mr_topic_facts facts = {.exists = true};
        mr_status status = MR_OK;
        if (sink->exchange != NULL)
            continue;
        if (sink->topic != NULL)
            status =
                worker->config.log->class->describe(worker->config.log, sink->topic, &facts, err);
        if (status == MR_OK && !facts.exists)
            status = mr_error_set(err, MR_E_KAFKA_TOPIC_MISSING,
                                  "topic `%s` of table `%s` does not exist; create it, or run with "
                                  "--create-topics",
                                  sink->topic, sink->table);
        if (status == MR_OK && sink->topic != NULL)
            worker->outputs[worker->outputs_count++] =
                (mr_worker_topic){.topic = sink->topic, .partitions = facts.partitions};
        if (status == MR_OK && worker->io.sinks[s] == NULL)
            status = sink->open(sink->config, &worker->io.sinks[s], err);
        if (status != MR_OK)
            return status;
    }
    return MR_OK;
}

mr_status mr_worker_prepare(mr_worker *worker, mr_error *err)
{
    worker->partitions_count = 0;
    mr_status status = mr_worker_find_partitions(worker, err);
    if (status == MR_OK)
        status = mr_worker_find_bounds(worker, err);
    if (status == MR_OK)
        status = open_sinks(worker, err);
    if (status == MR_OK)
        status = ask_dlqs(worker, err);
    if (status == MR_OK && mr_worker_keeps_state(worker))
        status = mr_worker_check_state_topic(worker, err);
    if (status == MR_OK && worker->readers == NULL && !mr_worker_keeps_state(worker))
        status = mr_worker_open_readers(worker, err); /* else while it joins */
    if (status != MR_OK)
        return status;
    if (!mr_worker_keeps_state(worker)) {
        worker->phase = MR_WORKER_RESTORE;
        return mr_worker_own_tasks(worker, NULL, worker->plan->tasks_count, err);
    }
    mr_member_options options = {
        .group = worker->plan->job,
        .instance_id = worker->config.is_dynamic_member ? NULL : worker->config.instance_id,
        .topic = worker->state_topic,
        .silence_ms = worker->plan->transaction_timeout_ms + BEYOND_TRANSACTION_MS};
    status =
        worker->config.log->class->open_member(worker->config.log, &options, &worker->member, err);
    if (status == MR_OK)
        worker->phase = MR_WORKER_JOIN;
    return status;
}
