/* Goal: a manifest says what was put into it, and any other bytes are refused. Method: round trips,
 * every byte damaged, every length cut. */
#include "engine/base/hash.h"
#include "engine/checkpoint/manifest.h"
#include "engine/commit/epoch_record.h"

#include <criterion/criterion.h>
#include <stdio.h>
#include <string.h>

static const mr_store_file files[] = {{"000012.sst", 70000}, {"CURRENT", 16}};

static void make(mr_manifest *manifest)
{
    mr_store_image image = {.marker = {true, 0xabcdef0123456789u, 812, 99123, 0xdeadbeef},
                            .files_count = 2,
                            .files = files};
    mr_manifest_init(manifest, "my job", 7, &image, 1700000000123);
    for (int i = 0; i < 2; i++)
        for (int d = 0; d < 64; d++)
            manifest->files[i].digest[d] = "0123456789abcdef"[(d * 7 + i) % 16];
}

Test(manifest, says_what_was_put_into_it)
{
    mr_manifest made, read;
    mr_buffer bytes = {0};
    mr_error err = {0};
    make(&made);
    mr_manifest_encode(&made, &bytes);
    cr_assert_eq(mr_manifest_decode(bytes.data, bytes.length, &read, &err), MR_OK, "%s",
                 err.message);
    cr_expect_str_eq(read.job, "my job");
    cr_expect_eq(read.task, 7);
    cr_expect(read.marker.is_present);
    cr_expect_eq(read.marker.plan_version, 0xabcdef0123456789u);
    cr_expect_eq(read.marker.epoch, 812);
    cr_expect_eq(read.marker.log_offset, 99123);
    cr_expect_eq(read.marker.checksum, 0xdeadbeef);
    cr_expect_eq(read.taken_ms, 1700000000123);
    cr_assert_eq(read.files_count, 2);
    for (int i = 0; i < 2; i++) {
        cr_expect_str_eq(read.files[i].name, files[i].name);
        cr_expect_eq(read.files[i].size, files[i].size);
        cr_expect_str_eq(read.files[i].digest, made.files[i].digest);
    }
    cr_expect_eq(mr_manifest_bytes(&read), 70016);
    cr_expect(mr_manifest_has(&read, made.files[1].digest));
    cr_expect_not(mr_manifest_has(&read, "00"));
    mr_manifest_release(&made);
    mr_manifest_release(&read);
    mr_buffer_release(&bytes);
}

Test(manifest, other_bytes_are_refused)
{
    mr_manifest made, read;
    mr_buffer bytes = {0};
    mr_error err;
    make(&made);
    mr_manifest_encode(&made, &bytes);
    for (size_t i = 0; i < bytes.length; i++) {
        bytes.data[i] ^= 0x20;
        cr_expect_eq(mr_manifest_decode(bytes.data, bytes.length, &read, &err), MR_E_CHECKPOINT,
                     "byte %zu", i);
        bytes.data[i] ^= 0x20;
        cr_expect_eq(mr_manifest_decode(bytes.data, i, &read, &err), MR_E_CHECKPOINT, "cut at %zu",
                     i);
    }
    mr_manifest_release(&made);
    mr_buffer_release(&bytes);
}

/* Version 1, whole and sealed, so that only the contents may be wrong. */
static mr_status read_old(const char *file, uint64_t count, mr_manifest *read)
{
    mr_buffer bytes = {0};
    mr_error err;
    mr_buffer_put(&bytes, "MRC\x01", 4);
    mr_buffer_put_bytes(&bytes, "job", 3);
    mr_buffer_put_u64(&bytes, 1);
    mr_buffer_put_varint(&bytes, 0);
    mr_buffer_put_varint(&bytes, 1);
    mr_buffer_put_zigzag(&bytes, 1);
    mr_buffer_put_u32(&bytes, 1);
    mr_buffer_put_zigzag(&bytes, 1);
    mr_buffer_put_varint(&bytes, count);
    mr_buffer_put_bytes(&bytes, file, strlen(file));
    mr_buffer_put_varint(&bytes, 5);
    mr_buffer_put(&bytes, "01234567890123456789012345678901", 32);
    mr_buffer_put_u32(&bytes, mr_checksum(bytes.data, bytes.length));
    mr_status status = mr_manifest_decode(bytes.data, bytes.length, read, &err);
    mr_buffer_release(&bytes);
    return status;
}

