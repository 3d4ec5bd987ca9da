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

/* It begins with the bare record at which the checkpoint was taken. */
Test(recovery_checkpoint, that_the_log_begins_behind_and_is_not_at_hand_is_what_is_missing)
{
    for (int64_t first = 1; first <= 4; first += 3) { /* records of epochs 1 and 2 */
        recovery_rig rig;
        rig_set_up(&rig, 1, true);
        rig.has_blobs = first == 4;
        rig_put(&rig, "a=1");
        rig_put(&rig, "b=2");
        rig_put_epoch(&rig, &(rig_epoch){.changes = "c=3", .alter = names_a_checkpoint});
        rig_trim(&rig, first);
        cr_expect_eq(rig_recover(&rig), MR_E_STATE_GAP, "%s", rig.err.message);
        cr_expect_not_null(strstr(rig.err.message, "which is no base: what was before is in"), "%s",
                           rig.err.message);
        rig_tear_down(&rig);
    }
}

/* What lies in front of the name is read once, by who needs it, and not to look for the name. */
Test(recovery_checkpoint, is_looked_for_at_the_end_of_the_log_first)
{
    enum { EPOCHS = 4000, BEHIND = 200 };
    uint32_t breaths[2];
    for (uint32_t named = 0; named < 2; named++) {
        recovery_rig rig;
        rig_set_up(&rig, 1, true);
        rig.has_blobs = true;
        rig.breath_limit = UINT64_MAX;
        for (uint32_t i = 0; i < EPOCHS; i++) {
            bool has_name = named == 1 && i + BEHIND == EPOCHS;
            rig_put_epoch(&rig, &(rig_epoch){.changes = "a=1",
                                             .alter = has_name ? names_a_checkpoint : NULL});
        }
        cr_assert_eq(rig_recover(&rig), MR_OK, "%s", rig.err.message);
        cr_expect_str_eq(rig_state(&rig), "a=1");
        breaths[named] = (uint32_t)rig.breaths;
        rig_tear_down(&rig);
    }
    cr_expect_lt(breaths[1] * 4, breaths[0] * 3, "%u of %u", breaths[1], breaths[0]);
}

/* What was aborted fills all that is searched at first: nobody is named there, and somebody dead
 * has a transaction open. */
Test(recovery_checkpoint, is_looked_for_farther_back_where_the_end_names_nobody)
{
    for (int is_own = 0; is_own < 2; is_own++) {
        recovery_rig rig;
        rig_set_up(&rig, 1, true);
        rig.has_blobs = rig.tells_own = true;
        rig_put(&rig, "a=1");
        rig.transactional_id = is_own ? rig.owner : "new";
        rig_open(&rig, "z=9");
        for (int record = 1; record < 300; record++)
            rig_add(&rig, "z=9");
        cr_assert_eq(rig.writer->class->abort(rig.writer, &rig.err), MR_OK);
        rig_open(&rig, "a=9");
        int64_t began = rig.world.clock.now_us;
        mr_status status = rig_recover(&rig);
        cr_expect_lt(rig.world.clock.now_us - began, 1000000, "%s", rig.err.message);
        if (!is_own) {
            cr_expect_eq(status, MR_OK, "%s", rig.err.message);
            cr_expect_str_eq(rig_state(&rig), "a=1");
        } else {
            cr_expect_eq(status, MR_E_KAFKA_TIMEOUT, "%s", rig.err.message);
            cr_expect_eq(rig.err.recovery, MR_RECOVERY_RETRY, "the worker knows how to end it");
        }
        rig_tear_down(&rig);
    }
}
