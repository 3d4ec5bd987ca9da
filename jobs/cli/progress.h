/*
 * What a run tells while it goes on: a status line on a terminal, ndjson, a file of metrics or
 * nothing elsewhere, and a summary at the end. Rows are those of the registry: what is committed;
 * the rate is of what is read. All but the file goes to stderr.
 */
#ifndef MR_JOBS_CLI_PROGRESS_H
#define MR_JOBS_CLI_PROGRESS_H

#include "engine/run/worker/worker.h"
#include "jobs/cli/flags.h"
#include "jobs/plan/job.h"

typedef struct mr_progress_line {
    const mr_job *job;
    const mr_clock *clock;
    mr_metrics *metrics;
    const char *file; /* of MR_STATS_PROMETHEUS */
    mr_stats_mode mode;
    bool is_terminal, is_quiet, has_failed;
    mr_worker_phase phase; /* shown last */
    int64_t began_us, shown_us;
    uint64_t read_shown;
} mr_progress_line;

void mr_progress_begin(mr_progress_line *line, const mr_job *job, const mr_flags *flags,
                       const mr_clock *clock, mr_metrics *metrics);

/* Shows something when a second has passed or the phase has changed. */
void mr_progress_show(mr_progress_line *line, const mr_worker *worker);

/* The summary, with the last snapshot of a worker that is gone: what it says when it goes stands
 * before it. `is_good`: everything is committed. */
void mr_progress_end(mr_progress_line *line, const mr_worker_stats *stats, bool is_good);

#endif
