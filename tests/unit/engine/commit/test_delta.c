/*
 * Goal: what the state log holds comes back as it was written, and nothing else is taken for it.
 * Method: round trips of chunks, epoch records and journals; every single-byte change and every cut
 * must be refused by the checksum, and behind a good checksum any bytes must be read without harm.
 */
#include "engine/commit/delta.h"
#include "engine/commit/epoch_record.h"
#include "engine/commit/journal.h"

#include <criterion/criterion.h>
#include <stdlib.h>

static const mr_store_change changes[] = {
    {0, -5, MR_STORE_DROP_SLICE, 0, 0, NULL, NULL},
    {0, -5, MR_STORE_PUT, 3, 5, "key", "value"},
    {0, INT64_MAX, MR_STORE_PUT, 0, 0, "", ""},
    {1, INT64_MIN, MR_STORE_DELETE, 1, 0, "x", NULL},
    {UINT16_MAX, 0, MR_STORE_PUT, 2, 1, "\0\xff", "\0"},
};

#define CHANGES (sizeof changes / sizeof changes[0])
#define ENTRIES 500

static void expect_change(const mr_store_change *a, const mr_store_change *b)
{
    cr_assert(a->table == b->table && a->slice == b->slice && a->operation == b->operation);
    cr_assert(a->key_length == b->key_length && a->value_length == b->value_length);
    cr_assert(a->key_length == 0 || memcmp(a->key, b->key, a->key_length) == 0);
    cr_assert(a->value_length == 0 || memcmp(a->value, b->value, a->value_length) == 0);
}

static mr_buffer make_chunk(void)
{
    mr_buffer bytes = {0};
    mr_delta_header header = {.kind = MR_DELTA_CHUNK, .task = 3, .epoch = 1000000, .chunk = 2};
    mr_delta_begin(&bytes, &header);
    for (size_t i = 0; i < CHANGES; i++)
        mr_delta_put_change(&bytes, &changes[i]);
    mr_delta_seal(&bytes, 0);
    return bytes;
}

Test(delta, comes_back_as_it_was_written)
{
    mr_buffer bytes = make_chunk();
    mr_delta_header header;
    mr_reader payload;
    mr_error err = {0};
    uint32_t checksum;
    cr_assert_eq(mr_delta_open(bytes.data, bytes.length, &header, &payload, &checksum, &err),
                 MR_OK);
    cr_assert(header.kind == MR_DELTA_CHUNK && header.task == 3 && header.epoch == 1000000 &&
              header.chunk == 2);
    mr_store_change change;
    for (size_t i = 0; i < CHANGES; i++) {
        cr_assert(mr_delta_next_change(&payload, &change));
        expect_change(&change, &changes[i]);
    }
    cr_assert_not(mr_delta_next_change(&payload, &change));
    cr_assert_not(payload.is_bad);
    mr_buffer_release(&bytes);
}

Test(delta, any_changed_or_missing_byte_is_noticed)
{
    mr_buffer bytes = make_chunk();
    mr_delta_header header;
    mr_reader payload;
    mr_error err = {0};
    for (size_t i = 0; i < bytes.length; i++) {
        cr_assert_eq(mr_delta_open(bytes.data, i, &header, &payload, NULL, &err),
                     MR_E_STATE_FORMAT);
        for (int bit = 0; bit < 8; bit++) {
            bytes.data[i] ^= (char)(1 << bit);
            cr_assert_eq(mr_delta_open(bytes.data, bytes.length, &header, &payload, NULL, &err),
                         MR_E_STATE_FORMAT, "byte %zu bit %d", i, bit);
            bytes.data[i] ^= (char)(1 << bit);
        }
    }
    cr_assert_eq(mr_delta_open(NULL, 0, &header, &payload, NULL, &err), MR_E_STATE_FORMAT);
    mr_buffer_release(&bytes);
}

Test(delta, another_version_is_named)
{
    mr_buffer bytes = make_chunk();
    bytes.data[3] = 9;
    mr_delta_header header;
    mr_reader payload;
    mr_error err = {0};
    cr_assert_eq(mr_delta_open(bytes.data, bytes.length, &header, &payload, NULL, &err),
                 MR_E_STATE_FORMAT);
    cr_assert_not_null(strstr(err.message, "version 9"));
    mr_buffer_release(&bytes);
}

