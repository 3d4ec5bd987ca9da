/*
 * Goal: the metrics of windows, lateness, time and state say what happened. Method: three kinds of
 * windows over a handful of rows on the simulated log, what becomes of each worked out by hand
 * beside it; a restart, which ends all windows.
 */
#include "tests/unit/engine/run/worker/metrics_text.h"
#include "tests/unit/engine/run/worker/sql_world.h"

#include <criterion/criterion.h>
#include <math.h>
#include <stdio.h>

#define VIEW(name, window)                                            \
    "CREATE VIEW " name " AS SELECT COUNT(*) AS n FROM TABLE(" window \
    ")) GROUP BY window_start, window_end;"
#define OVER "(TABLE src, DESCRIPTOR(ts), INTERVAL '1' SECOND"
static const char script[] =
    "CREATE TABLE src (id INT, ms BIGINT, ts AS TO_TIMESTAMP_LTZ(ms, 3),"
    " WATERMARK FOR ts AS ts) WITH (" SQL_KAFKA ", 'topic' = 'in');"
    "CREATE TABLE dst (n BIGINT) WITH (" SQL_KAFKA ", 'topic' = 'out');" /* three views of it */
    VIEW("tumbled", "TUMBLE" OVER)                                       //
    VIEW("hopped", "HOP" OVER ", INTERVAL '2' SECOND")                   //
    VIEW("visits", "SESSION" OVER)                                       //
    "EXECUTE STATEMENT SET BEGIN INSERT INTO dst SELECT * FROM tumbled;"
    " INSERT INTO dst SELECT * FROM hopped; INSERT INTO dst SELECT * FROM visits; END;";

/*   row   tumbled          hopped                   visits
 *   100   [0, 1)           [-1, 1) [0, 2)           [0.1, 1.1)
 *  1200   [1, 2)           [0, 2) [1, 3)            [1.2, 2.2)
 *   900   late by 201      [0, 2), late for one     makes it [0.9, 2.2)
 *  2500   [2, 3)           [1, 3) [2, 4)            [2.5, 3.5)
 *   300   late by 1501     late by 501              late by 1201
 * At 2500 two windows of each have fired. */
static const int times[] = {100, 1200, 900, 2500, 300};

static double of(const sql_world *w, const char *name, const char *view, const char *field)
{
    char with[80];
    snprintf(with, sizeof with, "\"operator\":\"%s/", view);
    return metrics_number(w->worker[0].metrics, name, with, field);
}

static void expect_windows(const sql_world *w, const char *view, double fired, double open)
{
    cr_expect_eq(of(w, "millrace_windows_fired_total", view, "value"), fired, "%s fired %g", view,
                 of(w, "millrace_windows_fired_total", view, "value"));
    cr_expect_eq(of(w, "millrace_windows_open", view, "value"), open, "%s open %g", view,
                 of(w, "millrace_windows_open", view, "value"));
    cr_expect_eq(of(w, "millrace_timers_pending", view, "value"), open, "%s", view);
}

static void expect_lateness(const sql_world *w, const char *view, double rows, double seconds)
{
    static const char name[] = "millrace_record_lateness_seconds";
    cr_expect_eq(of(w, name, view, "count"), rows, "%s", view);
    cr_expect_float_eq(of(w, name, view, "sum"), seconds, 1e-6, "%s: %g", view,
                       of(w, name, view, "sum"));
}

static void open_world(sql_world *w)
{
    sql_open(w, 1, script);
    sql_topic(w, "in", 1);
    sql_topic(w, "out", 1);
    w->worker[0].metrics = mr_metrics_new();
    for (size_t i = 0; i < sizeof times / sizeof *times; i++) {
        char row[40];
        snprintf(row, sizeof row, "{\"id\":1,\"ms\":%d}", times[i]);
        sql_put(w, "in", 0, row);
    }
}

static void run_until_committed(sql_world *w)
{
    sql_start(w, 0, false);
    while (w->worker[0].stats.commits < 2 || w->worker[0].stats.records_in < 5 ||
           of(w, "millrace_windows_open", "tumbled", "value") < 1) {
        cr_assert(sql_step(w, 0), "%s", w->worker[0].err.message);
        mr_sim_pass(&w->world, 20);
    }
}

