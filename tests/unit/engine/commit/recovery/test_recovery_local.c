/*
 * Goal: a local store saves reading, never changes what is read: one that is damaged, of another
 * history, ahead of the log or behind its start is set aside and the task rebuilt from the log.
 * Method: stores written by a recovery, then the log or the disk is changed under them.
 */
#include "tests/unit/engine/commit/recovery/recovery_rig.h"

#include <criterion/criterion.h>

/* A store that holds two epochs, and a log that has three. */
static void set_up(recovery_rig *rig)
{
    rig_set_up(rig, 1, true);
    rig_put(rig, "a=1 b=2");
    rig_put(rig, "c=3");
    rig_recover_and_apply(rig);
    rig_put(rig, "-a d=4");
}

static void expect_rebuilt(recovery_rig *rig, const char *state, bool is_set_aside)
{
    uint32_t before = mr_sim_disk_quarantined(rig->world.worker[0].disk);
    cr_expect_eq(rig_recover(rig), MR_OK, "%s", rig->err.message);
    cr_expect_str_eq(rig_state(rig), state);
    cr_expect_eq(rig->recovered.was_quarantined, is_set_aside);
    cr_expect_eq(mr_sim_disk_quarantined(rig->world.worker[0].disk), before + is_set_aside);
    cr_expect_eq(rig->recovered.epoch_offset, rig->epoch_offset);
    cr_expect_eq(rig->recovered.epoch.epoch, rig->epoch);
}

Test(recovery_local, the_log_is_read_from_where_the_store_ends)
{
    recovery_rig rig;
    set_up(&rig);
    expect_rebuilt(&rig, "b=2 c=3 d=4", false);
    cr_expect_eq(rig.recovered.entries_loaded, 3);
    cr_expect_eq(rig.recovered.epochs_read, 1);
    cr_expect_eq(rig.pending.epochs, 1, "what the store lacks, and no more");
    rig_recover_and_apply(&rig);
    expect_rebuilt(&rig, "b=2 c=3 d=4", false);
    cr_expect_eq(rig.recovered.epochs_read, 0);
    rig_tear_down(&rig);
}

Test(recovery_local, a_store_that_holds_all_knows_its_epoch_record)
{
    recovery_rig rig;
    set_up(&rig);
    rig_recover_and_apply(&rig);
    cr_expect_eq(rig_recover(&rig), MR_OK);
    cr_expect(rig.recovered.has_epoch);
    cr_expect_str_eq(rig.recovered.epoch.transactional_id, "old");
    cr_expect_eq(rig.recovered.epoch.delta_chunks, 1);
    rig_tear_down(&rig);
}

Test(recovery_local, damage_is_set_aside_wherever_it_is_found)
{
    static const mr_sim_damage damages[] = {MR_SIM_DAMAGE_OPEN, MR_SIM_DAMAGE_MARKER,
                                            MR_SIM_DAMAGE_SCAN};
    for (size_t i = 0; i < 3; i++) {
        recovery_rig rig;
        set_up(&rig);
        cr_assert(mr_sim_disk_damage(rig.world.worker[0].disk, "job", 0, damages[i]));
        expect_rebuilt(&rig, "b=2 c=3 d=4", true);
        cr_expect_eq(rig.recovered.entries_loaded, 0);
        cr_expect_eq(rig.recovered.epochs_read, 3);
        cr_expect_eq(rig.pending.epochs, 3, "the new store lacks all");
        rig_tear_down(&rig);
    }
}

Test(recovery_local, a_log_begun_anew_makes_the_store_of_another_history)
{
    static const char *const histories[] = {"a=9", "a=1 b=2|c=9", "a=1 b=2|c=9|d=9|e=9"};
    for (size_t i = 0; i < 3; i++) {
        recovery_rig rig;
        set_up(&rig);
        rig_recover_and_apply(&rig); /* three epochs */
        rig_forget_log(&rig);
        char text[64], expected[64] = "";
        snprintf(text, sizeof text, "%s", histories[i]);
        for (char *epoch = strtok(text, "|"); epoch != NULL; epoch = strtok(NULL, "|")) {
            rig_put(&rig, epoch);
            snprintf(expected + strlen(expected), sizeof expected - strlen(expected), "%s%s",
                     expected[0] != '\0' ? " " : "", epoch);
        }
        expect_rebuilt(&rig, expected, true);
        rig_tear_down(&rig);
    }
}

/* The log of the other history has a chunk where the store's epoch record stood. */
Test(recovery_local, where_the_store_ends_must_stand_its_epoch_record)
{
    recovery_rig rig;
    rig_set_up(&rig, 1, true);
    rig_put(&rig, "a=1");
    rig_recover_and_apply(&rig);
    rig_forget_log(&rig);
    rig_put_epoch(&rig, &(rig_epoch){0}); /* record and marker */
    rig_put(&rig, "b=2");                 /* its chunk is at 2, the store's record was at 1 */
    expect_rebuilt(&rig, "b=2", true);
    rig_tear_down(&rig);
    rig_set_up(&rig, 1, true);
    rig_put_epoch(&rig, &(rig_epoch){0});
    rig_put(&rig, "a=1");
    rig_put(&rig, "a=2"); /* its record is at 6 */
    rig_recover_and_apply(&rig);
    rig_forget_log(&rig);
    rig_put(&rig, "b=2");
    rig_put(&rig, "b=3");
    rig_put(&rig, "b=4"); /* a chunk at 6 */
    expect_rebuilt(&rig, "b=4", true);
    rig_tear_down(&rig);
}

