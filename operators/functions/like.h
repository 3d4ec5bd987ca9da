/*
 * LIKE: `%` any text, `_` one character, the rest itself; whole string. An escape character takes
 * the meaning from `%`, `_` and itself. Thread: pure. Memory: a compiled pattern lives in the
 * given arena.
 */
#ifndef MR_OPERATORS_FUNCTIONS_LIKE_H
#define MR_OPERATORS_FUNCTIONS_LIKE_H

#include "engine/expr/function.h"

typedef struct mr_like mr_like;

/* Compiles a pattern; `escape` of length 0: none. NULL when done, else what is wrong with it. */
const char *mr_like_new(mr_string pattern, mr_string escape, mr_arena *arena, const mr_like **like);
bool mr_like_matches(const mr_like *like, mr_string text);

extern const mr_function mr_function_like;         /* data: the mr_like */
extern const mr_function mr_function_like_dynamic; /* pattern (and escape) per row */

#endif
