/* Goal: transactions on a real Kafka decide, fence and fail as the log port says. */
#include "connectors/kafka/writer/writer.h"
#include "tests/broker/kafka.h"

#include <criterion/criterion.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

static mr_log_writer *open_knocking(mr_log *log, const char *id)
{
    mr_writer_options options = {
        .transactional_id = id, .transaction_timeout_ms = 60000, .knock_first = true};
    mr_log_writer *writer;
    mr_error err;
    OK(log->class->open_writer(log, &options, &writer, &err), err);
    return writer;
}

static void send_offset(mr_log_writer *writer, mr_log_member *member, const char *topic,
                        int64_t offset, const char *metadata)
{
    mr_log_offset put = {.topic = topic, .partition = 0, .offset = offset, .metadata = metadata};
    mr_error err;
    OK(writer->class->send_offsets(writer, member, &put, 1, &err), err);
}

static mr_log_offset committed(mr_log_member *member, const char *topic, mr_arena *arena)
{
    mr_log_offset got = {.topic = topic, .partition = 0};
    mr_error err;
    OK(member->class->committed(member, &got, 1, arena, &err), err);
    return got;
}

Test(kafka_writer, commits_records_and_offsets_with_4096_bytes_of_metadata_together)
{
    mr_log *log = kafka_open();
    const char *topic = kafka_topic(log, "both", 1);
    mr_log_member *member = kafka_member(log, kafka_name("group"), NULL, topic);
    mr_log_writer *writer = kafka_writer(log, kafka_name("tx"));
    char metadata[4097];
    memset(metadata, 'm', 4096);
    metadata[4096] = '\0';
    mr_arena arena = {0};

    kafka_begin(writer);
    kafka_put(writer, topic, 0, "a");
    send_offset(writer, member, topic, 17, metadata);
    kafka_flush(writer);
    cr_expect_str_eq(kafka_glimpse(log, topic, 0, 300), "", "visible before the commit");
    kafka_commit(writer);
    cr_expect_str_eq(kafka_all(log, topic, 0), "a");
    mr_log_offset got = committed(member, topic, &arena);
    cr_expect_eq(got.offset, 17);
    cr_assert_not_null(got.metadata);
    cr_expect_str_eq(got.metadata, metadata);

    kafka_begin(writer);
    kafka_put(writer, topic, 0, "b");
    send_offset(writer, member, topic, 18, "later");
    kafka_abort(writer);
    cr_expect_eq(committed(member, topic, &arena).offset, 17, "an aborted offset counts");
    cr_expect_str_eq(kafka_all(log, topic, 0), "a");
    mr_arena_release(&arena);
    writer->class->close(writer);
    member->class->close(member);
    log->class->close(log);
}

Test(kafka_writer, refuses_longer_metadata_and_stays_usable)
{
    mr_log *log = kafka_open();
    const char *topic = kafka_topic(log, "long", 1);
    mr_log_member *member = kafka_member(log, kafka_name("group"), NULL, topic);
    mr_log_writer *writer = kafka_writer(log, kafka_name("tx"));
    char metadata[4098];
    memset(metadata, 'm', 4097);
    metadata[4097] = '\0';
    mr_log_offset put = {.topic = topic, .offset = 1, .metadata = metadata};
    mr_error err;
    kafka_begin(writer);
    FAILS(writer->class->send_offsets(writer, member, &put, 1, &err), err, MR_E_KAFKA_OTHER,
          MR_RECOVERY_STOP);
    kafka_abort(writer);
    kafka_put_committed(writer, topic, 0, "fine");
    writer->class->close(writer);
    member->class->close(member);
    log->class->close(log);
}

Test(kafka_writer, tells_a_fenced_writer_from_each_verb)
{
    /* 0 begin, 1 commit, 2 send_offsets, 3 abort, 4 flush */
    for (int verb = 0; verb < 5; verb++) {
        mr_log *log = kafka_open();
        const char *topic = kafka_topic(log, "fence", 1);
        const char *id = kafka_name("tx");
        mr_log_member *member = verb == 2 ? kafka_member(log, kafka_name("g"), NULL, topic) : NULL;
        mr_log_writer *old = kafka_writer(log, id);
        kafka_put_committed(old, topic, 0, "a");
        if (verb > 0) {
            kafka_begin(old);
            kafka_put(old, topic, 0, "never");
            kafka_flush(old);
        }
        mr_log_writer *new = kafka_writer(log, id);
        mr_error err;
        mr_status status = MR_OK;
        mr_log_offset put = {.topic = topic, .offset = 1};
        mr_log_record record = {.value = "z", .value_length = 1, .timestamp_ms = MR_TIME_NONE};
        if (verb ==
            0) { /* begin itself sends nothing: the first request of the transaction tells */
            status = old->class->begin(old, &err);
            if (status == MR_OK)
                status = old->class->produce(old, topic, 0, &record, 1, &err);
            if (status == MR_OK)
                status = old->class->commit(old, &err);
        } else if (verb == 1) {
            status = old->class->commit(old, &err);
        } else if (verb == 2) {
            status = old->class->send_offsets(old, member, &put, 1, &err);
        } else if (verb == 3) {
            status = old->class->abort(old, &err);
        } else {
            status = old->class->produce(old, topic, 0, &record, 1, &err);
            if (status == MR_OK)
                status = old->class->flush(old, KAFKA_PATIENCE_MS, &err);
        }
        cr_expect_eq(status, MR_E_KAFKA_FENCED, "verb %d gave %d: %s", verb, status,
                     status ? err.message : "");
        cr_expect_eq(err.recovery, MR_RECOVERY_WRITER, "verb %d", verb);
        kafka_put_committed(new, topic, 0, "b");
        cr_expect_str_eq(kafka_all(log, topic, 0), "a b", "verb %d", verb);
        old->class->close(old);
        new->class->close(new);
        if (member)
            member->class->close(member);
        log->class->close(log);
    }
}

