#include "engine/expr/number.h"

#include <float.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* "d.ddde[+-]x" in the shortest form that reads back. If 15 (6) digits do, printf's trailing zeros
 * stand where a shorter form would have ended, so three tries are enough. Subnormals hold less. */
static void shortest(double value, bool is_float, char *to, size_t size)
{
    int digits = is_float ? 6 : 15;
    int last = is_float ? 9 : 17;
    if (value < (is_float ? (double)FLT_MIN : DBL_MIN))
        digits = 1;
    for (; digits <= last; digits++) {
        snprintf(to, size, "%.*e", digits - 1, value);
        if (is_float ? strtof(to, NULL) == (float)value : strtod(to, NULL) == value)
            return;
    }
}

static size_t print(double value, bool is_float, char to[MR_DOUBLE_TEXT_MAX])
{
    if (isnan(value))
        return (size_t)snprintf(to, MR_DOUBLE_TEXT_MAX, "NaN");
    if (isinf(value))
        return (size_t)snprintf(to, MR_DOUBLE_TEXT_MAX, value < 0 ? "-Infinity" : "Infinity");
    if (value == 0)
        return (size_t)snprintf(to, MR_DOUBLE_TEXT_MAX, signbit(value) ? "-0.0" : "0.0");
    char raw[MR_DOUBLE_TEXT_MAX], digits[MR_DOUBLE_TEXT_MAX];
    shortest(fabs(value), is_float, raw, sizeof raw);
    char *mark = strchr(raw, 'e');
    int exponent = atoi(mark + 1);
    int count = 0;
    for (char *at = raw; at < mark; at++)
        if (*at != '.')
            digits[count++] = *at;
    while (count > 1 && digits[count - 1] == '0')
        count--;
    size_t n = 0;
    if (value < 0)
        to[n++] = '-';
    bool is_plain = exponent >= -3 && exponent < 7;
    int point = is_plain ? exponent + 1 : 1; /* digits in front of the point */
    if (point <= 0) {
        to[n++] = '0';
        to[n++] = '.';
        for (int i = point; i < 0; i++)
            to[n++] = '0';
        for (int i = 0; i < count; i++)
            to[n++] = digits[i];
    } else {
        for (int i = 0; i < point; i++)
            to[n++] = i < count ? digits[i] : '0';
        to[n++] = '.';
        for (int i = point; i < count; i++)
            to[n++] = digits[i];
        if (count <= point)
            to[n++] = '0';
    }
    if (!is_plain)
        n += (size_t)snprintf(to + n, MR_DOUBLE_TEXT_MAX - n, "E%d", exponent);
    to[n] = '\0';
    return n;
}

size_t mr_double_print(double value, char to[MR_DOUBLE_TEXT_MAX])
{
    return print(value, false, to);
}

size_t mr_float_print(double value, char to[MR_DOUBLE_TEXT_MAX])
{
    return print(value, true, to);
}

size_t mr_integer_print(int64_t value, char to[MR_INTEGER_TEXT_MAX])
{
    char digits[MR_INTEGER_TEXT_MAX];
    uint64_t rest = value < 0 ? -(uint64_t)value : (uint64_t)value;
    int count = 0;
    do {
        digits[count++] = (char)('0' + (int)(rest % 10));
        rest /= 10;
    } while (rest != 0);
    size_t n = 0;
    if (value < 0)
        to[n++] = '-';
    while (count > 0)
        to[n++] = digits[--count];
    to[n] = '\0';
    return n;
}

static const char *skip_digits(const char *at, const char *end)
{
    while (at < end && *at >= '0' && *at <= '9')
        at++;
    return at;
}

/* strtod also reads hexadecimal, "inf" and blanks: what it gets is checked first. */
static bool is_numeral(const char *at, const char *end)
{
    if (at < end && (*at == '-' || *at == '+'))
        at++;
    const char *whole = at;
    at = skip_digits(at, end);
    int64_t digits = at - whole;
    if (at < end && *at == '.') {
        const char *fraction = at + 1;
        at = skip_digits(fraction, end);
        digits += at - fraction;
    }
    if (digits == 0)
        return false;
    if (at < end && (*at == 'e' || *at == 'E')) {
        at++;
        if (at < end && (*at == '-' || *at == '+'))
            at++;
        const char *exponent = at;
        at = skip_digits(at, end);
        if (at == exponent)
            return false;
    }
    return at == end;
}

static bool parse_word(const char *text, size_t length, double *value)
{
    bool is_negative = length > 0 && text[0] == '-';
    size_t sign = length > 0 && (text[0] == '-' || text[0] == '+');
    if (length - sign == 3 && memcmp(text + sign, "NaN", 3) == 0)
        *value = (double)NAN;
    else if (length - sign == 8 && memcmp(text + sign, "Infinity", 8) == 0)
        *value = is_negative ? -(double)INFINITY : (double)INFINITY;
    else
        return false;
    return true;
}

bool mr_double_parse(const char *text, size_t length, double *value)
{
    if (!is_numeral(text, text + length))
        return parse_word(text, length, value);
    char copy[128];
    if (length < sizeof copy) {
        memcpy(copy, text, length);
        copy[length] = '\0';
        *value = strtod(copy, NULL);
        return true;
    }
    char *heap = malloc(length + 1); /* numerals of over 127 characters: rare enough to allocate */
    if (heap == NULL)
        return false;
    memcpy(heap, text, length);
    heap[length] = '\0';
    *value = strtod(heap, NULL);
    free(heap);
    return true;
}

mr_integer_parsed mr_integer_parse(const char *text, size_t length, int64_t *value)
{
    const char *end = text + length;
    bool is_negative = length > 0 && *text == '-';
    if (length > 0 && (*text == '-' || *text == '+'))
        text++;
    const char *whole = skip_digits(text, end);
    const char *stop = whole;
    int64_t digits = whole - text;
    if (whole < end && *whole == '.') {
        stop = skip_digits(whole + 1, end);
        digits += stop - whole - 1;
    }
    if (digits == 0 || stop != end)
        return MR_INTEGER_MALFORMED;
    int64_t result = 0;
    for (; text < whole; text++) {
        int digit = is_negative ? '0' - *text : *text - '0';
        if (__builtin_mul_overflow(result, (int64_t)10, &result) ||
            __builtin_add_overflow(result, (int64_t)digit, &result))
            return MR_INTEGER_TOO_BIG;
    }
    *value = result;
    return MR_INTEGER_OK;
}
