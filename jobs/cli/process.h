/*
 * What the operating system says of this process, under the names that Prometheus' own clients use:
 * process_cpu_seconds_total, _resident_memory_bytes, _virtual_memory_bytes, _start_time_seconds,
 * _open_fds, _max_fds. What cannot be read is left out. Thread: any.
 */
#ifndef MR_JOBS_CLI_PROCESS_H
#define MR_JOBS_CLI_PROCESS_H

#include "engine/base/metrics.h"

void mr_process_report(mr_metrics *metrics);

#endif
