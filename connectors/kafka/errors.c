#include "connectors/kafka/errors.h"

#include "engine/base/assert.h"

#include <stdio.h>

#define ERR(name) RD_KAFKA_RESP_ERR_##name
#define ADMIN MR_KAFKA_ADMIN
#define READ MR_KAFKA_READ
#define MEMBER MR_KAFKA_MEMBER
#define DELIVERY MR_KAFKA_DELIVERY
#define TRANSACTION MR_KAFKA_TRANSACTION
#define WRITES (MR_KAFKA_DELIVERY | MR_KAFKA_TRANSACTION)
#define ANY MR_KAFKA_ANY

static const char HINT_REACH[] = "check the address, the network and that the broker is up";
static const char HINT_ACL[] = "grant the missing ACL to this client's principal";
static const char HINT_CREATE[] = "create it, or run with --create-topics";
static const char HINT_FENCED[] = "another writer has taken over this transactional id";
static const char HINT_INSTANCE[] =
    "another worker runs with this instance id: one state directory "
    "belongs to one worker";
static const char HINT_RECORD[] = "the broker refuses this record";
static const char HINT_RETENTION[] = "the records were deleted before they were read";
static const char HINT_AUTH[] = "check sasl.mechanism, sasl.username and sasl.password, or the "
                                "certificates";
static const char HINT_NONE[] = "";

