#include "engine/state/rocksdb_image.h"

#include "engine/base/assert.h"
#include "engine/state/folder.h"
#include "engine/state/rocksdb_marker.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define LEVEL_WARN 2

typedef struct rocksdb_image {
    mr_store_image base; /* first */
    char *path;
    mr_store_file *files;
    uint32_t count, capacity;
} rocksdb_image;

static mr_status refused(const char *what, const char *path, mr_error *err)
{
    return mr_error_set(err, MR_E_STORE_WRITE, "cannot %s %s: %s", what, path, strerror(errno));
}

static mr_status failed(const char *what, const char *path, char *message, mr_error *err)
{
    mr_status status =
        strncmp(message, "Corruption", 10) == 0 ? MR_E_STORE_DAMAGED : MR_E_STORE_WRITE;
    mr_error_set(err, status, "cannot %s %s: %s", what, path, message);
    rocksdb_free(message);
    return status;
}

static mr_status image_read(mr_store_image *base, uint32_t file, uint64_t offset, char *to,
                            size_t length, mr_error *err)
{
    const rocksdb_image *image = (const rocksdb_image *)base;
    MR_ASSERT(file < image->count);
    return mr_folder_read(image->path, image->files[file].name, offset, to, length, err);
}

static void image_close(mr_store_image *base)
{
    rocksdb_image *image = (rocksdb_image *)base;
    mr_error ignored;
    (void)!mr_folder_remove(image->path, &ignored); /* else the next image does */
    for (uint32_t i = 0; i < image->count; i++)
        free((char *)(uintptr_t)image->files[i].name);
    free(image->files);
    free(image->path);
    free(image);
}

static const mr_store_image_class image_class = {.read = image_read, .close = image_close};

static mr_status make_links(rocksdb_t *db, const char *path, mr_error *err)
{
    char *message = NULL;
    rocksdb_checkpoint_t *maker = rocksdb_checkpoint_object_create(db, &message);
    if (message != NULL)
        return failed("link", path, message, err);
    rocksdb_checkpoint_create(maker, path, 0, &message); /* 0: flushes first, always */
    rocksdb_checkpoint_object_destroy(maker);
    return message == NULL ? MR_OK : failed("link", path, message, err);
}

static int compare_files(const void *left, const void *right)
{
    return strcmp(((const mr_store_file *)left)->name, ((const mr_store_file *)right)->name);
}

static mr_status list_files(rocksdb_image *image, mr_error *err)
{
    DIR *folder = opendir(image->path);
    if (folder == NULL)
        return refused("list", image->path, err);
    const struct dirent *at;
    mr_status status = MR_OK;
    while (status == MR_OK && (at = readdir(folder)) != NULL) {
        struct stat facts;
        if (at->d_name[0] == '.')
            continue;
        if (fstatat(dirfd(folder), at->d_name, &facts, 0) != 0) {
            status = refused("look at", at->d_name, err);
            continue;
        }
        if (image->count == image->capacity) {
            image->capacity = image->capacity != 0 ? image->capacity * 2 : 16;
            image->files = realloc(image->files, image->capacity * sizeof *image->files);
            MR_ASSERT(image->files != NULL);
        }
        char *name = strdup(at->d_name);
        MR_ASSERT(name != NULL);
        image->files[image->count++] = (mr_store_file){name, (uint64_t)facts.st_size};
    }
    closedir(folder);
    if (image->count > 0)
        qsort(image->files, image->count, sizeof *image->files, compare_files);
    image->base.files_count = image->count;
    image->base.files = image->files;
    return status;
}

/* Opening writes a log of RocksDB's own beside the files, which are listed before. */
static mr_status read_marker(rocksdb_image *image, mr_error *err)
{
    char *message = NULL;
    rocksdb_options_t *options = rocksdb_options_create();
    rocksdb_options_set_info_log_level(options, LEVEL_WARN);
    rocksdb_t *db = rocksdb_open_for_read_only(options, image->path, 0, &message);
    mr_status status = message == NULL ? MR_OK : failed("open", image->path, message, err);
    if (status == MR_OK) {
        rocksdb_readoptions_t *read = rocksdb_readoptions_create();
        size_t length;
        char *bytes = rocksdb_get(db, read, MR_ROCKSDB_MARKER_KEY, MR_ROCKSDB_MARKER_KEY_LENGTH,
                                  &length, &message);
        if (message != NULL)
            status = failed("read", image->path, message, err);
        else if (bytes != NULL)
            status = mr_rocksdb_marker_decode(image->path, bytes, length, &image->base.marker, err);
        rocksdb_free(bytes);
        rocksdb_readoptions_destroy(read);
        rocksdb_close(db);
    }
    rocksdb_options_destroy(options);
    return status;
}

mr_status mr_rocksdb_image_make(rocksdb_t *db, const char *path, mr_store_image **made,
                                mr_error *err)
{
    rocksdb_image *image = calloc(1, sizeof *image);
    MR_ASSERT(image != NULL);
    image->base.class = &image_class;
    image->path = mr_folder_beside(path, ".image");
    mr_status status = mr_folder_remove(image->path, err); /* of a process that died */
    if (status == MR_OK)
        status = make_links(db, image->path, err);
    if (status == MR_OK)
        status = list_files(image, err);
    if (status == MR_OK)
        status = read_marker(image, err);
    if (status == MR_OK && !image->base.marker.is_present)
        image->base.files_count = 0;
    if (status != MR_OK) {
        image_close(&image->base);
        return status;
    }
    *made = &image->base;
    return MR_OK;
}
