/*
 * Expressions, types and names back to SQL: the texts in dead letters and in EXPLAIN.
 *
 * Invariant: what is printed parses to an equal tree (spans apart). Names are quoted only where
 * they
 * must be; brackets stand only where precedence asks for them. Thread: pure.
 */
#ifndef MR_JOBS_SQL_UNPARSE_H
#define MR_JOBS_SQL_UNPARSE_H

#include "engine/base/buffer.h"
#include "jobs/sql/ast.h"

/* Each appends to `out`, without a NUL. */
void mr_unparse_expr(mr_buffer *out, const mr_ast_expr *expr);
void mr_unparse_type(mr_buffer *out, const mr_ast_type *type);
void mr_unparse_query(mr_buffer *out, const mr_ast_query *query); /* on one line */
void mr_unparse_name(mr_buffer *out, const char *name);           /* in backticks if needed */
void mr_unparse_string(mr_buffer *out, const char *text, size_t length); /* 'it''s' */

#endif
