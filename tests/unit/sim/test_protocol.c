/*
 * Goal: two orders of the protocol that only a failure at one place would show: a local store is
 * flushed before the log it stands on is trimmed, and at least once a commit that failed leaves
 * nothing queued that could be delivered behind what follows it.
 * Method: the simulator's job, with a tap on the connection (tests/sim/crash/tap.h does it alike).
 */
#include "engine/base/assert.h"
#include "engine/commit/delta.h"
#include "engine/run/worker/worker.h"
#include "tests/sim/job.h"
#include "tests/sim/world.h"

#include <criterion/criterion.h>
#include <stddef.h>
#include <stdlib.h>

#define STEPS_MAX 20000

typedef struct tap {
    mr_log_class log_class;
    mr_writer_class writer_class;
    const mr_log_class *log_inner;
    const mr_writer_class *writer_inner;
    mr_sim_world *world;
    uint32_t trims, flushes, flush_to_fail, writers;
} tap;

typedef struct rig {
    mr_sim_world world;
    mr_sim_job job;
    tap tap;
    mr_log *log;
    mr_worker *worker;
    mr_worker_stats stats;
    mr_error err;
    uint32_t fed;
} rig;

static tap *tap_of_log(mr_log *log)
{
    return (tap *)((uintptr_t)log->class - offsetof(tap, log_class));
}

static tap *tap_of_writer(mr_log_writer *writer)
{
    return (tap *)((uintptr_t)writer->class - offsetof(tap, writer_class));
}

/* What is durable of the store must reach beyond what goes: its last epoch record is read again. */
static mr_status trim(mr_log *log, const char *topic, int32_t partition, int64_t before,
                      mr_error *err)
{
    tap *self = tap_of_log(log);
    mr_store_marker marker =
        mr_sim_disk_marker(self->world->worker[0].disk, "sim", (uint32_t)partition);
    self->trims++;
    cr_expect(marker.is_present && marker.log_offset > before,
              "trimmed before %d, the store ends at %d", (int)before, (int)marker.log_offset);
    return self->log_inner->trim(log, topic, partition, before, err);
}

/* One flush fails without having delivered anything. */
static mr_status flush(mr_log_writer *writer, int32_t timeout_ms, mr_error *err)
{
    tap *self = tap_of_writer(writer);
    if (++self->flushes == self->flush_to_fail)
        return mr_error_set_recovery(err, MR_E_KAFKA_TIMEOUT, MR_RECOVERY_EPOCH,
                                     "records were not delivered in time");
    return self->writer_inner->flush(writer, timeout_ms, err);
}

static mr_status open_writer(mr_log *log, const mr_writer_options *options, mr_log_writer **writer,
                             mr_error *err)
{
    tap *self = tap_of_log(log);
    mr_status status = self->log_inner->open_writer(log, options, writer, err);
    if (status != MR_OK)
        return status;
    self->writers++;
    self->writer_inner = (*writer)->class;
    self->writer_class = *self->writer_inner;
    self->writer_class.flush = flush;
    (*writer)->class = &self->writer_class;
    return MR_OK;
}

static void set_up(rig *r, mr_guarantee guarantee, uint32_t flush_to_fail)
{
    *r = (rig){0};
    mr_sim_world_init(&r->world, 1, 1, NULL);
    mr_sim_create(&r->world, "in", MR_SIM_PARTITIONS);
    mr_sim_create(&r->world, "out", 1);
    mr_sim_create(&r->world, "late", 1);
    mr_sim_create(&r->world, "dlq", MR_SIM_PARTITIONS);
    mr_sim_job_init(&r->job, &(mr_sim_job_options){.tasks_count = 1, .guarantee = guarantee});
    r->log = mr_sim_connect(&r->world, 0);
    r->tap = (tap){.log_class = *r->log->class,
                   .log_inner = r->log->class,
                   .world = &r->world,
                   .flush_to_fail = flush_to_fail};
    r->tap.log_class.trim = trim;
    r->tap.log_class.open_writer = open_writer;
    r->log->class = &r->tap.log_class;
    mr_worker_config config = {.plan = &r->job.plan,
                               .log = r->log,
                               .stores = mr_sim_stores(&r->world, 0),
                               .clock = mr_sim_clock(&r->world),
                               .instance_id = "w",
                               .apply_epochs = 1000,
                               .base_bytes_min = 1000};
    r->worker = mr_worker_new(&config);
}

static void tear_down(rig *r)
{
    mr_worker_free(r->worker);
    r->log->class->close(r->log);
    mr_sim_world_release(&r->world);
    mr_sim_job_release(&r->job);
}

/* Rows and steps until there were so many commits. */
static void work(rig *r, uint64_t commits)
{
    for (uint32_t s = 0; r->stats.commits < commits; s++) {
        cr_assert_lt(s, STEPS_MAX);
        char value[64];
        snprintf(value, sizeof value, "k%u|%u|1", r->fed % MR_SIM_KEYS, r->fed / 10);
        mr_sim_put(&r->world, "in", (int32_t)(r->fed % MR_SIM_PARTITIONS), NULL, value,
                   MR_TIME_NONE);
        r->fed++;
        cr_assert_eq(mr_worker_step(r->worker, &r->err), MR_OK, "%s", r->err.message);
        mr_worker_stats_get(r->worker, &r->stats);
        mr_sim_pass(&r->world, 5);
    }
}

Test(protocol, flushes_the_store_before_the_log_is_trimmed)
{
    rig r;
    set_up(&r, MR_EXACTLY_ONCE, 0);
    work(&r, 60);
    cr_expect_gt(r.tap.trims, 0);
    tear_down(&r);
}

static void count_epochs(void *context, const mr_record *record)
{
    uint32_t *seen = context;
    mr_delta_header header;
    mr_reader payload;
    mr_error err;
    cr_assert_eq(mr_delta_open(record->value, record->value_length, &header, &payload, NULL, &err),
                 MR_OK);
    if (header.kind == MR_DELTA_EPOCH && header.epoch < 100)
        seen[header.epoch]++;
}

/* Whichever flush it is: that of the outputs, or that of the delta and the epoch record. */
Test(protocol, at_least_once_a_failed_commit_leaves_nothing_queued)
{
    for (uint32_t fails = 3; fails < 9; fails++) {
        rig r;
        set_up(&r, MR_AT_LEAST_ONCE, fails);
        work(&r, 8);
        cr_expect_eq(r.stats.aborts, 1, "flush %u: %u aborts", fails, (unsigned)r.stats.aborts);
        cr_expect_eq(r.tap.writers, 2, "flush %u: %u writers", fails, r.tap.writers);
        uint32_t seen[100] = {0};
        (void)mr_sim_each(&r.world, "sim.state", 0, count_epochs, seen);
        for (uint32_t e = 0; e < 100; e++)
            cr_expect_leq(seen[e], 1, "flush %u: epoch %u was written %u times", fails, e, seen[e]);
        tear_down(&r);
    }
}
