/* Goal: each fault of the memory log does what Kafka would do, and only when asked for.
 * Method: one process with one fault at certainty, an outsider's connection to look with. */
#include "connectors/memory/log.h"
#include "connectors/memory/partitioner.h"
#include "engine/base/buffer.h"

#include <criterion/criterion.h>
#include <string.h>

#define ALWAYS 1000000u
#define OK(call) cr_assert_eq((call), MR_OK, #call ": %s", err.message)

static mr_error err;

typedef struct rig {
    mr_memory_clock clock;
    mr_memory_cluster *cluster;
    mr_memory_process process;
    mr_log *log;     /* the process' */
    mr_log *outside; /* nothing goes wrong here */
    mr_log_writer *writer;
    mr_log_reader *reader;
} rig;

static mr_log_writer *open_writer(mr_log *log, const char *id)
{
    mr_log_writer *writer = NULL;
    mr_writer_options options = {id, 10000, true};
    OK(log->class->open_writer(log, &options, &writer, &err));
    return writer;
}

static void set_up(rig *r, uint64_t seed)
{
    *r = (rig){0};
    mr_memory_clock_init(&r->clock, 1700000000000);
    mr_memory_options options = {.virtual_clock = &r->clock};
    r->cluster = mr_memory_cluster_new(&options);
    r->process = (mr_memory_process){.name = "p", .clock = &r->clock.clock, .random = seed};
    r->log = mr_memory_log_new(r->cluster, &r->process);
    r->outside = mr_memory_log_new(r->cluster, NULL);
    OK(r->outside->class->create_topic(r->outside, "t", 2, NULL, &err));
    r->writer = open_writer(r->log, "id");
    OK(r->log->class->open_reader(r->log, &r->reader, &err));
}

static void tear_down(rig *r)
{
    r->reader->class->close(r->reader);
    r->writer->class->close(r->writer);
    r->log->class->close(r->log);
    r->outside->class->close(r->outside);
    mr_memory_cluster_free(r->cluster);
}

static mr_status put(mr_log_writer *writer, const char *value)
{
    mr_log_record record = {
        .value = value, .value_length = strlen(value), .timestamp_ms = MR_TIME_NONE, .tag = 42};
    return writer->class->produce(writer, "t", 0, &record, 1, &err);
}

static void pass(rig *r, int64_t ms)
{
    int64_t until_us = r->clock.now_us + ms * 1000;
    while (mr_memory_cluster_wait(r->cluster, until_us))
        ;
}

/* What a reader from outside sees, as "a b c". */
static const char *seen(rig *r, char text[256])
{
    mr_log_reader *reader;
    mr_records records;
    text[0] = '\0';
    OK(r->outside->class->open_reader(r->outside, &reader, &err));
    OK(reader->class->add(reader, 0, "t", 0, 0, &err));
    do {
        OK(reader->class->fetch(reader, 100, 0, &records, &err));
        for (uint32_t i = 0; i < records.count; i++) {
            strncat(text, text[0] != '\0' ? " " : "", 2);
            strncat(text, records.record[i].value, records.record[i].value_length);
        }
    } while (records.count > 0);
    reader->class->close(reader);
    return text;
}

Test(memory_faults, a_crash_before_a_call_has_no_effect)
{
    rig r;
    char text[256];
    set_up(&r, 1);
    OK(r.writer->class->begin(r.writer, &err));
    OK(put(r.writer, "a"));
    r.process.crash_at = r.process.calls + 1;
    r.process.crash = MR_MEMORY_CRASH_BEFORE;
    cr_assert_eq(r.writer->class->commit(r.writer, &err), MR_E_CRASHED);
    cr_expect(r.process.is_dead);
    cr_expect_str_eq(r.process.last_call, "writer.commit");
    cr_expect_eq(put(r.writer, "b"), MR_E_CRASHED);
    pass(&r, 20000);
    cr_expect_str_eq(seen(&r, text), "");
    tear_down(&r);
}

Test(memory_faults, a_crash_after_a_call_leaves_its_effect)
{
    rig r;
    char text[256];
    set_up(&r, 1);
    mr_log_writer *plain = open_writer(r.log, NULL);
    r.process.crash_at = r.process.calls + 1;
    r.process.crash = MR_MEMORY_CRASH_AFTER;
    cr_assert_eq(put(plain, "a"), MR_E_CRASHED);
    cr_expect_str_eq(seen(&r, text), "a");
    plain->class->close(plain);
    tear_down(&r);
}

