/*
 * Goal: a worker that was taken for dead, and all it has still to say is that an epoch counts, is
 * not heard any more when its job is deleted. Method: the simulator's job, its worker stopped
 * before its decision for longer than its session; what a reader of its output sees, before and
 * after. And a state log with transactions of nobody known in many of its partitions.
 */
#include "engine/commit/epoch_record.h"
#include "engine/run/worker/worker.h"
#include "jobs/fleet/silence.h"
#include "tests/unit/sim/rig.h"

#include <criterion/criterion.h>
#include <string.h>

#define TASKS 2

static mr_buffer output(mr_rig *r)
{
    mr_buffer text = {0};
    mr_sim_read(&r->world, "out", 0, &text);
    mr_buffer_put(&text, "", 1);
    return text;
}

static void forget(mr_rig *r)
{
    mr_log *log = r->world.outside;
    mr_worker_config config = {.plan = &r->job.plan, .log = log};
    cr_assert_eq(mr_silence_writers(log, mr_sim_clock(&r->world), NULL, r->job.plan.job, &r->err),
                 MR_OK, "%s", r->err.message);
    cr_assert_eq(mr_worker_reset(&config, &r->err), MR_OK, "%s", r->err.message);
}

Test(silence, one_that_wakes_up_behind_its_jobs_end_does_not_commit)
{
    mr_rig r;
    mr_rig_set_up(&r, &(mr_rig_options){.workers = 1, .job = {.tasks_count = TASKS}});
    r.law->is_in_order = true;
    r.is_pipelined = true;
    r.job.plan.transaction_timeout_ms = 600000; /* the broker will not end it */
    mr_rig_start(&r, 0, false);
    for (int s = 0; s < 1000; s++) {
        if (s % 20 == 0)
            mr_rig_feed(&r, 1, 4);
        cr_assert(mr_rig_step(&r, 0), "%s", r.err.message);
    }
    mr_rig_stop_before_decision(&r, 0);
    mr_sim_pass(&r.world, 60000);
    mr_buffer before = output(&r);
    cr_expect_gt(before.length, 1);
    forget(&r);
    mr_memory_process_resume(mr_sim_process(&r.world, 0));
    mr_worker_request_stop(r.seats[0].worker);
    for (int s = 0; s < 400 && mr_worker_phase_of(r.seats[0].worker) < MR_WORKER_STOPPED; s++)
        if (!mr_rig_step(&r, 0))
            break;
    mr_buffer after = output(&r);
    cr_expect_str_eq(after.data, before.data);
    mr_buffer_release(&before);
    mr_buffer_release(&after);
    mr_rig_stop(&r, 0);
    mr_rig_tear_down(&r);
}

static mr_log_writer *open_writer(mr_rig *r, const char *id)
{
    mr_log_writer *writer;
    mr_log *log = r->world.outside;
    mr_writer_options options = {.transactional_id = id, .transaction_timeout_ms = 900000};
    cr_assert_eq(log->class->open_writer(log, &options, &writer, &r->err), MR_OK);
    cr_assert_eq(writer->class->begin(writer, &r->err), MR_OK);
    return writer;
}

static void claim(mr_rig *r, mr_log_writer *writer, const char *id, int32_t partition)
{
    mr_buffer bytes = {0};
    mr_epoch_record record = {.job = "sim", .task = (uint32_t)partition, .transactional_id = id};
    (void)mr_epoch_record_seal(&record, true, 0, &bytes);
    mr_log_record produced = {
        .value = bytes.data, .value_length = bytes.length, .timestamp_ms = MR_TIME_NONE};
    cr_assert_eq(writer->class->produce(writer, "sim.state", partition, &produced, 1, &r->err),
                 MR_OK);
    cr_assert_eq(writer->class->flush(writer, 1000, &r->err), MR_OK);
    mr_buffer_release(&bytes);
}

static void count_line(void *sink, mr_log_level level, const char *line)
{
    (void)level;
    *(uint32_t *)sink += strstr(line, "may commit once more") != NULL;
}

/* Who has them open the log does not name. Behind them is one of a writer that it names. */
Test(silence, what_does_not_end_is_waited_for_once_and_not_in_each_partition)
{
    enum { PARTITIONS = 20 };
    mr_rig r;
    mr_rig_set_up(&r, &(mr_rig_options){.job = {.tasks_count = TASKS}});
    mr_sim_create(&r.world, "sim.state", PARTITIONS);
    mr_log_writer *stranger = open_writer(&r, "stranger"), *known = open_writer(&r, "known");
    for (int32_t p = 0; p < PARTITIONS - 1; p++)
        claim(&r, stranger, "stranger", p);
    claim(&r, known, "known", PARTITIONS - 1);
    cr_assert_eq(known->class->commit(known, &r.err), MR_OK);
    cr_assert_eq(known->class->begin(known, &r.err), MR_OK);
    claim(&r, known, "known", PARTITIONS - 1);
    uint32_t told = 0;
    mr_logger logger = {.write = count_line, .sink = &told};
    int64_t began_us = r.world.clock.now_us;
    cr_assert_eq(
        mr_silence_writers(r.world.outside, mr_sim_clock(&r.world), &logger, "sim", &r.err), MR_OK);
    int64_t took_us = r.world.clock.now_us - began_us;
    cr_expect_geq(took_us, INT64_C(60000000));
    cr_expect_lt(took_us, INT64_C(90000000));
    cr_expect_eq(told, PARTITIONS - 1, "of the last one it was seen that it ended");
    cr_expect_eq(stranger->class->commit(stranger, &r.err), MR_OK, "it was left alone");
    cr_expect_neq(known->class->commit(known, &r.err), MR_OK, "it was ended all the same");
    stranger->class->close(stranger);
    known->class->close(known);
    mr_rig_tear_down(&r);
}
