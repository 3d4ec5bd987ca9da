/*
 * Goal: the RocksDB store keeps what engine/ports/store.h promises, and damage of any kind is
 * MR_E_STORE_DAMAGED, never a crash and never a wrong entry.
 * Method: a model in a sorted array under random batches and restarts; files cut, garbled, removed.
 */
#include "engine/base/assert.h"
#include "engine/base/buffer.h"
#include "engine/state/rocksdb_batch.h"
#include "engine/state/rocksdb_store.h"

#include <criterion/criterion.h>
#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#define ITEMS_MAX 4000u

typedef struct fixture {
    char root[64];
    mr_budget budget;
    mr_state_dir *dir;
    mr_store_factory *factory;
    mr_local_store *store;
    mr_error err;
} fixture;

static mr_status open_store(fixture *f)
{
    return f->factory->open(f->factory, "job", 3, &f->store, &f->err);
}

static void close_store(fixture *f)
{
    f->store->class->close(f->store);
    f->store = NULL;
}

static void fixture_init_with(fixture *f, const mr_rocksdb_settings *settings)
{
    *f = (fixture){0};
    strcpy(f->root, "/tmp/millrace-test-XXXXXX");
    cr_assert_not_null(mkdtemp(f->root));
    cr_assert_eq(mr_state_dir_open(f->root, &f->dir, &f->err), MR_OK);
    f->factory = mr_rocksdb_factory_new(f->dir, settings, &f->budget);
    cr_assert_eq(open_store(f), MR_OK, "%s", f->err.message);
}

static void fixture_init(fixture *f)
{
    fixture_init_with(f, NULL);
}

static void fixture_release(fixture *f)
{
    if (f->store != NULL)
        close_store(f);
    mr_rocksdb_factory_free(f->factory);
    mr_state_dir_close(f->dir);
    cr_assert_eq(mr_budget_used(&f->budget), 0);
    char command[128];
    snprintf(command, sizeof command, "rm -rf '%s'", f->root);
    cr_assert_eq(system(command), 0);
}

static mr_store_change put(int64_t slice, const char *key, const char *value)
{
    return (mr_store_change){.table = 1,
                             .slice = slice,
                             .operation = MR_STORE_PUT,
                             .key = key,
                             .key_length = (uint32_t)strlen(key),
                             .value = value,
                             .value_length = (uint32_t)strlen(value)};
}

static mr_store_change drop(int64_t slice)
{
    return (mr_store_change){
        .table = 1, .slice = slice, .operation = MR_STORE_DROP_SLICE, .key = "", .value = ""};
}

static void apply(fixture *f, const mr_store_change *changes, size_t count, uint64_t epoch)
{
    mr_store_marker marker = {true, 9, epoch, (int64_t)epoch * 10, (uint32_t)epoch + 5};
    cr_assert_eq(f->store->class->apply(f->store, changes, count, &marker, &f->err), MR_OK, "%s",
                 f->err.message);
}

static mr_status print_entry(void *context, const mr_store_change *entry, mr_error *err)
{
    (void)err;
    mr_buffer_printf(context, "%u/%lld %.*s=%.*s; ", entry->table, (long long)entry->slice,
                     (int)entry->key_length, entry->key, (int)entry->value_length, entry->value);
    return MR_OK;
}

static void expect_entries(fixture *f, const char *expected)
{
    mr_buffer text = {0};
    cr_assert_eq(f->store->class->scan(f->store, print_entry, &text, &f->err), MR_OK);
    mr_buffer_put_u8(&text, 0);
    cr_assert_str_eq(text.data, expected);
    mr_buffer_release(&text);
}

Test(rocksdb_store, a_fresh_store_has_no_marker_and_no_entries)
{
    fixture f;
    fixture_init(&f);
    mr_store_marker marker = {.is_present = true};
    cr_assert_eq(f.store->class->marker(f.store, &marker, &f.err), MR_OK);
    cr_assert_not(marker.is_present);
    expect_entries(&f, "");
    fixture_release(&f);
}

