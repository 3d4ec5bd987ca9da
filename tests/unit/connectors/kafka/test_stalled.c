/*
 * Goal: no worker waits for ever for a broker that stood still.
 * Method: the embedded Kafka answers with what makes librdkafka ask again and again. What a broker
 * that stands still does to members is played on a real one (crash_kafka --only broker_frozen).
 */
#include "connectors/kafka/client/client.h"
#include "tests/unit/connectors/kafka/client/faults.h"

#include <criterion/criterion.h>
#include <stdatomic.h>
#include <string.h>
#include <unistd.h>

#define HEARTBEAT 12
#define TXN_OFFSETS 28

static const char *const QUICK[] = {"session.timeout.ms", "1500", "heartbeat.interval.ms", "200",
                                    NULL};

static mr_log_member *open_member(fault_rig *rig)
{
    mr_member_options options = {.group = "g", .instance_id = "i", .topic = "t"};
    mr_log_member *member;
    cr_assert_eq(rig->log->class->open_member(rig->log, &options, &member, &rig->err), MR_OK);
    return member;
}

/* Polls until the group says `kind`, or the member fails. */
static mr_status poll_until(fault_rig *rig, mr_log_member *member, mr_member_event_kind kind)
{
    mr_status status = MR_OK;
    for (int i = 0; status == MR_OK && i < 1500; i++) {
        mr_member_event event;
        status = member->class->poll(member, 20, &event, &rig->err);
        if (status == MR_OK && event.kind == kind)
            return MR_OK;
        if (status == MR_OK && (event.kind == MR_MEMBER_REVOKED || event.kind == MR_MEMBER_LOST))
            status = member->class->release(member, &rig->err);
    }
    return status != MR_OK ? status : mr_error_set(&rig->err, MR_E_KAFKA_TIMEOUT, "no event");
}

Test(kafka_stalled, offsets_that_never_go_are_given_up_when_the_member_is_out, .timeout = 500)
{
    fault_rig rig;
    fault_rig_init(&rig, 1500, QUICK);
    mr_log_member *member = open_member(&rig);
    cr_assert_eq(poll_until(&rig, member, MR_MEMBER_ASSIGNED), MR_OK, "%s", rig.err.message);
    mr_writer_options options = {.transactional_id = "id", .transaction_timeout_ms = 60000};
    mr_log_writer *writer;
    mr_status status = rig.log->class->open_writer(rig.log, &options, &writer, &rig.err);
    cr_assert_eq(status, MR_OK, "%s", rig.err.message);
    cr_assert_eq(writer->class->begin(writer, &rig.err), MR_OK);
    mr_kafka_mock_fail(rig.mock, TXN_OFFSETS, RD_KAFKA_RESP_ERR_COORDINATOR_LOAD_IN_PROGRESS, 1000);
    mr_kafka_mock_fail(rig.mock, HEARTBEAT, RD_KAFKA_RESP_ERR_FENCED_INSTANCE_ID, 1);
    mr_log_offset put = {.topic = "t", .offset = 3, .metadata = "v1"};
    status = writer->class->send_offsets(writer, member, &put, 1, &rig.err);
    cr_expect_eq(status, MR_E_KAFKA_MEMBER_STALE, "MR%d %s", status, rig.err.message);
    cr_expect_eq(rig.err.recovery, MR_RECOVERY_WRITER, "%s", rig.err.message);
    writer->class->close(writer);
    member->class->close(member);
    _exit(0); /* the thread inside of librdkafka is still there, as it would be in a process */
}

static bool says_stop(void *hook)
{
    (void)hook;
    return true;
}

/* Asking goes on for as long as the timeout lets it, but not in a process that is to stop. */
Test(kafka_stalled, a_question_about_offsets_ends_when_the_process_is_to_stop, .timeout = 100)
{
    fault_rig rig;
    fault_rig_init(&rig, 10000, NULL);
    mr_kafka_config config = {.bootstrap = mr_kafka_mock_bootstrap(rig.mock),
                              .timeout_ms = 60000,
                              .is_stopping = says_stop};
    mr_error err;
    mr_log *log;
    int64_t offset;
    cr_assert_eq(mr_kafka_log_open(&config, &log, &err), MR_OK, "%s", err.message);
    cr_expect_eq(log->class->offset(log, "t", 0, MR_OFFSET_LATEST, &offset, &err), MR_OK);
    mr_kafka_mock_lose_leader(rig.mock, "t", 0);
    mr_kafka_mock_set_down(rig.mock, 1);
    alarm(30); /* half of its timeout */
    cr_expect_neq(log->class->offset(log, "t", 0, MR_OFFSET_LATEST, &offset, &err), MR_OK);
    cr_expect_eq(err.recovery, MR_RECOVERY_RETRY, "MR%d %s", err.status, err.message);
    alarm(0);
    log->class->close(log);
    fault_rig_release(&rig);
}

