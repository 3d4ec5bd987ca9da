#include "tests/unit/connectors/kafka/client/faults.h"

#include "tests/harness/kafka/witness.h"

#include <stdio.h>
#include <time.h>
#include <unistd.h>

#define ERR(name) RD_KAFKA_RESP_ERR_##name
#define PATIENCE_MS 60000
#define MANY 1000 /* more often than librdkafka tries again within the rig's timeout */

enum { PRODUCE = 0, FETCH = 1, LIST_OFFSETS = 2, OFFSET_COMMIT = 8, OFFSET_FETCH = 9 };
enum { API_VERSIONS = 18 };
enum { FIND_COORDINATOR = 10, JOIN = 11, HEARTBEAT = 12, SYNC = 14, INIT = 22 };
enum { ADD_PARTITIONS = 24, ADD_OFFSETS = 25, END = 26, TXN_OFFSETS = 28 };

/* A step on the way that has to succeed. Faults are played in processes of their own. */
static void must(mr_status status, const fault_rig *rig)
{
    if (status == MR_OK)
        return;
    fprintf(stderr, "on the way: MR%d %s\n", status, rig->err.message);
    _exit(1);
}

void fault_rig_init(fault_rig *rig, int32_t timeout_ms, const char *const *properties)
{
    *rig = (fault_rig){0};
    must(mr_kafka_mock_start(&rig->mock, &rig->err), rig);
    must(mr_kafka_mock_topic(rig->mock, "t", 1, &rig->err), rig);
    mr_kafka_config config = {.bootstrap = mr_kafka_mock_bootstrap(rig->mock),
                              .timeout_ms = timeout_ms,
                              .properties = properties};
    must(mr_kafka_log_open(&config, &rig->log, &rig->err), rig);
}

void fault_rig_release(fault_rig *rig)
{
    rig->log->class->close(rig->log);
    mr_kafka_mock_stop(rig->mock);
}

