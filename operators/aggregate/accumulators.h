/*
 * The accumulators of several aggregates side by side, as an entry's value holds them.
 *
 *   | head of the operator's own | accumulator 0 | accumulator 1 | ..
 *
 * Thread: pure. Memory: `offsets` in the given arena.
 */
#ifndef MR_OPERATORS_AGGREGATE_ACCUMULATORS_H
#define MR_OPERATORS_AGGREGATE_ACCUMULATORS_H

#include "operators/aggregate/aggregate.h"

typedef struct mr_accumulators {
    const mr_aggregate *aggregates;
    uint32_t count;
    const uint32_t *offsets; /* [count] in a value */
    uint32_t size;           /* of a value, head included */
    bool has_distinct;
    bool needs_arenas;  /* MIN, MAX or DISTINCT: adding to them takes an arena */
    bool keeps_strings; /* MIN or MAX of strings: values point into an arena */
} mr_accumulators;

/* `head` bytes (a multiple of 16) come first. */
mr_accumulators mr_accumulators_of(const mr_aggregate *aggregates, uint32_t count, uint32_t head,
                                   mr_arena *arena);

/* How a value without its head travels; `read` wants the reader to end behind it. */
void mr_accumulators_write(const mr_accumulators *accumulators, const void *value, mr_buffer *to);
bool mr_accumulators_read(const mr_accumulators *accumulators, mr_reader *from, void *value,
                          mr_arena *arena);

/* Adds `from` to `to`, all but the DISTINCT ones: those need to know which values are new. */
void mr_accumulators_merge(const mr_accumulators *accumulators, void *to, const void *from,
                           mr_arena *arena);

/* Copies the strings that a value keeps into `arena`. */
void mr_accumulators_move_strings(const mr_accumulators *accumulators, void *value,
                                  mr_arena *arena);

/* Which of the `count` rows have TRUE in column `filter`: indexes into `rows`. Returns how many. */
uint32_t mr_aggregate_passing(const mr_batch *batch, int32_t filter, const uint32_t *rows,
                              uint32_t count, uint32_t *kept);

#endif
