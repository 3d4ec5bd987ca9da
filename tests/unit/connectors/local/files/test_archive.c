/*
 * Goal: a compressed file gives what the plain one gives, wherever reading goes on; a damaged one
 * gives its good lines, then one flawed record with the place, and never a cut line as a good one.
 * Method: archives made by the libraries themselves, cut and damaged at every kind of place, read
 * through the reader; restarts behind every record.
 */
#include "connectors/local/files/codes.h"
#include "connectors/local/files/reader.h"

#include <criterion/criterion.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>
#include <zlib.h>
#include <zstd.h>

#define LINES 20000

typedef enum packing { PLAIN, GZIP, ZSTD } packing;

typedef struct bytes {
    char *data;
    size_t length;
} bytes;

typedef struct taken {
    uint32_t records, flaws;
    int64_t offset_last, flaw_offset;
    uint64_t sum; /* of (offset, value) */
    char message[256];
} taken;

static bytes make_text(void)
{
    bytes text = {.data = malloc((size_t)LINES * 64)};
    for (int i = 0; i < LINES; i++)
        text.length += (size_t)sprintf(text.data + text.length, "{\"n\":%d,\"h\":%u}\n", i,
                                       (unsigned)i * 2654435761u);
    return text;
}

static bytes pack(packing how, const char *from, size_t length)
{
    bytes packed = {.data = malloc(length * 2 + 4096)};
    if (how == ZSTD) {
        ZSTD_CCtx *context = ZSTD_createCCtx();
        ZSTD_CCtx_setParameter(context, ZSTD_c_checksumFlag, 1); /* as the program does it */
        packed.length = ZSTD_compress2(context, packed.data, length * 2 + 4096, from, length);
        ZSTD_freeCCtx(context);
        cr_assert(!ZSTD_isError(packed.length));
        return packed;
    }
    z_stream stream = {0};
    cr_assert_eq(deflateInit2(&stream, 6, Z_DEFLATED, 15 + 16, 8, Z_DEFAULT_STRATEGY), Z_OK);
    stream.next_in = (Bytef *)(uintptr_t)from;
    stream.avail_in = (uInt)length;
    stream.next_out = (Bytef *)packed.data;
    stream.avail_out = (uInt)(length * 2 + 4096);
    cr_assert_eq(deflate(&stream, Z_FINISH), Z_STREAM_END);
    packed.length = stream.total_out;
    deflateEnd(&stream);
    return packed;
}

static void write_file(const char *path, const char *data, size_t length)
{
    FILE *file = fopen(path, "wb");
    cr_assert_not_null(file);
    cr_assert_eq(fwrite(data, 1, length, file), length);
    fclose(file);
}

/* Reads the file from `offset` on, to its end as the engine sees it. */
static taken read_lines(const char *path, int64_t offset, bool are_whole)
{
    taken all = {.offset_last = -1, .flaw_offset = -1};
    mr_file_reader_config config = {.path = path};
    mr_log_reader *reader;
    mr_error err;
    mr_input_ends ends;
    cr_assert_eq(mr_file_reader_open(&config, 1, &reader, &err), MR_OK);
    cr_assert_eq(reader->class->add(reader, 0, path, 0, offset, &err), MR_OK);
    do {
        mr_records records;
        cr_assert_eq(reader->class->fetch(reader, 1000, 0, &records, &err), MR_OK, "%s",
                     err.message);
        for (uint32_t i = 0; i < records.count; i++) {
            const mr_record *record = &records.record[i];
            cr_assert_gt(record->offset, all.offset_last);
            all.offset_last = record->offset;
            if (records.flaw != NULL) {
                all.flaws++;
                all.flaw_offset = record->offset;
                cr_assert_eq(records.flaw->code, MR_E_FILE_DAMAGED);
                snprintf(all.message, sizeof all.message, "%s", records.flaw->message);
                continue;
            }
            if (are_whole)
                cr_assert_eq(record->value[record->value_length - 1], '}');
            all.records++;
            all.sum += (uint64_t)record->offset * 31 + record->value_length +
                       (unsigned char)record->value[5];
        }
        cr_assert_eq(reader->class->ends(reader, 0, 0, &ends, &err), MR_OK);
        cr_assert(records.count > 0 || ends.position >= ends.stable_end);
    } while (ends.position < ends.stable_end);
    reader->class->close(reader);
    return all;
}

/* Of a file whose lines end in a brace, so that one that was cut is known. */
static taken read_file(const char *path, int64_t offset)
{
    return read_lines(path, offset, true);
}

