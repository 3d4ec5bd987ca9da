#include "connectors/local/files/folder.h"

#include "engine/base/assert.h"
#include "engine/base/hash.h"

#include <dirent.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#define DEPTH_MAX 32
#define PLACE_VERSION 1

/* One listing under way. */
typedef struct listing {
    mr_folder *folder;
    const char *current;
    uint64_t *kept; /* done files that are still there */
    uint32_t kept_count;
} listing;

void mr_folder_init(mr_folder *folder, const char *path, uint32_t share, uint32_t shares_count,
                    bool is_monitored)
{
    *folder = (mr_folder){.path = strdup(path),
                          .share = share,
                          .shares_count = shares_count,
                          .is_monitored = is_monitored};
    MR_ASSERT(folder->path != NULL);
}

static void forget_files(mr_folder *folder)
{
    for (uint32_t i = folder->next; i < folder->count; i++)
        free(folder->files[i].path);
    folder->next = folder->count = 0;
}

void mr_folder_release(mr_folder *folder)
{
    forget_files(folder);
    free(folder->files);
    free(folder->done);
    free(folder->path);
    *folder = (mr_folder){0};
}

static uint64_t hash_of(const mr_folder *folder, const char *path)
{
    const char *below = path + strlen(folder->path) + 1;
    return mr_hash(below, strlen(below));
}

/* Index of the first done hash not below `hash`. */
static uint32_t find_done(const mr_folder *folder, uint64_t hash)
{
    uint32_t low = 0, high = folder->done_count;
    while (low < high) {
        uint32_t middle = low + (high - low) / 2;
        if (folder->done[middle] < hash)
            low = middle + 1;
        else
            high = middle;
    }
    return low;
}

static bool is_done(const mr_folder *folder, uint64_t hash)
{
    uint32_t at = find_done(folder, hash);
    return at < folder->done_count && folder->done[at] == hash;
}

static void add_file(mr_folder *folder, const char *path, int64_t bytes)
{
    if (folder->count == folder->capacity) {
        folder->capacity = folder->capacity != 0 ? folder->capacity * 2 : 16;
        folder->files = realloc(folder->files, folder->capacity * sizeof *folder->files);
        MR_ASSERT(folder->files != NULL);
    }
    folder->files[folder->count++] = (mr_folder_file){.path = strdup(path), .bytes = bytes};
}

static void consider(listing *at, const char *path, int64_t bytes)
{
    mr_folder *folder = at->folder;
    uint64_t hash = hash_of(folder, path);
    if (hash % folder->shares_count != folder->share)
        return;
    if (folder->is_monitored && is_done(folder, hash)) {
        if (at->kept_count < folder->done_count)
            at->kept[at->kept_count++] = hash;
        return;
    }
    int order = at->current != NULL ? strcmp(path, at->current) : 1;
    if (order > 0 || (folder->is_monitored && order != 0))
        add_file(folder, path, bytes);
}

static mr_status list(listing *at, const char *path, unsigned depth, mr_error *err)
{
    DIR *folder = opendir(path);
    if (folder == NULL)
        return depth > 0 && errno == ENOENT
                   ? MR_OK
                   : mr_error_set(err, MR_E_ENVIRONMENT, "cannot read the folder `%s`: %s", path,
                                  strerror(errno));
    mr_status status = MR_OK;
    for (struct dirent *entry = readdir(folder); status == MR_OK && entry != NULL;
         entry = readdir(folder)) {
        if (entry->d_name[0] == '.' || entry->d_name[0] == '_')
            continue;
        char *name;
        int length = asprintf(&name, "%s/%s", path, entry->d_name);
        MR_ASSERT(length >= 0);
        struct stat facts, own;
        if (stat(name, &facts) == 0 && lstat(name, &own) == 0) {
            if (S_ISREG(facts.st_mode))
                consider(at, name, facts.st_size);
            else if (S_ISDIR(own.st_mode) && depth < DEPTH_MAX)
                status = list(at, name, depth + 1, err);
        }
        free(name);
    }
    closedir(folder);
    return status;
}

