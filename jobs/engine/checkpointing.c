#include "jobs/engine/checkpointing.h"

#include "connectors/blobs/blobs.h"
#include "connectors/local/helper_thread.h"

mr_status mr_checkpointing_open(mr_checkpointing *checkpointing, const mr_job *job,
                                const mr_logger *logger, mr_error *err)
{
    const char *address = job->settings.checkpoints_address;
    if (address == NULL)
        return MR_OK;
    if (job->plan.guarantee != MR_EXACTLY_ONCE) {
        mr_logger_line(logger, MR_LOG_WARN,
                       "no checkpoints are taken job=%s reason=\"only of exactly-once jobs\"",
                       job->plan.job);
        return MR_OK;
    }
    mr_status status = mr_blobs_open(address, NULL, &checkpointing->recovering, err);
    if (status == MR_OK)
        status = mr_blobs_open(address, NULL, &checkpointing->sending, err);
    if (status == MR_OK)
        status = mr_helper_thread_open(&checkpointing->helper, err);
    return status;
}

void mr_checkpointing_configure(const mr_checkpointing *checkpointing, const mr_job *job,
                                mr_worker_config *config)
{
    config->blobs = checkpointing->recovering;
    if (checkpointing->helper == NULL)
        return;
    config->checkpoints =
        (mr_worker_checkpoints){.blobs = checkpointing->sending,
                                .helper = checkpointing->helper,
                                .interval_ms = job->settings.checkpoints_interval_ms,
                                .count_max = job->settings.checkpoints_kept,
                                .age_max_ms = job->settings.checkpoints_age_ms,
                                .grace_ms = job->settings.checkpoints_grace_ms};
}

void mr_checkpointing_close(mr_checkpointing *checkpointing)
{
    if (checkpointing->helper != NULL)
        checkpointing->helper->class->close(checkpointing->helper);
    if (checkpointing->sending != NULL)
        checkpointing->sending->class->close(checkpointing->sending);
    if (checkpointing->recovering != NULL)
        checkpointing->recovering->class->close(checkpointing->recovering);
    *checkpointing = (mr_checkpointing){0};
}
