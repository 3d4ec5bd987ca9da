/* The exchange topics of a job: frames into them, and what becomes of what lies there. */
#include "engine/run/worker/private.h"

#include "engine/base/assert.h"
#include "engine/exchange/topic.h"

#include <inttypes.h>

#define TRIM_EPOCHS 32u

mr_status mr_worker_send_frame(mr_worker *worker, const mr_exchange *exchange, uint32_t downstream,
                               const char *frame, size_t length, mr_error *err)
{
    mr_log_record record = {.value = frame, .value_length = length, .timestamp_ms = MR_TIME_NONE};
    mr_log_writer *writer = worker->io.writer;
    MR_ASSERT(writer != NULL && worker->plan->guarantee == MR_EXACTLY_ONCE);
    return writer->class->produce(writer, exchange->topic, (int32_t)downstream, &record, 1, err);
}

mr_status mr_worker_pass_frame(void *context, const mr_exchange *exchange, uint32_t upstream,
                               uint32_t downstream, const char *frame, size_t length, mr_error *err)
{
    (void)upstream;
    mr_worker *worker = context;
    if (mr_worker_hand_over(worker, exchange, downstream, frame, length))
        return MR_OK;
    return mr_worker_send_frame(worker, exchange, downstream, frame, length, err);
}

/* ---- topics ---- */

static mr_status create(mr_worker *worker, const mr_exchange *exchange, mr_error *err)
{
    return mr_worker_made_topic(
        mr_exchange_create_topic(worker->config.log, exchange->topic, exchange, err), err);
}

/* Whether anything was ever written to it. */
static mr_status has_records(const mr_worker *worker, const char *topic, uint32_t partitions,
                             bool *has, mr_error *err)
{
    mr_log *log = worker->config.log;
    mr_arena arena = {0};
    mr_log_ends *ends = mr_arena_alloc(&arena, (partitions + 1) * sizeof *ends);
    for (uint32_t p = 0; p < partitions; p++)
        ends[p] = (mr_log_ends){.topic = topic, .partition = (int32_t)p};
    mr_status status = log->class->ends(log, ends, partitions, err);
    *has = false;
    for (uint32_t p = 0; status == MR_OK && p < partitions; p++)
        *has = *has || ends[p].high > 0;
    mr_arena_release(&arena);
    return status;
}

static mr_status check(mr_worker *worker, const mr_exchange *exchange, mr_error *err)
{
    mr_log *log = worker->config.log;
    mr_topic_facts facts;
    mr_status status = log->class->describe(log, exchange->topic, &facts, err);
    if (status != MR_OK)
        return status;
    bool has_state;
    int32_t tasks = (int32_t)exchange->downstreams_count;
    status = has_records(worker, worker->state_topic, worker->plan->tasks_count, &has_state, err);
    if (status != MR_OK)
        return status;
    /* Behind an upgrade it may have more, which nobody writes to any more. */
    if (facts.exists && (has_state ? facts.partitions < tasks : facts.partitions != tasks))
        return mr_error_set(err, MR_E_STATE_TASKS,
                            "exchange topic `%s` has %" PRId32 " partitions, the stage behind it "
                            "has %" PRId32
                            " tasks; `millrace upgrade` changes their number, --reset starts over",
                            exchange->topic, facts.partitions, tasks);
    if (facts.exists)
        return MR_OK;
    /* Nothing is written to the state topic before its exchanges are there. */
    if (has_state)
        return mr_error_set(err, MR_E_STATE_PARTIAL,
                            "exchange topic `%s` is missing, but the job has state; restore the "
                            "topic, or forget the job's state and start over with --reset",
                            exchange->topic);
    return create(worker, exchange, err);
}

mr_status mr_worker_check_exchanges(mr_worker *worker, mr_error *err)
{
    mr_status status = MR_OK;
    for (uint32_t s = 0; status == MR_OK && s < worker->plan->sources_count; s++)
        if (worker->plan->sources[s].exchange != NULL)
            status = check(worker, worker->plan->sources[s].exchange, err);
    return status;
}

