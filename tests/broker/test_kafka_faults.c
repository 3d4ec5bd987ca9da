/*
 * Goal: the rows of the one error table that the embedded Kafka cannot bring about are brought
 * about by a real one, and arrive where they matter.
 * Method: each function of tests/harness/kafka/real_faults.h causes its error and checks what the
 * port says; the witness must have seen the error in its context.
 */
#include "tests/broker/kafka.h"
#include "tests/harness/kafka/real_faults.h"
#include "tests/harness/kafka/witness.h"

#include <criterion/criterion.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

enum { NOISE = 3000000 };

/* Until the flush, so that what is produced together is a batch, however long producing takes. */
#define LINGER "10000"

/* Bytes that do not compress. */
static char *noise_new(void)
{
    unsigned seed = 1;
    char *noise = malloc(NOISE);
    cr_assert_not_null(noise);
    for (size_t i = 0; i < NOISE; i++)
        noise[i] = (char)rand_r(&seed);
    return noise;
}

static mr_log *open_log(void)
{
    return kafka_open();
}

/* -- administration -- */

static void creating_a_topic_twice(void)
{
    mr_log *log = open_log();
    const char *topic = kafka_topic(log, "twice", 1);
    mr_error err;
    FAILS(log->class->create_topic(log, topic, 1, NULL, &err), err, MR_E_KAFKA_TOPIC_EXISTS,
          MR_RECOVERY_STOP);
    log->class->close(log);
}

static void creating_a_topic_with_a_blank(void)
{
    mr_log *log = open_log();
    mr_error err;
    FAILS(log->class->create_topic(log, "a name", 1, NULL, &err), err, MR_E_KAFKA_OTHER,
          MR_RECOVERY_STOP);
    cr_expect(strstr(err.message, "name"), "%s", err.message);
    log->class->close(log);
}

static void deleting_a_group_at_work(void)
{
    mr_log *log = open_log();
    const char *topic = kafka_topic(log, "state", 1);
    const char *group = kafka_name("group");
    mr_log_member *member = kafka_member(log, group, NULL, topic);
    mr_error err;
    FAILS(log->class->delete_group(log, group, &err), err, MR_E_KAFKA_OTHER, MR_RECOVERY_STOP);
    cr_expect(strstr(err.message, "stop the workers"), "%s", err.message);
    member->class->close(member);
    log->class->close(log);
}

static void trimming_beyond_the_end(void)
{
    mr_log *log = open_log();
    const char *topic = kafka_topic(log, "trim", 1);
    mr_error err;
    FAILS(log->class->trim(log, topic, 0, 1000, &err), err, MR_E_KAFKA_OFFSET_LOST,
          MR_RECOVERY_STOP);
    log->class->close(log);
}

/* The question is put again until the transaction has been open for a second; then what is
 * committed is the answer. */
static void asking_during_a_transaction(void)
{
    mr_log *log = open_log();
    const char *topic = kafka_topic(log, "state", 1);
    const char *group = kafka_name("group");
    mr_log_member *member = kafka_member(log, group, NULL, topic);
    mr_log_writer *writer = kafka_writer(log, kafka_name("tx"));
    mr_log_offset put = {.topic = topic, .offset = 7};
    mr_error err;
    kafka_begin(writer);
    OK(writer->class->send_offsets(writer, member, &put, 1, &err), err);
    mr_log_offset asked = {.topic = topic};
    mr_arena arena = {0};
    OK(log->class->group_offsets(log, group, &asked, 1, &arena, &err), err);
    cr_expect_eq(asked.offset, -1);
    mr_arena_release(&arena);
    kafka_abort(writer);
    writer->class->close(writer);
    member->class->close(member);
    log->class->close(log);
}

/* -- reading -- */

static void expect_read_fails(mr_log *log, const char *topic, mr_status expected)
{
    mr_log_reader *reader = kafka_reader(log);
    mr_error err = {0};
    mr_status status = reader->class->add(reader, 0, topic, 0, 0, &err);
    for (double end_ms = kafka_ms() + KAFKA_PATIENCE_MS; status == MR_OK && kafka_ms() < end_ms;) {
        mr_records records;
        status = reader->class->fetch(reader, 10, 50, &records, &err);
        cr_assert(status != MR_OK || records.count == 0, "it was read");
    }
    cr_expect_eq(status, expected, "MR%d: %s", status, status ? err.message : "");
    cr_expect_eq(err.recovery, MR_RECOVERY_STOP);
    reader->class->close(reader);
}

