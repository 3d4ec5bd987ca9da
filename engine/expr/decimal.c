#include "engine/expr/decimal.h"

#include "engine/base/assert.h"
#include "engine/expr/number.h"
#include "engine/expr/wide.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define P19 ((mr_i128)10000000000000000000ull)

mr_i128 mr_decimal_power(uint32_t digits)
{
    static const uint64_t small[] = {1ull,
                                     10ull,
                                     100ull,
                                     1000ull,
                                     10000ull,
                                     100000ull,
                                     1000000ull,
                                     10000000ull,
                                     100000000ull,
                                     1000000000ull,
                                     10000000000ull,
                                     100000000000ull,
                                     1000000000000ull,
                                     10000000000000ull,
                                     100000000000000ull,
                                     1000000000000000ull,
                                     10000000000000000ull,
                                     100000000000000000ull,
                                     1000000000000000000ull,
                                     10000000000000000000ull};
    MR_ASSERT(digits <= MR_DECIMAL_PRECISION_MAX);
    return digits < 20 ? (mr_i128)small[digits] : P19 * (mr_i128)small[digits - 19];
}

static mr_u128 magnitude(mr_i128 value)
{
    return value < 0 ? -(mr_u128)value : (mr_u128)value;
}

bool mr_decimal_fits(mr_i128 value, uint32_t precision)
{
    return magnitude(value) < (mr_u128)mr_decimal_power(precision);
}

/* Gives the magnitude its sign back, if it fits. */
static bool finish(mr_u128 value, bool is_negative, mr_type to, mr_i128 *result)
{
    if (value >= (mr_u128)mr_decimal_power(to.precision))
        return false;
    *result = is_negative ? -(mr_i128)value : (mr_i128)value;
    return true;
}

/* value / 10^digits HALF_UP. Up to 76 digits: what is beyond 38 cannot change the rounding of a
 * half, since a double rounding is avoided by dividing by the two powers with one common remainder
 * test. */
static mr_wide drop_digits(mr_wide value, uint32_t digits)
{
    if (digits == 0)
        return value;
    mr_u128 rest;
    if (digits > MR_DECIMAL_PRECISION_MAX) {
        value = mr_wide_divide(value, (mr_u128)mr_decimal_power(digits - 38), &rest);
        digits = 38; /* truncated: HALF_UP looks at the first dropped digit only */
    }
    mr_u128 power = (mr_u128)mr_decimal_power(digits);
    value = mr_wide_divide(value, power, &rest);
    if (rest >= power / 2)
        value = mr_wide_sum(value, mr_wide_of(1));
    return value;
}

/* A magnitude at scale `from`, rounded and checked into `to`. */
static bool settle(mr_wide value, bool is_negative, uint32_t from, mr_type to, mr_i128 *result)
{
    if (from > to.scale)
        value = drop_digits(value, from - to.scale);
    else if (from < to.scale &&
             !mr_wide_multiply(&value, (mr_u128)mr_decimal_power(to.scale - from)))
        return false;
    mr_u128 narrow;
    return mr_wide_narrow(value, &narrow) && finish(narrow, is_negative, to, result);
}

bool mr_decimal_rescale(mr_i128 value, uint32_t scale_from, mr_type to, mr_i128 *result)
{
    if (scale_from == to.scale) {
        *result = value;
        return mr_decimal_fits(value, to.precision);
    }
    return settle(mr_wide_of(magnitude(value)), value < 0, scale_from, to, result);
}

/* Sums of what stays below 10^38 after alignment, the usual case, need no wide numbers. */
static bool add_narrow(mr_i128 a, uint32_t scale_a, mr_i128 b, uint32_t scale_b, mr_type to,
                       mr_i128 *result)
{
    mr_i128 sum;
    if (to.scale < scale_a || to.scale < scale_b ||
        __builtin_mul_overflow(a, mr_decimal_power(to.scale - scale_a), &a) ||
        __builtin_mul_overflow(b, mr_decimal_power(to.scale - scale_b), &b) ||
        __builtin_add_overflow(a, b, &sum))
        return false;
    *result = sum;
    return true;
}

