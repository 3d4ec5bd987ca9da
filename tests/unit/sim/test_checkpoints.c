/*
 * Goal: with a blob store the log is trimmed behind checkpoints, and a task comes back from blobs
 * and log when its disk is gone; what is gone as well is said. Method: the simulator's job, killed
 * disks and blobs; committed output is judged by the law. Crashes in between are sim_crash's.
 */
#include "engine/checkpoint/shelf.h"
#include "tests/unit/sim/rig.h"

#include <criterion/criterion.h>
#include <inttypes.h>
#include <string.h>

#define STEPS_MAX 20000

static void set_up(mr_rig *r)
{
    mr_rig_set_up(r, &(mr_rig_options){.job = {.tasks_count = 1}});
    r->config.base_bytes_min = UINT64_MAX;
}

/* Feeds and steps until `count` checkpoints have been named in this life. */
static void run_to_checkpoint(mr_rig *r, uint64_t count)
{
    for (uint32_t s = 0; r->stats.checkpoints_named < count; s++) {
        cr_assert_lt(s, STEPS_MAX, "no checkpoint comes");
        if (s % 20 == 0)
            mr_rig_feed(r, 1, 10);
        cr_assert(mr_rig_step(r, 0), "%s", r->err.message);
    }
    for (int s = 0; s < 200; s++) /* its sweep, and the trim behind it */
        cr_assert(mr_rig_step(r, 0), "%s", r->err.message);
}

