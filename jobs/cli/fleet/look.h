/*
 * What `list` and `status` show, without its form.
 */
#ifndef MR_JOBS_CLI_FLEET_LOOK_H
#define MR_JOBS_CLI_FLEET_LOOK_H

#include "jobs/cli/fleet/reach.h"

/* Of all live workers of a job. */
typedef struct mr_look {
    const char *state; /* the worst; NULL: there is no worker */
    uint32_t workers, silent, tasks;
    const mr_fleet_status *no_checkpoint; /* of a live one that says why; NULL: none does */
} mr_look;

mr_look mr_look_at(const mr_reach *reach, const mr_board_job *job);

/* docs/formats.md. `is_lines`: an object for each job, or worker, and a line for each object. On
 * stdout. */
void mr_look_print_list(const mr_reach *reach, bool is_lines);
void mr_look_print_status(const mr_reach *reach, const mr_board_job *job, bool is_lines);

#endif