/* What librdkafka says of how it ends its members. */
typedef struct endings {
    atomic_uint waited, dropped;
} endings;

static void note_ending(void *sink, mr_log_level level, const char *line)
{
    endings *seen = sink;
    (void)level;
    if (strstr(line, "Waiting for close events") != NULL)
        atomic_fetch_add(&seen->waited, 1);
    if (strstr(line, "Disabling and purging temporary queue") != NULL)
        atomic_fetch_add(&seen->dropped, 1);
}

/* Its answer to a rebalance that begins just then may be thrown away while it waits for it. */
Test(kafka_stalled, a_static_member_goes_without_a_close_and_a_dynamic_one_leaves, .timeout = 100)
{
    static const char *const TOLD[] = {"session.timeout.ms",
                                       "6000",
                                       "heartbeat.interval.ms",
                                       "200",
                                       "debug",
                                       "consumer",
                                       "enable.metrics.push",
                                       "false",
                                       NULL};
    for (int is_static = 0; is_static < 2; is_static++) {
        endings seen = {0};
        mr_logger logger = {.sink = &seen, .write = note_ending, .level_min = MR_LOG_DEBUG};
        mr_error err;
        fault_rig rig;
        fault_rig_init(&rig, 10000, NULL);
        mr_kafka_config config = {.bootstrap = mr_kafka_mock_bootstrap(rig.mock),
                                  .timeout_ms = 10000,
                                  .logger = &logger,
                                  .properties = TOLD};
        mr_log *own = rig.log;
        cr_assert_eq(mr_kafka_log_open(&config, &rig.log, &err), MR_OK, "%s", err.message);
        mr_member_options options = {
            .group = "g", .instance_id = is_static ? "i" : NULL, .topic = "t"};
        mr_log_member *member;
        cr_assert_eq(rig.log->class->open_member(rig.log, &options, &member, &rig.err), MR_OK);
        cr_assert_eq(poll_until(&rig, member, MR_MEMBER_ASSIGNED), MR_OK, "%s", rig.err.message);
        member->class->close(member);
        rig.log->class->close(rig.log);
        cr_expect_eq(atomic_load(&seen.waited), is_static ? 0 : 1);
        cr_expect_eq(atomic_load(&seen.dropped) > 0, is_static == 1);
        rig.log = own;
        fault_rig_release(&rig);
    }
}

static void note_assignment(void *sink, mr_log_level level, const char *line)
{
    (void)level;
    if (strstr(line, "delegating assign of") != NULL)
        atomic_store((atomic_bool *)sink, true);
}

/* A worker that is told to stop while it joins: what the group has asked reaches a handle whose
 * member is gone. That it answers does not show here: librdkafka 2.8.0 closes without as well. */
Test(kafka_stalled, a_member_leaves_with_an_assignment_that_nobody_has_heard, .timeout = 200)
{
    static const char *const TOLD[] = {"debug", "cgrp", NULL};
    for (int is_static = 0; is_static < 2; is_static++) {
        fault_rig rig;
        fault_rig_init(&rig, 10000, NULL);
        atomic_bool is_assigned = false;
        mr_logger logger = {
            .sink = &is_assigned, .write = note_assignment, .level_min = MR_LOG_DEBUG};
        mr_kafka_config config = {.bootstrap = mr_kafka_mock_bootstrap(rig.mock),
                                  .timeout_ms = 10000,
                                  .logger = &logger,
                                  .properties = TOLD};
        mr_log *log;
        mr_error err;
        cr_assert_eq(mr_kafka_log_open(&config, &log, &err), MR_OK, "%s", err.message);
        mr_member_options options = {
            .group = "g", .instance_id = is_static ? "i" : NULL, .topic = "t"};
        mr_log_member *member;
        cr_assert_eq(log->class->open_member(log, &options, &member, &err), MR_OK);
        for (int i = 0; i < 1000 && !atomic_load(&is_assigned); i++)
            usleep(10000);
        cr_assert(atomic_load(&is_assigned));
        member->class->close(member);
        cr_expect(mr_kafka_bury_wait((mr_kafka_log *)log, 1000), "%s: it is still there",
                  is_static ? "static" : "dynamic");
        log->class->close(log);
        fault_rig_release(&rig);
    }
}
