/*
 * Goal: a frame gives back what was put into it, whatever the rows are, and any other bytes are
 * refused by name or read without harm.
 * Method: random batches of all lanes there and back, with and without compression; every cut and
 * random changes, once as they are and once behind a good checksum.
 */
#include "engine/exchange/frame.h"

#include "connectors/exchange/lz4.h"
#include "engine/base/assert.h"
#include "engine/base/hash.h"
#include "tests/unit/engine/exchange/lanes.h"

#include <criterion/criterion.h>
#include <stdlib.h>

static const mr_frame_header sample = {.plan_version = 0x1122334455667788,
                                       .upstream = 3,
                                       .upstreams_count = 300,
                                       .downstream = 129,
                                       .epoch = 70000,
                                       .number = 5,
                                       .watermark_ms = -12345,
                                       .is_idle = true};

static mr_buffer seal(const mr_buffer *body, const mr_compressor *compressor)
{
    mr_buffer frame = {0};
    mr_frame_seal(&sample, body, compressor, &frame);
    return frame;
}

static void expect_header(const mr_frame_header *got)
{
    cr_assert(got->plan_version == sample.plan_version && got->upstream == sample.upstream &&
              got->upstreams_count == sample.upstreams_count &&
              got->downstream == sample.downstream && got->epoch == sample.epoch &&
              got->number == sample.number && got->watermark_ms == sample.watermark_ms &&
              got->is_idle == sample.is_idle);
}

/* Opens a frame that must be good. */
static mr_reader open_good(const mr_buffer *frame, const mr_compressor *compressor, mr_arena *arena)
{
    mr_frame_header header;
    mr_reader body;
    mr_error err = {0};
    mr_status status =
        mr_frame_open(frame->data, frame->length, compressor, arena, &header, &body, &err);
    cr_assert_eq(status, MR_OK, "%s", err.message);
    expect_header(&header);
    return body;
}

static bool next(mr_reader *body, mr_arena *arena, uint32_t *relation, mr_batch *batch)
{
    const mr_schema relations[] = {{0}, mr_lanes};
    mr_error err = {0};
    bool is_end = false;
    mr_status status =
        mr_frame_next_section(body, relations, 2, arena, relation, batch, &is_end, &err);
    cr_assert_eq(status, MR_OK, "%s", err.message);
    return !is_end;
}

static void there_and_back(uint64_t seed, uint32_t rows, const mr_compressor *compressor)
{
    mr_arena arena = {0};
    mr_buffer body = {0};
    mr_batch sent = mr_lanes_batch(&seed, rows, &arena);
    uint32_t *chosen = mr_arena_alloc(&arena, rows * sizeof *chosen), count = 0;
    for (uint32_t r = 0; r < rows; r++)
        if (mr_lanes_random(&seed) % 2 == 0)
            chosen[count++] = rows - 1 - r;
    mr_frame_put_section(&body, 1, &sent, NULL, rows);
    if (count > 0)
        mr_frame_put_section(&body, 1, &sent, chosen, count);
    mr_buffer frame = seal(&body, compressor);
    mr_reader from = open_good(&frame, compressor, &arena);
    uint32_t relation;
    mr_batch got;
    cr_assert(next(&from, &arena, &relation, &got));
    cr_assert(relation == 1 && got.rows == rows && got.selected == rows && got.selection == NULL);
    mr_lanes_expect(&sent, NULL, &got);
    if (count > 0) {
        cr_assert(next(&from, &arena, &relation, &got) && got.rows == count);
        mr_lanes_expect(&sent, chosen, &got);
    }
    cr_assert_not(next(&from, &arena, &relation, &got));
    mr_buffer_release(&frame);
    mr_buffer_release(&body);
    mr_arena_release(&arena);
}

Test(frame, comes_back_as_it_was_put_in)
{
    for (uint64_t seed = 1; seed <= 2000; seed++)
        there_and_back(seed, 1 + (uint32_t)(seed % 70), seed % 2 == 0 ? &mr_lz4 : NULL);
    there_and_back(7, MR_BATCH_ROWS_MAX, &mr_lz4);
    there_and_back(8, MR_BATCH_ROWS_MAX, NULL);
}

Test(frame, without_rows_says_how_far_its_upstream_is)
{
    mr_arena arena = {0};
    mr_buffer frame = seal(&(mr_buffer){0}, &mr_lz4);
    mr_reader body = open_good(&frame, &mr_lz4, &arena);
    uint32_t relation;
    mr_batch batch;
    cr_assert_not(next(&body, &arena, &relation, &batch));
    mr_buffer_release(&frame);
    mr_arena_release(&arena);
}

Test(frame, is_compressed_above_a_size_and_only_when_that_helps)
{
    mr_arena arena = {0};
    uint64_t seed = 5;
    mr_buffer small = {0}, large = {0}, noise = {0};
    mr_buffer_put(&small, "................................", 32);
    for (uint32_t i = 0; i < 20000; i++) {
        mr_buffer_put_u8(&large, (uint8_t)(i % 7));
        mr_buffer_put_u8(&noise, (uint8_t)mr_lanes_random(&seed));
    }
    mr_buffer a = seal(&small, &mr_lz4), b = seal(&large, &mr_lz4), c = seal(&noise, &mr_lz4);
    cr_assert_eq(a.data[4] & 2, 0);
    cr_assert(b.data[4] & 2 && b.length < large.length / 4);
    cr_assert(!(c.data[4] & 2) && c.length > noise.length);
    mr_reader body = open_good(&b, &mr_lz4, &arena);
    cr_assert(mr_reader_left(&body) == large.length &&
              memcmp(body.next, large.data, large.length) == 0);
    mr_frame_header header;
    mr_error err = {0};
    cr_assert_eq(mr_frame_open(b.data, b.length, NULL, &arena, &header, &body, &err),
                 MR_E_FRAME_FORMAT);
    mr_buffer *all[] = {&small, &large, &noise, &a, &b, &c};
    for (size_t i = 0; i < MR_LENGTH(all); i++)
        mr_buffer_release(all[i]);
    mr_arena_release(&arena);
}

