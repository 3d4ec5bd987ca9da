/*
 * File reader: lines of a file as records. One split a file; a record's offset is the byte at which
 * its line starts, its value the line without its end, its key NULL, no timestamp.
 *
 * Starting at an offset within a line starts with the next line: what an engine keeps as next
 * offset (offset of the last record + 1) is such a place.
 *
 * A folder gives one split per regular file in it (names starting with `.` or `_` left out), in
 * order of names. A file ends where it ends now: a last line without a line end counts. Empty lines
 * are skipped. Thread: one at a time. Memory: one buffer of the longest line, at least 1 MiB.
 */
#ifndef MR_CONNECTORS_LOCAL_FILE_READER_H
#define MR_CONNECTORS_LOCAL_FILE_READER_H

#include "engine/run/plan.h"

#define MR_FILE_LINE_MAX ((size_t)16 << 20)

typedef struct mr_file_reader_config {
    const char *path; /* a file or a folder */
} mr_file_reader_config;

/* Both take an mr_file_reader_config: fit mr_reader_factory. */
mr_status mr_file_reader_splits(const void *config, mr_arena *arena, const char ***names,
                                uint32_t *count, mr_error *err);
mr_status mr_file_reader_open(const void *config, mr_log_reader **reader, mr_error *err);

#endif
