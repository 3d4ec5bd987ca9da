/*
 * Text of a job to its syntax tree.
 *
 * Goes on after an error at the next `;`, so one run reports many. What cannot be parsed is
 * left out
 * of the tree; a tree is complete only when no error was reported.
 * Bounds: nesting is limited to MR_PARSE_NESTING_MAX levels (MR_E_TOO_DEEP), time is linear in the
 * length of the text. Any bytes may come in.
 */
#ifndef MR_JOBS_SQL_PARSER_PARSER_H
#define MR_JOBS_SQL_PARSER_PARSER_H

#include "jobs/sql/ast.h"
#include "jobs/sql/diagnostic.h"

/* Brackets, subqueries, CASE, NOT, signs and types inside each other. */
#define MR_PARSE_NESTING_MAX 256

/* The statements of `script` in order. All memory is the arena's; errors go to `diagnostics`. */
mr_ast_script mr_parse(const mr_script *script, mr_arena *arena, mr_diagnostics *diagnostics);

/* One expression on its own; NULL after an error. */
mr_ast_expr *mr_parse_expr(const mr_script *script, mr_arena *arena, mr_diagnostics *diagnostics);

#endif
