/*
 * Reads what a job wrote in WITH (..), SET or on the command line against lists of known options:
 * unknown names (with the nearest one), wrong values, names given twice, missing variables.
 */
#ifndef MR_JOBS_PLAN_OPTIONS_READ_H
#define MR_JOBS_PLAN_OPTIONS_READ_H

#include "jobs/plan/options/option.h"

typedef struct mr_option_reading {
    mr_arena *arena;
    mr_diagnostics *diagnostics;
    const mr_option_specs *lists;
    size_t lists_count;
    const char *owner; /* "connector `kafka`" */
    mr_code unknown;   /* MR_E_UNKNOWN_OPTION or MR_W_UNKNOWN_SETTING */
} mr_option_reading;

/* The options that were understood. */
mr_options mr_options_read(const mr_option_reading *reading, const mr_ast_option *given,
                           uint32_t count);

#endif
