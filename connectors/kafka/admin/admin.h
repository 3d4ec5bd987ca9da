/*
 * Administration: topics, offsets of partitions and of groups. Each call blocks for a round trip,
 * at most the log's timeout.
 *
 * The verbs are those of engine/ports/log.h; their contracts are told there.
 */
#ifndef MR_CONNECTORS_KAFKA_ADMIN_ADMIN_H
#define MR_CONNECTORS_KAFKA_ADMIN_ADMIN_H

#include "connectors/kafka/client/client.h"

mr_status mr_kafka_describe(mr_log *log, const char *topic, mr_topic_facts *facts, mr_error *err);
mr_status mr_kafka_topic_ids(mr_log *log, const char *const *topics, uint32_t count,
                             mr_topic_id *ids, mr_error *err);
void mr_kafka_expect(mr_log *log, const char *const *topics, uint32_t count);
mr_status mr_kafka_create_topic(mr_log *log, const char *topic, int32_t partitions,
                                const char *const *configs, mr_error *err);
mr_status mr_kafka_grow_topic(mr_log *log, const char *topic, int32_t partitions, mr_error *err);
mr_status mr_kafka_delete_topic(mr_log *log, const char *topic, mr_error *err);
mr_status mr_kafka_trim(mr_log *log, const char *topic, int32_t partition, int64_t before,
                        mr_error *err);
mr_status mr_kafka_offset(mr_log *log, const char *topic, int32_t partition, int64_t which,
                          int64_t *offset, mr_error *err);

/* Where a partition begins, and its last stable offset; _TIMED_OUT after `timeout_ms`. In place of
 * rd_kafka_query_watermark_offsets, which waits for its answers without an end. */
rd_kafka_resp_err_t mr_kafka_bounds(mr_kafka_log *log, const char *topic, int32_t partition,
                                    int32_t timeout_ms, int64_t *low, int64_t *stable);
mr_status mr_kafka_ends(mr_log *log, mr_log_ends *ends, uint32_t count, mr_error *err);
mr_status mr_kafka_offset_at(mr_log *log, const char *topic, int32_t partition,
                             int64_t timestamp_ms, int64_t *offset, mr_error *err);
mr_status mr_kafka_group_offsets(mr_log *log, const char *group, mr_log_offset *offsets,
                                 uint32_t count, mr_arena *arena, mr_error *err);
mr_status mr_kafka_group_members(mr_log *log, const char *group, uint32_t *count, mr_error *err);
mr_status mr_kafka_delete_group(mr_log *log, const char *group, mr_error *err);

/* Asks, whatever was expected. */
mr_status mr_kafka_describe_now(mr_kafka_log *log, const char *topic, mr_topic_facts *facts,
                                mr_error *err);

/* What a batch to the topic may weigh: its max.message.bytes or segment.bytes, whichever is less; 0
 * when the broker does not tell. */
mr_status mr_kafka_record_bytes_max(mr_kafka_log *log, const char *topic, int32_t *bytes,
                                    mr_error *err);

/* What a partition list says about the wanted offsets: fills offset and metadata of each, -1 where
 * the list has none. Errors of single partitions become the call's. */
mr_status mr_kafka_offsets_take(const rd_kafka_topic_partition_list_t *list, mr_log_offset *offsets,
                                uint32_t count, mr_arena *arena, mr_kafka_role role, mr_error *err);

/* The partition list of offsets; `with_values`: offset and metadata too. */
rd_kafka_topic_partition_list_t *mr_kafka_offsets_list(const mr_log_offset *offsets, uint32_t count,
                                                       bool with_values);

#endif
