/*
 * Goal: the log alone gives the state of its last epoch; whatever breaks its chain is refused with
 * the place, and what writers without transactions leave behind is passed over. Method: state logs
 * written by hand, true but for one lie each.
 */
#include "tests/unit/engine/commit/recovery/recovery_rig.h"

#include <criterion/criterion.h>

Test(recovery_chain, an_empty_log_is_a_fresh_start)
{
    recovery_rig rig;
    rig_set_up(&rig, 1, true);
    cr_expect_eq(rig_recover(&rig), MR_OK, "%s", rig.err.message);
    cr_expect_not(rig.recovered.has_epoch);
    cr_expect_not(rig.recovered.has_claim);
    cr_expect_eq(rig.recovered.epoch_offset, -1);
    cr_expect_str_eq(rig_state(&rig), "");
    rig_tear_down(&rig);
}

Test(recovery_chain, gives_the_state_of_the_last_epoch_with_or_without_a_store)
{
    for (int has_no_store = 0; has_no_store < 2; has_no_store++) {
        recovery_rig rig;
        rig_set_up(&rig, 1, true);
        rig.has_no_store = has_no_store == 1;
        rig_put(&rig, "a=1 b=2 c=3");
        rig_put(&rig, "-b c=4 -x");
        rig_put_epoch(&rig, &(rig_epoch){0}); /* an epoch without changes */
        cr_expect_eq(rig_recover(&rig), MR_OK, "%s", rig.err.message);
        cr_expect_str_eq(rig_state(&rig), "a=1 c=4");
        cr_expect_eq(rig.recovered.epoch.epoch, 3);
        cr_expect_eq(rig.recovered.epoch_offset, rig.epoch_offset);
        cr_expect_eq(rig.recovered.epoch_checksum, rig.epoch_checksum);
        cr_expect_eq(rig.recovered.epochs_read, 3);
        cr_expect_eq(rig.pending.epochs, rig.has_no_store ? 0 : 3);
        rig_put(&rig, "! d=9");
        cr_expect_eq(rig_recover(&rig), MR_OK);
        cr_expect_str_eq(rig_state(&rig), "d=9");
        rig_tear_down(&rig);
    }
}

Test(recovery_chain, a_base_is_passed_over_until_what_it_stands_for_is_gone)
{
    recovery_rig rig;
    rig_set_up(&rig, 1, true);
    rig_put(&rig, "a=1 b=2");
    int64_t base = rig.epoch_offset + 2; /* behind the marker of its transaction */
    rig_put_epoch(&rig, &(rig_epoch){.changes = "c=3", .base = "a=1 b=2 c=3"});
    rig_put(&rig, "-a");
    cr_expect_eq(rig_recover(&rig), MR_OK, "%s", rig.err.message);
    cr_expect_str_eq(rig_state(&rig), "b=2 c=3");
    cr_expect_eq(rig.recovered.epochs_read, 3);
    rig_trim(&rig, base);
    cr_expect_eq(rig_recover(&rig), MR_OK, "%s", rig.err.message);
    cr_expect_str_eq(rig_state(&rig), "b=2 c=3");
    cr_expect_eq(rig.recovered.epochs_read, 2);
    rig_tear_down(&rig);
}

Test(recovery_chain, a_claim_is_of_the_owner_until_its_first_epoch)
{
    recovery_rig rig;
    rig_set_up(&rig, 1, true);
    rig_put_claim(&rig);
    cr_expect_eq(rig_recover(&rig), MR_OK, "%s", rig.err.message);
    cr_expect(rig.recovered.has_claim && !rig.recovered.has_epoch);
    cr_expect_str_eq(rig.recovered.claim.transactional_id, "old");
    rig_put(&rig, "a=1");
    cr_expect_eq(rig_recover(&rig), MR_OK, "%s", rig.err.message);
    cr_expect(rig.recovered.has_epoch && !rig.recovered.has_claim);
    rig_tear_down(&rig);
}