/* Behind a good checksum: what a faulty writer made. */
Test(delta, a_header_that_ends_too_soon_or_is_of_no_kind_is_refused)
{
    static const char *const headers[] = {"MRS\1\1\xff\xff\xff\xff", "MRS\1\x63zzzz",
                                          "MRS\1\xfezzzz"};
    for (size_t i = 0; i < sizeof headers / sizeof *headers; i++) {
        mr_buffer bytes = {0};
        mr_buffer_put(&bytes, headers[i], strlen(headers[i]));
        mr_delta_seal(&bytes, 0);
        mr_delta_header header;
        mr_reader payload;
        mr_error err = {0};
        cr_assert_eq(mr_delta_open(bytes.data, bytes.length, &header, &payload, NULL, &err),
                     MR_E_STATE_FORMAT);
        cr_assert_not_null(strstr(err.message, "unknown record kind"), "%s", err.message);
        mr_buffer_release(&bytes);
    }
    mr_buffer none = {0};
    mr_buffer_put(&none, "MRS\1\0zzzz", 9);
    mr_delta_seal(&none, 0);
    mr_delta_header header;
    mr_reader payload;
    mr_error err = {0};
    cr_assert_eq(mr_delta_open(none.data, none.length, &header, &payload, NULL, &err),
                 MR_E_STATE_FORMAT);
    mr_buffer_release(&none);
}

Test(delta, entries_cut_anywhere_but_between_two_are_malformed)
{
    mr_buffer bytes = {0};
    size_t ends[CHANGES + 1] = {0};
    for (size_t i = 0; i < CHANGES; i++) {
        mr_delta_put_change(&bytes, &changes[i]);
        ends[i + 1] = bytes.length;
    }
    for (size_t cut = 0, whole = 0; cut <= bytes.length; cut++) {
        mr_reader payload = mr_reader_of(bytes.data, cut);
        mr_store_change change;
        size_t count = 0;
        while (mr_delta_next_change(&payload, &change))
            count++;
        while (whole < CHANGES && ends[whole + 1] <= cut)
            whole++;
        cr_assert_eq(count, whole, "cut at %zu", cut);
        cr_assert_eq(payload.is_bad, cut != ends[whole], "cut at %zu", cut);
        cr_assert_not(mr_delta_next_change(&payload, &change), "it stays at its end");
    }
    mr_buffer_release(&bytes);
}

Test(delta, a_table_number_that_is_none_is_malformed)
{
    mr_buffer bytes = {0};
    mr_buffer_put_u8(&bytes, MR_STORE_DROP_SLICE);
    mr_buffer_put_varint(&bytes, 65536 + 1);
    mr_buffer_put_zigzag(&bytes, 0);
    mr_reader payload = mr_reader_of(bytes.data, bytes.length);
    mr_store_change change;
    cr_assert_not(mr_delta_next_change(&payload, &change));
    cr_assert(payload.is_bad);
    mr_buffer_release(&bytes);
}

Test(delta, chunks_stay_below_their_limit_and_lose_nothing)
{
    mr_chunk_writer writer = {.header = {.kind = MR_DELTA_CHUNK, .task = 1, .epoch = 7}};
    mr_error err = {0};
    char *value = calloc(1, MR_CHUNK_MAX + 10);
    for (int64_t i = 0; i < ENTRIES; i++) {
        mr_store_change change = {.slice = i,
                                  .operation = MR_STORE_PUT,
                                  .key = "k",
                                  .key_length = 1,
                                  .value = value,
                                  .value_length = i == 50 ? (uint32_t)MR_CHUNK_MAX + 10 : 20000};
        cr_assert_eq(mr_chunk_writer_add(&writer, &change, &err), MR_OK);
    }
    mr_chunk_writer_finish(&writer);
    int64_t next = 0;
    size_t start = 0;
    for (uint32_t c = 0; c < writer.chunks_count; c++) {
        mr_delta_header header;
        mr_reader payload;
        size_t length = writer.ends[c] - start;
        cr_assert_eq(
            mr_delta_open(writer.bytes.data + start, length, &header, &payload, NULL, &err), MR_OK);
        cr_assert_eq(header.chunk, c);
        mr_store_change change;
        uint32_t entries = 0;
        while (mr_delta_next_change(&payload, &change)) {
            cr_assert_eq(change.slice, next++);
            entries++;
        }
        cr_assert(length <= MR_CHUNK_MAX || entries == 1);
        start = writer.ends[c];
    }
    cr_assert_eq(next, ENTRIES);
    cr_assert_gt(writer.chunks_count, 8);
    mr_chunk_writer_release(&writer);
    free(value);
}

