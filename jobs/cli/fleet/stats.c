#include "jobs/cli/fleet/stats.h"

#include "jobs/cli/metrics_file.h"

#include <inttypes.h>
#include <stdio.h>

#define SHOW_EVERY_US INT64_C(1000000)

void mr_fleet_stats_begin(mr_fleet_stats *stats, const mr_flags *flags, const mr_clock *clock)
{
    *stats = (mr_fleet_stats){.flags = flags, .clock = clock};
    if (flags->stats != MR_STATS_PROMETHEUS)
        return;
    const char *build[] = {"version", MR_VERSION, NULL};
    stats->metrics = mr_metrics_new();
    mr_gauge_set(mr_metrics_gauge(stats->metrics, "millrace_build_info", build), 1);
}

void mr_fleet_stats_end(mr_fleet_stats *stats)
{
    if (stats->metrics != NULL)
        mr_metrics_free(stats->metrics);
}

/* As `status` shows them, and fields of `run` that it knows bear the same names. */
static void show_line(const mr_keeper_job *job)
{
    const mr_fleet_status *status = &job->status;
    fprintf(stderr,
            "{\"job\":\"%s\",\"state\":\"%s\",\"version\":%" PRIu64 ",\"tasks\":%" PRIu32
            ",\"records_in\":%" PRIu64 ",\"rows_out\":%" PRIu64 ",\"late\":%" PRIu64
            ",\"dead\":%" PRIu64 ",\"code\":%d,",
            job->name, mr_fleet_state_name(status->state), status->version, status->tasks,
            status->records_in, status->rows_out, status->late, status->dead, status->code);
    if (status->lag >= 0)
        fprintf(stderr, "\"lag_records\":%" PRId64 "}\n", status->lag);
    else
        fprintf(stderr, "\"lag_records\":null}\n");
}

static void set_state(mr_metrics *metrics, const mr_keeper_job *job)
{
    for (int s = MR_FLEET_STARTING; s <= MR_FLEET_REFUSED; s++) {
        const char *name = mr_fleet_state_name((mr_fleet_state)s);
        const char *labels[] = {"job", job->name, "state", name, NULL};
        mr_gauge_set(mr_metrics_gauge(metrics, "millrace_job_state", labels),
                     (int)job->status.state == s);
    }
}

void mr_fleet_stats_show(mr_fleet_stats *stats, const mr_keeper *keeper)
{
    int64_t now_us = stats->clock->monotonic_us(stats->clock);
    if (stats->shown_us != 0 && now_us - stats->shown_us < SHOW_EVERY_US)
        return;
    stats->shown_us = now_us;
    for (uint32_t i = 0; i < keeper->jobs_count; i++) {
        const mr_keeper_job *job = &keeper->jobs[i];
        if (job->has_status && stats->flags->stats == MR_STATS_NDJSON)
            show_line(job);
        if (job->has_status && stats->metrics != NULL)
            set_state(stats->metrics, job);
    }
    if (stats->metrics != NULL)
        mr_metrics_file_write(stats->metrics, stats->flags->stats_file);
}
