#include "connectors/kafka/client/rules.h"

#include "engine/base/assert.h"

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
static const char HINT_RETENTION[] = "the records were deleted before they were read";
static const char HINT_AUTH[] = "check sasl.mechanism, sasl.username and sasl.password";
static const char HINT_SSL[] = "check security.protocol, ssl.ca.location and the client's "
                               "certificate";
static const char HINT_REBALANCED[] = "the group has rebalanced";
static const char HINT_DAMAGED[] = "a stored batch is damaged";
static const char HINT_TIMESTAMP[] = "the timestamp is outside of what the topic accepts";
static const char HINT_LARGE[] =
    "it is larger than the topic's max.message.bytes or segment.bytes, or than this client's "
    "message.max.bytes";
static const char HINT_OLD[] = "the broker is too old: Kafka 2.5 or newer is needed";
static const char HINT_NONE[] = "";

/*
 * First match wins, so the row of a narrower context stands before that of a wider one.
 *
 * What librdkafka mends without telling (a leader that moves while records are sent, a coordinator
 * that loads while a transaction ends) needs no row, nor does what no client of ours can meet. One
 * that cannot be brought about is taken out rather than believed: the defaults below stand for it.
 */
static const mr_kafka_rule RULES[] = {
    /* Reaching a broker */
    {ERR(_TRANSPORT), ANY, MR_E_KAFKA_UNREACHABLE, MR_RECOVERY_RETRY, false, HINT_REACH},
    {ERR(NETWORK_EXCEPTION), ANY, MR_E_KAFKA_UNREACHABLE, MR_RECOVERY_RETRY, false, HINT_REACH},
    {ERR(_MSG_TIMED_OUT), DELIVERY, MR_E_KAFKA_TIMEOUT, MR_RECOVERY_EPOCH, false,
     "the record was not delivered in time"},
    {ERR(_TIMED_OUT), ANY, MR_E_KAFKA_TIMEOUT, MR_RECOVERY_RETRY, false, HINT_NONE},
    {ERR(REQUEST_TIMED_OUT), ANY, MR_E_KAFKA_TIMEOUT, MR_RECOVERY_RETRY, false, HINT_NONE},
    {ERR(COORDINATOR_NOT_AVAILABLE), ANY, MR_E_KAFKA_TIMEOUT, MR_RECOVERY_RETRY, false, HINT_NONE},
    {ERR(COORDINATOR_LOAD_IN_PROGRESS), ANY, MR_E_KAFKA_TIMEOUT, MR_RECOVERY_RETRY, false,
     HINT_NONE},
    {ERR(NOT_COORDINATOR), ANY, MR_E_KAFKA_TIMEOUT, MR_RECOVERY_RETRY, false, HINT_NONE},
    {ERR(NOT_LEADER_FOR_PARTITION), ANY, MR_E_KAFKA_TIMEOUT, MR_RECOVERY_RETRY, false, HINT_NONE},
    {ERR(_NOENT), ADMIN, MR_E_KAFKA_TIMEOUT, MR_RECOVERY_RETRY, false,
     "the partition has no leader just now"},
    {ERR(LEADER_NOT_AVAILABLE), ANY, MR_E_KAFKA_TIMEOUT, MR_RECOVERY_RETRY, false, HINT_NONE},
    {ERR(FENCED_LEADER_EPOCH), ANY, MR_E_KAFKA_TIMEOUT, MR_RECOVERY_RETRY, false,
     "the partition has a new leader"},
    {ERR(UNKNOWN_LEADER_EPOCH), ANY, MR_E_KAFKA_TIMEOUT, MR_RECOVERY_RETRY, false,
     "the partition has a new leader"},
    {ERR(OFFSET_NOT_AVAILABLE), ANY, MR_E_KAFKA_TIMEOUT, MR_RECOVERY_RETRY, false,
     "the partition's new leader is catching up"},
    {ERR(KAFKA_STORAGE_ERROR), ANY, MR_E_KAFKA_TIMEOUT, MR_RECOVERY_RETRY, false,
     "the broker cannot reach its disk; another may take over"},
    {ERR(UNSTABLE_OFFSET_COMMIT), ADMIN | MEMBER, MR_E_KAFKA_TIMEOUT, MR_RECOVERY_RETRY, false,
     "a transaction that holds offsets of this group is still open"},

    /* Authorization: no retry and no abort mends it */
    {ERR(TOPIC_AUTHORIZATION_FAILED), ANY, MR_E_KAFKA_AUTHORIZATION, MR_RECOVERY_STOP, true,
     HINT_ACL},
    {ERR(GROUP_AUTHORIZATION_FAILED), ANY, MR_E_KAFKA_AUTHORIZATION, MR_RECOVERY_STOP, true,
     HINT_ACL},
    {ERR(CLUSTER_AUTHORIZATION_FAILED), ANY, MR_E_KAFKA_AUTHORIZATION, MR_RECOVERY_STOP, true,
     HINT_ACL},
    {ERR(TRANSACTIONAL_ID_AUTHORIZATION_FAILED), WRITES, MR_E_KAFKA_AUTHORIZATION, MR_RECOVERY_STOP,
     true, HINT_ACL},
    {ERR(_AUTHENTICATION), ADMIN, MR_E_KAFKA_AUTHORIZATION, MR_RECOVERY_STOP, true, HINT_AUTH},
    {ERR(_SSL), ADMIN, MR_E_KAFKA_AUTHORIZATION, MR_RECOVERY_STOP, true, HINT_SSL},

    /* Topics and groups */
    {ERR(UNKNOWN_TOPIC_OR_PART), ANY, MR_E_KAFKA_TOPIC_MISSING, MR_RECOVERY_STOP, true,
     HINT_CREATE},
    {ERR(_UNKNOWN_TOPIC), WRITES, MR_E_KAFKA_TOPIC_MISSING, MR_RECOVERY_STOP, true, HINT_CREATE},
    {ERR(_UNKNOWN_PARTITION), ANY, MR_E_KAFKA_TOPIC_MISSING, MR_RECOVERY_STOP, true,
     "the topic has fewer partitions"},
    {ERR(TOPIC_ALREADY_EXISTS), ADMIN, MR_E_KAFKA_TOPIC_EXISTS, MR_RECOVERY_STOP, true, HINT_NONE},
    {ERR(TOPIC_EXCEPTION), ADMIN, MR_E_KAFKA_OTHER, MR_RECOVERY_STOP, true,
     "the topic's name is not allowed"},
    {ERR(NON_EMPTY_GROUP), ADMIN, MR_E_KAFKA_OTHER, MR_RECOVERY_STOP, true,
     "stop the workers of this job first"},
    {ERR(OFFSET_OUT_OF_RANGE), ADMIN, MR_E_KAFKA_OFFSET_LOST, MR_RECOVERY_STOP, true,
     "the partition does not reach there"},
    {ERR(_AUTO_OFFSET_RESET), READ, MR_E_KAFKA_OFFSET_LOST, MR_RECOVERY_STOP, true, HINT_RETENTION},
    {ERR(_BAD_MSG), READ, MR_E_KAFKA_OTHER, MR_RECOVERY_STOP, true, HINT_DAMAGED},
    {ERR(_BAD_COMPRESSION), READ, MR_E_KAFKA_OTHER, MR_RECOVERY_STOP, true, HINT_DAMAGED},

    /* Members. A stale one aborts and joins anew; a worker whose instance id is taken goes. */
    {ERR(FENCED_INSTANCE_ID), MEMBER, MR_E_KAFKA_INSTANCE_TAKEN, MR_RECOVERY_STOP, true,
     HINT_INSTANCE},
    {ERR(FENCED_INSTANCE_ID), TRANSACTION, MR_E_KAFKA_MEMBER_STALE, MR_RECOVERY_EPOCH, false,
     HINT_INSTANCE},
    {ERR(ILLEGAL_GENERATION), MEMBER | TRANSACTION, MR_E_KAFKA_MEMBER_STALE, MR_RECOVERY_EPOCH,
     false, HINT_REBALANCED},
    {ERR(UNKNOWN_MEMBER_ID), MEMBER | TRANSACTION, MR_E_KAFKA_MEMBER_STALE, MR_RECOVERY_EPOCH,
     false, HINT_REBALANCED},
    {ERR(REBALANCE_IN_PROGRESS), MEMBER | TRANSACTION, MR_E_KAFKA_MEMBER_STALE, MR_RECOVERY_EPOCH,
     false, "the group is rebalancing"},
    {ERR(_MAX_POLL_EXCEEDED), MEMBER, MR_E_KAFKA_MEMBER_STALE, MR_RECOVERY_EPOCH, false,
     "the member was not polled for max.poll.interval.ms"},
    {ERR(GROUP_MAX_SIZE_REACHED), MEMBER, MR_E_KAFKA_OTHER, MR_RECOVERY_STOP, true,
     "the broker's group.max.size is reached"},
    {ERR(INCONSISTENT_GROUP_PROTOCOL), MEMBER, MR_E_KAFKA_OTHER, MR_RECOVERY_STOP, true,
     "another program uses this group id"},
    {ERR(INVALID_SESSION_TIMEOUT), MEMBER, MR_E_KAFKA_OTHER, MR_RECOVERY_STOP, true,
     "session.timeout.ms is outside of the broker's group.min.session.timeout.ms and "
     "group.max.session.timeout.ms"},

    /* Records: only a delivery names one; the same error in a request about a transaction blames
     * none, and the defaults take it. */
    {ERR(MSG_SIZE_TOO_LARGE), DELIVERY, MR_E_KAFKA_RECORD_REFUSED, MR_RECOVERY_RECORD, true,
     HINT_LARGE},
    {ERR(RECORD_LIST_TOO_LARGE), DELIVERY, MR_E_KAFKA_RECORD_REFUSED, MR_RECOVERY_RECORD, true,
     HINT_LARGE},
    {ERR(INVALID_RECORD), DELIVERY, MR_E_KAFKA_RECORD_REFUSED, MR_RECOVERY_RECORD, true,
     "a compacted topic needs keys, or the timestamp is outside of what the topic accepts"},
    {ERR(INVALID_TIMESTAMP), DELIVERY, MR_E_KAFKA_RECORD_REFUSED, MR_RECOVERY_RECORD, true,
     HINT_TIMESTAMP},
    {ERR(_INVALID_DIFFERENT_RECORD), DELIVERY, MR_E_KAFKA_ABORTABLE, MR_RECOVERY_EPOCH, false,
     "another record of its batch was refused"},
    {ERR(_PURGE_QUEUE), DELIVERY, MR_E_KAFKA_ABORTABLE, MR_RECOVERY_EPOCH, false, HINT_NONE},

    /* Transactions. Whoever is fenced, forgotten or of another mind than the coordinator learns
     * from the state log what holds; an abort would ask a coordinator that does not know us. */
    {ERR(_FENCED), TRANSACTION, MR_E_KAFKA_FENCED, MR_RECOVERY_WRITER, true, HINT_FENCED},
    {ERR(PRODUCER_FENCED), DELIVERY, MR_E_KAFKA_FENCED, MR_RECOVERY_WRITER, true, HINT_FENCED},
    {ERR(INVALID_PRODUCER_EPOCH), DELIVERY, MR_E_KAFKA_FENCED, MR_RECOVERY_WRITER, true,
     HINT_FENCED},
    {ERR(INVALID_TXN_STATE), WRITES, MR_E_KAFKA_IN_DOUBT, MR_RECOVERY_WRITER, true,
     "the coordinator holds another state of the transaction"},
    {ERR(INVALID_PRODUCER_ID_MAPPING), WRITES, MR_E_KAFKA_IN_DOUBT, MR_RECOVERY_WRITER, true,
     "the coordinator has forgotten the transactional id"},
    {ERR(OUT_OF_ORDER_SEQUENCE_NUMBER), WRITES, MR_E_KAFKA_ABORTABLE, MR_RECOVERY_WRITER, true,
     "the partition's leader misses records sent before"},
    {ERR(UNKNOWN_PRODUCER_ID), WRITES, MR_E_KAFKA_ABORTABLE, MR_RECOVERY_WRITER, true,
     "the partition's leader has forgotten this producer"},
    {ERR(INVALID_TRANSACTION_TIMEOUT), TRANSACTION, MR_E_KAFKA_OTHER, MR_RECOVERY_STOP, true,
     "transaction.timeout.ms is above the broker's transaction.max.timeout.ms"},
    {ERR(OFFSET_METADATA_TOO_LARGE), TRANSACTION | MEMBER, MR_E_KAFKA_OTHER, MR_RECOVERY_STOP, true,
     "the broker's offset.metadata.max.bytes must be 4096 or more"},
    {ERR(_UNSUPPORTED_FEATURE), ANY, MR_E_KAFKA_OTHER, MR_RECOVERY_STOP, true, HINT_OLD},
    {ERR(UNSUPPORTED_VERSION), ANY, MR_E_KAFKA_OTHER, MR_RECOVERY_STOP, true, HINT_OLD},
};

/* Anything the table does not know: a writer is replaced, as for a fatal error, unless librdkafka
 * itself asks for an abort; all else stops. */
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
    /* One that waited for a connection until then, and was never sent. */
    if (error == RD_KAFKA_RESP_ERR__TIMED_OUT_QUEUE)
        error = RD_KAFKA_RESP_ERR__TIMED_OUT;
    for (size_t i = 0; i < MR_LENGTH(RULES); i++)
        if (RULES[i].error == error && (RULES[i].contexts & (int)context) != 0)
            return &RULES[i];
    return ((int)context & WRITES) != 0 ? &DEFAULT_WRITES : &DEFAULT_OTHER;
}
