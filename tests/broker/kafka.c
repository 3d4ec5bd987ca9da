#include "tests/broker/kafka.h"

#include <criterion/criterion.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

mr_log *kafka_open_with(const char *const *properties)
{
    const char *broker = getenv("MILLRACE_TEST_BROKER");
    cr_assert(broker && broker[0], "no broker: start one with tests/harness/broker start and set "
                                   "MILLRACE_TEST_BROKER to its host:port");
    mr_kafka_config config = {
        .bootstrap = broker, .properties = properties, .timeout_ms = KAFKA_PATIENCE_MS};
    mr_log *log;
    mr_error err;
    OK(mr_kafka_log_open(&config, &log, &err), err);
    return log;
}

mr_log *kafka_open(void)
{
    return kafka_open_with(NULL);
}

const char *kafka_name(const char *stem)
{
    static char names[64][200]; /* of this test's own process */
    static unsigned counter;
    cr_assert_lt(counter, sizeof names / sizeof names[0]);
    struct timespec now;
    clock_gettime(CLOCK_REALTIME, &now);
    char *name = names[counter];
    snprintf(name, sizeof names[0], "%s-%lld-%d-%u", stem,
             (long long)now.tv_sec * 1000 + now.tv_nsec / 1000000, getpid(), counter++);
    return name;
}

#define TOPICS_MAX 64
#define PARTITIONS_MAX 32
#define SETTLE_MS 30000

typedef struct made_topic {
    const char *name;
    int32_t partitions;
} made_topic;

/* What this test's own process has made. */
static made_topic *made_topics(uint32_t **count)
{
    static made_topic topics[TOPICS_MAX];
    static uint32_t topics_count;
    *count = &topics_count;
    return topics;
}

const char *kafka_topic(mr_log *log, const char *stem, int32_t partitions)
{
    const char *name = kafka_name(stem);
    mr_error err;
    OK(log->class->create_topic(log, name, partitions, NULL, &err), err);
    uint32_t *count;
    made_topic *topics = made_topics(&count);
    cr_assert_lt(*count, TOPICS_MAX);
    cr_assert_leq(partitions, PARTITIONS_MAX);
    topics[(*count)++] = (made_topic){name, partitions};
    return name;
}

static bool is_settled(mr_log *log, const made_topic *topic)
{
    mr_error err;
    mr_log_ends ends[PARTITIONS_MAX] = {0};
    for (int32_t p = 0; p < topic->partitions; p++)
        ends[p] = (mr_log_ends){.topic = topic->name, .partition = p};
    if (log->class->ends(log, ends, (uint32_t)topic->partitions, &err) != MR_OK)
        return true; /* it was deleted, say */
    bool is_open = false;
    for (int32_t p = 0; p < topic->partitions; p++)
        is_open = is_open || ends[p].stable != ends[p].high;
    return !is_open;
}

void kafka_settle(mr_log *log)
{
    uint32_t *count;
    const made_topic *topics = made_topics(&count);
    double end_ms = kafka_ms() + SETTLE_MS;
    for (uint32_t i = 0; i < *count; i++)
        while (!is_settled(log, &topics[i]) && kafka_ms() < end_ms)
            usleep(2000);
}

mr_log_writer *kafka_writer(mr_log *log, const char *transactional_id)
{
    mr_writer_options options = {.transactional_id = transactional_id,
                                 .transaction_timeout_ms = 60000}; /* a busy disk is no failure */
    mr_log_writer *writer;
    mr_error err;
    OK(log->class->open_writer(log, &options, &writer, &err), err);
    return writer;
}

mr_log_reader *kafka_reader(mr_log *log)
{
    mr_log_reader *reader;
    mr_error err;
    OK(log->class->open_reader(log, &reader, &err), err);
    return reader;
}

mr_member_event kafka_await(mr_log_member *member, mr_member_event_kind kind)
{
    mr_error err;
    mr_member_event event = {0};
    double end_ms = kafka_ms() + KAFKA_PATIENCE_MS;
    while (event.kind != kind) {
        cr_assert_lt(kafka_ms(), end_ms, "no member event %d", (int)kind);
        OK(member->class->poll(member, 100, &event, &err), err);
    }
    return event;
}

mr_log_member *kafka_member(mr_log *log, const char *group, const char *instance_id,
                            const char *topic)
{
    mr_member_options options = {.group = group, .instance_id = instance_id, .topic = topic};
    mr_log_member *member;
    mr_error err;
    OK(log->class->open_member(log, &options, &member, &err), err);
    kafka_await(member, MR_MEMBER_ASSIGNED);
    return member;
}

void kafka_begin(mr_log_writer *writer)
{
    mr_error err;
    OK(writer->class->begin(writer, &err), err);
}

