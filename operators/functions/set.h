/*
 * Sets of constants for IN: an open hash table over the values of one lane.
 * Thread: immutable once made. Memory: the given arena.
 */
#ifndef MR_OPERATORS_FUNCTIONS_SET_H
#define MR_OPERATORS_FUNCTIONS_SET_H

#include "engine/expr/expr.h"

typedef struct mr_set mr_set;

/* The values of `count` constants of type `type`; NULLs only make a miss unknown. */
const mr_set *mr_set_new(mr_arena *arena, mr_type type, mr_expr *const *items, uint32_t count);

extern const mr_function mr_function_in; /* (x, list as text); data: the mr_set */

#endif
