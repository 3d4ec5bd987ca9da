/* Requests about topics. */
#include "connectors/memory/connection.h"

#include <stdlib.h>
#include <string.h>

#define RECORD_BYTES_MAX 1048588u

mr_status mr_memory_describe(mr_log *log, const char *topic, mr_topic_facts *facts, mr_error *err)
{
    mr_memory_log *self = (mr_memory_log *)log;
    mr_status status = mr_memory_enter_request(self, "log.describe", err);
    if (status != MR_OK)
        return status;
    const mr_memory_topic *known = mr_memory_cluster_topic(self->cluster, topic);
    *facts = (mr_topic_facts){known != NULL, known != NULL ? known->partitions_count : 0};
    return mr_memory_leave(self, MR_OK, err);
}

mr_status mr_memory_topic_ids(mr_log *log, const char *const *topics, uint32_t count,
                              mr_topic_id *ids, mr_error *err)
{
    mr_memory_log *self = (mr_memory_log *)log;
    mr_status status = mr_memory_enter_request(self, "log.topic_ids", err);
    if (status != MR_OK)
        return status;
    for (uint32_t i = 0; status == MR_OK && i < count; i++) {
        const mr_memory_topic *known = mr_memory_cluster_topic(self->cluster, topics[i]);
        if (known != NULL)
            ids[i] = (mr_topic_id){.low = known->id};
        else
            status =
                mr_error_set(err, MR_E_KAFKA_TOPIC_MISSING, "topic %s does not exist", topics[i]);
    }
    return mr_memory_leave(self, status, err);
}

static uint32_t record_bytes_max(const char *const *configs)
{
    for (; configs != NULL && configs[0] != NULL; configs += 2)
        if (strcmp(configs[0], "max.message.bytes") == 0)
            return (uint32_t)strtoul(configs[1], NULL, 10);
    return RECORD_BYTES_MAX;
}

mr_status mr_memory_create_topic(mr_log *log, const char *topic, int32_t partitions,
                                 const char *const *configs, mr_error *err)
{
    mr_memory_log *self = (mr_memory_log *)log;
    mr_status status = mr_memory_enter_request(self, "log.create_topic", err);
    if (status != MR_OK)
        return status;
    if (partitions < 1)
        status = mr_error_set(err, MR_E_KAFKA_OTHER, "topic %s: %d partitions", topic, partitions);
    else if (mr_memory_cluster_topic(self->cluster, topic) != NULL)
        status = mr_error_set(err, MR_E_KAFKA_TOPIC_EXISTS, "topic %s exists", topic);
    else
        mr_memory_cluster_add_topic(self->cluster, topic, partitions, record_bytes_max(configs));
    return mr_memory_leave(self, status, err);
}

mr_status mr_memory_grow_topic(mr_log *log, const char *topic, int32_t partitions, mr_error *err)
{
    mr_memory_log *self = (mr_memory_log *)log;
    mr_status status = mr_memory_enter_request(self, "log.grow_topic", err);
    if (status != MR_OK)
        return status;
    mr_memory_topic *known = mr_memory_cluster_topic(self->cluster, topic);
    if (known == NULL)
        status = mr_error_set(err, MR_E_KAFKA_TOPIC_MISSING, "topic %s does not exist", topic);
    else if (partitions > known->room)
        status = mr_error_set(err, MR_E_KAFKA_OTHER, "topic %s: %d partitions", topic, partitions);
    else if (partitions > known->partitions_count)
        mr_memory_cluster_grow_topic(self->cluster, known, partitions);
    return mr_memory_leave(self, status, err);
}

mr_status mr_memory_delete_topic(mr_log *log, const char *topic, mr_error *err)
{
    mr_memory_log *self = (mr_memory_log *)log;
    mr_status status = mr_memory_enter_request(self, "log.delete_topic", err);
    if (status != MR_OK)
        return status;
    mr_memory_topic *known = mr_memory_cluster_topic(self->cluster, topic);
    if (known != NULL)
        mr_memory_cluster_delete_topic(self->cluster, known);
    else
        status = mr_error_set(err, MR_E_KAFKA_TOPIC_MISSING, "topic %s does not exist", topic);
    return mr_memory_leave(self, status, err);
}
