/* Goal: decimal arithmetic is exact. Method: random operands of random scales against GMP's
 * rationals. */
#include "engine/expr/decimal.h"

#include <criterion/criterion.h>
#include <gmp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define ROUNDS 20000

static uint64_t next_random(uint64_t *seed)
{
    *seed ^= *seed << 13;
    *seed ^= *seed >> 7;
    *seed ^= *seed << 17;
    return *seed;
}

/* Any number of digits up to `digits`, either sign. */
static mr_i128 random_decimal(uint64_t *seed, uint32_t digits)
{
    uint32_t count = 1 + (uint32_t)(next_random(seed) % digits);
    mr_u128 value = ((mr_u128)next_random(seed) << 64 | next_random(seed));
    mr_i128 limited = (mr_i128)(value % (mr_u128)mr_decimal_power(count));
    return next_random(seed) % 2 != 0 ? -limited : limited;
}

static void to_rational(mpq_t rational, mr_i128 value, uint32_t scale)
{
    char text[MR_DECIMAL_TEXT_MAX];
    mr_decimal_print(value, 0, text);
    mpz_set_str(mpq_numref(rational), text, 10);
    mpz_ui_pow_ui(mpq_denref(rational), 10, scale);
    mpq_canonicalize(rational);
}

/* rational * 10^scale rounded HALF_UP; false when it has more than `precision` digits. */
static bool rounded(mpq_t rational, mr_type to, mpz_t result)
{
    mpz_t power, twice;
    mpz_inits(power, twice, NULL);
    mpz_ui_pow_ui(power, 10, to.scale);
    mpz_mul(result, mpq_numref(rational), power);
    int sign = mpz_sgn(result);
    mpz_abs(result, result);
    mpz_mul_ui(result, result, 2);
    mpz_add(result, result, mpq_denref(rational));
    mpz_mul_ui(twice, mpq_denref(rational), 2);
    mpz_fdiv_q(result, result, twice);
    mpz_ui_pow_ui(power, 10, to.precision);
    bool fits = mpz_cmp(result, power) < 0;
    if (sign < 0)
        mpz_neg(result, result);
    mpz_clears(power, twice, NULL);
    return fits;
}

static void expect_same(const char *operation, mpq_t wanted, mr_type to, bool is_ok, mr_i128 got,
                        mr_i128 a, mr_i128 b)
{
    mpz_t exact;
    mpz_init(exact);
    bool fits = rounded(wanted, to, exact);
    char got_text[MR_DECIMAL_TEXT_MAX] = "too big", a_text[MR_DECIMAL_TEXT_MAX],
         b_text[MR_DECIMAL_TEXT_MAX];
    if (is_ok)
        mr_decimal_print(got, 0, got_text);
    mr_decimal_print(a, 0, a_text);
    mr_decimal_print(b, 0, b_text);
    char *text = mpz_get_str(NULL, 10, exact);
    const char *wanted_text = fits ? text : "too big";
    if (strcmp(got_text, wanted_text) != 0)
        cr_assert_fail("%s %s %s to (%u, %u): expected %s, got %s", a_text, operation, b_text,
                       to.precision, to.scale, wanted_text, got_text);
    free(text);
    mpz_clear(exact);
}

/* a - b * trunc(a / b) */
static void remainder_of(mpq_t result, mpq_t a, mpq_t b)
{
    mpq_div(result, a, b);
    mpz_t whole;
    mpz_init(whole);
    mpz_tdiv_q(whole, mpq_numref(result), mpq_denref(result));
    mpq_set_z(result, whole);
    mpq_mul(result, result, b);
    mpq_sub(result, a, result);
    mpz_clear(whole);
}

