/*
 * CAST and TRY_CAST between types, as kernels.
 *
 * A value that cannot be written in the target type fails the row; TRY_CAST makes it NULL. A
 * number that does not fit a DECIMAL is NULL in both. Numbers lose digits behind the point
 * (towards zero into integers, HALF_UP into decimals); text is cut to VARCHAR(n) and CHAR(n), and
 * CHAR is padded. TIMESTAMP and TIMESTAMP_LTZ convert through the context's zone.
 * Thread: pure. Memory: static functions; text is made in the batch's arena.
 */
#ifndef MR_ENGINE_EXPR_KERNELS_CAST_H
#define MR_ENGINE_EXPR_KERNELS_CAST_H

#include "engine/expr/kernel.h"

/* The cast's function, NULL when there is no such cast. Takes one argument of exactly `from` and
 * gives exactly `to`. */
const mr_function *mr_cast_function(mr_type from, mr_type to, bool is_try);

/* Are the values of `from` values of `to` as they are? Then a column or constant may simply be
 * read as `to`. */
bool mr_cast_is_relabel(mr_type from, mr_type to);

/* By target: to BOOLEAN and numbers, to text and bytes, to dates and times; NULL: no such cast.
 * cast_number.c, cast_text.c, cast_time.c */
const mr_function *mr_cast_to_number(mr_type from, mr_type to, bool is_try);
const mr_function *mr_cast_to_text(mr_type from, mr_type to, bool is_try);
const mr_function *mr_cast_to_time(mr_type from, mr_type to, bool is_try);

/* The CAST and the TRY_CAST of a kernel, as `<kernel>_cast[is_try]`: MR_CAST_CHECKED may fail rows,
 * MR_CAST_PLAIN cannot. */
#define MR_CAST_CHECKED(kernel_name)                                                    \
    static const mr_function kernel_name##_cast[] = {                                   \
        {.name = "CAST", .kernel = (kernel_name), .is_strict = true, .can_fail = true}, \
        {.name = "TRY_CAST",                                                            \
         .kernel = (kernel_name),                                                       \
         .is_strict = true,                                                             \
         .is_lenient = true,                                                            \
         .is_costly = true},                                                            \
    };
#define MR_CAST_PLAIN(kernel_name)                                                           \
    static const mr_function kernel_name##_cast[] = {                                        \
        {.name = "CAST", .kernel = (kernel_name), .is_strict = true, .is_costly = true},     \
        {.name = "TRY_CAST", .kernel = (kernel_name), .is_strict = true, .is_costly = true}, \
    };

/* Calls `convert(call, row, at)` for every row to compute: `at` is where the argument's value
 * lies. */
static inline void mr_cast_each(const mr_kernel_call *call,
                                void (*convert)(const mr_kernel_call *call, uint32_t row,
                                                size_t at))
{
    for (uint32_t i = 0; i < call->selected; i++) {
        uint32_t row = mr_kernel_row(call, i);
        if (!mr_kernel_is_null(call, row))
            convert(call, row, mr_kernel_at(call, 0, row));
    }
}

/* The kernel `name` that converts row by row, and its functions. The body sees call, row and at. */
#define MR_CAST_EACH(name, kind)                                                        \
    static inline void name##_row(const mr_kernel_call *call, uint32_t row, size_t at); \
    static void name(const mr_kernel_call *call)                                        \
    {                                                                                   \
        mr_cast_each(call, name##_row);                                                 \
    }                                                                                   \
    kind(name) static inline void name##_row(const mr_kernel_call *call, uint32_t row, size_t at)

/* Text without the blanks around it. */
mr_string mr_text_trimmed(mr_string text);

/* Fails a row because `text` is no value of the result's type. */
void mr_cast_fail_text(const mr_kernel_call *call, uint32_t row, mr_string text);

#endif
