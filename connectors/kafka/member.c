#include "connectors/kafka/member.h"

#include "connectors/kafka/admin/admin.h"
#include "connectors/kafka/client/errors.h"
#include "connectors/kafka/handle.h"
#include "connectors/kafka/protocol.h"
#include "engine/base/assert.h"

#include <stdlib.h>
#include <string.h>
#include <time.h>

/* With KIP-848 an instance id is not handed over while its member's session lasts: 45 s by default,
 * 60 s at most unless the broker's group.consumer.max.session.timeout.ms says more. An id that is
 * held for longer is held by somebody who lives. */
#define RELEASE_AWAIT_MS 90000
#define RELEASE_ASK_EVERY_MS 500

/* A broker that does not know KIP-848 is not told of by librdkafka (2.12): the member waits. */
#define ANSWER_AWAIT_MS 30000

typedef enum pending {
    PENDING_NONE = 0,
    PENDING_ASSIGNED,
    PENDING_REVOKED,
    PENDING_LOST,
} pending;

typedef struct member {
    mr_log_member base;
    mr_kafka_handle *handle;
    mr_kafka_log *log;
    char *group, *instance_id, *topic; /* instance_id NULL: dynamic */
    int32_t silence_ms;
    bool is_incremental; /* group.protocol = consumer: partitions come and go singly */
    pending pending;     /* told by the rebalance callback, handed out by poll */
    bool has_released;   /* the revoke now pending was answered */
    mr_kafka_owned owned;
    rd_kafka_topic_partition_list_t *revoked; /* incremental: what that revoke takes */
    rd_kafka_consumer_group_metadata_t *metadata;
    int64_t refused_ms, retry_ms; /* the instance id is held: since, and when to try again; 0: no */
    int64_t asked_ms; /* incremental: when it asked to join; 0: the group has answered */
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

static void revoked_drop(member *m)
{
    if (m->revoked)
        rd_kafka_topic_partition_list_destroy(m->revoked);
    m->revoked = NULL;
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

static void on_rebalance(void *base, rd_kafka_resp_err_t error,
                         rd_kafka_topic_partition_list_t *list)
{
    member *m = base;
    rd_kafka_t *rk = m->handle->client.rk;
    if (error == RD_KAFKA_RESP_ERR__ASSIGN_PARTITIONS) {
        mr_kafka_owned_take(&m->owned, list, m->is_incremental);
        mr_kafka_protocol_accept(rk, m->is_incremental);
        metadata_drop(m);
        m->metadata = rd_kafka_consumer_group_metadata(rk);
        m->refused_ms = 0;
        m->asked_ms = 0;
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
    revoked_drop(m);
    if (is_lost)
        metadata_drop(m);
    else if (m->is_incremental)
        m->revoked = rd_kafka_topic_partition_list_copy(list);
    rd_kafka_yield(rk);
}

static mr_status join(member *m, mr_error *err)
{
    mr_kafka_handle_options options = {.group = m->group,
                                       .topic = m->topic,
                                       .instance_id = m->instance_id,
                                       .silence_ms = m->silence_ms,
                                       .is_incremental = m->is_incremental,
                                       .on_rebalance = on_rebalance,
                                       .member = m};
    mr_status status = mr_kafka_handle_open(m->log, &options, &m->handle, err);
    m->asked_ms = status == MR_OK && m->is_incremental ? mr_kafka_now_ms() : 0;
    if (status != MR_OK)
        err->recovery = MR_RECOVERY_STOP; /* there is no handle to go on with */
    return status;
}

static void leave(member *m)
{
    if (m->handle != NULL)
        m->handle->owes_answer = !m->has_released;
    mr_kafka_handle_leave(m->log, m->handle);
    m->handle = NULL;
}

/* Fencing of an instance id may be told wrongly when a broker was away or stood still: a member
 * that rejoins gets a new id, and if the answer is lost, its next request still bears the old one.
 * Then it is ourselves that we were fenced by, and librdkafka calls it fatal. A new handle takes
 * the instance id again; if another worker does hold it, the next fencing comes without anything
 * lost, and is believed. */
static mr_status rejoin(member *m, mr_error *err)
{
    leave(m);
    metadata_drop(m);
    revoked_drop(m);
    m->has_released = true;
    m->owned.count = 0;
    m->pending = PENDING_LOST;
    return join(m, err);
}

/* The member before us was killed, or stands still, and its session lasts: librdkafka calls that
 * fatal, so each try is a handle of its own. Who has waited for longer than sessions last has met a
 * twin. */
static mr_status await_instance(member *m, const char *reason, mr_error *err)
{
    int64_t now_ms = mr_kafka_now_ms();
    if (m->refused_ms == 0) {
        m->refused_ms = now_ms;
        mr_logger_line(m->log->logger, MR_LOG_WARN,
                       "group %s: instance id %s is another member's until its session ends "
                       "(group.consumer.session.timeout.ms of the broker): waits for up to %d s",
                       m->group, m->instance_id, RELEASE_AWAIT_MS / 1000);
    }
    if (now_ms - m->refused_ms > RELEASE_AWAIT_MS)
        return mr_error_set_recovery(err, MR_E_KAFKA_INSTANCE_TAKEN, MR_RECOVERY_STOP,
                                     "member of group %s: %s (%s), for %d s now; another worker "
                                     "runs with this instance id: one state directory belongs to "
                                     "one worker",
                                     m->group, reason,
                                     rd_kafka_err2name(RD_KAFKA_RESP_ERR_UNRELEASED_INSTANCE_ID),
                                     RELEASE_AWAIT_MS / 1000);
    m->retry_ms = now_ms + RELEASE_ASK_EVERY_MS;
    return MR_OK;
}

static mr_status unknown_protocol(const member *m, const char *reason, mr_error *err)
{
    return mr_error_set(err, MR_E_KAFKA_OTHER,
                        "member of group %s: %s; group.protocol=consumer wants brokers of Kafka "
                        "4.0 or newer with the feature group.version=1: leave it at 'classic'",
                        m->group, reason);
}

static bool has_answer(const member *m)
{
    rd_kafka_consumer_group_metadata_t *metadata =
        rd_kafka_consumer_group_metadata(m->handle->client.rk);
    bool has = metadata != NULL && mr_kafka_protocol_generation(metadata) > 0;
    if (metadata)
        rd_kafka_consumer_group_metadata_destroy(metadata);
    return has;
}

/* A coordinator that answers a question about the group, and never its member, does not know the
 * protocol; one that answers nothing may be away, or just starting. */
static mr_status check_answer(member *m, mr_error *err)
{
    if (m->asked_ms == 0 || mr_kafka_now_ms() - m->asked_ms < ANSWER_AWAIT_MS)
        return MR_OK;
    uint32_t count;
    mr_error silence;
    bool is_there = mr_kafka_group_members(&m->log->base, m->group, &count, &silence) == MR_OK;
    if (has_answer(m)) {
        m->asked_ms = 0;
        return MR_OK;
    }
    m->asked_ms = mr_kafka_now_ms();
    return is_there ? unknown_protocol(m, "its broker does not answer it", err) : MR_OK;
}

/* Errors that KIP-848 alone brings. `*is_ours` false: none of them. */
static mr_status incremental_error(member *m, rd_kafka_resp_err_t error, const char *reason,
                                   bool *is_ours, mr_error *err)
{
    *is_ours = true;
    if (error == RD_KAFKA_RESP_ERR_UNRELEASED_INSTANCE_ID)
        return await_instance(m, reason, err);
    if (error == RD_KAFKA_RESP_ERR_UNSUPPORTED_VERSION ||
        error == RD_KAFKA_RESP_ERR__UNSUPPORTED_FEATURE)
        return unknown_protocol(m, reason, err);
    *is_ours = false;
    return MR_OK;
}

/* An error that the consumer tells by a message. */
static mr_status poll_error(member *m, rd_kafka_resp_err_t error, char *reason, size_t size,
                            mr_error *err)
{
    if (error == RD_KAFKA_RESP_ERR__FATAL)
        error = rd_kafka_fatal_error(m->handle->client.rk, reason, size);
    if (error == RD_KAFKA_RESP_ERR_FENCED_INSTANCE_ID && atomic_load(&m->handle->client.lost) > 0) {
        mr_logger_line(m->log->logger, MR_LOG_WARN,
                       "member of group %s was fenced after a lost connection: joins anew",
                       m->group);
        return rejoin(m, err);
    }
    bool is_ours = false;
    mr_status status =
        m->is_incremental ? incremental_error(m, error, reason, &is_ours, err) : MR_OK;
    if (is_ours)
        return status;
    const mr_kafka_rule *rule = mr_kafka_rule_of(error, MR_KAFKA_MEMBER);
    /* Stale members rejoin by themselves and say so by a rebalance. */
    if (rule->recovery == MR_RECOVERY_RETRY || rule->status == MR_E_KAFKA_MEMBER_STALE)
        return MR_OK;
    return mr_kafka_fail(err, MR_KAFKA_MEMBER, error, reason, "member of group %s", m->group);
}

/* Between two tries for an instance id: what the dead handle may still say is old. */
static mr_status poll_refused(member *m, int32_t timeout_ms, mr_error *err)
{
    int64_t wait_ms = m->retry_ms - mr_kafka_now_ms();
    if (wait_ms > timeout_ms) {
        nanosleep(&(struct timespec){.tv_sec = timeout_ms / 1000,
                                     .tv_nsec = timeout_ms % 1000 * 1000000L},
                  NULL);
        return MR_OK;
    }
    m->retry_ms = 0;
    return rejoin(m, err);
}

static mr_status member_poll(mr_log_member *base, int32_t timeout_ms, mr_member_event *event,
                             mr_error *err)
{
    member *m = member_of(base);
    *event = (mr_member_event){0};
    if (m->pending == PENDING_NONE && m->retry_ms != 0) {
        mr_status status = poll_refused(m, timeout_ms, err);
        if (status != MR_OK)
            return status;
    } else if (m->pending == PENDING_NONE) {
        if (check_answer(m, err) != MR_OK)
            return err->status;
        rd_kafka_message_t *message = rd_kafka_consumer_poll(m->handle->client.rk, timeout_ms);
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
    event->partitions = m->owned.partitions;
    event->partitions_count = m->owned.count;
    m->pending = PENDING_NONE;
    return MR_OK;
}

static mr_status member_release(mr_log_member *base, mr_error *err)
{
    member *m = member_of(base);
    metadata_drop(m);
    if (m->revoked) /* the rest stays; an assignment follows, of nothing new where there is none */
        mr_kafka_owned_give(&m->owned, m->revoked);
    else
        m->owned.count = 0;
    revoked_drop(m);
    if (m->has_released)
        return MR_OK;
    m->has_released = true;
    rd_kafka_resp_err_t error = mr_kafka_protocol_give_up(m->handle->client.rk, m->is_incremental);
    if (error)
        return mr_kafka_fail(err, MR_KAFKA_MEMBER, error, NULL, "release in group %s", m->group);
    return MR_OK;
}

static mr_status member_committed(mr_log_member *base, mr_log_offset *offsets, uint32_t count,
                                  mr_arena *arena, mr_error *err)
{
    member *m = member_of(base);
    rd_kafka_topic_partition_list_t *list = mr_kafka_offsets_list(offsets, count, false);
    rd_kafka_resp_err_t error = rd_kafka_committed(m->handle->client.rk, list, m->log->timeout_ms);
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
    rd_kafka_queue_t *queue = rd_kafka_queue_new(m->handle->client.rk);
    rd_kafka_resp_err_t error =
        rd_kafka_commit_queue(m->handle->client.rk, list, queue, NULL, NULL);
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
    leave(m);
    metadata_drop(m);
    revoked_drop(m);
    mr_kafka_owned_release(&m->owned);
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
    m->is_incremental =
        mr_kafka_settings_has_consumer_protocol((const char *const *)m->log->properties);
    m->has_released = true;
    m->group = copy(options->group);
    m->instance_id = copy(options->instance_id);
    m->topic = copy(options->topic);
    m->silence_ms = options->silence_ms;
    mr_status status = join(m, err);
    if (status != MR_OK) {
        member_close(&m->base);
        return status;
    }
    *opened = &m->base;
    return MR_OK;
}

bool mr_kafka_member_has_gone(mr_log_member *base)
{
    member *m = member_of(base);
    MR_ASSERT(base->class == &MEMBER_CLASS);
    char reason[256];
    return has_left(m->handle->client.rk) || rd_kafka_assignment_lost(m->handle->client.rk) ||
           rd_kafka_fatal_error(m->handle->client.rk, reason, sizeof reason) != 0;
}

/* With KIP-848 the member epoch moves without a word, and an old one may be refused. A newer one
 * never covers what we have lost: librdkafka joins anew only when the callback that tells so was
 * answered, and behind that there is no metadata to renew. */
static void metadata_renew(member *m)
{
    if (!m->is_incremental || !m->metadata)
        return;
    metadata_drop(m);
    m->metadata = rd_kafka_consumer_group_metadata(m->handle->client.rk);
}

const rd_kafka_consumer_group_metadata_t *mr_kafka_member_metadata(mr_log_member *base,
                                                                   mr_error *err)
{
    member *m = member_of(base);
    MR_ASSERT(base->class == &MEMBER_CLASS);
    metadata_renew(m);
    int32_t generation = m->metadata ? mr_kafka_protocol_generation(m->metadata) : -1;
    if (generation >= (m->is_incremental ? 1 : 0) && !mr_kafka_member_has_gone(base))
        return m->metadata;
    mr_error_set_recovery(err, MR_E_KAFKA_MEMBER_STALE, MR_RECOVERY_EPOCH,
                          "this worker has no assignment in group %s: offsets may not be committed",
                          m->group);
    return NULL;
}
