#include "engine/base/arena.h"

#include "engine/base/assert.h"

#include <stdarg.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define ARENA_ALIGN ((size_t)16)
#define ARENA_BLOCK_DEFAULT ((size_t)4096)
#define ARENA_BLOCK_MAX ((size_t)1 << 20)

struct mr_arena_block {
    mr_arena_block *older;
    size_t size; /* of the payload */
};

/* The payload starts at a 16-byte boundary because malloc's does and the header is 16 bytes. */
_Static_assert(sizeof(mr_arena_block) == 16, "payload alignment");

void mr_arena_init(mr_arena *arena, size_t block_min, mr_budget *budget, mr_budget_part part)
{
    *arena = (mr_arena){.block_min = block_min, .budget = budget, .part = part};
}

static void free_block(mr_arena *arena, mr_arena_block *block)
{
    arena->bytes -= block->size;
    mr_budget_add(arena->budget, arena->part, -(int64_t)block->size);
    free(block);
}

static void free_blocks(mr_arena *arena, mr_arena_block *first, const mr_arena_block *but)
{
    for (mr_arena_block *block = first; block != NULL;) {
        mr_arena_block *older = block->older;
        if (block != but)
            free_block(arena, block);
        block = older;
    }
}

void mr_arena_release(mr_arena *arena)
{
    free_blocks(arena, arena->block, NULL);
    free_blocks(arena, arena->spare, NULL);
    arena->block = arena->spare = NULL;
    arena->next = arena->end = NULL;
}

static void use_block(mr_arena *arena, mr_arena_block *block, mr_arena_block *older)
{
    block->older = older;
    arena->block = block;
    arena->next = (char *)(block + 1);
    arena->end = arena->next + block->size;
}

void mr_arena_reset(mr_arena *arena)
{
    mr_arena_block *largest = arena->block;
    if (largest == NULL)
        return;
    for (mr_arena_block *b = largest->older; b != NULL; b = b->older)
        if (b->size > largest->size)
            largest = b;
    free_blocks(arena, arena->block, largest);
    use_block(arena, largest, NULL);
}

void mr_arena_rewind(mr_arena *arena)
{
    while (arena->block != NULL) {
        mr_arena_block *block = arena->block;
        arena->block = block->older;
        block->older = arena->spare;
        arena->spare = block;
    }
    arena->next = arena->end = NULL;
}

static bool use_spare(mr_arena *arena, size_t need)
{
    mr_arena_block **link = &arena->spare;
    while (*link != NULL && (*link)->size < need)
        link = &(*link)->older;
    mr_arena_block *spare = *link;
    if (spare == NULL)
        return false;
    *link = spare->older;
    use_block(arena, spare, arena->block);
    return true;
}

static void add_block(mr_arena *arena, size_t need)
{
    if (use_spare(arena, need))
        return;
    size_t size = arena->block_min != 0 ? arena->block_min : ARENA_BLOCK_DEFAULT;
    if (arena->block != NULL && arena->block->size > size)
        size = arena->block->size;
    if (arena->block != NULL && size < ARENA_BLOCK_MAX)
        size *= 2;
    if (size < need)
        size = need;
    mr_arena_block *block = malloc(sizeof *block + size);
    MR_ASSERT(block != NULL);
    block->size = size;
    use_block(arena, block, arena->block);
    arena->bytes += size;
    mr_budget_add(arena->budget, arena->part, (int64_t)size);
}

void *mr_arena_alloc(mr_arena *arena, size_t size)
{
    MR_ASSERT(size < SIZE_MAX / 2);
    size = (size + ARENA_ALIGN - 1) & ~(ARENA_ALIGN - 1);
    if (arena->next == NULL || (size_t)(arena->end - arena->next) < size)
        add_block(arena, size);
    void *memory = arena->next;
    arena->next += size;
    return memory;
}

void *mr_arena_zalloc(mr_arena *arena, size_t count, size_t size)
{
    MR_ASSERT(size == 0 || count < SIZE_MAX / 2 / size);
    void *memory = mr_arena_alloc(arena, count * size);
    memset(memory, 0, count * size);
    return memory;
}

void *mr_arena_copy(mr_arena *arena, const void *bytes, size_t length)
{
    void *memory = mr_arena_alloc(arena, length);
    if (length > 0)
        memcpy(memory, bytes, length);
    return memory;
}

char *mr_arena_string(mr_arena *arena, const char *bytes, size_t length)
{
    char *memory = mr_arena_alloc(arena, length + 1);
    if (length > 0)
        memcpy(memory, bytes, length);
    memory[length] = '\0';
    return memory;
}

char *mr_arena_printf(mr_arena *arena, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    int length = vsnprintf(NULL, 0, format, args);
    va_end(args);
    MR_ASSERT(length >= 0);
    char *memory = mr_arena_alloc(arena, (size_t)length + 1);
    va_start(args, format);
    vsnprintf(memory, (size_t)length + 1, format, args);
    va_end(args);
    return memory;
}
