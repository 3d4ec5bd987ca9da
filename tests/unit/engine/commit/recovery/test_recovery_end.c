/*
 * Goal: a recovery reads to the true end: it waits while a transaction is open, ends that of a dead
 * writer, leaves its own alone, and says when it cannot get there. Method: the simulated log with
 * open and hanging transactions, with a broker that goes away, with a client that knows little.
 */
#include "tests/unit/engine/commit/recovery/recovery_rig.h"

#include <criterion/criterion.h>

Test(recovery_end, the_open_transaction_of_a_dead_writer_is_ended)
{
    static const char *const ours[] = {"new", NULL, ""};
    for (size_t i = 0; i < 3; i++) {
        recovery_rig rig;
        rig_set_up(&rig, 1, true);
        rig.transactional_id = ours[i];
        rig_put(&rig, "a=1");
        rig_open(&rig, "a=9");
        int64_t began = rig.world.clock.now_us;
        cr_expect_eq(rig_recover(&rig), MR_OK, "%s", rig.err.message);
        cr_expect_geq(rig.world.clock.now_us - began, 500000, "it may be ending just now");
        cr_expect_lt(rig.world.clock.now_us - began, 2000000);
        cr_expect_str_eq(rig_state(&rig), "a=1");
        rig_tear_down(&rig);
    }
}

Test(recovery_end, a_transaction_that_is_ending_is_waited_for)
{
    recovery_rig rig;
    rig_set_up(&rig, 1, true);
    rig_put(&rig, "a=1");
    mr_memory_process process = {.name = "slow",
                                 .clock = mr_sim_clock(&rig.world),
                                 .random = 7,
                                 .faults = {.late_marker = 1000000, .late_marker_us_max = 300000}};
    mr_log *log = mr_memory_log_new(rig.world.cluster, &process);
    rig.writer->class->close(rig.writer);
    mr_writer_options options = {.transactional_id = "old", .transaction_timeout_ms = 600000};
    cr_assert_eq(log->class->open_writer(log, &options, &rig.writer, &rig.err), MR_OK);
    rig_put(&rig, "b=2"); /* decided, and the partition hears of it a little later */
    cr_expect_eq(rig_recover(&rig), MR_OK, "%s", rig.err.message);
    cr_expect_str_eq(rig_state(&rig), "a=1 b=2");
    rig.writer->class->close(rig.writer);
    log->class->close(log);
    cr_assert_eq(
        rig.world.outside->class->open_writer(rig.world.outside, &options, &rig.writer, &rig.err),
        MR_OK);
    rig_tear_down(&rig);
}

/* Nobody may be knocked at: the log names no owner, an empty one, or us. */
Test(recovery_end, a_transaction_of_nobody_known_is_waited_for_and_then_named)
{
    static const char *const owners[] = {NULL, "", "new"};
    for (size_t i = 0; i < 3; i++) {
        recovery_rig rig;
        rig_set_up(&rig, 1, true);
        if (owners[i] != NULL) {
            rig.owner = owners[i];
            rig_put(&rig, "a=1");
        }
        rig_open(&rig, "a=9");
        int64_t began = rig.world.clock.now_us;
        cr_expect_eq(rig_recover(&rig), MR_E_KAFKA_TIMEOUT, "%s", rig.err.message);
        cr_expect_not_null(strstr(rig.err.message, "cannot be read to its end"));
        cr_expect_geq(rig.world.clock.now_us - began, 60000000);
        cr_expect_eq(rig.writer->class->commit(rig.writer, &rig.err), MR_OK, "it was left alone");
        rig_tear_down(&rig);
    }
}

/* The worker knows what its writer left behind, and asks again. */
Test(recovery_end, one_that_may_be_our_own_is_left_to_the_worker)
{
    recovery_rig rig;
    rig_set_up(&rig, 1, true);
    rig.owner = "new";
    rig.tells_own = true;
    rig_put(&rig, "a=1");
    rig_open(&rig, "a=9");
    int64_t began = rig.world.clock.now_us;
    cr_expect_eq(rig_recover(&rig), MR_E_KAFKA_TIMEOUT, "%s", rig.err.message);
    cr_expect_eq(rig.err.recovery, MR_RECOVERY_RETRY);
    cr_expect_lt(rig.world.clock.now_us - began, 2000000);
    cr_expect_eq(rig.writer->class->commit(rig.writer, &rig.err), MR_OK, "it was left alone");
    rig_tear_down(&rig);
}