/* First match wins, so the row of a narrower context stands before that of a wider one. */
static const mr_kafka_rule RULES[] = {
    /* Reaching a broker */
    {ERR(_TRANSPORT), ANY, MR_E_KAFKA_UNREACHABLE, MR_RECOVERY_RETRY, false, HINT_REACH},
    {ERR(_ALL_BROKERS_DOWN), ANY, MR_E_KAFKA_UNREACHABLE, MR_RECOVERY_RETRY, false, HINT_REACH},
    {ERR(_RESOLVE), ANY, MR_E_KAFKA_UNREACHABLE, MR_RECOVERY_RETRY, false, HINT_REACH},
    {ERR(NETWORK_EXCEPTION), ANY, MR_E_KAFKA_UNREACHABLE, MR_RECOVERY_RETRY, false, HINT_REACH},
    {ERR(BROKER_NOT_AVAILABLE), ANY, MR_E_KAFKA_UNREACHABLE, MR_RECOVERY_RETRY, false, HINT_REACH},
    {ERR(_TIMED_OUT), DELIVERY, MR_E_KAFKA_TIMEOUT, MR_RECOVERY_EPOCH, false, HINT_NONE},
    {ERR(_MSG_TIMED_OUT), WRITES, MR_E_KAFKA_TIMEOUT, MR_RECOVERY_EPOCH, false,
     "the record was not delivered in time"},
    {ERR(_TIMED_OUT), ANY, MR_E_KAFKA_TIMEOUT, MR_RECOVERY_RETRY, false, HINT_NONE},
    {ERR(_TIMED_OUT_QUEUE), ANY, MR_E_KAFKA_TIMEOUT, MR_RECOVERY_RETRY, false, HINT_NONE},
    {ERR(_WAIT_COORD), ANY, MR_E_KAFKA_TIMEOUT, MR_RECOVERY_RETRY, false, HINT_NONE},
    {ERR(REQUEST_TIMED_OUT), ANY, MR_E_KAFKA_TIMEOUT, MR_RECOVERY_RETRY, false, HINT_NONE},
    {ERR(COORDINATOR_NOT_AVAILABLE), ANY, MR_E_KAFKA_TIMEOUT, MR_RECOVERY_RETRY, false, HINT_NONE},
    {ERR(COORDINATOR_LOAD_IN_PROGRESS), ANY, MR_E_KAFKA_TIMEOUT, MR_RECOVERY_RETRY, false,
     HINT_NONE},
    {ERR(NOT_COORDINATOR), ANY, MR_E_KAFKA_TIMEOUT, MR_RECOVERY_RETRY, false, HINT_NONE},
    {ERR(NOT_LEADER_FOR_PARTITION), ANY, MR_E_KAFKA_TIMEOUT, MR_RECOVERY_RETRY, false, HINT_NONE},
    {ERR(LEADER_NOT_AVAILABLE), ANY, MR_E_KAFKA_TIMEOUT, MR_RECOVERY_RETRY, false, HINT_NONE},
    {ERR(NOT_CONTROLLER), ANY, MR_E_KAFKA_TIMEOUT, MR_RECOVERY_RETRY, false, HINT_NONE},
    {ERR(UNSTABLE_OFFSET_COMMIT), ANY, MR_E_KAFKA_TIMEOUT, MR_RECOVERY_RETRY, false,
     "a transaction that holds offsets of this group is still open"},
    {ERR(NOT_ENOUGH_REPLICAS), ANY, MR_E_KAFKA_TIMEOUT, MR_RECOVERY_RETRY, false,
     "fewer replicas are in sync than min.insync.replicas"},
    {ERR(CONCURRENT_TRANSACTIONS), ANY, MR_E_KAFKA_TIMEOUT, MR_RECOVERY_RETRY, false, HINT_NONE},

    /* Authorization: no retry and no abort mends it */
    {ERR(TOPIC_AUTHORIZATION_FAILED), ANY, MR_E_KAFKA_AUTHORIZATION, MR_RECOVERY_STOP, true,
     HINT_ACL},
    {ERR(GROUP_AUTHORIZATION_FAILED), ANY, MR_E_KAFKA_AUTHORIZATION, MR_RECOVERY_STOP, true,
     HINT_ACL},
    {ERR(CLUSTER_AUTHORIZATION_FAILED), ANY, MR_E_KAFKA_AUTHORIZATION, MR_RECOVERY_STOP, true,
     HINT_ACL},
    {ERR(TRANSACTIONAL_ID_AUTHORIZATION_FAILED), ANY, MR_E_KAFKA_AUTHORIZATION, MR_RECOVERY_STOP,
     true, HINT_ACL},
    {ERR(_AUTHENTICATION), ANY, MR_E_KAFKA_AUTHORIZATION, MR_RECOVERY_STOP, true, HINT_AUTH},
    {ERR(SASL_AUTHENTICATION_FAILED), ANY, MR_E_KAFKA_AUTHORIZATION, MR_RECOVERY_STOP, true,
     HINT_AUTH},
    {ERR(_SSL), ANY, MR_E_KAFKA_AUTHORIZATION, MR_RECOVERY_STOP, true, HINT_AUTH},

    /* Topics and groups */
    {ERR(UNKNOWN_TOPIC_OR_PART), ANY, MR_E_KAFKA_TOPIC_MISSING, MR_RECOVERY_STOP, true,
     HINT_CREATE},
    {ERR(_UNKNOWN_TOPIC), ANY, MR_E_KAFKA_TOPIC_MISSING, MR_RECOVERY_STOP, true, HINT_CREATE},
    {ERR(_UNKNOWN_PARTITION), ANY, MR_E_KAFKA_TOPIC_MISSING, MR_RECOVERY_STOP, true,
     "the topic has fewer partitions"},
    {ERR(UNKNOWN_TOPIC_ID), ANY, MR_E_KAFKA_TOPIC_MISSING, MR_RECOVERY_STOP, true,
     "the topic was deleted or made anew"},
    {ERR(TOPIC_ALREADY_EXISTS), ADMIN, MR_E_KAFKA_TOPIC_EXISTS, MR_RECOVERY_STOP, true, HINT_NONE},
    {ERR(NON_EMPTY_GROUP), ADMIN, MR_E_KAFKA_OTHER, MR_RECOVERY_STOP, true,
     "stop the workers of this job first"},
    {ERR(OFFSET_OUT_OF_RANGE), READ | ADMIN, MR_E_KAFKA_OFFSET_LOST, MR_RECOVERY_STOP, true,
     HINT_RETENTION},
    {ERR(_AUTO_OFFSET_RESET), READ, MR_E_KAFKA_OFFSET_LOST, MR_RECOVERY_STOP, true, HINT_RETENTION},
    {ERR(_BAD_MSG), READ, MR_E_KAFKA_OTHER, MR_RECOVERY_STOP, true,
     "a stored batch is damaged (checksum)"},
    {ERR(_BAD_COMPRESSION), READ, MR_E_KAFKA_OTHER, MR_RECOVERY_STOP, true,
     "a stored batch cannot be decompressed"},

    /* Members */
    {ERR(FENCED_INSTANCE_ID), MEMBER, MR_E_KAFKA_INSTANCE_TAKEN, MR_RECOVERY_STOP, true,
     HINT_INSTANCE},
    {ERR(FENCED_INSTANCE_ID), WRITES, MR_E_KAFKA_MEMBER_STALE, MR_RECOVERY_EPOCH, false,
     HINT_INSTANCE},
    {ERR(UNRELEASED_INSTANCE_ID), MEMBER, MR_E_KAFKA_INSTANCE_TAKEN, MR_RECOVERY_STOP, true,
     HINT_INSTANCE},
    {ERR(ILLEGAL_GENERATION), ANY, MR_E_KAFKA_MEMBER_STALE, MR_RECOVERY_EPOCH, false,
     "the group has rebalanced"},
    {ERR(UNKNOWN_MEMBER_ID), ANY, MR_E_KAFKA_MEMBER_STALE, MR_RECOVERY_EPOCH, false,
     "the group has rebalanced"},
    {ERR(REBALANCE_IN_PROGRESS), ANY, MR_E_KAFKA_MEMBER_STALE, MR_RECOVERY_EPOCH, false,
     "the group is rebalancing"},
    {ERR(_ASSIGNMENT_LOST), ANY, MR_E_KAFKA_MEMBER_STALE, MR_RECOVERY_EPOCH, false,
     "the group has rebalanced"},
    {ERR(_MAX_POLL_EXCEEDED), ANY, MR_E_KAFKA_MEMBER_STALE, MR_RECOVERY_EPOCH, false,
     "the member was not polled for max.poll.interval.ms"},
    {ERR(STALE_MEMBER_EPOCH), ANY, MR_E_KAFKA_MEMBER_STALE, MR_RECOVERY_EPOCH, false,
     "the group has rebalanced"},
    {ERR(GROUP_MAX_SIZE_REACHED), MEMBER, MR_E_KAFKA_OTHER, MR_RECOVERY_STOP, true,
     "the broker's group.max.size is reached"},
    {ERR(INCONSISTENT_GROUP_PROTOCOL), MEMBER, MR_E_KAFKA_OTHER, MR_RECOVERY_STOP, true,
     "another program uses this group id"},

    /* Records */
    {ERR(MSG_SIZE_TOO_LARGE), WRITES, MR_E_KAFKA_RECORD_REFUSED, MR_RECOVERY_RECORD, true,
     "it is larger than the topic's max.message.bytes or this client's message.max.bytes"},
    {ERR(INVALID_MSG_SIZE), WRITES, MR_E_KAFKA_RECORD_REFUSED, MR_RECOVERY_RECORD, true,
     HINT_RECORD},
    {ERR(INVALID_MSG), WRITES, MR_E_KAFKA_RECORD_REFUSED, MR_RECOVERY_RECORD, true, HINT_RECORD},
    {ERR(INVALID_RECORD), WRITES, MR_E_KAFKA_RECORD_REFUSED, MR_RECOVERY_RECORD, true,
     "a compacted topic needs keys, or the timestamp is outside of what the topic accepts"},
    {ERR(INVALID_TIMESTAMP), WRITES, MR_E_KAFKA_RECORD_REFUSED, MR_RECOVERY_RECORD, true,
     "the timestamp is outside of what the topic accepts"},
    {ERR(_INVALID_DIFFERENT_RECORD), WRITES, MR_E_KAFKA_ABORTABLE, MR_RECOVERY_EPOCH, false,
     "another record of its batch was refused"},
    {ERR(RECORD_LIST_TOO_LARGE), WRITES, MR_E_KAFKA_ABORTABLE, MR_RECOVERY_WRITER, true,
     "the batch is larger than the broker's segments; lower batch.size"},
    {ERR(TOPIC_EXCEPTION), ANY, MR_E_KAFKA_OTHER, MR_RECOVERY_STOP, true,
     "the topic's name is not allowed"},
    {ERR(INVALID_REQUIRED_ACKS), WRITES, MR_E_KAFKA_OTHER, MR_RECOVERY_STOP, true, HINT_NONE},
    {ERR(UNSUPPORTED_FOR_MESSAGE_FORMAT), WRITES, MR_E_KAFKA_OTHER, MR_RECOVERY_STOP, true,
     "the topic's message format is too old for transactions"},
    {ERR(_INCONSISTENT), WRITES, MR_E_KAFKA_OTHER, MR_RECOVERY_WRITER, false, HINT_NONE},
    {ERR(_PURGE_QUEUE), WRITES, MR_E_KAFKA_ABORTABLE, MR_RECOVERY_EPOCH, false, HINT_NONE},
    {ERR(_PURGE_INFLIGHT), WRITES, MR_E_KAFKA_ABORTABLE, MR_RECOVERY_EPOCH, false, HINT_NONE},

    /* Transactions */
    {ERR(_FENCED), ANY, MR_E_KAFKA_FENCED, MR_RECOVERY_WRITER, true, HINT_FENCED},
    {ERR(PRODUCER_FENCED), ANY, MR_E_KAFKA_FENCED, MR_RECOVERY_WRITER, true, HINT_FENCED},
    {ERR(INVALID_PRODUCER_EPOCH), ANY, MR_E_KAFKA_FENCED, MR_RECOVERY_WRITER, true, HINT_FENCED},
    {ERR(INVALID_TXN_STATE), WRITES, MR_E_KAFKA_IN_DOUBT, MR_RECOVERY_WRITER, true,
     "the coordinator holds another state of the transaction"},
    {ERR(OUT_OF_ORDER_SEQUENCE_NUMBER), WRITES, MR_E_KAFKA_ABORTABLE, MR_RECOVERY_WRITER, false,
     HINT_NONE},
    {ERR(DUPLICATE_SEQUENCE_NUMBER), WRITES, MR_E_KAFKA_ABORTABLE, MR_RECOVERY_WRITER, false,
     HINT_NONE},
    {ERR(UNKNOWN_PRODUCER_ID), WRITES, MR_E_KAFKA_ABORTABLE, MR_RECOVERY_WRITER, false, HINT_NONE},
    {ERR(INVALID_PRODUCER_ID_MAPPING), WRITES, MR_E_KAFKA_FENCED, MR_RECOVERY_WRITER, false,
     "the coordinator has forgotten the transactional id"},
    {ERR(INVALID_TRANSACTION_TIMEOUT), WRITES, MR_E_KAFKA_OTHER, MR_RECOVERY_STOP, true,
     "transaction.timeout.ms is above the broker's transaction.max.timeout.ms"},
    {ERR(OFFSET_METADATA_TOO_LARGE), WRITES | MEMBER, MR_E_KAFKA_OTHER, MR_RECOVERY_STOP, true,
     "the broker's offset.metadata.max.bytes must be 4096 or more"},
    {ERR(TRANSACTION_COORDINATOR_FENCED), WRITES, MR_E_KAFKA_IN_DOUBT, MR_RECOVERY_WRITER, true,
     HINT_NONE},
    {ERR(THROTTLING_QUOTA_EXCEEDED), ANY, MR_E_KAFKA_TIMEOUT, MR_RECOVERY_RETRY, false,
     "a quota of the broker throttles this client"},
    {ERR(_UNSUPPORTED_FEATURE), ANY, MR_E_KAFKA_OTHER, MR_RECOVERY_STOP, true,
     "the broker is too old: Kafka 2.5 or newer is needed"},
    {ERR(UNSUPPORTED_VERSION), ANY, MR_E_KAFKA_OTHER, MR_RECOVERY_STOP, true,
     "the broker is too old: Kafka 2.5 or newer is needed"},
};

