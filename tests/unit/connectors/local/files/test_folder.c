/*
 * Goal: every visible file below a folder once, in order of names, each by one share, whatever is
 * added while it is read and wherever a new life goes on. Method: folders of small files; the place
 * and offset after each record are kept, and a second reader goes on from each of them: what the
 * two lives read is what one reads.
 */
#include "connectors/local/files/codes.h"
#include "connectors/local/files/reader.h"

#include <criterion/criterion.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

typedef struct fixture {
    char folder[64];
    mr_file_reader_config config;
    mr_log_reader *reader;
    mr_error err;
    /* what an epoch record would keep */
    char topic[160];
    int64_t offset_next;
    mr_buffer place;
} fixture;

static void put(const fixture *f, const char *name, const char *text)
{
    char path[256];
    snprintf(path, sizeof path, "%s/%s", f->folder, name);
    FILE *file = fopen(path, "wb");
    cr_assert_not_null(file, "%s", path);
    fputs(text, file);
    fclose(file);
}

static void setup(fixture *f, int64_t monitor_ms)
{
    *f = (fixture){.folder = "/tmp/mr-folder-XXXXXX"};
    cr_assert_not_null(mkdtemp(f->folder));
    f->config = (mr_file_reader_config){.path = f->folder, .monitor_ms = monitor_ms};
    snprintf(f->topic, sizeof f->topic, "%s", f->folder);
}

static void open_share(fixture *f, int32_t share, uint32_t shares)
{
    cr_assert_eq(mr_file_reader_open(&f->config, shares, &f->reader, &f->err), MR_OK);
    cr_assert_eq(f->reader->class->add(f->reader, 0, f->topic, share, f->offset_next, &f->err),
                 MR_OK);
    cr_assert_eq(f->reader->class->resume(f->reader, 0, f->place.data, f->place.length, &f->err),
                 MR_OK);
}

static void close_share(fixture *f)
{
    f->reader->class->close(f->reader);
}

static void teardown(fixture *f)
{
    char command[128];
    snprintf(command, sizeof command, "rm -rf %s", f->folder);
    cr_assert_eq(system(command), 0);
    mr_buffer_release(&f->place);
}

/* One fetch of at most one record, kept as an engine keeps it; false: nothing came. */
static bool read_one(fixture *f, char *to, size_t size)
{
    mr_records records;
    cr_assert_eq(f->reader->class->fetch(f->reader, 1, 0, &records, &f->err), MR_OK, "%s",
                 f->err.message);
    if (records.count == 0)
        return false;
    snprintf(f->topic, sizeof f->topic, "%s", records.topic);
    f->offset_next = records.record[0].offset + 1;
    if (records.place != NULL) {
        mr_buffer_clear(&f->place);
        mr_buffer_put(&f->place, records.place, records.place_length);
    }
    size_t at = strlen(to);
    if (records.flaw != NULL)
        snprintf(to + at, size - at, "!%d ", records.flaw->code);
    else
        snprintf(to + at, size - at, "%.*s ", (int)records.record[0].value_length,
                 records.record[0].value);
    return true;
}

static void expect(fixture *f, const char *expected)
{
    char got[512] = "";
    while (read_one(f, got, sizeof got))
        ;
    cr_assert_str_eq(got, expected);
}

static bool has_ended(fixture *f)
{
    mr_input_ends ends;
    cr_assert_eq(f->reader->class->ends(f->reader, 0, 0, &ends, &f->err), MR_OK);
    return ends.position >= ends.stable_end && !ends.is_growing;
}

static void fill(const fixture *f)
{
    char path[128];
    snprintf(path, sizeof path, "%s/d", f->folder);
    cr_assert_eq(mkdir(path, 0700), 0);
    snprintf(path, sizeof path, "%s/_d", f->folder);
    cr_assert_eq(mkdir(path, 0700), 0);
    put(f, "b", "b1\nb2\n");
    put(f, "a", "a1\na2");
    put(f, "empty", "");
    put(f, "d/x", "x1\n");
    put(f, "d/.y", "hidden\n");
    put(f, "_d/x", "hidden\n");
    put(f, ".c", "hidden\n");
    put(f, "_c", "hidden\n");
    put(f, "e", "e1\ne2\n");
}

Test(folder, is_read_in_order_of_names_without_what_is_hidden)
{
    fixture f;
    setup(&f, 0);
    fill(&f);
    open_share(&f, 0, 1);
    cr_assert(!has_ended(&f));
    expect(&f, "a1 a2 b1 b2 x1 e1 e2 ");
    cr_assert(has_ended(&f));
    close_share(&f);
    teardown(&f);
}

Test(folder, an_empty_one_ends_at_once)
{
    fixture f;
    setup(&f, 0);
    open_share(&f, 0, 1);
    cr_assert(has_ended(&f));
    close_share(&f);
    teardown(&f);
}

