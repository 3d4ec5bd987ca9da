#include "operators/join/chunk.h"

#include <string.h>

#define CAPACITY_MIN 64u
#define ROWS_MIN 16u

static void append(mr_join_chunk *chunk, const mr_join_row *row, mr_arena *arena)
{
    if (chunk->count == chunk->capacity) {
        uint32_t capacity = chunk->capacity > 0 ? chunk->capacity * 2 : ROWS_MIN;
        mr_join_parsed *grown = mr_arena_alloc(arena, capacity * sizeof *grown);
        if (chunk->count > 0)
            memcpy(grown, chunk->rows, chunk->count * sizeof *grown);
        chunk->rows = grown;
        chunk->capacity = capacity;
    }
    mr_join_parsed *parsed = &chunk->rows[chunk->count++];
    parsed->row = *row;
    parsed->round = 0;
}

static void parse(mr_join_chunks *chunks, int64_t bucket, const mr_join_list *list,
                  mr_join_chunk *chunk)
{
    chunk->list = list;
    chunk->behind = NULL;
    chunk->arrival_ms = MR_TIME_NONE;
    chunk->count = 0;
    int64_t start_ms = mr_join_bucket_start(chunks->layout, bucket);
    mr_join_row row = {.origin.arrival_ms = MR_TIME_NONE};
    for (uint32_t at = 0; at < list->length;) {
        mr_join_walk walk = mr_join_walk_begin(list, at, start_ms, &row);
        mr_join_walk_end(chunks->layout, walk, &row);
        append(chunk, &row, chunks->arena);
        if (row.origin.arrival_ms > chunk->arrival_ms)
            chunk->arrival_ms = row.origin.arrival_ms;
        at = (uint32_t)(walk.end - list->bytes);
    }
}

/* Where the list is, or would be. */
static mr_join_chunk *find(const mr_join_chunks *chunks, const mr_join_list *list)
{
    uint64_t address = (uint64_t)(uintptr_t)list;
    uint32_t at = (uint32_t)((address * UINT64_C(0x9e3779b97f4a7c15)) >> 32);
    for (;; at++) {
        mr_join_chunk *chunk = &chunks->table[at & (chunks->capacity - 1)];
        if (chunk->list == NULL || chunk->list == list)
            return chunk;
    }
}

static void grow(mr_join_chunks *chunks)
{
    mr_join_chunks old = *chunks;
    chunks->capacity = old.capacity > 0 ? old.capacity * 2 : CAPACITY_MIN;
    chunks->table = mr_arena_zalloc(chunks->arena, chunks->capacity, sizeof *chunks->table);
    for (uint32_t i = 0; i < old.capacity; i++)
        if (old.table[i].list != NULL)
            *find(chunks, old.table[i].list) = old.table[i];
}

mr_join_chunk *mr_join_chunks_get(mr_join_chunks *chunks, int64_t bucket, const mr_join_list *list)
{
    if (chunks->count * 2 >= chunks->capacity)
        grow(chunks);
    mr_join_chunk *chunk = find(chunks, list);
    if (chunk->list != NULL)
        return chunk;
    if (chunks->rows_count >= MR_JOIN_PARSED_MAX)
        chunk = &chunks->spare;
    parse(chunks, bucket, list, chunk);
    if (chunk != &chunks->spare) {
        chunks->count++;
        chunks->rows_count += chunk->count;
    }
    return chunk;
}
