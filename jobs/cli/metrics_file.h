/*
 * All metrics of a process in a file, in Prometheus' text format (--stats prometheus:FILE).
 */
#ifndef MR_JOBS_CLI_METRICS_FILE_H
#define MR_JOBS_CLI_METRICS_FILE_H

#include "engine/base/metrics.h"

/* With what the operating system says of the process. Written beside the file and renamed, so that
 * a reader never sees half of it. What goes wrong is said on stderr. */
void mr_metrics_file_write(mr_metrics *metrics, const char *file);

#endif
