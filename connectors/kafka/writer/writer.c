#include "connectors/kafka/writer/writer.h"

#include "connectors/kafka/client/errors.h"
#include "connectors/kafka/writer/private.h"
#include "engine/base/assert.h"

#include <stdlib.h>
#include <string.h>

#define KNOCK_MS 30

void mr_kafka_writer_free(void *opaque)
{
    mr_kafka_writer *w = opaque;
    mr_kafka_deliveries_close(&w->deliveries);
    mr_kafka_client_close(&w->client);
    mr_kafka_deliveries_release(&w->deliveries);
    pthread_mutex_destroy(&w->lock);
    pthread_cond_destroy(&w->changed);
    free(w->run);
    free(w->places);
    free(w->order);
    free(w->starts);
    free(w->bootstrap);
    free(w->transactional_id);
    free(w);
}

static void on_delivery(rd_kafka_t *rk, const rd_kafka_message_t *message, void *opaque)
{
    (void)rk;
    mr_kafka_writer *w =
        (mr_kafka_writer *)(void *)((char *)opaque - offsetof(mr_kafka_writer, client));
    if (w->is_aborting && message->err) {
        w->deliveries.queued_records--;
        w->deliveries.queued_bytes -= message->len + message->key_len;
        return;
    }
    mr_kafka_deliveries_report(&w->deliveries, message);
}

static int64_t writer_last_offset(mr_log_writer *base, const char *topic, int32_t partition)
{
    return mr_kafka_deliveries_last(&mr_kafka_writer_of(base)->deliveries, topic, partition);
}

static size_t writer_queued_bytes(mr_log_writer *base)
{
    mr_kafka_writer *w = mr_kafka_writer_of(base);
    rd_kafka_poll(w->client.rk, 0);
    return w->deliveries.queued_bytes;
}

/* -- opening and closing -- */

static void writer_close(mr_log_writer *base)
{
    mr_kafka_writer *w = mr_kafka_writer_of(base);
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
    mr_kafka_bury(w->log, mr_kafka_writer_free, w);
}

static const mr_writer_class WRITER_CLASS = {
    .begin = mr_kafka_writer_begin,
    .produce = mr_kafka_writer_produce,
    .flush = mr_kafka_writer_flush,
    .last_offset = writer_last_offset,
    .send_offsets = mr_kafka_writer_send_offsets,
    .commit = mr_kafka_writer_commit,
    .abort = mr_kafka_writer_abort,
    .failures = mr_kafka_writer_failures,
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
    char kb[16];
    snprintf(kb, sizeof kb, "%d", log->writer_queue_kb);
    if (status == MR_OK && log->writer_queue_kb > 0)
        status = mr_kafka_settings_set(*conf, "queue.buffering.max.kbytes", kb, err);
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

static mr_status writer_new(mr_kafka_log *log, const mr_writer_options *options,
                            mr_kafka_writer **made, mr_error *err)
{
    rd_kafka_conf_t *conf;
    mr_status status = conf_make(log, options, &conf, err);
    if (status != MR_OK)
        return status;
    mr_kafka_writer *w = calloc(1, sizeof *w);
    MR_ASSERT(w != NULL);
    w->base.class = &WRITER_CLASS;
    w->log = log;
    w->has_small_batches = atomic_load(&log->batch_bytes_max) > 0;
    w->is_stopping = log->is_stopping;
    w->hook = log->hook;
    w->bootstrap = strdup(log->bootstrap);
    w->run = calloc(MR_KAFKA_RUN_MAX, sizeof *w->run);
    w->places = calloc(MR_KAFKA_RUN_MAX, sizeof *w->places);
    w->order = calloc(MR_KAFKA_RUN_MAX, sizeof *w->order);
    if (options->transactional_id)
        w->transactional_id = strdup(options->transactional_id);
    MR_ASSERT(w->bootstrap && w->run && w->places && w->order &&
              (w->transactional_id || !options->transactional_id));
    pthread_mutex_init(&w->lock, NULL);
    pthread_cond_init(&w->changed, NULL);
    mr_kafka_guard_install(&w->guard, conf);
    status = mr_kafka_client_open(&w->client, log, MR_KAFKA_ROLE_WRITER, conf, err);
    if (status != MR_OK) {
        mr_kafka_writer_free(w);
        return status;
    }
    *made = w;
    return MR_OK;
}

/* A producer that is thrown away as soon as the coordinator has heard of it. Where nothing was to
 * be aborted it is initialized by then: `kept`, unless NULL, takes it for what it is, a writer
 * (else NULL); a second one would cost each start 7 ms.
 *
 * One that is thrown away must not ask again: the coordinator would fence whoever came behind it.
 * So it goes while nothing of it is under way, and has begun to before anything else is opened; to
 * wait for its end would take up to a second, and it asks again half a second behind an answer. */
static mr_status knock(mr_kafka_log *log, const mr_writer_options *options, mr_kafka_writer **kept,
                       mr_error *err)
{
    mr_kafka_writer *w;
    mr_status status = writer_new(log, options, &w, err);
    if (status != MR_OK)
        return status;
    mr_kafka_patience p = mr_kafka_patience_start();
    bool is_ready = false;
    for (;;) {
        rd_kafka_error_t *error = rd_kafka_init_transactions(w->client.rk, KNOCK_MS);
        bool is_heard = mr_kafka_guard_is_heard(&w->guard, MR_KAFKA_INIT_PRODUCER);
        bool is_retriable = error && rd_kafka_error_is_retriable(error);
        is_ready = !error;
        if (error && !is_retriable)
            status = mr_kafka_fail_object(err, MR_KAFKA_TRANSACTION, error, "knock for %s",
                                          options->transactional_id);
        else if (error)
            rd_kafka_error_destroy(error);
        if (!error || !is_retriable || is_heard)
            break;
        if (mr_kafka_now_ms() - p.start_ms > log->timeout_ms ||
            !mr_kafka_patience_holds(&p, w, "knock")) {
            status = mr_error_set_recovery(err, MR_E_KAFKA_UNREACHABLE, MR_RECOVERY_RETRY,
                                           "knock for %s: no coordinator answers at %s",
                                           options->transactional_id, w->bootstrap);
            break;
        }
    }
    if (is_ready && kept)
        *kept = w;
    else
        writer_close(&w->base);
    return status;
}

mr_status mr_kafka_knock(mr_log *log, const char *transactional_id, mr_error *err)
{
    mr_writer_options options = {.transactional_id = transactional_id};
    return knock((mr_kafka_log *)log, &options, NULL, err);
}

mr_status mr_kafka_writer_open(mr_log *base, const mr_writer_options *options,
                               mr_log_writer **opened, mr_error *err)
{
    mr_kafka_log *log = (mr_kafka_log *)base;
    mr_status status = MR_OK;
    mr_kafka_writer *w = NULL;
    if (options->transactional_id && options->knock_first)
        status = knock(log, options, &w, err);
    bool is_ready = w != NULL;
    if (status == MR_OK && !is_ready)
        status = writer_new(log, options, &w, err);
    if (status == MR_OK && !is_ready && options->transactional_id)
        status = mr_kafka_writer_resume(w, rd_kafka_init_transactions, "init transactions", err);
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
    return &mr_kafka_writer_of(base)->guard;
}

rd_kafka_t *mr_kafka_writer_handle(mr_log_writer *base)
{
    return mr_kafka_writer_of(base)->client.rk;
}