Test(memory_faults, a_commit_in_doubt_did_or_did_not_or_will_happen)
{
    bool did = false, did_not = false, will = false;
    for (uint64_t seed = 0; seed < 40; seed++) {
        rig r;
        char now[256], later[256];
        set_up(&r, seed);
        r.process.faults = (mr_memory_faults){.end_doubt = ALWAYS, .late_us_max = 1000000};
        OK(r.writer->class->begin(r.writer, &err));
        OK(put(r.writer, "a"));
        cr_assert_eq(r.writer->class->commit(r.writer, &err), MR_E_KAFKA_IN_DOUBT);
        cr_expect_eq(err.recovery, MR_RECOVERY_WRITER);
        cr_expect_eq(r.writer->class->begin(r.writer, &err), MR_E_KAFKA_IN_DOUBT);
        seen(&r, now);
        pass(&r, 2000);
        seen(&r, later);
        did |= now[0] == 'a';
        will |= now[0] == '\0' && later[0] == 'a';
        did_not |= later[0] == '\0';
        tear_down(&r);
    }
    cr_expect(did && did_not && will);
}

Test(memory_faults, a_late_end_hits_the_transaction_that_is_open_when_it_arrives)
{
    rig r;
    char text[256];
    set_up(&r, 3);
    r.process.faults =
        (mr_memory_faults){.end_doubt = ALWAYS, .late_us_max = 1000000, .hide_doubt = true};
    OK(r.writer->class->begin(r.writer, &err));
    OK(put(r.writer, "a"));
    OK(r.writer->class->commit(r.writer, &err)); /* a copy of the request is still under way */
    r.process.faults = (mr_memory_faults){0};
    OK(r.writer->class->begin(r.writer, &err));
    OK(put(r.writer, "half"));
    pass(&r, 2000);
    cr_expect_str_eq(seen(&r, text), "a half", "the copy committed half a transaction");
    tear_down(&r);
}

Test(memory_faults, a_late_end_is_refused_once_the_epoch_is_bumped)
{
    rig r;
    char text[256];
    set_up(&r, 3);
    r.process.faults =
        (mr_memory_faults){.end_doubt = ALWAYS, .late_us_max = 1000000, .hide_doubt = true};
    OK(r.writer->class->begin(r.writer, &err));
    OK(put(r.writer, "a"));
    OK(r.writer->class->commit(r.writer, &err));
    r.process.faults = (mr_memory_faults){0};
    mr_log_writer *second = open_writer(r.log, "id");
    OK(second->class->begin(second, &err));
    OK(put(second, "half"));
    pass(&r, 2000);
    cr_expect_str_eq(seen(&r, text), "a");
    OK(second->class->abort(second, &err));
    cr_expect_str_eq(seen(&r, text), "a");
    second->class->close(second);
    tear_down(&r);
}

Test(memory_faults, a_commit_after_a_late_abort_is_not_taken_for_done)
{
    rig r;
    set_up(&r, 3);
    r.process.faults =
        (mr_memory_faults){.end_doubt = ALWAYS, .late_us_max = 1000000, .hide_doubt = true};
    OK(r.writer->class->begin(r.writer, &err));
    OK(put(r.writer, "x"));
    OK(r.writer->class->abort(r.writer, &err));
    r.process.faults = (mr_memory_faults){0};
    OK(r.writer->class->begin(r.writer, &err));
    OK(put(r.writer, "lost"));
    pass(&r, 2000);
    cr_assert_eq(r.writer->class->commit(r.writer, &err), MR_E_KAFKA_IN_DOUBT);
    cr_expect_eq(err.recovery, MR_RECOVERY_WRITER);
    tear_down(&r);
}

Test(memory_faults, late_markers_hide_a_commit_from_readers_for_a_while)
{
    rig r;
    char text[256];
    set_up(&r, 4);
    r.process.faults = (mr_memory_faults){.late_marker = ALWAYS, .late_marker_us_max = 1000000};
    bool was_hidden = false;
    for (int i = 0; i < 20; i++) {
        OK(r.writer->class->begin(r.writer, &err));
        OK(put(r.writer, "a"));
        OK(r.writer->class->commit(r.writer, &err));
        was_hidden |= strlen(seen(&r, text)) < 2 * (size_t)i + 1;
    }
    cr_expect(was_hidden);
    pass(&r, 2000);
    cr_expect_eq(strlen(seen(&r, text)), 39, "all 20 of them");
    tear_down(&r);
}

