/*
 * Goal: a base too large for one transaction is written in parts beside the epochs that follow each
 * other; the log is trimmed behind the last of them and not before, also on a slow log and when the
 * worker dies on the way; the state comes back from the log alone.
 * Method: one window with many keys on the simulated log, without a local store; the state topic is
 * read from outside.
 */
#include "engine/base/assert.h"
#include "engine/commit/delta.h"
#include "engine/commit/epoch_record.h"
#include "engine/run/worker/worker.h"
#include "tests/sim/job.h"
#include "tests/sim/world.h"

#include <criterion/criterion.h>
#include <stdlib.h>
#include <string.h>

#define KEYS 600
#define STEPS_MAX 20000

typedef struct rig {
    mr_sim_world world;
    mr_sim_job job;
    mr_log *log;
    mr_worker *worker;
    mr_worker_stats stats;
    mr_error err;
    uint64_t sent;
} rig;

/* What stands in the state topic. */
typedef struct topic_view {
    int64_t start;
    uint32_t parts, bases; /* records with a part that is not the last; that complete a base */
    uint32_t parts_of_one; /* of the last base that was completed */
    uint32_t running;
} topic_view;

static void begin(rig *r)
{
    r->log = mr_sim_connect(&r->world, 0);
    mr_worker_config config = {.plan = &r->job.plan,
                               .log = r->log,
                               .clock = mr_sim_clock(&r->world),
                               .instance_id = "w",
                               .base_bytes_min = 1000,
                               .base_part_bytes = 20000};
    r->worker = mr_worker_new(&config);
}

static void end(rig *r)
{
    mr_memory_process_kill(mr_sim_process(&r->world, 0));
    mr_worker_free(r->worker);
    r->log->class->close(r->log);
    mr_sim_pass(&r->world, 60000);
}

static void put(rig *r, uint32_t key, int64_t time)
{
    char value[64];
    snprintf(value, sizeof value, "k%u|%d|1", key, (int)time);
    mr_sim_put(&r->world, "in", (int32_t)(key % MR_SIM_PARTITIONS), NULL, value, MR_TIME_NONE);
    r->sent += time < 10;
}

static void set_up(rig *r)
{
    *r = (rig){0};
    mr_sim_world_init(&r->world, 1, 1, NULL);
    mr_sim_create(&r->world, "in", MR_SIM_PARTITIONS);
    mr_sim_create(&r->world, "out", 1);
    mr_sim_create(&r->world, "late", 1);
    mr_sim_create(&r->world, "dlq", MR_SIM_PARTITIONS);
    mr_sim_job_init(&r->job, &(mr_sim_job_options){.tasks_count = 1});
    begin(r);
    for (uint32_t key = 0; key < KEYS; key++)
        put(r, key, 1);
}

static void tear_down(rig *r)
{
    mr_sim_world_release(&r->world);
    mr_sim_job_release(&r->job);
}

/* One more epoch, with something in it. */
static void go_on(rig *r)
{
    put(r, (uint32_t)(r->sent % KEYS), 2);
    uint64_t commits = r->stats.commits;
    for (uint32_t s = 0; r->stats.commits == commits; s++) {
        cr_assert_lt(s, STEPS_MAX);
        cr_assert_eq(mr_worker_step(r->worker, &r->err), MR_OK, "%s", r->err.message);
        mr_worker_stats_get(r->worker, &r->stats);
        mr_sim_pass(&r->world, 5);
    }
}

static void look_at(void *context, const mr_record *record)
{
    topic_view *view = context;
    mr_delta_header header;
    mr_reader payload;
    mr_epoch_record epoch;
    mr_error err;
    mr_arena arena = {0};
    cr_assert_eq(mr_delta_open(record->value, record->value_length, &header, &payload, NULL, &err),
                 MR_OK);
    if (header.kind == MR_DELTA_EPOCH) {
        cr_assert_eq(
            mr_epoch_record_decode(payload.next, mr_reader_left(&payload), &arena, &epoch, &err),
            MR_OK);
        view->parts += epoch.has_base_part;
        view->bases += epoch.has_base;
        view->running = epoch.is_base_continued ? view->running + 1 : 1;
        if (epoch.has_base)
            view->parts_of_one = view->running;
    }
    mr_arena_release(&arena);
}

static topic_view view_of(rig *r)
{
    topic_view view = {0};
    mr_error err;
    cr_assert_eq(r->world.outside->class->offset(r->world.outside, "sim.state", 0,
                                                 MR_OFFSET_EARLIEST, &view.start, &err),
                 MR_OK);
    (void)mr_sim_each(&r->world, "sim.state", 0, look_at, &view);
    return view;
}

