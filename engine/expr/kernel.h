/*
 * What kernels share: walking the rows of a call, reading arguments, failing a row.
 *
 *   for (uint32_t i = 0; i < call->selected; i++) {
 *       uint32_t row = mr_kernel_row(call, i);
 *       if (mr_kernel_is_null(call, row))      // strict: the result is NULL already
 *           continue;
 *       ... call->args[0].i64[mr_kernel_at(call, 0, row)] ...
 *   }
 */
#ifndef MR_ENGINE_EXPR_KERNEL_H
#define MR_ENGINE_EXPR_KERNEL_H

#include "engine/expr/function.h"

/* Row number of the i-th row to compute. */
static inline uint32_t mr_kernel_row(const mr_kernel_call *call, uint32_t i)
{
    return call->selection != NULL ? call->selection[i] : i;
}

/* Is the result of `row` NULL already (a strict kernel's argument is)? */
static inline bool mr_kernel_is_null(const mr_kernel_call *call, uint32_t row)
{
    return call->result->valid != NULL && !mr_bitmap_get(call->result->valid, row);
}

/* Where argument `arg` keeps the value of `row`. */
static inline size_t mr_kernel_at(const mr_kernel_call *call, uint32_t arg, uint32_t row)
{
    return call->args[arg].is_constant ? 0 : row;
}

static inline bool mr_kernel_arg_is_null(const mr_kernel_call *call, uint32_t arg, uint32_t row)
{
    return mr_vector_is_null(&call->args[arg], row);
}

static inline mr_string mr_kernel_string(const mr_kernel_call *call, uint32_t arg, uint32_t row)
{
    return call->args[arg].strings[mr_kernel_at(call, arg, row)];
}

/* The selection when it is so thin that walking it beats computing every row; else NULL. */
static inline const uint32_t *mr_kernel_sparse(const mr_kernel_call *call)
{
    return call->selection != NULL && call->selected < call->rows / 4 ? call->selection : NULL;
}

/* Makes the result of `row` NULL. */
void mr_kernel_null(const mr_kernel_call *call, uint32_t row);

/* The same, and adds a row error. Kernels of TRY_CAST are called without a list: then only NULL. */
void mr_kernel_fail(const mr_kernel_call *call, uint32_t row, mr_status code, const char *format,
                    ...) __attribute__((format(printf, 4, 5)));

#endif
