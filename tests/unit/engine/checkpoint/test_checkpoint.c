/* Goal: a checkpoint restores the store it was taken of, costs what changed, and does not stop the
 * engine. Method: a RocksDB store, a blob store in a folder; blobs and sizes counted, damage. */
#include "engine/base/assert.h"
#include "tests/unit/engine/checkpoint/rig.h"

#include <criterion/criterion.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static mr_status download(checkpoint_rig *s, const char *id, uint64_t plan)
{
    mr_download_request request = {s->blobs, s->stores, "job", 3, id, plan, {0}};
    return mr_download_run(&request, &s->err);
}

Test(checkpoint, restores_the_store_it_was_taken_of)
{
    checkpoint_rig s;
    taken_init(&s);
    taken_apply(&s, 1, 5000, 41);
    taken_apply(&s, -2, 300, 42);
    mr_store_marker marker, restored;
    uint64_t contents = taken_contents(&s, &marker);
    char id[MR_MANIFEST_ID_SIZE];
    strcpy(id, taken_checkpoint(&s));
    cr_expect_eq(s.upload.manifest.marker.epoch, 42);
    taken_apply(&s, 7, 100, 43); /* behind it: not in it */
    taken_lose_disk(&s);
    cr_assert_eq(download(&s, id, 9), MR_OK, "%s", s.err.message);
    taken_open(&s);
    cr_expect_eq(taken_contents(&s, &restored), contents);
    cr_expect_eq(restored.epoch, 42);
    cr_expect_eq(restored.log_offset, marker.log_offset);
    cr_expect_eq(restored.checksum, marker.checksum);
    taken_apply(&s, 8, 10, 44); /* it is a store like any other */
    taken_checkpoint(&s);
    mr_upload_end(&s.upload);
    taken_release(&s);
}

Test(checkpoint, only_new_files_travel)
{
    checkpoint_rig s;
    taken_init(&s);
    taken_apply(&s, 1, 20000, 1);
    taken_checkpoint(&s);
    uint64_t first = s.upload.bytes_sent;
    cr_expect_geq(first, 2000000);
    taken_apply(&s, 2, 200, 2);
    taken_checkpoint(&s);
    cr_expect_lt(s.upload.bytes_sent, 100000, "%llu bytes",
                 (unsigned long long)s.upload.bytes_sent);
    cr_expect_geq(mr_manifest_bytes(&s.upload.manifest), first + 20000);
    uint32_t second = s.upload.files_sent, files = s.upload.manifest.files_count;
    cr_expect_lt(second, files);
    taken_checkpoint(&s);
    cr_expect_lt(s.upload.bytes_sent, 50000, "%llu bytes of nothing new",
                 (unsigned long long)s.upload.bytes_sent);
    printf("checkpoints: first %llu bytes, after 200 of 20,000 entries more %u of %u files\n",
           (unsigned long long)first, second, files);
    mr_upload_end(&s.upload);
    taken_release(&s);
}

Test(checkpoint, an_empty_store_has_none)
{
    checkpoint_rig s;
    taken_init(&s);
    mr_upload_request request = {
        .store = s.store, .blobs = s.blobs, .clock = &s.clock, .job = "job", .task = 3};
    mr_upload_begin(&s.upload, &request);
    cr_expect_not(mr_upload_image_step(&s.upload));
    cr_expect_eq(s.upload.phase, MR_UPLOAD_FAILED);
    cr_expect_eq(s.upload.err.status, MR_E_CHECKPOINT);
    mr_upload_end(&s.upload);
    taken_release(&s);
}

Test(checkpoint, one_given_up_leaves_no_manifest_and_no_links)
{
    checkpoint_rig s;
    char path[128];
    taken_init(&s);
    taken_apply(&s, 1, 100, 1);
    mr_upload_request request = {
        .store = s.store, .blobs = s.blobs, .clock = &s.clock, .job = "job", .task = 3};
    mr_upload_begin(&s.upload, &request);
    cr_assert_not(mr_upload_image_step(&s.upload));
    snprintf(path, sizeof path, "%s/state/job/task-3.image", s.root);
    cr_expect_eq(access(path, F_OK), 0);
    s.store->class->close(s.store); /* from now on it is not needed */
    s.store = NULL;
    cr_expect(mr_upload_send_step(&s.upload));
    mr_upload_cancel(&s.upload);
    cr_expect_not(mr_upload_send_step(&s.upload));
    cr_expect_eq(s.upload.phase, MR_UPLOAD_FAILED);
    cr_expect_neq(access(path, F_OK), 0);
    cr_expect_eq(taken_count(&s, "manifests/"), 0);
    mr_upload_end(&s.upload);
    taken_release(&s);
}

/* Damages one blob below a prefix: one byte, or cut short, or gone. */
static void damage(checkpoint_rig *s, const char *folder, const char *how)
{
    char command[512];
    snprintf(command, sizeof command,
             "f=$(ls -S %s/blobs/job/task-3/%s/* | head -n 1) && case %s in "
             "byte) printf X | dd of=$f bs=1 seek=9 conv=notrunc status=none;; "
             "cut) truncate -s -1 $f;; gone) rm $f;; esac",
             s->root, folder, how);
    cr_assert_eq(system(command), 0);
}

