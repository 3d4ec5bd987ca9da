/* Where inputs end: bounds of a bounded run, proofs of idleness, lag. */
#include "engine/run/worker/private.h"

#define LOOK_EVERY_US INT64_C(100000)    /* where idleness or an end may be proven */
#define LOOK_FOR_LAG_US INT64_C(1000000) /* else */
/* All of one look: far below the 10 s for which the least patient group waits for a member. */
#define LOOK_BUDGET_MS 1000
#define ANSWER_US INT64_C(200000) /* the log is there */
#define LOOK_REST 4 /* times what a look took, until the next: the rest of the time is for work */

void mr_worker_cut_at_bound(const mr_worker *worker, mr_records *records)
{
    const mr_worker_slot *slot = &worker->slots[records->input];
    const mr_task_input *input = mr_task_input_at(worker->tasks[slot->task].task, slot->input);
    while (input->bound >= 0 && records->count > 0 &&
           records->record[records->count - 1].offset >= input->bound)
        records->count--;
}

bool mr_worker_is_watchful(const mr_worker *worker)
{
    for (uint32_t i = 0; i < worker->slots_count; i++) {
        const mr_worker_slot *slot = &worker->slots[i];
        mr_task *task = mr_worker_task_of(worker, slot);
        if (task == NULL)
            continue;
        const mr_task_input *input = mr_task_input_at(task, slot->input);
        if (input->bound >= 0 || input->idleness.timeout_ms > 0 || slot->reader != 0)
            return true;
    }
    return false;
}

static mr_status look_at(mr_worker *worker, uint32_t slot_index, int32_t timeout_ms, mr_error *err)
{
    mr_worker_slot *slot = &worker->slots[slot_index];
    mr_task *task = worker->tasks[slot->task].task;
    mr_task_input *input = mr_task_input_at(task, slot->input);
    mr_log_reader *reader = worker->readers[slot->reader];
    mr_input_ends ends;
    mr_status status = reader->class->ends(reader, slot_index, timeout_ms, &ends, err);
    if (status != MR_OK)
        return err->recovery == MR_RECOVERY_RETRY ? MR_OK : status;
    int64_t position = ends.position > input->offset_next ? ends.position : input->offset_next;
    slot->lag = ends.stable_end == INT64_MAX ? -1
                : ends.stable_end > position ? ends.stable_end - position
                                             : 0;
    mr_worker_note_position(slot, position);
    bool is_through = position >= ends.stable_end && !(slot->reader != 0 && ends.is_buffered);
    slot->known_end = is_through ? 0 : slot->reader == 0 ? ends.stable_end : INT64_MAX;
    mr_report_input(&worker->report, input, slot->reader == 0 ? position : -1,
                    slot->reader == 0 ? slot->lag : -1, slot->is_held);
    int64_t bound = input->bound;
    bool has_end = !ends.is_growing || worker->config.is_bounded;
    if (slot->reader != 0 && ends.stable_end != INT64_MAX && has_end)
        bound = ends.stable_end;
    /* Of the log's inputs, `position` says what we were given; what is buffered lies behind it, and
     * on a busy topic something always is. */
    bool is_pending = slot->reader != 0 && ends.is_buffered;
    if (bound >= 0 && !is_pending && position >= bound) {
        status = mr_worker_begin_epoch(worker, err);
        if (status != MR_OK)
            return status;
        mr_task_on_end(task, slot->input);
        status = reader->class->remove(reader, slot_index, err);
        slot->is_open = slot->is_held = false;
        return status;
    }
    int64_t now_ms = mr_worker_now_us(worker) / 1000;
    if (mr_idleness_observe(&input->idleness, &ends, now_ms) && !input->watermark.is_idle) {
        status = mr_worker_begin_epoch(worker, err);
        if (status == MR_OK)
            mr_task_on_idle(task, slot->input);
    }
    return status;
}

/* Asks as many as the budget allows; the first one left out is the first of the next look. */
static mr_status look_at_some(mr_worker *worker, int64_t until_us, mr_error *err)
{
    uint32_t first = worker->look_next < worker->slots_count ? worker->look_next : 0;
    for (uint32_t n = 0; n < worker->slots_count; n++) {
        uint32_t i = (first + n) % worker->slots_count;
        const mr_worker_slot *slot = &worker->slots[i];
        if (!slot->is_open || mr_worker_task_of(worker, slot) == NULL)
            continue;
        int64_t left_ms = (until_us - mr_worker_now_us(worker)) / 1000;
        worker->look_next = i;
        if (left_ms <= 0)
            return MR_OK;
        mr_status status = look_at(worker, i, (int32_t)left_ms, err);
        worker->look_next = i + 1;
        if (status != MR_OK)
            return status;
    }
    return MR_OK;
}

bool mr_worker_is_look_due(const mr_worker *worker)
{
    return mr_worker_now_us(worker) >= worker->look_due_us;
}

mr_status mr_worker_look_at_ends(mr_worker *worker, mr_error *err)
{
    int64_t began_us = mr_worker_now_us(worker);
    mr_status status = mr_worker_look_for_frames(worker, err);
    if (status == MR_OK)
        status = look_at_some(worker, began_us + LOOK_BUDGET_MS * INT64_C(1000), err);
    int64_t ended_us = mr_worker_now_us(worker);
    bool is_watchful = worker->is_watchful || worker->held > 0 || mr_worker_awaits_frames(worker);
    int64_t every_us = is_watchful ? LOOK_EVERY_US : LOOK_FOR_LAG_US;
    int64_t rest_us = LOOK_REST * (ended_us - began_us);
    worker->look_due_us = ended_us + (rest_us > every_us ? rest_us : every_us);
    if (status != MR_OK)
        return status;
    if (ended_us - began_us < ANSWER_US)
        worker->answered_us = ended_us;
    worker->lag_records = 0;
    for (uint32_t i = 0; i < worker->slots_count; i++)
        if (worker->slots[i].is_open && worker->slots[i].lag > 0)
            worker->lag_records += worker->slots[i].lag;
    for (uint32_t t = 0; t < worker->tasks_count; t++)
        if (worker->tasks[t].task != NULL)
            mr_report_task_now(&worker->report, worker->tasks[t].task);
    mr_report_memory(&worker->report, worker->config.budget);
    return MR_OK;
}
