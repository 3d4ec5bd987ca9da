/* Goal: a reader on a real Kafka returns committed records only, and tells where it stands. */
#include "tests/broker/kafka.h"

#include <criterion/criterion.h>
#include <stdio.h>
#include <string.h>

/* Fetches once records come; the records are the reader's. */
static mr_records fetch_some(mr_log_reader *reader)
{
    mr_records records = {0};
    mr_error err;
    double end_ms = kafka_ms() + KAFKA_PATIENCE_MS;
    while (records.count == 0 && kafka_ms() < end_ms)
        OK(reader->class->fetch(reader, 1000, 100, &records, &err), err);
    return records;
}

static mr_input_ends ends_of(mr_log_reader *reader, uint32_t input)
{
    mr_input_ends ends;
    mr_error err;
    OK(reader->class->ends(reader, input, KAFKA_PATIENCE_MS, &ends, &err), err);
    return ends;
}

/* No record comes until input 0 has stepped over all that is committed or aborted, to `position`:
 * a commit is answered before its marker is written. */
static mr_input_ends step_over(mr_log_reader *reader, int64_t position)
{
    mr_records records;
    mr_error err;
    mr_input_ends ends = ends_of(reader, 0);
    for (double end_ms = kafka_ms() + KAFKA_PATIENCE_MS;
         (ends.position < position || ends.stable_end < position) && kafka_ms() < end_ms;) {
        OK(reader->class->fetch(reader, 1000, 50, &records, &err), err);
        cr_assert_eq(records.count, 0, "a record came");
        ends = ends_of(reader, 0);
    }
    cr_expect_eq(ends.position, position, "it stands at %lld", (long long)ends.position);
    cr_expect_eq(ends.stable_end, position, "stable is %lld", (long long)ends.stable_end);
    return ends;
}

static void fetch_nothing(mr_log_reader *reader, int32_t timeout_ms)
{
    mr_records records;
    mr_error err;
    double end_ms = kafka_ms() + timeout_ms;
    do {
        OK(reader->class->fetch(reader, 1000, 50, &records, &err), err);
        cr_assert_eq(records.count, 0, "a record came");
    } while (kafka_ms() < end_ms);
}

Test(kafka_reader, returns_keys_values_headers_and_timestamps_as_produced)
{
    mr_log *log = kafka_open();
    const char *topic = kafka_topic(log, "shapes", 1);
    mr_log_writer *writer = kafka_writer(log, NULL);
    mr_header headers[] = {{"code", "x", 1}, {"none", NULL, 0}, {"empty", "", 0}};
    mr_log_record records[] = {
        {.key = "k",
         .key_length = 1,
         .value = "v",
         .value_length = 1,
         .timestamp_ms = 1700000000123,
         .headers = headers,
         .headers_count = 3},
        {.value = "no key", .value_length = 6, .timestamp_ms = MR_TIME_NONE},
        {.key = "gone", .key_length = 4, .timestamp_ms = MR_TIME_NONE},
        {.key = "", .key_length = 0, .value = "", .value_length = 0, .timestamp_ms = MR_TIME_NONE},
    };
    mr_error err;
    OK(writer->class->produce(writer, topic, 0, records, 4, &err), err);
    kafka_flush(writer);
    cr_expect_eq(writer->class->last_offset(writer, topic, 0), 3);
    cr_expect_eq(writer->class->last_offset(writer, topic, 1), -1);
    writer->class->close(writer);

    mr_log_reader *reader = kafka_reader(log);
    OK(reader->class->add(reader, 9, topic, 0, MR_OFFSET_EARLIEST, &err), err);
    mr_records got = fetch_some(reader);
    cr_assert_eq(got.count, 4, "%u", got.count);
    cr_expect_eq(got.input, 9);
    cr_expect_str_eq(got.topic, topic);
    cr_expect_eq(got.record[0].timestamp_ms, 1700000000123);
    cr_expect_eq(got.record[0].timestamp_kind, MR_TIMESTAMP_CREATE);
    cr_expect_eq(memcmp(got.record[0].key, "k", 1), 0);
    cr_expect_null(got.record[1].key);
    cr_expect_eq(got.record[1].value_length, 6);
    cr_expect_null(got.record[2].value);
    cr_expect_eq(got.record[2].key_length, 4);
    cr_expect_not_null(got.record[3].key, "an empty key is not a missing one");
    cr_expect_not_null(got.record[3].value, "an empty value is not a null one");

    mr_arena arena = {0};
    uint32_t count;
    const mr_header *list = got.headers(&got, 0, &arena, &count);
    cr_assert_eq(count, 3);
    cr_expect_str_eq(list[0].name, "code");
    cr_expect_eq(memcmp(list[0].value, "x", 1), 0);
    cr_expect_null(list[1].value);
    cr_expect_eq(list[2].value_length, 0);
    got.headers(&got, 1, &arena, &count);
    cr_expect_eq(count, 0);
    mr_arena_release(&arena);
    reader->class->close(reader);
    log->class->close(log);
}

