/*
 * Goal: with a blob store the log is trimmed behind checkpoints, and a task comes back from blobs
 * and log when its disk is gone; what is gone as well is said. Method: the simulator's job, killed
 * disks and blobs; committed output is judged by the law. Crashes in between are sim_crash's.
 */
#include "engine/base/assert.h"
#include "engine/checkpoint/shelf.h"
#include "engine/run/worker/worker.h"
#include "tests/sim/helper.h"
#include "tests/sim/job.h"
#include "tests/sim/law.h"
#include "tests/sim/world.h"

#include <criterion/criterion.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#define STEPS_MAX 20000

typedef struct rig {
    mr_sim_world world;
    mr_sim_job job;
    mr_sim_law *law;
    mr_sim_helper helper;
    mr_blobs *blobs[2];
    mr_log *log;
    mr_worker *worker;
    mr_worker_stats stats;
    mr_error err;
    int64_t time_ms;
    bool takes_checkpoints;
    int64_t interval_ms;
    mr_metrics *metrics;
} rig;

static void start(rig *r, bool is_bounded)
{
    mr_memory_process *process = mr_sim_process(&r->world, 0);
    r->log = mr_sim_connect(&r->world, 0);
    for (int i = 0; i < 2; i++)
        r->blobs[i] = mr_sim_blobs_open(r->world.blobs, process);
    mr_sim_helper_init(&r->helper, r->world.cluster, process);
    mr_worker_config config = {.plan = &r->job.plan,
                               .log = r->log,
                               .stores = mr_sim_stores(&r->world, 0),
                               .clock = mr_sim_clock(&r->world),
                               .instance_id = "w",
                               .fetch_rows_max = 16,
                               .apply_epochs = 2,
                               .base_bytes_min = UINT64_MAX,
                               .is_bounded = is_bounded,
                               .metrics = r->metrics,
                               .blobs = r->blobs[0]};
    if (r->takes_checkpoints)
        config.checkpoints = (mr_worker_checkpoints){.blobs = r->blobs[1],
                                                     .helper = &r->helper.helper,
                                                     .interval_ms = r->interval_ms,
                                                     .count_max = 2,
                                                     .grace_ms = 60000};
    r->worker = mr_worker_new(&config);
}

static void stop(rig *r)
{
    mr_worker_free(r->worker);
    r->log->class->close(r->log);
    for (int i = 0; i < 2; i++)
        r->blobs[i]->class->close(r->blobs[i]);
}

static void set_up(rig *r)
{
    *r = (rig){.takes_checkpoints = true, .interval_ms = 100};
    mr_sim_world_init(&r->world, 1, 1, NULL);
    mr_sim_create(&r->world, "in", MR_SIM_PARTITIONS);
    mr_sim_create(&r->world, "out", 1);
    mr_sim_create(&r->world, "late", 1);
    mr_sim_create(&r->world, "dlq", MR_SIM_PARTITIONS);
    mr_sim_job_init(&r->job, &(mr_sim_job_options){.tasks_count = 1});
    r->law = calloc(1, sizeof *r->law);
    MR_ASSERT(r->law != NULL);
    mr_sim_law_init(r->law, r->job.window.size_ms, r->job.window.slide_ms);
}

static void tear_down(rig *r)
{
    mr_sim_world_release(&r->world);
    mr_sim_job_release(&r->job);
    mr_sim_law_release(r->law);
    free(r->law);
}

static void feed(rig *r, uint32_t rounds)
{
    for (; rounds > 0; rounds--, r->time_ms += 10) {
        for (uint32_t key = 0; key < MR_SIM_KEYS; key++) {
            char value[64];
            snprintf(value, sizeof value, "k%" PRIu32 "|%" PRId64 "|%d", key, r->time_ms, 5);
            mr_sim_put(&r->world, "in", (int32_t)(key % MR_SIM_PARTITIONS), NULL, value,
                       MR_TIME_NONE);
            mr_sim_law_sent(r->law, key, r->time_ms, 5);
        }
    }
}

static bool step(rig *r)
{
    bool is_good = mr_worker_step(r->worker, &r->err) == MR_OK;
    mr_worker_stats_get(r->worker, &r->stats);
    return is_good;
}

