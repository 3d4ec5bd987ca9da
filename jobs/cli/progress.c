#include "jobs/cli/progress.h"

#include "engine/expr/civil.h"
#include "jobs/cli/metrics_file.h"

#include <errno.h>
#include <inttypes.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#define US_PER_S 1000000

static int64_t now_us(const mr_progress_line *line)
{
    return line->clock->monotonic_us(line->clock);
}

void mr_progress_begin(mr_progress_line *line, const mr_job *job, const mr_flags *flags,
                       const mr_clock *clock, mr_metrics *metrics)
{
    *line = (mr_progress_line){.job = job,
                               .clock = clock,
                               .metrics = metrics,
                               .file = flags->stats_file,
                               .mode = flags->stats,
                               .is_terminal = isatty(STDERR_FILENO) == 1,
                               .is_quiet = mr_flags_has(flags, MR_FLAG_QUIET),
                               .phase = MR_WORKER_PREPARE};
    line->began_us = line->shown_us = now_us(line);
    if (!line->is_quiet)
        fprintf(stderr, "job %s plan %016" PRIx64 " tasks %u commit every %" PRId64 " ms\n",
                job->plan.job, job->plan.version, job->plan.tasks_count,
                job->plan.commit_interval_ms);
}

/* "2024-01-01 00:00:00.000", or "-" while there is none. */
static const char *watermark_text(int64_t watermark_ms, char to[MR_CIVIL_TEXT_MAX])
{
    to[0] = '-';
    to[1] = '\0';
    if (watermark_ms == MR_TIME_MAX)
        snprintf(to, MR_CIVIL_TEXT_MAX, "end");
    else if (watermark_ms != MR_TIME_NONE)
        mr_timestamp_print(watermark_ms * MR_US_PER_MS, 3, to);
    return to;
}

/* Totals of the job as the registry has them. */
typedef struct row_totals {
    uint64_t in, out, filtered, late, dead, read;
} row_totals;

static uint64_t total_of(const mr_progress_line *line, const char *outcome)
{
    const char *labels[] = {"job", line->job->plan.job, "outcome", outcome, NULL};
    return mr_counter_value(mr_metrics_counter(line->metrics, "millrace_job_rows_total", labels));
}

static row_totals rows_of(const mr_progress_line *line)
{
    const char *job[] = {"job", line->job->plan.job, NULL};
    return (row_totals){.in = total_of(line, "in"),
                        .out = total_of(line, "out"),
                        .filtered = total_of(line, "filtered"),
                        .late = total_of(line, "late"),
                        .dead = total_of(line, "dead"),
                        .read = mr_counter_value(
                            mr_metrics_counter(line->metrics, "millrace_records_read_total", job))};
}

/* A number, or "-" while it is not known. */
static const char *count_text(int64_t count, char to[24])
{
    snprintf(to, 24, count >= 0 ? "%" PRId64 : "-", count);
    return to;
}

static const char *state_of(const mr_progress_line *line, const mr_worker_stats *stats)
{
    return line->has_failed ? "failed" : mr_worker_phase_name(stats->phase);
}

static void show_line(const mr_progress_line *line, const mr_worker_stats *stats,
                      const row_totals *rows, double rate)
{
    char watermark[MR_CIVIL_TEXT_MAX], lag[24];
    fprintf(stderr,
            "\r\033[K%s  %.0f rows/s  watermark %s  lag %s  late %" PRIu64 "  dead %" PRIu64
            "  commits %" PRIu64,
            line->job->plan.job, rate, watermark_text(stats->watermark_ms, watermark),
            count_text(stats->lag_records, lag), rows->late, rows->dead, stats->commits);
    if (stats->tasks_awaited > 0)
        fprintf(stderr, "  waiting for %u tasks of others", stats->tasks_awaited);
    if (stats->tasks_parked > 0)
        fprintf(stderr, "  PARKED %u of %u tasks", stats->tasks_parked, stats->tasks);
    fflush(stderr);
}

/* `,"name":value`, null where there is no such value. */
static void put_number(const char *name, int64_t value, bool is_known)
{
    if (is_known)
        fprintf(stderr, ",\"%s\":%" PRId64, name, value);
    else
        fprintf(stderr, ",\"%s\":null", name);
}

