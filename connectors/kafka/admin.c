#include "connectors/kafka/admin.h"

#include "connectors/kafka/errors.h"
#include "engine/base/assert.h"

#include <stdlib.h>
#include <string.h>

/* A broker that refuses connections answers in no time; waiting for the whole timeout would only
 * tell the user later. This long is enough for one that is just starting. */
#define UNREACHABLE_AFTER_MS 3000
#define REFUSED_AFTER_MS 1000 /* one refusal may be an accident of a broker that goes or comes */
#define SLICE_MS 500
#define MEMBERS_GONE_MS 12000 /* beyond session.timeout.ms */
#define STABLE_MS 1000        /* how long offsets in an open transaction are waited for */

static mr_kafka_log *kafka_of(mr_log *log)
{
    return (mr_kafka_log *)log;
}

static mr_status unreachable(mr_kafka_log *log, const char *why, mr_error *err)
{
    return mr_error_set_recovery(err, MR_E_KAFKA_UNREACHABLE, MR_RECOVERY_RETRY,
                                 "no broker answers at %s; check the address, the network and that "
                                 "the broker is up%s%s",
                                 log->bootstrap, why[0] ? "; " : "", why);
}

/* A cluster that refuses us looks to every call like one that is away; only the error callback has
 * heard why. */
static mr_status no_connection(mr_kafka_log *log, mr_error *err)
{
    char why[sizeof log->admin.why];
    pthread_mutex_lock(&log->admin.lock);
    rd_kafka_resp_err_t refused = log->admin.refused;
    memcpy(why, log->admin.why, sizeof why);
    pthread_mutex_unlock(&log->admin.lock);
    return refused
               ? mr_kafka_fail(err, MR_KAFKA_ADMIN, refused, why, "connect to %s", log->bootstrap)
               : unreachable(log, why, err);
}

/* Has the wait for a connection been long enough to believe what was told meanwhile? */
static bool is_hopeless(mr_kafka_log *log, int64_t waited_ms)
{
    pthread_mutex_lock(&log->admin.lock);
    bool is_refused = log->admin.refused != RD_KAFKA_RESP_ERR_NO_ERROR;
    pthread_mutex_unlock(&log->admin.lock);
    if (is_refused && waited_ms >= REFUSED_AFTER_MS)
        return true;
    return waited_ms >= UNREACHABLE_AFTER_MS && atomic_load(&log->admin.all_down) > 0;
}

/* A timeout of a cluster of which no broker is reachable is not a slow answer. */
static mr_status fail(mr_kafka_log *log, rd_kafka_resp_err_t error, const char *reason,
                      const char *what, const char *name, mr_error *err)
{
    mr_status status = mr_kafka_fail(err, MR_KAFKA_ADMIN, error, reason, "%s %s", what, name);
    if (status == MR_E_KAFKA_UNREACHABLE)
        return unreachable(log, "", err);
    if (status == MR_E_KAFKA_TIMEOUT && atomic_load(&log->admin.all_down) > 0)
        return unreachable(log, "", err);
    return status;
}

/* Metadata of one topic, waited for in slices so that a dead address is told soon. */
static mr_status metadata(mr_kafka_log *log, const char *topic,
                          const struct rd_kafka_metadata **found, mr_error *err)
{
    rd_kafka_topic_t *handle = rd_kafka_topic_new(log->admin.rk, topic, NULL);
    if (!handle)
        return fail(log, rd_kafka_last_error(), NULL, "topic", topic, err);
    mr_kafka_client_forget(&log->admin);
    int64_t start_ms = mr_kafka_now_ms();
    rd_kafka_resp_err_t error;
    int64_t waited_ms;
    do {
        error = rd_kafka_metadata(log->admin.rk, 0, handle, found, SLICE_MS);
        rd_kafka_poll(log->admin.rk, 0); /* serves the error callback */
        waited_ms = mr_kafka_now_ms() - start_ms;
        if (error && is_hopeless(log, waited_ms))
            break;
    } while (error && mr_kafka_is_transient(error, MR_KAFKA_ADMIN) && waited_ms < log->timeout_ms);
    rd_kafka_topic_destroy(handle);
    if (error == RD_KAFKA_RESP_ERR_NO_ERROR)
        return MR_OK;
    return mr_kafka_is_transient(error, MR_KAFKA_ADMIN)
               ? no_connection(log, err)
               : fail(log, error, NULL, "topic", topic, err);
}

