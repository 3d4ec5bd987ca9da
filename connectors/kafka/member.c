#include "connectors/kafka/member.h"

#include "connectors/kafka/admin/admin.h"
#include "connectors/kafka/client/errors.h"
#include "engine/base/assert.h"

#include <stdlib.h>
#include <string.h>

typedef enum pending {
    PENDING_NONE = 0,
    PENDING_ASSIGNED,
    PENDING_REVOKED,
    PENDING_LOST,
} pending;

typedef struct member {
    mr_log_member base;
    mr_kafka_client client;
    mr_kafka_log *log;
    char *group, *instance_id, *topic; /* instance_id NULL: dynamic */
    pending pending;                   /* told by the rebalance callback, handed out by poll */
    bool is_closing;
    bool has_released; /* the revoke now pending was answered */
    int32_t *partitions;
    uint32_t partitions_count;
    rd_kafka_consumer_group_metadata_t *metadata;
} member;

static member *member_of(mr_log_member *base)
{
    return (member *)base;
}

static void metadata_drop(member *m)
{
    if (m->metadata)
        rd_kafka_consumer_group_metadata_destroy(m->metadata);
    m->metadata = NULL;
}

static int compare(const void *a, const void *b)
{
    int32_t left = *(const int32_t *)a, right = *(const int32_t *)b;
    return left < right ? -1 : left > right;
}

static void partitions_take(member *m, const rd_kafka_topic_partition_list_t *list)
{
    free(m->partitions);
    m->partitions_count = (uint32_t)list->cnt;
    m->partitions = calloc((size_t)list->cnt + 1, sizeof *m->partitions);
    MR_ASSERT(m->partitions != NULL);
    for (int i = 0; i < list->cnt; i++)
        m->partitions[i] = list->elems[i].partition;
    qsort(m->partitions, m->partitions_count, sizeof *m->partitions, compare);
}

/* Accepts an assignment without fetching any of it. */
static rd_kafka_resp_err_t assign_nothing(member *m)
{
    rd_kafka_topic_partition_list_t *none = rd_kafka_topic_partition_list_new(0);
    rd_kafka_resp_err_t error = rd_kafka_assign(m->client.rk, none);
    rd_kafka_topic_partition_list_destroy(none);
    return error;
}

/* A member without an id is none: not yet, or not any more. */
static bool has_left(rd_kafka_t *rk)
{
    char *id = rd_kafka_memberid(rk);
    bool has = !id || id[0] == '\0';
    if (id)
        rd_kafka_mem_free(rk, id);
    return has;
}

/* Runs inside of poll or close, on their thread. */
static void on_rebalance(rd_kafka_t *rk, rd_kafka_resp_err_t error,
                         rd_kafka_topic_partition_list_t *list, void *opaque)
{
    member *m = (member *)(void *)((char *)opaque - offsetof(member, client));
    if (m->is_closing) {
        rd_kafka_assign(rk, NULL);
        return;
    }
    if (error == RD_KAFKA_RESP_ERR__ASSIGN_PARTITIONS) {
        partitions_take(m, list);
        assign_nothing(m);
        metadata_drop(m);
        m->metadata = rd_kafka_consumer_group_metadata(rk);
        m->pending = PENDING_ASSIGNED;
        rd_kafka_yield(rk); /* else poll goes on waiting for a record that never comes */
        return;
    }
    /* The revoke is answered by `release`, after the caller has committed. A member that was
     * slow to come here may have been put out of the group meanwhile; then that commit is
     * refused as stale. */
    bool is_lost = error != RD_KAFKA_RESP_ERR__REVOKE_PARTITIONS || rd_kafka_assignment_lost(rk);
    m->pending = is_lost ? PENDING_LOST : PENDING_REVOKED;
    m->has_released = false;
    if (is_lost)
        metadata_drop(m);
    rd_kafka_yield(rk);
}

static mr_status conf_make(const member *m, rd_kafka_conf_t **conf, mr_error *err)
{
    mr_status status = mr_kafka_client_conf(m->log, MR_KAFKA_ROLE_MEMBER, conf, err);
    if (status != MR_OK)
        return status;
    status = mr_kafka_settings_set(*conf, "group.id", m->group, err);
    if (status == MR_OK && m->instance_id)
        status = mr_kafka_settings_set(*conf, "group.instance.id", m->instance_id, err);
    if (status != MR_OK)
        rd_kafka_conf_destroy(*conf);
    else
        rd_kafka_conf_set_rebalance_cb(*conf, on_rebalance);
    return status;
}

