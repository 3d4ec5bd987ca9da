#include "engine/run/start.h"

#include <inttypes.h>

static mr_status check(mr_log *log, const char *topic, int32_t partition, int64_t offset,
                       const char *who, mr_error *err)
{
    mr_log_ends ends = {.topic = topic, .partition = partition};
    int64_t first;
    mr_status status = log->class->offset(log, topic, partition, MR_OFFSET_EARLIEST, &first, err);
    if (status == MR_OK)
        status = log->class->ends(log, &ends, 1, err);
    if (status != MR_OK || (offset >= first && offset <= ends.high))
        return status;
    return mr_error_set(err, MR_E_KAFKA_START_OFFSET,
                        "%s to start from offset %" PRId64 " of %s[%" PRId32 "], which has %" PRId64
                        " to %" PRId64,
                        who, offset, topic, partition, first, ends.high);
}

mr_status mr_start_of_group(mr_log *log, const char *group, const char *topic, int32_t partition,
                            int64_t *offset, mr_error *err)
{
    mr_log_offset asked = {.topic = topic, .partition = partition, .offset = -1};
    mr_arena scratch = {0};
    mr_status status = log->class->group_offsets(log, group, &asked, 1, &scratch, err);
    mr_arena_release(&scratch);
    if (status == MR_OK && asked.offset < 0)
        return log->class->offset(log, topic, partition, MR_OFFSET_EARLIEST, offset, err);
    *offset = asked.offset;
    return status;
}

mr_status mr_start_find(mr_log *log, const char *job, const mr_start *start, const char *topic,
                        int32_t partition, int64_t *offset, mr_error *err)
{
    mr_status status;
    switch (start->mode) {
    case MR_START_GROUP_OFFSETS:
        status = mr_start_of_group(log, start->group != NULL ? start->group : job, topic, partition,
                                   offset, err);
        return status == MR_OK
                   ? check(log, topic, partition, *offset, "the group's offsets say", err)
                   : status;
    case MR_START_SPECIFIC:
        for (uint32_t i = 0; i < start->specific_count; i++) {
            if (start->specific[i].partition != partition)
                continue;
            *offset = start->specific[i].offset;
            return check(log, topic, partition, *offset, "'scan.startup.specific-offsets' says",
                         err);
        }
        break;
    case MR_START_LATEST:
        return log->class->offset(log, topic, partition, MR_OFFSET_LATEST, offset, err);
    case MR_START_TIMESTAMP:
        return log->class->offset_at(log, topic, partition, start->timestamp_ms, offset, err);
    case MR_START_EARLIEST: break;
    }
    return log->class->offset(log, topic, partition, MR_OFFSET_EARLIEST, offset, err);
}
