/*
 * Fills a topic with seeded bids like Nexmark's, about 335 bytes of JSON each, lz4.
 *
 *   bench_produce -b HOST:PORT -t TOPIC [-n COUNT] [-p PARTITIONS] [-s SEED] [-r ROWS/S] [-d MS]
 *   bench_produce -o FILE [-f json|csv|avro] [-n COUNT] [-s SEED] [-d MS] [-m BIDS]
 *                                             the same bids, one a line, or an Avro container file
 *
 * The topic is created when it is missing. Times rise by 1 ms every -m bids (default 10), with a
 * disorder of up to -d ms (default 200). The same seed gives the same bytes; -r 0 (default) is as
 * fast as it goes.
 */
#include "bench/drivers/bids.h"
#include "connectors/kafka/log.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#define BATCH 1000

typedef struct options {
    const char *bootstrap, *topic, *file, *format;
    int64_t count;
    int32_t partitions;
    uint64_t seed;
    int64_t rate;
    int64_t disorder_ms, each_ms;
} options;

static double now_s(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (double)now.tv_sec + (double)now.tv_nsec / 1e9;
}

static int fail(const mr_error *err)
{
    fprintf(stderr, "bench_produce: %s\n", err->message);
    return 1;
}

static mr_status ensure_topic(mr_log *log, const options *o, mr_error *err)
{
    mr_topic_facts facts;
    mr_status status = log->class->describe(log, o->topic, &facts, err);
    if (status != MR_OK || facts.exists)
        return status;
    return log->class->create_topic(log, o->topic, o->partitions, NULL, err);
}

static mr_status produce_all(mr_log_writer *writer, const options *o, uint64_t *bytes,
                             mr_error *err)
{
    char *texts = malloc((size_t)BATCH * MR_BID_MAX);
    mr_log_record *records = calloc(BATCH, sizeof *records);
    mr_bids bids = {.random = o->seed, .disorder_ms = o->disorder_ms, .each_ms = o->each_ms};
    double start = now_s();
    mr_status status = MR_OK;
    for (int64_t done = 0, turn = 0; done < o->count && status == MR_OK; turn++) {
        uint32_t n = o->count - done < BATCH ? (uint32_t)(o->count - done) : BATCH;
        for (uint32_t k = 0; k < n; k++) {
            char *text = texts + (size_t)k * MR_BID_MAX;
            size_t length = mr_bids_next(&bids, text);
            records[k] = (mr_log_record){
                .value = text, .value_length = length, .timestamp_ms = MR_TIME_NONE};
            *bytes += length;
        }
        status = writer->class->produce(writer, o->topic, (int32_t)(turn % o->partitions), records,
                                        n, err);
        done += n;
        double ahead = o->rate > 0 ? (double)done / (double)o->rate - (now_s() - start) : 0;
        if (ahead > 0)
            usleep((useconds_t)(ahead * 1e6));
    }
    free(records);
    free(texts);
    return status == MR_OK ? writer->class->flush(writer, 60000, err) : status;
}

static int usage(void)
{
    fprintf(stderr, "usage: bench_produce -b HOST:PORT -t TOPIC [-n COUNT] [-p PARTITIONS] "
                    "[-s SEED] [-r ROWS/S] [-d MS]\n"
                    "       bench_produce -o FILE [-f json|csv|avro] [-n COUNT] [-s SEED] [-d MS] "
                    "[-m BIDS]\n");
    return 2;
}

static bool is_format(const char *name)
{
    return strcmp(name, "json") == 0 || strcmp(name, "csv") == 0 || strcmp(name, "avro") == 0;
}

static void write_lines(FILE *file, mr_bids *bids, int64_t count,
                        size_t (*next)(mr_bids *bids, char *text))
{
    char text[MR_BID_MAX + 1];
    for (int64_t i = 0; i < count; i++) {
        size_t length = next(bids, text);
        text[length] = '\n';
        fwrite(text, 1, length + 1, file);
    }
}

static void write_blocks(FILE *file, mr_bids *bids, int64_t count)
{
    char *block = malloc((size_t)BATCH * MR_BID_MAX);
    if (block == NULL)
        abort();
    mr_bids_avro_begin(file);
    for (int64_t done = 0; done < count;) {
        int64_t n = count - done < BATCH ? count - done : BATCH;
        size_t length = 0;
        for (int64_t i = 0; i < n; i++)
            length += mr_bids_next_avro(bids, block + length);
        mr_bids_avro_block(file, n, block, length);
        done += n;
    }
    free(block);
}

static int write_file(const options *o)
{
    FILE *file = fopen(o->file, "w");
    if (file == NULL) {
        perror(o->file);
        return 1;
    }
    mr_bids bids = {.random = o->seed, .disorder_ms = o->disorder_ms, .each_ms = o->each_ms};
    if (strcmp(o->format, "avro") == 0)
        write_blocks(file, &bids, o->count);
    else
        write_lines(file, &bids, o->count,
                    strcmp(o->format, "csv") == 0 ? mr_bids_next_csv : mr_bids_next);
    if (fclose(file) != 0) {
        perror(o->file);
        return 1;
    }
    return 0;
}

int main(int argc, char **argv)
{
    options o = {
        .format = "json", .count = 1000000, .partitions = 4, .seed = 1, .disorder_ms = 200};
    int flag;
    while ((flag = getopt(argc, argv, "b:t:o:f:n:p:s:r:d:m:")) != -1) {
        switch (flag) {
        case 'b': o.bootstrap = optarg; break;
        case 't': o.topic = optarg; break;
        case 'o': o.file = optarg; break;
        case 'f': o.format = optarg; break;
        case 'm': o.each_ms = atoll(optarg); break;
        case 'n': o.count = atoll(optarg); break;
        case 'p': o.partitions = atoi(optarg); break;
        case 's': o.seed = strtoull(optarg, NULL, 10); break;
        case 'r': o.rate = atoll(optarg); break;
        case 'd': o.disorder_ms = atoll(optarg); break;
        default: return usage();
        }
    }
    if (!is_format(o.format))
        return usage();
    if (o.file)
        return write_file(&o);
    if (!o.bootstrap || !o.topic || o.partitions < 1)
        return usage();
    mr_error err;
    mr_log *log;
    mr_log_writer *writer;
    mr_writer_options plain = {0};
    mr_kafka_config config = {.bootstrap = o.bootstrap, .client_id = "bench_produce"};
    if (mr_kafka_log_open(&config, &log, &err) != MR_OK)
        return fail(&err);
    if (ensure_topic(log, &o, &err) != MR_OK ||
        log->class->open_writer(log, &plain, &writer, &err) != MR_OK)
        return fail(&err);
    uint64_t bytes = 0;
    double start = now_s();
    mr_status status = produce_all(writer, &o, &bytes, &err);
    double took = now_s() - start;
    writer->class->close(writer);
    log->class->close(log);
    if (status != MR_OK)
        return fail(&err);
    printf("topic=%s rows=%lld bytes_per_row=%.0f seconds=%.2f rows_per_s=%.0f\n", o.topic,
           (long long)o.count, (double)bytes / (double)(o.count ? o.count : 1), took,
           (double)o.count / took);
    return 0;
}
