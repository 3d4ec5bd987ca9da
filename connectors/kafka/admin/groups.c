#include "connectors/kafka/admin/admin.h"

#include "connectors/kafka/admin/request.h"
#include "engine/base/assert.h"

#include <stdlib.h>
#include <string.h>

#define MEMBERS_GONE_MS 12000 /* beyond session.timeout.ms */
#define MEMBERS_GONE_CONSUMER_MS \
    65000              /* beyond group.consumer.max.session.timeout.ms, decision 0018 */
#define STABLE_MS 1000 /* how long offsets in an open transaction are waited for */

/* A handle with the group's id, for one question. librdkafka (2.8 at least) hands "not my group"
 * from a coordinator on to the handle's own group without looking whether it has one: asked
 * through the log's common handle, the first question to a new cluster ended the process. */
static mr_status open_asker(mr_kafka_log *log, const char *group, mr_kafka_client **asker,
                            mr_error *err)
{
    rd_kafka_conf_t *conf;
    mr_status status = mr_kafka_client_conf(log, MR_KAFKA_ROLE_ADMIN, &conf, err);
    if (status != MR_OK)
        return status;
    status = mr_kafka_settings_set(conf, "group.id", group, err);
    if (status != MR_OK) {
        rd_kafka_conf_destroy(conf);
        return status;
    }
    mr_kafka_client *client = calloc(1, sizeof *client);
    MR_ASSERT(client != NULL);
    status = mr_kafka_client_open(client, log, MR_KAFKA_ROLE_ADMIN, conf, err);
    if (status != MR_OK)
        free(client);
    *asker = client;
    return status;
}

/* It never joined: there is nothing to leave. */
static void bury_asker(void *corpse)
{
    mr_kafka_client *asker = corpse;
    rd_kafka_destroy_flags(asker->rk, RD_KAFKA_DESTROY_F_NO_CONSUMER_CLOSE);
    free(asker);
}

static mr_status group_offsets_once(mr_kafka_log *log, rd_kafka_t *asker, const char *group,
                                    bool is_stable, mr_log_offset *offsets, uint32_t count,
                                    mr_arena *arena, mr_error *err)
{
    rd_kafka_topic_partition_list_t *list = mr_kafka_offsets_list(offsets, count, false);
    rd_kafka_ListConsumerGroupOffsets_t *wanted =
        rd_kafka_ListConsumerGroupOffsets_new(group, list);
    rd_kafka_topic_partition_list_destroy(list);
    rd_kafka_AdminOptions_t *options =
        mr_kafka_request_options(log, RD_KAFKA_ADMIN_OP_LISTCONSUMERGROUPOFFSETS);
    rd_kafka_error_destroy(rd_kafka_AdminOptions_set_require_stable_offsets(options, is_stable));
    rd_kafka_queue_t *queue = rd_kafka_queue_new(asker);
    rd_kafka_ListConsumerGroupOffsets(asker, &wanted, 1, options, queue);
    rd_kafka_AdminOptions_destroy(options);
    rd_kafka_ListConsumerGroupOffsets_destroy(wanted);
    rd_kafka_event_t *event;
    mr_status status = mr_kafka_request_answer(log, queue, "offsets of group", group, &event, err);
    if (status != MR_OK)
        return status;
    size_t groups;
    const rd_kafka_group_result_t **results = rd_kafka_ListConsumerGroupOffsets_result_groups(
        rd_kafka_event_ListConsumerGroupOffsets_result(event), &groups);
    MR_ASSERT(groups == 1);
    const rd_kafka_error_t *error = rd_kafka_group_result_error(results[0]);
    if (error)
        status =
            mr_kafka_request_fail(log, rd_kafka_error_code(error), rd_kafka_error_string(error),
                                  "offsets of group", group, err);
    else
        status = mr_kafka_offsets_take(rd_kafka_group_result_partitions(results[0]), offsets, count,
                                       arena, MR_KAFKA_ROLE_ADMIN, err);
    rd_kafka_event_destroy(event);
    return status;
}

mr_status mr_kafka_group_offsets(mr_log *base, const char *group, mr_log_offset *offsets,
                                 uint32_t count, mr_arena *arena, mr_error *err)
{
    mr_kafka_log *log = (mr_kafka_log *)base;
    int64_t start_ms = mr_kafka_now_ms();
    mr_kafka_client *asker;
    mr_status status = open_asker(log, group, &asker, err);
    if (status != MR_OK)
        return status;
    for (;;) {
        /* Offsets of a transaction that is just ending are waited for; those of one that stays open
         * are not: then the answer is what is committed. */
        int64_t waited_ms = mr_kafka_now_ms() - start_ms;
        bool is_stable = waited_ms < STABLE_MS;
        status = group_offsets_once(log, asker->rk, group, is_stable, offsets, count, arena, err);
        if (status != MR_E_KAFKA_TIMEOUT || waited_ms >= log->timeout_ms)
            break;
        mr_kafka_request_pause(log, 10);
    }
    mr_kafka_bury(log, bury_asker, asker);
    return status;
}

