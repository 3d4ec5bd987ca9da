/*
 * The floor of writing: a bare librdkafka producer that writes the records of a topic again, with
 * the settings of our writer.
 *
 *   bench_sink -b HOST:PORT -t TOPIC -o TOPIC -n COUNT [-p PARTITIONS] [-B BATCH] [-m]
 *
 * Reads COUNT records of the first topic into memory, then writes them to the second (created when
 * it is missing) by rd_kafka_produce_batch, BATCH at a time to one partition after the other, in
 * transactions of a second. Prints core-seconds per million rows (user + system of the whole
 * process) of the writing alone. -m writes through our writer (connectors/kafka) instead, which
 * tells what the port itself adds. Pin with taskset; measure beside what is compared.
 */
#include "connectors/kafka/client/settings.h"
#include "connectors/kafka/log.h"

#include <librdkafka/rdkafka.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <time.h>
#include <unistd.h>

#define TRANSACTION_S 1.0

typedef struct options {
    const char *bootstrap, *from, *to;
    int64_t count;
    int32_t partitions;
    uint32_t batch;
    bool is_ours;
} options;

typedef struct loaded {
    char *bytes;
    size_t length, capacity;
    size_t *ends; /* of each record's key and value */
    uint32_t *key_lengths;
    int64_t count;
} loaded;

static double now_s(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (double)now.tv_sec + (double)now.tv_nsec / 1e9;
}

static double cpu_s(void)
{
    struct rusage use;
    getrusage(RUSAGE_SELF, &use);
    return (double)(use.ru_utime.tv_sec + use.ru_stime.tv_sec) +
           (double)(use.ru_utime.tv_usec + use.ru_stime.tv_usec) / 1e6;
}

static void keep(loaded *l, const mr_record *record)
{
    size_t length = record->key_length + record->value_length;
    while (l->length + length > l->capacity) {
        l->capacity = l->capacity ? 2 * l->capacity : 64 << 20;
        l->bytes = realloc(l->bytes, l->capacity);
    }
    if (record->key_length > 0)
        memcpy(l->bytes + l->length, record->key, record->key_length);
    memcpy(l->bytes + l->length + record->key_length, record->value, record->value_length);
    l->length += length;
    l->key_lengths[l->count] = record->key_length;
    l->ends[l->count++] = l->length;
}

static mr_status load(mr_log *log, const options *o, loaded *l, mr_error *err)
{
    mr_topic_facts facts;
    mr_log_reader *reader;
    l->ends = calloc((size_t)o->count + 1, sizeof *l->ends);
    l->key_lengths = calloc((size_t)o->count + 1, sizeof *l->key_lengths);
    mr_status status = log->class->describe(log, o->from, &facts, err);
    if (status == MR_OK)
        status = log->class->open_reader(log, &reader, err);
    if (status != MR_OK)
        return status;
    for (int32_t p = 0; status == MR_OK && p < facts.partitions; p++)
        status = reader->class->add(reader, (uint32_t)p, o->from, p, MR_OFFSET_EARLIEST, err);
    while (status == MR_OK && l->count < o->count) {
        mr_records records;
        status = reader->class->fetch(reader, 4096, 1000, &records, err);
        for (uint32_t i = 0; status == MR_OK && i < records.count && l->count < o->count; i++)
            keep(l, &records.record[i]);
    }
    reader->class->close(reader);
    return status;
}

static const char *at(const loaded *l, int64_t i)
{
    return l->bytes + (i > 0 ? l->ends[i - 1] : 0);
}

static size_t length_of(const loaded *l, int64_t i)
{
    return l->ends[i] - (i > 0 ? l->ends[i - 1] : 0);
}

/* -- bare -- */

static void on_delivery(rd_kafka_t *rk, const rd_kafka_message_t *message, void *opaque)
{
    (void)rk;
    if (message->err) {
        fprintf(stderr, "bench_sink: %s\n", rd_kafka_err2str(message->err));
        exit(1);
    }
    ++*(int64_t *)opaque;
}

static int fatal(rd_kafka_error_t *error)
{
    if (error)
        fprintf(stderr, "bench_sink: %s\n", rd_kafka_error_string(error));
    return error ? 1 : 0;
}

static void fill(rd_kafka_message_t *messages, const loaded *l, int64_t from, uint32_t n)
{
    for (uint32_t i = 0; i < n; i++) {
        const char *start = at(l, from + i);
        size_t key = l->key_lengths[from + i];
        messages[i] = (rd_kafka_message_t){.key = key > 0 ? (void *)(uintptr_t)start : NULL,
                                           .key_len = key,
                                           .payload = (void *)(uintptr_t)(start + key),
                                           .len = length_of(l, from + i) - key};
    }
}

/* The rest of a batch for which the queue had no room is offered again. */
static void put(rd_kafka_t *rk, rd_kafka_topic_t *topic, int32_t partition,
                rd_kafka_message_t *messages, uint32_t n)
{
    for (uint32_t done = 0; done < n;) {
        int taken = rd_kafka_produce_batch(topic, partition, RD_KAFKA_MSG_F_COPY, messages + done,
                                           (int)(n - done));
        done += (uint32_t)taken;
        rd_kafka_poll(rk, done < n ? 10 : 0);
    }
}

