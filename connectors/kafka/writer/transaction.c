#include "connectors/kafka/admin/admin.h"
#include "connectors/kafka/client/errors.h"
#include "connectors/kafka/member.h"
#include "connectors/kafka/writer/private.h"
#include "engine/base/assert.h"

#include <stdlib.h>
#include <time.h>

#define POINTLESS_AFTER_MS 30000 /* a broker that restarts is back by then */

/* One send_offsets on its thread. Shared by caller and thread until `owners` is 0. */
typedef struct sending {
    struct mr_kafka_writer *writer;
    rd_kafka_topic_partition_list_t *list;
    const rd_kafka_consumer_group_metadata_t *metadata;
    rd_kafka_error_t *error;
    bool is_done;
} sending;

static mr_status doubt(mr_kafka_writer *w, const char *what, mr_error *err)
{
    w->is_in_doubt = true;
    return mr_error_set_recovery(
        err, MR_E_KAFKA_IN_DOUBT, MR_RECOVERY_WRITER,
        "%s of %s: %llu transactional requests got no answer; one may still be under way", what,
        w->transactional_id, (unsigned long long)mr_kafka_guard_unanswered(&w->guard));
}

mr_status mr_kafka_writer_check(mr_kafka_writer *w, const char *what, mr_error *err)
{
    return w->is_in_doubt ? doubt(w, what, err) : MR_OK;
}

mr_status mr_kafka_writer_begin(mr_log_writer *base, mr_error *err)
{
    mr_kafka_writer *w = mr_kafka_writer_of(base);
    MR_ASSERT(w->transactional_id && !w->is_in_transaction);
    mr_status status = mr_kafka_writer_check(w, "begin", err);
    if (status != MR_OK)
        return status;
    rd_kafka_error_t *error = rd_kafka_begin_transaction(w->client.rk);
    if (error)
        return mr_kafka_fail_object(err, MR_KAFKA_TRANSACTION, error, "begin transaction of %s",
                                    w->transactional_id);
    mr_kafka_deliveries_clear(&w->deliveries);
    w->is_in_transaction = true;
    return MR_OK;
}

static void *send_thread(void *opaque)
{
    sending *s = opaque;
    mr_kafka_writer *w = s->writer;
    rd_kafka_error_t *error =
        rd_kafka_send_offsets_to_transaction(w->client.rk, s->list, s->metadata, -1);
    pthread_mutex_lock(&w->lock);
    s->error = error;
    s->is_done = true;
    w->is_sending = false;
    bool is_mine = w->is_abandoned;
    pthread_cond_signal(&w->changed);
    pthread_mutex_unlock(&w->lock);
    if (is_mine)
        mr_kafka_writer_free(w);
    return NULL;
}

static void sending_free(sending *s)
{
    rd_kafka_topic_partition_list_destroy(s->list);
    if (s->error)
        rd_kafka_error_destroy(s->error);
    free(s);
}

/* Offsets of a member whom the group has counted out can only be refused, and librdkafka was seen
 * to ask for ever instead of saying so. */
static bool is_pointless(const mr_kafka_patience *p, mr_log_member *member)
{
    return mr_kafka_now_ms() - p->start_ms >= POINTLESS_AFTER_MS &&
           mr_kafka_member_has_gone(member);
}

/* True when the call came back; false when it was given up (`s` is the thread's then). */
static bool sending_wait(mr_kafka_writer *w, sending *s, mr_log_member *member)
{
    mr_kafka_patience p = mr_kafka_patience_start();
    bool holds = true;
    pthread_mutex_lock(&w->lock);
    while (!s->is_done && holds) {
        struct timespec until;
        clock_gettime(CLOCK_REALTIME, &until);
        until.tv_nsec += (long)MR_KAFKA_SLICE_MS * 1000000;
        until.tv_sec += until.tv_nsec / 1000000000;
        until.tv_nsec %= 1000000000;
        pthread_cond_timedwait(&w->changed, &w->lock, &until);
        holds = s->is_done ||
                (mr_kafka_patience_holds(&p, w, "send_offsets") && !is_pointless(&p, member));
    }
    bool is_done = s->is_done;
    pthread_mutex_unlock(&w->lock);
    return is_done;
}