/* Feeds and steps until `count` checkpoints have been named in this life. */
static void run_to_checkpoint(rig *r, uint64_t count)
{
    for (uint32_t s = 0; r->stats.checkpoints_named < count; s++) {
        cr_assert_lt(s, STEPS_MAX, "no checkpoint comes");
        if (s % 20 == 0)
            feed(r, 1);
        cr_assert(step(r), "%s", r->err.message);
    }
    for (int s = 0; s < 200; s++) /* its sweep, and the trim behind it */
        cr_assert(step(r), "%s", r->err.message);
}

static int64_t log_start(rig *r)
{
    int64_t start = -1;
    mr_log *log = r->world.outside;
    cr_assert_eq(log->class->offset(log, "sim.state", 0, MR_OFFSET_EARLIEST, &start, &r->err),
                 MR_OK);
    return start;
}

static void finish(rig *r)
{
    start(r, true);
    for (uint32_t s = 0; r->stats.phase != MR_WORKER_FINISHED; s++) {
        cr_assert_lt(s, STEPS_MAX, "it does not finish");
        cr_assert(step(r), "MR%d %s", r->err.status, r->err.message);
    }
    stop(r);
    char why[512] = "";
    mr_buffer text = {0};
    mr_sim_read(&r->world, "out", 0, &text);
    mr_buffer_put_u8(&text, '\0');
    cr_expect(mr_sim_law_take(r->law, "out", text.data, why, sizeof why), "%s", why);
    cr_expect(mr_sim_law_holds(r->law, why, sizeof why), "%s", why);
    mr_buffer_release(&text);
}

Test(checkpoints, the_log_is_kept_from_the_oldest_kept_on)
{
    rig r;
    set_up(&r);
    start(&r, false);
    run_to_checkpoint(&r, 1);
    int64_t first = log_start(&r);
    cr_expect_gt(first, 0);
    run_to_checkpoint(&r, 2);
    cr_expect_eq(log_start(&r), first, "two are kept");
    run_to_checkpoint(&r, 3);
    cr_expect_gt(log_start(&r), first);
    stop(&r);
    finish(&r);
    tear_down(&r);
}

Test(checkpoints, a_lost_disk_comes_back_from_blobs_and_log)
{
    rig r;
    set_up(&r);
    start(&r, false);
    run_to_checkpoint(&r, 3);
    feed(&r, 3);
    for (int s = 0; s < 100; s++)
        cr_assert(step(&r));
    stop(&r);
    cr_assert_gt(log_start(&r), 0);
    mr_sim_disk_wipe(r.world.worker[0].disk);
    r.stats = (mr_worker_stats){0};
    finish(&r);
    cr_expect_eq(r.stats.checkpoints_restored, 1);
    cr_expect_gt(r.stats.epochs_restored, 0, "and the log behind it");
    tear_down(&r);
}

Test(checkpoints, a_disk_that_is_there_needs_no_blobs)
{
    rig r;
    set_up(&r);
    start(&r, false);
    run_to_checkpoint(&r, 1);
    stop(&r);
    mr_sim_blobs_wipe(r.world.blobs);
    finish(&r);
    cr_expect_eq(r.stats.checkpoints_restored, 0);
    tear_down(&r);
}

Test(checkpoints, without_disk_and_blobs_it_says_what_is_missing)
{
    rig r;
    set_up(&r);
    start(&r, false);
    run_to_checkpoint(&r, 1);
    stop(&r);
    mr_sim_disk_wipe(r.world.worker[0].disk);
    mr_sim_blobs_wipe(r.world.blobs);
    start(&r, false);
    uint32_t s = 0;
    while (step(&r))
        cr_assert_lt(s++, STEPS_MAX, "it does not stop");
    cr_expect_eq(r.err.status, 4011, "MR%d", r.err.status);
    cr_expect(strstr(r.err.message, "no checkpoint (") != NULL, "%s", r.err.message);
    cr_expect(strstr(r.err.message, "does not exist") != NULL, "%s", r.err.message);
    stop(&r);
    tear_down(&r);
}

Test(checkpoints, the_log_alone_does_where_it_reaches_back)
{
    rig r;
    set_up(&r);
    r.takes_checkpoints = false;
    start(&r, false);
    feed(&r, 5);
    for (int s = 0; s < 300; s++)
        cr_assert(step(&r));
    stop(&r);
    cr_assert_eq(log_start(&r), 0);
    mr_sim_disk_wipe(r.world.worker[0].disk);
    finish(&r);
    cr_expect_eq(r.stats.checkpoints_restored, 0);
    tear_down(&r);
}

