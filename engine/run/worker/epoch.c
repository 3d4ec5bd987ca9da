/*
 * The one commit. Order matters, and is the protocol:
 *   flush other sinks -> deltas and epoch records -> flush -> offsets -> commit (the decision)
 *   -> only then: clean tables, changes on their way to the local store, trim behind a new base.
 */
#include "engine/run/worker/private.h"

#include "engine/base/assert.h"
#include "engine/commit/delta.h"

#include <inttypes.h>
#include <stdlib.h>

#define FLUSH_TIMEOUT_MS 60000
#define RETRIES_MAX 1000
#define BASE_BYTES_MIN ((uint64_t)1 << 20)
#define APPLY_EPOCHS 16
#define APPLY_BYTES ((size_t)4 << 20)

mr_status mr_worker_begin_epoch(mr_worker *worker, mr_error *err)
{
    if (worker->is_epoch_open)
        return MR_OK;
    mr_status status = MR_OK;
    if (worker->plan->guarantee == MR_EXACTLY_ONCE)
        status = worker->writer->class->begin(worker->writer, err);
    if (status == MR_OK) {
        worker->is_epoch_open = true;
        worker->epoch_began_us = mr_worker_now_us(worker);
    }
    return status;
}

/* What the epoch or claim record of a task says. Inputs point into the task. */
static mr_epoch_record describe(mr_worker *worker, const mr_worker_task *at, mr_arena *arena)
{
    uint32_t inputs = mr_task_inputs_count(at->task);
    mr_epoch_record record = {.job = worker->plan->job,
                              .plan_version = worker->plan->version,
                              .task = at->index,
                              .epoch = at->epoch,
                              .previous_offset = at->epoch_offset,
                              .previous_checksum = at->epoch_checksum,
                              .transactional_id = worker->transactional_id,
                              .base_bytes = at->base_bytes,
                              .bytes_since_base = at->bytes_since_base,
                              .inputs_count = inputs,
                              .inputs = mr_arena_alloc(arena, inputs * sizeof(mr_epoch_input))};
    uint32_t sources = worker->plan->sources_count;
    record.sources_count = sources;
    record.source_watermarks_ms = mr_arena_alloc(arena, sources * sizeof(int64_t));
    for (uint32_t s = 0; s < sources; s++)
        record.source_watermarks_ms[s] = mr_task_source_watermark(at->task, s);
    for (uint32_t i = 0; i < inputs; i++) {
        const mr_task_input *input = mr_task_input_at(at->task, i);
        record.inputs[i] = (mr_epoch_input){.source = worker->plan->sources[input->source].table,
                                            .topic = input->topic,
                                            .partition = input->partition,
                                            .offset_next = input->offset_next,
                                            .watermark = input->watermark,
                                            .is_ended = input->is_ended,
                                            .place = input->place.data,
                                            .place_length = input->place.length};
    }
    return record;
}

static mr_status produce(mr_worker *worker, uint32_t task, const char *bytes, size_t length,
                         mr_error *err)
{
    mr_log_record record = {.value = bytes, .value_length = length, .timestamp_ms = MR_TIME_NONE};
    return worker->writer->class->produce(worker->writer, worker->state_topic, (int32_t)task,
                                          &record, 1, err);
}

static mr_status produce_chunks(mr_worker *worker, uint32_t task, const mr_chunk_writer *chunks,
                                mr_error *err)
{
    mr_status status = MR_OK;
    for (uint32_t i = 0; status == MR_OK && i < chunks->chunks_count; i++) {
        size_t start = i > 0 ? chunks->ends[i - 1] : 0;
        status = produce(worker, task, chunks->bytes.data + start, chunks->ends[i] - start, err);
    }
    return status;
}

static mr_status produce_record(mr_worker *worker, mr_worker_task *at, mr_delta_kind kind,
                                const mr_epoch_record *record, uint32_t *checksum, mr_error *err)
{
    mr_buffer bytes = {0};
    mr_delta_header header = {.kind = kind, .task = at->index, .epoch = record->epoch};
    mr_delta_begin(&bytes, &header);
    mr_epoch_record_encode(record, &bytes);
    *checksum = mr_delta_seal(&bytes, 0);
    mr_status status = produce(worker, at->index, bytes.data, bytes.length, err);
    mr_buffer_release(&bytes);
    return status;
}

static bool is_base_due(const mr_worker *worker, const mr_worker_task *at)
{
    uint64_t least =
        worker->config.base_bytes_min != 0 ? worker->config.base_bytes_min : BASE_BYTES_MIN;
    uint64_t limit = at->base_bytes * 2 > least ? at->base_bytes * 2 : least;
    return at->bytes_since_base > limit;
}

