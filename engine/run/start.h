/*
 * Where a partition is read from when neither state nor claim says ('scan.startup.mode').
 *
 * An offset that somebody wrote down is in the partition, or is its end: else reading would begin
 * with rows left out, or wait for rows that are not its next (MR_E_KAFKA_START_OFFSET). Flink takes
 * 'auto.offset.reset' then, which reads all of the topic.
 * Thread: the log's; blocks. Errors: those of the log.
 */
#ifndef MR_ENGINE_RUN_START_H
#define MR_ENGINE_RUN_START_H

#include "engine/ports/log.h"
#include "engine/run/plan.h"

/* `job`: whose group it is when the start names none. */
MR_MUST_USE mr_status mr_start_find(mr_log *log, const char *job, const mr_start *start,
                                    const char *topic, int32_t partition, int64_t *offset,
                                    mr_error *err);

/* What the group has committed; nothing: the partition's start. */
MR_MUST_USE mr_status mr_start_of_group(mr_log *log, const char *group, const char *topic,
                                        int32_t partition, int64_t *offset, mr_error *err);

#endif
