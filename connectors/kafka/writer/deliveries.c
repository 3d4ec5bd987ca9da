#include "connectors/kafka/writer/deliveries.h"

#include "connectors/kafka/client/errors.h"
#include "engine/base/assert.h"

#include <dlfcn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

void mr_kafka_deliveries_close(mr_kafka_deliveries *deliveries)
{
    for (uint32_t i = 0; i < deliveries->topics_count; i++)
        mr_kafka_topic_close(deliveries->topics[i]);
}

void mr_kafka_deliveries_release(mr_kafka_deliveries *deliveries)
{
    for (uint32_t i = 0; i < deliveries->topics_count; i++)
        mr_kafka_topic_free(deliveries->topics[i]);
    free(deliveries->topics);
    free(deliveries->failures);
    free(deliveries->handed);
    *deliveries = (mr_kafka_deliveries){0};
}

static mr_kafka_topic *find(const mr_kafka_deliveries *deliveries, const char *name)
{
    for (uint32_t i = 0; i < deliveries->topics_count; i++)
        if (strcmp(deliveries->topics[i]->name, name) == 0)
            return deliveries->topics[i];
    return NULL;
}

mr_status mr_kafka_deliveries_topic(mr_kafka_deliveries *deliveries, rd_kafka_t *rk,
                                    const char *name, mr_kafka_topic **found, mr_error *err)
{
    *found = find(deliveries, name);
    if (*found)
        return MR_OK;
    mr_kafka_topic *topic;
    mr_status status = mr_kafka_topic_new(rk, name, &topic, err);
    if (status != MR_OK)
        return status;
    deliveries->topics =
        realloc(deliveries->topics, (deliveries->topics_count + 1) * sizeof *deliveries->topics);
    MR_ASSERT(deliveries->topics != NULL);
    deliveries->topics[deliveries->topics_count++] = topic;
    *found = topic;
    return MR_OK;
}

/* A record that is refused takes its whole batch with it, so it goes before what the others say. A
 * failed delivery is never mended by waiting: the record is out of the queue. */
static int weight(mr_recovery recovery)
{
    switch (recovery) {
    case MR_RECOVERY_RECORD: return 4;
    case MR_RECOVERY_STOP: return 3;
    case MR_RECOVERY_WRITER: return 2;
    default: return 1;
    }
}

void mr_kafka_deliveries_fail(mr_kafka_deliveries *deliveries, const char *topic, uint64_t tag,
                              rd_kafka_resp_err_t error, const char *reason)
{
    if (deliveries->failures_count == deliveries->failures_capacity) {
        uint32_t capacity = deliveries->failures_capacity ? deliveries->failures_capacity * 2 : 16;
        deliveries->failures =
            realloc(deliveries->failures, capacity * sizeof *deliveries->failures);
        MR_ASSERT(deliveries->failures != NULL);
        deliveries->failures_capacity = capacity;
    }
    const mr_kafka_rule *rule = mr_kafka_rule_of(error, MR_KAFKA_DELIVERY);
    if (deliveries->failures_count == 0 ||
        weight(rule->recovery) > weight(deliveries->worst_recovery)) {
        deliveries->worst = deliveries->failures_count;
        deliveries->worst_recovery = rule->recovery;
    }
    mr_log_failure *failure = &deliveries->failures[deliveries->failures_count++];
    failure->tag = tag;
    failure->status = rule->status;
    snprintf(failure->topic, sizeof failure->topic, "%s", topic);
    snprintf(failure->reason, sizeof failure->reason, "%s (%s)",
             reason ? reason : rd_kafka_err2str(error), rd_kafka_err2name(error));
}

static void remember(mr_kafka_topic *topic, int32_t partition, int64_t offset)
{
    if (partition >= topic->offsets_count) {
        int32_t count = partition + 8;
        topic->offsets = realloc(topic->offsets, (size_t)count * sizeof *topic->offsets);
        MR_ASSERT(topic->offsets != NULL);
        while (topic->offsets_count < count)
            topic->offsets[topic->offsets_count++] = -1;
    }
    if (offset > topic->offsets[partition])
        topic->offsets[partition] = offset;
}

