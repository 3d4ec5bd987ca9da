/*
 * An epoch from its begin to its seal, and what stands beside it in the state log: claims, bases.
 * Order matters, and is the protocol:
 *   flush other sinks -> deltas and epoch records -> | flush -> offsets -> commit (the decision)
 *                                                seal| (decision.c, engine/commit/commit.h)
 */
#include "engine/run/worker/private.h"

#include "engine/base/assert.h"
#include "engine/commit/delta.h"

#include <inttypes.h>
#include <stdlib.h>

#define FLUSH_TIMEOUT_MS 60000
#define RETRIES_MAX 1000
#define BASE_BYTES_MIN ((uint64_t)1 << 20)
#define BASE_PART_BYTES ((uint64_t)16 << 20)
#define BASE_PART_ENTRIES 4u /* a part has as many at least, on average */

/* While the last epoch is undecided the writer is not ours: what this one produces is staged, and
 * its transaction begins when the decision is noticed. */
mr_status mr_worker_begin_epoch(mr_worker *worker, mr_error *err)
{
    if (worker->is_epoch_open)
        return MR_OK;
    mr_status status = MR_OK;
    if (!worker->is_deciding)
        status = mr_worker_begin_transaction(worker, err);
    if (status == MR_OK) {
        worker->is_epoch_open = true;
        worker->has_frames = false;
        worker->epoch_began_us = mr_worker_now_us(worker);
    }
    return status;
}

mr_status mr_worker_begin_transaction(mr_worker *worker, mr_error *err)
{
    if (worker->plan->guarantee != MR_EXACTLY_ONCE)
        return MR_OK;
    mr_status status = worker->writer->class->begin(worker->writer, err);
    if (status == MR_OK) {
        worker->is_transaction_open = true;
        worker->transaction_began_us = mr_worker_now_us(worker);
    }
    return status;
}

