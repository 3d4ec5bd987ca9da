/*
 * Goal: membership by the protocol of Kafka 4 (group.protocol = consumer, decision 0018) on a real
 * Kafka: partitions come and go singly, the fence moves with the member epoch, an instance id that
 * is held is waited for.
 * Method: where the librdkafka at hand is too old, each test sees that it is refused, and no more.
 */
#include "connectors/kafka/client/settings.h"
#include "tests/broker/kafka.h"

#include <criterion/criterion.h>
#include <string.h>

static const char *const CONSUMER[] = {"group.protocol", "consumer", NULL};

/* NULL: it was refused, as it must be with this library. */
static mr_log *open_or_refused(void)
{
    if (rd_kafka_version() >= MR_KAFKA_CONSUMER_PROTOCOL_SINCE)
        return kafka_open_with(CONSUMER);
    mr_kafka_config config = {.bootstrap = "127.0.0.1:1", .properties = CONSUMER};
    mr_log *log;
    mr_error err;
    FAILS(mr_kafka_log_open(&config, &log, &err), err, MR_E_SETTING, MR_RECOVERY_STOP);
    cr_assert(strstr(err.message, "librdkafka 2.12"), "%s", err.message);
    return NULL;
}

static mr_log_member *join(mr_log *log, const char *group, const char *instance, const char *topic)
{
    mr_member_options options = {.group = group, .instance_id = instance, .topic = topic};
    mr_log_member *member;
    mr_error err;
    OK(log->class->open_member(log, &options, &member, &err), err);
    return member;
}

/* Polls once, releases what is revoked, and notes what it owns now. */
static void tend(mr_log_member *member, mr_member_event *owned)
{
    mr_error err;
    mr_member_event event;
    OK(member->class->poll(member, 50, &event, &err), err);
    cr_assert_neq(event.kind, MR_MEMBER_LOST);
    if (event.kind == MR_MEMBER_REVOKED)
        OK(member->class->release(member, &err), err);
    if (event.kind == MR_MEMBER_ASSIGNED)
        *owned = event;
}

static void settle(mr_log_member *one, uint32_t count_one, mr_log_member *two, uint32_t count_two)
{
    mr_member_event first = {.partitions_count = 99}, second = {.partitions_count = 99};
    for (double end_ms = kafka_ms() + KAFKA_PATIENCE_MS;
         first.partitions_count != count_one || second.partitions_count != count_two;) {
        cr_assert_lt(kafka_ms(), end_ms, "they own %u and %u", first.partitions_count,
                     second.partitions_count);
        tend(one, &first);
        if (two != NULL)
            tend(two, &second);
        else
            second.partitions_count = count_two;
    }
}

static void commit(mr_log_writer *writer, mr_log_member *member, const char *topic, int64_t offset)
{
    mr_error err;
    mr_log_offset put = {.topic = topic, .offset = offset, .metadata = "v1"};
    kafka_begin(writer);
    OK(writer->class->send_offsets(writer, member, &put, 1, &err), err);
    kafka_commit(writer);
}

static int64_t committed(mr_log *log, const char *group, const char *topic)
{
    mr_error err;
    mr_arena arena = {0};
    mr_log_offset got = {.topic = topic};
    OK(log->class->group_offsets(log, group, &got, 1, &arena, &err), err);
    mr_arena_release(&arena);
    return got.offset;
}

Test(kafka_protocol, gives_up_what_another_gets_and_keeps_the_rest)
{
    mr_log *log = open_or_refused();
    if (log == NULL)
        return;
    const char *topic = kafka_topic(log, "state", 4);
    const char *group = kafka_name("group");
    mr_error err;
    mr_log_member *one = kafka_member(log, group, NULL, topic);
    mr_log_writer *writer = kafka_writer(log, kafka_name("tx"));
    commit(writer, one, topic, 1);
    mr_log_member *two = join(log, group, NULL, topic);
    mr_member_event event = {0};
    for (double end_ms = kafka_ms() + KAFKA_PATIENCE_MS; event.kind != MR_MEMBER_REVOKED;) {
        cr_assert_lt(kafka_ms(), end_ms, "nothing was revoked");
        OK(two->class->poll(two, 50, &event, &err), err);
        OK(one->class->poll(one, 50, &event, &err), err);
    }
    commit(writer, one, topic, 2); /* the last word on what is given up */
    OK(one->class->release(one, &err), err);
    mr_log_offset put = {.topic = topic, .offset = 3};
    kafka_begin(writer);
    FAILS(writer->class->send_offsets(writer, one, &put, 1, &err), err, MR_E_KAFKA_MEMBER_STALE,
          MR_RECOVERY_EPOCH);
    kafka_abort(writer);
    event = kafka_await(one, MR_MEMBER_ASSIGNED); /* what is left */
    cr_assert_eq(event.partitions_count, 2);
    cr_expect_lt(event.partitions[0], event.partitions[1]);
    cr_assert_eq(kafka_await(two, MR_MEMBER_ASSIGNED).partitions_count, 2);
    /* The member epoch has moved, of which nobody told it. */
    commit(writer, one, topic, 4);
    uint32_t count = 0;
    OK(log->class->group_members(log, group, &count, &err), err);
    cr_expect_eq(count, 2);
    two->class->close(two);
    cr_assert_eq(kafka_await(one, MR_MEMBER_ASSIGNED).partitions_count, 4); /* none revoked */
    commit(writer, one, topic, 5);
    cr_expect_eq(committed(log, group, topic), 5);
    writer->class->close(writer);
    one->class->close(one);
    log->class->close(log);
}