mr_status mr_kafka_describe(mr_log *base, const char *topic, mr_topic_facts *facts, mr_error *err)
{
    mr_kafka_log *log = kafka_of(base);
    const struct rd_kafka_metadata *found;
    mr_status status = metadata(log, topic, &found, err);
    if (status != MR_OK)
        return status;
    rd_kafka_resp_err_t error = RD_KAFKA_RESP_ERR_UNKNOWN_TOPIC_OR_PART;
    *facts = (mr_topic_facts){0};
    for (int i = 0; i < found->topic_cnt; i++) {
        if (strcmp(found->topics[i].topic, topic) != 0)
            continue;
        error = found->topics[i].err;
        facts->partitions = found->topics[i].partition_cnt;
    }
    rd_kafka_metadata_destroy(found);
    facts->exists = error == RD_KAFKA_RESP_ERR_NO_ERROR && facts->partitions > 0;
    if (!facts->exists)
        facts->partitions = 0;
    if (error == RD_KAFKA_RESP_ERR_NO_ERROR || error == RD_KAFKA_RESP_ERR_UNKNOWN_TOPIC_OR_PART ||
        error == RD_KAFKA_RESP_ERR__UNKNOWN_TOPIC)
        return MR_OK;
    return fail(log, error, NULL, "topic", topic, err);
}

/* Waits for the answer of an admin request; the caller destroys `event`. */
static mr_status answer(mr_kafka_log *log, rd_kafka_queue_t *queue, const char *what,
                        const char *name, rd_kafka_event_t **event, mr_error *err)
{
    *event = rd_kafka_queue_poll(queue, log->timeout_ms + 2000);
    rd_kafka_queue_destroy(queue);
    rd_kafka_poll(log->admin.rk, 0);
    if (!*event)
        return fail(log, RD_KAFKA_RESP_ERR__TIMED_OUT, NULL, what, name, err);
    rd_kafka_resp_err_t error = rd_kafka_event_error(*event);
    if (error == RD_KAFKA_RESP_ERR_NO_ERROR)
        return MR_OK;
    mr_status status = fail(log, error, rd_kafka_event_error_string(*event), what, name, err);
    rd_kafka_event_destroy(*event);
    *event = NULL;
    return status;
}

static rd_kafka_AdminOptions_t *options_new(mr_kafka_log *log, rd_kafka_admin_op_t operation)
{
    char reason[256];
    rd_kafka_AdminOptions_t *options = rd_kafka_AdminOptions_new(log->admin.rk, operation);
    MR_ASSERT(options != NULL);
    rd_kafka_AdminOptions_set_request_timeout(options, log->timeout_ms, reason, sizeof reason);
    return options;
}

/* The one result of a request about one topic. */
static mr_status topic_result(mr_kafka_log *log, const rd_kafka_topic_result_t **results,
                              size_t count, const char *what, const char *topic, mr_error *err)
{
    MR_ASSERT(count == 1);
    rd_kafka_resp_err_t error = rd_kafka_topic_result_error(results[0]);
    if (error == RD_KAFKA_RESP_ERR_NO_ERROR)
        return MR_OK;
    return fail(log, error, rd_kafka_topic_result_error_string(results[0]), what, topic, err);
}

/* Waits while serving the callbacks. */
static void pause_ms(mr_kafka_log *log, int32_t ms)
{
    int64_t end_ms = mr_kafka_now_ms() + ms;
    do
        rd_kafka_poll(log->admin.rk, ms);
    while (mr_kafka_now_ms() < end_ms);
}

/* A created topic is known to the controller first; producing to it would race with the brokers. */
static mr_status wait_for_topic(mr_log *log, const char *topic, bool wanted, mr_error *err)
{
    int64_t deadline_ms = mr_kafka_now_ms() + kafka_of(log)->timeout_ms;
    for (;;) {
        mr_topic_facts facts;
        mr_status status = mr_kafka_describe(log, topic, &facts, err);
        if (status != MR_OK || facts.exists == wanted)
            return status;
        if (mr_kafka_now_ms() > deadline_ms)
            return mr_error_set_recovery(err, MR_E_KAFKA_TIMEOUT, MR_RECOVERY_RETRY,
                                         "topic %s is not %s by the brokers yet", topic,
                                         wanted ? "known" : "forgotten");
        pause_ms(kafka_of(log), 10);
    }
}

