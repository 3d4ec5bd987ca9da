/*
 * Kept rows of one key in one bucket: a list in a slice of a side's table.
 *
 *   key            -> | chunks behind this one * 2: varint | row | row | ..
 *   key + u32 n    -> | 1                                  | row | ..      chunk n = 1, 2, ..
 *   row            =  | flags u8 | length of the rest: varint | time - bucket's start: zigzag |
 *                     [ place u32 | offset zigzag | arrival - time zigzag ] | columns: codec.h |
 *
 * A key is followed by no other key (engine/state/key.h), so no chunk's key is a key. A chunk is
 * closed at about a kilobyte: that is what a delta has to say about a change. The part in brackets
 * is there where both sides are rows of one source: which partition the row is from (place), its
 * offset, and the watermark it was judged by. Thread: the engine's. Memory: the slice's arena.
 */
#ifndef MR_OPERATORS_JOIN_LIST_H
#define MR_OPERATORS_JOIN_LIST_H

#include "engine/batch/record.h"
#include "engine/state/state.h"
#include "operators/join/varint.h"

#include <endian.h>
#include <string.h>

#define MR_JOIN_CHUNK_BYTES 1024u
#define MR_JOIN_ROW_SETTLED 1u /* flags of a row: matched or padded */
#define MR_JOIN_ROW_NO_ARRIVAL 2u
#define MR_JOIN_NUMBER_SIZE 4u /* of a chunk, behind the key */

typedef struct mr_join_list {
    char *bytes;
    uint32_t length, capacity;
    uint32_t chunks; /* of chunk 0: how many are behind it */
    bool is_behind;  /* not chunk 0 */
} mr_join_list;

/* Where a row came from and what it was judged by. */
typedef struct mr_join_origin {
    uint32_t place;
    int64_t offset;
    int64_t arrival_ms;
} mr_join_origin;

typedef struct mr_join_row {
    uint32_t at;     /* where it starts in the list */
    bool is_settled; /* matched or padded */
    int64_t time_ms;
    mr_join_origin origin; /* where lists have them */
    mr_string bytes;       /* columns */
} mr_join_row;

/* How the rows of a table are laid out. */
typedef struct mr_join_layout {
    int64_t bucket_ms;
    bool has_origins;
} mr_join_layout;

/* The table of a side; `layout` is borrowed. */
mr_table *mr_join_table(mr_state *state, const char *name, const mr_join_layout *layout);

/* The bucket of a time, the first and the last time of a bucket. */
int64_t mr_join_bucket(const mr_join_layout *layout, int64_t time_ms);
int64_t mr_join_bucket_start(const mr_join_layout *layout, int64_t bucket);
int64_t mr_join_bucket_last(const mr_join_layout *layout, int64_t bucket);

/* The row at *at, which moves behind it; false at the end. */
bool mr_join_list_next(const mr_join_layout *layout, int64_t bucket, const mr_join_list *list,
                       uint32_t *at, mr_join_row *row);

/* The same in two steps, for who asks for the time first: a row out of reach needs no more. */
typedef struct mr_join_walk {
    const char *next; /* behind what was read of the row */
    const char *end;  /* of the row: the next one begins here */
    uint8_t flags;
} mr_join_walk;

/* Sets at, is_settled and time_ms of the row at `at`, in a bucket that starts at `start_ms`. */
static inline mr_join_walk mr_join_walk_begin(const mr_join_list *list, uint32_t at,
                                              int64_t start_ms, mr_join_row *row)
{
    mr_join_walk walk = {.next = list->bytes + at};
    walk.flags = (uint8_t)*walk.next++;
    uint64_t rest = mr_join_varint(&walk.next);
    walk.end = walk.next + rest;
    row->at = at;
    row->is_settled = (walk.flags & MR_JOIN_ROW_SETTLED) != 0;
    row->time_ms = start_ms + mr_join_zigzag(&walk.next);
    return walk;
}

/* Sets the rest. */
static inline void mr_join_walk_end(const mr_join_layout *layout, mr_join_walk walk,
                                    mr_join_row *row)
{
    if (layout->has_origins) {
        uint32_t place;
        memcpy(&place, walk.next, sizeof place);
        walk.next += sizeof place;
        row->origin.place = le32toh(place);
        row->origin.offset = mr_join_zigzag(&walk.next);
        int64_t after = mr_join_zigzag(&walk.next);
        row->origin.arrival_ms =
            (walk.flags & MR_JOIN_ROW_NO_ARRIVAL) != 0 ? MR_TIME_NONE : row->time_ms + after;
    }
    row->bytes = (mr_string){.length = (uint32_t)(walk.end - walk.next), .bytes = walk.next};
}

/* Chunk `number` of the list of `key`; NULL: there is none. */
mr_join_list *mr_join_list_chunk(mr_slice *slice, mr_string key, uint32_t number);

/* Writes a row as it stands in a list of `bucket`. */
void mr_join_row_write(const mr_join_layout *layout, int64_t bucket, const mr_join_row *row,
                       mr_buffer *to);

/* Appends a written row to the list of `key`, whose chunk 0 is `head` and dirty. *at: where it
 * lies in the chunk that is returned. */
mr_join_list *mr_join_list_append(mr_slice *slice, mr_string key, mr_join_list *head,
                                  const mr_buffer *row, uint32_t *at);

/* The row at `at` is matched or padded. */
void mr_join_list_settle(mr_slice *slice, mr_join_list *list, uint32_t at);

#endif
