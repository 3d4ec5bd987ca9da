/* Goal: each administrative verb does on a real Kafka what the log port promises. */
#include "tests/broker/kafka.h"

#include <criterion/criterion.h>
#include <string.h>

Test(kafka_admin, describes_a_topic_and_says_when_there_is_none)
{
    mr_log *log = kafka_open();
    const char *topic = kafka_topic(log, "facts", 3);
    mr_topic_facts facts;
    mr_error err;
    OK(log->class->describe(log, topic, &facts, &err), err);
    cr_expect(facts.exists);
    cr_expect_eq(facts.partitions, 3);
    OK(log->class->describe(log, kafka_name("nobody"), &facts, &err), err);
    cr_expect_not(facts.exists);
    cr_expect_eq(facts.partitions, 0);
    log->class->close(log);
}

/* Another log makes and deletes what was looked at: for a moment this one does not know. */
Test(kafka_admin, tells_of_expected_topics_what_was_found_at_once)
{
    mr_log *log = kafka_open(), *other = kafka_open();
    const char *const topics[] = {kafka_topic(log, "expected", 3), kafka_name("awaited"),
                                  kafka_topic(log, "second", 1)};
    mr_topic_facts facts;
    mr_error err;
    double start_ms = kafka_ms();
    log->class->expect(log, topics, 3);
    OK(other->class->create_topic(other, topics[1], 2, NULL, &err), err);
    OK(log->class->describe(log, topics[0], &facts, &err), err);
    cr_expect(facts.exists && facts.partitions == 3);
    OK(log->class->describe(log, topics[1], &facts, &err), err);
    if (kafka_ms() - start_ms < 900) /* a slow machine has asked once more */
        cr_expect_not(facts.exists, "it was asked for twice within a second");
    FAILS(log->class->create_topic(log, topics[1], 2, NULL, &err), err, MR_E_KAFKA_TOPIC_EXISTS,
          MR_RECOVERY_STOP);
    OK(log->class->describe(log, topics[1], &facts, &err), err);
    cr_expect(facts.exists && facts.partitions == 2, "what it tried to make is looked at anew");
    OK(log->class->delete_topic(log, topics[2], &err), err);
    OK(log->class->describe(log, topics[2], &facts, &err), err);
    cr_expect_not(facts.exists, "what it deleted itself is gone");
    other->class->close(other);
    log->class->close(log);
}

Test(kafka_admin, creates_a_topic_once_and_deletes_it)
{
    mr_log *log = kafka_open();
    const char *topic = kafka_name("made");
    const char *const configs[] = {"retention.ms", "-1", NULL};
    mr_topic_facts facts;
    mr_error err;
    OK(log->class->create_topic(log, topic, 2, configs, &err), err);
    FAILS(log->class->create_topic(log, topic, 2, configs, &err), err, MR_E_KAFKA_TOPIC_EXISTS,
          MR_RECOVERY_STOP);
    OK(log->class->delete_topic(log, topic, &err), err);
    OK(log->class->describe(log, topic, &facts, &err), err);
    cr_expect_not(facts.exists);
    FAILS(log->class->delete_topic(log, topic, &err), err, MR_E_KAFKA_TOPIC_MISSING,
          MR_RECOVERY_STOP);
    log->class->close(log);
}

Test(kafka_admin, names_the_address_when_no_broker_answers)
{
    mr_kafka_config config = {.bootstrap = "127.0.0.1:1"};
    mr_log *log;
    mr_topic_facts facts;
    mr_error err;
    OK(mr_kafka_log_open(&config, &log, &err), err);
    double start_ms = kafka_ms();
    FAILS(log->class->describe(log, "any", &facts, &err), err, MR_E_KAFKA_UNREACHABLE,
          MR_RECOVERY_RETRY);
    cr_expect(strstr(err.message, "127.0.0.1:1"), "%s", err.message);
    cr_expect_lt(kafka_ms() - start_ms, 40000, "told by a timeout"); /* librdkafka's is a minute */
    log->class->close(log);
}