static int compare_paths(const void *a, const void *b)
{
    return strcmp(((const mr_folder_file *)a)->path, ((const mr_folder_file *)b)->path);
}

static int compare_hashes(const void *a, const void *b)
{
    uint64_t x = *(const uint64_t *)a, y = *(const uint64_t *)b;
    return (x > y) - (x < y);
}

mr_status mr_folder_look(mr_folder *folder, const char *current, mr_error *err)
{
    if (folder->done_count > MR_FOLDER_DONE_MAX)
        return mr_error_set(err, MR_E_ENVIRONMENT,
                            "more than %u files of `%s` were read and still lie there; move them "
                            "away, or leave 'source.monitor-interval' out",
                            MR_FOLDER_DONE_MAX, folder->path);
    listing at = {.folder = folder, .current = current};
    at.kept = calloc((size_t)folder->done_count + 1, sizeof *at.kept);
    MR_ASSERT(at.kept != NULL);
    forget_files(folder);
    mr_status status = list(&at, folder->path, 0, err);
    if (status == MR_OK) {
        if (folder->count > 0)
            qsort(folder->files, folder->count, sizeof *folder->files, compare_paths);
        qsort(at.kept, at.kept_count, sizeof *at.kept, compare_hashes);
        for (uint32_t i = 0; i < at.kept_count; i++)
            folder->done[i] = at.kept[i];
        folder->done_count = at.kept_count;
    }
    free(at.kept);
    return status;
}

char *mr_folder_take(mr_folder *folder)
{
    return folder->next < folder->count ? folder->files[folder->next++].path : NULL;
}

void mr_folder_finish(mr_folder *folder, const char *path)
{
    uint64_t hash = hash_of(folder, path);
    if (!folder->is_monitored || is_done(folder, hash))
        return;
    if (folder->done_count == folder->done_capacity) {
        folder->done_capacity = folder->done_capacity != 0 ? folder->done_capacity * 2 : 64;
        folder->done = realloc(folder->done, folder->done_capacity * sizeof *folder->done);
        MR_ASSERT(folder->done != NULL);
    }
    uint32_t at = find_done(folder, hash);
    memmove(folder->done + at + 1, folder->done + at,
            (folder->done_count - at) * sizeof *folder->done);
    folder->done[at] = hash;
    folder->done_count++;
}

int64_t mr_folder_bytes(const mr_folder *folder)
{
    int64_t sum = 0;
    for (uint32_t i = folder->next; i < folder->count; i++)
        sum += folder->files[i].bytes;
    return sum;
}

void mr_folder_put_place(const mr_folder *folder, mr_buffer *to)
{
    mr_buffer_put_u8(to, PLACE_VERSION);
    mr_buffer_put_varint(to, folder->done_count);
    for (uint32_t i = 0; i < folder->done_count; i++)
        mr_buffer_put_u64(to, folder->done[i]);
}

mr_status mr_folder_set_place(mr_folder *folder, const char *place, size_t length, mr_error *err)
{
    if (length == 0)
        return MR_OK;
    mr_reader from = mr_reader_of(place, length);
    bool is_known = mr_reader_u8(&from) == PLACE_VERSION;
    uint64_t count = mr_reader_varint(&from);
    if (!is_known || from.is_bad || count != mr_reader_left(&from) / sizeof(uint64_t) ||
        mr_reader_left(&from) % sizeof(uint64_t) != 0)
        return mr_error_set(err, MR_E_ENVIRONMENT, "no list of files that were read from `%s`",
                            folder->path);
    free(folder->done);
    folder->done_count = folder->done_capacity = (uint32_t)count;
    folder->done = calloc((size_t)count + 1, sizeof *folder->done);
    MR_ASSERT(folder->done != NULL);
    for (uint32_t i = 0; i < count; i++)
        folder->done[i] = mr_reader_u64(&from);
    return MR_OK;
}