mr_status mr_kafka_create_topic(mr_log *base, const char *topic, int32_t partitions,
                                const char *const *configs, mr_error *err)
{
    mr_kafka_log *log = kafka_of(base);
    char reason[256];
    /* Replication -1: the broker's default. */
    rd_kafka_NewTopic_t *wanted =
        rd_kafka_NewTopic_new(topic, partitions, -1, reason, sizeof reason);
    if (!wanted)
        return mr_error_set(err, MR_E_KAFKA_OTHER, "topic %s: %s", topic, reason);
    for (const char *const *at = configs; at && at[0]; at += 2)
        rd_kafka_NewTopic_set_config(wanted, at[0], at[1]);
    rd_kafka_AdminOptions_t *options = options_new(log, RD_KAFKA_ADMIN_OP_CREATETOPICS);
    rd_kafka_queue_t *queue = rd_kafka_queue_new(log->admin.rk);
    rd_kafka_CreateTopics(log->admin.rk, &wanted, 1, options, queue);
    rd_kafka_AdminOptions_destroy(options);
    rd_kafka_NewTopic_destroy(wanted);
    rd_kafka_event_t *event;
    mr_status status = answer(log, queue, "create topic", topic, &event, err);
    if (status != MR_OK)
        return status;
    size_t count;
    const rd_kafka_topic_result_t **results =
        rd_kafka_CreateTopics_result_topics(rd_kafka_event_CreateTopics_result(event), &count);
    status = topic_result(log, results, count, "create topic", topic, err);
    rd_kafka_event_destroy(event);
    return status == MR_OK ? wait_for_topic(base, topic, true, err) : status;
}

mr_status mr_kafka_record_bytes_max(mr_kafka_log *log, const char *topic, int32_t *bytes,
                                    mr_error *err)
{
    rd_kafka_ConfigResource_t *wanted = rd_kafka_ConfigResource_new(RD_KAFKA_RESOURCE_TOPIC, topic);
    rd_kafka_AdminOptions_t *options = options_new(log, RD_KAFKA_ADMIN_OP_DESCRIBECONFIGS);
    rd_kafka_queue_t *queue = rd_kafka_queue_new(log->admin.rk);
    rd_kafka_DescribeConfigs(log->admin.rk, &wanted, 1, options, queue);
    rd_kafka_AdminOptions_destroy(options);
    rd_kafka_ConfigResource_destroy(wanted);
    rd_kafka_event_t *event;
    mr_status status = answer(log, queue, "settings of topic", topic, &event, err);
    if (status != MR_OK)
        return status;
    size_t count, entries;
    const rd_kafka_ConfigResource_t **found = rd_kafka_DescribeConfigs_result_resources(
        rd_kafka_event_DescribeConfigs_result(event), &count);
    MR_ASSERT(count == 1);
    rd_kafka_resp_err_t error = rd_kafka_ConfigResource_error(found[0]);
    if (error)
        status = fail(log, error, rd_kafka_ConfigResource_error_string(found[0]),
                      "settings of topic", topic, err);
    const rd_kafka_ConfigEntry_t **entry = rd_kafka_ConfigResource_configs(found[0], &entries);
    *bytes = 0;
    for (size_t i = 0; status == MR_OK && i < entries; i++) {
        const char *name = rd_kafka_ConfigEntry_name(entry[i]);
        if (strcmp(name, "max.message.bytes") != 0 && strcmp(name, "segment.bytes") != 0)
            continue;
        int32_t limit = (int32_t)strtol(rd_kafka_ConfigEntry_value(entry[i]), NULL, 10);
        if (*bytes == 0 || limit < *bytes)
            *bytes = limit;
    }
    rd_kafka_event_destroy(event);
    return status;
}

