/*
 * 256-bit unsigned integers: the intermediates of decimal arithmetic. Used by decimal.c and by
 * sums that leave 128 bits.
 *
 *   limb   0 (least significant) .. 7, 32 bits each: schoolbook algorithms on 64-bit products
 *
 * Thread: pure functions. Memory: none.
 */
#ifndef MR_ENGINE_EXPR_WIDE_H
#define MR_ENGINE_EXPR_WIDE_H

#include "engine/batch/type.h"

#define MR_WIDE_LIMBS 8

typedef struct mr_wide {
    uint32_t limb[MR_WIDE_LIMBS];
} mr_wide;

mr_wide mr_wide_of(mr_u128 value);
mr_wide mr_wide_product(mr_u128 a, mr_u128 b);

/* value * factor; false when it needs more than 256 bits. */
bool mr_wide_multiply(mr_wide *value, mr_u128 factor);

/* a + b and a - b (a >= b). No carry out: callers stay below 2^255. */
mr_wide mr_wide_sum(mr_wide a, mr_wide b);
mr_wide mr_wide_difference(mr_wide a, mr_wide b);
int mr_wide_compare(mr_wide a, mr_wide b);

/* Quotient and remainder by a divisor that is not zero. */
mr_wide mr_wide_divide(mr_wide value, mr_u128 divisor, mr_u128 *remainder);

/* False when it needs more than 128 bits. */
bool mr_wide_narrow(mr_wide value, mr_u128 *result);

#endif