mr_status mr_worker_find_frames(mr_worker *worker, const char **topic, mr_error *err)
{
    mr_log *log = worker->config.log;
    *topic = NULL;
    for (uint32_t s = 0; s < worker->plan->sources_count && *topic == NULL; s++) {
        const mr_exchange *exchange = worker->plan->sources[s].exchange;
        mr_topic_facts facts = {0};
        mr_status status =
            exchange != NULL ? log->class->describe(log, exchange->topic, &facts, err) : MR_OK;
        bool has = false;
        if (status == MR_OK && facts.exists)
            status = has_records(worker, exchange->topic, (uint32_t)facts.partitions, &has, err);
        if (status != MR_OK)
            return status;
        if (has)
            *topic = exchange->topic;
    }
    return MR_OK;
}

static mr_status has_topic(mr_log *log, const char *topic, bool *has, mr_error *err)
{
    mr_topic_facts facts = {0};
    mr_status status = log->class->describe(log, topic, &facts, err);
    *has = status == MR_OK && facts.exists;
    return status == MR_E_KAFKA_TOPIC_MISSING ? MR_OK : status;
}

/* They are found by counting, so the last goes first: what is left when we are killed here is found
 * again. Those of the plan are found behind one that is missing, too. */
mr_status mr_worker_delete_exchanges(mr_log *log, const mr_plan *plan, mr_error *err)
{
    mr_arena arena = {0};
    mr_status status = MR_OK;
    uint32_t planned = 0, count = 0;
    for (uint32_t s = 0; s < plan->sources_count; s++)
        planned += plan->sources[s].exchange != NULL;
    for (bool has = true; status == MR_OK && has; count += has)
        status = has_topic(log, mr_arena_printf(&arena, "%s.exchange.%" PRIu32, plan->job, count),
                           &has, err);
    for (uint32_t n = count > planned ? count : planned; status == MR_OK && n-- > 0;) {
        const char *topic = mr_arena_printf(&arena, "%s.exchange.%" PRIu32, plan->job, n);
        bool has;
        status = has_topic(log, topic, &has, err);
        if (status == MR_OK && has)
            status = log->class->delete_topic(log, topic, err);
        if (status == MR_E_KAFKA_TOPIC_MISSING)
            status = MR_OK;
    }
    mr_arena_release(&arena);
    return status;
}

/* ---- which topics they are ----
 *
 * A topic that is deleted and made anew while nobody runs is another one under the old name, and
 * what lay there unread is gone. Offsets do not tell: nothing may have been read of the old one,
 * and by now more may lie in the new one. So each epoch and claim record has the ids of the topics
 * that its task reads or writes, and who takes the task on compares them. */

mr_status mr_worker_identify_exchanges(mr_worker *worker, mr_error *err)
{
    if (worker->exchange_ids != NULL)
        return MR_OK;
    mr_arena arena = {0};
    uint32_t count;
    const mr_exchange **list = mr_plan_exchanges(worker->plan, &arena, &count);
    const char **topics = mr_arena_alloc(&arena, (count + 1) * sizeof *topics);
    mr_topic_id *ids = mr_arena_zalloc(&arena, count + 1, sizeof *ids);
    for (uint32_t i = 0; i < count; i++)
        topics[i] = list[i]->topic;
    mr_log *log = worker->config.log;
    mr_status status = count > 0 ? log->class->topic_ids(log, topics, count, ids, err) : MR_OK;
    if (status == MR_E_KAFKA_TOPIC_MISSING) /* not every broker knows yet of one just made */
        err->recovery = MR_RECOVERY_RETRY;
    if (status == MR_OK)
        worker->exchange_ids = mr_arena_copy(&worker->arena, ids, (count + 1) * sizeof *ids);
    mr_arena_release(&arena);
    return status;
}