static mr_epoch_record make_record(mr_epoch_input *inputs, int64_t *sources, uint64_t *counters)
{
    inputs[0] = (mr_epoch_input){"a", "topic-a", 3, 1 << 20, {MR_TIME_NONE, true}, false, NULL, 0};
    inputs[1] = (mr_epoch_input){"b", "", 0, -1, {MR_TIME_MAX, false}, true, "\0pl", 3};
    sources[0] = MR_TIME_NONE;
    sources[1] = -1;
    counters[0] = 0;
    counters[1] = UINT64_MAX;
    return (mr_epoch_record){.job = "job",
                             .plan_version = UINT64_MAX,
                             .task = 7,
                             .epoch = 1u << 31,
                             .previous_offset = -1,
                             .previous_checksum = 0xdeadbeef,
                             .transactional_id = "job-1",
                             .is_finished = true,
                             .delta_chunks = 2,
                             .base_chunks = 1,
                             .base_bytes = 5,
                             .bytes_since_base = 6,
                             .inputs_count = 2,
                             .inputs = inputs,
                             .sources_count = 2,
                             .source_watermarks_ms = sources,
                             .journal = "\1\2\3",
                             .journal_length = 3,
                             .counters_count = 2,
                             .counters = counters};
}

Test(epoch_record, comes_back_as_it_was_written)
{
    mr_epoch_input inputs[2];
    int64_t sources[2];
    uint64_t counters[2];
    mr_epoch_record record = make_record(inputs, sources, counters), got;
    mr_buffer bytes = {0}, again = {0};
    mr_arena arena = {0};
    mr_error err = {0};
    mr_epoch_record_encode(&record, &bytes);
    cr_assert_eq(mr_epoch_record_decode(bytes.data, bytes.length, &arena, &got, &err), MR_OK);
    cr_assert_str_eq(got.job, "job");
    cr_assert_str_eq(got.transactional_id, "job-1");
    cr_assert(got.is_finished && !got.has_base && got.previous_offset == -1);
    cr_assert_str_eq(got.inputs[0].topic, "topic-a");
    cr_assert(got.inputs[0].watermark.is_idle && got.inputs[0].watermark.value_ms == MR_TIME_NONE);
    cr_assert(got.inputs[1].is_ended && got.inputs[1].watermark.value_ms == MR_TIME_MAX);
    cr_assert(got.inputs[0].place_length == 0 && got.inputs[1].place_length == 3);
    cr_assert_eq(memcmp(got.inputs[1].place, "\0pl", 3), 0);
    cr_assert(got.source_watermarks_ms[0] == MR_TIME_NONE && got.source_watermarks_ms[1] == -1);
    cr_assert_eq(got.counters[1], UINT64_MAX);
    mr_epoch_record_encode(&got, &again);
    cr_assert(again.length == bytes.length && memcmp(again.data, bytes.data, bytes.length) == 0);
    mr_buffer_release(&bytes);
    mr_buffer_release(&again);
    mr_arena_release(&arena);
}

Test(epoch_record, what_it_does_not_say_comes_back_empty)
{
    mr_epoch_record record = {.epoch = 1}, got;
    mr_buffer bytes = {0};
    mr_arena arena = {0};
    mr_error err = {0};
    mr_epoch_record_encode(&record, &bytes);
    cr_assert_eq(mr_epoch_record_decode(bytes.data, bytes.length, &arena, &got, &err), MR_OK);
    cr_assert_str_empty(got.job);
    cr_assert_str_empty(got.transactional_id);
    cr_assert(got.inputs_count == 0 && got.sources_count == 0 && got.counters_count == 0);
    mr_buffer_release(&bytes);
    mr_arena_release(&arena);
}

Test(delta, content_is_told_apart_by_bytes_order_and_kind_of_its_chunks)
{
    uint32_t ab = mr_delta_mix(mr_delta_mix(0, 10), 20), ba = mr_delta_mix(mr_delta_mix(0, 20), 10);
    cr_assert_neq(ab, ba);
    cr_assert_neq(ab, mr_delta_mix(mr_delta_mix(0, 10), 21));
    cr_assert_neq(mr_delta_content(ab, 0), mr_delta_content(0, ab));
    cr_assert_neq(mr_delta_content(ab, ba), mr_delta_content(ba, ab));
    cr_assert_eq(mr_delta_content(0, 0), 0, "none has none");
    cr_assert_neq(mr_delta_mix(0, 0), 0, "and one has one");
    mr_error err;
    mr_chunk_writer writer = {.header = {.kind = MR_DELTA_CHUNK}};
    mr_store_change change = {.operation = MR_STORE_DROP_SLICE};
    cr_assert_eq(mr_chunk_writer_add(&writer, &change, &err), MR_OK);
    mr_chunk_writer_finish(&writer);
    mr_delta_header header;
    mr_reader payload;
    uint32_t checksum;
    cr_assert_eq(
        mr_delta_open(writer.bytes.data, writer.bytes.length, &header, &payload, &checksum, &err),
        MR_OK);
    cr_assert_eq(writer.check, mr_delta_mix(0, checksum));
    mr_chunk_writer_release(&writer);
}

