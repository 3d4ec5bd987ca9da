/*
 * Goal: one worker a state directory, under one name for ever, and every task's store in its place.
 * Method: real directories below /tmp.
 */
#include "engine/state/state_dir.h"

#include <criterion/criterion.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

typedef struct place {
    char root[64];
    char path[128];
    mr_error err;
} place;

static void place_init(place *p)
{
    strcpy(p->root, "/tmp/millrace-test-XXXXXX");
    cr_assert_not_null(mkdtemp(p->root));
    snprintf(p->path, sizeof p->path, "%s/deep/state", p->root);
}

static void place_release(place *p)
{
    char command[128];
    snprintf(command, sizeof command, "rm -rf '%s'", p->root);
    cr_assert_eq(system(command), 0);
}

static void put_file(const char *folder, const char *name, const char *text)
{
    char path[512];
    snprintf(path, sizeof path, "%s/%s", folder, name);
    FILE *file = fopen(path, "w");
    cr_assert_not_null(file);
    fputs(text, file);
    fclose(file);
}

Test(state_dir, the_instance_id_is_kept_over_restarts_and_differs_between_directories)
{
    place p, q;
    place_init(&p), place_init(&q);
    mr_state_dir *dir;
    char first[64];
    cr_assert_eq(mr_state_dir_open(p.path, &dir, &p.err), MR_OK, "%s", p.err.message);
    snprintf(first, sizeof first, "%s", mr_state_dir_instance(dir));
    cr_assert_eq(strlen(first), 32);
    mr_state_dir_close(dir);
    cr_assert_eq(mr_state_dir_open(p.path, &dir, &p.err), MR_OK);
    cr_assert_str_eq(mr_state_dir_instance(dir), first);
    mr_state_dir_close(dir);
    cr_assert_eq(mr_state_dir_open(q.path, &dir, &q.err), MR_OK);
    cr_assert_str_neq(mr_state_dir_instance(dir), first);
    mr_state_dir_close(dir);
    place_release(&p), place_release(&q);
}

Test(state_dir, a_second_worker_is_told_who_holds_the_directory)
{
    place p;
    place_init(&p);
    mr_state_dir *dir, *second;
    cr_assert_eq(mr_state_dir_open(p.path, &dir, &p.err), MR_OK);
    cr_assert_eq(mr_state_dir_open(p.path, &second, &p.err), MR_E_STORE_LOCKED);
    cr_assert_null(second);
    char holder[64];
    snprintf(holder, sizeof holder, "process %ld", (long)getpid());
    cr_assert_not_null(strstr(p.err.message, holder), "%s", p.err.message);
    cr_assert_not_null(strstr(p.err.message, p.path));
    mr_state_dir_close(dir);
    cr_assert_eq(mr_state_dir_open(p.path, &second, &p.err), MR_OK, "free again");
    mr_state_dir_close(second);
    place_release(&p);
}

Test(state_dir, another_instance_id_may_be_given_for_the_time_it_is_open)
{
    place p;
    place_init(&p);
    mr_state_dir *dir;
    char own[64], longest[MR_STATE_INSTANCE_MAX + 2];
    memset(longest, 'x', sizeof longest);
    longest[sizeof longest - 1] = '\0';
    const char *wrong[] = {"", "a/b", "a b", "\xc3\xa4", longest};
    cr_assert_eq(mr_state_dir_open(p.path, &dir, &p.err), MR_OK, "%s", p.err.message);
    snprintf(own, sizeof own, "%s", mr_state_dir_instance(dir));
    for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++)
        cr_expect_not(mr_state_dir_set_instance(dir, wrong[i]), "`%s`", wrong[i]);
    cr_expect_str_eq(mr_state_dir_instance(dir), own);
    cr_expect_eq(mr_state_instance_shown(own), 8);
    cr_assert(mr_state_dir_set_instance(dir, longest + 1));
    cr_expect_str_eq(mr_state_dir_instance(dir), longest + 1);
    cr_assert(mr_state_dir_set_instance(dir, "orders-worker-0.prod"));
    cr_expect_str_eq(mr_state_dir_instance(dir), "orders-worker-0.prod");
    cr_expect_geq(mr_state_instance_shown("orders-worker-0.prod"), 20);
    mr_state_dir_close(dir);
    cr_assert_eq(mr_state_dir_open(p.path, &dir, &p.err), MR_OK);
    cr_expect_str_eq(mr_state_dir_instance(dir), own);
    mr_state_dir_close(dir);
    place_release(&p);
}

