/* Checks of transactions, visibility and fencing. */
#include "tests/harness/conformance/stage.h"

#include "engine/base/assert.h"

#include <stdlib.h>

static void nothing_is_visible_before_the_commit(mr_log_stage *s)
{
    const char *topic = stage_topic(s, 2);
    mr_log_writer *writer = stage_writer(s, stage_name(s, "id"));
    mr_log_reader *reader = stage_reader(s);
    stage_add(s, reader, 0, topic, 0, 0);
    stage_add(s, reader, 1, topic, 1, 0);
    stage_begin(s, writer);
    stage_put(s, writer, topic, 0, "ab");
    stage_put(s, writer, topic, 1, "c");
    stage_flush(s, writer);
    stage_expect_text(s, stage_drain(s, reader, 1, 400), "");
    stage_commit(s, writer);
    stage_expect_read(s, topic, 0, 0, "0:a 1:b");
    stage_expect_read(s, topic, 1, 0, "0:c");
}

static void aborted_records_are_never_seen(mr_log_stage *s)
{
    const char *topic = stage_topic(s, 1);
    mr_log_writer *writer = stage_writer(s, stage_name(s, "id"));
    stage_begin(s, writer);
    stage_put(s, writer, topic, 0, "xy");
    stage_flush(s, writer);
    stage_abort(s, writer);
    stage_begin(s, writer);
    stage_put(s, writer, topic, 0, "a");
    stage_commit(s, writer);
    /* x y marker a marker */
    stage_expect_read(s, topic, 0, 0, "3:a");
    stage_expect_latest(s, topic, 0, 5);
}

static void markers_take_offsets(mr_log_stage *s)
{
    const char *topic = stage_topic(s, 1);
    mr_log_writer *writer = stage_writer(s, stage_name(s, "id"));
    for (int i = 0; i < 3; i++) {
        stage_begin(s, writer);
        stage_put(s, writer, topic, 0, "a");
        stage_commit(s, writer);
    }
    stage_expect_read(s, topic, 0, 0, "0:a 2:a 4:a");
    stage_expect_latest(s, topic, 0, 6);
}

static void the_position_steps_over_markers_and_aborted_records(mr_log_stage *s)
{
    const char *topic = stage_topic(s, 1);
    mr_log_writer *writer = stage_writer(s, stage_name(s, "id"));
    stage_begin(s, writer);
    stage_put(s, writer, topic, 0, "ab");
    stage_commit(s, writer);
    stage_begin(s, writer);
    stage_put(s, writer, topic, 0, "x");
    stage_flush(s, writer);
    stage_abort(s, writer);
    mr_log_reader *reader = stage_reader(s);
    stage_add(s, reader, 0, topic, 0, 0);
    stage_expect_text(s, stage_drain(s, reader, 2, 60000), "0/0:a 0/1:b");
    mr_input_ends ends = stage_ends_at(s, reader, 0, 5);
    stage_expect_int(s, ends.stable_end, 5, "stable end");
    stage_expect_int(s, ends.high_end, 5, "high end");
    stage_expect(s, !ends.is_buffered && !ends.is_paused, "buffered or paused");
}

static void an_open_transaction_holds_the_stable_end(mr_log_stage *s)
{
    const char *topic = stage_topic(s, 1);
    mr_log_writer *writer = stage_writer(s, stage_name(s, "id"));
    stage_put_committed(s, topic, 0, "a");
    mr_log_reader *reader = stage_reader(s);
    stage_add(s, reader, 0, topic, 0, 0);
    stage_expect_text(s, stage_drain(s, reader, 1, 60000), "0/0:a");
    stage_begin(s, writer);
    stage_put(s, writer, topic, 0, "b");
    stage_flush(s, writer);
    stage_put_committed(s, topic, 0, "c");
    stage_expect_text(s, stage_drain(s, reader, 1, 500), "");
    mr_input_ends ends = stage_ends_at(s, reader, 0, 1);
    stage_expect_int(s, ends.stable_end, 1, "stable end");
    stage_expect_int(s, ends.high_end, 3, "high end");
    stage_expect_latest(s, topic, 0, 1);
    stage_commit(s, writer);
    stage_expect_text(s, stage_drain(s, reader, 2, 60000), "0/1:b 0/2:c");
}

