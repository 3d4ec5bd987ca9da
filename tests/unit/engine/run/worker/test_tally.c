/*
 * Goal: what is counted by epochs (dead letters by stage and code, bytes written, transactions,
 * committed offsets, latency) equals what lies in the topics, also when an epoch is done again.
 * Method: SQL jobs on the simulated log; topics are read back and counted here.
 */
#include "tests/unit/engine/run/worker/sql_world.h"

#include <criterion/criterion.h>
#include <stdio.h>
#include <string.h>

#define JOB                                                                                      \
    "CREATE TABLE src (id INT, v INT, ts TIMESTAMP(3), WATERMARK FOR ts AS ts) WITH (" SQL_KAFKA \
    ", 'topic' = 'in', 'errors.deadletterqueue.topic.name' = 'dlq');"                            \
    "CREATE TABLE dst (id INT, q BIGINT NOT NULL) WITH (" SQL_KAFKA                              \
    ", 'topic' = 'out', 'errors.deadletterqueue.topic.name' = 'dlq');"                           \
    "INSERT INTO dst SELECT id, 10 / v FROM src;"
#define GOOD "{\"id\":1,\"v\":5,\"ts\":\"2024-01-01 00:00:01\"}"

static void open_with(sql_world *w, const char *bytes_max)
{
    sql_open(w, 1, JOB);
    w->worker[0].metrics = mr_metrics_new();
    sql_topic(w, "in", 1);
    sql_topic(w, "out", 1);
    const char *const narrow[] = {"max.message.bytes", bytes_max, NULL};
    mr_error err;
    cr_assert_eq(w->world.outside->class->create_topic(w->world.outside, "dlq", 1, narrow, &err),
                 MR_OK);
    sql_put(w, "in", 0, GOOD);
    sql_put(w, "in", 0,
            "{broken, and longer than one hundred bytes, which is what a narrow topic "
            "takes of a dead letter: it is cut");
    sql_put(w, "in", 0, "{broken");
    sql_put(w, "in", 0, "{\"id\":2,\"v\":0,\"ts\":\"2024-01-01 00:00:02\"}");
    sql_put(w, "in", 0, "{\"id\":3}");
    sql_put(w, "in", 0, GOOD);
}

static void close_world(sql_world *w)
{
    mr_metrics_free(w->worker[0].metrics);
    sql_close(w);
}

static uint64_t letters(sql_world *w, const char *name, const char *stage, const char *code)
{
    const char *labels[] = {"job", "job", "stage", stage, "code", code, NULL};
    return mr_counter_value(mr_metrics_counter(w->worker[0].metrics, name, labels));
}

static uint64_t of_job(sql_world *w, const char *name, const char *label, const char *value)
{
    const char *labels[] = {"job", "job", label, value, NULL};
    return mr_counter_value(mr_metrics_counter(w->worker[0].metrics, name, labels));
}

static const mr_histogram *histogram(sql_world *w, const char *name, const char *operator,
                                     double unit)
{
    const char *labels[] = {"job", "job", operator!= NULL ? "operator" : NULL, operator, NULL };
    return mr_metrics_histogram(w->worker[0].metrics, name, labels, unit);
}

static void expect_letters(sql_world *w)
{
    cr_expect_eq(letters(w, "millrace_dlq_records_total", "decode", "MR3110"), 2);
    cr_expect_eq(letters(w, "millrace_dlq_records_total", "process", "MR3402"), 1);
    cr_expect_eq(letters(w, "millrace_dlq_records_total", "encode", "MR3301"), 1);
    cr_expect_eq(w->worker[0].stats.dead, 4);
}

Test(tally, letters_and_bytes_are_those_in_the_topics)
{
    sql_world w;
    open_with(&w, "100000");
    sql_run(&w, 0, true, MR_OK);
    expect_letters(&w);
    cr_expect_eq(letters(&w, "millrace_dlq_records_cut_total", "decode", "MR3110"), 0);
    sql_expect(&w, "out", "{\"id\":1,\"q\":2} {\"id\":1,\"q\":2}");
    cr_expect_eq(of_job(&w, "millrace_bytes_out_total", "operator", "dst/sink"),
                 2 * strlen("{\"id\":1,\"q\":2}"));
    close_world(&w);
}

Test(tally, an_epoch_that_is_done_again_counts_once)
{
    sql_world w;
    open_with(&w, "100");
    sql_run(&w, 0, true, MR_OK);
    cr_expect_gt(w.worker[0].stats.aborts, 0);
    expect_letters(&w);
    cr_expect_eq(letters(&w, "millrace_dlq_records_cut_total", "decode", "MR3110"), 1);
    cr_expect_eq(letters(&w, "millrace_dlq_records_cut_total", "process", "MR3402"), 0);
    cr_expect_eq(of_job(&w, "millrace_bytes_out_total", "operator", "dst/sink"),
                 2 * strlen("{\"id\":1,\"q\":2}"));
    cr_expect_eq(of_job(&w, "millrace_transactions_total", "result", "committed"),
                 w.worker[0].stats.commits);
    cr_expect_eq(of_job(&w, "millrace_transactions_total", "result", "aborted"),
                 w.worker[0].stats.aborts);
    close_world(&w);
}

Test(tally, committed_offsets_and_times_are_those_of_the_commits)
{
    sql_world w;
    open_with(&w, "100000");
    sql_start(&w, 0, false);
    while (w.worker[0].stats.commits < 1 || w.worker[0].stats.lag_records != 0) {
        cr_assert(sql_step(&w, 0), "%s", w.worker[0].err.message);
        mr_sim_pass(&w.world, 20);
    }
    for (int i = 0; i < 100; i++, mr_sim_pass(&w.world, 20))
        cr_assert(sql_step(&w, 0));
    mr_buffer text = {0};
    mr_metrics_print_prometheus(w.worker[0].metrics, &text);
    mr_buffer_put_u8(&text, '\0');
    const char *line =
        "millrace_kafka_committed_offset{job=\"job\",topic=\"in\",partition=\"0\"} 6\n";
    cr_expect_not_null(strstr(text.data, line), "%s", text.data);
    mr_buffer_release(&text);
    uint64_t commits = w.worker[0].stats.commits;
    cr_expect_eq(histogram(&w, "millrace_transaction_commit_seconds", NULL, 1e-6)->count, commits);
    /* All six records came with one timestamp and were committed by one epoch. */
    const mr_histogram *latency = histogram(&w, "millrace_e2e_latency_seconds", NULL, 1e-3);
    cr_expect_eq(latency->count, 1);
    const mr_histogram *lag =
        histogram(&w, "millrace_source_event_lag_seconds", "src/source", 1e-3);
    cr_expect_geq(lag->count, 1);
    sql_stop(&w, 0);
    close_world(&w);
}
