/* Tasks of other workers. A bounded run is over when all tasks of its job are: a worker whose own
 * have finished waits, so that somebody is there for what another leaves behind, and so that the
 * end of its process says something about the job. What the others have come to is in the epoch
 * record they committed last; the group's note of that commit says where it lies. */
#include "engine/run/worker/private.h"

#include "engine/base/assert.h"
#include "engine/commit/delta.h"

#include <inttypes.h>

#define ASK_EVERY_US INT64_C(1000000)
#define FETCH_TIMEOUT_MS 50
#define FETCHES_MAX 20

static bool is_ours(const mr_worker *worker, uint32_t task)
{
    for (uint32_t t = 0; t < worker->tasks_count; t++)
        if (worker->tasks[t].index == task)
            return true;
    return false;
}

/* A task without any input never has an epoch to finish in. */
static bool has_input(const mr_worker *worker, uint32_t task)
{
    for (uint32_t i = 0; i < worker->partitions_count; i++)
        if (mr_plan_owner(worker->plan, worker->partitions[i].source,
                          worker->partitions[i].partition) == task)
            return true;
    return false;
}

/* Does the epoch record at `offset` of the task's state partition say that it has finished? One
 * that cannot be read now says nothing: it is asked again. */
static mr_status has_finished(mr_worker *worker, uint32_t task, int64_t offset, bool *finished,
                              mr_error *err)
{
    mr_log *log = worker->config.log;
    mr_log_reader *reader;
    *finished = false;
    mr_status status = log->class->open_reader(log, &reader, err);
    if (status != MR_OK)
        return status;
    mr_records records = {0};
    status = reader->class->add(reader, 0, worker->state_topic, (int32_t)task, offset, err);
    for (int tries = 0; status == MR_OK && records.count == 0 && tries < FETCHES_MAX; tries++)
        status = reader->class->fetch(reader, 1, FETCH_TIMEOUT_MS, &records, err);
    mr_delta_header header;
    mr_reader payload;
    mr_epoch_record record;
    mr_error unreadable;
    mr_arena arena = {0};
    if (status == MR_OK && records.count > 0 && records.record[0].offset == offset &&
        mr_delta_open(records.record[0].value, records.record[0].value_length, &header, &payload,
                      NULL, &unreadable) == MR_OK &&
        header.kind == MR_DELTA_EPOCH &&
        mr_epoch_record_decode(payload.next, mr_reader_left(&payload), &arena, &record,
                               &unreadable) == MR_OK)
        *finished = record.is_finished;
    mr_arena_release(&arena);
    reader->class->close(reader);
    /* Its owner has committed on and trimmed meanwhile: then it has not finished. */
    return status == MR_E_KAFKA_OFFSET_LOST ? MR_OK : status;
}

/* Asks for the tasks in `offsets`, of which there are `count`. */
static mr_status count_unfinished(mr_worker *worker, mr_log_offset *offsets, uint32_t count,
                                  mr_arena *arena, uint32_t *unfinished, mr_error *err)
{
    mr_log *log = worker->config.log;
    mr_status status =
        log->class->group_offsets(log, worker->plan->job, offsets, count, arena, err);
    *unfinished = 0;
    for (uint32_t i = 0; status == MR_OK && i < count; i++) {
        uint64_t epoch;
        int64_t offset;
        uint32_t checksum;
        bool finished = false;
        if (offsets[i].offset >= 0 &&
            mr_epoch_metadata_parse(offsets[i].metadata, &epoch, &offset, &checksum) && epoch > 0)
            status = has_finished(worker, (uint32_t)offsets[i].partition, offset, &finished, err);
        *unfinished += !finished;
    }
    return status;
}

mr_status mr_worker_count_awaited(mr_worker *worker, uint32_t *count, mr_error *err)
{
    mr_arena arena = {0};
    uint32_t tasks = worker->plan->tasks_count, asked = 0;
    mr_log_offset *offsets = mr_arena_alloc(&arena, tasks * sizeof *offsets);
    *count = 0;
    for (uint32_t t = 0; t < tasks; t++)
        if (!is_ours(worker, t) && has_input(worker, t))
            offsets[asked++] = (mr_log_offset){
                .topic = worker->state_topic, .partition = (int32_t)t, .offset = -1};
    mr_status status =
        asked > 0 ? count_unfinished(worker, offsets, asked, &arena, count, err) : MR_OK;
    mr_arena_release(&arena);
    return status;
}

mr_status mr_worker_look_at_others(mr_worker *worker, bool *is_over, mr_error *err)
{
    *is_over = false;
    int64_t now = mr_worker_now_us(worker);
    if (worker->tasks_awaited > 0 && now - worker->asked_others_us < ASK_EVERY_US)
        return MR_OK;
    worker->asked_others_us = now;
    uint32_t count;
    mr_status status = mr_worker_count_awaited(worker, &count, err);
    if (status != MR_OK)
        return status;
    if (count > 0 && worker->tasks_awaited == 0 && worker->slots_count > 0)
        mr_logger_line(worker->config.logger, MR_LOG_INFO,
                       "own tasks have finished, waiting for tasks of other workers job=%s "
                       "tasks=%" PRIu32,
                       worker->plan->job, count);
    worker->tasks_awaited = count;
    *is_over = count == 0;
    return MR_OK;
}
