/*
 * The V1 guard: knows whether a transactional request may still be under way.
 *
 * librdkafka speaks transaction protocol V1, in which all transactions of a producer instance share
 * one epoch: a request that was sent, got lost and was sent again may reach the coordinator late
 * and hit a later transaction (an EndTxn then ends it too early). librdkafka hides the resend. So
 * each AddPartitionsToTxn (24), AddOffsetsToTxn (25), EndTxn (26) and TxnOffsetCommit (28) that
 * leaves is counted, and each answer; one without an answer is a doubt for the rest of this
 * producer's life. Requests that the broker answered with "try again" are answered: they raise no
 * doubt. Counting resends alone would take every such polite refusal for a doubt; after a commit in
 * quick succession CONCURRENT_TRANSACTIONS is the normal answer to the first AddPartitionsToTxn.
 *
 * Thread: counted on librdkafka's broker threads, read from anywhere.
 */
#ifndef MR_CONNECTORS_KAFKA_WRITER_GUARD_H
#define MR_CONNECTORS_KAFKA_WRITER_GUARD_H

#include <librdkafka/rdkafka.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

typedef enum mr_kafka_request {
    MR_KAFKA_ADD_PARTITIONS = 0,
    MR_KAFKA_ADD_OFFSETS,
    MR_KAFKA_END_TXN,
    MR_KAFKA_TXN_OFFSETS,
    MR_KAFKA_INIT_PRODUCER,
    MR_KAFKA_REQUESTS,
} mr_kafka_request;

#define MR_KAFKA_GUARD_THREADS_MAX 64

typedef struct mr_kafka_guard {
    atomic_uint_fast64_t sent[MR_KAFKA_REQUESTS];
    atomic_uint_fast64_t answered[MR_KAFKA_REQUESTS];
    /* The broker threads: those that have sent something. librdkafka tells an answer there and then
     * again on its main thread, which must not count. Full: later threads' answers stay doubts. */
    atomic_uintptr_t threads[MR_KAFKA_GUARD_THREADS_MAX];
} mr_kafka_guard;

/* Puts the interceptors into `conf`. The guard must outlive the handle made of it. */
void mr_kafka_guard_install(mr_kafka_guard *guard, rd_kafka_conf_t *conf);

/* Counting itself, as the interceptors do it; an answer counts on a thread that has sent. */
void mr_kafka_guard_sent(mr_kafka_guard *guard, int16_t api_key);
void mr_kafka_guard_answered(mr_kafka_guard *guard, int16_t api_key, rd_kafka_resp_err_t error);

/* How many transactional requests were sent and never answered (InitProducerId is not one). */
uint64_t mr_kafka_guard_unanswered(const mr_kafka_guard *guard);

/* At least one request of this kind was answered, and none of them is under way. */
bool mr_kafka_guard_is_heard(const mr_kafka_guard *guard, mr_kafka_request request);

#endif