static void the_ends_tell_what_is_open(mr_log_stage *s)
{
    const char *topic = stage_topic(s, 2);
    mr_log_writer *writer = stage_writer(s, stage_name(s, "id"));
    stage_put_committed(s, topic, 0, "a");
    stage_put_committed(s, topic, 1, "a");
    stage_begin(s, writer);
    stage_put(s, writer, topic, 1, "bc");
    stage_flush(s, writer);
    mr_log_ends ends[] = {{.topic = topic, .partition = 1}, {.topic = topic, .partition = 0}};
    if (!s->has_failed)
        stage_ok(s, s->log->class->ends(s->log, ends, 2, &s->err), "ends");
    stage_expect_int(s, ends[0].stable, 1, "stable end of the open one");
    stage_expect_int(s, ends[0].high, 3, "high end of the open one");
    stage_expect_int(s, ends[1].stable, 1, "stable end of the other");
    stage_expect_int(s, ends[1].high, 1, "high end of the other");
    stage_abort(s, writer);
    stage_expect_latest(s, topic, 1, 4);
    if (!s->has_failed)
        stage_ok(s, s->log->class->ends(s->log, ends, 2, &s->err), "ends");
    stage_expect_int(s, ends[0].stable, 4, "stable end after the abort");
    stage_expect_int(s, ends[0].high, 4, "high end after the abort");
}

static void the_ends_of_no_topic_are_an_error(mr_log_stage *s)
{
    mr_log_ends ends = {.topic = stage_name(s, "none"), .partition = 0};
    stage_expect(s, s->log->class->ends(s->log, &ends, 1, &s->err) != MR_OK, "ends of no topic");
}

static void what_waited_behind_an_abort_appears(mr_log_stage *s)
{
    const char *topic = stage_topic(s, 1);
    mr_log_writer *first = stage_writer(s, stage_name(s, "id"));
    mr_log_writer *second = stage_writer(s, stage_name(s, "id"));
    stage_begin(s, first);
    stage_begin(s, second);
    stage_put(s, first, topic, 0, "x");
    stage_flush(s, first);
    stage_put(s, second, topic, 0, "b");
    stage_flush(s, second);
    stage_put(s, first, topic, 0, "y");
    stage_flush(s, first);
    stage_commit(s, second);
    stage_expect_latest(s, topic, 0, 0);
    stage_abort(s, first);
    stage_expect_read(s, topic, 0, 0, "1:b");
}

static void a_writer_goes_on_after_an_abort(mr_log_stage *s)
{
    const char *topic = stage_topic(s, 1);
    mr_log_writer *writer = stage_writer(s, stage_name(s, "id"));
    for (int i = 0; i < 3; i++) {
        stage_begin(s, writer);
        stage_put(s, writer, topic, 0, "x");
        stage_abort(s, writer); /* not flushed: what is queued is dropped */
    }
    stage_begin(s, writer);
    stage_put(s, writer, topic, 0, "a");
    stage_commit(s, writer);
    const char *got = stage_read(s, topic, 0, 0);
    size_t length = 0;
    while (got[length] != '\0')
        length++;
    stage_expect(s, length >= 3 && got[length - 1] == 'a', "got \"%s\"", got);
}

static void an_empty_transaction_commits_and_aborts(mr_log_stage *s)
{
    mr_log_writer *writer = stage_writer(s, stage_name(s, "id"));
    stage_begin(s, writer);
    stage_commit(s, writer);
    stage_begin(s, writer);
    stage_abort(s, writer);
}

/* A writer with an open transaction, and a successor with the same id. */
static mr_log_writer *fenced(mr_log_stage *s, const char *topic)
{
    const char *id = stage_name(s, "id");
    mr_log_writer *first = stage_writer(s, id);
    stage_begin(s, first);
    stage_put(s, first, topic, 0, "x");
    stage_flush(s, first);
    (void)stage_writer(s, id);
    return first;
}

static void a_fenced_writer_cannot_commit(mr_log_stage *s)
{
    const char *topic = stage_topic(s, 1);
    mr_log_writer *first = fenced(s, topic);
    if (s->has_failed)
        return;
    stage_refused(s, first->class->commit(first, &s->err), MR_E_KAFKA_FENCED, MR_RECOVERY_WRITER,
                  "commit");
    stage_expect_read(s, topic, 0, 0, "");
}

static void a_fenced_writer_cannot_abort(mr_log_stage *s)
{
    mr_log_writer *first = fenced(s, stage_topic(s, 1));
    if (!s->has_failed)
        stage_refused(s, first->class->abort(first, &s->err), MR_E_KAFKA_FENCED, MR_RECOVERY_WRITER,
                      "abort");
}