static void reading_what_was_trimmed(void)
{
    mr_log *log = open_log();
    const char *topic = kafka_topic(log, "trim", 1);
    mr_log_writer *writer = kafka_writer(log, kafka_name("tx"));
    mr_error err;
    kafka_put_committed(writer, topic, 0, "a");
    OK(log->class->trim(log, topic, 0, 1, &err), err);
    expect_read_fails(log, topic, MR_E_KAFKA_OFFSET_LOST);
    writer->class->close(writer);
    log->class->close(log);
}

static uint32_t crc32c(const unsigned char *bytes, size_t length)
{
    uint32_t crc = 0xffffffff;
    for (size_t i = 0; i < length; i++) {
        crc ^= bytes[i];
        for (int bit = 0; bit < 8; bit++)
            crc = crc >> 1 ^ (crc & 1 ? 0x82f63b78 : 0);
    }
    return ~crc;
}

static uint32_t big_endian(const unsigned char *at)
{
    return (uint32_t)at[0] << 24 | (uint32_t)at[1] << 16 | (uint32_t)at[2] << 8 | at[3];
}

/* Spoils the first batch of a topic in the broker's own file. The batch: offset 8, length 4, epoch
 * 4, magic 1, checksum 4 of all that follows, attributes 2 .. records at 61. */
static void spoil(const char *topic, bool has_good_checksum)
{
    enum { LENGTH = 8, CHECKSUM = 17, ATTRIBUTES = 21, RECORDS = 61, FRAME = 7 };
    char path[512];
    unsigned char batch[4096];
    const char *folder = getenv("MILLRACE_TEST_BROKER_DIR");
    cr_assert_not_null(folder, "no broker's folder: set MILLRACE_TEST_BROKER_DIR");
    snprintf(path, sizeof path, "%s/1/data/%s-0/00000000000000000000.log", folder, topic);
    FILE *file = fopen(path, "r+");
    cr_assert_not_null(file, "%s", path);
    size_t length = fread(batch, 1, sizeof batch, file);
    cr_assert_gt(length, RECORDS + FRAME + 8);
    size_t end = LENGTH + 4 + big_endian(batch + LENGTH);
    cr_assert_leq(end, length);
    memset(batch + RECORDS + FRAME, 0xff, 8);
    if (has_good_checksum) {
        cr_assert_eq(batch[ATTRIBUTES + 1] & 7, 3, "the batch is not compressed by lz4");
        uint32_t sum = crc32c(batch + ATTRIBUTES, end - ATTRIBUTES);
        for (int i = 0; i < 4; i++)
            batch[CHECKSUM + i] = (unsigned char)(sum >> (24 - 8 * i));
    }
    cr_assert_eq(fseek(file, 0, SEEK_SET), 0);
    cr_assert_eq(fwrite(batch, 1, end, file), end);
    fclose(file);
}

static void read_spoilt(bool has_good_checksum)
{
    mr_log *log = open_log();
    const char *topic = kafka_topic(log, "spoilt", 1);
    mr_log_writer *writer = kafka_writer(log, kafka_name("tx"));
    char value[1001] = "";
    memset(value, 'a', sizeof value - 1);
    kafka_put_committed(writer, topic, 0, value);
    spoil(topic, has_good_checksum);
    expect_read_fails(log, topic, MR_E_KAFKA_OTHER);
    writer->class->close(writer);
    log->class->close(log);
}

static void reading_a_flipped_bit(void)
{
    read_spoilt(false);
}

static void reading_what_does_not_decompress(void)
{
    read_spoilt(true);
}

/* -- members and their offsets -- */

