/* Goal: metrics print as Prometheus and JSON readers expect; quantiles hold their error bound. */
#include "engine/base/metrics.h"

#include <criterion/criterion.h>
#include <math.h>
#include <string.h>

static void expect_text(mr_buffer *text, const char *expected)
{
    mr_buffer_put_u8(text, 0);
    cr_assert_str_eq(text->data, expected);
    mr_buffer_clear(text);
}

Test(metrics, families_print_together_and_unset_gauges_not_at_all)
{
    mr_metrics *metrics = mr_metrics_new();
    mr_buffer text = {0};
    const char *a[] = {"job", "x", "topic", "say \"hi\"\\\n", NULL}, *b[] = {"job", "y", NULL};
    mr_counter *first = mr_metrics_counter(metrics, "rows_total", a);
    mr_gauge *gauge = mr_metrics_gauge(metrics, "wm_seconds", NULL);
    mr_counter_add(mr_metrics_counter(metrics, "rows_total", b), 2);
    mr_counter_add(first, 40);
    mr_counter_add(mr_metrics_counter(metrics, "rows_total", a), 2);
    mr_metrics_print_prometheus(metrics, &text);
    expect_text(&text, "# TYPE rows_total counter\n"
                       "rows_total{job=\"x\",topic=\"say \\\"hi\\\"\\\\\\n\"} 42\n"
                       "rows_total{job=\"y\"} 2\n# TYPE wm_seconds gauge\n");
    mr_gauge_set(gauge, 1.5);
    mr_metrics_print_ndjson(metrics, &text);
    expect_text(&text, "{\"name\":\"rows_total\",\"job\":\"x\",\"topic\":\"say \\\"hi\\\"\\\\\\n\","
                       "\"value\":42}\n{\"name\":\"rows_total\",\"job\":\"y\",\"value\":2}\n"
                       "{\"name\":\"wm_seconds\",\"value\":1.5}\n");
    mr_gauge_clear(gauge);
    mr_metrics_print_ndjson(metrics, &text);
    mr_buffer_put_u8(&text, 0);
    cr_assert_null(strstr(text.data, "wm_seconds"));
    mr_buffer_release(&text);
    mr_metrics_free(metrics);
}

Test(metrics, quantiles_are_within_an_eighth_above_the_truth)
{
    mr_metrics *metrics = mr_metrics_new();
    mr_histogram *h = mr_metrics_histogram(metrics, "t_seconds", NULL, 1e-6);
    cr_assert_eq(mr_histogram_quantile(h, 0.5), 0);
    for (int64_t i = 1; i <= 100000; i++)
        mr_histogram_record(h, i);
    for (int percent = 1; percent <= 100; percent++) {
        double truth = 1000.0 * percent, got = (double)mr_histogram_quantile(h, percent / 100.0);
        cr_assert(got >= truth && got <= truth * 1.126, "p%d %g", percent, got);
    }
    mr_histogram_record(h, INT64_MAX);
    mr_histogram_record(h, -4);
    cr_assert_geq(mr_histogram_quantile(h, 1), (uint64_t)INT64_MAX);
    cr_assert_eq(mr_histogram_quantile(h, 0), 0);
    mr_metrics_free(metrics);
}

Test(metrics, a_histogram_prints_cumulative_buckets_in_base_units)
{
    mr_metrics *metrics = mr_metrics_new();
    mr_buffer text = {0};
    mr_histogram *h = mr_metrics_histogram(metrics, "t_seconds", NULL, 0.5);
    mr_histogram_record(h, 2), mr_histogram_record(h, 2), mr_histogram_record(h, 6);
    mr_metrics_print_prometheus(metrics, &text);
    expect_text(&text, "# TYPE t_seconds histogram\nt_seconds_bucket{le=\"1\"} 2\n"
                       "t_seconds_bucket{le=\"3\"} 3\nt_seconds_bucket{le=\"+Inf\"} 3\n"
                       "t_seconds_sum{} 5\nt_seconds_count{} 3\n");
    mr_metrics_print_ndjson(metrics, &text);
    expect_text(&text, "{\"name\":\"t_seconds\",\"count\":3,\"sum\":5,\"p50\":1,\"p99\":3,"
                       "\"max\":3}\n");
    mr_buffer_release(&text);
    mr_metrics_free(metrics);
}
