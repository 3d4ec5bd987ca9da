/*
 * Topic: one that a writer sends to, and where in it records go.
 *
 * librdkafka asks for the partition of each record that comes without one; asking costs locks a
 * record. So only the first record of a run is sent that way: our partitioner then learns how many
 * partitions there are, and the others are placed here by the same rule and sent by partition.
 *
 * The rule: with a key murmur2 of it, as Java producers do; without a key all stay in one partition
 * for a while, which makes few and large batches, then in the next one that has a leader.
 * Thread: the writer's; the partitioner also runs on librdkafka's, so its fields are atomic.
 */
#ifndef MR_CONNECTORS_KAFKA_WRITER_TOPIC_H
#define MR_CONNECTORS_KAFKA_WRITER_TOPIC_H

#include "engine/ports/log.h"

#include <librdkafka/rdkafka.h>
#include <stdatomic.h>
#include <stdint.h>

typedef struct mr_kafka_topic {
    char *name;
    rd_kafka_topic_t *handle; /* its opaque is this struct */
    int64_t *offsets;         /* last delivered per partition; -1: none */
    int32_t offsets_count;
    atomic_int partitions;   /* as the partitioner saw last; 0: it was not asked yet */
    atomic_int keyless;      /* where records without key go for now */
    atomic_llong keyless_ms; /* since when */
} mr_kafka_topic;

/* Errors: 5xxx of rd_kafka_topic_new. */
MR_MUST_USE mr_status mr_kafka_topic_new(rd_kafka_t *rk, const char *name, mr_kafka_topic **topic,
                                         mr_error *err);

/* Gives the handle back, which has to happen before its rd_kafka_t is destroyed .. */
void mr_kafka_topic_close(mr_kafka_topic *topic);
/* .. and the rest afterwards, when no thread can ask for a partition any more. */
void mr_kafka_topic_free(mr_kafka_topic *topic);

/* Where a record goes by the rule; MR_PARTITION_BY_KEY while it is not known. */
int32_t mr_kafka_topic_place(const mr_kafka_topic *topic, const mr_log_record *record);

#endif
