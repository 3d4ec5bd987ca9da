#include "engine/history/ask.h"

#define TRIES_MAX 500u

static bool is_to_be_asked_again(mr_status status, const mr_error *err, uint32_t *tries)
{
    return status != MR_OK && err->recovery == MR_RECOVERY_RETRY && ++*tries < TRIES_MAX;
}

mr_status mr_ask_offset(mr_log *log, const char *topic, int32_t partition, int64_t which,
                        int64_t *offset, mr_error *err)
{
    mr_status status;
    uint32_t tries = 0;
    do
        status = log->class->offset(log, topic, partition, which, offset, err);
    while (is_to_be_asked_again(status, err, &tries));
    return status;
}

mr_status mr_ask_offset_at(mr_log *log, const char *topic, int32_t partition, int64_t timestamp_ms,
                           int64_t *offset, mr_error *err)
{
    mr_status status;
    uint32_t tries = 0;
    do
        status = log->class->offset_at(log, topic, partition, timestamp_ms, offset, err);
    while (is_to_be_asked_again(status, err, &tries));
    return status;
}

mr_status mr_ask_high(mr_log *log, const char *topic, int32_t partition, int64_t *high,
                      mr_error *err)
{
    mr_log_ends ends = {.topic = topic, .partition = partition};
    mr_status status;
    uint32_t tries = 0;
    do
        status = log->class->ends(log, &ends, 1, err);
    while (is_to_be_asked_again(status, err, &tries));
    *high = ends.high;
    return status;
}

mr_status mr_ask_topic_ids(mr_log *log, const char *const *topics, uint32_t count, mr_topic_id *ids,
                           mr_error *err)
{
    mr_status status;
    uint32_t tries = 0;
    do {
        status = log->class->topic_ids(log, topics, count, ids, err);
        if (status == MR_E_KAFKA_TOPIC_MISSING) /* not every broker knows yet of one just made */
            err->recovery = MR_RECOVERY_RETRY;
    } while (is_to_be_asked_again(status, err, &tries));
    return status;
}

mr_status mr_ask_start(mr_log *log, const char *job, const mr_start *start, const char *topic,
                       int32_t partition, int64_t *offset, mr_error *err)
{
    mr_status status;
    uint32_t tries = 0;
    do
        status = mr_start_find(log, job, start, topic, partition, offset, err);
    while (is_to_be_asked_again(status, err, &tries));
    return status;
}
