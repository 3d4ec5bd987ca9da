/* Goal: on a real Kafka, records lie in the partitions that their keys, or the lack of one, ask
 * for. */
#include "connectors/memory/partitioner.h"
#include "tests/broker/kafka.h"

#include <criterion/criterion.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

Test(kafka_partitions, sends_keys_where_java_producers_send_them)
{
    /* Expected partitions of 8: murmur2 of the UTF-8 key, made positive, modulo 8, as the Java
     * client's built-in partitioner has it. */
    static const struct {
        const char *key;
        int32_t partition;
    } cases[] = {{"21", -1}, {"foobar", -1}, {"a-little-bit-long-string", -1}, {"abc", -1}};
    static const uint32_t hashes[] = {(uint32_t)-973932308, (uint32_t)-790332482,
                                      (uint32_t)-985981536, 479470107};
    mr_log *log = kafka_open();
    const char *topic = kafka_topic(log, "murmur", 8);
    mr_log_writer *writer = kafka_writer(log, NULL);
    mr_error err;
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        mr_log_record record = {.key = cases[i].key,
                                .key_length = strlen(cases[i].key),
                                .value = cases[i].key,
                                .value_length = strlen(cases[i].key),
                                .timestamp_ms = MR_TIME_NONE};
        OK(writer->class->produce(writer, topic, MR_PARTITION_BY_KEY, &record, 1, &err), err);
    }
    kafka_flush(writer);
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        int32_t partition = (int32_t)((hashes[i] & 0x7fffffff) % 8);
        const char *found = kafka_all(log, topic, partition);
        cr_expect(strstr(found, cases[i].key), "%s is not in %d: \"%s\"", cases[i].key, partition,
                  found);
    }
    writer->class->close(writer);
    log->class->close(log);
}

/* Oracle: the simulated log's own murmur2, which shares nothing with librdkafka's. */
Test(kafka_partitions, spreads_a_run_by_key_and_keeps_the_order_of_each_key)
{
    enum { COUNT = 5000, KEYS = 40, PARTITIONS = 8 };
    mr_log *log = kafka_open();
    const char *topic = kafka_topic(log, "spread", PARTITIONS);
    mr_log_writer *writer = kafka_writer(log, kafka_name("tx"));
    char(*keys)[8] = calloc(COUNT, sizeof *keys), (*values)[8] = calloc(COUNT, sizeof *values);
    mr_log_record *records = calloc(COUNT, sizeof *records);
    mr_error err;
    for (int i = 0; i < COUNT; i++) {
        records[i] =
            (mr_log_record){.key = keys[i], .value = values[i], .timestamp_ms = MR_TIME_NONE};
        records[i].key_length = (size_t)snprintf(keys[i], sizeof keys[i], "k%d", i * 7 % KEYS);
        records[i].value_length = (size_t)snprintf(values[i], sizeof values[i], "%d", i);
    }
    kafka_begin(writer);
    OK(writer->class->produce(writer, topic, MR_PARTITION_BY_KEY, records, COUNT, &err), err);
    kafka_commit(writer);
    mr_log_reader *reader = kafka_reader(log);
    for (uint32_t p = 0; p < PARTITIONS; p++)
        OK(reader->class->add(reader, p, topic, (int32_t)p, 0, &err), err);
    int last[KEYS], seen = 0;
    memset(last, -1, sizeof last);
    for (double end_ms = kafka_ms() + KAFKA_PATIENCE_MS; seen < COUNT && kafka_ms() < end_ms;) {
        mr_records got;
        OK(reader->class->fetch(reader, 4096, 100, &got, &err), err);
        for (uint32_t i = 0; i < got.count; i++, seen++) {
            const mr_record *record = &got.record[i];
            int key = atoi(record->key + 1), value = atoi(record->value);
            cr_assert_eq(got.partition,
                         mr_memory_partition_of_key(record->key, record->key_length, PARTITIONS));
            cr_assert_eq(value * 7 % KEYS, key);
            cr_assert_gt(value, last[key], "key %d: %d after %d", key, value, last[key]);
            last[key] = value;
        }
    }
    cr_expect_eq(seen, COUNT);
    reader->class->close(reader);
    writer->class->close(writer);
    log->class->close(log);
    free(records);
    free(keys);
    free(values);
}

Test(kafka_partitions, keeps_records_without_key_together_and_still_uses_all_partitions)
{
    enum { CALLS = 60, COUNT = 100, PARTITIONS = 3 };
    mr_log *log = kafka_open();
    const char *topic = kafka_topic(log, "keyless", PARTITIONS);
    mr_log_writer *writer = kafka_writer(log, kafka_name("tx"));
    mr_log_record records[COUNT];
    mr_error err;
    for (int i = 0; i < COUNT; i++)
        records[i] = (mr_log_record){.value = "x", .value_length = 1, .timestamp_ms = MR_TIME_NONE};
    kafka_begin(writer);
    for (int i = 0; i < CALLS; i++, usleep(3000))
        OK(writer->class->produce(writer, topic, MR_PARTITION_BY_KEY, records, COUNT, &err), err);
    kafka_flush(writer);
    int64_t total = 0;
    for (int32_t p = 0; p < PARTITIONS; p++) {
        int64_t last = writer->class->last_offset(writer, topic, p);
        cr_expect_geq(last, COUNT - 1, "partition %d got %lld records", p, (long long)last + 1);
        total += last + 1;
    }
    cr_expect_eq(total, CALLS * COUNT);
    kafka_commit(writer);
    writer->class->close(writer);
    log->class->close(log);
}
