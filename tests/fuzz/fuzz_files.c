/*
 * Any bytes as what lies in files. The first byte says as what:
 *   a file       plain, gzip or zstd, in lines, csv or an Avro container: read from any record on
 *                it gives what reading all of it gave from there
 *   an archive   the bytes, packed here in two members, whole, cut or with one byte changed: whole
 *                it reads as the plain file, cut as its first records and one flaw
 *   a place      the list of done files that an epoch record keeps of a folder
 *   raw          a key or value of one column, of each type: what was read is written back the same
 * No crash, no read outside of what was given. Built without libFuzzer it replays its files.
 */
#include "connectors/local/files/folder.h"
#include "engine/base/assert.h"
#include "engine/base/hash.h"
#include "tests/harness/file_records.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <zlib.h>
#include <zstd.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static mr_format_use format_of(uint8_t which)
{
    static const char *const names[] = {"json", "csv", "avro"};
    return (mr_format_use){.format = mr_format_find(names[which % 3]), .width = 4, .is_file = true};
}

/* `rest` is what `all` holds from entry `from` on. Told again, a flaw may stand elsewhere: where it
 * does depends on the records in front of it. */
static void expect_tail(const mr_file_records *all, uint32_t from, const mr_file_records *rest)
{
    uint32_t common = all->count - from < rest->count ? all->count - from : rest->count;
    for (uint32_t i = 0; i < common; i++) {
        const mr_file_seen *a = &all->seen[from + i], *b = &rest->seen[i];
        MR_ASSERT(a->is_flaw == b->is_flaw && a->hash == b->hash &&
                  (a->is_flaw || a->offset == b->offset));
    }
    MR_ASSERT(!all->is_whole || !rest->is_whole || all->count - from == rest->count);
}

static void as_file(uint8_t how, const char *bytes, size_t length)
{
    static mr_file_records all, rest;
    mr_format_use use = format_of(how);
    mr_file_records_read(use, bytes, length, 0, 1024, &all);
    uint32_t from = how / 3u;
    if (all.count == 0)
        return;
    from %= all.count;
    mr_file_records_read(use, bytes, length, all.seen[from].offset + 1, 1 + how % 7u, &rest);
    expect_tail(&all, from + 1, &rest);
}

/* One member (gzip) or frame (zstd) of it at `to`; returns its length. */
static size_t pack(bool is_zstd, const char *from, size_t length, char *to, size_t room)
{
    if (is_zstd) {
        size_t packed = ZSTD_compress(to, room, from, length, 1);
        MR_ASSERT(!ZSTD_isError(packed));
        return packed;
    }
    z_stream stream = {.next_in = (Bytef *)(uintptr_t)from,
                       .avail_in = (uInt)length,
                       .next_out = (Bytef *)to,
                       .avail_out = (uInt)room};
    int code = deflateInit2(&stream, 1, Z_DEFLATED, 15 + 16, 8, Z_DEFAULT_STRATEGY);
    MR_ASSERT(code == Z_OK);
    code = deflate(&stream, Z_FINISH);
    MR_ASSERT(code == Z_STREAM_END);
    deflateEnd(&stream);
    return room - stream.avail_out;
}

/* Lines as plainly as can be: asking the reader would not do, for the bytes may be an archive
 * too. */
static bool next_line(const char *bytes, size_t length, size_t *at, mr_file_seen *line)
{
    while (*at < length) {
        size_t start = *at, end = start;
        while (end < length && bytes[end] != '\n')
            end++;
        *at = end + 1;
        end -= end > start && bytes[end - 1] == '\r';
        if (end > start) {
            *line = (mr_file_seen){.offset = (int64_t)start,
                                   .hash = mr_hash(bytes + start, end - start)};
            return true;
        }
    }
    return false;
}

/* how: bit 0 gzip or zstd, bits 1.. whole, cut or changed. `split` and `place` are 256ths. */
static void as_archive(uint8_t how, uint8_t split, uint8_t place, const char *bytes, size_t length)
{
    static mr_file_records got;
    size_t first = length * split / 256, room = 2 * length + 1024;
    char *packed = malloc(room);
    MR_ASSERT(packed != NULL);
    size_t member = pack(how & 1, bytes, first, packed, room);
    size_t all =
        member + pack(how & 1, bytes + first, length - first, packed + member, room - member);
    size_t at = all * place / 256;
    bool is_cut = (how >> 1) % 3 == 1, is_changed = (how >> 1) % 3 == 2;
    if (is_changed)
        packed[at] = (char)(packed[at] ^ (1 << how % 8));
    mr_format_use lines = format_of(0);
    mr_file_records_read(lines, packed, is_cut ? at : all, 0, 1024, &got);
    /* Of a changed one, gzip says so at its member's end only: what it gave until then, it gave.
     * And what is cut within its first bytes, or between members, is none or a whole one. */
    bool is_short = is_cut && at >= 18 && at != member;
    if (!is_changed && (!is_cut || is_short)) {
        MR_ASSERT(got.flaws == is_short || !got.is_whole);
        mr_file_seen line;
        size_t next = 0;
        for (uint32_t i = 0; i < got.count - got.flaws; i++) {
            bool has_line = next_line(bytes, length, &next, &line);
            MR_ASSERT(has_line && got.seen[i].hash == line.hash &&
                      got.seen[i].offset == line.offset);
        }
        MR_ASSERT(is_short || !got.is_whole || !next_line(bytes, length, &next, &line));
    }
    free(packed);
}

