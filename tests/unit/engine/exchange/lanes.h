/*
 * A relation with a column of every lane, and random rows of it.
 */
#ifndef MR_TESTS_UNIT_ENGINE_EXCHANGE_LANES_H
#define MR_TESTS_UNIT_ENGINE_EXCHANGE_LANES_H

#include "engine/batch/batch.h"

#define MR_LANES_COLUMNS 8

extern const mr_schema mr_lanes;

uint64_t mr_lanes_random(uint64_t *state);

/* Random rows: ranges narrow and wide, constant columns, NULLs or none, hidden columns or none. */
mr_batch mr_lanes_batch(uint64_t *state, uint32_t rows, mr_arena *arena);

/* Row i of `got` is row rows[i] of `sent`, hidden columns included; asserts. */
void mr_lanes_expect(const mr_batch *sent, const uint32_t *rows, const mr_batch *got);

#endif
