/*
 * What a file source gives of some bytes, kept to be compared: the offset, length and hash of each
 * record, and where it said that something was wrong. The bytes lie in a file without a name, so
 * that a target that is called thousands of times a second touches no disk.
 */
#ifndef MR_TESTS_HARNESS_FILE_RECORDS_H
#define MR_TESTS_HARNESS_FILE_RECORDS_H

#include "connectors/formats/format.h"
#include "connectors/local/files/reader.h"

#define MR_FILE_RECORDS_MAX 4096 /* more are not read */

typedef struct mr_file_seen {
    int64_t offset;
    uint64_t hash; /* of the value; 0 for a flaw */
    bool is_flaw;
} mr_file_seen;

typedef struct mr_file_records {
    uint32_t count, flaws;
    bool is_whole; /* read to its end */
    mr_file_seen seen[MR_FILE_RECORDS_MAX];
} mr_file_records;

/* Reads `bytes` as a file of the format from `offset` on, `rows_max` records at a time. Asserts
 * what the reader promises on any bytes: offsets rise, nothing below `offset` comes, and it
 * ends. */
void mr_file_records_read(mr_format_use use, const char *bytes, size_t length, int64_t offset,
                          uint32_t rows_max, mr_file_records *records);

#endif