static void fill_progress(const mr_worker *worker, const mr_worker_task *at,
                          mr_epoch_record *record, mr_arena *arena)
{
    const mr_buffer *journal = mr_task_journal(at->task);
    record->journal = journal->data;
    record->journal_length = journal->length;
    uint32_t room = (worker->plan->sources_count + worker->plan->nodes_count) * 6 +
                    worker->plan->sinks_count * 3;
    record->counters = mr_arena_alloc(arena, room * sizeof(uint64_t));
    record->counters_count = mr_task_counters(at->task, record->counters, room);
    record->is_finished = mr_task_is_finished(at->task);
}

/* Writes the delta, a base when one is due, and the epoch record of one task. */
static mr_status write_task(mr_worker *worker, mr_worker_task *at, mr_arena *arena, mr_error *err)
{
    mr_state *state = mr_task_state(at->task);
    mr_epoch_record record = describe(worker, at, arena);
    record.epoch = at->epoch + 1;
    fill_progress(worker, at, &record, arena);
    mr_chunk_writer delta = {
        .header = {.kind = MR_DELTA_CHUNK, .task = at->index, .epoch = record.epoch}};
    mr_chunk_writer base = {
        .header = {.kind = MR_DELTA_BASE, .task = at->index, .epoch = record.epoch}};
    mr_status status = mr_state_changes(state, mr_chunk_writer_add, &delta, err);
    mr_chunk_writer_finish(&delta);
    record.bytes_since_base += delta.bytes.length + 256;
    if (status == MR_OK && is_base_due(worker, at)) {
        status = mr_state_entries(state, mr_chunk_writer_add, &base, err);
        mr_chunk_writer_finish(&base);
        record.has_base = true;
        record.base_bytes = base.bytes.length;
        record.bytes_since_base = 0;
    }
    record.delta_chunks = delta.chunks_count;
    record.base_chunks = base.chunks_count;
    if (status == MR_OK && !worker->config.sabotage.leave_out_deltas)
        status = produce_chunks(worker, at->index, &delta, err);
    if (status == MR_OK)
        status = produce_chunks(worker, at->index, &base, err);
    if (worker->config.sabotage.leave_out_deltas)
        record.delta_chunks = 0;
    at->checksum_before = at->epoch_checksum;
    if (status == MR_OK)
        status = produce_record(worker, at, MR_DELTA_EPOCH, &record, &at->epoch_checksum, err);
    at->base_bytes = record.base_bytes;
    at->bytes_since_base = record.bytes_since_base;
    at->epoch_has_base = record.has_base;
    at->is_committing = status == MR_OK;
    mr_chunk_writer_release(&delta);
    mr_chunk_writer_release(&base);
    return status;
}

static mr_status flush_sinks(mr_worker *worker, mr_error *err)
{
    for (uint32_t s = 0; s < worker->plan->sinks_count; s++) {
        mr_sink *sink = worker->io.sinks[s];
        mr_status status = sink->class->flush != NULL ? sink->class->flush(sink, err) : MR_OK;
        if (status != MR_OK)
            return status;
    }
    return MR_OK;
}

/* The same call again while the log says so: send_offsets and commit may be answered "not yet". */
static mr_status flush_writer(mr_worker *worker, mr_error *err)
{
    mr_status status;
    uint32_t tries = 0;
    do {
        status = worker->writer->class->flush(worker->writer, FLUSH_TIMEOUT_MS, err);
    } while (status != MR_OK && err->recovery == MR_RECOVERY_RETRY && ++tries < RETRIES_MAX);
    return status;
}

/* Offsets of the state partitions (always) and of the log's inputs (for lag tools). */
static uint32_t list_offsets(mr_worker *worker, mr_arena *arena, mr_log_offset **offsets)
{
    uint32_t room = worker->tasks_count + worker->slots_count, count = 0;
    *offsets = mr_arena_alloc(arena, (room + 1) * sizeof **offsets);
    for (uint32_t t = 0; t < worker->tasks_count; t++) {
        mr_worker_task *at = &worker->tasks[t];
        if (!at->is_committing)
            continue;
        int64_t offset = worker->writer->class->last_offset(worker->writer, worker->state_topic,
                                                            (int32_t)at->index);
        char *metadata = mr_arena_alloc(arena, MR_EPOCH_METADATA_MAX);
        mr_epoch_metadata_print(metadata, at->epoch + 1, offset, at->epoch_checksum);
        (*offsets)[count++] = (mr_log_offset){.topic = worker->state_topic,
                                              .partition = (int32_t)at->index,
                                              .offset = offset + 1,
                                              .metadata = metadata};
        for (uint32_t i = at->first_slot; i < at->first_slot + at->slots_count; i++) {
            if (worker->slots[i].reader != 0)
                continue;
            const mr_task_input *input = mr_task_input_at(at->task, worker->slots[i].input);
            (*offsets)[count++] = (mr_log_offset){.topic = input->topic,
                                                  .partition = input->partition,
                                                  .offset = input->offset_next,
                                                  .metadata = metadata};
        }
    }
    return count;
}

