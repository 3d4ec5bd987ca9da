#include "engine/history/surplus.h"

#include "engine/history/transplant.h"

#include <inttypes.h>
#include <string.h>

typedef struct claims {
    const char *id; /* of who may have written */
    uint32_t count;
    bool has_other;
} claims;

static mr_status visit(void *context, const mr_history_record *at, bool *is_enough, mr_error *err)
{
    (void)err;
    claims *found = context;
    const char *id = at->record->transactional_id;
    found->count++;
    *is_enough = found->has_other = !at->is_claim || id == NULL || strcmp(id, found->id) != 0;
    return MR_OK;
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
    claims found = {.id = mr_arena_printf(&arena, "%s-%s", plan->job, MR_UPGRADE_INSTANCE)};
    mr_status status = mr_history_read(history, MR_OFFSET_EARLIEST, -1, visit, &found, err);
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