Test(recovery_local, a_foreign_record_where_the_store_ends_is_refused_in_the_end)
{
    recovery_rig rig;
    rig_set_up(&rig, 1, true);
    rig_put(&rig, "a=1");
    rig_recover_and_apply(&rig);
    rig_forget_log(&rig);
    rig_put_epoch(&rig, &(rig_epoch){0});
    rig_put_epoch(&rig, &(rig_epoch){0});
    rig_trim(&rig, 1); /* the store's record was at 1, here is a marker */
    cr_expect_eq(rig_recover(&rig), MR_E_STATE_GAP);
    cr_expect_eq(mr_sim_disk_quarantined(rig.world.worker[0].disk), 1);
    rig_tear_down(&rig);
}

Test(recovery_local, a_store_behind_the_logs_start_is_too_old)
{
    recovery_rig rig;
    rig_set_up(&rig, 1, true);
    rig_put(&rig, "a=1");
    rig_recover_and_apply(&rig);
    rig_put(&rig, "b=2");
    int64_t base = rig.epoch_offset + 2;
    rig_put_epoch(&rig, &(rig_epoch){.changes = "c=3", .base = "a=1 b=2 c=3"});
    rig_trim(&rig, base);
    expect_rebuilt(&rig, "a=1 b=2 c=3", true);
    rig_tear_down(&rig);
}

/* The log ends where the store does not, for as long as markers may take. */
Test(recovery_local, a_store_ahead_of_the_log_waits_for_it_then_is_set_aside)
{
    recovery_rig rig;
    set_up(&rig);
    rig_recover_and_apply(&rig);
    rig_forget_log(&rig);
    rig_put(&rig, "z=9");
    int64_t began = rig.world.clock.now_us;
    expect_rebuilt(&rig, "z=9", true);
    cr_expect_geq(rig.world.clock.now_us - began, 15000000);
    rig_tear_down(&rig);
}

Test(recovery_local, an_empty_log_under_a_store_is_refused)
{
    recovery_rig rig;
    set_up(&rig);
    rig_forget_log(&rig);
    cr_expect_eq(rig_recover(&rig), MR_E_STATE_PARTIAL, "%s", rig.err.message);
    cr_expect_not_null(strstr(rig.err.message, "is empty, but local state holds epoch 2"));
    cr_expect_eq(mr_sim_disk_quarantined(rig.world.worker[0].disk), 0, "it is all there is");
    rig_tear_down(&rig);
}

static void write_entries(recovery_rig *rig, uint64_t plan, const mr_store_change *changes,
                          size_t count)
{
    mr_store_factory *stores = mr_sim_stores(&rig->world, 0);
    mr_local_store *store;
    mr_store_marker marker = {.is_present = true,
                              .plan_version = plan,
                              .epoch = 1,
                              .log_offset = rig->epoch_offset + 1,
                              .checksum = rig->epoch_checksum};
    cr_assert_eq(stores->open(stores, "job", 0, &store, &rig->err), MR_OK);
    cr_assert_eq(store->class->apply(store, changes, count, &marker, &rig->err), MR_OK);
    cr_assert_eq(store->class->flush(store, &rig->err), MR_OK);
    store->class->close(store);
}

static mr_store_change entry_of(uint16_t table, int64_t slice)
{
    return (mr_store_change){.table = table,
                             .slice = slice,
                             .operation = MR_STORE_PUT,
                             .key = "a",
                             .key_length = 1,
                             .value = "9",
                             .value_length = 1};
}

Test(recovery_local, a_store_of_another_plan_is_refused)
{
    recovery_rig rig;
    rig_set_up(&rig, 1, true);
    rig_put(&rig, "a=1");
    mr_store_change entry = entry_of(0, 0);
    write_entries(&rig, RIG_PLAN + 1, &entry, 1);
    cr_expect_eq(rig_recover(&rig), MR_E_STATE_PLAN, "%s", rig.err.message);
    cr_expect_not_null(strstr(rig.err.message, "local state of task 0"));
    rig_tear_down(&rig);
}

Test(recovery_local, a_store_with_tables_that_are_none_of_the_plans_is_set_aside)
{
    recovery_rig rig;
    rig_set_up(&rig, 1, true);
    rig_put(&rig, "a=1");
    mr_store_change entry = entry_of(5, 0);
    write_entries(&rig, RIG_PLAN, &entry, 1);
    expect_rebuilt(&rig, "a=1", true);
    rig_tear_down(&rig);
}

