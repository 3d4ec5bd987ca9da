/* Goal: membership on a real Kafka: assignments, the fence of stale members, static members. */
#include "tests/broker/kafka.h"

#include <criterion/criterion.h>
#include <string.h>
#include <unistd.h>

static mr_log_member *join(mr_log *log, const char *group, const char *instance, const char *topic)
{
    mr_member_options options = {.group = group, .instance_id = instance, .topic = topic};
    mr_log_member *member;
    mr_error err;
    OK(log->class->open_member(log, &options, &member, &err), err);
    return member;
}

Test(kafka_member, gets_all_partitions_alone_and_shares_them_with_a_second)
{
    mr_log *log = kafka_open();
    const char *topic = kafka_topic(log, "state", 4);
    const char *group = kafka_name("group");
    mr_error err;
    mr_log_member *one = join(log, group, NULL, topic);
    mr_member_event event = kafka_await(one, MR_MEMBER_ASSIGNED);
    cr_assert_eq(event.partitions_count, 4);
    for (int32_t p = 0; p < 4; p++)
        cr_expect_eq(event.partitions[p], p);

    mr_log_member *two = join(log, group, NULL, topic);
    bool has_first = false, has_second = false;
    uint32_t count_one = 0, count_two = 0;
    double end_ms = kafka_ms() + KAFKA_PATIENCE_MS;
    while (!(has_first && has_second) && kafka_ms() < end_ms) {
        OK(one->class->poll(one, 50, &event, &err), err);
        if (event.kind == MR_MEMBER_REVOKED)
            OK(one->class->release(one, &err), err);
        if (event.kind == MR_MEMBER_ASSIGNED) {
            has_first = true;
            count_one = event.partitions_count;
        }
        OK(two->class->poll(two, 50, &event, &err), err);
        if (event.kind == MR_MEMBER_ASSIGNED) {
            has_second = true;
            count_two = event.partitions_count;
        }
    }
    cr_expect_eq(count_one, 2);
    cr_expect_eq(count_two, 2);

    two->class->close(two); /* leaves: the first gets all again */
    kafka_await(one, MR_MEMBER_REVOKED);
    OK(one->class->release(one, &err), err);
    cr_expect_eq(kafka_await(one, MR_MEMBER_ASSIGNED).partitions_count, 4);
    one->class->close(one);
    log->class->close(log);
}

Test(kafka_member, may_commit_in_a_revoke_and_not_after_the_release)
{
    mr_log *log = kafka_open();
    const char *topic = kafka_topic(log, "state", 2);
    const char *group = kafka_name("group");
    mr_error err;
    mr_log_member *one = kafka_member(log, group, NULL, topic);
    mr_log_writer *writer = kafka_writer(log, kafka_name("tx"));
    mr_log_member *two = join(log, group, NULL, topic);
    mr_member_event event = {0};
    double end_ms = kafka_ms() + KAFKA_PATIENCE_MS;
    while (event.kind != MR_MEMBER_REVOKED && kafka_ms() < end_ms) {
        OK(two->class->poll(two, 20, &event, &err), err);
        OK(one->class->poll(one, 50, &event, &err), err);
    }
    cr_assert_eq(event.kind, MR_MEMBER_REVOKED);
    mr_log_offset put = {.topic = topic, .offset = 5, .metadata = "v1"};
    kafka_begin(writer);
    OK(writer->class->send_offsets(writer, one, &put, 1, &err), err);
    kafka_commit(writer);
    OK(one->class->release(one, &err), err);
    put.offset = 6;
    kafka_begin(writer);
    FAILS(writer->class->send_offsets(writer, one, &put, 1, &err), err, MR_E_KAFKA_MEMBER_STALE,
          MR_RECOVERY_EPOCH);
    kafka_abort(writer);
    FAILS(one->class->commit(one, &put, 1, &err), err, MR_E_KAFKA_MEMBER_STALE, MR_RECOVERY_EPOCH);
    mr_arena arena = {0};
    OK(log->class->group_offsets(log, group, &put, 1, &arena, &err), err);
    cr_expect_eq(put.offset, 5);
    mr_arena_release(&arena);
    writer->class->close(writer);
    one->class->close(one);
    two->class->close(two);
    log->class->close(log);
}