/* Opens a handle and lets it subscribe. */
static mr_status client_join(member *m, mr_error *err)
{
    rd_kafka_conf_t *conf;
    mr_status status = conf_make(m, &conf, err);
    if (status == MR_OK)
        status = mr_kafka_client_open(&m->client, m->log, MR_KAFKA_ROLE_MEMBER, conf, err);
    if (status != MR_OK)
        return status;
    rd_kafka_poll_set_consumer(m->client.rk);
    rd_kafka_topic_partition_list_t *topics = rd_kafka_topic_partition_list_new(1);
    rd_kafka_topic_partition_list_add(topics, m->topic, RD_KAFKA_PARTITION_UA);
    rd_kafka_resp_err_t error = rd_kafka_subscribe(m->client.rk, topics);
    rd_kafka_topic_partition_list_destroy(topics);
    if (error)
        return mr_kafka_fail(err, MR_KAFKA_MEMBER, error, NULL, "join group %s", m->group);
    return MR_OK;
}

static void client_leave(member *m)
{
    m->is_closing = true;
    if (m->client.rk) {
        if (!m->has_released)
            rd_kafka_assign(m->client.rk, NULL);
        rd_kafka_consumer_close(m->client.rk);
    }
    mr_kafka_client_close(&m->client);
    m->is_closing = false;
}

/* Fencing of an instance id may be told wrongly when a broker was away or stood still: a member
 * that rejoins gets a new id, and if the answer is lost, its next request still bears the old one.
 * Then it is ourselves that we were fenced by, and librdkafka calls it fatal. A new handle takes
 * the instance id again; if another worker does hold it, the next fencing comes without anything
 * lost, and is believed. */
static mr_status rejoin(member *m, mr_error *err)
{
    mr_logger_line(m->log->logger, MR_LOG_WARN,
                   "member of group %s was fenced after a lost connection: joins anew", m->group);
    client_leave(m);
    metadata_drop(m);
    m->has_released = true;
    m->partitions_count = 0;
    m->pending = PENDING_LOST;
    return client_join(m, err);
}

/* An error that the consumer tells by a message. */
static mr_status poll_error(member *m, rd_kafka_resp_err_t error, char *reason, size_t size,
                            mr_error *err)
{
    if (error == RD_KAFKA_RESP_ERR__FATAL)
        error = rd_kafka_fatal_error(m->client.rk, reason, size);
    if (error == RD_KAFKA_RESP_ERR_FENCED_INSTANCE_ID && atomic_load(&m->client.lost) > 0)
        return rejoin(m, err);
    const mr_kafka_rule *rule = mr_kafka_rule_of(error, MR_KAFKA_MEMBER);
    /* Stale members rejoin by themselves and say so by a rebalance. */
    if (rule->recovery == MR_RECOVERY_RETRY || rule->status == MR_E_KAFKA_MEMBER_STALE)
        return MR_OK;
    return mr_kafka_fail(err, MR_KAFKA_MEMBER, error, reason, "member of group %s", m->group);
}

static mr_status member_poll(mr_log_member *base, int32_t timeout_ms, mr_member_event *event,
                             mr_error *err)
{
    member *m = member_of(base);
    *event = (mr_member_event){0};
    if (m->pending == PENDING_NONE) {
        rd_kafka_message_t *message = rd_kafka_consumer_poll(m->client.rk, timeout_ms);
        rd_kafka_resp_err_t error = message ? message->err : RD_KAFKA_RESP_ERR_NO_ERROR;
        char reason[512] = "";
        if (error)
            snprintf(reason, sizeof reason, "%s", rd_kafka_message_errstr(message));
        if (message) /* before a handle may go away */
            rd_kafka_message_destroy(message);
        mr_status status = error ? poll_error(m, error, reason, sizeof reason, err) : MR_OK;
        if (status != MR_OK)
            return status;
    }
    static const mr_member_event_kind KINDS[] = {MR_MEMBER_NOTHING, MR_MEMBER_ASSIGNED,
                                                 MR_MEMBER_REVOKED, MR_MEMBER_LOST};
    event->kind = KINDS[m->pending];
    event->partitions = m->partitions;
    event->partitions_count = m->partitions_count;
    m->pending = PENDING_NONE;
    return MR_OK;
}

static mr_status member_release(mr_log_member *base, mr_error *err)
{
    member *m = member_of(base);
    metadata_drop(m);
    m->partitions_count = 0;
    if (m->has_released)
        return MR_OK;
    m->has_released = true;
    rd_kafka_resp_err_t error = rd_kafka_assign(m->client.rk, NULL);
    if (error)
        return mr_kafka_fail(err, MR_KAFKA_MEMBER, error, NULL, "release in group %s", m->group);
    return MR_OK;
}

static mr_status member_committed(mr_log_member *base, mr_log_offset *offsets, uint32_t count,
                                  mr_arena *arena, mr_error *err)
{
    member *m = member_of(base);
    rd_kafka_topic_partition_list_t *list = mr_kafka_offsets_list(offsets, count, false);
    rd_kafka_resp_err_t error = rd_kafka_committed(m->client.rk, list, m->log->timeout_ms);
    mr_status status = MR_OK;
    if (error)
        status = mr_kafka_fail(err, MR_KAFKA_MEMBER, error, NULL, "committed offsets of group %s",
                               m->group);
    else
        status = mr_kafka_offsets_take(list, offsets, count, arena, MR_KAFKA_ROLE_MEMBER, err);
    rd_kafka_topic_partition_list_destroy(list);
    return status;
}

