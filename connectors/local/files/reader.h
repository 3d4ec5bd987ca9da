/*
 * File reader: records of a file, or of a folder's files one after the other.
 *
 * A splitter says where records begin and end; without one they are lines. A record's offset is
 * what its splitter gives it (lines: the byte at which the line begins, of an archive in what it
 * unpacks to), its topic the file. Going on at an offset goes on behind the record before it: what
 * an engine keeps as next offset is the offset of the last record + 1.
 *
 * A folder is cut into as many shares as the job has tasks, one input each (see folder.h). An input
 * of a folder stands in one file: its records bring the file's path as topic, and it is added again
 * with that path. Without `monitor_ms` the folder is what it was when the share was first looked
 * at, and ends with its last file; with it, it is looked into again every so often, and never ends.
 * A file ends where it ends when it is read: files must appear whole (be renamed into the folder).
 *
 * A record longer than MR_FILE_RECORD_MAX, a damaged archive and a file that has gone are flawed
 * records of codes.h: the engine dead-letters them and goes on with the next line, or file.
 * Thread: one at a time. Memory: per input one buffer of the longest record, at least 1 MiB.
 */
#ifndef MR_CONNECTORS_LOCAL_FILES_READER_H
#define MR_CONNECTORS_LOCAL_FILES_READER_H

#include "connectors/formats/splitter.h"
#include "engine/run/plan.h"

#define MR_FILE_RECORD_MAX ((size_t)16 << 20)
#define MR_FILE_FLAW_BYTES_MAX ((size_t)4096) /* kept of a flawed record */

typedef struct mr_file_reader_config {
    const char *path;   /* a file or a folder */
    int64_t monitor_ms; /* a folder is looked into again after so long; 0: never */
    /* NULL: lines. */
    mr_status (*make_splitter)(const void *config, mr_splitter **splitter, mr_error *err);
    const void *splitter_config;
} mr_file_reader_config;

/* Both take an mr_file_reader_config: fit mr_reader_factory. */
mr_status mr_file_reader_splits(const void *config, uint32_t tasks_count, mr_arena *arena,
                                const char ***names, uint32_t *count, mr_error *err);
mr_status mr_file_reader_open(const void *config, uint32_t tasks_count, mr_log_reader **reader,
                              mr_error *err);

#endif
