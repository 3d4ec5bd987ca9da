#include "connectors/kafka/writer.h"

#include "connectors/kafka/admin.h"
#include "connectors/kafka/deliveries.h"
#include "connectors/kafka/errors.h"
#include "connectors/kafka/member.h"
#include "engine/base/assert.h"

#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#define SLICE_MS 250           /* of a blocking call, between two looks at is_stopping */
#define STOPPING_GRACE_MS 5000 /* how long a stopping process waits for a broker that is away */
#define PROGRESS_MS 5000       /* a line in the log for each of these */
#define KNOCK_MS 30
#define PRODUCE_RUN_MAX 1024 /* records of one rd_kafka_produce_batch */

/* One send_offsets on its thread. Shared by caller and thread until `owners` is 0. */
typedef struct sending {
    struct writer *writer;
    rd_kafka_topic_partition_list_t *list;
    const rd_kafka_consumer_group_metadata_t *metadata;
    rd_kafka_error_t *error;
    bool is_done;
} sending;

typedef struct writer {
    mr_log_writer base;
    mr_kafka_client client;
    mr_kafka_guard guard;
    mr_kafka_deliveries deliveries;
    mr_kafka_log *log;
    char *bootstrap;
    char *transactional_id;
    bool has_small_batches; /* batches are kept below the log's batch_bytes_max */
    bool (*is_stopping)(void *hook);
    void *hook;
    bool is_in_transaction;
    bool is_aborting; /* reports of purged records are no failures then */
    bool is_in_doubt;
    rd_kafka_message_t *run; /* PRODUCE_RUN_MAX of them, for produce_batch */

    pthread_mutex_t lock; /* of what follows */
    pthread_cond_t changed;
    bool is_sending;   /* the helper thread is inside of librdkafka */
    bool is_abandoned; /* close came meanwhile: the thread frees the writer */
} writer;

static writer *writer_of(mr_log_writer *base)
{
    return (writer *)base;
}

static void writer_free(void *opaque)
{
    writer *w = opaque;
    mr_kafka_deliveries_release(&w->deliveries);
    mr_kafka_client_close(&w->client);
    pthread_mutex_destroy(&w->lock);
    pthread_cond_destroy(&w->changed);
    free(w->run);
    free(w->bootstrap);
    free(w->transactional_id);
    free(w);
}

static void on_delivery(rd_kafka_t *rk, const rd_kafka_message_t *message, void *opaque)
{
    (void)rk;
    writer *w = (writer *)(void *)((char *)opaque - offsetof(writer, client));
    if (w->is_aborting && message->err) {
        w->deliveries.queued_records--;
        w->deliveries.queued_bytes -= message->len + message->key_len;
        return;
    }
    mr_kafka_deliveries_report(&w->deliveries, message);
}

/* -- waiting for a broker -- */

typedef struct patience {
    int64_t start_ms;
    int64_t stopping_ms; /* since when the process wants to stop; 0: it does not */
    int64_t told_ms;
} patience;

static patience patience_start(void)
{
    int64_t now_ms = mr_kafka_now_ms();
    return (patience){.start_ms = now_ms, .told_ms = now_ms};
}

/* False when the wait is to be given up. */
static bool patience_holds(patience *p, const writer *w, const char *what)
{
    int64_t now_ms = mr_kafka_now_ms();
    if (now_ms - p->told_ms >= PROGRESS_MS) {
        p->told_ms = now_ms;
        mr_logger_line(atomic_load(&w->client.logger), MR_LOG_WARN,
                       "%s waits for the brokers at %s since %lld s", what, w->bootstrap,
                       (long long)((now_ms - p->start_ms) / 1000));
    }
    if (!w->is_stopping || !w->is_stopping(w->hook))
        return true;
    if (p->stopping_ms == 0)
        p->stopping_ms = now_ms;
    return now_ms - p->stopping_ms < STOPPING_GRACE_MS;
}

static mr_status given_up(const writer *w, const char *what, mr_error *err)
{
    return mr_error_set_recovery(err, MR_E_KAFKA_TIMEOUT, MR_RECOVERY_WRITER,
                                 "%s: no broker answers at %s and the process is to stop", what,
                                 w->bootstrap);
}

