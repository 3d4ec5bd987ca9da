#include "engine/run/worker/checkpoint_report.h"

#include <inttypes.h>
#include <stdio.h>

void mr_checkpoint_report_init(mr_checkpoint_report *report, mr_metrics *metrics, const char *job)
{
    *report = (mr_checkpoint_report){.metrics = metrics, .job = job};
    if (metrics == NULL)
        return;
    const char *labels[] = {"job", job, NULL};
    const char *good[] = {"job", job, "result", "named", NULL};
    const char *bad[] = {"job", job, "result", "failed", NULL};
    report->named = mr_metrics_counter(metrics, "millrace_durable_checkpoints_total", good);
    report->failed = mr_metrics_counter(metrics, "millrace_durable_checkpoints_total", bad);
    report->bytes_sent =
        mr_metrics_counter(metrics, "millrace_durable_checkpoint_bytes_sent_total", labels);
    report->duration =
        mr_metrics_histogram(metrics, "millrace_durable_checkpoint_duration_seconds", labels, 1e-6);
    report->last = mr_metrics_gauge(
        metrics, "millrace_durable_checkpoint_last_success_timestamp_seconds", labels);
}

void mr_checkpoint_report_written(const mr_checkpoint_report *report, uint32_t task,
                                  int64_t duration_us, uint64_t bytes, uint64_t bytes_sent)
{
    char number[16];
    if (report->metrics == NULL)
        return;
    snprintf(number, sizeof number, "%" PRIu32, task);
    const char *labels[] = {"job", report->job, "task", number, NULL};
    mr_gauge_set(mr_metrics_gauge(report->metrics, "millrace_durable_checkpoint_bytes", labels),
                 (double)bytes);
    mr_counter_add(report->bytes_sent, bytes_sent);
    mr_histogram_record(report->duration, duration_us);
}

void mr_checkpoint_report_named(const mr_checkpoint_report *report, int64_t wall_ms)
{
    if (report->metrics == NULL)
        return;
    mr_counter_add(report->named, 1);
    mr_gauge_set(report->last, (double)wall_ms / 1000);
}

void mr_checkpoint_report_failed(const mr_checkpoint_report *report)
{
    if (report->metrics != NULL)
        mr_counter_add(report->failed, 1);
}
