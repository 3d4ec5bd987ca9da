#include "jobs/cli/progress.h"

#include "engine/expr/civil.h"

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

static void show_line(const mr_progress_line *line, const mr_worker_stats *stats,
                      const row_totals *rows, double rate)
{
    char watermark[MR_CIVIL_TEXT_MAX];
    fprintf(stderr,
            "\r\033[K%s  %.0f rows/s  watermark %s  lag %" PRId64 "  late %" PRIu64
            "  dead %" PRIu64 "  commits %" PRIu64,
            line->job->plan.job, rate, watermark_text(stats->watermark_ms, watermark),
            stats->lag_records, rows->late, rows->dead, stats->commits);
    if (stats->tasks_awaited > 0)
        fprintf(stderr, "  waiting for %u tasks of others", stats->tasks_awaited);
    if (stats->tasks_parked > 0)
        fprintf(stderr, "  PARKED %u of %u tasks", stats->tasks_parked, stats->tasks);
    fflush(stderr);
}

static void show_json(const mr_progress_line *line, const mr_worker_stats *stats,
                      const row_totals *rows, double rate)
{
    fprintf(stderr,
            "{\"job\":\"%s\",\"phase\":\"%s\",\"records_in\":%" PRIu64 ",\"rows_out\":%" PRIu64
            ",\"filtered\":%" PRIu64 ",\"late\":%" PRIu64 ",\"dead\":%" PRIu64
            ",\"rows_per_second\":%.0f",
            line->job->plan.job, mr_worker_phase_name(stats->phase), rows->in, rows->out,
            rows->filtered, rows->late, rows->dead, rate);
    if (stats->watermark_ms != MR_TIME_NONE)
        fprintf(stderr, ",\"watermark_ms\":%" PRId64, stats->watermark_ms);
    if (stats->lag_records >= 0)
        fprintf(stderr, ",\"lag_records\":%" PRId64, stats->lag_records);
    fprintf(stderr,
            ",\"commits\":%" PRIu64 ",\"aborts\":%" PRIu64 ",\"restores\":%" PRIu64
            ",\"tasks\":%u,\"tasks_parked\":%u,\"state_bytes\":%" PRIu64
            ",\"state_entries\":%" PRIu64 ",\"commit_us_last\":%" PRId64
            ",\"commit_us_max\":%" PRId64 "}\n",
            stats->commits, stats->aborts, stats->restores, stats->tasks, stats->tasks_parked,
            stats->state_bytes, stats->state_entries, stats->commit_us_last, stats->commit_us_max);
}

/* Written beside it and renamed, so that a reader never sees half a file. */
static void write_file(const mr_progress_line *line, const mr_worker_stats *stats)
{
    static const char *const phases[] = {"prepare", "join",    "restore",
                                         "run",     "stopped", "finished"};
    for (size_t i = 0; i < sizeof phases / sizeof *phases; i++) {
        const char *labels[] = {"job", line->job->plan.job, "state", phases[i], NULL};
        mr_gauge_set(mr_metrics_gauge(line->metrics, "millrace_job_state", labels),
                     strcmp(mr_worker_phase_name(stats->phase), phases[i]) == 0);
    }
    char beside[PATH_MAX];
    snprintf(beside, sizeof beside, "%s.new", line->file);
    mr_buffer text = {0};
    mr_metrics_print_prometheus(line->metrics, &text);
    FILE *to = fopen(beside, "w");
    bool is_good = to != NULL && fwrite(text.data, 1, text.length, to) == text.length;
    if (to != NULL)
        is_good = fclose(to) == 0 && is_good;
    if (!is_good || rename(beside, line->file) != 0)
        fprintf(stderr, "millrace: metrics not written to %s: %s\n", line->file, strerror(errno));
    mr_buffer_release(&text);
}

static void show(mr_progress_line *line, const mr_worker *worker, int64_t now)
{
    mr_worker_stats stats;
    mr_worker_stats_get(worker, &stats);
    row_totals rows = rows_of(line);
    double seconds = (double)(now - line->shown_us) / US_PER_S;
    double rate = seconds > 0 ? (double)(rows.read - line->read_shown) / seconds : 0;
    if (line->mode == MR_STATS_NDJSON)
        show_json(line, &stats, &rows, rate);
    else if (line->mode == MR_STATS_PROMETHEUS)
        write_file(line, &stats);
    else if (line->mode == MR_STATS_AUTO && line->is_terminal && !line->is_quiet)
        show_line(line, &stats, &rows, rate);
    line->shown_us = now;
    line->read_shown = rows.read;
}

void mr_progress_show(mr_progress_line *line, const mr_worker *worker)
{
    int64_t now = now_us(line);
    mr_worker_phase phase = mr_worker_phase_of(worker);
    if (phase == MR_WORKER_RUN && line->phase != MR_WORKER_RUN && !line->is_quiet) {
        mr_worker_stats stats;
        mr_worker_stats_get(worker, &stats);
        fprintf(stderr, "ready after %" PRId64 " ms: %u task%s, %" PRIu64 " epochs restored\n",
                (now - line->began_us) / 1000, stats.tasks, stats.tasks == 1 ? "" : "s",
                stats.epochs_restored);
    }
    line->phase = phase;
    if (now - line->shown_us >= US_PER_S)
        show(line, worker, now);
}

void mr_progress_end(mr_progress_line *line, const mr_worker *worker, bool is_good)
{
    int64_t now = now_us(line);
    mr_worker_stats stats;
    mr_worker_stats_get(worker, &stats);
    if (line->mode == MR_STATS_NDJSON || line->mode == MR_STATS_PROMETHEUS)
        show(line, worker, now);
    if (line->mode == MR_STATS_AUTO && line->is_terminal && !line->is_quiet)
        fprintf(stderr, "\r\033[K");
    if (line->is_quiet)
        return;
    fprintf(stderr,
            "%s %s after %.1f s: %" PRIu64 " rows in, %" PRIu64 " out, %" PRIu64
            " filtered, %" PRIu64 " late, %" PRIu64 " dead, %" PRIu64 " commits%s\n",
            line->job->plan.job, is_good ? mr_worker_phase_name(stats.phase) : "failed",
            (double)(now - line->began_us) / US_PER_S, stats.records_in, stats.rows_out,
            stats.filtered, stats.late, stats.dead, stats.commits, is_good ? ", 0 lost" : "");
}
