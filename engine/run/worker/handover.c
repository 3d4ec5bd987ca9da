/*
 * Frames between tasks of this worker: from hand to hand, within the epoch of both.
 *
 *   a task seals a frame -> for a task of ours: queued -> taken before more is read, or at the seal
 *                        -> for another's: into its topic
 *
 * A receiver refuses frames out of order, so nothing may be taken from the queue before all that
 * lies in the topic of what our tasks sent it, in this life or another's. So an input *waits* until
 * it has read to where the topic ended after its upstreams were restored; what is queued meanwhile,
 * and what a task amid a fire has no hand free for, goes into the topic at the seal, in order, and
 * then the input waits once more.
 */
#include "engine/run/worker/private.h"

#include "engine/base/assert.h"

#include <stdlib.h>

#define ADVANCES_MAX 64u /* steps of watermark work in a seal */

/* ---- the queue ---- */

static void count_bytes(mr_worker *worker, int64_t bytes)
{
    worker->handover.bytes += (size_t)bytes;
    mr_budget_add(worker->config.budget, MR_BUDGET_EXCHANGE, bytes);
}

bool mr_worker_hand_over(mr_worker *worker, const mr_exchange *exchange, uint32_t downstream,
                         const char *frame, size_t length)
{
    mr_handover *queue = &worker->handover;
    uint32_t slot = 0;
    while (slot < worker->slots_count &&
           (!worker->slots[slot].is_open ||
            mr_worker_exchange_of(worker, &worker->slots[slot]) != exchange ||
            worker->partitions[worker->slots[slot].partition].partition != (int32_t)downstream))
        slot++;
    if (slot == worker->slots_count || worker->config.are_frames_sent)
        return false;
    if (queue->count == queue->room) {
        queue->room = queue->room != 0 ? queue->room * 2 : 16;
        queue->frames = realloc(queue->frames, queue->room * sizeof *queue->frames);
        MR_ASSERT(queue->frames != NULL);
    }
    char *copy = malloc(length);
    MR_ASSERT(copy != NULL);
    memcpy(copy, frame, length);
    queue->frames[queue->count++] = (mr_handed_frame){slot, exchange, downstream, copy, length};
    count_bytes(worker, (int64_t)length);
    return true;
}

/* Takes a frame out of the queue; its bytes are the caller's. */
static mr_handed_frame take_out(mr_worker *worker, uint32_t i)
{
    mr_handover *queue = &worker->handover;
    mr_handed_frame frame = queue->frames[i];
    queue->count--;
    count_bytes(worker, -(int64_t)frame.length);
    memmove(queue->frames + i, queue->frames + i + 1, (queue->count - i) * sizeof *queue->frames);
    return frame;
}

void mr_worker_forget_handed(mr_worker *worker)
{
    mr_handover *queue = &worker->handover;
    for (uint32_t i = 0; i < queue->count; i++)
        free(queue->frames[i].bytes);
    queue->count = 0;
    count_bytes(worker, -(int64_t)queue->bytes);
}

void mr_worker_release_handover(mr_worker *worker)
{
    mr_worker_forget_handed(worker);
    free(worker->handover.frames);
}

/* The first one that may be taken now: those of one input are ready or not together. */
static uint32_t find_ready(const mr_worker *worker)
{
    for (uint32_t i = 0; i < worker->handover.count; i++) {
        const mr_worker_slot *slot = &worker->slots[worker->handover.frames[i].slot];
        bool may_take = !slot->is_waiting || worker->config.sabotage.hand_over_early;
        if (may_take && mr_task_is_settled(worker->tasks[slot->task].task))
            return i;
    }
    return UINT32_MAX;
}

mr_status mr_worker_take_handed(mr_worker *worker, uint32_t *task, bool *worked, mr_error *err)
{
    uint32_t next = find_ready(worker);
    *worked = next != UINT32_MAX;
    if (!*worked)
        return MR_OK;
    mr_handed_frame frame = take_out(worker, next);
    const mr_worker_slot *slot = &worker->slots[frame.slot];
    *task = slot->task;
    mr_status status = mr_task_on_frame(worker->tasks[slot->task].task, slot->input, frame.bytes,
                                        frame.length, err);
    worker->handover.taken += status == MR_OK;
    free(frame.bytes);
    return status;
}

/* ---- the seal ---- */

/* What none of ours could take goes the long way. */
static mr_status send_rest(mr_worker *worker, mr_error *err)
{
    mr_handover *queue = &worker->handover;
    mr_status status = MR_OK;
    for (uint32_t i = 0; status == MR_OK && i < queue->count; i++) {
        const mr_handed_frame *frame = &queue->frames[i];
        worker->slots[frame->slot].is_waiting = true;
        worker->slots[frame->slot].wait_until = -1;
        status = mr_worker_send_frame(worker, frame->exchange, frame->downstream, frame->bytes,
                                      frame->length, err);
    }
    mr_worker_forget_handed(worker);
    return status;
}

