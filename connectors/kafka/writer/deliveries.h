/*
 * Deliveries: what became of the records a writer has queued.
 *
 * Counts queued bytes, remembers the last offset per (topic, partition) and collects failures with
 * their tags. Fed by the delivery report callback, which runs inside of the writer's own calls.
 */
#ifndef MR_CONNECTORS_KAFKA_WRITER_DELIVERIES_H
#define MR_CONNECTORS_KAFKA_WRITER_DELIVERIES_H

#include "connectors/kafka/writer/topic.h"

typedef struct mr_kafka_deliveries {
    mr_kafka_topic **topics;
    uint32_t topics_count;
    mr_log_failure *failures;
    uint32_t failures_count;
    uint32_t failures_capacity;
    uint32_t worst;             /* of the failures: the one that decides */
    mr_recovery worst_recovery; /* what its rule says */
    mr_log_failure *handed;     /* what `failures` gave out last */
    uint32_t too_large; /* of the failures: those the broker found too large, alone or as a batch */
    uint32_t purged;    /* of the failures: those that died with their transaction, blameless */
    bool has_lost_batch; /* one was refused after it was sent: sequence numbers have a gap */
    uint64_t queued_records;
    size_t queued_bytes;
} mr_kafka_deliveries;

/* Gives the topics' handles back; no topic is asked for after it. */
void mr_kafka_deliveries_close(mr_kafka_deliveries *deliveries);

/* When the producer is destroyed. */
void mr_kafka_deliveries_release(mr_kafka_deliveries *deliveries);

/* The topic's entry, made on first use. Errors: 5xxx of rd_kafka_topic_new. */
MR_MUST_USE mr_status mr_kafka_deliveries_topic(mr_kafka_deliveries *deliveries, rd_kafka_t *rk,
                                                const char *name, mr_kafka_topic **topic,
                                                mr_error *err);

/* A report came: from the callback. */
void mr_kafka_deliveries_report(mr_kafka_deliveries *deliveries, const rd_kafka_message_t *message);

/* A record was refused before it was queued, or a report was bad. */
void mr_kafka_deliveries_fail(mr_kafka_deliveries *deliveries, const char *topic, uint64_t tag,
                              rd_kafka_resp_err_t error, const char *reason);

int64_t mr_kafka_deliveries_last(const mr_kafka_deliveries *deliveries, const char *topic,
                                 int32_t partition);

/* Hands out the failures collected since the last call. */
uint32_t mr_kafka_deliveries_take(mr_kafka_deliveries *deliveries, const mr_log_failure **failures);

/* Forgets the failures (a new transaction begins). */
void mr_kafka_deliveries_clear(mr_kafka_deliveries *deliveries);

/* MR_OK without failures; else the error of the one whose rule weighs most: a refused record, then
 * what stops, what costs the writer, what a replay mends. */
mr_status mr_kafka_deliveries_verdict(const mr_kafka_deliveries *deliveries, mr_error *err);

#endif