static void sum_up(void *context, const mr_record *record)
{
    uint64_t *sums = context;
    unsigned key, start, stop, count;
    cr_assert_eq(sscanf(record->value, "k%u|%u|%u|%u", &key, &start, &stop, &count), 4);
    sums[0]++;
    sums[1] += count;
}

/* All inputs go on far enough: the window closes, with every key and every row. */
static void expect_all(rig *r)
{
    for (uint32_t key = 0; key < MR_SIM_PARTITIONS; key++)
        put(r, key, 500);
    for (uint32_t s = 0; s < 400; s++) {
        cr_assert_eq(mr_worker_step(r->worker, &r->err), MR_OK, "%s", r->err.message);
        mr_sim_pass(&r->world, 5);
    }
    uint64_t sums[2] = {0};
    (void)mr_sim_each(&r->world, "out", 0, sum_up, sums);
    cr_expect_eq(sums[0], KEYS);
    cr_expect_eq(sums[1], r->sent, "%d of %d rows", (int)sums[1], (int)r->sent);
}

Test(base, in_parts_lets_the_log_be_trimmed_when_the_last_one_is_committed)
{
    rig r;
    set_up(&r);
    uint32_t parts = 0;
    topic_view view = {0};
    for (uint32_t n = 0; view.start == 0; n++) {
        cr_assert_lt(n, 200);
        go_on(&r);
        view = view_of(&r);
        parts = view.parts > parts ? view.parts : parts;
        cr_assert(view.start == 0 || view.bases > 0, "trimmed, and no base is there");
    }
    cr_expect_geq(parts, 3);
    cr_expect_eq(view.bases, 1);
    cr_expect_eq(view.parts_of_one, view.parts + 1, "the log begins with the first part");
    end(&r);
    begin(&r);
    expect_all(&r);
    end(&r);
    tear_down(&r);
}

Test(base, in_parts_is_begun_anew_by_the_next_worker)
{
    rig r;
    set_up(&r);
    do
        go_on(&r);
    while (view_of(&r).parts < 2);
    end(&r);
    begin(&r);
    r.stats.commits = 0;
    topic_view view = {0};
    for (uint32_t n = 0; view.start == 0; n++) {
        cr_assert_lt(n, 200);
        go_on(&r);
        view = view_of(&r);
    }
    cr_expect_eq(view.parts_of_one, view.parts + 1, "those of the dead worker are gone");
    end(&r);
    begin(&r);
    expect_all(&r);
    end(&r);
    tear_down(&r);
}

/* An epoch that outlives the timeout of its transaction, which holds a dead letter. */
static void be_slow(rig *r)
{
    uint64_t aborts = r->stats.aborts;
    for (uint32_t s = 0; r->stats.aborts == aborts; s++) {
        cr_assert_lt(s, STEPS_MAX);
        if (r->stats.has_open_epoch)
            mr_sim_pass(&r->world, r->job.plan.transaction_timeout_ms + 100);
        else
            mr_sim_put(&r->world, "in", 0, NULL, "broken 0", MR_TIME_NONE);
        cr_assert_eq(mr_worker_step(r->worker, &r->err), MR_OK, "%s", r->err.message);
        mr_worker_stats_get(r->worker, &r->stats);
    }
}

/* Two timeout aborts: what goes into one transaction is halved twice, parts of a base too. */
Test(base, is_not_put_off_by_a_slow_log_but_cut_smaller)
{
    uint32_t parts[2];
    for (int is_slow = 0; is_slow < 2; is_slow++) {
        rig r;
        set_up(&r);
        r.job.plan.transaction_timeout_ms = 1000;
        while (r.stats.records_in < KEYS)
            go_on(&r);
        while (is_slow != 0 && r.stats.cut_halvings < 2)
            be_slow(&r);
        for (uint32_t n = 0; n < 400; n++) { /* more than one base of all keys */
            if (is_slow != 0 && r.stats.cut_halvings < 2)
                be_slow(&r); /* a quiet run of commits takes a halving back */
            go_on(&r);
        }
        parts[is_slow] = view_of(&r).parts_of_one;
        expect_all(&r);
        end(&r);
        tear_down(&r);
    }
    cr_expect_gt(parts[1], parts[0] * 2, "%u parts, on a slow log %u", parts[0], parts[1]);
}
