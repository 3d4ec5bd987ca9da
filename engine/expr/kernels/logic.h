/*
 * Three-valued logic and tests for NULL. AND and OR here compute both sides; the program uses them
 * where the right side is cheap and cannot fail, else it narrows the selection first.
 * Thread: pure. Memory: static functions.
 */
#ifndef MR_ENGINE_EXPR_KERNELS_LOGIC_H
#define MR_ENGINE_EXPR_KERNELS_LOGIC_H

#include "engine/expr/function.h"

extern const mr_function mr_function_and;
extern const mr_function mr_function_or;
extern const mr_function mr_function_not;
extern const mr_function mr_function_is_null;
extern const mr_function mr_function_is_not_null;
extern const mr_function mr_function_is_true;
extern const mr_function mr_function_is_not_true;
extern const mr_function mr_function_is_false;
extern const mr_function mr_function_is_not_false;

#endif
