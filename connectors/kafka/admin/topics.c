#include "connectors/kafka/admin/admin.h"

#include "connectors/kafka/admin/request.h"
#include "connectors/kafka/client/errors.h"
#include "engine/base/assert.h"

#include <stdlib.h>
#include <string.h>

/* A broker that refuses connections answers in no time; waiting for the whole timeout would only
 * tell the user later. This long is enough for one that is just starting. */
#define UNREACHABLE_AFTER_MS 3000
#define REFUSED_AFTER_MS 1000 /* one refusal may be an accident of a broker that goes or comes */
#define SLICE_MS 500
#define EXPECTED_MS 1000

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

/* Metadata of one topic, waited for in slices so that a dead address is told soon. */
static mr_status metadata(mr_kafka_log *log, const char *topic,
                          const struct rd_kafka_metadata **found, mr_error *err)
{
    rd_kafka_topic_t *handle = rd_kafka_topic_new(log->admin.rk, topic, NULL);
    if (!handle)
        return mr_kafka_request_fail(log, rd_kafka_last_error(), NULL, "topic", topic, err);
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
    if (error == RD_KAFKA_RESP_ERR_NO_ERROR) {
        mr_kafka_client_connected(&log->admin);
        return MR_OK;
    }
    return mr_kafka_is_transient(error, MR_KAFKA_ADMIN)
               ? mr_kafka_request_no_connection(log, err)
               : mr_kafka_request_fail(log, error, NULL, "topic", topic, err);
}

/* What the answer says about a topic. */
static rd_kafka_resp_err_t facts_of(const struct rd_kafka_metadata *found, const char *topic,
                                    mr_topic_facts *facts)
{
    rd_kafka_resp_err_t error = RD_KAFKA_RESP_ERR_UNKNOWN_TOPIC_OR_PART;
    *facts = (mr_topic_facts){0};
    for (int i = 0; i < found->topic_cnt; i++) {
        if (strcmp(found->topics[i].topic, topic) != 0)
            continue;
        error = found->topics[i].err;
        facts->partitions = found->topics[i].partition_cnt;
    }
    facts->exists = error == RD_KAFKA_RESP_ERR_NO_ERROR && facts->partitions > 0;
    if (!facts->exists)
        facts->partitions = 0;
    return error == RD_KAFKA_RESP_ERR_UNKNOWN_TOPIC_OR_PART ||
                   error == RD_KAFKA_RESP_ERR__UNKNOWN_TOPIC
               ? RD_KAFKA_RESP_ERR_NO_ERROR
               : error;
}

/* ---- what was asked for at once ---- */

static bool find_expected(mr_kafka_log *log, const char *topic, mr_topic_facts *facts)
{
    mr_kafka_expected *expected = &log->expected;
    bool is_found = false;
    pthread_mutex_lock(&log->lock);
    for (uint32_t i = 0; i < expected->count && !is_found; i++) {
        is_found = expected->topics[i] != NULL && strcmp(expected->topics[i], topic) == 0 &&
                   mr_kafka_now_ms() < expected->until_ms;
        if (is_found)
            *facts = expected->facts[i];
    }
    pthread_mutex_unlock(&log->lock);
    return is_found;
}

/* We change the topic: what was found is of before. */
static void forget_expected(mr_kafka_log *log, const char *topic)
{
    mr_kafka_expected *expected = &log->expected;
    pthread_mutex_lock(&log->lock);
    for (uint32_t i = 0; i < expected->count; i++)
        if (expected->topics[i] != NULL && strcmp(expected->topics[i], topic) == 0)
            expected->topics[i] = NULL;
    pthread_mutex_unlock(&log->lock);
}

/* What the answer refuses is left out: `describe` asks for it and tells why. */
static void note_expected(mr_kafka_log *log, const char *const *topics, uint32_t count,
                          const struct rd_kafka_metadata *found)
{
    mr_kafka_expected *expected = &log->expected;
    pthread_mutex_lock(&log->lock);
    mr_arena_reset(&expected->arena);
    expected->topics = mr_arena_zalloc(&expected->arena, count + 1, sizeof *expected->topics);
    expected->facts = mr_arena_zalloc(&expected->arena, count + 1, sizeof *expected->facts);
    expected->count = count;
    expected->until_ms = mr_kafka_now_ms() + EXPECTED_MS;
    for (uint32_t i = 0; i < count; i++)
        if (!facts_of(found, topics[i], &expected->facts[i]))
            expected->topics[i] = mr_arena_string(&expected->arena, topics[i], strlen(topics[i]));
    pthread_mutex_unlock(&log->lock);
}