Test(rocksdb_store, marker_and_entries_survive_a_close_in_key_order)
{
    fixture f;
    fixture_init(&f);
    mr_store_change changes[] = {put(5, "b", "1"), put(-7, "z", "2"), put(5, "a", ""),
                                 put(5, "", "e")};
    apply(&f, changes, 4, 77);
    close_store(&f);
    cr_assert_eq(open_store(&f), MR_OK, "%s", f.err.message);
    mr_store_marker marker;
    cr_assert_eq(f.store->class->marker(f.store, &marker, &f.err), MR_OK);
    cr_assert(marker.is_present);
    cr_assert_eq(marker.plan_version, 9);
    cr_assert_eq(marker.epoch, 77);
    cr_assert_eq(marker.log_offset, 770);
    cr_assert_eq(marker.checksum, 82);
    expect_entries(&f, "1/-7 z=2; 1/5 =e; 1/5 a=; 1/5 b=1; ");
    cr_assert_gt(mr_budget_used(&f.budget), 0);
    fixture_release(&f);
}

Test(rocksdb_store, a_drop_takes_what_was_before_it_and_leaves_what_comes_after)
{
    fixture f;
    fixture_init(&f);
    mr_store_change first[] = {put(1, "old", "1"), put(2, "other", "2"), put(0, "below", "3")};
    apply(&f, first, 3, 1);
    mr_store_change second[] = {put(1, "came", "x"), drop(1),
                                put(1, "new", "4"),  put(1, "old", "5"),
                                put(7, "gone", "6"), drop(7)};
    apply(&f, second, 6, 2);
    expect_entries(&f, "1/0 below=3; 1/1 new=4; 1/1 old=5; 1/2 other=2; ");
    fixture_release(&f);
}

static mr_status stop_at_second(void *context, const mr_store_change *entry, mr_error *err)
{
    (void)entry;
    return ++*(int *)context == 2 ? mr_error_set(err, MR_E_STATE, "enough") : MR_OK;
}

Test(rocksdb_store, a_visitor_that_fails_ends_the_scan_with_its_status)
{
    fixture f;
    fixture_init(&f);
    mr_store_change changes[] = {put(1, "a", "1"), put(1, "b", "2"), put(1, "c", "3")};
    apply(&f, changes, 3, 1);
    int calls = 0;
    cr_assert_eq(f.store->class->scan(f.store, stop_at_second, &calls, &f.err), MR_E_STATE);
    cr_assert_eq(calls, 2);
    fixture_release(&f);
}

Test(rocksdb_store, a_store_that_is_open_cannot_be_opened_again)
{
    fixture f;
    fixture_init(&f);
    mr_local_store *second;
    cr_assert_eq(f.factory->open(f.factory, "job", 3, &second, &f.err), MR_E_STORE_LOCKED, "%s",
                 f.err.message);
    cr_assert_null(second);
    fixture_release(&f);
}

/* ---- model ---- */

typedef struct model {
    char *value[2][3][20]; /* by table, slice, key */
} model;

static void model_clear_slice(model *m, int table, int slice)
{
    for (int key = 0; key < 20; key++) {
        free(m->value[table][slice][key]);
        m->value[table][slice][key] = NULL;
    }
}

typedef struct comparison {
    const model *m;
    int at; /* next place to look for the expected entry */
} comparison;

static const char *next_expected(comparison *c, int *place)
{
    for (; c->at < 2 * 3 * 20; c->at++) {
        const char *value = c->m->value[c->at / 60][c->at / 20 % 3][c->at % 20];
        if (value == NULL)
            continue;
        *place = c->at++;
        return value;
    }
    return NULL;
}

static mr_status compare_entry(void *context, const mr_store_change *entry, mr_error *err)
{
    (void)err;
    int place = 0;
    const char *value = next_expected(context, &place);
    cr_assert_not_null(value, "an entry too many");
    char key[8];
    snprintf(key, sizeof key, "k%02d", place % 20);
    cr_assert_eq(entry->table, place / 60);
    cr_assert_eq(entry->slice, place / 20 % 3 - 1);
    cr_assert_eq(entry->key_length, 3);
    cr_assert_arr_eq(entry->key, key, 3);
    cr_assert_eq(entry->value_length, strlen(value));
    cr_assert_arr_eq(entry->value, value, entry->value_length);
    return MR_OK;
}

static void expect_model(fixture *f, const model *m)
{
    comparison c = {.m = m};
    int place;
    cr_assert_eq(f->store->class->scan(f->store, compare_entry, &c, &f->err), MR_OK);
    cr_assert_null(next_expected(&c, &place), "an entry is missing");
}

