#include "engine/exchange/topic.h"

#define FRAME_BYTES_MAX "16777216" /* one row may fill a frame */

mr_status mr_exchange_create_topic(mr_log *log, const char *topic, const mr_exchange *exchange,
                                   mr_error *err)
{
    static const char *const configs[] = {"cleanup.policy",
                                          "delete",
                                          "retention.ms",
                                          "-1",
                                          "retention.bytes",
                                          "-1",
                                          "max.message.bytes",
                                          FRAME_BYTES_MAX,
                                          NULL};
    return log->class->create_topic(log, topic, (int32_t)exchange->downstreams_count, configs, err);
}