Test(kafka_member, that_missed_a_rebalance_is_refused_and_its_writer_stays_usable)
{
    mr_log *log = kafka_open_with(
        (const char *const[]){"session.timeout.ms", "6000", "max.poll.interval.ms", "6000", NULL});
    const char *topic = kafka_topic(log, "state", 2);
    const char *group = kafka_name("group");
    mr_error err;
    mr_log_member *stale = kafka_member(log, group, NULL, topic);
    mr_log_writer *writer = kafka_writer(log, kafka_name("tx"));
    /* Not polled any more: after max.poll.interval.ms the group goes on without it. */
    mr_log_member *other = join(log, group, NULL, topic);
    mr_member_event event = {0};
    double end_ms = kafka_ms() + KAFKA_PATIENCE_MS;
    while (!(event.kind == MR_MEMBER_ASSIGNED && event.partitions_count == 2) &&
           kafka_ms() < end_ms) {
        OK(other->class->poll(other, 100, &event, &err), err);
        if (event.kind == MR_MEMBER_REVOKED)
            OK(other->class->release(other, &err), err);
    }
    cr_assert_eq(event.partitions_count, 2, "the other member did not take over");
    mr_log_offset put = {.topic = topic, .offset = 5};
    kafka_begin(writer);
    kafka_put(writer, topic, 0, "never");
    FAILS(writer->class->send_offsets(writer, stale, &put, 1, &err), err, MR_E_KAFKA_MEMBER_STALE,
          MR_RECOVERY_EPOCH);
    kafka_abort(writer);
    kafka_put_committed(writer, topic, 0, "fine");
    /* It was told to give up before it was put out, or on a slow machine behind it. */
    for (end_ms = kafka_ms() + KAFKA_PATIENCE_MS;
         event.kind != MR_MEMBER_REVOKED && event.kind != MR_MEMBER_LOST;) {
        cr_assert_lt(kafka_ms(), end_ms, "it hears nothing");
        OK(stale->class->poll(stale, 100, &event, &err), err);
    }
    OK(stale->class->release(stale, &err), err);
    cr_expect_str_eq(kafka_all(log, topic, 0), "fine");
    writer->class->close(writer);
    stale->class->close(stale);
    other->class->close(other);
    log->class->close(log);
}

Test(kafka_member, that_was_not_polled_for_too_long_hears_that_its_partitions_are_lost)
{
    mr_log *log = kafka_open_with(
        (const char *const[]){"session.timeout.ms", "6000", "max.poll.interval.ms", "6000", NULL});
    const char *topic = kafka_topic(log, "state", 2);
    mr_error err;
    mr_log_member *member = kafka_member(log, kafka_name("group"), NULL, topic);
    mr_log_writer *writer = kafka_writer(log, kafka_name("tx"));
    usleep(6500000);
    mr_log_offset put = {.topic = topic, .offset = 5};
    mr_status status = MR_OK; /* until it has left its group, whenever that is */
    for (double end_ms = kafka_ms() + KAFKA_PATIENCE_MS; status == MR_OK; usleep(100000)) {
        cr_assert_lt(kafka_ms(), end_ms, "it is still taken for a member");
        kafka_begin(writer);
        status = writer->class->send_offsets(writer, member, &put, 1, &err);
        kafka_abort(writer);
    }
    cr_expect_eq(status, MR_E_KAFKA_MEMBER_STALE, "%d: %s", status, err.message);
    cr_expect_eq(err.recovery, MR_RECOVERY_EPOCH);
    kafka_await(member, MR_MEMBER_LOST);
    OK(member->class->release(member, &err), err);
    cr_expect_eq(kafka_await(member, MR_MEMBER_ASSIGNED).partitions_count, 2);
    kafka_begin(writer);
    OK(writer->class->send_offsets(writer, member, &put, 1, &err), err);
    kafka_commit(writer);
    writer->class->close(writer);
    member->class->close(member);
    log->class->close(log);
}

Test(kafka_member, with_a_taken_instance_id_stops_with_a_clear_error)
{
    mr_log *log = kafka_open();
    const char *topic = kafka_topic(log, "state", 2);
    const char *group = kafka_name("group");
    const char *instance = kafka_name("instance");
    mr_error err;
    mr_log_member *old = kafka_member(log, group, instance, topic);
    mr_log_writer *writer = kafka_writer(log, kafka_name("tx"));
    mr_log_member *new = kafka_member(log, group, instance, topic);

    /* What the old one still tries is refused, whether it has heard of it or not. */
    mr_log_offset put = {.topic = topic, .offset = 5};
    kafka_begin(writer);
    FAILS(writer->class->send_offsets(writer, old, &put, 1, &err), err, MR_E_KAFKA_MEMBER_STALE,
          MR_RECOVERY_EPOCH);
    kafka_abort(writer);
    mr_status status = MR_OK;
    double end_ms = kafka_ms() + KAFKA_PATIENCE_MS;
    while (status == MR_OK && kafka_ms() < end_ms) {
        mr_member_event event;
        status = old->class->poll(old, 100, &event, &err);
    }
    cr_expect_eq(status, MR_E_KAFKA_INSTANCE_TAKEN, "%d", status);
    cr_expect_eq(err.recovery, MR_RECOVERY_STOP);
    cr_expect(strstr(err.message, "instance id"), "%s", err.message);
    writer->class->close(writer);
    old->class->close(old);
    new->class->close(new);
    log->class->close(log);
}

Test(kafka_member, static_is_back_at_once_with_its_partitions)
{
    mr_log *log = kafka_open();
    const char *topic = kafka_topic(log, "state", 3);
    const char *group = kafka_name("group");
    const char *instance = kafka_name("instance");
    mr_log_member *first = kafka_member(log, group, instance, topic);
    first->class->close(first);
    double start_ms = kafka_ms();
    mr_log_member *second = join(log, group, instance, topic);
    cr_expect_eq(kafka_await(second, MR_MEMBER_ASSIGNED).partitions_count, 3);
    /* Otherwise it is waited for, for as long as a session lasts. */
    cr_expect_lt(kafka_ms() - start_ms, 30000);
    second->class->close(second);
    log->class->close(log);
}
