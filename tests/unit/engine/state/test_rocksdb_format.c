/*
 * Goal: a store written by another version, or by something else, is damage that says so.
 * Method: databases made with RocksDB directly, with the bytes a foreign program might leave.
 */
#include "engine/base/assert.h"
#include "engine/base/hash.h"
#include "engine/state/rocksdb_store.h"

#include <criterion/criterion.h>
#include <rocksdb/c.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

typedef struct record {
    const char *key;
    size_t key_length;
    const char *value;
    size_t value_length;
} record;

static mr_status open_foreign(const record *records, size_t count, mr_error *err)
{
    char root[] = "/tmp/millrace-test-XXXXXX", path[256], *message = NULL;
    cr_assert_not_null(mkdtemp(root));
    mr_state_dir *dir;
    cr_assert_eq(mr_state_dir_open(root, &dir, err), MR_OK);
    cr_assert_eq(mr_state_dir_task(dir, "job", 0, true, path, sizeof path, err), MR_OK);
    rocksdb_options_t *options = rocksdb_options_create();
    rocksdb_options_set_create_if_missing(options, 1);
    rocksdb_writeoptions_t *write = rocksdb_writeoptions_create();
    rocksdb_t *db = rocksdb_open(options, path, &message);
    cr_assert_null(message);
    for (size_t i = 0; i < count; i++)
        rocksdb_put(db, write, records[i].key, records[i].key_length, records[i].value,
                    records[i].value_length, &message);
    rocksdb_close(db);
    rocksdb_options_destroy(options);
    rocksdb_writeoptions_destroy(write);
    mr_store_factory *factory = mr_rocksdb_factory_new(dir, NULL, NULL);
    mr_local_store *store;
    mr_status status = factory->open(factory, "job", 0, &store, err);
    if (status == MR_OK)
        store->class->close(store);
    mr_rocksdb_factory_free(factory);
    mr_state_dir_close(dir);
    char command[128];
    snprintf(command, sizeof command, "rm -rf '%s'", root);
    cr_assert_eq(system(command), 0);
    return status;
}

#define MARKER "\xff\xffmarker", 8

/* Version 1, plan 2, epoch 3, offset 4, checksum 5, and the right checksum of that. */
static void make_marker(unsigned char *bytes)
{
    memset(bytes, 0, 36);
    bytes[0] = 1, bytes[4] = 2, bytes[12] = 3, bytes[20] = 4, bytes[28] = 5;
    uint32_t sum = mr_checksum(bytes, 32);
    for (int i = 0; i < 4; i++)
        bytes[32 + i] = (unsigned char)(sum >> (8 * i));
}

Test(rocksdb_format, the_marker_as_documented_is_read)
{
    mr_error err;
    unsigned char bytes[36];
    make_marker(bytes);
    record good = {MARKER, (char *)bytes, sizeof bytes};
    cr_assert_eq(open_foreign(&good, 1, &err), MR_OK);
}

Test(rocksdb_format, an_unknown_version_is_damage_and_named)
{
    mr_error err;
    unsigned char bytes[36];
    make_marker(bytes);
    bytes[0] = 99;
    record foreign = {MARKER, (char *)bytes, sizeof bytes};
    cr_assert_eq(open_foreign(&foreign, 1, &err), MR_E_STORE_DAMAGED);
    cr_assert_not_null(strstr(err.message, "version 99"), "%s", err.message);
}

Test(rocksdb_format, a_marker_of_wrong_length_or_checksum_is_damage)
{
    mr_error err;
    unsigned char bytes[36];
    make_marker(bytes);
    bytes[13] ^= 1;
    record garbled = {MARKER, (char *)bytes, sizeof bytes};
    cr_assert_eq(open_foreign(&garbled, 1, &err), MR_E_STORE_DAMAGED);
    bytes[13] ^= 1;
    for (size_t length = 0; length < sizeof bytes; length += 5) {
        record cut = {MARKER, (char *)bytes, length};
        cr_assert_eq(open_foreign(&cut, 1, &err), MR_E_STORE_DAMAGED, "length %zu", length);
    }
}

Test(rocksdb_format, entries_without_a_marker_are_damage)
{
    mr_error err;
    record alien = {"hello", 5, "world", 5};
    cr_assert_eq(open_foreign(&alien, 1, &err), MR_E_STORE_DAMAGED);
    cr_assert_not_null(strstr(err.message, "no marker"), "%s", err.message);
}
