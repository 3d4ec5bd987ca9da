/*
 * Goal: a recovery that dies in a call, is told to give up at any of its breaths, or whose
 * broker comes and goes, has harmed nothing: the next one finds all there is. Method: situations,
 * each with a death in the first call, the second, and so on to the last; breaths likewise.
 */
#include "tests/unit/engine/commit/recovery/recovery_rig.h"

#include <criterion/criterion.h>

/* Situations to be interrupted in. Each makes a log and a disk for which recovery gives `state`. */
typedef struct situation {
    const char *name;
    uint64_t seed;
    const char *state;
    void (*make)(recovery_rig *rig);
} situation;

static void log_alone(recovery_rig *rig)
{
    rig_put(rig, "a=1");
    rig_put_claim(rig);
    rig_put(rig, "b=2");
}

static void store_and_log(recovery_rig *rig)
{
    rig_put(rig, "a=1");
    rig_recover_and_apply(rig);
    rig_put(rig, "b=2");
}

static void open_transaction(recovery_rig *rig)
{
    store_and_log(rig);
    rig_open(rig, "a=9");
}

static void damaged_at_open(recovery_rig *rig)
{
    store_and_log(rig);
    mr_sim_disk_damage(rig->world.worker[0].disk, "job", 0, MR_SIM_DAMAGE_OPEN);
}

static void damaged_within(recovery_rig *rig)
{
    store_and_log(rig);
    mr_sim_disk_damage(rig->world.worker[0].disk, "job", 0, MR_SIM_DAMAGE_SCAN);
}

static void store_ahead(recovery_rig *rig)
{
    rig_put(rig, "a=9");
    rig_put(rig, "b=9");
    rig_recover_and_apply(rig);
    rig_forget_log(rig);
    rig_put(rig, "a=1 b=2");
}

static void another_history(recovery_rig *rig)
{
    rig_put(rig, "a=9");
    rig_recover_and_apply(rig);
    rig_forget_log(rig);
    rig_put(rig, "a=1");
    rig_put(rig, "b=2");
}

static void is_part(mr_epoch_record *record)
{
    record->has_base = false;
    record->has_base_part = true;
}

static void is_last_part(mr_epoch_record *record)
{
    record->is_base_continued = true;
}

/* Nothing but a base in parts, and no room: the store gets them on the way. */
static void parts_in_little_memory(recovery_rig *rig)
{
    rig->state_bytes_max = 1;
    rig_put(rig, "a=9 b=9 c=9");
    int64_t from = rig->epoch_offset + 1;
    rig_put_epoch(rig, &(rig_epoch){.changes = "d=9", .base = "a=9 c=9", .alter = is_part});
    rig_put(rig, "a=1 -c");
    rig_put_epoch(rig, &(rig_epoch){.changes = "-d b=2", .base = "b=2", .alter = is_last_part});
    rig_trim(rig, from);
}

/* The same, and what is beyond the first entry does not come to memory at all. */
static void parts_past_memory(recovery_rig *rig)
{
    parts_in_little_memory(rig);
    rig->load_entries_max = 1;
    rig->state_bytes_max = (size_t)1 << 20;
}

/* The local store is of the plan before an upgrade. */
static void upgraded(recovery_rig *rig)
{
    rig->is_other_plan = true;
    rig_put(rig, "a=9");
    rig_recover_and_apply(rig);
    rig_put(rig, "b=9");
    rig->is_other_plan = false;
    rig_put_epoch(rig, &(rig_epoch){.base = "a=1 b=2"});
}

/* The local store is of this plan, and of a time before another one was there. */
static void upgraded_and_back(recovery_rig *rig)
{
    rig_put(rig, "a=9 c=9");
    rig_recover_and_apply(rig);
    rig->is_other_plan = true;
    rig_put_epoch(rig, &(rig_epoch){.base = "a=9"});
    rig_put(rig, "b=9");
    rig->is_other_plan = false;
    rig_put_epoch(rig, &(rig_epoch){.base = "a=1 b=9"});
    rig_put(rig, "b=2");
}

/* What was ours before the other plan goes to the store on the way, and must not stay there. A
 * checkpoint might be named. */
static void upgraded_and_back_in_little_memory(recovery_rig *rig)
{
    rig->has_blobs = true;
    rig->state_bytes_max = 1;
    rig_put(rig, "a=9 c=9");
    rig_put(rig, "d=9");
    rig->is_other_plan = true;
    rig_put_epoch(rig, &(rig_epoch){.base = "a=9"});
    rig_put(rig, "b=9");
    rig->is_other_plan = false;
    rig_put_epoch(rig, &(rig_epoch){.base = "a=1 b=9"});
    rig_put(rig, "b=2");
}

/* The log begins with what was ours before the other plan, and its base is gone. */
static void upgraded_and_back_behind_a_trim(recovery_rig *rig)
{
    rig_put(rig, "a=9 c=9");
    int64_t from = rig->epoch_offset + 1;
    rig_put(rig, "d=9");
    rig->is_other_plan = true;
    rig_put_epoch(rig, &(rig_epoch){.base = "a=9"});
    rig->is_other_plan = false;
    rig_put_epoch(rig, &(rig_epoch){.base = "a=1 b=9"});
    rig_put(rig, "b=2");
    rig_trim(rig, from);
}

