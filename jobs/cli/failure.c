#include "jobs/cli/failure.h"

#include "engine/history/moment.h"
#include "engine/ports/blob.h"
#include "engine/ports/log.h"
#include "jobs/errors/pages.h"

#include <stdio.h>

/* What lies in the log is not this job's, or not whole: epoch_record.h, frame.h, moment.h. */
static bool is_of_state(mr_status status)
{
    return status != MR_E_REPLAY_STOPPED &&
           (status / 10 == 401 || status / 10 == 405 || status / 10 == 406);
}

static mr_exit exit_of(mr_status status)
{
    switch (status) {
    case MR_E_KAFKA_UNREACHABLE:
    case MR_E_KAFKA_TIMEOUT: return MR_EXIT_BROKER;
    case MR_E_BLOB_ADDRESS: return MR_EXIT_USAGE;
    default: return is_of_state(status) ? MR_EXIT_STATE : MR_EXIT_FAILED;
    }
}

mr_exit mr_cli_fail(const mr_error *err)
{
    fprintf(stderr, "error[MR%04d]: %s\n", err->status, err->message);
    mr_error_pages_mention(err->status);
    return exit_of(err->status);
}
