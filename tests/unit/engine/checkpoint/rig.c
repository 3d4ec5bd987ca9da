#include "tests/unit/engine/checkpoint/rig.h"

#include "engine/base/buffer.h"
#include "engine/base/hash.h"

#include <criterion/criterion.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define JOB "job"
#define TASK 3
#define VALUE_BYTES 100u

static int64_t wall_ms(const mr_clock *clock)
{
    const checkpoint_rig *s =
        (const checkpoint_rig *)((const char *)clock - offsetof(checkpoint_rig, clock));
    return s->now_ms;
}

void taken_open(checkpoint_rig *s)
{
    cr_assert_eq(s->stores->open(s->stores, JOB, TASK, &s->store, &s->err), MR_OK, "%s",
                 s->err.message);
}

void taken_init(checkpoint_rig *s)
{
    char address[128];
    *s = (checkpoint_rig){.clock.wall_ms = wall_ms, .now_ms = 1700000000000};
    strcpy(s->root, "/tmp/millrace-test-XXXXXX");
    cr_assert_not_null(mkdtemp(s->root));
    snprintf(address, sizeof address, "%s/state", s->root);
    cr_assert_eq(mr_state_dir_open(address, &s->dir, &s->err), MR_OK);
    s->stores = mr_rocksdb_factory_new(s->dir, NULL, NULL);
    snprintf(address, sizeof address, "file://%s/blobs", s->root);
    cr_assert_eq(mr_blobs_open(address, NULL, &s->blobs, &s->err), MR_OK);
    taken_open(s);
}

void taken_release(checkpoint_rig *s)
{
    if (s->store != NULL)
        s->store->class->close(s->store);
    s->blobs->class->close(s->blobs);
    mr_rocksdb_factory_free(s->stores);
    mr_state_dir_close(s->dir);
    char command[128];
    snprintf(command, sizeof command, "rm -rf '%s'", s->root);
    cr_assert_eq(system(command), 0);
}

static void fill(char *to, size_t length, uint64_t seed)
{
    for (size_t i = 0; i < length; i += 8) {
        uint64_t word = mr_hash_u64(seed * 1000003 + i);
        memcpy(to + i, &word, length - i < 8 ? length - i : 8);
    }
}

void taken_apply(checkpoint_rig *s, int64_t slice, uint32_t count, uint64_t epoch)
{
    mr_store_change *changes = calloc(count + 1, sizeof *changes);
    char(*bytes)[VALUE_BYTES + 8] = calloc(count + 1, sizeof *bytes);
    cr_assert(changes != NULL && bytes != NULL);
    for (uint32_t i = 0; i < count; i++) {
        snprintf(bytes[i], 8, "%07u", i);
        fill(bytes[i] + 8, VALUE_BYTES, epoch * 100000 + i);
        changes[i] = (mr_store_change){.table = 1,
                                       .slice = slice,
                                       .operation = MR_STORE_PUT,
                                       .key = bytes[i],
                                       .key_length = 7,
                                       .value = bytes[i] + 8,
                                       .value_length = VALUE_BYTES};
    }
    mr_store_marker marker = {true, 9, epoch, (int64_t)epoch * 10, (uint32_t)epoch + 5};
    cr_assert_eq(s->store->class->apply(s->store, changes, count, &marker, &s->err), MR_OK, "%s",
                 s->err.message);
    free(changes);
    free(bytes);
}

const char *taken_checkpoint(checkpoint_rig *s)
{
    mr_upload_end(&s->upload);
    mr_upload_request request = {
        .store = s->store, .blobs = s->blobs, .clock = &s->clock, .job = JOB, .task = TASK};
    mr_upload_begin(&s->upload, &request);
    cr_assert_not(mr_upload_image_step(&s->upload));
    cr_assert_eq(s->upload.phase, MR_UPLOAD_IMAGED, "%s", s->upload.err.message);
    while (mr_upload_send_step(&s->upload))
        ;
    cr_assert_eq(s->upload.phase, MR_UPLOAD_DONE, "%s", s->upload.err.message);
    return s->upload.id;
}

static mr_status add_entry(void *context, const mr_store_change *entry, mr_error *err)
{
    (void)err;
    mr_buffer *to = context;
    mr_buffer_put_u64(to, (uint64_t)entry->slice);
    mr_buffer_put_bytes(to, entry->key, entry->key_length);
    mr_buffer_put_bytes(to, entry->value, entry->value_length);
    return MR_OK;
}

uint64_t taken_contents(checkpoint_rig *s, mr_store_marker *marker)
{
    mr_buffer all = {0};
    cr_assert_eq(s->store->class->marker(s->store, marker, &s->err), MR_OK, "%s", s->err.message);
    cr_assert_eq(s->store->class->scan(s->store, add_entry, &all, &s->err), MR_OK);
    uint64_t hash = mr_hash(all.data, all.length);
    mr_buffer_release(&all);
    return hash;
}

void taken_lose_disk(checkpoint_rig *s)
{
    s->store->class->close(s->store);
    s->store = NULL;
    cr_assert_eq(s->stores->remove(s->stores, JOB, TASK, &s->err), MR_OK);
}

static mr_status count_one(void *context, const mr_blob_facts *facts, mr_error *err)
{
    (void)facts;
    (void)err;
    ++*(uint32_t *)context;
    return MR_OK;
}

uint32_t taken_count(checkpoint_rig *s, const char *prefix)
{
    char name[128];
    uint32_t count = 0;
    snprintf(name, sizeof name, "job/task-%d/%s", TASK, prefix);
    cr_assert_eq(s->blobs->class->list(s->blobs, name, count_one, &count, &s->err), MR_OK);
    return count;
}
