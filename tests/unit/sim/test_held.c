/*
 * Goal: a state log that is held by somebody's open transaction is waited for, then named: the
 * worker asks what its own writer may have left there, and does not do so for ever. Offsets of the
 * group alone that are held by a transaction whose end nobody told are freed.
 * Method: the worker's own commit is the last one in the log, behind it a stranger's transaction is
 * open, in virtual time; it ends in time, or never does. A transaction with nothing but offsets is
 * aborted at a coordinator that leaves its markers out.
 */
#include "engine/history/history.h"
#include "tests/unit/sim/rig.h"

#include <criterion/criterion.h>
#include <string.h>

#define FOR_EVER_MS (60 * 60 * 1000)

static int64_t now_us(mr_rig *r)
{
    const mr_clock *clock = mr_sim_clock(&r->world);
    return clock->monotonic_us(clock);
}

/* A life with commits, and a record of a stranger whose transaction is open. */
static mr_log_writer *set_up(mr_rig *r)
{
    mr_rig_set_up(r, &(mr_rig_options){.seed = 1, .job = {.tasks_count = 1}});
    mr_rig_start(r, 0, false);
    mr_rig_feed(r, 3, 10);
    while (r->stats.commits == 0)
        cr_assert(mr_rig_step(r, 0), "%s", r->err.message);
    mr_rig_stop(r, 0);
    mr_writer_options options = {.transactional_id = "stranger",
                                 .transaction_timeout_ms = FOR_EVER_MS};
    mr_log_writer *writer;
    mr_log *log = r->world.outside;
    mr_log_record record = {.value = "x", .value_length = 1, .timestamp_ms = MR_TIME_NONE};
    cr_assert_eq(log->class->open_writer(log, &options, &writer, &r->err), MR_OK);
    cr_assert_eq(writer->class->begin(writer, &r->err), MR_OK);
    cr_assert_eq(writer->class->produce(writer, "sim.state", 0, &record, 1, &r->err), MR_OK);
    cr_assert_eq(writer->class->flush(writer, 1000, &r->err), MR_OK);
    return writer;
}

Test(held, by_one_that_never_ends_is_named_after_a_while)
{
    mr_rig r;
    mr_log_writer *stranger = set_up(&r);
    mr_rig_start(&r, 0, false);
    int64_t began_us = now_us(&r), least_us = INT64_C(30000000), most_us = INT64_C(300000000);
    while (now_us(&r) - began_us < most_us && mr_rig_step(&r, 0))
        ;
    cr_expect_lt(now_us(&r) - began_us, most_us, "it waits for ever");
    cr_expect_gt(now_us(&r) - began_us, least_us, "whoever is alive gets his time");
    cr_expect_eq(r.err.status, MR_E_KAFKA_TIMEOUT, "%s", r.err.message);
    cr_expect(strstr(r.err.message, "sim.state[0]") != NULL, "%s", r.err.message);
    cr_expect_eq(stranger->class->commit(stranger, &r.err), MR_OK, "it is left alone");
    stranger->class->close(stranger);
    mr_rig_stop(&r, 0);
    mr_rig_tear_down(&r);
}

Test(held, by_one_that_ends_in_time_is_waited_for)
{
    mr_rig r;
    mr_log_writer *stranger = set_up(&r);
    mr_rig_start(&r, 0, false);
    int64_t began_us = now_us(&r);
    while (now_us(&r) - began_us < INT64_C(20000000))
        cr_assert(mr_rig_step(&r, 0), "%s", r.err.message);
    cr_expect_eq(r.stats.phase, MR_WORKER_RESTORE);
    cr_assert_eq(stranger->class->abort(stranger, &r.err), MR_OK);
    mr_rig_step_until(&r, 0, MR_WORKER_RUN);
    stranger->class->close(stranger);
    mr_rig_stop(&r, 0);
    mr_rig_finish(&r);
    mr_rig_tear_down(&r);
}

/* What a broker leaves behind that was killed between a decision and its markers: offsets that are
 * neither committed nor dropped, of a transaction that its coordinator takes for ended. */
