/*
 * The template of kernels over values of fixed size that cannot fail: one loop for each way an
 * argument can come, so that the compiler sees a plain vector loop.
 *
 *   MR_UNARY_KERNEL(name, A, R, expression of a)
 *   MR_BINARY_KERNEL(name, A, B, R, expression of a and b)
 *
 * A, B, R are the C types of the lanes. Each defines `name_value`, the scalar, and the kernel
 * `name`:
 *
 *   SV   a thin selection: row by row        VC   b is constant
 *   VV   both are vectors: all rows          CV   a is constant (VC's loop, mirrored)
 *
 * All rows are computed, NULL and unselected ones too (what lies there is readable, and these
 * kernels cannot trap): so an expression must not overflow signed integers, divide, or follow a
 * pointer.
 */
#ifndef MR_ENGINE_EXPR_KERNELS_TEMPLATE_H
#define MR_ENGINE_EXPR_KERNELS_TEMPLATE_H

#include "engine/expr/kernel.h"

#define MR_UNARY_KERNEL(name, A, R, expression)                      \
    static inline R name##_value(A a)                                \
    {                                                                \
        return (R)(expression);                                      \
    }                                                                \
    static void name(const mr_kernel_call *call)                     \
    {                                                                \
        const A *restrict from = call->args[0].values;               \
        R *restrict to = call->result->values;                       \
        const uint32_t *selection = mr_kernel_sparse(call);          \
        if (call->args[0].is_constant) {                             \
            const R value = name##_value(from[0]);                   \
            for (uint32_t i = 0; i < call->rows; i++)                \
                to[i] = value;                                       \
        } else if (selection != NULL) {                              \
            for (uint32_t i = 0; i < call->selected; i++)            \
                to[selection[i]] = name##_value(from[selection[i]]); \
        } else {                                                     \
            for (uint32_t i = 0; i < call->rows; i++)                \
                to[i] = name##_value(from[i]);                       \
        }                                                            \
    }

#define MR_BINARY_KERNEL(name, A, B, R, expression)                                     \
    static inline R name##_value(A a, B b)                                              \
    {                                                                                   \
        return (R)(expression);                                                         \
    }                                                                                   \
    static void name(const mr_kernel_call *call)                                        \
    {                                                                                   \
        const A *restrict left = call->args[0].values;                                  \
        const B *restrict right = call->args[1].values;                                 \
        R *restrict to = call->result->values;                                          \
        const uint32_t *selection = mr_kernel_sparse(call);                             \
        const size_t step_left = !call->args[0].is_constant;                            \
        const size_t step_right = !call->args[1].is_constant;                           \
        if (selection != NULL) {                                                        \
            for (uint32_t i = 0; i < call->selected; i++) {                             \
                const size_t row = selection[i];                                        \
                to[row] = name##_value(left[row * step_left], right[row * step_right]); \
            }                                                                           \
        } else if (step_right == 0) {                                                   \
            const B b = right[0];                                                       \
            for (uint32_t i = 0; i < call->rows; i++)                                   \
                to[i] = name##_value(left[i * step_left], b);                           \
        } else if (step_left == 0) {                                                    \
            const A a = left[0];                                                        \
            for (uint32_t i = 0; i < call->rows; i++)                                   \
                to[i] = name##_value(a, right[i]);                                      \
        } else {                                                                        \
            for (uint32_t i = 0; i < call->rows; i++)                                   \
                to[i] = name##_value(left[i], right[i]);                                \
        }                                                                               \
    }

#endif