/* Anything the table does not know: a writer is replaced, as for a fatal error, all else stops. */
static const mr_kafka_rule DEFAULT_WRITES = {ERR(UNKNOWN),       WRITES, MR_E_KAFKA_OTHER,
                                             MR_RECOVERY_WRITER, false,  HINT_NONE};
static const mr_kafka_rule DEFAULT_OTHER = {ERR(UNKNOWN),     ANY,   MR_E_KAFKA_OTHER,
                                            MR_RECOVERY_STOP, false, HINT_NONE};

const mr_kafka_rule *mr_kafka_rules(size_t *count)
{
    *count = MR_LENGTH(RULES);
    return RULES;
}

const mr_kafka_rule *mr_kafka_rule_of(rd_kafka_resp_err_t error, mr_kafka_context context)
{
    for (size_t i = 0; i < MR_LENGTH(RULES); i++)
        if (RULES[i].error == error && (RULES[i].contexts & (int)context) != 0)
            return &RULES[i];
    return ((int)context & WRITES) != 0 ? &DEFAULT_WRITES : &DEFAULT_OTHER;
}

static mr_status fill(mr_error *err, const mr_kafka_rule *rule, mr_recovery recovery,
                      rd_kafka_resp_err_t error, const char *reason, const char *format,
                      va_list args)
{
    char what[MR_ERROR_MESSAGE_MAX / 2];
    vsnprintf(what, sizeof what, format, args);
    return mr_error_set_recovery(err, rule->status, recovery, "%s: %s (%s)%s%s", what,
                                 reason ? reason : rd_kafka_err2str(error),
                                 rd_kafka_err2name(error), rule->hint[0] ? "; " : "", rule->hint);
}