static void joining_with_a_short_session(void)
{
    mr_log *log = kafka_open_with(
        (const char *const[]){"session.timeout.ms", "1000", "heartbeat.interval.ms", "300", NULL});
    const char *topic = kafka_topic(log, "state", 1);
    mr_member_options options = {.group = kafka_name("group"), .topic = topic};
    mr_log_member *member;
    mr_error err;
    OK(log->class->open_member(log, &options, &member, &err), err);
    mr_status status = MR_OK;
    for (double end_ms = kafka_ms() + KAFKA_PATIENCE_MS; status == MR_OK && kafka_ms() < end_ms;) {
        mr_member_event event;
        status = member->class->poll(member, 50, &event, &err);
    }
    cr_expect_eq(status, MR_E_KAFKA_OTHER, "%d", status);
    cr_expect(status && strstr(err.message, "group.min.session.timeout.ms"), "%s", err.message);
    member->class->close(member);
    log->class->close(log);
}

static void sending_offsets_when_replaced(void)
{
    mr_log *log = open_log();
    const char *topic = kafka_topic(log, "state", 1);
    const char *group = kafka_name("group");
    mr_log_member *old = kafka_member(log, group, "worker", topic);
    mr_log_writer *writer = kafka_writer(log, kafka_name("tx"));
    mr_log_member *new = kafka_member(log, group, "worker", topic);
    mr_log_offset put = {.topic = topic, .offset = 5};
    mr_error err;
    kafka_begin(writer);
    FAILS(writer->class->send_offsets(writer, old, &put, 1, &err), err, MR_E_KAFKA_MEMBER_STALE,
          MR_RECOVERY_EPOCH);
    kafka_abort(writer);
    writer->class->close(writer);
    old->class->close(old);
    new->class->close(new);
    log->class->close(log);
}

static void sending_large_metadata(void)
{
    mr_log *log = open_log();
    const char *topic = kafka_topic(log, "state", 1);
    mr_log_member *member = kafka_member(log, kafka_name("group"), NULL, topic);
    mr_log_writer *writer = kafka_writer(log, kafka_name("tx"));
    char metadata[4098] = "";
    memset(metadata, 'x', sizeof metadata - 1);
    mr_log_offset put = {.topic = topic, .offset = 5, .metadata = metadata};
    mr_error err;
    kafka_begin(writer);
    FAILS(writer->class->send_offsets(writer, member, &put, 1, &err), err, MR_E_KAFKA_OTHER,
          MR_RECOVERY_STOP);
    writer->class->close(writer);
    member->class->close(member);
    log->class->close(log);
}

/* -- writing -- */

static void opening_for_two_hours(void)
{
    mr_log *log = open_log();
    mr_writer_options options = {.transactional_id = kafka_name("tx"),
                                 .transaction_timeout_ms = 7200000};
    mr_log_writer *writer;
    mr_error err;
    FAILS(log->class->open_writer(log, &options, &writer, &err), err, MR_E_KAFKA_OTHER,
          MR_RECOVERY_STOP);
    cr_expect(strstr(err.message, "transaction.max.timeout.ms"), "%s", err.message);
    log->class->close(log);
}

static void committing_after_a_successor(void)
{
    mr_log *log = open_log();
    const char *topic = kafka_topic(log, "fence", 1);
    const char *id = kafka_name("tx");
    mr_log_writer *old = kafka_writer(log, id);
    mr_error err;
    kafka_begin(old);
    kafka_put(old, topic, 0, "never");
    kafka_flush(old);
    mr_log_writer *new = kafka_writer(log, id);
    FAILS(old->class->commit(old, &err), err, MR_E_KAFKA_FENCED, MR_RECOVERY_WRITER);
    old->class->close(old);
    new->class->close(new);
    log->class->close(log);
}

/* What a transaction of these records ends with. */
static mr_status deliver(mr_log *log, const char *topic, const mr_log_record *records,
                         uint32_t count, mr_error *err)
{
    mr_log_writer *writer = kafka_writer(log, kafka_name("tx"));
    kafka_begin(writer);
    mr_status status = writer->class->produce(writer, topic, 0, records, count, err);
    if (status == MR_OK)
        status = writer->class->flush(writer, KAFKA_PATIENCE_MS, err);
    writer->class->close(writer);
    return status;
}

static const char *topic_with(mr_log *log, const char *name, const char *value)
{
    const char *topic = kafka_name("limited");
    const char *configs[] = {name, value, NULL};
    mr_error err;
    OK(log->class->create_topic(log, topic, 1, configs, &err), err);
    return topic;
}

/* Nobody knows which record it was: the next writer makes smaller batches. Then the one that is too
 * large by itself is refused alone. */
