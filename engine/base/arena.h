/*
 * A bump allocator: allocate freely, free everything at once.
 *
 * An all-zero mr_arena is valid and empty. Memory is aligned to 16 bytes. Running out of memory
 * aborts the process (there is no sensible way on; the open transaction is aborted by the broker).
 * `reset` keeps the largest block, so a batch arena allocates nothing in the steady state;
 * `rewind` keeps all of them, for what grows to a known bound again and again.
 * Thread: one thread at a time.
 */
#ifndef MR_ENGINE_BASE_ARENA_H
#define MR_ENGINE_BASE_ARENA_H

#include "engine/base/budget.h"

#include <stddef.h>

typedef struct mr_arena_block mr_arena_block;

typedef struct mr_arena {
    mr_arena_block *block; /* current block, linked to older ones */
    mr_arena_block *spare; /* of before a rewind, not in use */
    char *next;
    char *end;
    size_t bytes;      /* held in all blocks */
    size_t block_min;  /* size of the first block; 0: 4 KiB */
    mr_budget *budget; /* counted there when not NULL */
    mr_budget_part part;
} mr_arena;

/* `arena` becomes empty and counts its blocks in `budget` (may be NULL) under `part`. */
void mr_arena_init(mr_arena *arena, size_t block_min, mr_budget *budget, mr_budget_part part);

/* Frees all blocks. The arena is empty and usable afterwards. */
void mr_arena_release(mr_arena *arena);

/* Everything allocated so far becomes invalid; the largest block is kept for reuse. */
void mr_arena_reset(mr_arena *arena);

/* Everything allocated so far becomes invalid; all memory is kept for reuse. */
void mr_arena_rewind(mr_arena *arena);

/* `size` bytes, uninitialised, aligned to 16. `size` 0 gives a valid pointer. Never NULL. */
void *mr_arena_alloc(mr_arena *arena, size_t size);

/* The same, zeroed; `count * size` is checked. */
void *mr_arena_zalloc(mr_arena *arena, size_t count, size_t size);

/* Copies of `length` bytes; `_string` adds a NUL behind them. */
void *mr_arena_copy(mr_arena *arena, const void *bytes, size_t length);
char *mr_arena_string(mr_arena *arena, const char *bytes, size_t length);

/* A formatted, NUL-terminated string in the arena. */
char *mr_arena_printf(mr_arena *arena, const char *format, ...)
    __attribute__((format(printf, 2, 3)));

#endif
