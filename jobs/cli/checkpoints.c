/*
 * `millrace checkpoints`: what lies in a blob store, without a job or a cluster.
 *
 * A checkpoint's name here is `<job>/task-<n>/<id>`, as `list` prints it.
 */
#include "connectors/blobs/blobs.h"
#include "engine/checkpoint/download.h"
#include "engine/checkpoint/sweep.h"
#include "jobs/cli/command.h"
#include "jobs/cli/failure.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

/* One checkpoint, found by the name of its manifest. */
typedef struct place {
    char job[MR_BLOB_NAME_MAX + 1];
    uint32_t task;
    const char *id; /* into the text it was read from */
} place;

static int digit(char c)
{
    if (c >= '0' && c <= '9')
        return c - '0';
    return c >= 'A' && c <= 'F' ? c - 'A' + 10 : -1;
}

/* "<job, with %XX>/task-<n>/[<folder>/]<id>"; `folder` NULL: there is none in it. */
static bool read_place(const char *text, const char *folder, place *to)
{
    size_t length = 0;
    const char *c = text;
    for (; *c != '\0' && *c != '/' && length < MR_BLOB_NAME_MAX; c++) {
        int high = *c == '%' ? digit(c[1]) : -1, low = high >= 0 ? digit(c[2]) : -1;
        to->job[length++] = low >= 0 ? (char)(high * 16 + low) : *c;
        c += low >= 0 ? 2 : 0;
    }
    to->job[length] = '\0';
    int end = 0;
    if (sscanf(c, "/task-%" SCNu32 "/%n", &to->task, &end) != 1 || end == 0)
        return false;
    c += end;
    if (folder != NULL) {
        size_t skipped = strlen(folder);
        if (strncmp(c, folder, skipped) != 0)
            return false;
        c += skipped;
    }
    to->id = c;
    uint64_t epoch;
    int64_t log_offset;
    return mr_manifest_id_read(c, &epoch, &log_offset);
}

static void print_time(int64_t ms, char to[32])
{
    time_t seconds = (time_t)(ms / 1000);
    struct tm utc;
    gmtime_r(&seconds, &utc);
    strftime(to, 32, "%Y-%m-%d %H:%M:%SZ", &utc);
}

/* ---- list ---- */

typedef struct listing {
    mr_blobs *blobs;
    uint32_t shown;
} listing;

static mr_status print_one(void *context, const mr_blob_facts *facts, mr_error *err)
{
    listing *self = context;
    mr_blobs *blobs = self->blobs;
    place at;
    bool is_kept = read_place(facts->name, "manifests/", &at);
    if (!is_kept && !read_place(facts->name, "retired/", &at))
        return MR_OK;
    self->shown++;
    mr_manifest manifest;
    char when[32];
    mr_error why;
    size_t head =
        (size_t)(strstr(facts->name, is_kept ? "/manifests/" : "/retired/") - facts->name);
    if (mr_shelf_manifest(blobs, at.job, at.task, at.id, &manifest, &why) != MR_OK) {
        if (why.recovery == MR_RECOVERY_RETRY || why.status == MR_E_BLOB_DENIED) {
            *err = why;
            return why.status;
        }
        printf("%.*s/%s\tdamaged\t%s\n", (int)head, facts->name, at.id, why.message);
        return MR_OK;
    }
    print_time(manifest.taken_ms, when);
    printf("%.*s/%s\t%s\t%s\t%" PRIu32 " files\t%" PRIu64 " bytes\n", (int)head, facts->name, at.id,
           is_kept ? "kept" : "retired", when, manifest.files_count, mr_manifest_bytes(&manifest));
    mr_manifest_release(&manifest);
    return MR_OK;
}

/* A folder mistyped holds none either. */
static mr_exit list(mr_blobs *blobs, const char *address)
{
    mr_error err;
    listing self = {.blobs = blobs};
    if (blobs->class->list(blobs, "", print_one, &self, &err) != MR_OK)
        return mr_cli_fail(&err);
    if (self.shown == 0)
        fprintf(stderr, "millrace checkpoints: there is none below %s\n", address);
    return MR_EXIT_OK;
}

/* ---- show, verify, delete ---- */

static mr_exit show(mr_blobs *blobs, const place *at)
{
    mr_manifest manifest;
    mr_error err;
    char when[32];
    if (mr_shelf_manifest(blobs, at->job, at->task, at->id, &manifest, &err) != MR_OK)
        return mr_cli_fail(&err);
    print_time(manifest.taken_ms, when);
    printf("job         %s\ntask        %" PRIu32 "\nplan        %016" PRIx64
           "\nepoch       %" PRIu64 "\nlog offset  %" PRId64 "\nchecksum    %08" PRIx32
           "\ntaken       %s\nbytes       %" PRIu64 "\nfiles       %" PRIu32 "\n",
           manifest.job, manifest.task, manifest.marker.plan_version, manifest.marker.epoch,
           manifest.marker.log_offset, manifest.marker.checksum, when, mr_manifest_bytes(&manifest),
           manifest.files_count);
    for (uint32_t i = 0; i < manifest.files_count; i++)
        printf("  %s %12" PRIu64 " %s\n", manifest.files[i].digest, manifest.files[i].size,
               manifest.files[i].name);
    mr_manifest_release(&manifest);
    return MR_EXIT_OK;
}

