#include "engine/state/state_dir.h"

#include "engine/base/assert.h"
#include "engine/base/buffer.h"

#include <errno.h>
#include <fcntl.h>
#include <ftw.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/random.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#define ID_BYTES 16u
#define ID_DIGITS (2 * ID_BYTES)
#define HOLDER_MAX 256u

struct mr_state_dir {
    char *path;
    int lock;
    char instance[MR_STATE_INSTANCE_MAX + 1];
};

static mr_status refused(const char *what, const char *path, mr_error *err)
{
    return mr_error_set(err, MR_E_STORE_OPEN, "cannot %s %s: %s", what, path, strerror(errno));
}

/* Makes a directory and its missing parents. */
static mr_status make_directory(const char *path, mr_error *err)
{
    char part[MR_STATE_PATH_MAX];
    size_t length = strlen(path);
    if (length == 0 || length >= sizeof part)
        return mr_error_set(err, MR_E_STORE_OPEN, "bad path of %zu bytes for a state directory",
                            length);
    for (size_t i = 1; i <= length; i++) {
        if (path[i] != '/' && path[i] != '\0')
            continue;
        memcpy(part, path, i);
        part[i] = '\0';
        if (mkdir(part, 0777) != 0 && errno != EEXIST)
            return refused("make directory", part, err);
    }
    return MR_OK;
}

static mr_status path_in(const char *folder, const char *name, char *path, size_t size,
                         mr_error *err)
{
    int length = snprintf(path, size, "%s/%s", folder, name);
    if (length < 0 || (size_t)length >= size)
        return mr_error_set(err, MR_E_STORE_OPEN, "path too long: %s/%s", folder, name);
    return MR_OK;
}

/* Reads a small file whole; the length, or -1 with errno. */
static ssize_t read_small(int file, char *to, size_t size)
{
    size_t length = 0;
    while (length < size) {
        ssize_t got = pread(file, to + length, size - length, (off_t)length);
        if (got < 0 && errno == EINTR)
            continue;
        if (got < 0)
            return -1;
        if (got == 0)
            break;
        length += (size_t)got;
    }
    return (ssize_t)length;
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

/* Writes who we are into the lock file, for the message another worker prints. Best effort: the
 * lock is flock's, not the text's. */
static void name_holder(int lock)
{
    char host[64] = "";
    gethostname(host, sizeof host - 1);
    char text[HOLDER_MAX];
    int length = snprintf(text, sizeof text, "process %ld on %s", (long)getpid(), host);
    if (ftruncate(lock, 0) == 0 && length > 0)
        (void)write_all(lock, text, (size_t)length);
}

static mr_status take_lock(mr_state_dir *dir, mr_error *err)
{
    char path[MR_STATE_PATH_MAX];
    mr_status status = path_in(dir->path, "LOCK", path, sizeof path, err);
    if (status != MR_OK)
        return status;
    dir->lock = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0666);
    if (dir->lock < 0)
        return refused("open", path, err);
    if (flock(dir->lock, LOCK_EX | LOCK_NB) == 0) {
        name_holder(dir->lock);
        return MR_OK;
    }
    if (errno != EWOULDBLOCK)
        return refused("lock", path, err);
    char holder[HOLDER_MAX];
    ssize_t length = read_small(dir->lock, holder, sizeof holder - 1);
    holder[length > 0 ? length : 0] = '\0';
    return mr_error_set(err, MR_E_STORE_LOCKED,
                        "state directory %s is in use by %s; give each worker its own --state-dir",
                        dir->path, length > 0 ? holder : "another worker");
}

static bool is_instance(const char *text, size_t length)
{
    return length == ID_DIGITS && strspn(text, "0123456789abcdef") >= ID_DIGITS;
}