static void as_place(const char *bytes, size_t length)
{
    mr_folder folder;
    mr_error err;
    mr_buffer place = {0};
    mr_folder_init(&folder, "/nowhere", 0, 1, true);
    if (mr_folder_set_place(&folder, bytes, length, &err) == MR_OK && length > 0) {
        mr_folder_finish(&folder, "/nowhere/file");
        mr_folder_put_place(&folder, &place);
        mr_status status = mr_folder_set_place(&folder, place.data, place.length, &err);
        MR_ASSERT(status == MR_OK);
    }
    mr_buffer_release(&place);
    mr_folder_release(&folder);
}

/* What cannot come back bit by bit: other bytes of TRUE, and NaNs. */
static bool is_one_way(mr_type type, const mr_vector *column)
{
    bool is_float = type.kind == MR_TYPE_FLOAT || type.kind == MR_TYPE_DOUBLE;
    return type.kind == MR_TYPE_BOOLEAN || (is_float && isnan(column->f64[0]));
}

static void expect_written_back(const mr_format_use *use, const mr_codec_field *field,
                                const mr_vector *column, const char *bytes, size_t length)
{
    mr_arena arena = {0};
    mr_buffer out = {0};
    mr_row_writer *writer;
    mr_error err;
    mr_status status = use->format->writer_new(use, field, 1, &writer, &err);
    MR_ASSERT(status == MR_OK);
    mr_batch batch = mr_batch_new(1, 1, &arena);
    batch.columns[0] = *column;
    mr_row_errors errors = {.arena = &arena};
    mr_written written = writer->class->write(writer, &batch, 0, &out, &errors);
    MR_ASSERT(written == MR_WRITTEN_BYTES && errors.count == 0 && out.length == length);
    MR_ASSERT(length == 0 || memcmp(out.data, bytes, length) == 0);
    writer->class->free(writer);
    mr_buffer_release(&out);
    mr_arena_release(&arena);
}

static void as_raw(uint8_t how, const char *bytes, size_t length)
{
    static const mr_type_kind kinds[] = {MR_TYPE_VARCHAR, MR_TYPE_VARBINARY, MR_TYPE_BOOLEAN,
                                         MR_TYPE_TINYINT, MR_TYPE_SMALLINT,  MR_TYPE_INT,
                                         MR_TYPE_BIGINT,  MR_TYPE_FLOAT,     MR_TYPE_DOUBLE};
    static const mr_format_setting little = {"endianness", "little-endian"};
    static const char *const path = "a";
    mr_type type = {
        .kind = kinds[how % MR_LENGTH(kinds)], .length = MR_LENGTH_UNBOUNDED, .is_nullable = true};
    mr_format_use use = {.format = mr_format_find("raw"),
                         .settings = &little,
                         .settings_count = how >> 7,
                         .width = 1};
    mr_codec_column column = {.part = MR_PART_VALUE, .path_length = 1, .path = &path, .type = type};
    mr_decoder *decoder;
    mr_error err;
    mr_status status = mr_format_decoder_new(NULL, &use, &column, 1, &decoder, &err);
    MR_ASSERT(status == MR_OK);
    mr_arena arena = {0};
    mr_record record = {.value = bytes, .value_length = (uint32_t)length};
    mr_records records = {.topic = "t", .count = 1, .record = &record};
    mr_row_errors errors = {.arena = &arena};
    mr_vector values;
    uint32_t row, count = 0;
    status =
        decoder->class->decode(decoder, &records, &values, &row, &count, &errors, &arena, &err);
    MR_ASSERT(status == MR_OK && count + errors.count == 1);
    mr_codec_field field = {.part = MR_PART_VALUE, .name = "a", .type = type};
    if (count == 1 && !is_one_way(type, &values))
        expect_written_back(&use, &field, &values, bytes, length);
    decoder->class->free(decoder);
    mr_arena_release(&arena);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    const char *bytes = (const char *)data;
    if (size < 4)
        return 0;
    switch (data[0] % 4) {
    case 0: as_file(data[1], bytes + 2, size - 2); break;
    case 1: as_archive(data[1], data[2], data[3], bytes + 4, size - 4); break;
    case 2: as_place(bytes + 1, size - 1); break;
    default: as_raw(data[1], bytes + 2, size - 2); break;
    }
    return 0;
}