static void send_too_much(const char *const *properties, const char *limit, const char *value,
                          size_t small, size_t large)
{
    mr_log *log = kafka_open_with(properties);
    const char *topic = topic_with(log, limit, value);
    char *noise = noise_new();
    mr_log_record records[8];
    for (uint64_t i = 0; i < 8; i++)
        records[i] = (mr_log_record){.value = noise + i * 7,
                                     .value_length = i == 5 ? large : small,
                                     .timestamp_ms = MR_TIME_NONE,
                                     .tag = i};
    mr_error err;
    mr_status status = deliver(log, topic, records, 8, &err);
    cr_expect_eq(status, MR_E_KAFKA_ABORTABLE, "%d %s", status, err.message);
    cr_expect_eq(err.recovery, MR_RECOVERY_WRITER, "%s", err.message);
    status = deliver(log, topic, records, 8, &err);
    cr_expect_eq(status, MR_E_KAFKA_RECORD_REFUSED, "%d %s", status, err.message);
    cr_expect_eq(err.recovery, MR_RECOVERY_RECORD, "%s", err.message);
    OK(deliver(log, topic, records, 5, &err), err);
    free(noise);
    log->class->close(log);
}

static void sending_a_batch_above_the_limit(void)
{
    static const char *const together[] = {"linger.ms", LINGER, NULL};
    send_too_much(together, "max.message.bytes", "10000", 3000, 12000);
}

static void sending_a_batch_above_a_segment(void)
{
    static const char *const large[] = {"message.max.bytes", "2900000", "batch.size", "2900000",
                                        "linger.ms",         LINGER,    NULL};
    mr_log *log = kafka_open_with(large);
    const char *topic = kafka_name("limited");
    static const char *const configs[] = {"segment.bytes", "1048576", "max.message.bytes",
                                          "2900000", NULL};
    mr_error err;
    OK(log->class->create_topic(log, topic, 1, configs, &err), err);
    char *noise = noise_new();
    mr_log_record records[3];
    for (uint64_t i = 0; i < 3; i++)
        records[i] = (mr_log_record){.value = noise + i * 7,
                                     .value_length = i == 2 ? 1200000 : 500000,
                                     .timestamp_ms = MR_TIME_NONE,
                                     .tag = i};
    FAILS(deliver(log, topic, records, 3, &err), err, MR_E_KAFKA_ABORTABLE, MR_RECOVERY_WRITER);
    FAILS(deliver(log, topic, records, 3, &err), err, MR_E_KAFKA_RECORD_REFUSED,
          MR_RECOVERY_RECORD);
    OK(deliver(log, topic, records, 2, &err), err);
    free(noise);
    log->class->close(log);
}

static void sending_a_record_of_long_ago(void)
{
    mr_log *log = open_log();
    const char *topic = topic_with(log, "message.timestamp.before.max.ms", "60000");
    mr_log_record record = {.value = "a", .value_length = 1, .timestamp_ms = 1000};
    mr_error err;
    FAILS(deliver(log, topic, &record, 1, &err), err, MR_E_KAFKA_RECORD_REFUSED,
          MR_RECOVERY_RECORD);
    log->class->close(log);
}

static void sending_beside_a_bad_record(void)
{
    mr_log *log = open_log();
    const char *topic = topic_with(log, "cleanup.policy", "compact");
    mr_log_record records[] = {
        {.key = "k", .key_length = 1, .value = "a", .value_length = 1, .timestamp_ms = 0},
        {.value = "b", .value_length = 1, .timestamp_ms = MR_TIME_NONE},
    };
    records[0].timestamp_ms = MR_TIME_NONE;
    mr_error err;
    FAILS(deliver(log, topic, records, 2, &err), err, MR_E_KAFKA_RECORD_REFUSED,
          MR_RECOVERY_RECORD);
    log->class->close(log);
}

#define REAL(error_name, in_context, function)                                              \
    Test(kafka_faults, function)                                                            \
    {                                                                                       \
        char all[4096];                                                                     \
        function();                                                                         \
        cr_expect(kafka_witness_saw(RD_KAFKA_RESP_ERR_##error_name, in_context), "only %s", \
                  kafka_witness_all(all, sizeof all));                                      \
    }
KAFKA_REAL_FAULTS(REAL)
