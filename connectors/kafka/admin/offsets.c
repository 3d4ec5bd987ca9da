#include "connectors/kafka/admin/admin.h"

#include "connectors/kafka/admin/request.h"
#include "connectors/kafka/client/errors.h"
#include "engine/base/assert.h"

#include <stdlib.h>
#include <string.h>

#define LEADER_PAUSE_MS 50
#define ANSWER_SLICE_MS 250

mr_status mr_kafka_trim(mr_log *base, const char *topic, int32_t partition, int64_t before,
                        mr_error *err)
{
    mr_kafka_log *log = (mr_kafka_log *)base;
    rd_kafka_topic_partition_list_t *list = rd_kafka_topic_partition_list_new(1);
    rd_kafka_topic_partition_list_add(list, topic, partition)->offset = before;
    rd_kafka_DeleteRecords_t *wanted = rd_kafka_DeleteRecords_new(list);
    rd_kafka_topic_partition_list_destroy(list);
    rd_kafka_AdminOptions_t *options =
        mr_kafka_request_options(log, RD_KAFKA_ADMIN_OP_DELETERECORDS);
    rd_kafka_queue_t *queue = rd_kafka_queue_new(log->admin.rk);
    rd_kafka_DeleteRecords(log->admin.rk, &wanted, 1, options, queue);
    rd_kafka_AdminOptions_destroy(options);
    rd_kafka_DeleteRecords_destroy(wanted);
    rd_kafka_event_t *event;
    mr_status status = mr_kafka_request_answer(log, queue, "trim topic", topic, &event, err);
    if (status != MR_OK)
        return status;
    const rd_kafka_topic_partition_list_t *offsets =
        rd_kafka_DeleteRecords_result_offsets(rd_kafka_event_DeleteRecords_result(event));
    MR_ASSERT(offsets->cnt == 1);
    rd_kafka_resp_err_t error = offsets->elems[0].err;
    if (error)
        status = mr_kafka_request_fail(log, error, NULL, "trim topic", topic, err);
    rd_kafka_event_destroy(event);
    return status;
}

static void ask_bound(mr_kafka_log *log, const char *topic, int32_t partition, int64_t which,
                      rd_kafka_queue_t *queue, int64_t *offset)
{
    rd_kafka_topic_partition_list_t *list = rd_kafka_topic_partition_list_new(1);
    rd_kafka_topic_partition_list_add(list, topic, partition)->offset = which;
    rd_kafka_AdminOptions_t *options = mr_kafka_request_options(log, RD_KAFKA_ADMIN_OP_LISTOFFSETS);
    rd_kafka_error_destroy(rd_kafka_AdminOptions_set_isolation_level(
        options, RD_KAFKA_ISOLATION_LEVEL_READ_COMMITTED));
    rd_kafka_AdminOptions_set_opaque(options, offset);
    rd_kafka_ListOffsets(log->admin.rk, list, options, queue);
    rd_kafka_AdminOptions_destroy(options);
    rd_kafka_topic_partition_list_destroy(list);
}

/* What was asked for, to where its question said. */
static rd_kafka_resp_err_t take_bound(rd_kafka_event_t *event)
{
    rd_kafka_resp_err_t error = rd_kafka_event_error(event);
    if (error)
        return error;
    size_t count;
    const rd_kafka_ListOffsetsResultInfo_t **found =
        rd_kafka_ListOffsets_result_infos(rd_kafka_event_ListOffsets_result(event), &count);
    if (count != 1)
        return RD_KAFKA_RESP_ERR_UNKNOWN_TOPIC_OR_PART;
    const rd_kafka_topic_partition_t *at = rd_kafka_ListOffsetsResultInfo_topic_partition(found[0]);
    *(int64_t *)rd_kafka_event_opaque(event) = at->offset;
    return at->err;
}

static bool is_to_stop(const mr_kafka_log *log)
{
    return log->is_stopping != NULL && log->is_stopping(log->hook);
}

/* NULL: none until then, or none soon and the process is to stop. */
static rd_kafka_event_t *await_bound(const mr_kafka_log *log, rd_kafka_queue_t *queue,
                                     int64_t deadline_ms)
{
    rd_kafka_event_t *event;
    bool is_over;
    do {
        int64_t left_ms = deadline_ms - mr_kafka_now_ms();
        is_over = left_ms <= ANSWER_SLICE_MS;
        event = rd_kafka_queue_poll(queue,
                                    is_over ? (left_ms > 0 ? (int)left_ms : 0) : ANSWER_SLICE_MS);
        is_over = is_over || is_to_stop(log);
    } while (event == NULL && !is_over);
    return event;
}

