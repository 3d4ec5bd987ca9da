/* Checks of records, readers and topics. */
#include "tests/harness/conformance/stage.h"

#include "engine/base/assert.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

static void records_come_back_in_order_with_their_offsets(mr_log_stage *s)
{
    const char *topic = stage_topic(s, 1);
    stage_put_committed(s, topic, 0, "abc");
    stage_put_committed(s, topic, 0, "de");
    stage_expect_read(s, topic, 0, 0, "0:a 1:b 2:c 3:d 4:e");
}

static void a_fetch_starts_at_the_offset_asked_for(mr_log_stage *s)
{
    const char *topic = stage_topic(s, 1);
    stage_put_committed(s, topic, 0, "abcde");
    stage_expect_read(s, topic, 0, 3, "3:d 4:e");
    stage_expect_read(s, topic, 0, 5, "");
}

static void earliest_and_latest_are_the_ends_of_the_moment(mr_log_stage *s)
{
    const char *topic = stage_topic(s, 1);
    stage_put_committed(s, topic, 0, "ab");
    mr_log_reader *reader = stage_reader(s);
    stage_add(s, reader, 1, topic, 0, MR_OFFSET_LATEST);
    stage_put_committed(s, topic, 0, "cd");
    stage_expect_text(s, stage_drain(s, reader, 2, 60000), "1/2:c 1/3:d");
    stage_expect_read(s, topic, 0, MR_OFFSET_EARLIEST, "0:a 1:b 2:c 3:d");
}

static const mr_record *fetch_one(mr_log_stage *s, const char *topic, mr_records *records)
{
    mr_log_reader *reader = stage_reader(s);
    stage_add(s, reader, 0, topic, 0, 0);
    for (int i = 0; i < 500 && !s->has_failed; i++) {
        stage_ok(s, reader->class->fetch(reader, 10, 20, records, &s->err), "fetch");
        if (records->count > 0)
            return &records->record[0];
    }
    stage_expect(s, false, "nothing came");
    return NULL;
}

static void bytes_and_headers_come_back_as_they_were(mr_log_stage *s)
{
    const char *topic = stage_topic(s, 1);
    mr_log_writer *writer = stage_writer(s, NULL);
    const mr_header headers[] = {{"h1", "\x00\xff", 2}, {"none", NULL, 0}, {"h1", "x", 1}};
    mr_log_record record = {.key = "k\0y",
                            .key_length = 3,
                            .value = "\xff\x00v",
                            .value_length = 3,
                            .timestamp_ms = 1234567,
                            .headers = headers,
                            .headers_count = 3};
    mr_records records;
    stage_put_record(s, writer, topic, 0, &record);
    stage_flush(s, writer);
    const mr_record *got = fetch_one(s, topic, &records);
    if (got == NULL)
        return;
    stage_expect(s, got->key_length == 3 && memcmp(got->key, "k\0y", 3) == 0, "key differs");
    stage_expect(s, got->value_length == 3 && memcmp(got->value, "\xff\x00v", 3) == 0,
                 "value differs");
    stage_expect_int(s, got->timestamp_ms, 1234567, "timestamp");
    stage_expect_int(s, got->timestamp_kind, MR_TIMESTAMP_CREATE, "kind of timestamp");
    uint32_t count = 0;
    const mr_header *back = records.headers(&records, 0, &s->arena, &count);
    stage_expect_int(s, count, 3, "headers");
    if (s->has_failed)
        return;
    stage_expect(s,
                 strcmp(back[0].name, "h1") == 0 && back[0].value_length == 2 &&
                     memcmp(back[0].value, "\x00\xff", 2) == 0,
                 "first header differs");
    stage_expect(s, back[1].value == NULL, "the NULL header has a value");
    stage_expect(s, strcmp(back[2].name, "h1") == 0 && back[2].value[0] == 'x',
                 "third header differs");
}