bool mr_decimal_add(mr_i128 a, uint32_t scale_a, mr_i128 b, uint32_t scale_b, mr_type to,
                    mr_i128 *result)
{
    if (add_narrow(a, scale_a, b, scale_b, to, result))
        return mr_decimal_fits(*result, to.precision);
    uint32_t scale = scale_a > scale_b ? scale_a : scale_b;
    /* Below 10^38 * 10^38 < 2^253 each: neither product nor sum can overflow. */
    mr_wide x = mr_wide_product(magnitude(a), (mr_u128)mr_decimal_power(scale - scale_a));
    mr_wide y = mr_wide_product(magnitude(b), (mr_u128)mr_decimal_power(scale - scale_b));
    if ((a < 0) == (b < 0))
        return settle(mr_wide_sum(x, y), a < 0, scale, to, result);
    if (mr_wide_compare(x, y) >= 0)
        return settle(mr_wide_difference(x, y), a < 0, scale, to, result);
    return settle(mr_wide_difference(y, x), b < 0, scale, to, result);
}

bool mr_decimal_sub(mr_i128 a, uint32_t scale_a, mr_i128 b, uint32_t scale_b, mr_type to,
                    mr_i128 *result)
{
    return mr_decimal_add(a, scale_a, -b, scale_b, to, result);
}

bool mr_decimal_mul(mr_i128 a, uint32_t scale_a, mr_i128 b, uint32_t scale_b, mr_type to,
                    mr_i128 *result)
{
    mr_i128 product;
    if (scale_a + scale_b == to.scale && !__builtin_mul_overflow(a, b, &product)) {
        *result = product;
        return mr_decimal_fits(product, to.precision);
    }
    return settle(mr_wide_product(magnitude(a), magnitude(b)), (a < 0) != (b < 0),
                  scale_a + scale_b, to, result);
}

bool mr_decimal_div(mr_i128 a, uint32_t scale_a, mr_i128 b, uint32_t scale_b, mr_type to,
                    mr_i128 *result)
{
    if (b == 0)
        return false;
    bool is_negative = (a < 0) != (b < 0);
    mr_u128 divisor = magnitude(b);
    mr_wide dividend = mr_wide_of(magnitude(a));
    int32_t shift = (int32_t)to.scale + (int32_t)scale_b - (int32_t)scale_a;
    for (int32_t up = shift; up > 0; up -= 38)
        if (!mr_wide_multiply(&dividend, (mr_u128)mr_decimal_power(up > 38 ? 38 : (uint32_t)up)))
            return false; /* over 2^256 / 10^38: the quotient has more than 38 digits */
    if (shift < 0 &&
        __builtin_mul_overflow(divisor, (mr_u128)mr_decimal_power((uint32_t)-shift), &divisor))
        return finish(0, false, to, result); /* |a| < 10^38 is less than a third of the divisor */
    mr_u128 rest, quotient;
    if (!mr_wide_narrow(mr_wide_divide(dividend, divisor, &rest), &quotient))
        return false;
    if (rest >= divisor - rest)
        quotient++;
    return finish(quotient, is_negative, to, result);
}

bool mr_decimal_mod(mr_i128 a, uint32_t scale_a, mr_i128 b, uint32_t scale_b, mr_type to,
                    mr_i128 *result)
{
    if (b == 0)
        return false;
    mr_u128 rest = magnitude(a);
    if (scale_a <= scale_b) {
        mr_wide x = mr_wide_product(rest, (mr_u128)mr_decimal_power(scale_b - scale_a));
        (void)mr_wide_divide(x, magnitude(b), &rest);
        return settle(mr_wide_of(rest), a < 0, scale_b, to, result);
    }
    mr_u128 divisor;
    mr_wide y = mr_wide_product(magnitude(b), (mr_u128)mr_decimal_power(scale_a - scale_b));
    if (mr_wide_narrow(y, &divisor))
        rest %= divisor; /* else the divisor is beyond any dividend */
    return settle(mr_wide_of(rest), a < 0, scale_a, to, result);
}

bool mr_decimal_round(mr_i128 value, uint32_t scale, int32_t digits, mr_type to, mr_i128 *result)
{
    if (digits >= (int32_t)scale)
        return mr_decimal_rescale(value, scale, to, result);
    int64_t drop = (int64_t)scale - digits;
    mr_wide rounded = mr_wide_of(0);
    if (drop <= 38) {
        rounded = drop_digits(mr_wide_of(magnitude(value)), (uint32_t)drop);
        (void)mr_wide_multiply(&rounded, (mr_u128)mr_decimal_power((uint32_t)drop));
    }
    return settle(rounded, value < 0, scale, to, result);
}

