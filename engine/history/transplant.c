#include "engine/history/transplant.h"

#include "engine/base/assert.h"
#include "engine/commit/commit.h"
#include "engine/commit/delta.h"
#include "engine/history/crossing.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#define JOIN_LIMIT_US INT64_C(90000000) /* clients look for partitions added every 60 s */
#define POLL_TIMEOUT_MS 100
#define TRANSACTION_TIMEOUT_MS 300000
#define CLAIM_TIMEOUT_MS 10000
#define SILENCE_MS (2 * TRANSACTION_TIMEOUT_MS) /* all logs are read, and then all is written */

typedef struct slice_id {
    uint16_t table;
    int64_t slice;
} slice_id;

/* One task's changes in the making: drops, in order, are merged into the puts. */
typedef struct changes {
    mr_chunk_writer writer;
    slice_id *drops;
    size_t drops_count, drops_capacity, dropped;
} changes;

static mr_status note_slice(void *context, const mr_store_change *entry, mr_error *err)
{
    (void)err;
    changes *c = context;
    if (c->drops_count > 0 && c->drops[c->drops_count - 1].table == entry->table &&
        c->drops[c->drops_count - 1].slice == entry->slice)
        return MR_OK;
    if (c->drops_count == c->drops_capacity) {
        c->drops_capacity = c->drops_capacity != 0 ? c->drops_capacity * 2 : 64;
        c->drops = realloc(c->drops, c->drops_capacity * sizeof *c->drops);
        MR_ASSERT(c->drops != NULL);
    }
    c->drops[c->drops_count++] = (slice_id){entry->table, entry->slice};
    return MR_OK;
}

/* Those of (table, slice) and before; NULL: all that are left. */
static mr_status drop_up_to(changes *c, const mr_store_change *entry, mr_error *err)
{
    mr_status status = MR_OK;
    for (; status == MR_OK && c->dropped < c->drops_count; c->dropped++) {
        const slice_id *next = &c->drops[c->dropped];
        if (entry != NULL && (next->table > entry->table ||
                              (next->table == entry->table && next->slice > entry->slice)))
            break;
        mr_store_change drop = {
            .table = next->table, .slice = next->slice, .operation = MR_STORE_DROP_SLICE};
        status = mr_chunk_writer_add(&c->writer, &drop, err);
    }
    return status;
}

static mr_status put_entry(void *context, const mr_store_change *entry, mr_error *err)
{
    changes *c = context;
    mr_status status = drop_up_to(c, entry, err);
    return status == MR_OK ? mr_chunk_writer_add(&c->writer, entry, err) : status;
}

/* ---- one task ---- */

static mr_status produce(const mr_transplant *t, mr_log_writer *writer, int32_t partition,
                         const char *bytes, size_t length, mr_error *err)
{
    mr_log_record record = {.value = bytes, .value_length = length, .timestamp_ms = MR_TIME_NONE};
    return writer->class->produce(writer, t->state_topic, partition, &record, 1, err);
}

static mr_status produce_chunks(const mr_transplant *t, mr_log_writer *writer, int32_t partition,
                                const mr_chunk_writer *chunks, mr_error *err)
{
    mr_status status = MR_OK;
    for (uint32_t i = 0; status == MR_OK && i < chunks->chunks_count; i++) {
        size_t start = i > 0 ? chunks->ends[i - 1] : 0;
        status =
            produce(t, writer, partition, chunks->bytes.data + start, chunks->ends[i] - start, err);
    }
    return status;
}

/* The record of then, as one of now. */
static mr_epoch_record record_of(const mr_transplant *t, uint32_t index, const changes *c)
{
    const mr_transplant_task *task = &t->tasks[index];
    mr_epoch_record record = *task->record;
    bool is_fork = task->last == NULL, is_base = task->replaced == NULL;
    record.job = t->plan->job;
    record.transactional_id = t->transactional_id;
    record.checkpoint = NULL;
    record.journal = "";
    record.journal_length = 0;
    record.plan_version = mr_plan_of_task(t->plan, index)->version;
    record.epoch = mr_crossing_epoch(task);
    record.previous_offset = is_fork ? -1 : task->last->offset;
    record.previous_checksum = is_fork ? 0 : task->last->checksum;
    record.has_base = is_base;
    record.has_base_part = record.is_base_continued = false;
    record.is_moved = !is_fork;
    record.delta_chunks = is_base ? 0 : c->writer.chunks_count;
    record.base_chunks = is_base ? c->writer.chunks_count : 0;
    if (is_base)
        record.base_bytes = c->writer.bytes.length;
    record.bytes_since_base = is_base ? 0 : record.bytes_since_base + c->writer.bytes.length;
    return record;
}

