/*
 * Goal: every row of the error table gives what it says.
 * Method: each row is looked up; rows whose error a broker sends are injected into the embedded
 * Kafka's answers and must come out of the port's call with the row's status and recovery. The mock
 * cannot make the errors that librdkafka makes itself (names with _): those are played as error
 * objects and codes, some against a real broker in tests/broker.
 */
#include "connectors/kafka/errors.h"
#include "connectors/kafka/log.h"
#include "connectors/kafka/mock.h"

#include <criterion/criterion.h>
#include <stdio.h>
#include <string.h>

enum { PRODUCE = 0, LIST_OFFSETS = 2, OFFSET_FETCH = 9, FIND_COORDINATOR = 10, JOIN = 11 };
enum { INIT = 22 };
enum { ADD_PARTITIONS = 24, ADD_OFFSETS = 25, END = 26, TXN_OFFSETS = 28 };

typedef struct rig {
    mr_kafka_mock *mock;
    mr_log *log;
    mr_error err;
} rig;

static void rig_init(rig *r, int32_t timeout_ms)
{
    cr_assert_eq(mr_kafka_mock_start(&r->mock, &r->err), MR_OK);
    cr_assert_eq(mr_kafka_mock_topic(r->mock, "t", 1, &r->err), MR_OK);
    mr_kafka_config config = {.bootstrap = mr_kafka_mock_bootstrap(r->mock),
                              .timeout_ms = timeout_ms};
    cr_assert_eq(mr_kafka_log_open(&config, &r->log, &r->err), MR_OK);
}

static void rig_release(rig *r)
{
    r->log->class->close(r->log);
    mr_kafka_mock_stop(r->mock);
}

static mr_log_writer *open_writer(rig *r)
{
    mr_writer_options options = {.transactional_id = "id", .transaction_timeout_ms = 10000};
    mr_log_writer *writer = NULL;
    cr_assert_eq(r->log->class->open_writer(r->log, &options, &writer, &r->err), MR_OK, "%s",
                 r->err.message);
    cr_assert_eq(writer->class->begin(writer, &r->err), MR_OK, "%s", r->err.message);
    mr_log_record record = {.value = "a", .value_length = 1, .timestamp_ms = MR_TIME_NONE};
    cr_assert_eq(writer->class->produce(writer, "t", 0, &record, 1, &r->err), MR_OK, "%s",
                 r->err.message);
    return writer;
}

/* What a transaction's end says after the broker answered requests of `api_key` with `error`. */
static mr_status transact(rig *r, int16_t api_key, rd_kafka_resp_err_t error)
{
    mr_kafka_mock_fail(r->mock, api_key, error, 1);
    mr_log_writer *writer = open_writer(r);
    mr_status status = writer->class->flush(writer, 5000, &r->err);
    if (status == MR_OK)
        status = writer->class->commit(writer, &r->err);
    writer->class->close(writer);
    return status;
}

typedef struct injected {
    int16_t api_key;
    rd_kafka_resp_err_t error;
    mr_status status;
    mr_recovery recovery;
} injected;

static void play(const injected *rows, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        rig r;
        rig_init(&r, 5000);
        mr_status status = transact(&r, rows[i].api_key, rows[i].error);
        const char *name = rd_kafka_err2name(rows[i].error);
        cr_expect_eq(status, rows[i].status, "%s in %d: MR%d, not MR%d: %s", name, rows[i].api_key,
                     status, rows[i].status, status ? r.err.message : "");
        if (status != MR_OK)
            cr_expect_eq(r.err.recovery, rows[i].recovery, "%s in %d: recovery %s: %s", name,
                         rows[i].api_key, mr_recovery_name(r.err.recovery), r.err.message);
        rig_release(&r);
    }
}