/* One question after the other. librdkafka (to 2.15) looks for unknown leaders on our thread and,
 * when any answer about topics arrives meanwhile, on its own too, which frees what ours still uses
 * (rd_kafka_topic_partition_list_query_leaders_async): two first questions at once are a crash. */
static rd_kafka_resp_err_t bounds_of(mr_kafka_log *log, const char *topic, int32_t partition,
                                     int64_t deadline_ms, int64_t *low, int64_t *stable)
{
    const int64_t specs[] = {RD_KAFKA_OFFSET_SPEC_EARLIEST, RD_KAFKA_OFFSET_SPEC_LATEST};
    int64_t *const offsets[] = {low, stable};
    rd_kafka_queue_t *queue = rd_kafka_queue_new(log->admin.rk);
    rd_kafka_resp_err_t error = RD_KAFKA_RESP_ERR_NO_ERROR;
    for (int i = 0; !error && i < 2; i++) {
        ask_bound(log, topic, partition, specs[i], queue, offsets[i]);
        rd_kafka_event_t *event = await_bound(log, queue, deadline_ms);
        error = event != NULL ? take_bound(event) : RD_KAFKA_RESP_ERR__TIMED_OUT;
        if (event != NULL)
            rd_kafka_event_destroy(event);
    }
    rd_kafka_queue_destroy(queue);
    rd_kafka_poll(log->admin.rk, 0);
    return error;
}

/* A partition without a leader, and one that is not there, are both "no such entry". Where nobody
 * says which, nothing is known yet. */
static rd_kafka_resp_err_t tell_apart(mr_kafka_log *log, const char *topic, int32_t partition)
{
    mr_topic_facts facts;
    mr_error why;
    if (mr_kafka_describe_now(log, topic, &facts, &why) != MR_OK)
        return why.recovery == MR_RECOVERY_RETRY ? RD_KAFKA_RESP_ERR__TIMED_OUT
                                                 : RD_KAFKA_RESP_ERR__NOENT;
    return !facts.exists || partition >= facts.partitions ? RD_KAFKA_RESP_ERR_UNKNOWN_TOPIC_OR_PART
                                                          : RD_KAFKA_RESP_ERR_LEADER_NOT_AVAILABLE;
}

rd_kafka_resp_err_t mr_kafka_bounds(mr_kafka_log *log, const char *topic, int32_t partition,
                                    int32_t timeout_ms, int64_t *low, int64_t *stable)
{
    int64_t deadline_ms = mr_kafka_now_ms() + timeout_ms;
    rd_kafka_resp_err_t moved = RD_KAFKA_RESP_ERR_NO_ERROR; /* what was said of its leader last */
    for (;;) {
        rd_kafka_resp_err_t error = bounds_of(log, topic, partition, deadline_ms, low, stable);
        if (error == RD_KAFKA_RESP_ERR__NOENT)
            error = tell_apart(log, topic, partition);
        if (error == RD_KAFKA_RESP_ERR__TIMED_OUT && moved) /* says less */
            return moved;
        bool is_moving = error == RD_KAFKA_RESP_ERR_LEADER_NOT_AVAILABLE ||
                         error == RD_KAFKA_RESP_ERR_NOT_LEADER_FOR_PARTITION;
        if (!is_moving || mr_kafka_now_ms() >= deadline_ms || is_to_stop(log))
            return error;
        moved = error;
        mr_kafka_request_pause(log, LEADER_PAUSE_MS);
    }
}

/* A partition that has no leader just now, as while a broker restarts or stands still, is unknown
 * to librdkafka, and stays so until somebody asks for its topic again. */
static bool is_led_again(mr_kafka_log *log, const char *topic, int32_t partition,
                         int64_t deadline_ms, rd_kafka_resp_err_t *error)
{
    mr_topic_facts facts;
    mr_error why;
    if (*error != RD_KAFKA_RESP_ERR__UNKNOWN_PARTITION)
        return false;
    if (mr_kafka_describe_now(log, topic, &facts, &why) != MR_OK || partition >= facts.partitions)
        return false;
    *error = RD_KAFKA_RESP_ERR_LEADER_NOT_AVAILABLE;
    mr_kafka_request_pause(log, LEADER_PAUSE_MS);
    return mr_kafka_now_ms() < deadline_ms;
}