Test(epoch_record, names_a_checkpoint_behind_all_that_it_always_held)
{
    mr_epoch_input inputs[2];
    int64_t sources[2];
    uint64_t counters[2];
    mr_epoch_record record = make_record(inputs, sources, counters), got;
    mr_buffer without = {0}, with = {0}, empty = {0};
    mr_arena arena = {0};
    mr_error err = {0};
    mr_epoch_record_encode(&record, &without);
    record.checkpoint = "";
    mr_epoch_record_encode(&record, &empty);
    cr_assert_eq(empty.length, without.length);
    cr_assert_eq(memcmp(empty.data, without.data, without.length), 0);
    record.checkpoint = "00000000000000000812-00000000000000099123-ba7816bf8f01cfea";
    mr_epoch_record_encode(&record, &with);
    cr_assert_eq(with.length, without.length + 1 + strlen(record.checkpoint));
    size_t differences = 0;
    for (size_t i = 0; i < without.length; i++)
        differences += with.data[i] != without.data[i];
    cr_expect_eq(differences, 1, "the flag alone");
    cr_assert_eq(mr_epoch_record_decode(with.data, with.length, &arena, &got, &err), MR_OK);
    cr_expect_str_eq(got.checkpoint, record.checkpoint);
    cr_assert_eq(mr_epoch_record_decode(without.data, without.length, &arena, &got, &err), MR_OK);
    cr_expect_null(got.checkpoint);
    for (size_t cut = 0; cut < with.length; cut++)
        cr_assert_eq(mr_epoch_record_decode(with.data, cut, &arena, &got, &err), MR_E_STATE_FORMAT);
    mr_buffer_release(&without);
    mr_buffer_release(&with);
    mr_buffer_release(&empty);
    mr_arena_release(&arena);
}

Test(epoch_record, knows_its_exchanges_behind_all_that_it_always_held)
{
    mr_epoch_input inputs[2];
    int64_t sources[2];
    uint64_t counters[2];
    mr_epoch_record record = make_record(inputs, sources, counters), got;
    const char *topics[] = {"job.exchange.0", "job.exchange.1", "job.exchange.2"};
    mr_topic_id ids[] = {{1, 2}, {0, 0}, {0, UINT64_MAX}};
    mr_buffer without = {0}, with = {0}, again = {0};
    mr_arena arena = {0};
    mr_error err = {0};
    record.checkpoint = "00000000000000000812-00000000000000099123-ba7816bf8f01cfea";
    mr_epoch_record_encode(&record, &without);
    mr_epoch_record_identify(&record, topics, &ids[1], 1, &arena);
    mr_epoch_record_encode(&record, &again);
    cr_assert_eq(again.length, without.length, "none is known: as it always was");
    cr_assert_eq(memcmp(again.data, without.data, without.length), 0);
    mr_epoch_record_identify(&record, topics, ids, 3, &arena);
    mr_epoch_record_encode(&record, &with);
    cr_assert_eq(with.length, without.length + 1 + 2 * (1 + 14 + 16));
    cr_assert_eq(mr_epoch_record_decode(with.data, with.length, &arena, &got, &err), MR_OK);
    cr_expect_str_eq(got.checkpoint, record.checkpoint);
    cr_assert_eq(got.exchanges_count, 2);
    const mr_epoch_exchange *first = mr_epoch_record_exchange(&got, topics[0]);
    const mr_epoch_exchange *last = mr_epoch_record_exchange(&got, topics[2]);
    cr_expect(first->id.high == 1 && first->id.low == 2);
    cr_expect(last->id.high == 0 && last->id.low == UINT64_MAX);
    cr_expect_null(mr_epoch_record_exchange(&got, topics[1]));
    for (size_t cut = 0; cut < with.length; cut++)
        cr_assert_eq(mr_epoch_record_decode(with.data, cut, &arena, &got, &err), MR_E_STATE_FORMAT);
    mr_buffer_release(&without);
    mr_buffer_release(&with);
    mr_buffer_release(&again);
    mr_arena_release(&arena);
}