static mr_status decide(mr_worker *worker, const mr_log_offset *offsets, uint32_t count,
                        mr_error *err)
{
    mr_log_writer *writer = worker->writer;
    mr_status status;
    uint32_t tries = 0;
    if (worker->plan->guarantee == MR_AT_LEAST_ONCE)
        return worker->member->class->commit(worker->member, offsets, count, err);
    do {
        status = writer->class->send_offsets(writer, worker->member, offsets, count, err);
    } while (status != MR_OK && err->recovery == MR_RECOVERY_RETRY && ++tries < RETRIES_MAX);
    tries = 0;
    while (status == MR_OK) {
        status = writer->class->commit(writer, err);
        if (status == MR_OK)
            break;
        if (err->recovery == MR_RECOVERY_RETRY && ++tries < RETRIES_MAX)
            status = MR_OK;
    }
    return status;
}

static mr_status apply_if_due(mr_worker *worker, mr_worker_task *at, mr_error *err)
{
    uint32_t epochs = worker->config.apply_epochs != 0 ? worker->config.apply_epochs : APPLY_EPOCHS;
    if (at->store == NULL ||
        (at->pending.epochs < epochs && mr_pending_bytes(&at->pending) < APPLY_BYTES))
        return MR_OK;
    return mr_pending_apply(&at->pending, at->store, err);
}

/* Everything of the epoch with the base stands behind the epoch record before it. Counting its
 * records back from its end would not do: those of a fenced writer may lie between them. */
static void trim_behind_base(mr_worker *worker, const mr_worker_task *at, int64_t first)
{
    mr_error err;
    mr_log *log = worker->config.log;
    mr_status status = log->class->trim(log, worker->state_topic, (int32_t)at->index, first, &err);
    if (status != MR_OK && status != MR_E_CRASHED)
        mr_logger_line(worker->config.logger, MR_LOG_WARN,
                       "state log not trimmed job=%s task=%" PRIu32 " before=%" PRId64
                       " reason=\"%s\"",
                       worker->plan->job, at->index, first, err.message);
}

static mr_store_marker marker_of(const mr_worker *worker, uint64_t epoch, int64_t offset,
                                 uint32_t checksum)
{
    return (mr_store_marker){.is_present = true,
                             .plan_version = worker->plan->version,
                             .epoch = epoch,
                             .log_offset = offset + 1,
                             .checksum = checksum};
}

/* The changes of the epoch are on their way to the local store, which then is where `marker`
 * says. */
static mr_status hand_to_store(mr_worker_task *at, const mr_store_marker *marker, mr_error *err)
{
    if (at->store == NULL)
        return MR_OK;
    mr_status status = mr_state_changes(mr_task_state(at->task), mr_pending_add, &at->pending, err);
    mr_pending_seal(&at->pending, marker);
    return status;
}

static mr_status after_decision(mr_worker *worker, mr_worker_task *at, mr_error *err)
{
    mr_status status = MR_OK;
    int64_t behind_previous = at->epoch_offset + 1;
    at->epoch++;
    at->epoch_offset =
        worker->writer->class->last_offset(worker->writer, worker->state_topic, (int32_t)at->index);
    mr_store_marker marker = marker_of(worker, at->epoch, at->epoch_offset, at->epoch_checksum);
    if (!worker->config.sabotage.apply_before_decision)
        status = hand_to_store(at, &marker, err);
    mr_state_mark_clean(mr_task_state(at->task));
    mr_task_mark_committed(at->task);
    at->is_finished = mr_task_is_finished(at->task);
    at->is_committing = false;
    at->failed_with = MR_OK;
    if (status == MR_OK)
        status = apply_if_due(worker, at, err);
    if (status == MR_OK && at->epoch_has_base)
        trim_behind_base(worker, at, behind_previous);
    return status;
}

static mr_status write_tasks(mr_worker *worker, mr_arena *arena, mr_error *err)
{
    mr_status status = MR_OK;
    for (uint32_t t = 0; status == MR_OK && t < worker->tasks_count; t++) {
        mr_worker_task *at = &worker->tasks[t];
        at->is_committing = false;
        if (at->task != NULL && mr_task_has_progress(at->task))
            status = write_task(worker, at, arena, err);
    }
    return status;
}

/* Test-only: what a naive engine would do. It keeps the old marker, for with the new one the
 * recovery would see that the store is ahead of the log. */
