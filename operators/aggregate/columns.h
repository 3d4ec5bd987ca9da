/*
 * Accumulators as columns: how they travel from the stage that aggregates before an exchange to the
 * one that merges behind it.
 *
 *   COUNT                             count BIGINT
 *   SUM, AVG over integers, DECIMAL   the low 128 bits DECIMAL(38, 0), high BIGINT, count BIGINT
 *   SUM, AVG over FLOAT, DOUBLE       sum DOUBLE, count BIGINT
 *   MIN, MAX                          the value, of the argument's type; NULL: none
 *
 * Not for DISTINCT aggregates. Thread: pure.
 */
#ifndef MR_OPERATORS_AGGREGATE_COLUMNS_H
#define MR_OPERATORS_AGGREGATE_COLUMNS_H

#include "operators/aggregate/aggregate.h"

#define MR_AGGREGATE_COLUMNS_MAX 3

/* Types of an aggregate's columns; returns how many. */
uint32_t mr_aggregate_columns(const mr_aggregate *aggregate,
                              mr_type types[MR_AGGREGATE_COLUMNS_MAX]);

/* The columns of `count` accumulators (values[i] + offset), new in `arena`; strings are
 * borrowed. */
void mr_aggregate_to_columns(const mr_aggregate *aggregate, void *const *values, uint32_t offset,
                             uint32_t count, mr_vector *columns, mr_arena *arena);

/* The accumulator of row `row`; strings are borrowed from the columns. False: no batch of
 * MR_BATCH_ROWS_MAX rows comes to this. */
bool mr_aggregate_from_columns(const mr_aggregate *aggregate, const mr_vector *columns,
                               uint32_t row, void *accumulator);

#endif