Test(kafka_reader, holds_at_an_open_transaction_and_tells_it_by_the_ends)
{
    mr_log *log = kafka_open();
    const char *topic = kafka_topic(log, "open", 1);
    mr_log_writer *writer = kafka_writer(log, kafka_name("tx"));
    kafka_put_committed(writer, topic, 0, "a");
    kafka_begin(writer);
    kafka_put(writer, topic, 0, "b");
    kafka_flush(writer);

    mr_log_reader *reader = kafka_reader(log);
    mr_error err;
    OK(reader->class->add(reader, 0, topic, 0, 0, &err), err);
    cr_expect_eq(fetch_some(reader).count, 1);
    mr_input_ends ends = step_over(reader, 2);
    fetch_nothing(reader, 300);
    ends = ends_of(reader, 0);
    cr_expect_eq(ends.position, 2);
    cr_expect_eq(ends.stable_end, 2);
    cr_expect_eq(ends.high_end, 3, "the open transaction shows: %lld", (long long)ends.high_end);

    kafka_commit(writer);
    mr_records records = fetch_some(reader);
    cr_assert_eq(records.count, 1);
    cr_expect_eq(records.record[0].offset, 2);
    ends = step_over(reader, 4);
    cr_expect_eq(ends.high_end, 4);
    cr_expect_not(ends.is_buffered);
    writer->class->close(writer);
    reader->class->close(reader);
    log->class->close(log);
}

Test(kafka_reader, shows_no_aborted_record_and_steps_over_it)
{
    mr_log *log = kafka_open();
    const char *topic = kafka_topic(log, "aborted", 1);
    mr_log_writer *writer = kafka_writer(log, kafka_name("tx"));
    kafka_put_committed(writer, topic, 0, "a");
    kafka_begin(writer);
    kafka_put(writer, topic, 0, "never");
    kafka_flush(writer);
    kafka_abort(writer);
    mr_log_reader *reader = kafka_reader(log);
    mr_error err;
    OK(reader->class->add(reader, 0, topic, 0, 0, &err), err);
    cr_expect_eq(fetch_some(reader).count, 1);
    (void)step_over(reader, 4);
    kafka_put_committed(writer, topic, 0, "b");
    cr_expect_str_eq(kafka_all(log, topic, 0), "a b");
    writer->class->close(writer);
    reader->class->close(reader);
    log->class->close(log);
}

Test(kafka_reader, resolves_latest_when_it_is_added)
{
    mr_log *log = kafka_open();
    const char *topic = kafka_topic(log, "latest", 1);
    mr_log_writer *writer = kafka_writer(log, NULL);
    kafka_put(writer, topic, 0, "old");
    kafka_flush(writer);
    mr_log_reader *reader = kafka_reader(log);
    mr_error err;
    OK(reader->class->add(reader, 0, topic, 0, MR_OFFSET_LATEST, &err), err);
    cr_expect_eq(ends_of(reader, 0).position, 1);
    kafka_put(writer, topic, 0, "new");
    kafka_flush(writer);
    mr_records records = fetch_some(reader);
    cr_assert_eq(records.count, 1);
    cr_expect_eq(records.record[0].offset, 1);
    writer->class->close(writer);
    reader->class->close(reader);
    log->class->close(log);
}

