#include "jobs/fleet/silence.h"

#include "engine/history/quiet.h"

#include <inttypes.h>
#include <stdio.h>

#define PATIENCE_US INT64_C(60000000) /* with all that does not end */

mr_status mr_silence_writers(mr_log *log, const mr_clock *clock, const mr_logger *logger,
                             const char *job, mr_error *err)
{
    char topic[256];
    mr_topic_facts facts;
    snprintf(topic, sizeof topic, "%s.state", job);
    mr_status status = log->class->describe(log, topic, &facts, err);
    if (status != MR_OK || !facts.exists)
        return status;
    int64_t patience_us = PATIENCE_US;
    for (uint32_t task = 0; task < (uint32_t)facts.partitions; task++) {
        mr_history history = {.log = log, .clock = clock, .topic = topic, .task = task};
        status = mr_quiet_log_within(&history, job, logger, NULL, &patience_us, err);
        if (status == MR_E_CRASHED || (status != MR_OK && err->recovery == MR_RECOVERY_RETRY))
            return status;
        if (status != MR_OK)
            mr_logger_line(logger, MR_LOG_WARN,
                           "a writer that was taken for dead may commit once more job=%s "
                           "task=%" PRIu32 " code=MR%d reason=\"%s\"",
                           job, task, status, err->message);
    }
    return MR_OK;
}
