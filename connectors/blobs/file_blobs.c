/*
 * Blobs as files of a folder.
 *
 *   <root>/<name>            a blob
 *   <root>/.incoming/<id>    one being written
 *
 * A blob is written aside, flushed to disk, then renamed (or linked, where it must be the first of
 * its name), and the folder is flushed too: whole or not at all, whatever dies. What a dead process
 * left in `.incoming` is removed by a later open when it is a day old.
 */
#include "connectors/blobs/blobs.h"
#include "connectors/blobs/name.h"
#include "connectors/blobs/sha256.h"
#include "engine/base/assert.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#define PIECE ((size_t)256 * 1024)
#define INCOMING ".incoming"
#define LEFTOVER_SECONDS (24 * 60 * 60)

typedef struct file_blobs {
    mr_blobs base; /* first */
    char *root;
    char *piece; /* [PIECE] */
} file_blobs;

static file_blobs *self_of(mr_blobs *blobs)
{
    return (file_blobs *)blobs;
}

static mr_status refused(const char *what, const char *path, mr_error *err)
{
    return mr_error_set(err, MR_E_BLOB_STORE, "cannot %s %s: %s", what, path, strerror(errno));
}

static mr_status path_of(const file_blobs *self, const char *name, char path[PATH_MAX],
                         mr_error *err)
{
    MR_ASSERT(mr_blob_name_is_good(name));
    int length = snprintf(path, PATH_MAX, "%s/%s", self->root, name);
    if (length < 0 || length >= PATH_MAX)
        return mr_error_set(err, MR_E_BLOB_STORE, "path too long: %s/%s", self->root, name);
    return MR_OK;
}

static bool flush_folder(const char *path)
{
    int folder = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (folder < 0)
        return false;
    bool is_flushed = fsync(folder) == 0;
    close(folder);
    return is_flushed;
}

/* Makes the folders above `path`, each known on disk before what lies in it. */
static mr_status make_parents(const char *path, mr_error *err)
{
    char part[PATH_MAX];
    for (size_t i = 1; path[i] != '\0'; i++) {
        if (path[i] != '/')
            continue;
        memcpy(part, path, i);
        part[i] = '\0';
        if (mkdir(part, 0777) == 0) {
            char *above = strrchr(part, '/');
            *above = '\0';
            (void)flush_folder(above > part ? part : "/");
        } else if (errno != EEXIST) {
            return refused("make", part, err);
        }
    }
    return MR_OK;
}

static bool write_all(int file, const char *bytes, size_t length)
{
    while (length > 0) {
        ssize_t put = write(file, bytes, length);
        if (put < 0 && errno == EINTR)
            continue;
        if (put <= 0)
            return false;
        bytes += put;
        length -= (size_t)put;
    }
    return true;
}

static mr_status write_aside(file_blobs *self, const char *aside, const mr_blob_source *source,
                             mr_error *err)
{
    int file = open(aside, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0666);
    if (file < 0)
        return refused("write", aside, err);
    mr_status status = MR_OK;
    for (uint64_t at = 0; status == MR_OK && at < source->size;) {
        size_t length = source->size - at < PIECE ? (size_t)(source->size - at) : PIECE;
        status = source->read(source->context, at, self->piece, length, err);
        if (status == MR_OK && !write_all(file, self->piece, length))
            status = refused("write", aside, err);
        at += length;
    }
    if (status == MR_OK && fsync(file) != 0)
        status = refused("flush", aside, err);
    if (close(file) != 0 && status == MR_OK)
        status = refused("close", aside, err);
    return status;
}

static mr_status settle(const char *aside, const char *path, mr_blob_put how, mr_error *err)
{
    if (how == MR_BLOB_REPLACE) {
        if (rename(aside, path) != 0)
            return refused("write", path, err);
    } else if (link(aside, path) != 0) {
        if (errno == EEXIST)
            return mr_error_set(err, MR_E_BLOB_EXISTS, "%s exists", path);
        return refused("write", path, err);
    }
    char folder[PATH_MAX];
    snprintf(folder, sizeof folder, "%s", path);
    *strrchr(folder, '/') = '\0';
    return flush_folder(folder) ? MR_OK : refused("flush", folder, err);
}