/* librdkafka's text for the records that stood beside an invalid one. For a batch with a single
 * bad record its interceptors overwrite the code of these innocents by the batch's, so the text
 * decides. The text of the bad record itself may not be read: it belongs to a response that is
 * freed by now (2.8.0, found by ASan). What lies in a loaded image is a literal and safe. */
static const char INNOCENT[] = "Failed to append record because it was part of a batch";

static bool is_innocent(const rd_kafka_message_t *message)
{
    const char *reason = rd_kafka_message_produce_errstr(message);
    Dl_info image;
    return reason && dladdr(reason, &image) != 0 &&
           strncmp(reason, INNOCENT, sizeof INNOCENT - 1) == 0;
}

static bool is_purge(rd_kafka_resp_err_t error)
{
    return error == RD_KAFKA_RESP_ERR__PURGE_QUEUE || error == RD_KAFKA_RESP_ERR__PURGE_INFLIGHT;
}

void mr_kafka_deliveries_report(mr_kafka_deliveries *deliveries, const rd_kafka_message_t *message)
{
    mr_kafka_topic *topic = rd_kafka_topic_opaque(message->rkt);
    deliveries->queued_records--;
    deliveries->queued_bytes -= message->len + message->key_len;
    if (message->err) {
        rd_kafka_resp_err_t error =
            is_innocent(message) ? RD_KAFKA_RESP_ERR__INVALID_DIFFERENT_RECORD : message->err;
        deliveries->too_large += error == RD_KAFKA_RESP_ERR_MSG_SIZE_TOO_LARGE ||
                                 error == RD_KAFKA_RESP_ERR_RECORD_LIST_TOO_LARGE;
        deliveries->purged += is_purge(error);
        deliveries->has_lost_batch |= !is_purge(error);
        mr_kafka_deliveries_fail(deliveries, topic->name, (uint64_t)(uintptr_t)message->_private,
                                 error, NULL);
    } else if (message->partition >= 0) {
        remember(topic, message->partition, message->offset);
    }
}

int64_t mr_kafka_deliveries_last(const mr_kafka_deliveries *deliveries, const char *name,
                                 int32_t partition)
{
    const mr_kafka_topic *topic = find(deliveries, name);
    if (!topic || partition < 0 || partition >= topic->offsets_count)
        return -1;
    return topic->offsets[partition];
}

uint32_t mr_kafka_deliveries_take(mr_kafka_deliveries *deliveries, const mr_log_failure **failures)
{
    uint32_t count = deliveries->failures_count;
    free(deliveries->handed);
    deliveries->handed = deliveries->failures;
    deliveries->failures = NULL;
    deliveries->failures_count = deliveries->failures_capacity = 0;
    deliveries->too_large = deliveries->purged = 0;
    *failures = deliveries->handed;
    return count;
}

void mr_kafka_deliveries_clear(mr_kafka_deliveries *deliveries)
{
    deliveries->failures_count = deliveries->too_large = deliveries->purged = 0;
    deliveries->has_lost_batch = false;
}

mr_status mr_kafka_deliveries_verdict(const mr_kafka_deliveries *deliveries, mr_error *err)
{
    if (deliveries->failures_count == 0)
        return MR_OK;
    const mr_log_failure *chosen = &deliveries->failures[deliveries->worst];
    mr_recovery recovery = deliveries->worst_recovery;
    if (recovery == MR_RECOVERY_RETRY)
        recovery = MR_RECOVERY_EPOCH;
    return mr_error_set_recovery(err, chosen->status, recovery,
                                 "%u records were not delivered; to topic %s: %s",
                                 deliveries->failures_count, chosen->topic, chosen->reason);
}
