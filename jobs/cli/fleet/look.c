/* `millrace list` and `status`: what is wished, and what the workers make of it. */
#include "jobs/cli/command.h"
#include "jobs/cli/fleet/reach.h"

#include <inttypes.h>
#include <stdio.h>

/* Of all live workers; the worst state first. */
static void print_job(const mr_reach *reach, const mr_board_job *job)
{
    static const mr_fleet_state order[] = {MR_FLEET_REFUSED,  MR_FLEET_FAILED,  MR_FLEET_STARTING,
                                           MR_FLEET_FINISHED, MR_FLEET_RUNNING, MR_FLEET_STOPPED};
    uint32_t workers = 0, lost = 0, tasks = 0, count[6] = {0};
    for (uint32_t i = 0; i < job->statuses_count; i++) {
        const mr_fleet_status *status = &job->statuses[i].status;
        if (!mr_reach_is_live(reach, status)) {
            lost++;
            continue;
        }
        workers++;
        tasks += status->tasks;
        count[status->state]++;
    }
    const char *state = "no worker";
    for (int i = 5; i >= 0; i--)
        if (count[order[i]] > 0)
            state = mr_fleet_state_name(order[i]);
    printf("%-24s %7" PRIu64 "  %-7s %-10s %7u %5u%s\n", job->name, job->wish.version,
           mr_wish_kind_name(job->wish.kind), state, workers, tasks,
           lost > 0 ? "  (some workers are silent)" : "");
}

mr_exit mr_command_list(const mr_flags *flags)
{
    mr_reach reach;
    mr_exit exit = mr_reach_open(&reach, flags, &(mr_reach_options){0});
    if (exit == MR_EXIT_OK) {
        printf("%-24s %7s  %-7s %-10s %7s %5s\n", "JOB", "VERSION", "WISHED", "STATE", "WORKERS",
               "TASKS");
        for (uint32_t i = 0; i < reach.board.jobs_count; i++)
            if (reach.board.jobs[i].has_wish)
                print_job(&reach, &reach.board.jobs[i]);
    }
    mr_reach_release(&reach);
    return exit;
}

static void print_status(const mr_reach *reach, const mr_fleet_status *status)
{
    bool is_live = mr_reach_is_live(reach, status);
    printf("%-32s %7" PRIu64 "  %-10s %5u %12" PRIu64 " %12" PRIu64 " %8" PRIu64 " %8" PRIu64,
           status->instance, status->version,
           is_live ? mr_fleet_state_name(status->state) : "silent", status->tasks,
           status->records_in, status->rows_out, status->late, status->dead);
    if (status->lag >= 0)
        printf(" %10" PRId64 "\n", status->lag);
    else
        printf(" %10s\n", "-");
    if (status->code != 0)
        printf("  error[MR%04d]: %s\n", status->code, status->message);
}

mr_exit mr_command_status(const mr_flags *flags)
{
    mr_reach reach;
    mr_exit exit = mr_reach_open(&reach, flags, &(mr_reach_options){0});
    const mr_board_job *job = exit == MR_EXIT_OK ? mr_reach_job(&reach, flags->file) : NULL;
    if (exit == MR_EXIT_OK && job == NULL)
        exit = MR_EXIT_FAILED;
    if (job != NULL) {
        printf("job %s, version %" PRIu64 ", wished: %s, plan %016" PRIx64 ", by %s\n", job->name,
               job->wish.version, mr_wish_kind_name(job->wish.kind), job->wish.plan_version,
               job->wish.written_by != NULL ? job->wish.written_by : "?");
        printf("%-32s %7s  %-10s %5s %12s %12s %8s %8s %10s\n", "WORKER", "VERSION", "STATE",
               "TASKS", "RECORDS IN", "ROWS OUT", "LATE", "DEAD", "LAG");
        for (uint32_t i = 0; i < job->statuses_count; i++)
            print_status(&reach, &job->statuses[i].status);
    }
    mr_reach_release(&reach);
    return exit;
}
