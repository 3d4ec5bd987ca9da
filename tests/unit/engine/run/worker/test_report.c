/*
 * Goal: the metrics of a job are its accounting: P2 holds in them for each operator, their totals
 * are what the job says at its end, whatever was dropped and done again on the way, and a restart
 * goes on where they were. Method: SQL jobs with rows of every fate on the simulated log; the
 * registry's ndjson is read back.
 */
#include "tests/unit/engine/run/worker/metrics_text.h"
#include "tests/unit/engine/run/worker/sql_world.h"

#include <criterion/criterion.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* Rows that are accepted, warned of, dropped by a constraint, filtered, late, dead in a record, in
 * an expression and at the sink. */
#define SCRIPT                                                                                 \
    "CREATE TABLE src (id INT, n INT, ms BIGINT, ts AS TO_TIMESTAMP_LTZ(ms, 3),"               \
    " CONSTRAINT c CHECK (id <> 99) ON VIOLATION DROP, CHECK (id < 50) ON VIOLATION WARN,"     \
    " WATERMARK FOR ts AS ts) WITH (" SQL_KAFKA ", 'topic' = 'in', 'errors.mode' = 'ignore');" \
    "CREATE TABLE dst (id INT, s BIGINT NOT NULL) WITH (" SQL_KAFKA ", 'topic' = 'out',"       \
    " 'errors.mode' = 'ignore');"                                                              \
    "CREATE VIEW v AS SELECT id, 100 / n AS q, ts FROM src WHERE id <> 7;"                     \
    "INSERT INTO dst SELECT id, SUM(q) FROM TABLE(TUMBLE(TABLE v, DESCRIPTOR(ts),"             \
    " INTERVAL '1' SECOND)) GROUP BY window_start, window_end, id;"

#define ROWS 45

static void put_rows(sql_world *w, int from, int to)
{
    char row[80];
    for (int i = from; i < to; i++) {
        const char *kind = i % 9 == 3 ? "broken" : "";
        int id = i % 9 == 4 ? 99 : i % 9 == 5 ? 7 : i % 9 == 6 ? 60 : i % 5;
        int n = i % 9 == 7 ? 0 : 5;
        int ms = i % 9 == 8 && i > 9 ? 0 : i * 100;
        snprintf(row, sizeof row,
                 i % 9 == 2 ? "%s{\"id\":%d,\"ms\":%d}" : "%s{\"id\":%d,\"ms\":%d,\"n\":%d}", kind,
                 id, ms, n);
        sql_put(w, "in", 0, row);
    }
}

static uint64_t value_of(mr_metrics *metrics, const char *name, const char *with)
{
    return (uint64_t)metrics_number(metrics, name, with, "value");
}

static void expect_law(mr_metrics *metrics, const mr_plan *plan)
{
    char operators[16][64], with[80];
    uint32_t count = 0;
    for (uint32_t s = 0; s < plan->sources_count; s++)
        snprintf(operators[count++], 64, "%s/source", plan->sources[s].table);
    for (uint32_t n = 0; n < plan->nodes_count; n++)
        snprintf(operators[count++], 64, "%s", plan->nodes[n].id);
    for (uint32_t s = 0; s < plan->sinks_count; s++)
        snprintf(operators[count++], 64, "%s/sink", plan->sinks[s].table);
    cr_assert_geq(count, 4);
    for (uint32_t i = 0; i < count; i++) {
        snprintf(with, sizeof with, "\"operator\":\"%s\"", operators[i]);
        uint64_t in = value_of(metrics, "millrace_records_in_total", with);
        uint64_t out_of_it = value_of(metrics, "millrace_records_accepted_total", with) +
                             value_of(metrics, "millrace_records_filtered_total", with) +
                             value_of(metrics, "millrace_late_records_total", with) +
                             value_of(metrics, "millrace_records_dead_total", with);
        cr_expect_gt(in, 0, "%s has no rows", operators[i]);
        cr_expect_eq(in, out_of_it, "%s: %lu in, %lu accounted for", operators[i],
                     (unsigned long)in, (unsigned long)out_of_it);
    }
}

static void expect_accounting(mr_metrics *metrics, const mr_worker_stats *stats)
{
    static const char name[] = "millrace_job_rows_total";
    cr_expect_eq(value_of(metrics, name, "\"in\""), stats->records_in);
    cr_expect_eq(value_of(metrics, name, "\"out\""), stats->rows_out);
    cr_expect_eq(value_of(metrics, name, "\"filtered\""), stats->filtered);
    cr_expect_eq(value_of(metrics, name, "\"late\""), stats->late);
    cr_expect_eq(value_of(metrics, name, "\"dead\""), stats->dead);
}

