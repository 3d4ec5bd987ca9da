/*
 * The state directory of a worker that a command line starts, and who that worker is: --state-dir,
 * --instance-id. The caller closes it. Errors: those of engine/state/state_dir.h; MR_E_SETTING for
 * an instance id that is none.
 */
#ifndef MR_JOBS_CLI_LOCAL_STATE_H
#define MR_JOBS_CLI_LOCAL_STATE_H

#include "engine/state/state_dir.h"
#include "jobs/cli/flags.h"

/* `name`: of its folder where none is asked for. */
mr_status mr_local_state_open(const mr_flags *flags, const char *name, mr_state_dir **dir,
                              mr_error *err);

#endif
