#include "jobs/cli/topics.h"

#include <stdio.h>

/* A created output has as many partitions as the widest input, so that keys keep spread. */
static mr_status prepare(const mr_job *job, mr_log *log, const char *topic, int32_t partitions,
                         bool is_creating, int32_t *found, mr_error *err)
{
    mr_topic_facts facts;
    mr_status status = log->class->describe(log, topic, &facts, err);
    if (status != MR_OK)
        return status;
    *found = facts.partitions;
    if (facts.exists)
        return MR_OK;
    *found = partitions;
    if (!is_creating)
        return mr_error_set(err, MR_E_KAFKA_TOPIC_MISSING,
                            "topic `%s` does not exist at %s\n"
                            "  create it: kafka-topics.sh --bootstrap-server %s --create --topic "
                            "%s --partitions %d\n"
                            "  or run again with --create-topics",
                            topic, job->cluster.bootstrap, job->cluster.bootstrap, topic,
                            partitions);
    status = log->class->create_topic(log, topic, partitions, NULL, err);
    if (status == MR_E_KAFKA_TOPIC_EXISTS)
        return MR_OK;
    if (status == MR_OK)
        fprintf(stderr, "created topic %s with %d partition%s\n", topic, partitions,
                partitions == 1 ? "" : "s");
    return status;
}

static mr_status prepare_outputs(const mr_job *job, mr_log *log, int32_t widest, bool is_creating,
                                 mr_error *err)
{
    const mr_plan *plan = &job->plan;
    int32_t found;
    mr_status status = MR_OK;
    for (uint32_t i = 0; status == MR_OK && i < plan->sinks_count; i++) {
        if (plan->sinks[i].topic != NULL)
            status = prepare(job, log, plan->sinks[i].topic, widest, is_creating, &found, err);
        if (status == MR_OK && plan->sinks[i].errors.mode == MR_ERRORS_DLQ)
            status = prepare(job, log, plan->sinks[i].errors.dlq_topic, widest, is_creating, &found,
                             err);
    }
    for (uint32_t i = 0; status == MR_OK && i < plan->sources_count; i++)
        if (plan->sources[i].errors.mode == MR_ERRORS_DLQ)
            status = prepare(job, log, plan->sources[i].errors.dlq_topic, widest, is_creating,
                             &found, err);
    return status;
}

mr_status mr_topics_prepare(mr_job *job, mr_log *log, bool is_creating, mr_error *err)
{
    mr_plan *plan = &job->plan;
    int32_t widest = 1, tasks = 0, found = 0;
    for (uint32_t i = 0; i < plan->sources_count; i++)
        for (uint32_t t = 0; t < plan->sources[i].topics_count; t++) {
            mr_status status =
                prepare(job, log, plan->sources[i].topics[t], 1, is_creating, &found, err);
            if (status != MR_OK)
                return status;
            widest = found > widest ? found : widest;
            if (plan->sources[i].partitioned_by == NULL)
                continue;
            /* Partition p meets partition p: unequal numbers would tear a key's rows apart. */
            if (job->tasks_follow_partitions && job->joins_partitions && tasks > 0 &&
                found != tasks)
                return mr_error_set(err, MR_E_SETTING,
                                    "topic `%s` has %d partitions, and a table that it is joined "
                                    "with has %d: 'partitioned-by' needs as many on both sides",
                                    plan->sources[i].topics[t], found, tasks);
            tasks = found > tasks ? found : tasks;
        }
    if (job->tasks_follow_partitions && tasks > 0)
        plan->tasks_count = (uint32_t)tasks;
    return prepare_outputs(job, log, widest, is_creating, err);
}
