/*
 * A job whose past is looked at: its text, its log, its blob store, and a folder for checkpoints
 * that are fetched, which goes away with it. Its live workers are not touched. Thread: one.
 */
#ifndef MR_JOBS_CLI_PAST_PAST_JOB_H
#define MR_JOBS_CLI_PAST_PAST_JOB_H

#include "engine/history/moment.h"
#include "engine/state/state_dir.h"
#include "jobs/cli/fleet/named.h"
#include "jobs/cli/load.h"

typedef struct mr_past_job {
    mr_loaded loaded; /* of a file, or */
    mr_named named;   /* of a fleet */
    mr_job *text;
    mr_logger logger;
    _Atomic uint64_t told[64]; /* hashes of lines */
    mr_clock clock;
    mr_log *log;
    mr_state_dir *dir;
    char path[256]; /* of the folder; "": none */
    mr_store_factory *stores;
    mr_blobs *blobs;
    mr_arena arena;
    mr_moments moments;
} mr_past_job;

/* Of the file, or the fleet's job, that the flags name. It must not move from then on. False: said
 * why; `exit` is the code to end with. Release it either way. */
bool mr_past_job_open(mr_past_job *job, const mr_flags *flags, mr_exit *exit);
/* Of a job that is planned already, and borrowed; `job` is all-zero. Close it either way. */
MR_MUST_USE mr_status mr_past_job_look(mr_past_job *job, mr_job *text, const mr_flags *flags,
                                       mr_error *err);
void mr_past_job_close(mr_past_job *job);

#endif