Test(epoch_record, cut_or_long_is_refused_and_garbage_does_no_harm)
{
    mr_epoch_input inputs[2];
    int64_t sources[2];
    uint64_t counters[2];
    mr_epoch_record record = make_record(inputs, sources, counters), got;
    mr_buffer bytes = {0};
    mr_arena arena = {0};
    mr_error err = {0};
    unsigned seed = 1;
    mr_epoch_record_encode(&record, &bytes);
    for (size_t cut = 0; cut < bytes.length; cut++)
        cr_assert_eq(mr_epoch_record_decode(bytes.data, cut, &arena, &got, &err),
                     MR_E_STATE_FORMAT);
    size_t length = bytes.length;
    mr_buffer_put_u8(&bytes, 0);
    cr_assert_eq(mr_epoch_record_decode(bytes.data, bytes.length, &arena, &got, &err),
                 MR_E_STATE_FORMAT);
    for (int i = 0; i < 20000; i++) {
        char copy[256];
        memcpy(copy, bytes.data, length);
        for (int m = 0; m < 3; m++)
            copy[(size_t)rand_r(&seed) % length] = (char)rand_r(&seed);
        mr_status status = mr_epoch_record_decode(copy, length, &arena, &got, &err);
        cr_assert(status == MR_OK || status == MR_E_STATE_FORMAT);
        mr_arena_reset(&arena);
    }
    mr_buffer_release(&bytes);
    mr_arena_release(&arena);
}

Test(epoch_record, metadata_of_a_group_comes_back_and_foreign_ones_are_told)
{
    char text[MR_EPOCH_METADATA_MAX];
    uint64_t epoch;
    int64_t offset;
    uint32_t checksum;
    mr_epoch_metadata_print(text, UINT64_MAX, INT64_MAX, UINT32_MAX);
    cr_assert(mr_epoch_metadata_parse(text, &epoch, &offset, &checksum));
    cr_assert(epoch == UINT64_MAX && offset == INT64_MAX && checksum == UINT32_MAX);
    static const char *const foreign[] = {"", "v2|1|2|00000003", "v1|1|2", "v1|1|2|3 ", "hello"};
    for (size_t i = 0; i < sizeof foreign / sizeof foreign[0]; i++)
        cr_assert_not(mr_epoch_metadata_parse(foreign[i], &epoch, &offset, &checksum));
    cr_assert_not(mr_epoch_metadata_parse(NULL, &epoch, &offset, &checksum));
}

Test(journal, comes_back_and_a_cut_one_is_bad)
{
    mr_buffer bytes = {0};
    const mr_journal_event events[] = {
        {MR_JOURNAL_BATCH, 0, 1, 0},          {MR_JOURNAL_IDLE, UINT32_MAX, INT64_MAX, 0},
        {MR_JOURNAL_FRAME, 5, 3, UINT64_MAX}, {MR_JOURNAL_RESTORED, 0, 0, 0},
        {MR_JOURNAL_END, 5, -1, 0},           {MR_JOURNAL_STEPS, 0, 7, 0}};
    size_t count = sizeof events / sizeof events[0];
    for (size_t i = 0; i < count; i++)
        mr_journal_append(&bytes, events[i]);
    mr_reader reader = mr_reader_of(bytes.data, bytes.length);
    mr_journal_event event;
    for (size_t i = 0; i < count; i++) {
        cr_assert(mr_journal_next(&reader, &event));
        cr_assert(event.kind == events[i].kind && event.input == events[i].input &&
                  event.offset == events[i].offset && event.number == events[i].number);
    }
    cr_assert_not(mr_journal_next(&reader, &event));
    cr_assert_not(reader.is_bad);
    reader = mr_reader_of(bytes.data, bytes.length - 1);
    while (mr_journal_next(&reader, &event))
        ;
    cr_assert(reader.is_bad);
    for (int kind = 0; kind < 2; kind++) { /* below the known ones and beyond */
        bytes.data[0] = kind == 0 ? 0 : 77;
        reader = mr_reader_of(bytes.data, bytes.length);
        cr_assert_not(mr_journal_next(&reader, &event));
        cr_assert(reader.is_bad);
        cr_assert_not(mr_journal_next(&reader, &event), "it is bad for good");
    }
    mr_buffer_release(&bytes);
}