/* Runs a call that times out after a slice and is resumed by calling it again. */
static mr_status resume(writer *w, rd_kafka_error_t *(*call)(rd_kafka_t *rk, int timeout_ms),
                        const char *what, mr_error *err)
{
    patience p = patience_start();
    for (;;) {
        rd_kafka_error_t *error = call(w->client.rk, SLICE_MS);
        rd_kafka_poll(w->client.rk, 0);
        if (!error)
            return MR_OK;
        if (!rd_kafka_error_is_retriable(error) || rd_kafka_error_txn_requires_abort(error))
            return mr_kafka_fail_object(err, MR_KAFKA_TRANSACTION, error, "%s", what);
        if (!patience_holds(&p, w, what)) {
            rd_kafka_error_destroy(error);
            return given_up(w, what, err);
        }
        rd_kafka_error_destroy(error);
    }
}

/* -- doubt -- */

static mr_status in_doubt(writer *w, const char *what, mr_error *err)
{
    w->is_in_doubt = true;
    return mr_error_set_recovery(
        err, MR_E_KAFKA_IN_DOUBT, MR_RECOVERY_WRITER,
        "%s of %s: %llu transactional requests got no answer; one may still be under way", what,
        w->transactional_id, (unsigned long long)mr_kafka_guard_unanswered(&w->guard));
}

static mr_status check_usable(writer *w, const char *what, mr_error *err)
{
    return w->is_in_doubt ? in_doubt(w, what, err) : MR_OK;
}

/* -- verdicts -- */

/* The broker refuses a batch as too large without naming a record, and librdkafka neither splits
 * it nor says which records it was. The next writer keeps its batches below the topic's limit,
 * and a record that is larger by itself is then refused alone. */
static mr_status too_large(writer *w, mr_error *err)
{
    const mr_log_failure *failure = w->deliveries.failures;
    while (failure->status != MR_E_KAFKA_RECORD_REFUSED)
        failure++;
    int32_t bytes;
    mr_status status = mr_kafka_record_bytes_max(w->log, failure->topic, &bytes, err);
    if (status != MR_OK || bytes <= 0) /* not allowed to ask: one record at a time then */
        bytes = 1;
    int known = atomic_load(&w->log->batch_bytes_max);
    if (known == 0 || bytes < known)
        atomic_store(&w->log->batch_bytes_max, bytes);
    return mr_error_set_recovery(err, MR_E_KAFKA_ABORTABLE, MR_RECOVERY_WRITER,
                                 "topic %s takes no batch above %d bytes; the next writer obeys",
                                 failure->topic, bytes);
}

/* Records that were purged died of something else, which librdkafka tells to any call that needs
 * the transaction to be in order; beginning one inside of one never succeeds. */
static mr_status cause_of_purge(writer *w, mr_error *err)
{
    rd_kafka_error_t *error = rd_kafka_begin_transaction(w->client.rk);
    MR_ASSERT(error != NULL);
    if (rd_kafka_error_is_fatal(error) || rd_kafka_error_txn_requires_abort(error))
        return mr_kafka_fail_object(err, MR_KAFKA_TRANSACTION, error, "transaction of %s",
                                    w->transactional_id);
    rd_kafka_error_destroy(error);
    return mr_kafka_deliveries_verdict(&w->deliveries, err);
}

/* What the deliveries of this transaction so far mean. */
static mr_status verdict(writer *w, mr_error *err)
{
    if (w->deliveries.too_large > 1 && !w->has_small_batches)
        return too_large(w, err);
    if (w->is_in_transaction && w->deliveries.purged > 0 &&
        w->deliveries.purged == w->deliveries.failures_count)
        return cause_of_purge(w, err);
    return mr_kafka_deliveries_verdict(&w->deliveries, err);
}

/* -- producing -- */

static size_t bytes_of(const mr_log_record *record)
{
    return record->key_length + record->value_length;
}

/* The queue takes no more: let reports come in. */
static mr_status wait_for_room(writer *w, patience *p, mr_error *err)
{
    rd_kafka_poll(w->client.rk, 20);
    return patience_holds(p, w, "produce") ? MR_OK : given_up(w, "produce", err);
}