Test(memory_faults, a_successor_waits_for_late_markers)
{
    rig r;
    char text[256];
    set_up(&r, 4);
    r.process.faults = (mr_memory_faults){.late_marker = ALWAYS, .late_marker_us_max = 1000000};
    OK(r.writer->class->begin(r.writer, &err));
    OK(put(r.writer, "a"));
    OK(r.writer->class->commit(r.writer, &err));
    mr_log_writer *second = open_writer(r.outside, "id");
    cr_expect_str_eq(seen(&r, text), "a", "committed, not aborted by the successor");
    second->class->close(second);
    tear_down(&r);
}

Test(memory_faults, a_batch_sent_twice_is_stored_once)
{
    rig r;
    char text[256];
    set_up(&r, 1);
    r.process.faults = (mr_memory_faults){.resend = ALWAYS};
    for (int epoch = 0; epoch < 3; epoch++) {
        OK(r.writer->class->begin(r.writer, &err));
        OK(put(r.writer, "a"));
        OK(put(r.writer, "b"));
        OK(r.writer->class->commit(r.writer, &err));
    }
    cr_expect_str_eq(seen(&r, text), "a b a b a b");
    cr_expect_eq(r.writer->class->last_offset(r.writer, "t", 0), 7);
    tear_down(&r);
}

Test(memory_faults, an_abortable_error_is_cured_by_an_abort)
{
    rig r;
    char text[256];
    set_up(&r, 1);
    OK(r.writer->class->begin(r.writer, &err));
    OK(put(r.writer, "x"));
    r.process.faults = (mr_memory_faults){.abortable = ALWAYS};
    cr_assert_eq(r.writer->class->commit(r.writer, &err), MR_E_KAFKA_ABORTABLE);
    cr_expect_eq(err.recovery, MR_RECOVERY_EPOCH);
    r.process.faults = (mr_memory_faults){0};
    cr_expect_eq(r.writer->class->commit(r.writer, &err), MR_E_KAFKA_ABORTABLE);
    cr_expect_eq(put(r.writer, "y"), MR_E_KAFKA_ABORTABLE);
    OK(r.writer->class->abort(r.writer, &err));
    OK(r.writer->class->begin(r.writer, &err));
    OK(put(r.writer, "a"));
    OK(r.writer->class->commit(r.writer, &err));
    cr_expect_str_eq(seen(&r, text), "a");
    tear_down(&r);
}

Test(memory_faults, a_refused_record_is_named_by_its_tag)
{
    rig r;
    set_up(&r, 1);
    OK(r.writer->class->begin(r.writer, &err));
    r.process.faults = (mr_memory_faults){.refused = ALWAYS, .refused_topic = "t"};
    OK(put(r.writer, "x"));
    cr_assert_eq(r.writer->class->commit(r.writer, &err), MR_E_KAFKA_RECORD_REFUSED);
    cr_expect_eq(err.recovery, MR_RECOVERY_RECORD);
    const mr_log_failure *failures;
    cr_assert_eq(r.writer->class->failures(r.writer, &failures), 1);
    cr_expect_eq(failures[0].tag, 42);
    cr_expect_eq(r.writer->class->failures(r.writer, &failures), 0, "told once");
    tear_down(&r);
}

Test(memory_faults, a_stalled_input_delivers_later)
{
    rig r;
    mr_records records;
    set_up(&r, 1);
    mr_log_writer *plain = open_writer(r.outside, NULL);
    OK(put(plain, "a"));
    OK(r.reader->class->add(r.reader, 5, "t", 0, 0, &err));
    r.process.faults = (mr_memory_faults){.stall = ALWAYS, .stall_us_max = 1000000};
    OK(r.reader->class->fetch(r.reader, 10, 0, &records, &err));
    cr_expect_eq(records.count, 0);
    r.process.faults = (mr_memory_faults){0};
    int64_t before_us = r.clock.now_us;
    OK(r.reader->class->fetch(r.reader, 10, 5000, &records, &err));
    cr_expect_eq(records.count, 1);
    cr_expect_eq(records.input, 5);
    cr_expect_gt(r.clock.now_us, before_us + 100);
    plain->class->close(plain);
    tear_down(&r);
}

