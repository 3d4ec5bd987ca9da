/*
 * Rows that a join has taken but not yet joined, in order of their coming: table "rest", one slice.
 *
 *   u64 number -> | side 1 bit, is_matched 2nd bit: u8 | time | arrival: zigzag
 *                 | cursor: bucket zigzag, chunk, place in it: varint | place u32, offset zigzag
 *                 | key: varint + bytes | columns (codec.h): varint + bytes |
 *
 * Only the first row's cursor moves. The slice is dropped when the last row leaves. Thread: the
 * engine's.
 */
#ifndef MR_OPERATORS_JOIN_QUEUE_H
#define MR_OPERATORS_JOIN_QUEUE_H

#include "operators/join/list.h"

/* Where among the other side's rows a row goes on; `bucket` MR_TIME_NONE: at the beginning. */
typedef struct mr_join_cursor {
    int64_t bucket;
    uint32_t chunk;
    uint32_t at;
} mr_join_cursor;

typedef struct mr_join_waiting {
    uint8_t side;
    bool is_matched;
    int64_t time_ms;
    mr_join_origin origin; /* arrival_ms always; the rest where lists have it */
    mr_join_cursor cursor;
    mr_string key, bytes;
} mr_join_waiting;

typedef struct mr_join_queue {
    mr_table *table;
    uint64_t first, end; /* numbers of the first row and behind the last */
} mr_join_queue;

void mr_join_queue_open(mr_join_queue *queue, mr_state *state, const char *name);

/* State is loaded: finds first and end. */
void mr_join_queue_restored(mr_join_queue *queue);

static inline uint64_t mr_join_queue_count(const mr_join_queue *queue)
{
    return queue->end - queue->first;
}

/* Appends a row; what it points to is copied. */
void mr_join_queue_put(mr_join_queue *queue, const mr_join_waiting *row);

/* The i-th row, i < count; borrowed until it is removed. */
const mr_join_waiting *mr_join_queue_at(mr_join_queue *queue, uint64_t i);

/* The first row goes on at `cursor`. */
void mr_join_queue_move(mr_join_queue *queue, mr_join_cursor cursor, bool is_matched);

/* Removes the first `count` rows. */
void mr_join_queue_take(mr_join_queue *queue, uint64_t count);

#endif