static void hold_offsets(mr_rig *r, const char *id, int32_t task)
{
    mr_log *log = r->world.outside;
    mr_arena arena = {0};
    mr_log_member *member = mr_rig_join(r);
    mr_writer_options options = {.transactional_id = id};
    mr_log_writer *writer;
    mr_log_offset put = {.topic = "sim.state", .partition = task, .offset = 1, .metadata = "dead"};
    cr_assert_eq(log->class->open_writer(log, &options, &writer, &r->err), MR_OK);
    cr_assert_eq(writer->class->begin(writer, &r->err), MR_OK);
    cr_assert_eq(writer->class->send_offsets(writer, member, &put, 1, &r->err), MR_OK, "%s",
                 r->err.message);
    r->world.cluster->options.hanging = 1000000;
    r->world.cluster->options.hangs_partly = false;
    cr_assert_eq(writer->class->abort(writer, &r->err), MR_OK);
    r->world.cluster->options.hanging = 0;
    cr_assert_eq(member->class->committed(member, &put, 1, &arena, &r->err), MR_E_KAFKA_TIMEOUT,
                 "they are not held");
    writer->class->close(writer);
    member->class->close(member);
    mr_arena_release(&arena);
}

/* The last commit was that of `owner`; seat 0 comes behind it. */
static void restore_with_held_offsets(uint32_t owner)
{
    mr_rig r;
    mr_rig_set_up(&r, &(mr_rig_options){.workers = owner + 1, .job = {.tasks_count = 1}});
    r.world.cluster->options.hanging = 0;
    mr_rig_start(&r, owner, false);
    mr_rig_feed(&r, 3, 10);
    while (r.stats.commits == 0)
        cr_assert(mr_rig_step(&r, owner), "%s", r.err.message);
    mr_rig_stop(&r, owner);
    hold_offsets(&r, owner == 0 ? "sim-w0" : "sim-w1", 0);
    mr_rig_start(&r, 0, false);
    int64_t began_us = now_us(&r);
    do
        cr_assert(mr_rig_step(&r, 0), "%s", r.err.message);
    while (r.stats.phase != MR_WORKER_RUN && now_us(&r) - began_us < INT64_C(120000000));
    cr_expect_eq(r.stats.phase, MR_WORKER_RUN, "it waits for ever");
    mr_rig_feed(&r, 3, 10);
    mr_rig_stop(&r, 0);
    mr_rig_finish(&r);
    mr_rig_tear_down(&r);
}

Test(held, the_group_alone_by_a_transaction_of_the_same_writer)
{
    restore_with_held_offsets(0);
}

Test(held, the_group_alone_by_a_transaction_of_whoever_had_the_task)
{
    restore_with_held_offsets(1);
}

/* A first claim that was never committed names nobody: what holds the log may be our own then too.
 */
Test(held, by_what_our_own_first_claim_left)
{
    mr_rig r;
    mr_rig_set_up(&r, &(mr_rig_options){.job = {.tasks_count = 1}});
    mr_memory_options *options = &r.world.cluster->options;
    mr_log *log = r.world.outside;
    mr_log_record record = {.value = "x", .value_length = 1, .timestamp_ms = MR_TIME_NONE};
    mr_writer_options own = {.transactional_id = "sim-w0"};
    mr_log_writer *writer;
    cr_assert_eq(log->class->create_topic(log, "sim.state", 1, NULL, &r.err), MR_OK);
    cr_assert_eq(log->class->open_writer(log, &own, &writer, &r.err), MR_OK);
    cr_assert_eq(writer->class->begin(writer, &r.err), MR_OK);
    cr_assert_eq(writer->class->produce(writer, "sim.state", 0, &record, 1, &r.err), MR_OK);
    cr_assert_eq(writer->class->flush(writer, 1000, &r.err), MR_OK);
    *options = (mr_memory_options){.virtual_clock = options->virtual_clock,
                                   .hanging = 1000000,
                                   .hanging_in_a_row = 2}; /* the first cure as well */
    cr_assert_eq(writer->class->abort(writer, &r.err), MR_OK);
    writer->class->close(writer);
    mr_rig_start(&r, 0, false);
    mr_rig_step_until(&r, 0, MR_WORKER_RUN);
    options->hanging = 0;
    mr_rig_feed(&r, 3, 10);
    mr_rig_stop(&r, 0);
    mr_rig_finish(&r);
    mr_rig_tear_down(&r);
}