static mr_status put(mr_blobs *blobs, const char *name, const mr_blob_source *source,
                     mr_blob_put how, mr_error *err)
{
    file_blobs *self = self_of(blobs);
    char path[PATH_MAX], aside[PATH_MAX + 64];
    uint64_t id;
    if (getrandom(&id, sizeof id, 0) != (ssize_t)sizeof id)
        return refused("get random bytes for", name, err);
    mr_status status = path_of(self, name, path, err);
    snprintf(aside, sizeof aside, "%s/" INCOMING "/%016" PRIx64, self->root, id);
    if (status == MR_OK)
        status = make_parents(aside, err);
    if (status == MR_OK)
        status = make_parents(path, err);
    if (status != MR_OK)
        return status;
    status = write_aside(self, aside, source, err);
    if (status == MR_OK)
        status = settle(aside, path, how, err);
    (void)unlink(aside); /* gone where it was renamed */
    return status;
}

static mr_status get(mr_blobs *blobs, const char *name, const mr_blob_target *target, mr_error *err)
{
    file_blobs *self = self_of(blobs);
    char path[PATH_MAX];
    mr_status status = path_of(self, name, path, err);
    if (status != MR_OK)
        return status;
    int file = open(path, O_RDONLY | O_CLOEXEC);
    if (file < 0 && (errno == ENOENT || errno == ENOTDIR))
        return mr_error_set(err, MR_E_BLOB_MISSING, "%s does not exist", path);
    if (file < 0)
        return refused("read", path, err);
    uint64_t at = 0;
    for (;;) {
        ssize_t got = read(file, self->piece, PIECE);
        if (got < 0 && errno == EINTR)
            continue;
        if (got < 0)
            status = refused("read", path, err);
        if (got > 0)
            status = target->write(target->context, at, self->piece, (size_t)got, err);
        if (got <= 0 || status != MR_OK)
            break;
        at += (uint64_t)got;
    }
    close(file);
    return status;
}

/* ---- list ---- */

typedef struct listed {
    char **names;
    size_t count, capacity;
} listed;

static void keep_name(listed *list, const char *name)
{
    if (list->count == list->capacity) {
        list->capacity = list->capacity != 0 ? list->capacity * 2 : 64;
        list->names = realloc(list->names, list->capacity * sizeof *list->names);
        MR_ASSERT(list->names != NULL);
    }
    list->names[list->count] = strdup(name);
    MR_ASSERT(list->names[list->count] != NULL);
    list->count++;
}

/* One begins with the other, as far as both go. */
static bool may_hold(const char *folder, const char *prefix)
{
    size_t length = strlen(folder), wanted = strlen(prefix);
    return strncmp(folder, prefix, length < wanted ? length : wanted) == 0;
}

/* Collects the names below `name` ("" or "folder/") that begin with `prefix`. */
static mr_status walk(const file_blobs *self, const char *name, const char *prefix, listed *list,
                      mr_error *err)
{
    char path[PATH_MAX], below[PATH_MAX];
    if (snprintf(path, sizeof path, "%s/%s", self->root, name) >= (int)sizeof path)
        return MR_OK; /* `put` makes none so long */
    DIR *folder = opendir(path);
    if (folder == NULL)
        return errno == ENOENT ? MR_OK : refused("list", path, err);
    mr_status status = MR_OK;
    const struct dirent *at;
    while (status == MR_OK && (errno = 0, at = readdir(folder)) != NULL) {
        if (at->d_name[0] == '.' || strlen(name) + strlen(at->d_name) > MR_BLOB_NAME_MAX)
            continue;
        snprintf(below, sizeof below, "%s%s", name, at->d_name);
        struct stat facts;
        if (fstatat(dirfd(folder), at->d_name, &facts, 0) != 0)
            continue; /* removed meanwhile */
        if (S_ISREG(facts.st_mode) && strncmp(below, prefix, strlen(prefix)) == 0)
            keep_name(list, below);
        if (!S_ISDIR(facts.st_mode))
            continue;
        snprintf(below, sizeof below, "%s%s/", name, at->d_name);
        if (may_hold(below, prefix))
            status = walk(self, below, prefix, list, err);
    }
    if (status == MR_OK && errno != 0)
        status = refused("list", path, err);
    closedir(folder);
    return status;
}

