/*
 * Checkpoints in the metrics registry (docs/metrics.md): all-zero: nothing is shown. Thread: the
 * engine's.
 */
#ifndef MR_ENGINE_RUN_WORKER_CHECKPOINT_REPORT_H
#define MR_ENGINE_RUN_WORKER_CHECKPOINT_REPORT_H

#include "engine/base/metrics.h"

#include <stdint.h>

typedef struct mr_checkpoint_report {
    mr_metrics *metrics;
    const char *job;
    mr_counter *named, *failed, *bytes_sent;
    mr_histogram *duration;
    mr_gauge *last;
} mr_checkpoint_report;

/* `metrics` may be NULL. The job's name is borrowed. */
void mr_checkpoint_report_init(mr_checkpoint_report *report, mr_metrics *metrics, const char *job);

/* It lies in the blob store: of so many bytes, of which so many were new. */
void mr_checkpoint_report_written(const mr_checkpoint_report *report, uint32_t task,
                                  int64_t duration_us, uint64_t bytes, uint64_t bytes_sent);
/* An epoch record names it. */
void mr_checkpoint_report_named(const mr_checkpoint_report *report, int64_t wall_ms);
void mr_checkpoint_report_failed(const mr_checkpoint_report *report);

#endif
