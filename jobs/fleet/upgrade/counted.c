#include "jobs/fleet/upgrade/counted.h"

#include "jobs/plan/version.h"

static uint64_t counted(const mr_job *job)
{
    return mr_plan_counted_version(job->version, job->plan.tasks_count);
}

static bool is_plain(const mr_job *job)
{
    return job->plan.version == job->version;
}

void mr_counted_set_version(const mr_job *from, mr_job *to)
{
    bool is_same_number = from->tasks_are_free && from->plan.tasks_count == to->plan.tasks_count;
    if (to->tasks_are_free && (!is_same_number || !is_plain(from)))
        to->plan.version = counted(to);
}

bool mr_counted_must_begin(const mr_job *from, const mr_job *to, const mr_upgrade *looked)
{
    return !looked->has_never_run && !looked->is_done && from->tasks_are_free && is_plain(from) &&
           from->plan.tasks_count < to->plan.tasks_count;
}

mr_status mr_counted_begin(mr_job *from, const mr_moments *moments, const char *transactional_id,
                           mr_error *err)
{
    mr_plan plan = from->plan;
    mr_arena arena = {0};
    mr_difference difference;
    plan.version = counted(from);
    mr_difference_find(&from->plan, &plan, &arena, &difference);
    mr_upgrade upgrade = {
        .difference = &difference, .moments = moments, .transactional_id = transactional_id};
    mr_status status = mr_upgrade_look(&upgrade, err);
    if (status == MR_OK)
        status = mr_upgrade_run(&upgrade, err);
    mr_upgrade_release(&upgrade);
    mr_arena_release(&arena);
    if (status == MR_OK)
        from->plan.version = counted(from);
    return status;
}