/* Behind what belongs to it. `noted`: the epoch that the group is told. */
static mr_status produce_epoch(const mr_transplant *t, const mr_epoch_record *record,
                               uint32_t content, uint64_t noted, mr_log_writer *writer,
                               mr_commit *commit, mr_error *err)
{
    mr_buffer bytes = {0};
    int32_t partition = (int32_t)record->task;
    uint32_t checksum = mr_epoch_record_seal(record, false, content, &bytes);
    mr_status status = produce(t, writer, partition, bytes.data, bytes.length, err);
    mr_buffer_release(&bytes);
    mr_commit_add_task(commit, &(mr_commit_task){.number = record->task,
                                                 .partition = partition,
                                                 .epoch = noted,
                                                 .checksum = checksum,
                                                 .has_base = record->has_base,
                                                 .is_finished = record->is_finished});
    for (uint32_t i = 0; i < record->inputs_count; i++)
        if (record->inputs[i].offset_next >= 0) /* else it is read from where its table says */
            mr_commit_add_offset(commit, &(mr_log_offset){.topic = record->inputs[i].topic,
                                                          .partition = record->inputs[i].partition,
                                                          .offset = record->inputs[i].offset_next});
    return status;
}

static mr_status write_task(const mr_transplant *t, uint32_t index, mr_log_writer *writer,
                            mr_commit *commit, mr_error *err)
{
    const mr_transplant_task *task = &t->tasks[index];
    bool is_base = task->replaced == NULL;
    changes c = {.writer = {.header = {.kind = is_base ? MR_DELTA_BASE : MR_DELTA_CHUNK,
                                       .task = index,
                                       .epoch = mr_crossing_epoch(task)}}};
    mr_epoch_record record;
    mr_status status = MR_OK;
    if (!is_base)
        status = mr_state_entries(task->replaced, note_slice, &c, err);
    if (status == MR_OK)
        status = mr_state_entries(mr_task_state(task->task), put_entry, &c, err);
    if (status == MR_OK)
        status = drop_up_to(&c, NULL, err);
    mr_chunk_writer_finish(&c.writer);
    if (status == MR_OK)
        status = produce_chunks(t, writer, (int32_t)index, &c.writer, err);
    if (status == MR_OK) {
        record = record_of(t, index, &c);
        status = mr_crossing_write(t, index, writer, &commit->arena, &record, err);
    }
    if (status == MR_OK) {
        uint32_t content =
            mr_delta_content(is_base ? 0 : c.writer.check, is_base ? c.writer.check : 0);
        status = produce_epoch(t, &record, content, record.epoch, writer, commit, err);
    }
    mr_chunk_writer_release(&c.writer);
    free(c.drops);
    return status;
}

/* The next epoch of its chain, which no plan goes on behind. */
static mr_status retire_task(const mr_transplant *t, uint32_t index, mr_log_writer *writer,
                             mr_commit *commit, mr_error *err)
{
    const mr_transplant_task *task = &t->tasks[index];
    mr_epoch_record record = {.job = t->plan->job,
                              .plan_version = MR_PLAN_RETIRED,
                              .task = index,
                              .epoch = mr_crossing_epoch(task),
                              .previous_offset = task->last->offset,
                              .previous_checksum = task->last->checksum,
                              .transactional_id = t->transactional_id,
                              .has_base = true,
                              .is_moved = true,
                              .journal = ""};
    return produce_epoch(t, &record, mr_delta_content(0, 0), 0, writer, commit, err);
}

static mr_status replace_task(const mr_transplant *t, uint32_t index, mr_log_writer *writer,
                              mr_commit *commit, mr_error *err)
{
    return index < t->plan->tasks_count ? write_task(t, index, writer, commit, err)
                                        : retire_task(t, index, writer, commit, err);
}

