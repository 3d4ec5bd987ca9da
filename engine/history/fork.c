#include "engine/history/fork.h"

#include "engine/exchange/topic.h"
#include "engine/history/crossing.h"

static const char *const CONFIGS[] = {
    "cleanup.policy", "delete", "retention.ms", "-1", "retention.bytes", "-1", NULL};

/* Whoever was faster made it for the same purpose. */
static mr_status make(mr_log *log, const char *topic, int32_t partitions, mr_error *err)
{
    mr_status status = log->class->create_topic(log, topic, partitions, CONFIGS, err);
    return status == MR_E_KAFKA_TOPIC_EXISTS ? MR_OK : status;
}

static mr_status make_exchanges(const mr_transplant *t, mr_error *err)
{
    mr_arena arena = {0};
    mr_status status = MR_OK;
    for (uint32_t s = 0; status == MR_OK && s < t->plan->sources_count; s++) {
        const mr_exchange *exchange = t->plan->sources[s].exchange;
        if (exchange == NULL)
            continue;
        const char *topic = mr_crossing_topic(t->plan->job, exchange, &arena);
        status = mr_exchange_create_topic(t->log, topic, exchange, err);
        if (status == MR_E_KAFKA_TOPIC_EXISTS)
            status = MR_OK;
    }
    mr_arena_release(&arena);
    return status;
}

static mr_status begin(const mr_transplant *t, const char *marker, mr_error *err)
{
    mr_log *log = t->log;
    mr_topic_facts begun, state;
    int32_t partitions = (int32_t)t->plan->tasks_count;
    mr_status status = log->class->describe(log, marker, &begun, err);
    if (status == MR_OK)
        status = log->class->describe(log, t->state_topic, &state, err);
    if (status != MR_OK)
        return status;
    if (state.exists && !begun.exists)
        return mr_error_set(err, MR_E_TRANSPLANT,
                            "there is a job `%s` already: it has a topic `%s`", t->plan->job,
                            t->state_topic);
    if (state.exists && state.partitions != partitions)
        return mr_error_set(err, MR_E_TRANSPLANT,
                            "a fork with another number of tasks was begun in topic `%s`: forget "
                            "it with `millrace run --reset --name %s`, or take another name",
                            t->state_topic, t->plan->job);
    status = begun.exists ? MR_OK : make(log, marker, 1, err);
    if (status == MR_OK) /* before the state: who finds that looks for them */
        status = make_exchanges(t, err);
    return status == MR_OK && !state.exists ? make(log, t->state_topic, partitions, err) : status;
}

mr_status mr_fork_run(const mr_transplant *t, mr_error *err)
{
    mr_arena arena = {0};
    const char *marker = mr_arena_printf(&arena, "%s.fork", t->plan->job);
    mr_status status = begin(t, marker, err);
    if (status == MR_OK)
        status = mr_transplant_run(t, err);
    if (status == MR_OK)
        status = t->log->class->delete_topic(t->log, marker, err);
    mr_arena_release(&arena);
    return status;
}