/* A process that leaves a transaction open and is killed. Returns when it is dead. */
static void die_with_an_open_transaction(const char *topic, const char *id)
{
    int ready[2];
    cr_assert_eq(pipe(ready), 0);
    pid_t child = fork();
    if (child == 0) {
        mr_log *log = kafka_open();
        mr_log_writer *writer = kafka_writer(log, id);
        kafka_begin(writer);
        kafka_put(writer, topic, 0, "dead");
        kafka_flush(writer);
        if (write(ready[1], "x", 1) != 1)
            _exit(1);
        pause();
    }
    char byte;
    cr_assert_eq(read(ready[0], &byte, 1), 1);
    kill(child, SIGKILL);
    waitpid(child, NULL, 0);
}

/* librdkafka asks again half a second behind an answer: counted are the questions. The best of
 * many, for on a busy machine the abort may take longer than the way from the knock to the
 * question. */
Test(kafka_writer, knocking_replaces_a_killed_writer_without_the_500_ms)
{
    uint64_t knocked = UINT64_MAX, plain = 0;
    for (int i = 0; i < 20 && (i < 2 || knocked > 1); i++) {
        bool knock = i > 0;
        mr_log *log = kafka_open();
        const char *topic = kafka_topic(log, "killed", 1);
        const char *id = kafka_name("tx");
        die_with_an_open_transaction(topic, id);
        mr_log_writer *writer = knock ? open_knocking(log, id) : kafka_writer(log, id);
        mr_kafka_guard *guard = mr_kafka_writer_guard(writer);
        uint64_t asked = atomic_load(&guard->sent[MR_KAFKA_INIT_PRODUCER]);
        mr_error err;
        kafka_begin(writer);
        kafka_put(writer, topic, 0, "alive");
        mr_status status = writer->class->commit(writer, &err);
        /* Who knocked had no time to go within half a second, and asked once more. */
        bool is_fenced = status == MR_E_KAFKA_FENCED && knock;
        cr_assert(status == MR_OK || is_fenced, "%s", err.message);
        if (is_fenced)
            asked = UINT64_MAX;
        else if (!knock)
            plain = asked;
        else if (asked < knocked)
            knocked = asked;
        cr_expect_str_eq(kafka_all(log, topic, 0), is_fenced ? "" : "alive");
        writer->class->close(writer);
        log->class->close(log);
    }
    cr_expect_gt(plain, 1, "without a knock it is not told to ask again");
    cr_expect_eq(knocked, 1, "it asked %llu times behind a knock", (unsigned long long)knocked);
}

Test(kafka_writer, a_knock_aborts_what_a_dead_writer_left_and_harms_nobody_else)
{
    mr_log *log = kafka_open();
    const char *topic = kafka_topic(log, "knock", 1);
    const char *id = kafka_name("tx");
    mr_error err;
    OK(log->class->knock(log, id, &err), err); /* an id nobody has used */
    die_with_an_open_transaction(topic, id);
    cr_expect_eq(kafka_end(log, topic, 0), 0, "the transaction is not open");
    OK(log->class->knock(log, id, &err), err);
    double end_ms = kafka_ms() + KAFKA_PATIENCE_MS;
    while (kafka_end(log, topic, 0) == 0 && kafka_ms() < end_ms)
        usleep(10000);
    cr_expect_eq(kafka_end(log, topic, 0), 2, "the record and its marker");
    log->class->close(log);
}