static mr_status apply_too_early(mr_worker *worker, mr_error *err)
{
    mr_status status = MR_OK;
    for (uint32_t t = 0; status == MR_OK && t < worker->tasks_count; t++) {
        mr_worker_task *at = &worker->tasks[t];
        if (!at->is_committing || at->store == NULL || at->epoch == 0)
            continue;
        mr_store_marker marker =
            marker_of(worker, at->epoch, at->epoch_offset, at->checksum_before);
        status = hand_to_store(at, &marker, err);
        if (status == MR_OK)
            status = mr_pending_apply(&at->pending, at->store, err);
        if (status == MR_OK)
            status = at->store->class->flush(at->store, err);
    }
    return status;
}

static mr_status commit_without_state(mr_worker *worker, mr_error *err)
{
    mr_status status = worker->writer != NULL ? flush_writer(worker, err) : MR_OK;
    for (uint32_t t = 0; status == MR_OK && t < worker->tasks_count; t++) {
        mr_worker_task *at = &worker->tasks[t];
        if (at->task == NULL)
            continue;
        mr_state_mark_clean(mr_task_state(at->task));
        mr_task_mark_committed(at->task);
        at->is_finished = mr_task_is_finished(at->task);
    }
    return status;
}

static mr_status commit_with_state(mr_worker *worker, mr_error *err)
{
    mr_arena arena = {0};
    mr_log_offset *offsets = NULL;
    mr_status status = MR_OK;
    /* At least once: outputs are safe before the state that knows of them. */
    if (worker->plan->guarantee == MR_AT_LEAST_ONCE)
        status = flush_writer(worker, err);
    if (status == MR_OK)
        status = write_tasks(worker, &arena, err);
    if (status == MR_OK)
        status = flush_writer(worker, err);
    if (status == MR_OK && worker->config.sabotage.apply_before_decision)
        status = apply_too_early(worker, err);
    if (status == MR_OK) {
        uint32_t count = list_offsets(worker, &arena, &offsets);
        status = count > 0 ? decide(worker, offsets, count, err) : MR_OK;
    }
    mr_arena_release(&arena);
    if (status != MR_OK)
        return status;
    worker->is_epoch_open = false;
    for (uint32_t t = 0; status == MR_OK && t < worker->tasks_count; t++)
        if (worker->tasks[t].is_committing)
            status = after_decision(worker, &worker->tasks[t], err);
    return status;
}

mr_status mr_worker_commit(mr_worker *worker, mr_error *err)
{
    if (!worker->is_epoch_open)
        return MR_OK;
    int64_t began = mr_worker_now_us(worker);
    mr_status status = flush_sinks(worker, err);
    if (status == MR_OK)
        status = mr_worker_keeps_state(worker) ? commit_with_state(worker, err)
                                               : commit_without_state(worker, err);
    if (status != MR_OK)
        return status;
    worker->is_epoch_open = false;
    worker->io.failed_attempts = 0;
    /* Most of what was refused is in the dead letters by now; the rest will be refused again.
     * Not sooner: a try that commits a part must still know what it comes to next. */
    if (worker->refused_count > MR_WORKER_REFUSED_MAX / 2)
        worker->refused_count = worker->io.refused_count = 0;
    worker->commits++;
    worker->commit_us_last = mr_worker_now_us(worker) - began;
    if (worker->commit_us_last > worker->commit_us_max)
        worker->commit_us_max = worker->commit_us_last;
    return MR_OK;
}

/* Who may have an open transaction from now on, and where it starts: before anything is
 * processed. */
mr_status mr_worker_claim(mr_worker *worker, uint32_t task, mr_error *err)
{
    mr_worker_task *at = &worker->tasks[task];
    mr_arena arena = {0};
    mr_epoch_record record = describe(worker, at, &arena);
    uint32_t checksum;
    char metadata[MR_EPOCH_METADATA_MAX];
    mr_epoch_metadata_print(metadata, at->epoch, at->epoch_offset, at->epoch_checksum);
    mr_log_offset offset = {.topic = worker->state_topic,
                            .partition = (int32_t)at->index,
                            .offset = at->epoch_offset + 1,
                            .metadata = metadata};
    mr_status status = mr_worker_begin_epoch(worker, err);
    if (status == MR_OK)
        status = produce_record(worker, at, MR_DELTA_CLAIM, &record, &checksum, err);
    if (status == MR_OK)
        status = flush_writer(worker, err);
    if (status == MR_OK)
        status = decide(worker, &offset, 1, err);
    if (status == MR_OK)
        worker->is_epoch_open = false;
    mr_arena_release(&arena);
    return status;
}

mr_status mr_worker_settle_stores(mr_worker *worker, mr_error *err)
{
    mr_status status = MR_OK;
    for (uint32_t t = 0; status == MR_OK && t < worker->tasks_count; t++) {
        mr_worker_task *at = &worker->tasks[t];
        if (at->store == NULL)
            continue;
        status = mr_pending_apply(&at->pending, at->store, err);
        if (status == MR_OK)
            status = at->store->class->flush(at->store, err);
    }
    return status;
}