static uint32_t tasks_of(const mr_transplant *t)
{
    return t->plan->tasks_count + t->retired_count;
}

/* ---- the group, and the one transaction ---- */

/* Of all partitions, or there is somebody else. The group may hear late of those that were added,
 * and deals them out once more. */
static mr_status join(const mr_transplant *t, mr_log_member **member, mr_error *err)
{
    mr_member_options options = {
        .group = t->plan->job, .topic = t->state_topic, .silence_ms = SILENCE_MS};
    mr_topic_facts facts;
    mr_status status = t->log->class->describe(t->log, t->state_topic, &facts, err);
    if (status == MR_OK)
        status = t->log->class->open_member(t->log, &options, member, err);
    int64_t began_us = t->clock->monotonic_us(t->clock);
    while (status == MR_OK) {
        mr_member_event event;
        status = (*member)->class->poll(*member, POLL_TIMEOUT_MS, &event, err);
        bool is_ours = status == MR_OK && event.kind == MR_MEMBER_ASSIGNED;
        if (is_ours && (int32_t)event.partitions_count == facts.partitions)
            return MR_OK;
        if (is_ours && !t->has_grown)
            return mr_error_set(err, MR_E_TRANSPLANT,
                                "group `%s` has other members: stop the job's workers",
                                t->plan->job);
        if (status == MR_OK && (event.kind == MR_MEMBER_REVOKED || event.kind == MR_MEMBER_LOST))
            status = (*member)->class->release(*member, err);
        if (status == MR_OK && t->clock->monotonic_us(t->clock) - began_us > JOIN_LIMIT_US)
            return mr_error_set(err, MR_E_TRANSPLANT, "group `%s` gives us no partitions",
                                t->plan->job);
        if (status != MR_OK && err->recovery == MR_RECOVERY_RETRY)
            status = MR_OK;
    }
    return status;
}

static mr_status quiet(const mr_transplant *t, uint32_t task, mr_log_member *member, mr_error *err)
{
    mr_history history = {.log = t->log, .clock = t->clock, .topic = t->state_topic, .task = task};
    return mr_quiet_log(&history, t->plan->job, t->logger, member, err);
}

/* Now that nobody else gets offsets through: is its last epoch still the one that was looked at? */
static mr_status check_unmoved(const mr_transplant *t, mr_log_member *member, mr_error *err)
{
    mr_status status = MR_OK;
    mr_moments m = {
        .plan = t->plan, .log = t->log, .clock = t->clock, .state_topic = t->state_topic};
    for (uint32_t i = 0; status == MR_OK && i < tasks_of(t); i++) {
        mr_moment now;
        status = quiet(t, i, member, err);
        if (status == MR_OK)
            status = mr_moments_find_task(&m, &(mr_point){.kind = MR_POINT_END}, i, &now, err);
        if (status == MR_OK &&
            (now.epoch != t->tasks[i].last->epoch || now.checksum != t->tasks[i].last->checksum))
            status = mr_error_set(err, MR_E_TRANSPLANT,
                                  "task %" PRIu32 " has gone on to epoch %" PRIu64
                                  " meanwhile: stop the job's workers",
                                  i, now.epoch);
    }
    return status;
}

static mr_status note_epoch(void *context, const mr_history_record *found, bool *is_enough,
                            mr_error *err)
{
    (void)err;
    *(bool *)context = *is_enough = !found->is_claim;
    return MR_OK;
}

/* One before us may have come as far as its decision. All tasks are in it, or none. */
static mr_status look_for_fork(const mr_transplant *t, mr_log_member *member, bool *is_written,
                               mr_error *err)
{
    mr_history history = {.log = t->log, .clock = t->clock, .topic = t->state_topic};
    mr_status status = t->log->class->knock(t->log, t->transactional_id, err);
    if (status == MR_OK || err->recovery == MR_RECOVERY_RETRY)
        status = quiet(t, 0, member, err);
    return status == MR_OK
               ? mr_history_read(&history, MR_OFFSET_EARLIEST, -1, note_epoch, is_written, err)
               : status;
}