Test(decimal, agrees_with_gmp)
{
    uint64_t seed = 20240501;
    mpq_t x, y, z;
    mpq_inits(x, y, z, NULL);
    for (int i = 0; i < ROUNDS; i++) {
        uint32_t sa = (uint32_t)(next_random(&seed) % 39), sb = (uint32_t)(next_random(&seed) % 39);
        mr_i128 a = random_decimal(&seed, 38), b = random_decimal(&seed, 38), r = 0;
        uint8_t precision = (uint8_t)(1 + next_random(&seed) % 38);
        mr_type to = mr_type_decimal(precision, (uint8_t)(next_random(&seed) % (precision + 1u)));
        to_rational(x, a, sa);
        to_rational(y, b, sb);
        mpq_add(z, x, y);
        bool is_ok = mr_decimal_add(a, sa, b, sb, to, &r);
        expect_same("+", z, to, is_ok, r, a, b);
        mpq_sub(z, x, y);
        is_ok = mr_decimal_sub(a, sa, b, sb, to, &r);
        expect_same("-", z, to, is_ok, r, a, b);
        mpq_mul(z, x, y);
        is_ok = mr_decimal_mul(a, sa, b, sb, to, &r);
        expect_same("*", z, to, is_ok, r, a, b);
        is_ok = mr_decimal_rescale(a, sa, to, &r);
        expect_same("rescale", x, to, is_ok, r, a, b);
        cr_assert_eq(mr_decimal_compare(a, sa, b, sb) < 0, mpq_cmp(x, y) < 0);
        cr_assert_eq(mr_decimal_compare(a, sa, b, sb) == 0, mpq_cmp(x, y) == 0);
        if (b == 0)
            continue;
        mpq_div(z, x, y);
        is_ok = mr_decimal_div(a, sa, b, sb, to, &r);
        expect_same("/", z, to, is_ok, r, a, b);
        remainder_of(z, x, y);
        is_ok = mr_decimal_mod(a, sa, b, sb, to, &r);
        expect_same("%", z, to, is_ok, r, a, b);
    }
    mpq_clears(x, y, z, NULL);
}

Test(decimal, reads_back_what_it_prints)
{
    uint64_t seed = 7;
    for (int i = 0; i < ROUNDS; i++) {
        uint8_t scale = (uint8_t)(next_random(&seed) % 39);
        mr_i128 value = random_decimal(&seed, 38), back = 0;
        char text[MR_DECIMAL_TEXT_MAX];
        size_t length = mr_decimal_print(value, scale, text);
        cr_assert_eq(mr_decimal_parse(text, length, mr_type_decimal(38, scale), &back),
                     MR_DECIMAL_OK);
        cr_assert(back == value, "%s", text);
    }
}

Test(decimal, reads_numerals_and_refuses_the_rest)
{
    static const struct {
        const char *text;
        mr_decimal_parsed parsed;
        int64_t value; /* at scale 2 */
    } rows[] = {
        {"1", MR_DECIMAL_OK, 100},
        {"-1.005", MR_DECIMAL_OK, -101},
        {"1.004", MR_DECIMAL_OK, 100},
        {".5", MR_DECIMAL_OK, 50},
        {"5.", MR_DECIMAL_OK, 500},
        {"1e2", MR_DECIMAL_OK, 10000},
        {"125e-3", MR_DECIMAL_OK, 13},
        {"+0.001", MR_DECIMAL_OK, 0},
        {"0e999999999", MR_DECIMAL_OK, 0},
        {"1e-999999999", MR_DECIMAL_OK, 0},
        {"9e-3", MR_DECIMAL_OK, 1},
        {"99999.994", MR_DECIMAL_OK, 9999999},
        {"99999.995", MR_DECIMAL_TOO_BIG, 0},
        {"1e5", MR_DECIMAL_TOO_BIG, 0},
        {"", MR_DECIMAL_MALFORMED, 0},
        {".", MR_DECIMAL_MALFORMED, 0},
        {"1e", MR_DECIMAL_MALFORMED, 0},
        {"1x", MR_DECIMAL_MALFORMED, 0},
        {"--1", MR_DECIMAL_MALFORMED, 0},
        {"1 ", MR_DECIMAL_MALFORMED, 0},
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        mr_i128 value = 0;
        mr_decimal_parsed parsed =
            mr_decimal_parse(rows[i].text, strlen(rows[i].text), mr_type_decimal(7, 2), &value);
        cr_expect_eq(parsed, rows[i].parsed, "%s", rows[i].text);
        if (parsed == MR_DECIMAL_OK)
            cr_expect(value == rows[i].value, "%s", rows[i].text);
    }
}