/* What the epoch or claim record of a task says. Inputs point into the task. */
static mr_epoch_record describe(mr_worker *worker, const mr_worker_task *at, mr_arena *arena)
{
    const mr_plan *stage = mr_worker_stage_of(worker, at);
    uint32_t inputs = mr_task_inputs_count(at->task);
    mr_epoch_record record = {.job = worker->plan->job,
                              .plan_version = stage->version,
                              .task = at->index,
                              .epoch = at->epoch,
                              .previous_offset = at->epoch_offset,
                              .previous_checksum = at->epoch_checksum,
                              .transactional_id = worker->transactional_id,
                              .base_bytes = at->base_bytes,
                              .bytes_since_base = at->bytes_since_base,
                              .inputs_count = inputs,
                              .inputs = mr_arena_alloc(arena, inputs * sizeof(mr_epoch_input))};
    uint32_t sources = stage->sources_count;
    record.sources_count = sources;
    record.source_watermarks_ms = mr_arena_alloc(arena, sources * sizeof(int64_t));
    for (uint32_t s = 0; s < sources; s++)
        record.source_watermarks_ms[s] = mr_task_source_watermark(at->task, s);
    for (uint32_t i = 0; i < inputs; i++) {
        const mr_task_input *input = mr_task_input_at(at->task, i);
        bool is_left_out =
            worker->config.sabotage.leave_out_offsets || mr_worker_leaks_changes(worker);
        record.inputs[i] =
            (mr_epoch_input){.source = stage->sources[input->source].table,
                             .topic = input->topic,
                             .partition = input->partition,
                             .offset_next = is_left_out ? worker->slots[at->first_slot + i].placed
                                                        : input->offset_next,
                             .watermark = input->watermark,
                             .is_ended = input->is_ended,
                             .place = input->place.data,
                             .place_length = input->place.length};
    }
    if (worker->exchange_ids != NULL)
        mr_worker_describe_exchanges(worker, stage, arena, &record);
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

/* `content`: of an epoch record, the check over its chunks; of a claim 0. */
static mr_status produce_record(mr_worker *worker, mr_worker_task *at, mr_delta_kind kind,
                                const mr_epoch_record *record, uint32_t content, uint32_t *checksum,
                                mr_error *err)
{
    mr_buffer bytes = {0};
    *checksum = mr_epoch_record_seal(record, kind == MR_DELTA_CLAIM, content, &bytes);
    mr_status status = produce(worker, at->index, bytes.data, bytes.length, err);
    if (kind == MR_DELTA_EPOCH)
        mr_worker_note_record(worker, at, &bytes);
    mr_buffer_release(&bytes);
    return status;
}

static bool is_base_due(const mr_worker *worker, const mr_worker_task *at)
{
    uint64_t least =
        worker->config.base_bytes_min != 0 ? worker->config.base_bytes_min : BASE_BYTES_MIN;
    uint64_t limit = at->base_bytes * 2 > least ? at->base_bytes * 2 : least;
    return at->bytes_since_base > limit && !mr_worker_has_checkpoints(worker, at);
}

/* Must fit into a transaction beside its epoch, so it is smaller while the log is slow
 * (commit/cut.h). */
static uint64_t part_bytes(const mr_worker *worker)
{
    uint64_t bytes =
        worker->config.base_part_bytes != 0 ? worker->config.base_part_bytes : BASE_PART_BYTES;
    return (bytes >> worker->cut.halvings) + 1;
}

/* In how many parts, of what the state takes in memory, for that is known. */
static uint32_t base_parts(const mr_worker *worker, const mr_state *state)
{
    uint64_t most = mr_state_entries_count(state) / BASE_PART_ENTRIES;
    uint64_t parts = mr_state_bytes(state) / part_bytes(worker);
    parts = parts < most ? parts : most;
    return (uint32_t)(parts < 1 ? 1 : parts < UINT16_MAX ? parts : UINT16_MAX);
}

/* Parts by hash need all entries in memory for each; state that is not all there, or may come not
 * to be, is gone through once, by key. */
static mr_status write_part(const mr_worker *worker, mr_worker_task *at, mr_chunk_writer *to,
                            mr_error *err)
{
    mr_state *state = mr_task_state(at->task);
    struct mr_worker_base *base = &at->base;
    if (!base->is_by_key) {
        mr_status status =
            mr_state_part(state, base->part, base->parts, mr_chunk_writer_add, to, err);
        base->part++;
        return status;
    }
    mr_status status = mr_state_next(state, &base->place, (size_t)part_bytes(worker),
                                     mr_chunk_writer_add, to, err);
    base->part++;
    base->parts = base->place.is_end ? base->part : base->part + 1;
    return status;
}

void mr_worker_forget_base(mr_worker_task *at)
{
    mr_buffer_release(&at->base.place.key);
    at->base = (struct mr_worker_base){0};
}

/* Puts the next part of a base into the epoch, when one is under way or due. The base counts, and
 * the log is trimmed in front of its first part, when the last one is committed. */
static mr_status seal_base(mr_worker *worker, mr_worker_task *at, mr_epoch_record *record,
                           mr_chunk_writer *to, uint64_t delta_bytes, mr_error *err)
{
    mr_state *state = mr_task_state(at->task);
    struct mr_worker_base *base = &at->base;
    if (base->parts == 0 && !is_base_due(worker, at))
        return MR_OK;
    if (base->parts == 0)
        *base = (struct mr_worker_base){
            .parts = base_parts(worker, state),
            .is_by_key = mr_state_is_partial(state) ||
                         (at->store != NULL && worker->config.state_bytes_max != 0),
            .from = at->epoch_offset + 1};
    else
        base->bytes_since += delta_bytes;
    record->is_base_continued = base->part > 0;
    mr_status status = write_part(worker, at, to, err);
    mr_chunk_writer_finish(to);
    base->bytes += to->bytes.length;
    record->has_base = base->part == base->parts;
    record->has_base_part = !record->has_base;
    if (record->has_base) {
        record->base_bytes = base->bytes;
        record->bytes_since_base = base->bytes_since;
        int64_t from = base->from; /* the decision asks for it */
        mr_worker_forget_base(at);
        base->from = from;
    }
    return status;
}

static void fill_progress(mr_worker *worker, const mr_worker_task *at, mr_epoch_record *record,
                          mr_arena *arena)
{
    const mr_buffer *journal = mr_task_journal(at->task);
    record->journal = journal->data;
    record->journal_length = journal->length;
    uint32_t room = mr_task_counters_count(mr_worker_stage_of(worker, at));
    record->counters = mr_arena_alloc(arena, room * sizeof(uint64_t));
    record->counters_count = mr_task_counters(at->task, record->counters, room);
    record->is_finished = mr_task_is_finished(at->task);
    mr_report_seal(&worker->report, at->task);
}

/* Where the changes of a task go: the delta, and the list that waits for the local store. */
typedef struct change_ways {
    mr_chunk_writer *delta;
    mr_pending *pending; /* NULL: there is no local store */
} change_ways;

static mr_status visit_change(void *context, const mr_store_change *change, mr_error *err)
{
    const change_ways *ways = context;
    mr_status status = mr_chunk_writer_add(ways->delta, change, err);
    return status == MR_OK && ways->pending != NULL ? mr_pending_add(ways->pending, change, err)
                                                    : status;
}

/* All that the decision needs to know of a task, as it is now. */
static void freeze(mr_worker *worker, uint32_t number, const mr_epoch_record *record,
                   uint32_t checksum)
{
    const mr_worker_task *at = &worker->tasks[number];
    mr_commit_add_task(&worker->commit,
                       &(mr_commit_task){.number = number,
                                         .partition = (int32_t)at->index,
                                         .epoch = record->epoch,
                                         .checksum = checksum,
                                         .has_base = record->has_base,
                                         .base_from = at->base.from,
                                         .names_checkpoint = record->checkpoint != NULL,
                                         .is_finished = record->is_finished});
    for (uint32_t i = at->first_slot; i < at->first_slot + at->slots_count; i++) {
        const mr_task_input *input = mr_task_input_at(at->task, worker->slots[i].input);
        if (worker->slots[i].reader == 0) /* the log's: for lag tools */
            mr_commit_add_offset(&worker->commit, &(mr_log_offset){.topic = input->topic,
                                                                   .partition = input->partition,
                                                                   .offset = input->offset_next});
    }
}

/* Writes the delta, a base when one is due, and the epoch record of one task. From here on its
 * tables and its journal are those of the next epoch: what was dirty is in the delta, and should
 * that come to nothing, the whole task is restored. */
static mr_status seal_task(mr_worker *worker, uint32_t number, mr_arena *arena, mr_error *err)
{
    mr_worker_task *at = &worker->tasks[number];
    mr_state *state = mr_task_state(at->task);
    mr_epoch_record record = describe(worker, at, arena);
    record.epoch = at->epoch + 1;
    fill_progress(worker, at, &record, arena);
    mr_chunk_writer delta = {
        .header = {.kind = MR_DELTA_CHUNK, .task = at->index, .epoch = record.epoch}};
    mr_chunk_writer base = {
        .header = {.kind = MR_DELTA_BASE, .task = at->index, .epoch = record.epoch}};
    change_ways ways = {.delta = &delta, .pending = at->store != NULL ? &at->pending : NULL};
    mr_status status = mr_state_changes(state, visit_change, &ways, err);
    mr_chunk_writer_finish(&delta);
    record.bytes_since_base += delta.bytes.length + 256;
    /* Where checkpoints do not have the log trimmed they must not keep a base from its end. */
    bool is_base_needed = at->base.parts > 0 && at->unswept_since_us != 0;
    if (!is_base_needed && mr_worker_name_checkpoint(at, &record))
        mr_worker_forget_base(at); /* of no use now: whoever needs a base takes the checkpoint */
    else if (status == MR_OK)
        status = seal_base(worker, at, &record, &base, delta.bytes.length + 256, err);
    bool is_left_out = worker->config.sabotage.leave_out_deltas;
    mr_report_sealed_bytes(&worker->report, delta.bytes.length + base.bytes.length);
    record.delta_chunks = is_left_out ? 0 : delta.chunks_count;
    record.base_chunks = base.chunks_count;
    uint32_t content = mr_delta_content(is_left_out ? 0 : delta.check, base.check);
    if (status == MR_OK && !is_left_out)
        status = produce_chunks(worker, at->index, &delta, err);
    if (status == MR_OK)
        status = produce_chunks(worker, at->index, &base, err);
    uint32_t checksum = 0;
    if (status == MR_OK)
        status = produce_record(worker, at, MR_DELTA_EPOCH, &record, content, &checksum, err);
    at->base_bytes = record.base_bytes;
    at->bytes_since_base = record.bytes_since_base;
    if (status == MR_OK) {
        freeze(worker, number, &record, checksum);
        mr_state_mark_clean(state);
        mr_task_mark_committed(at->task);
    }
    mr_chunk_writer_release(&delta);
    mr_chunk_writer_release(&base);
    return status;
}

static mr_status flush_sinks(mr_worker *worker, mr_error *err)
{
    for (uint32_t s = 0; s < worker->plan->sinks_count; s++) {
        mr_sink *sink = worker->io.sinks[s]; /* NULL: an exchange, the tasks' own */
        mr_status status =
            sink != NULL && sink->class->flush != NULL ? sink->class->flush(sink, err) : MR_OK;
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

/* Test-only: what a naive engine would do. It keeps the old marker, for with the new one the
 * recovery would see that the store is ahead of the log. */
static mr_status apply_too_early(mr_worker *worker, mr_error *err)
{
    mr_status status = MR_OK;
    for (uint32_t t = 0; status == MR_OK && t < worker->commit.tasks_count; t++) {
        mr_worker_task *at = &worker->tasks[worker->commit.tasks[t].number];
        if (at->store == NULL || at->epoch == 0)
            continue;
        mr_store_marker marker =
            mr_worker_marker(worker, at, at->epoch, at->epoch_offset, at->epoch_checksum);
        mr_pending_seal(&at->pending, &marker);
        status = mr_pending_apply(&at->pending, at->store, err);
        if (status == MR_OK)
            status = at->store->class->flush(at->store, err);
    }
    return status;
}

static mr_status seal_without_state(mr_worker *worker, mr_error *err)
{
    mr_status status = worker->writer != NULL ? flush_writer(worker, err) : MR_OK;
    for (uint32_t t = 0; status == MR_OK && t < worker->tasks_count; t++) {
        mr_worker_task *at = &worker->tasks[t];
        if (at->task == NULL)
            continue;
        mr_report_seal(&worker->report, at->task);
        mr_report_decided(&worker->report, at->index);
        mr_state_mark_clean(mr_task_state(at->task));
        mr_task_mark_committed(at->task);
        at->is_finished = mr_task_is_finished(at->task);
    }
    return status;
}

static void begin_commit(mr_worker *worker)
{
    mr_commit_begin(
        &worker->commit,
        &(mr_commit_target){.writer = worker->writer,
                            .member = worker->member,
                            .clock = worker->config.clock,
                            .state_topic = worker->state_topic,
                            .is_transactional = worker->plan->guarantee == MR_EXACTLY_ONCE});
}

static mr_status seal_with_state(mr_worker *worker, mr_error *err)
{
    mr_arena arena = {0};
    mr_status status = MR_OK;
    /* At least once: outputs are safe before the state that knows of them. */
    if (worker->plan->guarantee == MR_AT_LEAST_ONCE)
        status = flush_writer(worker, err);
    if (status == MR_OK)
        begin_commit(worker);
    for (uint32_t t = 0; status == MR_OK && t < worker->tasks_count; t++)
        if (worker->tasks[t].task != NULL && mr_task_has_progress(worker->tasks[t].task))
            status = seal_task(worker, t, &arena, err);
    if (status == MR_OK && worker->config.sabotage.apply_before_decision)
        status = apply_too_early(worker, err);
    if (status != MR_OK && mr_commit_is_begun(&worker->commit))
        mr_commit_cancel(&worker->commit);
    mr_arena_release(&arena);
    return status;
}

mr_status mr_worker_seal(mr_worker *worker, mr_error *err)
{
    mr_status status = mr_worker_flush_tasks(worker, err); /* rows for sinks come of it */
    if (status == MR_OK)
        status = mr_worker_check_states(worker, err);
    if (status == MR_OK)
        status = flush_sinks(worker, err);
    if (status == MR_OK)
        status = mr_worker_keeps_state(worker) ? seal_with_state(worker, err)
                                               : seal_without_state(worker, err);
    if (status == MR_OK)
        worker->is_epoch_open = false;
    return status;
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
    mr_status status = mr_worker_begin_epoch(worker, err);
    if (status == MR_OK)
        status = produce_record(worker, at, MR_DELTA_CLAIM, &record, 0, &checksum, err);
    if (status == MR_OK) {
        begin_commit(worker);
        mr_commit_add_offset(&worker->commit, &(mr_log_offset){.topic = worker->state_topic,
                                                               .partition = (int32_t)at->index,
                                                               .offset = at->epoch_offset + 1,
                                                               .metadata = metadata});
        status = mr_worker_decide_now(worker, err);
    }
    if (status == MR_OK) {
        worker->is_epoch_open = false;
        at->log_end = mr_worker_log_end_behind(
            worker, worker->writer->class->last_offset(worker->writer, worker->state_topic,
                                                       (int32_t)at->index));
    }
    mr_arena_release(&arena);
    return status;
}

mr_status mr_worker_settle_store(mr_worker_task *at, mr_error *err)
{
    if (at->store == NULL)
        return MR_OK;
    mr_status status = mr_pending_apply(&at->pending, at->store, err);
    return status == MR_OK ? at->store->class->flush(at->store, err) : status;
}

mr_status mr_worker_settle_stores(mr_worker *worker, mr_error *err)
{
    mr_status status = MR_OK;
    for (uint32_t t = 0; status == MR_OK && t < worker->tasks_count; t++)
        status = mr_worker_settle_store(&worker->tasks[t], err);
    return status;
}
