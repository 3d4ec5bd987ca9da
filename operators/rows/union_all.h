/*
 * Union all: rows of several inputs of one schema, as they come. Its watermark is the lowest of
 * theirs, which the engine computes. Config: NULL.
 */
#ifndef MR_OPERATORS_ROWS_UNION_ALL_H
#define MR_OPERATORS_ROWS_UNION_ALL_H

#include "engine/run/operator.h"

extern const mr_operator_class mr_union_all_class;

#endif