static void a_fenced_writer_cannot_send_offsets(mr_log_stage *s)
{
    const char *topic = stage_topic(s, 1);
    mr_log_member *member = stage_member(s, stage_name(s, "group"), NULL, topic);
    stage_await(s, member, MR_MEMBER_ASSIGNED);
    mr_log_writer *first = fenced(s, topic);
    mr_status status = stage_send_offset(s, first, member, topic, 1, NULL);
    stage_refused(s, status, MR_E_KAFKA_FENCED, MR_RECOVERY_WRITER, "send_offsets");
}

static void a_fenced_writers_records_die(mr_log_stage *s)
{
    const char *topic = stage_topic(s, 1);
    mr_log_writer *first = fenced(s, topic);
    if (s->has_failed)
        return;
    mr_log_record record = {.value = "y", .value_length = 1, .timestamp_ms = MR_TIME_NONE};
    mr_error err;
    (void)!first->class->produce(first, topic, 0, &record, 1, &err);
    stage_refused(s, first->class->commit(first, &s->err), MR_E_KAFKA_FENCED, MR_RECOVERY_WRITER,
                  "commit");
    stage_expect_read(s, topic, 0, 0, "");
}

static void a_successor_aborts_what_was_left_open(mr_log_stage *s)
{
    const char *topic = stage_topic(s, 1);
    const char *id = stage_name(s, "id");
    mr_log_writer *first = stage_writer(s, id);
    stage_begin(s, first);
    stage_put(s, first, topic, 0, "x");
    stage_flush(s, first);
    stage_close_writer(s, first);
    stage_expect_latest(s, topic, 0, 0);
    mr_log_writer *second = stage_writer(s, id);
    stage_begin(s, second);
    stage_put(s, second, topic, 0, "a");
    stage_commit(s, second);
    stage_expect_read(s, topic, 0, 0, "2:a");
}

static void a_knock_aborts_a_dead_writers_transaction(mr_log_stage *s)
{
    const char *topic = stage_topic(s, 1);
    const char *id = stage_name(s, "id");
    mr_log_writer *first = stage_writer(s, id);
    stage_begin(s, first);
    stage_put(s, first, topic, 0, "x");
    stage_flush(s, first);
    stage_close_writer(s, first);
    if (!s->has_failed)
        stage_ok(s, s->log->class->knock(s->log, id, &s->err), "knock");
    stage_expect_latest(s, topic, 0, 2);
    stage_expect_read(s, topic, 0, 0, "");
}

static void a_knock_without_a_transaction_is_harmless(mr_log_stage *s)
{
    const char *topic = stage_topic(s, 1);
    const char *id = stage_name(s, "id");
    if (!s->has_failed)
        stage_ok(s, s->log->class->knock(s->log, id, &s->err), "knock");
    mr_log_writer *writer = stage_writer(s, id);
    stage_begin(s, writer);
    stage_put(s, writer, topic, 0, "a");
    stage_commit(s, writer);
    stage_expect_read(s, topic, 0, 0, "0:a");
}

static void a_transaction_over_its_timeout_is_aborted(mr_log_stage *s)
{
    const char *topic = stage_topic(s, 1);
    mr_writer_options options = {stage_name(s, "id"), 2000, true};
    mr_log_writer *writer = stage_writer_with(s, &options);
    stage_begin(s, writer);
    stage_put(s, writer, topic, 0, "x");
    stage_flush(s, writer);
    stage_expect_latest(s, topic, 0, 2);
    if (!s->has_failed)
        stage_expect(s, writer->class->commit(writer, &s->err) != MR_OK, "commit went through");
    stage_expect(s, s->err.recovery == MR_RECOVERY_WRITER, "recovery %s: %s",
                 mr_recovery_name(s->err.recovery), s->err.message);
    stage_expect_read(s, topic, 0, 0, "");
}

static void the_last_offset_is_known_after_a_flush(mr_log_stage *s)
{
    const char *topic = stage_topic(s, 2);
    mr_log_writer *writer = stage_writer(s, stage_name(s, "id"));
    stage_put_committed(s, topic, 1, "ab");
    stage_begin(s, writer);
    stage_put(s, writer, topic, 1, "cde");
    stage_flush(s, writer);
    if (s->has_failed)
        return;
    stage_expect_int(s, writer->class->last_offset(writer, topic, 1), 4, "last offset");
    stage_expect_int(s, writer->class->last_offset(writer, topic, 0), -1, "untouched partition");
    stage_expect_int(s, (int64_t)writer->class->queued_bytes(writer), 0, "queued bytes");
    stage_commit(s, writer);
}

