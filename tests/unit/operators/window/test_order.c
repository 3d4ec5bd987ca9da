/* Goal: groups leave in the order of (hash, key), whatever hashes there are. Method: the result is
 * compared with neighbours in order and holds each entry once. */
#include "operators/window/order.h"

#include <criterion/criterion.h>
#include <stdio.h>

#define COUNT_MAX 5000

static uint64_t next_random(uint64_t *state)
{
    *state ^= *state << 13;
    *state ^= *state >> 7;
    *state ^= *state << 17;
    return *state;
}

static void expect_order(uint32_t count, uint64_t hash_mask)
{
    static mr_slice_entry entries[COUNT_MAX];
    static char keys[COUNT_MAX][12];
    static bool is_seen[COUNT_MAX];
    uint64_t seed = 88172645463325252u;
    for (uint32_t i = 0; i < count; i++) {
        int length = snprintf(keys[i], sizeof keys[i], "key%u", i);
        entries[i] = (mr_slice_entry){.hash = next_random(&seed) & hash_mask,
                                      .key = mr_string_of(keys[i], (uint32_t)length),
                                      .value = keys[i]};
        is_seen[i] = false;
    }
    mr_arena arena = {0};
    const mr_slice_entry *sorted = mr_window_order(entries, count, &arena);
    for (uint32_t i = 0; i < count; i++) {
        size_t number = (size_t)((char(*)[12])sorted[i].value - keys);
        cr_assert_not(is_seen[number], "entry %zu twice", number);
        is_seen[number] = true;
        if (i == 0)
            continue;
        const mr_slice_entry *a = &sorted[i - 1], *b = &sorted[i];
        cr_assert(
            a->hash < b->hash || (a->hash == b->hash && mr_string_compare(a->key, b->key) < 0),
            "of %u, mask %llx: %u is before %u", count, (unsigned long long)hash_mask, i - 1, i);
    }
    mr_arena_release(&arena);
}

Test(window_order, is_by_hash_and_then_by_key)
{
    const uint32_t counts[] = {0, 1, 2, 63, 64, 65, 1000, COUNT_MAX};
    for (size_t i = 0; i < sizeof counts / sizeof *counts; i++)
        expect_order(counts[i], UINT64_MAX);
}

Test(window_order, holds_for_hashes_that_are_not_spread)
{
    const uint64_t masks[] = {0, 1, 0xff, 0xff00000000000000u, 0x8000000000000001u};
    for (size_t i = 0; i < sizeof masks / sizeof *masks; i++)
        expect_order(3000, masks[i]);
}