Test(report_windows, fired_open_and_late_ones_are_counted)
{
    sql_world w;
    open_world(&w);
    run_until_committed(&w);
    expect_windows(&w, "tumbled", 2, 1);
    expect_windows(&w, "hopped", 2, 2);
    expect_windows(&w, "visits", 2, 1);
    expect_lateness(&w, "tumbled", 2, 1.702);
    expect_lateness(&w, "hopped", 1, 0.501);
    expect_lateness(&w, "visits", 1, 1.201);
    sql_stop(&w, 0);
    /* Another process: what it fires itself, and the same rows are not late again. */
    mr_metrics_free(w.worker[0].metrics);
    w.worker[0].metrics = mr_metrics_new();
    sql_run(&w, 0, true, MR_OK);
    cr_expect_eq(of(&w, "millrace_windows_fired_total", "tumbled", "value"), 1);
    cr_expect_eq(of(&w, "millrace_windows_fired_total", "hopped", "value"), 2);
    cr_expect_eq(of(&w, "millrace_windows_fired_total", "visits", "value"), 1);
    expect_lateness(&w, "tumbled", 0, 0);
    mr_metrics_free(w.worker[0].metrics);
    sql_close(&w);
}

Test(report_windows, a_dropped_epoch_counts_once)
{
    for (uint64_t call = 30; call < 120; call += 6) {
        sql_world w;
        open_world(&w);
        mr_sim_kill_at(&w.world, 0, call, MR_MEMORY_CRASH_DRAWN);
        sql_start(&w, 0, true);
        while (sql_step(&w, 0))
            mr_sim_pass(&w.world, 100);
        mr_metrics *first = w.worker[0].metrics;
        double fired = of(&w, "millrace_windows_fired_total", "hopped", "value");
        double late = of(&w, "millrace_record_lateness_seconds", "tumbled", "count");
        sql_stop(&w, 0);
        w.worker[0].metrics = mr_metrics_new();
        sql_run(&w, 0, true, MR_OK);
        fired += of(&w, "millrace_windows_fired_total", "hopped", "value");
        late += of(&w, "millrace_record_lateness_seconds", "tumbled", "count");
        /* A death between a decision and its notice takes the counts of that epoch with it. */
        cr_expect_leq(fired, 4, "%g", fired);
        cr_expect_leq(late, 2, "%g", late);
        mr_metrics_free(first);
        mr_metrics_free(w.worker[0].metrics);
        sql_close(&w);
    }
}

Test(report_windows, state_is_told_by_operator_and_time_by_what_it_went_to)
{
    sql_world w;
    open_world(&w);
    int64_t began_us = mr_memory_cluster_now_us(w.world.cluster);
    run_until_committed(&w);
    mr_metrics *metrics = w.worker[0].metrics;
    const mr_worker_stats *stats = &w.worker[0].stats;
    static const char *const views[] = {"tumbled", "hopped", "visits"};
    for (size_t v = 0; v < sizeof views / sizeof *views; v++)
        cr_expect_gt(of(&w, "millrace_state_entries", views[v], "value"), 0, "%s", views[v]);
    cr_expect_eq(metrics_number(metrics, "millrace_state_entries", "", "value"),
                 (double)stats->state_entries);
    double bytes = metrics_number(metrics, "millrace_state_bytes", "", "value");
    cr_expect(bytes > 0 && bytes <= (double)stats->state_bytes, "%g", bytes);
    cr_expect_eq(metrics_number(metrics, "millrace_checkpoint_size_bytes", "", "count"),
                 (double)stats->commits);
    cr_expect_gt(metrics_number(metrics, "millrace_checkpoint_size_bytes", "", "sum"), 100);
    double passed = (double)(mr_memory_cluster_now_us(w.world.cluster) - began_us) / 1e6;
    double spent = metrics_number(metrics, "millrace_task_time_seconds_total", "", "value");
    cr_expect(spent <= passed && spent > 0.9 * passed, "%g s of %g s", spent, passed);
    static const char *const states[] = {"starting", "busy", "idle", "committing"};
    for (size_t i = 0; i < sizeof states / sizeof *states; i++) {
        double here =
            metrics_number(metrics, "millrace_task_time_seconds_total", states[i], "value");
        cr_expect(here > 0 && here < spent, "%s %g s", states[i], here);
    }
    sql_stop(&w, 0);
    mr_metrics_free(metrics);
    sql_close(&w);
}
