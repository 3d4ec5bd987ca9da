#include "connectors/kafka/writer/topic.h"

#include "connectors/kafka/client/client.h"
#include "connectors/kafka/client/errors.h"
#include "engine/base/assert.h"

#include <stdlib.h>
#include <string.h>

#define KEYLESS_MS 10 /* in one partition: what librdkafka's and Java's sticky partitioners take */

/* Moves on when it is time, or when the partition has lost its leader. */
static int32_t keyless(const rd_kafka_topic_t *handle, mr_kafka_topic *topic, int32_t partitions)
{
    int32_t at = atomic_load(&topic->keyless);
    int64_t now_ms = mr_kafka_now_ms();
    if (at < partitions && now_ms - atomic_load(&topic->keyless_ms) < KEYLESS_MS &&
        rd_kafka_topic_partition_available(handle, at))
        return at;
    for (int32_t tries = 0; tries < partitions; tries++) {
        at = at + 1 < partitions ? at + 1 : 0;
        if (rd_kafka_topic_partition_available(handle, at))
            break;
    }
    atomic_store(&topic->keyless, at);
    atomic_store(&topic->keyless_ms, now_ms);
    return at;
}

static int32_t partitioner(const rd_kafka_topic_t *handle, const void *key, size_t key_length,
                           int32_t partitions, void *opaque, void *tag)
{
    mr_kafka_topic *topic = opaque;
    atomic_store(&topic->partitions, partitions);
    return key ? rd_kafka_msg_partitioner_murmur2(handle, key, key_length, partitions, NULL, tag)
               : keyless(handle, topic, partitions);
}

mr_status mr_kafka_topic_new(rd_kafka_t *rk, const char *name, mr_kafka_topic **made, mr_error *err)
{
    mr_kafka_topic *topic = calloc(1, sizeof *topic);
    MR_ASSERT(topic != NULL);
    rd_kafka_topic_conf_t *conf = rd_kafka_default_topic_conf_dup(rk);
    rd_kafka_topic_conf_set_opaque(conf, topic);
    rd_kafka_topic_conf_set_partitioner_cb(conf, partitioner);
    topic->handle = rd_kafka_topic_new(rk, name, conf);
    if (!topic->handle) {
        rd_kafka_topic_conf_destroy(conf);
        free(topic);
        return mr_kafka_fail(err, MR_KAFKA_DELIVERY, rd_kafka_last_error(), NULL, "topic %s", name);
    }
    topic->name = strdup(name);
    MR_ASSERT(topic->name != NULL);
    *made = topic;
    return MR_OK;
}

void mr_kafka_topic_close(mr_kafka_topic *topic)
{
    if (topic->handle)
        rd_kafka_topic_destroy(topic->handle);
    topic->handle = NULL;
}

void mr_kafka_topic_free(mr_kafka_topic *topic)
{
    mr_kafka_topic_close(topic);
    free(topic->offsets);
    free(topic->name);
    free(topic);
}

int32_t mr_kafka_topic_place(const mr_kafka_topic *topic, const mr_log_record *record)
{
    int32_t partitions = atomic_load(&topic->partitions);
    if (partitions <= 0)
        return MR_PARTITION_BY_KEY;
    if (record->key)
        return rd_kafka_msg_partitioner_murmur2(topic->handle, record->key, record->key_length,
                                                partitions, NULL, NULL);
    int32_t at = atomic_load(&topic->keyless);
    return at < partitions ? at : MR_PARTITION_BY_KEY;
}