/* send_offsets ignores its timeout and blocks for as long as the coordinator is away. */
static mr_status send_watched(mr_kafka_writer *w, sending *s, mr_log_member *member, mr_error *err)
{
    pthread_t thread;
    w->is_sending = true;
    if (pthread_create(&thread, NULL, send_thread, s) != 0) {
        w->is_sending = false;
        sending_free(s);
        return mr_error_set(err, MR_E_ENVIRONMENT, "no thread for send_offsets");
    }
    if (!sending_wait(w, s, member)) {
        pthread_detach(thread); /* it and what it holds live until librdkafka lets go */
        w->is_in_doubt = true;
        if (w->is_stopping && w->is_stopping(w->hook))
            return mr_kafka_given_up(w, "send_offsets", err);
        return mr_error_set_recovery(
            err, MR_E_KAFKA_MEMBER_STALE, MR_RECOVERY_WRITER,
            "send offsets of %s: no answer, and the group has counted this "
            "worker out",
            w->transactional_id);
    }
    pthread_join(thread, NULL);
    rd_kafka_error_t *error = s->error;
    s->error = NULL;
    sending_free(s);
    if (error)
        return mr_kafka_fail_object(err, MR_KAFKA_TRANSACTION, error, "send offsets of %s",
                                    w->transactional_id);
    return MR_OK;
}

mr_status mr_kafka_writer_send_offsets(mr_log_writer *base, mr_log_member *member,
                                       const mr_log_offset *offsets, uint32_t count, mr_error *err)
{
    mr_kafka_writer *w = mr_kafka_writer_of(base);
    MR_ASSERT(w->is_in_transaction && count > 0);
    mr_status status = mr_kafka_writer_check(w, "send offsets", err);
    if (status == MR_OK) {
        rd_kafka_poll(w->client.rk, 0);
        status = mr_kafka_writer_verdict(w, err);
    }
    if (status != MR_OK)
        return status;
    const rd_kafka_consumer_group_metadata_t *metadata = mr_kafka_member_metadata(member, err);
    if (!metadata)
        return err->status;
    for (uint32_t i = 0; i < count; i++)
        MR_ASSERT(offsets[i].offset >= 0); /* librdkafka would leave them out without a word */
    sending *s = calloc(1, sizeof *s);
    MR_ASSERT(s != NULL);
    s->writer = w;
    s->list = mr_kafka_offsets_list(offsets, count, true);
    s->metadata = metadata;
    return send_watched(w, s, member, err);
}

mr_status mr_kafka_writer_commit(mr_log_writer *base, mr_error *err)
{
    mr_kafka_writer *w = mr_kafka_writer_of(base);
    MR_ASSERT(w->is_in_transaction);
    mr_status status = mr_kafka_writer_check(w, "commit", err);
    if (status == MR_OK)
        status = mr_kafka_writer_verdict(w, err);
    if (status != MR_OK)
        return status;
    status = mr_kafka_writer_resume(w, rd_kafka_commit_transaction, "commit transaction", err);
    if (status != MR_OK) {
        if (err->recovery == MR_RECOVERY_WRITER)
            w->is_in_doubt = true;
        /* A refused record is to blame for the abort that librdkafka asks for. */
        mr_error blame;
        if (err->recovery != MR_RECOVERY_WRITER && mr_kafka_writer_verdict(w, &blame) != MR_OK)
            *err = blame;
        return err->status;
    }
    w->is_in_transaction = false;
    if (mr_kafka_guard_unanswered(&w->guard) > 0)
        return doubt(w, "commit transaction", err);
    return MR_OK;
}

mr_status mr_kafka_writer_abort(mr_log_writer *base, mr_error *err)
{
    mr_kafka_writer *w = mr_kafka_writer_of(base);
    MR_ASSERT(w->transactional_id);
    mr_status status = mr_kafka_writer_check(w, "abort", err);
    if (status != MR_OK)
        return status;
    w->is_aborting = true;
    status = mr_kafka_writer_resume(w, rd_kafka_abort_transaction, "abort transaction", err);
    w->is_aborting = false;
    if (status != MR_OK)
        return status;
    w->is_in_transaction = false;
    if (mr_kafka_guard_unanswered(&w->guard) > 0)
        return doubt(w, "abort transaction", err);
    if (w->deliveries.has_lost_batch)
        return mr_error_set_recovery(
            err, MR_E_KAFKA_ABORTABLE, MR_RECOVERY_WRITER,
            "the transaction of %s is aborted, but the refused batch leaves a gap in librdkafka's "
            "sequence numbers, at which the next transaction would fail",
            w->transactional_id);
    return MR_OK;
}
