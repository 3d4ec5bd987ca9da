#include "jobs/cli/progress.h"

#include "engine/expr/civil.h"

#include <inttypes.h>
#include <stdio.h>
#include <unistd.h>

#define US_PER_S 1000000

static int64_t now_us(const mr_progress_line *line)
{
    return line->clock->monotonic_us(line->clock);
}

void mr_progress_begin(mr_progress_line *line, const mr_job *job, const mr_flags *flags,
                       const mr_clock *clock)
{
    *line = (mr_progress_line){.job = job,
                               .clock = clock,
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

static void show_line(const mr_progress_line *line, const mr_worker_stats *stats, double rate)
{
    char watermark[MR_CIVIL_TEXT_MAX];
    fprintf(stderr,
            "\r\033[K%s  %.0f rows/s  watermark %s  lag %" PRId64 "  late %" PRIu64
            "  dead %" PRIu64 "  commits %" PRIu64,
            line->job->plan.job, rate, watermark_text(stats->watermark_ms, watermark),
            stats->lag_records, stats->late, stats->dead, stats->commits);
    if (stats->tasks_awaited > 0)
        fprintf(stderr, "  waiting for %u tasks of others", stats->tasks_awaited);
    if (stats->tasks_parked > 0)
        fprintf(stderr, "  PARKED %u of %u tasks", stats->tasks_parked, stats->tasks);
    fflush(stderr);
}

static void show_json(const mr_progress_line *line, const mr_worker_stats *stats, double rate)
{
    fprintf(stderr,
            "{\"job\":\"%s\",\"phase\":\"%s\",\"records_in\":%" PRIu64 ",\"rows_out\":%" PRIu64
            ",\"filtered\":%" PRIu64 ",\"late\":%" PRIu64 ",\"dead\":%" PRIu64
            ",\"rows_per_second\":%.0f",
            line->job->plan.job, mr_worker_phase_name(stats->phase), stats->records_in,
            stats->rows_out, stats->filtered, stats->late, stats->dead, rate);
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

static void show(mr_progress_line *line, const mr_worker *worker, int64_t now)
{
    mr_worker_stats stats;
    mr_worker_stats_get(worker, &stats);
    double seconds = (double)(now - line->shown_us) / US_PER_S;
    double rate = seconds > 0 ? (double)(stats.records_in - line->records_shown) / seconds : 0;
    if (line->mode == MR_STATS_NDJSON)
        show_json(line, &stats, rate);
    else if (line->mode == MR_STATS_AUTO && line->is_terminal && !line->is_quiet)
        show_line(line, &stats, rate);
    line->shown_us = now;
    line->records_shown = stats.records_in;
}

void mr_progress_show(mr_progress_line *line, const mr_worker *worker)
{
    int64_t now = now_us(line);
    mr_worker_phase phase = mr_worker_phase_of(worker);
    if (phase == MR_WORKER_RUN && line->phase != MR_WORKER_RUN && !line->is_quiet) {
        mr_worker_stats stats;
        mr_worker_stats_get(worker, &stats);
        fprintf(stderr, "ready after %" PRId64 " ms: %u tasks, %" PRIu64 " epochs restored\n",
                (now - line->began_us) / 1000, stats.tasks, stats.epochs_restored);
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
    if (line->mode == MR_STATS_NDJSON)
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
