#include "engine/base/metrics.h"

#include "engine/base/assert.h"

#include <math.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#define STEP_BITS 3u /* log2 of MR_HISTOGRAM_STEPS */

typedef enum metric_kind { COUNTER = 0, GAUGE, HISTOGRAM } metric_kind;

typedef struct metric metric;

struct metric {
    metric *next;
    metric_kind kind;
    char *name;
    char *labels; /* name="value",.. escaped alike for Prometheus and JSON */
    double unit;
    union {
        mr_counter counter;
        mr_gauge gauge;
        mr_histogram histogram;
    };
};

struct mr_metrics {
    pthread_mutex_t lock;
    metric *first;
};

mr_metrics *mr_metrics_new(void)
{
    mr_metrics *metrics = calloc(1, sizeof *metrics);
    MR_ASSERT(metrics != NULL);
    pthread_mutex_init(&metrics->lock, NULL);
    return metrics;
}

void mr_metrics_free(mr_metrics *metrics)
{
    if (metrics == NULL)
        return;
    for (metric *m = metrics->first; m != NULL;) {
        metric *next = m->next;
        free(m->name);
        free(m->labels);
        free(m);
        m = next;
    }
    pthread_mutex_destroy(&metrics->lock);
    free(metrics);
}

/* Backslash, quote and line feed are escaped alike in both formats; other control bytes, which a
 * topic or operator cannot hold, become spaces. */
static void put_escaped(mr_buffer *to, const char *text)
{
    for (const char *c = text; *c != '\0'; c++) {
        if (*c == '\\' || *c == '"')
            mr_buffer_put_u8(to, '\\');
        if (*c == '\n')
            mr_buffer_put(to, "\\n", 2);
        else
            mr_buffer_put_u8(to, (unsigned char)*c < 0x20 ? ' ' : (uint8_t)*c);
    }
}

static char *join_labels(const char *const *labels)
{
    mr_buffer text = {0};
    for (size_t i = 0; labels != NULL && labels[i] != NULL; i += 2) {
        mr_buffer_printf(&text, "%s%s=\"", i > 0 ? "," : "", labels[i]);
        put_escaped(&text, labels[i + 1]);
        mr_buffer_put_u8(&text, '"');
    }
    mr_buffer_put_u8(&text, '\0');
    return text.data;
}

/* Finds or adds; a new one goes behind the last of its family, so that families print together. */
static metric *register_metric(mr_metrics *metrics, const char *name, const char *const *labels,
                               metric_kind kind, double unit)
{
    char *joined = join_labels(labels);
    pthread_mutex_lock(&metrics->lock);
    metric **family_end = NULL, **at = &metrics->first;
    metric *found = NULL;
    for (; *at != NULL && found == NULL; at = &(*at)->next) {
        if (strcmp((*at)->name, name) != 0)
            continue;
        MR_ASSERT((*at)->kind == kind);
        family_end = &(*at)->next;
        if (strcmp((*at)->labels, joined) == 0)
            found = *at;
    }
    if (found == NULL) {
        at = family_end != NULL ? family_end : at;
        found = calloc(1, sizeof *found);
        MR_ASSERT(found != NULL);
        found->kind = kind;
        found->unit = unit;
        found->name = strdup(name);
        MR_ASSERT(found->name != NULL);
        found->labels = joined;
        joined = NULL;
        if (kind == GAUGE)
            mr_gauge_clear(&found->gauge);
        found->next = *at;
        *at = found;
    }
    pthread_mutex_unlock(&metrics->lock);
    free(joined);
    return found;
}

mr_counter *mr_metrics_counter(mr_metrics *metrics, const char *name, const char *const *labels)
{
    return &register_metric(metrics, name, labels, COUNTER, 1)->counter;
}

mr_counter *mr_metrics_counter_of(mr_metrics *metrics, const char *name, const char *const *labels,
                                  double unit)
{
    return &register_metric(metrics, name, labels, COUNTER, unit)->counter;
}

mr_gauge *mr_metrics_gauge(mr_metrics *metrics, const char *name, const char *const *labels)
{
    return &register_metric(metrics, name, labels, GAUGE, 1)->gauge;
}