Test(checkpoint, a_damaged_one_is_refused_and_leaves_no_store)
{
    static const struct {
        const char *folder, *how;
        mr_status status;
    } cases[] = {{"files", "byte", MR_E_CHECKPOINT},    {"files", "cut", MR_E_CHECKPOINT},
                 {"files", "gone", MR_E_BLOB_MISSING},  {"manifests", "byte", MR_E_CHECKPOINT},
                 {"manifests", "cut", MR_E_CHECKPOINT}, {"manifests", "gone", MR_E_BLOB_MISSING}};
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        checkpoint_rig s;
        taken_init(&s);
        taken_apply(&s, 1, 1000, 1);
        char id[MR_MANIFEST_ID_SIZE];
        strcpy(id, taken_checkpoint(&s));
        mr_manifest manifest;
        uint32_t good;
        cr_assert_eq(mr_shelf_manifest(s.blobs, "job", 3, id, &manifest, &s.err), MR_OK);
        cr_expect_eq(mr_download_verify(s.blobs, &manifest, &good, &s.err), MR_OK);
        cr_expect_eq(good, manifest.files_count);
        damage(&s, cases[i].folder, cases[i].how);
        if (strcmp(cases[i].folder, "files") == 0)
            cr_expect_eq(mr_download_verify(s.blobs, &manifest, &good, &s.err), cases[i].status);
        mr_manifest_release(&manifest);
        taken_lose_disk(&s);
        cr_expect_eq(download(&s, id, 9), cases[i].status, "%s %s: %s", cases[i].folder,
                     cases[i].how, s.err.message);
        taken_open(&s);
        mr_store_marker marker;
        (void)taken_contents(&s, &marker);
        cr_expect_not(marker.is_present);
        mr_upload_end(&s.upload);
        taken_release(&s);
    }
}

Test(checkpoint, one_of_another_plan_or_task_is_refused)
{
    checkpoint_rig s;
    taken_init(&s);
    taken_apply(&s, 1, 10, 1);
    const char *id = taken_checkpoint(&s);
    taken_lose_disk(&s);
    cr_expect_eq(download(&s, id, 10), MR_E_CHECKPOINT);
    cr_expect(strstr(s.err.message, "plan") != NULL, "%s", s.err.message);
    char command[256];
    snprintf(command, sizeof command, "cp -r %s/blobs/job/task-3 %s/blobs/job/task-4", s.root,
             s.root);
    cr_assert_eq(system(command), 0);
    mr_download_request other = {s.blobs, s.stores, "job", 4, id, 9, {0}};
    cr_expect_eq(mr_download_run(&other, &s.err), MR_E_CHECKPOINT);
    cr_expect(strstr(s.err.message, "task 3") != NULL, "%s", s.err.message);
    mr_upload_end(&s.upload);
    taken_release(&s);
}

/* ---- beside the engine ---- */

typedef struct image {
    checkpoint_rig *rig;
    atomic_bool has_begun, is_over;
} image;

static void *take_image(void *context)
{
    image *self = context;
    atomic_store(&self->has_begun, true);
    (void)mr_upload_image_step(&self->rig->upload);
    atomic_store(&self->is_over, true);
    return NULL;
}

/* How many applies began and ended while an image was taken. */
static uint32_t applies_beside_image(checkpoint_rig *s, uint64_t *epoch)
{
    pthread_t thread;
    uint32_t beside = 0;
    image self = {.rig = s};
    mr_upload_end(&s->upload);
    mr_upload_request request = {
        .store = s->store, .blobs = s->blobs, .clock = &s->clock, .job = "job", .task = 3};
    mr_upload_begin(&s->upload, &request);
    cr_assert_eq(pthread_create(&thread, NULL, take_image, &self), 0);
    while (!atomic_load(&self.is_over)) {
        bool had_begun = atomic_load(&self.has_begun);
        taken_apply(s, 5, 20, ++*epoch);
        beside += had_begun && !atomic_load(&self.is_over);
    }
    pthread_join(thread, NULL);
    cr_assert_eq(s->upload.phase, MR_UPLOAD_IMAGED, "%s", s->upload.err.message);
    return beside;
}

/* An image that stops the engine lets one apply through, the one it found under way. Which of the
 * two the machine lets run is not ours to say: so the best of some tries counts. */
Test(checkpoint, the_engine_stops_for_no_image, .timeout = 300)
{
    checkpoint_rig s;
    taken_init(&s);
    uint64_t epoch = 1;
    taken_apply(&s, 1, 30000, epoch);
    uint32_t most = 0;
    for (int i = 0; i < 100 && most < 5; i++) {
        uint32_t beside = applies_beside_image(&s, &epoch);
        most = beside > most ? beside : most;
    }
    cr_expect_geq(most, 5, "%u applies beside an image", most);
    mr_store_marker marker;
    (void)taken_contents(&s, &marker);
    cr_expect_eq(marker.epoch, epoch);
    mr_upload_end(&s.upload);
    taken_release(&s);
}