/* The one named last is alive and another's transaction is open: two knocks, and no more. */
Test(recovery_end, what_knocking_does_not_end_is_named)
{
    recovery_rig rig;
    rig_set_up(&rig, 1, true);
    rig_put(&rig, "a=1");
    rig_take_over(&rig, "stranger");
    rig_open(&rig, "a=9");
    cr_expect_eq(rig_recover(&rig), MR_E_KAFKA_TIMEOUT, "%s", rig.err.message);
    cr_expect_eq(rig.writer->class->commit(rig.writer, &rig.err), MR_OK, "it was left alone");
    rig_tear_down(&rig);
}

/* The coordinator aborts and tells no partition (decision 0008); which seeds do is up to the
 * world. */
Test(recovery_end, a_transaction_that_hangs_is_ended)
{
    uint64_t hung = 0;
    for (uint64_t seed = 3; seed <= 60; seed += 3) {
        recovery_rig rig;
        rig_set_up(&rig, seed, true);
        rig_put(&rig, "a=1");
        rig_open(&rig, "a=9");
        cr_expect_eq(rig_recover(&rig), MR_OK, "seed %d: %s", (int)seed, rig.err.message);
        cr_expect_str_eq(rig_state(&rig), "a=1");
        hung += rig.world.cluster->transactions.hung;
        rig_tear_down(&rig);
    }
    cr_expect_gt(hung, 0, "no seed hung a transaction");
}

Test(recovery_end, a_broker_that_is_away_for_long_stops_it_and_for_a_while_does_not)
{
    for (int i = 0; i < 4; i++) {
        int is_long = i % 2;
        recovery_rig rig;
        rig_set_up(&rig, 1, true);
        rig_put(&rig, "a=1");
        if (i < 2)
            rig_recover_and_apply(&rig); /* then the last epoch in it is looked for first */
        rig_put(&rig, "b=2");
        mr_memory_faults faults = {.fetch_error = is_long ? 1000000 : 500000};
        mr_sim_set_faults(&rig.world, 0, &faults);
        int64_t began = rig.world.clock.now_us;
        mr_status status = rig_recover(&rig);
        if (is_long) {
            cr_expect_eq(rig.err.recovery, MR_RECOVERY_RETRY, "whoever asked may ask again");
            cr_expect_neq(status, MR_OK);
            cr_expect_geq(rig.world.clock.now_us - began, 60000000);
        } else {
            cr_expect_eq(status, MR_OK, "%s", rig.err.message);
            cr_expect_str_eq(rig_state(&rig), "a=1 b=2");
        }
        rig_tear_down(&rig);
    }
}

/* A reader as librdkafka's: it has records in a queue that the first looks at the ends do not
 * count, and after a gap at the end it does not know its own position. */
typedef struct fussy {
    mr_log_class log_class;
    mr_log log;
    mr_log *under;
    mr_reader_class reader_class;
    mr_log_reader reader;
    mr_log_reader *reads;
    uint32_t buffered_left, asked;
    int64_t short_by; /* of the end, as long as records are buffered */
    bool hides_position;
} fussy;

#define OF(member, pointer) ((fussy *)(void *)((char *)(pointer)-offsetof(fussy, member)))

static mr_status fussy_offset(mr_log *log, const char *topic, int32_t partition, int64_t which,
                              int64_t *offset, mr_error *err)
{
    mr_log *under = OF(log, log)->under;
    return under->class->offset(under, topic, partition, which, offset, err);
}

static mr_status fussy_open_reader(mr_log *log, mr_log_reader **reader, mr_error *err)
{
    fussy *self = OF(log, log);
    *reader = &self->reader;
    return self->under->class->open_reader(self->under, &self->reads, err);
}

static mr_status fussy_add(mr_log_reader *reader, uint32_t input, const char *topic,
                           int32_t partition, int64_t offset, mr_error *err)
{
    mr_log_reader *reads = OF(reader, reader)->reads;
    return reads->class->add(reads, input, topic, partition, offset, err);
}

static mr_status fussy_fetch(mr_log_reader *reader, uint32_t rows_max, int32_t timeout_ms,
                             mr_records *records, mr_error *err)
{
    mr_log_reader *reads = OF(reader, reader)->reads;
    return reads->class->fetch(reads, rows_max, timeout_ms, records, err);
}

