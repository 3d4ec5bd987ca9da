#include "connectors/kafka/admin/admin.h"
#include "connectors/kafka/client/errors.h"
#include "connectors/kafka/writer/private.h"
#include "engine/base/assert.h"

/* The broker refuses a batch as too large without naming a record, and librdkafka neither splits
 * it nor says which records it was. The next writer keeps its batches below the topic's limit,
 * and a record that is larger by itself is then refused alone. */
static mr_status too_large(mr_kafka_writer *w, mr_error *err)
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
static mr_status cause_of_purge(mr_kafka_writer *w, mr_error *err)
{
    rd_kafka_error_t *error = rd_kafka_begin_transaction(w->client.rk);
    MR_ASSERT(error != NULL);
    if (rd_kafka_error_is_fatal(error) || rd_kafka_error_txn_requires_abort(error))
        return mr_kafka_fail_object(err, MR_KAFKA_TRANSACTION, error, "transaction of %s",
                                    w->transactional_id);
    rd_kafka_error_destroy(error);
    return mr_kafka_deliveries_verdict(&w->deliveries, err);
}

mr_status mr_kafka_writer_verdict(mr_kafka_writer *w, mr_error *err)
{
    if (w->deliveries.too_large > 1 && !w->has_small_batches)
        return too_large(w, err);
    if (w->is_in_transaction && w->deliveries.purged > 0 &&
        w->deliveries.purged == w->deliveries.failures_count)
        return cause_of_purge(w, err);
    return mr_kafka_deliveries_verdict(&w->deliveries, err);
}

uint32_t mr_kafka_writer_failures(mr_log_writer *base, const mr_log_failure **failures)
{
    mr_kafka_writer *w = mr_kafka_writer_of(base);
    /* librdkafka asks for an abort as soon as the batch is refused, so any call may have been the
     * one that failed: nobody is blamed here either for a batch that named no record. */
    mr_error why;
    bool is_nameless = w->deliveries.too_large > 1 && !w->has_small_batches && too_large(w, &why);
    uint32_t count = mr_kafka_deliveries_take(&w->deliveries, failures);
    return is_nameless ? 0 : count;
}
