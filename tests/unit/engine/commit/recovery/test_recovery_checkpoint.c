/*
 * Goal: looking for a checkpoint is no more than that: where none is named, asked for or to be had
 * the log alone gives the state, and what is wrong with the log is said as ever.
 * Method: logs that name checkpoints which are not there, an empty blob store; see recovery_rig.h.
 */
#include "tests/unit/engine/commit/recovery/recovery_rig.h"

#include <criterion/criterion.h>

static void names_a_checkpoint(mr_epoch_record *record)
{
    record->checkpoint = "00000000000000000000000000000001-1";
}

Test(recovery_checkpoint, one_that_is_not_there_is_done_without)
{
    static const char *const asked_for[] = {NULL, "", "00000000000000000000000000000002-2"};
    for (size_t i = 0; i < 3; i++) {
        recovery_rig rig;
        rig_set_up(&rig, 1, true);
        rig.has_blobs = true;
        rig.checkpoint = asked_for[i];
        rig_put(&rig, "a=1");
        rig_put_epoch(&rig, &(rig_epoch){.changes = "b=2", .alter = names_a_checkpoint});
        cr_expect_eq(rig_recover(&rig), MR_OK, "%s", rig.err.message);
        cr_expect_str_eq(rig_state(&rig), "a=1 b=2");
        cr_expect_not(rig.recovered.was_downloaded);
        rig_tear_down(&rig);
    }
}

Test(recovery_checkpoint, is_not_looked_for_where_there_is_no_place_for_it)
{
    recovery_rig rig;
    rig_set_up(&rig, 1, true);
    rig.has_blobs = rig.has_no_store = true;
    rig.breaks_off_downloads = true; /* it would be noticed */
    rig_put_epoch(&rig, &(rig_epoch){.changes = "a=1", .alter = names_a_checkpoint});
    cr_expect_eq(rig_recover(&rig), MR_OK, "%s", rig.err.message);
    cr_expect_str_eq(rig_state(&rig), "a=1");
    rig_tear_down(&rig);
}

/* Somebody else is to have the task, say: it is not done without the checkpoint then. */
Test(recovery_checkpoint, whose_download_is_given_up_is_not_done_without)
{
    recovery_rig rig;
    rig_set_up(&rig, 1, true);
    rig.has_blobs = rig.breaks_off_downloads = true;
    rig_put_epoch(&rig, &(rig_epoch){.changes = "a=1", .alter = names_a_checkpoint});
    cr_expect_eq(rig_recover(&rig), MR_E_INTERRUPTED, "%s", rig.err.message);
    cr_expect_eq(rig.err.recovery, MR_RECOVERY_RETRY);
    rig_tear_down(&rig);
}

Test(recovery_checkpoint, is_looked_for_in_a_malformed_log_which_is_refused_with_its_place)
{
    recovery_rig rig;
    rig_set_up(&rig, 1, true);
    rig.has_blobs = true;
    rig_put(&rig, "a=1");
    rig_put_bytes(&rig, "hello", 5);
    cr_expect_eq(rig_recover(&rig), MR_E_STATE_FORMAT, "%s", rig.err.message);
    cr_expect_eq(rig.err.recovery, MR_RECOVERY_STOP);
    cr_expect_not_null(strstr(rig.err.message, "@3"), "%s", rig.err.message);
    rig_tear_down(&rig);
}