static void random_batch(fixture *f, model *m, unsigned *seed, uint64_t epoch)
{
    enum { BATCH = 40 };
    static char keys[BATCH][8], values[BATCH][100];
    mr_store_change changes[BATCH];
    size_t count = (size_t)rand_r(seed) % BATCH;
    for (size_t i = 0; i < count; i++) {
        int table = rand_r(seed) % 2, slice = rand_r(seed) % 3, key = rand_r(seed) % 20;
        snprintf(keys[i], sizeof keys[i], "k%02d", key);
        snprintf(values[i], sizeof values[i], "%0*d", 1 + rand_r(seed) % 90, rand_r(seed));
        changes[i] = put(slice - 1, keys[i], values[i]);
        changes[i].table = (uint16_t)table;
        int kind = rand_r(seed) % 12;
        char **held = &m->value[table][slice][key];
        if (kind == 0) {
            changes[i].operation = MR_STORE_DROP_SLICE;
            changes[i].key_length = changes[i].value_length = 0;
            model_clear_slice(m, table, slice);
        } else {
            free(*held);
            *held = kind < 4 ? NULL : strdup(values[i]);
            if (kind < 4) {
                changes[i].operation = MR_STORE_DELETE;
                changes[i].value_length = 0;
            }
        }
    }
    apply(f, changes, count, epoch);
}

static void play_random_batches(size_t bulk_bytes_min, uint64_t epochs)
{
    fixture f;
    fixture_init_with(&f, &(mr_rocksdb_settings){.bulk_bytes_min = bulk_bytes_min});
    model m = {0};
    unsigned seed = 3;
    for (uint64_t epoch = 1; epoch <= epochs; epoch++) {
        random_batch(&f, &m, &seed, epoch);
        if (rand_r(&seed) % 20 == 0)
            cr_assert_eq(f.store->class->flush(f.store, &f.err), MR_OK);
        if (rand_r(&seed) % 60 == 0) {
            close_store(&f);
            cr_assert_eq(open_store(&f), MR_OK, "%s", f.err.message);
        }
        mr_store_marker marker;
        cr_assert_eq(f.store->class->marker(f.store, &marker, &f.err), MR_OK);
        cr_assert_eq(marker.epoch, epoch);
        if (epoch % 10 == 0)
            expect_model(&f, &m);
    }
    for (int table = 0; table < 2; table++)
        for (int slice = 0; slice < 3; slice++)
            model_clear_slice(&m, table, slice);
    fixture_release(&f);
}

Test(rocksdb_store, random_batches_flushes_and_restarts_agree_with_a_model)
{
    play_random_batches(0, 600);
}

/* Half of the batches go in as files of their own (rocksdb_bulk). */
Test(rocksdb_store, long_batches_between_short_ones_agree_with_a_model)
{
    play_random_batches(1000, 200);
}

/* RocksDB must not have run in the process that forks: its threads would be missing in the other.
 * One that dies has not flushed: where a long batch is kept, what came before it is too. */
static void die_behind_a_long_batch(bool is_flushed)
{
    fixture f = {0};
    strcpy(f.root, "/tmp/millrace-test-XXXXXX");
    cr_assert_not_null(mkdtemp(f.root));
    pid_t child = fork();
    cr_assert_geq(child, 0);
    if (child == 0) {
        mr_store_change early[] = {put(0, "x", "0"), put(1, "a", "1"), put(1, "b", "2")};
        mr_store_change late[] = {drop(0), put(1, "b", "a longer one"), put(2, "c", "3")};
        if (mr_state_dir_open(f.root, &f.dir, &f.err) != MR_OK)
            _exit(1);
        f.factory =
            mr_rocksdb_factory_new(f.dir, &(mr_rocksdb_settings){.bulk_bytes_min = 35}, &f.budget);
        if (open_store(&f) != MR_OK)
            _exit(1);
        apply(&f, early, 3, 1);
        if (is_flushed && f.store->class->flush(f.store, &f.err) != MR_OK)
            _exit(1);
        apply(&f, late, 3, 2);
        _exit(0);
    }
    int status;
    cr_assert_eq(waitpid(child, &status, 0), child);
    cr_assert(WIFEXITED(status) && WEXITSTATUS(status) == 0);
    cr_assert_eq(mr_state_dir_open(f.root, &f.dir, &f.err), MR_OK, "%s", f.err.message);
    f.factory = mr_rocksdb_factory_new(f.dir, NULL, &f.budget);
    cr_assert_eq(open_store(&f), MR_OK, "%s", f.err.message);
    expect_entries(&f, "1/1 a=1; 1/1 b=a longer one; 1/2 c=3; ");
    mr_store_marker marker;
    cr_assert_eq(f.store->class->marker(f.store, &marker, &f.err), MR_OK);
    cr_assert_eq(marker.epoch, 2);
    fixture_release(&f);
}

