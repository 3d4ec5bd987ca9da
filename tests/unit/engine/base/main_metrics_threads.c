/*
 * Goal: counters, gauges, histograms and the budget may be used from any thread while another
 * prints. Method: four threads add, one prints; the sums are exact. Has its own main because
 * Criterion does not start under TSan, which is what this is for.
 */
#include "engine/base/budget.h"
#include "engine/base/metrics.h"

#include <pthread.h>
#include <stdio.h>
#include <string.h>

#define THREADS 4
#define ROUNDS 20000

typedef struct shared {
    mr_metrics *metrics;
    mr_counter *rows;
    mr_gauge *lag;
    mr_histogram *latency;
    mr_budget budget;
} shared;

static void *add(void *context)
{
    shared *s = context;
    for (int i = 0; i < ROUNDS; i++) {
        mr_counter_add(s->rows, 2);
        mr_gauge_set(s->lag, i);
        mr_histogram_record(s->latency, i);
        mr_budget_add(&s->budget, MR_BUDGET_TABLES, 3);
    }
    return NULL;
}

static void *print(void *context)
{
    shared *s = context;
    for (int i = 0; i < 50; i++) {
        mr_buffer text = {0};
        mr_metrics_print_prometheus(s->metrics, &text);
        mr_buffer_release(&text);
    }
    return NULL;
}

int main(void)
{
    shared s = {.metrics = mr_metrics_new()};
    s.rows = mr_metrics_counter(s.metrics, "millrace_records_in_total", NULL);
    s.lag = mr_metrics_gauge(s.metrics, "millrace_kafka_consumer_lag_records", NULL);
    s.latency = mr_metrics_histogram(s.metrics, "millrace_transaction_commit_seconds", NULL, 1e-6);
    pthread_t threads[THREADS + 1];
    for (int t = 0; t < THREADS; t++)
        pthread_create(&threads[t], NULL, add, &s);
    pthread_create(&threads[THREADS], NULL, print, &s);
    for (int t = 0; t <= THREADS; t++)
        pthread_join(threads[t], NULL);
    mr_buffer text = {0};
    mr_metrics_print_prometheus(s.metrics, &text);
    mr_buffer_put_u8(&text, '\0');
    char expected[64];
    snprintf(expected, sizeof expected, "millrace_records_in_total{} %d", 2 * THREADS * ROUNDS);
    int is_good = strstr(text.data, expected) != NULL &&
                  mr_budget_used(&s.budget) == (int64_t)3 * THREADS * ROUNDS;
    if (!is_good)
        printf("wanted `%s` in:\n%s\n", expected, text.data);
    mr_buffer_release(&text);
    mr_metrics_free(s.metrics);
    printf("%d passed, %d failed, 0 skipped\n", is_good, !is_good);
    return is_good ? 0 : 1;
}