static void null_is_not_empty(mr_log_stage *s)
{
    const char *topic = stage_topic(s, 1);
    mr_log_writer *writer = stage_writer(s, NULL);
    mr_log_record null_value = {.key = "", .key_length = 0, .timestamp_ms = MR_TIME_NONE};
    mr_log_record null_key = {.value = "", .value_length = 0, .timestamp_ms = MR_TIME_NONE};
    stage_put_record(s, writer, topic, 0, &null_value);
    stage_flush(s, writer);
    mr_records records;
    const mr_record *got = fetch_one(s, topic, &records);
    if (got == NULL)
        return;
    stage_expect(s, got->value == NULL && got->key != NULL && got->key_length == 0,
                 "empty key and null value differ");
    stage_expect(s, got->timestamp_ms != MR_TIME_NONE, "no timestamp was given");
    const char *other = stage_topic(s, 1);
    stage_put_record(s, writer, other, 0, &null_key);
    stage_flush(s, writer);
    got = fetch_one(s, other, &records);
    if (got != NULL)
        stage_expect(s, got->key == NULL && got->value != NULL && got->value_length == 0,
                     "null key and empty value differ");
}

static void a_paused_input_is_silent_until_it_is_resumed(mr_log_stage *s)
{
    const char *topic = stage_topic(s, 1);
    mr_log_reader *reader = stage_reader(s);
    stage_put_committed(s, topic, 0, "a");
    stage_add(s, reader, 0, topic, 0, 0);
    stage_expect_text(s, stage_drain(s, reader, 1, 60000), "0/0:a");
    if (s->has_failed)
        return;
    stage_ok(s, reader->class->pause(reader, 0, true, &s->err), "pause");
    stage_put_committed(s, topic, 0, "b");
    stage_expect_text(s, stage_drain(s, reader, 1, 500), "");
    stage_ok(s, reader->class->pause(reader, 0, false, &s->err), "resume");
    stage_expect_text(s, stage_drain(s, reader, 1, 60000), "0/1:b");
}

static void an_input_added_again_starts_at_its_new_offset(mr_log_stage *s)
{
    const char *topic = stage_topic(s, 1);
    mr_log_reader *reader = stage_reader(s);
    stage_put_committed(s, topic, 0, "abcd");
    stage_add(s, reader, 7, topic, 0, 2);
    stage_expect_text(s, stage_drain(s, reader, 2, 60000), "7/2:c 7/3:d");
    if (!s->has_failed)
        stage_ok(s, reader->class->remove(reader, 7, &s->err), "remove");
    stage_put_committed(s, topic, 0, "e");
    stage_expect_text(s, stage_drain(s, reader, 1, 300), "");
    stage_add(s, reader, 8, topic, 0, 1);
    stage_expect_text(s, stage_drain(s, reader, 4, 60000), "8/1:b 8/2:c 8/3:d 8/4:e");
}

static void all_inputs_with_data_are_served(mr_log_stage *s)
{
    const char *topic = stage_topic(s, 3);
    mr_log_reader *reader = stage_reader(s);
    for (int32_t p = 0; p < 3; p++)
        stage_put_committed(s, topic, p, p == 0 ? "a" : p == 1 ? "b" : "c");
    for (int32_t p = 0; p < 3; p++)
        stage_add(s, reader, (uint32_t)p, topic, p, 0);
    const char *got = stage_drain(s, reader, 3, 60000);
    stage_expect(s, strstr(got, "0/0:a") && strstr(got, "1/0:b") && strstr(got, "2/0:c"),
                 "got only %s", got);
}

static void trimming_moves_the_start(mr_log_stage *s)
{
    const char *topic = stage_topic(s, 1);
    stage_put_committed(s, topic, 0, "abcde");
    if (!s->has_failed)
        stage_ok(s, s->log->class->trim(s->log, topic, 0, 3, &s->err), "trim");
    stage_expect_int(s, stage_offset(s, topic, 0, MR_OFFSET_EARLIEST), 3, "start");
    stage_expect_latest(s, topic, 0, 5);
    stage_expect_read(s, topic, 0, MR_OFFSET_EARLIEST, "3:d 4:e");
    if (!s->has_failed)
        stage_ok(s, s->log->class->trim(s->log, topic, 0, 1, &s->err), "trim below the start");
    stage_expect_int(s, stage_offset(s, topic, 0, MR_OFFSET_EARLIEST), 3, "start");
}