Test(state_dir, an_instance_file_that_holds_no_id_is_refused)
{
    const char *const texts[] = {"", "0123", "0123456789abcdef0123456789abcdeX",
                                 "0123456789abcdef0123456789abcdef0"};
    for (size_t i = 0; i < sizeof texts / sizeof *texts; i++) {
        place p;
        place_init(&p);
        mr_state_dir *dir;
        cr_assert_eq(mr_state_dir_open(p.path, &dir, &p.err), MR_OK);
        mr_state_dir_close(dir);
        put_file(p.path, "instance", texts[i]);
        cr_assert_eq(mr_state_dir_open(p.path, &dir, &p.err), MR_E_STORE_OPEN, "case %zu", i);
        cr_assert_not_null(strstr(p.err.message, "instance"));
        place_release(&p);
    }
}

Test(state_dir, a_job_name_stays_one_folder_below_the_directory)
{
    place p;
    place_init(&p);
    mr_state_dir *dir;
    cr_assert_eq(mr_state_dir_open(p.path, &dir, &p.err), MR_OK);
    const char *const names[][2] = {
        {"orders", "orders"}, {"..", "%2E."},   {"a/b", "a%2Fb"},
        {".", "%2E"},         {"%2E", "%252E"}, {"x.y-z_1", "x.y-z_1"},
    };
    for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
        char path[512], expected[512];
        cr_assert_eq(mr_state_dir_task(dir, names[i][0], 7, true, path, sizeof path, &p.err),
                     MR_OK);
        snprintf(expected, sizeof expected, "%s/%s/task-7", p.path, names[i][1]);
        cr_assert_str_eq(path, expected);
    }
    char small[20];
    cr_assert_eq(mr_state_dir_task(dir, "orders", 7, false, small, sizeof small, &p.err),
                 MR_E_STORE_OPEN);
    mr_state_dir_close(dir);
    place_release(&p);
}

Test(state_dir, quarantine_keeps_every_damaged_store_and_remove_only_takes_one)
{
    place p;
    place_init(&p);
    mr_state_dir *dir;
    cr_assert_eq(mr_state_dir_open(p.path, &dir, &p.err), MR_OK);
    char where[3][512], path[512], file[600];
    struct stat there;
    for (int i = 0; i < 3; i++) {
        cr_assert_eq(mr_state_dir_task(dir, "j", 0, true, path, sizeof path, &p.err), MR_OK);
        cr_assert_eq(mkdir(path, 0777), 0);
        put_file(path, "evidence", "bits");
        cr_assert_eq(mr_state_dir_quarantine(dir, "j", 0, where[i], sizeof where[i], &p.err),
                     MR_OK);
        cr_assert_neq(lstat(path, &there), 0, "out of the way");
    }
    for (int i = 0; i < 3; i++) {
        snprintf(file, sizeof file, "%s/evidence", where[i]);
        cr_assert_eq(lstat(file, &there), 0, "%s", file);
        cr_assert_not_null(strstr(where[i], "task-0.damaged-"));
    }
    cr_assert_eq(mr_state_dir_quarantine(dir, "j", 0, where[0], sizeof where[0], &p.err),
                 MR_E_STORE_OPEN, "nothing to put aside");
    cr_assert_eq(mkdir(path, 0777), 0);
    put_file(path, "data", "x");
    cr_assert_eq(mr_state_dir_remove(dir, "j", 0, &p.err), MR_OK);
    cr_assert_neq(lstat(path, &there), 0);
    cr_assert_eq(mr_state_dir_remove(dir, "j", 0, &p.err), MR_OK, "nothing there is fine");
    cr_assert_eq(lstat(where[1], &there), 0);
    mr_state_dir_close(dir);
    place_release(&p);
}