static void name_file(char path[64], const char *end)
{
    snprintf(path, 64, "/tmp/mr-archive-%d%s", (int)getpid(), end);
}

Test(archive, gives_what_the_plain_file_gives_from_every_offset)
{
    bytes text = make_text();
    char plain[64], packed[64];
    name_file(plain, "");
    name_file(packed, "-packed"); /* the first bytes tell, no name is needed */
    write_file(plain, text.data, text.length);
    for (packing how = GZIP; how <= ZSTD; how++) {
        bytes archive = pack(how, text.data, text.length);
        write_file(packed, archive.data, archive.length);
        for (int64_t offset = 0; offset <= (int64_t)text.length; offset += 70001) {
            taken a = read_file(plain, offset), b = read_file(packed, offset);
            cr_assert(b.flaws == 0 && a.records == b.records && a.sum == b.sum, "from %d: %u, %u",
                      (int)offset, a.records, b.records);
        }
        cr_assert_eq(read_file(packed, 0).records, LINES);
        free(archive.data);
    }
    free(text.data);
    unlink(plain);
    unlink(packed);
}

Test(archive, several_members_and_padding_are_one_file)
{
    bytes text = make_text();
    char path[64];
    name_file(path, ".gz");
    for (packing how = GZIP; how <= ZSTD; how++) {
        /* Cut within a line: the line goes on in the next member. */
        size_t cut = text.length / 2 + 3;
        bytes first = pack(how, text.data, cut), empty = pack(how, "", 0),
              second = pack(how, text.data + cut, text.length - cut);
        FILE *file = fopen(path, "wb");
        fwrite(first.data, 1, first.length, file);
        fwrite(empty.data, 1, empty.length, file);
        fwrite(second.data, 1, second.length, file);
        for (int i = 0; how == GZIP && i < 1000; i++)
            fputc(0, file);
        fclose(file);
        taken all = read_file(path, 0);
        cr_assert(all.records == LINES && all.flaws == 0, "%u %s", all.records, all.message);
        free(first.data);
        free(empty.data);
        free(second.data);
    }
    free(text.data);
    unlink(path);
}

Test(archive, an_empty_file_is_empty_whatever_its_name)
{
    char path[64];
    name_file(path, ".gz");
    write_file(path, "", 0);
    taken all = read_file(path, 0);
    cr_assert(all.records == 0 && all.flaws == 0);
    unlink(path);
}

Test(archive, a_damaged_one_gives_its_good_lines_then_one_flaw_with_the_place)
{
    bytes text = make_text();
    char path[64];
    name_file(path, "");
    uint32_t with_rows = 0;
    for (packing how = GZIP; how <= ZSTD; how++) {
        bytes archive = pack(how, text.data, text.length);
        for (size_t part = 1; part < 40; part++) {
            size_t at = archive.length * part / 40;
            /* Cut short at `at`, or its bytes from there on replaced. */
            write_file(path, archive.data, at);
            taken all = read_file(path, 0);
            cr_assert(all.flaws == 1 && all.records < LINES, "cut at %zu: %u flaws", at, all.flaws);
            cr_assert_not_null(strstr(all.message, "of the archive: "));
            /* After a restart behind the flaw nothing is told again, and no row comes twice. */
            taken again = read_file(path, all.offset_last + 1);
            cr_assert(again.flaws == 0 && again.records == 0);
            /* After one within it: the same flaw at the same place. */
            taken half = read_file(path, all.flaw_offset / 2);
            cr_assert(half.flaws == 1 && half.flaw_offset == all.flaw_offset);
            with_rows += all.records > 0;

            bytes worse = {.data = malloc(archive.length), .length = archive.length};
            memcpy(worse.data, archive.data, archive.length);
            memset(worse.data + at, 0xff, archive.length - at < 64 ? archive.length - at : 64);
            write_file(path, worse.data, worse.length);
            /* What is wrong but unpacks is found by the checksum at the end. */
            all = read_lines(path, 0, false);
            cr_assert(all.flaws == 1, "damaged at %zu: %u flaws, %u rows, %s", at, all.flaws,
                      all.records, all.message);
            free(worse.data);
        }
        free(archive.data);
    }
    cr_assert_gt(with_rows, 20, "%u", with_rows);
    free(text.data);
    unlink(path);
}

Test(archive, a_name_that_promises_one_is_held_to_it)
{
    char path[64];
    name_file(path, ".zst");
    write_file(path, "{}\n{}\n", 6);
    taken all = read_file(path, 0);
    cr_assert(all.records == 0 && all.flaws == 1 && strstr(all.message, "byte 0") != NULL, "%s",
              all.message);
    unlink(path);
}