/* What a refusal of the produce call means: room, the record's own fault, or ours. */
static mr_status refused(writer *w, const char *topic, uint64_t tag, rd_kafka_resp_err_t error,
                         const char *reason, mr_error *err)
{
    const mr_kafka_rule *rule = mr_kafka_rule_of(error, MR_KAFKA_DELIVERY);
    if (rule->recovery == MR_RECOVERY_RECORD) {
        mr_kafka_deliveries_fail(&w->deliveries, topic, tag, error, reason);
        return MR_OK;
    }
    char text[512];
    rd_kafka_resp_err_t fatal = rd_kafka_fatal_error(w->client.rk, text, sizeof text);
    if (fatal)
        return mr_kafka_fail(err, MR_KAFKA_TRANSACTION, fatal, text, "produce to %s", topic);
    return mr_kafka_fail(err, MR_KAFKA_DELIVERY, error, reason, "produce to %s", topic);
}

static void run_fill(writer *w, int32_t partition, const mr_log_record *records, uint32_t count)
{
    for (uint32_t i = 0; i < count; i++) {
        rd_kafka_message_t *message = &w->run[i];
        message->err = RD_KAFKA_RESP_ERR_NO_ERROR;
        message->partition = partition;
        /* librdkafka only reads through these two. */
        message->payload = (void *)(uintptr_t)records[i].value;
        message->key = (void *)(uintptr_t)records[i].key;
        message->len = records[i].value ? records[i].value_length : 0;
        message->key_len = records[i].key ? records[i].key_length : 0;
        message->_private = (void *)(uintptr_t)records[i].tag;
    }
}

/* Records without headers and timestamps, which produce_batch takes at a third of the price. */
static mr_status produce_run(writer *w, mr_kafka_topic *topic, int32_t partition,
                             const mr_log_record *records, uint32_t count, mr_error *err)
{
    patience p = patience_start();
    uint32_t done = 0;
    while (done < count) {
        run_fill(w, partition, records + done, count - done);
        rd_kafka_produce_batch(topic->handle, partition, RD_KAFKA_MSG_F_COPY, w->run,
                               (int)(count - done));
        uint32_t full = 0; /* from the first record without room on, none was taken */
        for (uint32_t i = 0; i < count - done - full; i++) {
            rd_kafka_resp_err_t error = w->run[i].err;
            mr_status status = MR_OK;
            if (error == RD_KAFKA_RESP_ERR__QUEUE_FULL) {
                full = count - done - i;
            } else if (error) {
                status = refused(w, topic->name, records[done + i].tag, error, NULL, err);
            } else {
                w->deliveries.queued_records++;
                w->deliveries.queued_bytes += bytes_of(&records[done + i]);
            }
            if (status != MR_OK)
                return status;
        }
        done = count - full;
        mr_status status = full > 0 ? wait_for_room(w, &p, err) : MR_OK;
        if (status != MR_OK)
            return status;
    }
    return MR_OK;
}

static rd_kafka_headers_t *headers_make(const mr_log_record *record)
{
    if (record->headers_count == 0)
        return NULL;
    rd_kafka_headers_t *headers = rd_kafka_headers_new(record->headers_count);
    for (uint32_t i = 0; i < record->headers_count; i++) {
        const mr_header *header = &record->headers[i];
        rd_kafka_header_add(headers, header->name, -1, header->value,
                            header->value ? (ssize_t)header->value_length : -1);
    }
    return headers;
}

