/*
 * Goal: what the group says of a task's last commit is held against its state log: where it knows
 * more, or other things, records of the log were lost, and nothing goes on from there; where it
 * knows less, or nothing of ours, the log counts. Method: the group's note is written over by a
 * member of the test's own, between two lives of the simulator's job.
 */
#include "engine/commit/epoch_record.h"
#include "tests/unit/sim/rig.h"

#include <criterion/criterion.h>
#include <inttypes.h>
#include <string.h>

#define STEPS_MAX 20000

/* A life of some commits, all of it applied or left to the log. */
static void live(mr_rig *r, uint64_t commits)
{
    mr_rig_set_up(r, &(mr_rig_options){.job = {.tasks_count = 1}});
    r->takes_checkpoints = false;
    mr_rig_start(r, 0, false);
    for (uint32_t s = 0; r->stats.commits < commits; s++) {
        cr_assert_lt(s, STEPS_MAX);
        if (s % 20 == 0)
            mr_rig_feed(r, 1, 10);
        cr_assert(mr_rig_step(r, 0), "%s", r->err.message);
    }
    mr_rig_stop(r, 0);
    mr_sim_pass(&r->world, 60000);
}

/* What the group has noted of the task. */
static mr_log_offset noted(mr_rig *r, mr_arena *arena)
{
    mr_log *log = r->world.outside;
    mr_log_offset offset = {.topic = "sim.state", .offset = -1};
    cr_assert_eq(log->class->group_offsets(log, "sim", &offset, 1, arena, &r->err), MR_OK);
    return offset;
}

static void note(mr_rig *r, int64_t offset, const char *metadata)
{
    mr_log_member *member = mr_rig_join(r);
    mr_log_offset put = {.topic = "sim.state", .offset = offset, .metadata = metadata};
    cr_assert_eq(member->class->commit(member, &put, 1, &r->err), MR_OK, "%s", r->err.message);
    member->class->close(member);
}

static void expect_refused(mr_rig *r, const char *words)
{
    uint32_t s = 0;
    mr_rig_start(r, 0, false);
    while (mr_rig_step(r, 0))
        cr_assert_lt(s++, (uint32_t)STEPS_MAX, "it goes on");
    cr_expect_eq(r->err.status, MR_E_STATE_AHEAD, "MR%d", r->err.status);
    cr_expect_not_null(strstr(r->err.message, words), "no `%s` in %s", words, r->err.message);
    mr_rig_stop(r, 0);
    mr_rig_tear_down(r);
}

/* The same with the local store and with the log alone. */
static void set_up(mr_rig *r, int round, uint64_t *epoch, int64_t *offset, uint32_t *checksum)
{
    mr_arena arena = {0};
    live(r, 6);
    if (round == 1)
        mr_sim_disk_wipe(r->world.worker[0].disk);
    mr_log_offset at = noted(r, &arena);
    cr_assert(mr_epoch_metadata_parse(at.metadata, epoch, offset, checksum));
    cr_assert_gt(*epoch, 2);
    mr_arena_release(&arena);
}

Test(group_note, that_knows_an_epoch_more_than_the_log_stops_it)
{
    for (int round = 0; round < 2; round++) {
        mr_rig r;
        uint64_t epoch;
        int64_t offset;
        uint32_t checksum;
        char text[MR_EPOCH_METADATA_MAX];
        set_up(&r, round, &epoch, &offset, &checksum);
        mr_epoch_metadata_print(text, epoch + 1, offset + 3, checksum);
        note(&r, offset + 4, text);
        expect_refused(&r, "records of it were lost");
    }
}

Test(group_note, that_knows_another_epoch_of_that_number_stops_it)
{
    for (int round = 0; round < 4; round++) {
        mr_rig r;
        uint64_t epoch;
        int64_t offset;
        uint32_t checksum;
        char text[MR_EPOCH_METADATA_MAX];
        set_up(&r, round % 2, &epoch, &offset, &checksum);
        mr_epoch_metadata_print(text, epoch, offset + round / 2, checksum + (round < 2));
        note(&r, offset + 1, text);
        expect_refused(&r, "disagree about epoch");
    }
}

Test(group_note, that_is_old_or_not_ours_is_passed_over)
{
    for (int round = 0; round < 4; round++) {
        mr_rig r;
        uint64_t epoch;
        int64_t offset;
        uint32_t checksum;
        char text[MR_EPOCH_METADATA_MAX];
        set_up(&r, round % 2, &epoch, &offset, &checksum);
        mr_epoch_metadata_print(text, epoch - 1, offset - 3, checksum);
        note(&r, offset - 2, round < 2 ? text : "somebody's own words");
        mr_rig_finish(&r);
        mr_rig_tear_down(&r);
    }
}