Test(checkpoints, the_log_is_kept_from_the_oldest_kept_on)
{
    mr_rig r;
    set_up(&r);
    mr_rig_start(&r, 0, false);
    run_to_checkpoint(&r, 1);
    int64_t first = mr_rig_log_start(&r, 0);
    cr_expect_gt(first, 0);
    run_to_checkpoint(&r, 2);
    cr_expect_eq(mr_rig_log_start(&r, 0), first, "two are kept");
    run_to_checkpoint(&r, 3);
    cr_expect_gt(mr_rig_log_start(&r, 0), first);
    mr_rig_stop(&r, 0);
    mr_rig_finish(&r);
    mr_rig_tear_down(&r);
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

/* As in production: bases are due all the time, by the bytes alone. */
Test(checkpoints, no_base_takes_the_log_behind_those_kept_while_they_come)
{
    mr_rig r;
    set_up(&r);
    r.config.base_bytes_min = 1;
    r.config.checkpoints.interval_ms = 1000;
    mr_rig_start(&r, 0, false);
    for (uint64_t named = 1; named <= 5; named++) {
        run_to_checkpoint(&r, named);
        cr_expect_eq(mr_rig_log_start(&r, 0), kept_from(&r), "behind the %dth", (int)named);
    }
    mr_rig_stop(&r, 0);
    mr_rig_finish(&r);
    mr_rig_tear_down(&r);
}

/* Feeds and steps seats 1 and 2 until one of them has named `count` checkpoints, and swept. */
static void run_both(mr_rig *r, uint64_t count)
{
    uint64_t named = 0;
    for (uint32_t s = 0, more = 0; more < 400; s++, more += named >= count) {
        cr_assert_lt(s, 2 * STEPS_MAX, "no checkpoint comes");
        if (s % 40 == 0)
            mr_rig_feed(r, 1, 10);
        cr_assert(mr_rig_step(r, 1 + s % 2), "%s", r->err.message);
        named = r->stats.checkpoints_named > named ? r->stats.checkpoints_named : named;
    }
}

/* Worker 0 has written a checkpoint that no epoch names yet, gives its task back and stands still.
 * Worker 1 has the task for so long that the checkpoint is swept. Then worker 0 has it again. */
Test(checkpoints, one_that_was_not_named_before_the_task_was_anothers_never_is)
{
    mr_rig r;
    mr_rig_set_up(&r, &(mr_rig_options){.workers = 3, .job = {.tasks_count = 1}});
    r.config.base_bytes_min = UINT64_MAX;
    r.config.checkpoints.count_max = 1;
    r.config.checkpoints.grace_ms = 100;
    mr_rig_start(&r, 0, false);
    run_to_checkpoint(&r, 1);
    mr_rig_feed(&r, 1, 10);
    for (int s = 0; s < 1000; s++) /* applied, imaged, sent */
        cr_assert(mr_rig_step(&r, 0));
    mr_rig_start(&r, 1, false);
    for (int s = 0; s < 500; s++)
        cr_assert(mr_rig_step(&r, s % 2 == 0));
    mr_rig_start(&r, 2, false);
    for (int s = 0; s < 2; s++)
        cr_assert(mr_rig_step(&r, 2));
    mr_rig_step_until(&r, 0, MR_WORKER_JOIN); /* until worker 1 has heard of it as well */
    mr_memory_process_stop(mr_sim_process(&r.world, 0));
    mr_sim_pass(&r.world, 15000);
    run_both(&r, 3);
    mr_rig_stop(&r, 1);
    mr_rig_stop(&r, 2);
    mr_memory_process_resume(mr_sim_process(&r.world, 0));
    mr_sim_pass(&r.world, 15000);
    cr_assert(mr_rig_step(&r, 0));
    mr_rig_feed(&r, 1, 10);
    uint64_t commits = r.stats.commits;
    for (int s = 0; r.stats.commits == commits; s++) {
        cr_assert_lt(s, STEPS_MAX);
        cr_assert(mr_rig_step(&r, 0), "%s", r.err.message);
    }
    cr_expect_eq(r.stats.outdated, 1, "the task was to be found changed");
    mr_rig_stop(&r, 0);
    mr_sim_disk_wipe(r.world.worker[0].disk);
    mr_rig_finish(&r);
    mr_rig_tear_down(&r);
}

Test(checkpoints, a_lost_disk_comes_back_from_blobs_and_log)
{
    mr_rig r;
    set_up(&r);
    mr_rig_start(&r, 0, false);
    run_to_checkpoint(&r, 3);
    mr_rig_feed(&r, 3, 10);
    for (int s = 0; s < 100; s++)
        cr_assert(mr_rig_step(&r, 0));
    mr_rig_stop(&r, 0);
    cr_assert_gt(mr_rig_log_start(&r, 0), 0);
    mr_sim_disk_wipe(r.world.worker[0].disk);
    r.stats = (mr_worker_stats){0};
    mr_rig_finish(&r);
    cr_expect_eq(r.stats.checkpoints_restored, 1);
    cr_expect_gt(r.stats.epochs_restored, 0, "and the log behind it");
    mr_rig_tear_down(&r);
}

Test(checkpoints, a_disk_that_is_there_needs_no_blobs)
{
    mr_rig r;
    set_up(&r);
    mr_rig_start(&r, 0, false);
    run_to_checkpoint(&r, 1);
    mr_rig_stop(&r, 0);
    mr_sim_blobs_wipe(r.world.blobs);
    mr_rig_finish(&r);
    cr_expect_eq(r.stats.checkpoints_restored, 0);
    mr_rig_tear_down(&r);
}

Test(checkpoints, without_disk_and_blobs_it_says_what_is_missing)
{
    mr_rig r;
    set_up(&r);
    mr_rig_start(&r, 0, false);
    run_to_checkpoint(&r, 1);
    mr_rig_stop(&r, 0);
    mr_sim_disk_wipe(r.world.worker[0].disk);
    mr_sim_blobs_wipe(r.world.blobs);
    mr_rig_start(&r, 0, false);
    uint32_t s = 0;
    while (mr_rig_step(&r, 0))
        cr_assert_lt(s++, STEPS_MAX, "it does not stop");
    cr_expect_eq(r.err.status, 4011, "MR%d", r.err.status);
    cr_expect(strstr(r.err.message, "no checkpoint (") != NULL, "%s", r.err.message);
    cr_expect(strstr(r.err.message, "does not exist") != NULL, "%s", r.err.message);
    mr_rig_stop(&r, 0);
    mr_rig_tear_down(&r);
}

Test(checkpoints, the_log_alone_does_where_it_reaches_back)
{
    mr_rig r;
    set_up(&r);
    r.takes_checkpoints = false;
    mr_rig_start(&r, 0, false);
    mr_rig_feed(&r, 5, 10);
    for (int s = 0; s < 300; s++)
        cr_assert(mr_rig_step(&r, 0));
    mr_rig_stop(&r, 0);
    cr_assert_eq(mr_rig_log_start(&r, 0), 0);
    mr_sim_disk_wipe(r.world.worker[0].disk);
    mr_rig_finish(&r);
    cr_expect_eq(r.stats.checkpoints_restored, 0);
    mr_rig_tear_down(&r);
}

Test(checkpoints, a_blob_store_that_is_away_stops_nothing_and_a_base_takes_its_place)
{
    mr_rig r;
    set_up(&r);
    r.config.base_bytes_min = 1;
    mr_rig_start(&r, 0, false);
    mr_memory_faults faults = {.fetch_error = 1000000};
    for (uint32_t s = 0; r.stats.checkpoints_failed < 3; s++) {
        cr_assert_lt(s, STEPS_MAX);
        if (s % 20 == 0)
            mr_rig_feed(&r, 1, 10);
        /* Away for checkpoints only: the log shares the fault, so it is away between steps. */
        mr_sim_set_faults(&r.world, 0,
                          r.seats[0].helper.is_busy ? &faults : &(mr_memory_faults){0});
        (void)mr_rig_step(&r, 0);
    }
    mr_sim_set_faults(&r.world, 0, &(mr_memory_faults){0});
    cr_expect_eq(r.stats.checkpoints_named, 0);
    cr_expect_gt(mr_rig_log_start(&r, 0), 0, "a base");
    run_to_checkpoint(&r, 1);
    mr_rig_stop(&r, 0);
    mr_rig_finish(&r);
    mr_rig_tear_down(&r);
}

/* The newest kept checkpoint of task 0. */
static mr_manifest newest(mr_rig *r)
{
    mr_shelf shelf;
    mr_manifest manifest;
    mr_blobs *blobs = mr_sim_blobs_open(r->world.blobs, mr_sim_process(&r->world, 0));
    cr_assert_eq(mr_shelf_read(blobs, "sim", 0, MR_BLOB_MANIFESTS, &shelf, &r->err), MR_OK);
    cr_assert_gt(shelf.count, 0);
    cr_assert_eq(
        mr_shelf_manifest(blobs, "sim", 0, shelf.items[shelf.count - 1].id, &manifest, &r->err),
        MR_OK);
    mr_shelf_release(&shelf);
    blobs->class->close(blobs);
    return manifest;
}

/* Steps without input until `count` are named. */
static void await_named(mr_rig *r, uint64_t count)
{
    for (uint32_t s = 0; r->stats.checkpoints_named < count; s++) {
        cr_assert_lt(s, STEPS_MAX, "no checkpoint comes");
        cr_assert(mr_rig_step(r, 0), "%s", r->err.message);
    }
}

Test(checkpoints, one_is_taken_when_somebody_asks_and_holds_all_that_was_committed)
{
    mr_rig r;
    set_up(&r);
    r.config.checkpoints.interval_ms = INT64_C(1000) * 3600 * 24;
    mr_rig_start(&r, 0, false);
    for (int s = 0; s < 3000; s++) {
        if (s % 100 == 0 && s < 1500)
            mr_rig_feed(&r, 1, 10);
        cr_assert(mr_rig_step(&r, 0));
    }
    cr_expect_eq(r.stats.checkpoints_named, 0);
    uint64_t commits = r.stats.commits;
    cr_assert_gt(commits, 1);
    mr_sim_put(&r.world, "sim.control", 0, NULL, "something else", MR_TIME_NONE);
    mr_sim_put(&r.world, "sim.control", 0, NULL, "v1|checkpoint|me", MR_TIME_NONE);
    await_named(&r, 1);
    cr_expect_eq(r.stats.commits, commits + 1, "one epoch, to name it");
    mr_manifest manifest = newest(&r);
    cr_expect_eq(manifest.marker.epoch, commits, "%" PRIu64, manifest.marker.epoch);
    cr_expect_gt(manifest.record_length, 0, "with its epoch record");
    mr_manifest_release(&manifest);
    mr_sim_put(&r.world, "sim.control", 0, NULL, "v1|checkpoint|me again", MR_TIME_NONE);
    await_named(&r, 2);
    mr_rig_stop(&r, 0);
    mr_sim_disk_wipe(r.world.worker[0].disk);
    mr_rig_finish(&r);
    mr_rig_tear_down(&r);
}

Test(checkpoints, who_asks_for_one_hears_why_there_is_none)
{
    mr_rig r;
    set_up(&r);
    r.config.checkpoints.interval_ms = INT64_C(1000) * 3600 * 24;
    mr_rig_start(&r, 0, false);
    mr_memory_faults faults = {.fetch_error = 1000000};
    mr_buffer said = {0};
    for (int s = 0; r.stats.checkpoints_failed < 1; s++) {
        cr_assert_lt(s, STEPS_MAX);
        if (s % 100 == 0)
            mr_rig_feed(&r, 1, 10);
        if (s == 1500)
            mr_sim_put(&r.world, "sim.control", 0, NULL, "v1|checkpoint|me", MR_TIME_NONE);
        mr_sim_set_faults(&r.world, 0,
                          r.seats[0].helper.is_busy ? &faults : &(mr_memory_faults){0});
        (void)mr_rig_step(&r, 0);
    }
    mr_sim_set_faults(&r.world, 0, &(mr_memory_faults){0});
    const mr_error *why = mr_worker_checkpoint_error(r.seats[0].worker);
    cr_assert_not_null(why);
    mr_sim_read(&r.world, "sim.control", 0, &said);
    mr_buffer_put(&said, "", 1);
    char answer[64];
    snprintf(answer, sizeof answer, MR_WORKER_FAILED_WORD "0|%d|", why->status);
    cr_expect_not_null(strstr(said.data, answer), "no %s in: %s", answer, said.data);
    mr_sim_put(&r.world, "sim.control", 0, NULL, "v1|checkpoint|me again", MR_TIME_NONE);
    await_named(&r, 1);
    cr_expect_null(mr_worker_checkpoint_error(r.seats[0].worker), "one came through since");
    mr_buffer_release(&said);
    mr_rig_stop(&r, 0);
    mr_rig_finish(&r);
    mr_rig_tear_down(&r);
}

Test(checkpoints, all_hold_their_epoch_records_also_after_restarts)
{
    mr_rig r;
    set_up(&r);
    for (int life = 0; life < 6; life++) {
        mr_rig_start(&r, 0, false);
        r.stats = (mr_worker_stats){0};
        run_to_checkpoint(&r, 2);
        mr_manifest manifest = newest(&r);
        cr_expect_gt(manifest.record_length, 0, "life %d", life);
        mr_manifest_release(&manifest);
        if (life % 3 == 1)
            mr_memory_process_kill(mr_sim_process(&r.world, 0));
        mr_rig_stop(&r, 0);
        if (life % 3 == 2)
            mr_sim_disk_wipe(r.world.worker[0].disk);
    }
    mr_rig_finish(&r);
    mr_rig_tear_down(&r);
}

static uint64_t count_in(mr_metrics *metrics, const char *name, const char *result)
{
    const char *labels[] = {"job", "sim", result != NULL ? "result" : NULL, result, NULL};
    return mr_counter_value(mr_metrics_counter(metrics, name, labels));
}

Test(checkpoints, metrics_say_how_many_how_large_and_how_long)
{
    mr_rig r;
    set_up(&r);
    r.config.metrics = mr_metrics_new();
    mr_rig_start(&r, 0, false);
    run_to_checkpoint(&r, 3);
    mr_manifest manifest = newest(&r);
    const char *labels[] = {"job", "sim", "task", "0", NULL};
    uint64_t bits =
        mr_metrics_gauge(r.config.metrics, "millrace_durable_checkpoint_bytes", labels)->bits;
    double bytes;
    memcpy(&bytes, &bits, sizeof bytes);
    cr_expect_eq((uint64_t)bytes, mr_manifest_bytes(&manifest));
    cr_expect_eq(count_in(r.config.metrics, "millrace_durable_checkpoints_total", "named"),
                 r.stats.checkpoints_named);
    cr_expect_eq(count_in(r.config.metrics, "millrace_durable_checkpoints_total", "failed"), 0);
    cr_expect_gt(count_in(r.config.metrics, "millrace_durable_checkpoint_bytes_sent_total", NULL),
                 (uint64_t)bytes);
    mr_manifest_release(&manifest);
    mr_rig_stop(&r, 0);
    mr_metrics_free(r.config.metrics);
    mr_rig_tear_down(&r);
}
