#include "engine/expr/wide.h"

mr_wide mr_wide_of(mr_u128 value)
{
    mr_wide wide = {{0}};
    for (int i = 0; i < 4; i++)
        wide.limb[i] = (uint32_t)(value >> (32 * i));
    return wide;
}

bool mr_wide_multiply(mr_wide *value, mr_u128 factor)
{
    const mr_wide other = mr_wide_of(factor);
    mr_wide product = {{0}};
    bool is_over = false;
    for (int i = 0; i < MR_WIDE_LIMBS; i++) {
        uint64_t carry = 0;
        for (int j = 0; j < 4; j++) {
            if (i + j >= MR_WIDE_LIMBS) {
                is_over |= value->limb[i] != 0 && other.limb[j] != 0;
                continue;
            }
            uint64_t cell = (uint64_t)value->limb[i] * other.limb[j] + product.limb[i + j] + carry;
            product.limb[i + j] = (uint32_t)cell;
            carry = cell >> 32;
        }
        for (int k = i + 4; carry != 0 && k < MR_WIDE_LIMBS; k++) {
            uint64_t cell = (uint64_t)product.limb[k] + carry;
            product.limb[k] = (uint32_t)cell;
            carry = cell >> 32;
        }
        is_over |= carry != 0;
    }
    *value = product;
    return !is_over;
}

mr_wide mr_wide_product(mr_u128 a, mr_u128 b)
{
    mr_wide wide = mr_wide_of(a);
    (void)mr_wide_multiply(&wide, b); /* 128 x 128 bits always fit */
    return wide;
}

mr_wide mr_wide_sum(mr_wide a, mr_wide b)
{
    uint64_t carry = 0;
    for (int i = 0; i < MR_WIDE_LIMBS; i++) {
        carry += (uint64_t)a.limb[i] + b.limb[i];
        a.limb[i] = (uint32_t)carry;
        carry >>= 32;
    }
    return a;
}

mr_wide mr_wide_difference(mr_wide a, mr_wide b)
{
    int64_t borrow = 0;
    for (int i = 0; i < MR_WIDE_LIMBS; i++) {
        int64_t cell = (int64_t)a.limb[i] - b.limb[i] - borrow;
        borrow = cell < 0;
        a.limb[i] = (uint32_t)cell;
    }
    return a;
}

int mr_wide_compare(mr_wide a, mr_wide b)
{
    for (int i = MR_WIDE_LIMBS - 1; i >= 0; i--)
        if (a.limb[i] != b.limb[i])
            return a.limb[i] < b.limb[i] ? -1 : 1;
    return 0;
}

bool mr_wide_narrow(mr_wide value, mr_u128 *result)
{
    mr_u128 narrow = 0;
    for (int i = 3; i >= 0; i--)
        narrow = narrow << 32 | value.limb[i];
    *result = narrow;
    return (value.limb[4] | value.limb[5] | value.limb[6] | value.limb[7]) == 0;
}

static mr_wide divide_small(mr_wide value, uint32_t divisor, mr_u128 *remainder)
{
    uint64_t rest = 0;
    for (int i = MR_WIDE_LIMBS - 1; i >= 0; i--) {
        uint64_t cell = rest << 32 | value.limb[i];
        value.limb[i] = (uint32_t)(cell / divisor);
        rest = cell % divisor;
    }
    *remainder = rest;
    return value;
}

/* One digit of Knuth's algorithm D: the quotient digit of u[0..n] by v[0..n-1], u becomes the
 * rest. */
static uint32_t divide_digit(uint32_t *u, const uint32_t *v, int n)
{
    uint64_t head = (uint64_t)u[n] << 32 | u[n - 1];
    uint64_t guess = head / v[n - 1];
    uint64_t rest = head % v[n - 1];
    while (guess >> 32 != 0 || guess * v[n - 2] > (rest << 32 | u[n - 2])) {
        guess--;
        rest += v[n - 1];
        if (rest >> 32 != 0)
            break;
    }
    int64_t borrow = 0;
    uint64_t carry = 0;
    for (int i = 0; i < n; i++) {
        carry += guess * v[i];
        int64_t cell = (int64_t)u[i] - (int64_t)(uint32_t)carry - borrow;
        u[i] = (uint32_t)cell;
        borrow = cell < 0;
        carry >>= 32;
    }
    int64_t top = (int64_t)u[n] - (int64_t)carry - borrow;
    u[n] = (uint32_t)top;
    if (top >= 0)
        return (uint32_t)guess;
    carry = 0; /* the guess was one too big: add the divisor back */
    for (int i = 0; i < n; i++) {
        carry += (uint64_t)u[i] + v[i];
        u[i] = (uint32_t)carry;
        carry >>= 32;
    }
    u[n] += (uint32_t)carry;
    return (uint32_t)(guess - 1);
}

mr_wide mr_wide_divide(mr_wide value, mr_u128 divisor, mr_u128 *remainder)
{
    if (divisor >> 32 == 0)
        return divide_small(value, (uint32_t)divisor, remainder);
    int shift = 0;
    int n = 4;
    while (divisor >> (32 * (n - 1)) == 0)
        n--;
    while ((divisor >> (32 * n - 1 - shift) & 1) == 0)
        shift++;
    const mr_wide v = mr_wide_of(divisor << shift);
    uint32_t u[MR_WIDE_LIMBS + 1] = {0};
    for (int i = 0; i < MR_WIDE_LIMBS; i++) {
        uint64_t cell = (uint64_t)value.limb[i] << shift;
        u[i] |= (uint32_t)cell;
        u[i + 1] = (uint32_t)(cell >> 32);
    }
    mr_wide quotient = {{0}};
    for (int j = MR_WIDE_LIMBS - n; j >= 0; j--)
        quotient.limb[j] = divide_digit(u + j, v.limb, n);
    mr_u128 rest = 0;
    for (int i = n - 1; i >= 0; i--)
        rest = rest << 32 | u[i];
    *remainder = rest >> shift;
    return quotient;
}