Test(checkpoints, a_blob_store_that_is_away_stops_nothing)
{
    rig r;
    set_up(&r);
    start(&r, false);
    mr_memory_faults faults = {.fetch_error = 1000000};
    for (uint32_t s = 0; r.stats.checkpoints_failed < 3; s++) {
        cr_assert_lt(s, STEPS_MAX);
        if (s % 20 == 0)
            feed(&r, 1);
        /* Away for checkpoints only: the log shares the fault, so it is away between steps. */
        mr_sim_set_faults(&r.world, 0, r.helper.is_busy ? &faults : &(mr_memory_faults){0});
        (void)step(&r);
    }
    mr_sim_set_faults(&r.world, 0, &(mr_memory_faults){0});
    cr_expect_eq(r.stats.checkpoints_named, 0);
    cr_expect_eq(log_start(&r), 0);
    run_to_checkpoint(&r, 1);
    stop(&r);
    finish(&r);
    tear_down(&r);
}

/* The newest kept checkpoint of task 0. */
static mr_manifest newest(rig *r)
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
static void await_named(rig *r, uint64_t count)
{
    for (uint32_t s = 0; r->stats.checkpoints_named < count; s++) {
        cr_assert_lt(s, STEPS_MAX, "no checkpoint comes");
        cr_assert(step(r), "%s", r->err.message);
    }
}

Test(checkpoints, one_is_taken_when_somebody_asks_and_holds_all_that_was_committed)
{
    rig r;
    set_up(&r);
    r.interval_ms = INT64_C(1000) * 3600 * 24;
    start(&r, false);
    for (int s = 0; s < 3000; s++) {
        if (s % 100 == 0 && s < 1500)
            feed(&r, 1);
        cr_assert(step(&r));
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
    stop(&r);
    mr_sim_disk_wipe(r.world.worker[0].disk);
    finish(&r);
    tear_down(&r);
}

Test(checkpoints, all_hold_their_epoch_records_also_after_restarts)
{
    rig r;
    set_up(&r);
    for (int life = 0; life < 6; life++) {
        start(&r, false);
        r.stats = (mr_worker_stats){0};
        run_to_checkpoint(&r, 2);
        mr_manifest manifest = newest(&r);
        cr_expect_gt(manifest.record_length, 0, "life %d", life);
        mr_manifest_release(&manifest);
        if (life % 3 == 1)
            mr_memory_process_kill(mr_sim_process(&r.world, 0));
        stop(&r);
        if (life % 3 == 2)
            mr_sim_disk_wipe(r.world.worker[0].disk);
    }
    finish(&r);
    tear_down(&r);
}

static uint64_t count_in(mr_metrics *metrics, const char *name, const char *result)
{
    const char *labels[] = {"job", "sim", result != NULL ? "result" : NULL, result, NULL};
    return mr_counter_value(mr_metrics_counter(metrics, name, labels));
}

Test(checkpoints, metrics_say_how_many_how_large_and_how_long)
{
    rig r;
    set_up(&r);
    r.metrics = mr_metrics_new();
    start(&r, false);
    run_to_checkpoint(&r, 3);
    mr_manifest manifest = newest(&r);
    const char *labels[] = {"job", "sim", "task", "0", NULL};
    uint64_t bits = mr_metrics_gauge(r.metrics, "millrace_durable_checkpoint_bytes", labels)->bits;
    double bytes;
    memcpy(&bytes, &bits, sizeof bytes);
    cr_expect_eq((uint64_t)bytes, mr_manifest_bytes(&manifest));
    cr_expect_eq(count_in(r.metrics, "millrace_durable_checkpoints_total", "named"),
                 r.stats.checkpoints_named);
    cr_expect_eq(count_in(r.metrics, "millrace_durable_checkpoints_total", "failed"), 0);
    cr_expect_gt(count_in(r.metrics, "millrace_durable_checkpoint_bytes_sent_total", NULL),
                 (uint64_t)bytes);
    mr_manifest_release(&manifest);
    stop(&r);
    mr_metrics_free(r.metrics);
    tear_down(&r);
}
