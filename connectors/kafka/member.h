/*
 * Member: one engine's membership in its job's group: classic protocol (eager, round robin), or
 * that of Kafka 4 with group.protocol = consumer (decision 0018).
 *
 * The member is assigned partitions but never fetches (protocol.h). The group metadata is the fence
 * of offsets in transactions: captured once per assignment, with KIP-848 for each commit.
 */
#ifndef MR_CONNECTORS_KAFKA_MEMBER_H
#define MR_CONNECTORS_KAFKA_MEMBER_H

#include "connectors/kafka/client/client.h"

mr_status mr_kafka_member_open(mr_log *log, const mr_member_options *options,
                               mr_log_member **member, mr_error *err);

/* The metadata to commit with; NULL with MR_E_KAFKA_MEMBER_STALE when there is no assignment, its
 * generation is below 0 or it names no member: such metadata the broker would not check. */
const rd_kafka_consumer_group_metadata_t *mr_kafka_member_metadata(mr_log_member *member,
                                                                   mr_error *err);

/* True once the group counts it out: what is sent in its name is refused from now on. Thread: any,
 * while nobody polls it. */
bool mr_kafka_member_has_gone(mr_log_member *member);

#endif
