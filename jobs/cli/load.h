/*
 * A job's file (or standard input) to a job, its diagnostics printed on stderr.
 */
#ifndef MR_JOBS_CLI_LOAD_H
#define MR_JOBS_CLI_LOAD_H

#include "jobs/cli/flags.h"
#include "jobs/plan/job.h"

typedef struct mr_loaded {
    mr_job *job; /* NULL: see exit */
    mr_exit exit;
    mr_script script;
    char *text;
    mr_settings settings; /* the job's, or those without one */
    mr_arena arena;
} mr_loaded;

/* `flags->file` names the job. Warnings and notes are printed unless quiet. */
mr_loaded mr_load(const mr_flags *flags);

/* The same; without a file the settings of an empty script (job NULL, exit OK). */
mr_loaded mr_load_settings(const mr_flags *flags);
void mr_loaded_release(mr_loaded *loaded);

#endif
