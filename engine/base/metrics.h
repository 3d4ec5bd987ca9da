/*
 * The registry of metrics: counters, gauges and histograms of a process.
 *
 * A metric is registered once, with its family's name and its labels, and then changed through its
 * handle: relaxed atomics, no lock, no lookup. Names and labels follow Prometheus (base units,
 * `_total` for counters); all metrics of one family have one kind.
 * Histograms are log-linear: eight buckets an octave, so a quantile is within 13 % of the truth.
 *
 * Thread: handles from any thread; registering and printing take a lock. Handles live as long as
 * the registry. Memory: heap.
 */
#ifndef MR_ENGINE_BASE_METRICS_H
#define MR_ENGINE_BASE_METRICS_H

#include "engine/base/buffer.h"

#include <stdatomic.h>

typedef struct mr_metrics mr_metrics;

typedef struct mr_counter {
    _Atomic uint64_t value;
} mr_counter;

typedef struct mr_gauge {
    _Atomic uint64_t bits; /* of a double; a NaN is printed as absent */
} mr_gauge;

#define MR_HISTOGRAM_STEPS 8u /* buckets an octave */
#define MR_HISTOGRAM_BUCKETS (64u * MR_HISTOGRAM_STEPS)

/* Values are whole numbers of the unit given at registration (microseconds: unit 1e-6). */
typedef struct mr_histogram {
    _Atomic uint64_t count;
    _Atomic uint64_t sum;
    _Atomic uint64_t buckets[MR_HISTOGRAM_BUCKETS];
} mr_histogram;

mr_metrics *mr_metrics_new(void);
void mr_metrics_free(mr_metrics *metrics);

/* `labels` is a list "name", "value", .. ended by NULL, or NULL; all strings are copied. The same
 * name and labels give the same handle. A gauge is absent from what is printed until it is set. */
mr_counter *mr_metrics_counter(mr_metrics *metrics, const char *name, const char *const *labels);
/* The same of a fraction of a unit (microseconds shown as seconds: unit 1e-6). */
mr_counter *mr_metrics_counter_of(mr_metrics *metrics, const char *name, const char *const *labels,
                                  double unit);
mr_gauge *mr_metrics_gauge(mr_metrics *metrics, const char *name, const char *const *labels);
mr_histogram *mr_metrics_histogram(mr_metrics *metrics, const char *name, const char *const *labels,
                                   double unit);

static inline void mr_counter_add(mr_counter *counter, uint64_t amount)
{
    atomic_fetch_add_explicit(&counter->value, amount, memory_order_relaxed);
}

static inline uint64_t mr_counter_value(const mr_counter *counter)
{
    return atomic_load_explicit(&counter->value, memory_order_relaxed);
}

void mr_gauge_set(mr_gauge *gauge, double value);
void mr_gauge_clear(mr_gauge *gauge); /* absent again */

/* Negative values count as 0. */
void mr_histogram_record(mr_histogram *histogram, int64_t value);

/* Adds the values of `from`, which is empty then. */
void mr_histogram_move(mr_histogram *to, mr_histogram *from);

/* The value below or at which `share` (0..1) of the records lie, in whole units; 0 when there are
 * none. */
uint64_t mr_histogram_quantile(const mr_histogram *histogram, double share);

/* Prometheus text format; one JSON object a metric and line. In order of registration by family. */
void mr_metrics_print_prometheus(mr_metrics *metrics, mr_buffer *to);
void mr_metrics_print_ndjson(mr_metrics *metrics, mr_buffer *to);

#endif