mr_status mr_kafka_delete_topic(mr_log *base, const char *topic, mr_error *err)
{
    mr_kafka_log *log = kafka_of(base);
    rd_kafka_DeleteTopic_t *wanted = rd_kafka_DeleteTopic_new(topic);
    rd_kafka_AdminOptions_t *options = options_new(log, RD_KAFKA_ADMIN_OP_DELETETOPICS);
    rd_kafka_queue_t *queue = rd_kafka_queue_new(log->admin.rk);
    rd_kafka_DeleteTopics(log->admin.rk, &wanted, 1, options, queue);
    rd_kafka_AdminOptions_destroy(options);
    rd_kafka_DeleteTopic_destroy(wanted);
    rd_kafka_event_t *event;
    mr_status status = answer(log, queue, "delete topic", topic, &event, err);
    if (status != MR_OK)
        return status;
    size_t count;
    const rd_kafka_topic_result_t **results =
        rd_kafka_DeleteTopics_result_topics(rd_kafka_event_DeleteTopics_result(event), &count);
    status = topic_result(log, results, count, "delete topic", topic, err);
    rd_kafka_event_destroy(event);
    return status == MR_OK ? wait_for_topic(base, topic, false, err) : status;
}

mr_status mr_kafka_trim(mr_log *base, const char *topic, int32_t partition, int64_t before,
                        mr_error *err)
{
    mr_kafka_log *log = kafka_of(base);
    rd_kafka_topic_partition_list_t *list = rd_kafka_topic_partition_list_new(1);
    rd_kafka_topic_partition_list_add(list, topic, partition)->offset = before;
    rd_kafka_DeleteRecords_t *wanted = rd_kafka_DeleteRecords_new(list);
    rd_kafka_topic_partition_list_destroy(list);
    rd_kafka_AdminOptions_t *options = options_new(log, RD_KAFKA_ADMIN_OP_DELETERECORDS);
    rd_kafka_queue_t *queue = rd_kafka_queue_new(log->admin.rk);
    rd_kafka_DeleteRecords(log->admin.rk, &wanted, 1, options, queue);
    rd_kafka_AdminOptions_destroy(options);
    rd_kafka_DeleteRecords_destroy(wanted);
    rd_kafka_event_t *event;
    mr_status status = answer(log, queue, "trim topic", topic, &event, err);
    if (status != MR_OK)
        return status;
    const rd_kafka_topic_partition_list_t *offsets =
        rd_kafka_DeleteRecords_result_offsets(rd_kafka_event_DeleteRecords_result(event));
    MR_ASSERT(offsets->cnt == 1);
    rd_kafka_resp_err_t error = offsets->elems[0].err;
    if (error)
        status = fail(log, error, NULL, "trim topic", topic, err);
    rd_kafka_event_destroy(event);
    return status;
}

mr_status mr_kafka_offset(mr_log *base, const char *topic, int32_t partition, int64_t which,
                          int64_t *offset, mr_error *err)
{
    mr_kafka_log *log = kafka_of(base);
    MR_ASSERT(which == MR_OFFSET_EARLIEST || which == MR_OFFSET_LATEST);
    int64_t low, high; /* the handle is read_committed: high is the last stable offset */
    rd_kafka_resp_err_t error = rd_kafka_query_watermark_offsets(log->admin.rk, topic, partition,
                                                                 &low, &high, log->timeout_ms);
    rd_kafka_poll(log->admin.rk, 0);
    if (error)
        return fail(log, error, NULL, "offsets of topic", topic, err);
    *offset = which == MR_OFFSET_EARLIEST ? low : high;
    return MR_OK;
}