/* Whoever dies between here and the end of the transaction leaves it open in all partitions: the
 * log names us, so that the next owner aborts it and need not wait for its timeout. */
static mr_status claim_task(const mr_transplant *t, uint32_t index, mr_log_writer *writer,
                            mr_commit *commit, mr_error *err)
{
    const mr_transplant_task *task = &t->tasks[index];
    const mr_moment *last = task->last;
    mr_epoch_record record = task->present != NULL ? *task->present : *task->record;
    record.job = t->plan->job;
    record.transactional_id = t->transactional_id;
    record.epoch = last->epoch;
    record.previous_offset = last->offset;
    record.previous_checksum = last->checksum;
    record.checkpoint = NULL;
    record.journal_length = record.counters_count = 0;
    if (last->epoch > 0) /* the epoch record says it; else nobody but the claims */
        record.inputs_count = 0;
    mr_buffer bytes = {0};
    (void)mr_epoch_record_seal(&record, true, 0, &bytes);
    mr_status status = produce(t, writer, (int32_t)index, bytes.data, bytes.length, err);
    mr_buffer_release(&bytes);
    char *metadata = mr_arena_zalloc(&commit->arena, 1, MR_EPOCH_METADATA_MAX);
    uint64_t noted = record.plan_version != 0 ? last->epoch : 0; /* else it is nobody's so far */
    mr_epoch_metadata_print(metadata, noted, last->offset, last->checksum);
    mr_commit_add_offset(commit, &(mr_log_offset){.topic = t->state_topic,
                                                  .partition = (int32_t)index,
                                                  .offset = last->offset + 1,
                                                  .metadata = metadata});
    return status;
}

/* What is produced for one task. */
typedef mr_status (*put_task)(const mr_transplant *t, uint32_t index, mr_log_writer *writer,
                              mr_commit *commit, mr_error *err);

/* One transaction of all tasks. */
static mr_status commit_all(const mr_transplant *t, mr_log_writer *writer, mr_log_member *member,
                            put_task put, mr_error *err)
{
    mr_commit commit = {0};
    mr_status status = writer->class->begin(writer, err);
    if (status != MR_OK)
        return status;
    mr_commit_begin(&commit, &(mr_commit_target){.writer = writer,
                                                 .member = member,
                                                 .clock = t->clock,
                                                 .state_topic = t->state_topic,
                                                 .is_transactional = true});
    for (uint32_t i = 0; status == MR_OK && i < tasks_of(t); i++)
        status = put(t, i, writer, &commit, err);
    if (status != MR_OK) {
        mr_commit_cancel(&commit);
    } else {
        while (mr_commit_step(&commit))
            ;
        if (commit.phase == MR_COMMIT_FAILED) {
            *err = commit.err;
            status = err->status;
        }
        mr_commit_end(&commit);
    }
    mr_commit_release(&commit);
    return status;
}

/* A writer of its own for one transaction. The claim's is short: of whoever dies in that one nobody
 * knows, and its timeout is waited for. */
static mr_status write(const mr_transplant *t, mr_log_member *member, bool is_claim, mr_error *err)
{
    mr_log_writer *writer = NULL;
    mr_writer_options options = {.transactional_id = t->transactional_id,
                                 .transaction_timeout_ms =
                                     is_claim ? CLAIM_TIMEOUT_MS : TRANSACTION_TIMEOUT_MS,
                                 .knock_first = true};
    mr_status status = t->log->class->open_writer(t->log, &options, &writer, err);
    if (status != MR_OK)
        return status;
    status = commit_all(t, writer, member, is_claim ? claim_task : replace_task, err);
    writer->class->close(writer);
    return status;
}

mr_status mr_transplant_run(const mr_transplant *t, mr_error *err)
{
    mr_log_member *member = NULL;
    mr_status status = join(t, &member, err);
    bool is_fork = t->tasks[0].last == NULL, is_written = false;
    if (status == MR_OK)
        status =
            is_fork ? look_for_fork(t, member, &is_written, err) : check_unmoved(t, member, err);
    if (status == MR_OK && !is_fork)
        status = write(t, member, true, err);
    if (status == MR_OK && !is_written)
        status = write(t, member, false, err);
    if (member != NULL)
        member->class->close(member);
    return status;
}