static void open_world(sql_world *w, const char *script)
{
    sql_open(w, 1, script);
    sql_topic(w, "in", 1);
    sql_topic(w, "out", 1);
    w->worker[0].metrics = mr_metrics_new();
}

static void close_world(sql_world *w)
{
    mr_metrics_free(w->worker[0].metrics);
    sql_close(w);
}

Test(report, metrics_are_the_accounting_of_the_end)
{
    sql_world w;
    open_world(&w, SCRIPT);
    put_rows(&w, 0, 90);
    sql_run(&w, 0, true, MR_OK);
    mr_metrics *metrics = w.worker[0].metrics;
    const mr_worker_stats *stats = &w.worker[0].stats;
    expect_law(metrics, &w.job->plan);
    expect_accounting(metrics, stats);
    cr_expect_eq(stats->records_in, 90);
    cr_expect_gt(stats->late, 0);
    cr_expect_gt(stats->filtered, 0);
    cr_expect_gt(stats->rows_out, 0);
    cr_expect_eq(value_of(metrics, "millrace_records_dead_total", "src/source"), 10);
    cr_expect_gt(value_of(metrics, "millrace_records_dead_total", "dst/sink"), 0);
    cr_expect_eq(value_of(metrics, "millrace_constraint_violations_total", ""), 10);
    cr_expect_eq(value_of(metrics, "millrace_checkpoints_total", "committed"), stats->commits);
    close_world(&w);
}

Test(report, what_is_not_committed_does_not_count_and_what_is_done_again_counts_once)
{
    uint32_t died_late = 0;
    for (uint64_t call = 20; call < 200; call += 5) {
        sql_world w;
        open_world(&w, SCRIPT);
        mr_sim_kill_at(&w.world, 0, call, MR_MEMORY_CRASH_DRAWN);
        sql_start(&w, 0, false);
        for (int rows = 0; sql_step(&w, 0) || rows < ROWS; mr_sim_pass(&w.world, 100))
            if (rows < ROWS)
                put_rows(&w, rows, rows + 1), rows++;
        cr_assert_eq(w.worker[0].status, MR_E_CRASHED);
        mr_metrics *metrics = w.worker[0].metrics;
        uint64_t read = value_of(metrics, "millrace_records_read_total", "");
        uint64_t in = value_of(metrics, "millrace_job_rows_total", "\"in\"");
        cr_expect_leq(in, read);
        died_late += read > in;
        sql_stop(&w, 0);
        /* Another process, another registry: the totals go on from the last commit. */
        mr_metrics_free(metrics);
        w.worker[0].metrics = metrics = mr_metrics_new();
        sql_start(&w, 0, true);
        while (sql_step(&w, 0))
            ;
        cr_assert_eq(w.worker[0].status, MR_OK, "%s", w.worker[0].err.message);
        expect_law(metrics, &w.job->plan);
        expect_accounting(metrics, &w.worker[0].stats);
        cr_expect_eq(value_of(metrics, "millrace_job_rows_total", "\"in\""), ROWS);
        sql_stop(&w, 0);
        close_world(&w);
    }
    cr_expect_gt(died_late, 3, "died with rows that were read and not committed: %u", died_late);
}

Test(report, histograms_and_gauges_say_what_happened)
{
    sql_world w;
    open_world(&w, SCRIPT);
    put_rows(&w, 0, 30);
    sql_start(&w, 0, false);
    mr_metrics *metrics = w.worker[0].metrics;
    while (w.worker[0].stats.commits < 2 || w.worker[0].stats.lag_records != 0) {
        cr_assert(sql_step(&w, 0), "%s", w.worker[0].err.message);
        mr_sim_pass(&w.world, 20);
        if (w.worker[0].stats.commits == 1 && w.worker[0].stats.records_in == 30)
            put_rows(&w, 30, 32);
    }
    const char *job[] = {"job", "job", NULL};
    mr_histogram *took =
        mr_metrics_histogram(metrics, "millrace_checkpoint_duration_seconds", job, 1e-6);
    cr_expect_eq(took->count, w.worker[0].stats.commits);
    cr_expect_geq(mr_histogram_quantile(took, 1),
                  (uint64_t)w.worker[0].stats.commit_us_max * 8 / 9);
    cr_expect_leq(mr_histogram_quantile(took, 0.5), mr_histogram_quantile(took, 1));
    cr_expect_eq(value_of(metrics, "millrace_kafka_consumer_lag_records", ""), 0);
    cr_expect_geq(value_of(metrics, "millrace_kafka_position_offset", "\"in\""), 31);
    cr_expect_eq(value_of(metrics, "millrace_watermark_timestamp_seconds", "src/source"), 3);
    cr_expect_eq(value_of(metrics, "millrace_rebalances_total", ""), 1);
    sql_stop(&w, 0);
    close_world(&w);
}
