/*
 * Goal: a recovery reads to the true end: it waits while a transaction is open, ends that of a dead
 * writer, leaves its own alone, says when it cannot get there; and one that dies in any of its
 * calls has harmed nothing. Method: the simulated log with open and hanging transactions, with a
 * broker that goes away, and with a death in the first call, the second, and so on to the last.
 */
#include "tests/unit/engine/commit/recovery/recovery_rig.h"

#include <criterion/criterion.h>

Test(recovery_end, the_open_transaction_of_a_dead_writer_is_ended)
{
    recovery_rig rig;
    rig_set_up(&rig, 1, true);
    rig_put(&rig, "a=1");
    rig_open(&rig, "a=9");
    int64_t began = rig.world.clock.now_us;
    cr_expect_eq(rig_recover(&rig), MR_OK, "%s", rig.err.message);
    cr_expect_geq(rig.world.clock.now_us - began, 500000, "it may be ending just now");
    cr_expect_lt(rig.world.clock.now_us - began, 2000000);
    cr_expect_str_eq(rig_state(&rig), "a=1");
    rig_tear_down(&rig);
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
    for (int is_long = 0; is_long < 2; is_long++) {
        recovery_rig rig;
        rig_set_up(&rig, 1, true);
        rig_put(&rig, "a=1");
        rig_recover_and_apply(&rig);
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
    ends->is_buffered = self->asked++ < self->buffered_left;
    if (self->hides_position)
        ends->position = -1001;
    return status;
}

static void fussy_close(mr_log_reader *reader)
{
    mr_log_reader *reads = OF(reader, reader)->reads;
    reads->class->close(reads);
}

Test(recovery_end, is_not_where_the_client_still_holds_records_and_is_where_the_last_was_read)
{
    for (int hides_position = 0; hides_position < 2; hides_position++) {
        recovery_rig rig;
        rig_set_up(&rig, 1, false); /* no marker behind the last record */
        rig_put(&rig, "a=1");
        fussy log = {.log_class = {.offset = fussy_offset, .open_reader = fussy_open_reader},
                     .reader_class = {.add = fussy_add,
                                      .fetch = fussy_fetch,
                                      .ends = fussy_ends,
                                      .close = fussy_close},
                     .under = rig.log,
                     .buffered_left = 5,
                     .hides_position = hides_position == 1};
        log.log.class = &log.log_class;
        log.reader.class = &log.reader_class;
        rig.log = &log.log;
        cr_expect_eq(rig_recover(&rig), MR_OK, "%s", rig.err.message);
        cr_expect_str_eq(rig_state(&rig), "a=1");
        cr_expect_eq(log.asked, 6);
        rig.log = log.under;
        rig_tear_down(&rig);
    }
}

/* Situations to die in. Each makes a log and a disk for which recovery gives `state`. */
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
    };
    for (size_t i = 0; i < sizeof situations / sizeof *situations; i++) {
        uint64_t before = 1, after = 1;
        /* The first of a long wait are as good as all of it. */
        while (before < 300 && dies_in(&situations[i], before, MR_MEMORY_CRASH_BEFORE))
            before++;
        while (after < 300 && dies_in(&situations[i], after, MR_MEMORY_CRASH_AFTER))
            after++;
        cr_expect_gt(before, 5, "%s", situations[i].name);
    }
}

/* The broker is away now and then, longer than a request waits: whoever is told so asks again. */
Test(recovery_end, a_broker_that_comes_and_goes_only_delays)
{
    static const situation situations[] = {
        {"store and log", 1, "a=1 b=2", store_and_log},
        {"open transaction", 1, "a=1 b=2", open_transaction},
        {"hanging transaction", 3, "a=1 b=2", open_transaction},
        {"store ahead", 1, "a=1 b=2", store_ahead},
        {"another history", 1, "a=1 b=2", another_history},
    };
    uint32_t failed = 0;
    for (uint64_t i = 0; i < 200; i++) {
        const situation *at = &situations[i % 5];
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