Test(kafka_writer, says_which_record_the_client_refuses_and_goes_on_without_it)
{
    mr_log *log = kafka_open();
    const char *topic = kafka_topic(log, "large", 1);
    mr_log_writer *writer = kafka_writer(log, kafka_name("tx"));
    size_t length = 3000000;
    char *large = calloc(1, length);
    mr_log_record records[3] = {
        {.value = "a", .value_length = 1, .timestamp_ms = MR_TIME_NONE, .tag = 1},
        {.value = large, .value_length = length, .timestamp_ms = MR_TIME_NONE, .tag = 2},
        {.value = "c", .value_length = 1, .timestamp_ms = MR_TIME_NONE, .tag = 3}};
    mr_error err;
    kafka_begin(writer);
    OK(writer->class->produce(writer, topic, 0, records, 3, &err), err);
    FAILS(writer->class->commit(writer, &err), err, MR_E_KAFKA_RECORD_REFUSED, MR_RECOVERY_RECORD);
    const mr_log_failure *failures;
    cr_assert_eq(writer->class->failures(writer, &failures), 1);
    cr_expect_eq(failures[0].tag, 2);
    cr_expect_eq(failures[0].status, MR_E_KAFKA_RECORD_REFUSED);
    cr_expect_str_eq(failures[0].topic, topic);
    kafka_abort(writer);
    kafka_begin(writer);
    OK(writer->class->produce(writer, topic, 0, &records[0], 1, &err), err);
    OK(writer->class->produce(writer, topic, 0, &records[2], 1, &err), err);
    kafka_commit(writer);
    cr_expect_str_eq(kafka_all(log, topic, 0), "a c");
    writer->class->close(writer);
    log->class->close(log);
    free(large);
}

Test(kafka_writer, says_which_record_the_broker_refuses)
{
    mr_log *log = kafka_open();
    const char *topic = kafka_name("compacted");
    const char *const configs[] = {"cleanup.policy", "compact", NULL};
    mr_error err;
    OK(log->class->create_topic(log, topic, 1, configs, &err), err);
    mr_log_writer *writer = kafka_writer(log, kafka_name("tx"));
    mr_log_record records[3] = {
        {.key = "k",
         .key_length = 1,
         .value = "a",
         .value_length = 1,
         .timestamp_ms = MR_TIME_NONE,
         .tag = 1},
        {.value = "keyless", .value_length = 7, .timestamp_ms = MR_TIME_NONE, .tag = 2},
        {.key = "k",
         .key_length = 1,
         .value = "c",
         .value_length = 1,
         .timestamp_ms = MR_TIME_NONE,
         .tag = 3}};
    kafka_begin(writer);
    OK(writer->class->produce(writer, topic, 0, records, 3, &err), err);
    FAILS(writer->class->flush(writer, KAFKA_PATIENCE_MS, &err), err, MR_E_KAFKA_RECORD_REFUSED,
          MR_RECOVERY_RECORD);
    const mr_log_failure *failures;
    uint32_t count = writer->class->failures(writer, &failures);
    uint32_t refused = 0;
    for (uint32_t i = 0; i < count; i++)
        if (failures[i].status == MR_E_KAFKA_RECORD_REFUSED) {
            refused++;
            cr_expect_eq(failures[i].tag, 2, "tag %llu: %s", (unsigned long long)failures[i].tag,
                         failures[i].reason);
        }
    cr_expect_eq(refused, 1, "%u of %u failures", refused, count);
    FAILS(writer->class->abort(writer, &err), err, MR_E_KAFKA_ABORTABLE, MR_RECOVERY_WRITER);
    writer->class->close(writer);
    writer = kafka_writer(log, kafka_name("tx"));
    kafka_begin(writer);
    OK(writer->class->produce(writer, topic, 0, &records[0], 1, &err), err);
    kafka_commit(writer);
    writer->class->close(writer);
    log->class->close(log);
}