mr_histogram *mr_metrics_histogram(mr_metrics *metrics, const char *name, const char *const *labels,
                                   double unit)
{
    return &register_metric(metrics, name, labels, HISTOGRAM, unit)->histogram;
}

void mr_gauge_set(mr_gauge *gauge, double value)
{
    uint64_t bits;
    memcpy(&bits, &value, sizeof bits);
    atomic_store_explicit(&gauge->bits, bits, memory_order_relaxed);
}

void mr_gauge_clear(mr_gauge *gauge)
{
    mr_gauge_set(gauge, (double)NAN);
}

/* Values below 8 have a bucket each; above, the three bits behind the leading one choose it. */
static uint32_t bucket_of(uint64_t value)
{
    if (value < MR_HISTOGRAM_STEPS)
        return (uint32_t)value;
    uint32_t log2 = 63u - (uint32_t)__builtin_clzll(value);
    uint32_t step = (uint32_t)(value >> (log2 - STEP_BITS)) & (MR_HISTOGRAM_STEPS - 1);
    return (log2 - STEP_BITS + 1) * MR_HISTOGRAM_STEPS + step;
}

/* The largest value of a bucket. */
static uint64_t bucket_last(uint32_t bucket)
{
    if (bucket < MR_HISTOGRAM_STEPS)
        return bucket;
    uint32_t shift = bucket / MR_HISTOGRAM_STEPS - 1;
    uint64_t first = (uint64_t)(MR_HISTOGRAM_STEPS + bucket % MR_HISTOGRAM_STEPS) << shift;
    return first + ((UINT64_C(1) << shift) - 1);
}

void mr_histogram_record(mr_histogram *histogram, int64_t value)
{
    uint64_t amount = value > 0 ? (uint64_t)value : 0;
    atomic_fetch_add_explicit(&histogram->buckets[bucket_of(amount)], 1, memory_order_relaxed);
    atomic_fetch_add_explicit(&histogram->sum, amount, memory_order_relaxed);
    atomic_fetch_add_explicit(&histogram->count, 1, memory_order_relaxed);
}

void mr_histogram_move(mr_histogram *to, mr_histogram *from)
{
    if (atomic_load_explicit(&from->count, memory_order_relaxed) == 0)
        return;
    for (uint32_t b = 0; b < MR_HISTOGRAM_BUCKETS; b++) {
        uint64_t here = atomic_exchange_explicit(&from->buckets[b], 0, memory_order_relaxed);
        if (here > 0)
            atomic_fetch_add_explicit(&to->buckets[b], here, memory_order_relaxed);
    }
    atomic_fetch_add_explicit(&to->sum, atomic_exchange(&from->sum, 0), memory_order_relaxed);
    atomic_fetch_add_explicit(&to->count, atomic_exchange(&from->count, 0), memory_order_relaxed);
}

uint64_t mr_histogram_quantile(const mr_histogram *histogram, double share)
{
    uint64_t count = atomic_load_explicit(&histogram->count, memory_order_relaxed);
    uint64_t wanted = (uint64_t)ceil(share * (double)count);
    uint64_t seen = 0;
    uint32_t last = 0;
    for (uint32_t b = 0; b < MR_HISTOGRAM_BUCKETS; b++) {
        uint64_t here = atomic_load_explicit(&histogram->buckets[b], memory_order_relaxed);
        seen += here;
        last = here > 0 ? b : last;
        if (here > 0 && seen >= wanted)
            break;
    }
    return count > 0 ? bucket_last(last) : 0;
}

static double gauge_value(const mr_gauge *gauge)
{
    uint64_t bits = atomic_load_explicit(&gauge->bits, memory_order_relaxed);
    double value;
    memcpy(&value, &bits, sizeof value);
    return value;
}