Test(kafka_errors, fatal_ones_of_a_transaction_ask_for_a_new_writer)
{
    static const injected rows[] = {
        {END, RD_KAFKA_RESP_ERR_INVALID_PRODUCER_EPOCH, MR_E_KAFKA_FENCED, MR_RECOVERY_WRITER},
        {END, RD_KAFKA_RESP_ERR_PRODUCER_FENCED, MR_E_KAFKA_FENCED, MR_RECOVERY_WRITER},
        {END, RD_KAFKA_RESP_ERR_INVALID_TXN_STATE, MR_E_KAFKA_IN_DOUBT, MR_RECOVERY_WRITER},
        {ADD_PARTITIONS, RD_KAFKA_RESP_ERR_PRODUCER_FENCED, MR_E_KAFKA_FENCED, MR_RECOVERY_WRITER},
        {ADD_PARTITIONS, RD_KAFKA_RESP_ERR_INVALID_PRODUCER_EPOCH, MR_E_KAFKA_FENCED,
         MR_RECOVERY_WRITER},
        {PRODUCE, RD_KAFKA_RESP_ERR_INVALID_PRODUCER_EPOCH, MR_E_KAFKA_FENCED, MR_RECOVERY_WRITER},
    };
    play(rows, sizeof rows / sizeof rows[0]);
}

Test(kafka_errors, abortable_ones_ask_for_a_replay)
{
    static const injected rows[] = {
        {END, RD_KAFKA_RESP_ERR_INVALID_PRODUCER_ID_MAPPING, MR_E_KAFKA_FENCED, MR_RECOVERY_EPOCH},
        {ADD_PARTITIONS, RD_KAFKA_RESP_ERR_INVALID_PRODUCER_ID_MAPPING, MR_E_KAFKA_FENCED,
         MR_RECOVERY_EPOCH},
    };
    play(rows, sizeof rows / sizeof rows[0]);
}

Test(kafka_errors, a_refused_record_is_to_blame_for_its_transaction)
{
    static const injected rows[] = {
        {PRODUCE, RD_KAFKA_RESP_ERR_MSG_SIZE_TOO_LARGE, MR_E_KAFKA_RECORD_REFUSED,
         MR_RECOVERY_RECORD},
        {PRODUCE, RD_KAFKA_RESP_ERR_INVALID_RECORD, MR_E_KAFKA_RECORD_REFUSED, MR_RECOVERY_RECORD},
        {PRODUCE, RD_KAFKA_RESP_ERR_INVALID_TIMESTAMP, MR_E_KAFKA_RECORD_REFUSED,
         MR_RECOVERY_RECORD},
        {PRODUCE, RD_KAFKA_RESP_ERR_INVALID_MSG_SIZE, MR_E_KAFKA_RECORD_REFUSED,
         MR_RECOVERY_RECORD},
    };
    play(rows, sizeof rows / sizeof rows[0]);
}

Test(kafka_errors, missing_rights_stop_whatever_else_is_said)
{
    static const injected rows[] = {
        {PRODUCE, RD_KAFKA_RESP_ERR_TOPIC_AUTHORIZATION_FAILED, MR_E_KAFKA_AUTHORIZATION,
         MR_RECOVERY_STOP},
        {ADD_PARTITIONS, RD_KAFKA_RESP_ERR_TOPIC_AUTHORIZATION_FAILED, MR_E_KAFKA_AUTHORIZATION,
         MR_RECOVERY_STOP},
        {END, RD_KAFKA_RESP_ERR_TRANSACTIONAL_ID_AUTHORIZATION_FAILED, MR_E_KAFKA_AUTHORIZATION,
         MR_RECOVERY_STOP},
        {ADD_PARTITIONS, RD_KAFKA_RESP_ERR_CLUSTER_AUTHORIZATION_FAILED, MR_E_KAFKA_AUTHORIZATION,
         MR_RECOVERY_STOP},
    };
    play(rows, sizeof rows / sizeof rows[0]);
}

