/* Object container files: those that Avro C writes, whatever the pieces they come in; zstandard;
 * and what damage costs. */
#include "connectors/formats/avro/container.h"
#include "connectors/formats/avro/unpack.h"
#include "connectors/formats/codes.h"
#include "engine/base/buffer.h"
#include "tests/harness/avro_oracle.h"

#include <avro.h>
#include <criterion/criterion.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <zlib.h>
#include <zstd.h>

#define ITEMS 500
#define RECORDS_MAX 64
#define TEN "\n\n\n\n\n\n\n\n\n\n"
#define SYNC "0123456789abcdef"
#define SCHEMA \
    "{\"type\":\"record\",\"name\":\"r\",\"fields\":[{\"name\":\"a\",\"type\":\"string\"}]}"

/* A file of the oracle's values, as Avro C writes it, in blocks of about 1 KB. */
static void write_file(mr_avro_oracle *oracle, const char *codec, mr_buffer *file)
{
    char path[] = "/tmp/millrace-avro-XXXXXX", piece[4096];
    avro_schema_t schema;
    avro_file_writer_t writer;
    mr_buffer item = {0};
    const char *text = mr_avro_oracle_schema(oracle);
    close(mkstemp(path));
    unlink(path);
    cr_assert_eq(avro_schema_from_json_length(text, strlen(text), &schema), 0);
    cr_assert_eq(avro_file_writer_create_with_codec(path, schema, &writer, codec, 65536), 0);
    for (int i = 0; i < ITEMS; i++) {
        mr_avro_oracle_make(oracle, &item);
        cr_assert_eq(avro_file_writer_append_encoded(writer, item.data, (int64_t)item.length), 0);
        if (i % 50 == 49)
            avro_file_writer_sync(writer);
    }
    avro_file_writer_close(writer);
    avro_schema_decref(schema);
    mr_buffer_release(&item);
    FILE *in = fopen(path, "rb");
    for (size_t got = 1; got > 0;) {
        got = fread(piece, 1, sizeof piece, in);
        mr_buffer_put(file, piece, got);
    }
    fclose(in);
    unlink(path);
}

typedef struct taken {
    uint32_t records, errors;
    int64_t last;
    mr_buffer text; /* values, each and a line end */
    char message[200];
} taken;

/* Cuts a file of which `step` more bytes are there each time more are needed. */
static void cut_all(const mr_buffer *file, size_t step, mr_avro_oracle *oracle, taken *t)
{
    mr_splitter *splitter = mr_avro_container_new();
    mr_record record[RECORDS_MAX];
    mr_error err;
    size_t at = 0, there = step < file->length ? step : file->length;
    *t = (taken){.last = -1};
    splitter->class->begin(splitter);
    for (;;) {
        mr_split split = {.bytes = file->data + at,
                          .length = there - at,
                          .offset = (int64_t)at,
                          .is_end = there == file->length,
                          .record = record,
                          .records_max = RECORDS_MAX};
        mr_status status = split.length > 0 ? splitter->class->cut(splitter, &split, &err) : MR_OK;
        at += split.taken;
        for (uint32_t i = 0; i < split.count; i++) {
            bool is_row = true;
            cr_assert_gt(record[i].offset, t->last);
            t->last = record[i].offset;
            mr_buffer_put(&t->text, record[i].value, record[i].value_length);
            mr_buffer_put(&t->text, "\n", 1);
            if (oracle != NULL)
                cr_assert_null(
                    mr_avro_oracle_check(oracle, record[i].value, record[i].value_length, &is_row));
            cr_assert(is_row);
        }
        t->records += split.count;
        if (status != MR_OK && split.count == 0) {
            bool is_found = false;
            cr_assert_eq(status, MR_E_AVRO_CONTAINER);
            snprintf(t->message, sizeof t->message, "%.190s", err.message);
            t->errors++;
            t->last = split.bad_offset;
            at += splitter->class->resync(splitter, file->data + at, there - at, &is_found);
            if (!is_found)
                break;
        } else if (split.count == 0 && split.taken == 0) {
            if (there == file->length)
                break;
            there = there + step < file->length ? there + step : file->length;
        }
    }
    splitter->class->free(splitter);
}

Test(avro_container, reads_what_avro_c_writes_in_pieces_of_any_size)
{
    static const char *const codecs[] = {"null", "deflate"};
    static const size_t steps[] = {1, 7, 1000, 1 << 30};
    for (uint64_t seed = 1; seed <= 4; seed++) {
        for (int c = 0; c < 2; c++) {
            mr_avro_oracle *oracle = mr_avro_oracle_new(seed);
            mr_buffer file = {0};
            write_file(oracle, codecs[c], &file);
            for (int s = 0; s < 4; s++) {
                taken t;
                cut_all(&file, steps[s], oracle, &t);
                cr_expect_eq(t.records, ITEMS, "%u records", t.records);
                cr_expect_eq(t.errors, 0, "%s", t.message);
                mr_buffer_release(&t.text);
            }
            mr_buffer_release(&file);
            mr_avro_oracle_free(oracle);
        }
    }
}