static rd_kafka_resp_err_t produce_one(writer *w, const mr_kafka_topic *topic, int32_t partition,
                                       const mr_log_record *record, char *reason, size_t size)
{
    rd_kafka_headers_t *headers = headers_make(record);
    rd_kafka_vu_t vus[8];
    size_t n = 0;
    vus[n++] = (rd_kafka_vu_t){.vtype = RD_KAFKA_VTYPE_RKT, .u.rkt = topic->handle};
    vus[n++] = (rd_kafka_vu_t){.vtype = RD_KAFKA_VTYPE_PARTITION, .u.i32 = partition};
    vus[n++] = (rd_kafka_vu_t){.vtype = RD_KAFKA_VTYPE_MSGFLAGS, .u.i = RD_KAFKA_MSG_F_COPY};
    vus[n++] =
        (rd_kafka_vu_t){.vtype = RD_KAFKA_VTYPE_OPAQUE, .u.ptr = (void *)(uintptr_t)record->tag};
    vus[n++] = (rd_kafka_vu_t){.vtype = RD_KAFKA_VTYPE_VALUE,
                               .u.mem = {.ptr = (void *)(uintptr_t)record->value,
                                         .size = record->value ? record->value_length : 0}};
    vus[n++] = (rd_kafka_vu_t){.vtype = RD_KAFKA_VTYPE_KEY,
                               .u.mem = {.ptr = (void *)(uintptr_t)record->key,
                                         .size = record->key ? record->key_length : 0}};
    if (record->timestamp_ms != MR_TIME_NONE)
        vus[n++] =
            (rd_kafka_vu_t){.vtype = RD_KAFKA_VTYPE_TIMESTAMP, .u.i64 = record->timestamp_ms};
    if (headers)
        vus[n++] = (rd_kafka_vu_t){.vtype = RD_KAFKA_VTYPE_HEADERS, .u.headers = headers};
    rd_kafka_error_t *error = rd_kafka_produceva(w->client.rk, vus, n);
    if (!error)
        return RD_KAFKA_RESP_ERR_NO_ERROR;
    if (headers)
        rd_kafka_headers_destroy(headers); /* taken only by a call that succeeds */
    rd_kafka_resp_err_t code = rd_kafka_error_code(error);
    snprintf(reason, size, "%s", rd_kafka_error_string(error));
    rd_kafka_error_destroy(error);
    return code;
}

static mr_status produce_single(writer *w, mr_kafka_topic *topic, int32_t partition,
                                const mr_log_record *record, mr_error *err)
{
    patience p = patience_start();
    char reason[512];
    for (;;) {
        rd_kafka_resp_err_t error = produce_one(w, topic, partition, record, reason, sizeof reason);
        if (error == RD_KAFKA_RESP_ERR_NO_ERROR)
            break;
        if (error != RD_KAFKA_RESP_ERR__QUEUE_FULL)
            return refused(w, topic->name, record->tag, error, reason, err);
        mr_status status = wait_for_room(w, &p, err);
        if (status != MR_OK)
            return status;
    }
    w->deliveries.queued_records++;
    w->deliveries.queued_bytes += bytes_of(record);
    return MR_OK;
}

static bool is_plain(const mr_log_record *record)
{
    return record->headers_count == 0 && record->timestamp_ms == MR_TIME_NONE;
}

static mr_status writer_produce(mr_log_writer *base, const char *name, int32_t partition,
                                const mr_log_record *records, uint32_t count, mr_error *err)
{
    writer *w = writer_of(base);
    MR_ASSERT(!w->transactional_id || w->is_in_transaction);
    MR_ASSERT(partition >= 0 || partition == MR_PARTITION_BY_KEY);
    mr_kafka_topic *topic;
    mr_status status = check_usable(w, "produce", err);
    if (status == MR_OK)
        status = mr_kafka_deliveries_topic(&w->deliveries, w->client.rk, name, &topic, err);
    for (uint32_t i = 0; status == MR_OK && i < count;) {
        uint32_t run = 0;
        while (run < PRODUCE_RUN_MAX && i + run < count && is_plain(&records[i + run]))
            run++;
        if (run > 0)
            status = produce_run(w, topic, partition, records + i, run, err);
        else
            status = produce_single(w, topic, partition, &records[i], err);
        i += run > 0 ? run : 1;
    }
    rd_kafka_poll(w->client.rk, 0);
    return status;
}

