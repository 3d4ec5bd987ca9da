/*
 * Numbers and text: how SQL prints and reads integers and floating-point numbers (Java's forms).
 * Independent of the process locale as long as nobody calls setlocale. Thread: pure. Memory: none.
 */
#ifndef MR_ENGINE_EXPR_NUMBER_H
#define MR_ENGINE_EXPR_NUMBER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define MR_DOUBLE_TEXT_MAX 40
#define MR_INTEGER_TEXT_MAX 24

/* The shortest digits that read back as `value`, as Java's Double.toString and Float.toString write
 * them: 1.0, 1.0E10, 1.0E-4, NaN, Infinity. NUL-terminated; returns the length. */
size_t mr_double_print(double value, char to[MR_DOUBLE_TEXT_MAX]);
size_t mr_float_print(double value, char to[MR_DOUBLE_TEXT_MAX]);

size_t mr_integer_print(int64_t value, char to[MR_INTEGER_TEXT_MAX]);

/* The whole text as a floating-point number: decimal digits, point, exponent, sign; NaN and
 * Infinity. False: malformed. */
bool mr_double_parse(const char *text, size_t length, double *value);

typedef enum mr_integer_parsed {
    MR_INTEGER_OK = 0,
    MR_INTEGER_MALFORMED,
    MR_INTEGER_TOO_BIG,
} mr_integer_parsed;

/* [+-]digits[.digits]; what follows the point is dropped. */
mr_integer_parsed mr_integer_parse(const char *text, size_t length, int64_t *value);

#endif
