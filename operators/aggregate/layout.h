/*
 * Accumulators from the inside: what aggregate.c adds to and columns.c takes apart.
 */
#ifndef MR_OPERATORS_AGGREGATE_LAYOUT_H
#define MR_OPERATORS_AGGREGATE_LAYOUT_H

#include "operators/aggregate/aggregate.h"

/* Layouts as in aggregate.h. The unions keep every accumulator at one size: 32 bytes, COUNT at
 * 16. */
typedef struct mr_sum {
    union {
        mr_u128 low; /* with `high` one signed number of 192 bits: two DECIMAL(38) can leave 128 */
        double real;
    };
    int64_t count;
    int64_t high;
} mr_sum;

typedef struct mr_extreme {
    union {
        mr_i128 exact;
        double real;
        mr_string string;
    };
    int64_t has;
    int64_t padding;
} mr_extreme;

typedef struct mr_tally {
    int64_t count;
    int64_t padding;
} mr_tally;

static inline bool mr_aggregate_is_real(mr_type type)
{
    return type.kind == MR_TYPE_DOUBLE || type.kind == MR_TYPE_FLOAT;
}

#endif
