/*
 * Whether a job that has settled stands still: nothing lies in its exchanges that was not taken,
 * and to hand each task the watermark it has comes to nothing.
 */
#include "jobs/fleet/upgrade/private.h"

#include <inttypes.h>
#include <string.h>

#define FETCH_ROWS 16
#define FETCH_TIMEOUT_MS 20
#define ENDS_TIMEOUT_MS 10000
#define PATIENCE_US INT64_C(30000000)

static mr_status unsettled(const mr_epoch_input *input, mr_error *err)
{
    return mr_error_set(err, MR_E_UPGRADE_UNSETTLED,
                        "rows are on their way in %s[%" PRId32 "]@%" PRId64
                        ": once more settles them",
                        input->topic, input->partition, input->offset_next);
}

/* Markers of transactions may lie behind what was taken, and nothing else. */
static mr_status read_on(const mr_moments *m, mr_log_reader *reader, const mr_epoch_input *input,
                         mr_error *err)
{
    int64_t began_us = m->clock->monotonic_us(m->clock);
    for (;;) {
        mr_records records = {0};
        mr_input_ends ends;
        mr_status status =
            reader->class->fetch(reader, FETCH_ROWS, FETCH_TIMEOUT_MS, &records, err);
        if (status == MR_OK && records.count > 0)
            return unsettled(input, err);
        if (status == MR_OK)
            status = reader->class->ends(reader, 0, ENDS_TIMEOUT_MS, &ends, err);
        if (status != MR_OK && err->recovery != MR_RECOVERY_RETRY)
            return status;
        if (status == MR_OK && !ends.is_buffered && ends.stable_end == ends.high_end &&
            ends.position >= ends.stable_end)
            return MR_OK;
        if (m->clock->monotonic_us(m->clock) - began_us > PATIENCE_US)
            return unsettled(input, err);
    }
}

static mr_status check_read(const mr_moments *m, const mr_epoch_input *input, mr_error *err)
{
    mr_log_ends ends = {.topic = input->topic, .partition = input->partition};
    mr_status status = m->log->class->ends(m->log, &ends, 1, err);
    if (status == MR_OK && ends.high <= input->offset_next)
        return MR_OK;
    if (status != MR_OK && err->recovery != MR_RECOVERY_RETRY)
        return status;
    mr_log_reader *reader;
    status = m->log->class->open_reader(m->log, &reader, err);
    if (status != MR_OK)
        return status;
    status = reader->class->add(reader, 0, input->topic, input->partition, input->offset_next, err);
    if (status == MR_OK)
        status = read_on(m, reader, input, err);
    reader->class->close(reader);
    return status;
}

static mr_status check_exchanges(const mr_upgrade *u, uint32_t task, mr_error *err)
{
    const mr_plan *stage = mr_plan_of_task(u->difference->from_job, task);
    const mr_epoch_record *record = mr_upgrade_record(u, task);
    mr_status status = MR_OK;
    for (uint32_t i = 0; status == MR_OK && i < record->inputs_count; i++) {
        uint32_t source = mr_moments_source(stage, record->inputs[i].source);
        if (source != UINT32_MAX && stage->sources[source].exchange != NULL)
            status = check_read(u->moments, &record->inputs[i], err);
    }
    return status;
}

/* What a fire would emit shows in the counters. */
static mr_status check_begun(const mr_upgrade *u, uint32_t task, mr_error *err)
{
    const mr_plan *stage = mr_plan_of_task(u->difference->from_job, task);
    uint32_t count = mr_task_counters_count(stage);
    mr_arena arena = {0};
    uint64_t *before = mr_arena_zalloc(&arena, count + 1, sizeof *before);
    uint64_t *behind = mr_arena_zalloc(&arena, count + 1, sizeof *behind);
    (void)mr_task_counters(u->was[task], before, count);
    mr_status status = MR_OK;
    while (status == MR_OK && !mr_task_is_settled(u->was[task])) {
        mr_progress progress;
        status = mr_task_advance(u->was[task], &progress, err);
    }
    (void)mr_task_counters(u->was[task], behind, count);
    if (status == MR_OK && memcmp(before, behind, count * sizeof *before) != 0)
        status = mr_error_set(err, MR_E_UPGRADE_UNSETTLED,
                              "task %" PRIu32 " has windows to fire: once more settles it", task);
    mr_arena_release(&arena);
    return status;
}

mr_status mr_upgrade_check_calm(mr_upgrade *u, mr_error *err)
{
    mr_status status = MR_OK;
    for (uint32_t t = 0; status == MR_OK && t < u->difference->from_job->tasks_count; t++) {
        status = check_exchanges(u, t, err);
        if (status == MR_OK)
            status = check_begun(u, t, err);
    }
    return status;
}
