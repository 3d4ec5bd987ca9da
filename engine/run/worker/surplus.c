/*
 * Partitions of the state topic that are nobody's task (engine/history/surplus.h): no worker owns
 * them. And a new plan must not begin in a partition that is there before its state is.
 */
#include "engine/run/worker/private.h"

#include "engine/history/surplus.h"

static mr_history history_of(const mr_worker *worker, uint32_t task)
{
    return (mr_history){.log = worker->config.log,
                        .clock = worker->config.clock,
                        .topic = worker->state_topic,
                        .task = task};
}

mr_status mr_worker_check_surplus(mr_worker *worker, int32_t partition, mr_error *err)
{
    mr_history history = history_of(worker, (uint32_t)partition);
    bool is_ours = worker->config.is_settling; /* who settles has just asked */
    return mr_surplus_check(&history, worker->plan, is_ours, err);
}

static mr_status refuse_unfinished(const mr_worker *worker, mr_error *err)
{
    return mr_error_set(err, MR_E_STATE_PLAN,
                        "an upgrade of job `%s` was begun and is not finished: `millrace upgrade` "
                        "once more, or go on with the old text",
                        worker->plan->job);
}

mr_status mr_worker_check_grown(mr_worker *worker, mr_error *err)
{
    mr_log *log = worker->config.log;
    uint32_t last = worker->plan->tasks_count - 1;
    mr_log_ends ends[2] = {{.topic = worker->state_topic},
                           {.topic = worker->state_topic, .partition = (int32_t)last}};
    if (last == 0)
        return MR_OK;
    mr_status status = log->class->ends(log, ends, 2, err);
    if (status != MR_OK || ends[0].high == 0 || ends[1].high > 0)
        return status;
    uint64_t version;
    mr_history history = history_of(worker, 0);
    status = mr_history_last_plan(&history, worker->plan->job, &version, err);
    bool is_ours = version == 0 || version == mr_plan_of_task(worker->plan, 0)->version;
    return status != MR_OK || is_ours ? status : refuse_unfinished(worker, err);
}

mr_status mr_worker_check_begun(const mr_worker *worker, const mr_recovered *recovered,
                                mr_error *err)
{
    bool is_begun =
        recovered->has_claim && !recovered->has_epoch && recovered->claim.plan_version == 0;
    return is_begun ? refuse_unfinished(worker, err) : MR_OK;
}

/* The tasks come first in `kept`, which has room for all. */
mr_status mr_worker_pass_over(mr_worker *worker, const mr_member_event *event, int32_t *kept,
                              uint32_t *count, mr_error *err)
{
    mr_status status = MR_OK;
    *count = 0;
    for (uint32_t i = 0; status == MR_OK && i < event->partitions_count; i++) {
        int32_t partition = event->partitions[i];
        if ((uint32_t)partition < worker->plan->tasks_count)
            kept[(*count)++] = partition;
        else
            status = mr_worker_check_surplus(worker, partition, err);
    }
    return status;
}
