/*
 * Goal: where checkpoints do not come through, the state log is trimmed all the same: not one that
 * cannot be written, nor one behind which old ones cannot be removed keeps it from its bases,
 * whatever restores there are. Where only leftovers stay it goes by the checkpoints as ever.
 * Method: the simulator's job, a blob store that refuses some calls; committed output is judged by
 * the law.
 */
#include "engine/checkpoint/shelf.h"
#include "tests/unit/sim/rig.h"

#include <criterion/criterion.h>
#include <string.h>

#define STEPS_MAX 20000
#define INTERVAL_MS 1000

typedef enum failing {
    NOTHING = 0,
    PUTS,
    REMOVALS,
    MANIFESTS, /* of which none can be read */
    LEFTOVERS, /* of what was retired, none goes */
} failing;

/* Epochs, and with each the task is restored. */
typedef enum drops {
    NEVER = 0,
    EACH_INTERVAL,
    EACH_SENDING, /* a checkpoint is under way */
    EACH_SENT,    /* and is to be named */
} drops;

static failing fails;
static const mr_blobs_class *sound;

static mr_status refuse(mr_error *err)
{
    mr_status status = fails == MANIFESTS ? MR_E_CHECKPOINT : MR_E_BLOB_DENIED;
    return mr_error_set(err, status, "refused by the test");
}

static mr_status put(mr_blobs *blobs, const char *name, const mr_blob_source *source,
                     mr_blob_put how, mr_error *err)
{
    return fails == PUTS ? refuse(err) : sound->put(blobs, name, source, how, err);
}

static mr_status get(mr_blobs *blobs, const char *name, const mr_blob_target *target, mr_error *err)
{
    bool is_refused = fails == MANIFESTS && strstr(name, "/manifests/") != NULL;
    return is_refused ? refuse(err) : sound->get(blobs, name, target, err);
}

static mr_status take_away(mr_blobs *blobs, const char *name, mr_error *err)
{
    bool is_refused =
        fails == REMOVALS || (fails == LEFTOVERS && strstr(name, "/manifests/") == NULL);
    return is_refused ? refuse(err) : sound->remove(blobs, name, err);
}

static mr_blobs_class refusing;

static void set_up(mr_rig *r, failing what)
{
    fails = what;
    mr_rig_set_up(r, &(mr_rig_options){.job = {.tasks_count = 1}});
    r->config.base_bytes_min = 1;
    r->config.checkpoints.interval_ms = INTERVAL_MS;
    r->config.checkpoints.grace_ms = 100;
}

static void start(mr_rig *r)
{
    mr_rig_start(r, 0, false);
    mr_blobs *blobs = r->seats[0].blobs[1];
    sound = blobs->class;
    refusing = *sound;
    refusing.put = put;
    refusing.get = get;
    refusing.remove = take_away;
    blobs->class = &refusing;
}

static void tear_down(mr_rig *r)
{
    mr_rig_stop(r, 0);
    mr_rig_finish(r);
    mr_rig_tear_down(r);
}

static void step(mr_rig *r, uint32_t number)
{
    if (number % 20 == 0)
        mr_rig_feed(r, 1, 1);
    cr_assert(mr_rig_step(r, 0), "%s", r->err.message);
}

/* One epoch is dropped, and the task restored; `is_between`: while no checkpoint is under way. */
static void drop_epoch(mr_rig *r, bool is_between)
{
    mr_memory_faults faults = {.abortable = 1000000};
    uint64_t aborts = r->stats.aborts;
    for (uint32_t s = 0; r->stats.aborts == aborts; s++) {
        cr_assert_lt(s, STEPS_MAX);
        bool must_wait = is_between && r->seats[0].helper.is_busy;
        mr_sim_set_faults(&r->world, 0, must_wait ? &(mr_memory_faults){0} : &faults);
        step(r, s);
    }
    mr_sim_set_faults(&r->world, 0, &(mr_memory_faults){0});
}

static bool is_due(const mr_rig *r, drops when, int64_t dropped_us, bool was_busy)
{
    bool is_busy = r->seats[0].helper.is_busy;
    switch (when) {
    case NEVER: return false;
    case EACH_INTERVAL: return !is_busy && r->world.clock.now_us - dropped_us > INTERVAL_MS * 1000;
    case EACH_SENDING: return is_busy;
    case EACH_SENT: return was_busy && !is_busy;
    }
    return false;
}

/* Steps until the log begins behind `first`; where it does. */
static int64_t await_trim(mr_rig *r, int64_t first, drops when)
{
    int64_t dropped_us = r->world.clock.now_us;
    for (uint32_t s = 0; s < STEPS_MAX; s++) {
        bool was_busy = r->seats[0].helper.is_busy;
        step(r, s);
        if (is_due(r, when, dropped_us, was_busy)) {
            drop_epoch(r, when == EACH_INTERVAL);
            dropped_us = r->world.clock.now_us;
        }
        if (s % 20 == 0 && mr_rig_log_start(r, 0) > first)
            return mr_rig_log_start(r, 0);
    }
    cr_assert_fail("the log is not trimmed");
    return -1;
}

static void run_to_named(mr_rig *r, uint64_t count)
{
    for (uint32_t s = 0; r->stats.checkpoints_named < count; s++) {
        cr_assert_lt(s, STEPS_MAX, "no checkpoint comes");
        step(r, s);
    }
    for (uint32_t s = 1; s < 200; s++) /* its sweep, and the trim behind it */
        step(r, s);
}

