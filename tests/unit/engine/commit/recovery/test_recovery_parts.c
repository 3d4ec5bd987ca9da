/*
 * Goal: a base written over several epochs gives the state back with the changes since its first
 * part, once its last part is there, and is noise to who needs it not.
 * Method: epochs put by hand, the log trimmed in front of the first part; see recovery_rig.h.
 */
#include "tests/unit/engine/commit/recovery/recovery_rig.h"

#include <criterion/criterion.h>
#include <string.h>

static void first_part(mr_epoch_record *record)
{
    record->has_base = false;
    record->has_base_part = true;
}
static void middle_part(mr_epoch_record *record)
{
    first_part(record);
    record->is_base_continued = true;
}
static void last_part(mr_epoch_record *record)
{
    record->is_base_continued = true;
}

/* Keys a and c are in the first part, b in the middle one, d and e in the last; between the parts
 * they go on changing. Returns where the epoch of the first part begins. */
static int64_t put_parts(recovery_rig *rig, bool with_last)
{
    rig_put(rig, "a=1 b=1");
    rig_put(rig, "c=1 d=1 e=1 f=1");
    int64_t from = rig->epoch_offset + 1;
    rig_put_epoch(rig, &(rig_epoch){.changes = "a=2", .base = "a=2 c=1", .alter = first_part});
    rig_put(rig, "-a b=2 d=2 -f");
    rig_put_epoch(rig, &(rig_epoch){.changes = "c=3 e=3", .base = "b=2", .alter = middle_part});
    rig_put(rig, "b=4 g=4");
    if (with_last)
        rig_put_epoch(rig,
                      &(rig_epoch){.changes = "d=5", .base = "d=5 e=3 g=4", .alter = last_part});
    return from;
}

static void expect_state(recovery_rig *rig, const char *state)
{
    cr_assert_eq(rig_recover(rig), MR_OK, "MR%d %s", rig->err.status, rig->err.message);
    cr_expect_str_eq(rig_state(rig), state);
}

Test(recovery_parts, give_the_state_with_the_changes_between_them)
{
    for (int i = 0; i < 4; i++) {
        recovery_rig rig;
        rig_set_up(&rig, 1, i % 2 == 0);
        rig.has_no_store = i >= 2;
        int64_t from = put_parts(&rig, true);
        expect_state(&rig, "b=4 c=3 d=5 e=3 g=4"); /* from epoch 1 on */
        rig_trim(&rig, from);
        expect_state(&rig, "b=4 c=3 d=5 e=3 g=4");
        rig_put(&rig, "h=6");
        expect_state(&rig, "b=4 c=3 d=5 e=3 g=4 h=6");
        rig_tear_down(&rig);
    }
}

/* What of them is in memory is bounded: the local store has them before the last one is read. One
 * that was left in between is not set aside as damaged: it is begun anew. */
Test(recovery_parts, go_to_the_local_store_on_the_way)
{
    recovery_rig rig;
    rig_set_up(&rig, 1, true);
    rig.state_bytes_max = 1;
    rig_trim(&rig, put_parts(&rig, false));
    cr_expect_eq(rig_recover(&rig), MR_E_STATE_GAP);
    cr_expect_gt(mr_state_left(rig.state), 0);
    rig_put_epoch(&rig, &(rig_epoch){.changes = "d=5", .base = "d=5 e=3 g=4", .alter = last_part});
    expect_state(&rig, "b=4 c=3 d=5 e=3 g=4");
    cr_expect_gt(mr_state_left(rig.state), 3);
    cr_expect_not(rig.recovered.was_quarantined);
    cr_expect_eq(mr_sim_disk_quarantined(rig.world.worker[0].disk), 0);
    rig_tear_down(&rig);
}

Test(recovery_parts, stay_in_memory_where_there_is_room)
{
    recovery_rig rig;
    rig_set_up(&rig, 1, true);
    rig.state_bytes_max = SIZE_MAX / 2;
    rig_trim(&rig, put_parts(&rig, true));
    expect_state(&rig, "b=4 c=3 d=5 e=3 g=4");
    cr_expect_eq(mr_state_left(rig.state), 0);
    rig_tear_down(&rig);
}

/* With as many entries in memory as a local store is read whole for, others go past it; those that
 * are there, left out, deleted, and made again all count as the log has them. */