/* Every line has the same fields. docs/metrics.md says what they are. */
static void show_json(const mr_progress_line *line, const mr_worker_stats *stats,
                      const row_totals *rows, double rate)
{
    bool has_watermark = stats->watermark_ms != MR_TIME_NONE && stats->watermark_ms != MR_TIME_MAX;
    fprintf(stderr,
            "{\"job\":\"%s\",\"phase\":\"%s\",\"seconds\":%.3f,\"records_read\":%" PRIu64
            ",\"records_in\":%" PRIu64 ",\"rows_out\":%" PRIu64 ",\"filtered\":%" PRIu64
            ",\"late\":%" PRIu64 ",\"dead\":%" PRIu64 ",\"rows_per_second\":%.0f",
            line->job->plan.job, state_of(line, stats),
            (double)(now_us(line) - line->began_us) / US_PER_S, rows->read, rows->in, rows->out,
            rows->filtered, rows->late, rows->dead, rate);
    put_number("watermark_ms", stats->watermark_ms, has_watermark);
    put_number("lag_records", stats->lag_records, stats->lag_records >= 0);
    fprintf(stderr,
            ",\"commits\":%" PRIu64 ",\"aborts\":%" PRIu64 ",\"restores\":%" PRIu64
            ",\"tasks\":%u,\"tasks_parked\":%u,\"state_bytes\":%" PRIu64
            ",\"state_entries\":%" PRIu64 ",\"commit_us_last\":%" PRId64
            ",\"commit_us_max\":%" PRId64 "}\n",
            stats->commits, stats->aborts, stats->restores, stats->tasks, stats->tasks_parked,
            stats->state_bytes, stats->state_entries, stats->commit_us_last, stats->commit_us_max);
}

static void write_file(const mr_progress_line *line, const mr_worker_stats *stats)
{
    static const char *const states[] = {"prepare", "join",     "restore", "run",
                                         "stopped", "finished", "failed"};
    for (size_t i = 0; i < sizeof states / sizeof *states; i++) {
        const char *labels[] = {"job", line->job->plan.job, "state", states[i], NULL};
        mr_gauge_set(mr_metrics_gauge(line->metrics, "millrace_job_state", labels),
                     strcmp(state_of(line, stats), states[i]) == 0);
    }
    mr_metrics_file_write(line->metrics, line->file);
}

static void show(mr_progress_line *line, const mr_worker_stats *stats, int64_t now)
{
    row_totals rows = rows_of(line);
    double seconds = (double)(now - line->shown_us) / US_PER_S;
    double rate = seconds > 0 ? (double)(rows.read - line->read_shown) / seconds : 0;
    if (line->mode == MR_STATS_NDJSON)
        show_json(line, stats, &rows, rate);
    else if (line->mode == MR_STATS_PROMETHEUS)
        write_file(line, stats);
    else if (line->mode == MR_STATS_AUTO && line->is_terminal && !line->is_quiet)
        show_line(line, stats, &rows, rate);
    line->shown_us = now;
    line->read_shown = rows.read;
}

void mr_progress_show(mr_progress_line *line, const mr_worker *worker)
{
    int64_t now = now_us(line);
    mr_worker_phase phase = mr_worker_phase_of(worker);
    bool is_ready = phase == MR_WORKER_RUN && line->phase != MR_WORKER_RUN && !line->is_quiet;
    line->phase = phase;
    if (!is_ready && now - line->shown_us < US_PER_S)
        return;
    mr_worker_stats stats;
    mr_worker_stats_get(worker, &stats);
    if (is_ready)
        fprintf(stderr, "ready after %" PRId64 " ms: %u task%s, %" PRIu64 " epochs restored\n",
                (now - line->began_us) / 1000, stats.tasks, stats.tasks == 1 ? "" : "s",
                stats.epochs_restored);
    if (now - line->shown_us >= US_PER_S)
        show(line, &stats, now);
}

void mr_progress_end(mr_progress_line *line, const mr_worker_stats *stats, bool is_good)
{
    int64_t now = now_us(line);
    line->has_failed = !is_good;
    if (line->mode == MR_STATS_NDJSON || line->mode == MR_STATS_PROMETHEUS)
        show(line, stats, now);
    if (line->mode == MR_STATS_AUTO && line->is_terminal && !line->is_quiet)
        fprintf(stderr, "\r\033[K");
    if (line->is_quiet)
        return;
    row_totals rows = rows_of(line);
    fprintf(stderr, "%s %s after %.1f s: ", line->job->plan.job, state_of(line, stats),
            (double)(now - line->began_us) / US_PER_S);
    if (!is_good)
        fprintf(stderr, "%" PRIu64 " rows read in this run; committed: ", rows.read);
    fprintf(stderr,
            "%" PRIu64 " rows in, %" PRIu64 " out, %" PRIu64 " filtered, %" PRIu64 " late, %" PRIu64
            " dead, %" PRIu64 " commits%s\n",
            rows.in, rows.out, rows.filtered, rows.late, rows.dead, stats->commits,
            is_good ? ", 0 lost" : "");
}
