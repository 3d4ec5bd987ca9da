/* A life that reads no table: what was begun comes to its end, and the job stands still. */
#include "engine/run/worker/private.h"

#define ENDS_TIMEOUT_MS 1000

/* No exchange has anything for us that was not taken, and none may still get something. */
static mr_status are_read(mr_worker *worker, bool *is_all, mr_error *err)
{
    *is_all = true;
    for (uint32_t i = 0; i < worker->slots_count; i++) {
        mr_worker_slot *slot = &worker->slots[i];
        mr_task *task = mr_worker_task_of(worker, slot);
        if (task == NULL || !slot->is_open)
            continue;
        mr_input_ends ends;
        mr_log_reader *reader = worker->readers[slot->reader];
        mr_status status = reader->class->ends(reader, i, ENDS_TIMEOUT_MS, &ends, err);
        if (status != MR_OK && err->recovery != MR_RECOVERY_RETRY)
            return status;
        if (status != MR_OK) {
            *is_all = false;
            continue;
        }
        int64_t read = mr_task_input_at(task, slot->input)->offset_next;
        int64_t position = ends.position > read ? ends.position : read;
        mr_worker_note_position(slot, position);
        *is_all = *is_all && !ends.is_buffered && ends.stable_end == ends.high_end &&
                  position >= ends.stable_end;
    }
    return MR_OK;
}

/* What the tasks did is committed before they are looked at again: that may have sent frames. */
mr_status mr_worker_settle(mr_worker *worker, bool *worked, bool *is_over, mr_error *err)
{
    *worked = *is_over = false;
    /* Where the state topic has just grown the group gives some tasks first, and then all. */
    bool is_whole = worker->tasks_count == worker->plan->tasks_count;
    if (!is_whole || worker->is_deciding || worker->handover.count > 0 ||
        !mr_worker_is_drained(worker))
        return MR_OK;
    bool is_all;
    mr_status status = are_read(worker, &is_all, err);
    if (status != MR_OK || !is_all)
        return status;
    for (uint32_t t = 0; t < worker->tasks_count; t++)
        *worked = *worked ||
                  (worker->tasks[t].task != NULL && mr_task_has_progress(worker->tasks[t].task));
    *is_over = !*worked;
    if (!*worked)
        return MR_OK;
    status = mr_worker_begin_epoch(worker, err);
    return status == MR_OK ? mr_worker_cut(worker, err) : status;
}