/* Where the log would begin, if nothing but the oldest kept checkpoint had it trimmed. */
static int64_t kept_from(mr_rig *r)
{
    mr_shelf shelf;
    mr_blobs *blobs = mr_sim_blobs_open(r->world.blobs, mr_sim_process(&r->world, 0));
    cr_assert_eq(mr_shelf_read(blobs, "sim", 0, MR_BLOB_MANIFESTS, &shelf, &r->err), MR_OK);
    cr_assert_gt(shelf.count, 0);
    int64_t from = shelf.items[0].log_offset - 1;
    mr_shelf_release(&shelf);
    blobs->class->close(blobs);
    return from;
}

/* All goes well again, so the log goes by the checkpoints that are kept. */
static void tear_down_mended(mr_rig *r)
{
    fails = NOTHING;
    run_to_named(r, r->stats.checkpoints_named + 4);
    cr_expect_null(mr_worker_checkpoint_error(r->seats[0].worker));
    for (int i = 0; i < 3; i++) {
        run_to_named(r, r->stats.checkpoints_named + 1);
        cr_expect_eq(mr_rig_log_start(r, 0), kept_from(r));
    }
    tear_down(r);
}

Test(checkpoints_failing, the_log_is_trimmed_where_they_cannot_be_written)
{
    mr_rig r;
    set_up(&r, PUTS);
    start(&r);
    int64_t first = await_trim(&r, 0, NEVER);
    (void)await_trim(&r, first, NEVER);
    cr_expect_eq(r.stats.checkpoints_named, 0);
    tear_down_mended(&r);
}

Test(checkpoints_failing, the_log_is_trimmed_where_they_cannot_be_written_and_tasks_are_restored)
{
    mr_rig r;
    set_up(&r, PUTS);
    start(&r);
    int64_t first = await_trim(&r, 0, EACH_INTERVAL);
    (void)await_trim(&r, first, EACH_INTERVAL);
    cr_expect_eq(r.stats.checkpoints_named, 0);
    cr_expect_gt(r.stats.aborts, 2);
    tear_down_mended(&r);
}

Test(checkpoints_failing, the_log_is_trimmed_where_no_epoch_lasts_until_they_are_named)
{
    for (drops when = EACH_SENDING; when <= EACH_SENT; when++) {
        mr_rig r;
        set_up(&r, NOTHING);
        start(&r);
        int64_t first = await_trim(&r, 0, when);
        (void)await_trim(&r, first, when);
        cr_expect_eq(r.stats.checkpoints_named, 0);
        cr_expect_eq(r.stats.checkpoints_failed, 0);
        tear_down_mended(&r);
    }
}

/* Of a rig that is set up, from the third checkpoint or so on. */
static void expect_trimmed(mr_rig *r, failing what, drops when)
{
    start(r);
    run_to_named(r, 2);
    fails = what;
    run_to_named(r, r->stats.checkpoints_named + 2);
    const mr_error *why = mr_worker_checkpoint_error(r->seats[0].worker);
    cr_assert_not_null(why, "nobody is told that old ones stay");
    cr_expect_not_null(strstr(why->message, "refused by the test"), "%s", why->message);
    int64_t first = mr_rig_log_start(r, 0);
    for (int i = 0; i < 3; i++)
        first = await_trim(r, first, when);
    cr_expect_gt(r->stats.checkpoints_named, 4, "they are written all the same");
    tear_down_mended(r);
}

Test(checkpoints_failing, the_log_is_trimmed_where_old_ones_cannot_be_removed)
{
    mr_rig r;
    set_up(&r, NOTHING);
    expect_trimmed(&r, REMOVALS, NEVER);
}

Test(checkpoints_failing, the_log_is_trimmed_where_old_ones_cannot_be_read)
{
    mr_rig r;
    set_up(&r, NOTHING);
    expect_trimmed(&r, MANIFESTS, NEVER);
}

Test(checkpoints_failing, the_log_is_trimmed_where_old_ones_stay_and_tasks_are_restored)
{
    mr_rig r;
    set_up(&r, NOTHING);
    expect_trimmed(&r, REMOVALS, EACH_INTERVAL);
}

/* What is written between two checkpoints is no reason for a base yet. */
Test(checkpoints_failing, the_log_is_trimmed_where_old_ones_stay_and_little_is_written)
{
    mr_rig r;
    set_up(&r, NOTHING);
    r.config.base_bytes_min = 10000;
    expect_trimmed(&r, REMOVALS, NEVER);
}

/* A base takes longer than it is to the next checkpoint. */
Test(checkpoints_failing, the_log_is_trimmed_where_old_ones_stay_and_bases_are_in_many_parts)
{
    mr_rig r;
    set_up(&r, NOTHING);
    r.config.state_bytes_max = 100000;
    r.config.base_part_bytes = 1;
    r.config.base_bytes_min = 5000;
    r.config.checkpoints.interval_ms = 100;
    expect_trimmed(&r, REMOVALS, NEVER);
}

Test(checkpoints_failing, no_base_is_written_where_only_what_was_retired_stays)
{
    mr_rig r;
    set_up(&r, LEFTOVERS);
    start(&r);
    for (uint64_t named = 1; named <= 12; named++) {
        run_to_named(&r, named);
        cr_expect_eq(mr_rig_log_start(&r, 0), kept_from(&r), "behind the %dth", (int)named);
    }
    const mr_error *why = mr_worker_checkpoint_error(r.seats[0].worker);
    cr_assert_not_null(why, "nobody is told that files stay");
    cr_expect_not_null(strstr(why->message, "refused by the test"), "%s", why->message);
    tear_down(&r);
}
