/* Partitions that are added to a topic while a worker reads it. */
#include "engine/run/worker/private.h"

#include <inttypes.h>

#define LOOK_EVERY_US INT64_C(20000000)
#define ANSWERS_US INT64_C(5000000)

static uint32_t known_partitions(const mr_worker *worker, uint32_t source, const char *topic)
{
    uint32_t count = 0;
    for (uint32_t i = 0; i < worker->partitions_count; i++)
        count += worker->partitions[i].source == source &&
                 strcmp(worker->partitions[i].topic, topic) == 0;
    return count;
}

/* A bounded run reads what was there at its start; a worker without state has no place to go on
 * from. */
bool mr_worker_is_growth_due(mr_worker *worker)
{
    int64_t now = mr_worker_now_us(worker);
    if (worker->grown_us == 0)
        worker->grown_us = now;
    if (now - worker->grown_us < LOOK_EVERY_US || !mr_worker_keeps_state(worker) ||
        worker->config.is_bounded)
        return false;
    /* One that is away would hold us up; who has no input has nothing to hold up. */
    if (worker->slots_count > 0 && now - worker->answered_us > ANSWERS_US)
        return false;
    worker->grown_us = now;
    return true;
}

static mr_status look_at(mr_worker *worker, uint32_t source, const char *topic, bool *has_grown,
                         mr_error *err)
{
    mr_topic_facts facts;
    mr_log *log = worker->config.log;
    mr_status status = log->class->describe(log, topic, &facts, err);
    if (status == MR_E_CRASHED)
        return status;
    uint32_t known = known_partitions(worker, source, topic);
    /* A broker that does not answer is met by those who fetch; here there is a next time. */
    if (status != MR_OK || !facts.exists || facts.partitions <= (int32_t)known)
        return MR_OK;
    if (worker->plan->tasks_follow_partitions)
        return mr_error_set(err, MR_E_STATE_TASKS,
                            "topic `%s` has grown from %" PRIu32 " to %" PRId32
                            " partitions, and its keys have moved with that: table `%s` is "
                            "'partitioned-by' them, one task a partition (start over with --reset)",
                            topic, known, facts.partitions, worker->plan->sources[source].table);
    mr_logger_line(worker->config.logger, MR_LOG_INFO,
                   "partitions added job=%s topic=%s from=%" PRIu32 " to=%" PRId32,
                   worker->plan->job, topic, known, facts.partitions);
    for (int32_t p = (int32_t)known; p < facts.partitions; p++)
        mr_worker_add_partition(
            worker,
            (mr_worker_partition){.source = source, .topic = topic, .partition = p, .bound = -1});
    *has_grown = true;
    return MR_OK;
}

static bool is_watched(const mr_plan_source *source)
{
    return source->reader == NULL && source->exchange == NULL &&
           source->bound.mode == MR_BOUND_NONE;
}

mr_status mr_worker_look_for_growth(mr_worker *worker, bool *has_grown, mr_error *err)
{
    *has_grown = false;
    mr_status status = MR_OK;
    for (uint32_t s = 0; status == MR_OK && s < worker->plan->sources_count; s++) {
        const mr_plan_source *source = &worker->plan->sources[s];
        for (uint32_t t = 0; status == MR_OK && is_watched(source) && t < source->topics_count; t++)
            status = look_at(worker, s, source->topics[t], has_grown, err);
    }
    return status;
}