/* ---- topics ---- */

mr_status mr_kafka_describe_now(mr_kafka_log *log, const char *topic, mr_topic_facts *facts,
                                mr_error *err)
{
    const struct rd_kafka_metadata *found;
    mr_status status = metadata(log, topic, &found, err);
    if (status != MR_OK)
        return status;
    rd_kafka_resp_err_t error = facts_of(found, topic, facts);
    rd_kafka_metadata_destroy(found);
    return error ? mr_kafka_request_fail(log, error, NULL, "topic", topic, err) : MR_OK;
}

mr_status mr_kafka_describe(mr_log *base, const char *topic, mr_topic_facts *facts, mr_error *err)
{
    mr_kafka_log *log = (mr_kafka_log *)base;
    return find_expected(log, topic, facts) ? MR_OK : mr_kafka_describe_now(log, topic, facts, err);
}

void mr_kafka_expect(mr_log *base, const char *const *topics, uint32_t count)
{
    mr_kafka_log *log = (mr_kafka_log *)base;
    rd_kafka_topic_t **handles = calloc((size_t)count + 1, sizeof(rd_kafka_topic_t *));
    MR_ASSERT(handles != NULL);
    for (uint32_t i = 0; i < count; i++)
        handles[i] = rd_kafka_topic_new(log->admin.rk, topics[i], NULL);
    const struct rd_kafka_metadata *found = NULL; /* of all topics this handle has heard of */
    if (!rd_kafka_metadata(log->admin.rk, 0, NULL, &found, SLICE_MS)) {
        mr_kafka_client_connected(&log->admin);
        note_expected(log, topics, count, found);
        rd_kafka_metadata_destroy(found);
    }
    for (uint32_t i = 0; i < count; i++)
        if (handles[i] != NULL)
            rd_kafka_topic_destroy(handles[i]);
    free((void *)handles);
}

/* Of one that is described by its name. */
static mr_status take_id(mr_kafka_log *log, const rd_kafka_TopicDescription_t *found,
                         const char *const *topics, uint32_t count, mr_topic_id *ids, mr_error *err)
{
    const char *name = rd_kafka_TopicDescription_name(found);
    const rd_kafka_error_t *error = rd_kafka_TopicDescription_error(found);
    if (error && rd_kafka_error_code(error))
        return mr_kafka_request_fail(log, rd_kafka_error_code(error), rd_kafka_error_string(error),
                                     "topic", name, err);
    const rd_kafka_Uuid_t *id = rd_kafka_TopicDescription_topic_id(found);
    for (uint32_t i = 0; i < count; i++)
        if (strcmp(topics[i], name) == 0)
            ids[i] = (mr_topic_id){(uint64_t)rd_kafka_Uuid_most_significant_bits(id),
                                   (uint64_t)rd_kafka_Uuid_least_significant_bits(id)};
    return MR_OK;
}

mr_status mr_kafka_topic_ids(mr_log *base, const char *const *topics, uint32_t count,
                             mr_topic_id *ids, mr_error *err)
{
    mr_kafka_log *log = (mr_kafka_log *)base;
    memset(ids, 0, count * sizeof *ids);
    rd_kafka_TopicCollection_t *wanted =
        rd_kafka_TopicCollection_of_topic_names((const char **)topics, count);
    rd_kafka_AdminOptions_t *options =
        mr_kafka_request_options(log, RD_KAFKA_ADMIN_OP_DESCRIBETOPICS);
    rd_kafka_queue_t *queue = rd_kafka_queue_new(log->admin.rk);
    rd_kafka_DescribeTopics(log->admin.rk, wanted, options, queue);
    rd_kafka_AdminOptions_destroy(options);
    rd_kafka_TopicCollection_destroy(wanted);
    rd_kafka_event_t *event;
    mr_status status = mr_kafka_request_answer(log, queue, "ids of topic", topics[0], &event, err);
    if (status != MR_OK)
        return status;
    size_t found_count;
    const rd_kafka_TopicDescription_t **found = rd_kafka_DescribeTopics_result_topics(
        rd_kafka_event_DescribeTopics_result(event), &found_count);
    for (size_t i = 0; status == MR_OK && i < found_count; i++)
        status = take_id(log, found[i], topics, count, ids, err);
    rd_kafka_event_destroy(event);
    return status;
}

