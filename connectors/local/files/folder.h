/*
 * Folder: the files of one share of a folder, in the order in which they are read.
 *
 * All regular files below the folder, folders in it too (at most 32 deep, no links to folders),
 * without those whose name, or a folder's on the way, begins with `.` or `_`. Each file belongs to
 * one share by the hash of its path below the folder, so adding files moves none. A share reads in
 * byte order of the paths.
 *
 * Looked at once, a share stands at a file and all before it by name are done. Looked at again and
 * again (monitored), files come late under any name, so what is done is remembered by hash: XXH3-64
 * of the path below the folder; a done file that is gone from the folder is forgotten. At most
 * MR_FOLDER_DONE_MAX done files may lie in a monitored share.
 *
 * A place (what an epoch record keeps of a monitored share), little-endian:
 *   version u8 1 | count varint | hashes u64 each, rising
 *
 * Thread: one at a time. Memory: the names of what is still to be read.
 */
#ifndef MR_CONNECTORS_LOCAL_FILES_FOLDER_H
#define MR_CONNECTORS_LOCAL_FILES_FOLDER_H

#include "engine/base/buffer.h"
#include "engine/base/error.h"

#define MR_FOLDER_DONE_MAX 65536u

typedef struct mr_folder_file {
    char *path;
    int64_t bytes;
} mr_folder_file;

typedef struct mr_folder {
    char *path;
    uint32_t share, shares_count;
    bool is_monitored;
    mr_folder_file *files; /* to be read, [next..count) */
    uint32_t next, count, capacity;
    uint64_t *done; /* rising; monitored only */
    uint32_t done_count, done_capacity;
} mr_folder;

void mr_folder_init(mr_folder *folder, const char *path, uint32_t share, uint32_t shares_count,
                    bool is_monitored);
void mr_folder_release(mr_folder *folder);

/* Lists anew. `current` is the file being read (NULL: none): it is left out, and so is what is
 * done: not monitored, everything before it by name. MR_E_ENVIRONMENT when the folder cannot be
 * read, or holds too many done files. */
mr_status mr_folder_look(mr_folder *folder, const char *current, mr_error *err) MR_MUST_USE;

/* The next file; NULL: none at the moment. The caller frees it. */
char *mr_folder_take(mr_folder *folder);

/* Monitored: the file is done. */
void mr_folder_finish(mr_folder *folder, const char *path);

/* Sum of the sizes that the files to be read had when they were listed. */
int64_t mr_folder_bytes(const mr_folder *folder);

/* The done files as a place, and back. MR_E_ENVIRONMENT when the bytes are none. */
void mr_folder_put_place(const mr_folder *folder, mr_buffer *to);
mr_status mr_folder_set_place(mr_folder *folder, const char *place, size_t length,
                              mr_error *err) MR_MUST_USE;

#endif
