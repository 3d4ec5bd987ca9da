/*
 * An error on stderr, with its page's name, and the exit code that it stands for.
 */
#ifndef MR_JOBS_CLI_FAILURE_H
#define MR_JOBS_CLI_FAILURE_H

#include "engine/base/error.h"
#include "jobs/cli/flags.h"

mr_exit mr_cli_fail(const mr_error *err);

#endif