/* The one result of a request about one topic. */
static mr_status topic_result(mr_kafka_log *log, const rd_kafka_topic_result_t **results,
                              size_t count, const char *what, const char *topic, mr_error *err)
{
    MR_ASSERT(count == 1);
    rd_kafka_resp_err_t error = rd_kafka_topic_result_error(results[0]);
    if (error == RD_KAFKA_RESP_ERR_NO_ERROR)
        return MR_OK;
    return mr_kafka_request_fail(log, error, rd_kafka_topic_result_error_string(results[0]), what,
                                 topic, err);
}

/* Do the leaders of its partitions answer for it? What else is wrong, its user will be told. */
static bool is_led(mr_log *log, const char *topic, int32_t partitions)
{
    mr_arena arena = {0};
    mr_error err = {0};
    mr_log_ends *ends = mr_arena_alloc(&arena, (size_t)partitions * sizeof *ends);
    for (int32_t p = 0; p < partitions; p++)
        ends[p] = (mr_log_ends){.topic = topic, .partition = p};
    mr_status status = mr_kafka_ends(log, ends, (uint32_t)partitions, &err);
    mr_arena_release(&arena);
    return status != MR_E_KAFKA_TOPIC_MISSING &&
           (status == MR_OK || err.recovery != MR_RECOVERY_RETRY);
}

/* A created topic is known to the controller first, then to all brokers, then to those who lead its
 * partitions; using it would race with them. */
static mr_status wait_for_topic(mr_log *log, const char *topic, bool wanted, int32_t partitions,
                                mr_error *err)
{
    int64_t deadline_ms = mr_kafka_now_ms() + ((mr_kafka_log *)log)->timeout_ms;
    for (;;) {
        mr_topic_facts facts;
        mr_status status = mr_kafka_describe_now((mr_kafka_log *)log, topic, &facts, err);
        if (status != MR_OK ||
            (facts.exists == wanted &&
             (!wanted || (facts.partitions >= partitions && is_led(log, topic, facts.partitions)))))
            return status;
        if (mr_kafka_now_ms() > deadline_ms)
            return mr_error_set_recovery(err, MR_E_KAFKA_TIMEOUT, MR_RECOVERY_RETRY,
                                         "topic %s is not %s by the brokers yet", topic,
                                         wanted ? "known" : "forgotten");
        mr_kafka_request_pause((mr_kafka_log *)log, 10);
    }
}

mr_status mr_kafka_create_topic(mr_log *base, const char *topic, int32_t partitions,
                                const char *const *configs, mr_error *err)
{
    mr_kafka_log *log = (mr_kafka_log *)base;
    char reason[256];
    /* Replication -1: the broker's default. */
    rd_kafka_NewTopic_t *wanted =
        rd_kafka_NewTopic_new(topic, partitions, -1, reason, sizeof reason);
    forget_expected(log, topic);
    if (!wanted)
        return mr_error_set(err, MR_E_KAFKA_OTHER, "topic %s: %s", topic, reason);
    for (const char *const *at = configs; at && at[0]; at += 2)
        rd_kafka_NewTopic_set_config(wanted, at[0], at[1]);
    rd_kafka_AdminOptions_t *options =
        mr_kafka_request_options(log, RD_KAFKA_ADMIN_OP_CREATETOPICS);
    rd_kafka_queue_t *queue = rd_kafka_queue_new(log->admin.rk);
    rd_kafka_CreateTopics(log->admin.rk, &wanted, 1, options, queue);
    rd_kafka_AdminOptions_destroy(options);
    rd_kafka_NewTopic_destroy(wanted);
    rd_kafka_event_t *event;
    mr_status status = mr_kafka_request_answer(log, queue, "create topic", topic, &event, err);
    if (status != MR_OK)
        return status;
    size_t count;
    const rd_kafka_topic_result_t **results =
        rd_kafka_CreateTopics_result_topics(rd_kafka_event_CreateTopics_result(event), &count);
    status = topic_result(log, results, count, "create topic", topic, err);
    rd_kafka_event_destroy(event);
    return status == MR_OK ? wait_for_topic(base, topic, true, partitions, err) : status;
}