/* One end of each partition: the last stable offset, or the high watermark. */
static mr_status ends_of(mr_kafka_log *log, mr_log_ends *ends, uint32_t count, bool is_stable,
                         mr_error *err)
{
    rd_kafka_topic_partition_list_t *list = rd_kafka_topic_partition_list_new((int)count);
    for (uint32_t i = 0; i < count; i++)
        rd_kafka_topic_partition_list_add(list, ends[i].topic, ends[i].partition)->offset =
            RD_KAFKA_OFFSET_SPEC_LATEST;
    rd_kafka_AdminOptions_t *options = options_new(log, RD_KAFKA_ADMIN_OP_LISTOFFSETS);
    rd_kafka_error_destroy(rd_kafka_AdminOptions_set_isolation_level(
        options, is_stable ? RD_KAFKA_ISOLATION_LEVEL_READ_COMMITTED
                           : RD_KAFKA_ISOLATION_LEVEL_READ_UNCOMMITTED));
    rd_kafka_queue_t *queue = rd_kafka_queue_new(log->admin.rk);
    rd_kafka_ListOffsets(log->admin.rk, list, options, queue);
    rd_kafka_AdminOptions_destroy(options);
    rd_kafka_topic_partition_list_destroy(list);
    rd_kafka_event_t *event;
    mr_status status = answer(log, queue, "ends of topic", ends[0].topic, &event, err);
    if (status != MR_OK)
        return status;
    size_t found_count;
    const rd_kafka_ListOffsetsResultInfo_t **found =
        rd_kafka_ListOffsets_result_infos(rd_kafka_event_ListOffsets_result(event), &found_count);
    for (uint32_t i = 0; status == MR_OK && i < count; i++) {
        const rd_kafka_topic_partition_t *at = NULL;
        for (size_t f = 0; f < found_count; f++) {
            const rd_kafka_topic_partition_t *p =
                rd_kafka_ListOffsetsResultInfo_topic_partition(found[f]);
            if (p->partition == ends[i].partition && strcmp(p->topic, ends[i].topic) == 0)
                at = p;
        }
        rd_kafka_resp_err_t error = at != NULL ? at->err : RD_KAFKA_RESP_ERR_UNKNOWN_TOPIC_OR_PART;
        if (error != RD_KAFKA_RESP_ERR_NO_ERROR)
            status = fail(log, error, NULL, "ends of topic", ends[i].topic, err);
        else
            *(is_stable ? &ends[i].stable : &ends[i].high) = at->offset;
    }
    rd_kafka_event_destroy(event);
    return status;
}

/* The high watermark first: what is written in between then shows as nothing open. */
mr_status mr_kafka_ends(mr_log *base, mr_log_ends *ends, uint32_t count, mr_error *err)
{
    mr_kafka_log *log = kafka_of(base);
    if (count == 0)
        return MR_OK;
    mr_status status = ends_of(log, ends, count, false, err);
    return status == MR_OK ? ends_of(log, ends, count, true, err) : status;
}

mr_status mr_kafka_offset_at(mr_log *base, const char *topic, int32_t partition,
                             int64_t timestamp_ms, int64_t *offset, mr_error *err)
{
    mr_kafka_log *log = kafka_of(base);
    rd_kafka_topic_partition_list_t *list = rd_kafka_topic_partition_list_new(1);
    rd_kafka_topic_partition_list_add(list, topic, partition)->offset = timestamp_ms;
    rd_kafka_resp_err_t error = rd_kafka_offsets_for_times(log->admin.rk, list, log->timeout_ms);
    if (!error)
        error = list->elems[0].err;
    int64_t found = list->elems[0].offset;
    rd_kafka_topic_partition_list_destroy(list);
    rd_kafka_poll(log->admin.rk, 0);
    if (error)
        return fail(log, error, NULL, "offsets of topic", topic, err);
    if (found < 0)
        return mr_kafka_offset(base, topic, partition, MR_OFFSET_LATEST, offset, err);
    *offset = found;
    return MR_OK;
}

rd_kafka_topic_partition_list_t *mr_kafka_offsets_list(const mr_log_offset *offsets, uint32_t count,
                                                       bool with_values)
{
    rd_kafka_topic_partition_list_t *list = rd_kafka_topic_partition_list_new((int)count);
    for (uint32_t i = 0; i < count; i++) {
        rd_kafka_topic_partition_t *at =
            rd_kafka_topic_partition_list_add(list, offsets[i].topic, offsets[i].partition);
        if (!with_values)
            continue;
        at->offset = offsets[i].offset;
        if (!offsets[i].metadata)
            continue;
        /* librdkafka frees it with free(), and some versions send the length, some up to the
         * NUL. */
        at->metadata_size = strlen(offsets[i].metadata);
        at->metadata = strdup(offsets[i].metadata);
        MR_ASSERT(at->metadata != NULL);
    }
    return list;
}