static mr_status writer_flush(mr_log_writer *base, int32_t timeout_ms, mr_error *err)
{
    writer *w = writer_of(base);
    patience p = patience_start();
    for (;;) {
        int64_t waited_ms = mr_kafka_now_ms() - p.start_ms;
        int64_t left_ms = timeout_ms - waited_ms;
        rd_kafka_flush(w->client.rk, left_ms < 0          ? 0
                                     : left_ms < SLICE_MS ? (int)left_ms
                                                          : SLICE_MS);
        char text[512];
        rd_kafka_resp_err_t fatal = rd_kafka_fatal_error(w->client.rk, text, sizeof text);
        if (fatal)
            return mr_kafka_fail(err, MR_KAFKA_TRANSACTION, fatal, text, "flush");
        mr_status status = verdict(w, err);
        if (status != MR_OK || w->deliveries.queued_records == 0)
            return status;
        if (left_ms <= 0)
            return mr_error_set_recovery(err, MR_E_KAFKA_TIMEOUT, MR_RECOVERY_RETRY,
                                         "%llu records are not delivered after %d ms",
                                         (unsigned long long)w->deliveries.queued_records,
                                         timeout_ms);
        if (!patience_holds(&p, w, "flush"))
            return given_up(w, "flush", err);
    }
}

static int64_t writer_last_offset(mr_log_writer *base, const char *topic, int32_t partition)
{
    return mr_kafka_deliveries_last(&writer_of(base)->deliveries, topic, partition);
}

static uint32_t writer_failures(mr_log_writer *base, const mr_log_failure **failures)
{
    writer *w = writer_of(base);
    /* librdkafka asks for an abort as soon as the batch is refused, so any call may have been the
     * one that failed: nobody is blamed here either for a batch that named no record. */
    mr_error why;
    bool is_nameless = w->deliveries.too_large > 1 && !w->has_small_batches && too_large(w, &why);
    uint32_t count = mr_kafka_deliveries_take(&w->deliveries, failures);
    return is_nameless ? 0 : count;
}

static size_t writer_queued_bytes(mr_log_writer *base)
{
    writer *w = writer_of(base);
    rd_kafka_poll(w->client.rk, 0);
    return w->deliveries.queued_bytes;
}

/* -- transactions -- */

static mr_status writer_begin(mr_log_writer *base, mr_error *err)
{
    writer *w = writer_of(base);
    MR_ASSERT(w->transactional_id && !w->is_in_transaction);
    mr_status status = check_usable(w, "begin", err);
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
    writer *w = s->writer;
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
        writer_free(w);
    return NULL;
}

static void sending_free(sending *s)
{
    rd_kafka_topic_partition_list_destroy(s->list);
    if (s->error)
        rd_kafka_error_destroy(s->error);
    free(s);
}

/* True when the call came back; false when it was given up (`s` is the thread's then). */
static bool sending_wait(writer *w, sending *s)
{
    patience p = patience_start();
    bool holds = true;
    pthread_mutex_lock(&w->lock);
    while (!s->is_done && holds) {
        struct timespec until;
        clock_gettime(CLOCK_REALTIME, &until);
        until.tv_nsec += (long)SLICE_MS * 1000000;
        until.tv_sec += until.tv_nsec / 1000000000;
        until.tv_nsec %= 1000000000;
        pthread_cond_timedwait(&w->changed, &w->lock, &until);
        holds = s->is_done || patience_holds(&p, w, "send_offsets");
    }
    bool is_done = s->is_done;
    pthread_mutex_unlock(&w->lock);
    return is_done;
}

