/*
 * Goal: what lies in the log and is not this job's, or not whole, ends a command with exit 5;
 * what a user asked for, or a machine lacks, does not.
 */
#include "jobs/cli/failure.h"

#include "engine/commit/epoch_record.h"
#include "engine/exchange/frame.h"
#include "engine/exchange/receiver.h"
#include "engine/history/moment.h"
#include "engine/ports/blob.h"
#include "engine/ports/log.h"

#include <criterion/criterion.h>
#include <criterion/redirect.h>

static mr_exit exit_of(mr_status status)
{
    mr_error err;
    (void)mr_error_set(&err, status, "why");
    return mr_cli_fail(&err);
}

Test(failure, of_state_and_of_all_else, .init = cr_redirect_stderr)
{
    cr_expect_eq(exit_of(MR_E_STATE_GAP), MR_EXIT_STATE);
    cr_expect_eq(exit_of(MR_E_FRAME_PLAN), MR_EXIT_STATE);
    cr_expect_eq(exit_of(MR_E_FRAME_ORDER), MR_EXIT_STATE);
    cr_expect_eq(exit_of(MR_E_REPLAY_GONE), MR_EXIT_STATE);
    cr_expect_eq(exit_of(MR_E_REPLAY_STOPPED), MR_EXIT_FAILED);
    cr_expect_eq(exit_of(MR_E_ENVIRONMENT), MR_EXIT_FAILED);
    cr_expect_eq(exit_of(MR_E_BLOB_ADDRESS), MR_EXIT_USAGE);
    cr_expect_eq(exit_of(MR_E_KAFKA_UNREACHABLE), MR_EXIT_BROKER);
}
