#include "connectors/kafka/protocol.h"

#include "engine/base/assert.h"

#include <stdlib.h>
#include <string.h>

static int compare(const void *a, const void *b)
{
    int32_t left = *(const int32_t *)a, right = *(const int32_t *)b;
    return left < right ? -1 : left > right;
}

static bool has(const mr_kafka_owned *owned, int32_t partition)
{
    for (uint32_t i = 0; i < owned->count; i++)
        if (owned->partitions[i] == partition)
            return true;
    return false;
}

void mr_kafka_owned_take(mr_kafka_owned *owned, const rd_kafka_topic_partition_list_t *list,
                         bool is_incremental)
{
    if (!is_incremental)
        owned->count = 0;
    size_t count_max = owned->count + (size_t)list->cnt;
    int32_t *grown = realloc(owned->partitions, (count_max + 1) * sizeof *grown);
    MR_ASSERT(grown != NULL);
    owned->partitions = grown;
    for (int i = 0; i < list->cnt; i++)
        if (!has(owned, list->elems[i].partition))
            owned->partitions[owned->count++] = list->elems[i].partition;
    qsort(owned->partitions, owned->count, sizeof *owned->partitions, compare);
}

void mr_kafka_owned_give(mr_kafka_owned *owned, const rd_kafka_topic_partition_list_t *list)
{
    uint32_t kept = 0;
    for (uint32_t i = 0; i < owned->count; i++) {
        bool is_given = false;
        for (int k = 0; k < list->cnt; k++)
            is_given = is_given || list->elems[k].partition == owned->partitions[i];
        if (!is_given)
            owned->partitions[kept++] = owned->partitions[i];
    }
    owned->count = kept;
}

void mr_kafka_owned_release(mr_kafka_owned *owned)
{
    free(owned->partitions);
    *owned = (mr_kafka_owned){0};
}

static rd_kafka_resp_err_t code_of(rd_kafka_error_t *error)
{
    rd_kafka_resp_err_t code = error ? rd_kafka_error_code(error) : RD_KAFKA_RESP_ERR_NO_ERROR;
    if (error)
        rd_kafka_error_destroy(error);
    return code;
}

/* Adding the partitions and pausing them was the other way: they would be fetched until the pause
 * is heard, and their committed offsets asked for. What the group counts as ours is kept apart from
 * what is fetched, in librdkafka too. */
rd_kafka_resp_err_t mr_kafka_protocol_accept(rd_kafka_t *rk, bool is_incremental)
{
    rd_kafka_topic_partition_list_t *none = rd_kafka_topic_partition_list_new(0);
    rd_kafka_resp_err_t error =
        is_incremental ? code_of(rd_kafka_incremental_assign(rk, none)) : rd_kafka_assign(rk, none);
    rd_kafka_topic_partition_list_destroy(none);
    return error;
}

rd_kafka_resp_err_t mr_kafka_protocol_give_up(rd_kafka_t *rk, bool is_incremental)
{
    if (!is_incremental)
        return rd_kafka_assign(rk, NULL);
    rd_kafka_topic_partition_list_t *none = rd_kafka_topic_partition_list_new(0);
    rd_kafka_resp_err_t error = code_of(rd_kafka_incremental_unassign(rk, none));
    rd_kafka_topic_partition_list_destroy(none);
    return error;
}

#if RD_KAFKA_VERSION >= 0x020400ff
int32_t mr_kafka_protocol_generation(const rd_kafka_consumer_group_metadata_t *metadata)
{
    return rd_kafka_consumer_group_metadata_generation_id(metadata);
}
#else
/* Before 2.4 only the serialised form tells: "CGMDv2:", then the generation as this machine has
 * it. */
int32_t mr_kafka_protocol_generation(const rd_kafka_consumer_group_metadata_t *metadata)
{
    void *bytes = NULL;
    size_t size = 0;
    int32_t generation = -1;
    rd_kafka_error_t *error = rd_kafka_consumer_group_metadata_write(metadata, &bytes, &size);
    if (error) {
        rd_kafka_error_destroy(error);
        return -1;
    }
    if (size >= 7 + sizeof generation && memcmp(bytes, "CGMDv2:", 7) == 0)
        memcpy(&generation, (char *)bytes + 7, sizeof generation);
    rd_kafka_mem_free(NULL, bytes);
    return generation;
}
#endif
