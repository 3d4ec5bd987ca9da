/* Goal: retention keeps what a recovery may need, and nothing else for longer than the grace
 * period. Method: checkpoints of a real store, swept at times of the test's own. */
#include "tests/unit/engine/checkpoint/rig.h"

#include <criterion/criterion.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#define HOUR_MS INT64_C(3600000)

typedef char checkpoint_id[MR_MANIFEST_ID_SIZE];

static int64_t real_now_ms(void)
{
    struct timespec now;
    clock_gettime(CLOCK_REALTIME, &now);
    return (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

/* Checkpoints of epochs 1 to `count`, each with contents of its own that the next one lacks. */
static void make(checkpoint_rig *s, int count, checkpoint_id *ids)
{
    for (int i = 0; i < count; i++) {
        s->store->class->close(s->store);
        cr_assert_eq(s->stores->remove(s->stores, "job", 3, &s->err), MR_OK);
        taken_open(s);
        taken_apply(s, i, 50, (uint64_t)i + 1);
        strcpy(ids[i], taken_checkpoint(s));
    }
    mr_upload_end(&s->upload);
}

static mr_sweep_result sweep(checkpoint_rig *s, const char *named, uint32_t count_max,
                             int64_t age_max_ms, int64_t now_ms)
{
    mr_sweep_request request = {s->blobs, "job", 3, named, count_max, age_max_ms, HOUR_MS, now_ms};
    mr_sweep_result result;
    cr_assert_eq(mr_sweep_run(&request, &result, &s->err), MR_OK, "%s", s->err.message);
    return result;
}

static bool is_whole(checkpoint_rig *s, const char *id)
{
    mr_manifest manifest;
    uint32_t good;
    if (mr_shelf_manifest(s->blobs, "job", 3, id, &manifest, &s->err) != MR_OK)
        return false;
    bool is_good = mr_download_verify(s->blobs, &manifest, &good, &s->err) == MR_OK;
    mr_manifest_release(&manifest);
    return is_good;
}

Test(sweep, keeps_the_newest_and_tells_where_the_log_must_begin)
{
    checkpoint_rig s;
    checkpoint_id ids[5];
    taken_init(&s);
    make(&s, 5, ids);
    mr_sweep_result result = sweep(&s, ids[4], 3, 0, real_now_ms());
    cr_expect_eq(result.kept, 3);
    cr_expect_eq(result.retired, 2);
    cr_expect_eq(result.log_offset, 30, "of epoch 3");
    cr_expect_eq(taken_count(&s, "manifests/"), 3);
    cr_expect_eq(taken_count(&s, "retired/"), 2);
    for (int i = 0; i < 5; i++)
        cr_expect(is_whole(&s, ids[i]), "within the grace period: %d", i);
    result = sweep(&s, ids[4], 3, 0, real_now_ms() + HOUR_MS + 1000);
    cr_expect_eq(result.retired, 0);
    cr_expect_eq(result.manifests_removed, 2);
    cr_expect_geq(result.files_removed, 2);
    cr_expect_eq(taken_count(&s, "retired/"), 0);
    for (int i = 0; i < 5; i++)
        cr_expect_eq(is_whole(&s, ids[i]), i >= 2, "%d", i);
    taken_release(&s);
}

/* A restore that has begun with one reads its files for as long as they may be needed. */
Test(sweep, files_of_one_just_retired_stay_however_old_they_are)
{
    checkpoint_rig s;
    checkpoint_id ids[2];
    char command[160];
    taken_init(&s);
    make(&s, 2, ids);
    snprintf(command, sizeof command, "find '%s/blobs' -type f -exec touch -d '3 hours ago' {} +",
             s.root);
    cr_assert_eq(system(command), 0);
    mr_sweep_result result = sweep(&s, ids[1], 1, 0, real_now_ms());
    cr_expect_eq(result.retired, 1);
    cr_expect_eq(result.files_removed, 0);
    cr_expect(is_whole(&s, ids[0]));
    result = sweep(&s, ids[1], 1, 0, real_now_ms() + HOUR_MS + 1000);
    cr_expect_gt(result.files_removed, 0);
    cr_expect_not(is_whole(&s, ids[0]));
    cr_expect(is_whole(&s, ids[1]));
    taken_release(&s);
}

Test(sweep, age_takes_all_but_the_named_one)
{
    checkpoint_rig s;
    checkpoint_id ids[3];
    taken_init(&s);
    make(&s, 3, ids);
    mr_sweep_result result = sweep(&s, ids[2], 10, 2 * HOUR_MS, real_now_ms() + HOUR_MS);
    cr_expect_eq(result.kept, 3);
    result = sweep(&s, ids[2], 10, 2 * HOUR_MS, real_now_ms() + 3 * HOUR_MS);
    cr_expect_eq(result.kept, 1);
    cr_expect_eq(result.retired, 2);
    cr_expect_eq(result.log_offset, 30);
    taken_release(&s);
}

Test(sweep, what_is_newer_than_the_named_one_stays)
{
    checkpoint_rig s;
    checkpoint_id ids[4];
    taken_init(&s);
    make(&s, 4, ids);
    mr_sweep_result result = sweep(&s, ids[1], 1, 1, real_now_ms() + 3 * HOUR_MS);
    cr_expect_eq(result.kept, 3);
    cr_expect_eq(result.retired, 1);
    cr_expect_eq(result.log_offset, 20, "newer ones do not move it");
    for (int i = 1; i < 4; i++)
        cr_expect(is_whole(&s, ids[i]));
    taken_release(&s);
}

Test(sweep, files_of_one_in_the_making_stay)
{
    checkpoint_rig s;
    checkpoint_id ids[2];
    taken_init(&s);
    make(&s, 1, ids);
    taken_apply(&s, 9, 3000, 2);
    mr_upload_request request = {
        .store = s.store, .blobs = s.blobs, .clock = &s.clock, .job = "job", .task = 3};
    mr_upload_begin(&s.upload, &request);
    cr_assert_not(mr_upload_image_step(&s.upload));
    while (s.upload.phase != MR_UPLOAD_MANIFEST && mr_upload_send_step(&s.upload))
        ;
    cr_assert_eq(s.upload.phase, MR_UPLOAD_MANIFEST);
    mr_sweep_result result = sweep(&s, ids[0], 1, 0, real_now_ms() + HOUR_MS / 2);
    cr_expect_eq(result.files_removed, 0);
    cr_expect_not(mr_upload_send_step(&s.upload));
    cr_assert_eq(s.upload.phase, MR_UPLOAD_DONE);
    strcpy(ids[1], s.upload.id);
    result = sweep(&s, ids[1], 1, 0, real_now_ms() + HOUR_MS / 2);
    cr_expect_eq(result.retired, 1);
    cr_expect(is_whole(&s, ids[1]));
    mr_upload_end(&s.upload);
    taken_release(&s);
}

Test(sweep, files_of_one_given_up_go)
{
    checkpoint_rig s;
    checkpoint_id ids[1];
    taken_init(&s);
    make(&s, 1, ids);
    uint32_t before = taken_count(&s, "files/");
    taken_apply(&s, 9, 100, 2);
    mr_upload_request request = {
        .store = s.store, .blobs = s.blobs, .clock = &s.clock, .job = "job", .task = 3};
    mr_upload_begin(&s.upload, &request);
    cr_assert_not(mr_upload_image_step(&s.upload));
    while (s.upload.phase != MR_UPLOAD_MANIFEST && mr_upload_send_step(&s.upload))
        ;
    mr_upload_end(&s.upload);
    cr_expect_gt(taken_count(&s, "files/"), before);
    (void)sweep(&s, ids[0], 1, 0, real_now_ms() + HOUR_MS + 1000);
    cr_expect_eq(taken_count(&s, "files/"), before);
    cr_expect(is_whole(&s, ids[0]));
    taken_release(&s);
}

Test(sweep, a_manifest_that_cannot_be_read_keeps_all_files)
{
    checkpoint_rig s;
    checkpoint_id ids[3];
    taken_init(&s);
    make(&s, 3, ids);
    uint32_t files = taken_count(&s, "files/");
    char command[256];
    snprintf(command, sizeof command, "printf X >> %s/blobs/job/task-3/manifests/%s", s.root,
             ids[1]);
    cr_assert_eq(system(command), 0);
    mr_sweep_request request = {s.blobs, "job", 3,       ids[2],
                                3,       0,     HOUR_MS, real_now_ms() + 9 * HOUR_MS};
    mr_sweep_result result;
    cr_expect_eq(mr_sweep_run(&request, &result, &s.err), MR_E_CHECKPOINT);
    cr_expect_eq(taken_count(&s, "files/"), files);
    taken_release(&s);
}
