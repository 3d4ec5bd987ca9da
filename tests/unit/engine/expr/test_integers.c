/*
 * Goal: the short ways of integer kernels (a remainder by a constant of 32 bits, BIGINT to INT)
 * give what the long ones do, row by row. Method: random numbers of any size, NULLs and selections,
 * dense and thin; C's own remainder and comparison are the oracle.
 */
#include "engine/base/assert.h"
#include "engine/expr/instruction.h"
#include "engine/expr/kernels/arithmetic.h"
#include "engine/expr/kernels/cast.h"

#include <criterion/criterion.h>
#include <inttypes.h>

#define ROWS 300u

typedef struct play {
    mr_arena arena;
    uint64_t seed;
    mr_vector args[2], result;
    uint32_t selection[ROWS], selected;
    bool is_selected[ROWS];
    mr_row_errors errors;
} play;

static uint64_t next_random(play *p)
{
    p->seed ^= p->seed << 13;
    p->seed ^= p->seed >> 7;
    p->seed ^= p->seed << 17;
    return p->seed;
}

/* Numbers of `bits` and fewer, of both signs, and those beside the edges. */
static int64_t any_number(play *p, unsigned bits)
{
    static const int64_t edges[] = {
        0,         -1,         INT64_MIN,        INT64_MAX, INT32_MIN,
        INT32_MAX, UINT32_MAX, INT64_C(1) << 32, 122,       INT32_MAX + INT64_C(1)};
    if (bits == 64 && next_random(p) % 4 == 0)
        return edges[next_random(p) % MR_LENGTH(edges)];
    return (int64_t)next_random(p) >> (64 - bits);
}

static void begin(play *p, uint64_t seed, unsigned bits)
{
    *p = (play){.seed = seed * 0x9e3779b97f4a7c15u + 1};
    p->errors.arena = &p->arena;
    p->args[0] = mr_vector_new(mr_type_of(MR_TYPE_BIGINT), ROWS, &p->arena);
    for (uint32_t r = 0; r < ROWS; r++)
        p->args[0].i64[r] = any_number(p, bits);
    for (uint32_t r = 0; seed % 2 == 0 && r < ROWS; r += 7)
        mr_bitmap_clear(mr_vector_validity(&p->args[0], ROWS, &p->arena), r);
    uint64_t thin = seed % 3 == 0 ? 1 : seed % 3 == 1 ? 2 : 9; /* all, half, few */
    for (uint32_t r = 0; r < ROWS; r++) {
        p->is_selected[r] = next_random(p) % thin == 0;
        if (p->is_selected[r])
            p->selection[p->selected++] = r;
    }
}

static void run(play *p, const mr_function *function, uint32_t args_count, mr_type type)
{
    p->result = mr_vector_new(type, ROWS, &p->arena);
    uint64_t *valid = mr_arena_alloc(&p->arena, mr_bitmap_words(ROWS) * sizeof *valid);
    mr_kernel_call call = {.args = p->args,
                           .args_count = args_count,
                           .result = &p->result,
                           .rows = ROWS,
                           .selection = p->selected < ROWS ? p->selection : NULL,
                           .selected = p->selected,
                           .arena = &p->arena,
                           .errors = &p->errors};
    mr_program_call(function, &call, valid);
    mr_row_errors_settle(&p->errors);
}

static bool has_failed(const play *p, uint32_t row)
{
    for (uint32_t i = 0; i < p->errors.count; i++)
        if (p->errors.error[i].row == row)
            return true;
    return false;
}

static void expect_remainders(uint64_t seed, int64_t divisor)
{
    play p;
    begin(&p, seed, seed % 5 == 0 ? 33 : 64);
    p.args[1] = mr_vector_new(mr_type_of(MR_TYPE_BIGINT), 1, &p.arena);
    p.args[1].is_constant = true;
    p.args[1].i64[0] = divisor;
    run(&p, mr_arithmetic_function(MR_ARITHMETIC_MOD, MR_LANE_I64), 2, mr_type_of(MR_TYPE_BIGINT));
    for (uint32_t r = 0; r < ROWS; r++) {
        bool is_null = mr_vector_is_null(&p.args[0], r);
        if (!p.is_selected[r])
            continue;
        cr_assert_eq(has_failed(&p, r), divisor == 0 && !is_null);
        if (is_null || divisor == 0)
            continue;
        int64_t value = p.args[0].i64[r], expected = divisor == -1 ? 0 : value % divisor;
        cr_assert_eq(p.result.i64[r], expected, "%" PRId64 " %% %" PRId64, value, divisor);
    }
    mr_arena_release(&p.arena);
}

Test(integers, remainders_by_a_constant)
{
    const int64_t divisors[] = {1,         2,         123, 7919, UINT32_MAX, INT64_C(1) << 32,
                                INT64_MAX, INT64_MIN, -1,  -123, 0,          INT32_MAX};
    for (uint64_t seed = 1; seed <= 120; seed++)
        expect_remainders(seed, divisors[seed % MR_LENGTH(divisors)]);
}

static void expect_ints(uint64_t seed, unsigned bits)
{
    play p;
    begin(&p, seed, bits);
    mr_type type = mr_type_of(MR_TYPE_INT);
    run(&p, mr_cast_function(mr_type_of(MR_TYPE_BIGINT), type, false), 1, type);
    for (uint32_t r = 0; r < ROWS; r++) {
        if (!p.is_selected[r] || mr_vector_is_null(&p.args[0], r))
            continue;
        int64_t value = p.args[0].i64[r];
        bool fits = value >= INT32_MIN && value <= INT32_MAX;
        cr_assert_eq(has_failed(&p, r), !fits, "%" PRId64, value);
        if (fits)
            cr_assert_eq(p.result.i32[r], value);
    }
    mr_arena_release(&p.arena);
}

Test(integers, bigint_to_int)
{
    for (uint64_t seed = 1; seed <= 120; seed++)
        expect_ints(seed, seed % 4 == 0 ? 64 : seed % 4 == 1 ? 33 : 32);
}
