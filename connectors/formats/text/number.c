#include "connectors/formats/text/number.h"

#include <stdlib.h>
#include <string.h>

#define EXPONENT_MAX INT64_C(1000000000)
/* A double is decided by at most 767 significant digits and whether anything follows them. */
#define DOUBLE_DIGITS_MAX 770
#define DECIMAL_DIGITS_MAX 38
#define DOUBLE_EXACT_MAX (UINT64_C(1) << 53)

static const double POWERS_OF_TEN[] = {1e0,  1e1,  1e2,  1e3,  1e4,  1e5,  1e6,  1e7,
                                       1e8,  1e9,  1e10, 1e11, 1e12, 1e13, 1e14, 1e15,
                                       1e16, 1e17, 1e18, 1e19, 1e20, 1e21, 1e22};

static bool is_digit(char c)
{
    return (unsigned char)(c - '0') < 10;
}

static const char *skip_digits(const char *at, const char *end)
{
    while (at < end && is_digit(*at))
        at++;
    return at;
}

/* At the `e`; NULL when no digits follow. */
static const char *scan_exponent(const char *at, const char *end, int64_t *exponent)
{
    at++;
    bool is_negative = at < end && *at == '-';
    if (at < end && (*at == '-' || *at == '+'))
        at++;
    const char *digits = at;
    int64_t value = 0;
    for (; at < end && is_digit(*at); at++)
        if (value < EXPONENT_MAX)
            value = value * 10 + (*at - '0');
    if (at == digits)
        return NULL;
    if (value > EXPONENT_MAX)
        value = EXPONENT_MAX;
    *exponent = is_negative ? -value : value;
    return at;
}

const char *mr_number_scan(const char *at, const char *end, mr_number *number)
{
    *number = (mr_number){.is_negative = at < end && *at == '-'};
    if (number->is_negative)
        at++;
    number->whole = at;
    at = skip_digits(at, end);
    number->whole_length = (uint32_t)(at - number->whole);
    if (number->whole_length == 0 || (number->whole_length > 1 && number->whole[0] == '0'))
        return NULL;
    number->fraction = at;
    if (at < end && *at == '.') {
        number->fraction = ++at;
        at = skip_digits(at, end);
        number->fraction_length = (uint32_t)(at - number->fraction);
        if (number->fraction_length == 0)
            return NULL;
    }
    if (at < end && (*at == 'e' || *at == 'E'))
        return scan_exponent(at, end, &number->exponent);
    return at;
}

bool mr_number_parse(const char *text, size_t length, mr_number *number)
{
    const char *at = text;
    const char *end = text + length;
    while (at < end && (unsigned char)*at <= ' ')
        at++;
    while (end > at && (unsigned char)end[-1] <= ' ')
        end--;
    *number = (mr_number){.is_negative = at < end && *at == '-'};
    if (at < end && (*at == '-' || *at == '+'))
        at++;
    number->whole = at;
    at = skip_digits(at, end);
    number->whole_length = (uint32_t)(at - number->whole);
    number->fraction = at;
    if (at < end && *at == '.') {
        number->fraction = ++at;
        at = skip_digits(at, end);
        number->fraction_length = (uint32_t)(at - number->fraction);
    }
    if (number->whole_length + number->fraction_length == 0)
        return false;
    if (at < end && (*at == 'e' || *at == 'E')) {
        at = scan_exponent(at, end, &number->exponent);
        if (at == NULL)
            return false;
    }
    return at == end;
}

/* The i-th digit of whole and fraction in one row. */
static unsigned digit_at(const mr_number *number, uint64_t i)
{
    char c =
        i < number->whole_length ? number->whole[i] : number->fraction[i - number->whole_length];
    return (unsigned)(c - '0');
}

static uint64_t digits_count(const mr_number *number)
{
    return (uint64_t)number->whole_length + number->fraction_length;
}

static uint64_t leading_zeros(const mr_number *number)
{
    uint64_t i = 0;
    while (i < digits_count(number) && digit_at(number, i) == 0)
        i++;
    return i;
}

typedef struct scaled {
    mr_u128 kept;       /* digits before the cut */
    unsigned first_cut; /* the digit behind it */
    bool is_exact;      /* only zeros behind it */
} scaled;

