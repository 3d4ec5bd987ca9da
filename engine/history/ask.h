/*
 * Questions to the log that are asked again while it says so: a leader may just be moving.
 * Thread: the log's; they block.
 */
#ifndef MR_ENGINE_HISTORY_ASK_H
#define MR_ENGINE_HISTORY_ASK_H

#include "engine/run/start.h"

MR_MUST_USE mr_status mr_ask_offset(mr_log *log, const char *topic, int32_t partition,
                                    int64_t which, int64_t *offset, mr_error *err);
MR_MUST_USE mr_status mr_ask_offset_at(mr_log *log, const char *topic, int32_t partition,
                                       int64_t timestamp_ms, int64_t *offset, mr_error *err);
MR_MUST_USE mr_status mr_ask_high(mr_log *log, const char *topic, int32_t partition, int64_t *high,
                                  mr_error *err);

MR_MUST_USE mr_status mr_ask_topic_ids(mr_log *log, const char *const *topics, uint32_t count,
                                       mr_topic_id *ids, mr_error *err);

/* Where a partition is read from at first (engine/run/start.h). */
MR_MUST_USE mr_status mr_ask_start(mr_log *log, const char *job, const mr_start *start,
                                   const char *topic, int32_t partition, int64_t *offset,
                                   mr_error *err);

#endif