Test(kafka_admin, trims_below_an_offset_and_reading_there_is_offset_lost)
{
    mr_log *log = kafka_open();
    const char *topic = kafka_topic(log, "trim", 1);
    mr_log_writer *writer = kafka_writer(log, NULL);
    for (int i = 0; i < 5; i++)
        kafka_put(writer, topic, 0, "x");
    kafka_flush(writer);
    writer->class->close(writer);
    mr_error err;
    int64_t offset;
    OK(log->class->trim(log, topic, 0, 3, &err), err);
    OK(log->class->offset(log, topic, 0, MR_OFFSET_EARLIEST, &offset, &err), err);
    cr_expect_eq(offset, 3);
    FAILS(log->class->trim(log, topic, 0, 99, &err), err, MR_E_KAFKA_OFFSET_LOST, MR_RECOVERY_STOP);

    mr_log_reader *reader = kafka_reader(log);
    OK(reader->class->add(reader, 7, topic, 0, 1, &err), err);
    mr_records records;
    mr_status status = MR_OK;
    double end_ms = kafka_ms() + KAFKA_PATIENCE_MS;
    while (status == MR_OK && kafka_ms() < end_ms) {
        status = reader->class->fetch(reader, 10, 100, &records, &err);
        cr_assert(status != MR_OK || records.count == 0, "a trimmed record came back");
    }
    cr_expect_eq(status, MR_E_KAFKA_OFFSET_LOST);
    cr_expect(strstr(err.message, topic));
    reader->class->close(reader);
    log->class->close(log);
}

Test(kafka_admin, finds_the_offset_of_a_time_and_the_end_behind_all)
{
    mr_log *log = kafka_open();
    const char *topic = kafka_topic(log, "times", 1);
    mr_log_writer *writer = kafka_writer(log, NULL);
    mr_error err;
    for (int64_t i = 0; i < 4; i++) {
        mr_log_record record = {
            .value = "v", .value_length = 1, .timestamp_ms = 1700000000000 + i * 1000};
        OK(writer->class->produce(writer, topic, 0, &record, 1, &err), err);
    }
    kafka_flush(writer);
    writer->class->close(writer);
    int64_t offset;
    OK(log->class->offset_at(log, topic, 0, 1700000001001, &offset, &err), err);
    cr_expect_eq(offset, 2);
    OK(log->class->offset_at(log, topic, 0, 1700000009000, &offset, &err), err);
    cr_expect_eq(offset, 4);
    log->class->close(log);
}

Test(kafka_admin, reads_offsets_of_a_group_and_deletes_it_when_empty)
{
    mr_log *log = kafka_open();
    const char *topic = kafka_topic(log, "groups", 2);
    const char *group = kafka_name("group");
    mr_log_member *member = kafka_member(log, group, NULL, topic);
    mr_log_offset put = {.topic = topic, .partition = 1, .offset = 42, .metadata = "v1|a"};
    mr_error err;
    OK(member->class->commit(member, &put, 1, &err), err);

    mr_arena arena = {0};
    mr_log_offset got[2] = {{.topic = topic, .partition = 0}, {.topic = topic, .partition = 1}};
    OK(log->class->group_offsets(log, group, got, 2, &arena, &err), err);
    cr_expect_eq(got[0].offset, -1);
    cr_expect_eq(got[1].offset, 42);
    cr_expect_str_eq(got[1].metadata, "v1|a");

    cr_expect_neq(log->class->delete_group(log, group, &err), MR_OK, "a live group was deleted");
    member->class->close(member);
    OK(log->class->delete_group(log, group, &err), err);
    OK(log->class->delete_group(log, group, &err), err);
    OK(log->class->group_offsets(log, group, got, 2, &arena, &err), err);
    cr_expect_eq(got[1].offset, -1);
    cr_expect_null(got[1].metadata);
    mr_arena_release(&arena);
    log->class->close(log);
}