void kafka_commit(mr_log_writer *writer)
{
    mr_error err;
    OK(writer->class->commit(writer, &err), err);
}

void kafka_abort(mr_log_writer *writer)
{
    mr_error err;
    OK(writer->class->abort(writer, &err), err);
}

void kafka_flush(mr_log_writer *writer)
{
    mr_error err;
    OK(writer->class->flush(writer, KAFKA_PATIENCE_MS, &err), err);
}

void kafka_put(mr_log_writer *writer, const char *topic, int32_t partition, const char *value)
{
    mr_log_record record = {
        .value = value, .value_length = strlen(value), .timestamp_ms = MR_TIME_NONE};
    mr_error err;
    OK(writer->class->produce(writer, topic, partition, &record, 1, &err), err);
}

void kafka_put_committed(mr_log_writer *writer, const char *topic, int32_t partition,
                         const char *value)
{
    kafka_begin(writer);
    kafka_put(writer, topic, partition, value);
    kafka_commit(writer);
}

typedef struct joined {
    char text[65536];
    size_t length;
} joined;

static void join(void *context, const char *value, size_t length)
{
    joined *all = context;
    size_t left = sizeof all->text - all->length;
    int put = snprintf(all->text + all->length, left, "%s%.*s", all->length > 0 ? " " : "",
                       (int)length, value);
    cr_assert(put >= 0 && (size_t)put < left, "more than a test looks at");
    all->length += (size_t)put;
}

static joined *joined_anew(void)
{
    static joined all; /* of this test's own process */
    all.length = 0;
    all.text[0] = '\0';
    return &all;
}

static const char *read_some(mr_log *log, const char *topic, int32_t partition, uint32_t count,
                             int32_t timeout_ms)
{
    joined *all = joined_anew();
    mr_log_reader *reader = kafka_reader(log);
    mr_error err;
    OK(reader->class->add(reader, 0, topic, partition, 0, &err), err);
    double end_ms = kafka_ms() + timeout_ms;
    for (uint32_t seen = 0; seen < count && kafka_ms() < end_ms;) {
        mr_records records;
        OK(reader->class->fetch(reader, count - seen, 50, &records, &err), err);
        for (uint32_t i = 0; i < records.count; i++, seen++)
            join(all, records.record[i].value, records.record[i].value_length);
    }
    reader->class->close(reader);
    return all->text;
}

const char *kafka_read(mr_log *log, const char *topic, int32_t partition, uint32_t count)
{
    return read_some(log, topic, partition, count, KAFKA_PATIENCE_MS);
}

const char *kafka_all(mr_log *log, const char *topic, int32_t partition)
{
    joined *all = joined_anew();
    (void)kafka_each(log, topic, partition, join, all);
    return all->text;
}

const char *kafka_glimpse(mr_log *log, const char *topic, int32_t partition, int32_t timeout_ms)
{
    return read_some(log, topic, partition, UINT32_MAX, timeout_ms);
}

int64_t kafka_end(mr_log *log, const char *topic, int32_t partition)
{
    int64_t offset;
    mr_error err;
    OK(log->class->offset(log, topic, partition, MR_OFFSET_LATEST, &offset, &err), err);
    return offset;
}

int64_t kafka_settled_end(mr_log *log, const char *topic, int32_t partition)
{
    mr_error err;
    mr_log_ends ends = {.topic = topic, .partition = partition};
    double end_ms = kafka_ms() + KAFKA_PATIENCE_MS;
    do {
        OK(log->class->ends(log, &ends, 1, &err), err);
        if (ends.stable != ends.high)
            usleep(20000);
    } while (ends.stable != ends.high && kafka_ms() < end_ms);
    return ends.stable;
}

uint32_t kafka_each(mr_log *log, const char *topic, int32_t partition, kafka_visit visit,
                    void *context)
{
    mr_log_reader *reader = kafka_reader(log);
    mr_error err;
    uint32_t count = 0;
    OK(reader->class->add(reader, 0, topic, partition, 0, &err), err);
    int64_t end = kafka_settled_end(log, topic, partition);
    mr_input_ends ends = {0};
    for (double end_ms = kafka_ms() + KAFKA_PATIENCE_MS;
         ends.position < end && kafka_ms() < end_ms;) {
        mr_records records;
        OK(reader->class->fetch(reader, 4096, 50, &records, &err), err);
        for (uint32_t i = 0; i < records.count; i++, count++)
            if (visit != NULL)
                visit(context, records.record[i].value, records.record[i].value_length);
        OK(reader->class->ends(reader, 0, KAFKA_PATIENCE_MS, &ends, &err), err);
    }
    cr_assert_geq(ends.position, end, "%s is not read to its end", topic);
    reader->class->close(reader);
    return count;
}

double kafka_ms(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (double)now.tv_sec * 1e3 + (double)now.tv_nsec / 1e6;
}