Test(recovery_parts, beyond_a_number_of_entries_go_past_memory)
{
    for (uint64_t most = 1; most < 8; most++) {
        recovery_rig rig;
        rig_set_up(&rig, 1, true);
        rig.state_bytes_max = (size_t)1 << 20;
        rig.load_entries_max = most;
        rig_trim(&rig, put_parts(&rig, true));
        expect_state(&rig, "b=4 c=3 d=5 e=3 g=4");
        cr_expect_leq(mr_state_entries_count(rig.state), most + 4); /* what an epoch adds */
        cr_expect(most > 2 || rig.pending.epochs == 0);
        cr_expect(most < 6 || rig.pending.epochs > 0);
        rig_tear_down(&rig);
        rig_set_up(&rig, 1, true);
        rig.state_bytes_max = (size_t)1 << 20;
        rig.load_entries_max = most;
        rig_put(&rig, "a=1 b=1 c=1 d=1");
        rig_put(&rig, "e=1 f=1 g=1");
        rig_put(&rig, "-a -e c=2 f=2 -h");
        rig_put(&rig, "a=3 e=3 h=3 -c -g");
        rig_put(&rig, "c=4 -b");
        expect_state(&rig, "a=3 c=4 d=1 e=3 f=2 h=3");
        expect_state(&rig, "a=3 c=4 d=1 e=3 f=2 h=3"); /* from the store, where it has it */
        cr_expect_eq(rig.recovered.epochs_read, 0);
        rig_put(&rig, "!");
        rig_put(&rig, "b=5");
        expect_state(&rig, "b=5");
        rig_tear_down(&rig);
    }
}

Test(recovery_parts, without_the_last_one_are_no_base)
{
    recovery_rig rig;
    rig_set_up(&rig, 1, true);
    int64_t from = put_parts(&rig, false);
    expect_state(&rig, "b=4 c=3 d=2 e=3 g=4"); /* nobody needs it */
    rig_trim(&rig, from);
    cr_expect_eq(rig_recover(&rig), MR_E_STATE_GAP);
    cr_expect_not_null(strstr(rig.err.message, "last part is missing"), "%s", rig.err.message);
    rig_tear_down(&rig);
}

/* The log was trimmed within the base: a part that continues one is no beginning. */
Test(recovery_parts, begin_with_the_first_one)
{
    recovery_rig rig;
    rig_set_up(&rig, 1, true);
    int64_t from = put_parts(&rig, true);
    rig_trim(&rig, from + 4 + 3); /* two chunks, a record and a marker; a chunk less */
    cr_expect_eq(rig_recover(&rig), MR_E_STATE_GAP);
    cr_expect_not_null(strstr(rig.err.message, "which is no base"), "%s", rig.err.message);
    rig_tear_down(&rig);
}

/* Its writer died, the next one began anew; and in the first epoch all of the state is its
 * delta. */
Test(recovery_parts, of_a_base_given_up_in_the_first_epoch_are_noise)
{
    recovery_rig rig;
    rig_set_up(&rig, 1, true);
    rig_put_epoch(&rig, &(rig_epoch){.changes = "a=1 b=1", .base = "a=1", .alter = first_part});
    expect_state(&rig, "a=1 b=1");
    rig_put(&rig, "b=2");
    expect_state(&rig, "a=1 b=2");
    int64_t from = rig.epoch_offset + 1;
    rig_put_epoch(&rig, &(rig_epoch){.changes = "a=3", .base = "a=3", .alter = first_part});
    rig_put_epoch(&rig, &(rig_epoch){.changes = "c=4", .base = "b=2 c=4", .alter = last_part});
    rig_trim(&rig, from);
    expect_state(&rig, "a=3 b=2 c=4");
    rig_tear_down(&rig);
}

static void a_chunk_more(mr_epoch_record *record)
{
    last_part(record);
    record->base_chunks++;
}

Test(recovery_parts, with_a_chunk_missing_are_no_base)
{
    recovery_rig rig;
    rig_set_up(&rig, 1, true);
    rig_trim(&rig, put_parts(&rig, false));
    rig_put_epoch(&rig, &(rig_epoch){.base = "d=5 e=3 g=4", .alter = a_chunk_more});
    cr_expect_eq(rig_recover(&rig), MR_E_STATE_GAP);
    cr_expect_not_null(strstr(rig.err.message, "has 2 base chunks, 1 were found"), "%s",
                       rig.err.message);
    rig_tear_down(&rig);
}

static void first_part_behind_another_log(mr_epoch_record *record)
{
    first_part(record);
    record->previous_offset = 7;
}

/* Epoch 1 holds all there is when it follows nothing, and only then. */
Test(recovery_parts, of_a_first_epoch_that_follows_something_are_no_base)
{
    recovery_rig rig;
    rig_set_up(&rig, 1, true);
    rig_put_epoch(
        &rig,
        &(rig_epoch){.changes = "a=1", .base = "a=1", .alter = first_part_behind_another_log});
    cr_expect_eq(rig_recover(&rig), MR_E_STATE_GAP);
    cr_expect_not_null(strstr(rig.err.message, "last part is missing"), "%s", rig.err.message);
    rig_tear_down(&rig);
}

Test(recovery_parts, are_skipped_behind_a_local_store)
{
    recovery_rig rig;
    rig_set_up(&rig, 1, true);
    rig_put(&rig, "a=1 b=1");
    rig_put_epoch(&rig, &(rig_epoch){.changes = "a=2", .base = "a=2", .alter = first_part});
    rig_recover_and_apply(&rig);
    rig_put_epoch(&rig, &(rig_epoch){.changes = "-a", .base = "b=1", .alter = last_part});
    expect_state(&rig, "b=1");
    cr_expect_eq(rig.recovered.epochs_read, 1);
    rig_tear_down(&rig);
}