/* What the description says; brokers of before 4.0 know a group that is not there as a dead one. */
static mr_status count_members(mr_kafka_log *log, const rd_kafka_ConsumerGroupDescription_t *group,
                               uint32_t *count, mr_error *err)
{
    const rd_kafka_error_t *error = rd_kafka_ConsumerGroupDescription_error(group);
    *count = 0;
    if (error && rd_kafka_error_code(error) == RD_KAFKA_RESP_ERR_GROUP_ID_NOT_FOUND)
        return MR_OK;
    if (error)
        return mr_kafka_request_fail(log, rd_kafka_error_code(error), rd_kafka_error_string(error),
                                     "members of group",
                                     rd_kafka_ConsumerGroupDescription_group_id(group), err);
    *count = (uint32_t)rd_kafka_ConsumerGroupDescription_member_count(group);
    return MR_OK;
}

mr_status mr_kafka_group_members(mr_log *base, const char *group, uint32_t *count, mr_error *err)
{
    mr_kafka_log *log = (mr_kafka_log *)base;
    mr_kafka_client *asker;
    mr_status status = open_asker(log, group, &asker, err);
    if (status != MR_OK)
        return status;
    rd_kafka_AdminOptions_t *options =
        mr_kafka_request_options(log, RD_KAFKA_ADMIN_OP_DESCRIBECONSUMERGROUPS);
    rd_kafka_queue_t *queue = rd_kafka_queue_new(asker->rk);
    rd_kafka_DescribeConsumerGroups(asker->rk, &group, 1, options, queue);
    rd_kafka_AdminOptions_destroy(options);
    rd_kafka_event_t *event;
    status = mr_kafka_request_answer(log, queue, "members of group", group, &event, err);
    if (status == MR_OK) {
        size_t groups;
        const rd_kafka_ConsumerGroupDescription_t **found =
            rd_kafka_DescribeConsumerGroups_result_groups(
                rd_kafka_event_DescribeConsumerGroups_result(event), &groups);
        MR_ASSERT(groups == 1);
        status = count_members(log, found[0], count, err);
        rd_kafka_event_destroy(event);
    }
    mr_kafka_bury(log, bury_asker, asker);
    return status;
}

static mr_status delete_group_once(mr_kafka_log *log, const char *group, bool *has_members,
                                   mr_error *err)
{
    rd_kafka_DeleteGroup_t *wanted = rd_kafka_DeleteGroup_new(group);
    rd_kafka_AdminOptions_t *options =
        mr_kafka_request_options(log, RD_KAFKA_ADMIN_OP_DELETEGROUPS);
    rd_kafka_queue_t *queue = rd_kafka_queue_new(log->admin.rk);
    rd_kafka_DeleteGroups(log->admin.rk, &wanted, 1, options, queue);
    rd_kafka_AdminOptions_destroy(options);
    rd_kafka_DeleteGroup_destroy(wanted);
    rd_kafka_event_t *event;
    mr_status status = mr_kafka_request_answer(log, queue, "delete group", group, &event, err);
    if (status != MR_OK)
        return status;
    size_t count;
    const rd_kafka_group_result_t **results =
        rd_kafka_DeleteGroups_result_groups(rd_kafka_event_DeleteGroups_result(event), &count);
    MR_ASSERT(count == 1);
    const rd_kafka_error_t *error = rd_kafka_group_result_error(results[0]);
    *has_members = error && rd_kafka_error_code(error) == RD_KAFKA_RESP_ERR_NON_EMPTY_GROUP;
    if (error && rd_kafka_error_code(error) != RD_KAFKA_RESP_ERR_GROUP_ID_NOT_FOUND)
        status = mr_kafka_request_fail(log, rd_kafka_error_code(error),
                                       rd_kafka_error_string(error), "delete group", group, err);
    rd_kafka_event_destroy(event);
    return status;
}

mr_status mr_kafka_delete_group(mr_log *base, const char *group, mr_error *err)
{
    mr_kafka_log *log = (mr_kafka_log *)base;
    bool is_incremental =
        mr_kafka_settings_has_consumer_protocol((const char *const *)log->properties);
    int64_t start_ms = mr_kafka_now_ms();
    int64_t limit_ms = is_incremental ? MEMBERS_GONE_CONSUMER_MS : MEMBERS_GONE_MS;
    bool is_said = false;
    for (;;) {
        /* A static member that has stopped is a member until its session ends: wait for that
         * long, so that a job can be reset right after it was stopped. So for a group whose
         * coordinator is being moved. */
        bool has_members = false;
        mr_status status = delete_group_once(log, group, &has_members, err);
        bool may_pass = has_members || (status != MR_OK && err->recovery == MR_RECOVERY_RETRY);
        if (!may_pass || mr_kafka_now_ms() - start_ms > limit_ms)
            return status;
        if (has_members && !is_said)
            mr_logger_line(log->logger, MR_LOG_INFO,
                           "group %s still has a member; waiting up to %d s for its session to end",
                           group, (int)(limit_ms / 1000));
        is_said = is_said || has_members;
        mr_kafka_request_pause(log, 200);
    }
}
