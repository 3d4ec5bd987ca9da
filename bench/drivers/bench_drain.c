/*
 * The floor: a bare librdkafka drain of a topic from its start, with the settings of our reader.
 *
 *   bench_drain -b HOST:PORT -t TOPIC -n COUNT [-p PARTITIONS] [-B BATCH] [-m] [-X name=value]..
 *
 * Prints core-seconds per million rows (user + system of the whole process, librdkafka's threads
 * included) and rows a second. -m drains through our reader (connectors/kafka) instead, which tells
 * what the port itself adds. Pin with taskset; measure beside what is compared.
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

#define PROPERTIES_MAX 64

typedef struct options {
    const char *bootstrap, *topic;
    const char *properties[PROPERTIES_MAX + 1];
    int64_t count;
    int32_t partitions;
    uint32_t batch;
    bool is_ours;
} options;

typedef struct seen {
    int64_t rows;
    uint64_t bytes;
    int64_t fetches;
    double end_s; /* before closing, which may take a second of waiting */
} seen;

static double now_s(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (double)now.tv_sec + (double)now.tv_nsec / 1e9;
}

static double cpu_s(const struct rusage *use)
{
    return (double)(use->ru_utime.tv_sec + use->ru_stime.tv_sec) +
           (double)(use->ru_utime.tv_usec + use->ru_stime.tv_usec) / 1e6;
}

static int drain_bare(const options *o, seen *got, mr_error *err)
{
    rd_kafka_conf_t *conf;
    char reason[256];
    if (mr_kafka_settings_make(MR_KAFKA_ROLE_READER, o->bootstrap, "bench_drain", o->properties,
                               &conf, err) != MR_OK ||
        mr_kafka_settings_set(conf, "group.id", "bench-drain", err) != MR_OK ||
        mr_kafka_settings_set(conf, "queued.max.messages.kbytes", "8192", err) != MR_OK)
        return 1;
    rd_kafka_t *rk = rd_kafka_new(RD_KAFKA_CONSUMER, conf, reason, sizeof reason);
    if (!rk)
        return mr_error_set(err, MR_E_SETTING, "%s", reason);
    rd_kafka_poll_set_consumer(rk);
    rd_kafka_topic_partition_list_t *list = rd_kafka_topic_partition_list_new(o->partitions);
    for (int32_t p = 0; p < o->partitions; p++)
        rd_kafka_topic_partition_list_add(list, o->topic, p)->offset = 0;
    rd_kafka_assign(rk, list);
    rd_kafka_topic_partition_list_destroy(list);
    rd_kafka_queue_t *queue = rd_kafka_queue_get_consumer(rk);
    rd_kafka_message_t **messages = calloc(o->batch, sizeof(rd_kafka_message_t *));
    while (got->rows < o->count) {
        ssize_t n = rd_kafka_consume_batch_queue(queue, 1000, messages, o->batch);
        got->fetches++;
        for (ssize_t i = 0; i < n; i++) {
            got->rows += messages[i]->err == RD_KAFKA_RESP_ERR_NO_ERROR;
            got->bytes += messages[i]->len;
            rd_kafka_message_destroy(messages[i]);
        }
    }
    got->end_s = now_s();
    free(messages);
    rd_kafka_queue_destroy(queue);
    rd_kafka_consumer_close(rk);
    rd_kafka_destroy(rk);
    return 0;
}

static int drain_ours(const options *o, seen *got, mr_error *err)
{
    mr_kafka_config config = {
        .bootstrap = o->bootstrap, .properties = o->properties, .client_id = "bench_drain"};
    mr_log *log;
    mr_log_reader *reader;
    mr_status status = mr_kafka_log_open(&config, &log, err);
    if (status != MR_OK)
        return status;
    status = log->class->open_reader(log, &reader, err);
    for (int32_t p = 0; status == MR_OK && p < o->partitions; p++)
        status = reader->class->add(reader, (uint32_t)p, o->topic, p, 0, err);
    while (status == MR_OK && got->rows < o->count) {
        mr_records records;
        status = reader->class->fetch(reader, o->batch, 1000, &records, err);
        got->fetches++;
        for (uint32_t i = 0; status == MR_OK && i < records.count; i++)
            got->bytes += records.record[i].value_length;
        got->rows += status == MR_OK ? records.count : 0;
    }
    got->end_s = now_s();
    if (status == MR_OK)
        reader->class->close(reader);
    log->class->close(log);
    return status;
}

static bool add_property(options *o, uint32_t *count, char *text)
{
    char *equals = strchr(text, '=');
    if (!equals || *count + 2 > PROPERTIES_MAX)
        return false;
    *equals = '\0';
    o->properties[(*count)++] = text;
    o->properties[(*count)++] = equals + 1;
    return true;
}

static int usage(void)
{
    fprintf(stderr, "usage: bench_drain -b HOST:PORT -t TOPIC -n COUNT [-p PARTITIONS] [-B BATCH] "
                    "[-m] [-X name=value]..\n");
    return 2;
}

int main(int argc, char **argv)
{
    options o = {.count = 0, .partitions = 4, .batch = 4096};
    uint32_t properties = 0;
    int flag;
    while ((flag = getopt(argc, argv, "b:t:n:p:B:mX:")) != -1) {
        bool is_good = true;
        switch (flag) {
        case 'b': o.bootstrap = optarg; break;
        case 't': o.topic = optarg; break;
        case 'n': o.count = atoll(optarg); break;
        case 'p': o.partitions = atoi(optarg); break;
        case 'B': o.batch = (uint32_t)atoi(optarg); break;
        case 'm': o.is_ours = true; break;
        case 'X': is_good = add_property(&o, &properties, optarg); break;
        default: is_good = false;
        }
        if (!is_good)
            return usage();
    }
    if (!o.bootstrap || !o.topic || o.count < 1 || o.partitions < 1 || o.batch < 1)
        return usage();
    seen got = {0};
    mr_error err;
    double start = now_s();
    if ((o.is_ours ? drain_ours : drain_bare)(&o, &got, &err) != 0) {
        fprintf(stderr, "bench_drain: %s\n", err.message);
        return 1;
    }
    double took = got.end_s - start;
    struct rusage use;
    getrusage(RUSAGE_SELF, &use);
    double millions = (double)got.rows / 1e6;
    printf("drain=%s librdkafka=%s rows=%lld bytes_per_row=%.0f seconds=%.2f rows_per_s=%.0f "
           "core_s_per_m=%.3f rows_per_fetch=%.0f peak_rss_mb=%.0f\n",
           o.is_ours ? "reader" : "bare", rd_kafka_version_str(), (long long)got.rows,
           (double)got.bytes / (double)got.rows, took, (double)got.rows / took,
           cpu_s(&use) / millions, (double)got.rows / (double)got.fetches,
           (double)use.ru_maxrss / 1024);
    return 0;
}