Test(kafka_reader, serves_each_input_apart_and_in_turn)
{
    mr_log *log = kafka_open();
    const char *topic = kafka_topic(log, "turns", 3);
    mr_log_writer *writer = kafka_writer(log, NULL);
    for (int i = 0; i < 3000; i++)
        kafka_put(writer, topic, i % 3, "x");
    kafka_flush(writer);
    writer->class->close(writer);
    mr_log_reader *reader = kafka_reader(log);
    mr_error err;
    for (uint32_t p = 0; p < 3; p++)
        OK(reader->class->add(reader, 10 + p, topic, (int32_t)p, 0, &err), err);
    uint32_t seen[3] = {0};
    int64_t next[3] = {0};
    double end_ms = kafka_ms() + KAFKA_PATIENCE_MS;
    while (seen[0] + seen[1] + seen[2] < 3000 && kafka_ms() < end_ms) {
        mr_records records;
        OK(reader->class->fetch(reader, 100, 100, &records, &err), err);
        for (uint32_t i = 0; i < records.count; i++) {
            cr_assert_eq(records.record[i].offset, next[records.partition]);
            next[records.partition]++;
        }
        cr_assert(records.count == 0 || records.input == 10 + (uint32_t)records.partition);
        if (records.count > 0)
            seen[records.partition] += records.count;
    }
    for (int p = 0; p < 3; p++)
        cr_expect_eq(seen[p], 1000, "partition %d: %u", p, seen[p]);
    reader->class->close(reader);
    log->class->close(log);
}

Test(kafka_reader, pauses_resumes_and_removes_an_input_without_losing_a_record)
{
    mr_log *log = kafka_open();
    const char *topic = kafka_topic(log, "pause", 2);
    mr_log_writer *writer = kafka_writer(log, NULL);
    for (int i = 0; i < 2000; i++)
        kafka_put(writer, topic, 0, "x");
    kafka_flush(writer);
    mr_log_reader *reader = kafka_reader(log);
    mr_error err;
    OK(reader->class->add(reader, 0, topic, 0, 0, &err), err);
    mr_records records;
    int64_t next = 0;
    while (next < 500) {
        OK(reader->class->fetch(reader, 100, 100, &records, &err), err);
        for (uint32_t i = 0; i < records.count; i++)
            cr_assert_eq(records.record[i].offset, next++);
    }
    OK(reader->class->pause(reader, 0, true, &err), err);
    fetch_nothing(reader, 300);
    mr_input_ends ends = ends_of(reader, 0);
    cr_expect(ends.is_paused);
    cr_expect_eq(ends.position, next);
    OK(reader->class->pause(reader, 0, false, &err), err);
    double end_ms = kafka_ms() + KAFKA_PATIENCE_MS;
    while (next < 2000 && kafka_ms() < end_ms) {
        OK(reader->class->fetch(reader, 1000, 100, &records, &err), err);
        for (uint32_t i = 0; i < records.count; i++)
            cr_assert_eq(records.record[i].offset, next++);
    }
    cr_expect_eq(next, 2000);

    /* Taken away and given back at another offset. */
    OK(reader->class->remove(reader, 0, &err), err);
    fetch_nothing(reader, 100);
    OK(reader->class->add(reader, 5, topic, 0, 1990, &err), err);
    records = fetch_some(reader);
    cr_expect_eq(records.input, 5);
    cr_expect_eq(records.record[0].offset, 1990);
    writer->class->close(writer);
    reader->class->close(reader);
    log->class->close(log);
}

Test(kafka_reader, says_that_a_topic_is_missing)
{
    mr_log *log = kafka_open();
    mr_log_reader *reader = kafka_reader(log);
    mr_error err;
    mr_status status =
        reader->class->add(reader, 0, kafka_name("missing"), 0, MR_OFFSET_EARLIEST, &err);
    cr_expect_eq(status, MR_E_KAFKA_TOPIC_MISSING, "%d %s", status, status ? err.message : "");
    reader->class->close(reader);
    log->class->close(log);
}
