#include "engine/state/folder.h"

#include "engine/base/assert.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <ftw.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static mr_status refused(const char *what, const char *path, const char *file, mr_error *err)
{
    return mr_error_set(err, MR_E_STORE_WRITE, "cannot %s %s/%s: %s", what, path, file,
                        strerror(errno));
}

char *mr_folder_beside(const char *path, const char *suffix)
{
    char *made;
    int length = asprintf(&made, "%s%s", path, suffix);
    MR_ASSERT(length > 0);
    return made;
}

static int remove_one(const char *path, const struct stat *stat, int kind, struct FTW *ftw)
{
    (void)stat;
    (void)kind;
    (void)ftw;
    return remove(path);
}

mr_status mr_folder_remove(const char *path, mr_error *err)
{
    if (nftw(path, remove_one, 16, FTW_DEPTH | FTW_PHYS) != 0 && errno != ENOENT)
        return refused("remove", path, "", err);
    return MR_OK;
}

static int open_in(const char *path, const char *file, int flags)
{
    char whole[PATH_MAX];
    if (snprintf(whole, sizeof whole, "%s/%s", path, file) >= (int)sizeof whole) {
        errno = ENAMETOOLONG;
        return -1;
    }
    return open(whole, flags | O_CLOEXEC, 0666);
}

mr_status mr_folder_read(const char *path, const char *file, uint64_t offset, char *to,
                         size_t length, mr_error *err)
{
    int open_file = open_in(path, file, O_RDONLY);
    if (open_file < 0)
        return refused("read", path, file, err);
    mr_status status = MR_OK;
    while (status == MR_OK && length > 0) {
        ssize_t got = pread(open_file, to, length, (off_t)offset);
        if (got < 0 && errno == EINTR)
            continue;
        if (got < 0)
            status = refused("read", path, file, err);
        else if (got == 0)
            status = mr_error_set(err, MR_E_STORE_WRITE, "%s/%s ends early", path, file);
        else
            to += got, length -= (size_t)got, offset += (uint64_t)got;
    }
    close(open_file);
    return status;
}

mr_status mr_folder_write(const char *path, const char *file, uint64_t offset, const char *bytes,
                          size_t length, mr_error *err)
{
    int open_file = open_in(path, file, O_WRONLY | (offset == 0 ? O_CREAT | O_TRUNC : 0));
    if (open_file < 0)
        return refused("write", path, file, err);
    mr_status status = MR_OK;
    while (status == MR_OK && length > 0) {
        ssize_t put = pwrite(open_file, bytes, length, (off_t)offset);
        if (put < 0 && errno == EINTR)
            continue;
        if (put <= 0)
            status = refused("write", path, file, err);
        else
            bytes += put, length -= (size_t)put, offset += (uint64_t)put;
    }
    if (close(open_file) != 0 && status == MR_OK)
        status = refused("close", path, file, err);
    return status;
}

static mr_status flush_one(const char *path, const char *file, int flags, mr_error *err)
{
    int open_file = open_in(path, file, flags);
    if (open_file < 0)
        return refused("open", path, file, err);
    mr_status status = fsync(open_file) == 0 ? MR_OK : refused("flush", path, file, err);
    close(open_file);
    return status;
}

mr_status mr_folder_flush(const char *path, mr_error *err)
{
    DIR *folder = opendir(path);
    if (folder == NULL)
        return refused("list", path, "", err);
    const struct dirent *at;
    mr_status status = MR_OK;
    while (status == MR_OK && (at = readdir(folder)) != NULL)
        if (at->d_name[0] != '.')
            status = flush_one(path, at->d_name, O_RDONLY, err);
    closedir(folder);
    return status == MR_OK ? flush_one(path, "", O_RDONLY | O_DIRECTORY, err) : status;
}
