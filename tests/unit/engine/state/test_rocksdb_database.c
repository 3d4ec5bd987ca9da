/*
 * Goal: a local store is opened for writing when the first change comes, and not before; then it
 * has what it had. Method: the file CURRENT names the manifest, which each opening for writing
 * makes anew.
 */
#include "engine/base/assert.h"
#include "engine/state/rocksdb_store.h"

#include <criterion/criterion.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

typedef struct play {
    char root[64];
    mr_state_dir *dir;
    mr_store_factory *factory;
    mr_local_store *store;
    char manifest[64]; /* "": there is no database */
    mr_error err;
} play;

static void reopen(play *p)
{
    if (p->store != NULL)
        p->store->class->close(p->store);
    cr_assert_eq(p->factory->open(p->factory, "job", 0, &p->store, &p->err), MR_OK, "%s",
                 p->err.message);
}

static void begin(play *p)
{
    *p = (play){0};
    strcpy(p->root, "/tmp/millrace-test-XXXXXX");
    cr_assert_not_null(mkdtemp(p->root));
    cr_assert_eq(mr_state_dir_open(p->root, &p->dir, &p->err), MR_OK);
    p->factory = mr_rocksdb_factory_new(p->dir, NULL, NULL);
    reopen(p);
}

static void end(play *p)
{
    p->store->class->close(p->store);
    mr_rocksdb_factory_free(p->factory);
    mr_state_dir_close(p->dir);
    char command[128];
    snprintf(command, sizeof command, "rm -rf '%s'", p->root);
    cr_assert_eq(system(command), 0);
}

static void path_of(play *p, const char *file, char path[MR_STATE_PATH_MAX + 64])
{
    cr_assert_eq(mr_state_dir_task(p->dir, "job", 0, false, path, MR_STATE_PATH_MAX, &p->err),
                 MR_OK);
    strcat(path, file);
}

/* Whether CURRENT is another one than the last time. */
static bool has_changed(play *p)
{
    char path[MR_STATE_PATH_MAX + 64], before[sizeof p->manifest];
    memcpy(before, p->manifest, sizeof before);
    memset(p->manifest, 0, sizeof p->manifest);
    path_of(p, "/CURRENT", path);
    FILE *file = fopen(path, "r");
    if (file != NULL) {
        cr_assert_not_null(fgets(p->manifest, sizeof p->manifest, file));
        fclose(file);
    }
    return strcmp(before, p->manifest) != 0;
}

static void put(play *p, const char *key, uint64_t epoch)
{
    mr_store_change change = {.table = 1,
                              .operation = MR_STORE_PUT,
                              .key = key,
                              .key_length = (uint32_t)strlen(key),
                              .value = "v",
                              .value_length = 1};
    mr_store_marker marker = {.is_present = true, .epoch = epoch};
    cr_assert_eq(p->store->class->apply(p->store, &change, 1, &marker, &p->err), MR_OK, "%s",
                 p->err.message);
}

static mr_status take_key(void *context, const mr_store_change *entry, mr_error *err)
{
    (void)err;
    strncat(context, entry->key, entry->key_length);
    return MR_OK;
}

static void expect(play *p, const char *keys, uint64_t epoch)
{
    char seen[64] = "";
    mr_store_marker marker;
    cr_assert_eq(p->store->class->scan(p->store, take_key, seen, &p->err), MR_OK);
    cr_assert_str_eq(seen, keys);
    cr_assert_eq(p->store->class->marker(p->store, &marker, &p->err), MR_OK);
    cr_assert_eq(marker.is_present, epoch != 0);
    cr_assert_eq(marker.epoch, epoch);
}

Test(rocksdb_database, where_nothing_was_written_there_is_none)
{
    play p;
    begin(&p);
    expect(&p, "", 0);
    cr_assert_eq(p.store->class->flush(p.store, &p.err), MR_OK);
    reopen(&p);
    cr_assert_not(has_changed(&p));
    put(&p, "a", 1);
    cr_assert(has_changed(&p));
    end(&p);
}

Test(rocksdb_database, what_is_only_read_stays_as_it_was)
{
    play p;
    begin(&p);
    put(&p, "a", 1);
    reopen(&p);
    cr_assert(has_changed(&p));
    for (int i = 0; i < 3; i++) {
        expect(&p, "a", 1);
        cr_assert_eq(p.store->class->flush(p.store, &p.err), MR_OK);
        reopen(&p);
    }
    cr_assert_not(has_changed(&p), "now %s", p.manifest);
    end(&p);
}

Test(rocksdb_database, the_first_change_finds_what_was_there)
{
    play p;
    begin(&p);
    put(&p, "a", 1);
    reopen(&p);
    expect(&p, "a", 1);
    put(&p, "b", 2);
    expect(&p, "ab", 2);
    reopen(&p);
    put(&p, "c", 3);
    put(&p, "d", 4);
    reopen(&p);
    expect(&p, "abcd", 4);
    end(&p);
}

Test(rocksdb_database, an_image_of_one_that_was_only_read_is_whole)
{
    play p;
    begin(&p);
    put(&p, "a", 7);
    reopen(&p);
    mr_store_image *image;
    cr_assert_eq(p.store->class->image(p.store, &image, &p.err), MR_OK, "%s", p.err.message);
    cr_assert(image->marker.is_present);
    cr_assert_eq(image->marker.epoch, 7);
    cr_assert_gt(image->files_count, 0);
    image->class->close(image);
    put(&p, "b", 8);
    expect(&p, "ab", 8);
    end(&p);
}

static void leave_file(play *p, const char *name)
{
    char path[MR_STATE_PATH_MAX + 64];
    path_of(p, name, path);
    FILE *file = fopen(path, "w");
    cr_assert_not_null(file);
    cr_assert_eq(fputs("half of a file", file) >= 0 && fclose(file) == 0, true);
}

static bool has_file(play *p, const char *name)
{
    char path[MR_STATE_PATH_MAX + 64];
    path_of(p, name, path);
    return access(path, F_OK) == 0;
}

Test(rocksdb_database, what_a_crash_left_of_a_long_batch_goes_when_it_is_opened)
{
    play p;
    begin(&p);
    put(&p, "a", 1);
    leave_file(&p, "/bulk-0.tmp");
    leave_file(&p, "/bulk-17.tmp");
    leave_file(&p, "/bulk.tmp"); /* not a name of ours */
    reopen(&p);
    cr_expect_not(has_file(&p, "/bulk-0.tmp"));
    cr_expect_not(has_file(&p, "/bulk-17.tmp"));
    cr_expect(has_file(&p, "/bulk.tmp"));
    expect(&p, "a", 1);
    end(&p);
}