static void print_histogram(const metric *m, mr_buffer *to)
{
    const mr_histogram *h = &m->histogram;
    const char *comma = m->labels[0] != '\0' ? "," : "";
    uint64_t seen = 0;
    for (uint32_t b = 0; b < MR_HISTOGRAM_BUCKETS; b++) {
        uint64_t here = atomic_load_explicit(&h->buckets[b], memory_order_relaxed);
        seen += here;
        if (here > 0)
            mr_buffer_printf(to, "%s_bucket{%s%sle=\"%g\"} %llu\n", m->name, m->labels, comma,
                             (double)bucket_last(b) * m->unit, (unsigned long long)seen);
    }
    mr_buffer_printf(to, "%s_bucket{%s%sle=\"+Inf\"} %llu\n", m->name, m->labels, comma,
                     (unsigned long long)seen);
    mr_buffer_printf(to, "%s_sum{%s} %.9g\n%s_count{%s} %llu\n", m->name, m->labels,
                     (double)atomic_load(&h->sum) * m->unit, m->name, m->labels,
                     (unsigned long long)seen);
}

static void print_counter(const metric *m, mr_buffer *to)
{
    unsigned long long value = atomic_load(&m->counter.value);
    if (m->unit == 1)
        mr_buffer_printf(to, "%llu", value);
    else
        mr_buffer_printf(to, "%.15g", (double)value * m->unit);
}

void mr_metrics_print_prometheus(mr_metrics *metrics, mr_buffer *to)
{
    static const char *const kinds[] = {"counter", "gauge", "histogram"};
    pthread_mutex_lock(&metrics->lock);
    const char *family = "";
    for (const metric *m = metrics->first; m != NULL; m = m->next) {
        if (strcmp(family, m->name) != 0)
            mr_buffer_printf(to, "# TYPE %s %s\n", m->name, kinds[m->kind]);
        family = m->name;
        if (m->kind == HISTOGRAM)
            print_histogram(m, to);
        else if (m->kind == COUNTER) {
            mr_buffer_printf(to, "%s{%s} ", m->name, m->labels);
            print_counter(m, to);
            mr_buffer_printf(to, "\n");
        } else if (!isnan(gauge_value(&m->gauge)))
            mr_buffer_printf(to, "%s{%s} %.17g\n", m->name, m->labels, gauge_value(&m->gauge));
    }
    pthread_mutex_unlock(&metrics->lock);
}

/* a="x",b="y" as "a":"x","b":"y": a label's name starts behind a comma outside of quotes. */
static void put_json_labels(mr_buffer *to, const char *labels)
{
    bool is_quoted = false, at_name = true;
    for (const char *c = labels; *c != '\0'; c++) {
        if (!is_quoted && at_name)
            mr_buffer_put(to, ",\"", 2);
        at_name = !is_quoted && *c == ',';
        if (at_name)
            continue;
        if (!is_quoted && *c == '=') {
            mr_buffer_put(to, "\":", 2);
            continue;
        }
        if (is_quoted && *c == '\\')
            mr_buffer_put_u8(to, (uint8_t)*c++);
        else if (*c == '"')
            is_quoted = !is_quoted;
        mr_buffer_put_u8(to, (uint8_t)*c);
    }
}

void mr_metrics_print_ndjson(mr_metrics *metrics, mr_buffer *to)
{
    pthread_mutex_lock(&metrics->lock);
    for (const metric *m = metrics->first; m != NULL; m = m->next) {
        if (m->kind == GAUGE && !isfinite(gauge_value(&m->gauge)))
            continue;
        mr_buffer_printf(to, "{\"name\":\"%s\"", m->name);
        put_json_labels(to, m->labels);
        if (m->kind == COUNTER) {
            mr_buffer_printf(to, ",\"value\":");
            print_counter(m, to);
            mr_buffer_printf(to, "}\n");
        } else if (m->kind == GAUGE)
            mr_buffer_printf(to, ",\"value\":%.17g}\n", gauge_value(&m->gauge));
        else
            mr_buffer_printf(
                to, ",\"count\":%llu,\"sum\":%.9g,\"p50\":%.9g,\"p99\":%.9g,\"max\":%.9g}\n",
                (unsigned long long)atomic_load(&m->histogram.count),
                (double)atomic_load(&m->histogram.sum) * m->unit,
                (double)mr_histogram_quantile(&m->histogram, 0.5) * m->unit,
                (double)mr_histogram_quantile(&m->histogram, 0.99) * m->unit,
                (double)mr_histogram_quantile(&m->histogram, 1) * m->unit);
    }
    pthread_mutex_unlock(&metrics->lock);
}