/* Of later stages alone: a task that was flushed has said how far it is, and must not go on before
 * the seal. */
static mr_status advance_behind(mr_worker *worker, const mr_plan *stage, uint32_t *steps,
                                mr_error *err)
{
    mr_status status = MR_OK;
    for (uint32_t t = 0; status == MR_OK && t < worker->tasks_count; t++) {
        const mr_worker_task *at = &worker->tasks[t];
        bool is_behind = mr_worker_stage_of(worker, at)->first_task > stage->first_task;
        while (status == MR_OK && is_behind && at->task != NULL && !mr_task_is_settled(at->task) &&
               *steps > 0) {
            mr_progress progress;
            status = mr_task_advance(at->task, &progress, err);
            --*steps;
        }
    }
    return status;
}

/* All rows of a stage leave it, and the next one takes what it can. */
static mr_status flush_stage(mr_worker *worker, const mr_plan *stage, uint32_t *steps,
                             mr_error *err)
{
    mr_status status = MR_OK;
    /* The stage behind must hear that a task is idle no longer before it goes on by the others. */
    for (uint32_t pass = 0; pass < 2; pass++)
        for (uint32_t t = 0; status == MR_OK && t < worker->tasks_count; t++) {
            mr_task *task = worker->tasks[t].task;
            if (task == NULL || mr_worker_stage_of(worker, &worker->tasks[t]) != stage ||
                !mr_task_has_progress(task))
                continue;
            status = pass == 0 ? mr_task_wake_downstreams(task, err) : mr_task_flush(task, err);
        }
    bool worked = true;
    while (status == MR_OK && worked) {
        uint32_t task;
        status = advance_behind(worker, stage, steps, err);
        if (status == MR_OK)
            status = mr_worker_take_handed(worker, &task, &worked, err);
    }
    return status;
}

mr_status mr_worker_flush_tasks(mr_worker *worker, mr_error *err)
{
    uint32_t steps = ADVANCES_MAX;
    mr_status status = MR_OK;
    for (uint32_t k = 0; status == MR_OK && k < worker->plan->stages_count; k++)
        status = flush_stage(worker, &worker->plan->stages[k], &steps, err);
    return status == MR_OK ? send_rest(worker, err) : status;
}

/* ---- waiting ---- */

void mr_worker_await_frames(mr_worker *worker)
{
    for (uint32_t i = 0; i < worker->slots_count; i++) {
        worker->slots[i].is_waiting = true;
        worker->slots[i].wait_until = -1;
    }
}

bool mr_worker_awaits_frames(const mr_worker *worker)
{
    for (uint32_t i = 0; worker->plan->stages_count > 0 && i < worker->slots_count; i++)
        if (worker->slots[i].is_open && worker->slots[i].is_waiting &&
            mr_worker_exchange_of(worker, &worker->slots[i]) != NULL)
            return true;
    return false;
}

/* Asks once where the topics of waiting inputs end: whatever our tasks have sent lies before. */
mr_status mr_worker_look_for_frames(mr_worker *worker, mr_error *err)
{
    if (worker->is_deciding || !mr_worker_awaits_frames(worker))
        return MR_OK; /* what the last epoch sent is not delivered yet */
    mr_arena arena = {0};
    mr_log *log = worker->config.log;
    mr_log_ends *ends = mr_arena_alloc(&arena, (worker->slots_count + 1) * sizeof *ends);
    uint32_t *slots = mr_arena_alloc(&arena, (worker->slots_count + 1) * sizeof *slots);
    uint32_t count = 0;
    for (uint32_t i = 0; i < worker->slots_count; i++) {
        const mr_worker_slot *slot = &worker->slots[i];
        const mr_worker_partition *partition = &worker->partitions[slot->partition];
        if (!slot->is_open || !slot->is_waiting || slot->wait_until >= 0 ||
            mr_worker_exchange_of(worker, slot) == NULL)
            continue;
        slots[count] = i;
        ends[count++] = (mr_log_ends){.topic = partition->topic, .partition = partition->partition};
    }
    mr_status status = count > 0 ? log->class->ends(log, ends, count, err) : MR_OK;
    for (uint32_t i = 0; status == MR_OK && i < count; i++)
        worker->slots[slots[i]].wait_until = ends[i].high;
    mr_arena_release(&arena);
    return status != MR_OK && err->recovery == MR_RECOVERY_RETRY ? MR_OK : status;
}

void mr_worker_note_position(mr_worker_slot *slot, int64_t position)
{
    if (slot->is_waiting && slot->wait_until >= 0 && position >= slot->wait_until)
        slot->is_waiting = false;
}
