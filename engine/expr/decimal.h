/*
 * DECIMAL(p <= 38, s): arithmetic on unscaled 128-bit integers with 256-bit intermediates.
 *
 * A value is v * 10^-scale. Every result is rounded HALF_UP (away from zero at the half) to the
 * scale asked for; a result with more than `precision` digits does not fit: the call gives false
 * and the caller makes it NULL, as SQL wants. Result types follow Flink's rules.
 * Thread: pure functions. Memory: none.
 */
#ifndef MR_ENGINE_EXPR_DECIMAL_H
#define MR_ENGINE_EXPR_DECIMAL_H

#include "engine/base/error.h"
#include "engine/batch/type.h"

#define MR_DECIMAL_TEXT_MAX 48 /* sign, 39 digits, point, leading zero, NUL */

/* 10^digits, digits 0..38. */
mr_i128 mr_decimal_power(uint32_t digits);

/* Has `value` at most `precision` digits? */
bool mr_decimal_fits(mr_i128 value, uint32_t precision);

MR_MUST_USE bool mr_decimal_rescale(mr_i128 value, uint32_t scale_from, mr_type to,
                                    mr_i128 *result);

/* a (scale_a) op b (scale_b), rounded to `to`. False: does not fit `to`, or (div, mod) b is
 * zero. */
MR_MUST_USE bool mr_decimal_add(mr_i128 a, uint32_t scale_a, mr_i128 b, uint32_t scale_b,
                                mr_type to, mr_i128 *result);
MR_MUST_USE bool mr_decimal_sub(mr_i128 a, uint32_t scale_a, mr_i128 b, uint32_t scale_b,
                                mr_type to, mr_i128 *result);
MR_MUST_USE bool mr_decimal_mul(mr_i128 a, uint32_t scale_a, mr_i128 b, uint32_t scale_b,
                                mr_type to, mr_i128 *result);
MR_MUST_USE bool mr_decimal_div(mr_i128 a, uint32_t scale_a, mr_i128 b, uint32_t scale_b,
                                mr_type to, mr_i128 *result);
MR_MUST_USE bool mr_decimal_mod(mr_i128 a, uint32_t scale_a, mr_i128 b, uint32_t scale_b,
                                mr_type to, mr_i128 *result);

/* Rounds to `digits` behind the point (negative: before it), then to scale and precision of
 * `to`. */
MR_MUST_USE bool mr_decimal_round(mr_i128 value, uint32_t scale, int32_t digits, mr_type to,
                                  mr_i128 *result);

/* Largest integer <= value, smallest integer >= value (scale 0). */
mr_i128 mr_decimal_floor(mr_i128 value, uint32_t scale);
mr_i128 mr_decimal_ceil(mr_i128 value, uint32_t scale);

/* < 0, 0, > 0. */
int mr_decimal_compare(mr_i128 a, uint32_t scale_a, mr_i128 b, uint32_t scale_b);

typedef enum mr_decimal_parsed {
    MR_DECIMAL_OK = 0,
    MR_DECIMAL_MALFORMED,
    MR_DECIMAL_TOO_BIG, /* a number, but one that does not fit `to` */
} mr_decimal_parsed;

/* Reads [+-]digits[.digits][e[+-]digits] (the whole text, no blanks), rounded to `to`. */
mr_decimal_parsed mr_decimal_parse(const char *text, size_t length, mr_type to, mr_i128 *result);

/* Plain notation with exactly `scale` digits behind the point, NUL-terminated; returns the
 * length. */
size_t mr_decimal_print(mr_i128 value, uint32_t scale, char to[MR_DECIMAL_TEXT_MAX]);

/* The nearest double. */
double mr_decimal_to_double(mr_i128 value, uint32_t scale);

/* The shortest decimal text of `value`, rounded to `to`, as Java's BigDecimal.valueOf. False also
 * for NaN and infinities. */
MR_MUST_USE bool mr_decimal_of_double(double value, mr_type to, mr_i128 *result);

/* Towards zero; false when it does not fit an int64_t. */
MR_MUST_USE bool mr_decimal_to_i64(mr_i128 value, uint32_t scale, int64_t *result);

/* Result types (nullable when either is). Operands are DECIMALs. */
mr_type mr_decimal_type_add(mr_type a, mr_type b);
mr_type mr_decimal_type_mul(mr_type a, mr_type b);
mr_type mr_decimal_type_div(mr_type a, mr_type b);
mr_type mr_decimal_type_mod(mr_type a, mr_type b);
mr_type mr_decimal_type_round(mr_type type, int32_t digits);

/* The DECIMAL that holds every value of an integer type: TINYINT (3,0) .. BIGINT (19,0). A DECIMAL
 * is given back as it is. */
mr_type mr_decimal_type_of(mr_type integer);

#endif
