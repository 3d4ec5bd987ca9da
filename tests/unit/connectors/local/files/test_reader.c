/*
 * Goal: every line of a file once, whatever it ends with, however it is cut into fetches and
 * wherever reading goes on. Method: small files of all shapes in a throw-away folder.
 */
#include "connectors/local/files/reader.h"

#include "connectors/local/files/codes.h"

#include <criterion/criterion.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

typedef struct fixture {
    char folder[64], path[128];
    mr_file_reader_config config;
    mr_log_reader *reader;
    mr_error err;
} fixture;

static void write_file(const char *path, const char *bytes, size_t length)
{
    FILE *file = fopen(path, "wb");
    cr_assert_not_null(file);
    cr_assert_eq(fwrite(bytes, 1, length, file), length);
    fclose(file);
}

static void setup(fixture *f, const char *text, int64_t offset)
{
    *f = (fixture){.folder = "/tmp/mr-file-XXXXXX"};
    cr_assert_not_null(mkdtemp(f->folder));
    snprintf(f->path, sizeof f->path, "%s/rows.json", f->folder);
    write_file(f->path, text, strlen(text));
    f->config.path = f->path;
    cr_assert_eq(mr_file_reader_open(&f->config, 1, &f->reader, &f->err), MR_OK);
    cr_assert_eq(f->reader->class->add(f->reader, 4, f->path, 0, offset, &f->err), MR_OK);
}

static void teardown(fixture *f)
{
    f->reader->class->close(f->reader);
    unlink(f->path);
    rmdir(f->folder);
}

/* All that is left as "offset:line " .. in fetches of `rows_max`. */
static void read_all(fixture *f, uint32_t rows_max, char *to, size_t size)
{
    size_t at = 0;
    to[0] = '\0';
    for (;;) {
        mr_records records;
        cr_assert_eq(f->reader->class->fetch(f->reader, rows_max, 0, &records, &f->err), MR_OK);
        if (records.count == 0)
            return;
        cr_assert(records.count <= rows_max && records.input == 4);
        for (uint32_t i = 0; i < records.count; i++) {
            const mr_record *r = &records.record[i];
            cr_assert_null(r->key);
            at += (size_t)snprintf(to + at, size - at, "%d:%.*s ", (int)r->offset,
                                   (int)r->value_length, r->value);
        }
    }
}

static void expect_lines(const char *text, int64_t offset, const char *expected)
{
    for (uint32_t rows_max = 1; rows_max <= 8; rows_max++) {
        fixture f;
        char got[512];
        setup(&f, text, offset);
        read_all(&f, rows_max, got, sizeof got);
        cr_assert_str_eq(got, expected, "`%s` from %d by %u: `%s`", text, (int)offset, rows_max,
                         got);
        mr_input_ends ends;
        cr_assert_eq(f.reader->class->ends(f.reader, 4, 0, &ends, &f.err), MR_OK);
        cr_assert(ends.position >= ends.stable_end && ends.stable_end == (int64_t)strlen(text));
        teardown(&f);
    }
}

Test(file_reader, reads_lines_with_any_end)
{
    expect_lines("", 0, "");
    expect_lines("\n\n\r\n", 0, "");
    expect_lines("a\nbb\n", 0, "0:a 2:bb ");
    expect_lines("a\nbb", 0, "0:a 2:bb ");
    expect_lines("a\r\nbb\r\n", 0, "0:a 3:bb ");
    expect_lines("\n\na\n\n\nb\n\n", 0, "2:a 6:b ");
}

Test(file_reader, goes_on_behind_the_record_it_is_given)
{
    /* offset of the last record + 1 lies within its line */
    expect_lines("aaa\nbbb\nccc\n", 1, "4:bbb 8:ccc ");
    expect_lines("aaa\nbbb\nccc\n", 4, "4:bbb 8:ccc ");
    expect_lines("aaa\nbbb\nccc\n", 5, "8:ccc ");
    expect_lines("aaa\nbbb\nccc", 9, "");
    expect_lines("aaa\nbbb\nccc", 11, "");
    expect_lines("a\nb\nc\n", 1, "2:b 4:c ");
    expect_lines("a\n\n\nb\n", 1, "4:b ");
}

Test(file_reader, goes_on_when_the_file_has_grown)
{
    fixture f;
    char got[128];
    setup(&f, "a\n", 0);
    read_all(&f, 8, got, sizeof got);
    cr_assert_str_eq(got, "0:a ");
    write_file(f.path, "a\nb\n", 4);
    read_all(&f, 8, got, sizeof got);
    cr_assert_str_eq(got, "2:b ");
    teardown(&f);
}