static void reading_below_the_start_is_an_error(mr_log_stage *s)
{
    const char *topic = stage_topic(s, 1);
    stage_put_committed(s, topic, 0, "abcde");
    if (!s->has_failed)
        stage_ok(s, s->log->class->trim(s->log, topic, 0, 3, &s->err), "trim");
    mr_log_reader *reader = stage_reader(s);
    stage_add(s, reader, 0, topic, 0, 1);
    stage_refused(s, stage_fetch_error(s, reader), MR_E_KAFKA_OFFSET_LOST, MR_RECOVERY_STOP,
                  "fetch below the start");
}

static void reading_beyond_the_end_is_an_error(mr_log_stage *s)
{
    const char *topic = stage_topic(s, 1);
    stage_put_committed(s, topic, 0, "ab");
    mr_log_reader *reader = stage_reader(s);
    stage_add(s, reader, 0, topic, 0, 9);
    stage_refused(s, stage_fetch_error(s, reader), MR_E_KAFKA_OFFSET_LOST, MR_RECOVERY_STOP,
                  "fetch beyond the end");
}

static void an_offset_is_found_by_its_time(mr_log_stage *s)
{
    const char *topic = stage_topic(s, 1);
    mr_log_writer *writer = stage_writer(s, NULL);
    for (int64_t i = 1; i <= 3; i++) {
        mr_log_record record = {.value = "v", .value_length = 1, .timestamp_ms = i * 1000};
        stage_put_record(s, writer, topic, 0, &record);
        stage_flush(s, writer); /* a batch each: Kafka's time index knows batches */
    }
    const struct {
        int64_t time_ms, offset;
    } cases[] = {{0, 0}, {1000, 0}, {1001, 1}, {3000, 2}, {3001, 3}};
    for (size_t i = 0; i < MR_LENGTH(cases) && !s->has_failed; i++) {
        int64_t offset = -9;
        stage_ok(s, s->log->class->offset_at(s->log, topic, 0, cases[i].time_ms, &offset, &s->err),
                 "offset_at");
        stage_expect_int(s, offset, cases[i].offset, "offset_at");
    }
}

static void a_missing_topic_is_said_to_be_missing(mr_log_stage *s)
{
    const char *topic = stage_name(s, "missing");
    mr_topic_facts facts = {true, 9};
    stage_ok(s, s->log->class->describe(s->log, topic, &facts, &s->err), "describe");
    stage_expect(s, !facts.exists, "it exists");
    int64_t offset;
    if (s->has_failed)
        return;
    stage_refused(s, s->log->class->offset(s->log, topic, 0, MR_OFFSET_LATEST, &offset, &s->err),
                  MR_E_KAFKA_TOPIC_MISSING, MR_RECOVERY_STOP, "offset");
    if (s->has_failed)
        return;
    stage_refused(s, s->log->class->delete_topic(s->log, topic, &s->err), MR_E_KAFKA_TOPIC_MISSING,
                  MR_RECOVERY_STOP, "delete_topic");
    mr_log_reader *reader = stage_reader(s);
    stage_add(s, reader, 0, topic, 0, 0);
    stage_refused(s, stage_fetch_error(s, reader), MR_E_KAFKA_TOPIC_MISSING, MR_RECOVERY_STOP,
                  "fetch");
}

static void a_topic_is_created_once(mr_log_stage *s)
{
    const char *topic = stage_topic(s, 3);
    mr_topic_facts facts = {0};
    if (s->has_failed)
        return;
    stage_ok(s, s->log->class->describe(s->log, topic, &facts, &s->err), "describe");
    stage_expect(s, facts.exists && facts.partitions == 3, "exists %d, partitions %d", facts.exists,
                 facts.partitions);
    stage_refused(s, s->log->class->create_topic(s->log, topic, 3, NULL, &s->err),
                  MR_E_KAFKA_TOPIC_EXISTS, MR_RECOVERY_STOP, "create_topic");
}

static void a_topic_grows_and_never_shrinks(mr_log_stage *s)
{
    const char *topic = stage_topic(s, 2);
    mr_topic_facts facts = {0};
    int64_t end = -1;
    if (s->has_failed)
        return;
    static const int32_t wanted[] = {5, 3};
    for (size_t i = 0; i < MR_LENGTH(wanted); i++) {
        stage_ok(s, s->log->class->grow_topic(s->log, topic, wanted[i], &s->err), "grow_topic");
        stage_ok(s, s->log->class->describe(s->log, topic, &facts, &s->err), "describe");
        stage_expect(s, facts.partitions == 5, "partitions %d", facts.partitions);
    }
    stage_ok(s, s->log->class->offset(s->log, topic, 4, MR_OFFSET_LATEST, &end, &s->err), "offset");
    stage_expect(s, end == 0, "end %" PRId64, end);
}

