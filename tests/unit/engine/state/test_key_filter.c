/*
 * Goal: a key filter knows every key that was added, mistakes few others, and takes the memory that
 * it tells. Method: a million hashes of numbers, and as many of others.
 */
#include "engine/base/hash.h"
#include "engine/state/key_filter.h"

#include <criterion/criterion.h>

#define KEYS 1000000u

static uint64_t hash_of(uint64_t number)
{
    return mr_hash((const char *)&number, sizeof number);
}

static uint32_t mistakes(const mr_key_filter *filter)
{
    uint32_t mistaken = 0;
    for (uint64_t i = 0; i < KEYS; i++)
        mistaken += mr_key_filter_may_hold(filter, hash_of(KEYS + i));
    return mistaken;
}

Test(key_filter, knows_what_was_added_at_any_size)
{
    mr_budget budget = {0};
    mr_key_filter *filter = mr_key_filter_new(&budget);
    uint64_t check = 1;
    for (uint64_t i = 0; i < KEYS; i++) {
        mr_key_filter_add(filter, hash_of(i));
        if (i + 1 < check)
            continue;
        for (uint64_t k = 0; k <= i; k++)
            cr_assert(mr_key_filter_may_hold(filter, hash_of(k)), "%zu of %zu", (size_t)k,
                      (size_t)i);
        check *= 3;
    }
    mr_key_filter_free(filter);
    cr_expect_eq(mr_budget_used(&budget), 0);
}

Test(key_filter, mistakes_few_keys_for_others)
{
    mr_budget budget = {0};
    mr_key_filter *filter = mr_key_filter_new(&budget);
    cr_expect_eq(mistakes(filter), 0);
    for (uint64_t i = 0; i < KEYS; i++)
        mr_key_filter_add(filter, hash_of(i));
    uint32_t mistaken = mistakes(filter);
    cr_expect(mistaken > 0 && mistaken < KEYS / 20, "%u", mistaken);
    mr_key_filter_free(filter);
}

Test(key_filter, takes_bits_and_not_bytes_for_a_key)
{
    mr_budget budget = {0};
    mr_key_filter *filter = mr_key_filter_new(&budget);
    cr_expect_lt(mr_key_filter_bytes(filter), 2048);
    for (uint64_t i = 0; i < 3 * (uint64_t)KEYS; i++)
        mr_key_filter_add(filter, hash_of(i % KEYS)); /* again is nothing new */
    cr_expect_lt(mr_key_filter_bytes(filter), KEYS * 3);
    cr_expect_leq(mr_budget_used(&budget), (int64_t)mr_key_filter_bytes(filter));
    cr_expect_gt(mr_budget_used(&budget), (int64_t)KEYS);
    mr_key_filter_free(filter);
}

Test(key_filter, empty_knows_nothing)
{
    mr_key_filter_free(NULL);
    mr_budget budget = {0};
    mr_key_filter *filter = mr_key_filter_new(&budget);
    cr_expect_not(mr_key_filter_may_hold(filter, 0));
    cr_expect_not(mr_key_filter_may_hold(filter, UINT64_MAX));
    mr_key_filter_add(filter, 0);
    cr_expect(mr_key_filter_may_hold(filter, 0));
    mr_key_filter_free(filter);
}
