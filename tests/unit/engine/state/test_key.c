/*
 * Goal: equal rows have equal keys, different rows have different ones, and a key gives its row
 * back. Method: small columns by hand; random rows of all lanes there and back; malformed bytes.
 */
#include "engine/base/assert.h"
#include "engine/base/hash.h"
#include "engine/state/key.h"

#include <criterion/criterion.h>
#include <math.h>
#include <stdlib.h>

#define ROWS 200u

typedef struct keys {
    mr_string key[ROWS];
    uint64_t hash[ROWS];
} keys;

static mr_vector column_of(mr_type_kind kind, uint32_t rows, mr_arena *arena)
{
    return mr_vector_new(mr_type_of(kind), rows, arena);
}

static bool same_key(const keys *k, uint32_t a, uint32_t b)
{
    bool is_same = mr_string_equals(k->key[a], k->key[b]);
    cr_assert(!is_same || k->hash[a] == k->hash[b], "equal keys have equal hashes");
    return is_same;
}

Test(key, layout_of_two_columns_is_presence_and_little_endian_bytes)
{
    mr_arena arena = {0};
    mr_vector a = column_of(MR_TYPE_BIGINT, 1, &arena), b = column_of(MR_TYPE_INT, 1, &arena);
    a.i64[0] = 0x0102030405060708;
    b.i32[0] = -2;
    keys k;
    mr_key_encode((const mr_vector *[]){&a, &b}, 2, NULL, 1, &arena, k.key, k.hash);
    const char expected[] = "\1\x08\x07\x06\x05\x04\x03\x02\x01\1\xfe\xff\xff\xff";
    cr_assert_eq(k.key[0].length, 14);
    cr_assert_arr_eq(k.key[0].bytes, expected, 14);
    cr_assert_eq(k.hash[0], mr_hash(expected, 14));
    mr_arena_release(&arena);
}

Test(key, hash_is_mr_hash_of_the_bytes_for_every_shape)
{
    mr_arena arena = {0};
    mr_vector i = column_of(MR_TYPE_BIGINT, 3, &arena);
    mr_vector s = mr_vector_new(mr_type_string(), 3, &arena);
    for (uint32_t row = 0; row < 3; row++) {
        i.i64[row] = row * 1000;
        s.strings[row] = mr_string_of("a longer string than sixteen", row * 14);
    }
    const mr_vector *columns[] = {&i, &s};
    for (uint32_t count = 0; count <= 2; count++) {
        keys k;
        mr_key_encode(columns, count, NULL, 3, &arena, k.key, k.hash);
        for (uint32_t row = 0; row < 3; row++)
            cr_assert_eq(k.hash[row], mr_hash(k.key[row].bytes, k.key[row].length));
    }
    mr_arena_release(&arena);
}

Test(key, zeroes_are_equal_and_all_nans_are_equal)
{
    mr_arena arena = {0};
    mr_vector d = column_of(MR_TYPE_DOUBLE, 5, &arena);
    double values[] = {0.0, -0.0, NAN, -NAN, 1.0};
    memcpy(d.f64, values, sizeof values);
    keys k;
    mr_key_encode((const mr_vector *[]){&d}, 1, NULL, 5, &arena, k.key, k.hash);
    cr_assert(same_key(&k, 0, 1));
    cr_assert(same_key(&k, 2, 3));
    cr_assert_not(same_key(&k, 0, 2));
    cr_assert_not(same_key(&k, 0, 4));
    mr_arena_release(&arena);
}

Test(key, nulls_are_equal_and_no_value_is_one)
{
    mr_arena arena = {0};
    mr_vector i = column_of(MR_TYPE_BIGINT, 4, &arena);
    memset(i.i64, 0, 4 * sizeof *i.i64);
    i.i64[2] = 77;
    mr_vector_set_null(&i, 1, 4, &arena);
    mr_vector_set_null(&i, 2, 4, &arena);
    i.i64[2] = 78; /* unspecified under a NULL: it must not matter */
    keys k;
    mr_key_encode((const mr_vector *[]){&i}, 1, NULL, 4, &arena, k.key, k.hash);
    cr_assert(same_key(&k, 1, 2));
    cr_assert(same_key(&k, 0, 3));
    cr_assert_not(same_key(&k, 0, 1));
    mr_arena_release(&arena);
}

Test(key, strings_do_not_run_into_each_other)
{
    mr_arena arena = {0};
    mr_vector a = mr_vector_new(mr_type_string(), 2, &arena);
    mr_vector b = mr_vector_new(mr_type_string(), 2, &arena);
    a.strings[0] = mr_string_of("ab", 2), b.strings[0] = mr_string_of("c", 1);
    a.strings[1] = mr_string_of("a", 1), b.strings[1] = mr_string_of("bc", 2);
    keys k;
    mr_key_encode((const mr_vector *[]){&a, &b}, 2, NULL, 2, &arena, k.key, k.hash);
    cr_assert_not(same_key(&k, 0, 1));
    mr_arena_release(&arena);
}