Test(kafka_errors, passing_ones_are_mended_by_librdkafka_and_raise_no_doubt)
{
    static const injected rows[] = {
        {ADD_PARTITIONS, RD_KAFKA_RESP_ERR_CONCURRENT_TRANSACTIONS, MR_OK, MR_RECOVERY_STOP},
        {END, RD_KAFKA_RESP_ERR_COORDINATOR_NOT_AVAILABLE, MR_OK, MR_RECOVERY_STOP},
        {END, RD_KAFKA_RESP_ERR_NOT_COORDINATOR, MR_OK, MR_RECOVERY_STOP},
        {END, RD_KAFKA_RESP_ERR_COORDINATOR_LOAD_IN_PROGRESS, MR_OK, MR_RECOVERY_STOP},
        {PRODUCE, RD_KAFKA_RESP_ERR_NOT_LEADER_FOR_PARTITION, MR_OK, MR_RECOVERY_STOP},
        {PRODUCE, RD_KAFKA_RESP_ERR_NOT_ENOUGH_REPLICAS, MR_OK, MR_RECOVERY_STOP},
        {PRODUCE, RD_KAFKA_RESP_ERR_REQUEST_TIMED_OUT, MR_OK, MR_RECOVERY_STOP},
        {INIT, RD_KAFKA_RESP_ERR_COORDINATOR_LOAD_IN_PROGRESS, MR_OK, MR_RECOVERY_STOP},
    };
    play(rows, sizeof rows / sizeof rows[0]);
}

Test(kafka_errors, opening_a_writer_tells_what_the_broker_will_not_have)
{
    static const injected rows[] = {
        {INIT, RD_KAFKA_RESP_ERR_TRANSACTIONAL_ID_AUTHORIZATION_FAILED, MR_E_KAFKA_AUTHORIZATION,
         MR_RECOVERY_STOP},
        {INIT, RD_KAFKA_RESP_ERR_INVALID_TRANSACTION_TIMEOUT, MR_E_KAFKA_OTHER, MR_RECOVERY_STOP},
        {INIT, RD_KAFKA_RESP_ERR_CLUSTER_AUTHORIZATION_FAILED, MR_E_KAFKA_AUTHORIZATION,
         MR_RECOVERY_STOP},
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        rig r;
        rig_init(&r, 5000);
        mr_kafka_mock_fail(r.mock, rows[i].api_key, rows[i].error, 1);
        mr_writer_options options = {.transactional_id = "id", .transaction_timeout_ms = 10000};
        mr_log_writer *writer;
        mr_status status = r.log->class->open_writer(r.log, &options, &writer, &r.err);
        cr_expect_eq(status, rows[i].status, "%s: %d", rd_kafka_err2name(rows[i].error), status);
        cr_expect_eq(r.err.recovery, rows[i].recovery, "%s", r.err.message);
        rig_release(&r);
    }
}

Test(kafka_errors, offsets_of_a_partition_tell_what_is_wrong)
{
    static const injected rows[] = {
        {LIST_OFFSETS, RD_KAFKA_RESP_ERR_TOPIC_AUTHORIZATION_FAILED, MR_E_KAFKA_AUTHORIZATION,
         MR_RECOVERY_STOP},
        {LIST_OFFSETS, RD_KAFKA_RESP_ERR_OFFSET_OUT_OF_RANGE, MR_E_KAFKA_OFFSET_LOST,
         MR_RECOVERY_STOP},
        {LIST_OFFSETS, RD_KAFKA_RESP_ERR_UNSUPPORTED_VERSION, MR_E_KAFKA_OTHER, MR_RECOVERY_STOP},
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        rig r;
        rig_init(&r, 3000);
        mr_kafka_mock_fail(r.mock, rows[i].api_key, rows[i].error, 50);
        int64_t offset;
        mr_status status = r.log->class->offset(r.log, "t", 0, MR_OFFSET_LATEST, &offset, &r.err);
        cr_expect_eq(status, rows[i].status, "%s: MR%d %s", rd_kafka_err2name(rows[i].error),
                     status, status ? r.err.message : "");
        cr_expect_eq(r.err.recovery, rows[i].recovery, "%s", r.err.message);
        rig_release(&r);
    }
}

/* A new cluster answers the first question about a group like that. */
Test(kafka_errors, offsets_of_a_group_are_asked_again_while_its_coordinator_moves)
{
    static const rd_kafka_resp_err_t errors[] = {RD_KAFKA_RESP_ERR_NOT_COORDINATOR,
                                                 RD_KAFKA_RESP_ERR_COORDINATOR_NOT_AVAILABLE,
                                                 RD_KAFKA_RESP_ERR_COORDINATOR_LOAD_IN_PROGRESS};
    for (size_t i = 0; i < sizeof errors / sizeof errors[0]; i++) {
        rig r;
        rig_init(&r, 3000);
        mr_kafka_mock_fail(r.mock, OFFSET_FETCH, errors[i], 1);
        mr_log_offset asked = {.topic = "t", .partition = 0, .offset = 7};
        mr_arena arena = {0};
        mr_status status = r.log->class->group_offsets(r.log, "g", &asked, 1, &arena, &r.err);
        cr_expect_eq(status, MR_OK, "%s: %s", rd_kafka_err2name(errors[i]),
                     status ? r.err.message : "");
        cr_expect_eq(asked.offset, -1, "none is committed");
        mr_arena_release(&arena);
        rig_release(&r);
    }
}

