/*
 * One input of a file reader: a file, or a share of a folder with the file it stands in.
 *
 *   folder -> path -> content -> bytes -> splitter -> records
 *
 * Thread: one at a time. Memory: all its own.
 */
#ifndef MR_CONNECTORS_LOCAL_FILES_INPUT_H
#define MR_CONNECTORS_LOCAL_FILES_INPUT_H

#include "connectors/local/files/content.h"
#include "connectors/local/files/folder.h"
#include "connectors/local/files/reader.h"

typedef struct mr_file_input {
    const mr_file_reader_config *config;
    uint32_t number; /* the engine's */
    int32_t partition;
    bool is_paused;
    bool is_folder;
    mr_folder folder;
    bool is_looked;      /* the folder was listed */
    int64_t looked_ms;   /* monotonic, when last */
    char *path;          /* the file it stands in; NULL: in none yet */
    bool is_path_read;   /* nothing of `path` is left */
    mr_content *content; /* NULL: the file is not open */
    mr_splitter *splitter;
    mr_buffer bytes; /* read from the content, [at..) not cut yet */
    size_t at;
    int64_t offset;      /* in the content, of bytes[at] */
    int64_t done_below;  /* records of smaller offset were processed in a former life */
    int64_t offset_last; /* of the last record cut from this file; -1: none */
    bool is_content_end;
    bool is_resyncing; /* within a bad record */
    int64_t passed;    /* bytes of files read to their end: `position` never goes back */
    mr_buffer place;
    bool is_place_new;
    mr_record_flaw flaw;
    char flaw_message[600];
    mr_buffer flaw_bytes;
} mr_file_input;

/* `offset` in the file `topic`, which is the reader's path or a file of its folder. */
mr_status mr_file_input_open(const mr_file_reader_config *config, uint32_t number,
                             const char *topic, int32_t share, uint32_t shares_count,
                             int64_t offset, mr_file_input **input, mr_error *err) MR_MUST_USE;
void mr_file_input_close(mr_file_input *input);

/* What a former life knew besides the offset; before the first fetch. */
mr_status mr_file_input_resume(mr_file_input *input, const char *place, size_t length,
                               mr_error *err) MR_MUST_USE;

/* Up to `rows_max` records into `record`; fills `records`; count 0: there are none now. */
mr_status mr_file_input_fetch(mr_file_input *input, mr_record *record, uint32_t rows_max,
                              mr_records *records, mr_error *err) MR_MUST_USE;

mr_status mr_file_input_ends(mr_file_input *input, mr_input_ends *ends, mr_error *err) MR_MUST_USE;

#endif
