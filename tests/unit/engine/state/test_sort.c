/*
 * Goal: entries are sorted by key bytes, the shorter first, for keys that try each path of the
 * sort. Method: key sets with shared prefixes, many equal words, lengths around multiples of eight;
 * the result is checked neighbour by neighbour and as a permutation.
 */
#include "engine/base/assert.h"
#include "engine/state/sort.h"

#include <criterion/criterion.h>
#include <stdio.h>
#include <stdlib.h>

#define KEYS 3000u

static uint64_t address_sum(mr_entry **entries, uint32_t count)
{
    uint64_t sum = 0;
    for (uint32_t i = 0; i < count; i++)
        sum += (uint64_t)(uintptr_t)entries[i] * 31;
    return sum;
}

static void sort_and_check(const char *name, char (*keys)[64], const uint32_t *lengths,
                           uint32_t count)
{
    mr_entries entries;
    mr_entries_init(&entries, 8, NULL);
    static mr_entry *order[KEYS];
    for (uint32_t i = 0; i < count; i++) {
        uint32_t number = mr_entries_alloc(&entries, mr_string_of(keys[i], lengths[i]), i);
        order[i] = mr_entry_at(&entries, number);
    }
    uint64_t before = address_sum(order, count);
    mr_entry_sort(order, count);
    cr_assert_eq(address_sum(order, count), before, "%s: nothing lost", name);
    for (uint32_t i = 1; i < count; i++) {
        int compared = mr_entry_compare(order[i - 1], order[i]);
        cr_assert_leq(compared, 0, "%s: at %u", name, i);
        cr_assert(compared < 0 || order[i - 1]->hash < order[i]->hash, "%s: stable", name);
    }
    mr_entries_release(&entries);
}

Test(sort, orders_keys_of_every_shape)
{
    static char keys[KEYS][64];
    static uint32_t lengths[KEYS];
    unsigned seed = 5;
    for (int shape = 0; shape < 6; shape++) {
        for (uint32_t i = 0; i < KEYS; i++) {
            memset(keys[i], shape == 4 ? 0 : 'p', sizeof keys[i]);
            uint32_t random = (uint32_t)rand_r(&seed);
            switch (shape) {
            case 0: /* one BIGINT column */
                keys[i][0] = 1;
                memcpy(keys[i] + 1, &random, 4);
                lengths[i] = 9;
                break;
            case 1: /* all equal but the length */ lengths[i] = random % 60; break;
            case 2: /* long common prefix, many equal */
                memcpy(keys[i] + 40, &(uint32_t){random % 700}, 4);
                lengths[i] = 44;
                break;
            case 3: /* bytes above 0x7f, any length */
                for (int b = 0; b < 60; b++)
                    keys[i][b] = (char)(rand_r(&seed) % 2 ? 0xff : 0x01);
                lengths[i] = random % 60;
                break;
            case 4: /* zero bytes against zero padding */
                lengths[i] = random % 30;
                keys[i][random % 7] = (char)(random >> 8 & 1);
                break;
            default: /* text */
                lengths[i] = (uint32_t)snprintf(keys[i], 64, "auction-%u-bidder", random % 2000);
            }
        }
        char name[16];
        snprintf(name, sizeof name, "shape %d", shape);
        for (uint32_t count = 0; count <= KEYS; count += count < 60 ? 1 : 980)
            sort_and_check(name, keys, lengths, count);
    }
}
