/*
 * Goal: a key's task never changes, and keys spread evenly, also over the bits that tables use.
 * Method: the vectors of docs/formats.md; 100,000 keys counted by task.
 */
#include "engine/exchange/destination.h"

#include "engine/base/assert.h"
#include "engine/state/key.h"

#include <criterion/criterion.h>

static uint64_t hash_of_bigint(int64_t value, mr_arena *arena)
{
    mr_vector column = mr_vector_new(mr_type_of(MR_TYPE_BIGINT), 1, arena);
    column.i64[0] = value;
    mr_string key;
    uint64_t hash;
    mr_key_encode((const mr_vector *[]){&column}, 1, NULL, 1, arena, &key, &hash);
    return hash;
}

Test(destination, is_that_of_the_vectors_in_formats_md)
{
    static const struct {
        const char *key;
        size_t length;
        uint64_t hash;
        uint32_t of_2, of_3, of_8, of_16;
    } vectors[] = {
        {"\0", 1, UINT64_C(0xc44bdff4074eecdb), 1, 2, 3, 3},
        {"\1\1\0\0\0\0\0\0\0", 9, UINT64_C(0xa048b5cb82162577), 0, 0, 2, 2},
        {"\1\xff\xff\xff\xff\xff\xff\xff\xff", 9, UINT64_C(0x53a5f4bc2fc0168c), 1, 0, 3, 11},
        {"\1\5\0\0\0hello", 10, UINT64_C(0xde21d42c982f32d3), 1, 2, 5, 13},
        {"\1\5\0\0\0hello\1\7\0\0\0", 15, UINT64_C(0xf803f5c71c2d8c26), 0, 0, 4, 4},
    };
    for (size_t i = 0; i < MR_LENGTH(vectors); i++) {
        uint64_t hash = mr_hash(vectors[i].key, vectors[i].length);
        cr_expect_eq(hash, vectors[i].hash);
        cr_expect_eq(mr_destination_of(hash, 1), 0);
        cr_expect_eq(mr_destination_of(hash, 2), vectors[i].of_2);
        cr_expect_eq(mr_destination_of(hash, 3), vectors[i].of_3);
        cr_expect_eq(mr_destination_of(hash, 8), vectors[i].of_8);
        cr_expect_eq(mr_destination_of(hash, 16), vectors[i].of_16);
    }
}

Test(destination, of_a_bigint_is_that_of_its_key)
{
    mr_arena arena = {0};
    cr_assert_eq(hash_of_bigint(1, &arena), mr_hash("\1\1\0\0\0\0\0\0\0", 9));
    mr_arena_release(&arena);
}

Test(destination, spreads_keys_evenly_and_leaves_their_hashes_even)
{
    enum { KEYS = 100000, TASKS = 16 };
    uint32_t of_task[TASKS] = {0}, low[TASKS] = {0};
    mr_arena arena = {0};
    for (int64_t k = 0; k < KEYS; k++) {
        uint64_t hash = hash_of_bigint(k, &arena);
        uint32_t task = mr_destination_of(hash, TASKS);
        of_task[task]++;
        low[hash % TASKS] += task == 0;
        mr_arena_reset(&arena);
    }
    for (uint32_t t = 0; t < TASKS; t++) {
        cr_expect(of_task[t] > KEYS / TASKS * 95 / 100 && of_task[t] < KEYS / TASKS * 105 / 100);
        cr_expect(low[t] > KEYS / TASKS / TASKS * 80 / 100, "the keys of one task share low bits");
    }
    mr_arena_release(&arena);
}