static mr_status make_instance(mr_state_dir *dir, const char *path, mr_error *err)
{
    unsigned char random[ID_BYTES];
    if (getrandom(random, sizeof random, 0) != (ssize_t)sizeof random)
        return refused("get random bytes for", path, err);
    for (size_t i = 0; i < ID_BYTES; i++)
        snprintf(dir->instance + 2 * i, 3, "%02x", random[i]);
    /* Whole or not at all: a half-written id would name another worker after the next start. */
    char fresh[MR_STATE_PATH_MAX + 8];
    snprintf(fresh, sizeof fresh, "%s.new", path);
    int file = open(fresh, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0666);
    if (file < 0)
        return refused("write", fresh, err);
    bool is_written = write_all(file, dir->instance, ID_DIGITS) && fsync(file) == 0;
    is_written = close(file) == 0 && is_written;
    if (!is_written || rename(fresh, path) != 0)
        return refused("write", path, err);
    int folder = open(dir->path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (folder >= 0) {
        (void)fsync(folder);
        close(folder);
    }
    return MR_OK;
}

static mr_status read_instance(mr_state_dir *dir, mr_error *err)
{
    char path[MR_STATE_PATH_MAX], text[ID_DIGITS + 2] = "";
    mr_status status = path_in(dir->path, "instance", path, sizeof path, err);
    if (status != MR_OK)
        return status;
    int file = open(path, O_RDONLY | O_CLOEXEC);
    if (file < 0)
        return errno == ENOENT ? make_instance(dir, path, err) : refused("read", path, err);
    ssize_t length = read_small(file, text, sizeof text - 1);
    close(file);
    if (length < 0)
        return refused("read", path, err);
    if (!is_instance(text, (size_t)length))
        return mr_error_set(err, MR_E_STORE_OPEN,
                            "%s holds no instance id (32 hexadecimal digits expected, %zd bytes "
                            "found); remove it to start under a new one",
                            path, length);
    memcpy(dir->instance, text, ID_DIGITS);
    return MR_OK;
}

mr_status mr_state_dir_open(const char *path, mr_state_dir **dir, mr_error *err)
{
    *dir = NULL;
    mr_status status = make_directory(path, err);
    if (status != MR_OK)
        return status;
    mr_state_dir *made = calloc(1, sizeof *made);
    MR_ASSERT(made != NULL);
    made->lock = -1;
    made->path = strdup(path);
    MR_ASSERT(made->path != NULL);
    status = take_lock(made, err);
    if (status == MR_OK)
        status = read_instance(made, err);
    if (status != MR_OK) {
        mr_state_dir_close(made);
        return status;
    }
    *dir = made;
    return MR_OK;
}

void mr_state_dir_close(mr_state_dir *dir)
{
    if (dir == NULL)
        return;
    if (dir->lock >= 0)
        close(dir->lock);
    free(dir->path);
    free(dir);
}

const char *mr_state_dir_path(const mr_state_dir *dir)
{
    return dir->path;
}

const char *mr_state_dir_instance(const mr_state_dir *dir)
{
    return dir->instance;
}

int mr_state_instance_shown(const char *instance)
{
    return is_instance(instance, strlen(instance)) ? 8 : MR_STATE_INSTANCE_MAX;
}

bool mr_state_dir_set_instance(mr_state_dir *dir, const char *instance)
{
    size_t length = strspn(instance, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"
                                     "0123456789._-");
    if (length == 0 || length > MR_STATE_INSTANCE_MAX || instance[length] != '\0')
        return false;
    memcpy(dir->instance, instance, length + 1);
    return true;
}

/* A job's name as one path component that gives the name back and is never "." or "..". */
static void put_component(mr_buffer *to, const char *name)
{
    for (const char *c = name; *c != '\0'; c++) {
        bool is_plain = (*c >= 'a' && *c <= 'z') || (*c >= 'A' && *c <= 'Z') ||
                        (*c >= '0' && *c <= '9') || *c == '_' || *c == '-' ||
                        (*c == '.' && c != name);
        if (is_plain)
            mr_buffer_put_u8(to, (uint8_t)*c);
        else
            mr_buffer_printf(to, "%%%02X", (unsigned)(unsigned char)*c);
    }
}

mr_status mr_state_dir_task(const mr_state_dir *dir, const char *job, uint32_t task,
                            bool make_parents, char *path, size_t path_size, mr_error *err)
{
    mr_buffer text = {0};
    mr_buffer_printf(&text, "%s/", dir->path);
    put_component(&text, job);
    mr_buffer_put_u8(&text, '\0');
    mr_status status = make_parents ? make_directory(text.data, err) : MR_OK;
    if (status == MR_OK) {
        int length = snprintf(path, path_size, "%s/task-%u", text.data, task);
        if (length < 0 || (size_t)length >= path_size)
            status =
                mr_error_set(err, MR_E_STORE_OPEN, "path too long: %s/task-%u", text.data, task);
    }
    mr_buffer_release(&text);
    return status;
}

mr_status mr_state_dir_quarantine(const mr_state_dir *dir, const char *job, uint32_t task,
                                  char *where, size_t where_size, mr_error *err)
{
    char path[MR_STATE_PATH_MAX], aside[MR_STATE_PATH_MAX + 64], stamp[32];
    mr_status status = mr_state_dir_task(dir, job, task, false, path, sizeof path, err);
    if (status != MR_OK)
        return status;
    time_t now = time(NULL);
    struct tm utc;
    gmtime_r(&now, &utc);
    strftime(stamp, sizeof stamp, "%Y%m%dT%H%M%SZ", &utc);
    /* rename() would replace an empty directory of that name, so look first: the lock is ours. */
    struct stat there;
    snprintf(aside, sizeof aside, "%s.damaged-%s", path, stamp);
    for (int n = 2; lstat(aside, &there) == 0; n++)
        snprintf(aside, sizeof aside, "%s.damaged-%s-%d", path, stamp, n);
    if (rename(path, aside) != 0)
        return refused("put aside", path, err);
    snprintf(where, where_size, "%s", aside);
    return MR_OK;
}

static int remove_one(const char *path, const struct stat *stat, int kind, struct FTW *ftw)
{
    (void)stat;
    (void)kind;
    (void)ftw;
    return remove(path);
}

mr_status mr_state_dir_remove(const mr_state_dir *dir, const char *job, uint32_t task,
                              mr_error *err)
{
    char path[MR_STATE_PATH_MAX];
    mr_status status = mr_state_dir_task(dir, job, task, false, path, sizeof path, err);
    if (status != MR_OK)
        return status;
    if (nftw(path, remove_one, 16, FTW_DEPTH | FTW_PHYS) != 0 && errno != ENOENT)
        return refused("remove", path, err);
    return MR_OK;
}