static mr_status fussy_ends(mr_log_reader *reader, uint32_t input, int32_t timeout_ms,
                            mr_input_ends *ends, mr_error *err)
{
    fussy *self = OF(reader, reader);
    mr_status status = self->reads->class->ends(self->reads, input, timeout_ms, ends, err);
    bool is_early = self->asked++ < self->buffered_left;
    ends->is_buffered = is_early && self->short_by == 0;
    if (is_early)
        ends->position -= self->short_by;
    if (self->hides_position)
        ends->position = -1001;
    return status;
}

static void fussy_close(mr_log_reader *reader)
{
    mr_log_reader *reads = OF(reader, reader)->reads;
    reads->class->close(reads);
}

static void fussy_init(fussy *self, mr_log *under)
{
    *self = (fussy){.log_class = {.offset = fussy_offset, .open_reader = fussy_open_reader},
                    .reader_class = {.add = fussy_add,
                                     .fetch = fussy_fetch,
                                     .ends = fussy_ends,
                                     .close = fussy_close},
                    .under = under};
    self->log.class = &self->log_class;
    self->reader.class = &self->reader_class;
}

Test(recovery_end, is_not_where_the_client_still_holds_records_and_is_where_the_last_was_read)
{
    for (int hides_position = 0; hides_position < 2; hides_position++) {
        recovery_rig rig;
        rig_set_up(&rig, 1, false); /* no marker behind the last record */
        rig_put(&rig, "a=1");
        fussy log;
        fussy_init(&log, rig.log);
        log.buffered_left = 5;
        log.hides_position = hides_position == 1;
        rig.log = &log.log;
        cr_expect_eq(rig_recover(&rig), MR_OK, "%s", rig.err.message);
        cr_expect_str_eq(rig_state(&rig), "a=1");
        cr_expect_eq(log.asked, 6);
        rig.log = log.under;
        rig_tear_down(&rig);
    }
}

/* It searches for a checkpoint among records that were aborted, and cannot tell that it is through
 * them. */
Test(recovery_end, of_a_search_that_sees_nobody_and_not_its_position_is_when_nothing_comes)
{
    recovery_rig rig;
    rig_set_up(&rig, 1, true);
    rig.has_blobs = rig.tells_own = true;
    rig.transactional_id = rig.owner;
    rig_put(&rig, "a=1");
    rig_open(&rig, "z=9");
    for (int record = 1; record < 100; record++)
        rig_add(&rig, "z=9");
    cr_assert_eq(rig.writer->class->abort(rig.writer, &rig.err), MR_OK);
    rig_open(&rig, "a=9");
    fussy log;
    fussy_init(&log, rig.log);
    log.hides_position = true;
    rig.log = &log.log;
    int64_t began = rig.world.clock.now_us;
    cr_expect_eq(rig_recover(&rig), MR_E_KAFKA_TIMEOUT, "%s", rig.err.message);
    cr_expect_eq(rig.err.recovery, MR_RECOVERY_RETRY, "the worker knows how to end it");
    cr_expect_lt(rig.world.clock.now_us - began, 2000000);
    rig.log = log.under;
    rig_tear_down(&rig);
}

/* The log is another one, and of its first transactions none was committed. */
Test(recovery_end, where_the_local_store_ends_may_stand_nothing_at_all)
{
    static const int64_t short_by[] = {0, 1, 3};
    for (size_t i = 0; i < 3; i++) {
        recovery_rig rig;
        rig_set_up(&rig, 1, true);
        rig_put(&rig, "a=1");
        rig_recover_and_apply(&rig); /* its epoch record is at 1 */
        rig_forget_log(&rig);
        for (int k = 0; k < 2; k++) {
            rig_open(&rig, "z=9");
            cr_assert_eq(rig.writer->class->abort(rig.writer, &rig.err), MR_OK);
        }
        fussy log;
        fussy_init(&log, rig.log);
        log.buffered_left = 3;
        log.short_by = short_by[i];
        rig.log = &log.log;
        cr_expect_eq(rig_recover(&rig), MR_OK, "%s", rig.err.message);
        cr_expect_gt(log.asked, 3);
        rig.log = log.under;
        cr_expect_str_eq(rig_state(&rig), "");
        cr_expect_not(rig.recovered.has_epoch);
        cr_expect(rig.recovered.was_quarantined);
        rig_tear_down(&rig);
    }
}
