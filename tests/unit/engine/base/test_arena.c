#include "engine/base/arena.h"

#include <criterion/criterion.h>

#include <string.h>

/* Rounds of mixed sizes, among them pieces larger than any block made so far. */
static size_t fill(mr_arena *arena, unsigned pieces)
{
    for (unsigned i = 0; i < pieces; i++) {
        size_t size = i % 50 == 49 ? 300000 : 1 + i * 37 % 5000;
        memset(mr_arena_alloc(arena, size), (int)(i & 0x7f), size);
    }
    return arena->bytes;
}

Test(arena, a_rewound_arena_takes_the_same_again_without_new_memory)
{
    mr_budget budget = {0};
    mr_arena arena;
    mr_arena_init(&arena, 4096, &budget, MR_BUDGET_STAGING);
    size_t first = fill(&arena, 1000);
    for (unsigned round = 0; round < 20; round++) {
        mr_arena_rewind(&arena);
        cr_assert_eq(fill(&arena, 1000), first, "round %u", round);
    }
    mr_arena_rewind(&arena);
    cr_assert_eq(fill(&arena, 10), first, "what is not used now is kept");
    mr_arena_release(&arena);
    cr_assert_eq(arena.bytes, 0);
}

Test(arena, pieces_of_a_rewound_arena_do_not_overlap)
{
    mr_arena arena = {0};
    unsigned char *pieces[400];
    for (unsigned round = 0; round < 3; round++) {
        for (unsigned i = 0; i < 400; i++) {
            pieces[i] = mr_arena_alloc(&arena, 100 + i * 13 % 900);
            memset(pieces[i], (int)(i % 251), 100 + i * 13 % 900);
        }
        for (unsigned i = 0; i < 400; i++)
            for (unsigned b = 0; b < 100 + i * 13 % 900; b++)
                cr_assert_eq(pieces[i][b], i % 251);
        mr_arena_rewind(&arena);
    }
    mr_arena_release(&arena);
}

Test(arena, a_reset_keeps_the_largest_block_alone)
{
    mr_arena arena = {0};
    size_t first = fill(&arena, 200);
    mr_arena_reset(&arena);
    cr_assert_lt(arena.bytes, first);
    cr_assert_geq(arena.bytes, 300000);
    mr_arena_rewind(&arena);
    mr_arena_release(&arena);
    cr_assert_eq(arena.bytes, 0);
}
