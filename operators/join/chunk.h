/*
 * Lists, parsed: the rows of a hot key come many to a batch, and each would parse the same kept
 * rows again. Lists do not change while rows are looked up in the other side's, so what was parsed
 * holds for that call.
 *
 * Thread: the engine's. Memory: the batch's arena, for MR_JOIN_PARSED_MAX rows; what comes beyond
 * is parsed into one chunk that is used again and again.
 */
#ifndef MR_OPERATORS_JOIN_CHUNK_H
#define MR_OPERATORS_JOIN_CHUNK_H

#include "engine/base/arena.h"
#include "operators/join/list.h"

#define MR_JOIN_PARSED_MAX 32768u

/* A kept row, and its place among those of the pairs under way. */
typedef struct mr_join_parsed {
    mr_join_row row;
    uint32_t round; /* of the pairs in which `place` was given; 0: none */
    uint32_t place;
} mr_join_parsed;

typedef struct mr_join_chunk {
    const mr_join_list *list; /* NULL: an empty place in the table of chunks */
    mr_join_parsed *rows;
    uint32_t count, capacity;
    int64_t arrival_ms;   /* the latest of its rows; MR_TIME_NONE, the least, where none is known */
    mr_join_list *behind; /* the next chunk of its list, when somebody has looked for it */
} mr_join_chunk;

/* Zeroed but for arena and layout. */
typedef struct mr_join_chunks {
    mr_arena *arena;
    const mr_join_layout *layout;
    mr_join_chunk *table; /* by address of the list, open addressing */
    uint32_t count, capacity;
    uint32_t rows_count; /* parsed to stay */
    mr_join_chunk spare; /* for the others */
} mr_join_chunks;

/* The rows of one list (a chunk 0 or one behind it) of `bucket`; good until the next call. */
mr_join_chunk *mr_join_chunks_get(mr_join_chunks *chunks, int64_t bucket, const mr_join_list *list);

#endif