/* number * 10^scale, cut towards zero; false when it has more than 38 digits. */
static bool scale_number(const mr_number *number, int64_t scale, scaled *result)
{
    *result = (scaled){.is_exact = true};
    uint64_t count = digits_count(number);
    uint64_t first = leading_zeros(number);
    if (first == count)
        return true;
    int64_t kept_end = (int64_t)number->whole_length + number->exponent + scale;
    if (kept_end - (int64_t)first > DECIMAL_DIGITS_MAX)
        return false;
    for (int64_t i = (int64_t)first; i < kept_end; i++)
        result->kept = result->kept * 10 + (i < (int64_t)count ? digit_at(number, (uint64_t)i) : 0);
    if (kept_end >= 0 && kept_end < (int64_t)count)
        result->first_cut = digit_at(number, (uint64_t)kept_end);
    for (uint64_t i = kept_end < (int64_t)first ? first : (uint64_t)kept_end; i < count; i++)
        if (digit_at(number, i) != 0)
            result->is_exact = false;
    return true;
}

mr_number_fit mr_number_to_i64(const mr_number *number, int64_t min, int64_t max, int64_t *value)
{
    scaled whole;
    if (!scale_number(number, 0, &whole))
        return MR_NUMBER_TOO_LARGE;
    if (!whole.is_exact)
        return MR_NUMBER_INEXACT;
    if (whole.kept > (mr_u128)1 << 63)
        return MR_NUMBER_TOO_LARGE;
    mr_i128 exact = number->is_negative ? -(mr_i128)whole.kept : (mr_i128)whole.kept;
    if (exact < min || exact > max)
        return MR_NUMBER_TOO_LARGE;
    *value = (int64_t)exact;
    return MR_NUMBER_FITS;
}

mr_number_fit mr_number_to_decimal(const mr_number *number, unsigned precision, unsigned scale,
                                   mr_i128 *unscaled)
{
    scaled cut;
    if (!scale_number(number, (int64_t)scale, &cut))
        return MR_NUMBER_TOO_LARGE;
    mr_u128 rounded = cut.kept + (cut.first_cut >= 5);
    mr_u128 limit = 1;
    for (unsigned i = 0; i < precision; i++)
        limit *= 10;
    if (rounded >= limit)
        return MR_NUMBER_TOO_LARGE;
    *unscaled = number->is_negative ? -(mr_i128)rounded : (mr_i128)rounded;
    return MR_NUMBER_FITS;
}

/* Digits without a point and an exponent: strtod then has no use for the locale's decimal point.
 * `text` has room for DOUBLE_DIGITS_MAX + 32 bytes. */
static void spell_for_strtod(const mr_number *number, char *text)
{
    uint64_t count = digits_count(number);
    uint64_t i = leading_zeros(number);
    char *to = text;
    if (number->is_negative)
        *to++ = '-';
    if (i == count)
        *to++ = '0';
    for (unsigned taken = 0; i < count && taken < DOUBLE_DIGITS_MAX; i++, taken++)
        *to++ = (char)('0' + digit_at(number, i));
    int64_t exponent = number->exponent + (int64_t)number->whole_length - (int64_t)i;
    bool is_cut_exact = true;
    for (; i < count; i++)
        if (digit_at(number, i) != 0)
            is_cut_exact = false;
    if (!is_cut_exact) {
        *to++ = '1';
        exponent--;
    }
    *to++ = 'e';
    to += mr_number_write_i64(to, exponent);
    *to = '\0';
}

/* Both the digits and the power of ten are exact doubles, so one operation rounds once
 * (Clinger). */
static bool exact_double(const mr_number *number, double *value)
{
    uint64_t count = digits_count(number);
    int64_t exponent = number->exponent - (int64_t)number->fraction_length;
    if (count > 19 || exponent < -22 || exponent > 22)
        return false;
    uint64_t digits = 0;
    for (uint64_t i = 0; i < count; i++)
        digits = digits * 10 + digit_at(number, i);
    if (digits > DOUBLE_EXACT_MAX)
        return false;
    double magnitude = (double)digits;
    magnitude =
        exponent < 0 ? magnitude / POWERS_OF_TEN[-exponent] : magnitude * POWERS_OF_TEN[exponent];
    *value = number->is_negative ? -magnitude : magnitude;
    return true;
}

mr_number_fit mr_number_to_double(const mr_number *number, double *value)
{
    if (exact_double(number, value))
        return MR_NUMBER_FITS;
    char text[DOUBLE_DIGITS_MAX + 32];
    spell_for_strtod(number, text);
    *value = strtod(text, NULL);
    return __builtin_isinf(*value) ? MR_NUMBER_TOO_LARGE : MR_NUMBER_FITS;
}

/* Not through double: rounding twice is wrong in the last bit now and then. */
mr_number_fit mr_number_to_float(const mr_number *number, double *value)
{
    char text[DOUBLE_DIGITS_MAX + 32];
    spell_for_strtod(number, text);
    *value = (double)strtof(text, NULL);
    return __builtin_isinf(*value) ? MR_NUMBER_TOO_LARGE : MR_NUMBER_FITS;
}