Test(key, takes_only_the_rows_it_is_told_in_their_order)
{
    mr_arena arena = {0};
    mr_vector i = column_of(MR_TYPE_INT, 4, &arena);
    for (int row = 0; row < 4; row++)
        i.i32[row] = row;
    keys all, some;
    const uint32_t rows[] = {3, 1};
    mr_key_encode((const mr_vector *[]){&i}, 1, NULL, 4, &arena, all.key, all.hash);
    mr_key_encode((const mr_vector *[]){&i}, 1, rows, 2, &arena, some.key, some.hash);
    cr_assert(mr_string_equals(some.key[0], all.key[3]));
    cr_assert(mr_string_equals(some.key[1], all.key[1]));
    mr_arena_release(&arena);
}

static const mr_type_kind all_kinds[] = {MR_TYPE_BOOLEAN, MR_TYPE_INT,     MR_TYPE_BIGINT,
                                         MR_TYPE_DOUBLE,  MR_TYPE_DECIMAL, MR_TYPE_VARCHAR};

static void fill_random(mr_vector *column, uint32_t row, unsigned *seed, mr_arena *arena)
{
    int64_t value = (int64_t)rand_r(seed) * 4001 - rand_r(seed);
    switch (column->lane) {
    case MR_LANE_BOOL: column->bools[row] = value & 1; break;
    case MR_LANE_I32: column->i32[row] = (int32_t)value; break;
    case MR_LANE_I64: column->i64[row] = value; break;
    case MR_LANE_F64: column->f64[row] = (double)value / 16; break;
    case MR_LANE_I128: column->i128[row] = (mr_i128)value * value * -3; break;
    default: {
        uint32_t length = (uint32_t)rand_r(seed) % 40;
        char *bytes = mr_arena_alloc(arena, length + 1);
        for (uint32_t i = 0; i < length; i++)
            bytes[i] = (char)rand_r(seed);
        column->strings[row] = mr_string_of(bytes, length);
    }
    }
}

static void expect_same_value(const mr_vector *a, const mr_vector *b, uint32_t row)
{
    cr_assert_eq(mr_vector_is_null(a, row), mr_vector_is_null(b, row));
    if (mr_vector_is_null(a, row))
        return;
    if (a->lane == MR_LANE_STRING) {
        cr_assert(mr_string_equals(a->strings[row], b->strings[row]));
        return;
    }
    size_t size = mr_lane_size(a->lane);
    cr_assert_eq(memcmp((char *)a->values + size * row, (char *)b->values + size * row, size), 0);
}

Test(key, rows_of_all_lanes_with_nulls_come_back_as_they_were)
{
    unsigned seed = 11;
    for (int round = 0; round < 60; round++) {
        mr_arena arena = {0};
        mr_vector columns[MR_LENGTH(all_kinds)], back[MR_LENGTH(all_kinds)];
        const mr_vector *order[MR_LENGTH(all_kinds)];
        mr_type types[MR_LENGTH(all_kinds)];
        for (uint32_t c = 0; c < MR_LENGTH(all_kinds); c++) {
            types[c] = mr_type_of(all_kinds[c]);
            columns[c] = mr_vector_new(types[c], ROWS, &arena);
            order[c] = &columns[c];
            for (uint32_t row = 0; row < ROWS; row++)
                fill_random(&columns[c], row, &seed, &arena);
            for (uint32_t row = 0; row < ROWS && round % 2 == 0; row++)
                if (rand_r(&seed) % 5 == 0)
                    mr_vector_set_null(&columns[c], row, ROWS, &arena);
        }
        keys k;
        mr_error err;
        uint32_t count = 1 + (uint32_t)round % (uint32_t)MR_LENGTH(all_kinds);
        mr_key_encode(order, count, NULL, ROWS, &arena, k.key, k.hash);
        cr_assert_eq(mr_key_decode(types, count, k.key, ROWS, &arena, back, &err), MR_OK);
        for (uint32_t c = 0; c < count; c++)
            for (uint32_t row = 0; row < ROWS; row++)
                expect_same_value(&columns[c], &back[c], row);
        mr_arena_release(&arena);
    }
}

Test(key, malformed_bytes_are_refused)
{
    mr_arena arena = {0};
    struct {
        const char *bytes;
        uint32_t length;
        mr_type_kind kind;
    } cases[] = {
        {"", 0, MR_TYPE_BIGINT},                      /* nothing */
        {"\1\0\0\0\0\0\0\0", 8, MR_TYPE_BIGINT},      /* a byte short */
        {"\2\0\0\0\0\0\0\0\0", 9, MR_TYPE_BIGINT},    /* bad presence */
        {"\1\0\0\0\0\0\0\0\0\0", 10, MR_TYPE_BIGINT}, /* a byte too many */
        {"\1\2", 2, MR_TYPE_BOOLEAN},                 /* neither true nor false */
        {"\1\5\0\0\0abcd", 9, MR_TYPE_VARCHAR},       /* string cut short */
        {"\1\xff\xff\xff\xff"
         "abcd",
         9, MR_TYPE_VARCHAR},    /* absurd length */
        {"\1", 1, MR_TYPE_NULL}, /* a value where only NULL can be */
    };
    for (size_t i = 0; i < MR_LENGTH(cases); i++) {
        mr_string key = mr_string_of(cases[i].bytes, cases[i].length);
        mr_type type = mr_type_of(cases[i].kind);
        mr_vector column;
        mr_error err;
        cr_assert_eq(mr_key_decode(&type, 1, &key, 1, &arena, &column, &err), MR_E_STATE,
                     "case %zu", i);
    }
    mr_arena_release(&arena);
}
