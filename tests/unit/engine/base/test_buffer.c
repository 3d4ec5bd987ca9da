/*
 * Goal: what is put into a buffer is read back, and a reader never leaves its bytes; arenas keep
 * what they were given until they are reset, and count what they hold. Method: edges of every
 * encoding, all cuts, random allocations against patterns.
 */
#include "engine/base/arena.h"
#include "engine/base/buffer.h"

#include <criterion/criterion.h>
#include <stdlib.h>
#include <string.h>

static const uint64_t edges[] = {0,          1,
                                 127,        128,
                                 16383,      16384,
                                 UINT32_MAX, (uint64_t)1 << 62,
                                 INT64_MAX,  (uint64_t)INT64_MAX + 1,
                                 UINT64_MAX};

#define EDGES (sizeof edges / sizeof edges[0])

Test(buffer, integers_come_back_at_all_edges)
{
    mr_buffer bytes = {0};
    for (size_t i = 0; i < EDGES; i++) {
        mr_buffer_put_varint(&bytes, edges[i]);
        mr_buffer_put_zigzag(&bytes, (int64_t)edges[i]);
        mr_buffer_put_u64(&bytes, edges[i]);
        mr_buffer_put_u32(&bytes, (uint32_t)edges[i]);
        mr_buffer_put_u8(&bytes, (uint8_t)edges[i]);
    }
    mr_reader reader = mr_reader_of(bytes.data, bytes.length);
    for (size_t i = 0; i < EDGES; i++) {
        cr_assert_eq(mr_reader_varint(&reader), edges[i]);
        cr_assert_eq(mr_reader_zigzag(&reader), (int64_t)edges[i]);
        cr_assert_eq(mr_reader_u64(&reader), edges[i]);
        cr_assert_eq(mr_reader_u32(&reader), (uint32_t)edges[i]);
        cr_assert_eq(mr_reader_u8(&reader), (uint8_t)edges[i]);
    }
    cr_assert(!reader.is_bad && mr_reader_left(&reader) == 0);
    mr_buffer_release(&bytes);
}

Test(buffer, a_short_read_is_bad_and_stays_bad)
{
    mr_reader reader = mr_reader_of("\x01\x02\x03", 3);
    cr_assert_eq(mr_reader_u32(&reader), 0);
    cr_assert(reader.is_bad);
    cr_assert_eq(mr_reader_u8(&reader), 0);
    reader = mr_reader_of("\x80\x80", 2);
    cr_assert_eq(mr_reader_varint(&reader), 0);
    cr_assert(reader.is_bad);
    reader = mr_reader_of("\xff\xff\xff\xff\xff\xff\xff\xff\xff\x02", 10);
    cr_assert_eq(mr_reader_varint(&reader), 0); /* more than 64 bits */
    cr_assert(reader.is_bad);
    reader = mr_reader_of("\x05"
                          "abc",
                          4);
    size_t length = 9;
    cr_assert_null(mr_reader_bytes(&reader, &length));
    cr_assert(reader.is_bad && length == 0);
    reader = mr_reader_of(NULL, 0);
    cr_assert(mr_reader_left(&reader) == 0 && !reader.is_bad);
}

Test(buffer, printf_and_reserve_grow_it)
{
    mr_buffer text = {0};
    for (int i = 0; i < 1000; i++)
        mr_buffer_printf(&text, "%d,", i);
    cr_assert_eq(text.length, 10 * 2 + 90 * 3 + 900 * 4);
    cr_assert_eq(memcmp(text.data, "0,1,2,", 6), 0);
    memset(mr_buffer_reserve(&text, 100000), 'x', 100000);
    cr_assert_eq(text.length, 10 * 2 + 90 * 3 + 900 * 4);
    mr_buffer_clear(&text);
    cr_assert_eq(text.length, 0);
    mr_buffer_release(&text);
    cr_assert_null(text.data);
}

Test(arena, keeps_every_allocation_apart_and_aligned)
{
    enum { COUNT = 2000 };
    unsigned seed = 1;
    mr_arena arena = {0};
    unsigned char *at[COUNT];
    size_t sizes[COUNT];
    for (int i = 0; i < COUNT; i++) {
        sizes[i] = (size_t)rand_r(&seed) % (i % 100 == 0 ? 20000 : 100);
        at[i] = mr_arena_alloc(&arena, sizes[i]);
        cr_assert_eq((uintptr_t)at[i] % 16, 0);
        memset(at[i], i, sizes[i]);
    }
    for (int i = 0; i < COUNT; i++)
        for (size_t b = 0; b < sizes[i]; b++)
            cr_assert_eq(at[i][b], (unsigned char)i);
    const unsigned char *zeroed = mr_arena_zalloc(&arena, 100, 7);
    for (int i = 0; i < 700; i++)
        cr_assert_eq(zeroed[i], 0);
    mr_arena_release(&arena);
    cr_assert_eq(arena.bytes, 0);
}

Test(arena, counts_what_it_holds_and_needs_nothing_new_after_a_reset)
{
    mr_budget budget = {0};
    mr_arena arena;
    mr_arena_init(&arena, 256, &budget, MR_BUDGET_BATCHES);
    for (int round = 0; round < 20; round++) {
        int64_t before = mr_budget_used(&budget);
        for (int i = 0; i < 100; i++)
            mr_arena_alloc(&arena, 1000);
        cr_assert_eq(mr_budget_used(&budget), (int64_t)arena.bytes);
        if (round > 10)
            cr_assert_eq(mr_budget_used(&budget), before);
        mr_arena_reset(&arena);
    }
    mr_arena_release(&arena);
    cr_assert_eq(mr_budget_used(&budget), 0);
}

Test(arena, strings_and_copies_are_its_own)
{
    mr_arena arena = {0};
    char bytes[] = "abc";
    char *copy = mr_arena_string(&arena, bytes, 2);
    char *printed = mr_arena_printf(&arena, "%s-%d", bytes, 7);
    bytes[0] = 'x';
    cr_assert_str_eq(copy, "ab");
    cr_assert_str_eq(printed, "abc-7");
    cr_assert_not_null(mr_arena_copy(&arena, NULL, 0));
    mr_arena_release(&arena);
}
