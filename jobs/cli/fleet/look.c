/* `millrace list` and `status`: what is wished, and what the workers make of it. */
#include "jobs/cli/fleet/look.h"
#include "jobs/cli/command.h"

#include <inttypes.h>
#include <stdio.h>

mr_look mr_look_at(const mr_reach *reach, const mr_board_job *job)
{
    static const mr_fleet_state order[] = {MR_FLEET_REFUSED,  MR_FLEET_FAILED,  MR_FLEET_STARTING,
                                           MR_FLEET_FINISHED, MR_FLEET_RUNNING, MR_FLEET_STOPPED};
    mr_look look = {0};
    uint32_t count[6] = {0};
    for (uint32_t i = 0; i < job->statuses_count; i++) {
        const mr_fleet_status *status = &job->statuses[i].status;
        if (!mr_reach_is_live(reach, status)) {
            look.silent++;
            continue;
        }
        look.workers++;
        look.tasks += status->tasks;
        count[status->state]++;
        if (status->checkpoint_code != 0)
            look.no_checkpoint = status;
    }
    for (int i = 5; i >= 0; i--)
        if (count[order[i]] > 0)
            look.state = mr_fleet_state_name(order[i]);
    return look;
}

static void print_job(const mr_reach *reach, const mr_board_job *job)
{
    mr_look look = mr_look_at(reach, job);
    printf("%-24s %7" PRIu64 "  %-7s %-10s %7u %5u%s", job->name, job->wish.version,
           mr_wish_kind_name(job->wish.kind), look.state != NULL ? look.state : "no worker",
           look.workers, look.tasks, look.silent > 0 ? "  (some workers are silent)" : "");
    if (look.no_checkpoint != NULL)
        printf("  (no checkpoint: MR%04d)", look.no_checkpoint->checkpoint_code);
    putchar('\n');
}

static void print_jobs(const mr_reach *reach)
{
    printf("%-24s %7s  %-7s %-10s %7s %5s\n", "JOB", "VERSION", "WISHED", "STATE", "WORKERS",
           "TASKS");
    for (uint32_t i = 0; i < reach->board.jobs_count; i++)
        if (reach->board.jobs[i].has_wish)
            print_job(reach, &reach->board.jobs[i]);
}

mr_exit mr_command_list(const mr_flags *flags)
{
    mr_reach reach;
    mr_exit exit = mr_reach_open(&reach, flags, &(mr_reach_options){0});
    if (exit == MR_EXIT_OK && flags->output == MR_FORM_TABLE)
        print_jobs(&reach);
    else if (exit == MR_EXIT_OK)
        mr_look_print_list(&reach, flags->output == MR_FORM_NDJSON);
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
    if (is_live && status->checkpoint_code != 0)
        printf("  no checkpoint, error[MR%04d]: %s\n"
               "  (nothing is lost, the state log is kept meanwhile; `millrace explain-error "
               "MR%04d` says how to mend it)\n",
               status->checkpoint_code, status->checkpoint_message, status->checkpoint_code);
}

static void print_workers(const mr_reach *reach, const mr_board_job *job)
{
    printf("job %s, version %" PRIu64 ", wished: %s, plan %016" PRIx64 ", by %s\n", job->name,
           job->wish.version, mr_wish_kind_name(job->wish.kind), job->wish.plan_version,
           job->wish.written_by != NULL ? job->wish.written_by : "?");
    printf("%-32s %7s  %-10s %5s %12s %12s %8s %8s %10s\n", "WORKER", "VERSION", "STATE", "TASKS",
           "RECORDS IN", "ROWS OUT", "LATE", "DEAD", "LAG");
    for (uint32_t i = 0; i < job->statuses_count; i++)
        print_status(reach, &job->statuses[i].status);
}

mr_exit mr_command_status(const mr_flags *flags)
{
    mr_reach reach;
    mr_exit exit = mr_reach_open(&reach, flags, &(mr_reach_options){0});
    const mr_board_job *job = exit == MR_EXIT_OK ? mr_reach_job(&reach, flags->file) : NULL;
    if (exit == MR_EXIT_OK && job == NULL)
        exit = MR_EXIT_FAILED;
    if (job != NULL && flags->output == MR_FORM_TABLE)
        print_workers(&reach, job);
    else if (job != NULL)
        mr_look_print_status(&reach, job, flags->output == MR_FORM_NDJSON);
    mr_reach_release(&reach);
    return exit;
}