static const situation situations[] = {
    {"log alone", 1, "a=1 b=2", log_alone},
    {"store and log", 1, "a=1 b=2", store_and_log},
    {"open transaction", 1, "a=1 b=2", open_transaction},
    {"hanging transaction", 3, "a=1 b=2", open_transaction},
    {"hanging transaction", 6, "a=1 b=2", open_transaction},
    {"hanging transaction", 9, "a=1 b=2", open_transaction},
    {"damaged at open", 1, "a=1 b=2", damaged_at_open},
    {"damaged within", 1, "a=1 b=2", damaged_within},
    {"store ahead", 1, "a=1 b=2", store_ahead},
    {"another history", 1, "a=1 b=2", another_history},
    {"parts in little memory", 1, "a=1 b=2", parts_in_little_memory},
    {"parts past memory", 1, "a=1 b=2", parts_past_memory},
    {"upgraded", 1, "a=1 b=2", upgraded},
    {"upgraded and back", 1, "a=1 b=2", upgraded_and_back},
    {"the same, in little memory", 1, "a=1 b=2", upgraded_and_back_in_little_memory},
    {"the same, behind a trim", 1, "a=1 b=2", upgraded_and_back_behind_a_trim},
};
#define SITUATIONS (sizeof situations / sizeof *situations)

/* Dies in call `k` of its recovery, or comes through; then another one must find all there is. */
static bool dies_in(const situation *at, uint64_t k, mr_memory_crash how)
{
    recovery_rig rig;
    rig_set_up(&rig, at->seed, true);
    at->make(&rig);
    mr_sim_kill_at(&rig.world, 0, k, how);
    mr_status status = rig_recover(&rig);
    bool is_dead = rig.world.worker[0].process.is_dead;
    /* What is closed last has no say. */
    cr_expect(status == MR_OK || (is_dead && status == MR_E_CRASHED), "%s, call %d: MR%d %s",
              at->name, (int)k, status, rig.err.message);
    rig.world.worker[0].process.crash_at = 0;
    cr_expect_eq(rig_recover(&rig), MR_OK, "%s, call %d: %s", at->name, (int)k, rig.err.message);
    cr_expect_str_eq(rig_state(&rig), at->state, "%s, call %d", at->name, (int)k);
    rig_tear_down(&rig);
    return is_dead;
}

Test(recovery_end, a_death_in_any_of_its_calls_harms_nothing)
{
    for (size_t i = 0; i < SITUATIONS; i++) {
        uint64_t before = 1, after = 1;
        /* The first of a long wait are as good as all of it. */
        while (before < 300 && dies_in(&situations[i], before, MR_MEMORY_CRASH_BEFORE))
            before++;
        while (after < 300 && dies_in(&situations[i], after, MR_MEMORY_CRASH_AFTER))
            after++;
        cr_expect_gt(before, 5, "%s", situations[i].name);
    }
}

/* Is told to give up at breath `k`, or comes through; then another one finds all there is. */
static bool gives_up_at(const situation *at, uint64_t k)
{
    recovery_rig rig;
    rig_set_up(&rig, at->seed, true);
    at->make(&rig);
    rig.breath_limit = k;
    mr_status status = rig_recover(&rig);
    bool is_told = rig.breaths >= k;
    cr_expect_eq(status, is_told ? MR_E_INTERRUPTED : MR_OK, "%s, breath %d: MR%d %s", at->name,
                 (int)k, status, rig.err.message);
    rig.breath_limit = 0;
    cr_expect_eq(rig_recover(&rig), MR_OK, "%s, breath %d: %s", at->name, (int)k, rig.err.message);
    cr_expect_str_eq(rig_state(&rig), at->state, "%s, breath %d", at->name, (int)k);
    rig_tear_down(&rig);
    return is_told;
}

Test(recovery_end, what_is_told_to_give_up_does_so_at_once_and_harms_nothing)
{
    for (size_t i = 0; i < SITUATIONS; i++) {
        uint64_t k = 1;
        while (k < 100 && gives_up_at(&situations[i], k))
            k++;
        cr_expect_gt(k, 1, "%s", situations[i].name);
    }
}

/* The broker is away now and then, longer than a request waits: whoever is told so asks again. */
Test(recovery_end, a_broker_that_comes_and_goes_only_delays)
{
    static const situation some[] = {
        {"store and log", 1, "a=1 b=2", store_and_log},
        {"open transaction", 1, "a=1 b=2", open_transaction},
        {"hanging transaction", 3, "a=1 b=2", open_transaction},
        {"store ahead", 1, "a=1 b=2", store_ahead},
        {"another history", 1, "a=1 b=2", another_history},
    };
    uint32_t failed = 0;
    for (uint64_t i = 0; i < 200; i++) {
        const situation *at = &some[i % 5];
        recovery_rig rig;
        rig_set_up(&rig, at->seed * 3 * (1 + i / 5), true);
        at->make(&rig);
        mr_memory_faults faults = {
            .unreachable = 150000, .unreachable_us_max = 12000000, .fetch_error = 100000};
        mr_sim_set_faults(&rig.world, 0, &faults);
        mr_status status = rig_recover(&rig);
        for (uint32_t tries = 0; status != MR_OK && tries < 200; tries++) {
            /* WRITER: the one that was to end what hangs; another will. */
            cr_assert(rig.err.recovery == MR_RECOVERY_RETRY ||
                          rig.err.recovery == MR_RECOVERY_WRITER,
                      "%s: MR%d %s", at->name, status, rig.err.message);
            failed++;
            status = rig_recover(&rig);
        }
        cr_expect_eq(status, MR_OK, "%s: %s", at->name, rig.err.message);
        cr_expect_str_eq(rig_state(&rig), at->state, "%s", at->name);
        rig_tear_down(&rig);
    }
    cr_expect_gt(failed, 20, "it was away too rarely");
}
