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

#include "engine/state/state.h"

#define MR_JOIN_CHUNK_BYTES 1024u
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