typedef struct lines {
    uint32_t held, fenced, ending;
} lines;

static void note(void *sink, mr_log_level level, const char *line)
{
    (void)level;
    lines *told = sink;
    told->held += strstr(line, "offsets of the group are not told") != NULL;
    told->fenced += strstr(line, "writer fenced") != NULL && strstr(line, "id=sim-w0") != NULL;
    told->ending += strstr(line, "if it hangs, it ends now") != NULL;
}

/* A life of seat 0, then a stranger whose offsets of the last task nobody can end. */
static void set_up_stranger(mr_rig *r, const mr_rig_options *options, const mr_logger *logger)
{
    mr_rig_set_up(r, options);
    r->world.cluster->options.hanging = 0;
    r->config.logger = logger;
    mr_rig_start(r, 0, false);
    mr_rig_feed(r, 3, 10);
    while (r->stats.commits == 0)
        cr_assert(mr_rig_step(r, 0), "%s", r->err.message);
    mr_rig_stop(r, 0);
    hold_offsets(r, "stranger", (int32_t)options->job.tasks_count - 1);
}

/* Who had the task, and lives with another, is fenced for it a few times, and each is told of. */
Test(held, the_group_alone_by_a_stranger_costs_the_living_little)
{
    mr_rig r;
    lines told = {0};
    mr_logger logger = {.sink = &told, .write = note, .level_min = MR_LOG_INFO};
    set_up_stranger(&r, &(mr_rig_options){.workers = 2, .job = {.tasks_count = 2}}, &logger);
    mr_rig_start(&r, 0, false);
    mr_rig_start(&r, 1, false);
    uint64_t aborts = 0, commits = 0, fenced = 0;
    for (int64_t began_us = now_us(&r); now_us(&r) - began_us < INT64_C(1200000000);) {
        mr_rig_feed(&r, 1, 0);
        for (int i = 0; i < 50; i++) /* a step of the other one takes seconds */
            cr_assert(mr_rig_step(&r, 0), "%s", r.err.message);
        aborts = r.stats.aborts;
        commits = r.stats.commits;
        cr_assert(mr_rig_step(&r, 1), "%s", r.err.message);
        fenced = r.stats.owners_fenced;
    }
    cr_expect_eq(r.stats.phase, MR_WORKER_RESTORE);
    cr_expect_gt(commits, 10, "who lives goes on");
    cr_expect_geq(fenced, 4);
    cr_expect_leq(fenced, 10);
    cr_expect_leq(aborts, fenced + 2);
    cr_expect_eq(told.fenced, fenced);
    mr_rig_stop(&r, 1);
    mr_rig_stop(&r, 0);
    mr_rig_tear_down(&r);
}

Test(held, the_group_alone_is_not_said_to_end_where_nothing_can_end_it)
{
    mr_rig r;
    lines told = {0};
    mr_logger logger = {.sink = &told, .write = note, .level_min = MR_LOG_INFO};
    mr_rig_options options = {.job = {.tasks_count = 1, .guarantee = MR_AT_LEAST_ONCE}};
    set_up_stranger(&r, &options, &logger);
    mr_rig_start(&r, 0, false);
    for (int64_t began_us = now_us(&r); now_us(&r) - began_us < INT64_C(30000000);)
        cr_assert(mr_rig_step(&r, 0), "%s", r.err.message);
    cr_expect_eq(r.stats.phase, MR_WORKER_RESTORE);
    cr_expect_gt(told.held, 0);
    cr_expect_eq(told.ending, 0);
    mr_rig_stop(&r, 0);
    mr_rig_tear_down(&r);
}

/* Describes the dead-letter topic only when it is asked for the second time. */
static mr_log_class faltering;
static const mr_log_class *faultless;
static uint32_t faults;