mr_status mr_kafka_grow_topic(mr_log *base, const char *topic, int32_t partitions, mr_error *err)
{
    mr_kafka_log *log = (mr_kafka_log *)base;
    mr_topic_facts facts;
    char reason[256];
    mr_status status = mr_kafka_describe_now(log, topic, &facts, err);
    if (status != MR_OK || (facts.exists && facts.partitions >= partitions))
        return status;
    forget_expected(log, topic);
    rd_kafka_NewPartitions_t *wanted =
        rd_kafka_NewPartitions_new(topic, (size_t)partitions, reason, sizeof reason);
    if (!wanted)
        return mr_error_set(err, MR_E_KAFKA_OTHER, "topic %s: %s", topic, reason);
    rd_kafka_AdminOptions_t *options =
        mr_kafka_request_options(log, RD_KAFKA_ADMIN_OP_CREATEPARTITIONS);
    rd_kafka_queue_t *queue = rd_kafka_queue_new(log->admin.rk);
    rd_kafka_CreatePartitions(log->admin.rk, &wanted, 1, options, queue);
    rd_kafka_AdminOptions_destroy(options);
    rd_kafka_NewPartitions_destroy(wanted);
    rd_kafka_event_t *event;
    status = mr_kafka_request_answer(log, queue, "grow topic", topic, &event, err);
    if (status != MR_OK)
        return status;
    size_t count;
    const rd_kafka_topic_result_t **results = rd_kafka_CreatePartitions_result_topics(
        rd_kafka_event_CreatePartitions_result(event), &count);
    status = topic_result(log, results, count, "grow topic", topic, err);
    rd_kafka_event_destroy(event);
    return status == MR_OK ? wait_for_topic(base, topic, true, partitions, err) : status;
}

mr_status mr_kafka_record_bytes_max(mr_kafka_log *log, const char *topic, int32_t *bytes,
                                    mr_error *err)
{
    rd_kafka_ConfigResource_t *wanted = rd_kafka_ConfigResource_new(RD_KAFKA_RESOURCE_TOPIC, topic);
    rd_kafka_AdminOptions_t *options =
        mr_kafka_request_options(log, RD_KAFKA_ADMIN_OP_DESCRIBECONFIGS);
    rd_kafka_queue_t *queue = rd_kafka_queue_new(log->admin.rk);
    rd_kafka_DescribeConfigs(log->admin.rk, &wanted, 1, options, queue);
    rd_kafka_AdminOptions_destroy(options);
    rd_kafka_ConfigResource_destroy(wanted);
    rd_kafka_event_t *event;
    mr_status status = mr_kafka_request_answer(log, queue, "settings of topic", topic, &event, err);
    if (status != MR_OK)
        return status;
    size_t count, entries;
    const rd_kafka_ConfigResource_t **found = rd_kafka_DescribeConfigs_result_resources(
        rd_kafka_event_DescribeConfigs_result(event), &count);
    MR_ASSERT(count == 1);
    rd_kafka_resp_err_t error = rd_kafka_ConfigResource_error(found[0]);
    if (error)
        status = mr_kafka_request_fail(log, error, rd_kafka_ConfigResource_error_string(found[0]),
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
    mr_kafka_log *log = (mr_kafka_log *)base;
    forget_expected(log, topic);
    rd_kafka_DeleteTopic_t *wanted = rd_kafka_DeleteTopic_new(topic);
    rd_kafka_AdminOptions_t *options =
        mr_kafka_request_options(log, RD_KAFKA_ADMIN_OP_DELETETOPICS);
    rd_kafka_queue_t *queue = rd_kafka_queue_new(log->admin.rk);
    rd_kafka_DeleteTopics(log->admin.rk, &wanted, 1, options, queue);
    rd_kafka_AdminOptions_destroy(options);
    rd_kafka_DeleteTopic_destroy(wanted);
    rd_kafka_event_t *event;
    mr_status status = mr_kafka_request_answer(log, queue, "delete topic", topic, &event, err);
    if (status != MR_OK)
        return status;
    size_t count;
    const rd_kafka_topic_result_t **results =
        rd_kafka_DeleteTopics_result_topics(rd_kafka_event_DeleteTopics_result(event), &count);
    status = topic_result(log, results, count, "delete topic", topic, err);
    rd_kafka_event_destroy(event);
    return status == MR_OK ? wait_for_topic(base, topic, false, 0, err) : status;
}