mr_i128 mr_decimal_floor(mr_i128 value, uint32_t scale)
{
    mr_i128 power = mr_decimal_power(scale);
    return value / power - (value % power < 0);
}

mr_i128 mr_decimal_ceil(mr_i128 value, uint32_t scale)
{
    mr_i128 power = mr_decimal_power(scale);
    return value / power + (value % power > 0);
}

int mr_decimal_compare(mr_i128 a, uint32_t scale_a, mr_i128 b, uint32_t scale_b)
{
    if (scale_a == scale_b)
        return (a > b) - (a < b);
    if ((a < 0) != (b < 0))
        return a < 0 ? -1 : 1;
    uint32_t scale = scale_a > scale_b ? scale_a : scale_b;
    mr_wide x = mr_wide_product(magnitude(a), (mr_u128)mr_decimal_power(scale - scale_a));
    mr_wide y = mr_wide_product(magnitude(b), (mr_u128)mr_decimal_power(scale - scale_b));
    int order = mr_wide_compare(x, y);
    return a < 0 ? -order : order;
}

double mr_decimal_to_double(mr_i128 value, uint32_t scale)
{
    /* Both exact, so one division rounds once; otherwise the C library rounds the text right. */
    if (scale <= 22 && magnitude(value) <= (mr_u128)1 << 53)
        return (double)value / (double)mr_decimal_power(scale);
    char text[MR_DECIMAL_TEXT_MAX];
    mr_decimal_print(value, scale, text);
    return strtod(text, NULL);
}

bool mr_decimal_of_double(double value, mr_type to, mr_i128 *result)
{
    if (!isfinite(value))
        return false;
    char text[MR_DOUBLE_TEXT_MAX];
    size_t length = mr_double_print(value, text);
    return mr_decimal_parse(text, length, to, result) == MR_DECIMAL_OK;
}

bool mr_decimal_to_i64(mr_i128 value, uint32_t scale, int64_t *result)
{
    mr_i128 whole = value / mr_decimal_power(scale);
    *result = (int64_t)whole;
    return whole >= INT64_MIN && whole <= INT64_MAX;
}

size_t mr_decimal_print(mr_i128 value, uint32_t scale, char to[MR_DECIMAL_TEXT_MAX])
{
    char digits[MR_DECIMAL_TEXT_MAX];
    uint32_t count = 0;
    for (mr_u128 rest = magnitude(value); rest != 0 || count <= scale; rest /= 10)
        digits[count++] = (char)('0' + (int)(rest % 10));
    size_t at = 0;
    if (value < 0)
        to[at++] = '-';
    while (count > 0) {
        if (count == scale)
            to[at++] = '.';
        to[at++] = digits[--count];
    }
    to[at] = '\0';
    return at;
}

typedef struct numeral {
    const char *first, *end; /* digits, with at most one point between them */
    const char *point;       /* NULL: none */
    int64_t exponent;
    bool is_negative;
} numeral;

static const char *skip_digits(const char *at, const char *end)
{
    while (at < end && *at >= '0' && *at <= '9')
        at++;
    return at;
}

static bool read_exponent(const char *at, const char *end, numeral *number)
{
    bool is_negative = at < end && *at == '-';
    if (at < end && (*at == '-' || *at == '+'))
        at++;
    if (at == end || skip_digits(at, end) != end)
        return false;
    for (; at < end; at++)
        if (number->exponent < 1000000000)
            number->exponent = number->exponent * 10 + (*at - '0');
    if (is_negative)
        number->exponent = -number->exponent;
    return true;
}

static bool read_numeral(const char *text, size_t length, numeral *number)
{
    const char *end = text + length;
    *number = (numeral){.is_negative = length > 0 && *text == '-'};
    if (length > 0 && (*text == '-' || *text == '+'))
        text++;
    number->first = text;
    const char *at = skip_digits(text, end);
    if (at < end && *at == '.') {
        number->point = at;
        at = skip_digits(at + 1, end);
    }
    number->end = at;
    if (at - text - (number->point != NULL) <= 0)
        return false;
    if (at == end)
        return true;
    return (*at == 'e' || *at == 'E') && read_exponent(at + 1, end, number);
}