static int write_bare(const options *o, const loaded *l, mr_error *err)
{
    rd_kafka_conf_t *conf;
    char reason[256];
    int64_t delivered = 0;
    if (mr_kafka_settings_make(MR_KAFKA_ROLE_WRITER, o->bootstrap, "bench_sink", NULL, &conf,
                               err) != MR_OK ||
        mr_kafka_settings_set(conf, "transactional.id", "bench-sink", err) != MR_OK)
        return 1;
    rd_kafka_conf_set_dr_msg_cb(conf, on_delivery);
    rd_kafka_conf_set_opaque(conf, &delivered);
    rd_kafka_t *rk = rd_kafka_new(RD_KAFKA_PRODUCER, conf, reason, sizeof reason);
    if (!rk)
        return mr_error_set(err, MR_E_SETTING, "%s", reason);
    rd_kafka_topic_t *topic = rd_kafka_topic_new(rk, o->to, NULL);
    rd_kafka_message_t *messages = calloc(o->batch, sizeof *messages);
    int failed = fatal(rd_kafka_init_transactions(rk, -1));
    int64_t done = 0;
    for (int32_t turn = 0; !failed && done < l->count;) {
        failed = fatal(rd_kafka_begin_transaction(rk));
        double end_s = now_s() + TRANSACTION_S;
        for (; !failed && done < l->count && now_s() < end_s; turn++) {
            int64_t left = l->count - done;
            uint32_t n = left < o->batch ? (uint32_t)left : o->batch;
            fill(messages, l, done, n);
            put(rk, topic, turn % o->partitions, messages, n);
            done += n;
        }
        failed = failed || fatal(rd_kafka_commit_transaction(rk, -1));
    }
    free(messages);
    rd_kafka_topic_destroy(topic);
    rd_kafka_destroy(rk);
    if (!failed && delivered != l->count)
        return mr_error_set(err, MR_E_KAFKA_OTHER, "%lld of %lld were delivered",
                            (long long)delivered, (long long)l->count);
    return failed;
}

/* -- through our writer -- */

static mr_status write_ours(mr_log *log, const options *o, const loaded *l, mr_error *err)
{
    mr_log_writer *writer;
    mr_writer_options wanted = {.transactional_id = "bench-sink"};
    mr_status status = log->class->open_writer(log, &wanted, &writer, err);
    if (status != MR_OK)
        return status;
    mr_log_record *records = calloc(o->batch, sizeof *records);
    int64_t done = 0;
    for (int32_t turn = 0; status == MR_OK && done < l->count;) {
        status = writer->class->begin(writer, err);
        double end_s = now_s() + TRANSACTION_S;
        for (; status == MR_OK && done < l->count && now_s() < end_s; turn++) {
            int64_t left = l->count - done;
            uint32_t n = left < o->batch ? (uint32_t)left : o->batch;
            for (uint32_t i = 0; i < n; i++) {
                const char *start = at(l, done + i);
                size_t key = l->key_lengths[done + i];
                records[i] = (mr_log_record){.key = key > 0 ? start : NULL,
                                             .key_length = key,
                                             .value = start + key,
                                             .value_length = length_of(l, done + i) - key,
                                             .timestamp_ms = MR_TIME_NONE};
            }
            status = writer->class->produce(writer, o->to, turn % o->partitions, records, n, err);
            done += n;
        }
        if (status == MR_OK)
            status = writer->class->commit(writer, err);
    }
    free(records);
    writer->class->close(writer);
    return status;
}

static int usage(void)
{
    fprintf(stderr, "usage: bench_sink -b HOST:PORT -t TOPIC -o TOPIC -n COUNT [-p PARTITIONS] "
                    "[-B BATCH] [-m]\n");
    return 2;
}

static int fail(const mr_error *err)
{
    fprintf(stderr, "bench_sink: %s\n", err->message);
    return 1;
}

static int run(const options *o)
{
    mr_error err = {0};
    mr_log *log;
    loaded l = {0};
    mr_topic_facts facts;
    mr_kafka_config config = {.bootstrap = o->bootstrap, .client_id = "bench_sink"};
    if (mr_kafka_log_open(&config, &log, &err) != MR_OK || load(log, o, &l, &err) != MR_OK ||
        log->class->describe(log, o->to, &facts, &err) != MR_OK)
        return fail(&err);
    if (!facts.exists && log->class->create_topic(log, o->to, o->partitions, NULL, &err) != MR_OK)
        return fail(&err);
    double start_s = now_s(), before_s = cpu_s();
    int failed = o->is_ours ? write_ours(log, o, &l, &err) : write_bare(o, &l, &err);
    double took_s = now_s() - start_s, used_s = cpu_s() - before_s;
    log->class->close(log);
    if (failed)
        return fail(&err);
    printf("driver=%s librdkafka=%s rows=%lld bytes_per_row=%.0f core_s_per_m=%.4f seconds=%.3f\n",
           o->is_ours ? "millrace" : "bare", rd_kafka_version_str(), (long long)l.count,
           (double)l.length / (double)l.count, used_s / (double)l.count * 1e6, took_s);
    free(l.bytes);
    free(l.ends);
    free(l.key_lengths);
    return 0;
}

int main(int argc, char **argv)
{
    options o = {.count = 1000000, .partitions = 4, .batch = 1000};
    int flag;
    while ((flag = getopt(argc, argv, "b:t:o:n:p:B:m")) != -1) {
        switch (flag) {
        case 'b': o.bootstrap = optarg; break;
        case 't': o.from = optarg; break;
        case 'o': o.to = optarg; break;
        case 'n': o.count = atoll(optarg); break;
        case 'p': o.partitions = atoi(optarg); break;
        case 'B': o.batch = (uint32_t)atoi(optarg); break;
        case 'm': o.is_ours = true; break;
        default: return usage();
        }
    }
    if (!o.bootstrap || !o.from || !o.to || o.count < 1 || o.partitions < 1 || o.batch < 1)
        return usage();
    return run(&o);
}