static mr_status describe_faltering(mr_log *log, const char *topic, mr_topic_facts *facts,
                                    mr_error *err)
{
    if (strcmp(topic, "dlq") == 0 && faults++ == 0)
        return mr_error_set_recovery(err, MR_E_KAFKA_UNREACHABLE, MR_RECOVERY_RETRY, "away");
    return faultless->describe(log, topic, facts, err);
}

/* A start that the broker interrupted just then knew of no dead-letter topic, and left what hung
 * there to be committed with its own letters. */
Test(held, a_dead_letter_topic_whose_description_came_late)
{
    mr_rig r;
    mr_rig_set_up(&r, &(mr_rig_options){.job = {.tasks_count = 1}});
    mr_log *log = r.world.outside;
    mr_log_record record = {.value = "x", .value_length = 1, .timestamp_ms = MR_TIME_NONE};
    mr_writer_options own = {.transactional_id = "sim-w0"};
    mr_log_writer *writer;
    cr_assert_eq(log->class->open_writer(log, &own, &writer, &r.err), MR_OK);
    cr_assert_eq(writer->class->begin(writer, &r.err), MR_OK);
    cr_assert_eq(writer->class->produce(writer, "dlq", 0, &record, 1, &r.err), MR_OK);
    cr_assert_eq(writer->class->flush(writer, 1000, &r.err), MR_OK);
    r.world.cluster->options.hanging = 1000000;
    r.world.cluster->options.hangs_partly = false;
    cr_assert_eq(writer->class->abort(writer, &r.err), MR_OK);
    r.world.cluster->options.hanging = 0;
    writer->class->close(writer);
    mr_rig_start(&r, 0, false);
    faults = 0;
    faultless = r.seats[0].log->class;
    faltering = *faultless;
    faltering.describe = describe_faltering;
    r.seats[0].log->class = &faltering;
    mr_rig_step_until(&r, 0, MR_WORKER_RUN);
    r.seats[0].log->class = faultless;
    cr_expect_geq(faults, 2u);
    mr_log_ends ends = {.topic = "dlq", .partition = 0};
    cr_assert_eq(log->class->ends(log, &ends, 1, &r.err), MR_OK);
    cr_expect_eq(ends.stable, ends.high, "%ld < %ld", (long)ends.stable, (long)ends.high);
    mr_rig_feed(&r, 3, 10);
    mr_rig_stop(&r, 0);
    mr_rig_finish(&r);
    mr_rig_tear_down(&r);
}

static mr_status count_epoch(void *context, const mr_history_record *record, bool *is_enough,
                             mr_error *err)
{
    (void)is_enough;
    (void)err;
    *(uint32_t *)context += !record->is_claim;
    return MR_OK;
}

/* What ends a transaction that hangs is a record without value. Where the markers of that were left
 * out as well, the next commit of the same writer shows it. */
Test(held, a_record_that_ended_what_hung_means_nothing)
{
    mr_rig r;
    mr_rig_set_up(&r, &(mr_rig_options){.job = {.tasks_count = 2, .later_tasks = 2}});
    for (int life = 0; life < 3; life++) {
        mr_rig_start(&r, 0, false);
        mr_rig_feed(&r, 5, 10);
        while (r.stats.commits < 3)
            cr_assert(mr_rig_step(&r, 0), "%s", r.err.message);
        for (int32_t p = 0; p < 2; p++)
            mr_sim_put(&r.world, "sim.exchange.0", p, "", NULL, MR_TIME_NONE);
        for (int32_t p = 0; p < 4; p++)
            mr_sim_put(&r.world, "sim.state", p, "", NULL, MR_TIME_NONE);
        mr_rig_stop(&r, 0);
        r.stats.commits = 0;
    }
    uint32_t epochs = 0;
    mr_history history = {
        .log = r.world.outside, .clock = mr_sim_clock(&r.world), .topic = "sim.state"};
    cr_assert_eq(mr_history_read(&history, MR_OFFSET_EARLIEST, -1, count_epoch, &epochs, &r.err),
                 MR_OK, "%s", r.err.message);
    cr_expect_geq(epochs, 3);
    mr_rig_finish(&r);
    mr_rig_tear_down(&r);
}
