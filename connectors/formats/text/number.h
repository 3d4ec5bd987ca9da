/*
 * Numbers as text: exact conversion of decimal notation to integers, decimals and doubles, and
 * back.
 *
 * Nothing here looks at the locale or allocates. Thread: pure functions.
 */
#ifndef MR_CONNECTORS_FORMATS_TEXT_NUMBER_H
#define MR_CONNECTORS_FORMATS_TEXT_NUMBER_H

#include "engine/batch/type.h"

#include <stddef.h>

/* The parts of a number: value = (-1)^is_negative * whole.fraction * 10^exponent. Borrowed text. */
typedef struct mr_number {
    bool is_negative;
    const char *whole;
    const char *fraction;
    uint32_t whole_length;
    uint32_t fraction_length;
    int64_t exponent; /* saturates at +-10^9, far outside of every type */
} mr_number;

typedef enum mr_number_fit {
    MR_NUMBER_FITS = 0,
    MR_NUMBER_TOO_LARGE, /* outside the target's range */
    MR_NUMBER_INEXACT,   /* digits behind the point, for an integer */
} mr_number_fit;

/* Reads a number of JSON's grammar at `at`; returns the byte behind it, or NULL when there is
 * none. What follows is the caller's business ("12x" gives the byte `x`). */
const char *mr_number_scan(const char *at, const char *end, mr_number *number);

/* Reads `length` bytes that are a number and nothing else, in the wider grammar of text fields:
 * blanks around it, a leading `+`, leading zeros, `1.` and `.5`. */
bool mr_number_parse(const char *text, size_t length, mr_number *number);

/* Exact; TOO_LARGE outside of [min, max]. */
mr_number_fit mr_number_to_i64(const mr_number *number, int64_t min, int64_t max, int64_t *value);

/* The unscaled value of DECIMAL(precision, scale), rounded HALF_UP to the scale. */
mr_number_fit mr_number_to_decimal(const mr_number *number, unsigned precision, unsigned scale,
                                   mr_i128 *unscaled);

/* The nearest double (float: nearest float); TOO_LARGE when that is an infinity. */
mr_number_fit mr_number_to_double(const mr_number *number, double *value);
mr_number_fit mr_number_to_float(const mr_number *number, double *value);

#define MR_NUMBER_TEXT_MAX 64

/* Writers: the text goes to `to` (MR_NUMBER_TEXT_MAX bytes, no NUL); the length comes back. */
size_t mr_number_write_i64(char *to, int64_t value);

/* Without trailing zeros behind the point. Not plain: as Java's BigDecimal prints it, with an
 * exponent where the number is smaller than 10^-6 or ends in zeros before the point (100 is
 * 1E+2). */
size_t mr_number_write_decimal(char *to, mr_i128 unscaled, unsigned scale, bool is_plain);

/* The fewest digits that read back as the same double (float), in Java's notation: 1.0, 0.001,
 * 1.0E10. The value is finite. */
size_t mr_number_write_double(char *to, double value);
size_t mr_number_write_float(char *to, double value);

#endif
