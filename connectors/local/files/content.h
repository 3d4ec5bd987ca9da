/*
 * Content: the bytes of one file, unpacked on the way when it is compressed.
 *
 * A file is gzip or zstd when its first bytes say so; one named *.gz, *.gzip, *.zst or *.zstd that
 * does not begin like that is damaged. An empty file is empty whatever its name. Positions count
 * unpacked bytes. Thread: one at a time. Memory: 64 KiB and the unpacker's window.
 */
#ifndef MR_CONNECTORS_LOCAL_FILES_CONTENT_H
#define MR_CONNECTORS_LOCAL_FILES_CONTENT_H

#include "engine/base/error.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

typedef struct mr_content mr_content;

/* MR_E_FILE_GONE when there is no such file, else MR_E_ENVIRONMENT. */
mr_status mr_content_open(const char *path, mr_content **content, mr_error *err) MR_MUST_USE;
void mr_content_close(mr_content *content);

/* Up to `room` more bytes; *length 0: the end, for now (a plain file may have grown when asked
 * again). MR_E_FILE_DAMAGED: nothing more can be read; the message says where and why. */
mr_status mr_content_read(mr_content *content, char *to, size_t room, size_t *length,
                          mr_error *err) MR_MUST_USE;

/* Goes `bytes` on without giving them out; stops at the end. A plain file is not read for it. */
mr_status mr_content_skip(mr_content *content, int64_t bytes, mr_error *err) MR_MUST_USE;

/* Bytes of the file that were not read yet (packed ones of an archive); at least 1 while an archive
 * has not ended. */
int64_t mr_content_left(const mr_content *content);

bool mr_content_is_packed(const mr_content *content);

#endif