mr_status mr_kafka_offsets_take(const rd_kafka_topic_partition_list_t *list, mr_log_offset *offsets,
                                uint32_t count, mr_arena *arena, mr_kafka_role role, mr_error *err)
{
    for (uint32_t i = 0; i < count; i++) {
        mr_log_offset *wanted = &offsets[i];
        const rd_kafka_topic_partition_t *at = rd_kafka_topic_partition_list_find(
            (rd_kafka_topic_partition_list_t *)list, wanted->topic, wanted->partition);
        wanted->offset = -1;
        wanted->metadata = NULL;
        if (!at)
            continue;
        if (at->err)
            return mr_kafka_fail(
                err, role == MR_KAFKA_ROLE_MEMBER ? MR_KAFKA_MEMBER : MR_KAFKA_ADMIN, at->err, NULL,
                "committed offset of %s[%d]", wanted->topic, wanted->partition);
        if (at->offset < 0)
            continue;
        wanted->offset = at->offset;
        if (at->metadata_size > 0)
            wanted->metadata = mr_arena_string(arena, at->metadata, at->metadata_size);
    }
    return MR_OK;
}

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
    rd_kafka_AdminOptions_t *options = options_new(log, RD_KAFKA_ADMIN_OP_LISTCONSUMERGROUPOFFSETS);
    rd_kafka_error_destroy(rd_kafka_AdminOptions_set_require_stable_offsets(options, is_stable));
    rd_kafka_queue_t *queue = rd_kafka_queue_new(asker);
    rd_kafka_ListConsumerGroupOffsets(asker, &wanted, 1, options, queue);
    rd_kafka_AdminOptions_destroy(options);
    rd_kafka_ListConsumerGroupOffsets_destroy(wanted);
    rd_kafka_event_t *event;
    mr_status status = answer(log, queue, "offsets of group", group, &event, err);
    if (status != MR_OK)
        return status;
    size_t groups;
    const rd_kafka_group_result_t **results = rd_kafka_ListConsumerGroupOffsets_result_groups(
        rd_kafka_event_ListConsumerGroupOffsets_result(event), &groups);
    MR_ASSERT(groups == 1);
    const rd_kafka_error_t *error = rd_kafka_group_result_error(results[0]);
    if (error)
        status = fail(log, rd_kafka_error_code(error), rd_kafka_error_string(error),
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
    mr_kafka_log *log = kafka_of(base);
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
        pause_ms(log, 10);
    }
    mr_kafka_bury(log, bury_asker, asker);
    return status;
}

static mr_status delete_group_once(mr_kafka_log *log, const char *group, bool *has_members,
                                   mr_error *err)
{
    rd_kafka_DeleteGroup_t *wanted = rd_kafka_DeleteGroup_new(group);
    rd_kafka_AdminOptions_t *options = options_new(log, RD_KAFKA_ADMIN_OP_DELETEGROUPS);
    rd_kafka_queue_t *queue = rd_kafka_queue_new(log->admin.rk);
    rd_kafka_DeleteGroups(log->admin.rk, &wanted, 1, options, queue);
    rd_kafka_AdminOptions_destroy(options);
    rd_kafka_DeleteGroup_destroy(wanted);
    rd_kafka_event_t *event;
    mr_status status = answer(log, queue, "delete group", group, &event, err);
    if (status != MR_OK)
        return status;
    size_t count;
    const rd_kafka_group_result_t **results =
        rd_kafka_DeleteGroups_result_groups(rd_kafka_event_DeleteGroups_result(event), &count);
    MR_ASSERT(count == 1);
    const rd_kafka_error_t *error = rd_kafka_group_result_error(results[0]);
    *has_members = error && rd_kafka_error_code(error) == RD_KAFKA_RESP_ERR_NON_EMPTY_GROUP;
    if (error && rd_kafka_error_code(error) != RD_KAFKA_RESP_ERR_GROUP_ID_NOT_FOUND)
        status = fail(log, rd_kafka_error_code(error), rd_kafka_error_string(error), "delete group",
                      group, err);
    rd_kafka_event_destroy(event);
    return status;
}

mr_status mr_kafka_delete_group(mr_log *base, const char *group, mr_error *err)
{
    mr_kafka_log *log = kafka_of(base);
    int64_t start_ms = mr_kafka_now_ms();
    bool is_said = false;
    for (;;) {
        /* A static member that has stopped is a member until its session ends: wait for that
         * long, so that a job can be reset right after it was stopped. */
        bool has_members = false;
        mr_status status = delete_group_once(log, group, &has_members, err);
        if (!has_members || mr_kafka_now_ms() - start_ms > MEMBERS_GONE_MS)
            return status;
        if (!is_said)
            mr_logger_line(log->logger, MR_LOG_INFO,
                           "group %s still has a member; waiting up to %d s for its session to end",
                           group, MEMBERS_GONE_MS / 1000);
        is_said = true;
        pause_ms(log, 200);
    }
}