static void expect_refused(const char *file, uint64_t count)
{
    mr_manifest read;
    cr_expect_eq(read_old(file, count, &read), MR_E_CHECKPOINT, "%s", file);
}

Test(manifest, one_of_version_1_is_read_and_has_no_epoch_record)
{
    mr_manifest read;
    cr_assert_eq(read_old("good", 1, &read), MR_OK);
    cr_expect_eq(read.record_length, 0);
    cr_expect_eq(read.files_count, 1);
    cr_expect_eq(read.files[0].size, 5);
    mr_manifest_release(&read);
}

/* The record of the marker's epoch, or of another one. */
static void put_record(mr_manifest *manifest, uint64_t epoch, bool is_named)
{
    mr_buffer bytes = {0};
    mr_epoch_record record = {
        .job = "my job", .task = 7, .epoch = epoch, .transactional_id = "w", .journal = ""};
    uint32_t checksum = mr_epoch_record_seal(&record, false, 0, &bytes);
    if (is_named)
        manifest->marker.checksum = checksum;
    mr_manifest_set_record(manifest, bytes.data, bytes.length);
    mr_buffer_release(&bytes);
}

Test(manifest, holds_the_epoch_record_it_was_taken_at_and_no_other)
{
    mr_manifest made, read;
    mr_buffer bytes = {0};
    mr_error err;
    make(&made);
    put_record(&made, 812, false);
    cr_expect_eq(made.record_length, 0, "another checksum");
    put_record(&made, 811, true);
    cr_expect_eq(made.record_length, 0, "another epoch");
    mr_manifest_set_record(&made, "MRS", 3);
    cr_expect_eq(made.record_length, 0, "no record");
    put_record(&made, 812, true);
    cr_assert_gt(made.record_length, 0);
    mr_manifest_encode(&made, &bytes);
    cr_assert_eq(mr_manifest_decode(bytes.data, bytes.length, &read, &err), MR_OK);
    cr_assert_eq(read.record_length, made.record_length);
    cr_expect_eq(memcmp(read.record, made.record, made.record_length), 0);
    mr_manifest_release(&made);
    mr_manifest_release(&read);
    mr_buffer_release(&bytes);
}

Test(manifest, files_stay_in_their_folder)
{
    static const char *const names[] = {"", "..", ".hidden", "a/b", "/etc/passwd", "a\nb"};
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++)
        expect_refused(names[i], 1);
    expect_refused("good", 2);
    expect_refused("good", UINT64_MAX);
}

Test(manifest, names_are_in_order_of_epochs_and_read_back)
{
    mr_store_marker early = {true, 1, 9, 200, 0}, late = {true, 1, 10, 3000, 0};
    char first[MR_MANIFEST_ID_SIZE], second[MR_MANIFEST_ID_SIZE], name[MR_BLOB_NAME_MAX + 1];
    const char *digest = "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad";
    mr_manifest_id(&early, digest, first);
    mr_manifest_id(&late, digest, second);
    cr_expect_str_eq(first, "00000000000000000009-00000000000000000200-ba7816bf8f01cfea");
    cr_expect_lt(strcmp(first, second), 0);
    uint64_t epoch;
    int64_t offset;
    cr_expect(mr_manifest_id_read(second, &epoch, &offset));
    cr_expect_eq(epoch, 10);
    cr_expect_eq(offset, 3000);
    first[20] = '_';
    cr_expect_not(mr_manifest_id_read(first, &epoch, &offset));
    cr_expect_not(mr_manifest_id_read("", &epoch, &offset));
    mr_manifest_name("a job/.\xc3\xa4", 12, MR_BLOB_MANIFESTS, second, name);
    cr_expect_str_eq(name, "a%20job%2F.%C3%A4/task-12/manifests/"
                           "00000000000000000010-00000000000000003000-ba7816bf8f01cfea");
    char job[1000];
    memset(job, '\xff', sizeof job - 1);
    job[sizeof job - 1] = '\0';
    mr_manifest_name(job, UINT32_MAX, MR_BLOB_FILES, digest, name);
    cr_expect_leq(strlen(name), MR_BLOB_NAME_MAX);
}