static void a_refused_record_spoils_its_transaction_alone(mr_log_stage *s)
{
    const char *topic = stage_topic(s, 1);
    mr_log_writer *writer = stage_writer(s, stage_name(s, "id"));
    size_t size = (size_t)2 << 20;
    char *large = calloc(1, size);
    mr_log_record record = {
        .value = large, .value_length = size, .timestamp_ms = MR_TIME_NONE, .tag = 5};
    stage_begin(s, writer);
    stage_put(s, writer, topic, 0, "x");
    stage_put_record(s, writer, topic, 0, &record);
    free(large);
    if (s->has_failed)
        return;
    stage_refused(s, writer->class->commit(writer, &s->err), MR_E_KAFKA_RECORD_REFUSED,
                  MR_RECOVERY_RECORD, "commit");
    const mr_log_failure *failures = NULL;
    stage_expect_int(s, writer->class->failures(writer, &failures), 1, "failures");
    if (!s->has_failed)
        stage_expect_int(s, (int64_t)failures[0].tag, 5, "tag");
    stage_abort(s, writer);
    stage_begin(s, writer);
    stage_put(s, writer, topic, 0, "a");
    stage_commit(s, writer);
    const char *got = stage_read(s, topic, 0, 0);
    stage_expect(s, got[0] != '\0' && got[1] == ':' && got[2] == 'a' && got[3] == '\0',
                 "got \"%s\"", got);
}

static void a_committed_transaction_stays_after_close(mr_log_stage *s)
{
    const char *topic = stage_topic(s, 1);
    mr_log_writer *writer = stage_writer(s, stage_name(s, "id"));
    stage_begin(s, writer);
    stage_put(s, writer, topic, 0, "a");
    stage_commit(s, writer);
    stage_close_writer(s, writer);
    stage_expect_read(s, topic, 0, 0, "0:a");
    stage_expect_latest(s, topic, 0, 2);
}

static const mr_log_check checks[] = {
    {"nothing_is_visible_before_the_commit", nothing_is_visible_before_the_commit},
    {"aborted_records_are_never_seen", aborted_records_are_never_seen},
    {"markers_take_offsets", markers_take_offsets},
    {"the_position_steps_over_markers_and_aborted_records",
     the_position_steps_over_markers_and_aborted_records},
    {"an_open_transaction_holds_the_stable_end", an_open_transaction_holds_the_stable_end},
    {"the_ends_tell_what_is_open", the_ends_tell_what_is_open},
    {"the_ends_of_no_topic_are_an_error", the_ends_of_no_topic_are_an_error},
    {"what_waited_behind_an_abort_appears", what_waited_behind_an_abort_appears},
    {"a_writer_goes_on_after_an_abort", a_writer_goes_on_after_an_abort},
    {"an_empty_transaction_commits_and_aborts", an_empty_transaction_commits_and_aborts},
    {"a_fenced_writer_cannot_commit", a_fenced_writer_cannot_commit},
    {"a_fenced_writer_cannot_abort", a_fenced_writer_cannot_abort},
    {"a_fenced_writer_cannot_send_offsets", a_fenced_writer_cannot_send_offsets},
    {"a_fenced_writers_records_die", a_fenced_writers_records_die},
    {"a_successor_aborts_what_was_left_open", a_successor_aborts_what_was_left_open},
    {"a_knock_aborts_a_dead_writers_transaction", a_knock_aborts_a_dead_writers_transaction},
    {"a_knock_without_a_transaction_is_harmless", a_knock_without_a_transaction_is_harmless},
    {"a_transaction_over_its_timeout_is_aborted", a_transaction_over_its_timeout_is_aborted},
    {"the_last_offset_is_known_after_a_flush", the_last_offset_is_known_after_a_flush},
    {"a_refused_record_spoils_its_transaction_alone",
     a_refused_record_spoils_its_transaction_alone},
    {"a_committed_transaction_stays_after_close", a_committed_transaction_stays_after_close},
};

const mr_log_check *stage_transaction_checks(size_t *count)
{
    *count = MR_LENGTH(checks);
    return checks;
}
