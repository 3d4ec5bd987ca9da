/*
 * Protocol: how a handle answers the group, in the classic protocol (eager) and in that of Kafka 4
 * (KIP-848, `group.protocol = consumer`; decision 0018), where partitions come and go by themselves
 * while others stay.
 *
 * In both every answer is an empty list: the group counts the partitions as owned while librdkafka
 * fetches no byte of them. Thread: the member's, callbacks included.
 */
#ifndef MR_CONNECTORS_KAFKA_PROTOCOL_H
#define MR_CONNECTORS_KAFKA_PROTOCOL_H

#include "engine/base/error.h"

#include <librdkafka/rdkafka.h>
#include <stdbool.h>
#include <stdint.h>

/* What a member owns, ascending. All-zero: nothing. */
typedef struct mr_kafka_owned {
    int32_t *partitions;
    uint32_t count;
} mr_kafka_owned;

/* Classic: the list is all of it. Else it comes to what is there. */
void mr_kafka_owned_take(mr_kafka_owned *owned, const rd_kafka_topic_partition_list_t *list,
                         bool is_incremental);
/* What is not there is not missed. */
void mr_kafka_owned_give(mr_kafka_owned *owned, const rd_kafka_topic_partition_list_t *list);
void mr_kafka_owned_release(mr_kafka_owned *owned);

/* Accepts an assignment; gives up what was revoked. Errors: librdkafka's. */
rd_kafka_resp_err_t mr_kafka_protocol_accept(rd_kafka_t *rk, bool is_incremental);
rd_kafka_resp_err_t mr_kafka_protocol_give_up(rd_kafka_t *rk, bool is_incremental);

/* The generation, or with KIP-848 the member epoch; below 0: none. */
int32_t mr_kafka_protocol_generation(const rd_kafka_consumer_group_metadata_t *metadata);

#endif