static void a_deleted_topic_is_gone(mr_log_stage *s)
{
    const char *topic = stage_topic(s, 1);
    mr_topic_facts facts = {.exists = true};
    if (s->has_failed)
        return;
    stage_ok(s, s->log->class->delete_topic(s->log, topic, &s->err), "delete_topic");
    for (int i = 0; i < 50 && facts.exists && !s->has_failed; i++) {
        stage_ok(s, s->log->class->describe(s->log, topic, &facts, &s->err), "describe");
        s->factory->settle(s->factory->context, 100);
    }
    stage_expect(s, !facts.exists, "it still exists");
}

static void a_record_too_large_is_refused_by_its_tag(mr_log_stage *s)
{
    const char *topic = stage_topic(s, 1);
    mr_log_writer *writer = stage_writer(s, NULL);
    size_t size = (size_t)2 << 20;
    char *large = calloc(1, size);
    mr_log_record records[] = {
        {.value = "a", .value_length = 1, .timestamp_ms = MR_TIME_NONE, .tag = 1},
        {.value = large, .value_length = size, .timestamp_ms = MR_TIME_NONE, .tag = 77},
        {.value = "b", .value_length = 1, .timestamp_ms = MR_TIME_NONE, .tag = 3},
    };
    const mr_log_failure *failures = NULL;
    if (!s->has_failed) {
        stage_ok(s, writer->class->produce(writer, topic, 0, records, 3, &s->err), "produce");
        stage_refused(s, writer->class->flush(writer, 60000, &s->err), MR_E_KAFKA_RECORD_REFUSED,
                      MR_RECOVERY_RECORD, "flush");
    }
    free(large);
    if (s->has_failed)
        return;
    stage_expect_int(s, writer->class->failures(writer, &failures), 1, "failures");
    if (s->has_failed)
        return;
    stage_expect_int(s, (int64_t)failures[0].tag, 77, "tag");
    stage_expect_int(s, failures[0].status, MR_E_KAFKA_RECORD_REFUSED, "status");
    stage_expect_text(s, failures[0].topic, topic);
    stage_flush(s, writer);
    stage_expect_read(s, topic, 0, 0, "0:a 1:b");
}

static void keys_go_where_java_producers_put_them(mr_log_stage *s)
{
    const char *topic = stage_topic(s, 8);
    mr_log_writer *writer = stage_writer(s, NULL);
    /* murmur2("foobar") = -790332482, murmur2("abc") = 479470107: Kafka's own test vectors. */
    mr_log_record foobar = {.key = "foobar",
                            .key_length = 6,
                            .value = "f",
                            .value_length = 1,
                            .timestamp_ms = MR_TIME_NONE};
    mr_log_record abc = {.key = "abc",
                         .key_length = 3,
                         .value = "c",
                         .value_length = 1,
                         .timestamp_ms = MR_TIME_NONE};
    stage_put_record(s, writer, topic, MR_PARTITION_BY_KEY, &foobar);
    stage_put_record(s, writer, topic, MR_PARTITION_BY_KEY, &abc);
    stage_flush(s, writer);
    stage_expect_read(s, topic, 6, 0, "0:f");
    stage_expect_read(s, topic, 3, 0, "0:c");
}

static void a_fetch_gives_no_more_rows_than_asked_for(mr_log_stage *s)
{
    const char *topic = stage_topic(s, 1);
    stage_put_committed(s, topic, 0, "abcdefgh");
    mr_log_reader *reader = stage_reader(s);
    stage_add(s, reader, 0, topic, 0, 0);
    uint32_t total = 0;
    for (int i = 0; i < 500 && total < 8 && !s->has_failed; i++) {
        mr_records records;
        stage_ok(s, reader->class->fetch(reader, 3, 20, &records, &s->err), "fetch");
        stage_expect(s, s->has_failed || records.count <= 3, "more than 3 came");
        total += s->has_failed ? 0 : records.count;
    }
    stage_expect_int(s, total, 8, "records");
}

