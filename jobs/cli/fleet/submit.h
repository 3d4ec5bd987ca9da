/*
 * What `submit` and `upgrade` share: the wish that a text runs, and the workers' answer to it.
 */
#ifndef MR_JOBS_CLI_FLEET_SUBMIT_H
#define MR_JOBS_CLI_FLEET_SUBMIT_H

#include "jobs/cli/fleet/reach.h"
#include "jobs/cli/load.h"

/* Without its version. */
mr_wish mr_submit_wish(mr_reach *reach, const mr_flags *flags, const mr_loaded *loaded);

/* Until a worker has it at work; says what becomes of it. */
mr_exit mr_submit_await(mr_reach *reach, const mr_wish *wish);

#endif