Test(memory_faults, a_fetch_error_may_be_tried_again)
{
    rig r;
    mr_records records;
    set_up(&r, 1);
    r.process.faults = (mr_memory_faults){.fetch_error = ALWAYS};
    OK(r.reader->class->add(r.reader, 0, "t", 0, 0, &err));
    cr_expect_neq(r.reader->class->fetch(r.reader, 10, 0, &records, &err), MR_OK);
    cr_expect_eq(err.recovery, MR_RECOVERY_RETRY);
    r.process.faults = (mr_memory_faults){0};
    OK(r.reader->class->fetch(r.reader, 10, 0, &records, &err));
    tear_down(&r);
}

Test(memory_faults, records_that_linger_die_with_their_process)
{
    rig r;
    char text[256];
    set_up(&r, 1);
    r.process.faults = (mr_memory_faults){.linger = ALWAYS};
    mr_log_writer *plain = open_writer(r.log, NULL);
    size_t queued = 0;
    for (int i = 0; i < 20; i++) {
        OK(put(plain, "a"));
        queued = plain->class->queued_bytes(plain);
        if (queued > 0)
            cr_expect_eq(plain->class->last_offset(plain, "t", 0), -1, "not delivered yet");
    }
    OK(plain->class->flush(plain, 100, &err));
    cr_expect_eq(plain->class->last_offset(plain, "t", 0), 19);
    cr_expect_eq(plain->class->queued_bytes(plain), 0);
    do
        OK(put(plain, "b"));
    while (plain->class->queued_bytes(plain) == 0);
    mr_memory_process_kill(&r.process);
    seen(&r, text);
    size_t length = strlen(text);
    plain->class->close(plain);
    cr_expect_eq(strlen(seen(&r, text)), length);
    tear_down(&r);
}

Test(memory_faults, a_broker_that_is_away_too_long_costs_the_transaction)
{
    rig r;
    char text[256];
    set_up(&r, 1);
    OK(r.writer->class->begin(r.writer, &err));
    OK(put(r.writer, "x"));
    r.process.unreachable_until_us = r.clock.now_us + 30000000;
    cr_assert_eq(r.writer->class->commit(r.writer, &err), MR_E_KAFKA_FENCED);
    cr_expect_eq(err.recovery, MR_RECOVERY_WRITER);
    cr_expect_str_eq(seen(&r, text), "");
    tear_down(&r);
}

Test(memory_faults, a_stopped_process_is_fenced_when_it_wakes)
{
    rig r;
    char text[256];
    set_up(&r, 1);
    OK(r.writer->class->begin(r.writer, &err));
    OK(put(r.writer, "x"));
    mr_memory_process_stop(&r.process);
    mr_log_writer *second = open_writer(r.outside, "id");
    OK(second->class->begin(second, &err));
    OK(put(second, "a"));
    OK(second->class->commit(second, &err));
    mr_memory_process_resume(&r.process);
    OK(put(r.writer, "y"));
    cr_expect_eq(r.writer->class->commit(r.writer, &err), MR_E_KAFKA_FENCED);
    cr_expect_str_eq(seen(&r, text), "a");
    second->class->close(second);
    tear_down(&r);
}

static mr_log_member *open_member(mr_log *log, const char *instance_id)
{
    mr_log_member *member = NULL;
    mr_member_options options = {.group = "g", .instance_id = instance_id, .topic = "t"};
    OK(log->class->open_member(log, &options, &member, &err));
    return member;
}

static mr_member_event poll(mr_log_member *member)
{
    mr_member_event event;
    OK(member->class->poll(member, 100, &event, &err));
    return event;
}

Test(memory_faults, a_rebalance_is_a_revoke_or_a_loss)
{
    bool revoked = false, lost = false;
    for (uint64_t seed = 0; seed < 20; seed++) {
        rig r;
        set_up(&r, seed);
        mr_log_member *member = open_member(r.log, "w");
        cr_assert_eq(poll(member).kind, MR_MEMBER_ASSIGNED);
        r.process.faults = (mr_memory_faults){.rebalance = ALWAYS};
        mr_member_event_kind kind = poll(member).kind;
        revoked |= kind == MR_MEMBER_REVOKED;
        lost |= kind == MR_MEMBER_LOST;
        r.process.faults = (mr_memory_faults){0};
        cr_expect_eq(poll(member).kind, MR_MEMBER_NOTHING, "told once, nothing before release");
        OK(member->class->release(member, &err));
        mr_member_event event = poll(member);
        cr_expect_eq(event.kind, MR_MEMBER_ASSIGNED);
        cr_expect_eq(event.partitions_count, 2);
        member->class->close(member);
        tear_down(&r);
    }
    cr_expect(revoked && lost);
}

