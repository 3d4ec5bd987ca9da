/*
 * Which input is read next: they are served in turn, but for those that run ahead of others in
 * event time (engine/time/alignment.h).
 *
 * An input is waited for while it is known to have more to read, that is up to the end last asked;
 * where it then has still more, the next look at ends finds out. One whose watermark does not move
 * is waited for only so long, whatever others give meanwhile: be it that it gives nothing although
 * it should, its broker away or the rest of it markers, or that all it gives is late or has no
 * time. So nothing can stop those that have rows.
 */
#include "engine/run/worker/private.h"

#include "engine/base/assert.h"

#include <stdlib.h>

#define VAIN_MAX_US INT64_C(5000000)
#define BETWEEN_MAX_US \
    INT64_C(200000) /* counts between two fetches: what takes longer is no wait */

/* In so many fetches each input that is not held has its turn. */
static uint64_t round_of(const mr_worker *worker)
{
    return (uint64_t)worker->slots_count * worker->readers_count;
}

static bool has_more(const mr_worker *worker, const mr_worker_slot *slot,
                     const mr_task_input *input)
{
    if (slot->vain_us >= VAIN_MAX_US && slot->vain_fetches >= round_of(worker))
        return false;
    int64_t end = slot->known_end;
    if (end >= 0 && input->bound >= 0 && input->bound < end)
        end = input->bound;
    return end < 0 || input->offset_next < end;
}

bool mr_worker_is_drained(const mr_worker *worker)
{
    for (uint32_t i = 0; i < worker->slots_count; i++) {
        const mr_worker_slot *slot = &worker->slots[i];
        if (slot->is_open && mr_worker_exchange_of(worker, slot) != NULL &&
            slot->silent_fetches < round_of(worker))
            return false;
    }
    return true;
}

static void reserve(mr_worker *worker)
{
    if (worker->aligned_room >= worker->slots_count)
        return;
    worker->aligned_room = worker->slots_capacity;
    worker->aligned = realloc(worker->aligned, worker->aligned_room * sizeof *worker->aligned);
    worker->aligned_lows =
        realloc(worker->aligned_lows, worker->plan->sources_count * sizeof *worker->aligned_lows);
    MR_ASSERT(worker->aligned != NULL && worker->aligned_lows != NULL);
}

static bool describe_inputs(mr_worker *worker)
{
    uint32_t aligned = 0;
    for (uint32_t i = 0; i < worker->slots_count; i++) {
        const mr_worker_slot *slot = &worker->slots[i];
        mr_task *task = mr_worker_task_of(worker, slot);
        worker->aligned[i] = (mr_aligned_input){0};
        if (task == NULL || !slot->is_open)
            continue;
        const mr_plan_source *source =
            &worker->plan->sources[worker->partitions[slot->partition].source];
        const mr_task_input *input = mr_task_input_at(task, slot->input);
        if (source->drift_max_ms <= 0 || input->watermark.is_idle)
            continue;
        worker->aligned[i] = (mr_aligned_input){.group = source->aligned_with,
                                                .watermark_ms = input->watermark.value_ms,
                                                .drift_max_ms = source->drift_max_ms,
                                                .has_more = has_more(worker, slot, input)};
        aligned++;
    }
    return aligned > 1 || worker->held > 0;
}

/* Holds those that run ahead now, and lets go of those that do not any more. */
static mr_status hold_back(mr_worker *worker, mr_error *err)
{
    reserve(worker);
    if (!describe_inputs(worker))
        return MR_OK;
    (void)mr_alignment_judge(worker->aligned, worker->slots_count, worker->aligned_lows,
                             worker->plan->sources_count);
    mr_status status = MR_OK;
    worker->held = 0;
    for (uint32_t i = 0; status == MR_OK && i < worker->slots_count; i++) {
        mr_worker_slot *slot = &worker->slots[i];
        bool is_held =
            worker->aligned[i].is_held || (slot->is_held && worker->config.sabotage.hold_for_ever);
        if (slot->is_open && slot->is_held != is_held) {
            mr_log_reader *reader = worker->readers[slot->reader];
            status = reader->class->pause(reader, i, is_held, err);
            if (status == MR_OK)
                slot->is_held = is_held;
        }
        worker->held += slot->is_held;
    }
    return status;
}

/* A fetch came back that began then. One that came back empty has asked all. */
static void note(mr_worker *worker, const mr_records *records, int64_t began_us)
{
    int64_t now_us = mr_worker_now_us(worker), between_us = began_us - worker->fetched_us;
    int64_t passed_us = now_us - began_us;
    passed_us += between_us < BETWEEN_MAX_US ? between_us : BETWEEN_MAX_US;
    worker->fetched_us = now_us;
    uint64_t turns = records->count > 0 ? 1 : round_of(worker);
    for (uint32_t i = 0; i < worker->slots_count; i++) {
        mr_worker_slot *slot = &worker->slots[i];
        mr_task *task = mr_worker_task_of(worker, slot);
        int64_t mark_ms =
            task != NULL ? mr_task_input_at(task, slot->input)->watermark.value_ms : MR_TIME_NONE;
        if (records->count > 0 && records->input == i)
            slot->silent_fetches = 0;
        else if (!slot->is_held)
            slot->silent_fetches += turns;
        if (mark_ms != slot->moved_to_ms) {
            slot->moved_to_ms = mark_ms;
            slot->vain_us = 0;
            slot->vain_fetches = 0;
        } else if (!slot->is_held) {
            slot->vain_us += passed_us;
            slot->vain_fetches += turns;
        }
    }
    if (records->count > 0)
        return;
    /* Those that are waited for may be at their ends. */
    if (worker->held > 0 && worker->has_read) {
        worker->has_read = false;
        worker->look_due_us = mr_worker_now_us(worker);
    }
}

static mr_status fetch(mr_worker *worker, int32_t timeout_ms, mr_records *records, mr_error *err)
{
    uint32_t rows_max =
        worker->config.fetch_rows_max != 0 ? worker->config.fetch_rows_max : MR_BATCH_ROWS_MAX;
    uint32_t live = 0;
    for (uint32_t r = 0; r < worker->readers_count; r++)
        live += worker->readers[r] != NULL;
    /* A reader that waits would hold up another that has data: first nobody waits. */
    for (uint32_t pass = live > 1 ? 0 : 1; pass < 2; pass++) {
        int32_t share = pass == 0 ? 0 : timeout_ms / (int32_t)(live > 1 ? live : 1);
        for (uint32_t i = 0; i < worker->readers_count; i++) {
            mr_log_reader *reader = worker->readers[worker->reader_next];
            worker->reader_next = (worker->reader_next + 1) % worker->readers_count;
            if (reader == NULL)
                continue;
            mr_status status = reader->class->fetch(reader, rows_max, share, records, err);
            if (status == MR_OK)
                mr_worker_hear(worker, records);
            if (status != MR_OK || records->count > 0)
                return status;
        }
    }
    return MR_OK;
}

mr_status mr_worker_fetch(mr_worker *worker, int32_t timeout_ms, mr_records *records, mr_error *err)
{
    records->count = 0;
    mr_status status = hold_back(worker, err);
    if (status != MR_OK)
        return status;
    int64_t began_us = mr_worker_now_us(worker);
    status = fetch(worker, timeout_ms, records, err);
    if (status == MR_OK)
        note(worker, records, began_us);
    return status;
}