static mr_exit verify(mr_blobs *blobs, const place *at)
{
    mr_manifest manifest;
    mr_error err;
    uint32_t good = 0;
    mr_status status = mr_shelf_manifest(blobs, at->job, at->task, at->id, &manifest, &err);
    if (status != MR_OK)
        return mr_cli_fail(&err);
    status = mr_download_verify(blobs, &manifest, &good, &err);
    if (status == MR_OK)
        printf("whole: %" PRIu32 " files, %" PRIu64 " bytes\n", good, mr_manifest_bytes(&manifest));
    mr_manifest_release(&manifest);
    return status == MR_OK ? MR_EXIT_OK : mr_cli_fail(&err);
}

/* The newest of a task may be what its state log is kept for: nobody can tell from here. */
static mr_exit delete (mr_blobs *blobs, const place *at)
{
    mr_shelf shelf;
    mr_error err;
    if (mr_shelf_read(blobs, at->job, at->task, MR_BLOB_MANIFESTS, &shelf, &err) != MR_OK)
        return mr_cli_fail(&err);
    bool is_there = false;
    for (size_t i = 0; i < shelf.count; i++)
        is_there = is_there || strcmp(shelf.items[i].id, at->id) == 0;
    bool is_newest = is_there && strcmp(shelf.items[shelf.count - 1].id, at->id) == 0;
    mr_shelf_release(&shelf);
    if (!is_there)
        mr_error_set(&err, MR_E_BLOB_MISSING, "no such checkpoint, or it is retired already");
    if (is_newest)
        mr_error_set(
            &err, MR_E_CHECKPOINT,
            "the newest checkpoint of a task is not deleted: its state log may begin there");
    if (!is_there || is_newest || mr_sweep_retire(blobs, at->job, at->task, at->id, &err) != MR_OK)
        return mr_cli_fail(&err);
    printf(
        "retired; the job's next checkpoint removes its files when the grace period has passed\n");
    return MR_EXIT_OK;
}

/* What is removed of a job that was given up: names first, so that nobody finds half of one. */
typedef struct removal {
    mr_blobs *blobs;
    bool is_of_files;
    uint64_t blobs_count, bytes;
} removal;

static mr_status remove_one(void *context, const mr_blob_facts *facts, mr_error *err)
{
    removal *self = context;
    char name[MR_BLOB_NAME_MAX + 1];
    bool is_file = strstr(facts->name, "/files/") != NULL;
    if (is_file != self->is_of_files)
        return MR_OK;
    self->blobs_count++;
    self->bytes += facts->size;
    memcpy(name, facts->name, strlen(facts->name) + 1);
    return self->blobs->class->remove(self->blobs, name, err);
}

static mr_exit delete_all(mr_blobs *blobs, const char *job)
{
    char prefix[MR_BLOB_NAME_MAX + 1];
    mr_error err;
    removal self = {.blobs = blobs};
    mr_manifest_name(job, 0, MR_BLOB_FILES, "", prefix);
    *(strstr(prefix, "/task-0/") + 1) = '\0';
    mr_status status = blobs->class->list(blobs, prefix, remove_one, &self, &err);
    self.is_of_files = true;
    if (status == MR_OK)
        status = blobs->class->list(blobs, prefix, remove_one, &self, &err);
    if (status != MR_OK)
        return mr_cli_fail(&err);
    printf("removed %" PRIu64 " blobs, %" PRIu64 " bytes\n", self.blobs_count, self.bytes);
    return MR_EXIT_OK;
}

static mr_exit usage(void)
{
    fprintf(stderr,
            "millrace checkpoints: list ADDRESS, show|verify|delete ADDRESS NAME, or delete "
            "ADDRESS --all JOB\n"
            "Try: millrace checkpoints --help\n");
    return MR_EXIT_USAGE;
}

mr_exit mr_command_checkpoints(int argc, char **argv)
{
    static const struct {
        const char *verb;
        mr_exit (*run)(mr_blobs *blobs, const place *at);
    } verbs[] = {{"list", NULL}, {"show", show}, {"verify", verify}, {"delete", delete}};
    for (int i = 1; i < argc; i++)
        if (strcmp(argv[i], "--help") == 0 || strcmp(argv[i], "-h") == 0) {
            mr_help_print_command(mr_command_find("checkpoints"));
            return MR_EXIT_OK;
        }
    size_t v = 0;
    while (v < sizeof verbs / sizeof *verbs && (argc < 3 || strcmp(argv[1], verbs[v].verb) != 0))
        v++;
    place at;
    bool is_all = argc == 5 && strcmp(argv[1], "delete") == 0 && strcmp(argv[3], "--all") == 0;
    if (v == sizeof verbs / sizeof *verbs || (!is_all && argc != (v == 0 ? 3 : 4)))
        return usage();
    if (v > 0 && !is_all && !read_place(argv[3], NULL, &at)) {
        fprintf(stderr, "millrace checkpoints: `%s` is no checkpoint; `list` prints their names\n",
                argv[3]);
        return MR_EXIT_USAGE;
    }
    mr_blobs *blobs;
    mr_error err;
    if (mr_blobs_open(argv[2], NULL, &blobs, &err) != MR_OK)
        return mr_cli_fail(&err);
    mr_exit code = v == 0   ? list(blobs, argv[2])
                   : is_all ? delete_all(blobs, argv[4])
                            : verbs[v].run(blobs, &at);
    blobs->class->close(blobs);
    return code;
}
