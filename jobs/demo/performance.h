/*
 * Performance: the job, run in this process as `millrace run` does it, while the player tells the
 * flights and the screen shows what comes out.
 *
 * One thread does it all in turns: a step of the worker, the flights that are due, what came out.
 * When all flights are told the inputs end where they are, so that every window closes and the
 * accounts can be complete.
 */
#ifndef MR_JOBS_DEMO_PERFORMANCE_H
#define MR_JOBS_DEMO_PERFORMANCE_H

#include "engine/base/error.h"

#include <stdbool.h>

typedef struct mr_demo_options {
    const char *kafka;             /* HOST:PORT; NULL: embedded */
    const char *const *properties; /* of the client: name, value, .., NULL; NULL: none */
    double hours_a_second;         /* 0: as fast as it goes */
    int days;
    bool is_kept; /* leave the topics on the real cluster */
} mr_demo_options;

/* *is_good: everything ended and added up. Interrupted is not good, and no error. */
MR_MUST_USE mr_status mr_demo_perform(const mr_demo_options *options, bool *is_good, mr_error *err);

#endif