static void put_text(mr_buffer *to, const char *text)
{
    mr_buffer_put_zigzag(to, (int64_t)strlen(text));
    mr_buffer_put(to, text, strlen(text));
}

static void put_header(mr_buffer *to, const char *schema, const char *codec)
{
    mr_buffer_put(to, "Obj\x01", 4);
    mr_buffer_put_zigzag(to, 2);
    put_text(to, "avro.codec");
    put_text(to, codec);
    put_text(to, "avro.schema");
    put_text(to, schema);
    mr_buffer_put_zigzag(to, 0);
    mr_buffer_put(to, SYNC, 16);
}

static void put_block(mr_buffer *to, int64_t count, const char *bytes, size_t length)
{
    mr_buffer_put_zigzag(to, count);
    mr_buffer_put_zigzag(to, (int64_t)length);
    mr_buffer_put(to, bytes, length);
    mr_buffer_put(to, SYNC, 16);
}

static void expect(mr_buffer *file, uint32_t errors, const char *message, const char *text)
{
    taken t;
    cut_all(file, 1 << 20, NULL, &t);
    mr_buffer_put(&t.text, "", 1);
    cr_expect_eq(t.errors, errors, "%u errors: %s", t.errors, t.message);
    cr_expect_not_null(strstr(t.message, message), "%s", t.message);
    cr_expect_str_eq(t.text.data, text);
    mr_buffer_release(&t.text);
    mr_buffer_release(file);
}

Test(avro_container, unpacks_zstandard)
{
    char packed[200];
    size_t length = ZSTD_compress(packed, sizeof packed,
                                  "\x02"
                                  "a\x02"
                                  "b",
                                  4, 3);
    mr_buffer file = {0};
    put_header(&file, SCHEMA, "zstandard");
    put_block(&file, 2, packed, length);
    put_block(&file, 1, packed, length - 3);
    put_block(&file, 2, packed, length);
    expect(&file, 1, "a block cannot be unpacked",
           "\x02"
           "a\n\x02"
           "b\n\x02"
           "a\n\x02"
           "b\n");
}

/* Flink's own files are of this codec. Behind each block stands the CRC-32 of its content. */
Test(avro_container, unpacks_snappy_and_holds_it_to_its_checksum)
{
    static const char packed[] = "\x04\x0c\x02"
                                 "a\x02"
                                 "b\x53\xd2\xd4\x76";
    mr_buffer file = {0};
    put_header(&file, SCHEMA, "snappy");
    put_block(&file, 2, packed, sizeof packed - 1);
    put_block(&file, 2, "\x04\x0c\x02x\x02y\x53\xd2\xd4\x76", sizeof packed - 1);
    put_block(&file, 2, packed, 3);
    put_block(&file, 2, packed, sizeof packed - 1);
    expect(&file, 2, "a block cannot be unpacked",
           "\x02"
           "a\n\x02"
           "b\n\x02"
           "a\n\x02"
           "b\n");
}

/* `length` zero bytes as a block of the codec. Snappy: a literal, then copies of it. */
static void pack_zeros(mr_avro_codec codec, size_t length, mr_buffer *to)
{
    char *zeros = calloc(length, 1);
    size_t room = length + 1024;
    char *packed = malloc(room);
    mr_buffer_clear(to);
    if (codec == MR_AVRO_CODEC_ZSTANDARD) {
        mr_buffer_put(to, packed, ZSTD_compress(packed, room, zeros, length, 1));
    } else if (codec == MR_AVRO_CODEC_DEFLATE) {
        z_stream stream = {.next_in = (Bytef *)zeros,
                           .avail_in = (uInt)length,
                           .next_out = (Bytef *)packed,
                           .avail_out = (uInt)room};
        cr_assert_eq(deflateInit2(&stream, 9, Z_DEFLATED, -15, 8, Z_DEFAULT_STRATEGY), Z_OK);
        cr_assert_eq(deflate(&stream, Z_FINISH), Z_STREAM_END);
        mr_buffer_put(to, packed, room - stream.avail_out);
        deflateEnd(&stream);
    } else {
        uint32_t check = __builtin_bswap32((uint32_t)crc32(0, (Bytef *)zeros, (uInt)length));
        mr_buffer_put_varint(to, length);
        mr_buffer_put(to, "\x00\x00", 2);
        for (size_t left = length - 1; left > 0; left -= left < 64 ? left : 64) {
            mr_buffer_put_u8(to, (uint8_t)(((left < 64 ? left : 64) - 1) << 2 | 2));
            mr_buffer_put(to, "\x01\x00", 2);
        }
        mr_buffer_put(to, &check, sizeof check);
    }
    free(zeros);
    free(packed);
}