Test(rocksdb_store, a_long_batch_is_kept_with_all_before_it_when_the_process_dies)
{
    die_behind_a_long_batch(false);
}

Test(rocksdb_store, a_long_batch_is_kept_with_the_drops_it_begins_with)
{
    die_behind_a_long_batch(true);
}

/* ---- damage ---- */

/* A closed store of some hundred kilobytes in several files. */
static void fill_and_close(fixture *f)
{
    static char keys[ITEMS_MAX][16], values[ITEMS_MAX][64];
    static mr_store_change changes[ITEMS_MAX];
    unsigned seed = 1;
    for (uint64_t epoch = 1; epoch <= 2; epoch++) {
        for (uint32_t i = 0; i < ITEMS_MAX; i++) {
            snprintf(keys[i], sizeof keys[i], "key %06u", i * (uint32_t)epoch);
            for (size_t b = 0; b < 63; b++)
                values[i][b] = (char)('a' + rand_r(&seed) % 26);
            changes[i] = put((int64_t)(i % 5), keys[i], values[i]);
        }
        apply(f, changes, ITEMS_MAX, epoch);
        cr_assert_eq(f->store->class->flush(f->store, &f->err), MR_OK);
    }
    close_store(f);
}

static void task_path(const fixture *f, const char *name, char *path, size_t size)
{
    snprintf(path, size, "%s/job/task-3/%s", f->root, name);
}

/* The path of the `nth` file whose name holds `part`; false when there are fewer. */
static bool find_file(const fixture *f, const char *part, int nth, char *path, size_t size)
{
    char folder[256];
    task_path(f, "", folder, sizeof folder);
    DIR *dir = opendir(folder);
    cr_assert_not_null(dir);
    bool is_found = false;
    for (struct dirent *e; (e = readdir(dir)) != NULL && !is_found;)
        if (strstr(e->d_name, part) != NULL && nth-- == 0) {
            task_path(f, e->d_name, path, size);
            is_found = true;
        }
    closedir(dir);
    return is_found;
}

static long file_size(const char *path)
{
    struct stat there;
    cr_assert_eq(stat(path, &there), 0);
    return (long)there.st_size;
}

static void flip_bytes(const char *path, long at, long count, unsigned char mask)
{
    FILE *file = fopen(path, "r+");
    cr_assert_not_null(file);
    for (long i = 0; i < count; i++) {
        cr_assert_eq(fseek(file, at + i, SEEK_SET), 0);
        int byte = fgetc(file);
        if (byte == EOF)
            break;
        fseek(file, at + i, SEEK_SET);
        fputc(byte ^ mask, file);
    }
    fclose(file);
}

static mr_status count_entry(void *context, const mr_store_change *entry, mr_error *err)
{
    (void)err;
    cr_assert_eq(entry->table, 1);
    cr_assert_eq(entry->value_length, 63, "no wrong entry comes out");
    ++*(uint32_t *)context;
    return MR_OK;
}

/* Open, marker, scan: the first failure, or a state as it was after some epoch, whole. (A MANIFEST
 * cut short is read as an older one: what a crash before the flush leaves, and the log makes up for
 * it.) */
static mr_status read_all(fixture *f, uint64_t *epoch)
{
    static const uint32_t count_after[] = {0, ITEMS_MAX, 2 * ITEMS_MAX - ITEMS_MAX / 10};
    uint32_t count = 0;
    mr_store_marker marker;
    mr_status status = open_store(f);
    if (status != MR_OK)
        return status;
    status = f->store->class->marker(f->store, &marker, &f->err);
    if (status == MR_OK)
        status = f->store->class->scan(f->store, count_entry, &count, &f->err);
    close_store(f);
    if (status != MR_OK)
        return status;
    *epoch = marker.is_present ? marker.epoch : 0;
    cr_assert_leq(*epoch, 2);
    cr_assert_eq(count, count_after[*epoch], "%u entries after epoch %d", count, (int)*epoch);
    return MR_OK;
}

static void expect_damaged(fixture *f, const char *what)
{
    uint64_t epoch;
    mr_status status = read_all(f, &epoch);
    cr_assert_eq(status, MR_E_STORE_DAMAGED, "%s: status %d", what, status);
    cr_assert_eq(f->err.status, MR_E_STORE_DAMAGED);
    cr_assert_not_null(strstr(f->err.message, "task-3"), "%s", f->err.message);
}