mr_decimal_parsed mr_decimal_parse(const char *text, size_t length, mr_type to, mr_i128 *result)
{
    numeral number;
    if (!read_numeral(text, length, &number))
        return MR_DECIMAL_MALFORMED;
    const char *point = number.point != NULL ? number.point : number.end;
    /* Digits in front of the place that is rounded away, counted from `first`. */
    int64_t kept = (point - number.first) + number.exponent + to.scale;
    mr_u128 value = 0;
    const mr_u128 limit = (mr_u128)mr_decimal_power(to.precision);
    int64_t i = 0;
    for (const char *at = number.first; at < number.end; at++) {
        if (at == number.point)
            continue;
        int digit = *at - '0';
        if (i >= kept) {
            value += (unsigned)(i == kept && digit >= 5);
            break;
        }
        value = value * 10 + (unsigned)digit;
        if (value >= limit)
            return MR_DECIMAL_TOO_BIG;
        i++;
    }
    for (; value != 0 && i < kept; i++) {
        value *= 10;
        if (value >= limit)
            return MR_DECIMAL_TOO_BIG;
    }
    return finish(value, number.is_negative, to, result) ? MR_DECIMAL_OK : MR_DECIMAL_TOO_BIG;
}

static mr_type typed(mr_type a, mr_type b, uint32_t precision, uint32_t scale)
{
    if (precision > MR_DECIMAL_PRECISION_MAX) {
        uint32_t digits = precision - scale;
        uint32_t least = scale < 6 ? scale : 6;
        scale = digits + least < 38 ? 38 - digits : least;
        precision = 38;
    }
    mr_type type = mr_type_decimal((uint8_t)precision, (uint8_t)scale);
    type.is_nullable = a.is_nullable || b.is_nullable;
    return type;
}

static uint32_t larger(uint32_t a, uint32_t b)
{
    return a > b ? a : b;
}

mr_type mr_decimal_type_add(mr_type a, mr_type b)
{
    uint32_t scale = larger(a.scale, b.scale);
    uint32_t digits = larger((uint32_t)(a.precision - a.scale), (uint32_t)(b.precision - b.scale));
    return typed(a, b, digits + scale + 1, scale);
}

mr_type mr_decimal_type_mul(mr_type a, mr_type b)
{
    return typed(a, b, (uint32_t)a.precision + b.precision + 1, (uint32_t)a.scale + b.scale);
}

mr_type mr_decimal_type_div(mr_type a, mr_type b)
{
    uint32_t scale = larger(6, (uint32_t)a.scale + b.precision + 1);
    return typed(a, b, (uint32_t)a.precision - a.scale + b.scale + scale, scale);
}

mr_type mr_decimal_type_mod(mr_type a, mr_type b)
{
    uint32_t scale = larger(a.scale, b.scale);
    uint32_t digits_a = (uint32_t)(a.precision - a.scale);
    uint32_t digits_b = (uint32_t)(b.precision - b.scale);
    return typed(a, b, (digits_a < digits_b ? digits_a : digits_b) + scale, scale);
}

mr_type mr_decimal_type_round(mr_type type, int32_t digits)
{
    int32_t p = type.precision, s = type.scale;
    if (digits >= s)
        return type;
    if (digits >= 0) {
        p = 1 + p - s + digits;
        s = digits;
    } else {
        p = 1 + p - s < 38 ? 1 + p - s : 38;
        s = 0;
    }
    type.precision = (uint8_t)p;
    type.scale = (uint8_t)s;
    return type;
}

mr_type mr_decimal_type_of(mr_type integer)
{
    mr_type type = integer;
    switch (integer.kind) {
    case MR_TYPE_TINYINT: type = mr_type_decimal(3, 0); break;
    case MR_TYPE_SMALLINT: type = mr_type_decimal(5, 0); break;
    case MR_TYPE_INT: type = mr_type_decimal(10, 0); break;
    case MR_TYPE_BIGINT: type = mr_type_decimal(19, 0); break;
    default: break;
    }
    type.is_nullable = integer.is_nullable;
    return type;
}