/* It is the log that is broken, so without the store it is refused all the same. */
Test(recovery_local, a_break_behind_the_store_costs_the_store_and_is_refused)
{
    recovery_rig rig;
    set_up(&rig);
    rig_put_bytes(&rig, "hello", 5);
    cr_expect_eq(rig_recover(&rig), MR_E_STATE_FORMAT);
    cr_expect_eq(rig.err.recovery, MR_RECOVERY_STOP);
    cr_expect_eq(mr_sim_disk_quarantined(rig.world.worker[0].disk), 1);
    rig_tear_down(&rig);
}

/* While it was at work a worker met an entry that cannot be read. */
Test(recovery_local, one_that_was_found_damaged_at_work_is_set_aside_once)
{
    for (int is_damaged_at_open = 0; is_damaged_at_open < 2; is_damaged_at_open++) {
        recovery_rig rig;
        set_up(&rig);
        rig.distrusts_store = true;
        if (is_damaged_at_open)
            cr_assert(mr_sim_disk_damage(rig.world.worker[0].disk, "job", 0, MR_SIM_DAMAGE_OPEN));
        expect_rebuilt(&rig, "b=2 c=3 d=4", true);
        rig_tear_down(&rig);
    }
}

static mr_status cannot_write(mr_local_store *store, const mr_store_change *changes, size_t count,
                              const mr_store_marker *marker, mr_error *err)
{
    (void)store, (void)changes, (void)count, (void)marker;
    return mr_error_set(err, MR_E_STORE_WRITE, "no space is left");
}

static mr_status finds_damage(mr_local_store *store, const mr_store_change *changes, size_t count,
                              const mr_store_marker *marker, mr_error *err)
{
    (void)store, (void)changes, (void)count, (void)marker;
    return mr_error_set(err, MR_E_STORE_DAMAGED, "a bad block");
}

static void let_it_not_write(recovery_rig *rig, mr_local_store *store)
{
    rig->store_class = *store->class;
    rig->store_class.apply = cannot_write;
    store->class = &rig->store_class;
}

/* A new one, in the place of what was set aside, is sound. */
static void let_it_find_damage(recovery_rig *rig, mr_local_store *store)
{
    if (rig->recovered.was_quarantined)
        return;
    rig->store_class = *store->class;
    rig->store_class.apply = finds_damage;
    store->class = &rig->store_class;
}

/* What leaves memory on the way goes to the store. */
Test(recovery_local, one_that_shows_its_damage_while_the_log_is_read_is_set_aside)
{
    recovery_rig rig;
    set_up(&rig);
    rig.state_bytes_max = 1;
    rig.on_open = let_it_find_damage;
    expect_rebuilt(&rig, "b=2 c=3 d=4", true);
    rig_tear_down(&rig);
}

Test(recovery_local, a_full_disk_is_not_the_logs_fault_and_costs_no_store)
{
    recovery_rig rig;
    set_up(&rig);
    rig.state_bytes_max = 1;
    rig.on_open = let_it_not_write;
    cr_expect_eq(rig_recover(&rig), MR_E_STORE_WRITE, "%s", rig.err.message);
    cr_expect_null(strstr(rig.err.message, "state log"), "%s", rig.err.message);
    rig.on_open = NULL;
    expect_rebuilt(&rig, "b=2 c=3 d=4", false);
    rig_tear_down(&rig);
}

/* Read whole, or entry by entry where none may leave memory. */
Test(recovery_local, a_large_one_is_given_up_amid_its_entries_and_read_again)
{
    enum { ENTRIES = 2100 };
    for (uint64_t entries_max = 0; entries_max < 2; entries_max++) {
        recovery_rig rig;
        rig_set_up(&rig, 1, true);
        rig_put(&rig, "a=1");
        mr_store_change entries[ENTRIES];
        uint16_t keys[ENTRIES];
        for (uint16_t i = 0; i < ENTRIES; i++) {
            keys[i] = i;
            entries[i] = entry_of(0, 0);
            entries[i].key = (const char *)&keys[i];
            entries[i].key_length = sizeof *keys;
        }
        write_entries(&rig, RIG_PLAN, entries, ENTRIES);
        rig.load_entries_max = entries_max;
        rig.breath_limit = 1;
        cr_expect_eq(rig_recover(&rig), MR_E_INTERRUPTED);
        cr_expect_eq(rig.recovered.entries_loaded, 1024);
        rig.breath_limit = 0;
        cr_expect_eq(rig_recover(&rig), MR_OK, "%s", rig.err.message);
        cr_expect_eq(rig.recovered.entries_loaded, ENTRIES);
        rig_tear_down(&rig);
    }
}

/* There is no slice behind the last one there can be. */
Test(recovery_local, slices_up_to_the_end_of_time_are_left_in_it)
{
    recovery_rig rig;
    rig_set_up(&rig, 1, true);
    rig.state_bytes_max = 1000000;
    rig.load_entries_max = 1;
    rig_put(&rig, "a=1");
    mr_store_change entries[] = {entry_of(0, 7), entry_of(0, INT64_MAX)};
    write_entries(&rig, RIG_PLAN, entries, 2);
    cr_expect_eq(rig_recover(&rig), MR_OK, "%s", rig.err.message);
    cr_expect_eq(rig.recovered.slices_left, 2);
    cr_expect_str_eq(rig_state(&rig), "a=9 a=9");
    rig_tear_down(&rig);
}