/* Lies of an epoch record. */
static void another_plan(mr_epoch_record *record)
{
    record->plan_version++;
}
static void one_chunk_more(mr_epoch_record *record)
{
    record->delta_chunks++;
}
static void an_epoch_left_out(mr_epoch_record *record)
{
    record->epoch++;
}
static void another_offset(mr_epoch_record *record)
{
    record->previous_offset--;
}
static void another_checksum(mr_epoch_record *record)
{
    record->previous_checksum ^= 1;
}
static void not_the_first(mr_epoch_record *record)
{
    record->epoch = 2;
}
static void behind_another(mr_epoch_record *record)
{
    record->previous_offset = 5;
}
static void a_base_of_two_chunks(mr_epoch_record *record)
{
    record->has_base = true;
    record->base_chunks = 2;
}

/* What is refused, and what the message says of it. */
static void expect_refused(recovery_rig *rig, mr_status code, int64_t offset, const char *words)
{
    char place[64];
    snprintf(place, sizeof place, "state log " RIG_TOPIC "[0]@%d: ", (int)offset);
    cr_expect_eq(rig_recover(rig), code, "%s: got MR%d %s", words, rig->err.status,
                 rig->err.message);
    cr_expect_eq(rig->err.recovery, MR_RECOVERY_STOP);
    cr_expect_eq(strncmp(rig->err.message, place, strlen(place)), 0, "%s: no %s in %s", words,
                 place, rig->err.message);
    cr_expect_not_null(strstr(rig->err.message, words), "no %s in %s", words, rig->err.message);
}

