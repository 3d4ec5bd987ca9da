/*
 * Splitter: what a format knows about where records begin and end in a file.
 *
 * A topic has records; a file has bytes. The file reader (connectors/local/files) hands a splitter
 * what it holds of a file's content, front first, and gets whole records; it knows nothing of
 * lines, quotes or blocks itself. Text formats take mr_lines_new; a format whose records may hold
 * line ends (csv), or that is a container of blocks (a header, then blocks of many records) brings
 * its own: mr_format.splitter_new.
 *
 * Contract
 *   offsets   of the records of a file rise strictly, and are the same each time the file is read.
 *             Where `is_seekable`, an offset is the byte at which the record begins, and cutting
 *             may begin anew at it. Where not (a header is needed), offsets may be any rising
 *             numbers, and the reader begins at byte 0 and drops records up to where it stood.
 *   begin     before the first bytes of a file are cut.
 *   cut       takes records off the front. Values may point into `bytes` or into the splitter's own
 *             memory; both hold until the next call. Neither a record nor a byte taken: more bytes
 *             are needed (with `is_end`: what is left is nothing). May give records and take no
 *             byte: a block of which more records follow.
 *             An error says that the content at the front is damaged: its code and message go into
 *             a dead letter, then `resync` looks for where cutting can go on. Records in front of
 *             it go first: with records the error is not looked at, and expected again.
 *   resync    drops bytes of a bad record: returns how many, and whether cutting goes on behind
 *             them. Not found: all of them are dropped, more are asked for.
 *
 * Thread: one at a time. Memory: `bytes` is the caller's.
 */
#ifndef MR_CONNECTORS_FORMATS_SPLITTER_H
#define MR_CONNECTORS_FORMATS_SPLITTER_H

#include "engine/base/error.h"
#include "engine/batch/record.h"

#include <stdbool.h>
#include <stddef.h>

typedef struct mr_splitter mr_splitter;

typedef struct mr_split {
    const char *bytes; /* the content from byte `offset` on, as far as it was read */
    size_t length;
    int64_t offset;
    bool is_end;       /* nothing follows these bytes */
    mr_record *record; /* room for records_max */
    uint32_t records_max;

    uint32_t count;     /* out: records made */
    size_t taken;       /* out: bytes done with */
    int64_t bad_offset; /* out, with an error: offset of the bad record, `offset` unless set */
} mr_split;

typedef struct mr_splitter_class {
    bool is_seekable;
    void (*begin)(mr_splitter *splitter);
    mr_status (*cut)(mr_splitter *splitter, mr_split *split, mr_error *err);
    size_t (*resync)(mr_splitter *splitter, const char *bytes, size_t length, bool *is_found);
    void (*free)(mr_splitter *splitter);
} mr_splitter_class;

struct mr_splitter {
    const mr_splitter_class *class;
};

/* Lines: a record ends before `\n` or `\r\n`; the last one need not. Empty lines are no records. */
mr_splitter *mr_lines_new(void);

/* What lines and csv have in common: a record without key and timestamp. */
static inline mr_record mr_split_record(const char *value, size_t length, int64_t offset)
{
    return (mr_record){.offset = offset,
                       .timestamp_ms = MR_TIME_NONE,
                       .value = value,
                       .value_length = (uint32_t)length};
}

/* Text formats go on behind the next line end. */
size_t mr_lines_resync(mr_splitter *splitter, const char *bytes, size_t length, bool *is_found);

#endif