static int compare_names(const void *left, const void *right)
{
    return strcmp(*(char *const *)left, *(char *const *)right);
}

static mr_status list(mr_blobs *blobs, const char *prefix,
                      mr_status (*visit)(void *context, const mr_blob_facts *facts, mr_error *err),
                      void *context, mr_error *err)
{
    file_blobs *self = self_of(blobs);
    listed found = {0};
    mr_status status = walk(self, "", prefix, &found, err);
    if (found.count > 0)
        qsort(found.names, found.count, sizeof *found.names, compare_names);
    for (size_t i = 0; i < found.count; i++) {
        char path[PATH_MAX];
        struct stat stat_now;
        snprintf(path, sizeof path, "%s/%s", self->root, found.names[i]);
        if (status == MR_OK && stat(path, &stat_now) == 0) {
            mr_blob_facts facts = {.name = found.names[i],
                                   .size = (uint64_t)stat_now.st_size,
                                   .modified_ms = (int64_t)stat_now.st_mtim.tv_sec * 1000 +
                                                  stat_now.st_mtim.tv_nsec / 1000000};
            status = visit(context, &facts, err);
        }
        free(found.names[i]);
    }
    free(found.names);
    return status;
}

static mr_status remove_blob(mr_blobs *blobs, const char *name, mr_error *err)
{
    char path[PATH_MAX];
    mr_status status = path_of(self_of(blobs), name, path, err);
    if (status == MR_OK && unlink(path) != 0 && errno != ENOENT && errno != ENOTDIR)
        status = refused("remove", path, err);
    return status;
}

static mr_status digest(mr_blobs *blobs, const mr_blob_source *source, char to[MR_BLOB_DIGEST_SIZE],
                        mr_error *err)
{
    (void)blobs;
    return mr_sha256_source(source, to, err);
}

static void close_blobs(mr_blobs *blobs)
{
    file_blobs *self = self_of(blobs);
    free(self->root);
    free(self->piece);
    free(self);
}

static const mr_blobs_class file_class = {
    .put = put,
    .get = get,
    .list = list,
    .remove = remove_blob,
    .digest = digest,
    .close = close_blobs,
};

static void remove_leftovers(const file_blobs *self)
{
    char path[PATH_MAX];
    snprintf(path, sizeof path, "%s/" INCOMING, self->root);
    DIR *folder = opendir(path);
    const struct dirent *at;
    while (folder != NULL && (at = readdir(folder)) != NULL) {
        struct stat facts;
        if (fstatat(dirfd(folder), at->d_name, &facts, 0) == 0 && S_ISREG(facts.st_mode) &&
            facts.st_mtim.tv_sec < time(NULL) - LEFTOVER_SECONDS)
            (void)unlinkat(dirfd(folder), at->d_name, 0);
    }
    if (folder != NULL)
        closedir(folder);
}

mr_status mr_file_blobs_open(const char *path, mr_blobs **blobs, mr_error *err)
{
    if (path[0] != '/' || strlen(path) + MR_BLOB_NAME_MAX + 2 > PATH_MAX)
        return mr_error_set(err, MR_E_BLOB_ADDRESS,
                            "`file://%s` is no folder's absolute path of at most %u bytes", path,
                            PATH_MAX - MR_BLOB_NAME_MAX - 2);
    file_blobs *self = calloc(1, sizeof *self);
    MR_ASSERT(self != NULL);
    self->base.class = &file_class;
    self->root = strdup(path);
    self->piece = malloc(PIECE);
    MR_ASSERT(self->root != NULL && self->piece != NULL);
    for (size_t n = strlen(self->root); n > 1 && self->root[n - 1] == '/'; n--)
        self->root[n - 1] = '\0';
    remove_leftovers(self);
    *blobs = &self->base;
    return MR_OK;
}