Test(kafka_errors, joining_tells_a_taken_instance_id)
{
    rig r;
    rig_init(&r, 3000);
    mr_kafka_mock_fail(r.mock, JOIN, RD_KAFKA_RESP_ERR_FENCED_INSTANCE_ID, 1);
    mr_member_options options = {.group = "g", .instance_id = "worker", .topic = "t"};
    mr_log_member *member;
    cr_assert_eq(r.log->class->open_member(r.log, &options, &member, &r.err), MR_OK);
    mr_status status = MR_OK;
    for (int i = 0; i < 100 && status == MR_OK; i++) {
        mr_member_event event;
        status = member->class->poll(member, 50, &event, &r.err);
    }
    cr_expect_eq(status, MR_E_KAFKA_INSTANCE_TAKEN, "%d", status);
    cr_expect_eq(r.err.recovery, MR_RECOVERY_STOP);
    member->class->close(member);
    rig_release(&r);
}

Test(kafka_errors, a_row_answers_in_its_contexts_and_names_the_error)
{
    size_t count;
    const mr_kafka_rule *rules = mr_kafka_rules(&count);
    cr_assert_gt(count, 50);
    for (size_t i = 0; i < count; i++) {
        const mr_kafka_rule *rule = &rules[i];
        cr_expect(rule->status > 5000 && rule->status <= 5099, "row %zu", i);
        for (int context = 1; context <= MR_KAFKA_TRANSACTION; context *= 2) {
            if ((rule->contexts & context) == 0)
                continue;
            bool is_shadowed = false;
            for (size_t k = 0; k < i; k++)
                is_shadowed |= rules[k].error == rule->error && (rules[k].contexts & context) != 0;
            const mr_kafka_rule *found = mr_kafka_rule_of(rule->error, (mr_kafka_context)context);
            cr_expect(is_shadowed || found == rule, "%s in context %d",
                      rd_kafka_err2name(rule->error), context);
            mr_error err;
            mr_status status =
                mr_kafka_fail(&err, (mr_kafka_context)context, rule->error, NULL, "here");
            cr_expect_eq(status, found->status);
            cr_expect_eq(err.recovery, found->recovery);
            cr_expect(strstr(err.message, rd_kafka_err2name(rule->error)), "%s", err.message);
        }
    }
}

Test(kafka_errors, no_row_is_dead)
{
    size_t count;
    const mr_kafka_rule *rules = mr_kafka_rules(&count);
    for (size_t i = 0; i < count; i++) {
        int left = rules[i].contexts;
        for (size_t k = 0; k < i; k++)
            if (rules[k].error == rules[i].error)
                left &= ~rules[k].contexts;
        cr_expect_neq(left, 0, "row %zu (%s) is never reached", i,
                      rd_kafka_err2name(rules[i].error));
    }
}

Test(kafka_errors, an_unknown_error_replaces_a_writer_and_stops_all_else)
{
    mr_error err;
    rd_kafka_resp_err_t unknown = RD_KAFKA_RESP_ERR_INVALID_REPLICA_ASSIGNMENT;
    cr_expect_eq(mr_kafka_fail(&err, MR_KAFKA_TRANSACTION, unknown, NULL, "x"), MR_E_KAFKA_OTHER);
    cr_expect_eq(err.recovery, MR_RECOVERY_WRITER);
    cr_expect_eq(mr_kafka_fail(&err, MR_KAFKA_READ, unknown, NULL, "x"), MR_E_KAFKA_OTHER);
    cr_expect_eq(err.recovery, MR_RECOVERY_STOP);
}