/* send_offsets ignores its timeout and blocks for as long as the coordinator is away. */
static mr_status send_watched(writer *w, sending *s, mr_error *err)
{
    pthread_t thread;
    w->is_sending = true;
    if (pthread_create(&thread, NULL, send_thread, s) != 0) {
        w->is_sending = false;
        sending_free(s);
        return mr_error_set(err, MR_E_ENVIRONMENT, "no thread for send_offsets");
    }
    if (!sending_wait(w, s)) {
        pthread_detach(thread); /* it and what it holds live until librdkafka lets go */
        w->is_in_doubt = true;
        return given_up(w, "send_offsets", err);
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

static mr_status writer_send_offsets(mr_log_writer *base, mr_log_member *member,
                                     const mr_log_offset *offsets, uint32_t count, mr_error *err)
{
    writer *w = writer_of(base);
    MR_ASSERT(w->is_in_transaction && count > 0);
    mr_status status = check_usable(w, "send offsets", err);
    if (status == MR_OK) {
        rd_kafka_poll(w->client.rk, 0);
        status = verdict(w, err);
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
    return send_watched(w, s, err);
}

static mr_status writer_commit(mr_log_writer *base, mr_error *err)
{
    writer *w = writer_of(base);
    MR_ASSERT(w->is_in_transaction);
    mr_status status = check_usable(w, "commit", err);
    if (status == MR_OK)
        status = verdict(w, err);
    if (status != MR_OK)
        return status;
    status = resume(w, rd_kafka_commit_transaction, "commit transaction", err);
    if (status != MR_OK) {
        if (err->recovery == MR_RECOVERY_WRITER)
            w->is_in_doubt = true;
        /* A refused record is to blame for the abort that librdkafka asks for. */
        mr_error blame;
        if (err->recovery != MR_RECOVERY_WRITER && verdict(w, &blame) != MR_OK)
            *err = blame;
        return err->status;
    }
    w->is_in_transaction = false;
    if (mr_kafka_guard_unanswered(&w->guard) > 0)
        return in_doubt(w, "commit transaction", err);
    return MR_OK;
}

static mr_status writer_abort(mr_log_writer *base, mr_error *err)
{
    writer *w = writer_of(base);
    MR_ASSERT(w->transactional_id);
    mr_status status = check_usable(w, "abort", err);
    if (status != MR_OK)
        return status;
    w->is_aborting = true;
    status = resume(w, rd_kafka_abort_transaction, "abort transaction", err);
    w->is_aborting = false;
    if (status != MR_OK)
        return status;
    w->is_in_transaction = false;
    if (mr_kafka_guard_unanswered(&w->guard) > 0)
        return in_doubt(w, "abort transaction", err);
    if (w->deliveries.has_lost_batch)
        return mr_error_set_recovery(
            err, MR_E_KAFKA_ABORTABLE, MR_RECOVERY_WRITER,
            "the transaction of %s is aborted, but the refused batch leaves a gap in librdkafka's "
            "sequence numbers, at which the next transaction would fail",
            w->transactional_id);
    return MR_OK;
}

/* -- opening and closing -- */

static void writer_close(mr_log_writer *base)
{
    writer *w = writer_of(base);
    pthread_mutex_lock(&w->lock);
    bool is_sending = w->is_sending;
    if (is_sending) {
        w->is_abandoned = true;
        atomic_store(&w->client.logger, NULL);
    }
    pthread_mutex_unlock(&w->lock);
    if (is_sending)
        return;
    w->is_aborting = true;
    atomic_store(&w->client.logger, NULL);
    rd_kafka_purge(w->client.rk, RD_KAFKA_PURGE_F_QUEUE | RD_KAFKA_PURGE_F_NON_BLOCKING);
    mr_kafka_bury(w->log, writer_free, w);
}

static const mr_writer_class WRITER_CLASS = {
    .begin = writer_begin,
    .produce = writer_produce,
    .flush = writer_flush,
    .last_offset = writer_last_offset,
    .send_offsets = writer_send_offsets,
    .commit = writer_commit,
    .abort = writer_abort,
    .failures = writer_failures,
    .queued_bytes = writer_queued_bytes,
    .close = writer_close,
};

static mr_status conf_make(const mr_kafka_log *log, const mr_writer_options *options,
                           rd_kafka_conf_t **conf, mr_error *err)
{
    mr_status status = mr_kafka_client_conf(log, MR_KAFKA_ROLE_WRITER, conf, err);
    if (status != MR_OK)
        return status;
    if (options->transactional_id) {
        char timeout[16];
        int32_t timeout_ms = options->transaction_timeout_ms;
        snprintf(timeout, sizeof timeout, "%d", timeout_ms > 0 ? timeout_ms : 10000);
        status = mr_kafka_settings_set(*conf, "transactional.id", options->transactional_id, err);
        if (status == MR_OK)
            status = mr_kafka_settings_set(*conf, "transaction.timeout.ms", timeout, err);
    }
    int limit = atomic_load(&log->batch_bytes_max);
    if (status == MR_OK && limit > 0) {
        char bytes[16];
        /* Framing counts in the topic's limit. message.max.bytes is left alone: a large record that
         * compresses well may pass, and one that does not is now refused alone. */
        snprintf(bytes, sizeof bytes, "%d", limit > 1024 ? limit - 512 : 1);
        status = mr_kafka_settings_set(*conf, "batch.size", bytes, err);
    }
    if (status != MR_OK)
        rd_kafka_conf_destroy(*conf);
    else
        rd_kafka_conf_set_dr_msg_cb(*conf, on_delivery);
    return status;
}

static mr_status writer_new(mr_kafka_log *log, const mr_writer_options *options, writer **made,
                            mr_error *err)
{
    rd_kafka_conf_t *conf;
    mr_status status = conf_make(log, options, &conf, err);
    if (status != MR_OK)
        return status;
    writer *w = calloc(1, sizeof *w);
    MR_ASSERT(w != NULL);
    w->base.class = &WRITER_CLASS;
    w->log = log;
    w->has_small_batches = atomic_load(&log->batch_bytes_max) > 0;
    w->is_stopping = log->is_stopping;
    w->hook = log->hook;
    w->bootstrap = strdup(log->bootstrap);
    w->run = calloc(PRODUCE_RUN_MAX, sizeof *w->run);
    if (options->transactional_id)
        w->transactional_id = strdup(options->transactional_id);
    MR_ASSERT(w->bootstrap && w->run && (w->transactional_id || !options->transactional_id));
    pthread_mutex_init(&w->lock, NULL);
    pthread_cond_init(&w->changed, NULL);
    mr_kafka_guard_install(&w->guard, conf);
    status = mr_kafka_client_open(&w->client, log, MR_KAFKA_ROLE_WRITER, conf, err);
    if (status != MR_OK) {
        writer_free(w);
        return status;
    }
    *made = w;
    return MR_OK;
}

/* A throw-away producer that leaves as soon as the coordinator has heard of it. */
static mr_status knock(mr_kafka_log *log, const mr_writer_options *options, mr_error *err)
{
    writer *w;
    mr_status status = writer_new(log, options, &w, err);
    if (status != MR_OK)
        return status;
    patience p = patience_start();
    for (;;) {
        rd_kafka_error_t *error = rd_kafka_init_transactions(w->client.rk, KNOCK_MS);
        bool is_heard = mr_kafka_guard_answers(&w->guard, MR_KAFKA_INIT_PRODUCER) > 0;
        bool is_retriable = error && rd_kafka_error_is_retriable(error);
        if (error && !is_retriable)
            status = mr_kafka_fail_object(err, MR_KAFKA_TRANSACTION, error, "knock for %s",
                                          options->transactional_id);
        else if (error)
            rd_kafka_error_destroy(error);
        if (!error || !is_retriable || is_heard)
            break;
        if (mr_kafka_now_ms() - p.start_ms > log->timeout_ms || !patience_holds(&p, w, "knock")) {
            status = mr_error_set_recovery(err, MR_E_KAFKA_UNREACHABLE, MR_RECOVERY_RETRY,
                                           "knock for %s: no coordinator answers at %s",
                                           options->transactional_id, w->bootstrap);
            break;
        }
    }
    writer_close(&w->base);
    return status;
}

mr_status mr_kafka_knock(mr_log *log, const char *transactional_id, mr_error *err)
{
    mr_writer_options options = {.transactional_id = transactional_id};
    return knock((mr_kafka_log *)log, &options, err);
}

mr_status mr_kafka_writer_open(mr_log *base, const mr_writer_options *options,
                               mr_log_writer **opened, mr_error *err)
{
    mr_kafka_log *log = (mr_kafka_log *)base;
    mr_status status = MR_OK;
    if (options->transactional_id && options->knock_first)
        status = knock(log, options, err);
    writer *w = NULL;
    if (status == MR_OK)
        status = writer_new(log, options, &w, err);
    if (status == MR_OK && options->transactional_id)
        status = resume(w, rd_kafka_init_transactions, "init transactions", err);
    if (status != MR_OK) {
        if (w)
            writer_close(&w->base);
        return status;
    }
    *opened = &w->base;
    return MR_OK;
}

mr_kafka_guard *mr_kafka_writer_guard(mr_log_writer *base)
{
    return &writer_of(base)->guard;
}

rd_kafka_t *mr_kafka_writer_handle(mr_log_writer *base)
{
    return writer_of(base)->client.rk;
}
