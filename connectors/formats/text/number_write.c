/* The writing half of number.h. */
#include "connectors/formats/text/number.h"

#include <float.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define DIGITS_MAX 40
#define DOUBLE_EXACT_MAX 9007199254740992.0 /* 2^53 */

/* A decimal in digits: 0.d1d2d3.. * 10^point, without trailing zeros; "0" for zero. */
typedef struct digits {
    char text[DIGITS_MAX];
    int count;
    int point;
} digits;

static void digits_of(mr_u128 value, int point_shift, digits *out)
{
    char reversed[DIGITS_MAX];
    int count = 0;
    do {
        reversed[count++] = (char)('0' + (int)(value % 10));
        value /= 10;
    } while (value > 0);
    out->point = count + point_shift;
    int skip = 0;
    while (skip < count - 1 && reversed[skip] == '0')
        skip++;
    out->count = count - skip;
    for (int i = 0; i < out->count; i++)
        out->text[i] = reversed[count - 1 - i];
}

size_t mr_number_write_i64(char *to, int64_t value)
{
    char reversed[24];
    size_t count = 0;
    uint64_t magnitude = value < 0 ? 0 - (uint64_t)value : (uint64_t)value;
    do {
        reversed[count++] = (char)('0' + magnitude % 10);
        magnitude /= 10;
    } while (magnitude > 0);
    size_t length = 0;
    if (value < 0)
        to[length++] = '-';
    while (count > 0)
        to[length++] = reversed[--count];
    return length;
}

static char *put_zeros(char *to, int count)
{
    for (int i = 0; i < count; i++)
        *to++ = '0';
    return to;
}

static char *put_plain(char *to, const digits *d, bool has_point_always)
{
    if (d->point <= 0) {
        *to++ = '0';
    } else {
        for (int i = 0; i < d->point; i++)
            *to++ = i < d->count ? d->text[i] : '0';
    }
    int behind = d->count - (d->point > 0 ? d->point : 0);
    if (behind <= 0) {
        if (!has_point_always)
            return to;
        *to++ = '.';
        *to++ = '0';
        return to;
    }
    *to++ = '.';
    if (d->point < 0)
        to = put_zeros(to, -d->point);
    memcpy(to, d->text + (d->point > 0 ? d->point : 0), (size_t)behind);
    return to + behind;
}

static char *put_scientific(char *to, const digits *d, bool has_point_always, bool has_plus)
{
    *to++ = d->text[0];
    if (d->count > 1 || has_point_always) {
        *to++ = '.';
        memcpy(to, d->count > 1 ? d->text + 1 : "0", d->count > 1 ? (size_t)(d->count - 1) : 1);
        to += d->count > 1 ? d->count - 1 : 1;
    }
    *to++ = 'E';
    int exponent = d->point - 1;
    if (has_plus && exponent >= 0)
        *to++ = '+';
    return to + mr_number_write_i64(to, exponent);
}

size_t mr_number_write_decimal(char *to, mr_i128 unscaled, unsigned scale, bool is_plain)
{
    char *at = to;
    if (unscaled == 0) {
        *to = '0';
        return 1;
    }
    mr_u128 magnitude = unscaled < 0 ? 0 - (mr_u128)unscaled : (mr_u128)unscaled;
    if (unscaled < 0)
        *at++ = '-';
    digits d;
    digits_of(magnitude, -(int)scale, &d);
    /* BigDecimal.toString, zeros stripped: a negative scale or an exponent below -6 is
     * scientific. */
    bool is_scientific = d.count < d.point || d.point - 1 < -6;
    at =
        is_plain || !is_scientific ? put_plain(at, &d, false) : put_scientific(at, &d, false, true);
    return (size_t)(at - to);
}

/* Few digits behind the point, the usual case: found by trial, without printf. n and 10^k are
 * exact, so n / 10^k rounds once and equality proves that these digits read back as `value`. */
static bool short_digits(double value, digits *d)
{
    double power = 1;
    for (int k = 0; k <= 9; k++, power *= 10) {
        double n = nearbyint(value * power);
        if (!(n < DOUBLE_EXACT_MAX / 16))
            return false;
        if (n >= 1 && n / power == value) {
            digits_of((mr_u128)n, -k, d);
            return true;
        }
    }
    return false;
}

/* "d.ddde+XX" into digits. */
static void digits_of_print(const char *print, digits *d)
{
    d->count = 0;
    const char *at = print;
    for (; *at != 'e'; at++)
        if (*at >= '0' && *at <= '9') /* whatever the locale's decimal point is */
            d->text[d->count++] = *at;
    while (d->count > 1 && d->text[d->count - 1] == '0')
        d->count--;
    d->point = atoi(at + 1) + 1;
}

static void shortest_digits(double value, bool is_float, digits *d)
{
    if (!is_float && short_digits(value, d))
        return;
    char print[40];
    int last = is_float ? 8 : 16;
    /* 6 and 15 digits survive any normal number, so no shorter one is missed; subnormals have
     * fewer. */
    int first = is_float ? 5 : 14;
    if (value < (is_float ? (double)FLT_MIN : DBL_MIN))
        first = 0;
    for (int behind = first; behind <= last; behind++) {
        snprintf(print, sizeof print, "%.*e", behind, value);
        if (is_float ? strtof(print, NULL) == (float)value : strtod(print, NULL) == value)
            break;
    }
    digits_of_print(print, d);
}

static size_t write_floating(char *to, double value, bool is_float)
{
    char *at = to;
    if (signbit(value)) {
        *at++ = '-';
        value = -value;
    }
    if (value == 0) {
        memcpy(at, "0.0", 3);
        return (size_t)(at + 3 - to);
    }
    digits d;
    shortest_digits(value, is_float, &d);
    bool is_plain = value >= 1e-3 && value < 1e7;
    at = is_plain ? put_plain(at, &d, true) : put_scientific(at, &d, true, false);
    return (size_t)(at - to);
}

size_t mr_number_write_double(char *to, double value)
{
    return write_floating(to, value, false);
}

size_t mr_number_write_float(char *to, double value)
{
    return write_floating(to, value, true);
}