Test(file_reader, reads_lines_longer_than_its_buffer)
{
    fixture f;
    setup(&f, "", 0);
    size_t length = ((size_t)3 << 20) + 17;
    char *bytes = malloc(length + 3);
    memset(bytes, 'x', length);
    memcpy(bytes + length, "\ny\n", 3);
    write_file(f.path, bytes, length + 3);
    mr_records records;
    cr_assert_eq(f.reader->class->fetch(f.reader, 1, 0, &records, &f.err), MR_OK);
    cr_assert(records.count == 1 && records.record[0].value_length == length);
    cr_assert_eq(memcmp(records.record[0].value, bytes, length), 0);
    cr_assert_eq(f.reader->class->fetch(f.reader, 9, 0, &records, &f.err), MR_OK);
    cr_assert(records.count == 1 && records.record[0].offset == (int64_t)length + 1);
    free(bytes);
    teardown(&f);
}

Test(file_reader, a_line_beyond_all_bounds_is_a_flawed_record_and_the_next_ones_are_read)
{
    /* Both behind such a line and at the end of the file; once before and once after a restart
     * behind it, where it must not be told again. */
    size_t length = MR_FILE_RECORD_MAX + ((size_t)3 << 20);
    char *bytes = malloc(length + 8);
    memcpy(bytes, "a\n", 2);
    memset(bytes + 2, 'x', length);
    memcpy(bytes + 2 + length, "\nb\n", 4);
    for (int restarted = 0; restarted < 2; restarted++) {
        fixture f;
        setup(&f, "", restarted ? 3 : 0);
        write_file(f.path, bytes, length + 5);
        mr_records records;
        if (!restarted) {
            cr_assert_eq(f.reader->class->fetch(f.reader, 9, 0, &records, &f.err), MR_OK);
            cr_assert(records.count == 1 && records.record[0].offset == 0 && records.flaw == NULL);
            cr_assert_eq(f.reader->class->fetch(f.reader, 9, 0, &records, &f.err), MR_OK);
            cr_assert(records.count == 1 && records.record[0].offset == 2);
            cr_assert_eq(records.record[0].value_length, MR_FILE_FLAW_BYTES_MAX);
            cr_assert(records.flaw != NULL && records.flaw->code == MR_E_FILE_RECORD);
            cr_assert_not_null(strstr(records.flaw->message, "16777216"));
        }
        cr_assert_eq(f.reader->class->fetch(f.reader, 9, 0, &records, &f.err), MR_OK);
        cr_assert(records.count == 1 && records.flaw == NULL);
        cr_assert_eq(records.record[0].offset, (int64_t)length + 3);
        cr_assert_eq(f.reader->class->fetch(f.reader, 9, 0, &records, &f.err), MR_OK);
        cr_assert_eq(records.count, 0);
        mr_input_ends ends;
        cr_assert_eq(f.reader->class->ends(f.reader, 4, 0, &ends, &f.err), MR_OK);
        cr_assert_eq(ends.position, ends.stable_end);
        teardown(&f);
    }
    free(bytes);
}

Test(file_reader, the_longest_record_is_exactly_as_long_as_is_said)
{
    for (size_t more = 0; more < 4; more++) {
        fixture f;
        size_t length = MR_FILE_RECORD_MAX + more;
        char *bytes = malloc(length + 12);
        memcpy(bytes, "first\n", 6);
        memset(bytes + 6, 'x', length);
        memcpy(bytes + 6 + length, "\nb\n", 3);
        setup(&f, "", 0);
        write_file(f.path, bytes, length + 9);
        mr_records records;
        for (int fetches = 0; fetches < 2; fetches++)
            cr_assert_eq(f.reader->class->fetch(f.reader, 1, 0, &records, &f.err), MR_OK);
        bool is_whole = records.flaw == NULL && records.record[0].value_length == length;
        cr_assert(records.count == 1 && records.record[0].offset == 6);
        cr_assert(is_whole || (records.flaw != NULL && more > 1), "%zu more", more);
        cr_assert(!is_whole || more < 2, "%zu more", more);
        free(bytes);
        teardown(&f);
    }
}

Test(file_reader, a_paused_input_gives_nothing)
{
    fixture f;
    char got[64];
    setup(&f, "a\n", 0);
    cr_assert_eq(f.reader->class->pause(f.reader, 4, true, &f.err), MR_OK);
    read_all(&f, 8, got, sizeof got);
    cr_assert_str_eq(got, "");
    mr_input_ends ends;
    cr_assert_eq(f.reader->class->ends(f.reader, 4, 0, &ends, &f.err), MR_OK);
    cr_assert(ends.is_paused);
    cr_assert_eq(f.reader->class->pause(f.reader, 4, false, &f.err), MR_OK);
    read_all(&f, 8, got, sizeof got);
    cr_assert_str_eq(got, "0:a ");
    teardown(&f);
}
