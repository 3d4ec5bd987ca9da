#include "connectors/kafka/client/errors.h"
#include "connectors/kafka/writer/private.h"
#include "engine/base/assert.h"

#include <stdlib.h>
#include <string.h>

static size_t bytes_of(const mr_log_record *record)
{
    return record->key_length + record->value_length;
}

/* The queue takes no more: let reports come in. */
static mr_status wait_for_room(mr_kafka_writer *w, mr_kafka_patience *p, mr_error *err)
{
    rd_kafka_poll(w->client.rk, 20);
    return mr_kafka_patience_holds(p, w, "produce") ? MR_OK : mr_kafka_given_up(w, "produce", err);
}

/* What a refusal of the produce call means: room, the record's own fault, or ours. */
static mr_status refused(mr_kafka_writer *w, const char *topic, uint64_t tag,
                         rd_kafka_resp_err_t error, const char *reason, mr_error *err)
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

/* `order` NULL: the records as they stand. */
static const mr_log_record *at(const mr_log_record *records, const uint32_t *order, uint32_t i)
{
    return &records[order ? order[i] : i];
}

static void run_fill(mr_kafka_writer *w, int32_t partition, const mr_log_record *records,
                     const uint32_t *order, uint32_t from, uint32_t end)
{
    for (uint32_t i = from; i < end; i++) {
        const mr_log_record *record = at(records, order, i);
        rd_kafka_message_t *message = &w->run[i - from];
        message->err = RD_KAFKA_RESP_ERR_NO_ERROR;
        message->partition = partition;
        /* librdkafka only reads through these two. */
        message->payload = (void *)(uintptr_t)record->value;
        message->key = (void *)(uintptr_t)record->key;
        message->len = record->value ? record->value_length : 0;
        message->key_len = record->key ? record->key_length : 0;
        message->_private = (void *)(uintptr_t)record->tag;
    }
}

/* Records without headers and timestamps for one partition, or MR_PARTITION_BY_KEY: those
 * produce_batch takes at a third of the price. */
