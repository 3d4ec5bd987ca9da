/*
 * `millrace demo`: the command.
 */
#ifndef MR_JOBS_DEMO_DEMO_H
#define MR_JOBS_DEMO_DEMO_H

#include "jobs/cli/flags.h"

/* argv[0] is the command's name. */
mr_exit mr_command_demo(int argc, char **argv);

#endif
