/*
 * How long a record takes through a running job: from the moment it is given to the producer until
 * a read_committed consumer has its row.
 *
 *   bench_latency -b HOST:PORT -i TOPIC -o TOPIC [-r ROWS/S] [-s SECONDS] [-w WARMUP]
 *                 [-p PARTITIONS]
 *
 * Writes bids of about 335 bytes at a steady rate into -i, each with `sent_us`, and reads -o, where
 * a job (bench/workloads/relay.sql) puts a row with the same `sent_us`; both ends are this process,
 * so one clock measures. Missing topics are created. Rows of the first WARMUP seconds
 * (default 3, the time a job needs to start is not counted) are sent but not counted. Prints:
 *   rows=.. missing=.. p50_ms=.. p99_ms=.. p999_ms=.. max_ms=.. late_sends=..
 * late_sends: rows that this program itself sent more than 5 ms late. Exit 1 when rows are missing.
 */
#include "bench/drivers/bids.h"
#include "connectors/kafka/log.h"
#include "engine/base/assert.h"

#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#define START_TIMEOUT_S 30
#define TICK_US 1000
#define LATE_US 5000

typedef struct options {
    const char *bootstrap, *in, *out;
    int64_t rate, seconds, warmup;
    int32_t partitions;
} options;

typedef struct rig {
    const options *options;
    mr_log *log;
    mr_log_reader *reader;
    atomic_int_fast64_t count_from_us; /* rows sent from here on are counted */
    atomic_int_fast64_t seen;          /* rows of any time */
    atomic_bool is_over;
    int64_t *took_us;
    size_t took_count, took_capacity;
    mr_error err;
} rig;

static int64_t now_us(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (int64_t)now.tv_sec * 1000000 + now.tv_nsec / 1000;
}

static int fail(const mr_error *err)
{
    fprintf(stderr, "bench_latency: %s\n", err->message);
    return 1;
}

static void take(rig *r, const mr_record *record, int64_t at_us)
{
    static const char name[] = "\"sent_us\":";
    char text[MR_BID_MAX];
    size_t length = record->value_length < sizeof text - 1 ? record->value_length : sizeof text - 1;
    memcpy(text, record->value, length);
    text[length] = '\0';
    const char *found = strstr(text, name);
    MR_ASSERT(found != NULL);
    int64_t sent_us = strtoll(found + sizeof name - 1, NULL, 10);
    atomic_fetch_add(&r->seen, 1);
    if (sent_us < atomic_load(&r->count_from_us))
        return;
    if (r->took_count == r->took_capacity) {
        r->took_capacity = r->took_capacity != 0 ? r->took_capacity * 2 : 1 << 16;
        r->took_us = realloc(r->took_us, r->took_capacity * sizeof *r->took_us);
        MR_ASSERT(r->took_us != NULL);
    }
    r->took_us[r->took_count++] = at_us - sent_us;
}

static void *read_all(void *context)
{
    rig *r = context;
    while (!atomic_load(&r->is_over)) {
        mr_records records;
        if (r->reader->class->fetch(r->reader, 4096, 50, &records, &r->err) != MR_OK) {
            if (r->err.recovery == MR_RECOVERY_RETRY)
                continue;
            fail(&r->err);
            exit(1);
        }
        int64_t at_us = now_us();
        for (uint32_t i = 0; i < records.count; i++)
            take(r, &records.record[i], at_us);
    }
    return NULL;
}

static mr_status send(mr_log_writer *writer, const options *o, mr_bids *bids, mr_error *err)
{
    char bid[MR_BID_MAX], text[MR_BID_MAX + 64];
    size_t length = mr_bids_next(bids, bid);
    int head = snprintf(text, 64, "{\"sent_us\":%lld,", (long long)now_us());
    memcpy(text + head, bid + 1, length - 1);
    mr_log_record record = {
        .value = text, .value_length = (size_t)head + length - 1, .timestamp_ms = MR_TIME_NONE};
    return writer->class->produce(writer, o->in, (int32_t)(bids->number % o->partitions), &record,
                                  1, err);
}

/* Sends at the rate for some seconds; the rows that are due are sent every ms. */
static mr_status send_for(mr_log_writer *writer, const options *o, mr_bids *bids, int64_t seconds,
                          int64_t *sent, int64_t *late, mr_error *err)
{
    mr_status status = MR_OK;
    int64_t start = now_us(), done = 0;
    while (status == MR_OK && done < seconds * o->rate) {
        int64_t due = (now_us() - start) * o->rate / 1000000;
        for (; status == MR_OK && done < due && done < seconds * o->rate; done++) {
            *late += now_us() - (start + done * 1000000 / o->rate) > LATE_US;
            status = send(writer, o, bids, err);
        }
        usleep(TICK_US);
    }
    *sent += done;
    return status;
}

/* The job is there when a row has come through. */
static mr_status await_job(rig *r, mr_log_writer *writer, mr_bids *bids, int64_t *sent,
                           mr_error *err)
{
    int64_t until = now_us() + START_TIMEOUT_S * INT64_C(1000000);
    mr_status status = MR_OK;
    while (status == MR_OK && atomic_load(&r->seen) == 0 && now_us() < until) {
        status = send(writer, r->options, bids, err);
        *sent += status == MR_OK;
        usleep(10000);
    }
    if (status == MR_OK && atomic_load(&r->seen) == 0)
        status = mr_error_set(err, MR_E_KAFKA_TIMEOUT, "no row came out of %s", r->options->out);
    return status;
}