static mr_status produce_run(mr_kafka_writer *w, mr_kafka_topic *topic, int32_t partition,
                             const mr_log_record *records, const uint32_t *order, uint32_t count,
                             mr_error *err)
{
    mr_kafka_patience p = mr_kafka_patience_start();
    uint32_t done = 0;
    while (done < count) {
        run_fill(w, partition, records, order, done, count);
        rd_kafka_produce_batch(topic->handle, partition, RD_KAFKA_MSG_F_COPY, w->run,
                               (int)(count - done));
        uint32_t full = 0; /* from the first record without room on, none was taken */
        for (uint32_t i = 0; i < count - done - full; i++) {
            rd_kafka_resp_err_t error = w->run[i].err;
            const mr_log_record *record = at(records, order, done + i);
            mr_status status = MR_OK;
            if (error == RD_KAFKA_RESP_ERR__QUEUE_FULL) {
                full = count - done - i;
            } else if (error) {
                status = refused(w, topic->name, record->tag, error, NULL, err);
            } else {
                w->deliveries.queued_records++;
                w->deliveries.queued_bytes += bytes_of(record);
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

/* Sorts a run by partition, stably: places[i] becomes order[..], starts[p] .. starts[p + 1]. */
static void sort_by_place(mr_kafka_writer *w, int32_t partitions, uint32_t count)
{
    if (partitions + 1 > w->starts_count) {
        w->starts_count = partitions + 1;
        w->starts = realloc(w->starts, (size_t)w->starts_count * sizeof *w->starts);
        MR_ASSERT(w->starts != NULL);
    }
    memset(w->starts, 0, (size_t)(partitions + 1) * sizeof *w->starts);
    for (uint32_t i = 0; i < count; i++)
        w->starts[w->places[i] + 1]++;
    for (int32_t p = 0; p < partitions; p++)
        w->starts[p + 1] += w->starts[p];
    for (uint32_t i = 0; i < count; i++)
        w->order[w->starts[w->places[i]]++] = i;
    for (int32_t p = partitions; p > 0; p--)
        w->starts[p] = w->starts[p - 1];
    w->starts[0] = 0;
}

/* Records whose partition is ours to choose. The first is librdkafka's to place, which tells how
 * many partitions there are now (topic.h). */
static mr_status produce_spread(mr_kafka_writer *w, mr_kafka_topic *topic,
                                const mr_log_record *records, uint32_t count, mr_error *err)
{
    mr_status status = produce_run(w, topic, MR_PARTITION_BY_KEY, records, NULL, 1, err);
    if (status != MR_OK || count == 1)
        return status;
    records++;
    count--;
    int32_t partitions = 0;
    bool is_one = true;
    for (uint32_t i = 0; i < count; i++) {
        int32_t place = mr_kafka_topic_place(topic, &records[i]);
        if (place < 0)
            return produce_run(w, topic, MR_PARTITION_BY_KEY, records, NULL, count, err);
        w->places[i] = place;
        is_one = is_one && place == w->places[0];
        partitions = place + 1 > partitions ? place + 1 : partitions;
    }
    if (is_one)
        return produce_run(w, topic, w->places[0], records, NULL, count, err);
    sort_by_place(w, partitions, count);
    for (int32_t p = 0; status == MR_OK && p < partitions; p++)
        if (w->starts[p + 1] > w->starts[p])
            status = produce_run(w, topic, p, records, w->order + w->starts[p],
                                 w->starts[p + 1] - w->starts[p], err);
    return status;
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

static rd_kafka_resp_err_t produce_one(mr_kafka_writer *w, const mr_kafka_topic *topic,
                                       int32_t partition, const mr_log_record *record, char *reason,
                                       size_t size)
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

static mr_status produce_single(mr_kafka_writer *w, mr_kafka_topic *topic, int32_t partition,
                                const mr_log_record *record, mr_error *err)
{
    mr_kafka_patience p = mr_kafka_patience_start();
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

mr_status mr_kafka_writer_produce(mr_log_writer *base, const char *name, int32_t partition,
                                  const mr_log_record *records, uint32_t count, mr_error *err)
{
    mr_kafka_writer *w = mr_kafka_writer_of(base);
    MR_ASSERT(!w->transactional_id || w->is_in_transaction);
    MR_ASSERT(partition >= 0 || partition == MR_PARTITION_BY_KEY);
    mr_kafka_topic *topic;
    mr_status status = mr_kafka_writer_check(w, "produce", err);
    if (status == MR_OK)
        status = mr_kafka_deliveries_topic(&w->deliveries, w->client.rk, name, &topic, err);
    for (uint32_t i = 0; status == MR_OK && i < count;) {
        uint32_t run = 0;
        while (run < MR_KAFKA_RUN_MAX && i + run < count && is_plain(&records[i + run]))
            run++;
        if (run > 0 && partition == MR_PARTITION_BY_KEY)
            status = produce_spread(w, topic, records + i, run, err);
        else if (run > 0)
            status = produce_run(w, topic, partition, records + i, NULL, run, err);
        else
            status = produce_single(w, topic, partition, &records[i], err);
        i += run > 0 ? run : 1;
    }
    rd_kafka_poll(w->client.rk, 0);
    return status;
}

mr_status mr_kafka_writer_flush(mr_log_writer *base, int32_t timeout_ms, mr_error *err)
{
    mr_kafka_writer *w = mr_kafka_writer_of(base);
    mr_kafka_patience p = mr_kafka_patience_start();
    for (;;) {
        int64_t waited_ms = mr_kafka_now_ms() - p.start_ms;
        int64_t left_ms = timeout_ms - waited_ms;
        rd_kafka_flush(w->client.rk, left_ms < 0                   ? 0
                                     : left_ms < MR_KAFKA_SLICE_MS ? (int)left_ms
                                                                   : MR_KAFKA_SLICE_MS);
        char text[512];
        rd_kafka_resp_err_t fatal = rd_kafka_fatal_error(w->client.rk, text, sizeof text);
        if (fatal)
            return mr_kafka_fail(err, MR_KAFKA_TRANSACTION, fatal, text, "flush");
        mr_status status = mr_kafka_writer_verdict(w, err);
        if (status != MR_OK || w->deliveries.queued_records == 0)
            return status;
        if (left_ms <= 0)
            return mr_error_set_recovery(err, MR_E_KAFKA_TIMEOUT, MR_RECOVERY_RETRY,
                                         "%llu records are not delivered after %d ms",
                                         (unsigned long long)w->deliveries.queued_records,
                                         timeout_ms);
        if (!mr_kafka_patience_holds(&p, w, "flush"))
            return mr_kafka_given_up(w, "flush", err);
    }
}
