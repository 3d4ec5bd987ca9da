/*
 * Errors that a real Kafka brings about, each with the function that does: X(error, context,
 * function).
 *
 * tests/broker/test_kafka_faults.c plays them all and asks the witness for each; a row named here
 * without its function does not compile there. test_rules.c of the unit tests counts them as
 * injected.
 */
#ifndef MR_TESTS_HARNESS_KAFKA_REAL_FAULTS_H
#define MR_TESTS_HARNESS_KAFKA_REAL_FAULTS_H

#define KAFKA_REAL_FAULTS(X)                                                     \
    X(TOPIC_ALREADY_EXISTS, MR_KAFKA_ADMIN, creating_a_topic_twice)              \
    X(TOPIC_EXCEPTION, MR_KAFKA_ADMIN, creating_a_topic_with_a_blank)            \
    X(NON_EMPTY_GROUP, MR_KAFKA_ADMIN, deleting_a_group_at_work)                 \
    X(OFFSET_OUT_OF_RANGE, MR_KAFKA_ADMIN, trimming_beyond_the_end)              \
    X(UNSTABLE_OFFSET_COMMIT, MR_KAFKA_ADMIN, asking_during_a_transaction)       \
    X(_AUTO_OFFSET_RESET, MR_KAFKA_READ, reading_what_was_trimmed)               \
    X(_BAD_MSG, MR_KAFKA_READ, reading_a_flipped_bit)                            \
    X(_BAD_COMPRESSION, MR_KAFKA_READ, reading_what_does_not_decompress)         \
    X(INVALID_SESSION_TIMEOUT, MR_KAFKA_MEMBER, joining_with_a_short_session)    \
    X(FENCED_INSTANCE_ID, MR_KAFKA_TRANSACTION, sending_offsets_when_replaced)   \
    X(OFFSET_METADATA_TOO_LARGE, MR_KAFKA_TRANSACTION, sending_large_metadata)   \
    X(INVALID_TRANSACTION_TIMEOUT, MR_KAFKA_TRANSACTION, opening_for_two_hours)  \
    X(_FENCED, MR_KAFKA_TRANSACTION, committing_after_a_successor)               \
    X(MSG_SIZE_TOO_LARGE, MR_KAFKA_DELIVERY, sending_a_batch_above_the_limit)    \
    X(RECORD_LIST_TOO_LARGE, MR_KAFKA_DELIVERY, sending_a_batch_above_a_segment) \
    X(INVALID_TIMESTAMP, MR_KAFKA_DELIVERY, sending_a_record_of_long_ago)        \
    X(_INVALID_DIFFERENT_RECORD, MR_KAFKA_DELIVERY, sending_beside_a_bad_record)

/* On a cluster with TLS, SASL and an authorizer. */
#define KAFKA_SECURE_FAULTS(X)                                                    \
    X(_AUTHENTICATION, MR_KAFKA_ADMIN, connecting_with_a_wrong_password)          \
    X(_SSL, MR_KAFKA_ADMIN, connecting_without_the_authority)                     \
    X(TOPIC_AUTHORIZATION_FAILED, MR_KAFKA_ADMIN, describing_without_an_acl)      \
    X(GROUP_AUTHORIZATION_FAILED, MR_KAFKA_MEMBER, joining_without_an_acl)        \
    X(CLUSTER_AUTHORIZATION_FAILED, MR_KAFKA_TRANSACTION, writing_without_an_acl) \
    X(TRANSACTIONAL_ID_AUTHORIZATION_FAILED, MR_KAFKA_TRANSACTION, transacting_without_an_acl)

#endif