Test(avro_container, a_block_that_unpacks_to_more_than_it_may_is_refused_and_costs_no_more)
{
    static const mr_avro_codec codecs[] = {MR_AVRO_CODEC_DEFLATE, MR_AVRO_CODEC_ZSTANDARD,
                                           MR_AVRO_CODEC_SNAPPY};
    const size_t large = (size_t)64 << 20, bound = (size_t)1 << 20;
    for (int c = 0; c < 3; c++) {
        mr_buffer packed = {0}, out = {0};
        pack_zeros(codecs[c], 1000, &packed);
        cr_expect(mr_avro_unpack(codecs[c], packed.data, packed.length, 1000, &out), "%d", c);
        cr_expect_eq(out.length, 1000, "%d", c);
        cr_expect_not(mr_avro_unpack(codecs[c], packed.data, packed.length, 999, &out), "%d", c);
        pack_zeros(codecs[c], large, &packed);
        cr_expect_not(mr_avro_unpack(codecs[c], packed.data, packed.length, bound, &out), "%d", c);
        cr_expect_leq(out.capacity, 4 * bound, "%d: %zu bytes", c, out.capacity);
        mr_buffer_release(&packed);
        mr_buffer_release(&out);
    }
}

Test(avro_container, loses_no_more_than_what_is_damaged)
{
    mr_buffer file = {0};
    put_header(&file, SCHEMA, "null");
    put_block(&file, 1,
              "\x02"
              "a",
              2);
    put_block(&file, 1,
              "\x02"
              "b",
              2);
    put_block(&file, 1,
              "\x02"
              "c",
              2);
    file.data[file.length - 25] = 'X'; /* in the marker behind b */
    expect(&file, 1, "sync marker",
           "\x02"
           "a\n");

    put_header(&file, SCHEMA, "null");
    put_block(&file, 1,
              "\x02"
              "a",
              2);
    put_block(&file, 1,
              "\x02"
              "b",
              2);
    file.data[file.length - 19] = '\x7f'; /* the length of b's block */
    put_block(&file, 1,
              "\x02"
              "c",
              2);
    expect(&file, 1, "the head of a block is damaged",
           "\x02"
           "a\n\x02"
           "c\n");
}

Test(avro_container, leaves_it_to_the_decoder_to_judge_items_that_do_not_fit_their_block)
{
    mr_buffer file = {0};
    put_header(&file, SCHEMA, "null");
    put_block(&file, 3,
              "\x02"
              "a\x0a"
              "b",
              4);
    put_block(&file, 1,
              "\x02"
              "cde",
              4);
    put_block(&file, 1,
              "\x02"
              "f",
              2);
    expect(&file, 0, "",
           "\x02"
           "a\n\x0a"
           "b\n\x02"
           "cde\n\x02"
           "f\n");

    put_header(&file, SCHEMA, "null");
    put_block(&file, 1,
              "\x02"
              "a",
              2);
    mr_buffer_put(&file, "\x02\x04", 2);
    expect(&file, 1, "it ends within a block",
           "\x02"
           "a\n");
}

/* The first block of a file: nothing was unpacked before it. */
Test(avro_container, gives_items_without_bytes_one_by_one)
{
    mr_buffer file = {0};
    put_header(&file, "{\"type\":\"record\",\"name\":\"r\",\"fields\":[]}", "null");
    put_block(&file, 3, "", 0);
    expect(&file, 0, "", "\n\n\n");
    put_header(&file, SCHEMA, "null");
    put_block(&file, 2, "", 0);
    expect(&file, 0, "", "\n"); /* the decoder's to judge, as above */
    put_header(&file, "{\"type\":\"record\",\"name\":\"r\",\"fields\":[]}", "null");
    /* more items than the block has bytes: the next block's offsets lie behind them all the same */
    put_block(&file, 40, "", 0);
    put_block(&file, 2, "", 0);
    expect(&file, 0, "", TEN TEN TEN TEN "\n\n");
    put_header(&file, "{\"type\":\"record\",\"name\":\"r\",\"fields\":[]}", "null");
    put_block(&file, INT64_C(1) << 40, "", 0);
    put_block(&file, 1, "", 0);
    expect(&file, 1, "head of a block is damaged", "\n");
}

Test(avro_container, refuses_what_is_no_such_file)
{
    mr_buffer file = {0};
    mr_buffer_put(&file, "{\"id\":1}\n", 9);
    expect(&file, 1, "does not begin as an object container file does", "");
    mr_buffer_put(&file, "Obj", 3);
    expect(&file, 1, "ends within its header", "");
    put_header(&file, SCHEMA, "bzip2");
    expect(&file, 1, "codec is none of", "");
    put_header(&file, "{\"type\":\"nothing\"}", "null");
    expect(&file, 1, "no type `nothing`", "");
    put_header(&file, "", "null");
    expect(&file, 1, "no avro.schema", "");
    mr_buffer_put(&file, "Obj\x01\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff", 15);
    expect(&file, 1, "header is damaged", "");
}