Test(kafka_protocol, static_is_back_with_its_partitions_and_no_other_moves)
{
    mr_log *log = open_or_refused();
    if (log == NULL)
        return;
    const char *topic = kafka_topic(log, "state", 4);
    const char *group = kafka_name("group");
    const char *names[] = {kafka_name("instance"), kafka_name("instance")};
    mr_log_member *one = kafka_member(log, group, names[0], topic);
    mr_log_member *two = join(log, group, names[1], topic);
    settle(one, 2, two, 2);
    two->class->close(two);
    two = join(log, group, names[1], topic);
    mr_member_event event = {0}, other = {0};
    mr_error err;
    for (double end_ms = kafka_ms() + KAFKA_PATIENCE_MS; event.kind != MR_MEMBER_ASSIGNED;) {
        cr_assert_lt(kafka_ms(), end_ms, "it is not back");
        OK(two->class->poll(two, 50, &event, &err), err);
        OK(one->class->poll(one, 50, &other, &err), err);
        cr_assert_eq(other.kind, MR_MEMBER_NOTHING);
    }
    cr_expect_eq(event.partitions_count, 2);
    two->class->close(two);
    one->class->close(one);
    log->class->close(log);
}

Test(kafka_protocol, an_instance_id_that_is_held_is_waited_for_and_its_holder_goes_on)
{
    mr_log *log = open_or_refused();
    if (log == NULL)
        return;
    const char *topic = kafka_topic(log, "state", 2);
    const char *group = kafka_name("group");
    const char *instance = kafka_name("instance");
    mr_error err;
    mr_log_member *holder = kafka_member(log, group, instance, topic);
    mr_log_writer *writer = kafka_writer(log, kafka_name("tx"));
    mr_log_member *next = join(log, group, instance, topic);
    mr_member_event event;
    for (double end_ms = kafka_ms() + 3000; kafka_ms() < end_ms;) {
        OK(next->class->poll(next, 50, &event, &err), err);
        cr_assert_neq(event.kind, MR_MEMBER_ASSIGNED, "two members have one instance id");
        OK(holder->class->poll(holder, 50, &event, &err), err);
        cr_assert_eq(event.kind, MR_MEMBER_NOTHING, "its holder was disturbed");
    }
    commit(writer, holder, topic, 7);
    holder->class->close(holder);
    cr_assert_eq(kafka_await(next, MR_MEMBER_ASSIGNED).partitions_count, 2);
    commit(writer, next, topic, 8);
    cr_expect_eq(committed(log, group, topic), 8);
    writer->class->close(writer);
    next->class->close(next);
    log->class->close(log);
}

Test(kafka_protocol, a_member_that_was_not_polled_loses_all_and_may_not_commit)
{
    mr_log *log = open_or_refused();
    if (log == NULL)
        return;
    log->class->close(log);
    const char *const hasty[] = {"group.protocol", "consumer", "max.poll.interval.ms", "6000",
                                 NULL};
    log = kafka_open_with(hasty);
    const char *topic = kafka_topic(log, "state", 2);
    const char *group = kafka_name("group");
    mr_error err;
    mr_log_member *member = kafka_member(log, group, NULL, topic);
    mr_log_writer *writer = kafka_writer(log, kafka_name("tx"));
    commit(writer, member, topic, 3);
    mr_log_offset put = {.topic = topic, .offset = 4};
    mr_status status = MR_OK; /* until it has left its group, whenever that is */
    for (double end_ms = kafka_ms() + KAFKA_PATIENCE_MS; status == MR_OK;) {
        cr_assert_lt(kafka_ms(), end_ms, "it is still taken for a member");
        kafka_begin(writer);
        status = writer->class->send_offsets(writer, member, &put, 1, &err);
        kafka_abort(writer);
    }
    cr_expect_eq(status, MR_E_KAFKA_MEMBER_STALE, "%d: %s", status, err.message);
    kafka_await(member, MR_MEMBER_LOST);
    FAILS(member->class->commit(member, &put, 1, &err), err, MR_E_KAFKA_MEMBER_STALE,
          MR_RECOVERY_EPOCH);
    OK(member->class->release(member, &err), err);
    cr_expect_eq(kafka_await(member, MR_MEMBER_ASSIGNED).partitions_count, 2);
    commit(writer, member, topic, 5);
    cr_expect_eq(committed(log, group, topic), 5);
    writer->class->close(writer);
    member->class->close(member);
    log->class->close(log);
}