static mr_topic_id id_of(const mr_worker *worker, const char *topic, mr_arena *arena)
{
    uint32_t count, i = 0;
    const mr_exchange **list = mr_plan_exchanges(worker->plan, arena, &count);
    while (i < count && strcmp(list[i]->topic, topic) != 0)
        i++;
    return worker->exchange_ids[i]; /* behind the last one: not known */
}

void mr_worker_describe_exchanges(const mr_worker *worker, const mr_plan *stage, mr_arena *arena,
                                  mr_epoch_record *record)
{
    uint32_t count;
    const mr_exchange **list = mr_plan_exchanges(stage, arena, &count);
    const char **topics = mr_arena_alloc(arena, (count + 1) * sizeof *topics);
    mr_topic_id *ids = mr_arena_alloc(arena, (count + 1) * sizeof *ids);
    for (uint32_t i = 0; i < count; i++) {
        topics[i] = list[i]->topic;
        ids[i] = id_of(worker, topics[i], arena);
    }
    mr_epoch_record_identify(record, topics, ids, count, arena);
}

mr_status mr_worker_check_same_exchanges(const mr_worker *worker, const mr_plan *stage,
                                         const mr_recovered *recovered, mr_error *err)
{
    mr_arena arena = {0};
    mr_epoch_record now = {0};
    const mr_epoch_record *then = recovered->has_epoch ? &recovered->epoch : &recovered->claim;
    mr_status status = MR_OK;
    mr_worker_describe_exchanges(worker, stage, &arena, &now);
    for (uint32_t i = 0; status == MR_OK && i < now.exchanges_count; i++) {
        const mr_epoch_exchange *is = &now.exchanges[i];
        const mr_epoch_exchange *was = mr_epoch_record_exchange(then, is->topic);
        if (was != NULL && (was->id.high != is->id.high || was->id.low != is->id.low))
            status = mr_error_set(err, MR_E_STATE_PARTIAL,
                                  "exchange topic `%s` was deleted and made anew, and what nobody "
                                  "had read of it is gone; `millrace rewind --to end` sends that "
                                  "again, --reset starts over",
                                  is->topic);
    }
    mr_arena_release(&arena);
    return status;
}

/* ---- trimming ---- */

static void trim(mr_worker *worker, const char *topic, int32_t partition, int64_t before)
{
    mr_error err;
    mr_log *log = worker->config.log;
    mr_status status = log->class->trim(log, topic, partition, before, &err);
    if (status != MR_OK && status != MR_E_CRASHED)
        mr_logger_line(worker->config.logger, MR_LOG_WARN,
                       "exchange not trimmed job=%s topic=%s partition=%" PRId32 " before=%" PRId64
                       " reason=\"%s\"",
                       worker->plan->job, topic, partition, before, err.message);
}

/* The epoch record that holds these positions is committed: nobody reads before them again. */
void mr_worker_trim_exchanges(mr_worker *worker, mr_worker_task *at, const mr_commit *decided)
{
    uint32_t epochs = worker->config.trim_epochs != 0 ? worker->config.trim_epochs : TRIM_EPOCHS;
    if (++at->epochs_since_trim < epochs)
        return;
    at->epochs_since_trim = 0;
    for (uint32_t i = at->first_slot; i < at->first_slot + at->slots_count; i++) {
        const mr_worker_slot *slot = &worker->slots[i];
        const mr_worker_partition *partition = &worker->partitions[slot->partition];
        if (mr_worker_exchange_of(worker, slot) == NULL)
            continue;
        for (uint32_t o = 0; o < decided->offsets_count; o++)
            if (decided->offsets[o].partition == partition->partition &&
                strcmp(decided->offsets[o].topic, partition->topic) == 0 &&
                decided->offsets[o].offset > 0)
                trim(worker, partition->topic, partition->partition, decided->offsets[o].offset);
    }
}