Test(frame, of_another_version_or_topic_is_named)
{
    mr_arena arena = {0};
    mr_buffer frame = seal(&(mr_buffer){0}, NULL);
    mr_frame_header header;
    mr_reader body;
    mr_error err = {0};
    frame.data[3] = 2;
    cr_assert_eq(mr_frame_open(frame.data, frame.length, NULL, &arena, &header, &body, &err),
                 MR_E_FRAME_FORMAT);
    cr_assert_not_null(strstr(err.message, "version 2"), "%s", err.message);
    cr_assert_eq(mr_frame_open("MRS\1....................", 24, NULL, &arena, &header, &body, &err),
                 MR_E_FRAME_FORMAT);
    cr_assert_not_null(strstr(err.message, "no frame"), "%s", err.message);
    mr_buffer_release(&frame);
    mr_arena_release(&arena);
}

/* Reads everything there is; what is refused has its name. Returns whether all of it was read. */
static bool read_any(const char *bytes, size_t length, mr_arena *arena)
{
    const mr_schema relations[] = {mr_lanes, mr_lanes};
    mr_frame_header header;
    mr_reader body;
    mr_error err = {0};
    mr_status status = mr_frame_open(bytes, length, &mr_lz4, arena, &header, &body, &err);
    bool is_end = false;
    while (status == MR_OK && !is_end) {
        uint32_t relation;
        mr_batch batch;
        status =
            mr_frame_next_section(&body, relations, 2, arena, &relation, &batch, &is_end, &err);
        for (uint32_t r = 0; status == MR_OK && !is_end && r < batch.rows; r++) {
            mr_string s = batch.columns[6].strings[r]; /* every byte that a string shows is there */
            cr_assert(s.length == 0 || memchr(s.bytes, s.bytes[s.length - 1], s.length) != NULL);
        }
    }
    cr_assert(status == MR_OK || (status == MR_E_FRAME_FORMAT && err.message[0] != '\0'));
    return status == MR_OK;
}

static mr_buffer make_frame(uint64_t seed, const mr_compressor *compressor, mr_arena *arena)
{
    mr_buffer body = {0};
    for (uint32_t i = 0; i < 2; i++) {
        mr_batch batch = mr_lanes_batch(&seed, 1 + (uint32_t)(mr_lanes_random(&seed) % 20), arena);
        mr_frame_put_section(&body, i, &batch, NULL, batch.rows);
    }
    mr_buffer frame = seal(&body, compressor);
    mr_buffer_release(&body);
    return frame;
}

Test(frame, cut_or_changed_anywhere_is_refused)
{
    mr_arena arena = {0};
    mr_buffer frame = make_frame(11, &mr_lz4, &arena);
    cr_assert(read_any(frame.data, frame.length, &arena));
    for (size_t length = 0; length < frame.length; length++)
        cr_assert_not(read_any(frame.data, length, &arena));
    for (size_t i = 0; i < frame.length; i++) {
        frame.data[i] = (char)(frame.data[i] ^ 0x10);
        cr_assert_not(read_any(frame.data, frame.length, &arena));
        frame.data[i] = (char)(frame.data[i] ^ 0x10);
    }
    mr_buffer_release(&frame);
    mr_arena_release(&arena);
}

static void reseal(mr_buffer *frame)
{
    uint32_t checksum = mr_checksum(frame->data, frame->length - 4);
    for (uint32_t i = 0; i < 4; i++)
        frame->data[frame->length - 4 + i] = (char)(checksum >> (8 * i));
}

/* Changes a few bytes, cuts or repeats a piece; the checksum is made good again. */
static void mutate(mr_buffer *frame, uint64_t *seed)
{
    uint64_t kind = mr_lanes_random(seed) % 4;
    if (kind == 0 && frame->length > 40)
        frame->length -= 1 + mr_lanes_random(seed) % 20;
    if (kind == 1) {
        char piece[16];
        memcpy(piece, frame->data + mr_lanes_random(seed) % (frame->length - 16), 16);
        memcpy(frame->data + mr_lanes_random(seed) % (frame->length - 16), piece, 16);
    }
    for (uint64_t i = mr_lanes_random(seed) % 4 + (kind > 1); i > 0; i--) {
        static const unsigned char edges[] = {0, 1, 0x7f, 0x80, 0xff, 8, 16};
        size_t at = 4 + mr_lanes_random(seed) % (frame->length - 8);
        frame->data[at] = (char)(mr_lanes_random(seed) % 2 == 0 ? edges[mr_lanes_random(seed) % 7]
                                                                : mr_lanes_random(seed));
    }
    reseal(frame);
}

Test(frame, of_any_bytes_behind_a_good_checksum_does_no_harm)
{
    mr_arena arena = {0};
    uint32_t taken = 0, refused = 0;
    for (uint64_t seed = 1; seed <= 60000; seed++) {
        uint64_t random = seed;
        mr_buffer frame = make_frame(seed % 500, seed % 3 == 0 ? &mr_lz4 : NULL, &arena);
        mutate(&frame, &random);
        if (read_any(frame.data, frame.length, &arena))
            taken++;
        else
            refused++;
        mr_buffer_release(&frame);
        mr_arena_reset(&arena);
    }
    cr_assert(taken > 1000 && refused > 1000, "%u taken, %u refused: the changes hit nothing",
              taken, refused);
    mr_arena_release(&arena);
}