Test(folder, each_file_belongs_to_one_share)
{
    fixture f;
    char all[4096] = "";
    uint32_t filled = 0;
    setup(&f, 0);
    for (int i = 0; i < 40; i++) {
        char name[16], text[16];
        snprintf(name, sizeof name, "f%02d", i);
        snprintf(text, sizeof text, "<%02d>\n", i);
        put(&f, name, text);
    }
    for (int32_t share = 0; share < 3; share++) {
        char got[512] = "";
        snprintf(f.topic, sizeof f.topic, "%s", f.folder);
        f.offset_next = 0;
        open_share(&f, share, 3);
        while (read_one(&f, got, sizeof got))
            ;
        close_share(&f);
        filled += got[0] != '\0';
        strcat(all, got);
    }
    cr_assert_eq(filled, 3);
    cr_assert_eq(strlen(all), 40 * 5);
    for (int i = 0; i < 40; i++) {
        char text[16];
        snprintf(text, sizeof text, "<%02d>", i);
        cr_assert_not_null(strstr(all, text), "%s", text);
    }
    teardown(&f);
}

Test(folder, a_new_life_goes_on_behind_every_record)
{
    for (int64_t monitor_ms = 0; monitor_ms <= 1; monitor_ms++) {
        for (int stop = 0; stop <= 7; stop++) {
            fixture f;
            char got[512] = "";
            setup(&f, monitor_ms);
            fill(&f);
            open_share(&f, 0, 1);
            for (int i = 0; i < stop; i++)
                cr_assert(read_one(&f, got, sizeof got));
            close_share(&f);
            open_share(&f, 0, 1);
            while (read_one(&f, got, sizeof got))
                ;
            cr_assert_str_eq(got, "a1 a2 b1 b2 x1 e1 e2 ", "%d: %s", stop, got);
            close_share(&f);
            teardown(&f);
        }
    }
}

Test(folder, is_what_it_was_at_the_start_unless_it_is_monitored)
{
    fixture f;
    char got[64] = "";
    setup(&f, 0);
    put(&f, "m", "m1\n");
    open_share(&f, 0, 1);
    cr_assert(read_one(&f, got, sizeof got));
    put(&f, "z", "z1\n");
    put(&f, "a", "a1\n");
    expect(&f, "");
    cr_assert(has_ended(&f));
    close_share(&f);
    teardown(&f);
}

Test(folder, a_monitored_one_finds_files_added_later_under_any_name)
{
    fixture f;
    setup(&f, 1);
    put(&f, "m", "m1\n");
    open_share(&f, 0, 1);
    expect(&f, "m1 ");
    cr_assert(!has_ended(&f));
    put(&f, "z", "z1\n");
    put(&f, "a", "a1\n");
    usleep(3000);
    expect(&f, "a1 z1 ");
    /* A new life knows all three, finds the one that came while it was away. */
    close_share(&f);
    put(&f, "b", "b1\n");
    open_share(&f, 0, 1);
    expect(&f, "b1 ");
    usleep(3000);
    expect(&f, "");
    /* A done file that goes is forgotten; under its name comes another. */
    char path[128];
    snprintf(path, sizeof path, "%s/a", f.folder);
    unlink(path);
    usleep(3000);
    expect(&f, "");
    put(&f, "a", "anew\n");
    usleep(3000);
    expect(&f, "anew ");
    close_share(&f);
    teardown(&f);
}

Test(folder, a_file_that_goes_before_its_turn_is_a_flaw_not_an_end)
{
    fixture f;
    char got[64] = "", path[128];
    setup(&f, 0);
    put(&f, "a", "a1\n");
    put(&f, "b", "b1\n");
    put(&f, "c", "c1\n");
    open_share(&f, 0, 1);
    cr_assert(read_one(&f, got, sizeof got));
    snprintf(path, sizeof path, "%s/b", f.folder);
    unlink(path);
    expect(&f, "!3192 c1 ");
    close_share(&f);
    /* One that a former life had begun: perhaps it was through, so nobody is told. */
    put(&f, "d", "d1\nd2\n");
    put(&f, "e", "e1\n");
    open_share(&f, 0, 1);
    got[0] = '\0';
    cr_assert(read_one(&f, got, sizeof got));
    cr_expect_str_eq(got, "d1 ");
    close_share(&f);
    snprintf(path, sizeof path, "%s/d", f.folder);
    unlink(path);
    open_share(&f, 0, 1);
    expect(&f, "e1 ");
    close_share(&f);
    teardown(&f);
}

Test(folder, refuses_a_place_that_is_none)
{
    fixture f;
    setup(&f, 1);
    put(&f, "m", "m1\n");
    open_share(&f, 0, 1);
    for (size_t length = 1; length < 20; length++) {
        char bytes[20];
        memset(bytes, 2, sizeof bytes);
        cr_assert_eq(f.reader->class->resume(f.reader, 0, bytes, length, &f.err), MR_E_ENVIRONMENT);
    }
    close_share(&f);
    teardown(&f);
}