Test(rocksdb_store, a_missing_file_is_damage)
{
    const char *const parts[] = {"CURRENT", "MANIFEST", ".sst"};
    for (size_t i = 0; i < MR_LENGTH(parts); i++) {
        fixture f;
        char path[512];
        fixture_init(&f);
        fill_and_close(&f);
        cr_assert(find_file(&f, parts[i], 0, path, sizeof path));
        cr_assert_eq(unlink(path), 0);
        expect_damaged(&f, parts[i]);
        fixture_release(&f);
    }
}

static void cut_file(fixture *f, const char *part, int cut)
{
    char path[512];
    fill_and_close(f);
    cr_assert(find_file(f, part, 0, path, sizeof path));
    long size = file_size(path);
    const long sizes[] = {0, size / 2, size - 1};
    cr_assert_eq(truncate(path, sizes[cut]), 0);
}

Test(rocksdb_store, a_truncated_file_is_damage)
{
    const char *const parts[] = {"CURRENT", ".sst"};
    for (size_t i = 0; i < MR_LENGTH(parts); i++)
        for (int cut = 0; cut < 3; cut++) {
            fixture f;
            fixture_init(&f);
            cut_file(&f, parts[i], cut);
            expect_damaged(&f, parts[i]);
            fixture_release(&f);
        }
}

Test(rocksdb_store, a_truncated_manifest_is_damage_or_a_whole_state)
{
    int felt = 0;
    for (int cut = 0; cut < 3; cut++) {
        fixture f;
        fixture_init(&f);
        cut_file(&f, "MANIFEST", cut);
        uint64_t epoch = 2;
        mr_status status = read_all(&f, &epoch);
        cr_assert(status == MR_E_STORE_DAMAGED || status == MR_OK, "%d", status);
        felt += status != MR_OK || epoch < 2;
        fixture_release(&f);
    }
    cr_assert_gt(felt, 0, "no cut was felt");
}

Test(rocksdb_store, flipped_bytes_anywhere_are_damage_or_harmless_but_never_wrong)
{
    fixture f;
    fixture_init(&f);
    fill_and_close(&f);
    uint32_t damage = 0, tries = 0;
    uint64_t epoch;
    cr_assert_eq(read_all(&f, &epoch), MR_OK, "%s", f.err.message);
    cr_assert_eq(epoch, 2);
    char path[512], command[1300], keep[512];
    snprintf(keep, sizeof keep, "%s/keep", f.root);
    snprintf(command, sizeof command, "cp -r '%s/job/task-3' '%s'", f.root, keep);
    cr_assert_eq(system(command), 0);
    unsigned seed = 9;
    for (int round = 0; round < 60; round++) {
        snprintf(command, sizeof command, "rm -rf '%s/job/task-3'; cp -r '%s' '%s/job/task-3'",
                 f.root, keep, f.root);
        cr_assert_eq(system(command), 0);
        const char *part = round % 4 == 0 ? "MANIFEST" : ".sst";
        if (!find_file(&f, part, 0, path, sizeof path))
            continue;
        long size = file_size(path);
        /* Half of the hits go to the end of the file: footer, index, properties. */
        long from_end = rand_r(&seed) % (size < 900 ? size : 900);
        long at = round % 2 ? rand_r(&seed) % size : size - 1 - from_end;
        flip_bytes(path, at, 1 + rand_r(&seed) % 40, (unsigned char)(1 + rand_r(&seed) % 255));
        mr_status status = read_all(&f, &epoch);
        cr_assert(status == MR_OK || status == MR_E_STORE_DAMAGED, "%d %s", status, f.err.message);
        damage += status != MR_OK;
        tries++;
    }
    cr_assert_gt(damage, tries / 2, "%u of %u", damage, tries);
    fixture_release(&f);
}

Test(rocksdb_store, a_damaged_store_is_put_aside_and_a_fresh_one_opens)
{
    fixture f;
    char path[512], where[600];
    fixture_init(&f);
    fill_and_close(&f);
    cr_assert(find_file(&f, "CURRENT", 0, path, sizeof path));
    cr_assert_eq(unlink(path), 0);
    expect_damaged(&f, "CURRENT");
    cr_assert_eq(f.factory->quarantine(f.factory, "job", 3, where, sizeof where, &f.err), MR_OK);
    cr_assert_eq(open_store(&f), MR_OK, "%s", f.err.message);
    expect_entries(&f, "");
    close_store(&f);
    cr_assert_eq(f.factory->remove(f.factory, "job", 3, &f.err), MR_OK);
    struct stat there;
    cr_assert_eq(stat(where, &there), 0, "the evidence is kept");
    fixture_release(&f);
}