Test(kafka_writer, finds_the_record_that_is_too_large_for_its_topic)
{
    mr_log *log = kafka_open();
    const char *topic = kafka_name("small");
    const char *id = kafka_name("tx");
    const char *const configs[] = {"max.message.bytes", "10000", NULL};
    mr_error err;
    OK(log->class->create_topic(log, topic, 1, configs, &err), err);
    enum { COUNT = 100, BAD = 37, LENGTH = 20000 };
    unsigned seed = 1;
    char *noise = malloc(LENGTH); /* does not compress */
    for (int i = 0; i < LENGTH; i++)
        noise[i] = (char)rand_r(&seed);
    mr_log_record records[COUNT];
    for (uint64_t i = 0; i < COUNT; i++)
        records[i] = (mr_log_record){.value = noise + i * 90,
                                     .value_length = i == BAD ? 15000 : 500,
                                     .timestamp_ms = MR_TIME_NONE,
                                     .tag = i};
    mr_log_writer *writer = kafka_writer(log, id);
    uint32_t attempts = 0;
    mr_status status = MR_OK;
    while (attempts++ < 5) {
        kafka_begin(writer);
        status = writer->class->produce(writer, topic, 0, records, COUNT, &err);
        if (status == MR_OK)
            status = writer->class->flush(writer, KAFKA_PATIENCE_MS, &err);
        cr_assert_neq(status, MR_OK, "15,000 bytes were taken");
        if (err.recovery != MR_RECOVERY_WRITER)
            break;
        writer->class->close(writer);
        writer = kafka_writer(log, id);
    }
    cr_assert_eq(status, MR_E_KAFKA_RECORD_REFUSED, "%d %s", status, err.message);
    cr_expect_eq(err.recovery, MR_RECOVERY_RECORD);
    cr_expect_leq(attempts, 2);
    const mr_log_failure *failures;
    uint32_t count = writer->class->failures(writer, &failures);
    uint32_t refused = 0;
    for (uint32_t i = 0; i < count; i++)
        if (failures[i].status == MR_E_KAFKA_RECORD_REFUSED) {
            refused++;
            cr_expect_eq(failures[i].tag, BAD);
        }
    cr_expect_eq(refused, 1, "%u of %u", refused, count);
    if (writer->class->abort(writer, &err) != MR_OK) {
        cr_assert_eq(err.recovery, MR_RECOVERY_WRITER);
        writer->class->close(writer);
        writer = kafka_writer(log, id);
    }
    kafka_begin(writer);
    OK(writer->class->produce(writer, topic, 0, records, BAD, &err), err);
    OK(writer->class->produce(writer, topic, 0, records + BAD + 1, COUNT - BAD - 1, &err), err);
    kafka_commit(writer);
    writer->class->close(writer);
    log->class->close(log);
    free(noise);
}

Test(kafka_writer, keeps_order_and_accounts_for_every_byte_while_its_queue_is_full)
{
    const char *const properties[] = {"queue.buffering.max.messages", "500", NULL};
    mr_log *log = kafka_open_with(properties);
    const char *topic = kafka_topic(log, "full", 1);
    mr_log_writer *writer = kafka_writer(log, kafka_name("tx"));
    mr_error err;
    enum { COUNT = 20000 };
    char(*texts)[8] = calloc(COUNT, sizeof *texts);
    mr_log_record *records = calloc(COUNT, sizeof *records);
    for (int i = 0; i < COUNT; i++) {
        int n = snprintf(texts[i], sizeof texts[i], "%d", i);
        records[i] = (mr_log_record){
            .value = texts[i], .value_length = (size_t)n, .timestamp_ms = MR_TIME_NONE};
    }
    kafka_begin(writer);
    OK(writer->class->produce(writer, topic, 0, records, COUNT, &err), err);
    kafka_flush(writer);
    cr_expect_eq(writer->class->queued_bytes(writer), 0);
    cr_expect_eq(writer->class->last_offset(writer, topic, 0), COUNT - 1);
    kafka_commit(writer);

    mr_log_reader *reader = kafka_reader(log);
    OK(reader->class->add(reader, 0, topic, 0, 0, &err), err);
    int next = 0;
    double end_ms = kafka_ms() + KAFKA_PATIENCE_MS;
    while (next < COUNT && kafka_ms() < end_ms) {
        mr_records got;
        OK(reader->class->fetch(reader, 4096, 100, &got, &err), err);
        for (uint32_t i = 0; i < got.count; i++, next++)
            cr_assert(got.record[i].value_length == records[next].value_length &&
                          memcmp(got.record[i].value, texts[next], records[next].value_length) == 0,
                      "record %d is another", next);
    }
    cr_expect_eq(next, COUNT);
    reader->class->close(reader);
    writer->class->close(writer);
    log->class->close(log);
    free(records);
    free(texts);
}

Test(kafka_writer, runs_transactions_back_to_back_without_the_100_ms_backoff)
{
    mr_log *log = kafka_open();
    const char *topic = kafka_topic(log, "fast", 1);
    mr_log_member *member = kafka_member(log, kafka_name("group"), NULL, topic);
    mr_log_writer *writer = kafka_writer(log, kafka_name("tx"));
    enum { COUNT = 50, QUICK = 5 };
    int quick = 0; /* a backoff would be in nearly each of them, a busy machine is not in all */
    for (int i = 0; i < COUNT; i++) {
        double start_ms = kafka_ms();
        kafka_begin(writer);
        kafka_put(writer, topic, 0, "x");
        send_offset(writer, member, topic, i, "v1|1");
        kafka_commit(writer);
        quick += kafka_ms() - start_ms < 95;
    }
    cr_expect_geq(quick, QUICK, "%d of %d took less than the backoff", quick, COUNT);
    cr_expect_eq(mr_kafka_guard_unanswered(mr_kafka_writer_guard(writer)), 0);
    writer->class->close(writer);
    member->class->close(member);
    log->class->close(log);
}
