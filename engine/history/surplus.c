#include "engine/history/surplus.h"

#include "engine/history/transplant.h"

#include <inttypes.h>
#include <string.h>

typedef struct findings {
    const char *id; /* of who may have claimed */
    uint32_t count;
    bool has_other;
} findings;

static mr_status visit(void *context, const mr_history_record *at, bool *is_enough, mr_error *err)
{
    (void)is_enough;
    (void)err;
    findings *found = context;
    const char *id = at->record->transactional_id;
    found->count++;
    if (!at->is_claim)
        found->has_other = at->record->plan_version != MR_PLAN_RETIRED;
    else
        found->has_other = found->has_other || id == NULL || strcmp(id, found->id) != 0;
    return MR_OK;
}

/* Where the group says that the task was retired; MR_OFFSET_EARLIEST: it says nothing of it. */
static mr_status find_retired(const mr_history *history, const char *job, int64_t *from,
                              mr_error *err)
{
    mr_arena arena = {0};
    mr_log *log = history->log;
    mr_log_offset asked = {
        .topic = history->topic, .partition = (int32_t)history->task, .offset = -1};
    uint64_t epoch = 0;
    int64_t offset = -1;
    uint32_t checksum;
    *from = MR_OFFSET_EARLIEST;
    mr_status status = log->class->group_offsets(log, job, &asked, 1, &arena, err);
    if (status == MR_OK && asked.offset >= 0 &&
        mr_epoch_metadata_parse(asked.metadata, &epoch, &offset, &checksum) && epoch == 0 &&
        offset >= 0)
        *from = offset;
    mr_arena_release(&arena);
    return status;
}

/* One that is empty may be that of somebody who begins just now, with other numbers of tasks: not
 * if the job is this plan's already. */
static mr_status is_at_work(const mr_history *history, const mr_plan *plan, bool *is_ours,
                            mr_error *err)
{
    uint64_t version;
    mr_history first = *history;
    first.task = 0;
    mr_status status = mr_history_last_plan(&first, plan->job, &version, err);
    *is_ours = status == MR_OK && version == mr_plan_of_task(plan, 0)->version;
    return status;
}

mr_status mr_surplus_check(const mr_history *history, const mr_plan *plan, bool is_ours,
                           mr_error *err)
{
    mr_arena arena = {0};
    findings found = {.id = mr_arena_printf(&arena, "%s-%s", plan->job, MR_UPGRADE_INSTANCE)};
    int64_t from;
    mr_status status = find_retired(history, plan->job, &from, err);
    if (status == MR_OK)
        status = mr_history_read(history, from, -1, visit, &found, err);
    bool is_known = is_ours || found.count > 0;
    mr_arena_release(&arena);
    if (status == MR_OK && !is_known)
        status = is_at_work(history, plan, &is_known, err);
    if (status != MR_OK || (is_known && !found.has_other))
        return status;
    return mr_error_set(err, MR_E_STATE_TASKS,
                        "state topic `%s` has a partition %" PRIu32 ", the job has %" PRIu32
                        " tasks; `millrace upgrade` changes their number, --reset starts over",
                        history->topic, history->task, plan->tasks_count);
}
