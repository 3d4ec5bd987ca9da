/*
 * Single values: folding an expression to one, and writing one as SQL text.
 * Thread: pure. Memory: the caller's.
 */
#ifndef MR_ENGINE_EXPR_VALUE_H
#define MR_ENGINE_EXPR_VALUE_H

#include "engine/base/buffer.h"
#include "engine/expr/expr.h"

/* Computes an expression that reads no column and is not volatile. False: it does, or it fails
 * (which is for the rows to say). Strings are made in `arena`. `context` NULL: UTC. */
bool mr_expr_fold(const mr_expr *expr, const mr_expr_context *context, mr_arena *arena,
                  mr_value *value);

/* As a SQL literal: 1, 'x', TRUE, NULL, TIMESTAMP '2024-01-01 00:00:00.000', 5 000 000 us as
 * INTERVAL '5.000000' SECOND. TIMESTAMP_LTZ in UTC. */
void mr_value_print(mr_type type, const mr_value *value, mr_buffer *text);

#endif
