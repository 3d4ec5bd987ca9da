/*
 * Handle: one librdkafka consumer in a group. A member that joins anew does so with a new one, and
 * the old one leaves by itself.
 *
 * Thread: the member's; a handle that leaves is destroyed on a thread of its own and hears of the
 * group without telling.
 */
#ifndef MR_CONNECTORS_KAFKA_HANDLE_H
#define MR_CONNECTORS_KAFKA_HANDLE_H

#include "connectors/kafka/client/client.h"

/* What the group asks, told inside of a poll. */
typedef void mr_kafka_on_rebalance(void *member, rd_kafka_resp_err_t error,
                                   rd_kafka_topic_partition_list_t *list);

typedef struct mr_kafka_handle {
    mr_kafka_client client;
    mr_kafka_on_rebalance *on_rebalance;
    void *member; /* NULL: it leaves */
    bool is_incremental;
    bool is_static;
    bool owes_answer; /* what the group asked last was not answered yet */
} mr_kafka_handle;

typedef struct mr_kafka_handle_options {
    const char *group, *topic;
    const char *instance_id; /* NULL: dynamic */
    int32_t silence_ms;
    bool is_incremental; /* group.protocol = consumer */
    mr_kafka_on_rebalance *on_rebalance;
    void *member;
} mr_kafka_handle_options;

/* Opens it and subscribes. Errors: MR_E_SETTING, those of the role MEMBER. */
MR_MUST_USE mr_status mr_kafka_handle_open(mr_kafka_log *log,
                                           const mr_kafka_handle_options *options,
                                           mr_kafka_handle **opened, mr_error *err);

/* Leaves the group and frees the handle; NULL is fine. Who comes next finds it gone, but for one
 * that takes longer than 15 s: that one is told of in the log and ends when it can. */
void mr_kafka_handle_leave(mr_kafka_log *log, mr_kafka_handle *handle);

#endif
