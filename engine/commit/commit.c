#include "engine/commit/commit.h"

#include "engine/base/assert.h"
#include "engine/commit/epoch_record.h"

#include <stdlib.h>

#define FLUSH_TIMEOUT_MS 60000
#define RETRIES_MAX 1000

void mr_commit_begin(mr_commit *commit, const mr_commit_target *target)
{
    MR_ASSERT(commit->phase == MR_COMMIT_IDLE);
    commit->phase = MR_COMMIT_FLUSH;
    commit->writer = target->writer;
    commit->member = target->member;
    commit->clock = target->clock;
    commit->state_topic = target->state_topic;
    commit->is_transactional = target->is_transactional;
    commit->tasks_count = commit->offsets_count = commit->retries = 0;
    mr_arena_reset(&commit->arena);
}

/* Room for one more; capacities are powers of two. */
static void *grown(void *items, uint32_t count, uint32_t *capacity, size_t size)
{
    if (count < *capacity)
        return items;
    *capacity = *capacity != 0 ? *capacity * 2 : 8;
    items = realloc(items, *capacity * size);
    MR_ASSERT(items != NULL);
    return items;
}

void mr_commit_add_offset(mr_commit *commit, const mr_log_offset *offset)
{
    MR_ASSERT(commit->phase == MR_COMMIT_FLUSH);
    commit->offsets = grown(commit->offsets, commit->offsets_count, &commit->offsets_capacity,
                            sizeof *commit->offsets);
    mr_log_offset *added = &commit->offsets[commit->offsets_count++];
    *added = *offset;
    if (offset->metadata == NULL) {
        MR_ASSERT(commit->tasks_count > 0);
        added->metadata = commit->tasks[commit->tasks_count - 1].metadata;
    }
}

void mr_commit_add_task(mr_commit *commit, const mr_commit_task *task)
{
    MR_ASSERT(commit->phase == MR_COMMIT_FLUSH);
    commit->tasks =
        grown(commit->tasks, commit->tasks_count, &commit->tasks_capacity, sizeof *commit->tasks);
    mr_commit_task *added = &commit->tasks[commit->tasks_count++];
    *added = *task;
    added->offset = -1;
    added->metadata = mr_arena_zalloc(&commit->arena, 1, MR_EPOCH_METADATA_MAX);
    added->line = commit->offsets_count;
    mr_commit_add_offset(
        commit, &(mr_log_offset){.topic = commit->state_topic, .partition = task->partition});
}

/* The epoch records are delivered: where they went is what the group is told. */
static void learn_offsets(mr_commit *commit)
{
    for (uint32_t t = 0; t < commit->tasks_count; t++) {
        mr_commit_task *task = &commit->tasks[t];
        task->offset = commit->writer->class->last_offset(commit->writer, commit->state_topic,
                                                          task->partition);
        MR_ASSERT(task->offset >= 0);
        mr_epoch_metadata_print(task->metadata, task->epoch, task->offset, task->checksum);
        commit->offsets[task->line].offset = task->offset + 1;
    }
}

static mr_status call(mr_commit *commit)
{
    mr_log_writer *writer = commit->writer;
    mr_error *err = &commit->err;
    switch (commit->phase) {
    case MR_COMMIT_FLUSH: return writer->class->flush(writer, FLUSH_TIMEOUT_MS, err);
    case MR_COMMIT_OFFSETS:
        if (commit->offsets_count == 0)
            return MR_OK;
        return commit->is_transactional
                   ? writer->class->send_offsets(writer, commit->member, commit->offsets,
                                                 commit->offsets_count, err)
                   : commit->member->class->commit(commit->member, commit->offsets,
                                                   commit->offsets_count, err);
    case MR_COMMIT_DECISION:
        return commit->is_transactional ? writer->class->commit(writer, err) : MR_OK;
    case MR_COMMIT_IDLE:
    case MR_COMMIT_DECIDED:
    case MR_COMMIT_FAILED: break;
    }
    MR_ASSERT(false);
    return MR_OK;
}

bool mr_commit_step(void *context)
{
    mr_commit *commit = context;
    mr_status status = call(commit);
    if (status == MR_OK) {
        if (commit->phase == MR_COMMIT_FLUSH)
            learn_offsets(commit);
        commit->phase++;
        commit->retries = 0;
    } else if (commit->err.recovery != MR_RECOVERY_RETRY || ++commit->retries >= RETRIES_MAX) {
        if (commit->err.recovery == MR_RECOVERY_RETRY) /* often enough: nobody calls it again */
            commit->err.recovery = MR_RECOVERY_EPOCH;
        commit->phase = MR_COMMIT_FAILED;
    }
    if (commit->phase < MR_COMMIT_DECIDED)
        return true;
    commit->ended_us = commit->clock->monotonic_us(commit->clock);
    return false;
}

bool mr_commit_is_begun(const mr_commit *commit)
{
    return commit->phase != MR_COMMIT_IDLE;
}

void mr_commit_cancel(mr_commit *commit)
{
    MR_ASSERT(commit->phase == MR_COMMIT_FLUSH);
    commit->phase = MR_COMMIT_IDLE;
}

void mr_commit_end(mr_commit *commit)
{
    MR_ASSERT(commit->phase == MR_COMMIT_DECIDED || commit->phase == MR_COMMIT_FAILED);
    commit->phase = MR_COMMIT_IDLE;
}

void mr_commit_release(mr_commit *commit)
{
    mr_arena_release(&commit->arena);
    free(commit->tasks);
    free(commit->offsets);
    *commit = (mr_commit){0};
}
