/*
 * Goal: who reads a state log beside its live job reads on from where it begins then, when the job
 * has it trimmed in between; and who waits for a transaction there does not ask all the time.
 * Method: a log of epochs, and a connection that has it trimmed behind the question where it
 * begins, or behind a record that was read; one that counts how often it is asked.
 */
#include "engine/history/moment.h"
#include "engine/history/quiet.h"
#include "tests/unit/sim/rig.h"

#include <criterion/criterion.h>
#include <string.h>

#define EPOCHS 12

/* What happens on the connection; the classes behind it are those of the simulator. */
static struct {
    const mr_log_class *present;
    const mr_reader_class *reading;
    mr_log *outside;
    int64_t start;
    uint32_t trims; /* still to come: behind a question */
    uint32_t cuts;  /* still to come: behind a record */
    uint32_t asked; /* for both ends */
} world;

static void trim(int64_t before)
{
    mr_error err;
    cr_assert_eq(world.present->trim(world.outside, "sim.state", 0, before, &err), MR_OK, "%s",
                 err.message);
    world.start = before;
}

static mr_status ask_and_trim(mr_log *log, const char *topic, int32_t partition, int64_t which,
                              int64_t *offset, mr_error *err)
{
    mr_status status = world.present->offset(log, topic, partition, which, offset, err);
    if (which == MR_OFFSET_EARLIEST && world.trims > 0) {
        world.trims--;
        trim(world.start + 1);
    }
    return status;
}

/* One by one. */
static mr_status fetch_and_trim(mr_log_reader *reader, uint32_t rows_max, int32_t timeout_ms,
                                mr_records *records, mr_error *err)
{
    (void)rows_max;
    mr_status status = world.reading->fetch(reader, 1, timeout_ms, records, err);
    if (status == MR_OK && records->count > 0 && world.cuts > 0) {
        world.cuts--;
        trim(records->record[0].offset + 3);
    }
    return status;
}

static mr_status open_reader(mr_log *log, mr_log_reader **reader, mr_error *err)
{
    static mr_reader_class class;
    mr_status status = world.present->open_reader(log, reader, err);
    if (status != MR_OK)
        return status;
    world.reading = (*reader)->class;
    class = *world.reading;
    class.fetch = fetch_and_trim;
    (*reader)->class = &class;
    return MR_OK;
}

static mr_status ask_ends(mr_log *log, mr_log_ends *ends, uint32_t count, mr_error *err)
{
    world.asked++;
    return world.present->ends(log, ends, count, err);
}

static void put_epochs(mr_rig *r)
{
    int64_t previous = -1;
    for (uint64_t epoch = 1; epoch <= EPOCHS; epoch++) {
        mr_buffer bytes = {0};
        mr_epoch_record record = {.job = "sim", .epoch = epoch, .previous_offset = previous};
        (void)mr_epoch_record_seal(&record, false, 0, &bytes);
        mr_log_record produced = {
            .value = bytes.data, .value_length = bytes.length, .timestamp_ms = (int64_t)epoch};
        mr_log_writer *feeder = r->world.feeder;
        cr_assert_eq(feeder->class->produce(feeder, "sim.state", 0, &produced, 1, &r->err), MR_OK);
        cr_assert_eq(feeder->class->flush(feeder, 1000, &r->err), MR_OK);
        previous++;
        mr_buffer_release(&bytes);
    }
}

static mr_moments set_up(mr_rig *r)
{
    static mr_log_class class;
    mr_rig_set_up(r, &(mr_rig_options){.job = {.tasks_count = 1}});
    mr_log *log = mr_sim_connect(&r->world, 0);
    mr_sim_create(&r->world, "sim.state", 1);
    memset(&world, 0, sizeof world);
    world.present = log->class;
    world.outside = r->world.outside;
    class = *log->class;
    class.offset = ask_and_trim;
    class.open_reader = open_reader;
    class.ends = ask_ends;
    log->class = &class;
    return (mr_moments){.plan = &r->job.plan,
                        .log = log,
                        .clock = mr_sim_clock(&r->world),
                        .state_topic = "sim.state"};
}

static void tear_down(mr_rig *r, const mr_moments *m)
{
    m->log->class->close(m->log);
    mr_rig_tear_down(r);
}

static mr_status note_first(void *context, const mr_history_record *at, bool *is_enough,
                            mr_error *err)
{
    (void)err;
    *(uint64_t *)context = at->record->epoch;
    *is_enough = true;
    return MR_OK;
}

Test(trimmed, before_the_first_fetch_the_start_is_asked_for_again)
{
    mr_rig r;
    uint64_t first = 0;
    mr_moments m = set_up(&r);
    put_epochs(&r);
    world.trims = 3;
    mr_history history = {.log = m.log, .clock = m.clock, .topic = "sim.state"};
    mr_status status =
        mr_history_read(&history, MR_OFFSET_EARLIEST, -1, note_first, &first, &r.err);
    cr_expect_eq(status, MR_OK, "MR%d %s", status, r.err.message);
    cr_expect_eq(first, 4);
    tear_down(&r, &m);
}

/* What was seen of it does not count any more. */
Test(trimmed, in_the_middle_a_moment_is_looked_for_from_the_start_again)
{
    mr_rig r;
    mr_moment found;
    mr_moments m = set_up(&r);
    put_epochs(&r);
    world.cuts = 2;
    mr_status status =
        mr_moments_find_task(&m, &(mr_point){.kind = MR_POINT_END}, 0, &found, &r.err);
    cr_expect_eq(status, MR_OK, "MR%d %s", status, r.err.message);
    cr_expect_eq(found.epoch, EPOCHS);
    world.cuts = 1;
    status = mr_moments_find_task(&m, &(mr_point){.kind = MR_POINT_TIME, .time_ms = 8}, 0, &found,
                                  &r.err);
    cr_expect_eq(status, MR_E_MOMENT, "MR%d", status);
    cr_expect_not_null(strstr(r.err.message, "begins with epoch 10"), "%s", r.err.message);
    tear_down(&r, &m);
}

Test(trimmed, who_waits_for_a_transaction_does_not_ask_all_the_time)
{
    mr_rig r;
    mr_log_writer *writer;
    mr_moments m = set_up(&r);
    mr_log *log = r.world.outside;
    mr_writer_options options = {.transactional_id = "stranger", .transaction_timeout_ms = 900000};
    mr_log_record produced = {.value = "", .timestamp_ms = MR_TIME_NONE};
    cr_assert_eq(log->class->open_writer(log, &options, &writer, &r.err), MR_OK);
    cr_assert_eq(writer->class->begin(writer, &r.err), MR_OK);
    cr_assert_eq(writer->class->produce(writer, "sim.state", 0, &produced, 1, &r.err), MR_OK);
    cr_assert_eq(writer->class->flush(writer, 1000, &r.err), MR_OK);
    mr_history history = {.log = m.log, .clock = m.clock, .topic = "sim.state"};
    cr_expect_eq(mr_quiet_log(&history, "sim", NULL, NULL, &r.err), MR_E_TRANSPLANT);
    cr_expect_geq(world.asked, 100u);
    cr_expect_leq(world.asked, 620u, "asked %u times in a minute", world.asked);
    writer->class->close(writer);
    tear_down(&r, &m);
}