static int64_t now_ms(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

/* A fault that is mended is to be met, and then survived for a while; any other ends the wait by
 * itself. */
static bool is_awaited(const fault_rig *rig, int64_t began_ms, int64_t *met_ms)
{
    int64_t now = now_ms();
    bool is_mended = rig->fault != NULL && rig->fault->status == MR_OK;
    if (is_mended && *met_ms == 0 && kafka_witness_saw(rig->fault->error, rig->fault->context))
        *met_ms = now;
    return now - began_ms < PATIENCE_MS && (*met_ms == 0 || now - *met_ms < 1000);
}

/* -- administration -- */

static mr_status describe(fault_rig *rig)
{
    mr_topic_facts facts;
    return rig->log->class->describe(rig->log, "t", &facts, &rig->err);
}

static mr_status describe_nobody(fault_rig *rig)
{
    mr_kafka_mock_set_down(rig->mock, 1);
    return describe(rig);
}

static mr_status offset(fault_rig *rig)
{
    int64_t found;
    return rig->log->class->offset(rig->log, "t", 0, MR_OFFSET_LATEST, &found, &rig->err);
}

static mr_status ends_without_a_leader(fault_rig *rig)
{
    mr_log_ends found = {.topic = "t", .partition = 0};
    mr_kafka_mock_lose_leader(rig->mock, "t", 0);
    return rig->log->class->ends(rig->log, &found, 1, &rig->err);
}

static mr_status offset_without_a_leader(fault_rig *rig)
{
    mr_kafka_mock_lose_leader(rig->mock, "t", 0);
    return offset(rig);
}

static mr_status offset_at(fault_rig *rig)
{
    int64_t found;
    return rig->log->class->offset_at(rig->log, "t", 0, 5, &found, &rig->err);
}

static mr_status offset_at_without_a_leader(fault_rig *rig)
{
    mr_kafka_mock_lose_leader(rig->mock, "t", 0);
    return offset_at(rig);
}

static mr_status group_offsets(fault_rig *rig)
{
    mr_log_offset asked = {.topic = "t"};
    mr_arena arena = {0};
    mr_status status = rig->log->class->group_offsets(rig->log, "g", &asked, 1, &arena, &rig->err);
    mr_arena_release(&arena);
    return status;
}

/* -- writing -- */

static mr_status open_writer(fault_rig *rig, int32_t timeout_ms, mr_log_writer **writer)
{
    mr_writer_options options = {.transactional_id = "id", .transaction_timeout_ms = timeout_ms};
    return rig->log->class->open_writer(rig->log, &options, writer, &rig->err);
}

static mr_status open(fault_rig *rig)
{
    mr_log_writer *writer;
    mr_status status = open_writer(rig, 10000, &writer);
    if (status == MR_OK)
        writer->class->close(writer);
    return status;
}

static mr_status open_on_an_old_broker(fault_rig *rig)
{
    mr_kafka_mock_forget(rig->mock, INIT);
    return open(rig);
}

static mr_status put(fault_rig *rig, mr_log_writer *writer, int32_t partition)
{
    mr_log_record record = {.value = "a", .value_length = 1, .timestamp_ms = MR_TIME_NONE};
    return writer->class->produce(writer, "t", partition, &record, 1, &rig->err);
}

/* A writer with a transaction in which one record was delivered, unless that failed. */
static mr_status begin(fault_rig *rig, mr_log_writer **writer)
{
    must(open_writer(rig, 10000, writer), rig);
    must((*writer)->class->begin(*writer, &rig->err), rig);
    mr_status status = put(rig, *writer, 0);
    return status == MR_OK ? (*writer)->class->flush(*writer, PATIENCE_MS, &rig->err) : status;
}

static mr_status commit(fault_rig *rig)
{
    mr_log_writer *writer;
    mr_status status = begin(rig, &writer);
    if (status == MR_OK)
        status = writer->class->commit(writer, &rig->err);
    writer->class->close(writer);
    return status;
}

static mr_status abort_it(fault_rig *rig)
{
    mr_log_writer *writer;
    mr_status status = begin(rig, &writer);
    if (status == MR_OK)
        status = writer->class->abort(writer, &rig->err);
    writer->class->close(writer);
    return status;
}

/* With a timeout of 1.5 s, over which the broker stays away. */
static mr_status put_to_nobody(fault_rig *rig)
{
    mr_log_writer *writer;
    must(open_writer(rig, 1500, &writer), rig);
    must(writer->class->begin(writer, &rig->err), rig);
    mr_kafka_mock_set_down(rig->mock, 1);
    mr_status status = put(rig, writer, 0);
    if (status == MR_OK)
        status = writer->class->flush(writer, PATIENCE_MS, &rig->err);
    writer->class->close(writer);
    return status;
}

static mr_status put_beyond_the_partitions(fault_rig *rig)
{
    mr_log_writer *writer;
    must(begin(rig, &writer), rig);
    mr_status status = put(rig, writer, 99);
    writer->class->close(writer);
    return status;
}

/* The first record waits to see whether the topic is just being made, the next one is refused. */
static mr_status put_to_no_topic(fault_rig *rig)
{
    mr_log_writer *writer;
    mr_kafka_mock_topic_error(rig->mock, "t", ERR(UNKNOWN_TOPIC_OR_PART));
    must(open_writer(rig, 10000, &writer), rig);
    must(writer->class->begin(writer, &rig->err), rig);
    mr_status status = MR_OK;
    for (int64_t end_ms = now_ms() + PATIENCE_MS; status == MR_OK && now_ms() < end_ms;
         usleep(100000))
        status = put(rig, writer, 0);
    writer->class->close(writer);
    return status;
}

static mr_status flush_to_no_topic(fault_rig *rig)
{
    mr_log_writer *writer;
    mr_kafka_mock_topic_error(rig->mock, "t", ERR(UNKNOWN_TOPIC_OR_PART));
    must(open_writer(rig, 10000, &writer), rig);
    must(writer->class->begin(writer, &rig->err), rig);
    must(put(rig, writer, 0), rig);
    mr_status status = writer->class->flush(writer, PATIENCE_MS, &rig->err);
    writer->class->close(writer);
    return status;
}

/* -- members -- */

static mr_status poll_member(fault_rig *rig, mr_log_member *member, bool until_assigned)
{
    mr_status status = MR_OK;
    int64_t began_ms = now_ms(), met_ms = 0;
    while (status == MR_OK && is_awaited(rig, began_ms, &met_ms)) {
        mr_member_event event;
        status = member->class->poll(member, 20, &event, &rig->err);
        if (status == MR_OK && event.kind == MR_MEMBER_ASSIGNED && until_assigned)
            return MR_OK;
        if (status == MR_OK && (event.kind == MR_MEMBER_REVOKED || event.kind == MR_MEMBER_LOST))
            status = member->class->release(member, &rig->err);
    }
    return status;
}

static mr_log_member *open_member(fault_rig *rig)
{
    mr_member_options options = {.group = "g", .instance_id = "i", .topic = "t"};
    mr_log_member *member;
    must(rig->log->class->open_member(rig->log, &options, &member, &rig->err), rig);
    return member;
}

/* A member joins, is told about errors and tries again. */
static mr_status join(fault_rig *rig)
{
    mr_log_member *member = open_member(rig);
    mr_status status = poll_member(rig, member, false);
    member->class->close(member);
    return status;
}

static mr_status join_no_topic(fault_rig *rig)
{
    mr_kafka_mock_topic_error(rig->mock, "t", ERR(UNKNOWN_TOPIC_OR_PART));
    return join(rig);
}

static mr_status join_and_fall_asleep(fault_rig *rig)
{
    mr_log_member *member = open_member(rig);
    must(poll_member(rig, member, true), rig);
    usleep(2500000); /* max.poll.interval.ms is 1.5 s, see the test */
    mr_status status = poll_member(rig, member, false);
    member->class->close(member);
    return status;
}

static mr_status commit_offsets(fault_rig *rig)
{
    mr_log_member *member = open_member(rig);
    must(poll_member(rig, member, true), rig);
    mr_log_offset put_offset = {.topic = "t", .offset = 3, .metadata = "v1"};
    mr_status status = member->class->commit(member, &put_offset, 1, &rig->err);
    member->class->close(member);
    return status;
}

static mr_status commit_offsets_to_nobody(fault_rig *rig)
{
    mr_log_member *member = open_member(rig);
    must(poll_member(rig, member, true), rig);
    mr_kafka_mock_set_down(rig->mock, 1);
    mr_log_offset put_offset = {.topic = "t", .offset = 3, .metadata = "v1"};
    mr_status status = member->class->commit(member, &put_offset, 1, &rig->err);
    mr_kafka_mock_set_down(rig->mock, 0);
    member->class->close(member);
    return status;
}

static mr_status committed_too_late(fault_rig *rig)
{
    mr_kafka_mock_delay(rig->mock, OFFSET_FETCH, 6000);
    mr_log_member *member = open_member(rig);
    must(poll_member(rig, member, true), rig);
    mr_log_offset asked = {.topic = "t"};
    mr_arena arena = {0};
    mr_status status = member->class->committed(member, &asked, 1, &arena, &rig->err);
    mr_arena_release(&arena);
    member->class->close(member);
    return status;
}

static mr_status send_offsets(fault_rig *rig)
{
    mr_log_member *member = open_member(rig);
    mr_log_writer *writer;
    must(poll_member(rig, member, true), rig);
    must(begin(rig, &writer), rig);
    mr_log_offset put_offset = {.topic = "t", .offset = 3, .metadata = "v1"};
    mr_status status = writer->class->send_offsets(writer, member, &put_offset, 1, &rig->err);
    if (status == MR_OK)
        status = writer->class->commit(writer, &rig->err);
    writer->class->close(writer);
    member->class->close(member);
    return status;
}

/* -- reading -- */

static mr_status fetch(fault_rig *rig)
{
    mr_log_reader *reader;
    must(rig->log->class->open_reader(rig->log, &reader, &rig->err), rig);
    mr_status status = reader->class->add(reader, 0, "t", 0, 0, &rig->err);
    int64_t began_ms = now_ms(), met_ms = 0;
    while (status == MR_OK && is_awaited(rig, began_ms, &met_ms)) {
        mr_records records;
        status = reader->class->fetch(reader, 100, 50, &records, &rig->err);
    }
    reader->class->close(reader);
    return status;
}

static mr_status ends_after(fault_rig *rig, int32_t delay_ms)
{
    mr_log_reader *reader;
    must(rig->log->class->open_reader(rig->log, &reader, &rig->err), rig);
    mr_status status = reader->class->add(reader, 0, "t", 0, 0, &rig->err);
    /* A first fetch was answered, so that only the question itself is delayed. */
    mr_records records;
    if (status == MR_OK && delay_ms > 0)
        status = reader->class->fetch(reader, 100, 1200, &records, &rig->err);
    for (int i = 0; delay_ms > 0 && i < 4; i++)
        mr_kafka_mock_delay(rig->mock, LIST_OFFSETS, delay_ms);
    mr_input_ends found;
    if (status == MR_OK)
        status = reader->class->ends(reader, 0, 1000, &found, &rig->err);
    reader->class->close(reader);
    return status;
}

static mr_status ends(fault_rig *rig)
{
    return ends_after(rig, 0);
}

static mr_status ends_too_late(fault_rig *rig)
{
    return ends_after(rig, 3000);
}

/* The question waits for a connection that is not ready in time, so it is never sent. */
static mr_status ends_of_nobody(fault_rig *rig)
{
    mr_log_reader *reader;
    must(rig->log->class->open_reader(rig->log, &reader, &rig->err), rig);
    must(reader->class->add(reader, 0, "t", 0, 0, &rig->err), rig);
    mr_input_ends found;
    must(reader->class->ends(reader, 0, PATIENCE_MS, &found, &rig->err), rig);
    for (int i = 0; i < 8; i++) /* all that connect anew, of which we are one */
        mr_kafka_mock_delay(rig->mock, API_VERSIONS, 4000);
    mr_kafka_mock_set_down(rig->mock, 1);
    usleep(200000);
    mr_kafka_mock_set_down(rig->mock, 0);
    usleep(400000); /* connected again by now, and asking what the broker can do */
    mr_status status = reader->class->ends(reader, 0, 1000, &found, &rig->err);
    reader->class->close(reader);
    return status;
}

/* -- the list -- */

#define A MR_KAFKA_ADMIN
#define R MR_KAFKA_READ
#define M MR_KAFKA_MEMBER
#define D MR_KAFKA_DELIVERY
#define T MR_KAFKA_TRANSACTION
#define UNREACHABLE MR_E_KAFKA_UNREACHABLE, MR_RECOVERY_RETRY
#define AGAIN MR_E_KAFKA_TIMEOUT, MR_RECOVERY_RETRY
#define MENDED MR_OK, MR_RECOVERY_STOP
#define NO_ACL MR_E_KAFKA_AUTHORIZATION, MR_RECOVERY_STOP
#define NO_TOPIC MR_E_KAFKA_TOPIC_MISSING, MR_RECOVERY_STOP
#define STALE MR_E_KAFKA_MEMBER_STALE, MR_RECOVERY_EPOCH
#define TAKEN MR_E_KAFKA_INSTANCE_TAKEN, MR_RECOVERY_STOP
#define REFUSED MR_E_KAFKA_RECORD_REFUSED, MR_RECOVERY_RECORD
#define FENCED MR_E_KAFKA_FENCED, MR_RECOVERY_WRITER
#define DOUBT MR_E_KAFKA_IN_DOUBT, MR_RECOVERY_WRITER
#define STOP MR_E_KAFKA_OTHER, MR_RECOVERY_STOP
#define SAME RD_KAFKA_RESP_ERR_NO_ERROR /* sent as it arrives */

static const fault FAULTS[] = {
    {ERR(_TRANSPORT), A, describe_nobody, FAULT_NONE, 0, UNREACHABLE, SAME},
    {ERR(NETWORK_EXCEPTION), A, offset, LIST_OFFSETS, MANY, UNREACHABLE, SAME},
    {ERR(NETWORK_EXCEPTION), D, commit, PRODUCE, 1, MR_E_KAFKA_UNREACHABLE, MR_RECOVERY_EPOCH,
     SAME},
    {ERR(NETWORK_EXCEPTION), R, fetch, FETCH, 3, MENDED, SAME},
    {ERR(_MSG_TIMED_OUT), D, put_to_nobody, FAULT_NONE, 0, MR_E_KAFKA_TIMEOUT, MR_RECOVERY_EPOCH,
     SAME},
    {ERR(_TIMED_OUT), R, ends_too_late, FAULT_NONE, 0, AGAIN, SAME},
    {ERR(_TIMED_OUT), R, ends_of_nobody, FAULT_NONE, 0, AGAIN, SAME},
    {ERR(_TIMED_OUT), M, committed_too_late, FAULT_NONE, 0, AGAIN, SAME},
    {ERR(_TIMED_OUT), M, commit_offsets_to_nobody, FAULT_NONE, 0, AGAIN, SAME},
    {ERR(REQUEST_TIMED_OUT), M, commit_offsets, OFFSET_COMMIT, MANY, AGAIN, SAME},
    {ERR(REQUEST_TIMED_OUT), T, commit, END, 1, MR_E_KAFKA_TIMEOUT, MR_RECOVERY_EPOCH, SAME},
    {ERR(COORDINATOR_NOT_AVAILABLE), A, group_offsets, OFFSET_FETCH, MANY, AGAIN, SAME},
    {ERR(COORDINATOR_NOT_AVAILABLE), M, commit_offsets, OFFSET_COMMIT, MANY, AGAIN, SAME},
    {ERR(COORDINATOR_LOAD_IN_PROGRESS), A, group_offsets, OFFSET_FETCH, MANY, AGAIN, SAME},
    {ERR(NOT_COORDINATOR), A, group_offsets, OFFSET_FETCH, MANY, AGAIN, SAME},
    {ERR(NOT_LEADER_FOR_PARTITION), A, offset, LIST_OFFSETS, MANY, AGAIN, SAME},
    {ERR(NOT_LEADER_FOR_PARTITION), A, offset_at, LIST_OFFSETS, MANY, AGAIN, SAME},
    {ERR(_NOENT), A, ends_without_a_leader, FAULT_NONE, 0, AGAIN, SAME},
    {ERR(LEADER_NOT_AVAILABLE), A, offset, LIST_OFFSETS, MANY, AGAIN, SAME},
    {ERR(LEADER_NOT_AVAILABLE), A, offset_without_a_leader, FAULT_NONE, 0, AGAIN, SAME},
    {ERR(LEADER_NOT_AVAILABLE), A, offset_at_without_a_leader, FAULT_NONE, 0, AGAIN, SAME},
    {ERR(FENCED_LEADER_EPOCH), A, ends, LIST_OFFSETS, MANY, AGAIN, SAME},
    {ERR(UNKNOWN_LEADER_EPOCH), A, ends, LIST_OFFSETS, MANY, AGAIN, SAME},
    {ERR(OFFSET_NOT_AVAILABLE), A, ends, LIST_OFFSETS, MANY, AGAIN, SAME},
    {ERR(KAFKA_STORAGE_ERROR), A, ends, LIST_OFFSETS, MANY, AGAIN, SAME},
    {ERR(UNSTABLE_OFFSET_COMMIT), A, group_offsets, OFFSET_FETCH, MANY, AGAIN, SAME},

    {ERR(TOPIC_AUTHORIZATION_FAILED), A, offset, LIST_OFFSETS, MANY, NO_ACL, SAME},
    {ERR(TOPIC_AUTHORIZATION_FAILED), R, fetch, FETCH, 3, NO_ACL, SAME},
    {ERR(TOPIC_AUTHORIZATION_FAILED), D, commit, PRODUCE, 1, NO_ACL, SAME},
    {ERR(TOPIC_AUTHORIZATION_FAILED), T, commit, ADD_PARTITIONS, 1, NO_ACL, SAME},
    {ERR(GROUP_AUTHORIZATION_FAILED), M, join, JOIN, 3, NO_ACL, SAME},
    {ERR(GROUP_AUTHORIZATION_FAILED), T, send_offsets, TXN_OFFSETS, 1, NO_ACL, SAME},
    {ERR(CLUSTER_AUTHORIZATION_FAILED), T, open, INIT, 1, NO_ACL, SAME},
    {ERR(CLUSTER_AUTHORIZATION_FAILED), T, commit, ADD_PARTITIONS, 1, NO_ACL, SAME},
    {ERR(TRANSACTIONAL_ID_AUTHORIZATION_FAILED), T, open, FIND_COORDINATOR, 1, NO_ACL, SAME},
    {ERR(TRANSACTIONAL_ID_AUTHORIZATION_FAILED), T, open, INIT, 1, NO_ACL, SAME},
    {ERR(TRANSACTIONAL_ID_AUTHORIZATION_FAILED), T, commit, END, 1, NO_ACL, SAME},

    {ERR(UNKNOWN_TOPIC_OR_PART), A, offset, LIST_OFFSETS, MANY, NO_TOPIC, SAME},
    {ERR(UNKNOWN_TOPIC_OR_PART), M, join_no_topic, FAULT_NONE, 0, NO_TOPIC, SAME},
    {ERR(UNKNOWN_TOPIC_OR_PART), D, flush_to_no_topic, FAULT_NONE, 0, NO_TOPIC, SAME},
    {ERR(_UNKNOWN_TOPIC), D, put_to_no_topic, FAULT_NONE, 0, NO_TOPIC, SAME},
    {ERR(_UNKNOWN_PARTITION), D, put_beyond_the_partitions, FAULT_NONE, 0, NO_TOPIC, SAME},
    {ERR(_AUTO_OFFSET_RESET), R, fetch, FETCH, 3, MR_E_KAFKA_OFFSET_LOST, MR_RECOVERY_STOP,
     ERR(OFFSET_OUT_OF_RANGE)},

    {ERR(FENCED_INSTANCE_ID), M, join, JOIN, 1, TAKEN, SAME},
    {ERR(FENCED_INSTANCE_ID), M, join, HEARTBEAT, 1, TAKEN, SAME},
    {ERR(FENCED_INSTANCE_ID), M, commit_offsets, OFFSET_COMMIT, MANY, TAKEN, SAME},
    {ERR(FENCED_INSTANCE_ID), T, send_offsets, TXN_OFFSETS, 1, STALE, SAME},
    {ERR(ILLEGAL_GENERATION), M, commit_offsets, OFFSET_COMMIT, MANY, STALE, SAME},
    {ERR(ILLEGAL_GENERATION), T, send_offsets, TXN_OFFSETS, 1, STALE, SAME},
    {ERR(UNKNOWN_MEMBER_ID), M, commit_offsets, OFFSET_COMMIT, MANY, STALE, SAME},
    {ERR(UNKNOWN_MEMBER_ID), T, send_offsets, TXN_OFFSETS, 1, STALE, SAME},
    {ERR(REBALANCE_IN_PROGRESS), M, commit_offsets, OFFSET_COMMIT, MANY, STALE, SAME},
    {ERR(REBALANCE_IN_PROGRESS), T, send_offsets, TXN_OFFSETS, 1, STALE, SAME},
    {ERR(REBALANCE_IN_PROGRESS), M, join, JOIN, 2, MENDED, SAME},
    {ERR(_MAX_POLL_EXCEEDED), M, join_and_fall_asleep, FAULT_NONE, 0, MENDED, SAME},
    {ERR(GROUP_MAX_SIZE_REACHED), M, join, JOIN, 3, STOP, SAME},
    {ERR(INCONSISTENT_GROUP_PROTOCOL), M, join, JOIN, 3, STOP, SAME},
    {ERR(INVALID_SESSION_TIMEOUT), M, join, JOIN, 3, STOP, SAME},

    {ERR(MSG_SIZE_TOO_LARGE), D, commit, PRODUCE, 1, REFUSED, SAME},
    {ERR(RECORD_LIST_TOO_LARGE), D, commit, PRODUCE, 1, REFUSED, SAME},
    {ERR(INVALID_RECORD), D, commit, PRODUCE, 1, REFUSED, SAME},
    {ERR(INVALID_TIMESTAMP), D, commit, PRODUCE, 1, REFUSED, SAME},
    {ERR(_PURGE_QUEUE), D, commit, ADD_PARTITIONS, 1, NO_ACL, ERR(TOPIC_AUTHORIZATION_FAILED)},

    {ERR(_FENCED), T, commit, END, 1, FENCED, ERR(INVALID_PRODUCER_EPOCH)},
    {ERR(_FENCED), T, commit, ADD_PARTITIONS, 1, FENCED, ERR(INVALID_PRODUCER_EPOCH)},
    {ERR(_FENCED), T, open, INIT, 1, FENCED, ERR(PRODUCER_FENCED)},
    {ERR(_FENCED), T, abort_it, END, 1, FENCED, ERR(INVALID_PRODUCER_EPOCH)},
    {ERR(PRODUCER_FENCED), D, commit, PRODUCE, 1, FENCED, SAME},
    {ERR(INVALID_PRODUCER_EPOCH), D, commit, PRODUCE, 1, FENCED, SAME},
    {ERR(INVALID_TXN_STATE), T, commit, END, 1, DOUBT, SAME},
    {ERR(INVALID_TXN_STATE), D, commit, PRODUCE, 1, DOUBT, SAME},
    {ERR(INVALID_PRODUCER_ID_MAPPING), T, commit, END, 1, DOUBT, SAME},
    {ERR(INVALID_PRODUCER_ID_MAPPING), T, commit, ADD_PARTITIONS, 1, DOUBT, SAME},
    {ERR(INVALID_PRODUCER_ID_MAPPING), T, send_offsets, TXN_OFFSETS, 1, DOUBT, SAME},
    {ERR(OUT_OF_ORDER_SEQUENCE_NUMBER), D, commit, PRODUCE, 1, MR_E_KAFKA_ABORTABLE,
     MR_RECOVERY_WRITER, SAME},
    {ERR(UNKNOWN_PRODUCER_ID), D, commit, PRODUCE, 1, MR_E_KAFKA_ABORTABLE, MR_RECOVERY_WRITER,
     SAME},
    {ERR(INVALID_TRANSACTION_TIMEOUT), T, open, INIT, 1, STOP, SAME},
    {ERR(OFFSET_METADATA_TOO_LARGE), T, send_offsets, TXN_OFFSETS, 1, STOP, SAME},
    {ERR(OFFSET_METADATA_TOO_LARGE), M, commit_offsets, OFFSET_COMMIT, MANY, STOP, SAME},
    {ERR(_UNSUPPORTED_FEATURE), T, open_on_an_old_broker, FAULT_NONE, 0, STOP, SAME},
    {ERR(UNSUPPORTED_VERSION), A, offset, LIST_OFFSETS, MANY, STOP, SAME},
    {ERR(UNSUPPORTED_VERSION), T, commit, END, 1, STOP, SAME},

    /* What the table does not know: the defaults. */
    {ERR(POLICY_VIOLATION), A, offset, LIST_OFFSETS, MANY, STOP, SAME},
    {ERR(POLICY_VIOLATION), R, fetch, FETCH, 3, STOP, SAME},
    {ERR(POLICY_VIOLATION), M, join, JOIN, 3, STOP, SAME},
    {ERR(POLICY_VIOLATION), D, commit, PRODUCE, 1, MR_E_KAFKA_OTHER, MR_RECOVERY_WRITER, SAME},
    {ERR(MSG_SIZE_TOO_LARGE), T, commit, END, 1, MR_E_KAFKA_OTHER, MR_RECOVERY_EPOCH, SAME},
};

const fault *faults(size_t *count)
{
    *count = sizeof FAULTS / sizeof FAULTS[0];
    return FAULTS;
}