Test(memory_faults, a_dead_members_partitions_move_after_its_session)
{
    rig r;
    set_up(&r, 1);
    mr_log_member *dying = open_member(r.log, "a");
    cr_assert_eq(poll(dying).kind, MR_MEMBER_ASSIGNED);
    mr_log_member *other = open_member(r.outside, "b");
    cr_assert_eq(poll(dying).kind, MR_MEMBER_REVOKED);
    OK(dying->class->release(dying, &err));
    cr_assert_eq(poll(dying).kind, MR_MEMBER_ASSIGNED);
    cr_assert_eq(poll(other).partitions_count, 1);
    mr_memory_process_kill(&r.process);
    dying->class->close(dying);
    pass(&r, 9000);
    cr_expect_eq(poll(other).kind, MR_MEMBER_NOTHING);
    pass(&r, 2000);
    cr_expect_eq(poll(other).kind, MR_MEMBER_REVOKED);
    OK(other->class->release(other, &err));
    cr_expect_eq(poll(other).partitions_count, 2);
    other->class->close(other);
    tear_down(&r);
}

static void play_with_trace(uint64_t seed, FILE *trace)
{
    rig r;
    mr_records records;
    set_up(&r, seed);
    r.process.trace = trace;
    r.process.faults = (mr_memory_faults){.stall = 300000,
                                          .stall_us_max = 500000,
                                          .fetch_error = 100000,
                                          .linger = 500000,
                                          .resend = 500000,
                                          .abortable = 200000};
    mr_log_writer *plain = open_writer(r.log, NULL);
    OK(r.reader->class->add(r.reader, 0, "t", 0, 0, &err));
    for (int i = 0; i < 100; i++) {
        OK(put(plain, "a"));
        (void)!r.reader->class->fetch(r.reader, 10, 10, &records, &err);
    }
    plain->class->close(plain);
    tear_down(&r);
}

Test(memory_faults, a_seed_replays_step_by_step)
{
    char *text[3];
    size_t size[3];
    for (int i = 0; i < 3; i++) {
        FILE *trace = open_memstream(&text[i], &size[i]);
        play_with_trace(i < 2 ? 7 : 8, trace);
        fclose(trace);
    }
    cr_expect_str_eq(text[0], text[1]);
    cr_expect_str_neq(text[0], text[2]);
    cr_expect(strstr(text[0], "reader.fetch") != NULL && strstr(text[0], "fault: stall") != NULL);
    for (int i = 0; i < 3; i++)
        free(text[i]);
}

Test(memory_log, what_was_fetched_outlives_a_trim_and_the_topic)
{
    rig r;
    mr_records records;
    char value[100];
    set_up(&r, 1);
    mr_log_writer *plain = open_writer(r.outside, NULL);
    memset(value, 'v', sizeof value);
    mr_log_record record = {.value = value, .value_length = sizeof value, .timestamp_ms = 1};
    for (int i = 0; i < 10000; i++)
        OK(plain->class->produce(plain, "t", 0, &record, 1, &err));
    OK(r.reader->class->add(r.reader, 0, "t", 0, 0, &err));
    OK(r.reader->class->fetch(r.reader, 50, 0, &records, &err));
    OK(r.outside->class->trim(r.outside, "t", 0, 9999, &err));
    OK(r.outside->class->delete_topic(r.outside, "t", &err));
    cr_assert_eq(records.count, 50);
    for (uint32_t i = 0; i < records.count; i++)
        cr_assert_eq(memcmp(records.record[i].value, value, sizeof value), 0);
    plain->class->close(plain);
    tear_down(&r);
}

Test(memory_log, murmur2_agrees_with_kafkas_vectors)
{
    const struct {
        const char *key;
        int32_t hash;
    } cases[] = {{"21", -973932308},
                 {"foobar", -790332482},
                 {"a-little-bit-long-string", -985981536},
                 {"a-little-bit-longer-string", -1486304829},
                 {"lkjh234lh9fiuh90y23oiuhsafujhadof229phr9h19h89h8", -58897971},
                 {"abc", 479470107}};
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++)
        cr_expect_eq((int32_t)mr_memory_murmur2(cases[i].key, strlen(cases[i].key)), cases[i].hash,
                     "%s", cases[i].key);
}