static mr_topic_id id_of(mr_log_stage *s, const char *topic)
{
    mr_topic_id id = {0};
    if (!s->has_failed)
        stage_ok(s, s->log->class->topic_ids(s->log, &topic, 1, &id, &s->err), "topic_ids");
    return id;
}

static void a_topic_made_anew_has_another_id(mr_log_stage *s)
{
    const char *const both[] = {stage_topic(s, 1), stage_topic(s, 1)};
    mr_topic_id ids[2] = {{0}}, first = id_of(s, both[0]);
    stage_ok(s, s->log->class->topic_ids(s->log, both, 2, ids, &s->err), "topic_ids");
    stage_expect(s, first.high != 0 || first.low != 0, "it has none");
    stage_expect(s, memcmp(&ids[0], &first, sizeof first) == 0, "another one when asked again");
    stage_expect(s, memcmp(&ids[0], &ids[1], sizeof first) != 0, "two topics have the same");
    stage_put_committed(s, both[0], 0, "abc");
    stage_ok(s, s->log->class->trim(s->log, both[0], 0, 2, &s->err), "trim");
    stage_ok(s, s->log->class->grow_topic(s->log, both[0], 3, &s->err), "grow_topic");
    mr_topic_id later = id_of(s, both[0]);
    stage_expect(s, memcmp(&later, &first, sizeof first) == 0, "another one when it has changed");
    stage_ok(s, s->log->class->delete_topic(s->log, both[0], &s->err), "delete_topic");
    stage_refused(s, s->log->class->topic_ids(s->log, both, 2, ids, &s->err),
                  MR_E_KAFKA_TOPIC_MISSING, MR_RECOVERY_STOP, "topic_ids");
    stage_ok(s, s->log->class->create_topic(s->log, both[0], 1, NULL, &s->err), "create_topic");
    mr_topic_id anew = id_of(s, both[0]);
    stage_expect(s, memcmp(&anew, &first, sizeof first) != 0, "the same when it was made anew");
}

static const mr_log_check checks[] = {
    {"records_come_back_in_order_with_their_offsets",
     records_come_back_in_order_with_their_offsets},
    {"a_fetch_starts_at_the_offset_asked_for", a_fetch_starts_at_the_offset_asked_for},
    {"a_fetch_gives_no_more_rows_than_asked_for", a_fetch_gives_no_more_rows_than_asked_for},
    {"earliest_and_latest_are_the_ends_of_the_moment",
     earliest_and_latest_are_the_ends_of_the_moment},
    {"bytes_and_headers_come_back_as_they_were", bytes_and_headers_come_back_as_they_were},
    {"null_is_not_empty", null_is_not_empty},
    {"a_paused_input_is_silent_until_it_is_resumed", a_paused_input_is_silent_until_it_is_resumed},
    {"an_input_added_again_starts_at_its_new_offset",
     an_input_added_again_starts_at_its_new_offset},
    {"all_inputs_with_data_are_served", all_inputs_with_data_are_served},
    {"trimming_moves_the_start", trimming_moves_the_start},
    {"reading_below_the_start_is_an_error", reading_below_the_start_is_an_error},
    {"reading_beyond_the_end_is_an_error", reading_beyond_the_end_is_an_error},
    {"an_offset_is_found_by_its_time", an_offset_is_found_by_its_time},
    {"a_missing_topic_is_said_to_be_missing", a_missing_topic_is_said_to_be_missing},
    {"a_topic_is_created_once", a_topic_is_created_once},
    {"a_topic_grows_and_never_shrinks", a_topic_grows_and_never_shrinks},
    {"a_deleted_topic_is_gone", a_deleted_topic_is_gone},
    {"a_topic_made_anew_has_another_id", a_topic_made_anew_has_another_id},
    {"a_record_too_large_is_refused_by_its_tag", a_record_too_large_is_refused_by_its_tag},
    {"keys_go_where_java_producers_put_them", keys_go_where_java_producers_put_them},
};

const mr_log_check *stage_record_checks(size_t *count)
{
    *count = MR_LENGTH(checks);
    return checks;
}