mr_status mr_kafka_fail(mr_error *err, mr_kafka_context context, rd_kafka_resp_err_t error,
                        const char *reason, const char *what, ...)
{
    const mr_kafka_rule *rule = mr_kafka_rule_of(error, context);
    va_list args;
    va_start(args, what);
    mr_status status = fill(err, rule, rule->recovery, error, reason, what, args);
    va_end(args);
    return status;
}

/* librdkafka's own verdict, where it has one. */
static mr_recovery recovery_of(const mr_kafka_rule *rule, const rd_kafka_error_t *error)
{
    if (rule->is_firm)
        return rule->recovery;
    if (rd_kafka_error_is_fatal(error))
        return MR_RECOVERY_WRITER;
    if (rd_kafka_error_txn_requires_abort(error))
        return MR_RECOVERY_EPOCH;
    if (rd_kafka_error_is_retriable(error))
        return MR_RECOVERY_RETRY;
    return rule->recovery;
}

mr_status mr_kafka_fail_object(mr_error *err, mr_kafka_context context, rd_kafka_error_t *error,
                               const char *what, ...)
{
    rd_kafka_resp_err_t code = rd_kafka_error_code(error);
    const mr_kafka_rule *rule = mr_kafka_rule_of(code, context);
    mr_recovery recovery = recovery_of(rule, error);
    va_list args;
    va_start(args, what);
    mr_status status = fill(err, rule, recovery, code, rd_kafka_error_string(error), what, args);
    va_end(args);
    rd_kafka_error_destroy(error);
    return status;
}

bool mr_kafka_is_transient(rd_kafka_resp_err_t error)
{
    const mr_kafka_rule *rule = mr_kafka_rule_of(error, MR_KAFKA_READ);
    return rule->recovery == MR_RECOVERY_RETRY;
}
