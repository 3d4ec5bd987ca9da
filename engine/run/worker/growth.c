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

static bool is_known(const mr_worker *worker, uint32_t source, const char *topic, int32_t partition)
{
    for (uint32_t i = 0; i < worker->partitions_count; i++)
        if (worker->partitions[i].source == source &&
            worker->partitions[i].partition == partition &&
            strcmp(worker->partitions[i].topic, topic) == 0)
            return true;
    return false;
}

/* A bounded run reads what was there at its start; a worker without state has no place to go on
 * from. */
bool mr_worker_is_growth_due(mr_worker *worker)
{
    int64_t now = mr_worker_now_us(worker);
    if (worker->grown_us == 0)
        worker->grown_us = now;
    if (now - worker->grown_us < LOOK_EVERY_US || !mr_worker_keeps_state(worker) ||
        worker->config.is_bounded || worker->config.is_settling)
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
    /* A commit may have told of one behind them that is not known. */
    for (int32_t p = 0; p < facts.partitions; p++)
        if (!is_known(worker, source, topic, p))
            mr_worker_add_partition(
                worker, (mr_worker_partition){
                            .source = source, .topic = topic, .partition = p, .bound = -1});
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

/* The topic as the plan, which outlives the record, spells it; NULL: none of the source. */
static const char *find_topic(const mr_plan_source *source, const char *topic)
{
    if (source->reader != NULL || source->exchange != NULL)
        return NULL;
    for (uint32_t t = 0; t < source->topics_count; t++)
        if (strcmp(source->topics[t], topic) == 0)
            return source->topics[t];
    return NULL;
}

static mr_status learn_input(mr_worker *worker, uint32_t task, uint32_t source,
                             const mr_epoch_input *input, mr_error *err)
{
    const mr_plan_source *of = &worker->plan->sources[source];
    const char *topic = strcmp(of->table, input->source) == 0 ? find_topic(of, input->topic) : NULL;
    if (topic == NULL || mr_plan_owner(worker->plan, source, input->partition) != task ||
        is_known(worker, source, topic, input->partition))
        return MR_OK;
    mr_worker_partition added = {.source = source, .topic = topic, .partition = input->partition};
    mr_status status = mr_worker_find_bound(worker, &added, &added.bound, err);
    if (status == MR_OK)
        mr_worker_add_partition(worker, added);
    return status;
}

mr_status mr_worker_learn_inputs(mr_worker *worker, uint32_t task, const mr_epoch_record *record,
                                 mr_error *err)
{
    const mr_plan *stage = mr_plan_of_task(worker->plan, task);
    mr_status status = MR_OK;
    for (uint32_t i = 0; i < record->inputs_count; i++)
        for (uint32_t s = 0; status == MR_OK && s < stage->sources_count; s++)
            status = learn_input(worker, task, stage->first_source + s, &record->inputs[i], err);
    return status;
}
