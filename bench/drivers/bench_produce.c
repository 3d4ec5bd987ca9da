/*
 * Fills a topic with seeded bids like Nexmark's, about 335 bytes of JSON each, lz4.
 *
 *   bench_produce -b HOST:PORT -t TOPIC [-n COUNT] [-p PARTITIONS] [-s SEED] [-r ROWS/S] [-d MS]
 *
 * The topic is created when it is missing. Times rise by 1 ms every ten bids, with a disorder of up
 * to -d ms (default 200). The same seed gives the same bytes; -r 0 (default) is as fast as it goes.
 */
#include "connectors/kafka/log.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#define BATCH 1000
#define BID_MAX 512
#define START_MS INT64_C(1735689600000) /* 2025-01-01 00:00:00 */

typedef struct options {
    const char *bootstrap, *topic;
    int64_t count;
    int32_t partitions;
    uint64_t seed;
    int64_t rate;
    int64_t disorder_ms;
} options;

static uint64_t next_random(uint64_t *state) /* splitmix64 */
{
    uint64_t z = (*state += 0x9e3779b97f4a7c15u);
    z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9u;
    z = (z ^ (z >> 27)) * 0x94d049bb133111ebu;
    return z ^ (z >> 31);
}

static double now_s(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (double)now.tv_sec + (double)now.tv_nsec / 1e9;
}

static void random_text(uint64_t *state, char *text, size_t length)
{
    for (size_t i = 0; i < length; i++)
        text[i] = (char)('a' + next_random(state) % 26);
    text[length] = '\0';
}

/* Most bids go to a few hot auctions and bidders, as Nexmark has it. */
static size_t bid_write(uint64_t *state, int64_t i, int64_t disorder_ms, char *text)
{
    static const char *const channels[] = {"Google", "Facebook", "Baidu", "Apple"};
    uint64_t r = next_random(state);
    int64_t newest = 1000 + i / 16;
    int64_t auction = r % 100 < 50 ? newest / 100 * 100 : newest - (int64_t)(r / 100 % 100);
    int64_t bidder =
        r / 10000 % 100 < 75 ? newest / 100 * 100 + 1 : newest - (int64_t)(r >> 40) % 900;
    int64_t price = 100 + (int64_t)(next_random(state) % 9999900);
    int64_t time_ms = START_MS + i / 10;
    if (disorder_ms > 0)
        time_ms -= (int64_t)(next_random(state) % (uint64_t)disorder_ms);
    const char *channel = channels[(r >> 20) % 4];
    char path[3][6], extra[160];
    for (int k = 0; k < 3; k++)
        random_text(state, path[k], 5);
    random_text(state, extra, 122 + (size_t)(next_random(state) % 20));
    time_t seconds = time_ms / 1000;
    struct tm civil;
    gmtime_r(&seconds, &civil);
    return (size_t)snprintf(
        text, BID_MAX,
        "{\"auction\":%lld,\"bidder\":%lld,\"price\":%lld,\"channel\":\"%s\","
        "\"url\":\"https://www.nexmark.com/%s/%s/%s/item.htm?query=1&channel_id=%llu\","
        "\"date_time\":\"%04d-%02d-%02d %02d:%02d:%02d.%03d\",\"extra\":\"%s\"}",
        (long long)auction, (long long)bidder, (long long)price, channel, path[0], path[1], path[2],
        (unsigned long long)(r >> 32) % 1000000000, civil.tm_year + 1900, civil.tm_mon + 1,
        civil.tm_mday, civil.tm_hour, civil.tm_min, civil.tm_sec, (int)(time_ms % 1000), extra);
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
    char *texts = malloc((size_t)BATCH * BID_MAX);
    mr_log_record *records = calloc(BATCH, sizeof *records);
    uint64_t state = o->seed;
    double start = now_s();
    mr_status status = MR_OK;
    for (int64_t done = 0, turn = 0; done < o->count && status == MR_OK; turn++) {
        uint32_t n = o->count - done < BATCH ? (uint32_t)(o->count - done) : BATCH;
        for (uint32_t k = 0; k < n; k++) {
            char *text = texts + (size_t)k * BID_MAX;
            size_t length = bid_write(&state, done + k, o->disorder_ms, text);
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
                    "[-s SEED] [-r ROWS/S] [-d MS]\n");
    return 2;
}

int main(int argc, char **argv)
{
    options o = {.count = 1000000, .partitions = 4, .seed = 1, .disorder_ms = 200};
    int flag;
    while ((flag = getopt(argc, argv, "b:t:n:p:s:r:d:")) != -1) {
        switch (flag) {
        case 'b': o.bootstrap = optarg; break;
        case 't': o.topic = optarg; break;
        case 'n': o.count = atoll(optarg); break;
        case 'p': o.partitions = atoi(optarg); break;
        case 's': o.seed = strtoull(optarg, NULL, 10); break;
        case 'r': o.rate = atoll(optarg); break;
        case 'd': o.disorder_ms = atoll(optarg); break;
        default: return usage();
        }
    }
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