Test(recovery_chain, a_record_that_is_not_the_next_link_is_refused_with_its_place)
{
    static const struct {
        uint32_t epochs_before;
        void (*lie)(mr_epoch_record *record);
        mr_status code;
        const char *words;
    } cases[] = {
        {1, another_plan, MR_E_STATE_PLAN, "written by plan 000000000000004e"},
        {1, one_chunk_more, MR_E_STATE_GAP, "has 2 delta chunks, 1 were found"},
        {1, an_epoch_left_out, MR_E_STATE_GAP, "epoch 3 follows offset"},
        {1, another_offset, MR_E_STATE_GAP, "epoch 2 follows offset 0"},
        {1, another_checksum, MR_E_STATE_GAP, "epoch 2 follows offset 1"},
        {0, not_the_first, MR_E_STATE_GAP, "the log starts with epoch 2, which is no base"},
        {0, behind_another, MR_E_STATE_GAP, "the log starts with epoch 1, which is no base"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        recovery_rig rig;
        rig_set_up(&rig, 1, true);
        for (uint32_t e = 0; e < cases[i].epochs_before; e++)
            rig_put(&rig, "a=1");
        rig_put_epoch(&rig, &(rig_epoch){.changes = "a=2", .alter = cases[i].lie});
        rig_put(&rig, "a=3");
        int64_t offset = cases[i].epochs_before * 3 + 1; /* chunk, record and marker each */
        expect_refused(&rig, cases[i].code, offset, cases[i].words);
        rig_tear_down(&rig);
    }
}

Test(recovery_chain, a_log_that_begins_with_half_a_base_is_refused)
{
    recovery_rig rig;
    rig_set_up(&rig, 1, true);
    rig_put(&rig, "a=1");
    rig_put_epoch(&rig,
                  &(rig_epoch){.changes = "a=2", .base = "a=2", .alter = a_base_of_two_chunks});
    cr_expect_eq(rig_recover(&rig), MR_OK, "nobody needs it");
    rig_trim(&rig, 3);
    expect_refused(&rig, MR_E_STATE_GAP, 5, "the log starts with epoch 2, which is no base");
    rig_tear_down(&rig);
}

/* One record behind an epoch; `at` and `xor` change a byte in front of its checksum. */
static void expect_record_refused(const mr_buffer *bytes, mr_status code, const char *words)
{
    recovery_rig rig;
    rig_set_up(&rig, 1, true);
    rig_put(&rig, "a=1");
    rig_put_bytes(&rig, bytes->data, bytes->length);
    rig_put_epoch(&rig, &(rig_epoch){0});
    expect_refused(&rig, code, 3, words);
    rig_tear_down(&rig);
}

Test(recovery_chain, a_foreign_or_malformed_record_is_refused_with_its_place)
{
    mr_buffer bytes = {0};
    mr_buffer_put(&bytes, "hello", 5);
    expect_record_refused(&bytes, MR_E_STATE_FORMAT, "");
    static const mr_delta_header foreign = {.kind = MR_DELTA_CHUNK, .task = 4, .epoch = 2};
    mr_buffer_clear(&bytes);
    mr_delta_begin(&bytes, &foreign);
    mr_delta_seal(&bytes, 0);
    expect_record_refused(&bytes, MR_E_STATE_FORMAT, "record of task 4");
    static const mr_delta_kind kinds[] = {MR_DELTA_EPOCH, MR_DELTA_CLAIM};
    for (size_t i = 0; i < 2; i++) {
        mr_delta_header header = {.kind = kinds[i], .epoch = 2};
        mr_buffer_clear(&bytes);
        mr_delta_begin(&bytes, &header);
        mr_buffer_put(&bytes, "\xff\xff", 2);
        mr_delta_seal(&bytes, 0);
        expect_record_refused(&bytes, MR_E_STATE_FORMAT, "malformed epoch record");
    }
    mr_buffer_release(&bytes);
}

Test(recovery_chain, an_epoch_vouches_for_its_chunks_and_one_that_does_not_say_is_believed)
{
    recovery_rig rig;
    rig_set_up(&rig, 1, true);
    rig_put_epoch(&rig, &(rig_epoch){.changes = "a=1", .is_of_others = true});
    expect_refused(&rig, MR_E_STATE_GAP, 1, "these are chunks of another epoch");
    rig_tear_down(&rig);
    rig_set_up(&rig, 1, true);
    mr_buffer bytes = {0};
    rig_chunk(&rig, MR_DELTA_CHUNK, "a=1", &bytes);
    rig_put_bytes(&rig, bytes.data, bytes.length);
    rig_put_epoch(&rig, &(rig_epoch){.alter = one_chunk_more}); /* its check is of no chunks: 0 */
    cr_expect_eq(rig_recover(&rig), MR_OK, "%s", rig.err.message);
    cr_expect_str_eq(rig_state(&rig), "a=1");
    mr_buffer_release(&bytes);
    rig_tear_down(&rig);
}

/* The entries of a chunk are looked at when its epoch record is there. */
static void expect_entry_refused(uint8_t operation, uint64_t table, mr_status code,
                                 const char *words)
{
    recovery_rig rig;
    rig_set_up(&rig, 1, true);
    rig_put(&rig, "a=1");
    mr_buffer bytes = {0};
    mr_delta_header header = {.kind = MR_DELTA_CHUNK, .epoch = 2};
    mr_delta_begin(&bytes, &header);
    mr_buffer_put_u8(&bytes, operation);
    mr_buffer_put_varint(&bytes, table);
    mr_buffer_put_zigzag(&bytes, 0);
    mr_delta_seal(&bytes, 0);
    rig_put_bytes(&rig, bytes.data, bytes.length);
    rig_put_epoch(&rig, &(rig_epoch){.alter = one_chunk_more});
    expect_refused(&rig, code, 5, words);
    mr_buffer_release(&bytes);
    rig_tear_down(&rig);
}

Test(recovery_chain, an_entry_that_is_none_of_the_plans_is_refused)
{
    expect_entry_refused(MR_STORE_DROP_SLICE, 7, MR_E_STATE, "change of table 7");
    expect_entry_refused(99, 0, MR_E_STATE_FORMAT, "malformed entry in a delta");
}

static void one_chunk(mr_epoch_record *record)
{
    record->delta_chunks = 1;
}

Test(recovery_chain, a_chunk_too_many_is_refused)
{
    recovery_rig rig;
    rig_set_up(&rig, 1, true);
    rig_put_epoch(&rig, &(rig_epoch){.changes = "a=1", .more = "b=2", .alter = one_chunk});
    expect_refused(&rig, MR_E_STATE_GAP, 2, "has 1 delta chunks, 2 were found");
    rig_tear_down(&rig);
}

Test(recovery_chain, epochs_and_bases_of_several_chunks_are_whole)
{
    for (int is_transactional = 0; is_transactional < 2; is_transactional++) {
        recovery_rig rig;
        rig_set_up(&rig, 1, is_transactional == 1);
        rig_put_epoch(&rig, &(rig_epoch){.changes = "a=1", .more = "b=2"});
        int64_t base = rig.epoch_offset + 1;
        rig_put_epoch(
            &rig, &(rig_epoch){
                      .changes = "c=3", .more = "d=4", .base = "a=1 b=2", .more_base = "c=3 d=4"});
        cr_expect_eq(rig_recover(&rig), MR_OK, "%s", rig.err.message);
        cr_expect_str_eq(rig_state(&rig), "a=1 b=2 c=3 d=4");
        rig_trim(&rig, base);
        cr_expect_eq(rig_recover(&rig), MR_OK, "%s", rig.err.message);
        cr_expect_str_eq(rig_state(&rig), "a=1 b=2 c=3 d=4");
        rig_tear_down(&rig);
    }
}

/* Without transactions. */

Test(recovery_chain, what_a_dead_writer_left_of_an_epoch_is_passed_over)
{
    recovery_rig rig;
    rig_set_up(&rig, 1, false);
    rig_put(&rig, "a=1");
    rig_open(&rig, "a=7 z=7"); /* dies; the epoch is written anew */
    rig_put(&rig, "b=2");
    rig_open(&rig, "a=8 z=8"); /* dies; the next epoch has no changes */
    rig_put_epoch(&rig, &(rig_epoch){0});
    cr_expect_eq(rig_recover(&rig), MR_OK, "%s", rig.err.message);
    cr_expect_str_eq(rig_state(&rig), "a=1 b=2");
    cr_expect_eq(rig.recovered.epochs_read, 3);
    rig_tear_down(&rig);
}

static void put_base_chunk(recovery_rig *rig, const char *changes)
{
    mr_buffer bytes = {0};
    rig->base_chunks = 0;
    rig_chunk(rig, MR_DELTA_BASE, changes, &bytes);
    rig_put_bytes(rig, bytes.data, bytes.length);
    mr_buffer_release(&bytes);
}

Test(recovery_chain, half_a_base_is_passed_over_too)
{
    for (int has_base = 0; has_base < 2; has_base++) {
        recovery_rig rig;
        rig_set_up(&rig, 1, false);
        put_base_chunk(&rig, "z=7"); /* dies in its first epoch */
        rig_put_epoch(&rig, &(rig_epoch){.changes = "a=1", .base = has_base ? "a=1" : NULL});
        rig_put(&rig, "b=2");
        cr_expect_eq(rig_recover(&rig), MR_OK, "%s", rig.err.message);
        cr_expect_str_eq(rig_state(&rig), "a=1 b=2");
        rig_tear_down(&rig);
    }
}

Test(recovery_chain, epochs_of_a_former_owner_do_not_count)
{
    recovery_rig rig;
    rig_set_up(&rig, 1, false);
    rig_put(&rig, "a=1");
    recovery_rig before = rig; /* what the former owner knows */
    rig_take_over(&rig, "next");
    rig_put_claim(&rig);
    rig_put(&rig, "b=2");
    recovery_rig after = rig;
    rig.owner = "old"; /* a zombie: it goes on behind its own last epoch */
    rig.epoch = before.epoch;
    rig.epoch_offset = before.epoch_offset;
    rig.epoch_checksum = before.epoch_checksum;
    rig_put(&rig, "z=9");
    rig.owner = "next";
    rig.epoch = after.epoch;
    rig.epoch_offset = after.epoch_offset;
    rig.epoch_checksum = after.epoch_checksum;
    rig_put(&rig, "c=3");
    cr_expect_eq(rig_recover(&rig), MR_OK, "%s", rig.err.message);
    cr_expect_str_eq(rig_state(&rig), "a=1 b=2 c=3");
    rig_tear_down(&rig);
}

Test(recovery_chain, an_epoch_written_twice_counts_once)
{
    recovery_rig rig;
    rig_set_up(&rig, 1, false);
    rig_put(&rig, "a=1");
    recovery_rig before = rig;
    rig_put(&rig, "b=2");
    recovery_rig after = rig;
    rig.epoch = before.epoch;
    rig.epoch_offset = before.epoch_offset;
    rig.epoch_checksum = before.epoch_checksum;
    rig_put(&rig,
            "z=9"); /* delivered, but the writer heard of a timeout and had written it again */
    rig.epoch = after.epoch;
    rig.epoch_offset = after.epoch_offset;
    rig.epoch_checksum = after.epoch_checksum;
    rig_put(&rig, "c=3");
    cr_expect_eq(rig_recover(&rig), MR_OK, "%s", rig.err.message);
    cr_expect_str_eq(rig_state(&rig), "a=1 b=2 c=3");
    rig_tear_down(&rig);
}