/* The answer to a commit on `queue`, waited for no longer than the log's timeout: the call that
 * waits by itself does so for as long as the coordinator is away. A commit that is still under way
 * then does no harm: the state log is the truth. */
static rd_kafka_resp_err_t await_commit(const member *m, rd_kafka_queue_t *queue)
{
    rd_kafka_event_t *event = rd_kafka_queue_poll(queue, m->log->timeout_ms);
    if (event == NULL)
        return RD_KAFKA_RESP_ERR__TIMED_OUT;
    rd_kafka_resp_err_t error = rd_kafka_event_error(event);
    const rd_kafka_topic_partition_list_t *list = rd_kafka_event_topic_partition_list(event);
    for (int i = 0; !error && list != NULL && i < list->cnt; i++)
        error = list->elems[i].err;
    rd_kafka_event_destroy(event);
    return error == RD_KAFKA_RESP_ERR__WAIT_COORD ? RD_KAFKA_RESP_ERR__TIMED_OUT : error;
}

static mr_status member_commit(mr_log_member *base, const mr_log_offset *offsets, uint32_t count,
                               mr_error *err)
{
    member *m = member_of(base);
    if (!mr_kafka_member_metadata(base, err))
        return err->status;
    rd_kafka_topic_partition_list_t *list = mr_kafka_offsets_list(offsets, count, true);
    rd_kafka_queue_t *queue = rd_kafka_queue_new(m->client.rk);
    rd_kafka_resp_err_t error = rd_kafka_commit_queue(m->client.rk, list, queue, NULL, NULL);
    if (!error)
        error = await_commit(m, queue);
    rd_kafka_queue_destroy(queue);
    rd_kafka_topic_partition_list_destroy(list);
    if (error == RD_KAFKA_RESP_ERR__TIMED_OUT && m->log->is_stopping &&
        m->log->is_stopping(m->log->hook))
        return mr_error_set_recovery(err, MR_E_KAFKA_TIMEOUT, MR_RECOVERY_WRITER,
                                     "commit offsets of group %s: no coordinator answers and the "
                                     "process is to stop",
                                     m->group);
    if (error)
        return mr_kafka_fail(err, MR_KAFKA_MEMBER, error, NULL, "commit offsets of group %s",
                             m->group);
    return MR_OK;
}

static void member_close(mr_log_member *base)
{
    member *m = member_of(base);
    client_leave(m);
    metadata_drop(m);
    free(m->partitions);
    free(m->group);
    free(m->instance_id);
    free(m->topic);
    free(m);
}

static const mr_member_class MEMBER_CLASS = {
    .poll = member_poll,
    .release = member_release,
    .committed = member_committed,
    .commit = member_commit,
    .close = member_close,
};

static char *copy(const char *text)
{
    char *made = text ? strdup(text) : NULL;
    MR_ASSERT(made != NULL || !text);
    return made;
}

mr_status mr_kafka_member_open(mr_log *base, const mr_member_options *options,
                               mr_log_member **opened, mr_error *err)
{
    member *m = calloc(1, sizeof *m);
    MR_ASSERT(m != NULL);
    m->base.class = &MEMBER_CLASS;
    m->log = (mr_kafka_log *)base;
    m->has_released = true;
    m->group = copy(options->group);
    m->instance_id = copy(options->instance_id);
    m->topic = copy(options->topic);
    mr_status status = client_join(m, err);
    if (status != MR_OK) {
        member_close(&m->base);
        return status;
    }
    *opened = &m->base;
    return MR_OK;
}

#if RD_KAFKA_VERSION >= 0x020400ff
static int32_t generation_of(const rd_kafka_consumer_group_metadata_t *metadata)
{
    return rd_kafka_consumer_group_metadata_generation_id(metadata);
}
#else
/* Before 2.4 only the serialised form tells: "CGMDv2:", then the generation as this machine has
 * it. */
static int32_t generation_of(const rd_kafka_consumer_group_metadata_t *metadata)
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

bool mr_kafka_member_has_gone(mr_log_member *base)
{
    member *m = member_of(base);
    MR_ASSERT(base->class == &MEMBER_CLASS);
    char reason[256];
    return has_left(m->client.rk) || rd_kafka_assignment_lost(m->client.rk) ||
           rd_kafka_fatal_error(m->client.rk, reason, sizeof reason) != 0;
}

const rd_kafka_consumer_group_metadata_t *mr_kafka_member_metadata(mr_log_member *base,
                                                                   mr_error *err)
{
    member *m = member_of(base);
    MR_ASSERT(base->class == &MEMBER_CLASS);
    if (m->metadata && generation_of(m->metadata) >= 0 && !mr_kafka_member_has_gone(base))
        return m->metadata;
    mr_error_set_recovery(err, MR_E_KAFKA_MEMBER_STALE, MR_RECOVERY_EPOCH,
                          "this worker has no assignment in group %s: offsets may not be committed",
                          m->group);
    return NULL;
}