mr_status mr_kafka_offset(mr_log *base, const char *topic, int32_t partition, int64_t which,
                          int64_t *offset, mr_error *err)
{
    mr_kafka_log *log = (mr_kafka_log *)base;
    MR_ASSERT(which == MR_OFFSET_EARLIEST || which == MR_OFFSET_LATEST);
    int64_t low, high;
    rd_kafka_resp_err_t error =
        mr_kafka_bounds(log, topic, partition, log->timeout_ms, &low, &high);
    if (error)
        return mr_kafka_request_fail(log, error, NULL, "offsets of topic", topic, err);
    *offset = which == MR_OFFSET_EARLIEST ? low : high;
    return MR_OK;
}

/* Behind a restart of its broker a partition's leader has another epoch, of which librdkafka (2.14)
 * hears with its next metadata alone, up to half a minute later: who asks again now is told. */
static void learn_leader(mr_kafka_log *log, const char *topic, rd_kafka_resp_err_t error)
{
    mr_topic_facts facts;
    mr_error ignored;
    if (error != RD_KAFKA_RESP_ERR_FENCED_LEADER_EPOCH &&
        error != RD_KAFKA_RESP_ERR_UNKNOWN_LEADER_EPOCH &&
        error != RD_KAFKA_RESP_ERR_NOT_LEADER_FOR_PARTITION)
        return;
    (void)mr_kafka_describe_now(log, topic, &facts, &ignored);
    mr_kafka_request_pause(log, LEADER_PAUSE_MS);
}

/* One end of each partition: the last stable offset, or the high watermark. */
static mr_status ends_of(mr_kafka_log *log, mr_log_ends *ends, uint32_t count, bool is_stable,
                         mr_error *err)
{
    rd_kafka_topic_partition_list_t *list = rd_kafka_topic_partition_list_new((int)count);
    for (uint32_t i = 0; i < count; i++)
        rd_kafka_topic_partition_list_add(list, ends[i].topic, ends[i].partition)->offset =
            RD_KAFKA_OFFSET_SPEC_LATEST;
    rd_kafka_AdminOptions_t *options = mr_kafka_request_options(log, RD_KAFKA_ADMIN_OP_LISTOFFSETS);
    rd_kafka_error_destroy(rd_kafka_AdminOptions_set_isolation_level(
        options, is_stable ? RD_KAFKA_ISOLATION_LEVEL_READ_COMMITTED
                           : RD_KAFKA_ISOLATION_LEVEL_READ_UNCOMMITTED));
    rd_kafka_queue_t *queue = rd_kafka_queue_new(log->admin.rk);
    rd_kafka_ListOffsets(log->admin.rk, list, options, queue);
    rd_kafka_AdminOptions_destroy(options);
    rd_kafka_topic_partition_list_destroy(list);
    rd_kafka_event_t *event;
    mr_status status =
        mr_kafka_request_answer(log, queue, "ends of topic", ends[0].topic, &event, err);
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
        if (error == RD_KAFKA_RESP_ERR_NO_ERROR) {
            *(is_stable ? &ends[i].stable : &ends[i].high) = at->offset;
            continue;
        }
        learn_leader(log, ends[i].topic, error);
        status = mr_kafka_request_fail(log, error, NULL, "ends of topic", ends[i].topic, err);
    }
    rd_kafka_event_destroy(event);
    return status;
}

/* The high watermark first: what is written in between then shows as nothing open. */
mr_status mr_kafka_ends(mr_log *base, mr_log_ends *ends, uint32_t count, mr_error *err)
{
    mr_kafka_log *log = (mr_kafka_log *)base;
    if (count == 0)
        return MR_OK;
    mr_status status = ends_of(log, ends, count, false, err);
    return status == MR_OK ? ends_of(log, ends, count, true, err) : status;
}

mr_status mr_kafka_offset_at(mr_log *base, const char *topic, int32_t partition,
                             int64_t timestamp_ms, int64_t *offset, mr_error *err)
{
    mr_kafka_log *log = (mr_kafka_log *)base;
    int64_t deadline_ms = mr_kafka_now_ms() + log->timeout_ms;
    rd_kafka_resp_err_t error;
    int64_t found;
    do {
        rd_kafka_topic_partition_list_t *list = rd_kafka_topic_partition_list_new(1);
        rd_kafka_topic_partition_list_add(list, topic, partition)->offset = timestamp_ms;
        error = rd_kafka_offsets_for_times(log->admin.rk, list, log->timeout_ms);
        if (!error)
            error = list->elems[0].err;
        found = list->elems[0].offset;
        rd_kafka_topic_partition_list_destroy(list);
        rd_kafka_poll(log->admin.rk, 0);
    } while (is_led_again(log, topic, partition, deadline_ms, &error));
    if (error)
        return mr_kafka_request_fail(log, error, NULL, "offsets of topic", topic, err);
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