static int compare(const void *a, const void *b)
{
    int64_t x = *(const int64_t *)a, y = *(const int64_t *)b;
    return (x > y) - (x < y);
}

static double at(const rig *r, double share)
{
    size_t i = (size_t)(share * (double)r->took_count);
    return (double)r->took_us[i < r->took_count ? i : r->took_count - 1] / 1000;
}

static mr_status measure(rig *r, mr_log_writer *writer, mr_error *err)
{
    const options *o = r->options;
    mr_bids bids = {.random = 1, .disorder_ms = 200};
    int64_t sent = 0, late = 0, ignored = 0;
    pthread_t thread;
    MR_ASSERT(pthread_create(&thread, NULL, read_all, r) == 0);
    mr_status status = await_job(r, writer, &bids, &sent, err);
    if (status == MR_OK)
        status = send_for(writer, o, &bids, o->warmup, &sent, &ignored, err);
    atomic_store(&r->count_from_us, now_us());
    if (status == MR_OK)
        status = send_for(writer, o, &bids, o->seconds, &sent, &late, err);
    int64_t until = now_us() + INT64_C(10000000);
    while (status == MR_OK && atomic_load(&r->seen) < sent && now_us() < until)
        usleep(10000);
    atomic_store(&r->is_over, true);
    pthread_join(thread, NULL);
    if (status != MR_OK)
        return status;
    qsort(r->took_us, r->took_count, sizeof *r->took_us, compare);
    if (r->took_count == 0)
        return mr_error_set(err, MR_E_KAFKA_TIMEOUT, "no row was counted");
    int64_t missing = sent - atomic_load(&r->seen);
    printf(
        "rows=%zu missing=%lld p50_ms=%.1f p99_ms=%.1f p999_ms=%.1f max_ms=%.1f late_sends=%lld\n",
        r->took_count, (long long)missing, at(r, 0.5), at(r, 0.99), at(r, 0.999), at(r, 1.0),
        (long long)late);
    if (missing > 0)
        return mr_error_set(
            err, MR_E_KAFKA_TIMEOUT,
            "%lld rows had not come 10 s behind the last one: is the rate too high?",
            (long long)missing);
    return missing == 0 ? MR_OK : mr_error_set(err, MR_E_KAFKA_OTHER, "rows came twice");
}

/* Where the output ends now. A topic just made has no leader for a moment. */
static mr_status find_end(rig *r, int32_t partition, int64_t *end, mr_error *err)
{
    int64_t until = now_us() + START_TIMEOUT_S * INT64_C(1000000);
    mr_status status;
    do {
        status =
            r->log->class->offset(r->log, r->options->out, partition, MR_OFFSET_LATEST, end, err);
        if (status != MR_OK)
            usleep(50000);
    } while (status != MR_OK && now_us() < until);
    return status;
}

static mr_status open_topics(rig *r, mr_error *err)
{
    const options *o = r->options;
    const char *topics[] = {o->in, o->out};
    mr_status status = MR_OK;
    for (int t = 0; status == MR_OK && t < 2; t++) {
        mr_topic_facts facts;
        status = r->log->class->describe(r->log, topics[t], &facts, err);
        if (status == MR_OK && !facts.exists)
            status = r->log->class->create_topic(r->log, topics[t], o->partitions, NULL, err);
        if (status == MR_E_KAFKA_TOPIC_EXISTS) /* the job was quicker */
            status = MR_OK;
    }
    if (status == MR_OK)
        status = r->log->class->open_reader(r->log, &r->reader, err);
    for (int32_t p = 0; status == MR_OK && p < o->partitions; p++) {
        int64_t end;
        status = find_end(r, p, &end, err);
        if (status == MR_OK)
            status = r->reader->class->add(r->reader, (uint32_t)p, o->out, p, end, err);
    }
    return status;
}

static int usage(void)
{
    fprintf(stderr, "usage: bench_latency -b HOST:PORT -i TOPIC -o TOPIC [-r ROWS/S] [-s SECONDS] "
                    "[-w WARMUP] [-p PARTITIONS]\n");
    return 2;
}

int main(int argc, char **argv)
{
    options o = {.rate = 10000, .seconds = 10, .warmup = 3, .partitions = 4};
    int flag;
    while ((flag = getopt(argc, argv, "b:i:o:r:s:w:p:")) != -1) {
        switch (flag) {
        case 'b': o.bootstrap = optarg; break;
        case 'i': o.in = optarg; break;
        case 'o': o.out = optarg; break;
        case 'r': o.rate = atoll(optarg); break;
        case 's': o.seconds = atoll(optarg); break;
        case 'w': o.warmup = atoll(optarg); break;
        case 'p': o.partitions = atoi(optarg); break;
        default: return usage();
        }
    }
    if (!o.bootstrap || !o.in || !o.out || o.rate < 1 || o.seconds < 1 || o.partitions < 1)
        return usage();
    mr_error err;
    rig r = {.options = &o, .count_from_us = INT64_MAX};
    mr_log_writer *writer = NULL;
    mr_writer_options plain = {0};
    mr_kafka_config config = {.bootstrap = o.bootstrap, .client_id = "bench_latency"};
    if (mr_kafka_log_open(&config, &r.log, &err) != MR_OK || open_topics(&r, &err) != MR_OK ||
        r.log->class->open_writer(r.log, &plain, &writer, &err) != MR_OK)
        return fail(&err);
    mr_status status = measure(&r, writer, &err);
    writer->class->close(writer);
    r.reader->class->close(r.reader);
    r.log->class->close(r.log);
    free(r.took_us);
    return status == MR_OK ? 0 : fail(&err);
}
